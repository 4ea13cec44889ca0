"""The rows that take part in a match, at eighteen bytes a row.

Ids are long and many, so a region is held as the bytes of its photo's id and its place in the
photo; `records.region_id` makes the id of that again. All else of a row is streamed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lookweave.matching.vectors import Positions, Vectors
from lookweave.models.details import unpacked
from lookweave.pipeline.setup import Setup
from lookweave.pipeline.steps.embed import complete, dimension, embeddings
from lookweave.pipeline.steps.match.blocks import own_block, searched
from lookweave.records import region_parts
from lookweave.store.conditions import column, matching
from lookweave.store.takedowns import hidden
from lookweave.store.workspace import Workspace
from lookweave.taxonomy import ATTRIBUTES, CATEGORIES

WIDTHS: tuple[int, ...] = tuple(len(values) for values in ATTRIBUTES.values())
"""Values of each attribute: the blocks of a description."""

_CATEGORY_START = sum(WIDTHS[: list(ATTRIBUTES).index("category")])
_PHOTO = 10  # bytes of a photo's id
_KEY = np.dtype(f"S{_PHOTO + 2}")
_DIGITS = np.frombuffer(b"0123456789abcdef", np.uint8)
_SCANNED = 2048  # vectors read at a time


@dataclass
class Rows:
    """Regions of the detector that have a vector, in the order of their photos and places.

    Attributes:
        keys: S12 (n,), ascending: the photo's id and the place as bytes.
        garment: bool (n,): cut-outs of product photos.
        own: int8 (n,): the block that a region lies in.
        searched: uint32 (n,): bit set of the blocks that a garment searches.
        detector: whose regions these are; others' regions of the same photos are not found.
    """

    keys: NDArray[np.bytes_]
    garment: NDArray[np.bool_]
    own: NDArray[np.int8]
    searched: NDArray[np.uint32]
    detector: str = ""

    def __len__(self) -> int:
        return len(self.keys)

    def find(self, regions: pa.ChunkedArray) -> Positions:
        """The row of each region id; -1 where there is none."""
        wanted = _keys(regions, self.detector)
        if not len(self) or not len(wanted):
            return np.full(len(wanted), -1, np.int64)
        at = np.minimum(np.searchsorted(self.keys, wanted), len(self) - 1)
        return np.where(self.keys[at] == wanted, at, -1)

    def take(self, places: Positions | NDArray[np.bool_]) -> Rows:
        return Rows(
            self.keys[places],
            self.garment[places],
            self.own[places],
            self.searched[places],
            self.detector,
        )

    def photos(self, places: Positions) -> NDArray[np.bytes_]:
        """Ids of the rows' photos, S20."""
        raw = self._bytes(places)[:, :_PHOTO]
        text = np.stack([_DIGITS[raw >> 4], _DIGITS[raw & 15]], axis=2)
        return text.reshape(-1, 2 * _PHOTO).view(f"S{2 * _PHOTO}")[:, 0]

    def of_photos(self, ids: list[str], kind: str) -> NDArray[np.bool_]:
        """Which rows are of these photos, which are of this kind."""
        wanted = np.array([bytes.fromhex(one) for one in ids], f"S{_PHOTO}")
        photos = self.keys.view(np.uint8).reshape(-1, _KEY.itemsize)[:, :_PHOTO]
        found = np.isin(np.ascontiguousarray(photos).view(f"S{_PHOTO}")[:, 0], wanted)
        return np.asarray(found & (self.garment == (kind == "garment")))

    def indices(self, places: Positions) -> NDArray[np.int16]:
        """The regions' indices in their photos; -1 for cut-outs."""
        number = np.ascontiguousarray(self._bytes(places)[:, _PHOTO:]).view(">u2")[:, 0]
        return (number.astype(np.int32) - 1).astype(np.int16)

    def _bytes(self, places: Positions) -> NDArray[np.uint8]:
        return np.ascontiguousarray(self.keys[places]).view(np.uint8).reshape(-1, _KEY.itemsize)


def present(workspace: Workspace, setup: Setup) -> Rows:
    """The detector's regions that have a vector, of photos that are listed and not taken down;
    categories as the detector sees them."""
    detector = setup.models.detector.key
    none = np.empty(0, _KEY)
    pieces = [Rows(none, none.astype(bool), none.astype(np.int8), none.astype(np.uint32))]
    columns = ["id", "kind", "label", "label_scores"]
    for batch in workspace.table("regions").scan(columns, matching(detector=detector)):
        scores = _detected(batch)
        kinds = batch.column("kind").to_pylist()
        pieces.append(
            Rows(
                _keys(batch.column("id"), detector),
                np.array([kind == "garment" for kind in kinds], bool),
                own_block(scores),
                searched(scores, setup.config.match.categories),
            )
        )
    rows = Rows(
        np.concatenate([piece.keys for piece in pieces]),
        np.concatenate([piece.garment for piece in pieces]),
        np.concatenate([piece.own for piece in pieces]),
        np.concatenate([piece.searched for piece in pieces]),
        detector,
    )
    rows = rows.take(np.argsort(rows.keys, kind="stable"))
    seen = np.zeros(len(rows), bool)
    for batch in embeddings(workspace, setup).scan(["subject"]):
        places = rows.find(batch.column("subject"))
        seen[places[places >= 0]] = True
    for kind in ("garment", "look"):
        seen[rows.of_photos(hidden(workspace, kind), kind)] = False
    return rows.take(seen)


def overrule(workspace: Workspace, setup: Setup, rows: Rows) -> NDArray[np.bool_]:
    """Let descriptions overrule the detector's categories; says which rows have a description.

    Where a description names fewer categories than are to be searched (one word from a
    vision-language model), those that the detector thinks likely are searched as well.
    """
    many = setup.config.match.categories
    described = np.zeros(len(rows), bool)
    for places, attributes, _ in descriptions(workspace, setup, rows):
        described[places] = True
        scores = attributes[:, _CATEGORY_START : _CATEGORY_START + len(CATEGORIES)]
        says = scores.any(axis=1)
        rows.own[places[says]] = own_block(scores[says])
        few = np.count_nonzero(scores[says], axis=1) < many
        named = searched(scores[says], many)
        rows.searched[places[says]] = np.where(few, named | rows.searched[places[says]], named)
    return described


def embedded(workspace: Workspace, setup: Setup, rows: Rows) -> Iterator[tuple[Positions, Vectors]]:
    """Rows and their unit vectors, in the table's order."""
    width = dimension(setup)
    for batch in embeddings(workspace, setup).scan(["subject", "vector"], rows=_SCANNED):
        places = rows.find(batch.column("subject"))
        vectors = _matrix(batch.column("vector"), width)
        yield places[places >= 0], vectors[places >= 0]


def token_rows(
    workspace: Workspace, setup: Setup, rows: Rows
) -> Iterator[tuple[Positions, list[NDArray[np.int8]]]]:
    """Rows and the tokens of each, int8 (tokens, width), in the table's order. A photo that was
    gone when tokens were asked for has a vector of earlier and no tokens."""
    table = embeddings(workspace, setup)
    for batch in table.scan(["subject", "token_values"], complete(setup), rows=_SCANNED):
        places = rows.find(batch.column("subject"))
        found = [unpacked(one) for one in batch.column("token_values").to_pylist()]
        yield places[places >= 0], [one for one, at in zip(found, places, strict=True) if at >= 0]


def descriptions(
    workspace: Workspace, setup: Setup, rows: Rows
) -> Iterator[tuple[Positions, Vectors, list[str | None]]]:
    """Rows, their attributes, float32 (n, sum(WIDTHS)), and captions, in the table's order."""
    where = matching(model=setup.models.describer.key) & column("attributes").is_given()
    columns = ["subject", "attributes", "caption"]
    for batch in workspace.table("descriptions").scan(columns, where, rows=_SCANNED):
        places = rows.find(batch.column("subject"))
        attributes = _matrix(batch.column("attributes"), sum(WIDTHS))
        captions = batch.column("caption").filter(pa.array(places >= 0)).to_pylist()
        yield places[places >= 0], attributes[places >= 0], captions


def _keys(regions: pa.ChunkedArray, detector: str) -> NDArray[np.bytes_]:
    """Keys of the detector's regions; an empty one, which no row has, for those of others."""
    found = []
    whose = f":{detector}:"
    for region in regions.to_pylist():
        if whose not in region:
            found.append(b"")
            continue
        photo, index = region_parts(region)
        # 0 is the cut-out: one photo may be given as a garment and as a look.
        found.append(bytes.fromhex(photo) + (index + 1).to_bytes(2, "big"))
    return np.array(found, _KEY)


def _detected(batch: pa.Table) -> Vectors:
    """The detector's opinion of each region over CATEGORIES; zeros where it has none."""
    scores = np.zeros((batch.num_rows, len(CATEGORIES)), np.float32)
    said = batch.column("label_scores")
    given = said.is_valid().to_numpy()
    scores[given] = _matrix(said.filter(said.is_valid()), len(CATEGORIES))
    for row, label in enumerate(batch.column("label").to_pylist()):
        if not given[row] and label in CATEGORIES:
            scores[row, CATEGORIES.index(label)] = 1.0
    return scores


def _matrix(values: pa.ChunkedArray, width: int) -> Vectors:
    flat = values.combine_chunks()
    if isinstance(flat, pa.ChunkedArray):
        flat = pa.concat_arrays(flat.chunks) if flat.num_chunks else pa.array([], flat.type)
    numbers = flat.flatten().to_numpy(zero_copy_only=False)
    return np.ascontiguousarray(numbers, np.float32).reshape(-1, width)
