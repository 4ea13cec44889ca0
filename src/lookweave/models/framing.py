"""Photos and crops brought to the frame that a model takes."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from PIL import Image

from lookweave.models.protocols import Crop, Pixels
from lookweave.models.session import open_session

Tensor = NDArray[np.float32]

GRAPH = Path(__file__).with_name("framing.onnx")
"""Resizes, places, fades and normalises in one call; `lookweave.train.framing_graph` wrote it."""


def nearest_frame(frames: Sequence[tuple[int, int]], height: int, width: int) -> tuple[int, int]:
    """The frame (height, width) whose shape is nearest that of a photo."""
    return min(frames, key=lambda frame: abs(log(frame[0] / frame[1]) - log(height / width)))


def fitted_side(frames: Sequence[tuple[int, int]], height: int, width: int) -> int:
    """The longest side, in pixels, of a photo fitted into its nearest frame."""
    down, across = nearest_frame(frames, height, width)
    return ceil(max(height, width) * min(down / height, across / width))


@dataclass(frozen=True)
class Fading:
    """Where a frame's pixels move towards its grey.

    Attributes:
        mask: uint8 (h, w), 255 where they stay as they are.
        window: top, left, bottom and right of the frame in the mask's pixels; where it has none,
            all fade.
        cells: (down, across), on which the mask is looked at: the wider, the softer its edge.
        share: how far they move, 0 to 1.
    """

    mask: Pixels
    window: tuple[float, float, float, float]
    cells: tuple[int, int]
    share: float


NO_FADING = Fading(np.full((1, 1), 255, np.uint8), (0.0, 0.0, 1.0, 1.0), (1, 1), 0.0)


class Levels:
    """How a network takes pixels: (pixel / 255 - mean) / std in each channel, and grey around."""

    def __init__(self, mean: Sequence[float], std: Sequence[float], grey: float) -> None:
        factors = 1.0 / (255.0 * np.asarray(std, np.float32))
        zero = 255.0 * np.asarray(mean, np.float32)
        self._grey = np.array(grey, np.float32)
        self._factors = factors.reshape(1, 3, 1, 1)
        self._grey_after = ((grey - zero) * factors).reshape(1, 3, 1, 1)

    def framed(
        self,
        pixels: Pixels,
        size: tuple[int, int],
        corner: tuple[int, int],
        frame: tuple[int, int],
        fading: Fading = NO_FADING,
    ) -> Tensor:
        """Pixels resized and put into a frame of grey.

        Args:
            pixels: uint8 (h, w, 3).
            size: height and width that they are resized to.
            corner: row and column of the frame where their upper left corner lies; what is
                outside the frame is cut off.
            frame: height and width.

        Returns:
            float32 (1, 3, height, width).
        """
        beyond = (frame[0] - corner[0] - size[0], frame[1] - corner[1] - size[1])
        given = {
            "pixels": _averaged(pixels, size),
            "size": np.array([1, 3, *size]),
            "margins": np.array([0, 0, *corner, 0, 0, *beyond]),
            "grey": self._grey,
            "mask": fading.mask,
            "window": _sampled(fading),
            "cells": np.array([1, 1, *fading.cells]),
            "fade": np.array(fading.share, np.float32),
            "frame": np.array([1, 1, *(fading.cells if fading is NO_FADING else frame)]),
            "scale": self._factors,
            "shift": self._grey_after,
        }
        image: Tensor = _graph().run(None, given)[0]
        return image


@functools.cache
def _graph() -> ort.InferenceSession:
    return open_session(GRAPH, on_processor=True)


def _averaged(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """Pixels of which at most two in a row fall on one of `size`, so that linear interpolation
    skips none. Crops are prepared alike in training."""
    factor = min(pixels.shape[0] // size[0], pixels.shape[1] // size[1])
    if factor > 1:
        pixels = np.asarray(Image.fromarray(pixels).reduce(factor))
    return np.ascontiguousarray(pixels)


def _sampled(fading: Fading) -> NDArray[np.float32]:
    """Where the first and the last cell's middles lie in the mask with a ring of one pixel around
    it, as ONNX's ``tf_crop_and_resize`` wants it: 0 is the first pixel's middle, 1 the last's."""
    first, last = [], []
    for axis, (cells, pixels) in enumerate(zip(fading.cells, fading.mask.shape, strict=True)):
        start, stop = fading.window[axis], fading.window[2 + axis]
        half = (stop - start) / cells / 2
        first.append((start + half + 0.5) / (pixels + 1))
        last.append((stop - half + 0.5) / (pixels + 1))
    return np.array([0, 0, *first, 1, 1, *last], np.float32)


@dataclass(frozen=True)
class Letterboxed:
    """A photo in the middle of a frame.

    Attributes:
        image: float32 (1, 3, height, width).
        scale: the frame's pixels for one of the photo's.
        left, top: margins in the frame's pixels.
    """

    image: Tensor
    scale: float
    left: int
    top: int


def letterbox(photo: Pixels, height: int, width: int, levels: Levels) -> Letterboxed:
    """Fit `photo` into a frame, its aspect kept, centred on grey."""
    scale = min(width / photo.shape[1], height / photo.shape[0])
    size = (max(1, round(photo.shape[0] * scale)), max(1, round(photo.shape[1] * scale)))
    top, left = (height - size[0]) // 2, (width - size[1]) // 2
    return Letterboxed(levels.framed(photo, size, (top, left), (height, width)), scale, left, top)


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
    extent = max(x1 - x0, y1 - y0, 1.0) * (1 + 2 * surroundings.margin)
    left, top = (x0 + x1 - extent) / 2, (y0 + y1 - extent) / 2
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
