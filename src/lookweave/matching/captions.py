"""Captions as vectors whose inner product says how far two sentences share their rare words.

Words and the four-letter pieces of longer ones (*sleeve*, *sleeved*, *sleeveless* share pieces),
weighted by tf-idf, hashed with a sign into `WIDTH` columns (Weinberger et al., Feature Hashing for
Large Scale Multitask Learning, ICML 2009): the product of two unit vectors is the cosine of their
tf-idf vectors up to chance collisions of about 1/√WIDTH. No model is needed, a row depends on its
own text and on counts alone, and no vocabulary is held.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from functools import lru_cache

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

from lookweave.matching.vectors import Vectors

WIDTH = 256
"""Columns of a caption's vector."""

_BUCKETS = 1 << 16  # words are counted by bucket: no vocabulary grows with the captions
_PIECE = 4

Feature = tuple[int, int, float]  # bucket of its count, column, sign


class CaptionVectors:
    """Counts the captions first (`add`), then turns captions into vectors."""

    def __init__(self) -> None:
        self._counts = np.zeros(_BUCKETS, np.int64)
        self.captions = 0

    def add(self, captions: Iterable[str | None]) -> None:
        """Count the words of captions; None and empty ones are no captions."""
        for caption in captions:
            if features := _features(caption):
                self.captions += 1
                self._counts[list({bucket for bucket, _, _ in features})] += 1

    def __call__(self, captions: list[str | None]) -> Vectors:
        """Unit vectors, float32 (len(captions), WIDTH); zeros for no caption."""
        rarity = np.log((1.0 + self.captions) / (1.0 + self._counts)) + 1.0
        rows: list[int] = []
        columns: list[int] = []
        values: list[float] = []
        for row, caption in enumerate(captions):
            for bucket, column, sign in _features(caption):
                rows.append(row)
                columns.append(column)
                values.append(sign * float(rarity[bucket]))
        shape = (len(captions), WIDTH)
        summed: NDArray[np.float64] = sparse.csr_matrix(
            (np.array(values, np.float64), (rows, columns)), shape=shape
        ).toarray()
        lengths = np.linalg.norm(summed, axis=1, keepdims=True)
        unit: Vectors = (summed / np.where(lengths > 0, lengths, 1.0)).astype(np.float32)
        return unit


def _features(caption: str | None) -> list[Feature]:
    words = dict.fromkeys(re.findall(r"[^\W_]{2,}", (caption or "").lower()))
    return [feature for word in words for feature in _of_word(word)]


@lru_cache(maxsize=1 << 16)
def _of_word(word: str) -> tuple[Feature, ...]:
    pieces = {word[at : at + _PIECE] for at in range(max(1, len(word) - _PIECE + 1))}
    return tuple(_hashed(name) for name in (f" {word}", *sorted(pieces)))


def _hashed(name: str) -> Feature:
    digest = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big")
    return digest % _BUCKETS, (digest >> 16) % WIDTH, 1.0 if digest >> 63 else -1.0
