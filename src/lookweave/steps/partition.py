"""What Match reads: vectors of all garments and regions in scratch files, sorted by category.

The tables are streamed once into two files of float32 rows (description part, then visual part;
see `matching.fuse`). Garments lie in the order of their ids; regions by category, then id, so
that a category is one slice. Ids and a few integers a row are all that is held in memory.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lookweave.config import Config
from lookweave.errors import InputError
from lookweave.matching.captions import WIDTH as CAPTION_WIDTH
from lookweave.matching.captions import CaptionVectors
from lookweave.matching.fuse import beside_captions, describe_vectors, described_width
from lookweave.matching.vectors import Positions, VectorFile, Vectors, VectorWriter
from lookweave.matching.words import Words
from lookweave.models.cards import chosen
from lookweave.steps import words
from lookweave.tables import Table, quoted
from lookweave.taxonomy import ATTRIBUTES, CATEGORIES
from lookweave.workspace import Workspace, write_atomically

ATTRIBUTE_WEIGHTS: dict[str, float] = {
    "category": 0.30,
    "colours": 0.25,
    "pattern": 0.15,
    "material": 0.10,
    "sleeve": 0.08,
    "length": 0.07,
    "neckline": 0.05,
}
"""Weight of each attribute's agreement in S_VLM; they sum to 1.

What survives a change of pose, light and camera weighs most: category, colours, pattern. Sleeve,
length and neckline are often hidden or rolled up in an editorial photo."""

FAMILIES: tuple[frozenset[str], ...] = tuple(
    frozenset(names.split())
    for names in (
        "top shirt knitwear vest jacket dress",
        "jacket coat vest knitwear",
        "dress jumpsuit skirt coat",
        "trousers jeans shorts jumpsuit hosiery",
        "skirt shorts",
        "shoes hosiery",
        "hat scarf",
        "scarf knitwear",
    )
)
"""Categories that two photos of one garment are easily given: a garment searches the families of
its likeliest category too, whatever the model's second guess."""

WIDTHS: tuple[int, ...] = tuple(len(values) for values in ATTRIBUTES.values())
DESCRIBED = described_width(WIDTHS)
"""Width of the attributes in a row; the captions' vector follows where there is one."""

UNSORTED = len(CATEGORIES)
"""The block of regions of which no category is known; every garment searches it."""

_FAMILY = np.array(
    [
        sum(
            1 << at
            for at, other in enumerate(CATEGORIES)
            if other == name or any({name, other} <= family for family in FAMILIES)
        )
        for name in CATEGORIES
    ]
)
_CATEGORY_START = sum(WIDTHS[: list(ATTRIBUTES).index("category")])
_READY = "partition.json"


@dataclass(frozen=True)
class Partition:
    """An open partition.

    Attributes:
        garments, regions: the vectors, each row (split + dimension,) float32.
        split: column where the visual part of a row begins.
        captions: rows of both sides with a caption that counts.
        words: brands and credits, or None where there are none.
        garment_ids: bytes (garments,), ascending.
        region_ids: bytes (regions,), ascending within a block.
        looks: bytes, distinct ids of looks, ascending; `region_looks` int32 points into it.
        starts: int64 (len(CATEGORIES) + 2,): block b is regions starts[b]..starts[b + 1].
        admits: uint32 (garments,): bit b is set where the garment searches block b.
    """

    garments: VectorFile
    regions: VectorFile
    split: int
    captions: int
    words: Words | None
    garment_ids: NDArray[np.bytes_]
    region_ids: NDArray[np.bytes_]
    looks: NDArray[np.bytes_]
    region_looks: NDArray[np.int32]
    starts: NDArray[np.int64]
    admits: NDArray[np.uint32]

    @classmethod
    def open(cls, folder: Path) -> Partition:
        """Open what `write` made."""
        ready = json.loads((folder / _READY).read_text(encoding="utf-8"))
        return cls(
            VectorFile(folder / "garments.f32", ready["width"]),
            VectorFile(folder / "regions.f32", ready["width"]),
            ready["split"],
            ready["captions"],
            words.read(folder),
            *(np.load(folder / f"{name}.npy") for name in _ARRAYS),
        )


_ARRAYS = ("garment_ids", "region_ids", "looks", "region_looks", "starts", "admits")


def embeddings(workspace: Workspace, config: Config) -> Table:
    """The table of the encoder's vectors."""
    encoder = chosen(config).encoder
    if encoder.dimension is None:
        raise ValueError(f"the card of {encoder.name} does not say its vectors' dimension")
    return workspace.embeddings(encoder.key, encoder.dimension)


def subjects(workspace: Workspace, config: Config, kind: str) -> NDArray[np.bytes_]:
    """Ids of the photos of `kind` that have a region with a vector, ascending."""
    rows = _present(workspace, config)
    return np.unique(rows.subjects[rows.garment == (kind == "garment")])


def write(workspace: Workspace, config: Config, folder: Path) -> Partition:
    """Stream the workspace's regions, descriptions and embeddings into `folder`, made anew."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    rows = _present(workspace, config)
    described = _categories(workspace, config, rows)
    garment = np.flatnonzero(rows.garment)
    garment = garment[np.argsort(rows.subjects[garment], kind="stable")]
    region = np.flatnonzero(~rows.garment)
    region = region[np.lexsort((rows.ids[region], rows.own[region]))]
    looks, region_looks = np.unique(rows.subjects[region], return_inverse=True)
    starts = np.searchsorted(rows.own[region], np.arange(UNSORTED + 2))
    captions = _captions(workspace, config)
    split = _vectors(workspace, config, folder, rows, described, garment, region, captions)
    arrays: tuple[NDArray[Any], ...] = (
        rows.subjects[garment], rows.ids[region], looks, region_looks.astype(np.int32),
        starts.astype(np.int64), rows.leading[garment],
    )  # fmt: skip
    for name, array in zip(_ARRAYS, arrays, strict=True):
        np.save(folder / f"{name}.npy", array)
    words.write(workspace, config.match, folder, arrays[0], looks)
    ready = {
        "width": split + (chosen(config).encoder.dimension or 0),
        "split": split,
        "captions": captions.captions if captions else 0,
    }
    write_atomically(folder / _READY, json.dumps(ready).encode())
    return Partition.open(folder)


@dataclass
class _Rows:
    """Regions of the detector in the order of their ids: a few bytes a row."""

    ids: NDArray[np.bytes_]
    subjects: NDArray[np.bytes_]
    garment: NDArray[np.bool_]
    own: NDArray[np.int8]  # likeliest category, UNSORTED when unknown
    leading: NDArray[np.uint32]  # bit set of the blocks to search

    def find(self, keys: pa.ChunkedArray) -> Positions:
        """The place of each key; -1 where there is none."""
        wanted = _bytes(keys)
        if not len(self.ids) or not len(wanted):
            return np.full(len(wanted), -1, np.int64)
        at = np.minimum(np.searchsorted(self.ids, wanted), len(self.ids) - 1)
        return np.where(self.ids[at] == wanted, at, -1)

    def take(self, places: Positions | NDArray[np.bool_]) -> _Rows:
        return _Rows(
            self.ids[places], self.subjects[places], self.garment[places], self.own[places],
            self.leading[places],
        )  # fmt: skip


def _present(workspace: Workspace, config: Config) -> _Rows:
    """The detector's regions that have a vector."""
    detector = chosen(config).detector.key
    pieces: list[_Rows] = []
    columns = ["id", "subject", "kind", "label", "label_scores"]
    for batch in workspace.table("regions").scan(columns, f"detector = {quoted(detector)}"):
        scores = _detected(batch)
        pieces.append(
            _Rows(
                _bytes(batch.column("id")),
                _bytes(batch.column("subject")),
                np.array([kind == "garment" for kind in batch.column("kind").to_pylist()], bool),
                _own(scores),
                _leading(scores, config.match.categories),
            )
        )
    if not pieces:
        empty = np.empty(0, "S1")
        none = np.empty(0, np.int8)
        return _Rows(empty, empty, none.astype(bool), none, none.astype(np.uint32))
    rows = _Rows(
        *(
            np.concatenate([getattr(piece, name) for piece in pieces])
            for name in ("ids", "subjects", "garment", "own", "leading")
        )
    )
    rows = rows.take(np.argsort(rows.ids, kind="stable"))
    seen = np.zeros(len(rows.ids), bool)
    for batch in embeddings(workspace, config).scan(["subject"]):
        places = rows.find(batch.column("subject"))
        seen[places[places >= 0]] = True
    return rows.take(seen)


def _categories(workspace: Workspace, config: Config, rows: _Rows) -> NDArray[np.bool_]:
    """Let descriptions overrule the detector's opinion; say which rows have a description.

    Where a description names fewer categories than are to be searched (one word from a
    vision-language model), those that the detector thinks likely are searched as well.
    """
    many = config.match.categories
    described = np.zeros(len(rows.ids), bool)
    for places, attributes, _ in _descriptions(workspace, config, rows):
        described[places] = True
        scores = attributes[:, _CATEGORY_START : _CATEGORY_START + len(CATEGORIES)]
        says = scores.any(axis=1)
        rows.own[places[says]] = _own(scores[says])
        few = np.count_nonzero(scores[says], axis=1) < many
        named = _leading(scores[says], many)
        rows.leading[places[says]] = np.where(few, named | rows.leading[places[says]], named)
    return described


def _vectors(
    workspace: Workspace,
    config: Config,
    folder: Path,
    rows: _Rows,
    described: NDArray[np.bool_],
    garment: Positions,
    region: Positions,
    captions: CaptionVectors | None,
) -> int:
    """Write both files; `garment` and `region` hold the row that lies at each position.

    Returns:
        The column where the visual part begins.
    """
    dimension = chosen(config).encoder.dimension or 0
    split = DESCRIBED + (CAPTION_WIDTH + 1 if captions else 0)
    width = split + dimension
    weigh = config.match.weight_attributes, config.match.weight_captions
    position = np.empty(len(rows.ids), np.int64)
    position[garment] = np.arange(len(garment))
    position[region] = np.arange(len(region))
    with (
        VectorWriter(folder / "garments.f32", len(garment), width) as garments,
        VectorWriter(folder / "regions.f32", len(region), width) as regions,
    ):

        def put(places: Positions, values: Vectors, said: list[str | None] | None) -> None:
            sides: tuple[Literal["garment", "region"], ...] = ("garment", "region")
            for writer, side in zip((garments, regions), sides, strict=True):
                mine = rows.garment[places] == (side == "garment")
                some, column = values[mine], split
                if said is not None:
                    some = describe_vectors(some, WIDTHS, list(ATTRIBUTE_WEIGHTS.values()), side)
                    column = 0
                    if captions:
                        spoken = captions([said[at] for at in np.flatnonzero(mine).tolist()])
                        some = beside_captions(some, spoken, *weigh)
                writer.put(position[places[mine]], some, column)

        for places, vectors in _embedded(workspace, config, rows, dimension):
            put(places, vectors, None)
        for places, attributes, said in _descriptions(workspace, config, rows):
            put(places, attributes, said)
        silent = np.flatnonzero(~described)
        for at in range(0, len(silent), 8192):
            places = silent[at : at + 8192]
            nothing = np.zeros((len(places), sum(WIDTHS)), np.float32)
            put(places, nothing, [None] * len(places))
    return split


def _captions(workspace: Workspace, config: Config) -> CaptionVectors | None:
    """The describer's captions, counted; None where they are switched off, say nothing that the
    attributes do not, or there are none."""
    describer, counted = chosen(config).describer, CaptionVectors()
    if config.match.weight_captions and describer.captions:
        where = f"model = {quoted(describer.key)} AND caption IS NOT NULL"
        for batch in workspace.table("descriptions").scan(["caption"], where):
            counted.add(batch.column("caption").to_pylist())
    if not counted.captions and not config.match.weight_attributes:
        raise InputError(
            f"match.weight_attributes is 0 and {describer.name} gives no captions to compare: "
            "weigh the attributes, or describe with `vlm` or `vlm-local`."
        )
    return counted if counted.captions else None


def _embedded(
    workspace: Workspace, config: Config, rows: _Rows, dimension: int
) -> Iterator[tuple[Positions, Vectors]]:
    for batch in embeddings(workspace, config).scan(["subject", "vector"]):
        places = rows.find(batch.column("subject"))
        vectors = _matrix(batch.column("vector"), dimension)
        yield places[places >= 0], vectors[places >= 0]


def _descriptions(
    workspace: Workspace, config: Config, rows: _Rows
) -> Iterator[tuple[Positions, Vectors, list[str | None]]]:
    """Places, attributes and captions."""
    where = f"model = {quoted(chosen(config).describer.key)} AND attributes IS NOT NULL"
    columns = ["subject", "attributes", "caption"]
    for batch in workspace.table("descriptions").scan(columns, where):
        places = rows.find(batch.column("subject"))
        attributes = _matrix(batch.column("attributes"), sum(WIDTHS))
        captions = batch.column("caption").filter(pa.array(places >= 0)).to_pylist()
        yield places[places >= 0], attributes[places >= 0], captions


def _detected(batch: pa.Table) -> Vectors:
    """The detector's opinion of each region over CATEGORIES; zeros where it has none."""
    scores = np.zeros((batch.num_rows, len(CATEGORIES)), np.float32)
    column = batch.column("label_scores")
    given = column.is_valid().to_numpy()
    scores[given] = _matrix(column.filter(column.is_valid()), len(CATEGORIES))
    for row, label in enumerate(batch.column("label").to_pylist()):
        if not given[row] and label in CATEGORIES:
            scores[row, CATEGORIES.index(label)] = 1.0
    return scores


def _own(scores: Vectors) -> NDArray[np.int8]:
    return np.where(scores.any(axis=1), scores.argmax(axis=1), UNSORTED).astype(np.int8)


def _leading(scores: Vectors, categories: int) -> NDArray[np.uint32]:
    """Bit set of the `categories` likeliest categories, of the families of the likeliest, and
    always of UNSORTED.

    All bits where there is no filter or no opinion.
    """
    every = np.uint32((1 << (UNSORTED + 1)) - 1)
    if categories == 0 or not len(scores):
        return np.full(len(scores), every)
    # A stable sort, so that equally likely categories are taken in the taxonomy's order.
    best = np.argsort(-scores, axis=1, kind="stable")[:, :categories]
    bits = np.where(np.take_along_axis(scores, best, axis=1) > 0, 1 << best, 0)
    searched = np.bitwise_or.reduce(bits, axis=1) | _FAMILY[best[:, 0]] | (1 << UNSORTED)
    return np.where(scores.any(axis=1), searched, every).astype(np.uint32)


def _matrix(column: pa.ChunkedArray, width: int) -> Vectors:
    flat = column.combine_chunks()
    if isinstance(flat, pa.ChunkedArray):
        flat = pa.concat_arrays(flat.chunks) if flat.num_chunks else pa.array([], flat.type)
    values = flat.flatten().to_numpy(zero_copy_only=False)
    return np.ascontiguousarray(values, np.float32).reshape(-1, width)


def _bytes(column: pa.ChunkedArray) -> NDArray[np.bytes_]:
    return np.array([value.encode() for value in column.to_pylist()], dtype=np.bytes_)
