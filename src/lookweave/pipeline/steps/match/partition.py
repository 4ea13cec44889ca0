"""What Match reads: vectors of all garments and regions in scratch files, sorted by category.

The tables are streamed once into two files of float32 rows (description part, then visual part;
see `matching.fuse`). Garments lie in the order of their ids; regions by category, then id, so
that a category is one slice. Ids and a few integers a row are all that is held in memory.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lookweave.errors import InputError
from lookweave.matching.captions import WIDTH as CAPTION_WIDTH
from lookweave.matching.captions import CaptionVectors
from lookweave.matching.details import TokenFile, TokenWriter
from lookweave.matching.evidence import whole
from lookweave.matching.fuse import beside_captions, describe_vectors, described_width
from lookweave.matching.vectors import Positions, VectorFile, Vectors, VectorWriter
from lookweave.matching.words import Words
from lookweave.models.details import most_tokens
from lookweave.pipeline.setup import Setup
from lookweave.pipeline.steps.embed import dimension
from lookweave.pipeline.steps.match import words
from lookweave.pipeline.steps.match.blocks import UNSORTED
from lookweave.pipeline.steps.match.rows import (
    WIDTHS,
    Rows,
    descriptions,
    embedded,
    overrule,
    present,
    token_rows,
)
from lookweave.records import region_id
from lookweave.store.conditions import column, matching
from lookweave.store.workspace import Workspace, write_atomically

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

DESCRIBED = described_width(WIDTHS)
"""Width of the attributes in a row; the captions' vector follows where there is one."""

_READY = "partition.json"
_SILENT = 2048  # rows without a description written at a time


@dataclass(frozen=True)
class Partition:
    """An open partition.

    Attributes:
        garments, regions: the vectors, each row (split + dimension,) float32.
        split: column where the visual part of a row begins.
        captions: rows of both sides with a caption that counts.
        words: brands and credits, or None where there are none.
        garment_tokens, region_tokens: of their parts, or None where they are not compared so.
        garment_words, region_words: their attributes, one token of `sum(WIDTHS)` values for each,
            or None where S_VLM is not made of evidence.
        garment_ids: bytes (garments,), ascending.
        looks: bytes, distinct ids of looks, ascending; `region_looks` int32 points into it.
        region_indices: int16 (regions,), of a region in its look; ascending with the look's id
            within a block.
        starts: int64 (len(CATEGORIES) + 2,): block b is regions starts[b]..starts[b + 1].
        admits: uint32 (garments,): bit b is set where the garment searches block b.
        same_pictures: int64, ascending: garment x looks + look of the pairs that are one picture.
    """

    garments: VectorFile
    regions: VectorFile
    split: int
    captions: int
    words: Words | None
    garment_tokens: TokenFile | None
    region_tokens: TokenFile | None
    garment_words: TokenFile | None
    region_words: TokenFile | None
    detector: str
    garment_ids: NDArray[np.bytes_]
    looks: NDArray[np.bytes_]
    region_looks: NDArray[np.int32]
    region_indices: NDArray[np.int16]
    starts: NDArray[np.int64]
    admits: NDArray[np.uint32]
    same_pictures: NDArray[np.int64]

    @classmethod
    def open(cls, folder: Path) -> Partition:
        """Open what `write` made."""
        ready = json.loads((folder / _READY).read_text(encoding="utf-8"))
        garment_tokens, region_tokens = (
            TokenFile(folder / name, ready["token_width"], ready["most_tokens"])
            if ready["token_width"]
            else None
            for name in _TOKENS
        )
        garment_words, region_words = (
            TokenFile(folder / name, sum(WIDTHS), 1) if ready["evidence"] else None
            for name in _WORDS
        )
        return cls(
            VectorFile(folder / "garments.f32", ready["width"]),
            VectorFile(folder / "regions.f32", ready["width"]),
            ready["split"],
            ready["captions"],
            words.read(folder),
            garment_tokens,
            region_tokens,
            garment_words,
            region_words,
            ready["detector"],
            *(np.load(folder / f"{name}.npy") for name in _ARRAYS),
        )

    def one_picture(self, garments: Positions, regions: Positions) -> NDArray[np.bool_]:
        """Whether a garment's photo and a region's look are one picture; both are broadcast."""
        codes = garments * len(self.looks) + self.region_looks[regions]
        if not len(self.same_pictures):
            return np.zeros(codes.shape, bool)
        at = np.searchsorted(self.same_pictures, codes)
        found = self.same_pictures[np.minimum(at, len(self.same_pictures) - 1)] == codes
        return np.asarray(found, bool)

    def most_shut_out(self) -> tuple[int, int]:
        """The most regions that are shut out for one garment, and garments for one region."""
        if not len(self.same_pictures):
            return 0, 0
        garments, looks = np.divmod(self.same_pictures, len(self.looks))
        regions = np.bincount(self.region_looks, minlength=len(self.looks))[looks]
        return int(np.bincount(garments, regions).max()), int(np.bincount(looks).max())

    def region_ids(self, positions: Positions) -> list[str]:
        """Ids of regions, as in the table `regions`."""
        looks = self.looks[self.region_looks[positions]].tolist()
        indices = self.region_indices[positions].tolist()
        return [
            region_id(look.decode(), self.detector, index)
            for look, index in zip(looks, indices, strict=True)
        ]


_ARRAYS = ("garment_ids", "looks", "region_looks", "region_indices", "starts", "admits",
           "same_pictures")  # fmt: skip
_TOKENS = ("garments.i8", "regions.i8")
_WORDS = ("garment-words.i8", "region-words.i8")


def write(
    workspace: Workspace, setup: Setup, folder: Path, same_pictures: Iterable[tuple[str, str]] = ()
) -> Partition:
    """Stream the workspace's regions, descriptions and embeddings into `folder`, made anew.

    Args:
        same_pictures: (garment, look) that are one picture, and so no match.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    rows = present(workspace, setup)
    described = overrule(workspace, setup, rows)
    garment = np.flatnonzero(rows.garment)
    region = np.flatnonzero(~rows.garment)
    # Rows ascend, so the regions of a look stand side by side: looks are counted as they begin.
    photos = rows.photos(region)
    begins = np.concatenate([np.ones(min(len(photos), 1), bool), photos[1:] != photos[:-1]])
    looks = np.cumsum(begins, dtype=np.int32) - 1
    order = np.argsort(rows.own[region], kind="stable")
    captions = _captions(workspace, setup)
    split = _vectors(workspace, setup, folder, rows, described, garment, region[order], captions)
    arrays: tuple[NDArray[Any], ...] = (
        rows.photos(garment), photos[begins], looks[order], rows.indices(region[order]),
        np.searchsorted(rows.own[region[order]], np.arange(UNSORTED + 2)).astype(np.int64),
        rows.searched[garment], _codes(same_pictures, rows.photos(garment), photos[begins]),
    )  # fmt: skip
    for name, array in zip(_ARRAYS, arrays, strict=True):
        np.save(folder / f"{name}.npy", array)
    words.write(workspace, setup.config.match, folder, arrays[0], arrays[1])
    token_width = _tokens(workspace, setup, folder, rows, garment, region[order])
    weighs = setup.fusion is not None and captions is None
    if weighs:
        _words(workspace, setup, folder, rows, garment, region[order])
    ready = {
        "token_width": token_width,
        "most_tokens": most_tokens(token_width) if token_width else 0,
        "width": split + dimension(setup),
        "split": split,
        "captions": captions.captions if captions else 0,
        "evidence": weighs,
        "detector": setup.models.detector.key,
    }
    write_atomically(folder / _READY, json.dumps(ready).encode())
    return Partition.open(folder)


def _vectors(
    workspace: Workspace,
    setup: Setup,
    folder: Path,
    rows: Rows,
    described: NDArray[np.bool_],
    garment: Positions,
    region: Positions,
    captions: CaptionVectors | None,
) -> int:
    """Write both files; `garment` and `region` hold the row that lies at each position.

    Returns:
        The column where the visual part begins.
    """
    split = DESCRIBED + (CAPTION_WIDTH + 1 if captions else 0)
    width = split + dimension(setup)
    config = setup.config
    weigh = config.match.weight_attributes, config.match.weight_captions
    position = np.empty(len(rows), np.int32)
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
                some, start = values[mine], split
                if said is not None:
                    some = describe_vectors(some, WIDTHS, list(ATTRIBUTE_WEIGHTS.values()), side)
                    start = 0
                    if captions:
                        spoken = captions([said[at] for at in np.flatnonzero(mine).tolist()])
                        some = beside_captions(some, spoken, *weigh)
                writer.put(position[places[mine]].astype(np.int64), some, start)

        for places, vectors in embedded(workspace, setup, rows):
            put(places, vectors, None)
        for places, attributes, said in descriptions(workspace, setup, rows):
            put(places, attributes, said)
        silent = np.flatnonzero(~described)
        for at in range(0, len(silent), _SILENT):
            places = silent[at : at + _SILENT]
            nothing = np.zeros((len(places), sum(WIDTHS)), np.float32)
            put(places, nothing, [None] * len(places))
    return split


def _tokens(
    workspace: Workspace, setup: Setup, folder: Path, rows: Rows, garment: Positions,
    region: Positions,
) -> int:  # fmt: skip
    """Write both files of tokens, as `_vectors` does; returns the width of a token, 0 for none."""
    if setup.tokens is None:
        return 0
    position = np.empty(len(rows), np.int64)
    position[garment], position[region] = np.arange(len(garment)), np.arange(len(region))
    writers: list[TokenWriter] = []
    width = 0
    with ExitStack() as stack:
        for places, tokens in token_rows(workspace, setup, rows):
            for place, values in zip(places.tolist(), tokens, strict=True):
                if not writers:
                    width = values.shape[1]
                    for name, count in zip(_TOKENS, (len(garment), len(region)), strict=True):
                        writer = TokenWriter(folder / name, count, width, most_tokens(width))
                        writers.append(stack.enter_context(writer))
                writers[0 if rows.garment[place] else 1].put(int(position[place]), values)
    return width


def _words(
    workspace: Workspace, setup: Setup, folder: Path, rows: Rows, garment: Positions,
    region: Positions,
) -> None:  # fmt: skip
    """Write both files of attributes as the evidence reads them."""
    position = np.empty(len(rows), np.int64)
    position[garment], position[region] = np.arange(len(garment)), np.arange(len(region))
    with ExitStack() as stack:
        writers = [
            stack.enter_context(TokenWriter(folder / name, count, sum(WIDTHS), 1))
            for name, count in zip(_WORDS, (len(garment), len(region)), strict=True)
        ]
        for places, attributes, _ in descriptions(workspace, setup, rows):
            for place, values in zip(places.tolist(), whole(attributes), strict=True):
                writers[0 if rows.garment[place] else 1].put(int(position[place]), values[None])


def _codes(
    pairs: Iterable[tuple[str, str]], garments: NDArray[np.bytes_], looks: NDArray[np.bytes_]
) -> NDArray[np.int64]:
    """Pairs of photos that are both here, as garment x looks + look, ascending."""
    garment = {name: at for at, name in enumerate(garments.tolist())}
    look = {name: at for at, name in enumerate(looks.tolist())}
    found = [
        garment[one.encode()] * len(looks) + look[other.encode()]
        for one, other in pairs
        if one.encode() in garment and other.encode() in look
    ]
    return np.array(sorted(found), np.int64)


def _captions(workspace: Workspace, setup: Setup) -> CaptionVectors | None:
    """The describer's captions, counted; None where they are switched off, say nothing that the
    attributes do not, or there are none."""
    describer, counted = setup.models.describer, CaptionVectors()
    if setup.config.match.weight_captions and describer.captions:
        where = matching(model=describer.key) & column("caption").is_given()
        for batch in workspace.table("descriptions").scan(["caption"], where):
            counted.add(batch.column("caption").to_pylist())
    if not counted.captions and not setup.config.match.weight_attributes:
        raise InputError(
            f"match.weight_attributes is 0 and {describer.name} gives no captions to compare: "
            "weigh the attributes, or describe with `vlm` or `vlm-local`."
        )
    return counted if counted.captions else None
