"""The pages of the library: coverage, search, garments, articles, looks, rejects."""

from __future__ import annotations

import re
import uuid
from collections import Counter
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Request, UploadFile
from starlette.responses import RedirectResponse, Response

from lookweave.errors import InputError
from lookweave.pipeline.steps.match import Match
from lookweave.pipeline.steps.tier import TIERS, Tier
from lookweave.records import region_parts
from lookweave.review.journal import Event
from lookweave.store.conditions import column, matching
from lookweave.store.products import products_of
from lookweave.store.reviews import standings
from lookweave.web.desk import Reviewer, TheSite
from lookweave.web.finding import BEST, by_picture, by_words, chosen
from lookweave.web.library import FIELDS, Query
from lookweave.web.pages import own_form, page
from lookweave.web.problems import NotShown
from lookweave.web.site import Moment

router = APIRouter(include_in_schema=False)

_LOOKS = 24
_CANDIDATES = 5


@router.get("/")
def coverage(request: Request, site: TheSite) -> Response:
    """What is there, and what to do next."""
    moment = site.now()
    library = moment.library
    kind, linked = library.values["kind"], library.values["linked"]
    said = Counter(
        "verified" if one.verified else "confirmed" if one.same
        else "disputed" if one.disputed else "refused" if one.same is False else "open"
        for one in standings(moment.workspace).values()
    )  # fmt: skip
    pairs = moment.workspace.table("pairs")
    counts = {
        one: {
            "all": int((kind == one).sum()),
            "without": int(((kind == one) & (linked == "no")).sum()),
        }
        for one in ("garment", "look")
    }
    tiers = {tier: pairs.count(Tier(moment.setup).rows & matching(tier=tier)) for tier in TIERS}
    folded = {row["event"] for row in moment.workspace.table("reviews").read(["event"]).to_pylist()}
    state = site.state()
    waiting = sum(one.id not in folded for pair in state.pairs() for one in state.verdicts(*pair))
    return page(
        request, "coverage.html", "home", counts=counts, tiers=tiers, said=said, waiting=waiting,
        rejects=moment.workspace.table("rejects").count(),
    )  # fmt: skip


@router.get("/library")
def library(request: Request, site: TheSite) -> Response:
    """Photos by words and filters."""
    moment = site.now()
    query = Query.parse(request.query_params.multi_items())
    by, ranked = by_words(moment, query) if query.words else ("", None)
    return _shown(request, moment, query, by, ranked)


@router.post("/library", dependencies=[Depends(own_form)])
def by_image(request: Request, site: TheSite, image: UploadFile) -> Response:
    """Photos that look like one that was dropped here. It is kept nowhere."""
    moment = site.now()
    by, ranked = by_picture(moment, image)
    return _shown(request, moment, Query(), by, ranked)


def _shown(
    request: Request, moment: Moment, query: Query, by: str, ranked: list[int] | None
) -> Response:
    library = moment.library
    order, among = chosen(moment, query, ranked)
    shown, after = library.page(order, query.after)
    cards = [
        {"id": library.id[at], "kind": library.values["kind"][at],
         "title": library.title[at] or library.name[at], "brand": library.values["brand"][at],
         "tier": library.values["tier"][at]}
        for at in shown
    ]  # fmt: skip
    facets = {
        name: [(one, "/library?" + urlencode(query.switched(name, one.value))) for one in each]
        for name, each in library.facets(query, among).items()
    }
    excluded = [
        (name, value, "/library?" + urlencode(query.switched(f"not.{name}", value)))
        for name, values in query.unwanted.items()
        for value in values
    ]
    following = "/library?" + urlencode([*query.parameters(), ("after", after)]) if after else ""
    return page(
        request, "library.html", "library", query=query, by=by, count=len(order), cards=cards,
        facets=facets, excluded=excluded, following=following, best=BEST,
        all=len(library.id), fields=FIELDS, ranked=ranked is not None,
    )  # fmt: skip


@router.get("/garments/{name}")
def garment(request: Request, name: str, site: TheSite) -> Response:
    """A product photo, its articles, and the looks that may show it."""
    moment = site.now()
    row = moment.photo("garment", name)
    if row is None:
        raise NotShown("garment")
    articles = products_of(moment.workspace, [name]).get(name, [])
    return page(
        request, "garment.html", "library", photos=[row], title=row["title"] or row["name"],
        facts=_facts(row, ("brand", "sku", "category", "product", "rights", "name")),
        articles=[one for one in articles if not one.taken_down], looks=_looks(moment, [name]),
    )  # fmt: skip


@router.get("/products/{name}")
def product(request: Request, name: str, site: TheSite) -> Response:
    """An article, all its photos, and every look that may show it."""
    moment = site.now()
    store = moment.workspace
    found = store.table("products").rows_by("id", [name]).to_pylist()
    if not found or found[0]["taken_down"]:
        raise NotShown("article")
    links = store.table("product_photos").rows_by(
        "product", [name], ["garment", "position"], column("listed").is_not_false()
    )
    ordered = sorted(links.to_pylist(), key=lambda link: link["position"])
    names = list(dict.fromkeys(link["garment"] for link in ordered if link["garment"]))
    rows = moment.photos("garment", names)
    shown = [rows[one] for one in names if one in rows]
    facts = ("brand", "sku", "gtin", "style", "colour", "size", "category", "price", "currency",
             "rights")  # fmt: skip
    return page(
        request, "garment.html", "library", photos=shown, articles=[],
        title=found[0]["title"] or found[0]["sku"] or "An article",
        facts=_facts(found[0], facts), looks=_looks(moment, [row["id"] for row in shown]),
    )  # fmt: skip


def _looks(moment: Moment, garments: list[str]) -> list[dict[str, Any]]:
    """The likeliest region of each look for any of these garments, best first."""
    store = moment.workspace
    columns = ["garment", "look", "region", "score", "probability"]
    rows = store.table("matches").rows_by("garment", garments, columns, Match(moment.setup).rows)
    best: dict[str, dict[str, Any]] = {}
    for row in sorted(rows.to_pylist(), key=lambda row: (-row["probability"], -row["score"])):
        best.setdefault(row["look"], row)
    shown = moment.photos("look", best)
    chosen = [row for row in best.values() if row["look"] in shown][:_LOOKS]
    boxes, said = moment.boxes(row["look"] for row in chosen), standings(store)
    tiers = store.table("pairs").rows_by(
        "garment", garments, ["garment", "look", "tier"], Tier(moment.setup).rows
    )
    tier = {(row["garment"], row["look"]): row["tier"] for row in tiers.to_pylist()}
    return [
        {**row, "photo": shown[row["look"]], "box": boxes[row["look"]].get(row["region"]),
         "tier": tier.get((row["garment"], row["look"]), ""),
         "status": _status(said.get((row["garment"], row["region"])))}
        for row in chosen
    ]  # fmt: skip


@router.get("/looks/{name}")
def look(request: Request, name: str, site: TheSite) -> Response:
    """A look, every garment found in it, and what each may be."""
    moment = site.now()
    row = moment.photo("look", name)
    if row is None:
        raise NotShown("look")
    rows = moment.workspace.table("matches").rows_by(
        "look", [name], ["garment", "region", "score", "probability"], Match(moment.setup).rows
    )
    said = standings(moment.workspace)
    of_region: dict[str, list[dict[str, Any]]] = {}
    for one in sorted(rows.to_pylist(), key=lambda one: (-one["probability"], -one["score"])):
        of_region.setdefault(one["region"], []).append(one)
    garments = moment.photos("garment", {one["garment"] for one in rows.to_pylist()})
    regions = []
    for region, box in sorted(moment.boxes([name])[name].items()):
        candidates = [
            {**one, "photo": garments[one["garment"]], "event": uuid.uuid4(),
             "status": _status(said.get((one["garment"], region)))}
            for one in of_region.get(region, ()) if one["garment"] in garments
        ][:_CANDIDATES]  # fmt: skip
        regions.append(
            {"id": region, "number": region_parts(region)[1], "box": box, "found": candidates}
        )
    facts = ("brand", "season", "photographer", "shoot", "rights", "name")
    return page(
        request, "look.html", "library", look=row, regions=regions, facts=_facts(row, facts),
        title=row["title"] or row["name"],
    )  # fmt: skip


@router.post("/links", dependencies=[Depends(own_form)])
def link(
    site: TheSite,
    who: Reviewer,
    event: Annotated[uuid.UUID, Form()],
    garment: Annotated[str, Form(max_length=64)],
    region: Annotated[str, Form(max_length=300)],
    verdict: Annotated[str, Form(pattern="^(same|no)$")],
) -> Response:
    """Say of a garment and a region, score in sight, that they belong together or do not."""
    moment = site.now()
    look = region.partition(":")[0]
    box = moment.boxes([look])[look].get(region)
    if (
        box is None
        or moment.photo("garment", garment) is None
        or moment.photo("look", look) is None
    ):
        raise NotShown("pair")
    left, top, right, bottom = box
    kind = "link" if verdict == "same" else "verdict"
    site.journal.append(
        [
            Event(
                str(event), who, kind, garment, look, (left, top, right, bottom), verdict,
                region=region, queue="look", score_shown=True,
            )
        ]
    )  # fmt: skip
    return RedirectResponse(f"/looks/{look}", 303)


@router.get("/rejects")
def rejects(request: Request, site: TheSite, reason: str = "", after: str = "") -> Response:
    """What was turned away, why, and what would help."""
    table = site.now().workspace.table("rejects")
    columns = ["step", "subject", "kind", "name", "reason", "detail", "retry"]
    rows = table.read(columns).to_pylist()
    counts = Counter(row["reason"] for row in rows)
    if reason and reason not in counts:
        raise InputError(f"Nothing was turned away for the reason {reason[:50]!r}.")
    rows = sorted(
        (row for row in rows if not reason or row["reason"] == reason),
        key=lambda row: (row["reason"], row["name"] or "", row["subject"], row["step"]),
    )
    start = int(after) if re.fullmatch(r"\d{1,9}", after) else 0
    shown = rows[start : start + _REJECTS]
    more = start + _REJECTS < len(rows)
    given = [("reason", reason)] if reason else []
    following = "/rejects?" + urlencode([*given, ("after", start + _REJECTS)]) if more else ""
    return page(
        request, "rejects.html", "rejects", rows=shown, counts=counts.most_common(),
        reason=reason, following=following, total=len(rows),
    )  # fmt: skip


_REJECTS = 200


def _facts(row: dict[str, Any], names: tuple[str, ...]) -> list[tuple[str, Any]]:
    return [(name, row[name]) for name in names if row.get(name) not in (None, "")]


def _status(said: Any) -> str:
    if said is None:
        return ""
    if said.verified:
        return "verified"
    if said.disputed:
        return "people disagree"
    return {True: "confirmed once", False: "refused", None: "unsure"}[said.same]
