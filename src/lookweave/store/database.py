"""A SQLite file in the workspace, for what many processes add to a row at a time.

Each commit is on the disk before it returns (write-ahead log, synchronous FULL).
"""

from __future__ import annotations

import sqlite3
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lookweave.errors import WorkspaceError, WorkspaceFull

_BUSY_SECONDS = 30.0


class Database:
    """One file, readable by its owner alone. Safe to use from several threads and processes.

    Args:
        path: of the file; made where it is not there.
        schema: statements that make its tables where they are missing.
        format: number of the schema, stored in the file.
        reading: open no file that is not there and write nothing.

    Raises:
        WorkspaceError: the file is damaged or of another version.
    """

    def __init__(self, path: Path, schema: str, format: int, *, reading: bool = False) -> None:
        self.path = path
        self._reading = reading
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        if reading and not path.exists():
            return
        with self.told():
            connection = self.connection()
            found = connection.execute("PRAGMA user_version").fetchone()[0]
            if found not in (0, format):
                raise WorkspaceError(
                    f"{path} has format {found}, this version of Lookweave reads {format}."
                )
            if not reading:
                path.chmod(0o600)  # it says who did what
                with transaction(connection):
                    for statement in _statements(schema):
                        connection.execute(statement)
                    connection.execute(f"PRAGMA user_version = {format}")

    def close(self) -> None:
        """Close the file in every thread."""
        for connection in self._opened:
            connection.close()
        self._opened.clear()
        self._local = threading.local()

    def connection(self) -> sqlite3.Connection:
        """The connection of this thread."""
        found: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if found is None:
            mode = "ro" if self._reading else "rwc"
            found = sqlite3.connect(
                f"{self.path.absolute().as_uri()}?mode={mode}", uri=True, timeout=_BUSY_SECONDS,
                isolation_level=None, check_same_thread=False,
            )  # fmt: skip
            self._opened.append(found)
            if not self._reading:
                found.execute("PRAGMA journal_mode = WAL")
            found.execute("PRAGMA synchronous = FULL")
            self._local.connection = found
        return found

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: all of the block, or none of it."""
        with self.told():
            connection = self.connection()
            with transaction(connection):
                yield connection

    @contextmanager
    def told(self) -> Iterator[None]:
        """Turn what SQLite refuses inside the block into a sentence.

        Raises:
            WorkspaceError: in place of its error.
        """
        try:
            yield
        except sqlite3.Error as error:
            if "full" in str(error):
                raise WorkspaceFull(
                    f"No space is left for {self.path}. What was committed is safe: free some "
                    "space and try again."
                ) from error
            raise WorkspaceError(f"{self.path} cannot be used: {error}.") from error


def is_uuid(text: str) -> bool:
    """Whether a client's id of an event is a UUID as they are written, in either case."""
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All of the block's statements, or none; nobody else writes meanwhile."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines():
        statement += line + "\n"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
