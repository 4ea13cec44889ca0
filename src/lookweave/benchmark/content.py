"""What a benchmark holds: queries, a gallery, and which of the gallery are right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Box = tuple[float, float, float, float]
Places = NDArray[np.int64]

Regions = Literal["whole", "given", "found"]
"""What of a photo is compared: all of it, the box that the benchmark gives, or what the detector
finds."""


@dataclass(frozen=True)
class PhotoFile:
    """A photo as a benchmark stores it.

    Attributes:
        name: unique in the benchmark; its path below the benchmark's folder.
        path: the file.
        column: of a Parquet file, the column with the bytes; None for a photo's own file.
        row: of a Parquet file.
    """

    name: str
    path: Path
    column: str | None = None
    row: int = 0


@dataclass(frozen=True)
class Item:
    """A garment in a photo.

    Attributes:
        photo: where its pixels are.
        kind: ``look`` (worn by somebody) or ``garment`` (a product photo).
        box: xyxy in pixels of the photo, where the benchmark gives one.
        boxes: of all garments that the benchmark knows in this photo, its own among them, in the
            benchmark's order; a detection belongs to the one that it overlaps most.
        wanted: of a query, categories of the taxonomy that a detection must have to stand for it;
            empty: any. A detection without a category counts for all.
        category: as the benchmark calls it, for results by category.
        difficulty: likewise.
        cluster: items of one cluster are resampled together.
    """

    photo: PhotoFile
    kind: Literal["look", "garment"]
    box: Box | None = None
    boxes: tuple[Box, ...] = ()
    wanted: frozenset[str] = frozenset()
    category: str | None = None
    difficulty: str | None = None
    cluster: str = ""


@dataclass(frozen=True)
class Task:
    """One question of a benchmark: for each query, rank a gallery.

    Attributes:
        name: such as ``validation`` or ``dresses``.
        queries: what is asked with.
        gallery: what is ranked.
        relevant: meaning of "right" -> for each query the positions in `gallery` of all that is
            right, ascending. The first meaning is the main one. A query with none is a miss.
        regions: what of a photo is compared, by the benchmark's own rule.
        cutoffs: the k of R@k that its authors report.
        both_ways: whether the gallery may ask for the queries, too.
        detections: each detection in the gallery is ranked for itself, and a query is one
            detection (DeepFashion2); only with ``found`` regions.
        distractors: gallery positions from here on are right for nobody, and the gallery grows
            by them in their order; None: it grows by all that is not right, in a random order.
        rule: how the figure is defined, in a sentence or two.
    """

    name: str
    queries: Sequence[Item]
    gallery: Sequence[Item]
    relevant: Mapping[str, Sequence[Places]]
    rule: str
    regions: Regions = "whole"
    cutoffs: tuple[int, ...] = (1, 5, 10)
    both_ways: bool = False
    detections: bool = False
    distractors: int | None = None

    def turned(self) -> Task:
        """The other way: those of the gallery that are right for a query ask for the queries."""
        relevant: dict[str, Sequence[Places]] = {}
        asked = sorted({at for one in self.relevant.values() for row in one for at in row.tolist()})
        place = {at: number for number, at in enumerate(asked)}
        for meaning, rows in self.relevant.items():
            turned: list[list[int]] = [[] for _ in asked]
            for query, right in enumerate(rows):
                for at in right.tolist():
                    turned[place[at]].append(query)
            relevant[meaning] = [np.array(row, np.int64) for row in turned]
        return Task(
            f"{self.name}, the other way", [self.gallery[at] for at in asked], self.queries,
            relevant, self.rule, self.regions, self.cutoffs,
        )  # fmt: skip


@dataclass(frozen=True)
class Benchmark:
    """A benchmark that was read.

    Attributes:
        name: as on the command line.
        title: as its authors call it.
        tasks: at least one.
        notes: what a reader should know of these files: what is missing, what was left out.
    """

    name: str
    title: str
    tasks: Sequence[Task]
    notes: Sequence[str] = field(default=())


def same(queries: Sequence[object], gallery: Sequence[object]) -> list[Places]:
    """For each query the positions in the gallery of what has its key; None is like nothing."""
    places: dict[object, list[int]] = {}
    for at, key in enumerate(gallery):
        if key is not None:
            places.setdefault(key, []).append(at)
    return [np.array(places.get(key, []) if key is not None else [], np.int64) for key in queries]
