"""Photos as data URIs: the whole of a look, a region of it, a garment, a thumbnail."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from lookweave import photos
from lookweave.errors import Rejected
from lookweave.models.protocols import Tokens
from lookweave.report.parts import answers, drawn
from lookweave.store.takedowns import down
from lookweave.store.workspace import Workspace

FRAME = 3 / 4
"""Width to height of the page's frames."""

_MARGIN = 0.04
"""Share of a region's longer side that its picture shows around it: a crop that ends exactly at
the box hides whether the box is right."""

_DECODE_SIDE = 2400
_UNEVEN = 14.0


@dataclass(frozen=True)
class Picture:
    """One image of the page.

    Attributes:
        uri: ``data:image/webp;base64,…``.
        focus: xyxy of the region in pixels of the picture, where more than it is shown.
        mat: the colour of the photo's own background, where it has an even one, so that the
            frame around a photo of another shape can continue it.
    """

    uri: str
    width: int
    height: int
    mat: str | None = None
    focus: tuple[float, float, float, float] | None = None


@dataclass(frozen=True)
class Source:
    """Where a photo is, and what may be shown of it."""

    id: str
    kind: str
    path: str
    name: str
    title: str
    width: int
    height: int
    row: dict[str, Any]

    @property
    def taken_down(self) -> bool:
        """Whether it must not be shown."""
        return bool(self.row.get("taken_down"))


def sources(workspace: Workspace, kind: str, ids: Iterable[str]) -> dict[str, Source]:
    """The garments or looks of `ids`; missing ones are missing."""
    taken_down = down(workspace)  # also what a day that came since the last build took down
    rows = workspace.table(f"{kind}s").rows_by("id", sorted(set(ids)))
    return {
        row["id"]: Source(
            id=row["id"],
            kind=kind,
            path=row["path"],
            name=row["name"],
            title=row["title"] or row["name"].rsplit("/", 1)[-1],
            width=row["width"] or 0,
            height=row["height"] or 0,
            row={**row, "taken_down": row["taken_down"] or row["id"] in taken_down},
        )
        for row in rows.to_pylist()
    }


class PictureMaker:
    """Makes pictures of a workspace's photos and remembers how many bytes they took.

    A photo that is gone is shown from its thumbnail, and is None where that is gone too. A
    photo that was taken down is never shown.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def whole(self, source: Source, side: int) -> Picture | None:
        """A photo, its longer side at most `side` pixels."""
        image = self._open(source, side)
        return None if image is None else _picture(image, side)

    def region(
        self, source: Source, box: list[float], side: int
    ) -> tuple[Picture | None, Picture | None]:
        """A region and the photo that it is in; `box` is xyxy in pixels of the original."""
        width, height = max(source.width, 1), max(source.height, 1)
        share = max((box[2] - box[0]) / width, (box[3] - box[1]) / height, 0.05)
        image = self._open(source, min(_DECODE_SIDE, int(1.3 * side / share)))
        if image is None:
            return None, None
        scale = image.width / width
        region = [edge * scale for edge in box]
        cut = _around(region, *image.size)
        if cut[2] - cut[0] < 2 or cut[3] - cut[1] < 2:
            return None, _picture(image, side)
        crop = _picture(image.crop(cut), side)
        shrunk = crop.width / (cut[2] - cut[0])
        left, top, right, bottom = ((edge - cut[at % 2]) * shrunk for at, edge in enumerate(region))
        return replace(crop, focus=(left, top, right, bottom)), _picture(image, side)

    def answers(
        self, garment: Source, cutout: list[float], parts: Tokens,
        look: Source, box: list[float], others: Tokens, side: int,
    ) -> Picture | None:  # fmt: skip
        """Parts of a garment and of a region that answer each other, numbered, in both photos.

        Args:
            cutout, box: xyxy in pixels of the garment's and the look's original.
            parts, others: the tokens of the two.
            side: height of the picture in pixels.
        """
        sides = []
        for source, place in ((garment, cutout), (look, box)):
            share = max((place[3] - place[1]) / max(source.height, 1), 0.05)
            image = self._open(source, min(_DECODE_SIDE, int(1.3 * side / share)))
            if image is None:
                return None
            scale = image.width / max(source.width, 1)
            left, top, right, bottom = (edge * scale for edge in place)
            sides.append((image, (left, top, right, bottom)))
        (photo, where), (other, there) = sides
        found = answers(parts, where, others, there)
        return _picture(drawn(photo, where, other, there, found, side), 4 * side)

    def thumbnail(self, photo: str, side: int) -> Picture | None:
        """The workspace's own small version of a photo."""
        image = self._thumbnail(photo)
        return None if image is None else _picture(image, side)

    def _open(self, source: Source, side: int) -> Image.Image | None:
        if source.taken_down:
            return None
        where = self._workspace.photo_path(source.id, source.path)
        # An address is not fetched again for a report: the thumbnail is enough to look at.
        if "://" not in where:
            try:
                return photos.load(where, max_side=side).image()
            except Rejected:
                pass
        return self._thumbnail(source.id)

    def _thumbnail(self, photo: str) -> Image.Image | None:
        try:
            with Image.open(self._workspace.thumbnail_path(photo)) as image:
                return image.convert("RGB")
        except OSError:
            return None


def _around(region: list[float], width: int, height: int) -> tuple[int, int, int, int]:
    """What to show of a photo around a region: a margin, and more until the shape fits the page's
    frames, as far as the photo goes."""
    margin = _MARGIN * max(region[2] - region[0], region[3] - region[1])
    wide = region[2] - region[0] + 2 * margin
    tall = region[3] - region[1] + 2 * margin
    wide, tall = max(wide, tall * FRAME), max(tall, wide / FRAME)
    left, right = _within((region[0] + region[2]) / 2, wide, width)
    top, bottom = _within((region[1] + region[3]) / 2, tall, height)
    return left, top, right, bottom


def _within(middle: float, length: float, limit: int) -> tuple[int, int]:
    """A stretch of at most `length` around `middle`, moved until it is inside 0..limit."""
    length = min(length, limit)
    start = min(max(0.0, middle - length / 2), limit - length)
    return round(start), min(limit, round(start + length))


def _picture(image: Image.Image, side: int) -> Picture:
    if max(image.size) > side:
        image = ImageOps.contain(image, (side, side), Image.Resampling.LANCZOS)
    packed = BytesIO()
    image.save(packed, "WEBP", quality=78, method=4)
    uri = "data:image/webp;base64," + base64.b64encode(packed.getvalue()).decode()
    return Picture(uri, image.width, image.height, _mat(np.asarray(image)))


def _mat(pixels: NDArray[np.uint8]) -> str | None:
    """The colour along the edges, when it is even enough to be a backdrop."""
    edges = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]]).astype(np.float32)
    middle = np.median(edges, axis=0)
    # A garment may run out of the picture somewhere: most of the edge decides, not all of it.
    if np.percentile(np.abs(edges - middle).max(axis=1), 80) > _UNEVEN:
        return None
    red, green, blue = (int(value) for value in middle)
    return f"#{red:02x}{green:02x}{blue:02x}"
