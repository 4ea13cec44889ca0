"""A workspace: one folder with the tables, the thumbnails and the runs of a project.

::

    WS/workspace.json      what this folder is, and its format
    WS/lookweave.toml      settings, if you write some
    WS/progress.json       how far the build is (store/build_state.py)
    WS/versions.json       the versions of all tables that readers see together
    WS/tables/*.lance      the tables of records.py
    WS/embeddings/*.lance  one table for each encoder
    WS/thumbnails/ab/ID.jpg
    WS/photos/ab/ID        the photos' bytes, only after `build --copy`
    WS/reviews.sqlite      people's verdicts as they came (review/journal.py)
    WS/snapshots/NAME.json named versions of all tables
    WS/report.html
"""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

from filelock import FileLock, Timeout

from lookweave import __version__
from lookweave.errors import InputError, WorkspaceError, WorkspaceFull, WorkspaceLocked
from lookweave.records import TABLES, TableSpec, embedding_spec
from lookweave.store.tables import KEPT, Table

FORMAT = 1
MARKER = "workspace.json"
VERSIONS = "versions.json"


@dataclass(frozen=True)
class Snapshot:
    """A named version of every table."""

    name: str
    tables: MappingProxyType[str, int]
    embeddings: MappingProxyType[str, int]


class Workspace:
    """One workspace.

    `Workspace.open` reads: it takes no lock, writes nothing, and sees every table as it was at
    one moment, whatever a build does meanwhile. `Workspace.create` writes: take `lock` around it.
    """

    def __init__(
        self,
        path: Path,
        snapshot: Snapshot | None = None,
        *,
        versions: Mapping[str, int] | None = None,
        writable: bool = False,
    ) -> None:
        self.path = path
        self.snapshot = snapshot
        self.writable = writable
        self._versions = versions
        self._tables: dict[str, Table] = {}
        self._grouped = False

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_tables": {}}  # open tables do not travel to other processes

    @classmethod
    def create(cls, path: Path) -> Workspace:
        """The workspace at `path` to write to, made where there is none.

        Raises:
            InputError: see `usable_folder`.
            WorkspaceError: it cannot be made.
        """
        path = usable_folder(path)
        if (path / MARKER).exists():
            cls._check(path)
            return cls(path, writable=True)
        try:
            for folder in ("tables", "embeddings", "thumbnails", "snapshots"):
                (path / folder).mkdir(parents=True, exist_ok=True)
            write_atomically(
                path / MARKER,
                json.dumps({"format": FORMAT, "created_by": f"lookweave {__version__}"}).encode(),
            )
        except OSError as error:
            raise WorkspaceError(f"The workspace {path} cannot be made: {error}.") from error
        return cls(path, writable=True)

    @classmethod
    def open(cls, path: Path, snapshot: str | None = None) -> Workspace:
        """An existing workspace, to read as it is now, or as it was when a snapshot was taken.

        Raises:
            InputError: there is no workspace, or no such snapshot.
            WorkspaceError: it was made by another version of Lookweave.
        """
        path = path.expanduser().resolve()
        cls._check(path)
        workspace = cls(path, versions=_seen_together(path))
        if snapshot is None:
            return workspace
        named = workspace.read_snapshot(snapshot)
        embeddings = {f"embeddings/{model}": at for model, at in named.embeddings.items()}
        return cls(path, named, versions={**named.tables, **embeddings})

    @staticmethod
    def _check(path: Path) -> None:
        try:
            marker = json.loads((path / MARKER).read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError) as error:
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

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Be the only writer. The operating system frees the lock of a killed process.

        Raises:
            WorkspaceLocked: another process is writing.
            WorkspaceError: the folder cannot be written to.
        """
        try:
            with FileLock(self.path / ".lock", timeout=0):
                self._tables.clear()  # another process may have written since they were opened
                yield
        except Timeout as error:
            raise WorkspaceLocked(
                f"Another Lookweave process is writing to {self.path}. Wait for it or stop it."
            ) from error
        except OSError as error:
            if error.filename and Path(error.filename).name == ".lock":
                raise WorkspaceError(
                    f"{self.path} cannot be written to ({error.strerror}). Reading it needs no "
                    "permission to write: search, status, report -o, matches, publish."
                ) from error
            raise

    @contextmanager
    def together(self) -> Iterator[None]:
        """Let readers see all commits of the block at once, and none of them before its end."""
        if self._grouped:
            yield
            return
        self._grouped = True
        try:
            yield
        finally:
            self._grouped = False
            self._show()

    def pinned(self) -> Workspace:
        """A reader of all tables as they are now, to hand to other threads and processes."""
        return Workspace(self.path, self.snapshot, versions=self.versions())

    def versions(self) -> dict[str, int]:
        """The version of every table that is there, embeddings as ``embeddings/MODEL``."""
        if not self.writable and self._versions is not None:
            return dict(self._versions)
        found = {name: self.table(name).version for name in TABLES}
        return found | {
            f"embeddings/{table.path.stem}": table.version for table in self.embedding_tables()
        }

    def table(self, name: str) -> Table:
        """The table of one kind of `records.TABLES`."""
        if name not in self._tables:
            self._tables[name] = self._table(name, self.path / "tables", TABLES[name])
        return self._tables[name]

    def embeddings(self, model: str, dimension: int) -> Table:
        """The vectors of one encoder."""
        stem = _file_name(model)
        key = f"embeddings/{stem}"
        if key not in self._tables:
            folder, spec = self.path / "embeddings", embedding_spec(dimension)
            self._tables[key] = self._table(key, folder, spec, stem)
        return self._tables[key]

    def _table(self, key: str, folder: Path, spec: TableSpec, stem: str = "") -> Table:
        path = folder / f"{stem or spec.name}.lance"
        if self.writable:
            return Table(path, spec, committed=self._show)
        # A table that came after the moment that is looked at has no rows yet.
        version = None if self._versions is None else self._versions.get(key, 0)
        return Table(path, spec, version, reading=True)

    def show(self) -> None:
        """Let readers see the newest version of every table, also those of a killed process."""
        for name in TABLES:
            self.table(name)
        self.embedding_tables()
        self._show()

    def _show(self) -> None:
        """Let readers see what was committed until now."""
        if self._grouped:
            return
        before = _seen_together(self.path) or {}
        now = {key: table.version for key, table in self._tables.items()}
        if before.items() >= now.items():
            return
        # Tables that this process has not opened stand as they stood.
        everything = {**(before or self._on_disk()), **now}
        content = json.dumps(everything, indent=1, sort_keys=True)
        write_atomically(self.path / VERSIONS, content.encode())

    def _on_disk(self) -> dict[str, int]:
        import lance

        found = {}
        for folder in ("tables", "embeddings"):
            for path in sorted((self.path / folder).glob("*.lance")):
                if any((path / "_versions").glob("*.manifest")):
                    key = path.stem if folder == "tables" else f"embeddings/{path.stem}"
                    found[key] = int(lance.dataset(str(path)).version)
        return found

    def encoders(self) -> list[str]:
        """File names of the encoders that have a table here."""
        return sorted(path.stem for path in (self.path / "embeddings").glob("*.lance"))

    def thumbnail_path(self, photo: str) -> Path:
        """Where the thumbnail of a photo is, or is to be; an earlier version kept WebP."""
        path = self.path / "thumbnails" / photo[:2] / f"{photo}.jpg"
        earlier = path.with_suffix(".webp")
        return earlier if not path.exists() and earlier.exists() else path

    def keep_thumbnail(self, photo: str, jpeg: bytes) -> None:
        """Write a photo's thumbnail, in the place of an earlier one.

        Raises:
            WorkspaceFull: no space is left.
        """
        path = self.path / "thumbnails" / photo[:2] / f"{photo}.jpg"
        write_atomically(path, jpeg)

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
        # Not by Lance's tags: for some names of folders it makes another one beside the workspace.
        versions = {kind: self.table(kind).version for kind in TABLES}
        embeddings = {table.path.stem: table.version for table in self.embedding_tables()}
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

    def clean(self, kept: timedelta = KEPT) -> None:
        """Remove files of killed writers, and versions that no reader can have open: those of
        snapshots stay, and of the others what took another's place within `kept`."""
        seen = _seen_together(self.path) or {}
        named = [self.read_snapshot(name) for name in self.snapshots()]
        for name in TABLES:
            stay = [seen.get(name, 0), *(one.tables.get(name, 0) for one in named)]
            self.table(name).clean(kept, stay)
        for table in self.embedding_tables():
            model = table.path.stem
            stay = [seen.get(f"embeddings/{model}", 0)]
            table.clean(kept, [*stay, *(one.embeddings.get(model, 0) for one in named)])

    def embedding_tables(self) -> list[Table]:
        """The vectors of every encoder that was ever used here."""
        import lance

        tables = []
        for path in sorted((self.path / "embeddings").glob("*.lance")):
            if not any((path / "_versions").glob("*.manifest")):
                continue  # a process was killed before its first commit
            width = lance.dataset(str(path)).schema.field("vector").type.list_size
            tables.append(self.embeddings(path.stem, width))
        return tables


def usable_folder(path: Path) -> Path:
    """A workspace's folder, resolved, where there is a workspace or one can be made.

    Raises:
        InputError: `path` is a file, a folder with other things in it, cannot be written to, or
            has a name that Lance cannot write to.
    """
    path = path.expanduser().resolve()
    if (path / MARKER).exists():
        return path
    if re.search(r"[\x00-\x1f\x7f]", str(path)):
        raise InputError(
            f"{path} has a line break or another control character in its name: Lance cannot "
            "write there. Name another folder for the workspace."
        )
    if path.exists() and not path.is_dir():
        raise InputError(f"{path} is a file: name a folder for the workspace.")
    if path.is_dir() and any(child.name != "lookweave.toml" for child in path.iterdir()):
        raise InputError(
            f"{path} is not empty and no workspace: name a new folder for the workspace."
        )
    there = next(folder for folder in (path, *path.parents) if folder.exists())
    if not there.is_dir():
        raise InputError(f"{there} is a file: a workspace cannot be made below it.")
    if not os.access(there, os.W_OK | os.X_OK):
        raise InputError(
            f"{path} cannot be made: you have no permission to write to {there}, or the disk can "
            "only be read. Name another folder for the workspace."
        )
    return path


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


def is_scratch(name: str) -> bool:
    """Whether `write_atomically` gave a file this name while it wrote it."""
    return re.fullmatch(r"\..+\.\d+\.\d+\.tmp", name) is not None


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that a reader, or a crash, sees all of it or none."""
    # Two threads may write the same photo's thumbnail at once: each has a file of its own.
    scratch = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
    try:
        try:
            scratch.write_bytes(content)
        except FileNotFoundError:
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


def _seen_together(path: Path) -> dict[str, int] | None:
    """What `versions.json` says; None where there is none: then the newest of each are read."""
    try:
        found: dict[str, int] = json.loads((path / VERSIONS).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise WorkspaceError(f"{path / VERSIONS} cannot be read: {error}.") from error
    return found


def _file_name(model: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "_", model)
