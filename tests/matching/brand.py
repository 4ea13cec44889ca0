"""The graph of a made-up brand's pairs, connected as a real one's are.

A real brand's 1,781 pairs had this many of each tier; most photos were connected with each other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lookweave.matching.splits import Splits, split_pairs

SIZES = (134, 489, 1158)
"""Pairs of the high, medium and low tier."""


@dataclass(frozen=True)
class Brand:
    """Pairs and groups; garments are the first nodes, then looks, then products and shoots."""

    garments: NDArray[np.int64]
    looks: NDArray[np.int64]
    tiers: NDArray[np.int8]
    together: NDArray[np.int64]
    count: int

    def split(self, validation: float = 0.1, test: float = 0.1, seed: int = 7) -> Splits:
        return split_pairs(
            self.garments, self.looks, self.tiers, self.count, self.together, validation, test, seed
        )


def brand(seed: int, own: tuple[float, float, float] = (1.0, 0.9, 0.7), times: int = 1) -> Brand:
    """A brand of 560 garments of 300 products and 400 looks of 80 shoots in 8 collections.

    Args:
        own: share of each tier's pairs whose look is of the garment's collection; the others are of
            any.
        times: so many times as large; collections then grow to four times their size.
    """
    random = np.random.default_rng(seed)
    garments, looks, products, shoots = (times * size for size in (560, 400, 300, 80))
    collections = 8 if times == 1 else 2 * times
    product = random.integers(0, products, garments)
    shoot = random.integers(0, shoots, looks)
    of_garment = random.integers(0, collections, products)[product]
    of_look = random.integers(0, collections, shoots)[shoot]
    there = [np.flatnonzero(of_look == one) for one in range(collections)]
    seen: set[tuple[int, int]] = set()
    rows: list[tuple[int, int, int]] = []
    for tier, size in enumerate(SIZES):
        wanted = len(rows) + times * size
        while len(rows) < wanted:
            garment = int(random.integers(garments))
            near = there[of_garment[garment]]
            inside = random.random() < own[tier]
            if inside and not len(near):
                continue
            look = int(random.choice(near)) if inside else int(random.integers(looks))
            if (garment, look) not in seen:
                seen.add((garment, look))
                rows.append((garment, garments + look, tier))
    first = garments + looks
    groups = [(at, first + int(one)) for at, one in enumerate(product)]
    groups += [(garments + at, first + products + int(one)) for at, one in enumerate(shoot)]
    table = np.array(rows, np.int64)
    return Brand(
        table[:, 0], table[:, 1], table[:, 2].astype(np.int8), np.array(groups, np.int64),
        first + products + shoots,
    )  # fmt: skip
