import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lookweave.models.framing import cut, fade_outside, letterbox, square, tensor
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


def test_tensor_normalises_and_orders_channels_first() -> None:
    frame = np.zeros((2, 3, 3), np.uint8)
    frame[..., 0] = 255
    batch = tensor([frame], (0.5, 0.5, 0.5), (0.5, 0.25, 0.5))
    assert batch.shape == (1, 3, 2, 3) and batch.dtype == np.float32
    assert batch[0, 0].min() == 1.0 and batch[0, 1].max() == -2.0
