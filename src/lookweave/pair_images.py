"""Pairs with their pictures, one by one: what a training loop reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray
from PIL import Image

from lookweave import photos
from lookweave.config import Config
from lookweave.errors import InputError, Rejected
from lookweave.exports.rows import pair_rows
from lookweave.store.workspace import Workspace

SPLITS = ("train", "validation", "test")
_READ_AT = 1024  # longest side, pixels, of a photo that is read whole

Example = dict[str, Any]


class PairImages(Sequence[Example]):
    """The pairs of a tier and split as a map-style data set: ``torch.utils.data.DataLoader`` and
    any loop take it; it holds paths, and may go to worker processes.

    Each item is a dictionary: ``garment``, ``look`` and ``region`` (the garment's place in the
    look, cut out), ``box`` (x0, y0, x1, y1 in pixels of ``look`` as given), ``garment_id``,
    ``look_id``, ``tier``, ``score`` and ``probability``. Without a side pictures are Pillow images
    in sRGB, at most 1,024 pixels long. With a side they are uint8 (3, side, side), fitted on white,
    and the box is in the pixels of that square.

    Args:
        workspace: to read from.
        config: of the workspace.
        tier, split: only these; None: all.
        side: of the squares, in pixels; None: Pillow images.
        transform: of each item, after all else.

    Raises:
        InputError: there is no such tier or split, or no such pair. An item raises it where a
            photo cannot be read any more.
    """

    def __init__(
        self,
        workspace: Workspace,
        config: Config,
        *,
        tier: str | None = None,
        split: str | None = None,
        side: int | None = None,
        transform: Callable[[Example], Any] | None = None,
    ) -> None:
        if split is not None and split not in SPLITS:
            raise InputError(f"split is {', '.join(SPLITS)}, not {split!r}.")
        self._side, self._transform = side, transform
        rows: list[Example] = []
        names = ["garment", "look", "region", "tier", "score", "probability", "split"]
        for batch in pair_rows(workspace, config, tier):
            some = batch if split is None else batch.filter(pc.equal(batch.column("split"), split))
            rows += some.select(names).to_pylist()
        self._rows = sorted(rows, key=lambda row: (row["garment"], row["look"]))
        if not self._rows:
            raise InputError(
                f"{workspace.path} has no such pairs: `lookweave status` says what there is."
            )
        self._paths = {
            kind: _paths(workspace, kind, sorted({row[kind] for row in self._rows}))
            for kind in ("garment", "look")
        }
        regions = workspace.table("regions").rows_by(
            "id", sorted({row["region"] for row in self._rows}), ["id", "box"]
        )
        self._boxes = {row["id"]: tuple(row["box"]) for row in regions.to_pylist()}

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, place: int) -> Any:  # type: ignore[override]
        row = self._rows[place]
        garment, look = (_read(self._paths[kind][row[kind]]) for kind in ("garment", "look"))
        box = tuple(edge * look.scale for edge in self._boxes[row["region"]])
        pictures = {
            "garment": garment.image(),
            "look": look.image(),
            "region": look.image().crop(tuple(round(edge) for edge in box)),
        }
        item: Example = dict(pictures)
        if self._side is not None:
            placed = {name: _square(one, self._side) for name, one in pictures.items()}
            item = {name: pixels for name, (pixels, _, _) in placed.items()}
            _, scale, corner = placed["look"]
            box = tuple(edge * scale + corner[at % 2] for at, edge in enumerate(box))
        item |= {
            "box": np.array(box, np.float32), "garment_id": row["garment"], "look_id": row["look"],
            **{name: row[name] for name in ("tier", "score", "probability")},
        }  # fmt: skip
        return item if self._transform is None else self._transform(item)


def _paths(workspace: Workspace, kind: str, ids: list[str]) -> dict[str, str]:
    rows = workspace.table(f"{kind}s").rows_by("id", ids, ["id", "path"]).to_pylist()
    return {row["id"]: workspace.photo_path(row["id"], row["path"]) for row in rows}


def _read(path: str) -> photos.Photo:
    try:
        return photos.load(Path(path), max_side=_READ_AT)
    except Rejected as why:
        raise InputError(f"{path} cannot be read any more: {why.detail}") from why


def _square(
    picture: Image.Image, side: int
) -> tuple[NDArray[np.uint8], float, tuple[float, float]]:
    """The picture on a white square, how far it was shrunk, and where its corner lies."""
    scale = side / max(picture.size)
    fitted = picture.resize(
        (max(1, round(picture.width * scale)), max(1, round(picture.height * scale))),
        Image.Resampling.BILINEAR,
    )
    square = Image.new("RGB", (side, side), "white")
    corner = ((side - fitted.width) // 2, (side - fitted.height) // 2)
    square.paste(fitted, corner)
    return np.ascontiguousarray(np.asarray(square).transpose(2, 0, 1)), scale, corner
