"""How retrieval by one fixed model falls as each dial of `lookweave render` rises.

    python benchmarks/render_difficulty.py --work DIR --plot docs/images/render-difficulty.png

For each curve (one dial, some dials, or all) and each strength the same looks of the same garments
are rendered anew, all other dials at 0. Every garment of a look is then sought among all product
photos, twice: from the garment's own labelled mask (the encoder alone) and from the best of the
regions that the detector finds (the whole chain). The look's other garments do not count as
wrong. Intervals are bootstrapped over looks. Needs the extras [studio] and [train]; a point that
DIR holds already is not rendered again.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from lookweave.config import load
from lookweave.models.cards import models_of
from lookweave.models.cutout import garment_region
from lookweave.models.protocols import Crop
from lookweave.studio.render import job, labels
from lookweave.studio.render.shots import DIALS, Dials

CURVES: dict[str, tuple[str, ...]] = {
    "pose": ("pose",),
    "light and gels": ("light", "gels"),
    "clutter": ("clutter",),
    "occlusion": ("occlusion",),
    "crop": ("crop",),
    "blur, grain, grade": ("blur", "grain", "grade"),
    "collage": ("collage",),
    "all": DIALS,
}
STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--work", required=True, type=Path)
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--garments", type=int, default=100)
    parser.add_argument("--looks", type=int, default=48)
    parser.add_argument("--seed", type=int, default=21)
    parser.add_argument("--height", type=int, default=384)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--models", default="embedded")
    parser.add_argument("--curves", nargs="+", default=list(CURVES), choices=list(CURVES))
    given = parser.parse_args()
    points = {
        (curve, strength): given.work / f"{curve.replace(', ', '-').replace(' ', '-')}-{strength}"
        if strength
        else given.work / "zero"
        for curve in given.curves
        for strength in STRENGTHS
    }
    render(given, points)
    judge = Judge(given)
    results: dict[str, list[dict[str, Any]]] = {}
    known: dict[Path, dict[str, Any]] = {}
    for (curve, strength), folder in points.items():
        if folder not in known:
            known[folder] = judge.point(folder, given.looks)
        found = known[folder]
        results.setdefault(curve, []).append({"strength": strength, **found})
        print(f"{curve:<20} {strength:.2f}  {line(found)}", flush=True)
    (given.work / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    if given.plot:
        draw(results, given.plot)


def line(found: dict[str, Any]) -> str:
    """One point in words."""
    parts = []
    for name in ("encoder", "chain"):
        low, high = found[name]["interval"]
        parts.append(f"{name} R@1 {found[name]['R@1']:.3f} [{low:.3f}, {high:.3f}]")
    return ", ".join(parts) + f", n {found['n']}"


def render(given: argparse.Namespace, points: dict[tuple[str, float], Path]) -> None:
    """Every picture that is missing."""
    tasks = []
    size = (given.height * 2 // 3, given.height)
    for (curve, strength), folder in points.items():
        dials = Dials.level(0.0, **dict.fromkeys(CURVES[curve], strength))
        recipe = job.Recipe(given.garments, given.looks, given.seed, dials, *size)
        kinds = [("look", given.looks)]
        if strength == 0:
            kinds.append(("garment", given.garments))
        for kind, count in kinds:
            for number in range(count):
                if not (folder / f"{kind}-{number}.done").exists():
                    tasks.append((job.Task(recipe, kind, number, str(folder), True), folder))
    # All variants of a look in a row: a process then has its garments' cloth at hand.
    tasks = sorted(dict.fromkeys(tasks), key=lambda task: (task[0].kind, task[0].number))
    print(f"{len(tasks)} pictures to render", flush=True)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(given.workers, context) as pool:
        for done, _ in enumerate(pool.map(_one, tasks, chunksize=len(points)), 1):
            if done % 100 == 0:
                print(f"{done} rendered", flush=True)


def _one(task: tuple[job.Task, Path]) -> None:
    os.environ["LP_NUM_THREADS"] = "1"
    job.make(task[0])
    (task[1] / f"{task[0].kind}-{task[0].number}.done").touch()


class Judge:
    """One detector and one encoder, and the product photos' vectors."""

    def __init__(self, given: argparse.Namespace) -> None:
        config = load(models=given.models)
        ensemble = models_of(config)
        self.detector = ensemble.detector.load(config.models_dir)
        self.encoder = ensemble.encoder.load(config.models_dir)
        paths = sorted((given.work / "zero" / "garments").glob("*.jpg"))
        self.names = [path.stem.upper() for path in paths]
        crops = []
        for path in paths:
            photo = pixels(path)
            one = garment_region(ensemble.detector, photo, self.detector.detect([photo])[0])
            crops.append(Crop(photo, one.box, one.mask, "garment", one.label_scores))
        self.gallery = self.encoder.encode(crops)

    def point(self, folder: Path, looks: int) -> dict[str, Any]:
        """Recall of all looks of one point."""
        hits: dict[str, list[list[bool]]] = {"encoder": [], "chain": []}
        for number in range(looks):
            for name, found in self.look(folder, job.look_name(number)[:-4]).items():
                hits[name].append(found)
        return {
            "n": sum(len(found) for found in hits["chain"]),
            **{name: recall(found) for name, found in hits.items()},
        }

    def look(self, folder: Path, stem: str) -> dict[str, list[bool]]:
        """For each garment of a look: is it first among those that the look does not show?"""
        photo = pixels(folder / "looks" / f"{stem}.jpg")
        ids = np.asarray(Image.open(folder / "labels" / "looks" / f"{stem}.ids.png"))
        entries = json.loads((folder / "labels" / "looks" / f"{stem}.json").read_text())["garments"]
        least = labels.MIN_PIXELS * ids.size / (512 * 768)
        shown: dict[str, dict[str, Any]] = {}
        for entry in entries:
            known = shown.get(entry["sku"], {"pixels": least - 1})
            if entry["listed"] and entry["pixels"] > known["pixels"]:
                shown[entry["sku"]] = entry
        regions = [
            Crop(photo, one.box, one.mask, "look", one.label_scores)
            for one in self.detector.detect([photo])[0]
        ]
        best = (self.encoder.encode(regions) @ self.gallery.T).max(0) if regions else None
        answers: dict[str, list[bool]] = {"encoder": [], "chain": []}
        others = np.array([name not in shown for name in self.names])
        for sku, entry in shown.items():
            own = self.names.index(sku)
            x0, y0, x1, y1 = entry["box"]
            mask = (ids[y0:y1, x0:x1] == entry["id"]).astype(np.uint8) * 255
            alone = self.encoder.encode([Crop(photo, (x0, y0, x1, y1), mask)])[0] @ self.gallery.T
            answers["encoder"].append(bool(alone[own] > alone[others].max()))
            answers["chain"].append(best is not None and bool(best[own] > best[others].max()))
        return answers


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"))


def recall(found: list[list[bool]]) -> dict[str, Any]:
    """R@1 and its 95% interval, bootstrapped over looks."""
    hits = np.array([sum(one) for one in found], float)
    counts = np.array([len(one) for one in found], float)
    rng = np.random.default_rng(0)
    drawn = rng.integers(len(found), size=(2000, len(found)))
    share = hits[drawn].sum(1) / np.maximum(counts[drawn].sum(1), 1)
    low, high = np.quantile(share, (0.025, 0.975))
    return {"R@1": float(hits.sum() / counts.sum()), "interval": [float(low), float(high)]}


def draw(results: dict[str, list[dict[str, Any]]], path: Path) -> None:
    """One panel for the encoder alone, one for the whole chain."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(11, 4.6), sharey=True)
    titles = {"encoder": "encoder, on labelled masks", "chain": "detector and encoder"}
    for axis, (name, title) in zip(axes, titles.items(), strict=True):
        for number, (curve, points) in enumerate(results.items()):
            strength = np.array([point["strength"] for point in points])
            value = np.array([point[name]["R@1"] for point in points])
            low, high = np.array([point[name]["interval"] for point in points]).T
            style = {"color": "black", "linewidth": 2.5} if curve == "all" else {"linewidth": 1.4}
            shift = (number - len(results) / 2) * 0.006
            axis.errorbar(
                strength + shift, value, [value - low, high - value], label=curve, capsize=2,
                elinewidth=0.6, marker="o", markersize=3, **style,
            )  # fmt: skip
        axis.set(title=title, xlabel="strength of the dial", xticks=STRENGTHS, ylim=(0, 1))
        axis.grid(alpha=0.25)
    axes[0].set_ylabel("garment found first, R@1")
    axes[1].legend(fontsize=8, loc="lower left")
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
