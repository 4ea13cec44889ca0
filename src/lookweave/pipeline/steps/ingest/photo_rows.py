"""The rows of garments and looks, kept true to the sources that they were found in.

A photo is its bytes; it may be found in several places, and a place may hold other bytes
tomorrow. Its row is a function of the sources that hold it now, whatever came first: the source
with the smallest path gives path, name and catalogue columns; what any source says of takedowns
and rights holds for the photo.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from lookweave.records import GARMENT, LOOK, SOURCE, TableSpec
from lookweave.sources.catalogue import noun_columns
from lookweave.store.conditions import ANY_ROW, Condition, column, matching
from lookweave.store.tables import Table
from lookweave.store.workspace import Workspace

Row = Mapping[str, Any]

SPECS: dict[str, TableSpec] = {"garment": GARMENT, "look": LOOK}
_DECODED = ("width", "height", "format", "bytes", "sha256", "phash")
_MOST_AT_ONCE = 4096  # values in one condition


def record(workspace: Workspace, rows: list[dict[str, Any]]) -> None:
    """Store ingested sources and the photos in them.

    Photos go first: should the process be killed between, a source that is not stored yet is
    ingested again, while a stored one without its photo would not be.

    Args:
        rows: columns of `SOURCE`, the decoded ones of a photo, and ``known``: whether the
            place was in the store before. (kind, path) is unique among them.
    """
    for kind in SPECS:
        ingested = [row for row in rows if row["kind"] == kind]
        known = [row["path"] for row in ingested if row["known"]]
        before = {row["id"] for row in _sources(workspace, kind, "path", known)}
        ids = before | {row["id"] for row in ingested}
        settle(workspace, kind, ids, ingested)
    columns = set(SOURCE.schema.names)
    stored = [{name: row[name] for name in columns} for row in rows]
    workspace.table("sources").upsert(SOURCE.table(stored))
    known = [row["path"] for row in rows if row["known"]]
    _delete(workspace.table("rejects"), "subject", known, matching(step="ingest"))


def settle(
    workspace: Workspace,
    kind: str,
    ids: Collection[str],
    ingested: Iterable[Row] = (),
    without: Collection[str] = (),
) -> None:
    """Make the rows of some photos what their sources say; forget those that have none left.

    Args:
        ids: photos of this kind.
        ingested: rows of `record` that are about to be stored; they replace stored sources of
            the same path.
        without: paths of stored sources that are about to be dropped.
    """
    fresh = {row["path"]: row for row in ingested}
    decoded: dict[str, Row] = {row["id"]: row for row in fresh.values()}
    holders: dict[str, list[Row]] = {photo: [] for photo in ids}
    for row in fresh.values():
        holders[row["id"]].append(row)
    for row in _sources(workspace, kind, "id", sorted(ids)):
        if row["path"] not in fresh and row["path"] not in without:
            holders[row["id"]].append(row)
    table = workspace.table(f"{kind}s")
    rest = sorted(photo for photo, found in holders.items() if found and photo not in decoded)
    for stored in _rows_by(table, "id", rest, ["id", *_DECODED]):
        decoded[stored["id"]] = stored
    rows = [
        _photo_row(kind, decoded[photo], found)
        for photo, found in sorted(holders.items())
        if found and photo in decoded
    ]
    table.upsert(SPECS[kind].table(rows))
    forget(workspace, kind, sorted(photo for photo, found in holders.items() if not found))


def _photo_row(kind: str, decoded: Row, holders: list[Row]) -> dict[str, Any]:
    first = min(holders, key=lambda row: str(row["path"]))
    columns = noun_columns(kind, json.loads(first["metadata"]))
    rights = sorted({row["rights"] for row in holders if row["rights"]})
    return {
        **columns,
        "id": decoded["id"],
        "path": first["path"],
        "name": first["name"],
        **{name: decoded[name] for name in _DECODED},
        "rights": "; ".join(rights) or None,
        "taken_down": any(row["taken_down"] for row in holders),
        "metadata": json.dumps(columns["metadata"], ensure_ascii=False, sort_keys=True),
    }


def forget(workspace: Workspace, kind: str, ids: list[str]) -> None:
    """Delete photos whose bytes are nowhere any more, and all that was derived from them.

    What they were derived into goes first, so that a killed process leaves no row that points
    nowhere. Reviews stay: a person's work is not deleted; so do thumbnails and copied bytes,
    which a snapshot may still be published from.
    """
    if not ids:
        return
    of_kind = matching(kind=kind)
    found = _rows_by(workspace.table("regions"), "subject", ids, ["id"], of_kind)
    regions = [row["id"] for row in found]
    for name in ("pairs", "matches"):
        _delete(workspace.table(name), kind, ids)
    for table in (workspace.table("descriptions"), *workspace.embedding_tables()):
        _delete(table, "subject", regions)
    later = column("step").differs("ingest")
    _delete(workspace.table("rejects"), "subject", [*ids, *regions], later)
    _delete(workspace.table("groups"), "subject", ids, of_kind)
    _delete(workspace.table("regions"), "subject", ids, of_kind)
    _delete(workspace.table(f"{kind}s"), "id", ids)


def follow_moved(workspace: Workspace, kind: str, vanished: list[str]) -> list[str]:
    """Drop vanished sources whose photo was found elsewhere too: the file was moved or renamed.

    Args:
        vanished: paths of sources of this kind that are no more.

    Returns:
        Those of `vanished` that were dropped.
    """
    gone = _sources(workspace, kind, "path", vanished)
    gone_paths = {row["path"] for row in gone}
    ids = sorted({row["id"] for row in gone})
    elsewhere = {
        row["id"] for row in _sources(workspace, kind, "id", ids) if row["path"] not in gone_paths
    }
    moved = sorted(row["path"] for row in gone if row["id"] in elsewhere)
    settle(workspace, kind, elsewhere, without=set(moved))
    _delete(workspace.table("sources"), "path", moved, matching(kind=kind))
    return moved


def _sources(workspace: Workspace, kind: str, name: str, values: list[str]) -> list[Row]:
    table = workspace.table("sources")
    return _rows_by(table, name, values, None, matching(kind=kind))


def _rows_by(
    table: Table, name: str, values: list[str], columns: list[str] | None,
    where: Condition = ANY_ROW,
) -> list[Row]:  # fmt: skip
    found: list[Row] = table.rows_by(name, values, columns, where).to_pylist()
    return found


def _delete(table: Table, name: str, values: list[str], where: Condition = ANY_ROW) -> None:
    """Delete only where there is something to delete: every deletion is a version of the table."""
    for start in range(0, len(values) if table.count() else 0, _MOST_AT_ONCE):
        some = where & column(name).is_in(values[start : start + _MOST_AT_ONCE])
        if table.count(some):
            table.delete(some)
