"""From two folders of photographs to tiered pairs: the steps, in order."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import pyarrow as pa

from lookweave.config import Config
from lookweave.memory import keep_what_is_freed, return_what_is_freed
from lookweave.models.embedded.sharing import one_build
from lookweave.pipeline.executors import executor
from lookweave.pipeline.steps.base import Step, Todo, split
from lookweave.pipeline.steps.describe import Describe
from lookweave.pipeline.steps.detect import Detect
from lookweave.pipeline.steps.embed import Embed
from lookweave.pipeline.steps.group import Group
from lookweave.pipeline.steps.ingest import Ingest
from lookweave.pipeline.steps.match import Match
from lookweave.pipeline.steps.tier import Tier
from lookweave.progress import Progress
from lookweave.records import REJECT, RUN
from lookweave.store.tables import quoted
from lookweave.store.workspace import Workspace

PIPELINE: list[type[Step]] = [
    Ingest,    # files and addresses -> garments, looks
    Detect,    # photos -> regions: garments in looks, cut-outs of product photos
    Describe,  # regions -> category and attributes
    Embed,     # regions -> unit vectors
    Group,     # photos -> same photo, same product, same shoot
    Match,     # garments x regions -> scored matches
    Tier,      # matches -> pairs of the data set
]  # fmt: skip


@dataclass
class Outcome:
    """What one step did in one build."""

    step: str
    recipe: str
    read: int = 0
    written: int = 0
    rejected: int = 0
    seconds: float = 0.0


def run_pipeline(
    workspace: Workspace,
    config: Config,
    progress: Progress,
    steps: list[type[Step]] | None = None,
) -> list[Outcome]:
    """Run every step over what it has not seen yet. Safe to stop at any moment and call again."""
    with workspace.lock(), one_build():
        return [run_step(step, workspace, config, progress) for step in steps or PIPELINE]


def run_step(step: type[Step], workspace: Workspace, config: Config, progress: Progress) -> Outcome:
    """Run one step over its subjects that have neither rows nor a reject of this recipe."""
    done = Outcome(step.name, step.recipe(config))
    if step.writes == "replace":  # these look at everything, in large arrays, and run no network
        return_what_is_freed()
    else:
        keep_what_is_freed()
    todo = step.todo(workspace, config)
    if not todo.count and todo.inputs is None:
        return done
    started, began = datetime.now(UTC), time.monotonic()
    progress.start(step.name, todo.count, step.unit)
    step.prepare(workspace, config)
    outcomes = _counted(step, workspace, config, todo, done, progress)
    if step.writes == "replace":
        _replace(step, workspace, config, outcomes, done)
    else:
        _upsert(step, workspace, config, outcomes, done)
    step.finish(workspace, config)
    workspace.table("rejects").compact()
    done.seconds = time.monotonic() - began
    turned_away = f", {done.rejected} turned away" if done.rejected else ""
    progress.end(f" -> {done.written} rows{turned_away}")
    _record(workspace, config, done, todo, started)
    return done


def _counted(
    step: type[Step],
    workspace: Workspace,
    config: Config,
    todo: Todo,
    done: Outcome,
    progress: Progress,
) -> Iterator[tuple[pa.Table, pa.Table]]:
    """The executor's outcomes, split into rows and rejects, counted as they pass."""
    sizes: list[int] = []

    def batches() -> Iterator[pa.Table]:
        for batch in todo.batches:
            sizes.append(batch.num_rows)
            yield batch

    noun = step.noun(config)
    outcomes = executor(config.run.engine)(step, workspace, config, batches())
    for position, outcome in enumerate(outcomes):
        rows, rejects = split(outcome, noun)
        done.read += sizes[position]
        done.written += rows.num_rows
        done.rejected += rejects.num_rows
        progress.advance(sizes[position])
        yield rows, rejects


def _upsert(
    step: type[Step],
    workspace: Workspace,
    config: Config,
    outcomes: Iterator[tuple[pa.Table, pa.Table]],
    done: Outcome,
) -> None:
    """Commit in large pieces, and at least every `commit_seconds`."""
    _forget_retries(step, workspace, config)
    waiting: list[pa.Table] = []
    waiting_rejects: list[pa.Table] = []
    committed = time.monotonic()

    def commit() -> None:
        nonlocal committed
        if waiting:
            step.commit(workspace, config, pa.concat_tables(waiting))
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
        full = sum(table.num_rows for table in waiting) >= config.run.commit_rows
        if full or time.monotonic() - committed > config.run.commit_seconds:
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


def _forget_retries(step: type[Step], workspace: Workspace, config: Config) -> None:
    """Drop the rejects that are tried again now; those that fail again come back."""
    rejects = workspace.table("rejects")
    recipe = quoted(step.recipe(config))
    where = (
        f"step = {quoted(step.name)} AND recipe = {recipe} AND retry = true"
        f" AND {step.tried_again(config)}"
    )
    if rejects.count(where):
        rejects.delete(where)


def _replace(
    step: type[Step],
    workspace: Workspace,
    config: Config,
    outcomes: Iterator[tuple[pa.Table, pa.Table]],
    done: Outcome,
) -> None:
    """Make the recipe's rows anew. A crash between leaves them short, and no run recorded, so
    the next build makes them again."""
    table = step.table(workspace, config)
    if table.count(where := step.replaces(config)):
        table.delete(where)
    turned_away: list[pa.Table] = []

    def came_through() -> Iterator[pa.Table]:
        for rows, rejects in outcomes:
            if rejects.num_rows:
                turned_away.append(rejects)
            if rows.num_rows:
                yield rows

    table.append(came_through())
    if turned_away:
        workspace.table("rejects").upsert(pa.concat_tables(turned_away))


def _record(
    workspace: Workspace, config: Config, done: Outcome, todo: Todo, started: datetime
) -> None:
    row = {
        "id": uuid.uuid4().hex,
        "inputs": todo.inputs,
        "started": started,
        "engine": config.run.engine,
        "settings": config.model_dump_json(),
        **asdict(done),
    }
    workspace.table("runs").append([RUN.table([row])])
