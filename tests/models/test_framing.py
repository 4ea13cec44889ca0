import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from lookweave.models.framing import (
    Surroundings,
    cut,
    fitted_side,
    letterbox,
    square,
)
from lookweave.models.protocols import Crop
from lookweave.models.resampling import AS_IT_IS, FRAMED, Levels

sizes = st.integers(1, 90)
BARE = Surroundings(margin=0.0, fade=0.0, edge=0.01)


def as_they_are(grey: float) -> Levels:
    """Levels of a network that takes pixels in 0..255."""
    return Levels((0.0, 0.0, 0.0), (1 / 255, 1 / 255, 1 / 255), grey)


def squared(crop: Crop, side: int, surroundings: Surroundings, grey: float = 127) -> np.ndarray:
    image = square(crop, side, surroundings, as_they_are(grey))
    assert image.shape == (1, 3, side, side) and image.dtype == np.float32
    return image[0].transpose(1, 2, 0)


@given(sizes, sizes)
def test_letterbox_keeps_the_aspect_and_fills_the_rest(height: int, width: int) -> None:
    photo = np.full((height, width, 3), 200, np.uint8)
    framed, scale, left, top = letterbox(photo, 64, 48, (0, 0, 0))
    frame = np.asarray(framed)
    assert frame.shape == (64, 48, 3)
    inside = (frame == 200).all(axis=2)
    rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    assert (rows[0], columns[0]) == (top, left)
    assert abs(len(rows) - height * scale) <= 1 and abs(len(columns) - width * scale) <= 1
    assert (frame[~inside] == 0).all()


@given(st.floats(0, 60), st.floats(0, 60), st.floats(1, 60), st.floats(1, 60), st.floats(0, 0.5))
def test_cut_and_square_hold_for_any_box(
    x: float, y: float, w: float, h: float, margin: float
) -> None:
    photo = np.full((50, 40, 3), 200, np.uint8)
    x, y = min(x, 38.0), min(y, 48.0)
    crop = Crop(photo, (x, y, min(40.0, x + w), min(50.0, y + h)))
    pixels, mask = cut(crop, margin)
    assert pixels.shape[:2] == mask.shape and mask.max() == 255
    framed = squared(crop, 32, Surroundings(margin, 0.0, 0.01))
    # The photo in the middle, else grey or on the way to it.
    assert framed[15:17, 15:17].max() == pytest.approx(200, abs=0.1)
    assert framed.min() > 126.9 and framed.max() < 200.1


@pytest.mark.parametrize("box", [(3.0, 3.0, 3.0, 3.0), (0.0, 10.0, 60.0, 10.2), (59.9, 0, 60, 50)])
def test_a_box_without_any_width_has_a_square_too(box: tuple[float, float, float, float]) -> None:
    photo = np.full((50, 60, 3), 200, np.uint8)
    framed = squared(Crop(photo, box, np.full((4, 4), 255, np.uint8)), 32, BARE)
    assert np.isfinite(framed).all() and framed.max() == pytest.approx(200, abs=0.1)


def test_square_puts_the_box_in_the_middle_and_grey_outside_the_photo() -> None:
    photo = np.full((40, 20, 3), 255, np.uint8)
    photo[10:30, 5:15] = (200, 0, 0)
    framed = squared(Crop(photo, (5, 10, 15, 30)), 40, BARE)
    assert framed[20, 20] == pytest.approx((200, 0, 0))
    # A 20-pixel square around the 10-wide box reaches 0..20 across: all inside the photo.
    assert framed[20, 1] == pytest.approx((255, 255, 255))
    framed = squared(Crop(photo, (0, 0, 20, 40)), 40, BARE)
    assert framed[20, 2] == pytest.approx((127, 127, 127))


def test_a_square_shows_each_pixel_where_it_lies() -> None:
    rows, columns = np.indices((90, 120))
    photo = np.stack([2 * columns, 2 * rows, 0 * rows], axis=2).astype(np.uint8)
    for box in ((20.3, 30.7, 61.2, 70.1), (80.0, 2.0, 120.0, 88.0), (0.4, 0.4, 119.0, 89.0)):
        framed = squared(Crop(photo, box), 64, Surroundings(0.1, 0.0, 0.01), grey=0)
        extent = max(box[2] - box[0], box[3] - box[1]) * 1.2
        middles = (np.arange(64) + 0.5) * extent / 64
        across = (box[0] + box[2] - extent) / 2 + middles
        inside = (across > 1) & (across < 119)
        # Pixel j is centred at j + .5; half a pixel of either picture is the rounding allowed.
        off = framed[32, inside, 0] / 2 - (across[inside] - 0.5)
        assert np.abs(off).max() <= 0.5 + 0.5 * extent / 64


def test_masks_of_any_resolution_fill_the_box() -> None:
    photo = np.zeros((100, 100, 3), np.uint8)
    half = np.zeros((4, 4), np.uint8)
    half[:, 2:] = 255
    _, mask = cut(Crop(photo, (10, 10, 90, 90), half))
    assert mask.shape == (80, 80)
    assert mask[40, 10] == 0 and mask[40, 70] == 255


def test_fading_moves_the_outside_by_its_share_and_leaves_the_inside() -> None:
    mask = np.zeros((60, 60), np.uint8)
    mask[:, 30:] = 255
    crop = Crop(np.full((60, 60, 3), 227, np.uint8), (0, 0, 60, 60), mask)
    faded = squared(crop, 60, Surroundings(0.0, 0.85, 1 / 60))
    assert faded[30, 50] == pytest.approx(227, abs=0.1)
    assert faded[30, 5] == pytest.approx(127 + 15, abs=0.1)


@pytest.mark.parametrize(("side", "edge"), [(192, 0.01), (224, 0.01), (192, 0.02), (40, 0.01)])
def test_a_mask_is_softened_like_by_a_gaussian(side: int, edge: float) -> None:
    mask = np.zeros((150, 150), np.uint8)
    mask[30:110, 40:75] = 255
    photo = np.full((150, 150, 3), 255, np.uint8)
    found = squared(Crop(photo, (0, 0, 150, 150), mask), side, Surroundings(0, 1, edge), grey=0)
    whole = Image.fromarray(mask).resize((side, side), Image.Resampling.BILINEAR)
    blur = ImageFilter.GaussianBlur(max(0.5, edge * side))
    soft = np.asarray(whole.filter(blur), np.float32)
    off = np.abs(found[..., 0] - soft)
    assert off.mean() < 2 and off.max() < 40


def test_where_the_mask_has_no_pixels_all_fades() -> None:
    photo = np.full((100, 100, 3), 255, np.uint8)
    for shape in ((1, 1), (2, 9), (28, 28), (300, 200)):
        crop = Crop(photo, (30, 40, 70, 60), np.full(shape, 255, np.uint8))
        faded = squared(crop, 100, Surroundings(0.5, 1.0, 0.01), grey=0)[..., 0]
        assert faded[50, 50] == 255
        assert faded[:20].max() == 0 and faded[:, :8].max() == 0


def test_what_a_detector_sees_of_a_photo_is_what_fits_its_nearest_frame() -> None:
    frames = ((448, 288), (352, 352), (288, 448))
    for height, width, side in ((768, 576, 384), (768, 512, 432), (500, 500, 352), (10, 40, 448)):
        assert fitted_side(frames, height, width) == side


def test_masks_and_photos_need_not_lie_whole_in_memory() -> None:
    random = np.random.default_rng(3)
    photo = random.integers(0, 255, (80, 120, 6), np.uint8)[::2, ::2, 2:5]
    mask = (random.random((40, 60)) > 0.5).astype(np.uint8).T * np.uint8(255)
    around = Surroundings(0.1, 0.85, 0.01)
    box = (5.0, 5.0, 45.0, 35.0)
    copied = Crop(np.ascontiguousarray(photo), box, np.ascontiguousarray(mask))
    assert np.array_equal(squared(Crop(photo, box, mask), 64, around), squared(copied, 64, around))


def test_photos_are_shrunk_by_area_at_whole_factors() -> None:
    photo = np.random.default_rng(2).integers(0, 255, (64, 48, 3), np.uint8)
    means = photo.reshape(32, 2, 24, 2, 3).mean(axis=(1, 3))
    assert np.abs(np.asarray(letterbox(photo, 32, 24)[0]) - means).max() <= 0.5


def test_crops_are_shrunk_by_means_of_what_falls_on_a_pixel() -> None:
    photo = np.random.default_rng(2).integers(0, 255, (192, 192, 3), np.uint8)
    for factor in (2, 4):
        side = 192 // factor
        means = photo.reshape(side, factor, side, factor, 3).mean(axis=(1, 3))
        framed = squared(Crop(photo, (0, 0, 192, 192)), side, BARE)
        assert np.abs(framed - means).max() <= 0.51


def test_levels_are_normalised_in_each_channel() -> None:
    frame = np.random.default_rng(4).integers(0, 255, (5, 7, 3), np.uint8)
    mean, std = (0.5, 0.4, 0.3), (0.5, 0.25, 0.2)
    image = Levels(mean, std, 127).tensor(frame)
    assert image.shape == (1, 3, 5, 7) and image.dtype == np.float32
    np.testing.assert_allclose(image[0].transpose(1, 2, 0), (frame / 255 - mean) / std, atol=1e-5)


def test_the_graphs_are_what_their_recipe_writes() -> None:
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("torch", reason="lookweave.train needs it")
    from lookweave.train.resampling_graph import levels_graph, resampling_graph

    assert onnx.load(FRAMED) == resampling_graph()
    assert onnx.load(AS_IT_IS) == levels_graph()
