"""What a search ranks by: words, a garment, a region of a look, a part drawn on it, a picture."""

from __future__ import annotations

import math
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from fastapi import UploadFile
from PIL import Image
from starlette.exceptions import HTTPException

from lookweave import photos
from lookweave.errors import InputError, Rejected
from lookweave.models.cutout import garment_region
from lookweave.models.protocols import Crop
from lookweave.photos.apart import load_apart
from lookweave.pipeline.steps.subjects import WORKING_SIDE
from lookweave.records import region_id, region_parts
from lookweave.review.state import Box
from lookweave.search import read_words
from lookweave.web.images import opened
from lookweave.web.index import Scores
from lookweave.web.library import Library, Mask, Places, Query
from lookweave.web.problems import NotShown
from lookweave.web.site import Moment

UPLOAD = photos.Limits(max_bytes=20 << 20, max_pixels=60_000_000)
_PART_SIDE = 512  # pixels of the longer side of a part that was drawn
_LEAST = 0.01  # share of the look's side that a part covers
_PREVIEW = 200


@dataclass(frozen=True)
class Asked:
    """The picture that a search begins with.

    Attributes:
        vector: float32 (dimension,), of unit length.
        label: what it is, in words.
        image: address of a preview.
        box: of the part, shares of the preview's width and height; None: all of it.
        own: (kind, id) of the photo that it is, which is no answer; None: of none here.
        garment: id, where it is one of the workspace.
        look, region, part: of the place in a look, where it is one; `region` only where a
            detector found it.
    """

    vector: Scores
    label: str
    image: str
    box: Box | None = None
    own: tuple[str, str] | None = None
    garment: str = ""
    look: str = ""
    region: str = ""
    part: Box | None = None


@dataclass(frozen=True)
class Ranking:
    """What a search found.

    Attributes:
        by: how it was compared.
        found: of all photos, those that have a score at all, whatever the filters.
        order: places in the library that fit the filters, best first.
        region: place -> id of the region that fits best.
        asked: the picture, where there is one.
    """

    by: str
    found: Mask
    order: Places
    region: Callable[[int], str]
    asked: Asked | None = None


class Pictures:
    """Pictures that were sent to search with: their vectors and previews, in memory alone.

    Args:
        most: how many are remembered; the oldest go first.
    """

    def __init__(self, most: int = 200) -> None:
        self._kept: OrderedDict[str, tuple[str, Scores, bytes]] = OrderedDict()
        self._most = most
        self._lock = threading.Lock()

    def add(self, moment: Moment, image: UploadFile) -> str:
        """Look at a picture, taken for what its bytes are, whatever it calls itself; its key.

        Raises:
            HTTPException: 422: it is no photo, or too large.
        """
        try:
            data = image.file.read(UPLOAD.max_bytes + 1)
            photo = load_apart(data, max_side=WORKING_SIDE, limits=UPLOAD)
        except Rejected as why:
            raise HTTPException(422, f"This file cannot be searched with: {why.detail}") from why
        found = moment.detector.detect([photo.pixels])[0]
        one = garment_region(moment.setup.models.detector, photo.pixels, found)
        crop = Crop(photo.pixels, one.box, one.mask, "garment", one.label_scores)
        vector = moment.encoder.encode([crop])[0]
        small, preview = photo.image(), BytesIO()
        small.thumbnail((_PREVIEW, _PREVIEW), Image.Resampling.LANCZOS)
        small.save(preview, "WEBP", quality=80)
        key = secrets.token_urlsafe(18)
        with self._lock:
            self._kept[key] = (moment.setup.models.encoder.key, vector, preview.getvalue())
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return key

    def vector(self, key: str, encoder: str) -> Scores:
        """Of a picture, in this encoder's space.

        Raises:
            InputError: it is remembered no more.
        """
        with self._lock:
            found = self._kept.get(key)
        if found is None or found[0] != encoder:
            raise InputError("This picture is remembered no more: drop or paste it again.")
        return found[1]

    def preview(self, key: str) -> bytes:
        """A WebP of at most 200 pixels.

        Raises:
            NotShown: it is remembered no more.
        """
        with self._lock:
            if key not in self._kept:
                raise NotShown("picture")
            return self._kept[key][2]


def rank(moment: Moment, library: Library, query: Query, pictures: Pictures) -> Ranking | None:
    """The photos that fit the filters, ranked; None where the query asks for nothing but filters.

    Every region is compared, so counts are exact. Words and a picture together are added up.

    Raises:
        NotShown: the photo that is asked by is not there, or may not be shown.
        InputError: it has no vector, the part cannot be, or there is no word in the words.
    """
    if not query.is_asked:
        return None
    index, models = moment.index, moment.setup.models
    asked = _asked(moment, query, pictures) if query.by else None
    reading = read_words(models, lambda: moment.encoder, query.words) if query.words else None
    has_vector = np.zeros(len(library), bool)
    has_vector[index.place[index.embedded]] = True
    found = has_vector
    if asked is None and reading is not None and reading.vector is None:
        everything = np.arange(len(index.place))
        found = np.zeros(len(library), bool)
        known = ~np.isnan(index.worded(reading, library, everything))
        found[index.place[known]] = True
    if asked and asked.own in library.place:
        found = found.copy()
        found[library.place[asked.own]] = False
    rows = index.rows(library.fitting(query) & found)
    scores = np.zeros(len(rows), np.float32)
    if asked:
        scores += index.alike(asked.vector, rows)
    if reading:
        said = index.worded(reading, library, rows)
        scores += np.nan_to_num(said, nan=0.0) if asked else said
    places, best, _ = index.best(rows, scores)
    region_of = dict(zip(places.tolist(), best.tolist(), strict=True))
    by = [reading.by] if reading else []
    if asked:
        by.insert(0, f"{asked.label}, as {models.encoder.name} sees it")
    return Ranking(
        "; and ".join(by), found, places, lambda at: str(index.region[region_of[at]]), asked
    )


def part_of(text: str) -> Box:
    """A part of a photo: ``left,top,right,bottom``, shares of its width and height.

    Raises:
        InputError: it is none.
    """
    try:
        edges = tuple(float(one) for one in text.split(","))
    except ValueError:
        edges = ()
    if len(edges) != 4 or not all(math.isfinite(one) and 0 <= one <= 1 for one in edges):
        raise InputError("box is left,top,right,bottom: four numbers from 0 to 1.")
    if edges[2] - edges[0] < _LEAST or edges[3] - edges[1] < _LEAST:
        raise InputError("The box is too small: draw it around a garment.")
    return edges


def _asked(moment: Moment, query: Query, pictures: Pictures) -> Asked:
    models = moment.setup.models
    by = query.by
    if key := by.get("picture"):
        vector = pictures.vector(key, models.encoder.key)
        return Asked(vector, "your picture", f"/library/pictures/{key}")
    if name := by.get("garment"):
        row = _shown(moment, "garment", name)
        found = moment.index.vector(region_id(name, models.detector.key, 0, "garment"))
        return Asked(
            _given(found), f"the garment {row['title'] or row['name']}", _image(name),
            own=("garment", name), garment=name,
        )  # fmt: skip
    region = by.get("region", "")
    look = region.partition(":")[0] if region else by["look"]
    row = _shown(moment, "look", look)
    told: dict[str, Any] = {"image": _image(look), "own": ("look", look), "look": look}
    if region:
        box = moment.boxes([look])[look].get(region)
        if box is None:
            raise NotShown("region")
        label = f"garment {region_parts(region)[1] + 1} of {row['title'] or row['name']}"
        vector = _given(moment.index.vector(region))
        return Asked(vector, label, box=box, region=region, part=box, **told)
    part = part_of(by["box"])
    vector = moment.remembered(("part", look, part), lambda: _part_vector(moment, row, part))
    label = f"the part that you drew on {row['title'] or row['name']}"
    return Asked(vector, label, box=part, part=part, **told)


def _part_vector(moment: Moment, row: dict[str, Any], part: Box) -> Scores:
    width, height = row["width"], row["height"]
    box = (part[0] * width, part[1] * height, part[2] * width, part[3] * height)
    image, scale = opened(moment, row, _PART_SIDE, {"box": box})
    left, top, right, bottom = (edge * scale for edge in box)
    crop = Crop(np.asarray(image), (left, top, right, bottom), None, "look")
    found: Scores = moment.encoder.encode([crop])[0]
    return found


def _shown(moment: Moment, kind: str, name: str) -> dict[str, Any]:
    row = moment.photo(kind, name)
    if row is None:
        raise NotShown(kind)
    return row


def _given(vector: Scores | None) -> Scores:
    if vector is None:
        raise InputError("This garment has no vector yet: run `lookweave build`.")
    return vector


def _image(photo: str) -> str:
    return f"/api/v1/images/{photo}/full/400/0/default.webp"
