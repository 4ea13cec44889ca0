"""The rows of garments and looks, kept true to what sources, catalogues and takedowns say.

A photo is its bytes; it may be found in several places, and a place may hold other bytes
tomorrow. Its row is a function of the sources that hold it and of the takedowns, whatever came
first. A photo that nothing lists any more keeps its row, which says so; nothing is deleted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from lookweave.pipeline.steps.ingest.merge import photo_values
from lookweave.records import GARMENT, LOOK, PRODUCT_PHOTO, SOURCE, TableSpec
from lookweave.store import takedowns
from lookweave.store.conditions import matching
from lookweave.store.takedowns import Takedowns
from lookweave.store.workspace import Workspace

Row = Mapping[str, Any]

SPECS: dict[str, TableSpec] = {"garment": GARMENT, "look": LOOK}
DECODED = ("width", "height", "format", "bytes", "sha256", "phash")


def read_again(workspace: Workspace, found: list[Row]) -> None:
    """Store photos that were read.

    Args:
        found: kind and place, the file's size and modified_ns, the photo's id and `DECODED`;
            (kind, place) is unique among them.
    """
    rows: list[dict[str, Any]] = []
    for kind in SPECS:
        by_place = {row["place"]: row for row in found if row["kind"] == kind}
        for stored in _sources(workspace, kind, "place", by_place):
            here = by_place[stored["place"]]
            rows.append({**stored, **{name: here[name] for name in ("id", "size", "modified_ns")}})
    store(workspace, rows, {row["id"]: row for row in found})


def store(
    workspace: Workspace, rows: list[dict[str, Any]], decoded: Mapping[str, Row] | None = None
) -> int:
    """Add or change sources, and the photos that they speak of.

    Photos go first: should the process be killed between, a source that is not stored yet is
    looked at again, while a stored one without its photo would not be.

    Args:
        rows: of `SOURCE`; keys are unique among them.
        decoded: photo -> `DECODED`, of photos that were read just now.

    Returns:
        How many photos were listed, and are so no more.
    """
    gone = 0
    _bind_takedowns(workspace, rows)
    for kind in SPECS:
        fresh = [row for row in rows if row["kind"] == kind]
        if not fresh:
            continue
        before = _sources(workspace, kind, "place", {row["place"] for row in fresh})
        ids = {row["id"] for row in (*fresh, *before) if row["id"]}
        gone += settle(workspace, kind, ids, fresh, decoded)
    _show_products(workspace, rows)
    workspace.table("sources").upsert(SOURCE.table(rows))
    return gone


def settle(
    workspace: Workspace,
    kind: str,
    ids: Collection[str],
    fresh: Sequence[Row] = (),
    decoded: Mapping[str, Row] | None = None,
) -> int:
    """Make the rows of some photos what is said of them; those that are so already stay.

    Args:
        ids: photos of this kind.
        fresh: sources that are about to be stored, in place of stored ones with the same key.

    Returns:
        How many of them were listed, and are so no more.
    """
    keys = {(row["place"], row["input"]) for row in fresh}
    holders: dict[str, list[Row]] = defaultdict(list)
    for row in fresh:
        holders[row["id"]].append(row)
    for row in _sources(workspace, kind, "id", ids):
        if (row["place"], row["input"]) not in keys:
            holders[row["id"]].append(row)
    standing = Takedowns(workspace)
    table = workspace.table(f"{kind}s")
    stored = {row["id"]: row for row in table.rows_by("id", sorted(ids)).to_pylist()}
    rows, gone = [], 0
    for photo in sorted(ids):
        known = (decoded or {}).get(photo) or stored.get(photo)
        if known is None:
            continue  # it is not read yet
        row = {"id": photo, **{name: known[name] for name in DECODED}}
        listed = any(held["listed"] is not False for held in holders[photo])
        if listed or photo not in stored:
            row |= photo_values(kind, holders[photo])
        else:  # it stays as it was listed last
            row |= {**stored[photo], "listed": False}
        here = (held["place"] for held in holders[photo] if held["listed"] is not False)
        row["taken_down"] = standing.covers(photo, here)
        if row != (before := stored.get(photo)):
            rows.append(row)
            gone += before is not None and before["listed"] is not False and not row["listed"]
    table.upsert(SPECS[kind].table(rows))
    return gone


def _bind_takedowns(workspace: Workspace, rows: Iterable[Row]) -> None:
    """What is down at a place is down with the bytes that are there, wherever else they are."""
    standing = Takedowns(workspace)
    of_place = defaultdict(list)
    bound = set()
    for event in standing.standing:
        of_place[event["place"]].append(event)
        bound.add((event["place"], event["photo"], event["input"], event["statement"]))
    events = []
    for row in rows:
        for event in of_place.get(row["place"], ()):
            key = (event["place"], row["id"], event["input"], event["statement"])
            if row["id"] and key not in bound:
                bound.add(key)
                events.append(
                    takedowns.takedown_event(
                        row["place"],
                        row["id"],
                        name=row["name"],
                        statement=event["statement"],
                        by=event["by"],
                        at=event["at"],
                        source=event["input"],
                        due=event["due"],
                    )
                )
    takedowns.write(workspace, events)


def _show_products(workspace: Workspace, rows: Iterable[Row]) -> None:
    """Point articles at the photos that are found in their places now."""
    here = {row["place"]: row["id"] for row in rows if row["kind"] == "garment" and row["id"]}
    table = workspace.table("product_photos")
    links = table.rows_by("place", sorted(here)).to_pylist() if table.count() else []
    moved = [
        {**link, "garment": here[link["place"]]}
        for link in links
        if link["garment"] != here[link["place"]]
    ]
    table.upsert(PRODUCT_PHOTO.table(moved))


def _sources(
    workspace: Workspace, kind: str, name: str, values: Iterable[str]
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (
        workspace.table("sources")
        .rows_by(name, sorted(values), None, matching(kind=kind))
        .to_pylist()
    )
    return found
