"""List the photos of folders and manifests, in an order that is always the same.

Nothing is decoded here and no address is fetched: a listing says where photos are, how large
they are and when they changed, so that ingest can tell what is new.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from lookweave.errors import InputError, Rejected
from lookweave.sources import catalogue, manifests, photo_files
from lookweave.sources.source import Notices, Options, Source, is_address, no_facts
from lookweave.store import workspace


def listing(
    kind: str,
    places: tuple[str, ...],
    options: Options | None = None,
    notices: Notices | None = None,
) -> Iterator[Source]:
    """All photos of some folders and manifests, place by place, folders in order of names.

    A photo that is listed twice is yielded twice. Memory grows with the largest single folder,
    not with the listing.

    Args:
        kind: garment or look.
        places: folders, read recursively, and .csv, .tsv or .parquet manifests.
        options: how manifests are to be read.
        notices: is told what had to be guessed or was left aside.

    Raises:
        InputError: a place is not there, is no manifest, or holds no photo. All places are
            looked at before the first photo is yielded.
    """
    for place in places:
        _check(kind, place)
    for place in places:
        path = absolute(place)
        if path.is_dir():
            yield from _folder(kind, path)
        else:
            yield from _manifest(kind, path)


def absolute(place: str) -> Path:
    """A place's path, absolute, its symbolic links kept."""
    return Path(os.path.abspath(Path(place).expanduser()))  # noqa: PTH100 - resolve() follows links


def _check(kind: str, place: str) -> None:
    path = absolute(place)
    what = f"{kind}s"
    if is_address(place):
        raise InputError(
            f"{place} is an address: list addresses in a CSV with a column 'url' and name that "
            f"as --{what}."
        )
    if not path.exists():
        raise InputError(
            f"{path} (given as {what}) does not exist. Name a folder of photos or a .csv, .tsv "
            "or .parquet manifest."
        )
    if path.is_dir():
        if not os.access(path, os.R_OK | os.X_OK):
            raise InputError(f"You may not read the folder {path} (given as {what}).")
    elif path.suffix.lower() not in manifests.SUFFIXES:
        raise InputError(
            f"{path} (given as {what}) is neither a folder nor a manifest. Name a folder of "
            "photos or a .csv, .tsv or .parquet file with a column 'path' or 'url'."
        )


def _folder(kind: str, root: Path) -> Iterator[Source]:
    found, left_out = False, list[str]()
    for path, problem in _walk(str(root), set(), left_out):
        found = True
        name = os.path.relpath(path, root).replace(os.sep, "/")
        if problem is None:
            problem = _bad_name(path)
        size, modified_ns = _stat(path)
        yield Source(
            kind, _readable(path), _readable(name), size, modified_ns, problem=problem,
            input=str(root), facts=no_facts(kind),
        )  # fmt: skip
    if not found:
        passed = ", ".join(os.path.relpath(path, root) for path in left_out[:5])
        raise InputError(
            f"The folder {root} (given as {kind}s) holds no photo: JPEG, PNG, WebP, AVIF, TIFF, "
            "GIF, BMP and HEIC are read, in folders below it too."
            + (f" By their names these were passed over: {passed}." if passed else "")
        )


def _walk(
    folder: str, seen: set[tuple[int, int]], left_out: list[str]
) -> Iterator[tuple[str, Rejected | None]]:
    """Paths of likely photos below `folder`; each real folder once, so loops of links end.
    Folders that are passed over are added to `left_out`."""
    try:
        here = os.stat(folder)  # noqa: PTH116
        if (here.st_dev, here.st_ino) in seen:
            return
        seen.add((here.st_dev, here.st_ino))
        with os.scandir(folder) as entries:
            children = sorted((entry.name, _is_folder(entry)) for entry in entries)
    except OSError as error:
        yield (
            folder,
            Rejected(
                "unreadable_folder",
                f"The folder cannot be listed ({error.strerror}): change its permissions.",
                retry=True,
            ),
        )
        return
    if (workspace.MARKER, False) in children:
        return  # a workspace inside the folder: its thumbnails are no photos of the catalogue
    for name, is_folder in children:
        path = os.path.join(folder, name)  # noqa: PTH118 - Path would cost as much as the listing
        if is_folder:
            if photo_files.is_left_out(path):
                left_out.append(path)
            else:
                yield from _walk(path, seen, left_out)
        elif photo_files.is_likely_photo(path):
            yield path, None


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that points to itself
        return False


def _manifest(kind: str, path: Path) -> Iterator[Source]:
    for row in manifests.rows(path):
        found = _of_row(kind, path, row)
        says = catalogue.row_says(kind, row.cells)
        yield replace(
            found, cells=row.cells, line=row.line, facts=says.facts, further=says.further,
            rights=says.rights, takedowns=says.takedowns, takedown_due=says.takedown_due,
        )  # fmt: skip


def _of_row(kind: str, path: Path, row: manifests.ManifestRow) -> Source:
    told: dict[str, Any] = {"input": str(path), "facts": no_facts(kind)}
    where, name = f"{path}:{row.line}", f"{path.name}:{row.line}"
    photo = row.photo
    if row.problem is not None:
        problem = Rejected(
            "broken_row", f"This row of the manifest {row.problem}: quote cells that "
            "contain the delimiter, and change the file."
        )  # fmt: skip
        return Source(kind, where, name, problem=problem, **told)
    if photo is None:
        problem = Rejected("no_photo_named", "This row of the manifest names no photo.")
        return Source(kind, where, name, problem=problem, **told)
    if is_address(photo):
        return Source(kind, photo, photo, **told)
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]+)://", photo)
    if scheme and scheme[1].lower() != "file":
        problem = Rejected(
            "unsupported_address",
            f"{scheme[1]}:// is not read: name files, or http:// or https:// addresses.",
        )
        return Source(kind, photo, photo, problem=problem, **told)
    if scheme:
        photo = unquote(urlsplit(photo).path)
    file, size, modified_ns = _find(path.parent, photo)
    return Source(kind, _readable(file), photo, size, modified_ns, problem=_bad_name(file), **told)


def _find(folder: Path, photo: str) -> tuple[str, int | None, int | None]:
    """The file that a manifest means: accents may be written in another normal form there than
    on the disk, and Windows writes its separators the other way round."""
    first = ""
    for written in (
        photo,
        unicodedata.normalize("NFC", photo),
        unicodedata.normalize("NFD", photo),
        photo.replace("\\", "/"),
    ):
        path = os.path.normpath(os.path.join(folder, os.path.expanduser(written)))  # noqa: PTH111, PTH118
        first = first or path
        size, modified_ns = _stat(path)
        if size is not None:
            return path, size, modified_ns
    return first, None, None


def _stat(path: str) -> tuple[int | None, int | None]:
    try:
        found = os.stat(path)  # noqa: PTH116
    except (OSError, ValueError):
        return None, None
    return found.st_size, found.st_mtime_ns


def _bad_name(path: str) -> Rejected | None:
    try:
        path.encode()
    except UnicodeEncodeError:
        return Rejected(
            "unreadable_name",
            "The file's name is not valid UTF-8, so no table can hold it: rename the file.",
        )
    return None


def _readable(path: str) -> str:
    """`path` as valid Unicode: bytes that are none are shown as ``\\xe9``."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return os.fsencode(path).decode("utf-8", "backslashreplace")
    return path
