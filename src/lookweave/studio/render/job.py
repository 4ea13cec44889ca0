"""The work behind ``lookweave render``: many items, several processes, resumable."""

from __future__ import annotations

import csv
import errno
import json
from collections.abc import Callable, Iterator
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from PIL import Image

from lookweave.errors import InputError, ModelError, WorkspaceFull
from lookweave.processes import process_pool
from lookweave.studio.render import catalogue, collage, labels, scenes, shots
from lookweave.studio.render.catalogue import Item
from lookweave.studio.render.develop import foreground
from lookweave.studio.render.draw import Renderer
from lookweave.studio.render.photo import Figure, Photo, look, product
from lookweave.studio.render.shots import Dials, Shot

EXTRAS = 80  # garments that people wear but no catalogue lists
TRUTH = (
    "garment", "look", "sku", "family", "relation", "category", "kind", "colour", "pattern",
    "material", "sleeve", "length", "neckline", "person", "x0", "y0", "x1", "y1", "pixels",
    "share", "scene", "pose",
)  # fmt: skip
CATALOGUE = (
    "file",
    "sku",
    "title",
    "brand",
    "category",
    "colour",
    "pattern",
    "material",
    "price",
    "rights",
)
CREDITS = ("file", "brand", "season", "photographer", "rights", "takedown")


_ONE_THREAD = dict.fromkeys(("LP_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
"""The environment of a process that draws: several share the cores already."""


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the pictures. The same recipe makes the same pictures."""

    garments: int
    looks: int
    seed: int
    dials: Dials
    width: int = 512
    height: int = 768
    quality: int = 90
    version: int = 2

    def __post_init__(self) -> None:
        if self.garments < 1 or self.looks < 0:
            raise InputError(
                f"render needs at least one garment and no fewer than zero looks, "
                f"not {self.garments} and {self.looks}."
            )
        if self.garments >= catalogue.UNLISTED:
            raise InputError(f"render makes fewer than {catalogue.UNLISTED:,} garments.")
        if not (64 <= self.width <= 4096 and 64 <= self.height <= 4096):
            raise InputError(
                f"a picture of {self.width} x {self.height} cannot be drawn: both sides must "
                "lie in 64..4096 pixels."
            )


@dataclass(frozen=True)
class Task:
    """One picture to make."""

    recipe: Recipe
    kind: str  # "garment" or "look"
    number: int
    out: str
    labels: bool


@lru_cache(maxsize=2)
def _wardrobe(count: int, seed: int) -> tuple[list[Item], list[Item]]:
    return catalogue.garments(count, seed), catalogue.extras(seed, EXTRAS)


@lru_cache(maxsize=1)
def _renderer() -> Renderer:
    return Renderer()


def look_name(number: int) -> str:
    """The file name of look `number`."""
    return f"look-{number:05d}.jpg"


def garment_name(item: Item) -> str:
    """The file name of a product photo."""
    return f"{item.sku.lower()}.jpg"


def make(task: Task) -> str:
    """Make one picture with its labels; return its kind. The picture is written last."""
    recipe, out = task.recipe, Path(task.out)
    size = (recipe.width, recipe.height)
    listed, spare = _wardrobe(recipe.garments, recipe.seed)
    if task.kind == "garment":
        item = listed[task.number]
        photo = product(_renderer(), item.garment, item.female, size)
        if task.labels:
            labels.write(out / "labels" / "garments", item.sku.lower(), photo, [[item]])
        _save(photo.image, out / "garments" / garment_name(item), recipe.quality)
        return task.kind
    first, pool = _plan(task.number, recipe)
    spread = shots.spread(task.number, first, pool, spare, recipe.seed, recipe.dials)
    worn = [list(role.items) for shot in spread for role in shot.roles]
    if len(spread) == 1:
        photo = _exposed(spread[0], recipe, size, 0)
    else:
        rng = catalogue.stream(recipe.seed, "page", task.number)
        boxes, blank = collage.layout(len(spread), size, rng), collage.paper(rng)
        taken: list[Photo] = []
        for shot, (x0, y0, x1, y1) in zip(spread, boxes, strict=True):
            before = sum(len(photo.dressed) for photo in taken)
            taken.append(_exposed(shot, recipe, (x1 - x0, y1 - y0), before))
        photo = collage.page(taken, boxes, size, blank)
    stem = look_name(task.number)[:-4]
    rows = _truth_rows(task.number, photo, worn)
    if task.labels:
        labels.write(out / "labels" / "looks", stem, photo, worn)
    _write_text(out / "rows" / f"{stem}.json", json.dumps(rows))
    _save(photo.image, out / "looks" / look_name(task.number), recipe.quality)
    return task.kind


def _exposed(shot: Shot, recipe: Recipe, size: tuple[int, int], first_person: int) -> Photo:
    """One photo of a look."""
    dials = recipe.dials
    rng = catalogue.stream(recipe.seed, "scene", shot.number)
    scene = scenes.build(shot.scene, rng, dials.light, dials.gels)
    scale = size[1] / 768
    finish = replace(
        shot.finish,
        blur=shot.finish.blur * scene.blur * scale,
        soften=shot.finish.soften * scale,
    )
    figures = [
        Figure(role.person, tuple(i.garment for i in role.items), role.pose, role.yaw, role.place)
        for role in shot.roles
    ]
    rng = catalogue.stream(recipe.seed, "exposure", shot.number, shot.panel)
    front = foreground(rng, size, shot.hidden) if shot.hidden else None
    return look(_renderer(), figures, scene, shot.framing, finish, rng, size, front, first_person)


def _plan(number: int, recipe: Recipe) -> tuple[Item, list[Item]]:
    """Whom look `number` is about, and the listed garments it may also show.

    Looks go round a shuffled catalogue. One garment in twelve is in no look and one look in
    twenty shows no listed garment, as in life.
    """
    listed, spare = _wardrobe(recipe.garments, recipe.seed)
    worn, pool = _worn(recipe.garments, recipe.seed)
    rng = catalogue.stream(recipe.seed, "plan", number)
    if rng.random() < 0.05:
        return spare[int(rng.integers(len(spare)))], []
    return listed[worn[number % len(worn)]], pool


@lru_cache(maxsize=2)
def _worn(count: int, seed: int) -> tuple[list[int], list[Item]]:
    """The garments that looks show, in turn and in the order of the catalogue."""
    order = catalogue.stream(seed, "turns").permutation(count)
    worn = [int(k) for k in order[: max(1, count - count // 12)]]
    listed, _ = _wardrobe(count, seed)
    return worn, [listed[k] for k in sorted(worn)]


def _truth_rows(number: int, photo: Photo, worn: list[list[Item]]) -> list[list[Any]]:
    """One row per garment; on a page of several photos, of where it is largest."""
    rows: dict[str, list[Any]] = {}
    height, width = photo.ids.shape
    items = [item for person in worn for item in person]
    for entry, item in zip(labels.garments(photo, worn), items, strict=True):
        if not item.listed or entry["pixels"] < labels.MIN_PIXELS * width * height / (512 * 768):
            continue
        if item.sku in rows and rows[item.sku][TRUTH.index("pixels")] >= entry["pixels"]:
            continue
        g = item.garment
        rows[item.sku] = [
            garment_name(item), look_name(number), item.sku, item.family, item.relation,
            g.category, g.kind, g.colour, g.pattern, g.fabric.material, g.sleeve, g.length,
            g.neckline, entry["person"], *entry["box"], entry["pixels"],
            round(entry["pixels"] / (width * height), 4),
            photo.notes["scene"],
            photo.notes["poses"][entry["person"]],
        ]  # fmt: skip
    return list(rows.values())


def _save(image: Any, path: Path, quality: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part")
    Image.fromarray(image).save(partial, "JPEG", quality=quality, subsampling=0)
    partial.replace(path)


def _write_text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part")
    partial.write_text(text + "\n")
    partial.replace(path)


def run(
    recipe: Recipe, out: Path, with_labels: bool, workers: int,
    done: Callable[[str, int], None] = lambda kind, count: None,
    found: Callable[[int], None] = lambda left: None,
) -> dict[str, int]:  # fmt: skip
    """Make every picture of `recipe` that `out` lacks, then write the tables.

    Args:
        done: told the kind of each picture that is made, and that it is one.
        found: told first how many pictures `out` lacks.

    Raises:
        InputError: `out` holds the pictures of another recipe.
        ModelError: a process was ended from outside.
        WorkspaceFull: no space is left for the pictures.
    """
    out.mkdir(parents=True, exist_ok=True)
    stated = json.dumps(asdict(recipe), indent=2)
    kept = out / "recipe.json"
    if kept.exists() and json.loads(kept.read_text()) != json.loads(stated):
        raise InputError(
            f"{out} holds pictures of another recipe (see {kept}). Name an empty folder, or call "
            "render with the settings in that file to go on with it."
        )
    _write_text(kept, stated)
    tasks = list(_missing(recipe, out, with_labels))
    found(len(tasks))
    try:
        _make_all(tasks, workers, done)
        pairs = _tables(recipe, out)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise WorkspaceFull(
                f"No space is left for the pictures ({out}). What is there is whole: free some "
                "space and run the same command again."
            ) from error
        raise
    return {"garments": recipe.garments, "looks": recipe.looks, "pairs": pairs, "made": len(tasks)}


def _make_all(tasks: list[Task], workers: int, done: Callable[[str, int], None]) -> None:
    if workers <= 1 or len(tasks) < 4:
        for task in tasks:
            done(make(task), 1)
        return
    try:
        with process_pool(min(workers, len(tasks)), _ONE_THREAD) as pool:
            for kind in pool.map(make, tasks, chunksize=4):
                done(kind, 1)
    except BrokenProcessPool as error:
        raise ModelError(
            "a process that draws was ended from outside, most likely for want of memory "
            "(each takes about 1 GB). Call the same command again to go on, with fewer than "
            f"{workers} --workers."
        ) from error


def _missing(recipe: Recipe, out: Path, with_labels: bool) -> Iterator[Task]:
    listed, _ = _wardrobe(recipe.garments, recipe.seed)
    for item in listed:
        stem = item.sku.lower()
        made = (out / "garments" / garment_name(item)).exists()
        if with_labels:
            made &= (out / "labels" / "garments" / f"{stem}.json").exists()
        if not made:
            yield Task(recipe, "garment", item.number, str(out), with_labels)
    for number in range(recipe.looks):
        stem = look_name(number)[:-4]
        made = (out / "looks" / look_name(number)).exists()
        made &= (out / "rows" / f"{stem}.json").exists()
        if with_labels:
            made &= (out / "labels" / "looks" / f"{stem}.json").exists()
        if not made:
            yield Task(recipe, "look", number, str(out), with_labels)


def _tables(recipe: Recipe, out: Path) -> int:
    """Write truth.csv, catalogue.csv and credits.csv; return the number of pairs."""
    listed, _ = _wardrobe(recipe.garments, recipe.seed)
    rows: list[list[Any]] = []
    for number in range(recipe.looks):
        rows += json.loads((out / "rows" / f"{look_name(number)[:-4]}.json").read_text())
    _csv(out / "truth.csv", TRUTH, rows)
    brands = catalogue.brands(recipe.garments)
    _csv(
        out / "catalogue.csv", CATALOGUE,
        [
            [
                f"garments/{garment_name(item)}", item.sku, catalogue.title(item),
                brands[item.family % len(brands)], item.garment.category, item.garment.colour,
                item.garment.pattern, item.garment.fabric.material,
                f"{catalogue.price(item):.2f} EUR", catalogue.RIGHTS,
            ]
            for item in listed
        ],
    )  # fmt: skip
    credits = []
    for number in range(recipe.looks):
        first, _ = _plan(number, recipe)
        rng = catalogue.stream(recipe.seed, "credit", number)
        credits.append(
            [
                f"looks/{look_name(number)}", brands[first.family % len(brands)],
                str(rng.choice(catalogue.SEASONS)), str(rng.choice(catalogue.PHOTOGRAPHERS)),
                catalogue.RIGHTS, "",
            ]
        )  # fmt: skip
    _csv(out / "credits.csv", CREDITS, credits)
    return len(rows)


def _csv(path: Path, head: tuple[str, ...], rows: list[list[Any]]) -> None:
    partial = path.with_suffix(".part")
    with partial.open("w", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(head)
        writer.writerows(rows)
    partial.replace(path)
