"""The image tower: what the embedded encoder and the embedded describer both see of a crop."""

from __future__ import annotations

import functools
import hashlib
import threading
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

KEPT = 32_768
"""Features that wait for their second reader, at most: about 50 MB. Describe and embed see the
same crops one after the other, and the network is by far the dearest part of both."""


class ImageTower:
    """Unit-norm features of crops.

    What one reader keeps, the next takes away, so a crop that is described and then embedded goes
    through the network once. When `KEPT` crops wait, further ones are computed twice.
    """

    def __init__(
        self, weights: Path, side: int, mean: tuple[float, ...], std: tuple[float, ...]
    ) -> None:
        self._session = open_session(weights)
        self._side, self._mean, self._std = side, mean, std
        self._waiting: dict[bytes, Vectors] = {}
        self._lock = threading.Lock()

    def features(self, crops: list[Crop], *, keep: bool = False) -> Vectors:
        """Unit vectors, float32 (len(crops), dimension).

        Args:
            keep: whether another reader will ask for the same crops.
        """
        frames = [self._frame(crop) for crop in crops]
        keys = [hashlib.blake2b(frame.tobytes(), digest_size=16).digest() for frame in frames]
        known = {} if keep else self._taken(keys)
        fresh = [place for place in range(len(crops)) if place not in known]
        if fresh:
            batch = tensor([frames[place] for place in fresh], self._mean, self._std)
            computed = self._session.run(["embedding"], {"image": batch})[0]
            known |= dict(zip(fresh, computed, strict=True))
        rows = [known[place] for place in range(len(crops))]
        if keep:
            self._leave(keys, rows)
        return np.stack(rows).astype(np.float32)

    def _taken(self, keys: list[bytes]) -> dict[int, Vectors]:
        with self._lock:
            left = {place: self._waiting.pop(key, None) for place, key in enumerate(keys)}
        return {place: row for place, row in left.items() if row is not None}

    def _leave(self, keys: list[bytes], rows: list[Vectors]) -> None:
        with self._lock:
            room = KEPT - len(self._waiting)
            # A copy of each row, for a view would keep its whole batch in memory.
            kept = list(zip(keys, rows, strict=True))[:room]
            self._waiting |= {key: row.copy() for key, row in kept}

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
