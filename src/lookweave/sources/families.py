"""What rows of a manifest take over from others: a variant from its parent, a size from its
colourway.

Kept in a temporary database on the disk, so that memory does not grow with the manifest.
"""

from __future__ import annotations

import datetime
import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lookweave.sources.rows import Named, RowSays
from lookweave.sources.source import ProductFacts

_LAST = 256  # families in memory
_KEPT_FACTS = ("title", "brand", "category", "url", "style", "colour")


@dataclass
class Family:
    """What rows of one key say together.

    Attributes:
        pictures: of the article as a whole, in the order of their positions.
        own: pictures that belong to one variant each.
        options: names of the variants' options, by the column of their value.
    """

    pictures: list[Named] = field(default_factory=list)
    own: set[str] = field(default_factory=set)
    facts: ProductFacts = field(default_factory=ProductFacts)
    rights: tuple[str, ...] = ()
    takedowns: tuple[str, ...] = ()
    takedown_due: datetime.date | None = None
    options: dict[str, str] = field(default_factory=dict)


class Families:
    """Families by key, each put together from any number of rows."""

    def __init__(self) -> None:
        self._disk = sqlite3.connect("", check_same_thread=False)  # a file that SQLite removes
        self._disk.execute("PRAGMA journal_mode=OFF")
        self._disk.execute("CREATE TABLE said (key TEXT, line INTEGER, what TEXT)")
        self._disk.execute("CREATE TABLE parents (child TEXT, parent TEXT)")
        self._indexed = False
        self._last: dict[str, Family | None] = {}  # rows of a family mostly stand together

    def add(
        self,
        key: str,
        line: int,
        pictures: Sequence[tuple[float, Named]] = (),
        own: Sequence[str] = (),
        says: RowSays | None = None,
        options: dict[str, str] | None = None,
    ) -> None:
        """Keep what a row says for others of its key; `pictures` come with their positions."""
        what: dict[str, Any] = {
            "pictures": [(position, each.texts, each.role) for position, each in pictures],
            "own": list(own),
            "facts": {},
            "options": options or {},
        }
        if says is not None:
            what["facts"] = {name: getattr(says.facts, name) for name in _KEPT_FACTS}
            what["rights"], what["takedowns"] = says.rights, says.takedowns
            what["due"] = says.takedown_due.isoformat() if says.takedown_due else None
        self._disk.execute("INSERT INTO said VALUES (?, ?, ?)", (key, line, json.dumps(what)))

    def add_child(self, child: str, parent: str) -> None:
        """Keep that a parent's row names this child."""
        self._disk.execute("INSERT INTO parents VALUES (?, ?)", (child, parent))

    def parent_of(self, child: str) -> str | None:
        """The parent whose row names this child."""
        self._index()
        found = self._disk.execute(
            "SELECT parent FROM parents WHERE child = ? ORDER BY parent LIMIT 1", (child,)
        ).fetchone()
        return str(found[0]) if found else None

    def children_of(self, parent: str) -> list[str]:
        """The children that a parent's row names."""
        self._index()
        found = self._disk.execute(
            "SELECT DISTINCT child FROM parents WHERE parent = ? ORDER BY child", (parent,)
        )
        return [str(child) for (child,) in found]

    def get(self, key: str) -> Family | None:
        """The family of a key; None where no row had anything for it."""
        if key not in self._last:
            if len(self._last) >= _LAST:
                self._last.clear()
            self._last[key] = self._read(key)
        return self._last[key]

    def _index(self) -> None:
        if not self._indexed:
            self._disk.execute("CREATE INDEX said_key ON said (key)")
            self._disk.execute("CREATE INDEX parents_child ON parents (child)")
            self._disk.execute("CREATE INDEX parents_parent ON parents (parent)")
            self._indexed = True

    def _read(self, key: str) -> Family | None:
        self._index()
        rows = self._disk.execute("SELECT what FROM said WHERE key = ? ORDER BY line", (key,))
        said: list[dict[str, Any]] = [json.loads(what) for (what,) in rows]
        if not said:
            return None
        family = Family()
        placed: list[tuple[float, Named]] = []
        facts: dict[str, Any] = {}
        for each in said:
            placed += [(at, Named(tuple(texts), role)) for at, texts, role in each["pictures"]]
            family.own |= set(each["own"])
            facts = {**each["facts"], **{name: told for name, told in facts.items() if told}}
            family.rights = tuple(dict.fromkeys((*family.rights, *each.get("rights", ()))))
            taken = (*family.takedowns, *each.get("takedowns", ()))
            family.takedowns = tuple(dict.fromkeys(taken))
            if each.get("due"):
                due = datetime.date.fromisoformat(each["due"])
                family.takedown_due = min(family.takedown_due or due, due)
            family.options = {**each["options"], **family.options}
        family.facts = replace(family.facts, **facts)
        once = {named.texts[0]: named for _, named in sorted(placed, key=lambda each: -each[0])}
        family.pictures = sorted(once.values(), key=lambda named: _place(named, placed))
        return family


def _place(named: Named, placed: Sequence[tuple[float, Named]]) -> tuple[float, int]:
    return min(
        (position, order)
        for order, (position, each) in enumerate(placed)
        if each.texts[0] == named.texts[0]
    )
