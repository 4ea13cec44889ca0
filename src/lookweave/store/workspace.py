"""A workspace: one folder with the tables, the thumbnails and the runs of a project.

::

    WS/workspace.json      what this folder is, and its format
    WS/lookweave.toml      settings, if you write some
    WS/tables/*.lance      the nouns of records.py
    WS/embeddings/*.lance  one table for each encoder
    WS/thumbnails/ab/ID.webp
    WS/photos/ab/ID        the photos' bytes, only after `build --copy`
    WS/snapshots/NAME.json named versions of all tables
    WS/report.html
"""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from filelock import FileLock, Timeout

from lookweave import __version__
from lookweave.errors import InputError, WorkspaceError, WorkspaceFull, WorkspaceLocked
from lookweave.records import TABLES, embedding_noun
from lookweave.store.tables import Table

FORMAT = 1
MARKER = "workspace.json"


@dataclass(frozen=True)
class Snapshot:
    """A named version of every table."""

    name: str
    tables: MappingProxyType[str, int]
    embeddings: MappingProxyType[str, int]


class Workspace:
    """One workspace, open for reading; take `lock` around anything that writes.

    Use `Workspace.create`, `Workspace.open` or `Workspace.open(path, snapshot=NAME)`.
    """

    def __init__(self, path: Path, snapshot: Snapshot | None = None) -> None:
        self.path = path
        self.snapshot = snapshot
        self._tables: dict[str, Table] = {}

    @classmethod
    def create(cls, path: Path) -> Workspace:
        """Open the workspace at `path`, making it where there is none.

        Raises:
            InputError: `path` is a file, or a folder with other things in it.
        """
        path = path.expanduser().resolve()
        if (path / MARKER).exists():
            return cls.open(path)
        if path.exists() and not path.is_dir():
            raise InputError(f"{path} is a file: name a folder for the workspace.")
        if path.is_dir() and any(child.name != "lookweave.toml" for child in path.iterdir()):
            raise InputError(
                f"{path} is not empty and no workspace: name a new folder for the workspace."
            )
        try:
            for folder in ("tables", "embeddings", "thumbnails", "snapshots"):
                (path / folder).mkdir(parents=True, exist_ok=True)
            write_atomically(
                path / MARKER,
                json.dumps({"format": FORMAT, "created_by": f"lookweave {__version__}"}).encode(),
            )
        except OSError as error:
            raise WorkspaceError(f"The workspace {path} cannot be made: {error}.") from error
        return cls(path)

    @classmethod
    def open(cls, path: Path, snapshot: str | None = None) -> Workspace:
        """Open an existing workspace.

        Raises:
            InputError: there is no workspace, or no such snapshot.
            WorkspaceError: it was made by another version of Lookweave.
        """
        path = path.expanduser().resolve()
        try:
            marker = json.loads((path / MARKER).read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise InputError(
                f"{path} is no workspace. Make one with `lookweave build --garments … --looks … "
                f"--out {path}`."
            ) from error
        except (OSError, ValueError) as error:
            raise WorkspaceError(f"{path / MARKER} cannot be read: {error}.") from error
        if marker.get("format") != FORMAT:
            raise WorkspaceError(
                f"{path} has format {marker.get('format')}, this version of Lookweave reads "
                f"{FORMAT}. Build into a new workspace."
            )
        workspace = cls(path)
        return cls(path, workspace.read_snapshot(snapshot)) if snapshot else workspace

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Be the only writer. The operating system frees the lock of a killed process.

        Raises:
            WorkspaceLocked: another process is writing.
        """
        try:
            with FileLock(self.path / ".lock", timeout=0):
                yield
        except Timeout as error:
            raise WorkspaceLocked(
                f"Another Lookweave process is writing to {self.path}. Wait for it or stop it."
            ) from error

    def table(self, name: str) -> Table:
        """The table of one noun of `records.TABLES`."""
        if name not in self._tables:
            version = self.snapshot.tables[name] if self.snapshot else None
            self._tables[name] = Table(
                self.path / "tables" / f"{name}.lance", TABLES[name], version
            )
        return self._tables[name]

    def embeddings(self, model: str, dimension: int) -> Table:
        """The vectors of one encoder."""
        key = f"embeddings/{model}"
        if key not in self._tables:
            version = self.snapshot.embeddings.get(model) if self.snapshot else None
            path = self.path / "embeddings" / f"{_file_name(model)}.lance"
            self._tables[key] = Table(path, embedding_noun(dimension), version)
        return self._tables[key]

    def encoders(self) -> list[str]:
        """File names of the encoders that have a table here."""
        return sorted(path.stem for path in (self.path / "embeddings").glob("*.lance"))

    def thumbnail_path(self, photo: str) -> Path:
        return self.path / "thumbnails" / photo[:2] / f"{photo}.webp"

    def photo_path(self, photo: str, path: str) -> str:
        """Where the bytes of a photo are: its copy in the workspace if there is one."""
        copy = self.copy_path(photo)
        return str(copy) if copy.exists() else path

    def copy_path(self, photo: str) -> Path:
        return self.path / "photos" / photo[:2] / photo

    def take_snapshot(self, name: str) -> Snapshot:
        """Name the present version of every table.

        Raises:
            InputError: the name is taken or not plain.
        """
        where = new_snapshot(self.path, name)
        for table in [self.table(noun) for noun in TABLES] + self.embedding_tables():
            if name not in table.tags():  # a crash may have left some tables tagged
                table.tag(name)
        versions = {noun: self.table(noun).tags()[name] for noun in TABLES}
        embeddings = {table.path.stem: table.tags()[name] for table in self.embedding_tables()}
        content = json.dumps({"tables": versions, "embeddings": embeddings}, indent=1)
        write_atomically(where, content.encode())
        return self.read_snapshot(name)

    def read_snapshot(self, name: str) -> Snapshot:
        where = self.path / "snapshots" / f"{name}.json"
        try:
            content = json.loads(where.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            known = ", ".join(self.snapshots()) or "there is none yet"
            raise InputError(f"No snapshot {name!r} in {self.path} ({known}).") from error
        return Snapshot(
            name, MappingProxyType(content["tables"]), MappingProxyType(content["embeddings"])
        )

    def snapshots(self) -> list[str]:
        return sorted(path.stem for path in (self.path / "snapshots").glob("*.json"))

    def embedding_tables(self) -> list[Table]:
        """The vectors of every encoder that was ever used here."""
        import lance

        tables = []
        for path in sorted((self.path / "embeddings").glob("*.lance")):
            width = lance.dataset(str(path)).schema.field("vector").type.list_size
            tables.append(self.embeddings(path.stem, width))
        return tables


def new_snapshot(workspace: Path, name: str) -> Path:
    """Where a snapshot of this name will be kept; also before there is a workspace.

    Raises:
        InputError: the name is taken or not plain.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", name):
        raise InputError(f"A snapshot's name is letters, digits, '.', '_' and '-': not {name!r}.")
    where = workspace / "snapshots" / f"{name}.json"
    if where.exists():
        raise InputError(f"There is a snapshot {name!r} already: choose another name.")
    return where


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that a reader, or a crash, sees all of it or none."""
    # Two threads may write the same photo's thumbnail at once: each has a file of its own.
    scratch = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch.write_bytes(content)
        scratch.replace(path)
    except OSError as error:
        scratch.unlink(missing_ok=True)
        if error.errno in (28, 122):  # ENOSPC, EDQUOT
            raise WorkspaceFull(
                f"No space is left for {path}. What was committed is safe: free some space and "
                "run the same command again."
            ) from error
        raise


def _file_name(model: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "_", model)
