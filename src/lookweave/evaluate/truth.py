"""Known pairs: a file of garment and look names, tied to the photos of a workspace."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from lookweave.errors import InputError
from lookweave.sources import manifests
from lookweave.sources.columns import plain_name
from lookweave.sources.pictures import looks_like_picture
from lookweave.sources.values import as_text
from lookweave.store.conditions import matching
from lookweave.store.workspace import Workspace

_LISTED = 10
_COLUMNS = {"garment", "look"}


@dataclass(frozen=True)
class Truth:
    """Known pairs.

    Attributes:
        pairs: (garment, look) as ids of photos, each pair once; in place of an id the name of a
            photo that was turned away, which no match can find.
        missing: names of photos that were turned away.
    """

    pairs: tuple[tuple[str, str], ...]
    missing: tuple[str, ...]

    def looks_of(self) -> dict[str, list[str]]:
        """Garment -> its true looks."""
        return _grouped(self.pairs)

    def garments_of(self) -> dict[str, list[str]]:
        """Look -> its true garments."""
        return _grouped((look, garment) for garment, look in self.pairs)


def read_truth(workspace: Workspace, path: Path) -> Truth:
    """Read a table with the columns `garment` and `look`; others are ignored.

    It is read as manifests are: CSV however it is written, a spreadsheet, JSON or Parquet. A name
    is that of a source as the folder or manifest gave it, or the last part of it. A garment may
    have several looks, and a look several garments.

    Raises:
        InputError: the file cannot be read, has no such columns or no rows, or names photos that
            the workspace does not know or knows several of.
    """
    rows = list(_rows(path))
    if not rows:
        raise InputError(f"The truth file {path} has no rows.")
    garments = _Names(workspace, "garment")
    looks = _Names(workspace, "look")
    pairs = dict.fromkeys((garments.find(garment), looks.find(look)) for garment, look in rows)
    problems = garments.problems() + looks.problems()
    if problems:
        raise InputError(
            f"The truth file {path} does not fit {workspace.path}: {' '.join(problems)}"
        )
    return Truth(tuple(pairs), tuple(sorted(garments.missing | looks.missing)))


def _rows(path: Path) -> Iterator[tuple[str, str]]:
    """The names of garment and look, row by row."""

    def header(names: Sequence[str]) -> int:
        return len(_COLUMNS & {plain_name(name) for name in names}) // len(_COLUMNS)

    table = manifests.open_table(path, header, picture=looks_like_picture)
    by_name = {plain_name(column): column for column in reversed(table.columns)}
    if absent := sorted(_COLUMNS - by_name.keys()):
        raise InputError(f"{path} has no column {' and '.join(absent)}.")
    for row in manifests.rows(table):
        if row.problem:
            raise InputError(
                f"The truth file {path} cannot be read: line {row.line} {row.problem}."
            )
        garment, look = (row.cells.get(by_name[name], "") for name in ("garment", "look"))
        if garment == "" or look == "":
            name = "look" if look == "" else "garment"
            raise InputError(f"The truth file {path} names no {name} in line {row.line}.")
        yield as_text(garment), as_text(look)


class _Names:
    """Photos of one kind by name."""

    def __init__(self, workspace: Workspace, kind: str) -> None:
        self._kind = kind
        self._whole: dict[str, set[str]] = {}
        self._last: dict[str, set[str]] = {}
        of_kind = matching(kind=kind)
        for batch in workspace.table("sources").scan(["name", "id"], of_kind):
            for name, photo in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                self._whole.setdefault(name, set()).add(photo)
                self._last.setdefault(_last(name), set()).add(photo)
        rejects = workspace.table("rejects").read(["name"], of_kind & matching(step="ingest"))
        self._rejected = {
            known
            for name in rejects.column("name").to_pylist()
            if name
            for known in (name, _last(name))
        }
        self.missing: set[str] = set()
        self._unknown: set[str] = set()
        self._ambiguous: set[str] = set()

    def find(self, name: str) -> str:
        """The photo's id, or the name itself where there is none."""
        found = self._whole.get(name) or self._last.get(_last(name), set())
        if len(found) == 1:
            return next(iter(found))
        if found:
            self._ambiguous.add(name)
        elif name in self._rejected or _last(name) in self._rejected:
            self.missing.add(name)
        else:
            self._unknown.add(name)
        return name

    def problems(self) -> list[str]:
        told = []
        if self._unknown:
            told.append(f"there is no {self._kind} named {_some(self._unknown)}.")
        if self._ambiguous:
            told.append(
                f"several {self._kind}s are named {_some(self._ambiguous)}: write their path below "
                "the folder."
            )
        return told


def _last(name: str) -> str:
    return PurePosixPath(name.replace("\\", "/")).name


def _some(names: set[str]) -> str:
    shown = ", ".join(repr(name) for name in sorted(names)[:_LISTED])
    return f"{shown} and {len(names) - _LISTED} more" if len(names) > _LISTED else shown


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for one, other in pairs:
        grouped.setdefault(one, []).append(other)
    return grouped
