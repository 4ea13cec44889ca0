"""The way from files to pairs in counts: what came in at each step, what went on, what did not."""

from __future__ import annotations

from dataclasses import dataclass

from lookweave.report.distributions import Distributions
from lookweave.report.hubs import Hubness
from lookweave.report.rejects import Reason, count_rejects
from lookweave.report.scope import Scope, encoder_rows
from lookweave.store.conditions import Condition, column, matching
from lookweave.store.workspace import Workspace


@dataclass(frozen=True)
class Count:
    """One number of a stage and what is counted."""

    value: int
    label: str


@dataclass(frozen=True)
class Stage:
    """One step of the way.

    Attributes:
        step: whose rejects are `turned_away`.
        counts: the numbers to show, the most telling first.
        note: a sentence on what the numbers do not say themselves, or "".
    """

    step: str
    title: str
    counts: tuple[Count, ...]
    turned_away: int
    note: str = ""

    @property
    def total(self) -> int:
        """Sum of the stage's numbers."""
        return sum(count.value for count in self.counts)


def funnel(
    workspace: Workspace,
    scope: Scope,
    rejects: list[Reason],
    spread: Distributions,
    hubs: Hubness | None,
) -> list[Stage]:
    """The stages in the pipeline's order."""
    rows = _Rows(workspace, scope)
    garments, looks = rows.count("garments"), rows.count("looks")
    away = {kind: count_rejects(rejects, "ingest", kind) for kind in ("garment", "look")}
    other = count_rejects(rejects, "ingest") - sum(away.values())
    read = column("id").differs("")  # the others are rejects
    files = {kind: rows.count("sources", matching(kind=kind) & read) for kind in away}
    same = sum(files.values()) - garments - looks
    embedded = {
        kind: encoder_rows(workspace, scope.encoder, matching(kind=kind)) if scope.encoder else 0
        for kind in away
    }
    matches = rows.count("matches", scope.matches)
    return [
        Stage(
            "ingest",
            "Files found",
            (
                Count(files["garment"] + away["garment"], "garment files"),
                Count(files["look"] + away["look"], "look files"),
                *([Count(other, "other files")] if other else []),
            ),
            count_rejects(rejects, "ingest"),
        ),
        Stage(
            "ingest",
            "Photos",
            (Count(garments, "garments"), Count(looks, "looks")),
            0,
            f"{same:,} {_files(same)} the bytes of another and became one photo with it."
            if same > 0
            else "",
        ),
        Stage(
            "detect",
            "Regions",
            (
                Count(rows.count("regions", scope.cutouts), "garment cut-outs"),
                Count(rows.count("regions", scope.regions), "regions in looks"),
            ),
            count_rejects(rejects, "detect"),
        ),
        Stage(
            "describe",
            "Described",
            (
                Count(rows.described("garment"), "garment cut-outs"),
                Count(rows.described("look"), "regions in looks"),
            ),
            count_rejects(rejects, "describe"),
        ),
        Stage(
            "embed",
            "Embedded",
            (
                Count(embedded["garment"], "garment cut-outs"),
                Count(embedded["look"], "regions in looks"),
            ),
            count_rejects(rejects, "embed"),
        ),
        Stage(
            "match",
            "Matches",
            (Count(matches, "garment × region"),),
            count_rejects(rejects, "match"),
            f"{hubs.garments:,} of {garments:,} garments have a match." if hubs else "",
        ),
        Stage(
            "tier",
            "Pairs",
            tuple(Count(spread.total(tier), tier) for tier in spread.tiers),
            count_rejects(rejects, "tier"),
        ),
    ]


class _Rows:
    def __init__(self, workspace: Workspace, scope: Scope) -> None:
        self.workspace, self.scope = workspace, scope

    def count(self, table: str, where: Condition | None = None) -> int:
        return self.workspace.table(table).count(where)

    def described(self, kind: str) -> int:
        if self.scope.describer is None:
            return 0
        return self.count("descriptions", matching(kind=kind) & self.scope.described)


def _files(count: int) -> str:
    return "file has" if count == 1 else "files have"
