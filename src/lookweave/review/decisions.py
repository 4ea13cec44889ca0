"""What people decide about the library itself: near duplicates, selections, saved searches.

Events that are only ever added, as durable as verdicts, in a file of their own. Of what was decided
under one name the newest counts; taking back is one more event.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lookweave.errors import InputError
from lookweave.store.database import Database, is_uuid

FILE = "library.sqlite"
_FORMAT = 1

ABOUT = ("duplicates", "selection", "search")
DUPLICATES = ("keep", "merge", "ignore", "open")
"""What may be said of photos that look like one: they are different, they are one, do not ask, or
ask again."""

_LONGEST_NAME = 100
_MOST_PHOTOS = 50_000

_SCHEMA = """
CREATE TABLE IF NOT EXISTS decisions (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    at TEXT NOT NULL,
    person TEXT NOT NULL,
    about TEXT NOT NULL,
    name TEXT NOT NULL,
    content TEXT NOT NULL
) STRICT;
CREATE TRIGGER IF NOT EXISTS decisions_never_change BEFORE UPDATE ON decisions
    BEGIN SELECT RAISE(ABORT, 'a decision never changes'); END;
CREATE TRIGGER IF NOT EXISTS decisions_never_go BEFORE DELETE ON decisions
    BEGIN SELECT RAISE(ABORT, 'a decision never goes'); END;
"""


@dataclass(frozen=True)
class Decision:
    """One thing that one person decided. Never changed; a later one of the same name counts.

    Attributes:
        id: a UUID that the client chose: sent twice it counts once.
        person: who.
        about: of `ABOUT`.
        name: what it is about: ids of the photos with spaces between, or a selection's or saved
            search's name.
        content: of duplicates ``{"said", "kept"}``, of a selection ``{"add", "remove"}`` (lists of
            [kind, id]) or ``{"gone": true}``, of a search ``{"address"}``, "" when it is gone.
    """

    id: str
    person: str
    about: str
    name: str
    content: dict[str, Any]
    seq: int = 0
    at: datetime | None = None

    def checked(self) -> Decision:
        """This decision.

        Raises:
            InputError: something of it cannot be.
        """
        if not is_uuid(self.id):
            raise InputError(f"A decision's id is a UUID, not {self.id!r}.")
        if self.about not in ABOUT:
            raise InputError(f"A decision is about {', '.join(ABOUT)}, not {self.about!r}.")
        if not self.person.strip() or not self.name.strip():
            raise InputError("A decision names who decided, and what it is about.")
        if self.about != "duplicates" and not is_name(self.name):
            raise InputError(
                f"A name has up to {_LONGEST_NAME} characters, on one line, and no slash."
            )
        if self.about == "duplicates":
            said, photos = self.content.get("said"), self.name.split()
            if said not in DUPLICATES or len(photos) < 2:
                raise InputError(f"Of two or more photos one says {', '.join(DUPLICATES)}.")
            if (said == "merge") != (self.content.get("kept") in photos):
                raise InputError("To merge photos, say which one of them stands for all.")
        return self


def is_name(name: str) -> bool:
    """Whether a selection or a search may be called so."""
    return bool(name.strip()) and len(name) <= _LONGEST_NAME and "/" not in name and (
        name.isprintable() and name not in (".", "..")
    )  # fmt: skip


class Decisions(Database):
    """The decisions of one workspace. Safe to use from several threads and processes.

    Args:
        folder: of the workspace.
        reading: open no file that is not there and write nothing.

    Raises:
        WorkspaceError: the file is damaged or of another version.
    """

    def __init__(self, folder: Path, *, reading: bool = False) -> None:
        super().__init__(folder / FILE, _SCHEMA, _FORMAT, reading=reading)

    def append(self, decisions: Sequence[Decision]) -> list[Decision]:
        """Add decisions in one commit, all or none; returns them with seq and time.

        One whose id is known is not added again: what is stored comes back.

        Raises:
            InputError: a decision cannot be, or an id is known with another content.
        """
        for one in decisions:
            one.checked()
        added = []
        with self.writing() as connection:
            for one in decisions:
                row = connection.execute(
                    "SELECT seq, id, at, person, about, name, content FROM decisions WHERE id = ?",
                    (one.id,),
                ).fetchone()
                if row:
                    known = _decision(*row)
                    if replace(known, seq=0, at=None) != replace(one, seq=0, at=None):
                        raise InputError(f"The decision {one.id} is known with another content.")
                    added.append(known)
                    continue
                at = datetime.now(UTC)
                cursor = connection.execute(
                    "INSERT INTO decisions (id, at, person, about, name, content) "
                    "VALUES (?, ?, ?, ?, ?, ?)",
                    (one.id, at.isoformat(), one.person, one.about, one.name,
                     json.dumps(one.content, sort_keys=True)),
                )  # fmt: skip
                added.append(replace(one, seq=int(cursor.lastrowid or 0), at=at))
        return added

    def after(self, seq: int = 0) -> list[Decision]:
        """All whose seq is above `seq`, in order."""
        if not self.path.exists():
            return []
        with self.told():
            rows = (
                self.connection()
                .execute(
                    "SELECT seq, id, at, person, about, name, content FROM decisions WHERE seq > ? "
                    "ORDER BY seq",
                    (seq,),
                )
                .fetchall()
            )
        return [_decision(*row) for row in rows]


@dataclass(frozen=True)
class Selection:
    """Photos that somebody keeps together under a name.

    Attributes:
        photos: (kind, id), in the order in which they were added.
        person, at: who changed it last, and when.
    """

    name: str
    photos: tuple[tuple[str, str], ...]
    person: str
    at: datetime | None


class Decided:
    """What all decisions come to. `add` them in their order."""

    def __init__(self, decisions: Iterable[Decision] = ()) -> None:
        self.seq = 0
        self.selections: dict[str, Selection] = {}
        self.searches: dict[str, str] = {}
        self._duplicates: dict[str, Decision] = {}
        for one in decisions:
            self.add(one)

    def add(self, one: Decision) -> None:
        """Take one more in."""
        self.seq = max(self.seq, one.seq)
        if one.about == "duplicates":
            self._duplicates.pop(one.name, None)  # the newest comes last
            self._duplicates[one.name] = one
        elif one.about == "search":
            self.searches.pop(one.name, None)
            if one.content.get("address"):
                self.searches[one.name] = one.content["address"]
        elif one.content.get("gone"):
            self.selections.pop(one.name, None)
        else:
            known = self.selections.get(one.name)
            photos = dict.fromkeys(known.photos if known else ())
            photos.update(dict.fromkeys(map(_key, one.content.get("add", ()))))
            for key in map(_key, one.content.get("remove", ())):
                photos.pop(key, None)
            kept = tuple(photos)[:_MOST_PHOTOS]
            self.selections[one.name] = Selection(one.name, kept, one.person, one.at)

    def duplicates(self, photos: Collection[str]) -> Decision | None:
        """The newest decision on a set of photos: one about these or about more; None where
        nothing was decided, or it is open again."""
        for one in reversed(self._duplicates.values()):
            if set(photos) <= set(one.name.split()):
                return None if one.content["said"] == "open" else one
        return None

    def copies(self) -> dict[str, str]:
        """Photo -> the one that stands for it, of all photos merged into another."""
        found: dict[str, str] = {}
        for one in self._duplicates.values():
            photos = one.name.split()
            for photo in photos:
                found.pop(photo, None)
            if one.content["said"] == "merge":
                kept = one.content["kept"]
                found |= {photo: kept for photo in photos if photo != kept}
        return found


def _key(pair: Sequence[str]) -> tuple[str, str]:
    kind, photo = pair
    return kind, photo


def _decision(
    seq: int, name: str, at: str, person: str, about: str, what: str, content: str
) -> Decision:
    return Decision(name, person, about, what, json.loads(content), seq, datetime.fromisoformat(at))
