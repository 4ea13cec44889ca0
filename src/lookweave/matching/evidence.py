"""S_VLM as evidence: how much likelier two descriptions are of one garment than of two.

Each attribute of a description is a distribution over its values, p of the garment and q of the
region. Two things speak for one garment. How alike the distributions are, the cosine of p and q:
what a model is sure of, and what it wavers about, comes back in another photo. And how rare it is
that they are: with J the joint distribution of what the two sides of one garment are, and a and b
of what garments and regions are on their own,

    r = p' R q,    R[u, v] = J[u, v] / (a[u] * b[v])

is the likelihood ratio of a pair of posteriors under a latent class (Fellegi and Sunter 1969, for
records). An attribute's evidence in nats is a weighted sum of log r and of a rising piecewise
linear function of the cosine, and a constant with which the ratio is 1 in the mean over pairs
of different garments, as a likelihood ratio has to be. It is 0 where a side says nothing.
Attributes are added up; their weights are learned together, since they are not independent.

Distributions and R are held as whole numbers, whose products float64 holds exactly: so the
evidence of a pair is the same whatever else is compared in the same call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from lookweave.matching.vectors import Vectors

Floats = NDArray[np.float64]
Whole = NDArray[np.int8]

LARGEST = 8.0
"""Nats that S_VLM of 0 and 1 stand for, against and for: more is cut off."""

SHARES = 127.0
"""A distribution's values are whole multiples of one 127th."""

RATIO_UNIT = 2.0**-16
"""Ratios are whole multiples of this."""

_ROUNDS = 200
_STILL = 1e-7  # of the mean log likelihood: from here on a further round changes nothing


KNOTS = (0.0, 0.25, 0.5, 0.7, 0.85, 0.95)
"""Cosines where the function of the cosine may bend."""


@dataclass(frozen=True)
class Table:
    """What one attribute says.

    Attributes:
        ratios: float64 (values, values), R: rows for the garment's value, columns for the
            region's; positive.
        rarity: weight of log r.
        slopes: by how much the evidence rises more steeply from each of `KNOTS` on.
        offset: the constant.
    """

    ratios: Floats
    rarity: float
    slopes: tuple[float, ...]
    offset: float

    def nats(self, garments: Whole, regions: Whole) -> Floats:
        """Evidence of pairs, float64 (n,), from distributions, int8 (n, values)."""
        seen, known = features(garments, regions, self.ratios)
        weights = np.array([self.rarity, *self.slopes])
        return np.where(known, (seen * weights).sum(axis=1) + self.offset, 0.0)


@dataclass(frozen=True)
class Evidence:
    """Tables of the attributes that say something; the others' evidence is 0.

    Attributes:
        widths: values of each attribute of a description, in their order.
        tables: place of an attribute -> its table.
    """

    widths: tuple[int, ...]
    tables: Mapping[int, Table]

    def nats(self, garments: Whole, regions: Whole) -> Floats:
        """Evidence of pairs, float64 (n,).

        Args:
            garments, regions: int8 (n, sum(widths)), what `whole` gives of descriptions.
        """
        total = np.zeros(len(garments))
        blocks = attribute_blocks(self.widths)
        for place, table in sorted(self.tables.items()):
            total += table.nats(garments[:, blocks[place]], regions[:, blocks[place]])
        return total

    def agreement(self, garments: Whole, regions: Whole) -> Vectors:
        """S_VLM of pairs, float32 (n,): 0.5 for no evidence, 0 and 1 for `LARGEST` against and
        for it."""
        nats = np.clip(self.nats(garments, regions), -LARGEST, LARGEST)
        return np.asarray(0.5 + nats / (2.0 * LARGEST), np.float32)


def whole(attributes: Vectors) -> Whole:
    """Descriptions as the evidence reads them: int8 of the same shape, in `SHARES`."""
    return np.asarray(np.rint(np.clip(attributes, 0.0, 1.0) * SHARES), np.int8)


def features(garments: Whole, regions: Whole, ratios: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """What an attribute's evidence is a weighted sum of.

    Args:
        garments, regions: int8 (n, values), not negative.
        ratios: float64 (values, values).

    Returns:
        float64 (n, 1 + len(KNOTS)): log r, and how far the cosine is above each knot; zeros where
        a side says nothing. And whether both say something, bool (n,).
    """
    exact = np.rint(ratios / RATIO_UNIT)
    left, right = garments.astype(np.float64), regions.astype(np.float64)
    total = left.sum(axis=1) * right.sum(axis=1)
    known = total > 0
    joint = ((left @ exact) * right).sum(axis=1) * RATIO_UNIT
    ratio = np.divide(joint, total, out=np.ones(len(left)), where=known)
    squares = (left * left).sum(axis=1) * (right * right).sum(axis=1)
    length = np.sqrt(np.where(known, squares, 1.0))
    cosine = np.where(known, (left * right).sum(axis=1) / length, 0.0)
    above = np.maximum(cosine[:, None] - np.array(KNOTS), 0.0)
    return np.column_stack([np.log(np.maximum(ratio, RATIO_UNIT)), above]), known


def learn_ratios(
    garments: Vectors, regions: Vectors, base: tuple[Floats, Floats], doubt: float, least: float
) -> Floats:
    """R of one attribute from pairs that are the same garment, by expectation maximisation.

    Args:
        garments, regions: float32 (n, values), distributions; rows of zeros are left out.
        base: a and b, float64 (values,) each, sum 1.
        doubt: pairs beside the n that agree by chance alone (the mode of J under a Dirichlet
            prior around independence): with few pairs of a value it stays at a ratio of 1.
        least: the least ratio: the share of pairs for which the descriptions say nothing right.

    Returns:
        float64 (values, values), positive.
    """
    known = (garments.sum(axis=1) > 0) & (regions.sum(axis=1) > 0)
    left, right = (rows[known].astype(np.float64) for rows in (garments, regions))
    left, right = (rows / rows.sum(axis=1, keepdims=True) for rows in (left, right))
    chance = np.outer(*(np.maximum(one, 1e-6) for one in base))
    chance /= chance.sum()
    joint = chance.copy()
    before = -np.inf
    for _ in range(_ROUNDS):
        ratios = joint / chance
        likelihood = np.einsum("iu,uv,iv->i", left, ratios, right, optimize=True)
        share = left / np.maximum(likelihood, 1e-300)[:, None]
        counts = ratios * (share.T @ right)
        joint = (counts + doubt * chance) / (len(left) + doubt)
        now = float(np.log(np.maximum(likelihood, 1e-300)).mean()) if len(left) else 0.0
        if now - before < _STILL:
            break
        before = now
    return least + (1.0 - least) * joint / chance


def base_rates(rows: Vectors) -> Floats:
    """What descriptions say on the whole, float64 (values,), sum 1; rows of zeros left out."""
    total = rows.sum(axis=0, dtype=np.float64)
    return np.asarray(
        total / total.sum() if total.sum() > 0 else np.full(len(total), 1 / len(total))
    )


def attribute_blocks(widths: Sequence[int]) -> list[slice]:
    """Columns of each attribute."""
    starts = np.concatenate([[0], np.cumsum(widths)])
    return [slice(int(start), int(stop)) for start, stop in pairwise(starts)]
