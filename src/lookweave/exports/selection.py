"""Chosen photos with what is known of them, as far as they may leave.

Takedowns, listing and rights are asked as a publication asks them; what may not go out is counted
with its reason. Of links only those go out that people said, and those of the tiers asked for.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from lookweave.config import Config
from lookweave.errors import InputError
from lookweave.pipeline.setup import Setup
from lookweave.pipeline.steps.tier import TIERS, Tier
from lookweave.publish.plan import PhotosStanding, UnknownAllowed
from lookweave.publish.rights import RightsRules
from lookweave.review.decisions import Decided, Decisions
from lookweave.review.folding import relative_boxes
from lookweave.review.journal import Event, Journal
from lookweave.review.state import SAME_BOX, Box, bound, fold, overlap, row_of
from lookweave.store.conditions import column
from lookweave.store.products import Product, products_of
from lookweave.store.reviews import standing, standings
from lookweave.store.workspace import Workspace

Key = tuple[str, str]
"""(kind, id): garment or look."""


@dataclass(frozen=True)
class Link:
    """A garment in a look.

    Attributes:
        box: left, top, right, bottom as shares of the look's width and height, 0..1.
        by: ``people``, or the tier of a pair that nobody judged.
        products: of the garment.
    """

    garment: str
    look: str
    region: str
    box: Box
    by: str
    products: tuple[Product, ...]


@dataclass(frozen=True)
class Photo:
    """One photo that goes out.

    Attributes:
        row: of the table of its kind.
        products: of a garment, what it shows.
        links: of a look, the garments in it; of a garment, the looks that show it.
    """

    kind: str
    row: dict[str, Any]
    products: tuple[Product, ...] = ()
    links: tuple[Link, ...] = ()

    @property
    def id(self) -> str:
        """Of the photo."""
        return str(self.row["id"])


@dataclass(frozen=True)
class LeftOut:
    """A photo that stays in, and why."""

    kind: str
    id: str
    name: str
    reason: str
    detail: str


@dataclass
class Gathered:
    """What goes out, in the order that was asked for, and what does not."""

    photos: list[Photo] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)

    @property
    def reasons(self) -> dict[str, int]:
        """Reason -> photos left out, most frequent first."""
        return dict(Counter(one.reason for one in self.left_out).most_common())


def selected(workspace: Workspace, name: str) -> list[Key]:
    """The photos of a selection that somebody keeps in the library.

    Raises:
        InputError: there is none of this name.
    """
    decided = Decided(Decisions(workspace.path, reading=True).after())
    if name not in decided.selections:
        known = ", ".join(sorted(decided.selections)) or "none yet"
        raise InputError(f"There is no selection {name!r}: {known}.")
    return list(decided.selections[name].photos)


def keys_of(workspace: Workspace, ids: Iterable[str]) -> list[Key]:
    """Photos by their ids; a file that is a garment's photo and a look is both.

    Raises:
        InputError: there is no photo of an id.
    """
    wanted = list(dict.fromkeys(ids))
    known: dict[str, set[str]] = {}
    for kind in ("garment", "look"):
        rows = workspace.table(f"{kind}s").rows_by("id", wanted, ["id"])
        known[kind] = set(rows.column("id").to_pylist())
    if missing := [one for one in wanted if not any(one in ids for ids in known.values())]:
        raise InputError(f"There is no photo {missing[0]!r} (and {len(missing) - 1} more).")
    return [(kind, one) for one in wanted for kind in known if one in known[kind]]


def gather(
    workspace: Workspace,
    config: Config,
    keys: Sequence[Key],
    *,
    tiers: Collection[str] = (),
    allow_unknown_rights: bool = False,
) -> Gathered:
    """Photos with their articles and links, as far as they may leave.

    Args:
        tiers: also links of these tiers that nobody judged.
        allow_unknown_rights: also photos whose rights say something that is not understood. Those
            of which nothing is said go out, as in a publication to a folder.

    Raises:
        InputError: there is no such tier.
    """
    if wrong := sorted(set(tiers) - set(TIERS)):
        raise InputError(f"There is no tier {wrong[0]!r}: {', '.join(TIERS)}.")
    setup = Setup.of(config)
    asked = list(dict.fromkeys(keys))
    links = _links(workspace, setup, asked, tiers)
    photos = {one for _, one in asked} | {one.garment for one in links}
    rights = PhotosStanding(
        workspace, workspace, photos | {one.look for one in links}, RightsRules()
    )
    unknown = UnknownAllowed(True, allow_unknown_rights)
    rows = {
        (kind, row["id"]): row
        for kind in ("garment", "look")
        for row in workspace.table(f"{kind}s")
        .rows_by("id", [one for known, one in asked if known == kind])
        .to_pylist()
    }
    # A link names what both its photos show: it goes only where both may.
    links = [
        one for one in links
        if not rights.problem("garment", one.garment, unknown)
        and not rights.problem("look", one.look, unknown)
    ]  # fmt: skip
    of_photo: dict[Key, list[Link]] = defaultdict(list)
    for link in links:
        of_photo["look", link.look].append(link)
        of_photo["garment", link.garment].append(link)
    products = _products(workspace, [one for kind, one in asked if kind == "garment"])
    found = Gathered()
    for key in asked:
        kind, photo = key
        if why := rights.problem(kind, photo, unknown):
            reason, detail = why
            if reason == "no_such_photo":
                detail = "The photo is in the workspace no more."
            found.left_out.append(LeftOut(kind, photo, rights.names.get(key, ""), reason, detail))
        else:
            own = products.get(photo, ()) if kind == "garment" else ()
            found.photos.append(Photo(kind, rows[key], own, tuple(of_photo[key])))
    return found


def _products(workspace: Workspace, garments: Iterable[str]) -> dict[str, tuple[Product, ...]]:
    return {
        garment: tuple(one for one in each if not one.taken_down)
        for garment, each in products_of(workspace, garments).items()
    }


def _links(
    workspace: Workspace, setup: Setup, keys: Sequence[Key], tiers: Collection[str]
) -> list[Link]:
    """Of these photos, by look and place."""
    wanted = set(keys)
    events: dict[Key, list[Event]] = {}
    state = fold(Journal(workspace.path, reading=True).events())
    for garment, look in state.pairs():
        if ("garment", garment) in wanted or ("look", look) in wanted:
            events[garment, look] = state.verdicts(garment, look)
    pairs: list[dict[str, Any]] = []
    for kind in ("garment", "look") if tiers else ():
        photos = [one for known, one in keys if known == kind]
        where = Tier(setup).rows & column("tier").is_in(tiers)
        table = workspace.table("pairs")
        pairs += table.rows_by(
            kind, photos, ["garment", "look", "region", "tier"], where
        ).to_pylist()
    others = {
        key: said for key, said in standings(workspace, column("event").is_null()).items()
        if ("garment", key[0]) in wanted or ("look", said.look) in wanted
    }  # fmt: skip
    looks = {look for _, look in events} | {row["look"] for row in pairs}
    looks |= {said.look for said in others.values()}
    boxes = relative_boxes(workspace, setup.models.detector.key, looks)
    found: dict[tuple[str, str, str], tuple[Box, str]] = {}
    refused: set[tuple[str, str, str]] = set()
    for (garment, look), said in events.items():
        for place, region, box in _places(said, boxes.get(look, {})):
            together = standing(map(row_of, place))
            if together.same:
                found[garment, look, region] = (box, "people")
            elif together.same is False or together.disputed:
                refused.add((garment, look, region))
    for (garment, region), one in others.items():
        known = boxes.get(one.look, {}).get(region)
        if one.same and known and (garment, one.look, region) not in refused:
            found.setdefault((garment, one.look, region), (known, "people"))
    for row in pairs:
        key = (row["garment"], row["look"], row["region"])
        known = boxes.get(row["look"], {}).get(row["region"])
        if known and key not in refused:
            found.setdefault(key, (known, row["tier"]))
    products = _products(workspace, sorted({garment for garment, _, _ in found}))
    return [
        Link(garment, look, region, box, by, products.get(garment, ()))
        for (garment, look, region), (box, by) in sorted(
            found.items(), key=lambda one: (one[0][1], one[0][2], tuple(one[1][0]), one[0][0])
        )
    ]


def _places(events: Sequence[Event], regions: dict[str, Box]) -> list[tuple[list[Event], str, Box]]:
    """Verdicts on one garment and look, those of one place together; with the region that they
    are bound to, "" for a part that no region covers, and the box."""
    found: list[tuple[list[Event], str, Box]] = []
    for event in events:
        region = bound(event, regions) or ""
        box = regions.get(region) or event.box or ()
        for place, name, where in found:
            if (name == region != "") or (region == name == "" and overlap(where, box) >= SAME_BOX):
                place.append(event)
                break
        else:
            found.append(([event], region, box))
    return found
