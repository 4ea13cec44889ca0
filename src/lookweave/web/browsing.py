"""The pages of the library: coverage, search, garments, articles, looks, rejects."""

from __future__ import annotations

import re
import uuid
from collections import Counter
from dataclasses import replace
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Depends, Form, Request, UploadFile
from starlette.responses import RedirectResponse, Response

from lookweave.errors import InputError
from lookweave.pipeline.steps.match import Match
from lookweave.pipeline.steps.tier import TIERS, Tier
from lookweave.records import region_parts
from lookweave.review.state import SAME_BOX, bound, overlap
from lookweave.store.conditions import column, matching
from lookweave.store.products import products_of
from lookweave.store.reviews import standings
from lookweave.web.desk import Reviewer, TheSite
from lookweave.web.finding import Found, answer, image_of
from lookweave.web.library import FIELDS, Query
from lookweave.web.linking import Pair, linked_by_hand, links_of, pair
from lookweave.web.pages import own_form, page
from lookweave.web.problems import NotShown
from lookweave.web.site import Moment, Site

router = APIRouter(include_in_schema=False)

_LOOKS = 24
_CANDIDATES = 5


@router.get("/")
def coverage(request: Request, site: TheSite) -> Response:
    """What is there, and what to do next."""
    moment = site.now()
    library = site.library()
    without = library.fields["linked"].having(["no"], len(library))
    said = Counter(
        "verified" if one.verified else "confirmed" if one.same
        else "disputed" if one.disputed else "refused" if one.same is False else "open"
        for one in standings(moment.workspace).values()
    )  # fmt: skip
    pairs = moment.workspace.table("pairs")
    counts = {
        one: {
            "all": int((library.kind == one).sum()),
            "without": int(((library.kind == one) & without).sum()),
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
def library(request: Request, site: TheSite, who: Reviewer) -> Response:
    """Photos by words, by a picture of the workspace or one that was sent, and by filters."""
    query = Query.parse(request.query_params.multi_items())
    moment, found = answer(site, request.app.state.pictures, query)
    return _shown(request, site, moment, found, who)


@router.post("/library", dependencies=[Depends(own_form)])
def by_image(
    request: Request,
    site: TheSite,
    image: UploadFile,
    filters: Annotated[str, Form(max_length=4000)] = "",
) -> Response:
    """Search with a picture that was dropped, pasted or chosen, under the filters of the page."""
    query = Query.parse(parse_qsl(filters, max_num_fields=100))
    key = request.app.state.pictures.add(site.now(), image)
    return RedirectResponse(_address(replace(query, by={"picture": key}, words="")), 303)


@router.get("/library/pictures/{key}")
def picture(request: Request, key: str) -> Response:
    """The preview of a picture that was sent."""
    return Response(request.app.state.pictures.preview(key), media_type="image/webp")


def _address(query: Query) -> str:
    return f"/library?{urlencode(query.parameters())}"


def _shown(request: Request, site: Site, moment: Moment, found: Found, who: str) -> Response:
    library, query, asked = found.library, found.query, found.asked
    shown, after = library.page(found.order, query.after)
    boxes = found.boxes(moment, shown)
    cards = []
    for at in shown:
        kind, name = str(library.kind[at]), str(library.id[at])
        region, box = boxes.get(at, ("", None))
        one: Pair | None = None
        if asked and asked.garment and kind == "look" and region:
            one = pair(site, moment, who, asked.garment, name, region, box)
        elif asked and asked.look and kind == "garment":
            one = pair(site, moment, who, name, asked.look, asked.region, asked.part)
        told = library.told(at)
        cards.append({**told, "image": image_of(library, at, 400), "box": box, "pair": one})
    facets = {
        name: [(one, "/library?" + urlencode(query.switched(name, one.value)),
                "/library?" + urlencode(query.switched(f"not.{name}", one.value))) for one in each]
        for name, each in found.facets().items()
    }  # fmt: skip
    excluded = [
        (name, value, "/library?" + urlencode(query.switched(f"not.{name}", value)))
        for name, values in query.unwanted.items()
        for value in values
    ]
    following = _address(query) + "&" + urlencode([("after", after)]) if after else ""
    return page(
        request, "library.html", "library", query=query, by=found.by, count=len(found.order),
        cards=cards, facets=facets, excluded=excluded, following=following,
        all=int((~library.copy).sum()), fields=FIELDS, asked=asked,
        dropped=_address(replace(query, by={})), bare=_address(replace(query, by={}, words="")),
        parameters=urlencode(query.parameters()), here_path=_path(request),
        copies=int(library.copy.sum()), event=uuid.uuid4, names=list(site.decided().selections),
        with_copies=_address(replace(query, copies=not query.copies)),
    )  # fmt: skip


def _path(request: Request) -> str:
    """The page's own address, to come back to after a form."""
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


@router.get("/garments/{name}")
def garment(request: Request, name: str, site: TheSite, who: Reviewer) -> Response:
    """A product photo, its articles, and the looks that may show it."""
    moment = site.now()
    row = moment.photo("garment", name)
    if row is None:
        raise NotShown("garment")
    articles = products_of(moment.workspace, [name]).get(name, [])
    return page(
        request, "garment.html", "library", photos=[row], title=row["title"] or row["name"],
        facts=_facts(row, ("brand", "sku", "category", "product", "rights", "name")),
        articles=[one for one in articles if not one.taken_down],
        looks=_looks(site, moment, who, [name]), here_path=_path(request), garment=name,
    )  # fmt: skip


@router.get("/products/{name}")
def product(request: Request, name: str, site: TheSite, who: Reviewer) -> Response:
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
        facts=_facts(found[0], facts), here_path=_path(request),
        looks=_looks(site, moment, who, [row["id"] for row in shown]),
    )  # fmt: skip


def _looks(site: Site, moment: Moment, who: str, garments: list[str]) -> list[dict[str, Any]]:
    """The likeliest region of each look for any of these garments: linked ones first, then by
    probability. A look that a person linked is there also where no match has it."""
    store = moment.workspace
    columns = ["garment", "look", "region", "score", "probability"]
    rows = store.table("matches").rows_by("garment", garments, columns, Match(moment.setup).rows)
    best: dict[str, dict[str, Any]] = {}
    for one in garments:
        for event in links_of(linked_by_hand(site, garment=one), moment):
            region = bound(event, moment.boxes([event.look])[event.look]) or ""
            best[event.look] = {"garment": one, "look": event.look, "region": region,
                                "box": event.box, "probability": None}  # fmt: skip
    for row in sorted(rows.to_pylist(), key=lambda row: (-row["probability"], -row["score"])):
        known = best.setdefault(row["look"], row)
        if known["probability"] is None and known["region"] == row["region"]:
            known["probability"] = row["probability"]
    shown = moment.photos("look", best)
    chosen = [row for row in best.values() if row["look"] in shown][:_LOOKS]
    boxes = moment.boxes(row["look"] for row in chosen)
    tiers = store.table("pairs").rows_by(
        "garment", garments, ["garment", "look", "tier"], Tier(moment.setup).rows
    )
    tier = {(row["garment"], row["look"]): row["tier"] for row in tiers.to_pylist()}
    found = []
    for row in chosen:
        box = boxes[row["look"]].get(row["region"]) or row.get("box")
        found.append(
            {**row, "photo": shown[row["look"]], "box": box,
             "tier": tier.get((row["garment"], row["look"]), ""),
             "pair": pair(site, moment, who, row["garment"], row["look"], row["region"], box)}
        )  # fmt: skip
    return found


@router.get("/looks/{name}")
def look(request: Request, name: str, site: TheSite, who: Reviewer) -> Response:
    """A look, every garment found in it, and what each may be."""
    moment = site.now()
    row = moment.photo("look", name)
    if row is None:
        raise NotShown("look")
    rows = moment.workspace.table("matches").rows_by(
        "look", [name], ["garment", "region", "score", "probability"], Match(moment.setup).rows
    )
    of_region: dict[str, list[dict[str, Any]]] = {}
    for one in sorted(rows.to_pylist(), key=lambda one: (-one["probability"], -one["score"])):
        of_region.setdefault(one["region"], []).append(one)
    links = links_of(linked_by_hand(site, look=name), moment)
    garments = moment.photos(
        "garment", {*rows.column("garment").to_pylist(), *(event.garment for event in links)}
    )

    def candidate(garment: str, region: str, box: Any, probability: float | None) -> dict[str, Any]:
        return {"garment": garment, "photo": garments[garment], "probability": probability,
                "pair": pair(site, moment, who, garment, name, region, box)}  # fmt: skip

    boxes = moment.boxes([name])[name]
    regions = []
    for region, box in sorted(boxes.items()):
        likely = {one["garment"]: one["probability"] for one in of_region.get(region, ())}
        linked = [event.garment for event in links if bound(event, boxes) == region]
        order = [*dict.fromkeys(linked), *(one for one in likely if one not in linked)]
        found = [candidate(one, region, box, likely.get(one)) for one in order if one in garments]
        more = max(_CANDIDATES, len(set(linked)))
        regions.append(
            {"id": region, "number": region_parts(region)[1], "box": box, "found": found[:more]}
        )
    elsewhere = [
        candidate(event.garment, "", event.box, None)
        for event in links
        if all(overlap(event.box, box) < SAME_BOX for box in boxes.values())
    ]
    facts = ("brand", "season", "photographer", "shoot", "rights", "name")
    return page(
        request, "look.html", "library", look=row, regions=regions, facts=_facts(row, facts),
        title=row["title"] or row["name"], here_path=_path(request), elsewhere=elsewhere,
    )  # fmt: skip


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
