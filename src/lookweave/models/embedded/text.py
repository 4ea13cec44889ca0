"""The text tower: words in the space of the embedded image vectors.

Locked-image tuning (Zhai et al. 2022, LiT, arXiv 2111.07991) of a table of concepts: the vector of
a text is the sum of its concepts' vectors, so word order cannot matter, at unit norm. Half of each
row speaks of features, half of the colour histogram.
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

    def __init__(self, weights: Path, encoder_sha256: str, colour_share: float) -> None:
        record, arrays = load_head(weights, encoder_sha256, "text")
        if tuple(record["concepts"]) != CONCEPTS:
            raise ModelError(
                f"{weights.name} knows other concepts than this version of Lookweave."
                " Train it again with: lookweave train text."
            )
        table = np.vstack([arrays["base"][None], arrays["concepts"]]).astype(np.float32)
        # Trained at one share of colour; at another the same sums rank the same when each part
        # is scaled against what the image vector scales it with.
        trained = float(record["colour_share"])
        width = int(record["features"])
        table[:, :width] *= np.sqrt((1 - trained) / (1 - colour_share))
        table[:, width:] *= np.sqrt(trained / colour_share)
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
