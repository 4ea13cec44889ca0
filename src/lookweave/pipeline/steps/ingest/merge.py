"""All that is said of one thing, made one: pure functions, and no order counts.

A photo may be named by several rows of a manifest, by several inputs, and found in several
places; an article may have several rows. Whoever says it is taken down is heard; of rights every
statement is kept, for the strictest to count; of two values for one column the same one is
always chosen.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from lookweave.records import fingerprint
from lookweave.sources import Source
from lookweave.store.products import ROLES

Row = Mapping[str, Any]

_GARMENT = ("sku", "title", "brand", "category", "url")
_LOOK = ("title", "brand", "season", "photographer", "shoot", "url")
_PRODUCT = (
    "sku", "gtin", "title", "brand", "style", "colour", "size", "category", "url",
)  # fmt: skip


ROW = (
    "seq", "kind", "place", "input", "photo", "path", "name", "size", "modified_ns", "says",
    "rights", "takedowns", "due", "reason", "detail", "retry", "article", "role", "position",
)  # fmt: skip
"""One row of a listing, flat. seq: its position in the listing; place: canonical; photo: it names
one; due: the first later day of a takedown, as ISO 8601; reason, detail, retry: why it cannot be
read; article: what tells its article from the others of its catalogue."""

PLACE = (
    "seq", "kind", "place", "input", "photo", "path", "name", "size", "modified_ns", "rights",
    "takedowns", "due", "metadata", "state", "reason", "detail", "retry",
)  # fmt: skip
"""What one input says of one place, by all its rows. metadata: a JSON list of what they say;
state: a digest of what `sources` keeps, the file's own state aside."""


def listed_row(seq: int, source: Source, place: str) -> tuple[Any, ...]:
    """A row of a listing as a tuple of `ROW`."""
    problem = source.problem
    found = {
        "seq": seq,
        "kind": source.kind,
        "place": place,
        "input": source.input,
        "photo": _names_a_photo(source),
        "path": source.path,
        "name": source.name,
        "size": source.size,
        "modified_ns": source.modified_ns,
        "says": _says(source),
        "rights": statements(source.rights),
        "takedowns": as_json(sorted(set(source.takedowns))),
        "due": source.takedown_due.isoformat() if source.takedown_due else None,
        "reason": problem.reason if problem else None,
        "detail": problem.detail if problem else None,
        "retry": problem.retry if problem else None,
        "article": _article(source),
        "role": source.role,
        "position": source.position,
    }
    return tuple(found[name] for name in ROW)


def _names_a_photo(source: Source) -> bool:
    if source.problem is not None and source.problem.reason == "unreadable_folder":
        return False
    return source.path != f"{source.input}:{source.line}"


def _says(source: Source) -> str | None:
    """What a row says of its photo, as JSON; None where it says nothing.

    Rights and takedowns aside: they are columns of their own.
    """
    facts = {name: value for name, value in asdict(source.facts).items() if value is not None}
    further = dict(source.further)
    if not facts and not further:
        return None
    said: dict[str, Any] = {"facts": facts, "further": further}
    if source.role != "main":
        said["role"] = source.role
    if source.position:
        said["position"] = source.position
    return as_json(said)


def _article(source: Source) -> str | None:
    if source.kind != "garment":
        return None
    facts = asdict(source.facts)
    for name in ("sku", "gtin"):
        if facts[name] is not None:
            return f"{name} {facts[name]}"
    if all(value is None for value in facts.values()):
        return None
    if facts["style"] is not None:
        return f"style {as_json([facts[name] for name in ('style', 'colour', 'size')])}"
    return f"row {fingerprint(as_json(dict(source.cells)))}"


def one_place(rows: Sequence[Row]) -> dict[str, Any]:
    """The rows of one input that name one place, as one row of `PLACE`.

    Args:
        rows: of `ROW`; at least one.
    """
    readable = [row for row in rows if row["reason"] is None] or rows
    first = min(readable, key=lambda row: (row["path"], row["name"], row["reason"] or ""))
    one = {
        **{name: first[name] for name in PLACE if name in ROW},
        "seq": min(row["seq"] for row in rows),
        "path": max(row["path"] for row in readable),
        "rights": statements(row["rights"] for row in rows),
        "takedowns": as_json(
            sorted({text for row in rows for text in json.loads(row["takedowns"])})
        ),
        "due": min((row["due"] for row in rows if row["due"]), default=None),
        "metadata": _list({row["says"] for row in rows if row["says"]}),
    }
    said = ("path", "name", "rights", "takedowns", "due", "metadata")
    return {**one, "state": fingerprint(*(one[name] for name in said))}


def state_of(stored: Row) -> str:
    """The `PLACE` state of a row of `sources`."""
    due = stored["takedown_due"]
    return fingerprint(
        stored["path"], stored["name"], stored["rights"],
        as_json(stored["takedowns"] or []), due.isoformat() if due else None, stored["metadata"],
    )  # fmt: skip


def statements(texts: Iterable[str | None]) -> str | None:
    """Different statements of rights in one field; None where there is none."""
    found = {part.strip() for text in texts for part in (text or "").split(_BETWEEN)}
    return _BETWEEN.join(sorted(found - {""})) or None


_BETWEEN = "; "


def photo_values(kind: str, holders: Sequence[Row]) -> dict[str, Any]:
    """The columns of a garment or look, `id` and what was decoded aside.

    Args:
        holders: rows of `sources` with the photo's bytes; at least one.

    Returns:
        All but ``taken_down``, which `takedowns` says.
    """
    now = [row for row in holders if row["listed"] is not False]
    here = now or holders
    first = min(here, key=lambda row: (str(row["path"]), str(row["input"])))
    # A folder says nothing: what a manifest said last holds until some input says otherwise.
    heard = [row for row in here if row["rights"]] or holders
    told = [row for row in here if row["metadata"] not in (None, "", "[]", "{}")] or holders
    said = sorted(
        (one for row in told for one in _said(row["metadata"])),
        key=lambda one: (
            ROLES.index(one.get("role", "main")), "sku" not in one["facts"],
            str(one["facts"].get("sku", "")), one.get("position", 0), as_json(one),
        ),
    )  # fmt: skip
    facts = [one["facts"] for one in said]
    values = _filled(facts, _GARMENT if kind == "garment" else _LOOK)
    if kind == "garment":
        values["price"] = next((each["price"] for each in facts if "price" in each), None)
        style = next((each["style"] for each in facts if "style" in each), None)
        values["product"] = style or values["sku"]
    further: dict[str, Any] = {}
    for one in reversed(said):
        further |= one["further"]
    return {
        **values,
        "path": first["path"],
        "name": first["name"],
        "rights": statements(row["rights"] for row in heard),
        "listed": bool(now),
        "metadata": as_json(further),
    }


def picture_order(row: Row) -> tuple[int, int]:
    """Of several rows that name one picture of one article, the smallest says what it shows."""
    return ROLES.index(row["role"]), row["position"]


def product_values(rows: Sequence[Row]) -> dict[str, Any]:
    """The columns of a product, `id`, `catalogue` and `listed` aside.

    Args:
        rows: of `ROW`, all of one article; at least one.
    """
    said = [json.loads(row["says"]) for row in rows if row["says"]]
    # Rows that say most come first, so that a price stays with its currency.
    said.sort(key=lambda one: (-len(one["facts"]), as_json(one)))
    facts = [one["facts"] for one in said]
    priced: Row = next((each for each in facts if "price" in each), {})
    further: dict[str, Any] = {}
    for one in reversed(said):
        further |= one["further"]
    return {
        **_filled(facts, _PRODUCT),
        "price": priced.get("price"),
        "currency": priced.get("currency"),
        "rights": statements(row["rights"] for row in rows),
        "taken_down": any(json.loads(row["takedowns"]) for row in rows),
        "metadata": as_json(further),
    }


def as_json(value: object) -> str:
    """The same text for the same value."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def _filled(facts: Sequence[Row], names: Iterable[str]) -> dict[str, Any]:
    return {name: next((each[name] for each in facts if name in each), None) for name in names}


def _list(texts: Iterable[str]) -> str:
    """JSON texts as one JSON list."""
    return f"[{', '.join(sorted(texts))}]"


def _said(metadata: str | None) -> list[dict[str, Any]]:
    found = json.loads(metadata or "[]")
    return found if isinstance(found, list) else []  # an earlier version kept the bare row
