"""How many pairs each tier has and how their scores are spread, by scanning, never by holding."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from lookweave.report.scope import Scope
from lookweave.store.conditions import Condition
from lookweave.store.tables import Table
from lookweave.store.workspace import Workspace

TIERS = ("high", "medium", "low")
SPLITS = ("train", "validation", "test")
SCORES = ("score", "s_detail", "s_visual", "s_vlm", "probability")
BINS = 36

_ROWS = 1 << 16


@dataclass(frozen=True)
class Histogram:
    """Counts between `edges`; ``len(edges) == len(counts) + 1``."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    mean: float

    @property
    def total(self) -> int:
        """Number of values."""
        return sum(self.counts)


@dataclass(frozen=True)
class Distributions:
    """What the pairs and matches look like in numbers.

    Attributes:
        tiers: tier -> split -> pairs.
        verified: tier -> pairs that a person has confirmed.
        histograms: score -> row (a tier, or ``all`` matches) -> histogram; all rows of one
            score share its edges. A score that no row has is missing.
        calibrated: pairs whose probability was calibrated on labelled pairs.
    """

    tiers: dict[str, dict[str, int]]
    verified: dict[str, int]
    histograms: dict[str, dict[str, Histogram]]
    calibrated: int

    @property
    def pairs(self) -> int:
        """Pairs of all tiers."""
        return sum(self.total(tier) for tier in self.tiers)

    def total(self, tier: str) -> int:
        """Pairs of one tier."""
        return sum(self.tiers.get(tier, {}).values())


class _Spread:
    """Counts, sum and number of the values of one score in one row of the picture."""

    def __init__(self, edges: NDArray[np.float64]) -> None:
        self.edges = edges
        self.counts = np.zeros(len(edges) - 1, np.int64)
        self.sum = 0.0

    def add(self, values: NDArray[np.float64]) -> None:
        inside = np.clip(values, self.edges[0], self.edges[-1])
        self.counts += np.histogram(inside, self.edges)[0]
        self.sum += float(values.sum())

    def histogram(self) -> Histogram:
        total = int(self.counts.sum())
        mean = self.sum / total if total else 0.0
        return Histogram(tuple(self.edges.tolist()), tuple(self.counts.tolist()), mean)


def distributions(workspace: Workspace, scope: Scope) -> Distributions:
    """Scan pairs and matches twice: once for the range of each score, once to count."""
    pairs, matches = workspace.table("pairs"), workspace.table("matches")
    ranges = _ranges(pairs, scope.pairs, {})
    ranges = _ranges(matches, scope.matches, ranges)
    edges = {score: _edges(*ends, unit=score == "probability") for score, ends in ranges.items()}
    spreads = {score: {row: _Spread(edges[score]) for row in ("all", *TIERS)} for score in edges}
    tiers = {tier: dict.fromkeys(SPLITS, 0) for tier in TIERS}
    verified = dict.fromkeys(TIERS, 0)
    calibrated = 0
    columns = ["tier", "split", "calibrated", "verified_by", *SCORES]
    for batch in pairs.scan(columns, scope.pairs, _ROWS):
        tier = np.asarray(batch.column("tier").to_pylist(), dtype=object)
        split = np.asarray(batch.column("split").to_pylist(), dtype=object)
        confirmed = _lengths(batch.column("verified_by")) > 0
        calibrated += sum(1 for value in batch.column("calibrated").to_pylist() if value)
        for name in TIERS:
            here = tier == name
            verified[name] += int((here & confirmed).sum())
            for part in SPLITS:
                tiers[name][part] += int((here & (split == part)).sum())
            for score in edges:
                spreads[score][name].add(_finite(batch, score, here))
    for batch in matches.scan(list(SCORES), scope.matches, _ROWS):
        for score in edges:
            spreads[score]["all"].add(_finite(batch, score))
    histograms = {
        score: {row: spread.histogram() for row, spread in rows.items() if spread.counts.any()}
        for score, rows in spreads.items()
    }
    return Distributions(tiers, verified, histograms, calibrated)


def _ranges(
    table: Table, where: Condition, ranges: dict[str, tuple[float, float]]
) -> dict[str, tuple[float, float]]:
    for batch in table.scan(list(SCORES), where, _ROWS):
        for score in SCORES:
            values = _finite(batch, score)
            if len(values):
                low, high = ranges.get(score, (math.inf, -math.inf))
                ranges[score] = (min(low, float(values.min())), max(high, float(values.max())))
    return ranges


def _edges(low: float, high: float, *, unit: bool) -> NDArray[np.float64]:
    """Round edges around the values; a probability always shows all of 0..1."""
    if unit:
        return np.linspace(0.0, 1.0, 26)
    if high - low < 1e-6:
        low, high = low - 0.05, high + 0.05
    width = (high - low) / BINS
    step = 10 ** math.floor(math.log10(width))
    width = next(step * factor for factor in (1, 2, 2.5, 5, 10) if step * factor >= width)
    first, last = math.floor(low / width), math.ceil(high / width)
    return np.linspace(first * width, max(last, first + 1) * width, max(last - first, 1) + 1)


def _finite(
    batch: pa.Table, column: str, rows: NDArray[np.bool_] | None = None
) -> NDArray[np.float64]:
    values = batch.column(column).to_numpy(zero_copy_only=False).astype(np.float64)
    if rows is not None:
        values = values[rows]
    finite: NDArray[np.float64] = values[np.isfinite(values)]
    return finite


def _lengths(column: pa.ChunkedArray) -> NDArray[np.int64]:
    lengths = pc.fill_null(pc.list_value_length(column), 0)
    return np.asarray(lengths.to_numpy(zero_copy_only=False), np.int64)


def batches_of(workspace: Workspace, scope: Scope, columns: list[str]) -> Iterator[pa.Table]:
    """The pairs of the report, in pieces."""
    return workspace.table("pairs").scan(columns, scope.pairs, _ROWS)
