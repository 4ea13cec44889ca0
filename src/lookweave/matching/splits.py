"""Train, validation and test, so that nothing which belongs together is torn apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pymetis
from numpy.typing import NDArray
from scipy.sparse import coo_array

from lookweave.matching.duplicates import components
from lookweave.matching.vectors import Positions

TRAIN, VALIDATION, TEST = 0, 1, 2
NAMES = ("train", "validation", "test")
TIERS = 3

TOLERANCE = 0.2
"""A split's share of a tier may be off by this share of itself before it is told."""

_AIMED = 0.1  # refinement aims at half of that
_WORST_LOSS = 0.3  # share of a tier from which on a further pair left out counts more and more
_SEEDS = 8  # cuts that are tried; the best is taken
_TRIED_UP_TO = 20_000  # pairs; of more the first cut is as good as any
_SMALL = 0.01  # a component with so small a share of the pairs is never torn
_PASSES = 12
_HEAVIEST = 1000

_Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Splits:
    """A split of pairs.

    Attributes:
        split: int8 (pairs,): TRAIN, VALIDATION or TEST; -1 for a pair that is left out because
            its garment and its look are on different sides.
        component: int64 (pairs,): the smallest node that the pair's garment is connected with by
            groups and pairs that are not left out.
        left_out: pairs of each tier that are left out, high to low.
        short: sentences about splits that hold less or more of a tier than they should.
    """

    split: NDArray[np.int8]
    component: Positions
    left_out: tuple[int, ...]
    short: tuple[str, ...]


def split_pairs(
    garments: NDArray[np.int64],
    looks: NDArray[np.int64],
    tiers: NDArray[np.int8],
    count: int,
    together: NDArray[np.int64],
    validation: float,
    test: float,
    seed: int,
) -> Splits:
    """Choose the side of every photo by a balanced cut of the graph of pairs.

    Photos of one group are one node, and a pair is an edge, so nothing leaks: a pair whose ends
    come to lie on two sides is left out. METIS (Karypis and Kumar, 1998) cuts so that few are;
    single nodes then change sides as long as each split's share of each tier, or the number of
    pairs left out, becomes better. A pair weighs one over its tier's size, so a tier of few pairs
    loses as small a share of them as the others.

    The same pairs, groups and seed give the same splits, in whatever order the pairs come.

    Args:
        garments, looks: nodes of each pair.
        tiers: int8, 0 high to 2 low, of each pair.
        count: how many nodes there are.
        together: int64 (m, 2), nodes of one group.
        validation, test: shares of each tier's pairs.
    """
    shares = (1 - validation - test, validation, test)
    label = components(count, together)
    blocks, ends = np.unique(label[np.stack([garments, looks])], return_inverse=True)
    ends = ends.reshape(2, -1)
    side = np.zeros(len(blocks), np.int8)
    if len(garments) and (validation or test):
        side = _sides(ends, tiers, len(blocks), shares, seed)
    split = np.where(side[ends[0]] == side[ends[1]], side[ends[0]], -1).astype(np.int8)
    kept = split >= 0
    edges = np.concatenate([together, np.stack([garments[kept], looks[kept]], axis=1)])
    component = components(count, edges)[garments]
    left_out = np.bincount(tiers[~kept], minlength=TIERS)
    short = uneven(split, tiers, validation, test)
    return Splits(split, component, tuple(left_out.tolist()), short)


def _sides(
    ends: NDArray[np.int64], tiers: NDArray[np.int8], count: int, shares: Sequence[float], seed: int
) -> NDArray[np.int8]:
    """The side of each block of photos."""
    # What is small and hangs together is never torn: there is nothing to gain.
    whole = components(count, ends.T)
    size = np.bincount(whole[ends[0]], minlength=count)
    small = size[whole] <= _SMALL * ends.shape[1]
    unit, ends = np.unique(np.where(small, whole, np.arange(count))[ends], return_inverse=True)
    ends = ends.reshape(2, -1)
    graph = _Graph(ends, tiers, len(unit), shares)
    tries = _SEEDS if ends.shape[1] <= _TRIED_UP_TO else 1
    best = min(
        (graph.refined(graph.cut(seed * _SEEDS + at)) for at in range(tries)), key=graph.cost
    )
    place = np.searchsorted(unit, np.where(small, whole, np.arange(count)))
    return best[place]


class _Graph:
    """Blocks of photos, and how many pairs of each tier are between any two of them.

    Args:
        ends: int64 (2, pairs), blocks of each pair; the same where a pair is inside of one.
    """

    def __init__(
        self,
        ends: NDArray[np.int64],
        tiers: NDArray[np.int8],
        count: int,
        shares: Sequence[float],
    ) -> None:
        self._count, self._shares = count, shares
        total = np.bincount(tiers, minlength=TIERS)
        self._total = total.tolist()
        low, high = np.minimum(*ends), np.maximum(*ends)
        # One row for each pair of blocks and tier, in an order that pairs' order does not change.
        keys, pairs = np.unique(np.stack([low, high, tiers]), axis=1, return_counts=True)
        self._low, self._high, self._tier, self._pairs = *keys.astype(np.int64), pairs
        worth = np.zeros(TIERS, np.int64)
        present = total > 0
        worth[present] = np.maximum(1, _HEAVIEST * total[present].min() // total[present])
        self._weight = worth[self._tier] * self._pairs

    def cut(self, seed: int) -> NDArray[np.int8]:
        """A cut by METIS, a side for each block; sides with a share of 0 get none."""
        wanted = [side for side, share in enumerate(self._shares) if share > 0]
        between = self._low != self._high
        rows = np.concatenate([self._low[between], self._high[between]])
        columns = np.concatenate([self._high[between], self._low[between]])
        weights = np.concatenate([self._weight[between]] * 2)
        shape = (self._count, self._count)
        graph = coo_array((weights, (rows, columns)), shape).tocsr()
        graph.sum_duplicates()
        # A pair is half at either end.
        held = np.bincount(self._low, self._weight, self._count)
        held += np.bincount(self._high, self._weight, self._count)
        scale = max(1.0, held.sum() / 2**30)  # METIS adds up in 32 bits
        edges = np.maximum(1, graph.data // scale)
        found = pymetis.part_graph(
            len(wanted),
            pymetis.CSRAdjacency(graph.indptr.astype(np.int32), graph.indices.astype(np.int32)),
            vweights=np.maximum(1, held // scale).astype(np.int32),
            eweights=edges.astype(np.int32),
            tpwgts=[self._shares[side] for side in wanted],
            options=pymetis.Options(seed=seed % 2**31),
        )
        return np.array(wanted, np.int8)[np.array(found.vertex_part, np.int64)]

    def counts(self, side: NDArray[np.int8]) -> list[list[int]]:
        """Pairs of each tier inside of each side."""
        inside = side[self._low] == side[self._high]
        at = side[self._low[inside]].astype(np.int64) * TIERS + self._tier[inside]
        counted = np.bincount(at, self._pairs[inside], len(NAMES) * TIERS)
        found: list[list[int]] = counted.astype(np.int64).reshape(-1, TIERS).tolist()
        return found

    def cost(self, side: NDArray[np.int8]) -> float:
        """What is left out and how far shares are off, the less the better."""
        return self._cost(self.counts(side))

    def _cost(self, inside: list[list[int]]) -> float:
        cost = 0.0
        for tier, total in enumerate(self._total):
            if not total:
                continue
            kept = sum(row[tier] for row in inside)
            lost = 1 - kept / total
            cost += lost + 2 * max(0.0, lost - _WORST_LOSS) ** 2
            for side, share in enumerate(self._shares):
                if side != TRAIN and share:
                    off = inside[side][tier] / (share * max(kept, 1)) - 1
                    # One pair more or less cannot be helped.
                    over = max(0.0, abs(off) - max(_AIMED, 1 / (share * total)))
                    # Steep near TOLERANCE; but no split is worth half of the pairs.
                    cost += 0.25 * over + min(8 * max(0.0, over - _AIMED / 2) ** 2, 0.25)
                    cost += 0.01 * off * off
        return cost

    def refined(self, side: NDArray[np.int8]) -> NDArray[np.int8]:
        """The cut after single blocks changed sides as long as that made it better."""
        around = self._around()
        where: list[int] = side.tolist()
        inside = self.counts(side)
        cost = self._cost(inside)
        for _ in range(_PASSES):
            moved = False
            for block in range(self._count):
                here = where[block]
                for there, share in enumerate(self._shares):
                    if there == here or not share:
                        continue
                    changed = [list(row) for row in inside]
                    for other, tier, pairs in around[block]:
                        if other == block:
                            changed[here][tier] -= pairs
                            changed[there][tier] += pairs
                        elif where[other] == here:
                            changed[here][tier] -= pairs
                        elif where[other] == there:
                            changed[there][tier] += pairs
                    after = self._cost(changed)
                    if after < cost - 1e-12:
                        where[block], inside, cost, here, moved = there, changed, after, there, True
            if not moved:
                break
        return np.array(where, np.int8)

    def _around(self) -> list[list[tuple[int, int, int]]]:
        """Of each block: the other end, tier and number of its pairs."""
        around: list[list[tuple[int, int, int]]] = [[] for _ in range(self._count)]
        rows = (self._low, self._high, self._tier, self._pairs)
        for low, high, tier, pairs in zip(*(row.tolist() for row in rows), strict=True):
            around[low].append((high, tier, pairs))
            if high != low:
                around[high].append((low, tier, pairs))
        return around


def uneven(
    split: NDArray[np.int8], tiers: NDArray[np.int8], validation: float, test: float
) -> tuple[str, ...]:
    """A sentence for each split that is empty, or off its share of a tier by more than
    `TOLERANCE`."""
    why = "the photos are too much connected by groups and pairs."
    told = []
    for side, share in ((VALIDATION, validation), (TEST, test)):
        if share and len(split) and not (split == side).any():
            told.append(f"The {NAMES[side]} split is empty: {why}")
            continue
        for tier, name in enumerate(("high", "medium", "low")):
            wanted = share * int(((tiers == tier) & (split >= 0)).sum())
            found = int(((tiers == tier) & (split == side)).sum())
            if abs(found - round(wanted)) > max(1.0, TOLERANCE * wanted):
                told.append(
                    f"The {NAMES[side]} split has {found} of the {wanted:.0f} {name} pairs that "
                    f"are its share: {why}"
                )
    return tuple(told)
