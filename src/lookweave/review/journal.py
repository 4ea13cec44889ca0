"""The journal of the review desk: events that are only ever added, in one SQLite file.

Each commit is on the disk before `append` returns (write-ahead log, synchronous FULL). An event
has the id that its client gave it, so a request that is sent twice is one event. A build reads
the journal and writes its outcome to the table `reviews`; neither waits for the other.
"""

from __future__ import annotations

import json
import math
import re
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lookweave.errors import InputError
from lookweave.store.database import Database, is_uuid
from lookweave.store.reviews import VERDICTS

FILE = "reviews.sqlite"
KINDS = ("verdict", "withdrawal", "adjudication", "link")
MOST_AT_ONCE = 100
_FORMAT = 1
_LONGEST = {"note": 4000, "reviewer": 200, "queue": 100, "lease": 100, "product": 200}

_SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    at TEXT NOT NULL,
    reviewer TEXT NOT NULL,
    kind TEXT NOT NULL,
    garment TEXT NOT NULL,
    look TEXT NOT NULL,
    content TEXT NOT NULL
) STRICT;
CREATE TRIGGER IF NOT EXISTS events_never_change BEFORE UPDATE ON events
    BEGIN SELECT RAISE(ABORT, 'an event never changes'); END;
CREATE TRIGGER IF NOT EXISTS events_never_go BEFORE DELETE ON events
    BEGIN SELECT RAISE(ABORT, 'an event never goes'); END;
CREATE TABLE IF NOT EXISTS leases (
    id TEXT PRIMARY KEY,
    reviewer TEXT NOT NULL,
    queue TEXT NOT NULL,
    garment TEXT NOT NULL,
    look TEXT NOT NULL,
    region TEXT NOT NULL,
    inclusion REAL,
    expires REAL NOT NULL,
    UNIQUE (reviewer, garment, region)
) STRICT;
"""


@dataclass(frozen=True)
class Event:
    """What one person said at one moment. Never changed; a later one may withdraw it.

    Attributes:
        id: a UUID that the client chose.
        reviewer: who.
        kind: verdict, withdrawal, adjudication or link.
        garment, look: ids of the photos.
        product: the article that was meant, where one was.
        box: of the garment in the look: x0, y0, x1, y1 as shares of width and height, 0..1.
        region: that was shown, a hint only: another detector has others.
        verdict: one of `VERDICTS`; None of a withdrawal.
        supersedes: the event that a withdrawal takes back, which may be a withdrawal itself.
        inclusion: probability with which an audit drew the pair, 0..1; None outside of audits.
        visible_ms: how long the pair was in sight, milliseconds.
        seen: what was shown: hashes of the photos, the crop, the recipe of the match.
        score_shown: whether scores or what others said could be seen: then it is not blind.
        guideline: version of the guideline.
        seq, at: given by the journal: the order, and the server's time.
    """

    id: str
    reviewer: str
    kind: str
    garment: str
    look: str
    box: tuple[float, float, float, float] | None = None
    verdict: str | None = None
    product: str | None = None
    region: str | None = None
    note: str = ""
    supersedes: str | None = None
    lease: str | None = None
    queue: str | None = None
    inclusion: float | None = None
    visible_ms: int | None = None
    seen: dict[str, Any] = field(default_factory=dict)
    score_shown: bool = False
    guideline: int = 1
    seq: int = 0
    at: datetime | None = None

    def checked(self) -> Event:
        """This event.

        Raises:
            InputError: something of it cannot be.
        """
        if not is_uuid(self.id):
            raise InputError(f"An event's id is a UUID, not {self.id!r}.")
        if self.kind not in KINDS:
            raise InputError(f"An event's kind is one of {', '.join(KINDS)}, not {self.kind!r}.")
        if not self.reviewer.strip():
            raise InputError("An event names its reviewer.")
        for name in ("garment", "look"):
            if not re.fullmatch(r"[0-9A-Za-z_.-]{1,64}", getattr(self, name)):
                raise InputError(f"{name} is the id of a photo, not {getattr(self, name)!r}.")
        for name, longest in _LONGEST.items():
            if len(getattr(self, name) or "") > longest:
                raise InputError(f"{name} is longer than {longest} characters.")
        if self.kind == "withdrawal":
            if not self.supersedes or self.verdict is not None:
                raise InputError("A withdrawal names the event it takes back, and no verdict.")
        elif self.verdict not in VERDICTS:
            raise InputError(f"A verdict is one of {', '.join(VERDICTS)}, not {self.verdict!r}.")
        if self.kind != "withdrawal" and not _inside(self.box):
            raise InputError(
                "A verdict has the garment's box in the look: x0, y0, x1, y1 as shares of width "
                f"and height between 0 and 1, not {self.box!r}."
            )
        if self.inclusion is not None and not 0 < self.inclusion <= 1:
            raise InputError(f"inclusion is a probability above 0, not {self.inclusion!r}.")
        if self.visible_ms is not None and not 0 <= self.visible_ms < 1 << 40:
            raise InputError(f"visible_ms is a time in milliseconds, not {self.visible_ms!r}.")
        return self

    def content(self) -> dict[str, Any]:
        """All that the client said, for comparison and storage."""
        told = asdict(self)
        del told["seq"], told["at"]
        return {**told, "box": list(self.box) if self.box else None}


@dataclass(frozen=True)
class Lease:
    """A pair that one reviewer has before them; nobody else is asked it meanwhile.

    Attributes:
        expires: seconds since 1970. A verdict under an expired lease counts all the same.
    """

    id: str
    reviewer: str
    queue: str
    garment: str
    look: str
    region: str
    inclusion: float | None
    expires: float


class Journal(Database):
    """The events of one workspace. Safe to use from several threads and processes.

    Args:
        folder: of the workspace.
        reading: open no file that is not there and write nothing.

    Raises:
        WorkspaceError: the file is damaged or of another version.
    """

    def __init__(self, folder: Path, *, reading: bool = False) -> None:
        super().__init__(folder / FILE, _SCHEMA, _FORMAT, reading=reading)

    def append(self, events: Sequence[Event]) -> list[Event]:
        """Add events in one commit, all or none. Returns them with seq and time.

        An event whose id is known is not added again: what is stored comes back.

        Raises:
            InputError: an event cannot be; an id is known with another content; a withdrawal
                names no event, or one of somebody else.
            WorkspaceFull: the disk is full: nothing was added.
        """
        if len(events) > MOST_AT_ONCE:
            raise InputError(f"At most {MOST_AT_ONCE} events at a time, not {len(events)}.")
        for event in events:
            event.checked()
        with self.writing() as connection:
            return [self._add(connection, event) for event in events]

    def _add(self, connection: sqlite3.Connection, event: Event) -> Event:
        known = self._stored(connection, event.id)
        if known is not None:
            if replace(known, seq=0, at=None).content() != event.content():
                raise InputError(
                    f"The event {event.id} is known with another content: a new event needs a "
                    "new id."
                )
            return known
        if event.supersedes is not None:
            target = self._stored(connection, event.supersedes)
            if target is None:
                raise InputError(f"There is no event {event.supersedes} to supersede.")
            if target.reviewer != event.reviewer:
                raise InputError(f"The event {event.supersedes} is of another reviewer.")
        at = datetime.now(UTC)
        content = json.dumps(event.content(), sort_keys=True)
        cursor = connection.execute(
            "INSERT INTO events (id, at, reviewer, kind, garment, look, content) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (event.id, at.isoformat(), event.reviewer, event.kind, event.garment, event.look,
             content),
        )  # fmt: skip
        connection.execute("DELETE FROM leases WHERE id = ? AND reviewer = ?",
                           (event.lease or "", event.reviewer))  # fmt: skip
        return replace(event, seq=int(cursor.lastrowid or 0), at=at)

    def event(self, name: str) -> Event | None:
        """The event of this id."""
        if not self.path.exists():
            return None
        with self.told():
            return self._stored(self.connection(), name)

    def events(self, after: int = 0) -> list[Event]:
        """All events whose seq is above `after`, in order."""
        if not self.path.exists():
            return []
        with self.told():
            rows = self.connection().execute(
                "SELECT seq, at, content FROM events WHERE seq > ? ORDER BY seq", (after,)
            )
            return [_event(*row) for row in rows]

    def leases(self, now: float) -> list[Lease]:
        """Those that have not expired."""
        with self.told():
            rows = self.connection().execute(
                "SELECT id, reviewer, queue, garment, look, region, inclusion, expires "
                "FROM leases WHERE expires > ? ORDER BY rowid",
                (now,),
            )
            return [Lease(*row) for row in rows]

    def lease(
        self, wanted: Sequence[Lease], now: float, *, after: int | None = None
    ) -> list[Lease]:
        """Lend pairs, but for those that somebody else has meanwhile. Expired leases go.

        Args:
            after: seq of the newest event that the choice knew of: what somebody said of since is
                not lent. None: all is.
        """
        lent = []
        with self.writing() as connection:
            connection.execute("DELETE FROM leases WHERE expires <= ?", (now,))
            for one in wanted:
                taken = connection.execute(
                    "SELECT 1 FROM leases WHERE garment = ? AND region = ? UNION ALL "
                    "SELECT 1 FROM events WHERE seq > ? AND garment = ? AND look = ?",
                    (
                        one.garment,
                        one.region,
                        1 << 62 if after is None else after,
                        one.garment,
                        one.look,
                    ),
                ).fetchone()
                if taken is None:
                    connection.execute(
                        "INSERT INTO leases (id, reviewer, queue, garment, look, region, "
                        "inclusion, expires) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                        (one.id, one.reviewer, one.queue, one.garment, one.look, one.region,
                         one.inclusion, one.expires),
                    )  # fmt: skip
                    lent.append(one)
        return lent

    def release(self, reviewer: str) -> None:
        """Give back all that a reviewer has before them."""
        with self.writing() as connection:
            connection.execute("DELETE FROM leases WHERE reviewer = ?", (reviewer,))

    @staticmethod
    def _stored(connection: sqlite3.Connection, name: str) -> Event | None:
        row = connection.execute(
            "SELECT seq, at, content FROM events WHERE id = ?", (name,)
        ).fetchone()
        return _event(*row) if row else None


def _event(seq: int, at: str, content: str) -> Event:
    told = json.loads(content)
    box = tuple(told["box"]) if told["box"] else None
    return Event(**{**told, "box": box}, seq=seq, at=datetime.fromisoformat(at))


def _inside(box: tuple[float, ...] | None) -> bool:
    if box is None or len(box) != 4 or not all(math.isfinite(edge) for edge in box):
        return False
    left, top, right, bottom = box
    return -0.01 <= left < right <= 1.01 and -0.01 <= top < bottom <= 1.01
