"""What is listed, held against what the store knows: the plan of ingest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

import pyarrow as pa

from lookweave import sources
from lookweave.config import Config
from lookweave.errors import InputError
from lookweave.pipeline.steps.ingest import merge
from lookweave.pipeline.steps.ingest.ledger import Ledger
from lookweave.sources import Notices, Options, is_address
from lookweave.sources.addresses import IGNORED_QUERY, same_photo
from lookweave.store import inputs
from lookweave.store.conditions import matching
from lookweave.store.workspace import Workspace

TO_READ = pa.schema(
    [
        pa.field("kind", pa.string()),
        pa.field("place", pa.string()),
        pa.field("path", pa.string()),  # an address with its newest signature
        pa.field("name", pa.string()),
        pa.field("size", pa.int64()),
        pa.field("modified_ns", pa.int64()),
        pa.field("reason", pa.string()),  # of a reject that the listing shows already
        pa.field("detail", pa.string()),
        pa.field("retry", pa.bool_()),
    ]
)
"""One place whose bytes are to be read."""


@dataclass(frozen=True)
class Inventory:
    """All inputs of a workspace, read once.

    Attributes:
        given: kind -> inputs.
        ledger: their rows, and what the store knows.
        notices: what had to be guessed or left aside.
    """

    given: dict[str, tuple[str, ...]]
    ledger: Ledger
    notices: Notices

    def batches(self, rows: int) -> Iterator[pa.Table]:
        """Tables of `TO_READ`, in the order of the listing."""
        waiting: list[dict[str, Any]] = []
        for row in self.ledger.to_read():
            waiting.append({name: row[name] for name in TO_READ.names})
            if len(waiting) == rows:
                yield _to_read(waiting)
                waiting = []
        if waiting:
            yield _to_read(waiting)


def take_inventory(workspace: Workspace, config: Config, recipe: str) -> Inventory | None:
    """List the inputs that the workspace knows and those of `config`. Reads only.

    Returns:
        None where there are no inputs at all.

    Raises:
        InputError: a folder or manifest cannot be used, or is not there as a whole.
    """
    given = {"garment": _absolute(config.garments), "look": _absolute(config.looks)}
    known = inputs.known(workspace)
    everything = inputs.together(workspace, given)
    if not any(everything.values()):
        return None
    place = canonical(config)
    ledger, notices = Ledger(), Notices()
    rows = chain.from_iterable(open_inputs(everything, known, Options.of(config), notices))
    ledger.add("row", (merge.listed_row(seq, row, place(row.path)) for seq, row in enumerate(rows)))
    ledger.add("known", _known(workspace, config, place))
    ledger.add("reject", _rejects(workspace, recipe))
    ledger.merge_rows()
    return Inventory(everything, ledger, notices)


def canonical(config: Config) -> Callable[[str], str]:
    """Path or address -> place: what is the same for the same photo."""
    ignored = config.ingest.ignored_query
    names = IGNORED_QUERY if ignored is None else ignored

    def place(path: str) -> str:
        return same_photo(path, names) if is_address(path) else path

    return place


def _absolute(places: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(sources.input_name(place) for place in places))


def open_inputs(
    everything: inputs.Kinds, known: inputs.Kinds, options: Options, notices: Notices
) -> list[sources.Listing]:
    """Look at all inputs, and list none yet.

    Args:
        everything: kind -> folders and manifests.
        known: those of earlier builds, of which an error says how to be rid of them.

    Raises:
        InputError: one cannot be used, or is not there as a whole.
    """
    found = []
    for kind, paths in everything.items():
        for path in paths:
            try:
                found.append(sources.Listing(kind, (path,), options, notices))
            except InputError as error:
                if path not in known[kind]:
                    raise
                raise InputError(
                    f"{error} An earlier build was given it: what it listed stays as it is until "
                    "it is there again. If it is gone for good, run `lookweave sources WS --drop "
                    f"{path}`."
                ) from error
    return found


def _known(
    workspace: Workspace, config: Config, place: Callable[[str], str]
) -> Iterator[tuple[Any, ...]]:
    for batch in workspace.table("sources").scan():
        for row in batch.to_pylist():
            copied = not config.ingest.copy_photos or workspace.copy_path(row["id"]).exists()
            earlier = row["place"] is None
            yield (
                row["kind"], place(row["path"]) if earlier else row["place"], row["input"] or "",
                row["path"], row["id"], row["size"], row["modified_ns"], merge.state_of(row),
                row["listed"] is not False, copied,
            )  # fmt: skip


def _rejects(workspace: Workspace, recipe: str) -> Iterator[tuple[Any, ...]]:
    columns = ["recipe", "subject", "retry", "size", "modified_ns"]
    for batch in workspace.table("rejects").scan(columns, matching(step="ingest")):
        for row in batch.to_pylist():
            final = row["recipe"] == recipe and not row["retry"]
            yield row["subject"], row["size"], row["modified_ns"], final


def _to_read(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(
        [{**row, "retry": None if row["retry"] is None else bool(row["retry"])} for row in rows],
        schema=TO_READ,
    )
