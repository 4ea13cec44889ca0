"""List the photos of folders and manifests, in an order that is always the same.

Nothing is decoded here and no address is fetched: a listing says where photos are, how large
they are and when they changed, so that ingest can tell what is new.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lookweave.errors import InputError, Rejected
from lookweave.sources import manifests, photo_files
from lookweave.sources.catalogue import Catalogue
from lookweave.sources.pictures import bad_name, readable, status
from lookweave.sources.source import Notices, Options, Source, is_address, no_facts
from lookweave.store import workspace


class Listing:
    """All photos of some folders and manifests, place by place, folders in order of names.

    A photo that is listed twice is yielded twice. Memory grows with the largest single folder,
    not with the listing. Making one reads every manifest once, and folders up to their first
    photo, so what is wrong with a place is told before any work.

    Args:
        kind: garment or look.
        places: folders, read recursively, and manifests (`manifests.SUFFIXES`).
        options: how manifests are to be read.
        notices: is told what had to be guessed or was left aside.

    Raises:
        InputError: a place is not there, is no manifest, holds no photo, or names almost none
            that can be used.
    """

    def __init__(
        self,
        kind: str,
        places: tuple[str, ...],
        options: Options | None = None,
        notices: Notices | None = None,
    ) -> None:
        self.kind = kind
        self.notices = notices if notices is not None else Notices()
        for place in places:
            _check(kind, place)
        self._places: list[Path | Catalogue] = []
        for place in places:
            path = absolute(place)
            if path.is_dir():
                next(_folder(kind, path))
                self._places.append(path)
            else:
                self._places.append(Catalogue(kind, path, options or Options(), self.notices))

    def __iter__(self) -> Iterator[Source]:
        for place in self._places:
            if isinstance(place, Path):
                yield from _folder(self.kind, place)
            else:
                yield from place.sources()


def listing(
    kind: str,
    places: tuple[str, ...],
    options: Options | None = None,
    notices: Notices | None = None,
) -> Iterator[Source]:
    """The photos of a `Listing`; all places are looked at before the first photo is yielded."""
    yield from Listing(kind, places, options, notices)


def absolute(place: str) -> Path:
    """A place's path, absolute, its symbolic links kept."""
    return Path(os.path.abspath(Path(place).expanduser()))  # noqa: PTH100 - resolve() follows links


def input_name(place: str) -> str:
    """How a workspace names an input: by its absolute path. An address stays as it is, for the
    listing to refuse."""
    return place if is_address(place) else str(absolute(place))


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
            f"{path} (given as {what}) does not exist. Name a folder of photos or a manifest: "
            ".csv, .tsv, .xlsx, .jsonl, .xml or .parquet."
        )
    if path.is_dir():
        if not os.access(path, os.R_OK | os.X_OK):
            raise InputError(f"You may not read the folder {path} (given as {what}).")
    elif not manifests.is_table(path.name):
        raise InputError(
            f"{path} (given as {what}) is neither a folder nor a manifest. Name a folder of "
            "photos, or a .csv, .tsv, .xlsx, .jsonl, .xml or .parquet file with a column 'path' or "
            "'url'."
        )


def _folder(kind: str, root: Path) -> Iterator[Source]:
    found, passed = False, _Passed()
    for path, problem in _walk(str(root), set(), passed):
        found = True
        name = os.path.relpath(path, root).replace(os.sep, "/")
        if problem is None:
            problem = bad_name(path)
        size, modified_ns = status(path) or (None, None)
        yield Source(
            kind, readable(path), readable(name), size, modified_ns, problem=problem,
            input=str(root), facts=no_facts(kind),
        )  # fmt: skip
    if not found:
        left_out = ", ".join(os.path.relpath(path, root) for path in passed.folders[:5])
        instead = "; ".join(passed.told())
        raise InputError(
            f"The folder {root} (given as {kind}s) holds no photo: JPEG, PNG, WebP, AVIF, TIFF, "
            "GIF, BMP and HEIC are read, in folders below it too."
            + (f" It holds {instead}." if instead else "")
            + (f" By their names these were passed over: {left_out}." if left_out else "")
        )
    for told in passed.told():
        count = told.partition(" (")[0]
        yield Source(
            kind, f"{root}: {count}", count, input=str(root), facts=no_facts(kind),
            problem=Rejected("not_a_photo", f"No photo: {told}."),
        )  # fmt: skip


@dataclass
class _Passed:
    """What a listing passed over: folders, and files that are no photos, by kind."""

    folders: list[str] = field(default_factory=list)
    _counts: dict[str, int] = field(default_factory=dict)
    _first: dict[str, list[str]] = field(default_factory=dict)

    def add(self, what: str, name: str) -> None:
        self._counts[what] = self._counts.get(what, 0) + 1
        first = self._first.setdefault(what, [])
        if len(first) < 3:
            first.append(readable(name))

    def told(self) -> list[str]:
        """Such as ``12 films (a.mp4, b.mp4, c.mp4 and 9 more)``, kind by kind."""
        found = []
        for what, count in sorted(self._counts.items()):
            more = f" and {count - 3} more" if count > 3 else ""
            names = ", ".join(self._first[what])
            found.append(f"{count} {what}{'s' if count > 1 else ''} ({names}{more})")
        return found


def _walk(
    folder: str, seen: set[tuple[int, int]], passed: _Passed
) -> Iterator[tuple[str, Rejected | None]]:
    """Paths of likely photos below `folder`; each real folder once, so loops of links end.
    `passed` is told of folders and files that are passed over."""
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
                passed.folders.append(path)
            else:
                yield from _walk(path, seen, passed)
        elif photo_files.is_likely_photo(path):
            yield path, None
        elif (what := photo_files.no_photo(path)) is not None:
            passed.add(what, name)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that points to itself
        return False
