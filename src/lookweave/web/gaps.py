"""What is missing and what is there twice: articles never photographed, looks without a link, near
duplicates and what people decided of them."""

from __future__ import annotations

import uuid
from collections import defaultdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Form, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import RedirectResponse, Response

from lookweave.errors import InputError
from lookweave.exports.articles import export_unmatched, is_calibrated
from lookweave.pipeline.steps.group import Group
from lookweave.pipeline.steps.match import Match
from lookweave.review.decisions import DUPLICATES, Decision
from lookweave.store.conditions import column
from lookweave.web.desk import Reviewer, TheSite
from lookweave.web.library import Query
from lookweave.web.pages import own_form, page
from lookweave.web.problems import NotShown
from lookweave.web.site import Moment, Site

router = APIRouter(include_in_schema=False)
api = APIRouter(prefix="/api/v1", tags=["library"])

_SHOWN = 48
_GROUPS = 20
Said = Literal["keep", "merge", "ignore", "open"]
assert set(DUPLICATES) == {"keep", "merge", "ignore", "open"}


class Duplicates(BaseModel):
    """What is said of photos that look like one; of a merge, which one stands for all."""

    model_config = ConfigDict(extra="forbid")

    id: uuid.UUID
    photos: list[str] = Field(min_length=2, max_length=1000)
    said: Said
    kept: str | None = Field(None, max_length=64)


@router.get("/gaps")
def gaps(
    request: Request, site: TheSite, bound: float = 0.5, start: int = 0, look: int = 0
) -> Response:
    """Articles that no look seems to show, and looks that no article is linked to."""
    moment, library = site.now(), site.library()
    start, look = max(0, start), max(0, look)
    if not 0 <= bound <= 1:
        raise InputError(f"bound is a probability from 0 to 1, not {bound:g}.")
    matched = moment.workspace.table("matches").count(Match(moment.setup).rows) > 0
    linked = library.fields["linked"].having(["yes"], len(library))
    articles: list[dict[str, Any]] = moment.remembered(
        ("unmatched", bound), lambda: _unmatched(moment, bound) if matched else []
    )
    # A link that was said since the last build closes a gap at once.
    open_ = [
        one for one in articles
        if not any(linked[at] and _said(site, garment) for garment in one["garments"]
                   if (at := library.place.get(("garment", garment))) is not None)
    ]  # fmt: skip
    query = Query(wanted={"kind": ("look",), "linked": ("no",)})
    looks = library.fitting(query).nonzero()[0].tolist()
    return page(
        request, "gaps.html", "gaps", articles=open_[start : start + _SHOWN], count=len(open_),
        bound=bound, matched=matched, start=start, step=_SHOWN, look=look,
        calibrated=is_calibrated(moment.workspace, moment.config),
        looks=[library.told(at) for at in looks[look : look + _SHOWN]], without=len(looks),
        hidden=moment.hidden,
    )  # fmt: skip


def _unmatched(moment: Moment, bound: float) -> list[dict[str, Any]]:
    batches = export_unmatched(moment.workspace, moment.config, bound)
    names = ("sku", "title", "brand", "colour", "probability", "look", "garments", "product", "why")
    return [{name: row[name] for name in names} for batch in batches for row in batch.to_pylist()]


def _said(site: Site, garment: str) -> bool:
    """Whether a person says that some look shows it."""
    state = site.state()
    return any(
        event.verdict == "same"
        for one in state.pairs() if one[0] == garment
        for event in state.verdicts(*one)
    )  # fmt: skip


@router.get("/duplicates")
def duplicates(request: Request, site: TheSite, decided: bool = False, start: int = 0) -> Response:
    """Groups of photos that look like one, those to decide or those decided."""
    moment, known = site.now(), site.decided()
    groups: list[list[tuple[str, str]]] = moment.remembered("duplicates", lambda: _groups(moment))
    said = [known.duplicates([photo for _, photo in group]) for group in groups]
    wanted = [
        (group, one) for group, one in zip(groups, said, strict=True) if (one is None) != decided
    ]
    start = max(0, start)
    shown = []
    for group, one in wanted[start : start + _GROUPS]:
        rows = {
            (kind, name): row
            for kind in ("garment", "look")
            for name, row in moment.photos(
                kind, [photo for own, photo in group if own == kind]
            ).items()
        }
        photos = [
            {"kind": kind, **rows[kind, name]} for kind, name in group if (kind, name) in rows
        ]
        ids = " ".join(sorted({name for _, name in group}))
        shown.append(
            {"photos": photos, "decision": one, "ids": ids,
             "largest": max(photos, key=lambda row: row["width"] * row["height"])["id"],
             "one_kind": len({kind for kind, _ in group}) == 1}
        )  # fmt: skip
    done = sum(one is not None for one in said)
    return page(
        request, "duplicates.html", "duplicates", groups=shown, decided=decided, start=start,
        step=_GROUPS, count=len(wanted), waiting=len(groups) - done, done=done, event=uuid.uuid4,
    )  # fmt: skip


def _groups(moment: Moment) -> list[list[tuple[str, str]]]:
    """Photos that are one picture, of one kind or of both; those that may be shown."""
    members: dict[tuple[str, str, str], set[tuple[str, str]]] = defaultdict(set)
    where = Group(moment.setup).rows & column("how").is_in(["same_photo", "same_picture"])
    rows = moment.workspace.table("groups").read(["subject", "kind", "group", "how"], where)
    for row in rows.to_pylist():
        key = (row["kind"], row["subject"])
        if key in moment.library.place:
            across = row["how"] == "same_picture"
            members[row["how"], "" if across else row["kind"], row["group"]].add(key)
    found = [sorted(each) for each in members.values() if len({name for _, name in each}) > 1]
    return sorted(found)


def decide(site: Site, who: str, wanted: Duplicates) -> None:
    """Remember what somebody says of photos that look like one.

    Raises:
        NotShown: one of them is not there, or may not be shown.
        InputError: the decision cannot be, or a merge mixes product photos and looks.
    """
    place = site.now().library.place
    kinds = [
        {kind for kind in ("garment", "look") if (kind, photo) in place} for photo in wanted.photos
    ]
    if not all(kinds):
        raise NotShown("photo")
    if wanted.said == "merge" and not set.intersection(*kinds):
        raise InputError("A product photo and a look are not merged: keep both, or ignore them.")
    content = {"said": wanted.said, **({"kept": wanted.kept} if wanted.said == "merge" else {})}
    name = " ".join(sorted(set(wanted.photos)))
    site.decide([Decision(str(wanted.id), who, "duplicates", name, content)])


@router.post("/duplicates", dependencies=[Depends(own_form)])
def say(
    site: TheSite,
    who: Reviewer,
    event: Annotated[uuid.UUID, Form()],
    photos: Annotated[str, Form(max_length=64_000)],
    said: Annotated[Said, Form()],
    kept: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Keep all, merge into one, ignore, or ask again."""
    decide(site, who, Duplicates(id=event, photos=photos.split(), said=said, kept=kept or None))
    return RedirectResponse("/duplicates" if said != "open" else "/duplicates?decided=true", 303)


@api.post("/duplicates/decision")
def decide_duplicates(wanted: Duplicates, site: TheSite, who: Reviewer) -> dict[str, Any]:
    """Say what photos that look like one are: safe to repeat, and remembered."""
    decide(site, who, wanted)
    return {"photos": sorted(set(wanted.photos)), "said": wanted.said, "kept": wanted.kept}
