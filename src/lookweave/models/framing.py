"""Photos and crops brought to the frame that a model takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log

import numpy as np
from PIL import Image

from lookweave.models.protocols import Crop, Pixels
from lookweave.models.resampling import Fading, Levels, Tensor


def nearest_frame(frames: Sequence[tuple[int, int]], height: int, width: int) -> tuple[int, int]:
    """The frame (height, width) whose shape is nearest that of a photo."""
    return min(frames, key=lambda frame: abs(log(frame[0] / frame[1]) - log(height / width)))


def fitted_side(frames: Sequence[tuple[int, int]], height: int, width: int) -> int:
    """The longest side, in pixels, of a photo fitted into its nearest frame."""
    down, across = nearest_frame(frames, height, width)
    return ceil(max(height, width) * min(down / height, across / width))


def letterbox(
    photo: Pixels, height: int, width: int, fill: tuple[int, int, int] = (128, 128, 128)
) -> tuple[Image.Image, float, int, int]:
    """Fit `photo` into a frame, its aspect kept, centred on `fill`.

    Returns:
        The frame, RGB; the scale; the left and top margins in its pixels.
    """
    scale = min(width / photo.shape[1], height / photo.shape[0])
    inner = (max(1, round(photo.shape[1] * scale)), max(1, round(photo.shape[0] * scale)))
    # Nearest to the means over areas that networks were trained on, and quick at whole factors.
    kernel = Image.Resampling.HAMMING if scale < 1 else Image.Resampling.BILINEAR
    fitted = Image.fromarray(photo).resize(inner, kernel, reducing_gap=1.0)
    left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
    frame = Image.new("RGB", (width, height), fill)
    frame.paste(fitted, (left, top))
    return frame, scale, left, top


def cut(crop: Crop, margin: float = 0.0) -> tuple[Pixels, Pixels]:
    """The crop's pixels and its mask at the same size.

    Args:
        margin: added on each side, as a share of the box's longer side; the photo's edge limits.

    Returns:
        uint8 (h, w, 3) and uint8 (h, w), 255 on the garment; all 255 inside the box where the
        crop has no mask.
    """
    x0, y0, x1, y1 = crop.box
    left, top, right, bottom = cut_around(crop, margin)
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


def cut_around(crop: Crop, margin: float) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of what `cut` takes, in whole pixels of the photo."""
    height, width = crop.photo.shape[:2]
    x0, y0, x1, y1 = crop.box
    pad = margin * max(x1 - x0, y1 - y0)
    left, top = max(0, int(x0 - pad)), max(0, int(y0 - pad))
    right, bottom = min(width, int(np.ceil(x1 + pad))), min(height, int(np.ceil(y1 + pad)))
    return left, top, max(right, left + 1), max(bottom, top + 1)


@dataclass(frozen=True)
class Surroundings:
    """What a network sees around a garment.

    Attributes:
        margin: room on each side of the box, as a share of its longer side.
        fade: how far what lies outside the mask moves towards grey. Not 1: a mask that misses
            half a garment must not lose it altogether.
        edge: standard deviation of the mask's soft edge, as a share of the square's side.
    """

    margin: float
    fade: float
    edge: float


def square(crop: Crop, side: int, surroundings: Surroundings, levels: Levels) -> Tensor:
    """The crop in the middle of a square with its surroundings faded, float32 (1, 3, side, side).

    The square's side is the box's longer side and both margins; what lies outside the photo is
    grey.
    """
    x0, y0, x1, y1 = crop.box
    left, top, extent = _corner_and_side(crop.box, surroundings.margin)
    scale = side / extent
    # Whole pixels of the photo that the square touches, and the square's that they fill.
    height, width = crop.photo.shape[:2]
    rows, columns = _touched(top, extent, height), _touched(left, extent, width)
    corner, size = zip(
        _placed(rows.start - top, rows.stop - top, scale),
        _placed(columns.start - left, columns.stop - left, scale),
        strict=True,
    )
    cells = round(side / max(0.5, surroundings.edge * side))
    per_cell = extent / cells  # pixels of the photo
    high, wide = max(y1 - y0, 1.0), max(x1 - x0, 1.0)
    mask = _on_cells(_WHOLE if crop.mask is None else crop.mask, high / per_cell, wide / per_cell)
    # The square in pixels of the mask, which fills the box.
    down, across = mask.shape[0] / high, mask.shape[1] / wide
    window = (
        (top - y0) * down, (left - x0) * across,
        (top + extent - y0) * down, (left + extent - x0) * across,
    )  # fmt: skip
    fading = Fading(mask, window, (cells, cells), surroundings.fade)
    return levels.framed(crop.photo[rows, columns], size, corner, (side, side), fading)


def square_around(
    box: tuple[float, float, float, float], margin: float
) -> tuple[float, float, float, float]:
    """The square that `square` shows, xyxy in the photo's pixels, perhaps beyond it."""
    left, top, extent = _corner_and_side(box, margin)
    return left, top, left + extent, top + extent


def _corner_and_side(
    box: tuple[float, float, float, float], margin: float
) -> tuple[float, float, float]:
    x0, y0, x1, y1 = box
    extent = max(x1 - x0, y1 - y0, 1.0) * (1 + 2 * margin)
    return (x0 + x1 - extent) / 2, (y0 + y1 - extent) / 2, extent


_WHOLE = np.full((1, 1), 255, np.uint8)


def _on_cells(mask: Pixels, down: float, across: float) -> Pixels:
    """The mask at one to two pixels for each of the cells that it covers: interpolation between
    fewer would blur it, between more it would skip some."""
    rows, columns = (
        ceil(cells / one) for cells, one in zip((down, across), mask.shape, strict=True)
    )
    if rows > 1 or columns > 1:
        mask = mask.repeat(rows, axis=0).repeat(columns, axis=1)
    factors = max(1, int(mask.shape[1] / across)), max(1, int(mask.shape[0] / down))
    if factors != (1, 1):
        mask = np.asarray(Image.fromarray(mask).reduce(factors))
    return mask


def _touched(start: float, extent: float, length: int) -> slice:
    first = min(max(0, floor(start)), length - 1)
    return slice(first, max(first + 1, min(length, ceil(start + extent))))


def _placed(start: float, stop: float, scale: float) -> tuple[int, int]:
    """Where a stretch starts at this scale, and its length, in whole pixels."""
    first = round(start * scale)
    return first, max(1, round(stop * scale) - first)
