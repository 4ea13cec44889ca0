"""One run of a benchmark: vectors, rankings, measures, comparisons, and the files that tell it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lookweave.benchmark.content import Benchmark, Regions, Task
from lookweave.benchmark.page import markdown, picture
from lookweave.benchmark.readers import read_benchmark
from lookweave.benchmark.search import Ranking, Sides, lay_out, search
from lookweave.benchmark.statistics import Values, against, holm, measure, need_extra
from lookweave.benchmark.vectors import ViewVectors, embed_views, view_of
from lookweave.config import Config
from lookweave.errors import InputError
from lookweave.matching.intervals import with_interval
from lookweave.models.cards import fetch_models
from lookweave.pipeline.setup import Setup
from lookweave.progress import Progress
from lookweave.store.workspace import write_atomically
from lookweave.text import to_json

REGIONS: tuple[Regions, ...] = ("whole", "given", "found")
_LISTED = 20


@dataclass(frozen=True)
class BenchmarkResult:
    """What a run measured.

    Attributes:
        found: see `run_benchmark`.
        folder: where ``result.json``, ``result.md`` and ``gallery-size.png`` are.
    """

    found: dict[str, Any]
    folder: Path

    def to_dict(self) -> dict[str, Any]:
        """What `lookweave benchmark --json` prints."""
        return {**self.found, "folder": str(self.folder)}

    def text(self) -> str:
        """As Markdown."""
        return markdown(self.found)


def run_benchmark(
    name: str,
    data: Path,
    configs: Sequence[Config],
    out: Path,
    progress: Progress,
    *,
    regions: Regions | None = None,
) -> BenchmarkResult:
    """Measure models on a benchmark.

    Vectors are kept in ``vectors`` below `out`: a run that was stopped goes on with them, and
    another model's lie beside them.

    Args:
        name: of `readers.READERS`.
        data: the benchmark's folder.
        configs: the systems; the first is the one that the others are compared with.
        out: folder for vectors and results.
        regions: in place of the benchmark's own rule.

    Returns:
        With ``benchmark``, ``title``, ``data``, ``notes``, ``systems`` (models of each), ``tasks``
        (each with its rule, counts and, for each system and meaning of "right", ``measures``,
        ``by_category``, ``by_difficulty`` and ``gallery_sizes``), ``comparisons`` and ``rejects``.

    Raises:
        InputError: a part of the benchmark is missing, it has no boxes for given regions, or `out`
            holds something else.
        ConfigError: the extra is not installed, or a setting is wrong.
        ModelError: a model cannot be loaded.
    """
    need_extra()
    if not configs or len({config.models for config in configs}) < len(configs):
        raise InputError("Name each system of models once.")
    benchmark = read_benchmark(name, data)
    _claim(out, name)
    tasks = [(task, _regions(benchmark, task, regions)) for task in _both_ways(benchmark.tasks)]
    views = list(
        dict.fromkeys(
            view_of(item, chosen)
            for task, chosen in tasks
            for item in (*task.gallery, *task.queries)
        )
    )
    systems = [_system(config) for config in configs]
    tables: list[dict[str, Any]] = [_described(task, chosen) for task, chosen in tasks]
    hits: list[dict[tuple[int, str], Values]] = []
    rejects: dict[str, str] = {}
    for config, setup in zip(configs, systems, strict=True):
        vectors = embed_views(setup, views, out / "vectors", progress)
        rejects |= vectors.problems
        own: dict[tuple[int, str], Values] = {}
        for at, (task, chosen) in enumerate(tasks):
            table, first = _measured(task, chosen, vectors)
            tables[at]["systems"][config.models] = table
            own |= {(at, meaning): values for meaning, values in first.items()}
        hits.append(own)
    found = {
        "benchmark": benchmark.name, "title": benchmark.title, "data": str(data),
        "notes": list(benchmark.notes),
        "systems": [_named(config, setup) for config, setup in zip(configs, systems, strict=True)],
        "tasks": tables,
        "comparisons": _compared(configs, tables, hits),
        "rejects": {"count": len(rejects), "first": dict(sorted(rejects.items())[:_LISTED])},
    }  # fmt: skip
    write_atomically(out / "result.json", to_json(found, indent=2).encode())
    write_atomically(out / "result.md", markdown(found).encode())
    write_atomically(out / "gallery-size.png", picture(found))
    return BenchmarkResult(found, out)


def _claim(out: Path, name: str) -> None:
    """Mark a new or empty folder as this benchmark's, so that no run writes over other things."""
    marker = out / "vectors" / "benchmark.json"
    if marker.is_file():
        try:
            other = json.loads(marker.read_text("utf-8")).get("benchmark")
        except (ValueError, AttributeError):
            other = "something else"
        if other != name:
            raise InputError(f"{out} holds a run of {other}: give another --out.")
        return
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out} holds other things: give a new or empty folder as --out.")
    write_atomically(marker, to_json({"benchmark": name}).encode())


def _both_ways(tasks: Sequence[Task]) -> list[Task]:
    return [one for task in tasks for one in ((task, task.turned()) if task.both_ways else (task,))]


def _regions(benchmark: Benchmark, task: Task, asked: Regions | None) -> Regions:
    if asked == "given" and any(one.box is None for one in task.queries):
        raise InputError(
            f"{benchmark.title} gives no boxes for the queries of {task.name}: say --regions whole "
            "or found."
        )
    return asked or task.regions


def _system(config: Config) -> Setup:
    fetch_models(config)
    return Setup.of(config)


def _named(config: Config, setup: Setup) -> dict[str, str]:
    models = setup.models
    return {
        "models": config.models, "detector": models.detector.key, "encoder": models.encoder.key,
    }  # fmt: skip


def _described(task: Task, regions: Regions) -> dict[str, Any]:
    return {
        "task": task.name, "rule": task.rule, "regions": regions,
        "by_its_own_rule": regions == task.regions, "queries": len(task.queries),
        "gallery": len(task.gallery), "cutoffs": list(task.cutoffs), "systems": {},
    }  # fmt: skip


def _measured(
    task: Task, regions: Regions, vectors: ViewVectors
) -> tuple[dict[str, Any], dict[str, Values]]:
    """A task's table for one system, and the hits at 1 by meaning of "right"."""
    sides = lay_out(task, regions, vectors)
    rankings = search(sides)
    table: dict[str, Any] = {
        "ranked": len(sides.ranked),
        "queries_without_region": sum(not len(rows) for rows in sides.query_rows),
        "right": {},
    }
    first = {}
    for meaning, ranking in rankings.items():
        values = measure(ranking, sides.relevant[meaning], sides.lost[meaning], task.cutoffs)
        first[meaning] = values[f"R@{task.cutoffs[0]}"]
        table["right"][meaning] = _tables(task, values, ranking, sides)
    return table, first


def _tables(
    task: Task, values: dict[str, Values], ranking: Ranking, sides: Sides
) -> dict[str, Any]:
    clusters = [item.cluster or item.photo.name for item in task.queries]

    def of(chosen: Sequence[int]) -> dict[str, Any]:
        some = [clusters[at] for at in chosen]
        measures = {name: with_interval(all_[list(chosen)], some) for name, all_ in values.items()}
        return {"queries": len(chosen), **measures}

    def by(key: Callable[[Any], str | None]) -> dict[str, Any]:
        groups: dict[str, list[int]] = {}
        for at, item in enumerate(task.queries):
            if (name := key(item)) is not None:
                groups.setdefault(name, []).append(at)
        return {name: of(groups[name]) for name in sorted(groups)}

    sizes = []
    for column, size in enumerate(sides.sizes):
        hits = (ranking.ranks[:, column] <= task.cutoffs[0]).astype(np.float64)
        sizes.append({"gallery": size, f"R@{task.cutoffs[0]}": with_interval(hits, clusters)})
    return {
        "measures": of(range(len(task.queries))),
        "by_category": by(lambda item: item.category),
        "by_difficulty": by(lambda item: item.difficulty),
        "gallery_sizes": sizes,
    }


def _compared(
    configs: Sequence[Config],
    tables: list[dict[str, Any]],
    hits: list[dict[tuple[int, str], Values]],
) -> list[dict[str, Any]]:
    """Every other system against the first, on each task; p-values adjusted for all of them."""
    rows = []
    for config, own in zip(configs[1:], hits[1:], strict=True):
        for (at, meaning), values in own.items():
            tested = against(hits[0][at, meaning], values)
            rows.append({"task": tables[at]["task"], "right": meaning, "models": config.models,
                         "baseline": configs[0].models, **tested})  # fmt: skip
    adjusted = holm([row["p"] for row in rows])
    return [{**row, "p_holm": p} for row, p in zip(rows, adjusted, strict=True)]
