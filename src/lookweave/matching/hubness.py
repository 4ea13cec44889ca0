"""Hubness correction from a held-out query bank.

Some regions are near to everything and crowd out the true ones. How much a region attracts is
measured on a bank of other garments b::

    h(r) = (1/β) · log mean_b exp(β·s(b, r))        corrected = s − (h(r) − mean h)

which is the inverted softmax of Smith et al. (2017) in units of the score, applied as in the
dynamic inverted softmax of QB-Norm (Bogolin et al., CVPR 2022): only to queries whose nearest
region is also the nearest of some query of the bank. No query is ever in its own bank: garments
are dealt into two halves and each half is corrected by a bank drawn from the other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from lookweave.matching.fuse import Composite
from lookweave.matching.join import Gallery
from lookweave.matching.vectors import Positions, Vectors

MINIMUM_BANK = 20
"""With fewer queries the bank says more about itself than about hubs: no correction."""

_ROWS = 512


def halves(groups: Iterable[str]) -> NDArray[np.int8]:
    """0 or 1 for each garment by its group's name, so that a group is never on both sides."""
    return np.fromiter((_hash("half", group) & 1 for group in groups), np.int8)


def bank(ids: NDArray[np.bytes_], side: NDArray[np.int8], half: int, size: int) -> Positions:
    """Positions of the garments whose scores correct those of `half`: up to `size` of the other.

    The choice is by a hash of the id, so one garment more or less changes one place of the bank.
    """
    others = np.flatnonzero(side != half)
    keys = np.fromiter((_hash("bank", one.decode()) for one in ids[others]), np.uint64)
    chosen: Positions = np.sort(others[np.argsort(keys, kind="stable")[:size]])
    return chosen


def attraction(
    rows: Vectors, gallery: Gallery, count: int, beta: float, composite: Composite
) -> Vectors:
    """h(r) − mean h for every row of the gallery.

    Args:
        rows: the bank, float32 (n, width), unscaled.
        count: rows of the gallery; positions run from 0 to count - 1.
        beta: inverse temperature, > 0.

    Returns:
        float32 (count,), in units of the score.
    """
    # float64, so that the last bits do not depend on how the blocks are cut.
    queries = composite.query(rows).astype(np.float64)
    pull = np.zeros(count, np.float64)
    for block in gallery():
        for at in range(0, len(block.rows), _ROWS):
            exponent = block.rows[at : at + _ROWS].astype(np.float64) @ queries.T
            exponent *= beta
            # log-sum-exp, in place: this is the one large array of the correction.
            highest = exponent.max(axis=1)
            exponent -= highest[:, None]
            np.exp(exponent, out=exponent)
            total = highest + np.log(exponent.sum(axis=1))
            pull[block.positions[at : at + _ROWS]] = (total - np.log(len(rows))) / beta
    return (pull - pull.mean()).astype(np.float32) if count else pull.astype(np.float32)


def correct(score: Vectors, pull: Vectors, active: NDArray[np.bool_]) -> Vectors:
    """Scores less the pull of their regions, for active queries only.

    Args:
        score, pull: float32 of one shape (n, k); `pull` as `attraction` gives it.
        active: bool (n,).
    """
    return np.where(active[:, None], score - pull, score).astype(np.float32)


def _hash(*parts: str) -> int:
    return int.from_bytes(hashlib.sha256("\x1f".join(parts).encode()).digest()[:8], "big")
