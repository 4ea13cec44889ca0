"""What the steps over photos and regions share: which subjects are left, and their pixels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from PIL import Image

from lookweave import photos
from lookweave.errors import Rejected
from lookweave.models.protocols import Crop
from lookweave.store.conditions import ANY_ROW, Condition, matching
from lookweave.store.tables import Lookup, Table, pair_keys
from lookweave.store.workspace import Workspace

WORKING_SIDE = 1024
"""Longest side, in pixels, at which models see a photo: a region a third of it high still fills
the encoder's input."""


@dataclass(frozen=True)
class Seen:
    """Subjects that a step is done with: the values of one column.

    Attributes:
        beside: the column that says what a row was made of. A subject that would be made of
            something else now is to be done again.
    """

    table: Table
    column: str
    where: Condition = ANY_ROW
    beside: str | None = None

    def keys(self) -> Lookup:
        return Lookup(self.table, self.column, self.where, self.beside)


def rejected(workspace: Workspace, step: str, recipe: str) -> Seen:
    """Subjects that this step turned away for good."""
    where = matching(step=step, recipe=recipe, retry=False)
    return Seen(workspace.table("rejects"), "subject", where)


def unseen(
    source: Table,
    where: Condition | None,
    seen: list[Seen],
    columns: Sequence[str] = (),
    made_of: Callable[..., str | None] = lambda value: value,
) -> NDArray[np.int64]:
    """Positions of the rows of `source` whose id is in none of `seen`, in the table's order.

    Args:
        columns: of `source`, that rows are made of beside the subject itself.
        made_of: what their values say together, as the `beside` of `seen` has it.
    """
    known = [(one.keys(), one.beside is not None) for one in seen]
    left: list[NDArray[np.int64]] = []
    for batch in source.scan(["id", *columns], where, rows=1 << 18, with_positions=True):
        ids = batch.column("id").to_pylist()
        values = zip(*(batch.column(one).to_pylist() for one in columns), strict=True)
        pairs = pair_keys(ids, [made_of(*one) for one in values] if columns else [None] * len(ids))
        new = np.ones(len(ids), bool)
        for lookup, by_pair in known:
            new &= lookup.positions(pairs if by_pair else ids) < 0
        left.append(batch.column("_rowoffset").to_numpy().astype(np.int64)[new])
    return np.concatenate(left) if left else np.empty(0, np.int64)


def batches(
    source: Table,
    positions: NDArray[np.int64],
    rows: int,
    workers: int,
    columns: list[str] | None = None,
) -> Iterator[pa.Table]:
    """The rows at `positions`, at most `rows` at a time, and fewer towards the end.

    A batch may take a large model half a minute: were the last ones whole, one worker would sit
    idle that long. So none is larger than its share of what is left (guided self-scheduling,
    Polychronopoulos and Kuck, 1987).
    """
    start = 0
    while left := len(positions) - start:
        size = max(1, min(rows, left // (2 * workers)))
        yield source.take(positions[start : start + size], columns)
        start += size


class PhotoReader:
    """The pixels behind regions. Holds where each photo is, and no photo.

    Safe to use from several threads.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._tables = {"garment": workspace.table("garments"), "look": workspace.table("looks")}
        self._rows = {kind: Lookup(table, "id") for kind, table in self._tables.items()}

    def crops(self, regions: pa.Table) -> list[Crop | Rejected]:
        """One crop for each row of `regions`; a photo with several regions is decoded once."""
        rows = regions.to_pylist()
        decoded: dict[str, photos.Photo | Rejected] = {}
        for kind, table in self._tables.items():
            subjects = sorted({row["subject"] for row in rows if row["kind"] == kind})
            positions = self._rows[kind].positions(subjects)
            found = table.take(positions[positions >= 0], ["id", "path"]) if subjects else None
            for photo in found.to_pylist() if found is not None else []:
                decoded[photo["id"]] = self.read(photo["id"], photo["path"])
        return [_crop(row, decoded.get(row["subject"])) for row in rows]

    def read(self, photo: str, path: str, enough: int | None = None) -> photos.Photo | Rejected:
        """The photo at working size, or why it cannot be read any more; smaller where a longest
        side of `enough` pixels is cheaper to decode."""
        try:
            path_now = self._workspace.photo_path(photo, path)
            return photos.load(path_now, max_side=WORKING_SIDE, enough=enough)
        except Rejected as why:
            return why


def _crop(row: dict[str, object], photo: photos.Photo | Rejected | None) -> Crop | Rejected:
    if photo is None:
        return Rejected("unknown_photo", "The photo of this region is not in the workspace.")
    if isinstance(photo, Rejected):
        return photo
    box = row["box"]
    mask, scores = row["mask"], row["label_scores"]
    assert isinstance(box, list)
    left, top, right, bottom = (float(edge) * photo.scale for edge in box)
    return Crop(
        photo=photo.pixels,
        box=(left, top, right, bottom),
        mask=np.asarray(Image.open(BytesIO(mask)).convert("L"))
        if isinstance(mask, bytes)
        else None,
        kind=str(row["kind"]),
        label_scores=np.asarray(scores, np.float32) if scores is not None else None,
        region=str(row["id"]),
    )
