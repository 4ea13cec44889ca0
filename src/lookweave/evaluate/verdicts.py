"""What the truth and people say of pairs, and how right each tier is by them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from lookweave.config import Config
from lookweave.evaluate.truth import read_truth
from lookweave.matching.select import wilson
from lookweave.pipeline.setup import Setup
from lookweave.pipeline.steps.tier import Tier
from lookweave.store.conditions import Condition
from lookweave.store.reviews import standings
from lookweave.store.workspace import Workspace

TIERS = ("high", "medium", "low")
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


class Verdicts:
    """Says of a garment and a look whether they belong together, as far as anybody knows.

    The truth (a list of garments and the looks that show them, taken as complete for every
    garment that it names) is asked first, then the majority of the reviews.

    Args:
        truth: see `evaluate.truth.read_truth`; None: reviews only.
    """

    def __init__(self, workspace: Workspace, truth: Path | None) -> None:
        self.looks_of: dict[str, set[str]] = {}
        if truth is not None:
            known = read_truth(workspace, truth).looks_of()
            self.looks_of = {garment: set(looks) for garment, looks in known.items()}
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

    def judged_pairs(
        self, workspace: Workspace, where: Condition | str
    ) -> Iterator[tuple[str, str, str]]:
        """Garment, look and tier of the pairs of garments about which something is known; the
        many others are never made Python objects."""
        wanted = pa.array(self.garments(), pa.string())
        columns = ["garment", "look", "tier"]
        for batch in workspace.table("pairs").scan(columns, where, _ROWS):
            known = batch.filter(pc.is_in(batch.column("garment"), wanted))
            yield from zip(*(known.column(name).to_pylist() for name in columns), strict=True)


def tier_precision(
    workspace: Workspace, config: Config, truth: Path | None = None
) -> list[Precision]:
    """Precision of each tier that has judged pairs, best tier first."""
    return precision(Verdicts(workspace, truth), workspace, Tier(Setup.of(config)).rows)


def precision(verdicts: Verdicts, workspace: Workspace, where: Condition | str) -> list[Precision]:
    """The same for the pairs that `where` names."""
    right, judged = Counter[str](), Counter[str]()
    for garment, look, tier in verdicts.judged_pairs(workspace, where):
        if (verdict := verdicts.of(garment, look)) is not None:
            judged[tier] += 1
            right[tier] += verdict
    return [Precision(tier, right[tier], judged[tier]) for tier in TIERS if judged[tier]]


def _reviews(workspace: Workspace) -> tuple[dict[tuple[str, str], bool], int, int]:
    """What people decided of garment and look; open disagreements are left out.

    A yes of any region makes the pair right; it is wrong where regions were only refused.
    """
    found: dict[tuple[str, str], bool] = {}
    count, reviewers = 0, set[str]()
    for (garment, _), said in standings(workspace).items():
        count += said.reviews
        reviewers.update(said.reviewers)
        if said.same is not None and said.look:
            pair = (garment, said.look)
            found[pair] = found.get(pair, False) or said.same
    return found, count, len(reviewers)
