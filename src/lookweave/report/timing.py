"""How long the steps took, from the table of runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lookweave.store.workspace import Workspace


@dataclass(frozen=True)
class StepTime:
    """All runs of one step together.

    Attributes:
        read: subjects taken in, over all runs; `rate` is how many of them a second.
        started: of the last run, UTC.
    """

    step: str
    runs: int
    read: int
    written: int
    rejected: int
    seconds: float
    started: datetime
    engine: str

    @property
    def rate(self) -> float:
        """Subjects a second."""
        return self.read / self.seconds if self.seconds else 0.0


def step_times(workspace: Workspace) -> list[StepTime]:
    """One line for each step, in the order in which they first ran."""
    columns = ["step", "started", "seconds", "read", "written", "rejected", "engine"]
    by_step: dict[str, list[dict[str, Any]]] = {}
    for row in workspace.table("runs").read(columns).sort_by("started").to_pylist():
        by_step.setdefault(row["step"], []).append(row)
    return [
        StepTime(
            step=step,
            runs=len(rows),
            read=_sum(rows, "read"),
            written=_sum(rows, "written"),
            rejected=_sum(rows, "rejected"),
            seconds=sum((float(row["seconds"] or 0) for row in rows), 0.0),
            started=rows[-1]["started"],
            engine=str(rows[-1]["engine"] or "local"),
        )
        for step, rows in by_step.items()
    ]


def _sum(rows: list[dict[str, Any]], column: str) -> int:
    return sum(int(row[column] or 0) for row in rows)
