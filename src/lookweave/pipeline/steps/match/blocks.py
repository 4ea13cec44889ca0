"""The category filter: in which block a region lies, and which blocks a garment searches."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lookweave.matching.vectors import Vectors
from lookweave.taxonomy import CATEGORIES

FAMILIES: tuple[frozenset[str], ...] = tuple(
    frozenset(names.split())
    for names in (
        "top shirt knitwear vest jacket dress",
        "jacket coat vest knitwear",
        "dress jumpsuit skirt coat",
        "trousers jeans shorts jumpsuit hosiery",
        "skirt shorts",
        "shoes hosiery",
        "hat scarf",
        "scarf knitwear",
    )
)
"""Categories that two photos of one garment are easily given: a garment searches the families of
its likeliest category too, whatever the model's second guess."""

UNSORTED = len(CATEGORIES)
"""The block of regions of which no category is known; every garment searches it."""

_FAMILY = np.array(
    [
        sum(
            1 << at
            for at, other in enumerate(CATEGORIES)
            if other == name or any({name, other} <= family for family in FAMILIES)
        )
        for name in CATEGORIES
    ]
)


def own_block(scores: Vectors) -> NDArray[np.int8]:
    """The likeliest category of each row of (n, len(CATEGORIES)) scores, or UNSORTED."""
    return np.where(scores.any(axis=1), scores.argmax(axis=1), UNSORTED).astype(np.int8)


def searched(scores: Vectors, categories: int) -> NDArray[np.uint32]:
    """Bit set of the `categories` likeliest categories, of the families of the likeliest, and
    always of UNSORTED.

    All bits where there is no filter or no opinion.
    """
    every = np.uint32((1 << (UNSORTED + 1)) - 1)
    if categories == 0 or not len(scores):
        return np.full(len(scores), every)
    # A stable sort, so that equally likely categories are taken in the taxonomy's order.
    best = np.argsort(-scores, axis=1, kind="stable")[:, :categories]
    bits = np.where(np.take_along_axis(scores, best, axis=1) > 0, 1 << best, 0)
    found = np.bitwise_or.reduce(bits, axis=1) | _FAMILY[best[:, 0]] | (1 << UNSORTED)
    return np.where(scores.any(axis=1), found, every).astype(np.uint32)
