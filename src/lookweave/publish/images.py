"""From a photo's file to the images that go out: read, checked against its hash, re-encoded."""

from __future__ import annotations

import hashlib
import io
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageOps

from lookweave import photos
from lookweave.errors import Rejected
from lookweave.models.protocols import Pixels
from lookweave.photos import Limits
from lookweave.publish.options import Options
from lookweave.store.workspace import Workspace

Box = tuple[float, float, float, float]

_EXTENSIONS = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp"}
_MOST_PIXELS_A_SIDE = 4096
"""A look is decoded larger than it is published for the sake of its regions, up to this."""


@dataclass(frozen=True)
class PublishedImage:
    """One encoded image.

    Attributes:
        data: the file's bytes.
        extension: ``jpg``, ``png`` or ``webp``.
        width: in pixels.
        height: in pixels.
    """

    data: bytes
    extension: str
    width: int
    height: int


def source_bytes(workspace: Workspace, photo: dict[str, Any], limits: Limits) -> bytes:
    """The bytes of a photo's file, the very ones that were ingested.

    Raises:
        Rejected: they cannot be read, or are not the same any more.
    """
    where = workspace.photo_path(photo["id"], photo["path"])
    if "://" in where:
        raise Rejected(
            "source_remote",
            f"The photo lies at {where}, not on this machine: build with --copy to keep it.",
        )
    try:
        data = photos.read_file(where, limits.max_bytes).data
    except Rejected as why:
        raise Rejected(
            "source_missing",
            f"{where}: {why.detail} Bring the file back, or build again without it.",
        ) from why
    if hashlib.sha256(data).hexdigest() != photo["sha256"]:
        raise Rejected(
            "source_changed",
            f"{where} is not the file that was ingested: bring that back, or build again.",
        )
    return data


def encode_photo(
    data: bytes, photo: dict[str, Any], options: Options, limits: Limits
) -> PublishedImage:
    """A whole photo as it goes out.

    Raises:
        Rejected: it cannot be decoded.
    """
    if options.original and (kept := _original(data, photo)):
        return kept
    return jpeg(photos.load(data, max_side=options.max_side, limits=limits).pixels, options.quality)


def look_and_regions(
    data: bytes, look: dict[str, Any], boxes: list[Box], options: Options, limits: Limits
) -> tuple[PublishedImage, list[PublishedImage]]:
    """A look as it goes out and the crops of its regions, from one decoding.

    Args:
        boxes: xyxy in pixels of the oriented original.

    Raises:
        Rejected: it cannot be decoded.
    """
    side = min(max(look["width"], look["height"]), _decode_side(look, boxes, options))
    large = photos.load(data, max_side=side, limits=limits).pixels
    kept = _original(data, look) if options.original else None
    whole = kept or jpeg(_fit(large, options.max_side), options.quality)
    scale = large.shape[1] / look["width"], large.shape[0] / look["height"]
    crops = []
    for box in boxes:
        left, top, right, bottom = pixel_box(box, scale, large.shape[1], large.shape[0])
        crop = np.ascontiguousarray(large[top:bottom, left:right])
        crops.append(jpeg(_fit(crop, options.region_side), options.quality))
    return whole, crops


def _decode_side(look: dict[str, Any], boxes: list[Box], options: Options) -> int:
    """Large enough that the smallest region's crop is as large as it may be."""
    smallest = min((max(x1 - x0, y1 - y0, 1.0) for x0, y0, x1, y1 in boxes), default=1e9)
    wanted = options.region_side * max(look["width"], look["height"]) / smallest
    return int(min(max(wanted, options.max_side), max(_MOST_PIXELS_A_SIDE, options.max_side)))


def pixel_box(
    box: Box, scale: tuple[float, float], width: int, height: int
) -> tuple[int, int, int, int]:
    """Whole pixels that cover `box` after scaling, inside the image, at least one of them."""
    left = min(max(int(np.floor(box[0] * scale[0])), 0), width - 1)
    top = min(max(int(np.floor(box[1] * scale[1])), 0), height - 1)
    right = min(max(int(np.ceil(box[2] * scale[0])), left + 1), width)
    bottom = min(max(int(np.ceil(box[3] * scale[1])), top + 1), height)
    return left, top, right, bottom


def scale_box(box: Box, look: dict[str, Any], published: PublishedImage) -> list[float]:
    """`box` in pixels of the published look, clipped to it."""
    across, down = published.width / look["width"], published.height / look["height"]
    limits = (published.width, published.height)
    return [
        min(max(value * (across, down)[axis % 2], 0.0), float(limits[axis % 2]))
        for axis, value in enumerate(box)
    ]


def mask_for(mask: bytes | None, crop: PublishedImage) -> PublishedImage | None:
    """A region's mask at the size of its crop, or None where it has none that can be read."""
    if not mask:
        return None
    try:
        with PillowImage.open(io.BytesIO(mask)) as image:
            resized = image.convert("L").resize(
                (crop.width, crop.height), PillowImage.Resampling.NEAREST
            )
    except (OSError, ValueError, SyntaxError):
        return None
    buffer = io.BytesIO()
    resized.save(buffer, "PNG")
    return PublishedImage(buffer.getvalue(), "png", crop.width, crop.height)


def jpeg(pixels: Pixels, quality: int) -> PublishedImage:
    """Encode without any metadata: what a camera noted of place and owner stays behind."""
    buffer = io.BytesIO()
    PillowImage.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return PublishedImage(buffer.getvalue(), "jpg", pixels.shape[1], pixels.shape[0])


def _fit(pixels: Pixels, side: int) -> Pixels:
    if max(pixels.shape[:2]) <= side:
        return pixels
    image = ImageOps.contain(
        PillowImage.fromarray(pixels), (side, side), PillowImage.Resampling.LANCZOS
    )
    return np.asarray(image)


def _original(data: bytes, photo: dict[str, Any]) -> PublishedImage | None:
    """The file itself, if viewers show it as Lookweave saw it; else boxes would not fit."""
    try:
        with PillowImage.open(io.BytesIO(data)) as image:
            upright = image.getexif().get(0x0112, 1) == 1
            plain = image.format in _EXTENSIONS and image.mode in ("RGB", "L", "P", "RGBA")
            if upright and plain and image.size == (photo["width"], photo["height"]):
                image.load()  # not every reader is as patient as ours: what fails goes out anew
                return PublishedImage(data, _EXTENSIONS[image.format or ""], *image.size)
    except (OSError, ValueError, SyntaxError):
        pass
    return None


class RecentImages:
    """Encoded garments that further pairs may want, up to a number of bytes."""

    def __init__(self, most_bytes: int = 64_000_000) -> None:
        self._most = most_bytes
        self._held = 0
        self._images: OrderedDict[str, PublishedImage] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, photo: str, make: Callable[[], PublishedImage]) -> PublishedImage:
        """The image of `photo`; two threads that miss at once both make it, the same."""
        with self._lock:
            if photo in self._images:
                self._images.move_to_end(photo)
                return self._images[photo]
        made = make()
        with self._lock:
            if photo not in self._images:
                self._held += len(made.data)
            self._images[photo] = made
            while self._held > self._most and len(self._images) > 1:
                _, dropped = self._images.popitem(last=False)
                self._held -= len(dropped.data)
        return made
