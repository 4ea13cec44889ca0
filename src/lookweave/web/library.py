"""The library: every photo that may be shown, with filters that say exactly how many there are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lookweave.errors import InputError
from lookweave.pipeline.setup import Setup
from lookweave.pipeline.steps.tier import TIERS, Tier
from lookweave.store.conditions import matching
from lookweave.store.workspace import Workspace

FIELDS = (
    "kind", "category", "brand", "season", "photographer", "shoot", "tier", "linked", "reviewed",
)  # fmt: skip
"""What can be filtered by, and nothing else."""

PAGE = 48
_MOST_VALUES = 30  # of one field that are offered, the most frequent first
_LONGEST = 300


@dataclass(frozen=True)
class Query:
    """What an address asks for. One field several times is "or", several fields are "and".

    Attributes:
        words: to search for; empty for all.
        wanted, unwanted: field -> values.
        after: id of the last photo of the page before.
    """

    words: str = ""
    wanted: dict[str, tuple[str, ...]] = field(default_factory=dict)
    unwanted: dict[str, tuple[str, ...]] = field(default_factory=dict)
    after: str = ""

    @classmethod
    def parse(cls, items: Iterable[tuple[str, str]]) -> Query:
        """Of the parameters of an address.

        Raises:
            InputError: a parameter that does not exist, or too long a value.
        """
        words, after = "", ""
        wanted: dict[str, list[str]] = {}
        unwanted: dict[str, list[str]] = {}
        for name, value in items:
            if len(value) > _LONGEST:
                raise InputError(f"{name} is longer than {_LONGEST} characters.")
            if name == "q":
                words = value.strip()
            elif name == "after":
                after = value
            elif name in FIELDS:
                wanted.setdefault(name, []).append(value)
            elif name.removeprefix("not.") in FIELDS:
                unwanted.setdefault(name.removeprefix("not."), []).append(value)
            else:
                raise InputError(
                    f"There is no filter {name[:50]!r}: {', '.join(FIELDS)}, each also with not."
                    " before it."
                )
        frozen = [
            {name: tuple(dict.fromkeys(each)) for name, each in one.items()}
            for one in (wanted, unwanted)
        ]
        return cls(words, frozen[0], frozen[1], after)

    def parameters(self) -> list[tuple[str, str]]:
        """The same as an address has it, without the page."""
        said = [("q", self.words)] if self.words else []
        said += [(name, one) for name, each in self.wanted.items() for one in each]
        return said + [(f"not.{name}", one) for name, each in self.unwanted.items() for one in each]

    def switched(self, name: str, value: str) -> list[tuple[str, str]]:
        """The parameters with one value more, or less where it was asked for."""
        pair = (name, value)
        own = self.parameters()
        return [one for one in own if one != pair] if pair in own else [*own, pair]


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


@dataclass
class Library:
    """All photos that may be shown, looks before garments, each by name.

    Attributes:
        id, name, title: object arrays of str.
        values: field -> object array of str; "" where nothing is known.
    """

    id: NDArray[np.object_]
    name: NDArray[np.object_]
    title: NDArray[np.object_]
    values: dict[str, NDArray[np.object_]]
    place: dict[str, int]

    @classmethod
    def read(cls, store: Workspace, setup: Setup, hidden: frozenset[str]) -> Library:
        """Of a workspace as it was at one moment.

        Args:
            hidden: ids of photos that may not be shown.
        """
        tiers: dict[str, int] = {}
        pairs = store.table("pairs").read(["garment", "look", "tier"], Tier(setup).rows)
        for pair in pairs.to_pylist():
            for photo in (pair["garment"], pair["look"]):
                tiers[photo] = min(tiers.get(photo, len(TIERS)), TIERS.index(pair["tier"]))
        reviewed = store.table("reviews").values("garment") | store.table("reviews").values("look")
        mine = matching(model=setup.models.describer.key, kind="garment")
        described = store.table("descriptions").read(["subject", "category"], mine).to_pylist()
        category = {row["subject"].partition(":")[0]: row["category"] for row in described}
        rows: list[dict[str, str]] = []
        for kind in ("look", "garment"):
            names = ("season", "photographer", "shoot") if kind == "look" else ()
            columns = ["id", "name", "title", "brand", *names]
            for row in store.table(f"{kind}s").read(columns).sort_by("name").to_pylist():
                if row["id"] in hidden:
                    continue
                tier = tiers.get(row["id"])
                said = {
                    **{name: row.get(name) or "" for name in ("id", "name", "title", *FIELDS)},
                    "kind": kind, "tier": "" if tier is None else TIERS[tier],
                    "category": (category.get(row["id"]) or "") if kind == "garment" else "",
                    "linked": "no" if tier is None else "yes",
                    "reviewed": "yes" if row["id"] in reviewed else "no",
                }  # fmt: skip
                rows.append(said)

        def array(name: str) -> NDArray[np.object_]:
            return np.array([row[name] for row in rows], object)

        ids = array("id")
        return cls(
            ids, array("name"), array("title"), {name: array(name) for name in FIELDS},
            {one: at for at, one in enumerate(ids.tolist())},
        )  # fmt: skip

    def fitting(self, query: Query, leaving: str = "") -> NDArray[np.bool_]:
        """Which photos fit the filters, those of the field `leaving` left aside."""
        fit = np.ones(len(self.id), bool)
        for name, values in query.wanted.items():
            if name != leaving:
                fit &= np.isin(self.values[name].astype(str), values)
        for name, values in query.unwanted.items():
            fit &= ~np.isin(self.values[name].astype(str), values)
        return fit

    def facets(self, query: Query, among: NDArray[np.bool_]) -> dict[str, list[Facet]]:
        """Field -> its values with their counts. Exact: each photo is looked at.

        Args:
            among: the photos that the words found, or all.
        """
        found = {}
        for name in FIELDS:
            own = self.values[name][self.fitting(query, leaving=name) & among].astype(str)
            values, counts = np.unique(own, return_counts=True)
            order = np.lexsort((values, -counts))
            chosen = query.wanted.get(name, ())
            each = [
                Facet(str(values[at]), int(counts[at]), str(values[at]) in chosen) for at in order
            ]
            shown = [one for one in each if one.value]
            found[name] = [one for at, one in enumerate(shown) if at < _MOST_VALUES or one.chosen]
        return {name: each for name, each in found.items() if each}

    def page(self, order: Sequence[int], after: str) -> tuple[list[int], str]:
        """The places of one page of an order, and the cursor of the next; "" at the end."""
        start = 0
        if after:
            last = self.place.get(after, -1)
            start = next((at + 1 for at, place in enumerate(order) if place == last), len(order))
        shown = list(order[start : start + PAGE])
        more = start + PAGE < len(order)
        return shown, str(self.id[shown[-1]]) if more else ""
