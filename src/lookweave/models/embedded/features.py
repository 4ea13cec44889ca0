"""The image tower: what the embedded encoder and the embedded describer both see of a crop."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lookweave.models.framing import fade_outside, square, tensor
from lookweave.models.protocols import Crop, Pixels, Vectors
from lookweave.models.session import open_session

# The preparation that the network was trained with; the recipe's page says the same.
MARGIN = 0.08
"""Room around the box, as a share of its longer side."""
FADE = 0.85
"""How far what lies outside the mask moves towards grey."""
GREY = 127
EDGE = 0.01
"""Standard deviation of the mask's soft edge, as a share of the input's side."""

POOLED = "/ReduceMean_output_0"
"""The graph's tensor before the projection: what tells one garment from another forgets there
much of what it is."""


@dataclass(frozen=True)
class Sight:
    """What the tower sees of n crops.

    Attributes:
        features: float32 (n, 384), unit norm: which garment it is.
        pooled: float32 (n, 1280), not normalised: what kind of thing it is.
    """

    features: Vectors
    pooled: Vectors


class ImageTower:
    """Features of crops."""

    def __init__(
        self, weights: Path, side: int, mean: tuple[float, ...], std: tuple[float, ...]
    ) -> None:
        self._session = open_session(weights, also=(POOLED,))
        self._side, self._mean, self._std = side, mean, std

    def see(self, crops: list[Crop]) -> Sight:
        """Features of at least one crop."""
        rows = []
        for crop in crops:
            # One at a time: a frame's activations fit in the cache, which makes it three times as
            # quick on a processor, and a row cannot depend on its neighbours.
            frame = tensor([self._frame(crop)], self._mean, self._std)
            rows.append(self._session.run(["embedding", POOLED], {"image": frame}))
        features, pooled = (np.concatenate(part) for part in zip(*rows, strict=True))
        return Sight(features, pooled)

    def _frame(self, crop: Crop) -> Pixels:
        """What the network sees: the garment in a square, its surroundings faded, not removed,
        so that a mask which misses half a garment does not lose it altogether."""
        pixels, mask = square(crop, self._side, MARGIN, GREY)
        return fade_outside(pixels, mask, FADE, GREY, EDGE * self._side)


@functools.lru_cache(maxsize=4)
def image_tower(
    weights: Path, side: int, mean: tuple[float, ...], std: tuple[float, ...]
) -> ImageTower:
    """The one tower of these weights in this process."""
    return ImageTower(weights, side, mean, std)
