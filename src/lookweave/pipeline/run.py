"""From two folders of photographs to tiered pairs: the steps, in order."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

import pyarrow as pa

from lookweave.memory import keep_what_is_freed, return_what_is_freed
from lookweave.models.embedded.sharing import one_build
from lookweave.pipeline.executors import executor
from lookweave.pipeline.setup import Setup
from lookweave.pipeline.step import Plan, Step, split
from lookweave.pipeline.steps.describe import Describe
from lookweave.pipeline.steps.detect import Detect
from lookweave.pipeline.steps.embed import Embed
from lookweave.pipeline.steps.group import Group
from lookweave.pipeline.steps.ingest import Ingest
from lookweave.pipeline.steps.link import Link
from lookweave.pipeline.steps.match import Match
from lookweave.pipeline.steps.tier import Tier
from lookweave.progress import Progress
from lookweave.records import REJECT, RUN
from lookweave.store.conditions import matching
from lookweave.store.workspace import Workspace

PIPELINE: list[type[Step]] = [
    Ingest,    # files and addresses -> garments, looks
    Detect,    # photos -> regions: garments in looks, cut-outs of product photos
    Describe,  # regions -> category and attributes
    Embed,     # regions -> unit vectors
    Group,     # photos -> same photo, same product, same shoot
    Match,     # garments x regions -> scored matches
    Link,      # what people linked and no match has -> matches
    Tier,      # matches -> pairs of the data set
]  # fmt: skip

_log = logging.getLogger(__name__)


@dataclass
class Outcome:
    """What one step did in one build.

    Attributes:
        reasons: of what was turned away, how often each.
        notes: sentences for the person who builds.
    """

    step: str
    recipe: str
    read: int = 0
    written: int = 0
    rejected: int = 0
    seconds: float = 0.0
    reasons: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Subjects a second."""
        return self.read / self.seconds if self.seconds else 0.0


def steps(setup: Setup) -> list[Step]:
    """Every step of the pipeline, for one setup."""
    return [step(setup) for step in PIPELINE]


def run_pipeline(
    workspace: Workspace,
    setup: Setup,
    progress: Progress,
    kinds: Sequence[type[Step]] = tuple(PIPELINE),
    *,
    before_pairing: Callable[[Workspace, Setup], object] = lambda workspace, setup: None,
) -> list[Outcome]:
    """Run every step over what it has not seen yet. Safe to stop at any moment and call again.

    The caller holds the workspace's lock.

    Args:
        before_pairing: called when all photos have their regions, and before pairs are made.
    """
    done: list[Outcome] = []
    todo = [step(setup) for step in kinds]
    with one_build():
        for step in [step for step in todo if not step.over_everything]:
            done.append(run_step(step, workspace, progress))
    with workspace.together():  # nobody sees new matches beside pairs of old ones
        before_pairing(workspace, setup)
        for step in [step for step in todo if step.over_everything]:
            done.append(run_step(step, workspace, progress))
    workspace.show()
    return done


def run_step(step: Step, workspace: Workspace, progress: Progress) -> Outcome:
    """Run one step over its subjects that have neither rows nor a reject of this recipe."""
    done = Outcome(step.name, step.recipe)
    if step.over_everything:  # these hold large arrays, and run no network
        return_what_is_freed()
    else:
        keep_what_is_freed()
    plan = step.plan(workspace)
    if plan.settle:
        with workspace.together():
            done.notes = plan.settle(workspace)
    if not plan.count and plan.inputs is None:
        _log.info("%s: nothing is left", step.name)
        return done
    started, began = datetime.now(UTC), time.monotonic()
    _log.info("%s: %d %s left, recipe %s", step.name, plan.count, step.unit, step.recipe)
    progress.start(step.name, plan.count, step.unit)
    step.prepare(workspace)
    outcomes = _counted(step, workspace, plan, done, progress)
    if step.over_everything:
        _replace(step, workspace, outcomes)
    else:
        _add(step, workspace, outcomes)
    step.finish(workspace)
    workspace.table("rejects").compact()
    done.seconds = time.monotonic() - began
    turned_away = f", {done.rejected} turned away" if done.rejected else ""
    progress.end(f" -> {done.written} rows{turned_away}")
    _log.info(
        "%s: %d read, %d written, %d turned away in %.1f s",
        step.name, done.read, done.written, done.rejected, done.seconds,
    )  # fmt: skip
    _record(step, workspace, done, plan, started)
    return done


def _counted(
    step: Step, workspace: Workspace, plan: Plan, done: Outcome, progress: Progress
) -> Iterator[tuple[pa.Table, pa.Table]]:
    """The executor's outcomes, split into rows and rejects, counted as they pass."""
    sizes: list[int] = []

    def batches() -> Iterator[pa.Table]:
        for batch in plan.batches:
            sizes.append(batch.num_rows)
            yield batch

    run = executor(step.setup.config.run.engine)
    for position, outcome in enumerate(run(step, workspace.pinned(), batches())):
        rows, rejects = split(outcome, step.spec)
        done.read += sizes[position]
        done.written += rows.num_rows
        done.rejected += rejects.num_rows
        for reason in rejects.column("reason").to_pylist():
            done.reasons[reason] = done.reasons.get(reason, 0) + 1
        progress.advance(sizes[position])
        _log_rejects(rejects)
        yield rows, rejects


def _log_rejects(rejects: pa.Table) -> None:
    if rejects.num_rows and _log.isEnabledFor(logging.DEBUG):
        for row in rejects.to_pylist():
            _log.debug(
                "%s: turned away %s: %s: %s",
                row["step"], row["name"] or row["subject"], row["reason"], row["detail"],
                extra={name: row[name] for name in ("step", "subject", "reason", "retry")},
            )  # fmt: skip


def _add(step: Step, workspace: Workspace, outcomes: Iterator[tuple[pa.Table, pa.Table]]) -> None:
    """Commit in large pieces, and at least every `commit_seconds`."""
    _forget_retries(step, workspace)
    waiting: list[pa.Table] = []
    waiting_rejects: list[pa.Table] = []
    committed = time.monotonic()
    run = step.setup.config.run

    def commit() -> None:
        nonlocal committed
        with workspace.together():
            if waiting:
                step.commit(workspace, pa.concat_tables(waiting))
            if waiting_rejects:
                workspace.table("rejects").upsert(_one_each(waiting_rejects))
        waiting.clear()
        waiting_rejects.clear()
        committed = time.monotonic()

    for rows, rejects in outcomes:
        if rows.num_rows:
            waiting.append(rows)
        if rejects.num_rows:
            waiting_rejects.append(rejects)
        full = sum(table.num_rows for table in waiting) >= run.commit_rows
        if full or time.monotonic() - committed > run.commit_seconds:
            commit()
    commit()


def _one_each(rejects: list[pa.Table]) -> pa.Table:
    """Rejects with unique keys: a file that is bad as a garment and as a look is one reject."""
    rows = {
        tuple(row[name] for name in REJECT.key): row
        for table in rejects
        for row in table.to_pylist()
    }
    return REJECT.table(list(rows.values()))


def _forget_retries(step: Step, workspace: Workspace) -> None:
    """Drop the rejects that are tried again now; those that fail again come back."""
    rejects = workspace.table("rejects")
    where = matching(step=step.name, recipe=step.recipe, retry=True) & step.tried_again
    if again := rejects.count(where):
        _log.info("%s: %d that were turned away are tried again", step.name, again)
        rejects.delete(where)


def _replace(
    step: Step, workspace: Workspace, outcomes: Iterator[tuple[pa.Table, pa.Table]]
) -> None:
    """Make the recipe's rows anew, in one commit: an error or a crash leaves the old ones."""
    turned_away: list[pa.Table] = []

    def came_through() -> Iterator[pa.Table]:
        for rows, rejects in outcomes:
            if rejects.num_rows:
                turned_away.append(rejects)
            if rows.num_rows:
                yield rows

    step.table(workspace).replace(came_through(), step.rows)
    if turned_away:
        workspace.table("rejects").upsert(pa.concat_tables(turned_away))


def _record(step: Step, workspace: Workspace, done: Outcome, plan: Plan, started: datetime) -> None:
    row = {
        "id": uuid.uuid4().hex,
        "inputs": plan.inputs,
        "started": started,
        "engine": step.setup.config.run.engine,
        "settings": step.setup.config.model_dump_json(),
        **{name: value for name, value in asdict(done).items() if name in RUN.schema.names},
    }
    workspace.table("runs").append([RUN.table([row])])
