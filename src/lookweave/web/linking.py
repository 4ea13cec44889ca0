"""Links between garments and places in looks: said by one click, taken back by another."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Form
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import RedirectResponse, Response

from lookweave.errors import InputError
from lookweave.review.journal import Event
from lookweave.review.state import SAME_BOX, Box, overlap, row_of
from lookweave.store.reviews import Standing, standing
from lookweave.web.asking import part_of
from lookweave.web.desk import Reviewer, TheSite, told
from lookweave.web.pages import own_form
from lookweave.web.problems import NotShown
from lookweave.web.site import Moment, Site

router = APIRouter(include_in_schema=False)
api = APIRouter(prefix="/api/v1", tags=["library"])

_BACK = re.compile(r"/(?![/\\])[^\\\s]{0,2000}")


class Link(BaseModel):
    """A garment and a place in a look: that of a region, or a part that was drawn."""

    model_config = ConfigDict(extra="forbid")

    id: uuid.UUID
    garment: str = Field(max_length=64)
    verdict: Literal["same", "no"] = "same"
    region: str | None = Field(None, max_length=300)
    look: str | None = Field(None, max_length=64)
    box: tuple[float, float, float, float] | None = None


@dataclass(frozen=True)
class Pair:
    """What a page shows of a garment and a place in a look, and the forms to say something of it.

    Attributes:
        region: id; empty of a part that was drawn.
        status: what all that was said comes to, in words; empty where nobody said anything.
        mine: id of this person's own event that stands; empty where there is none.
        verdict: of that event.
        event: the id that an answer given now will have: sent twice it counts once.
    """

    garment: str
    look: str
    region: str
    box: Box | None
    status: str
    mine: str
    verdict: str
    event: str

    @property
    def drawn(self) -> str:
        """The box as a form sends it; empty where a region says it."""
        return "" if self.region or not self.box else ",".join(f"{one:.4f}" for one in self.box)


def pair(
    site: Site, moment: Moment, who: str, garment: str, look: str, region: str, box: Box | None
) -> Pair:
    """What is said of a garment and a place now, events since the last build included."""
    events = [
        event
        for event in site.state().verdicts(garment, look)
        if overlap(event.box, box) >= SAME_BOX
    ]
    rows = [*moment.other_reviews.get((garment, region), ()), *map(row_of, events)]
    mine = next((event for event in reversed(events) if event.reviewer == who), None)
    return Pair(
        garment, look, region, box, status(standing(rows)) if rows else "",
        mine.id if mine else "", mine.verdict or "" if mine else "", str(uuid.uuid4()),
    )  # fmt: skip


def linked_by_hand(site: Site, *, garment: str = "", look: str = "") -> list[Event]:
    """The links that stand of a garment or a look, also of what no match has; newest last."""
    pairs = [one for one in site.state().pairs() if one[0] == garment or one[1] == look]
    events = [
        event for one in pairs for event in site.state().verdicts(*one) if event.verdict == "same"
    ]
    return sorted(events, key=lambda event: event.seq)


def status(said: Standing) -> str:
    """What verdicts come to, in a word or two."""
    if said.verified:
        return "verified"
    if said.disputed:
        return "people disagree"
    return {True: "confirmed once", False: "refused", None: "unsure"}[said.same]


def say(site: Site, who: str, link: Link) -> Event:
    """Add one person's word on a garment and a place, score in sight.

    Raises:
        NotShown: garment, look or region is not there, or may not be shown.
        InputError: the place is missing, or no box.
    """
    moment = site.now()
    look = link.region.partition(":")[0] if link.region else link.look or ""
    if moment.photo("garment", link.garment) is None or moment.photo("look", look) is None:
        raise NotShown("pair")
    if link.region:
        box = moment.boxes([look])[look].get(link.region)
        if box is None:
            raise NotShown("pair")
    elif link.box:
        box = part_of(",".join(map(str, link.box)))
        link = link.model_copy(update={"region": _region_at(moment, look, box)})
    else:
        raise InputError("Say where: a region, or a look and a box.")
    left, top, right, bottom = box
    # Their pictures and scores were in sight, so it is no blind verdict.
    event = Event(
        str(link.id), who, "link" if link.verdict == "same" else "verdict", link.garment, look,
        (left, top, right, bottom), link.verdict, region=link.region, queue="library",
        score_shown=True,
    )  # fmt: skip
    return site.journal.append([event])[0]


def take_back(site: Site, who: str, event: str, withdrawal: str) -> Event:
    """Take one's own word back.

    Raises:
        NotShown: there is no such event of this person.
    """
    target = site.journal.event(event)
    if target is None or target.reviewer != who:
        raise NotShown("answer of your own")
    taken = Event(withdrawal, who, "withdrawal", target.garment, target.look, supersedes=target.id)
    return site.journal.append([taken])[0]


def _region_at(moment: Moment, look: str, box: Box) -> str | None:
    """The region that a drawn part covers, if any."""
    regions = moment.boxes([look])[look]
    best = max(regions, key=lambda name: (overlap(box, regions[name]), name), default=None)
    return best if best and overlap(box, regions[best]) >= SAME_BOX else None


def own_path(back: str) -> str:
    """A path of this server to go back to.

    Raises:
        InputError: it leads elsewhere.
    """
    if not _BACK.fullmatch(back):
        raise InputError("The page to go back to is none of this server.")
    return back


@router.post("/links", dependencies=[Depends(own_form)])
def link(
    site: TheSite,
    who: Reviewer,
    event: Annotated[uuid.UUID, Form()],
    garment: Annotated[str, Form(max_length=64)],
    verdict: Annotated[Literal["same", "no"], Form()],
    region: Annotated[str, Form(max_length=300)] = "",
    look: Annotated[str, Form(max_length=64)] = "",
    box: Annotated[str, Form(max_length=100)] = "",
    back: Annotated[str, Form(max_length=2000)] = "",
) -> Response:
    """Say of a garment and a place in a look that they belong together, or do not."""
    where = own_path(back) if back else ""
    said = say(
        site, who,
        Link(id=event, garment=garment, verdict=verdict, region=region or None, look=look or None,
             box=part_of(box) if box else None),
    )  # fmt: skip
    return RedirectResponse(where or f"/looks/{said.look}", 303)


@router.post("/links/{event}/withdrawal", dependencies=[Depends(own_form)])
def unlink(
    site: TheSite,
    who: Reviewer,
    event: uuid.UUID,
    withdrawal: Annotated[uuid.UUID, Form()],
    back: Annotated[str, Form(max_length=2000)] = "",
) -> Response:
    """Take one's own answer back."""
    where = own_path(back) if back else ""
    taken = take_back(site, who, str(event), str(withdrawal))
    return RedirectResponse(where or f"/looks/{taken.look}", 303)


@api.post("/links")
def give_links(
    links: Annotated[list[Link], Field(min_length=1, max_length=100)], site: TheSite, who: Reviewer
) -> dict[str, Any]:
    """Link garments with places in looks, or say that they do not belong together; safe to
    repeat. `reviews/{id}/withdrawal` takes one back."""
    return {"links": [told(say(site, who, one)) for one in links]}


def links_of(events: Iterable[Event], moment: Moment) -> list[Event]:
    """Those of events whose photos may both be shown."""
    kept = list(events)
    garments = moment.photos("garment", [one.garment for one in kept])
    looks = moment.photos("look", [one.look for one in kept])
    return [one for one in kept if one.garment in garments and one.look in looks]
