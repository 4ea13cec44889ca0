"""The folder of a publication: written aside, then put in place file by file.

::

    DIR/README.md                 the card
    DIR/croissant.json
    DIR/data/TIER/*.parquet
    DIR/webdataset/TIER/*.tar
    DIR/products.csv              every article whose photo may go out, paired or not
    DIR/held_back.csv             what stayed in and why; never pushed to a hub
    DIR/lookweave-publication.json  the marker: what this folder is, and every file with its hash

The folder itself is never renamed or removed, so it may be a symbolic link, a mounted disk, or
hold what other programs leave everywhere (``.DS_Store``, ``.git``). A new publication is written
to ``DIR/.lookweave-publishing/new``. When it is whole, the file ``ready`` is made beside ``new``:
from then on the exchange is only ever carried on, also by the next call after a crash. Only files
that the marker lists, under names that Lookweave gives, are removed.
"""

from __future__ import annotations

import errno
import fnmatch
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from filelock import FileLock, Timeout

from lookweave import __version__
from lookweave.errors import InputError, PublishError, WorkspaceLocked
from lookweave.publish.options import SPLITS, TIERS
from lookweave.records import file_sha256
from lookweave.store.workspace import Workspace

MARKER = "lookweave-publication.json"
HELD_BACK = "held_back.csv"
FORMAT = 1

_WORK, _NEW, _READY, _LOCK = ".lookweave-publishing", "new", "ready", "lock"
_EDITABLE = ("README.md", "croissant.json", HELD_BACK)
"""Files that people edit by hand. Their version is kept beside the new one."""

_OURS = re.compile(
    r"README\.md|croissant\.json|held_back\.csv|products\.csv"
    rf"|data/({'|'.join(TIERS)})/({'|'.join(SPLITS)})-\d+-of-\d+\.parquet"
    rf"|webdataset/({'|'.join(TIERS)})/({'|'.join(SPLITS)})-\d+\.tar"
)
"""Every name that a publication can have: a marker that lists others was not written by us."""

_LEFT_BY_PROGRAMS = (
    # Hidden files and folders of all kinds: .DS_Store, ._*, .git, .gitattributes, .cache, .*.swp,
    # .~lock.*#, .nfs*, .Trash-1000, .ipynb_checkpoints.
    ".*",
    # Windows, macOS, network drives.
    "thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "icon\r", "$recycle.bin",
    "system volume information", "lost+found", "__macosx", "@eadir", "#recycle",
    "network trash folder", "temporary items",
    # Locks and backups of editors and tools.
    "*.lock", "~$*", "*~", "#*#", "*.bak", "*.bak[0-9]*", "*.orig", "*.swp", "*.swo", "*.tmp",
    "__pycache__",
)  # fmt: skip
"""Patterns, in lower case, of the names of files and folders that systems and tools leave in any
folder. They neither block a publication nor are they removed."""


def check_folder(folder: Path, workspace: Workspace) -> Path:
    """Refuse a folder that holds what Lookweave did not write; changes nothing.

    Returns:
        The real folder: what `folder` leads to where it is a symbolic link.

    Raises:
        InputError: it is a file, belongs to the workspace, leads nowhere, or holds files that
            neither a publication nor a system wrote; they are named.
    """
    real = _real(folder)
    if real.exists() and not real.is_dir():
        raise InputError(f"{folder} is a file: name a folder for the publication.")
    if real == workspace.path or real in workspace.path.parents:
        raise InputError(f"{folder} holds the workspace: name a folder of its own.")
    if workspace.path in real.parents:
        raise InputError(f"{folder} is inside the workspace: name a folder elsewhere.")
    _check_content(real)
    return real


def read_marker(folder: Path) -> dict[str, str] | None:
    """Path below `folder` -> SHA-256, as its marker says; None where it is no publication."""
    try:
        marker = json.loads((folder / MARKER).read_text(encoding="utf-8"))
        files = {str(path): str(sha256) for path, sha256 in marker["files"].items()}
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return None
    return {path: sha256 for path, sha256 in files.items() if is_published_name(path)}


def is_published_name(path: str) -> bool:
    """Whether a path below a publication is one that Lookweave gives to its files."""
    return bool(_OURS.fullmatch(path))


def write_marker(folder: Path) -> dict[str, str]:
    """Write the marker over all files of `folder`; returns path -> SHA-256."""
    files = {path.relative_to(folder).as_posix(): file_sha256(path) for path in _files(folder)}
    content = {"format": FORMAT, "made_by": f"lookweave {__version__}", "files": files}
    (folder / MARKER).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return files


@contextmanager
def work_folder(folder: Path) -> Iterator[Path]:
    """An empty folder inside `folder` to write a publication to, for one process at a time.

    It is removed at the end, with `folder` itself where that was made for it and stayed empty. An
    exchange that a crash broke off is finished first.

    Raises:
        WorkspaceLocked: another process is publishing to `folder`.
        InputError: `folder` holds what Lookweave did not write.
        PublishError: the disk is full or the folder cannot be written.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        with _write_errors(folder), _locked(folder) as work:
            if (work / _READY).exists():
                _exchange(work, folder)
            _check_content(folder)
            (work / _NEW).mkdir()
            yield work / _NEW
    finally:
        for path in made:
            try:
                path.rmdir()
            except OSError:
                break  # there is something in it, or it was never made


@contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """A `work_folder` whose content takes the place of what is published in `folder` when the block
    ends well. After an error `folder` is as it was; a crash is mended by the next call.

    Raises:
        InputError: a file that Lookweave did not write stands where a new one must go.
    """
    with work_folder(folder) as new:
        yield new
        coming, known = read_marker(new), read_marker(folder) or {}
        if coming is None:
            coming = write_marker(new)
        in_the_way = sorted(
            path for path in coming.keys() - known.keys() if os.path.lexists(folder / path)
        )
        if in_the_way:
            raise InputError(_strangers_message(folder, in_the_way))
        (new.parent / _READY).touch()
        _exchange(new.parent, folder)


def edited_by_hand(folder: Path) -> list[str]:
    """The card and lists of an earlier publication that are not as they were written.

    The next publication keeps them beside its own, as ``README.md.bak1``.
    """
    known = read_marker(folder) or {}
    return [name for name in _EDITABLE if _is_edited(folder / name, {known.get(name)})]


def _is_edited(path: Path, ours: set[str | None]) -> bool:
    return ours != {None} and path.is_file() and file_sha256(path) not in ours


def _exchange(work: Path, folder: Path) -> None:
    """Every step may have been done already, by a call that a crash ended."""
    new = work / _NEW
    coming = read_marker(new)
    if coming is not None:  # else the crash came after the last file
        known = read_marker(folder) or {}
        for name in _EDITABLE:
            if name in known and _is_edited(folder / name, {known[name], coming.get(name)}):
                _set_aside(folder / name)
        for path in sorted(known.keys() - coming.keys()):
            (folder / path).unlink(missing_ok=True)
        for path in [*sorted(coming), MARKER]:
            if (new / path).exists():
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (new / path).replace(folder / path)
        for parent in sorted(_parents(known), reverse=True):  # the innermost first
            if (folder / parent).is_dir() and not any((folder / parent).iterdir()):
                (folder / parent).rmdir()
    shutil.rmtree(new, ignore_errors=True)
    (work / _READY).unlink()


def _set_aside(path: Path) -> None:
    number = 1
    while os.path.lexists(aside := path.with_name(f"{path.name}.bak{number}")):
        number += 1
    path.rename(aside)


def _real(folder: Path) -> Path:
    try:
        real = folder.resolve()
    except (OSError, RuntimeError) as error:
        raise InputError(f"{folder} leads nowhere ({error}): name another folder.") from error
    if folder.is_symlink() and not real.parent.is_dir():
        raise InputError(
            f"{folder} is a symbolic link to {real}, which is not there: mount its disk, or make "
            "the folder."
        )
    return real


def _check_content(folder: Path) -> None:
    if not folder.is_dir():
        return
    known = read_marker(folder)
    ours = set(known or {})
    work = folder / _WORK
    if (work / _READY).exists():  # a crash broke off an exchange: some files are in place already
        ours |= (read_marker(work / _NEW) or {}).keys()
    there = {path.relative_to(folder).as_posix() for path in _files(folder)} - {MARKER}
    strangers = [path for path in sorted(there - ours) if not left_by_programs(path)]
    # Through a linked folder the next files would go wherever it leads.
    strangers += [path for path in sorted(_parents(ours) & there) if path not in strangers]
    if strangers and known is None:
        raise InputError(
            f"{folder} is not empty and no earlier publication (it holds {some(strangers)}): "
            "name a new folder."
        )
    if strangers:
        raise InputError(_strangers_message(folder, strangers))


def _parents(paths: Iterable[str]) -> set[str]:
    """Every folder below the publication's that the files are in."""
    found = {parent.as_posix() for path in paths for parent in PurePosixPath(path).parents}
    return found - {"."}


def _strangers_message(folder: Path, strangers: list[str]) -> str:
    return (
        f"{folder} is an earlier publication with files that Lookweave did not write "
        f"({some(strangers)}): move them away, or name another folder."
    )


def some(names: list[str]) -> str:
    """The first of some names, and how many more there are."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def left_by_programs(name: str) -> bool:
    """Whether a path below a publication is what systems and tools leave in any folder."""
    return any(
        fnmatch.fnmatchcase(part.casefold(), pattern)
        for part in name.split("/")
        for pattern in _LEFT_BY_PROGRAMS
    )


@contextmanager
def _locked(folder: Path) -> Iterator[Path]:
    """The work folder of `folder`, made and removed. The system frees a killed process's lock."""
    work = folder / _WORK
    work.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(work / _LOCK, timeout=0):
            try:
                if not (work / _READY).exists():
                    shutil.rmtree(work / _NEW, ignore_errors=True)
                yield work
            finally:
                if not (work / _READY).exists():
                    shutil.rmtree(work / _NEW, ignore_errors=True)
                    # The lock refuses a file that was removed while another process opened it.
                    (work / _LOCK).unlink(missing_ok=True)
                    with suppress(OSError):  # not empty: another process has begun
                        work.rmdir()
    except Timeout as error:
        raise WorkspaceLocked(
            f"Another publication to {folder} is under way. Wait for it or stop it."
        ) from error


@contextmanager
def _write_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise PublishError(
                f"No space is left for {folder}. Free some, or publish smaller images "
                "(--max-side) or one format; what was published before is as it was."
            ) from error
        raise PublishError(f"{folder} cannot be written: {error}.") from error


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file() or path.is_symlink())
