"""Hubness: regions that come up among the best matches of too many garments.

In high-dimensional spaces some points are near neighbours of very many others and push true
matches away; the skewness of N_k, how often each region is among a garment's k best, tells how
much (Radovanović et al., *Hubs in Space*, JMLR 2010).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lookweave.report.scope import Scope
from lookweave.store.conditions import Condition, column
from lookweave.store.workspace import Workspace

K = 10

_ROWS = 1 << 16
_MERGE_AT = 1 << 18


@dataclass(frozen=True)
class HubRegion:
    """One region and for how many garments it is the best, or among the K best, match."""

    region: str
    look: str
    first: int
    among: int


@dataclass(frozen=True)
class Hubness:
    """How evenly the garments' best matches are spread over the regions.

    Attributes:
        garments: garments with at least one match.
        regions: all regions of looks, matched or not.
        reached: regions among the K best of some garment.
        skewness: of N_K over all regions; 0 for an even spread, above about 2 for strong hubs.
        counts: N_K -> number of regions with it, 0 included.
        top: the strongest hubs, strongest first.
    """

    garments: int
    regions: int
    reached: int
    skewness: float
    counts: dict[int, int]
    top: list[HubRegion]


class _Occurrences:
    """How often each region occurs, 24 bytes a region: keys are 64-bit digests of the ids."""

    def __init__(self) -> None:
        self.keys = np.empty(0, np.uint64)
        self.first = np.empty(0, np.int64)
        self.among = np.empty(0, np.int64)
        self._waiting: list[tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.int64]]] = []
        self._rows = 0

    def add(self, regions: pa.ChunkedArray, ranks: NDArray[np.int64]) -> None:
        encoded = regions.combine_chunks().dictionary_encode()
        keys = np.array([_digest(value) for value in encoded.dictionary.to_pylist()], np.uint64)
        at = encoded.indices.to_numpy()
        among = np.bincount(at, minlength=len(keys))
        first = np.bincount(at[ranks == 1], minlength=len(keys))
        self._waiting.append((keys, first, among))
        self._rows += len(keys)
        if self._rows > _MERGE_AT:
            self.merge()

    def merge(self) -> None:
        parts = [(self.keys, self.first, self.among), *self._waiting]
        keys, where = np.unique(np.concatenate([part[0] for part in parts]), return_inverse=True)
        first, among = np.zeros(len(keys), np.int64), np.zeros(len(keys), np.int64)
        np.add.at(first, where, np.concatenate([part[1] for part in parts]))
        np.add.at(among, where, np.concatenate([part[2] for part in parts]))
        self.keys, self.first, self.among = keys, first, among
        self._waiting, self._rows = [], 0


def hubs(workspace: Workspace, scope: Scope, shown: int = 12) -> Hubness | None:
    """Count how often each region is among the K best of a garment; None without matches.

    The top of the table is what people should look at: ties are broken by N_K, then by id.
    """
    where = scope.matches & column("rank").at_most(K)
    table = workspace.table("matches")
    seen = _Occurrences()
    garments = 0
    for batch in table.scan(["region", "rank"], where, _ROWS):
        ranks = batch.column("rank").to_numpy().astype(np.int64)
        seen.add(batch.column("region"), ranks)
        garments += int((ranks == 1).sum())
    seen.merge()
    if not len(seen.keys):
        return None
    total = max(workspace.table("regions").count(scope.regions), len(seen.keys))
    values, numbers = np.unique(seen.among, return_counts=True)
    counts = dict(zip(values.tolist(), numbers.tolist(), strict=True))
    if unmatched := total - len(seen.keys):
        counts = {0: unmatched, **counts}
    order = np.lexsort((seen.keys, -seen.among, -seen.first))[:shown]
    wanted = {int(seen.keys[i]): (int(seen.first[i]), int(seen.among[i])) for i in order}
    names = _names(workspace, where, set(wanted))
    top = [
        HubRegion(*names[key], *numbers_of) for key, numbers_of in wanted.items() if key in names
    ]
    top.sort(key=lambda hub: (-hub.first, -hub.among, hub.region))
    return Hubness(garments, total, len(seen.keys), _skewness(counts), counts, top)


def _names(workspace: Workspace, where: Condition, keys: set[int]) -> dict[int, tuple[str, str]]:
    """Region and look of the digests, in a second scan that stops when all are found."""
    found: dict[int, tuple[str, str]] = {}
    for batch in workspace.table("matches").scan(["region", "look"], where, _ROWS):
        regions, looks = batch.column("region").to_pylist(), batch.column("look").to_pylist()
        for region, look in dict(zip(regions, looks, strict=True)).items():
            if (key := _digest(region)) in keys:
                found[key] = (region, look)
        if len(found) == len(keys):
            break
    return found


def _skewness(counts: dict[int, int]) -> float:
    """Third standardised moment of a distribution given as value -> how many."""
    values = np.array(list(counts), np.float64)
    weights = np.array(list(counts.values()), np.float64)
    mean = np.average(values, weights=weights)
    variance = np.average((values - mean) ** 2, weights=weights)
    if variance <= 0:
        return 0.0
    return float(np.average((values - mean) ** 3, weights=weights) / variance**1.5)


def _digest(value: str) -> int:
    return int.from_bytes(hashlib.blake2b(value.encode(), digest_size=8).digest(), "little")
