"""What people and the truth say of pairs and matches: precision, reliability, recall lost.

A pair is judged right or wrong by the truth (a list of garments and the looks that show them,
taken as complete for every garment that it names), and else by the majority of its reviews.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lookweave.evaluate.verdicts import Precision, Verdicts, precision
from lookweave.matching.select import wilson
from lookweave.report.scope import Scope
from lookweave.store.conditions import Condition
from lookweave.store.tables import Table
from lookweave.store.workspace import Workspace

_ROWS = 1 << 16


@dataclass(frozen=True)
class Bin:
    """Matches of about one probability: what was promised and what came true."""

    predicted: float
    right: int
    judged: int

    @property
    def observed(self) -> float:
        """Share that came true."""
        return self.right / self.judged

    @property
    def interval(self) -> tuple[float, float]:
        """95 % Wilson interval."""
        return wilson(self.right, self.judged)


@dataclass(frozen=True)
class Recall:
    """What became of the true pairs of the truth that are in the workspace.

    Attributes:
        known: true pairs whose two photos are both here.
        no_region: of these, without any region in the look or cut-out of the garment.
        not_matched: with regions, but no match kept: the category filter or the top k lost them.
        first: whose look is the garment's best match.
        paired: that ended as a pair of the data set.
    """

    known: int
    no_region: int
    not_matched: int
    first: int
    paired: int


@dataclass
class Judged:
    """Everything that labels say."""

    by_truth: int = 0
    by_reviews: int = 0
    reviews: int = 0
    reviewers: int = 0
    precision: list[Precision] = field(default_factory=list)
    reliability: list[Bin] = field(default_factory=list)
    calibration_error: float | None = None
    recall: Recall | None = None


def judge(workspace: Workspace, scope: Scope, verdicts: Verdicts) -> Judged:
    """Hold the pairs and the matches' probabilities against what is known."""
    result = Judged(reviews=verdicts.reviews, reviewers=verdicts.reviewers)
    if not verdicts:
        return result
    wanted = pa.array(verdicts.garments())
    paired: set[tuple[str, str]] = set()
    where = scope.pairs
    for garment, look, _ in verdicts.judged_pairs(workspace, where):
        paired.add((garment, look))
        known = verdicts.of(garment, look) is not None
        result.by_truth += known and garment in verdicts.looks_of
        result.by_reviews += known and garment not in verdicts.looks_of
    result.precision = precision(verdicts, workspace, where)
    matched, first = _probabilities(workspace, scope, verdicts, wanted, result)
    if verdicts.looks_of:
        result.recall = _recall(workspace, scope, verdicts, matched, first, paired)
    return result


def _probabilities(
    workspace: Workspace, scope: Scope, verdicts: Verdicts, wanted: pa.Array, result: Judged
) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """Fill in the reliability; return which true pairs were matched, and which as the best."""
    sums, counts, right = np.zeros(10), np.zeros(10, int), np.zeros(10, int)
    matched: set[tuple[str, str]] = set()
    first: set[tuple[str, str]] = set()
    columns = ["garment", "look", "rank", "probability"]
    for batch in workspace.table("matches").scan(columns, scope.matches, _ROWS):
        for garment, look, rank, probability in _rows(batch, wanted, columns):
            verdict = verdicts.of(garment, look)
            if verdict:
                matched.add((garment, look))
                if rank == 1:
                    first.add((garment, look))
            if verdict is None or probability is None or not math.isfinite(probability):
                continue
            at = min(max(int(probability * 10), 0), 9)
            sums[at] += probability
            counts[at] += 1
            right[at] += verdict
    result.reliability = [
        Bin(float(sums[i] / counts[i]), int(right[i]), int(counts[i]))
        for i in range(10)
        if counts[i]
    ]
    if total := int(counts.sum()):
        gaps = sum(each.judged * abs(each.observed - each.predicted) for each in result.reliability)
        result.calibration_error = gaps / total
    return matched, first


def _recall(
    workspace: Workspace,
    scope: Scope,
    verdicts: Verdicts,
    matched: set[tuple[str, str]],
    first: set[tuple[str, str]],
    paired: set[tuple[str, str]],
) -> Recall:
    true = {(garment, look) for garment, looks in verdicts.looks_of.items() for look in looks}
    regions = workspace.table("regions")
    looks = _present(regions, scope.regions, {look for _, look in true})
    garments = _present(regions, scope.cutouts, {garment for garment, _ in true})
    reachable = {(garment, look) for garment, look in true if garment in garments and look in looks}
    return Recall(
        known=len(true),
        no_region=len(true - reachable - matched),
        not_matched=len(reachable - matched),
        first=len(true & first),
        paired=len(true & paired),
    )


def _rows(batch: pa.Table, garments: pa.Array, columns: list[str]) -> Iterator[tuple]:  # type: ignore[type-arg]
    """The rows of known garments; the many others are never made Python objects."""
    known = batch.filter(pc.is_in(batch.column("garment"), garments))
    return zip(*(known.column(name).to_pylist() for name in columns), strict=True)


def _present(table: Table, where: Condition, subjects: Iterable[str]) -> set[str]:
    found: set[str] = set()
    wanted = pa.array(sorted(subjects), pa.string())
    for batch in table.scan(["subject"], where, _ROWS):
        subject = batch.column("subject")
        found.update(subject.filter(pc.is_in(subject, wanted)).to_pylist())
    return found
