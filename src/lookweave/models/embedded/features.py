"""The image tower: what the embedded encoder and the embedded describer both see of a crop."""

from __future__ import annotations

import functools
import hashlib
import threading
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

KEPT = 16_384
"""Crops that wait for their second reader, at most: about 100 MB. Describe and embed see the
same crops one after the other, and the network is by far the dearest part of both."""


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
    """Features of crops.

    What one reader keeps, the next takes away, so a crop that is described and then embedded goes
    through the network once. When `KEPT` crops wait, further ones are computed twice.
    """

    def __init__(
        self, weights: Path, side: int, mean: tuple[float, ...], std: tuple[float, ...]
    ) -> None:
        self._session = open_session(weights, also=(POOLED,))
        self._side, self._mean, self._std = side, mean, std
        self._waiting: dict[bytes, tuple[Vectors, Vectors]] = {}
        self._lock = threading.Lock()

    def see(self, crops: list[Crop], *, keep: bool = False) -> Sight:
        """Args:
        crops: at least one.
        keep: whether another reader will ask for the same crops.
        """
        frames = [self._frame(crop) for crop in crops]
        keys = [hashlib.blake2b(frame.tobytes(), digest_size=16).digest() for frame in frames]
        known = {} if keep else self._taken(keys)
        fresh = [place for place in range(len(crops)) if place not in known]
        for place in fresh:
            # One at a time: a frame's activations fit in the cache, which makes it three times as
            # quick on a processor, and a row cannot depend on its neighbours.
            frame = tensor([frames[place]], self._mean, self._std)
            features, pooled = self._session.run(["embedding", POOLED], {"image": frame})
            known[place] = (features[0], pooled[0])
        rows = [known[place] for place in range(len(crops))]
        if keep:
            self._leave(keys, rows)
        features, pooled = (np.stack(part).astype(np.float32) for part in zip(*rows, strict=True))
        return Sight(features, pooled)

    def _taken(self, keys: list[bytes]) -> dict[int, tuple[Vectors, Vectors]]:
        with self._lock:
            left = {place: self._waiting.pop(key, None) for place, key in enumerate(keys)}
        return {place: row for place, row in left.items() if row is not None}

    def _leave(self, keys: list[bytes], rows: list[tuple[Vectors, Vectors]]) -> None:
        with self._lock:
            room = KEPT - len(self._waiting)
            for key, (features, pooled) in list(zip(keys, rows, strict=True))[:room]:
                # Copies, for a view would keep its whole batch in memory.
                self._waiting[key] = (features.copy(), pooled.copy())

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
