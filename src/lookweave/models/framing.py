"""Photos and crops brought to the frame that a model takes."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, log

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from lookweave.models.protocols import Crop, Pixels


def nearest_frame(frames: Sequence[tuple[int, int]], height: int, width: int) -> tuple[int, int]:
    """The frame (height, width) whose shape is nearest that of a photo."""
    return min(frames, key=lambda frame: abs(log(frame[0] / frame[1]) - log(height / width)))


def fitted_side(frames: Sequence[tuple[int, int]], height: int, width: int) -> int:
    """The longest side, in pixels, of a photo fitted into its nearest frame."""
    down, across = nearest_frame(frames, height, width)
    return ceil(max(height, width) * min(down / height, across / width))


def letterbox(
    photo: Pixels, height: int, width: int, fill: tuple[int, int, int] = (128, 128, 128)
) -> tuple[Pixels, float, int, int]:
    """Fit `photo` into a frame, its aspect kept, centred on `fill`.

    Returns:
        The frame, uint8 (height, width, 3); the scale; the left and top margins in its pixels.
    """
    scale = min(width / photo.shape[1], height / photo.shape[0])
    inner = (max(1, round(photo.shape[1] * scale)), max(1, round(photo.shape[0] * scale)))
    # Nearest to the means over areas that networks were trained on, and quick at whole factors.
    kernel = Image.Resampling.HAMMING if scale < 1 else Image.Resampling.BILINEAR
    fitted = Image.fromarray(photo).resize(inner, kernel, reducing_gap=1.0)
    left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
    frame = Image.new("RGB", (width, height), fill)
    frame.paste(fitted, (left, top))
    return np.asarray(frame), scale, left, top


def cut(crop: Crop, margin: float = 0.0) -> tuple[Pixels, Pixels]:
    """The crop's pixels and its mask at the same size.

    Args:
        margin: added on each side, as a share of the box's longer side; the photo's edge limits.

    Returns:
        uint8 (h, w, 3) and uint8 (h, w), 255 on the garment; all 255 inside the box where the
        crop has no mask.
    """
    height, width = crop.photo.shape[:2]
    x0, y0, x1, y1 = crop.box
    pad = margin * max(x1 - x0, y1 - y0)
    left, top = max(0, int(x0 - pad)), max(0, int(y0 - pad))
    right, bottom = min(width, int(np.ceil(x1 + pad))), min(height, int(np.ceil(y1 + pad)))
    right, bottom = max(right, left + 1), max(bottom, top + 1)
    mask = np.zeros((bottom - top, right - left), np.uint8)
    inner_left, inner_top = max(0, round(x0) - left), max(0, round(y0) - top)
    inner_width = max(1, min(round(x1 - x0), mask.shape[1] - inner_left))
    inner_height = max(1, min(round(y1 - y0), mask.shape[0] - inner_top))
    inner = np.full((inner_height, inner_width), 255, np.uint8)
    if crop.mask is not None:
        resized = Image.fromarray(crop.mask).resize(
            (inner_width, inner_height), Image.Resampling.BILINEAR
        )
        inner = np.asarray(resized)
    mask[inner_top : inner_top + inner_height, inner_left : inner_left + inner_width] = inner
    return np.ascontiguousarray(crop.photo[top:bottom, left:right]), mask


def square(crop: Crop, side: int, margin: float, grey: int) -> tuple[Pixels, Pixels]:
    """The crop in the middle of a square, uint8 (side, side, 3), and its mask (side, side).

    The square's side is the box's longer side plus `margin` of it at both ends; what lies
    outside the photo is `grey`.
    """
    x0, y0, x1, y1 = crop.box
    extent = max(x1 - x0, y1 - y0, 1.0) * (1 + 2 * margin)
    left, top = (x0 + x1 - extent) / 2, (y0 + y1 - extent) / 2
    scale = side / extent
    height, width = crop.photo.shape[:2]
    # The part of the square that the photo covers, in the photo's pixels and in the square's.
    inner = (max(0.0, left), max(0.0, top), min(width, left + extent), min(height, top + extent))
    place = _pixels((inner[0] - left, inner[1] - top, inner[2] - left, inner[3] - top), scale, side)
    pixels = np.full((side, side, 3), grey, np.uint8)
    size = (place[2] - place[0], place[3] - place[1])
    pixels[place[1] : place[3], place[0] : place[2]] = _resized(crop.photo, size, inner)
    mask = np.zeros((side, side), np.uint8)
    place = _pixels((x0 - left, y0 - top, x1 - left, y1 - top), scale, side)
    size = (place[2] - place[0], place[3] - place[1])
    inside = np.full(size[::-1], 255, np.uint8)
    if crop.mask is not None:
        inside = np.asarray(Image.fromarray(crop.mask).resize(size, Image.Resampling.BILINEAR))
    mask[place[1] : place[3], place[0] : place[2]] = inside
    return pixels, mask


def _resized(
    photo: Pixels, size: tuple[int, int], box: tuple[float, float, float, float]
) -> Pixels:
    """`box` of the photo at `size`. Only that part is copied, with what the filter reaches."""
    reach = int(max((box[2] - box[0]) / size[0], (box[3] - box[1]) / size[1])) + 2
    left, top = max(0, int(box[0]) - reach), max(0, int(box[1]) - reach)
    near = photo[top : int(box[3]) + reach + 1, left : int(box[2]) + reach + 1]
    moved = (box[0] - left, box[1] - top, box[2] - left, box[3] - top)
    return np.asarray(Image.fromarray(near).resize(size, Image.Resampling.BILINEAR, moved, 1.0))


def _pixels(
    box: tuple[float, float, float, float], scale: float, side: int
) -> tuple[int, int, int, int]:
    x0, y0, x1, y1 = (round(edge * scale) for edge in box)
    x0, y0 = min(max(x0, 0), side - 1), min(max(y0, 0), side - 1)
    return x0, y0, min(max(x1, x0 + 1), side), min(max(y1, y0 + 1), side)


def fade_outside(pixels: Pixels, mask: Pixels, fade: float, grey: int, blur: float) -> Pixels:
    """Move pixels towards `grey` by `fade` where the mask is low, its edge softened by `blur`
    (standard deviation in pixels)."""
    faded = pixels.astype(np.float32)
    faded -= grey
    faded *= ((1.0 - fade) + np.float32(fade / 255.0) * _softened(mask, blur))[..., None]
    faded += grey + 0.5  # between the pixel and grey, so nothing has to be clipped
    return faded.astype(np.uint8)


def _softened(mask: Pixels, blur: float) -> Pixels:
    """The mask with its edge softened, which changes nothing farther away than the blur reaches."""
    hard = Image.fromarray(mask)
    reach = 3 * ceil(blur)  # Pillow's blur is three boxes of that radius
    left, top, right, bottom = hard.getbbox() or (0, 0, 0, 0)
    near = (
        max(0, left - reach), max(0, top - reach),
        min(hard.width, right + reach), min(hard.height, bottom + reach),
    )  # fmt: skip
    hard.paste(hard.crop(near).filter(ImageFilter.GaussianBlur(blur)), near)
    return np.asarray(hard)


def tensor(
    frames: list[Pixels], mean: tuple[float, ...], std: tuple[float, ...]
) -> NDArray[np.float32]:
    """Frames of one size as float32 (n, 3, height, width), (pixel / 255 - mean) / std."""
    values = np.empty((len(frames), 3, *frames[0].shape[:2]), np.float32)
    for planes, frame in zip(values, frames, strict=True):
        planes[:] = np.moveaxis(frame, -1, 0)
    white = 255.0 * np.asarray(std, np.float32)
    values *= 1.0 / white[:, None, None]
    values -= (255.0 * np.asarray(mean, np.float32) / white)[:, None, None]
    return values
