import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from lookweave.models.framing import (
    cut,
    fade_outside,
    fitted_side,
    letterbox,
    square,
    tensor,
)
from lookweave.models.protocols import Crop

sizes = st.integers(1, 90)


@given(sizes, sizes)
def test_letterbox_keeps_the_aspect_and_fills_the_rest(height: int, width: int) -> None:
    photo = np.full((height, width, 3), 200, np.uint8)
    frame, scale, left, top = letterbox(photo, 64, 48, (0, 0, 0))
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
    photo = np.zeros((50, 40, 3), np.uint8)
    x, y = min(x, 38.0), min(y, 48.0)
    crop = Crop(photo, (x, y, min(40.0, x + w), min(50.0, y + h)))
    pixels, mask = cut(crop, margin)
    assert pixels.shape[:2] == mask.shape and mask.max() == 255
    framed, inside = square(crop, 32, margin, 127)
    assert framed.shape == (32, 32, 3) and inside.shape == (32, 32) and inside.max() == 255


def test_square_puts_the_box_in_the_middle_and_grey_outside_the_photo() -> None:
    photo = np.full((40, 20, 3), 255, np.uint8)
    photo[10:30, 5:15] = (200, 0, 0)
    framed, mask = square(Crop(photo, (5, 10, 15, 30)), 40, 0.0, 127)
    assert tuple(framed[20, 20]) == (200, 0, 0)
    assert mask[20, 20] == 255 and mask[20, 2] == 0
    # A 20-pixel square around the 10-wide box reaches 0..20 across: all inside the photo.
    assert tuple(framed[20, 1]) == (255, 255, 255)
    framed, _ = square(Crop(photo, (0, 0, 20, 40)), 40, 0.0, 127)
    assert tuple(framed[20, 2]) == (127, 127, 127)


def test_masks_of_any_resolution_fill_the_box() -> None:
    photo = np.zeros((100, 100, 3), np.uint8)
    half = np.zeros((4, 4), np.uint8)
    half[:, 2:] = 255
    _, mask = cut(Crop(photo, (10, 10, 90, 90), half))
    assert mask.shape == (80, 80)
    assert mask[40, 10] == 0 and mask[40, 70] == 255


def test_fading_moves_the_outside_by_its_share_and_leaves_the_inside() -> None:
    pixels = np.full((60, 60, 3), 227, np.uint8)
    mask = np.zeros((60, 60), np.uint8)
    mask[:, 30:] = 255
    faded = fade_outside(pixels, mask, 0.85, 127, 1.0)
    assert abs(int(faded[30, 50, 0]) - 227) <= 1
    assert abs(int(faded[30, 5, 0]) - (127 + 15)) <= 1


@pytest.mark.parametrize("blur", [0.5, 1.92, 3.3])
def test_a_mask_is_softened_as_if_all_of_it_were_blurred(blur: float) -> None:
    mask = np.zeros((60, 80), np.uint8)
    mask[0:20, 30:41] = 255
    soft = np.asarray(Image.fromarray(mask).filter(ImageFilter.GaussianBlur(blur)), np.float32)
    white = np.full((60, 80, 3), 255, np.uint8)
    assert np.abs(fade_outside(white, mask, 1.0, 0, blur)[..., 0] - soft).max() <= 0.5


def test_what_a_detector_sees_of_a_photo_is_what_fits_its_nearest_frame() -> None:
    frames = ((448, 288), (352, 352), (288, 448))
    for height, width, side in ((768, 576, 384), (768, 512, 432), (500, 500, 352), (10, 40, 448)):
        assert fitted_side(frames, height, width) == side


def test_photos_are_shrunk_by_area_at_whole_factors() -> None:
    photo = np.random.default_rng(2).integers(0, 255, (64, 48, 3), np.uint8)
    means = photo.reshape(32, 2, 24, 2, 3).mean(axis=(1, 3))
    assert np.abs(letterbox(photo, 32, 24)[0] - means).max() <= 0.5


def test_tensor_normalises_and_orders_channels_first() -> None:
    frame = np.zeros((2, 3, 3), np.uint8)
    frame[..., 0] = 255
    batch = tensor([frame], (0.5, 0.5, 0.5), (0.5, 0.25, 0.5))
    assert batch.shape == (1, 3, 2, 3) and batch.dtype == np.float32
    assert batch[0, 0].min() == 1.0 and batch[0, 1].max() == -2.0
