"""Every pair by article, as compact JSON for the page's table; pictures are for the sheet alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lookweave.evaluate.verdicts import Verdicts
from lookweave.publish.products import products_of
from lookweave.report.distributions import TIERS, batches_of
from lookweave.report.scope import Scope
from lookweave.store.takedowns import down
from lookweave.store.workspace import Workspace
from lookweave.text import to_json, visible

MOST = 50_000
"""Pairs in the table at most, and articles without a pair: a browser must open the page."""

_COLUMNS = ["garment", "look", "tier", "score", "probability", "verified_by"]
_PHOTO = ["id", "name", "title", "brand", "photographer", "season", "taken_down",
          "listed"]  # fmt: skip
_CHUNK = 1000

TAKEN_DOWN, NOT_LISTED = 1, 2
"""Flags of a photo."""

RIGHT, WRONG = 1, 2
"""What people or the truth say of a pair."""


@dataclass(frozen=True)
class Listing:
    """The table of pairs.

    Attributes:
        data: JSON, safe inside a script element: ``garments`` (skus, title, brand, file name,
            flags), ``looks`` (title, credit, file name, flags), ``people`` (names), ``pairs``
            (garment, look, tier, thousandths of score and probability or null, verdict, who
            verified it or null), ``alone`` (garments without a pair); all but names are numbers.
        pairs: pairs in the table.
        left_out: pairs that are not, the least probable ones.
        alone: garments without a pair.
        several: garment photos with pairs that stand for several articles.
        same_name: looks with pairs whose file name another one has too.
        places: photo id -> its place in ``garments`` or ``looks``.
    """

    data: str
    pairs: int
    left_out: int
    alone: int
    several: int
    same_name: int
    places: tuple[dict[str, int], dict[str, int]] = field(repr=False)

    def key(self, garment: str, look: str) -> str:
        """How the table names a pair; empty where it is not in it."""
        garments, looks = self.places
        here = garment in garments and look in looks
        return f"{garments[garment]}-{looks[look]}" if here else ""


def listing(workspace: Workspace, scope: Scope, verdicts: Verdicts) -> Listing:
    """Read the pairs of the report, the likeliest `MOST` of them where there are more."""
    pairs, total = _likeliest(workspace, scope)
    garments = _Photos(workspace, "garments", pairs["garment"])
    looks = _Photos(workspace, "looks", pairs["look"])
    people: dict[str, int] = {}
    rows: list[list[Any]] = []
    for row in pairs.to_pylist():
        verdict = verdicts.of(row["garment"], row["look"])
        who = visible(", ".join(row["verified_by"] or ()), one_line=True)
        rows.append(
            [
                garments.place(row["garment"]), looks.place(row["look"]),
                TIERS.index(row["tier"]), _thousandths(row["score"]),
                _thousandths(row["probability"]),
                0 if verdict is None else RIGHT if verdict else WRONG,
                people.setdefault(who, len(people)) if who else None,
            ]
        )  # fmt: skip
    alone = garments.add_others()
    products = _skus(workspace, garments.ids)
    garment_rows = [
        [products.get(photo, []), *_words(garments.rows.get(photo), photo, "brand")]
        for photo in garments.ids
    ]
    look_rows = [
        _words(looks.rows.get(photo), photo, "photographer", "season") for photo in looks.ids
    ]
    names = Counter(name.rpartition("/")[2] for *_, name, _ in look_rows)
    data = {
        "garments": garment_rows,
        "looks": look_rows,
        "people": list(people),
        "pairs": rows,
        "alone": alone,
    }
    return Listing(
        # In a script element only this character could end it or begin a comment.
        data=to_json(data).replace("<", "\\u003c"),
        pairs=len(rows),
        left_out=total - len(rows),
        alone=len(alone),
        several=len({row[0] for row in rows if len(garment_rows[row[0]][0]) > 1}),
        same_name=sum(count for count in names.values() if count > 1),
        places=(garments.places, looks.places),
    )


def _likeliest(workspace: Workspace, scope: Scope) -> tuple[pa.Table, int]:
    order = [("probability", "descending"), ("score", "descending"),
             ("garment", "ascending"), ("look", "ascending")]  # fmt: skip
    empty = workspace.table("pairs").spec.schema.empty_table().select(_COLUMNS)
    kept, total = empty, 0
    for batch in batches_of(workspace, scope, _COLUMNS):
        total += batch.num_rows
        kept = pa.concat_tables([kept, batch]).sort_by(order).slice(0, MOST).combine_chunks()
    return kept, total


class _Photos:
    """Photos of one kind in the order in which they are met; memory holds `MOST` rows."""

    def __init__(self, workspace: Workspace, table: str, ids: pa.ChunkedArray) -> None:
        self._table = workspace.table(table)
        self._wanted = pc.unique(ids)
        self.ids: list[str] = []
        self.places: dict[str, int] = {}
        self._down = down(workspace)
        self.rows = {row["id"]: row for row in self._read(self._wanted)}

    def place(self, photo: str) -> int:
        if photo not in self.places:
            self.places[photo] = len(self.ids)
            self.ids.append(photo)
        return self.places[photo]

    def add_others(self) -> list[int]:
        """Places of the photos that have not been met, at most `MOST`."""
        others: list[int] = []
        for row in self._read(None):
            if row["id"] not in self.places and len(others) < MOST:
                self.rows[row["id"]] = row
                others.append(self.place(row["id"]))
        return others

    def _read(self, wanted: pa.Array | None) -> Iterator[dict[str, Any]]:
        schema = self._table.spec.schema
        for batch in self._table.scan([name for name in _PHOTO if name in schema.names]):
            known = batch if wanted is None else batch.filter(pc.is_in(batch["id"], wanted))
            for row in known.to_pylist():
                # Also what a day that came since the last build took down.
                yield {**row, "taken_down": row["taken_down"] or row["id"] in self._down}


def _words(row: dict[str, Any] | None, photo: str, *credit: str) -> list[Any]:
    """Title, credit, file name and flags of a photo."""
    if row is None:
        return [photo, "", photo, 0]
    flags = TAKEN_DOWN if row["taken_down"] else 0
    flags |= NOT_LISTED if row.get("listed") is False else 0
    said = ", ".join(row[name] for name in credit if row.get(name))
    title = row["title"] or ""
    return [*(visible(text, one_line=True) for text in (title, said, row["name"])), flags]


def _skus(workspace: Workspace, garments: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for start in range(0, len(garments), _CHUNK):
        for photo, products in products_of(workspace, garments[start : start + _CHUNK]).items():
            skus = [visible(one["sku"], one_line=True) for one in products if one["sku"]]
            found[photo] = skus
    return found


def _thousandths(value: float | None) -> int | None:
    return None if value is None or value != value else round(1000 * value)
