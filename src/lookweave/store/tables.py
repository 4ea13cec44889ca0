"""One Lance table: reads in batches, commits in one piece, never holds a table in memory."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import chain, pairwise
from pathlib import Path
from typing import cast

import lance
import numpy as np
import pyarrow as pa
from lance import LanceOperation
from lance.fragment import write_fragments
from numpy.typing import NDArray

from lookweave.errors import WorkspaceError, WorkspaceFull
from lookweave.records import TableSpec
from lookweave.store.conditions import ANY_ROW, Condition, column, filtered

KEPT = timedelta(days=2)
"""How long a version is kept after a newer one took its place: no reader is open for longer."""


class Table:
    """The rows of one kind.

    Every write is one atomic commit: a process killed at any moment leaves the table as it was
    before or after, never between.

    Args:
        path: folder of the Lance dataset.
        spec: name, key and columns.
        version: read this version; None for the newest, 0 for a table that was not there yet.
        reading: write nothing, not even a table that is missing: that one has no rows.
        committed: called after each commit.

    Raises:
        WorkspaceError: what lies at `path` is no readable table of this schema.
    """

    def __init__(
        self,
        path: Path,
        spec: TableSpec,
        version: int | None = None,
        *,
        reading: bool = False,
        committed: Callable[[], None] = lambda: None,
    ) -> None:
        self.path = path
        self.spec = spec
        self._reading = reading or version is not None
        self._committed = committed
        self._missing: frozenset[str] = frozenset()
        self._dataset: lance.LanceDataset | None = None
        try:
            self._open(version)
        except (OSError, ValueError) as error:
            raise WorkspaceError(
                f"Table {spec.name} at {path} cannot be opened ({_first_line(error)}). "
                "Run `lookweave verify-store` on the workspace."
            ) from error

    def _open(self, version: int | None) -> None:
        there = any((self.path / "_versions").glob("*.manifest"))
        if version == 0 or (self._reading and not there):
            return
        if not there:  # also where a crash or a full disk left folders without a first commit
            with full_disk(self.path):
                _create(self.path, self.spec.schema)
        self._dataset = lance.dataset(str(self.path), version=version)
        missing = self._missing_columns()
        if missing and not self._reading:
            with full_disk(self.path):
                self._dataset.add_columns(pa.schema(missing))
            self._dataset = lance.dataset(str(self.path))
        else:
            self._missing = frozenset(field.name for field in missing)

    def _missing_columns(self) -> list[pa.Field]:
        """Columns that an earlier version of Lookweave did not know.

        Raises:
            WorkspaceError: the table differs by more than columns that may be null.
        """
        assert self._dataset is not None
        stored = {field.name: field for field in self._dataset.schema}
        missing = [field for field in self.spec.schema if field.name not in stored]
        wanted = {field.name: field for field in self.spec.schema}
        fits = all(name in wanted and field.equals(wanted[name]) for name, field in stored.items())
        if not fits or any(not field.nullable for field in missing):
            raise WorkspaceError(
                f"Table {self.spec.name} at {self.path} has other columns than this version of "
                "Lookweave expects: it was made by another version. Build into a new workspace."
            )
        return missing

    @property
    def version(self) -> int:
        """Of what is read; 0 for a table that is not there."""
        return int(self._dataset.version) if self._dataset is not None else 0

    def count(self, where: Condition | str | None = None) -> int:
        if self._dataset is None:
            return 0
        if self._lacks(where):
            assert isinstance(where, Condition)
            return int(self.read(sorted(where.columns), where).num_rows)
        return int(self._dataset.count_rows(_sql(where)))

    def read(
        self, columns: list[str] | None = None, where: Condition | str | None = None
    ) -> pa.Table:
        """All rows that `where` lets through, in memory."""
        columns = columns or self.spec.schema.names
        if self._dataset is None:
            return self._empty(columns)
        if self._lacks(where, columns):
            return _joined(self._scan_older(columns, where, 8192), self._empty(columns))
        return self._dataset.to_table(columns=columns, filter=_sql(where))

    def scan(
        self,
        columns: list[str] | None = None,
        where: Condition | str | None = None,
        rows: int = 8192,
        *,
        with_positions: bool = False,
    ) -> Iterator[pa.Table]:
        """The same in pieces of at most `rows`, for tables that may be large.

        `with_positions` adds the column ``_rowoffset``, for `take`.
        """
        columns = columns or self.spec.schema.names
        wanted = [*columns, "_rowoffset"] if with_positions else columns
        if self._lacks(where, columns):
            yield from self._scan_older(wanted, where, rows)
        elif self._dataset is not None:
            yield from self._batches(wanted, _sql(where), rows)

    def take(self, positions: Iterable[int], columns: list[str] | None = None) -> pa.Table:
        """Rows by their position in scan order."""
        columns = columns or self.spec.schema.names
        if self._dataset is None:
            return self._empty(columns)
        stored = [name for name in columns if name not in self._missing]
        return self._completed(self._dataset.take(list(positions), columns=stored), columns)

    def values(self, column: str, where: Condition | str | None = None) -> set[str]:
        """The distinct values of one column."""
        found: set[str] = set()
        for batch in self.scan([column], where):
            found.update(batch.column(column).to_pylist())
        return found

    def rows_by(
        self,
        name: str,
        values: Iterable[str],
        columns: list[str] | None = None,
        where: Condition = ANY_ROW,
    ) -> pa.Table:
        """Rows whose column `name` is one of `values`; rows of unknown values are missing."""
        columns = columns or self.spec.schema.names
        wanted = list(values)
        found = [
            self.read(columns, column(name).is_in(wanted[start : start + _AT_ONCE]) & where)
            for start in range(0, len(wanted), _AT_ONCE)
        ]
        return _joined(found, self._empty(columns))

    def nearest(self, vector: object, k: int, where: Condition | str | None = None) -> pa.Table:
        """The k rows whose `vector` is nearest by cosine, with `_distance`; interactive use."""
        if self._dataset is None:
            empty = self._empty(self.spec.schema.names)
            return empty.append_column("_distance", pa.array([], pa.float32()))
        query = {"column": "vector", "q": vector, "k": k, "metric": "cosine"}
        return self._dataset.to_table(nearest=query, filter=_sql(where), prefilter=True)

    def upsert(self, rows: pa.Table, *, update_where: str | None = None) -> None:
        """Insert rows, replacing those with the same key.

        Args:
            rows: of the table's schema, keys unique among them.
            update_where: replace only if this holds of ``source`` and ``target``; such a
                row is left as it was otherwise.
        """
        if not rows.num_rows:
            return
        merge = self._writable().merge_insert(list(self.spec.key))
        merge = merge.when_matched_update_all(condition=update_where).when_not_matched_insert_all()
        with full_disk(self.path):
            merge.execute(rows.cast(self.spec.schema))
        self._refresh()

    def append(self, rows: Iterable[pa.Table]) -> int:
        """Add rows known to be new, streamed, as one commit. Returns how many."""
        self._writable()
        stream = _Stream(self.spec.schema, rows)
        with full_disk(self.path), stream.own_errors():
            lance.write_dataset(stream.reader(), str(self.path), mode="append")
        self._refresh()
        return stream.rows

    def replace(self, rows: Iterable[pa.Table], where: Condition) -> int:
        """Put `rows`, streamed, in the place of those that `where` means, in one commit.

        A reader sees the old rows or the new ones; an error leaves the old ones. Returns how
        many rows were written.
        """
        dataset = self._writable()
        stream = _Stream(self.spec.schema, rows)
        with full_disk(self.path), stream.own_errors():
            fragments = stream.fragments(self.path)
            removed, updated = [], []
            for fragment in dataset.get_fragments():
                if fragment.count_rows(where.sql):
                    kept = fragment.delete(where.sql)
                    if kept is None:
                        removed.append(fragment.fragment_id)
                    else:
                        updated.append(kept)
            if fragments or removed or updated:
                operation = LanceOperation.Update(
                    removed_fragment_ids=removed,
                    updated_fragments=updated,
                    new_fragments=fragments,
                )
                lance.LanceDataset.commit(str(self.path), operation, read_version=dataset.version)
                self._refresh()
        return stream.rows

    def delete(self, where: Condition | str) -> None:
        with full_disk(self.path):
            self._writable().delete(str(where))
        self._refresh()

    def compact(self) -> None:
        """Merge small fragments; old versions stay readable until `clean`."""
        if self._dataset is not None and len(self._dataset.get_fragments()) > 1:
            with full_disk(self.path):
                self._writable().optimize.compact_files()
            self._refresh()

    def clean(self, kept: timedelta = KEPT, protected: Iterable[int] = ()) -> None:
        """Remove files of killed writers, and versions that no reader can have open.

        Args:
            kept: how long a version stays after a newer one took its place.
            protected: versions that stay.
        """
        dataset = self._writable()
        gone = datetime.now() - kept
        stay = set(protected)
        old = [
            int(one["version"])
            for one, newer in pairwise(dataset.versions())
            if cast(datetime, newer["timestamp"]) < gone and one["version"] not in stay
        ]
        if old:
            dataset.cleanup_old_versions(
                versions=old, delete_unverified=True, error_if_tagged_old_versions=False
            )
            self._refresh()

    def validate(self) -> None:
        """Read all of the table once.

        Raises:
            WorkspaceError: a file of it is missing or damaged.
        """
        try:
            if self._dataset is not None:
                self._dataset.validate()  # type: ignore[no-untyped-call]
            for _ in self.scan():
                pass
        except (OSError, ValueError) as error:
            raise WorkspaceError(
                f"Table {self.spec.name} at {self.path} is damaged ({_first_line(error)}). Restore "
                "the workspace from a backup, or delete that folder and build again."
            ) from error

    def _lacks(self, where: Condition | str | None, columns: Iterable[str] = ()) -> bool:
        """Whether a column that is asked for is not in this older table."""
        asked = {*columns, *(where.columns if isinstance(where, Condition) else ())}
        return bool(self._missing & asked)

    def _scan_older(
        self, columns: list[str], where: Condition | str | None, rows: int
    ) -> Iterator[pa.Table]:
        """Read a table that lacks some columns: they are null."""
        condition = where if isinstance(where, Condition) else None
        needed = list(dict.fromkeys([*columns, *(condition.columns if condition else ())]))
        stored = [name for name in needed if name not in self._missing] or [self.spec.key[0]]
        for batch in self._batches(stored, None if condition else _sql(where), rows):
            found = filtered(self._completed(batch, needed), condition).select(columns)
            if found.num_rows:
                yield found

    def _completed(self, table: pa.Table, columns: list[str]) -> pa.Table:
        for name in columns:
            if name in self._missing:
                nulls = pa.nulls(table.num_rows, self.spec.schema.field(name).type)
                table = table.append_column(name, nulls)
        return table.select(columns)

    def _batches(self, columns: list[str], sql: str | None, rows: int) -> Iterator[pa.Table]:
        assert self._dataset is not None
        batches = self._dataset.to_batches(
            columns=columns,
            filter=sql,
            batch_size=rows,
            batch_readahead=2,
            # Lance would read ahead up to 2 GB: a scan's memory would grow with the table.
            fragment_readahead=1,
            io_buffer_size=16 << 20,
        )
        for batch in batches:
            if batch.num_rows:
                yield pa.Table.from_batches([batch])

    def _empty(self, columns: list[str]) -> pa.Table:
        known = [name for name in columns if name in self.spec.schema.names]
        return self.spec.schema.empty_table().select(known)

    def _writable(self) -> lance.LanceDataset:
        if self._reading or self._dataset is None:
            raise WorkspaceError(f"Table {self.spec.name} is open for reading only.")
        return self._dataset

    def _refresh(self) -> None:
        self._dataset = lance.dataset(str(self.path))
        self._committed()


_AT_ONCE = 4096  # values in one condition


def _create(path: Path, schema: pa.Schema) -> None:
    try:
        lance.write_dataset(schema.empty_table(), str(path), schema=schema)
    except OSError:
        if not any((path / "_versions").glob("*.manifest")):
            raise  # else another process was first


def _joined(tables: Iterable[pa.Table], empty: pa.Table) -> pa.Table:
    found = [table for table in tables if table.num_rows]
    return pa.concat_tables(found) if found else empty


def _sql(where: Condition | str | None) -> str | None:
    return None if where is None else str(where)


class _Stream:
    """Tables on their way to Lance, which gives any error that they raise another class."""

    def __init__(self, schema: pa.Schema, tables: Iterable[pa.Table]) -> None:
        self._schema, self._tables = schema, tables
        self._error: BaseException | None = None
        self.rows = 0

    def reader(self) -> pa.RecordBatchReader:
        return pa.RecordBatchReader.from_batches(self._schema, self._batches())

    def fragments(self, path: Path) -> list[lance.FragmentMetadata]:
        """Write the rows to files that no version of the table names yet."""
        batches = self._batches()
        first = next(batches, None)
        if first is None:
            return []
        reader = pa.RecordBatchReader.from_batches(self._schema, chain([first], batches))
        written = write_fragments(reader, str(path), schema=self._schema)
        assert isinstance(written, list)
        return written

    @contextlib.contextmanager
    def own_errors(self) -> Iterator[None]:
        """Raise what the tables raised, and not what Lance made of it."""
        try:
            yield
        except Exception:
            if self._error is not None:
                raise self._error from None
            raise

    def _batches(self) -> Iterator[pa.RecordBatch]:
        try:
            for table in self._tables:
                self.rows += table.num_rows
                yield from table.cast(self._schema).to_batches()
        except (Exception, KeyboardInterrupt) as error:
            self._error = error
            raise


class Lookup:
    """Where the rows of given keys are, without holding the rows.

    Holds the sorted values of one column as fixed-width bytes: about 50 bytes a row.

    Args:
        table: whose rows to find; taken as it is now.
        column: of unique strings.
        where: only rows that this condition lets through.
        beside: a second column that keys are made of, see `pair_keys`.
    """

    def __init__(
        self,
        table: Table,
        column: str,
        where: Condition | str | None = None,
        beside: str | None = None,
    ) -> None:
        columns = [column, beside] if beside else [column]
        keys: list[NDArray[np.bytes_]] = []
        positions: list[NDArray[np.int64]] = []
        for batch in table.scan(columns, where, rows=1 << 18, with_positions=True):
            values = batch.column(column).to_pylist()
            if beside:
                values = pair_keys(values, batch.column(beside).to_pylist())
            keys.append(_as_bytes(values))
            positions.append(batch.column("_rowoffset").to_numpy().astype(np.int64))
        found = np.concatenate(keys) if keys else np.empty(0, "S1")
        order = np.argsort(found, kind="stable")
        self._keys = found[order]
        self._positions = np.concatenate(positions)[order] if positions else np.empty(0, np.int64)

    def __len__(self) -> int:
        return len(self._keys)

    def positions(self, keys: list[str]) -> NDArray[np.int64]:
        """The row of each key, for `Table.take`; -1 where there is none."""
        if not len(self._keys) or not keys:
            return np.full(len(keys), -1, np.int64)
        wanted = _as_bytes(keys)
        at = np.minimum(np.searchsorted(self._keys, wanted), len(self._keys) - 1)
        return np.where(self._keys[at] == wanted, self._positions[at], -1)


def pair_keys(values: list[str], beside: list[str | None]) -> list[str]:
    """Keys of a `Lookup` by two columns; of the second, null is as good as empty."""
    return [f"{one}\x1f{other or ''}" for one, other in zip(values, beside, strict=True)]


def _as_bytes(values: list[str]) -> NDArray[np.bytes_]:
    return np.array([value.encode() for value in values], dtype=np.bytes_)


@contextlib.contextmanager
def full_disk(path: Path) -> Iterator[None]:
    """Turn the system's "no space left" into `WorkspaceFull`."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT) or "No space left" in str(error):
            raise WorkspaceFull(
                f"No space is left where the workspace lives ({path}). What was committed is "
                "safe: free some space and run the same command again."
            ) from error
        raise


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:300] if str(error) else type(error).__name__
