"""The embedded encoder: learned features and colour, fused in one unit vector, and words there."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np

from lookweave.models import colour
from lookweave.models.card import Card
from lookweave.models.embedded.features import image_tower
from lookweave.models.embedded.text import TextTower
from lookweave.models.framing import cut
from lookweave.models.protocols import Crop, Vectors


class Encoder:
    """Features of the crop and a colour histogram of the mask.

    The vector is [√(1 - w) · features, √w · histogram], so an inner product is the convex
    combination (1 - w) · cos(features) + w · Bhattacharyya(colours).
    """

    def __init__(self, card: Card, models_dir: Path | None = None) -> None:
        if card.weights is None or card.input_size is None or card.dimension is None:
            raise ValueError(f"the card {card.name} lacks weights, input size or dimension")
        mean, std = tuple(card.settings["mean"]), tuple(card.settings["std"])
        self._tower = image_tower(card.weights, card.input_size[0], mean, std)
        self._colour_share = float(card.settings["colour_share"])
        self.dimension = card.dimension
        self._card = card
        self._text: TextTower | None = None
        self._lock = threading.Lock()

    def encode(self, crops: list[Crop]) -> Vectors:
        """Unit vectors, float32 (len(crops), dimension)."""
        if not crops:
            return np.empty((0, self.dimension), np.float32)
        features = self._tower.features(crops)
        histograms = np.stack([colour.histogram(colour.samples(*cut(crop))) for crop in crops])
        share = self._colour_share
        vectors = np.hstack([np.sqrt(1 - share) * features, np.sqrt(share) * histograms])
        return np.ascontiguousarray(
            vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32
        )

    def encode_text(self, texts: list[str]) -> Vectors:
        """Unit vectors, float32 (len(texts), dimension); `words.read` says what counts of a text.

        Raises:
            ModelError: the text tower was trained on another encoder.
        """
        with self._lock:
            if self._text is None:
                assert self._card.weights is not None
                weights = self._card.weights.with_name("text.npz")
                self._text = TextTower(weights, self._card.weights_sha256, self._colour_share)
        return self._text.encode(texts)
