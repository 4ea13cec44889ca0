"""How much of the bare networks' speed a build with full-size hub models keeps.

    python benchmarks/hub_build.py --garments DIR --looks DIR --photos 200

SigLIP ViT-B/16 and YOLOS-small with random weights (the arithmetic of the real ones) are named to
`build` as folders. In one process and in turn, part by part: the steps detect, describe and embed
over the part's photos, half of them garments (decoding, preprocessing, cut-outs, colours, Arrow,
Lance commits and all), and the same ONNX files fed the same number of ready tensors of the same
shapes. The bare networks are called in each of a few ways (threads outside and inside, rows of a
call, with or without onnxruntime's arena) on a few tensors first, and then in the quickest. Prints photos per second of both and
their ratio, by the clock and by processor seconds (in brackets), which other work on the machine
disturbs less; a part takes a few minutes on two cores, so `--part 1 --parts 4` does one in four.
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from hub_speed import siglip_folder, yolos_folder

from lookweave import photos
from lookweave.config import Config, load
from lookweave.models.cards import models_of
from lookweave.models.hub.export import onnx_file
from lookweave.models.hub.graphs import architecture, configuration
from lookweave.models.hub.preprocess import recipe_in
from lookweave.models.session import open_session
from lookweave.pipeline.run import run_pipeline
from lookweave.pipeline.setup import Setup
from lookweave.pipeline.steps.describe import Describe
from lookweave.pipeline.steps.detect import Detect
from lookweave.pipeline.steps.embed import Embed
from lookweave.pipeline.steps.ingest import Ingest
from lookweave.pipeline.steps.subjects import WORKING_SIDE
from lookweave.progress import Progress
from lookweave.store.workspace import Workspace

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}
Way = tuple[int, int, int, bool]
"""Calling threads, threads of a call, rows of a call, whether memory is kept in an arena."""

WAYS: tuple[Way, ...] = (
    (2, 1, 1, True), (2, 1, 4, True), (1, 2, 1, True), (1, 2, 4, True), (2, 1, 1, False),
)  # fmt: skip

Shape = tuple[int, ...]
Seconds = tuple[float, float]
"""By the clock, and of the processor."""


def now() -> Seconds:
    return time.perf_counter(), time.process_time()


def since(began: Seconds) -> Seconds:
    clock, busy = now()
    return clock - began[0], busy - began[1]


def models(work: Path) -> tuple[Path, Path]:
    """Both folders, made once. The detector's last layer is set so that every query says *dress*:
    boxes of random weights lie close together, and those that overlap become one or two regions."""
    import torch
    from safetensors.torch import load_file, save_file

    yolos, siglip = work / "yolos-small", work / "siglip-base"
    if not (siglip / "config.json").exists():
        siglip_folder(siglip)
    if not (yolos / "config.json").exists():
        yolos_folder(yolos)
        weights = load_file(yolos / "model.safetensors")
        names = json.loads((yolos / "config.json").read_text())["id2label"]
        dress = next(int(number) for number, name in names.items() if name == "dress")
        bias = next(name for name in weights if name.startswith("class_labels_classifier")
                    and name.endswith("layers.2.bias"))  # fmt: skip
        weights[bias] = torch.full_like(weights[bias], -5.0)
        weights[bias][dress] = 5.0
        save_file(weights, yolos / "model.safetensors", metadata={"format": "pt"})
    return yolos, siglip


def manifest(folder: Path, where: Path, first: int, count: int) -> Path:
    """A CSV file that names `count` photos of a folder, from the `first` on."""
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    step = max(1, len(found) // max(1, first + count))  # spread over subfolders
    with where.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["file"])
        rows.writerows([str(path.resolve())] for path in found[::step][first : first + count])
    return where


def shapes(workspace: Workspace, yolos: Path) -> Counter[Shape]:
    """How often the detector sees each shape of tensor."""
    recipe = recipe_in(yolos, "yolos")
    seen: Counter[Shape] = Counter()
    for noun in ("garments", "looks"):
        for path in workspace.table(noun).read(["path"]).column("path").to_pylist():
            height, width = photos.load(Path(path), max_side=WORKING_SIDE).pixels.shape[:2]
            seen[(3, *recipe.target(height, width))] += 1
    return seen


def bare(network: Path, wanted: Counter[Shape], way: Way) -> Seconds:
    """Time for so many ready tensors of each shape; the session is open before."""
    callers, inside, rows, arena = way
    session = open_session(network, threads=inside, arena=arena)
    name = session.get_inputs()[0].name
    random = np.random.default_rng(7)
    calls = []
    for shape, count in wanted.items():
        tensor = random.standard_normal((min(rows, count), *shape), np.float32)
        calls += [tensor] * (count // rows) + ([tensor[: count % rows]] if count % rows else [])
    session.run(None, {name: calls[0][:1]})
    began = now()
    with ThreadPoolExecutor(callers) as pool:
        list(pool.map(lambda tensor: session.run(None, {name: tensor}), calls))
    return since(began)


def quickest(network: Path, wanted: Counter[Shape], trial: int) -> Way:
    """The way with the highest rate over `trial` tensors of the commonest shape."""
    few = Counter({wanted.most_common(1)[0][0]: trial})
    return min(WAYS, key=lambda way: bare(network, few, way)[0])


def one_part(
    config: Config, workspace: Workspace, networks: tuple[Path, Path], yolos: Path, trial: int
) -> dict[str, float]:
    quiet = Progress(quiet=True)
    run_pipeline(workspace, Setup.of(config), quiet, [Ingest])
    count = workspace.table("garments").count() + workspace.table("looks").count()
    steps = {}
    for step in (Detect, Describe, Embed):
        began = now()
        run_pipeline(workspace, Setup.of(config), quiet, [step])
        steps[step.name] = since(began)
    regions = workspace.table("regions").count()
    detector, encoder = networks
    seen = shapes(workspace, yolos)
    crops: Counter[Shape] = Counter({(3, 224, 224): regions})
    ways = quickest(detector, seen, trial), quickest(encoder, crops, 2 * trial)
    seconds = bare(detector, seen, ways[0]), bare(encoder, crops, ways[1])
    told = {**steps, "bare detector": seconds[0], "bare encoder": seconds[1]}
    times = ", ".join(f"{name} {clock:.1f} s ({busy:.1f})" for name, (clock, busy) in told.items())
    print(f"{count} photos, {regions} regions: {times}; quickest ways {ways}", flush=True)
    return {
        "photos": count,
        "pipeline": sum(clock for clock, _ in steps.values()),
        "bare": sum(clock for clock, _ in seconds),
        "pipeline busy": sum(busy for _, busy in steps.values()),
        "bare busy": sum(busy for _, busy in seconds),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--garments", required=True, type=Path)
    parser.add_argument("--looks", required=True, type=Path)
    parser.add_argument("--photos", type=int, default=200)
    parser.add_argument("--parts", type=int, default=4)
    parser.add_argument("--part", type=int, help="only this one, from 1")
    parser.add_argument("--trial", type=int, default=4, help="tensors to find the quickest way")
    parser.add_argument("--work", type=Path, help="keep the models here for the next part")
    given = parser.parse_args()
    each = given.photos // given.parts // 2
    totals: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as scratch:
        work = given.work or Path(scratch)
        work.mkdir(parents=True, exist_ok=True)
        yolos, siglip = models(work)
        networks = tuple(
            onnx_file(
                folder, configuration(folder),
                architecture(configuration(folder), folder).graphs[graph], work, size=size,
            )
            for folder, graph, size in (
                (yolos, "detector", (512, 683)), (siglip, "image", (224, 224)),
            )
        )  # fmt: skip
        for part in [given.part] if given.part else range(1, given.parts + 1):
            place = Path(tempfile.mkdtemp(dir=scratch))
            sides = {
                kind: (str(manifest(folder, place / f"{kind}.csv", (part - 1) * each, each)),)
                for kind, folder in (("garments", given.garments), ("looks", given.looks))
            }
            config = load(
                models=f"{yolos}+{siglip}", models_dir=work, hub={"backend": "onnxruntime"}, **sides
            )
            models_of(config)
            workspace = Workspace.create(place / "ws")
            totals.update(one_part(config, workspace, networks, yolos, given.trial))  # type: ignore[arg-type]
    print(
        f"{totals['photos']:.0f} photos: pipeline {totals['photos'] / totals['pipeline']:.2f} "
        f"photos/s, bare networks {totals['photos'] / totals['bare']:.2f}, ratio "
        f"{totals['bare'] / totals['pipeline']:.3f}; by processor seconds "
        f"{totals['bare busy'] / totals['pipeline busy']:.3f}"
    )


if __name__ == "__main__":
    main()
