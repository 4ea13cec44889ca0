"""Train, validation and test, so that nothing which belongs together is torn apart."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lookweave.matching.duplicates import components
from lookweave.matching.vectors import Positions

TRAIN, VALIDATION, TEST = 0, 1, 2
NAMES = ("train", "validation", "test")

ENOUGH = 0.5
"""Share of its target size from which a validation or test split counts as filled."""


@dataclass(frozen=True)
class Splits:
    """A split of pairs.

    Attributes:
        split: int8 (pairs,): TRAIN, VALIDATION or TEST; -1 for a pair left out because its
            garment and its look are on different sides.
        component: int64 (pairs,): the smallest node of the pair's component.
        linking: tiers whose pairs hold their garment and look together.
        short: sentences about splits that could not be filled.
    """

    split: NDArray[np.int8]
    component: Positions
    linking: int
    short: tuple[str, ...]


def split_pairs(
    garments: NDArray[np.int64],
    looks: NDArray[np.int64],
    tiers: NDArray[np.int8],
    nodes: Sequence[str],
    together: NDArray[np.int64],
    validation: float,
    test: float,
    seed: int,
) -> Splits:
    """Deal pairs into splits by connected components.

    Photos are nodes; groups and pairs are edges, and a component is never torn. Where pairs
    connect nearly everything, as weak ones do, there is nothing to deal: then first the low,
    then also the medium pairs do not count as edges, and those of them that end up with a
    garment and a look on different sides are left out.

    Args:
        garments, looks: nodes of each pair.
        tiers: int8, 0 high to 2 low, of each pair.
        nodes: a name for each node, which with `seed` decides where a component goes.
        together: int64 (m, 2), nodes of one group.
        validation, test: target shares of the pairs that link.
    """
    plain = None
    for linking in (3, 2, 1):
        dealt = _deal(garments, looks, tiers, nodes, together, validation, test, seed, linking)
        if not dealt.short:
            return dealt
        plain = plain or dealt
    assert plain is not None
    return plain


def _deal(
    garments: NDArray[np.int64],
    looks: NDArray[np.int64],
    tiers: NDArray[np.int8],
    nodes: Sequence[str],
    together: NDArray[np.int64],
    validation: float,
    test: float,
    seed: int,
    linking: int,
) -> Splits:
    links = tiers < linking
    edges = np.concatenate([together, np.stack([garments[links], looks[links]], axis=1)])
    label = components(len(nodes), edges)
    # Only pairs that cannot be torn count: those that link.
    size = np.bincount(label[garments[links]], minlength=len(nodes))
    of_component = np.zeros(len(nodes), np.int8)
    room = {
        side: int(np.ceil(share * links.sum()))
        for side, share in ((TEST, test), (VALIDATION, validation))
    }
    target = dict(room)
    roots = np.unique(label[np.concatenate([garments, looks])]).tolist()
    roots.sort(key=lambda root: hashlib.sha256(f"{seed}:{nodes[root]}".encode()).digest())
    for root in roots:
        for side in (TEST, VALIDATION):
            if 0 < size[root] <= room[side]:
                room[side] -= int(size[root])
                of_component[root] = side
                break
    split = of_component[label[garments]]
    split = np.where(split == of_component[label[looks]], split, -1).astype(np.int8)
    short = tuple(
        f"The {NAMES[side]} split has {target[side] - room[side]} of {target[side]} pairs: the "
        "photos are too much connected by groups and pairs to set more apart."
        for side in (VALIDATION, TEST)
        if room[side] > (1 - ENOUGH) * target[side]
    )
    component = np.minimum(label[garments], label[looks])
    return Splits(split, component, linking, short)
