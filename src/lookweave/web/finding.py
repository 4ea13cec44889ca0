"""`/api/v1` of the library: search by words or by a picture, with the filters of the page."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from fastapi import APIRouter, Request, UploadFile
from starlette.exceptions import HTTPException

from lookweave import photos
from lookweave.errors import Rejected
from lookweave.photos.apart import load_apart
from lookweave.search import search
from lookweave.web.desk import TheSite
from lookweave.web.library import FIELDS, Query
from lookweave.web.site import Moment

router = APIRouter(prefix="/api/v1", tags=["library"])

BEST = 600
"""Photos that words or a picture find, among which filters then count."""

_UPLOAD = photos.Limits(max_bytes=20 << 20, max_pixels=60_000_000)
_FILTERS = [
    {"name": name, "in": "query", "required": False, "description": about,
     "schema": {"type": "array", "items": {"type": "string", "maxLength": 300}}}
    for one in FIELDS
    for name, about in ((one, f"one of these values of {one}"), (f"not.{one}", "none of these"))
]  # fmt: skip
_PARAMETERS = [
    {"name": "q", "in": "query", "required": False, "description": "words; without them: all",
     "schema": {"type": "string", "maxLength": 300}},
    {"name": "after", "in": "query", "required": False, "description": "of the page before: next",
     "schema": {"type": "string", "maxLength": 300}},
    *_FILTERS,
]  # fmt: skip


@router.get("/search", openapi_extra={"parameters": _PARAMETERS})
def find(request: Request, site: TheSite) -> dict[str, Any]:
    """Photos by words and filters, a page at a time, and what each further filter would leave."""
    moment = site.now()
    query = Query.parse(request.query_params.multi_items())
    by, ranked = by_words(moment, query) if query.words else ("", None)
    return _told(moment, query, by, ranked)


@router.post("/search")
def find_by_image(site: TheSite, image: UploadFile) -> dict[str, Any]:
    """Photos that look like one that is sent. It is kept nowhere."""
    moment = site.now()
    by, ranked = by_picture(moment, image)
    return _told(moment, Query(), by, ranked)


def by_words(moment: Moment, query: Query) -> tuple[str, list[int]]:
    """How words were compared, and the places in the library, the best first."""
    kinds = query.wanted.get("kind", ())
    kind = kinds[0] if len(kinds) == 1 and kinds[0] in ("garment", "look") else None
    found = _searched(moment, words=query.words, kind=kind)
    return found["by"], _places(moment, found["results"])


def by_picture(moment: Moment, image: UploadFile) -> tuple[str, list[int]]:
    """The same for a picture, taken for what its bytes are, whatever it calls itself.

    Raises:
        HTTPException: 422: it is no photo, or too large.
    """
    try:
        data = image.file.read(_UPLOAD.max_bytes + 1)
        photo = load_apart(data, max_side=1600, limits=_UPLOAD)
    except Rejected as why:
        raise HTTPException(422, f"This file cannot be searched with: {why.detail}") from why
    with tempfile.NamedTemporaryFile(suffix=".png") as file:
        photo.image().save(file, "PNG")
        file.flush()
        found = _searched(moment, image=Path(file.name))
    by = f"your picture, as {moment.setup.models.encoder.name} sees it"
    return by, _places(moment, found["results"])


def chosen(
    moment: Moment, query: Query, ranked: list[int] | None
) -> tuple[list[int], np.ndarray[Any, np.dtype[np.bool_]]]:
    """The places that fit all filters, in their order, and those that the search found at all."""
    library = moment.library
    among = np.ones(len(library.id), bool)
    if ranked is not None:
        among[:] = False
        among[ranked] = True
    fit = library.fitting(query) & among
    order = np.flatnonzero(fit).tolist() if ranked is None else [at for at in ranked if fit[at]]
    return order, among


def _searched(moment: Moment, **asked: Any) -> dict[str, Any]:
    _ = moment.encoder
    return search(moment.workspace, moment.config, top=BEST, **asked)


def _places(moment: Moment, results: Iterable[dict[str, Any]]) -> list[int]:
    found = (moment.library.place.get(row["id"]) for row in results)
    return [at for at in found if at is not None]


def _told(moment: Moment, query: Query, by: str, ranked: list[int] | None) -> dict[str, Any]:
    library = moment.library
    order, among = chosen(moment, query, ranked)
    shown, following = library.page(order, query.after)
    return {
        "by": by, "count": len(order), "next": following or None,
        "photos": [
            {"id": library.id[at], "name": library.name[at], "title": library.title[at],
             **{name: library.values[name][at] for name in FIELDS},
             "image": f"/api/v1/images/{library.id[at]}/full/400/0/default.webp"}
            for at in shown
        ],
        "filters": {
            name: [asdict(one) for one in each]
            for name, each in library.facets(query, among).items()
        },
    }  # fmt: skip
