"""The folder of a publication: made beside, swapped in whole, so that nothing old stays behind.

::

    DIR/README.md                 the card
    DIR/croissant.json
    DIR/data/TIER/*.parquet
    DIR/webdataset/TIER/*.tar
    DIR/held_back.csv             what stayed in and why; never pushed to a hub
    DIR/lookweave-publication.json  the marker: what this folder is, and every file with its hash
"""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lookweave.errors import InputError, PublishError
from lookweave.records import file_sha256
from lookweave.store.workspace import Workspace

MARKER = "lookweave-publication.json"
HELD_BACK = "held_back.csv"
FORMAT = 1


def check_folder(folder: Path, workspace: Workspace) -> None:
    """Refuse a folder that holds anything but an earlier publication.

    Raises:
        InputError: it is a file, belongs to the workspace, or holds files that no publication
            wrote.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file: name a folder for the publication.")
    real = folder.resolve()
    if real == workspace.path or real in workspace.path.parents:
        raise InputError(f"{folder} holds the workspace: name a folder of its own.")
    if workspace.path in real.parents and workspace.path / "publications" not in real.parents:
        raise InputError(f"{folder} is inside the workspace: name a folder elsewhere.")
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    known = published_files(folder)
    if known is None:
        raise InputError(f"{folder} is not empty and no earlier publication: name a new folder.")
    there = {path.relative_to(folder).as_posix() for path in _files(folder)}
    if strangers := sorted(there - known.keys() - {MARKER}):
        more = f" and {len(strangers) - 3} more" if len(strangers) > 3 else ""
        raise InputError(
            f"{folder} is an earlier publication with files that Lookweave did not write "
            f"({', '.join(strangers[:3])}{more}): publishing again would remove them. Move them "
            "away, or name another folder."
        )


def published_files(folder: Path) -> dict[str, str] | None:
    """Path below `folder` -> SHA-256, as its marker says; None where it is no publication."""
    try:
        marker = json.loads((folder / MARKER).read_text(encoding="utf-8"))
        return {str(path): str(sha256) for path, sha256 in marker["files"].items()}
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return None


def write_marker(folder: Path, version: str) -> dict[str, str]:
    """Write the marker over all files of `folder`; returns path -> SHA-256."""
    files = {path.relative_to(folder).as_posix(): file_sha256(path) for path in _files(folder)}
    content = {"format": FORMAT, "made_by": f"lookweave {version}", "files": files}
    (folder / MARKER).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return files


@contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """A fresh folder that takes the place of `folder` when the block ends well.

    After an error `folder` is as it was. After a crash the next call clears up.

    Raises:
        PublishError: the disk is full or the folder cannot be written.
    """
    fresh = folder.with_name(f".{folder.name}.publishing")
    replaced = folder.with_name(f".{folder.name}.replaced")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        if replaced.exists() and not folder.exists():
            replaced.rename(folder)  # a crash struck between the two renames below
        for leftover in (fresh, replaced):
            if leftover.exists():
                shutil.rmtree(leftover)
        fresh.mkdir()
        yield fresh
        if folder.exists():
            folder.rename(replaced)
        fresh.rename(folder)
        if replaced.exists():
            shutil.rmtree(replaced)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise PublishError(
                f"No space is left for {folder}. Free some, or publish smaller images "
                "(--max-side) or one format; what was published before is as it was."
            ) from error
        raise PublishError(f"{folder} cannot be written: {error}.") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file() or path.is_symlink())
