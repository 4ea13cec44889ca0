"""What people and the truth say of pairs and matches: precision, reliability, recall lost.

A pair is judged right or wrong by the truth (a list of garments and the looks that show them,
taken as complete for every garment that it names), and else by the majority of its reviews.
"""

from __future__ import annotations

import csv
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lookweave.errors import InputError
from lookweave.report.distributions import TIERS, batches_of
from lookweave.report.scope import Scope
from lookweave.tables import Table
from lookweave.workspace import Workspace

_ROWS = 1 << 16


@dataclass(frozen=True)
class Precision:
    """How many of the judged pairs of a tier are right, with the 95 % Wilson interval."""

    tier: str
    right: int
    judged: int

    @property
    def value(self) -> float:
        """Share that is right."""
        return self.right / self.judged

    @property
    def interval(self) -> tuple[float, float]:
        """95 % Wilson interval."""
        return wilson(self.right, self.judged)


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


class Verdicts:
    """Says of a garment and a look whether they belong together, as far as anybody knows."""

    def __init__(self, workspace: Workspace, truth: Path | None) -> None:
        self.looks_of: dict[str, set[str]] = {}
        if truth is not None:
            self.looks_of = _truth_ids(workspace, truth)
        self.reviewed, self.reviews, self.reviewers = _reviews(workspace)

    def __bool__(self) -> bool:
        return bool(self.looks_of or self.reviewed)

    def of(self, garment: str, look: str) -> bool | None:
        """True, False, or None where nobody knows."""
        if garment in self.looks_of:
            return look in self.looks_of[garment]
        return self.reviewed.get((garment, look))

    def garments(self) -> list[str]:
        """Garments about which something is known."""
        return sorted({*self.looks_of, *(garment for garment, _ in self.reviewed)})


def judge(workspace: Workspace, scope: Scope, verdicts: Verdicts) -> Judged:
    """Hold the pairs and the matches' probabilities against what is known."""
    result = Judged(reviews=verdicts.reviews, reviewers=verdicts.reviewers)
    if not verdicts:
        return result
    wanted = pa.array(verdicts.garments())
    right, judged = Counter[str](), Counter[str]()
    paired: set[tuple[str, str]] = set()
    for batch in batches_of(workspace, scope, ["garment", "look", "tier"]):
        for garment, look, tier in _rows(batch, wanted, ["garment", "look", "tier"]):
            paired.add((garment, look))
            verdict = verdicts.of(garment, look)
            if verdict is None:
                continue
            judged[tier] += 1
            right[tier] += verdict
            result.by_truth += garment in verdicts.looks_of
            result.by_reviews += garment not in verdicts.looks_of
    result.precision = [
        Precision(tier, right[tier], judged[tier]) for tier in TIERS if judged[tier]
    ]
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


def wilson(right: int, total: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson's score interval of a proportion (Wilson 1927), 95 % by default."""
    if not total:
        return 0.0, 1.0
    share, square = right / total, z * z
    middle = (share + square / (2 * total)) / (1 + square / total)
    spread = share * (1 - share) / total + square / (4 * total * total)
    half = z * math.sqrt(spread) / (1 + square / total)
    return max(0.0, middle - half), min(1.0, middle + half)


def _truth_ids(workspace: Workspace, truth: Path) -> dict[str, set[str]]:
    """Garment id -> ids of the looks that show it, of the photos that are here."""
    names: dict[str, set[str]] = defaultdict(set)
    try:
        with truth.open(newline="", encoding="utf-8-sig") as file:
            for row in csv.DictReader(file):
                names[row["garment"]].add(row["look"])
    except KeyError as error:
        raise InputError(
            f"{truth} has no column {error}: a truth file has the columns garment and look."
        ) from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"The truth file {truth} cannot be read: {error}.") from error
    garments = _ids(workspace, "garment", set(names))
    looks = _ids(workspace, "look", {look for each in names.values() for look in each})
    found: dict[str, set[str]] = {}
    for garment, theirs in names.items():
        here = {looks[look] for look in theirs if look in looks}
        if garment in garments and here:
            found.setdefault(garments[garment], set()).update(here)
    return found


def _ids(workspace: Workspace, kind: str, names: set[str]) -> dict[str, str]:
    """Photo ids by file name, in any folder below where the photos came from."""
    found: dict[str, str] = {}
    for batch in workspace.table("sources").scan(["name", "id"], f"kind = '{kind}'", _ROWS):
        for name, photo in zip(
            batch.column("name").to_pylist(), batch.column("id").to_pylist(), strict=True
        ):
            for spelling in (name, name.rsplit("/", 1)[-1]):
                if spelling in names:
                    found.setdefault(spelling, photo)
    return found


def _reviews(workspace: Workspace) -> tuple[dict[tuple[str, str], bool], int, int]:
    """The majority of each pair's reviews; a draw leaves it unjudged."""
    votes: Counter[tuple[str, str]] = Counter()
    reviewers: set[str] = set()
    count = 0
    columns = ["garment", "look", "reviewer", "decision"]
    for batch in workspace.table("reviews").scan(columns, None, _ROWS):
        for row in batch.to_pylist():
            count += 1
            reviewers.add(row["reviewer"])
            vote = {"yes": 1, "no": -1}.get(row["decision"], 0)
            if row["look"]:
                votes[row["garment"], row["look"]] += vote
    return {pair: vote > 0 for pair, vote in votes.items() if vote}, count, len(reviewers)


def _rows(batch: pa.Table, garments: pa.Array, columns: list[str]) -> Iterator[tuple]:  # type: ignore[type-arg]
    """The rows of known garments; the many others are never made Python objects."""
    known = batch.filter(pc.is_in(batch.column("garment"), garments))
    return zip(*(known.column(name).to_pylist() for name in columns), strict=True)


def _present(table: Table, where: str, subjects: Iterable[str]) -> set[str]:
    found: set[str] = set()
    wanted = pa.array(sorted(subjects), pa.string())
    for batch in table.scan(["subject"], where, _ROWS):
        subject = batch.column("subject")
        found.update(subject.filter(pc.is_in(subject, wanted)).to_pylist())
    return found
