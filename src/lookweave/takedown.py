"""Take photos down, and lift takedowns: what the verb `takedown` does."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

from lookweave.config import Config
from lookweave.errors import InputError
from lookweave.pipeline.steps.ingest.changes import adopt_earlier_rows, show_takedowns
from lookweave.pipeline.steps.ingest.listing import canonical
from lookweave.sources import absolute, is_address
from lookweave.store import takedowns
from lookweave.store.conditions import column
from lookweave.store.takedowns import Takedowns
from lookweave.store.workspace import Workspace


@dataclass(frozen=True)
class TakenDown:
    """A photo that was taken down, or whose takedowns were lifted.

    Attributes:
        kind: garment or look.
        photo: its id; empty while its bytes were not read.
        name: of its file, or as its manifest says it.
        place: path or address.
    """

    kind: str
    photo: str
    name: str
    place: str

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


@dataclass(frozen=True)
class TakedownEvent:
    """One event of `takedown --list`.

    Attributes:
        what: takedown or lift.
        name: of the photo, or as the person named it.
        by: a person, or "its catalogue".
        at: when it was written down.
        statement: in whose words.
        input: the manifest that said so.
        due: the day from which it holds; None: at once.
        stands: nobody lifted it.
    """

    what: str
    name: str
    by: str
    at: datetime.datetime
    statement: str
    input: str | None
    due: datetime.date | None
    stands: bool

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {name: _plain(value) for name, value in asdict(self).items()}


def take_down(
    workspace: Workspace, config: Config, name: str, statement: str = "", by: str = ""
) -> list[TakenDown]:
    """Take down the photos that a name means, at once and until it is lifted.

    Args:
        workspace: open for writing.
        name: a photo's id, path, address or file name, or an article's sku or gtin.
        statement: why; a sentence.
        by: who says so; the person at this machine when empty.

    Returns:
        The photos that are down now, wherever they are found.

    Raises:
        InputError: the name means no photo, or a file name means several.
        WorkspaceLocked: another process is writing.
    """
    with workspace.lock():
        adopt_earlier_rows(workspace, canonical(config))
        found = _named(workspace, config, name)
        at, who = takedowns.now(), by or takedowns.person()
        takedowns.write(
            workspace,
            [
                takedowns.takedown_event(
                    one.place, one.photo or None, name=one.name,
                    statement=statement or "taken down with `lookweave takedown`", by=who, at=at,
                )
                for one in found
            ],
        )  # fmt: skip
        show_takedowns(workspace)
    return found


def lift_takedown(
    workspace: Workspace, config: Config, name: str, statement: str = "", by: str = ""
) -> list[TakenDown]:
    """Lift all that stands against the photos that a name means, as it is known now.

    What says so again later takes down again.

    Raises:
        InputError: the name means no photo, or nothing is taken down.
        WorkspaceLocked: another process is writing.
    """
    with workspace.lock():
        adopt_earlier_rows(workspace, canonical(config))
        found = _named(workspace, config, name)
        standing = Takedowns(workspace)
        photos = {one.photo for one in found if one.photo}
        places = {one.place for one in found} | _listed_places(workspace, photos)
        covered = {
            event["id"]: event
            for event in standing.standing
            if event["photo"] in photos or event["place"] in places
        }
        if not covered:
            raise InputError(
                f"Nothing is taken down under the name {name}: `lookweave takedown WS --list` "
                "shows what is."
            )
        event = takedowns.lift_event(
            list(covered.values()), name=name, by=by or takedowns.person(), at=takedowns.now(),
            statement=statement or "lifted with `lookweave takedown --lift`",
        )  # fmt: skip
        # Other bytes, which were in one of the places once, stay down wherever they are.
        others = [
            takedowns.takedown_event(
                None, one["photo"], name=one["name"], statement=one["statement"], by=one["by"],
                at=one["at"], source=one["input"], due=one["due"],
            )
            for one in covered.values()
            if one["photo"] and one["photo"] not in photos
        ]  # fmt: skip
        takedowns.write(workspace, [*others, event])
        show_takedowns(workspace)
    return found


def takedown_events(workspace: Workspace) -> list[TakedownEvent]:
    """Every takedown and lift, oldest first."""
    said = Takedowns(workspace)
    standing = {event["id"] for event in said.standing}
    found: dict[tuple[object, ...], TakedownEvent] = {}
    for event in said.events:
        one = TakedownEvent(
            what=event["what"], name=event["name"] or event["place"] or "", by=event["by"],
            at=event["at"], statement=event["statement"], input=event["input"],
            due=event["due"], stands=event["id"] in standing,
        )  # fmt: skip
        # One takedown is an event for its place, and one for the bytes once they are known.
        key = (one.what, event["place"], one.by, one.at, one.statement, one.input)
        before = found.get(key)
        found[key] = one if before is None else replace(before, stands=before.stands or one.stands)
    return list(found.values())


def _named(workspace: Workspace, config: Config, name: str) -> list[TakenDown]:
    """The photos that a name means, in all their places.

    A whole name (id, path, address, name in the listing, sku, gtin) goes before the last part of
    one, which must mean one photo alone.
    """
    whole = {name, str(absolute(name))}
    if is_address(name):
        whole.add(canonical(config)(name))
    of_article = _places_of_article(workspace, name)
    found: list[TakenDown] = []
    partly: list[TakenDown] = []
    for one, path in _places(workspace):
        if one.place in of_article or not whole.isdisjoint({one.photo, one.place, one.name, path}):
            found.append(one)
        elif one.place.replace("\\", "/").rpartition("/")[2] == name:
            partly.append(one)
    if not found:
        if len({one.photo or one.place for one in partly}) > 1:
            some = ", ".join(sorted({one.place for one in partly})[:5])
            raise InputError(f"{name} may be one of several photos: name its path. Such as {some}.")
        found = partly
    if not found:
        raise InputError(
            f"{workspace.path} has no photo and no article {name}. Name a photo's id, path, "
            "address or file name, or an article's number."
        )
    found.sort(key=lambda one: (one.kind, one.place, one.name))
    return list({(one.kind, one.place, one.photo): one for one in reversed(found)}.values())[::-1]


def _places(workspace: Workspace) -> Iterator[tuple[TakenDown, str]]:
    for batch in workspace.table("sources").scan(["kind", "id", "name", "place", "path"]):
        for row in batch.to_pylist():
            place = row["place"] or row["path"]
            yield TakenDown(row["kind"], row["id"], row["name"], place), row["path"]
    known = workspace.table("sources").values("id")
    for kind in ("garment", "look"):  # photos whose place holds another one today
        for batch in workspace.table(f"{kind}s").scan(["id", "name", "path"]):
            for row in batch.to_pylist():
                if row["id"] not in known:
                    yield TakenDown(kind, row["id"], row["name"], row["path"]), row["path"]


def _listed_places(workspace: Workspace, photos: set[str]) -> set[str]:
    """Where the photos are found now."""
    here = workspace.table("sources").rows_by(
        "id", sorted(photos), ["place"], column("listed").is_not_false()
    )
    return set(here.column("place").to_pylist())


def _places_of_article(workspace: Workspace, name: str) -> set[str]:
    named = column("sku").equals(name) | column("gtin").equals(name)
    products = workspace.table("products").values("id", named)
    links = workspace.table("product_photos").rows_by("product", sorted(products), ["place"])
    return set(links.column("place").to_pylist())


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime.date) else value
