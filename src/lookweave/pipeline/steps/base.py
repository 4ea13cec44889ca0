"""What a step is, and how its rows travel.

A step is a class whose `__init__` loads once and whose `__call__` maps an Arrow table to an
Arrow table: what `executors.local` runs in threads and `executors.ray` in actors. Class methods
say, before anything is loaded, what is left to do and where the rows go.

What a step returns is an *outcome*: the columns of its table plus `reject`, a struct that is
null for a row that came through and says why for one that did not. So nothing vanishes, and one
table is all that an executor has to carry.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import pyarrow as pa

from lookweave.config import Config
from lookweave.errors import Rejected
from lookweave.records import REJECT, Noun
from lookweave.store.tables import Table, quoted
from lookweave.store.workspace import Workspace

REJECT_STRUCT = pa.struct(list(REJECT.schema))


@dataclass(frozen=True)
class Todo:
    """Work left to do.

    Attributes:
        count: how many subjects are left.
        batches: what to call the step with; their rows add up to `count`.
        inputs: of a ``replace`` step, the digest of all that its rows are made of. With it, a
            count of 0 means that there are to be no rows, not that there is nothing to do.
    """

    count: int
    batches: Iterable[pa.Table]
    inputs: str | None = None


NOTHING = Todo(0, ())


class Step(ABC):
    """One step of the pipeline.

    Attributes:
        name: as in `rejects.step` and `runs.step`.
        unit: what is counted, for the progress line.
        writes: ``upsert`` adds rows for new subjects; ``replace`` makes all rows of the recipe
            anew whenever what they are made of has changed.
    """

    name: ClassVar[str]
    unit: ClassVar[str] = "photos"
    writes: ClassVar[Literal["upsert", "replace"]] = "upsert"

    def __init__(self, workspace: Path, config: Config) -> None:
        self.workspace = Workspace.open(workspace)
        self.config = config

    @abstractmethod
    def __call__(self, batch: pa.Table) -> pa.Table:
        """Map a batch to an outcome."""

    @classmethod
    @abstractmethod
    def recipe(cls, config: Config) -> str:
        """Name of what makes the rows: model keys, settings. Part of every row's key."""

    @classmethod
    @abstractmethod
    def todo(cls, workspace: Workspace, config: Config) -> Todo:
        """What is left. Loads no model."""

    @classmethod
    @abstractmethod
    def noun(cls, config: Config) -> Noun:
        """The columns of the step's outcome, `reject` aside."""

    @classmethod
    def table(cls, workspace: Workspace, config: Config) -> Table:
        """The table that the rows go to."""
        return workspace.table(cls.noun(config).name)

    @classmethod
    def commit(cls, workspace: Workspace, config: Config, rows: pa.Table) -> None:
        """Make rows of an ``upsert`` step durable, so that a crash leaves none or all of them."""
        cls.table(workspace, config).upsert(rows)

    @classmethod
    def replaces(cls, config: Config) -> str:
        """Which rows a ``replace`` step makes anew, as an SQL condition."""
        return f"recipe = {quoted(cls.recipe(config))}"

    @classmethod
    def tried_again(cls, config: Config) -> str:
        """Which of the rejects that may be tried again are so now, as an SQL condition."""
        return "true"

    @classmethod
    def is_current(cls, workspace: Workspace, config: Config, inputs: str) -> bool:
        """Whether the rows of a ``replace`` step are those of its last run, made of `inputs`."""
        where = f"step = {quoted(cls.name)} AND recipe = {quoted(cls.recipe(config))}"
        runs = workspace.table("runs").read(["started", "inputs", "written"], where).to_pylist()
        if not runs:
            return False
        last = max(runs, key=lambda run: run["started"])
        # The count tells when a later run was killed after it had removed the rows.
        made = cls.table(workspace, config).count(cls.replaces(config))
        return bool(last["inputs"] == inputs and last["written"] == made)

    @classmethod
    def prepare(cls, workspace: Workspace, config: Config) -> None:
        """Once before the first batch: what all instances of the step will read."""

    @classmethod
    def finish(cls, workspace: Workspace, config: Config) -> None:
        """After the last commit: indexes, compaction."""
        cls.table(workspace, config).compact()


def outcome(
    noun: Noun, rows: list[dict[str, object]], rejects: list[dict[str, object]]
) -> pa.Table:
    """Rows and rejects of one batch as one table."""
    schema = outcome_schema(noun)
    good = [{**row, "reject": None} for row in rows]
    return pa.Table.from_pylist([*good, *({"reject": reject} for reject in rejects)], schema=schema)


def outcome_schema(noun: Noun) -> pa.Schema:
    """The columns of an outcome: all may be null where a row was turned away."""
    fields = [field.with_nullable(True) for field in noun.schema]
    return pa.schema([*fields, pa.field("reject", REJECT_STRUCT)])


def split(table: pa.Table, noun: Noun) -> tuple[pa.Table, pa.Table]:
    """An outcome's rows and its rejects, each in its own schema."""
    reject = table.column("reject")
    came_through = reject.is_null()
    rows = table.filter(came_through).drop_columns(["reject"]).cast(noun.schema)
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
