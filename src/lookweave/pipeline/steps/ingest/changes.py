"""What a listing changes in the store before any photo is read."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, TypeVar

import pyarrow as pa

from lookweave.pipeline.steps.ingest import merge, photo_rows
from lookweave.pipeline.steps.ingest.ledger import Ledger
from lookweave.records import PRODUCT, PRODUCT_PHOTO, SOURCE, product_id
from lookweave.store import inputs, takedowns
from lookweave.store.conditions import column, matching
from lookweave.store.takedowns import Takedowns
from lookweave.store.workspace import Workspace

Row = Mapping[str, Any]
T = TypeVar("T")

_AT_ONCE = 4096
_CATALOGUE = "its catalogue"
_EARLIER = "an earlier version of Lookweave"


def settle(
    workspace: Workspace, ledger: Ledger, given: inputs.Kinds, canonical: Callable[[str], str]
) -> list[str]:
    """Write down what is listed, and by whom.

    Safe to stop at any moment and call again: what a change is told by is stored last.

    Args:
        ledger: all rows of the listing, and what the store knew before.
        given: kind -> inputs that were listed.
        canonical: path or address -> place.

    Returns:
        Sentences about photos that are listed no more, and that are taken down now.
    """
    adopt_earlier_rows(workspace, canonical)
    _keep_inputs(workspace, given, ledger)
    _keep_articles(workspace, ledger)
    gone = 0
    for rows in _chunks(ledger.said_anew()):
        _hear_takedowns(workspace, rows)
        gone += photo_rows.store(workspace, _as_sources(workspace, rows))
    for rows in _chunks(ledger.listed_no_more()):
        gone += unlist(workspace, rows)
    rejects = workspace.table("rejects")
    for subjects in _chunks(ledger.dealt_with()):
        rejects.delete(matching(step="ingest") & column("subject").is_in(subjects))
    taken_down = show_takedowns(workspace)
    notes = []
    if gone:
        notes.append(
            f"{_photos(gone)} no longer listed by any input and {_leave(gone)} pairs and "
            "publications; the rows are kept."
        )
    if taken_down:
        notes.append(
            f"{_photos(taken_down)} newly taken down; `lookweave takedown WS --list` says by whom."
        )
    return notes


def _photos(count: int) -> str:
    return "1 photo is" if count == 1 else f"{count} photos are"


def _leave(count: int) -> str:
    return "leaves" if count == 1 else "leave"


def unlist(workspace: Workspace, keys: Iterable[Row]) -> int:
    """Mark sources as listed no more; they and their photos stay.

    Args:
        keys: kind, place and input of sources.

    Returns:
        How many photos are listed by nobody now.
    """
    wanted = {(key["kind"], key["place"], key["input"]) for key in keys}
    table = workspace.table("sources")
    rows = [
        {**row, "listed": False}
        for row in table.rows_by("place", sorted({place for _, place, _ in wanted})).to_pylist()
        if (row["kind"], row["place"], row["input"]) in wanted
    ]
    return photo_rows.store(workspace, rows)


def show_takedowns(workspace: Workspace) -> int:
    """Make ``taken_down`` of garments and looks what the takedowns say today.

    Returns:
        How many photos were not marked before.
    """
    changed = 0
    down = takedowns.down(workspace)
    for kind in photo_rows.SPECS:
        table = workspace.table(f"{kind}s")
        marked = table.values("id", matching(taken_down=True))
        known = set(table.rows_by("id", sorted(down), ["id"]).column("id").to_pylist())
        photo_rows.settle(workspace, kind, marked ^ known)
        changed += len(known - marked)
    return changed


def adopt_earlier_rows(workspace: Workspace, canonical: Callable[[str], str]) -> None:
    """Give rows of an earlier version, which knew one row a place, what this one keeps: an
    unnamed input, which lists nothing any more, and an event for each takedown."""
    table = workspace.table("sources")
    earlier = column("place").is_null()
    if not table.count(earlier):
        return
    taken_down = earlier & matching(taken_down=True)
    events = [
        takedowns.takedown_event(
            canonical(row["path"]), row["id"], name=row["name"], statement="taken down",
            by=_EARLIER, at=takedowns.now(), source="",
        )
        for row in table.read(None, taken_down).to_pylist()
    ]  # fmt: skip
    known = {event["photo"] for event in Takedowns(workspace).standing}
    takedowns.write(workspace, [event for event in events if event["photo"] not in known])

    def adopted() -> Iterator[pa.Table]:
        for batch in table.scan(None, earlier):
            rows = [
                {
                    **row, "place": canonical(row["path"]), "input": "", "takedowns": [],
                    "listed": True, "metadata": "[]",
                }
                for row in batch.to_pylist()
            ]  # fmt: skip
            yield SOURCE.table(rows)

    table.replace(adopted(), earlier)


def _keep_inputs(workspace: Workspace, given: inputs.Kinds, ledger: Ledger) -> None:
    stored, counts = inputs.stored(workspace), ledger.photos_of_inputs()
    rows = []
    for kind, paths in given.items():
        for path in paths:
            row = {
                "kind": kind, "path": path, "added": takedowns.now(), "dropped": None,
                "photos": counts.get((kind, path), 0),
            }  # fmt: skip
            before = stored.get((kind, path))
            if before and before["dropped"] is None:
                row["added"] = before["added"]
            if row != before:
                rows.append(row)
    if rows:
        inputs.write(workspace, rows)


def _keep_articles(workspace: Workspace, ledger: Ledger) -> None:
    products, links = workspace.table("products"), workspace.table("product_photos")
    for articles in _chunks(ledger.articles()):
        rows, shown = [], {}
        for same in articles:
            catalogue = same[0]["input"]
            article = product_id(catalogue, same[0]["article"])
            values = merge.product_values(same)
            rows.append({**values, "id": article, "catalogue": catalogue, "listed": True})
            for row in sorted(same, key=merge.picture_order, reverse=True):
                if row["photo"]:
                    shown[article, row["place"]] = {
                        "product": article, "place": row["place"], "garment": None,
                        "role": row["role"], "position": row["position"], "listed": True,
                    }  # fmt: skip
        ids = [row["id"] for row in rows]
        before = {row["id"]: row for row in products.rows_by("id", ids).to_pylist()}
        products.upsert(PRODUCT.table([row for row in rows if row != before.get(row["id"])]))
        _link(workspace, shown, ids)
        ledger.add("article", ((one,) for one in ids))
    gone = [
        {**row, "listed": False}
        for batch in products.scan(None, column("listed").is_not_false())
        for row in ledger.without_article(batch.to_pylist())
    ]
    products.upsert(PRODUCT.table(gone))
    for some in _chunks(row["id"] for row in gone):
        left = links.rows_by("product", some, None, column("listed").is_not_false())
        links.upsert(PRODUCT_PHOTO.table([{**row, "listed": False} for row in left.to_pylist()]))


def _link(
    workspace: Workspace, shown: dict[tuple[str, str], dict[str, Any]], ids: list[str]
) -> None:
    """Make the pictures of some articles those that are `shown`."""
    links = workspace.table("product_photos")
    places = sorted({place for _, place in shown})
    found = workspace.table("sources").rows_by(
        "place", places, ["place", "id"], matching(kind="garment")
    )
    here = {row["place"]: row["id"] for row in found.to_pylist() if row["id"]}
    for row in shown.values():
        row["garment"] = here.get(row["place"])
    changed = []
    for row in links.rows_by("product", ids).to_pylist():
        now = shown.pop((row["product"], row["place"]), {**row, "listed": False})
        if now != row:
            changed.append(now)
    links.upsert(PRODUCT_PHOTO.table([*changed, *shown.values()]))


def _hear_takedowns(workspace: Workspace, rows: list[Row]) -> None:
    """Write down what catalogues say of takedowns and did not say before."""
    saying = [row for row in rows if row["due"] or row["takedowns"] != "[]"]
    if not saying:
        return
    standing = Takedowns(workspace)
    stored = _stored(workspace, saying)
    events = []
    for row in saying:
        before = stored.get((row["kind"], row["place"], row["input"]), {})
        listed = before.get("listed") is not False
        due = before.get("takedown_due") if listed else None
        heard = set(before.get("takedowns") or ()) if listed else set()
        new = sorted(set(json.loads(row["takedowns"])) - heard)
        if due and due <= standing.today and new:
            new = new[1:]  # the day has come of what was said before
        said: list[tuple[str, datetime.date | None]] = [(text, None) for text in new]
        later = datetime.date.fromisoformat(row["due"]) if row["due"] else None
        if later and later != due:
            said.append((f"taken down from {later}", later))
        events += [
            takedowns.takedown_event(
                row["place"], row["id"], name=row["name"], statement=text, by=_CATALOGUE,
                at=takedowns.now(), source=row["input"], due=day,
            )
            for text, day in said
            if not standing.says(row["place"], row["input"], text)
        ]  # fmt: skip
    takedowns.write(workspace, events)


def _as_sources(workspace: Workspace, rows: list[Row]) -> list[dict[str, Any]]:
    """Rows of `merge.PLACE`, with the photo that each place held last, as rows of `sources`."""
    states = {
        (row["kind"], row["place"], row["id"]): row
        for row in workspace.table("sources")
        .rows_by("place", {row["place"] for row in rows})
        .to_pylist()
    }
    found = []
    for row in rows:
        # What was read, and not what is listed now: the file may have changed since.
        read = states.get((row["kind"], row["place"], row["id"]), {})
        due = datetime.date.fromisoformat(row["due"]) if row["due"] else None
        said = json.loads(row["takedowns"])
        found.append({
            **{name: row[name] for name in ("kind", "place", "input", "path", "name", "rights")},
            "id": row["id"] or "",
            "size": read.get("size"), "modified_ns": read.get("modified_ns"),
            "taken_down": bool(said), "takedowns": said, "takedown_due": due,
            "metadata": row["metadata"], "listed": True,
        })  # fmt: skip
    return found


def _stored(workspace: Workspace, rows: list[Row]) -> dict[tuple[str, str, str], dict[str, Any]]:
    places = sorted({row["place"] for row in rows})
    found = workspace.table("sources").rows_by("place", places).to_pylist()
    return {(row["kind"], row["place"], row["input"]): row for row in found}


def _chunks(rows: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(rows)
    while some := list(islice(rest, _AT_ONCE)):
        yield some
