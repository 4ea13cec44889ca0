"""One Lance table: reads in batches, commits in one piece, never holds a table in memory."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterable, Iterator
from pathlib import Path

import lance
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lookweave.errors import WorkspaceError, WorkspaceFull
from lookweave.records import Noun


class Table:
    """The rows of one noun.

    Every write is one atomic commit: a process killed at any moment leaves the table as it was
    before or after, never between.

    Args:
        path: folder of the Lance dataset; created with the noun's schema when missing.
        noun: name, key and columns.
        version: read this version and refuse to write; None follows the newest.

    Raises:
        WorkspaceError: what lies at `path` is no readable table of this schema.
    """

    def __init__(self, path: Path, noun: Noun, version: int | None = None) -> None:
        self.path = path
        self.noun = noun
        self._pinned = version is not None
        try:
            if not any((path / "_versions").glob("*.manifest")):
                # Also where a crash or a full disk left folders without a first commit.
                with full_disk(path):
                    lance.write_dataset(noun.schema.empty_table(), str(path), schema=noun.schema)
            self._dataset = lance.dataset(str(path), version=version)
        except (OSError, ValueError) as error:
            raise WorkspaceError(
                f"Table {noun.name} at {path} cannot be opened ({_first_line(error)}). "
                "Run `lookweave verify-store` on the workspace."
            ) from error
        if not self._dataset.schema.equals(noun.schema):
            raise WorkspaceError(
                f"Table {noun.name} at {path} has other columns than this version of Lookweave "
                "expects: it was made by another version. Build into a new workspace."
            )

    @property
    def version(self) -> int:
        return int(self._dataset.version)

    def count(self, where: str | None = None) -> int:
        return int(self._dataset.count_rows(where))

    def read(self, columns: list[str] | None = None, where: str | None = None) -> pa.Table:
        """All rows that `where` (an SQL condition) lets through, in memory."""
        return self._dataset.to_table(columns=columns, filter=where)

    def scan(
        self,
        columns: list[str] | None = None,
        where: str | None = None,
        rows: int = 8192,
        *,
        with_positions: bool = False,
    ) -> Iterator[pa.Table]:
        """The same in pieces of at most `rows`, for tables that may be large.

        `with_positions` adds the column ``_rowoffset``, for `take`.
        """
        columns = columns or self.noun.schema.names
        batches = self._dataset.to_batches(
            columns=[*columns, "_rowoffset"] if with_positions else columns,
            filter=where,
            batch_size=rows,
            batch_readahead=2,
            # Lance would read ahead up to 2 GB: a scan's memory would grow with the table.
            fragment_readahead=1,
            io_buffer_size=16 << 20,
        )
        for batch in batches:
            if batch.num_rows:
                yield pa.Table.from_batches([batch])

    def take(self, positions: Iterable[int], columns: list[str] | None = None) -> pa.Table:
        """Rows by their position in scan order."""
        return self._dataset.take(list(positions), columns=columns)

    def values(self, column: str, where: str | None = None) -> set[str]:
        """The distinct values of one column."""
        found: set[str] = set()
        for batch in self.scan([column], where):
            found.update(batch.column(column).to_pylist())
        return found

    def rows_by(
        self, column: str, values: Iterable[str], columns: list[str] | None = None
    ) -> pa.Table:
        """Rows whose `column` is one of `values`; rows of unknown values are simply missing."""
        wanted = ", ".join(quoted(value) for value in values)
        return (
            self.read(columns, f"{column} IN ({wanted})")
            if wanted
            else self.noun.schema.empty_table()
        )

    def nearest(self, vector: object, k: int, where: str | None = None) -> pa.Table:
        """The k rows whose `vector` is nearest by cosine, with `_distance`; interactive use."""
        query = {"column": "vector", "q": vector, "k": k, "metric": "cosine"}
        return self._dataset.to_table(nearest=query, filter=where, prefilter=True)

    def upsert(self, rows: pa.Table, *, update_where: str | None = None) -> None:
        """Insert rows, replacing those with the same key.

        Args:
            rows: of the noun's schema, keys unique among them.
            update_where: replace only if this holds of ``source`` and ``target``; such a
                row is left as it was otherwise.
        """
        if not rows.num_rows:
            return
        merge = self._writable().merge_insert(list(self.noun.key))
        merge = merge.when_matched_update_all(condition=update_where).when_not_matched_insert_all()
        with full_disk(self.path):
            merge.execute(rows.cast(self.noun.schema))
        self._refresh()

    def append(self, rows: Iterable[pa.Table]) -> int:
        """Add rows known to be new, streamed, as one commit. Returns how many."""
        written = 0

        def batches() -> Iterator[pa.RecordBatch]:
            nonlocal written
            for table in rows:
                written += table.num_rows
                yield from table.cast(self.noun.schema).to_batches()

        self._writable()
        reader = pa.RecordBatchReader.from_batches(self.noun.schema, batches())
        with full_disk(self.path):
            lance.write_dataset(reader, str(self.path), mode="append")
        self._refresh()
        return written

    def delete(self, where: str) -> None:
        with full_disk(self.path):
            self._writable().delete(where)
        self._refresh()

    def compact(self) -> None:
        """Merge small fragments; old versions stay readable until `clean`."""
        if len(self._dataset.get_fragments()) > 1:
            with full_disk(self.path):
                self._writable().optimize.compact_files()
            self._refresh()

    def clean(self) -> None:
        """Remove what no version needs: files of killed writers and untagged old versions."""
        self._writable().cleanup_old_versions(
            retain_versions=1, delete_unverified=True, error_if_tagged_old_versions=False
        )
        self._refresh()

    def tag(self, name: str) -> None:
        """Keep the present version under `name`, safe from `clean`."""
        self._writable().tags.create(name, self.version)

    def tags(self) -> dict[str, int]:
        return {name: int(tag["version"]) for name, tag in self._dataset.tags.list().items()}

    def validate(self) -> None:
        """Read all of the table once.

        Raises:
            WorkspaceError: a file of it is missing or damaged.
        """
        try:
            self._dataset.validate()  # type: ignore[no-untyped-call]
            for _ in self.scan():
                pass
        except (OSError, ValueError) as error:
            raise WorkspaceError(
                f"Table {self.noun.name} at {self.path} is damaged ({_first_line(error)}). Restore "
                "the workspace from a backup, or delete that folder and build again."
            ) from error

    def _writable(self) -> lance.LanceDataset:
        if self._pinned:
            raise WorkspaceError(
                f"Table {self.noun.name} is open at a snapshot: it can only be read."
            )
        return self._dataset

    def _refresh(self) -> None:
        self._dataset = lance.dataset(str(self.path))


class Lookup:
    """Where the rows of given keys are, without holding the rows.

    Holds the sorted values of one column as fixed-width bytes: about 50 bytes a row.

    Args:
        table: whose rows to find; taken as it is now.
        column: of unique strings.
        where: only rows that this SQL condition lets through.
    """

    def __init__(self, table: Table, column: str, where: str | None = None) -> None:
        keys: list[NDArray[np.bytes_]] = []
        positions: list[NDArray[np.int64]] = []
        for batch in table.scan([column], where, rows=1 << 18, with_positions=True):
            keys.append(_as_bytes(batch.column(column).to_pylist()))
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


def _as_bytes(values: list[str]) -> NDArray[np.bytes_]:
    return np.array([value.encode() for value in values], dtype=np.bytes_)


def quoted(value: str) -> str:
    """`value` as an SQL string."""
    return "'" + value.replace("'", "''") + "'"


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
