"""The embedded image encoder: learned features and colour, fused in one unit vector."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lookweave.models.cards import Card
from lookweave.models import colour
from lookweave.models.framing import cut, letterbox, tensor
from lookweave.models.protocols import Crop, Pixels, Vectors
from lookweave.models.session import open_session

MARGIN = 0.08
"""Context kept around a box, as a share of its longer side."""


class Encoder:
    """Features of the crop and a colour histogram of the mask.

    The vector is [√(1 - w) · features, √w · histogram], so an inner product is the convex
    combination (1 - w) · cos(features) + w · Bhattacharyya(colours).
    """

    def __init__(self, card: Card, models_dir: Path | None = None) -> None:
        if card.weights is None or card.input_size is None or card.dimension is None:
            raise ValueError(f"the card {card.name} lacks weights, input size or dimension")
        self._session = open_session(card.weights)
        self._height, self._width = card.input_size
        self._mean, self._std = card.settings["mean"], card.settings["std"]
        self._colour_share = float(card.settings["colour_share"])
        self.dimension = card.dimension

    def encode(self, crops: list[Crop]) -> Vectors:
        """Unit vectors, float32 (len(crops), dimension)."""
        if not crops:
            return np.empty((0, self.dimension), np.float32)
        cuts = [cut(crop, MARGIN) for crop in crops]
        frames = [self.frame(*pair) for pair in cuts]
        batch = tensor(frames, self._mean, self._std)
        features = self._session.run(["embedding"], {"image": batch})[0]
        histograms = np.stack([colour.histogram(colour.samples(*pair)) for pair in cuts])
        share = self._colour_share
        vectors = np.hstack([np.sqrt(1 - share) * features, np.sqrt(share) * histograms])
        return np.ascontiguousarray(
            vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32
        )

    def frame(self, pixels: Pixels, mask: Pixels) -> Pixels:
        """What the network sees: the cut-out on white, letterboxed."""
        weight = (mask.astype(np.float32) / 255.0)[..., None]
        on_white = (pixels * weight + 255.0 * (1.0 - weight)).astype(np.uint8)
        return letterbox(on_white, self._height, self._width, (255, 255, 255))[0]
