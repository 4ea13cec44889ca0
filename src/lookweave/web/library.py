"""The library: every photo that may be shown, with filters that say exactly how many there are."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookweave.errors import InputError
from lookweave.pipeline.setup import Setup
from lookweave.pipeline.steps.tier import TIERS, Tier
from lookweave.publish.rights import RightsRules
from lookweave.store.conditions import column, matching
from lookweave.store.workspace import Workspace

FIELDS = (
    "kind", "category", "colour", "pattern", "brand", "season", "photographer", "shoot", "rights",
    "tier", "linked", "reviewed",
)  # fmt: skip
"""What can be filtered by, and nothing else. A look has a category, colour and pattern for each
garment in it; ``rights`` is allowed, unknown or forbidden, as a publication would judge."""

SEVERAL = ("category", "colour", "pattern")
"""Fields of which one photo may have several values."""

BY = ("garment", "region", "look", "box", "picture")
"""What a query may ask by, beside words: a garment's photo, a region, a part of a look, or a
picture that was sent (its key)."""

PAGE = 48
_MOST_VALUES = 30  # of one field that are offered, the most frequent first
_LONGEST = 300

Mask = NDArray[np.bool_]
Places = NDArray[np.int64]


@dataclass(frozen=True)
class Query:
    """What an address asks for. One field several times is "or", several fields are "and".

    Attributes:
        words: to search for; empty for none.
        by: of `BY` -> value; empty for words or filters alone.
        wanted, unwanted: field -> values.
        since, until: bounds of the day a photo's file was last changed, both included.
        copies: also show photos that somebody merged into another.
        after: cursor of the page before.
    """

    words: str = ""
    by: dict[str, str] = field(default_factory=dict)
    wanted: dict[str, tuple[str, ...]] = field(default_factory=dict)
    unwanted: dict[str, tuple[str, ...]] = field(default_factory=dict)
    since: datetime.date | None = None
    until: datetime.date | None = None
    copies: bool = False
    after: str = ""

    @classmethod
    def parse(cls, items: Iterable[tuple[str, str]]) -> Query:
        """Of the parameters of an address.

        Raises:
            InputError: a parameter that does not exist, too long a value, or one that cannot be.
        """
        one: dict[str, str] = {}
        wanted: dict[str, list[str]] = {}
        unwanted: dict[str, list[str]] = {}
        for name, value in items:
            if len(value) > _LONGEST:
                raise InputError(f"{name} is longer than {_LONGEST} characters.")
            if name in ("q", "after", "since", "until", "copies", *BY):
                one[name] = value.strip()
            elif name in FIELDS:
                wanted.setdefault(name, []).append(value)
            elif name.removeprefix("not.") in FIELDS:
                unwanted.setdefault(name.removeprefix("not."), []).append(value)
            else:
                raise InputError(
                    f"There is no filter {name[:50]!r}: {', '.join(FIELDS)}, each also with not."
                    " before it; since and until."
                )
        frozen = [
            {name: tuple(dict.fromkeys(each)) for name, each in some.items()}
            for some in (wanted, unwanted)
        ]
        by = {name: one[name] for name in BY if one.get(name)}
        if set(by) not in (*({name} for name in BY[:2]), {"look", "box"}, {"picture"}, set()):
            raise InputError("Search by one of garment, region, picture, or by look and box.")
        return cls(
            one.get("q", ""), by, frozen[0], frozen[1], _day("since", one), _day("until", one),
            one.get("copies") == "yes", one.get("after", ""),
        )  # fmt: skip

    @property
    def is_asked(self) -> bool:
        """There is something to rank by."""
        return bool(self.words or self.by)

    def parameters(self) -> list[tuple[str, str]]:
        """The same as an address has it, without the page."""
        said = [("q", self.words)] if self.words else []
        said += [*self.by.items()]
        said += [(name, one) for name, each in self.wanted.items() for one in each]
        said += [(f"not.{name}", one) for name, each in self.unwanted.items() for one in each]
        days = (("since", self.since), ("until", self.until))
        said += [(name, day.isoformat()) for name, day in days if day]
        return said + ([("copies", "yes")] if self.copies else [])

    def switched(self, name: str, value: str) -> list[tuple[str, str]]:
        """The parameters with one value more, or less where it was asked for."""
        pair = (name, value)
        own = self.parameters()
        return [one for one in own if one != pair] if pair in own else [*own, pair]


def _day(name: str, given: dict[str, str]) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(given[name]) if given.get(name) else None
    except ValueError as error:
        raise InputError(f"{name} is a day, such as 2026-11-30, not {given[name]!r}.") from error


@dataclass(frozen=True)
class Facet:
    """One value of a field.

    Attributes:
        count: photos that have it and fit all other fields' filters.
        chosen: it is asked for.
    """

    value: str
    count: int
    chosen: bool


@dataclass(frozen=True)
class Field:
    """One field of all photos: none, one or several values each.

    Attributes:
        values: those that occur, ascending.
        place, code: int32, a row for each photo and value: the photo's place, ascending, and the
            value's place in `values`.
    """

    values: NDArray[np.str_]
    place: NDArray[np.int32]
    code: NDArray[np.int32]

    @classmethod
    def of(cls, rows: Sequence[str | Collection[str]]) -> Field:
        """Of the value or values of each photo; "" is none."""
        several = [(one,) if isinstance(one, str) else one for one in rows]
        pairs = [(at, value) for at, each in enumerate(several) for value in set(each) if value]
        if not pairs:
            none = np.empty(0, np.int32)
            return cls(np.empty(0, "U1"), none, none)
        values, code = np.unique([value for _, value in pairs], return_inverse=True)
        return cls(values, np.array([at for at, _ in pairs], np.int32), code.astype(np.int32))

    def having(self, values: Collection[str], count: int) -> Mask:
        """Which of the `count` photos have one of these values; "" stands for having none."""
        codes = np.isin(self.values, list(values))
        found = np.zeros(count, bool)
        found[self.place[codes[self.code]]] = True
        if "" in values:
            empty = np.ones(count, bool)
            empty[self.place] = False
            found |= empty
        return found

    def counts(self, among: Mask) -> NDArray[np.int64]:
        """How many photos of a set have each value."""
        return np.bincount(self.code[among[self.place]], minlength=len(self.values))

    def of_place(self, at: int) -> tuple[str, ...]:
        """The values of one photo."""
        first, end = np.searchsorted(self.place, [at, at + 1])
        return tuple(str(one) for one in self.values[self.code[first:end]])


@dataclass
class Library:
    """All photos that may be shown, looks before garments, each by name.

    Attributes:
        kind, id, name, title: object arrays of str.
        fields: of `FIELDS`.
        day: datetime64[D], of the newest change of the photo's file; NaT where nobody knows.
        copy: merged into another photo.
        place: (kind, id) -> place.
    """

    kind: NDArray[np.object_]
    id: NDArray[np.object_]
    name: NDArray[np.object_]
    title: NDArray[np.object_]
    fields: dict[str, Field]
    day: NDArray[np.datetime64]
    copy: Mask
    place: dict[tuple[str, str], int]

    @classmethod
    def read(cls, store: Workspace, setup: Setup, hidden: frozenset[str]) -> Library:
        """Of a workspace as it was at one moment.

        Args:
            hidden: ids of photos that may not be shown.
        """
        tiers: dict[tuple[str, str], int] = {}
        pairs = store.table("pairs").read(["garment", "look", "tier"], Tier(setup).rows)
        for pair in pairs.to_pylist():
            for kind in ("garment", "look"):
                key = (kind, pair[kind])
                tiers[key] = min(tiers.get(key, len(TIERS)), TIERS.index(pair["tier"]))
        reviewed = {
            (kind, one)
            for kind in ("garment", "look")
            for one in store.table("reviews").values(kind)
        }
        described = _described(store, setup)
        days = _days(store)
        rules = RightsRules()
        rows: list[dict[str, Any]] = []
        for kind in ("look", "garment"):
            credits_ = ("season", "photographer", "shoot") if kind == "look" else ()
            columns = ["id", "name", "title", "brand", "rights", *credits_]
            for row in store.table(f"{kind}s").read(columns).sort_by("name").to_pylist():
                key = (kind, row["id"])
                if row["id"] in hidden:
                    continue
                tier = tiers.get(key)
                rows.append(
                    {
                        **{name: row.get(name) or "" for name in ("id", "name", "title", *FIELDS)},
                        **dict(zip(SEVERAL, described.get(key, ("", "", "")), strict=True)),
                        "kind": kind, "tier": "" if tier is None else TIERS[tier],
                        "rights": rules.judge(row["rights"]).standing.value,
                        "linked": "no" if tier is None else "yes",
                        "reviewed": "yes" if key in reviewed else "no",
                        "day": days.get(key),
                    }
                )  # fmt: skip

        def array(name: str) -> NDArray[np.object_]:
            return np.array([row[name] for row in rows], object)

        kinds, ids = array("kind"), array("id")
        return cls(
            kinds, ids, array("name"), array("title"),
            {name: Field.of([row[name] for row in rows]) for name in FIELDS},
            np.array([row["day"] for row in rows], "datetime64[D]"), np.zeros(len(rows), bool),
            {key: at for at, key in enumerate(zip(kinds.tolist(), ids.tolist(), strict=True))},
        )  # fmt: skip

    def __len__(self) -> int:
        return len(self.id)

    def with_said(
        self, linked: Collection[tuple[str, str]], reviewed: Collection[tuple[str, str]],
        copies: Collection[tuple[str, str]],
    ) -> Library:  # fmt: skip
        """The same with what people said since the last build.

        Args:
            linked, reviewed: (kind, id) of photos in a link, and of those that anything is said
                of.
            copies: of those merged into another.
        """
        fields = dict(self.fields)
        for name, keys in (("linked", linked), ("reviewed", reviewed)):
            has = self.fields[name].having(["yes"], len(self))
            has[[self.place[key] for key in keys if key in self.place]] = True
            fields[name] = Field.of(["yes" if one else "no" for one in has.tolist()])
        copy = np.zeros(len(self), bool)
        copy[[self.place[key] for key in copies if key in self.place]] = True
        return replace(self, fields=fields, copy=copy)

    def fitting(self, query: Query, leaving: str = "") -> Mask:
        """Which photos fit the filters, those of the field `leaving` left aside."""
        fit = np.ones(len(self), bool) if query.copies else ~self.copy
        for name, values in query.wanted.items():
            if name != leaving:
                fit &= self.fields[name].having(values, len(self))
        for name, values in query.unwanted.items():
            fit &= ~self.fields[name].having(values, len(self))
        if query.since:
            fit &= self.day >= np.datetime64(query.since)  # a day that nobody knows never fits
        if query.until:
            fit &= self.day <= np.datetime64(query.until)
        return fit

    def facets(self, query: Query, among: Mask) -> dict[str, list[Facet]]:
        """Field -> its values with their counts. Exact: each photo is looked at.

        Args:
            among: the photos that the search found, or all.
        """
        found = {}
        for name in FIELDS:
            own = self.fields[name]
            counts = own.counts(self.fitting(query, leaving=name) & among)
            order = np.lexsort((own.values, -counts))
            chosen = query.wanted.get(name, ())
            each = [
                Facet(str(own.values[at]), int(counts[at]), str(own.values[at]) in chosen)
                for at in order
            ]
            shown = [one for one in each if one.count or one.chosen]
            found[name] = [one for at, one in enumerate(shown) if at < _MOST_VALUES or one.chosen]
        return {name: each for name, each in found.items() if each}

    def page(self, order: Places, after: str) -> tuple[list[int], str]:
        """The places of one page of an order, and the cursor of the next; "" at the end."""
        start = 0
        if after:
            kind, _, name = after.partition(".")
            at = np.flatnonzero(order == self.place.get((kind, name), -1))
            start = int(at[0]) + 1 if len(at) else len(order)
        shown = order[start : start + PAGE].tolist()
        more = start + PAGE < len(order)
        return shown, f"{self.kind[shown[-1]]}.{self.id[shown[-1]]}" if more else ""

    def told(self, at: int) -> dict[str, Any]:
        """One photo: id, name, title and its fields; those of `SEVERAL` are lists."""
        values = {name: self.fields[name].of_place(at) for name in FIELDS}
        return {
            "id": self.id[at], "name": self.name[at], "title": self.title[at],
            **{name: list(each) if name in SEVERAL else "".join(each[:1])
               for name, each in values.items()},
        }  # fmt: skip


def _described(
    store: Workspace, setup: Setup
) -> dict[tuple[str, str], tuple[set[str], set[str], set[str]]]:
    """(kind, photo) -> the categories, colours and patterns of its regions."""
    mine = matching(model=setup.models.describer.key)
    mine &= column("subject").contains(f":{setup.models.detector.key}:")
    found: dict[tuple[str, str], tuple[set[str], set[str], set[str]]] = {}
    columns = ["subject", "kind", "category", "colours", "pattern"]
    for batch in store.table("descriptions").scan(columns, mine):
        for row in batch.to_pylist():
            key = (row["kind"], row["subject"].partition(":")[0])
            categories, colours, patterns = found.setdefault(key, (set(), set(), set()))
            categories.update([row["category"] or ""])
            colours.update(row["colours"] or ())
            patterns.update([row["pattern"] or ""])
    return found


def _days(store: Workspace) -> dict[tuple[str, str], datetime.date]:
    """(kind, photo) -> the day of its file, in the time zone of UTC."""
    newest: dict[tuple[str, str], int] = {}
    listed = column("listed").is_not_false() & column("modified_ns").is_given()
    for batch in store.table("sources").scan(["kind", "id", "modified_ns"], listed):
        for row in batch.to_pylist():
            key = (row["kind"], row["id"])
            newest[key] = max(newest.get(key, 0), row["modified_ns"])
    return {
        key: datetime.datetime.fromtimestamp(at / 1e9, datetime.UTC).date()
        for key, at in newest.items()
    }
