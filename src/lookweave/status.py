"""What is in a workspace and what is left to do, without doing any of it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from lookweave.config import Config
from lookweave.errors import LookweaveError
from lookweave.models.vlm.answers import AnswerStore
from lookweave.pipeline.run import PIPELINE, steps
from lookweave.pipeline.setup import Setup
from lookweave.pipeline.step import Step
from lookweave.records import TABLES
from lookweave.report.rejects import Reason, reasons
from lookweave.report.scope import Scope, encoder_rows, models_in, scope_of
from lookweave.report.wording import STEP_VERBS, count, duration
from lookweave.store.conditions import matching
from lookweave.store.workspace import Workspace


def status(workspace: Workspace, config: Config) -> dict[str, Any]:
    """How a workspace stands.

    Returns:
        What `lookweave status --json` prints: ``workspace``, ``tables`` (rows of the models and
        recipes in use), ``kept_beside`` (rows of others, of the tables that have some),
        ``embeddings`` (rows of each encoder), ``tiers`` (pairs), ``steps`` (for each step ``rows``,
        ``left``, ``state`` done / left / waiting / unknown, ``rejected`` and ``reasons``),
        ``models``, ``snapshots``, ``last_run`` (None before the first), ``vlm`` (what the describer
        that asks a server has spent through this workspace's file of answers: ``requests``,
        ``tokens_in``, ``tokens_out``, ``cost``; None where it was never asked) and ``disk``
        (bytes).
    """
    scope = scope_of(workspace, config)
    pairs = workspace.table("pairs")
    tiers = {
        tier: pairs.count(scope.pairs & matching(tier=tier)) for tier in ("high", "medium", "low")
    }
    told, rejects = _steps(workspace, config)
    every = {name: workspace.table(name).count() for name in TABLES}
    in_use = every | _in_use(workspace, scope) | {"rejects": sum(one.count for one in rejects)}
    return {
        "workspace": str(workspace.path),
        "tables": in_use,
        "kept_beside": {
            name: every[name] - rows for name, rows in in_use.items() if every[name] > rows
        },
        "embeddings": {name: encoder_rows(workspace, name) for name in workspace.encoders()},
        "tiers": tiers,
        "steps": told,
        "models": [
            {
                "name": model.name,
                "task": model.task,
                "key": model.key,
                "licence": model.card.licence if model.card else None,
                "rows": model.rows,
                "in_use": model.used,
            }
            for model in models_in(workspace, scope)
        ],
        "snapshots": workspace.snapshots(),
        "last_run": _last_run(workspace),
        "vlm": _spent(config),
        "disk": _disk(workspace.path),
    }


def render(found: dict[str, Any]) -> RenderableType:
    """`status` for a terminal."""
    rows = found["tables"]
    tiers = ", ".join(
        f"{count(number)} {tier}" for tier, number in found["tiers"].items() if number
    )
    head = Text(
        f"{found['workspace']}\n"
        f"{count(rows['garments'])} garments, {count(rows['looks'])} looks, "
        f"{count(rows['regions'])} regions, {count(rows['matches'])} matches, "
        f"{count(rows['pairs'])} pairs" + (f" ({tiers})" if tiers else "")
    )
    if kept := found["kept_beside"]:
        several = ", ".join(f"{count(number)} {name}" for name, number in kept.items())
        head.append(f"\nKept beside them, of other models and settings: {several}")
    parts: list[RenderableType] = [head, _steps_table(found["steps"])]
    if found["models"]:
        parts.append(_models_table(found["models"]))
    if last := found["last_run"]:
        parts.append(
            Text(
                f"Last: {last['step']} on {last['started'][:16].replace('T', ' ')} UTC, "
                f"{count(last['read'])} in {duration(last['seconds'])}"
            )
        )
    if spent := found["vlm"]:
        cost = f", {spent['cost']:.2f} in money" if spent["cost"] else ""
        parts.append(
            Text(
                f"Vision-language model: {count(spent['requests'])} requests, "
                f"{count(spent['tokens_in'])} tokens sent, "
                f"{count(spent['tokens_out'])} answered{cost}"
            )
        )
    if found["snapshots"]:
        parts.append(Text(f"Snapshots: {', '.join(found['snapshots'])}"))
    parts.append(Text(f"On disk: {_size(found['disk']['total'])}"))
    return Group(*parts)


def _in_use(workspace: Workspace, scope: Scope) -> dict[str, int]:
    """Rows of the tables that keep those of every model or recipe, of the ones in use."""
    conditions = {
        "regions": [scope.regions, scope.cutouts],
        "descriptions": [scope.described],
        "matches": [scope.matches],
        "pairs": [scope.pairs],
    }
    return {
        name: sum(workspace.table(name).count(where) for where in some)
        for name, some in conditions.items()
    }


def _steps(workspace: Workspace, config: Config) -> tuple[list[dict[str, Any]], list[Reason]]:
    """What each step has done and what is left, and what the steps in use turned away."""
    try:
        known = {step.name: step for step in steps(Setup.of(config))}
    except LookweaveError as error:  # a model that is not known here: the rest can still be told
        known, why = {}, str(error)
    rejects = reasons(workspace, {name: step.recipe for name, step in known.items()})
    found: list[dict[str, Any]] = []
    waiting = False
    for kind in PIPELINE:
        told = _counted(kind, rejects)
        if step := known.get(kind.name):
            _look(step, workspace, told, waiting)
        else:
            told["why"] = why
        found.append(told)
        waiting = waiting or told["state"] != "done"
    return found, rejects


def _counted(step: type[Step], rejects: list[Reason]) -> dict[str, Any]:
    here = [reason for reason in rejects if reason.step == step.name]
    return {
        "step": step.name,
        "unit": step.unit,
        "rows": None,
        "left": None,
        "state": "unknown",
        "rejected": sum(reason.count for reason in here),
        "reasons": {reason.reason: reason.count for reason in here},
    }


def _look(step: Step, workspace: Workspace, told: dict[str, Any], waiting: bool) -> None:
    """Tell how many rows a step has made and how many are left."""
    try:
        where = step.rows if step.over_everything else None
        told["rows"] = step.table(workspace).count(where)
        if waiting and step.over_everything:
            # What it is made of is about to change: what it would do now tells nothing.
            told["state"] = "waiting"
            return
        told["left"] = step.plan(workspace).count
        told["state"] = "left" if told["left"] else "done"
    except LookweaveError as error:  # a folder that is gone: the rest can still be told
        told["why"] = str(error)


def _last_run(workspace: Workspace) -> dict[str, Any] | None:
    columns = ["step", "recipe", "started", "seconds", "read", "written", "rejected", "engine"]
    runs = workspace.table("runs").read(columns).sort_by([("started", "descending")])
    if not runs.num_rows:
        return None
    last: dict[str, Any] = runs.slice(0, 1).to_pylist()[0]
    return {**last, "started": last["started"].isoformat()}


def _spent(config: Config) -> dict[str, float] | None:
    if config.vlm.cache is None or not config.vlm.cache.exists():
        return None
    try:
        answers = AnswerStore(config.vlm.cache)
        spent = answers.spent()
        answers.close()
    except LookweaveError:
        return None  # what is wrong with the file is told by the build that needs it
    return asdict(spent)


def _disk(path: Path) -> dict[str, int]:
    sizes = {
        child.name: _bytes(child) for child in sorted(path.iterdir()) if not child.is_symlink()
    }
    return {**sizes, "total": sum(sizes.values())}


def _bytes(path: Path) -> int:
    total = 0
    for each in (path, *path.rglob("*")) if path.is_dir() else (path,):
        try:
            total += each.lstat().st_size
        except OSError:
            continue  # a build that runs beside us has removed it
    return total


def _steps_table(steps: list[dict[str, Any]]) -> RichTable:
    table = RichTable(box=None, padding=(0, 3, 0, 0), header_style="dim")
    for column, justify in (("step", "left"), ("rows", "right"), ("left", "right"),
                            ("turned away", "right"), ("", "left")):  # fmt: skip
        table.add_column(column, justify=justify, overflow="fold")  # type: ignore[arg-type]
    for step in steps:
        left = {"done": "–", "waiting": "waiting", "unknown": "?"}.get(step["state"])
        why = ", ".join(f"{reason} {number}" for reason, number in step["reasons"].items())
        table.add_row(
            STEP_VERBS.get(step["step"], step["step"]),
            "?" if step["rows"] is None else count(step["rows"]),
            left or count(step["left"]),
            count(step["rejected"]) if step["rejected"] else "–",
            Text(step.get("why") or why, style="dim"),
        )
    return table


def _models_table(models: list[dict[str, Any]]) -> RichTable:
    table = RichTable(box=None, padding=(0, 3, 0, 0), header_style="dim")
    for column in ("model", "task", "licence", "rows"):
        table.add_column(column, justify="right" if column == "rows" else "left", overflow="fold")
    for model in models:
        name = model["name"] if model["in_use"] else f"{model['name']} (not in use)"
        licence = model["licence"] or "not known here"
        table.add_row(Text(name), model["task"], licence, count(model["rows"]))
    return table


def _size(size: float) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
