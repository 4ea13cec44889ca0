"""The embedded encoder: features, colour and kind fused in one unit vector, and words there."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from lookweave.models.card import Card
from lookweave.models.embedded.describer_head import Kept
from lookweave.models.embedded.sharing import shared_head
from lookweave.models.embedded.text import TextTower
from lookweave.models.embedded.words import Reading, read
from lookweave.models.protocols import Crop, Tokens, Vectors


class Encoder:
    """Features of the crop, a colour histogram of the mask, and the kind of garment.

    The vector is [√a · features, √b · histogram, √c · kind] with a + b + c = 1, each part of unit
    norm, so an inner product is a·cos(features) + b·Bhattacharyya(colours) +
    c·Bhattacharyya(kinds).
    """

    def __init__(self, card: Card, models_dir: Path | None = None) -> None:
        if card.weights is None or card.input_size is None or card.dimension is None:
            raise ValueError(f"the card {card.name} lacks weights, input size or dimension")
        settings = card.settings
        self._head = shared_head(
            card.weights,
            card.input_size[0],
            tuple(settings["mean"]),
            tuple(settings["std"]),
            card.weights.with_name(settings["describer"]),
            card.weights_sha256,
        )
        self._shares = shares_of(settings)
        self.dimension = card.dimension
        self._card = card
        self._text: TextTower | None = None
        self._lock = threading.Lock()

    def encode(self, crops: list[Crop]) -> Vectors:
        """Unit vectors, float32 (len(crops), dimension)."""
        return self.encode_with_tokens(crops)[0]

    def encode_with_tokens(self, crops: list[Crop]) -> tuple[Vectors, list[Tokens]]:
        """Unit vectors as `encode` gives, and the tokens of each crop."""
        if not crops:
            return np.empty((0, self.dimension), np.float32), []
        known = self._head.analyse(crops)
        parts = [known.features, known.histograms, known.kinds]
        return combine_vectors(parts, self._shares), known.tokens

    def recall(self, regions: list[str]) -> dict[str, tuple[Vectors, Tokens | None]]:
        """Vectors and tokens of the regions that the embedded describer has seen in this build,
        float32 (dimension,): each can be asked for once. None outside of `sharing.one_build`."""
        kept = self._head.recall(regions)
        return {region: (self._fused(one), one.tokens) for region, one in kept.items()}

    def _fused(self, one: Kept) -> Vectors:
        parts = [one.features[None], one.histogram[None], one.kind[None]]
        vector: Vectors = combine_vectors(parts, self._shares)[0]
        return vector

    def encode_text(self, texts: list[str]) -> Vectors:
        """Unit vectors, float32 (len(texts), dimension); `words.read` says what counts of a text.

        Raises:
            ModelError: the text tower was trained on another encoder.
        """
        with self._lock:
            if self._text is None:
                assert self._card.weights is not None
                weights = self._card.weights.with_name("text.npz")
                self._text = TextTower(weights, self._card.weights_sha256, self._shares)
        return self._text.encode(texts)

    def reading(self, text: str) -> Reading:
        """What the text tower makes of a text, and what it leaves out."""
        return read(text)


def shares_of(settings: Mapping[str, float]) -> tuple[float, float, float]:
    """Shares of features, colours and kind in the squared norm, from a card's settings."""
    colours, kind = float(settings["colour_share"]), float(settings["kind_share"])
    return (1 - kind) * (1 - colours), (1 - kind) * colours, kind


def combine_vectors(parts: list[Vectors], shares: tuple[float, ...]) -> Vectors:
    """Unit-norm rows side by side at these shares of the squared norm, at unit norm."""
    vectors = np.hstack([np.sqrt(share) * part for part, share in zip(parts, shares, strict=True)])
    return np.ascontiguousarray(
        vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32
    )
