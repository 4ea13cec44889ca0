"""`/api/v1` of the review desk: leases, verdicts, what was said, agreement."""

from __future__ import annotations

import math
import uuid
from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from lookweave.errors import InputError
from lookweave.review.agreement import agreements, paces
from lookweave.review.audits import result
from lookweave.review.journal import MOST_AT_ONCE, Event, Lease
from lookweave.review.queues import MOST_LENT, QUEUES, lend
from lookweave.review.state import Box
from lookweave.web.people import reviewer
from lookweave.web.problems import NotShown
from lookweave.web.site import Moment, Site

router = APIRouter(prefix="/api/v1", tags=["review"])

Reviewer = Annotated[str, Depends(reviewer)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Verdict(_Body):
    """One verdict, as the client sends it. Who gave it and when the server knows itself."""

    id: uuid.UUID
    garment: str = Field(max_length=64)
    look: str = Field(max_length=64)
    box: tuple[float, float, float, float]
    verdict: Literal["same", "same_style", "no", "bad_crop", "unsure"]
    region: str | None = Field(None, max_length=300)
    product: str | None = Field(None, max_length=200)
    note: str = Field("", max_length=4000)
    lease: str | None = Field(None, max_length=100)
    queue: str | None = Field(None, max_length=100)
    inclusion: float | None = Field(None, gt=0, le=1)
    visible_ms: int | None = Field(None, ge=0, lt=1 << 40)
    seen: dict[str, str] = Field(default_factory=dict, max_length=20)
    score_shown: bool = False
    guideline: int | None = Field(
        None, ge=1, lt=1 << 31, description="the version that was read; without it: the newest"
    )


class Withdrawal(_Body):
    """Takes an event back."""

    id: uuid.UUID


class Wanted(_Body):
    """How many pairs to have before oneself."""

    count: int = Field(3, ge=1, le=MOST_LENT)


def site(request: Request) -> Site:
    """The workspace that is served."""
    found: Site = request.app.state.site
    return found


TheSite = Annotated[Site, Depends(site)]


@router.get("/queues")
def list_queues(site: TheSite) -> dict[str, str]:
    """Every queue and what is in it."""
    categories = sorted({one for one in site.now().candidates.category.tolist() if one})
    return {**QUEUES, **{f"category-{name}": f"Regions of {name}." for name in categories}}


@router.post("/queues/{name}/leases")
def lease_pairs(name: str, wanted: Wanted, site: TheSite, who: Reviewer) -> dict[str, Any]:
    """Pairs to look at: those that this reviewer has already, then new ones."""
    moment = site.now()
    lent = lend(site.journal, site.desk(who), name, wanted.count)
    version = site.guidelines.newest().version
    return {"pairs": shown_pairs(moment, lent), "reviewer": who, "guideline": version}


@router.post("/reviews")
def give_verdicts(
    verdicts: Annotated[list[Verdict], Field(min_length=1, max_length=MOST_AT_ONCE)],
    site: TheSite,
    who: Reviewer,
) -> dict[str, Any]:
    """Add verdicts in one commit, all or none. The same id twice is one verdict.

    They are on the disk when this answers.
    """
    events = [
        Event(
            **{**one.model_dump(), "id": str(one.id), "guideline": guideline_of(site, one)},
            reviewer=who, kind="verdict",
        )
        for one in verdicts
    ]  # fmt: skip
    return {"reviews": [told(one) for one in site.journal.append(events)]}


def guideline_of(site: Site, given: Verdict) -> int:
    """The version that a verdict was given under.

    Raises:
        InputError: there is no such version.
    """
    newest = site.guidelines.newest().version
    if given.guideline is None:
        known = site.journal.event(str(given.id))  # sent again, it is what it was
        return known.guideline if known else newest
    if given.guideline > newest:
        raise InputError(f"The guideline's newest version is {newest}, not {given.guideline}.")
    return given.guideline


@router.post("/reviews/{event}/withdrawal")
def withdraw(
    event: uuid.UUID, withdrawal: Withdrawal, site: TheSite, who: Reviewer
) -> dict[str, Any]:
    """Take one's own event back; of a withdrawal, bring in again what it took."""
    target = site.journal.event(str(event))
    if target is None or target.reviewer != who:
        raise NotShown("review of your own")
    taken = Event(
        str(withdrawal.id), who, "withdrawal", target.garment, target.look, supersedes=target.id
    )
    (added,) = site.journal.append([taken])
    return {"review": told(added), "pair": pair_of(site.now(), target)}


@router.get("/reviews")
def my_verdicts(
    site: TheSite,
    who: Reviewer,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    before: Annotated[int | None, Query(ge=1, lt=1 << 62, description="a seq")] = None,
) -> dict[str, Any]:
    """One's own verdicts, newest first, with whether each stands. Nobody sees those of others."""
    state = site.state()
    own = [one for one in reversed(state.of(who)) if before is None or one.seq < before][:limit]
    return {"reviews": [{**told(one), "stands": state.stands(one.id)} for one in own]}


@router.get("/agreement")
def agreement(site: TheSite, who: Reviewer) -> dict[str, Any]:
    """How far people agree, how right each tier is by the audit, how each reviews."""
    desk = site.desk(who)
    workspace = site.now().workspace
    audits = [result(workspace, one) for one in desk.audits]
    return {
        "agreement": [_plain(asdict(one)) for one in agreements(desk.state)],
        "audits": [_plain(one.to_dict()) for one in audits],
        "reviewers": [_plain(asdict(one)) for one in paces(desk.state)],
    }


def told(event: Event) -> dict[str, Any]:
    """An event as the API shows it."""
    content = event.content()
    return {**content, "seq": event.seq, "at": event.at.isoformat() if event.at else None}


def shown_pairs(moment: Moment, leases: list[Lease]) -> list[dict[str, Any]]:
    """What the desk shows of leased pairs; those that may not be shown any more are left out."""
    boxes = moment.boxes(one.look for one in leases)
    found = []
    for one in leases:
        box = boxes.get(one.look, {}).get(one.region)
        shown = box and _pair(moment, one.garment, one.look, one.region, box)
        if shown:
            lent = {"lease": one.id, "queue": one.queue, "inclusion": one.inclusion}
            found.append({**shown, **lent})
    return found


def pair_of(moment: Moment, event: Event) -> dict[str, Any] | None:
    """The pair of an event, to ask it again."""
    if event.kind == "withdrawal" or event.box is None:
        return None
    return _pair(moment, event.garment, event.look, event.region or "", event.box)


def _pair(moment: Moment, garment: str, look: str, region: str, box: Box) -> dict[str, Any] | None:
    """Nothing of scores, nothing of what others said: the desk is blind."""
    product, photo = moment.photo("garment", garment), moment.photo("look", look)
    if product is None or photo is None:
        return None
    place = region.rpartition(":")[2] if region in moment.boxes([look])[look] else "full"
    said = ("title", "brand", "category", "sku")
    credit = ("title", "brand", "season", "photographer")
    return {
        "garment": {"id": garment, "name": product["name"], **{one: product[one] for one in said}},
        "look": {"id": look, "name": photo["name"], "width": photo["width"],
                 "height": photo["height"], **{one: photo[one] for one in credit}},
        "region": region, "box": list(box), "lease": None, "queue": None, "inclusion": None,
        "images": {
            "garment": f"/api/v1/images/{garment}/cut/800/0/default.webp",
            "region": f"/api/v1/images/{look}/{place}/800/0/default.webp",
            "look": f"/api/v1/images/{look}/full/1600/0/default.webp",
        },
        "seen": {
            "garment": product["sha256"], "look": photo["sha256"], "crop": place,
            "recipe": moment.candidates.recipe,
        },
    }  # fmt: skip


def _plain(value: Any) -> Any:
    """The same with null in place of NaN, which JSON does not know."""
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value
