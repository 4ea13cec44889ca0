"""What is new among the photos that are listed: an anti-join of files and store in flat memory.

Of every known photo only 64-bit digests are held (ten million take 160 MB), sorted; the rows
that are left to do wait in an unnamed file of the workspace. Two of 10^7 listed photos and 10^7
known ones share a digest by accident with probability 5e-6.
"""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import IO, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lookweave import sources
from lookweave.config import Config
from lookweave.errors import WorkspaceFull
from lookweave.pipeline.step import NOTHING, Plan
from lookweave.records import SOURCE
from lookweave.store.conditions import column, matching
from lookweave.store.workspace import Workspace

LISTED = pa.schema(
    [
        *(SOURCE.schema.field(name) for name in SOURCE.schema.names if name != "id"),
        pa.field("known", pa.bool_()),  # the store has had this place before
        pa.field("vanished", pa.bool_()),  # the store has it, the disk no more
        pa.field("reason", pa.string()),  # of a reject that the listing shows already
        pa.field("detail", pa.string()),
        pa.field("retry", pa.bool_()),
    ]
)
"""One source that is left to ingest."""

_CHUNK = 4096
Digests = NDArray[np.uint64]


def left_to_do(workspace: Workspace, config: Config, recipe: str) -> Plan:
    """Sources that are new, have changed, vanished, or may be tried again.

    The plan also drops the rejects of files that are no longer there and were never ingested:
    whoever deletes a bad file has dealt with it.
    """
    places = {"garment": config.garments, "look": config.looks}
    if not any(places.values()):
        return NOTHING
    try:
        return _left_to_do(workspace, config, places, _Known(workspace, config, recipe))
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise WorkspaceFull(
                f"No space is left to list the photos in {workspace.path}: free some space and "
                "run the same command again."
            ) from error
        raise


def _left_to_do(
    workspace: Workspace, config: Config, places: dict[str, tuple[str, ...]], known: _Known
) -> Plan:
    # A reader may not be allowed to write there, and has no need to know which rows they are.
    where = workspace.path if workspace.writable else None
    waiting = tempfile.TemporaryFile(dir=where)  # noqa: SIM115 - outlives this function
    listed: list[Digests] = []
    count = 0
    with pa.ipc.new_stream(waiting, LISTED) as stream:
        options = sources.Options.of(config)
        everything = (
            each for kind in places for each in sources.listing(kind, places[kind], options)
        )
        while chunk := list(islice(everything, _CHUNK)):
            listed.append(_digests((each.kind, each.path) for each in chunk))
            rows = [_row(each, known) for each in chunk if not known.done(each)]
            if rows:
                count += len(rows)
                stream.write_table(pa.Table.from_pylist(rows, schema=LISTED))
        here = _sorted(listed)
        for rows in _vanished(workspace, config, places, here):
            count += len(rows)
            stream.write_table(pa.Table.from_pylist(rows, schema=LISTED))
    kinds = [kind for kind, named in places.items() if named]

    def settle(workspace: Workspace) -> None:
        _forget_dealt_with(workspace, kinds, here)

    repeated = _repeated(np.concatenate(listed) if listed else np.empty(0, np.uint64))
    batches, count = _unique(waiting, count, repeated, config.run.batch_rows)
    if not count:
        waiting.close()
        return Plan(0, (), settle=settle)
    return Plan(count, batches, settle=settle)


class _Known:
    """Digests of what the store knows."""

    def __init__(self, workspace: Workspace, config: Config, recipe: str) -> None:
        columns = ["kind", "path", "id", "size", "modified_ns", "metadata"]
        places: list[Digests] = []
        states: list[Digests] = []
        for batch in workspace.table("sources").scan(columns):
            rows = batch.to_pylist()
            places.append(_digests((row["kind"], row["path"]) for row in rows))
            if config.ingest.copy_photos:  # asked for now, perhaps not when they were ingested
                rows = [row for row in rows if workspace.copy_path(row["id"]).exists()]
            states.append(_digests(_state(**row) for row in rows))
        final: list[Digests] = []
        rejected: list[Digests] = []
        columns = ["recipe", "subject", "retry", "size", "modified_ns"]
        for batch in workspace.table("rejects").scan(columns, matching(step="ingest")):
            rows = batch.to_pylist()
            rejected.append(_digests((row["subject"],) for row in rows))
            final.append(
                _digests(
                    (row["subject"], row["size"], row["modified_ns"])
                    for row in rows
                    if row["recipe"] == recipe and not row["retry"]
                )
            )
        self._places, self._states = _sorted(places), _sorted(states)
        self._final, self._rejected = _sorted(final), _sorted(rejected)

    def done(self, source: sources.Source) -> bool:
        """Whether there is nothing to do: ingested as it is, or turned away for good."""
        where = (source.path, source.size, source.modified_ns)
        if _is_in(_digest(where), self._final):
            return True
        state = _state(source.kind, *where, source.metadata)
        # A photo that is ingested and has a reject came back: ingesting it again drops that.
        return _is_in(_digest(state), self._states) and not self.rejected(source.path)

    def rejected(self, path: str) -> bool:
        return _is_in(_digest((path,)), self._rejected)

    def has(self, kind: str, path: str) -> bool:
        return _is_in(_digest((kind, path)), self._places) or self.rejected(path)


def _state(
    kind: str, path: str, size: int | None, modified_ns: int | None, metadata: str, **_: object
) -> tuple[object, ...]:
    return kind, path, size, modified_ns, metadata


def _row(source: sources.Source, known: _Known) -> dict[str, Any]:
    problem = source.problem
    return {
        "kind": source.kind,
        "path": source.path,
        "name": source.name,
        "size": source.size,
        "modified_ns": source.modified_ns,
        "rights": "; ".join(source.rights) or None,
        "taken_down": source.taken_down,
        "metadata": source.metadata,
        "known": known.has(source.kind, source.path),
        "vanished": False,
        "reason": problem.reason if problem else None,
        "detail": problem.detail if problem else None,
        "retry": problem.retry if problem else None,
    }


def _vanished(
    workspace: Workspace, config: Config, places: dict[str, tuple[str, ...]], here: Digests
) -> Iterator[list[dict[str, Any]]]:
    """Stored sources that are neither listed nor on the disk, nor copied into the workspace."""
    named = column("kind").is_in(kind for kind, given in places.items() if given)
    for batch in workspace.table("sources").scan(None, named, rows=_CHUNK):
        stored = batch.to_pylist()
        digests = _digests((row["kind"], row["path"]) for row in stored)
        rows = [
            {**row, "size": None, "modified_ns": None, "known": True, "vanished": True}
            for row, digest in zip(stored, digests, strict=True)
            if not _is_in(digest, here)
            and not sources.is_address(row["path"])
            and not os.path.lexists(row["path"])
            and not workspace.copy_path(row["id"]).exists()
        ]
        for row in rows:
            del row["id"]
        if rows:
            yield rows


def _forget_dealt_with(workspace: Workspace, kinds: list[str], here: Digests) -> None:
    rejects, stored = workspace.table("rejects"), workspace.table("sources")
    gone: list[str] = []
    for batch in rejects.scan(["kind", "subject"], matching(step="ingest")):
        for row in batch.to_pylist():
            path = row["subject"]
            listed = any(_is_in(_digest((kind, path)), here) for kind in kinds)
            if (
                row["kind"] in kinds
                and not listed
                and not sources.is_address(path)
                and not os.path.lexists(path)
            ):
                gone.append(path)
    for start in range(0, len(gone), _CHUNK):
        paths = gone[start : start + _CHUNK]
        ingested = set(stored.rows_by("path", paths, ["path"]).column("path").to_pylist())
        if never := [path for path in paths if path not in ingested]:
            rejects.delete(matching(step="ingest") & column("subject").is_in(never))


def _unique(
    waiting: IO[bytes], count: int, repeated: set[int], rows: int
) -> tuple[Iterator[pa.Table], int]:
    """The waiting rows in batches, each place once: the first that was listed counts."""
    if repeated:
        count = sum(batch.num_rows for batch in _first_of_each(waiting, repeated))
    return _rebatched(_first_of_each(waiting, repeated), rows), count


def _first_of_each(waiting: IO[bytes], repeated: set[int]) -> Iterator[pa.Table]:
    waiting.seek(0)
    met: set[int] = set()
    with pa.ipc.open_stream(waiting) as stream:
        for batch in stream:
            table = pa.Table.from_batches([batch])
            if repeated:
                keep = []
                kinds, paths = table.column("kind").to_pylist(), table.column("path").to_pylist()
                for place in _digests(zip(kinds, paths, strict=True)).tolist():
                    keep.append(place not in met)
                    if place in repeated:
                        met.add(place)
                table = table.filter(pa.array(keep))
            yield table


def _rebatched(tables: Iterable[pa.Table], rows: int) -> Iterator[pa.Table]:
    left: pa.Table | None = None
    for table in tables:
        table = table if left is None else pa.concat_tables([left, table])
        whole = table.num_rows - table.num_rows % rows
        for start in range(0, whole, rows):
            yield table.slice(start, rows)
        left = table.slice(whole)
    if left is not None and left.num_rows:
        yield left


def _repeated(places: Digests) -> set[int]:
    ordered = np.sort(places)
    return set(ordered[1:][ordered[1:] == ordered[:-1]].tolist())


def _digest(parts: tuple[object, ...]) -> np.uint64:
    text = "\x1f".join(map(str, parts)).encode()
    return np.uint64(int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little"))


def _digests(parts: Iterable[tuple[object, ...]]) -> Digests:
    return np.fromiter((_digest(each) for each in parts), np.uint64)


def _sorted(pieces: list[Digests]) -> Digests:
    return np.sort(np.concatenate(pieces)) if pieces else np.empty(0, np.uint64)


def _is_in(digest: np.uint64, ordered: Digests) -> bool:
    at = int(np.searchsorted(ordered, digest))
    return at < len(ordered) and bool(ordered[at] == digest)
