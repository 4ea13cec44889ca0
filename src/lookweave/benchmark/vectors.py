"""Vectors of a benchmark's photos by the chosen models, kept in a folder so that a run goes on.

Parts of a few hundred photos are written as Parquet, each whole or not at all; what a killed run
has written, the next one reads.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from lookweave import photos
from lookweave.benchmark.content import Box, Item, PhotoFile, Regions
from lookweave.errors import InputError, Rejected
from lookweave.models.checks import check_detections, check_vectors
from lookweave.models.cutout import garment_region
from lookweave.models.protocols import Crop, Detection, Pixels, Vectors
from lookweave.pipeline.setup import Setup
from lookweave.pipeline.steps.embed import dimension
from lookweave.pipeline.steps.subjects import WORKING_SIDE
from lookweave.progress import Progress
from lookweave.store.workspace import write_atomically

_log = logging.getLogger(__name__)

_BATCH = 16  # photos that a model sees at once
_PART = 256  # photos in a part


@dataclass(frozen=True)
class View:
    """A photo, and what of it is compared.

    Attributes:
        photo: the photo.
        kind: ``look`` or ``garment``; what is found in a product photo is its one cut-out.
        box: of given regions, else None.
        regions: whole, given or found.
    """

    photo: PhotoFile
    kind: str
    box: Box | None
    regions: Regions


def view_of(item: Item, regions: Regions) -> View:
    """What of an item's photo is compared. Without a box, given regions are the whole photo."""
    if regions == "given" and item.box is None:
        regions = "whole"
    return View(item.photo, item.kind, item.box if regions == "given" else None, regions)


@dataclass(frozen=True)
class ViewVectors:
    """Vectors of views.

    Attributes:
        vectors: float32 (n, dimension), unit norm.
        boxes: float32 (n, 4), xyxy in pixels of the upright photo.
        labels: category of each, by the detector; None where it says none.
        scores: float32 (n,), the detector's confidence.
        rows: view -> its rows, perhaps none.
        problems: name of a photo that could not be used -> why.
    """

    vectors: Vectors
    boxes: NDArray[np.float32]
    labels: list[str | None]
    scores: NDArray[np.float32]
    rows: dict[View, range]
    problems: dict[str, str]


def embed_views(
    setup: Setup, views: Iterable[View], folder: Path, progress: Progress
) -> ViewVectors:
    """Vectors of views, from the folder where they are there, else made and kept there.

    Args:
        folder: of this benchmark; other models have their own folder in it.

    Raises:
        InputError: a file of photos cannot be read at all, or another run writes there.
        ModelError: a model cannot be loaded, or gave something impossible.
    """
    parts = folder / f"{setup.models.detector.key}+{setup.models.encoder.key}"
    keys = {view: _key(view) for view in dict.fromkeys(views)}
    parts.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(parts / "lock", timeout=0):
            kept = _kept_keys(parts)
            left = [view for view, key in keys.items() if key not in kept]
            if left:
                _embed(setup, left, keys, parts, progress)
    except Timeout as error:
        raise InputError(
            f"Another run is writing vectors to {parts}: wait for it, or give another --out."
        ) from error
    return _read(parts, keys, dimension(setup))


def _key(view: View) -> str:
    """The view, and the state of its file."""
    try:
        found = view.photo.path.stat()
        state = f"{found.st_size}/{found.st_mtime_ns}"
    except OSError:
        state = "absent"
    box = "" if view.box is None else ",".join(f"{edge:g}" for edge in view.box)
    return "|".join((view.photo.name, state, view.kind, view.regions, box))


def _kept_keys(parts: Path) -> set[str]:
    found: set[str] = set()
    for part in sorted(parts.glob("*.parquet")):
        found.update(pq.read_table(part, columns=["key"]).column(0).to_pylist())
    return found


def _embed(
    setup: Setup, views: list[View], keys: dict[View, str], parts: Path, progress: Progress
) -> None:
    reader = _Reader(setup)
    of_photo: dict[PhotoFile, list[View]] = {}
    for view in views:
        of_photo.setdefault(view.photo, []).append(view)
    schema = _schema(dimension(setup))
    first = len(list(parts.glob("*.parquet")))
    progress.start("embed", len(of_photo), "photos")
    pool = ThreadPoolExecutor(setup.config.run.workers)
    try:
        everything = list(of_photo.items())
        for start in range(0, len(everything), _PART):
            rows: list[dict[str, Any]] = []
            loaded = list(_loaded(everything[start : start + _PART]))
            work = [loaded[at : at + _BATCH] for at in range(0, len(loaded), _BATCH)]
            for batch, made in zip(work, pool.map(reader, work), strict=True):
                for view, found in made:
                    rows += [{"key": keys[view], **row} for row in found]
                progress.advance(len(batch))
            held = BytesIO()
            pq.write_table(pa.Table.from_pylist(rows, schema=schema), held)
            number = first + start // _PART
            write_atomically(parts / f"part-{number:06}.parquet", held.getvalue())
    finally:
        pool.shutdown(cancel_futures=True)
    progress.end()


_Photos = tuple[PhotoFile, list[View], bytes | None]


def _loaded(some: Iterable[tuple[PhotoFile, list[View]]]) -> Iterator[_Photos]:
    """Photos with the bytes of those that lie in Parquet files, whose row groups are read once."""
    for (path, column), photos_of in groupby(
        some, key=lambda one: (one[0].path, one[0].column)
    ):  # fmt: skip
        if column is None:
            yield from ((photo, views, None) for photo, views in photos_of)
            continue
        wanted = list(photos_of)
        cells = _cells(path, column, [photo.row for photo, _ in wanted])
        for photo, views in wanted:
            yield photo, views, cells[photo.row]


def _cells(path: Path, column: str, rows: list[int]) -> dict[int, bytes]:
    """The bytes in some rows of a Parquet file, those of a struct as data sets of a hub have it."""
    found: dict[int, bytes] = {}
    wanted = np.array(sorted(rows))
    try:
        with pq.ParquetFile(path) as file:
            if column not in file.schema_arrow.names:
                raise InputError(f"{path} has no column {column} with photos.")
            start = 0
            for group in range(file.num_row_groups):
                count = file.metadata.row_group(group).num_rows
                own = wanted[(wanted >= start) & (wanted < start + count)]
                if len(own):
                    table = file.read_row_group(group, columns=[column]).take(own - start)
                    for row, cell in zip(own.tolist(), table.column(0).to_pylist(), strict=True):
                        content = cell.get("bytes") if isinstance(cell, dict) else cell
                        found[row] = content or b""
                start += count
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"The photos in {path} cannot be read: {error}") from error
    return found


class _Reader:
    """Photos -> rows of their views. Called from several threads."""

    def __init__(self, setup: Setup) -> None:
        self._models, folder = setup.models, setup.config.models_dir
        self._detector_card, self._encoder_card = setup.models.detector, setup.models.encoder
        self._encoder = self._encoder_card.load(folder)
        self._detector = self._detector_card.load(folder)

    def __call__(self, batch: Iterable[_Photos]) -> list[tuple[View, list[dict[str, Any]]]]:
        crops: list[Crop] = []
        rows: list[dict[str, Any]] = []
        made: list[tuple[View, list[dict[str, Any]]]] = []
        opened: list[tuple[photos.Photo, list[View]]] = []
        for file, views, data in batch:
            try:
                photo = photos.load(data if data is not None else file.path, max_side=WORKING_SIDE)
            except Rejected as why:
                _log.info("%s: %s", file.name, why)
                made += [(view, [{"problem": str(why)}]) for view in views]
                continue
            opened.append((photo, views))
        found = self._found([(photo, views) for photo, views in opened])
        for (photo, views), detections in zip(opened, found, strict=True):
            for view in views:
                of_view: list[dict[str, Any]] = []
                for one in self._regions(view, photo, detections):
                    crops.append(Crop(photo.pixels, one.box, one.mask, view.kind, one.label_scores))
                    of_view.append(
                        {"box": [edge / photo.scale for edge in one.box], "label": one.label,
                         "score": one.score}
                    )  # fmt: skip
                rows += of_view
                made.append((view, of_view or [{}]))
        vectors = check_vectors(self._encoder_card, self._encoder.encode(crops), len(crops))
        for row, vector in zip(rows, vectors, strict=True):
            row["vector"] = vector
        return made

    def _found(self, opened: list[tuple[photos.Photo, list[View]]]) -> list[list[Detection]]:
        """The detections of photos in which any are wanted; none of the others."""
        asked = [any(view.regions == "found" for view in views) for _, views in opened]
        pixels = [
            photo.pixels for (photo, _), is_asked in zip(opened, asked, strict=True) if is_asked
        ]
        given = self._detector.detect(pixels) if pixels else []
        detections = iter(check_detections(self._detector_card, given, len(pixels)))
        return [list(next(detections)) if is_asked else [] for is_asked in asked]

    def _regions(
        self, view: View, photo: photos.Photo, detections: list[Detection]
    ) -> list[Detection]:
        height, width = photo.pixels.shape[:2]
        if view.regions == "found" and view.kind == "garment":
            return [garment_region(self._detector_card, photo.pixels, detections)]
        if view.regions == "found":
            return detections
        box = (0.0, 0.0, float(width), float(height))
        if view.box is not None:
            box = _inside(view.box, photo.scale, photo.pixels)
        return [Detection(box, 1.0)]


def _inside(box: Box, scale: float, pixels: Pixels) -> Box:
    """A box in the pixels at hand, at least one pixel wide and high."""
    height, width = pixels.shape[:2]
    left, top, right, bottom = (edge * scale for edge in box)
    left, top = min(max(left, 0.0), width - 1.0), min(max(top, 0.0), height - 1.0)
    return left, top, min(max(right, left + 1.0), width), min(max(bottom, top + 1.0), height)


def _schema(width: int) -> pa.Schema:
    return pa.schema([
        pa.field("key", pa.string(), nullable=False),
        pa.field("box", pa.list_(pa.float32(), 4)),
        pa.field("label", pa.string()),
        pa.field("score", pa.float32()),
        pa.field("vector", pa.list_(pa.float32(), width)),
        pa.field("problem", pa.string()),
    ])  # fmt: skip


def _read(parts: Path, keys: dict[View, str], width: int) -> ViewVectors:
    """What is kept of these views; a row without a vector stands for a view without a region."""
    schema = _schema(width)
    wanted = pa.array(sorted(set(keys.values())))
    tables = []
    for part in sorted(parts.glob("*.parquet")):
        table = pq.read_table(part, schema=schema)
        tables.append(table.filter(pc.is_in(table.column("key"), wanted)))
    table = pa.concat_tables(tables) if tables else schema.empty_table()
    names = table.column("key").to_pylist()
    whys = dict(zip(names, table.column("problem").to_pylist(), strict=True))
    problems = {view.photo.name: why for view, key in keys.items() if (why := whys.get(key))}
    table = table.filter(table.column("vector").is_valid())
    rows: dict[str, list[int]] = {}
    for at, name in enumerate(table.column("key").to_pylist()):
        rows.setdefault(name, []).append(at)
    spans = {name: range(found[0], found[-1] + 1) for name, found in rows.items()}
    return ViewVectors(
        _matrix(table, "vector", width),
        _matrix(table, "box", 4),
        table.column("label").to_pylist(),
        table.column("score").to_numpy().astype(np.float32),
        {view: spans.get(key, range(0)) for view, key in keys.items()},
        problems,
    )


def _matrix(table: pa.Table, column: str, width: int) -> NDArray[np.float32]:
    parts = [chunk.flatten().to_numpy() for chunk in table.column(column).chunks]
    flat = np.concatenate(parts) if parts else np.empty(0, np.float32)
    return np.ascontiguousarray(flat.reshape(-1, width), np.float32)
