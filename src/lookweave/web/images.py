"""Pictures of photos and regions, by id, in a few sizes."""

from __future__ import annotations

import hashlib
import re
import threading
from collections import OrderedDict
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps

from lookweave import photos
from lookweave.errors import Rejected
from lookweave.records import photo_id, region_id
from lookweave.store.conditions import matching
from lookweave.web.problems import NotShown
from lookweave.web.site import Moment

SIZES = (200, 400, 800, 1600)
"""Longest sides in pixels that can be asked for."""

_REGION = re.compile(r"full|cut|\d{2}")
_CACHE_BYTES = 192 << 20
_MARGIN = 0.12  # of the region's box, around it
_AT_ONCE = 2  # photos decoded at a time: each may take hundreds of megabytes
_LARGEST_DECODED = 3200


class Images:
    """Makes pictures and remembers the latest. A photo that may not be shown is never given,
    remembered or not."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str, int], bytes] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()
        self._decoding = threading.Semaphore(_AT_ONCE)

    def picture(self, moment: Moment, photo: str, region: str, size: int) -> bytes:
        """A WebP.

        Args:
            photo: id of a garment or look.
            region: ``full``, ``cut`` (a garment's cut-out), or two digits: a look's region.
            size: one of `SIZES`.

        Raises:
            NotShown: no such photo, region or size, or it may not be shown.
        """
        if size not in SIZES or not _REGION.fullmatch(region):
            raise NotShown("picture")
        kind = "garment" if region == "cut" else "look"
        row = moment.photo(kind, photo)
        if row is None and region == "full":
            row = moment.photo("garment", photo)
        if row is None:
            raise NotShown("picture")
        detector = moment.setup.models.detector.key if region != "full" else ""
        key = (photo, f"{detector}:{region}", size)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = self._made(moment, row, region, detector, size)
        with self._lock:
            if key not in self._kept:
                self._kept[key] = made
                self._bytes += len(made)
            while self._bytes > _CACHE_BYTES:
                self._bytes -= len(self._kept.popitem(last=False)[1])
        return made

    def _made(
        self, moment: Moment, row: dict[str, Any], region: str, detector: str, size: int
    ) -> bytes:
        found: dict[str, Any] | None = None
        if region != "full":
            kind = "garment" if region == "cut" else "look"
            name = region_id(row["id"], detector, 0 if region == "cut" else int(region), kind)
            rows = moment.workspace.table("regions").read(["box", "mask"], matching(id=name))
            if not rows.num_rows:
                raise NotShown("picture")
            found = rows.to_pylist()[0]
        with self._decoding:
            image, scale = opened(moment, row, size, found)
            if found is not None:
                image = _cut(image, found, scale, masked=region == "cut")
            image.thumbnail((size, size), Image.Resampling.LANCZOS)
            out = BytesIO()
            image.save(out, "WEBP", quality=86, method=2)
        return out.getvalue()


def opened(
    moment: Moment, row: dict[str, Any], size: int, region: dict[str, Any] | None
) -> tuple[Image.Image, float]:
    """The photo's pixels and their scale, large enough for `size` pixels of the region's longer
    side. Where its bytes are gone or others now, its thumbnail:
    what is at an address is never asked for.

    Args:
        region: with ``box``, x0, y0, x1, y1 in pixels of the photo; None: all of it.

    Raises:
        NotShown: there is no picture of it at all.
    """
    side = size
    if region is not None:
        left, top, right, bottom = region["box"]
        share = max(right - left, bottom - top) / max(row["width"], row["height"], 1)
        side = min(_LARGEST_DECODED, round(size / max(share, 0.05)))
    where = moment.workspace.photo_path(row["id"], row["path"])
    try:
        if "://" in where:
            raise Rejected("missing_file", "Its bytes were not copied into the workspace.")
        data = photos.read_file(where).data
        if photo_id(hashlib.sha256(data).hexdigest()) != row["id"]:
            raise Rejected("changed", "The file has other bytes now.")
        photo = photos.load(data, max_side=side)
        return photo.image(), photo.scale
    except Rejected as why:
        thumbnail: Path = moment.workspace.thumbnail_path(row["id"])
        try:
            image = Image.open(thumbnail).convert("RGB")
        except OSError:
            raise NotShown("picture") from why
        return image, max(image.size) / max(row["width"], row["height"], 1)


def framed(
    box: tuple[float, float, float, float], width: float, height: float, *, masked: bool
) -> tuple[float, float, float, float]:
    """The part of a photo that a region's picture shows: its box, and around it a margin where
    nothing is masked away. All in the same unit."""
    if masked:
        return box
    left, top, right, bottom = box
    across, down = _MARGIN * (right - left), _MARGIN * (bottom - top)
    return (
        max(0.0, left - across), max(0.0, top - down),
        min(width, right + across), min(height, bottom + down),
    )  # fmt: skip


def _cut(image: Image.Image, region: dict[str, Any], scale: float, *, masked: bool) -> Image.Image:
    left, top, right, bottom = (edge * scale for edge in region["box"])
    box = tuple(round(edge) for edge in (left, top, right, bottom))
    if masked and region["mask"]:
        mask = ImageOps.grayscale(Image.open(BytesIO(region["mask"])))
        inner = image.crop(box)
        if 0 not in inner.size:
            ground = Image.new("RGB", inner.size, "white")
            ground.paste(inner, mask=mask.resize(inner.size))
            return ground
    x0, y0, x1, y1 = map(
        round, framed((left, top, right, bottom), image.width, image.height, masked=False)
    )
    return image.crop((x0, y0, x1, y1)) if x0 < x1 and y0 < y1 else image
