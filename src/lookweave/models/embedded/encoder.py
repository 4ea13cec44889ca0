"""The embedded image encoder: learned features and colour, fused in one unit vector."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lookweave.models.card import Card
from lookweave.models import colour
from lookweave.models.framing import cut, fade_outside, square, tensor
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


class Encoder:
    """Features of the crop and a colour histogram of the mask.

    The vector is [√(1 - w) · features, √w · histogram], so an inner product is the convex
    combination (1 - w) · cos(features) + w · Bhattacharyya(colours).
    """

    def __init__(self, card: Card, models_dir: Path | None = None) -> None:
        if card.weights is None or card.input_size is None or card.dimension is None:
            raise ValueError(f"the card {card.name} lacks weights, input size or dimension")
        self._session = open_session(card.weights)
        self._side = card.input_size[0]
        self._mean, self._std = card.settings["mean"], card.settings["std"]
        self._colour_share = float(card.settings["colour_share"])
        self.dimension = card.dimension

    def encode(self, crops: list[Crop]) -> Vectors:
        """Unit vectors, float32 (len(crops), dimension)."""
        if not crops:
            return np.empty((0, self.dimension), np.float32)
        batch = tensor([self._frame(crop) for crop in crops], self._mean, self._std)
        features = self._session.run(["embedding"], {"image": batch})[0]
        histograms = np.stack([colour.histogram(colour.samples(*cut(crop))) for crop in crops])
        share = self._colour_share
        vectors = np.hstack([np.sqrt(1 - share) * features, np.sqrt(share) * histograms])
        return np.ascontiguousarray(
            vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32
        )

    def _frame(self, crop: Crop) -> Pixels:
        """What the network sees: the garment in a square, its surroundings faded, not removed,
        so that a mask which misses half a garment does not lose it altogether."""
        pixels, mask = square(crop, self._side, MARGIN, GREY)
        return fade_outside(pixels, mask, FADE, GREY, EDGE * self._side)
