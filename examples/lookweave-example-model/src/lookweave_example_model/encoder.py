"""An encoder in thirty lines: how much of the garment has which colour."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lookweave.models.card import Card
from lookweave.models.framing import cut
from lookweave.models.protocols import Crop, Vectors


class ColourHistogram:
    """Counts a garment's pixels in a grid of red, green and blue, `levels` steps each.

    The vector holds the roots of the shares, so the inner product of two vectors is the
    Bhattacharyya coefficient of their colours: 1 for equal ones, 0 where none is shared.
    """

    def __init__(self, card: Card, models_dir: Path | None = None) -> None:
        self._levels = int(card.settings["levels"])
        self.dimension = self._levels**3

    def encode(self, crops: list[Crop]) -> Vectors:
        """Unit vectors, float32 (len(crops), dimension)."""
        vectors = np.zeros((len(crops), self.dimension), np.float32)
        for row, crop in enumerate(crops):
            pixels, mask = cut(crop)
            if (mask > 127).any():
                pixels = pixels[mask > 127]
            steps = pixels.reshape(-1, 3).astype(np.int64) * self._levels // 256
            cells = steps @ np.array([self._levels**2, self._levels, 1])
            counts = np.bincount(cells, minlength=self.dimension)
            vectors[row] = np.sqrt(counts / counts.sum())
        return vectors
