"""Selections of photos, saved searches, and what leaves of a selection."""

from __future__ import annotations

import re
import tempfile
import uuid
from typing import Annotated, Any
from urllib.parse import parse_qsl, quote, urlencode

from fastapi import APIRouter, Depends, Form, Request
from fastapi import Query as Parameter
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import RedirectResponse, Response, StreamingResponse

from lookweave.errors import InputError
from lookweave.exports import bundle
from lookweave.exports.selection import Gathered, Key, gather
from lookweave.pipeline.steps.tier import TIERS
from lookweave.review.decisions import Decision, Selection
from lookweave.web.desk import Reviewer, TheSite
from lookweave.web.finding import answer
from lookweave.web.library import Query
from lookweave.web.linking import own_path
from lookweave.web.pages import own_form, page
from lookweave.web.problems import NotShown
from lookweave.web.site import Moment, Site

router = APIRouter(include_in_schema=False)
api = APIRouter(prefix="/api/v1", tags=["library"])

MOST_EXPORTED = 2000
"""Photos of one export through the browser; `lookweave export` has no such bound."""

_MOST_ADDED = 5000
_TIERS = ("", *TIERS)


class Change(BaseModel):
    """Photos to put into a selection, and to take out of it: (kind, id)."""

    model_config = ConfigDict(extra="forbid")

    id: uuid.UUID
    add: list[tuple[str, str]] = Field(default_factory=list, max_length=_MOST_ADDED)
    remove: list[tuple[str, str]] = Field(default_factory=list, max_length=_MOST_ADDED)


def selection_of(site: Site, name: str) -> Selection:
    """One selection.

    Raises:
        NotShown: there is none of this name.
    """
    found = site.decided().selections.get(name)
    if found is None:
        raise NotShown("selection")
    return found


def change(site: Site, who: str, event: uuid.UUID, name: str, content: dict[str, Any]) -> None:
    """Put photos into a selection or take them out; only such as may be shown go in.

    Raises:
        NotShown: a photo is not there.
    """
    added: list[Key] = [(kind, photo) for kind, photo in content.get("add", ())]
    place = site.now().library.place
    if any(key not in place for key in added):
        raise NotShown("photo")
    told: dict[str, Any] = {"gone": True} if content.get("gone") else {}
    for one in ("add", "remove"):
        if one in content:
            told[one] = [list(key) for key in content[one]]
    site.decide([Decision(str(event), who, "selection", name.strip(), told)])


@router.get("/selections")
def selections(request: Request, site: TheSite) -> Response:
    """All selections and saved searches."""
    decided = site.decided()
    return page(
        request, "selections.html", "selections",
        selections=list(decided.selections.values())[::-1],
        searches=list(decided.searches.items())[::-1], event=uuid.uuid4,
    )  # fmt: skip


@router.get("/selections/{name}")
def selection(
    request: Request, name: str, site: TheSite, after: str = "", tier: str = ""
) -> Response:
    """One selection: its photos, what may leave of them, and in which forms."""
    one, moment = selection_of(site, name), site.now()
    if tier not in _TIERS:
        raise InputError(f"There is no tier {tier[:50]!r}: {', '.join(TIERS)}.")
    start = int(after) if re.fullmatch(r"\d{1,9}", after) else 0
    places = [place for key in one.photos if (place := moment.library.place.get(key)) is not None]
    gathered = _gathered(moment, one, tier)
    shown = places[start : start + 48]
    following = ""
    if start + 48 < len(places):
        following = f"?{urlencode({'after': start + 48, 'tier': tier})}"
    return page(
        request, "selection.html", "selections", selection=one, event=uuid.uuid4, tier=tier,
        tiers=TIERS, cards=[moment.library.told(at) for at in shown], following=following,
        out=gathered, forms=("csv", "json", "pdf"), quoted=quote(name, safe=""),
        most=MOST_EXPORTED, links=sum(len(photo.links) for photo in gathered.photos
                                      if photo.kind == "look"),
    )  # fmt: skip


def _gathered(moment: Moment, one: Selection, tier: str) -> Gathered:
    keys = list(one.photos)[:MOST_EXPORTED]
    return gather(moment.workspace, moment.config, keys, tiers=(tier,) if tier else ())


@router.post("/selections", dependencies=[Depends(own_form)])
def keep(
    request: Request,
    site: TheSite,
    who: Reviewer,
    event: Annotated[uuid.UUID, Form()],
    name: Annotated[str, Form(max_length=200)],
    filters: Annotated[str, Form(max_length=4000)] = "",
    photo: Annotated[list[str] | None, Form(max_length=_MOST_ADDED)] = None,
    everything: Annotated[bool, Form()] = False,
) -> Response:
    """Keep photos of the library under a name: the chosen ones, or all that the search found."""
    keys: list[Key] = []
    if everything:
        query = Query.parse(parse_qsl(filters, max_num_fields=100))
        _, found = answer(site, request.app.state.pictures, query)
        if len(found.order) > _MOST_ADDED:
            raise InputError(
                f"{len(found.order)} photos are too many for one selection: at most {_MOST_ADDED}."
            )
        keys = [
            (str(found.library.kind[at]), str(found.library.id[at])) for at in found.order.tolist()
        ]
    else:
        keys = [_key(one) for one in photo or ()]
    if not keys:
        raise InputError("No photo was chosen: tick some, or keep all that were found.")
    change(site, who, event, name, {"add": keys})
    return RedirectResponse(f"/selections/{quote(name.strip(), safe='')}", 303)


def _key(text: str) -> Key:
    kind, _, photo = text.partition(".")
    return kind, photo


@router.post("/selections/{name}", dependencies=[Depends(own_form)])
def edit(
    name: str,
    site: TheSite,
    who: Reviewer,
    event: Annotated[uuid.UUID, Form()],
    photo: Annotated[list[str] | None, Form(max_length=_MOST_ADDED)] = None,
    gone: Annotated[bool, Form()] = False,
) -> Response:
    """Take photos out of a selection, or drop it: its photos stay in the library."""
    selection_of(site, name)
    content = {"gone": True} if gone else {"remove": [_key(one) for one in photo or ()]}
    change(site, who, event, name, content)
    return RedirectResponse("/selections" if gone else f"/selections/{quote(name, safe='')}", 303)


@router.post("/searches", dependencies=[Depends(own_form)])
def save_search(
    site: TheSite,
    who: Reviewer,
    event: Annotated[uuid.UUID, Form()],
    name: Annotated[str, Form(max_length=200)],
    address: Annotated[str, Form(max_length=4000)] = "",
) -> Response:
    """Keep a search under a name; without an address, drop it."""
    if address:
        own_path(address)
        query = Query.parse(parse_qsl(address.partition("?")[2], max_num_fields=100))
        if "picture" in query.by:
            raise InputError("A picture that was sent is not kept, so its search cannot be.")
        address = f"/library?{urlencode(query.parameters())}"
    site.decide([Decision(str(event), who, "search", name.strip(), {"address": address})])
    return RedirectResponse("/selections", 303)


@router.get("/selections/{name}/export")
def export(
    name: str,
    site: TheSite,
    form: Annotated[str, Parameter(pattern="^(csv|json|pdf|zip)$")],
    tier: str = "",
    metadata: bool = True,
) -> Response:
    """A selection as a file. What may not leave is not in it."""
    one, moment = selection_of(site, name), site.now()
    if len(one.photos) > MOST_EXPORTED:
        raise InputError(
            f"{len(one.photos)} photos are more than {MOST_EXPORTED}, which a browser is given at "
            f"a time: `lookweave export WS --selection NAME --to FILE.{form}` writes them all."
        )
    if tier not in _TIERS:
        raise InputError(f"There is no tier {tier[:50]!r}: {', '.join(TIERS)}.")
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the answer reads and closes it
    try:
        gathered = _gathered(moment, one, tier)
        bundle.write(moment.workspace, gathered, form, file, metadata=metadata)
        size = file.tell()
        file.seek(0)
    except BaseException:
        file.close()
        raise

    def pieces() -> Any:
        with file:
            while piece := file.read(1 << 18):
                yield piece

    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "selection"
    headers = {
        "content-disposition": f'attachment; filename="{plain}.{form}"',
        "content-length": str(size), "cache-control": "no-store",
    }  # fmt: skip
    return StreamingResponse(pieces(), media_type=bundle.media_type(form), headers=headers)


@api.get("/selections")
def list_selections(site: TheSite) -> dict[str, Any]:
    """All selections: names, and how many photos are in each."""
    found = site.decided().selections.values()
    return {"selections": [{"name": one.name, "photos": len(one.photos)} for one in found]}


@api.get("/selections/{name}")
def read_selection(name: str, site: TheSite) -> dict[str, Any]:
    """The photos of one that may be shown."""
    one, place = selection_of(site, name), site.now().library.place
    return {"name": name, "photos": [list(key) for key in one.photos if key in place]}


@api.post("/selections/{name}")
def change_selection(name: str, wanted: Change, site: TheSite, who: Reviewer) -> dict[str, Any]:
    """Put photos into a selection, made where there is none, or take them out. Safe to repeat."""
    change(site, who, wanted.id, name, {"add": wanted.add, "remove": wanted.remove})
    return read_selection(name.strip(), site)
