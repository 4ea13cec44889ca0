"""Details: a garment and a region compared part by part.

A region is a set of tokens, unit vectors of its parts. Each part looks for the part of the other
side that is most like it, and the mean of those cosines, averaged over both sides, is S_detail:
late interaction as in ColBERT (Khattab and Zaharia 2020, arXiv 2004.12832), both ways.

Tokens are held as whole numbers (`SCALE` is the cosine's unit). Products of them are whole
numbers below 2^24, which float32 holds exactly: so S_detail is the same to the last bit whatever
else is compared in the same call, on whatever machine.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lookweave.matching.vectors import Positions, Vectors

Whole = NDArray[np.int8]

SCALE = 200.0
"""Tokens are unit vectors times this, rounded, and cut off at 127 on either side: few values of a
unit vector are that large, and all are stored more finely."""

WIDEST = 2**24 // 127**2
"""Values of a token at most, for its products to be exact in float32."""

_ASKED = 64  # queries whose candidates' tokens are read at a time


@dataclass(frozen=True)
class TokenSet:
    """Tokens of several regions, one after the other.

    Attributes:
        values: int8 (tokens, width), unit vectors as `SCALE` says.
        starts: int64 (regions + 1,): region i has the tokens starts[i]..starts[i + 1], one or
            more.
    """

    values: Whole
    starts: Positions

    @classmethod
    def of(cls, regions: list[Whole]) -> TokenSet:
        """From the tokens of each region, at least one."""
        lengths = [len(one) for one in regions]
        return cls(np.concatenate(regions), np.concatenate([[0], np.cumsum(lengths)]))

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, region: int) -> Whole:
        return self.values[self.starts[region] : self.starts[region + 1]]

    def take(self, regions: Positions) -> TokenSet:
        """The same for chosen regions, in that order."""
        lengths = np.diff(self.starts)[regions]
        starts = np.concatenate([[0], np.cumsum(lengths)])
        within = np.arange(starts[-1]) - np.repeat(starts[:-1], lengths)
        return TokenSet(self.values[np.repeat(self.starts[regions], lengths) + within], starts)


def likeness(one: Whole, others: TokenSet) -> Vectors:
    """S_detail of one region with each of several.

    Args:
        one: int8 (tokens, width), at least one.
        others: at least one region.

    Returns:
        float32 (len(others),), -1 to 1 up to rounding.
    """
    product = others.values.astype(np.float32) @ one.astype(np.float32).T
    begins, lengths = others.starts[:-1], np.diff(others.starts)
    # Sums of whole numbers, in float64: exact too.
    answered = np.add.reduceat(product.max(axis=1), begins, dtype=np.float64) / lengths
    asked = np.maximum.reduceat(product, begins, axis=0).sum(axis=1, dtype=np.float64) / len(one)
    return np.asarray((answered + asked) / (2 * SCALE**2), np.float32)


def score_details(
    one_side: TokenFile, other_side: TokenFile, ones: Positions, others: Positions
) -> Vectors:
    """S_detail of chosen pairs.

    Args:
        ones, others: int64 (n,): pair i is row ones[i] of one file with row others[i] of the
            other. Quickest where pairs of one row of `one_side` stand together.

    Returns:
        float32 (n,).
    """
    score = np.empty(len(ones), np.float32)
    if not len(ones):
        return score
    begins = np.flatnonzero(np.concatenate([[True], ones[1:] != ones[:-1]]))
    ends = np.concatenate([begins[1:], [len(ones)]])
    for first in range(0, len(begins), _ASKED):
        some = slice(int(begins[first]), int(ends[min(first + _ASKED, len(ends)) - 1]))
        wanted, place = np.unique(others[some], return_inverse=True)
        gallery = other_side.take(wanted)
        asked = one_side.take(ones[begins[first : first + _ASKED]])
        for query, (start, end) in enumerate(
            zip(begins[first : first + _ASKED], ends[first : first + _ASKED], strict=True)
        ):
            here = place[start - some.start : end - some.start]
            score[start:end] = likeness(asked[query], gallery.take(here))
    return score


@dataclass(frozen=True)
class Correspondences:
    """Which parts of two regions answer each other.

    Attributes:
        ones, others: int64 (n,): token of the one and of the other.
        cosines: float32 (n,), highest first.
    """

    ones: Positions
    others: Positions
    cosines: Vectors


def correspondences(one: Whole, other: Whole) -> Correspondences:
    """Tokens of two regions that are each other's most alike; equal ones in their order."""
    product = one.astype(np.float32) @ other.astype(np.float32).T
    nearest, back = product.argmax(axis=1), product.argmax(axis=0)
    mutual = np.flatnonzero(back[nearest] == np.arange(len(one)))
    cosine = product[mutual, nearest[mutual]] / np.float32(SCALE**2)
    order = np.argsort(-cosine, kind="stable")
    return Correspondences(mutual[order], nearest[mutual][order], cosine[order])


class TokenFile:
    """Tokens of many regions in a scratch file: a slot of one length for each.

    Plain reads, as in `matching.vectors`; in memory a region costs one byte.

    Args:
        path: an existing file made by `TokenWriter`.
        width: values of a token.
        most: tokens of a region at most.
    """

    def __init__(self, path: Path, width: int, most: int) -> None:
        self._path, self.width, self._most = path, width, most
        self._counts: NDArray[np.uint8] = np.load(_counts_beside(path))

    def __len__(self) -> int:
        return len(self._counts)

    def has(self, rows: Positions) -> NDArray[np.bool_]:
        """Whether each of some rows has tokens."""
        return np.asarray(self._counts[rows] > 0)

    def take(self, rows: Positions) -> TokenSet:
        """Tokens of some rows, in that order.

        Raises:
            ValueError: nothing was written for one of them.
        """
        counts = self._counts[rows].astype(np.int64)
        if not counts.all():
            raise ValueError(f"row {int(rows[int(counts.argmin())])} of {self._path} has no token")
        starts = np.concatenate([[0], np.cumsum(counts)])
        values = np.empty((int(starts[-1]), self.width), np.int8)
        slot = self._most * self.width
        file = os.open(self._path, os.O_RDONLY)
        try:
            for row, start, stop in zip(rows.tolist(), starts[:-1], starts[1:], strict=True):
                os.preadv(file, [values[start:stop].data], row * slot)
        finally:
            os.close(file)
        return TokenSet(values, starts)


class TokenWriter:
    """Writes the slots of a `TokenFile` in any order; a context manager."""

    def __init__(self, path: Path, rows: int, width: int, most: int) -> None:
        if most > np.iinfo(np.uint8).max or width > WIDEST:
            raise ValueError(f"{most} tokens of {width} values do not fit: at most 255, {WIDEST}")
        self._path, self._slot, self._most = path, most * width, most
        self._width = width
        self._counts = np.zeros(rows, np.uint8)
        self._file = path.open("wb")
        self._file.truncate(rows * self._slot)

    def put(self, row: int, values: Whole) -> None:
        """Write one region's tokens, int8 (1 to most, width)."""
        if not 1 <= len(values) <= self._most or values.shape[1] != self._width:
            raise ValueError(f"tokens of shape {values.shape} do not fit the slots of {self._path}")
        self._file.seek(row * self._slot)
        self._file.write(np.ascontiguousarray(values).data)
        self._counts[row] = len(values)

    def __enter__(self) -> TokenWriter:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()
        np.save(_counts_beside(self._path), self._counts)


def _counts_beside(path: Path) -> Path:
    return path.with_suffix(".counts.npy")
