"""What a step is: a plan that reads, and a worker that maps a batch to a batch.

A `Step` is made once for each build, from the `Setup`. It says by reading alone what is left
(`plan`) and where rows go. Its `Worker` loads a model once and turns batches into outcomes, in
threads (`executors.local`) or on a cluster (`executors.ray`); it knows nothing of what is left and
writes no table. `run.run_step` brings the two together, and is the only one to write.

An *outcome* has the columns of the step's table plus `reject`, a struct that is null for a row
that came through and says why for one that did not. So nothing vanishes, and one table is all
that an executor has to carry.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import pyarrow as pa

from lookweave.errors import Rejected
from lookweave.pipeline.setup import Setup
from lookweave.records import REJECT, TableSpec
from lookweave.store.conditions import ANY_ROW, Condition, matching
from lookweave.store.tables import Table
from lookweave.store.workspace import Workspace

REJECT_STRUCT = pa.struct(list(REJECT.schema))


@dataclass(frozen=True)
class Plan:
    """Work that is left.

    Attributes:
        count: how many subjects are left.
        batches: what to give to the worker; their rows add up to `count`.
        inputs: of a step over everything, the digest of all that its rows are made of. With it, a
            count of 0 means that there are to be no rows, not that there is nothing to do.
        settle: writes what is to be written before the work, also where nothing is left, and
            returns sentences for the person who builds; None: nothing.
    """

    count: int
    batches: Iterable[pa.Table]
    inputs: str | None = None
    settle: Callable[[Workspace], list[str]] | None = None


NOTHING = Plan(0, ())


class Worker(ABC):
    """What does a step's work. Made once for each thread pool or actor; called with batches, from
    several threads at a time.

    Args:
        workspace: a reader of all tables as they were when the work was planned.
        setup: as the step's.
    """

    def __init__(self, workspace: Workspace, setup: Setup) -> None:
        self.workspace = workspace
        self.setup = setup

    @abstractmethod
    def __call__(self, batch: pa.Table) -> pa.Table:
        """Map a batch to an outcome."""


class Step(ABC):
    """One step of the pipeline, for one setup. Loads no model.

    Attributes:
        name: as in `rejects.step` and `runs.step`.
        unit: what is counted, for the progress line.
        over_everything: False where rows are added for new subjects; True where all rows of the
            recipe are made anew, in one commit, whenever what they are made of has changed.
        worker: what maps a batch to an outcome.
    """

    name: ClassVar[str]
    unit: ClassVar[str] = "photos"
    over_everything: ClassVar[bool] = False
    worker: ClassVar[type[Worker]]

    def __init__(self, setup: Setup) -> None:
        self.setup = setup

    @property
    @abstractmethod
    def spec(self) -> TableSpec:
        """The columns of the step's outcome, `reject` aside."""

    @cached_property
    @abstractmethod
    def recipe(self) -> str:
        """Name of what makes the rows: model keys, settings. Part of every row's key."""

    @abstractmethod
    def plan(self, workspace: Workspace) -> Plan:
        """What is left. Reads only."""

    def table(self, workspace: Workspace) -> Table:
        """The table that the rows go to."""
        return workspace.table(self.spec.name)

    @property
    def rows(self) -> Condition:
        """The rows that this recipe made, in `table`."""
        return matching(recipe=self.recipe)

    def at_once(self, workers: int) -> int:
        """Batches at work at a time in this process, where `workers` cores are to be busy: more
        of them where batches wait for a network."""
        return workers

    @property
    def counted(self) -> Condition:
        """Those of `rows` that the step itself writes: another step may add to them."""
        return self.rows

    @property
    def tried_again(self) -> Condition:
        """Which of the rejects that may be tried again are so now."""
        return ANY_ROW

    def commit(self, workspace: Workspace, rows: pa.Table) -> None:
        """Make rows for new subjects durable, so that a crash leaves none or all of them."""
        self.table(workspace).upsert(rows)

    def prepare(self, workspace: Workspace) -> None:
        """Once before the first batch: what all workers will read. May write files, no rows."""

    def finish(self, workspace: Workspace) -> None:
        """After the last commit: indexes, compaction."""
        self.table(workspace).compact()

    def is_current(self, workspace: Workspace, inputs: str) -> bool:
        """Whether the rows of a step over everything are those of its last run, of `inputs`."""
        where = matching(step=self.name, recipe=self.recipe)
        runs = workspace.table("runs").read(["started", "inputs", "written"], where).to_pylist()
        if not runs:
            return False
        last = max(runs, key=lambda run: run["started"])
        # The count tells where rows were removed since, as by verify-store.
        made = self.table(workspace).count(self.counted)
        return bool(last["inputs"] == inputs and last["written"] == made)


def outcome(
    spec: TableSpec, rows: list[dict[str, object]], rejects: list[dict[str, object]]
) -> pa.Table:
    """Rows and rejects of one batch as one table."""
    schema = outcome_schema(spec)
    good = [{**row, "reject": None} for row in rows]
    return pa.Table.from_pylist([*good, *({"reject": reject} for reject in rejects)], schema=schema)


def outcome_schema(spec: TableSpec) -> pa.Schema:
    """The columns of an outcome: all may be null where a row was turned away."""
    fields = [field.with_nullable(True) for field in spec.schema]
    return pa.schema([*fields, pa.field("reject", REJECT_STRUCT)])


def split(table: pa.Table, spec: TableSpec) -> tuple[pa.Table, pa.Table]:
    """An outcome's rows and its rejects, each in its own schema."""
    reject = table.column("reject")
    came_through = reject.is_null()
    rows = table.filter(came_through).drop_columns(["reject"]).cast(spec.schema)
    turned_away = reject.filter(reject.is_valid()).to_pylist()
    return rows, REJECT.table(turned_away)


def reject_row(
    step: str, recipe: str, subject: str, why: Rejected, **more: object
) -> dict[str, object]:
    """A row of `rejects`; `more`: kind, name, size, modified_ns."""
    return {
        "step": step, "recipe": recipe, "subject": subject, "reason": why.reason,
        "detail": why.detail, "retry": why.retry, **more,
    }  # fmt: skip
