"""Pixels resampled for a network: resized, put into a frame, faded where they do not count, and
brought to the network's levels, in one call of a small onnxruntime graph."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from PIL import Image

from lookweave.models.protocols import Pixels
from lookweave.models.session import open_session

Tensor = NDArray[np.float32]

FRAMED, AS_IT_IS = (Path(__file__).with_name(f"{name}.onnx") for name in ("resampling", "levels"))
"""The graphs of `Levels.framed` and `Levels.tensor`. They have no weights;
`lookweave.train.resampling_graph` wrote them."""


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


class Levels:
    """How a network takes pixels: (pixel / 255 - mean) / std in each channel, and grey around."""

    def __init__(self, mean: Sequence[float], std: Sequence[float], grey: float) -> None:
        white = 255.0 * np.asarray(std, np.float32)
        zero = 255.0 * np.asarray(mean, np.float32) / white
        self._grey = np.array(grey, np.float32)
        self._scale, self._zero = (1.0 / white).reshape(1, 3, 1, 1), zero.reshape(1, 3, 1, 1)

    def tensor(self, frame: Pixels) -> Tensor:
        """A frame, uint8 (height, width, 3), as it is: float32 (1, 3, height, width)."""
        given = {"pixels": frame, "scale": self._scale, "zero": self._zero}
        image: Tensor = _graph(AS_IT_IS).run(None, given)[0]
        return image

    def framed(
        self,
        pixels: Pixels,
        size: tuple[int, int],
        corner: tuple[int, int],
        frame: tuple[int, int],
        fading: Fading,
    ) -> Tensor:
        """Pixels resized, put into a frame of grey and faded.

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
            "pixels": _reduce(pixels, size),
            "size": np.array([1, 3, *size]),
            "margins": np.array([0, 0, *corner, 0, 0, *beyond]),
            "grey": self._grey,
            "mask": fading.mask,
            "window": _middles(fading),
            "cells": np.array([1, 1, *fading.cells]),
            "fade": np.array(fading.share, np.float32),
            "frame": np.array([1, 1, *frame]),
            "scale": self._scale,
            "zero": self._zero,
        }
        image: Tensor = _graph(FRAMED).run(None, given)[0]
        return image


@functools.lru_cache(maxsize=2)  # of the two files above
def _graph(file: Path) -> ort.InferenceSession:
    return open_session(file, device="cpu")


def _reduce(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """Pixels of which at most two in a row fall on one of `size`, so that linear interpolation
    skips none. Crops are prepared alike in training."""
    factor = min(pixels.shape[0] // size[0], pixels.shape[1] // size[1])
    if factor > 1:
        pixels = np.asarray(Image.fromarray(pixels).reduce(factor))
    return np.ascontiguousarray(pixels)


def _middles(fading: Fading) -> NDArray[np.float32]:
    """Where the first and the last cell's middles lie in the mask with a ring of one pixel around
    it, as ONNX's ``tf_crop_and_resize`` wants it: 0 is the first pixel's middle, 1 the last's."""
    first, last = [], []
    for axis, (cells, pixels) in enumerate(zip(fading.cells, fading.mask.shape, strict=True)):
        start, stop = fading.window[axis], fading.window[2 + axis]
        half = (stop - start) / cells / 2
        first.append((start + half + 0.5) / (pixels + 1))
        last.append((stop - half + 0.5) / (pixels + 1))
    return np.array([0, 0, *first, 1, 1, *last], np.float32)
