"""What people say of a garment and a region, counted in one place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lookweave.store.conditions import Condition
from lookweave.store.workspace import Workspace

VERDICTS: dict[str, str] = {
    "same": "yes", "same_style": "no", "no": "no", "bad_crop": "unsure", "unsure": "unsure",
}  # fmt: skip
"""Each answer and what it counts as for pairing. "Same style" is no, and a hard negative for
learning; "bad crop" says nothing about the garment."""

_COLUMNS = ["garment", "region", "look", "reviewer", "decision", "kind", "blind"]


@dataclass(frozen=True)
class Standing:
    """What all that was said of one garment and one region comes to.

    Attributes:
        look: that has the region.
        yes, no, unsure: who said so, by name.
        blind: of those who said yes, who saw neither scores nor what others said.
        adjudicated: what an adjudicator decided; None where nobody did.
    """

    look: str
    yes: tuple[str, ...] = ()
    no: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()
    blind: tuple[str, ...] = ()
    adjudicated: bool | None = None

    @property
    def same(self) -> bool | None:
        """The same garment: what an adjudicator decided, else the majority; None while open."""
        if self.adjudicated is not None:
            return self.adjudicated
        if len(self.yes) == len(self.no):
            return None
        return len(self.yes) > len(self.no)

    @property
    def disputed(self) -> bool:
        """As many say yes as no, and nobody decided it."""
        return self.same is None and bool(self.yes)

    @property
    def verified(self) -> bool:
        """Two people said yes, each blind, and no contrary word is open; or an adjudicator did."""
        if self.adjudicated is not None:
            return self.adjudicated
        return len(self.blind) >= 2 and self.same is True

    @property
    def settled(self) -> bool:
        """Nothing is left to ask: verified, refused, or decided by a third person."""
        decided = self.same is not None and len(self.yes) + len(self.no) >= 3
        return self.verified or self.same is False or decided

    @property
    def reviewers(self) -> tuple[str, ...]:
        """Everybody who said something, by name."""
        return tuple(sorted({*self.yes, *self.no, *self.unsure}))

    @property
    def reviews(self) -> int:
        """How many verdicts there are."""
        return len(self.yes) + len(self.no) + len(self.unsure)


def standing(rows: Iterable[Mapping[str, Any]]) -> Standing:
    """What verdicts on one garment and region come to.

    Args:
        rows: with look, reviewer, decision (yes, no, unsure), kind and blind; one a reviewer.
    """
    said: dict[str, list[str]] = defaultdict(list)
    look, adjudicated = "", None
    for row in rows:
        look = row["look"]
        said[row["decision"]].append(row["reviewer"])
        if row["kind"] == "adjudication" and row["decision"] != "unsure":
            adjudicated = row["decision"] == "yes"
        elif row["decision"] == "yes" and row["blind"]:
            said["blind"].append(row["reviewer"])
    names = {name: tuple(sorted(who)) for name, who in said.items()}
    return Standing(look, adjudicated=adjudicated, **names)


def standings(
    workspace: Workspace, where: Condition | None = None
) -> dict[tuple[str, str], Standing]:
    """(garment, region) -> what people say of it; `where`: which reviews count, all by default."""
    rows: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for batch in workspace.table("reviews").scan(_COLUMNS, where):
        for row in batch.to_pylist():
            rows[row["garment"], row["region"]].append(row)
    return {key: standing(each) for key, each in rows.items()}
