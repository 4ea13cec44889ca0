"""One's own decisions, and what people disagree about."""

from __future__ import annotations

import uuid
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Form, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from lookweave.review.journal import Event
from lookweave.review.state import SAME_BOX, overlap
from lookweave.web.desk import Reviewer, TheSite, Withdrawal, pair_of, told, withdraw
from lookweave.web.pages import own_form, page
from lookweave.web.problems import NotShown
from lookweave.web.site import Site

history = APIRouter(include_in_schema=False)
"""For every reviewer."""
disputes = APIRouter()
"""For who decides."""

_ROWS = 50
_DISPUTES = 30


class Adjudication(BaseModel):
    """What an adjudicator decides, with all in sight that was said."""

    model_config = ConfigDict(extra="forbid")
    id: uuid.UUID
    garment: str = Field(max_length=64)
    region: str = Field(max_length=300)
    verdict: Literal["same", "same_style", "no"]
    note: str = Field("", max_length=4000)


@history.get("/review/history")
def own_history(
    request: Request, site: TheSite, who: Reviewer,
    before: Annotated[int | None, Query(ge=1, lt=1 << 62)] = None,
) -> Response:  # fmt: skip
    """What one has said, newest first, to take it back or bring it in again."""
    state, moment = site.state(), site.now()
    own = [one for one in reversed(state.of(who)) if before is None or one.seq < before]
    rows = []
    for event in own[:_ROWS]:
        undone = None if state.stands(event.id) else state.withdrawal_of(event.id)
        pair = pair_of(moment, event)
        rows.append({"event": event, "pair": pair, "undo": undone or event.id,
                     "stands": undone is None, "new": uuid.uuid4()})  # fmt: skip
    more = own[_ROWS - 1].seq if len(own) > _ROWS else None
    return page(request, "history.html", "review", rows=rows, more=more)


@history.post("/review/history/{event}/withdrawal", dependencies=[Depends(own_form)])
def withdraw_by_form(
    event: uuid.UUID, id: Annotated[uuid.UUID, Form()], site: TheSite, who: Reviewer
) -> Response:
    """Take one's own event back, or what took it."""
    withdraw(event, Withdrawal(id=id), site, who)
    return RedirectResponse("/review/history", 303)


@disputes.get("/review/disputes", include_in_schema=False)
def disputes_page(request: Request, site: TheSite, who: Reviewer) -> Response:
    """Pairs on which people disagree, with who said what."""
    found = _open(site)
    rows = [{**one, "new": uuid.uuid4(), "own": _answered(one, who)} for one in found[:_DISPUTES]]
    return page(request, "disputes.html", "review", rows=rows, total=len(found))


@disputes.post("/review/disputes", include_in_schema=False, dependencies=[Depends(own_form)])
def decide_by_form(
    site: TheSite, who: Reviewer, id: Annotated[uuid.UUID, Form()],
    garment: Annotated[str, Form(max_length=64)], region: Annotated[str, Form(max_length=300)],
    verdict: Annotated[Literal["same", "same_style", "no"], Form()],
    note: Annotated[str, Form(max_length=4000)] = "",
) -> Response:  # fmt: skip
    """Decide one."""
    given = Adjudication(id=id, garment=garment, region=region, verdict=verdict, note=note)
    adjudicate(given, site, who)
    return RedirectResponse("/review/disputes", 303)


@disputes.get("/api/v1/disputes", tags=["review"])
def list_disputes(site: TheSite) -> dict[str, Any]:
    """Pairs on which people disagree, with who said what."""
    found = [
        {**one, "said": [told(event) for event in one["said"]]} for one in _open(site)[:_DISPUTES]
    ]
    return {"disputes": found}


@disputes.post("/api/v1/adjudications", status_code=201, tags=["review"])
def adjudicate(given: Adjudication, site: TheSite, who: Reviewer) -> dict[str, Any]:
    """Decide a pair for good: a dispute, or one whose answer is known, to see how people agree
    with it (the queue `known`). Not for who answered the pair: a third person decides."""
    moment = site.now()
    look = given.region.partition(":")[0]
    box = moment.boxes([look])[look].get(given.region)
    shown = moment.photo("garment", given.garment), moment.photo("look", look)
    if box is None or None in shown:
        raise NotShown("pair")
    left, top, right, bottom = box
    mine = [
        one for one in site.state().verdicts(given.garment, look)
        if one.reviewer == who and one.kind != "adjudication" and overlap(one.box, box) >= SAME_BOX
    ]  # fmt: skip
    if mine:
        raise HTTPException(409, "You answered this pair yourself: somebody else decides it.")
    event = Event(
        str(given.id), who, "adjudication", given.garment, look, (left, top, right, bottom),
        given.verdict, region=given.region, note=given.note, queue="disputed", score_shown=True,
        guideline=_guideline(site, str(given.id)),
    )  # fmt: skip
    return told(site.journal.append([event])[0])


def _guideline(site: Site, event: str) -> int:
    """The version in force; of an event that is sent again, the one that was."""
    known = site.journal.event(event)
    return known.guideline if known else site.guidelines.newest().version


def _open(site: Site) -> list[dict[str, Any]]:
    """Each disputed pair that may be shown, with the events that stand."""
    desk, moment = site.desk(""), site.now()
    found = []
    for at, said in sorted(desk.said.items()):
        if not said.disputed:
            continue
        pair = str(desk.candidates.garment[at]), str(desk.candidates.look[at])
        events = [
            one for one in desk.state.verdicts(*pair)
            if overlap(one.box, desk.box(at)) >= SAME_BOX
        ]  # fmt: skip
        shown = pair_of(moment, events[-1]) if events else None
        if shown is not None:
            region = str(desk.candidates.region[at])
            found.append({**shown, "region": region, "said": events})
    return found


def _answered(dispute: dict[str, Any], who: str) -> bool:
    return any(one.reviewer == who for one in dispute["said"])
