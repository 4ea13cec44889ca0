"""The text tower: words in the space of the embedded image vectors.

Locked-image tuning (Zhai et al. 2022, LiT, arXiv 2111.07991) of a table of concepts: the vector of
a text is the sum of its concepts' vectors, so word order cannot matter, at unit norm. Each row
speaks of all parts of an image vector: features, colour histogram and kind of garment.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lookweave.errors import ModelError
from lookweave.models.embedded.head import load_head
from lookweave.models.embedded.words import CONCEPTS, read
from lookweave.models.protocols import Vectors


class TextTower:
    """Reads `words.CONCEPTS`."""

    def __init__(self, weights: Path, encoder_sha256: str, shares: tuple[float, ...]) -> None:
        record, arrays = load_head(weights, encoder_sha256, "text")
        if tuple(record["concepts"]) != CONCEPTS:
            raise ModelError(
                f"{weights.name} knows other concepts than this version of Lookweave."
                " Train it again with: lookweave train text."
            )
        table = np.vstack([arrays["base"][None], arrays["concepts"]]).astype(np.float32)
        # Trained at some shares of the parts; at others the same sums rank the same when each part
        # is scaled against what the image vector scales it with.
        start = 0
        for width, trained, share in zip(record["widths"], record["shares"], shares, strict=True):
            table[:, start : start + width] *= np.sqrt(trained / share) if share > 0 else 0.0
            start += width
        self._base, self._table = table[0], table[1:]
        self.dimension = int(table.shape[1])

    def encode(self, texts: list[str]) -> Vectors:
        """Unit vectors, float32 (len(texts), dimension).

        A text of which nothing is read has the vector of a garment of no kind.
        """
        vectors = np.empty((len(texts), self.dimension), np.float32)
        for place, text in enumerate(texts):
            rows = [CONCEPTS.index(name) for name in read(text).concepts]
            vectors[place] = self._base + self._table[rows].sum(axis=0)
        unit: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit
