"""Takedowns: events that hold until a person lifts them in words.

A takedown is said of a place (a file's path, an address) and of the photo's bytes that were found
there. Both are down: the same bytes anywhere else, and whatever else comes to that place. What a
catalogue says is written down when it is first said; that it says so no longer lifts nothing.
A lift names the takedowns that it covers: whoever says it again later takes down again.
"""

from __future__ import annotations

import datetime
import getpass
import uuid
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from lookweave.records import TAKEDOWN
from lookweave.store.conditions import column
from lookweave.store.workspace import Workspace

Event = Mapping[str, Any]

SHOWN = column("listed").is_not_false() & column("taken_down").is_not_true()
"""Garments and looks that may be in pairs and publications: listed, and not taken down."""


def down(workspace: Workspace, today: datetime.date | None = None) -> set[str]:
    """Ids of all photos that are down today, of either kind."""
    standing = Takedowns(workspace, today)
    held = workspace.table("sources").rows_by(
        "place", sorted(standing.places), ["id"], column("listed").is_not_false()
    )
    return set(standing.photos) | {photo for photo in held.column("id").to_pylist() if photo}


def hidden(workspace: Workspace, kind: str) -> list[str]:
    """Ids of the photos that are not `SHOWN`, ascending: those of a small share, as a rule."""
    return sorted(workspace.table(f"{kind}s").values("id", ~SHOWN))


class Takedowns:
    """All that was said of takedowns in a workspace.

    Holds the events, which are few, and no photo.

    Args:
        workspace: as it is read.
        today: the day that future takedowns are held against; None: this machine's.
    """

    def __init__(self, workspace: Workspace, today: datetime.date | None = None) -> None:
        self.today = today or datetime.date.today()
        self.events: list[Event] = sorted(
            workspace.table("takedowns").read().to_pylist(),
            key=lambda event: (event["at"], event["id"]),
        )
        lifted = {covered for event in self.events for covered in event["lifts"] or ()}
        self.standing = [
            event
            for event in self.events
            if event["what"] == "takedown" and event["id"] not in lifted
        ]
        """Takedowns that nobody lifted, those of a later day too."""
        due = [event for event in self.standing if (event["due"] or self.today) <= self.today]
        self.photos = frozenset(event["photo"] for event in due if event["photo"])
        self.places = frozenset(event["place"] for event in due if event["place"])

    def covers(self, photo: str, places: Iterable[str] = ()) -> bool:
        """Whether a photo, listed at these places, is down today."""
        return photo in self.photos or not self.places.isdisjoint(places)

    def says(self, place: str, source: str, statement: str) -> bool:
        """Whether a takedown of this place by this input, in these words, stands already."""
        return any(
            (event["place"], event["input"], event["statement"]) == (place, source, statement)
            for event in self.standing
        )


def takedown_event(
    place: str | None,
    photo: str | None,
    *,
    name: str | None,
    statement: str,
    by: str,
    at: datetime.datetime,
    source: str | None = None,
    due: datetime.date | None = None,
) -> dict[str, Any]:
    """A row of `takedowns` that takes down.

    Args:
        place: canonical path or address.
        photo: `records.photo_id` of the bytes there; None while they were not read.
        source: the input that says so; None for a person.
        due: the day from which it holds; None: at once.
    """
    return {
        "id": uuid.uuid4().hex, "at": at, "by": by, "what": "takedown", "place": place,
        "photo": photo, "name": name, "input": source, "statement": statement, "due": due,
        "lifts": None,
    }  # fmt: skip


def lift_event(
    covered: Collection[Event], *, name: str, statement: str, by: str, at: datetime.datetime
) -> dict[str, Any]:
    """A row of `takedowns` that lifts those that are `covered`."""
    return {
        "id": uuid.uuid4().hex, "at": at, "by": by, "what": "lift", "place": None, "photo": None,
        "name": name, "input": None, "statement": statement, "due": None,
        "lifts": sorted(event["id"] for event in covered),
    }  # fmt: skip


def write(workspace: Workspace, events: list[dict[str, Any]]) -> None:
    """Add events; none is ever changed."""
    if events:
        workspace.table("takedowns").append([TAKEDOWN.table(events)])


def person() -> str:
    """Who is at this machine, for `by`."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no name for this user id
        return "unknown"


def now() -> datetime.datetime:
    """For `at`."""
    return datetime.datetime.now(datetime.UTC)
