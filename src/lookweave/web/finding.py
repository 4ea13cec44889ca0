"""`/api/v1` of the library: search by words, a picture or a part of one, with exact filters."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from fastapi import APIRouter, Request, UploadFile

from lookweave.web.asking import Asked, Pictures, Ranking, rank
from lookweave.web.desk import TheSite
from lookweave.web.library import FIELDS, Facet, Library, Places, Query
from lookweave.web.site import Moment, Site

router = APIRouter(prefix="/api/v1", tags=["library"])

_FILTERS = [
    {"name": name, "in": "query", "required": False, "description": about,
     "schema": {"type": "array", "items": {"type": "string", "maxLength": 300}}}
    for one in FIELDS
    for name, about in ((one, f"one of these values of {one}"), (f"not.{one}", "none of these"))
]  # fmt: skip
_ASKED = [
    {"name": name, "in": "query", "required": False, "description": about,
     "schema": {"type": "string", "maxLength": 300}}
    for name, about in {
        "q": "words", "garment": "id of a garment to find the like of",
        "region": "id of a look's region to find the like of",
        "look": "id of a look, of which `box` is the part to find the like of",
        "box": "left,top,right,bottom: shares of the look's width and height",
        "picture": "key of a picture that was sent before",
        "since": "day from which on the photo's file was last changed",
        "until": "day until which it was", "copies": "yes: also photos merged into another",
        "after": "`next` of the page before",
    }.items()
]  # fmt: skip
PARAMETERS = {"parameters": [*_ASKED, *_FILTERS]}


@dataclass(frozen=True)
class Found:
    """The answer to a query.

    Attributes:
        order: places in the library, best first, or by name where nothing is ranked by.
    """

    query: Query
    library: Library
    order: Places
    ranking: Ranking | None

    @property
    def by(self) -> str:
        """How it was compared; empty where only filters were asked."""
        return self.ranking.by if self.ranking else ""

    @property
    def asked(self) -> Asked | None:
        """The picture that it began with."""
        return self.ranking.asked if self.ranking else None

    def facets(self) -> dict[str, list[Facet]]:
        """Field -> values with their counts."""
        everything = np.ones(len(self.library), bool)
        return self.library.facets(self.query, self.ranking.found if self.ranking else everything)

    def boxes(self, moment: Moment, places: list[int]) -> dict[int, tuple[str, Any]]:
        """Of looks among the places: the region that fits best, and its relative box."""
        if self.ranking is None:
            return {}
        looks = {at: str(self.library.id[at]) for at in places if self.library.kind[at] == "look"}
        boxes = moment.boxes(looks.values())
        regions = {at: self.ranking.region(at) for at in looks}
        return {
            at: (region, boxes[looks[at]][region])
            for at, region in regions.items() if region in boxes[looks[at]]
        }  # fmt: skip


def answer(site: Site, pictures: Pictures, query: Query) -> tuple[Moment, Found]:
    """What a query finds, and the moment of the workspace in which."""
    moment, library = site.now(), site.library()
    ranking = rank(moment, library, query, pictures)
    order = np.flatnonzero(library.fitting(query)) if ranking is None else ranking.order
    return moment, Found(query, library, order, ranking)


@router.get("/search", openapi_extra=PARAMETERS)
def find(request: Request, site: TheSite) -> dict[str, Any]:
    """Photos by words or by a picture of the workspace, and by filters, a page at a time; and
    what each further filter would leave. Counts are exact."""
    query = Query.parse(request.query_params.multi_items())
    return _told(*answer(site, request.app.state.pictures, query))


@router.post("/search", openapi_extra=PARAMETERS)
def find_by_image(request: Request, site: TheSite, image: UploadFile) -> dict[str, Any]:
    """Photos that look like one that is sent. It is kept nowhere but in memory; `picture` in the
    answer is its key for further pages."""
    pictures: Pictures = request.app.state.pictures
    query = Query.parse(request.query_params.multi_items())
    key = pictures.add(site.now(), image)
    told = _told(*answer(site, pictures, replace(query, by={"picture": key})))
    return {"picture": key, **told}


def _told(moment: Moment, found: Found) -> dict[str, Any]:
    library = found.library
    shown, following = library.page(found.order, found.query.after)
    boxes = found.boxes(moment, shown)
    return {
        "by": found.by, "count": len(found.order), "next": following or None,
        "photos": [
            {**library.told(at), "image": image_of(library, at, 400),
             **({"region": boxes[at][0], "box": list(boxes[at][1])} if at in boxes else {})}
            for at in shown
        ],
        "filters": {name: [asdict(one) for one in each] for name, each in found.facets().items()},
    }  # fmt: skip


def image_of(library: Library, at: int, size: int) -> str:
    """The address of a photo's picture."""
    return f"/api/v1/images/{library.id[at]}/full/{size}/0/default.webp"
