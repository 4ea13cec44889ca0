"""Build some photographs at three sizes and say what each step costs on this machine."""

from __future__ import annotations

import csv
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import numpy as np
from scipy.optimize import nnls

from lookweave import sources
from lookweave.config import Config, load
from lookweave.errors import InputError
from lookweave.matching.fuse import Composite
from lookweave.matching.join import Block, nearest
from lookweave.models.embedded.sharing import one_build
from lookweave.pipeline.run import PIPELINE, run_step
from lookweave.pipeline.setup import Setup
from lookweave.pipeline.step import Step
from lookweave.pipeline.steps.match.blocks import UNSORTED, own_block, searched
from lookweave.planning.rates import Rates, Run, StepRate, Unit
from lookweave.progress import Progress
from lookweave.records import ATTRIBUTE_WIDTH
from lookweave.store.conditions import matching
from lookweave.store.workspace import Workspace
from lookweave.taxonomy import CATEGORIES

SHARES = (0.25, 0.5, 1.0)
"""Of the photographs, in the three builds that are measured."""

LEAST = 8
"""Photographs of each kind below which no rate could be told from what a build costs anyway."""

UNITS: dict[str, Unit] = {
    "ingest": "photos", "detect": "photos", "describe": "regions", "embed": "regions",
    "group": "photos", "match": "photos and regions", "tier": "matches",
}  # fmt: skip
"""Of each step but link, whose work is as much as people linked."""
_TABLES = {
    "ingest": ("sources", "garments", "looks"), "detect": ("regions",),
    "describe": ("descriptions",), "embed": (), "group": ("groups",), "match": ("matches",),
    "tier": ("pairs",),
}  # fmt: skip
_QUERIES, _GALLERY, _K = 2048, 32_768, 50


@dataclass(frozen=True)
class _Build:
    """One build: what it counted, and for each step its run, its bytes and the peak."""

    counts: dict[str, int]
    runs: dict[str, Run]
    bytes: dict[str, int]
    peak_mb: dict[str, float]
    compared: float


def measure(
    garments: Sequence[str], looks: Sequence[str], progress: Progress, **flags: Any
) -> Rates:
    """Find the rates of all steps, by building a quarter, half and all of some photographs.

    A first build of a few photographs, which loads what is loaded once, does not count.

    Args:
        garments, looks: folders and manifests, with at least `LEAST` photographs each. More of
            them say more: the rates hold for photographs like these.
        flags: settings, as of a build.

    Raises:
        LookweaveError: as of a build.
    """
    config = load(**flags)
    paths = {"garment": _paths("garment", garments), "look": _paths("look", looks)}
    for kind, found in paths.items():
        if len(found) < LEAST:
            raise InputError(f"Rates need at least {LEAST} {kind}s' photographs: give more.")
    with tempfile.TemporaryDirectory(prefix="lookweave-measure-") as scratch:
        folder = Path(scratch)
        _built(folder / "first", {kind: some[:LEAST] for kind, some in paths.items()}, config)
        builds = []
        progress.start("measure", len(SHARES), "builds")
        for number, share in enumerate(SHARES):
            some = {kind: _spread(every, share) for kind, every in paths.items()}
            builds.append(_built(folder / str(number), some, config))
            progress.advance(1)
        progress.end()
    setup = Setup.of(config)
    width = (setup.models.encoder.dimension or 0) + ATTRIBUTE_WIDTH
    rate = join_rate(width)
    last = builds[-1].counts
    most = most_matches(last["garments"], last["regions"], builds[-1].compared, config)
    every = [*paths["garment"], *paths["look"]]
    return Rates(
        models=config.models,
        device=_device(config),
        cores=os.cpu_count() or 1,
        workers=config.run.workers,
        memory_mb=_memory_mb(),
        garments=last["garments"],
        looks=last["looks"],
        bytes_per_photo=statistics.fmean(Path(path).stat().st_size for path in every),
        regions_per_look=last["regions"] / max(last["looks"], 1),
        compared=builds[-1].compared,
        matches_kept=min(1.0, last["matches"] / most) if most else 0.0,
        top_k=config.match.top_k,
        reverse_k=config.match.reverse_k,
        width=width,
        join_rate=rate,
        steps={name: _step_rate(name, builds, width, rate) for name in UNITS},
    )


def join_work(garments: float, regions: float, compared: float, width: int) -> float:
    """Multiplications and additions of match's join, there and back."""
    return 2.0 * garments * regions * compared * width


def most_matches(garments: float, regions: float, compared: float, config: Config) -> float:
    """The matches that top_k and reverse_k allow."""
    return rows_allowed(garments, regions, compared, config.match.top_k, config.match.reverse_k)


def rows_allowed(
    garments: float, regions: float, compared: float, top_k: int, reverse_k: int
) -> float:
    """As `most_matches`: each garment's best regions and each region's best garments."""
    return garments * min(top_k, regions * compared) + regions * min(reverse_k, garments * compared)


def join_rate(width: int) -> float:
    """Multiplications and additions that a core does in a second of match's exact join, of random
    unit vectors."""
    random = np.random.default_rng(7)
    rows = random.standard_normal((_GALLERY, width)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    positions = np.arange(_GALLERY)
    composite = Composite(width // 4, 0.3, 0.7)

    def gallery() -> Iterator[Block]:
        yield Block(positions, rows)

    began = time.process_time()
    nearest(rows[:_QUERIES], gallery, _K, composite)
    return _QUERIES * _GALLERY * width / (time.process_time() - began)


def _paths(kind: str, places: Sequence[str]) -> list[str]:
    """The files of folders and manifests, sorted; addresses cannot be measured again and again."""
    found = [one for one in sources.listing(kind, tuple(places)) if not one.problem]
    if any(one.is_address for one in found):
        raise InputError(
            "Rates are measured on files: build a workspace from the addresses with --copy and "
            "name its folder photos."
        )
    return sorted({one.path for one in found})


def _spread(every: list[str], share: float) -> list[str]:
    count = max(LEAST, round(len(every) * share))
    return [every[place] for place in np.linspace(0, len(every) - 1, count).round().astype(int)]


def _built(folder: Path, paths: dict[str, list[str]], config: Config) -> _Build:
    """Build a workspace, and note what each step took."""
    folder.mkdir()
    for kind, some in paths.items():
        with (folder / f"{kind}.csv").open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(["path"])
            rows.writerows([path] for path in some)
    given = {f"{kind}s": (str(folder / f"{kind}.csv"),) for kind in paths}
    setup = Setup.of(config.model_copy(update=given))
    workspace = Workspace.create(folder / "ws")
    took: dict[str, tuple[float, float]] = {}
    peak: dict[str, float] = {}
    quiet = Progress(quiet=True)

    def run(made: type[Step]) -> None:
        step = made(setup)
        together = workspace.together() if step.over_everything else nullcontext()
        began, spent = time.perf_counter(), time.process_time()
        with together:
            run_step(step, workspace, quiet)
        took[step.name] = time.perf_counter() - began, time.process_time() - spent
        peak[step.name] = _peak_mb()

    with workspace.lock():
        with one_build():
            for step in PIPELINE:
                if not step.over_everything:
                    run(step)
        for step in PIPELINE:
            if step.over_everything:
                run(step)
        workspace.clean(timedelta(0))
    counts = {
        "garments": workspace.table("garments").count(),
        "looks": workspace.table("looks").count(),
        "regions": workspace.table("regions").count(matching(kind="look")),
        "described": workspace.table("regions").count(),
        "matches": workspace.table("matches").count(),
    }
    photos = counts["garments"] + counts["looks"]
    units = {
        "photos": photos, "regions": counts["described"], "matches": counts["matches"],
        "photos and regions": counts["garments"] + counts["regions"],
    }  # fmt: skip
    return _Build(
        counts=counts,
        runs={
            name: Run(units=units[UNITS[name]], seconds=seconds, cpu_seconds=cpu)
            for name, (seconds, cpu) in took.items()
            if name in UNITS
        },
        bytes={name: _bytes_of(workspace, name) for name in UNITS},
        peak_mb=peak,
        compared=_compared(workspace, setup),
    )


def _bytes_of(workspace: Workspace, step: str) -> int:
    folders = [workspace.path / "tables" / f"{name}.lance" for name in _TABLES[step]]
    if step == "ingest":
        folders.append(workspace.path / "thumbnails")
    if step == "embed":
        folders.append(workspace.path / "embeddings")
    return sum(
        path.stat().st_size for each in folders for path in each.rglob("*") if path.is_file()
    )


def _compared(workspace: Workspace, setup: Setup) -> float:
    """The share of garments x regions that the category filter lets through."""
    where = matching(model=setup.models.describer.key)
    rows = workspace.table("descriptions").read(["kind", "attributes"], where)
    scores = np.stack(rows.column("attributes").to_numpy(zero_copy_only=False)).astype(np.float32)
    scores = scores[:, : len(CATEGORIES)]
    is_look = np.array(rows.column("kind").to_pylist()) == "look"
    if not is_look.any() or is_look.all():
        return 1.0
    there = np.bincount(own_block(scores[is_look]), minlength=UNSORTED + 1) / is_look.sum()
    bits = searched(scores[~is_look], setup.config.match.categories)
    looked_at = (bits[:, None] >> np.arange(UNSORTED + 1)) & 1
    return float((looked_at @ there).mean())


def _step_rate(name: str, builds: list[_Build], width: int, rate: float) -> StepRate:
    runs = [build.runs[name] for build in builds]
    units = [run.units for run in runs]
    cpu = [run.cpu_seconds for run in runs]
    seconds = [run.seconds for run in runs]
    if name == "match":  # what the join takes grows otherwise: `plan` adds it
        joins = [
            join_work(one.counts["garments"], one.counts["regions"], one.compared, width) / rate
            for one in builds
        ]
        cpu = [max(0.0, one - join) for one, join in zip(cpu, joins, strict=True)]
        seconds = [max(0.0, one - join) for one, join in zip(seconds, joins, strict=True)]
    cpu_fixed, cpu_each = fitted(units, cpu)
    seconds_fixed, seconds_each = fitted(units, seconds)
    return StepRate(
        unit=UNITS[name],
        cpu_fixed=cpu_fixed,
        cpu_each=cpu_each,
        seconds_fixed=seconds_fixed,
        seconds_each=seconds_each,
        bytes_each=fitted(units, [build.bytes[name] for build in builds])[1],
        peak_mb=builds[-1].peak_mb[name],
        runs=tuple(runs),
    )


def fitted(units: Sequence[float], costs: Sequence[float]) -> tuple[float, float]:
    """Fixed cost and cost of a unit, neither below 0, whose relative errors' squares add up to
    least."""
    there = [(one, cost) for one, cost in zip(units, costs, strict=True) if cost > 0]
    if not there:
        return 0.0, 0.0
    equations = np.array([[1.0 / cost, one / cost] for one, cost in there])
    fixed, each = nnls(equations, np.ones(len(there)))[0]
    return float(fixed), float(each)


def _device(config: Config) -> Literal["cpu", "cuda"]:
    return "cuda" if config.hub.device.startswith("cuda") else "cpu"


def _peak_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def _memory_mb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 20)
