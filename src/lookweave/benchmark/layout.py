"""The files of a benchmark's folder: found, read, or missed by name."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lookweave.benchmark.content import Box, PhotoFile
from lookweave.errors import InputError


class Layout:
    """A benchmark's folder.

    Args:
        title: the benchmark, for messages.
        root: the folder that was given.

    Raises:
        InputError: there is no such folder.
    """

    def __init__(self, title: str, root: Path) -> None:
        self.title, self.root = title, root
        if not root.is_dir():
            raise InputError(f"{title}: there is no folder {root}. --data names where it lies.")

    def find(self, *places: str) -> Path | None:
        """The first of these places, relative to the folder, where something lies."""
        return next((self.root / one for one in places if (self.root / one).exists()), None)

    def need(self, what: str, *places: str) -> Path:
        """As `find`.

        Args:
            what: is missed where nothing lies there, as the middle of a sentence.

        Raises:
            InputError: nothing lies there.
        """
        found = self.find(*places)
        if found is None:
            raise self.missing(what, *places)
        return found

    def missing(self, what: str, *places: str) -> InputError:
        """The error of a part that is not there."""
        where = " or ".join(str(self.root / one) for one in places)
        return InputError(
            f"{self.title}: {what} is missing. It should be {where}; docs/benchmarks.md shows the "
            "whole layout."
        )

    def photo(self, path: Path) -> PhotoFile:
        """The photo in a file; whether it is there is seen when it is read."""
        return PhotoFile(path.relative_to(self.root).as_posix(), path)

    def cells(self, path: Path, column: str, rows: int) -> list[PhotoFile]:
        """The photos in a Parquet file's column."""
        name = path.relative_to(self.root).as_posix()
        return [PhotoFile(f"{name}#{column}/{row}", path, column, row) for row in range(rows)]

    def wrong(self, path: Path, why: str) -> InputError:
        """The error of a file that is not as its benchmark says."""
        return InputError(f"{self.title}: {path} cannot be used: {why}.")

    def json(self, path: Path) -> Any:
        """What a JSON file holds.

        Raises:
            InputError: it is none.
        """
        try:
            return json.loads(path.read_text("utf-8"))
        except ValueError as error:
            raise self.wrong(path, f"it is no JSON ({error})") from error

    def entries(self, path: Path, columns: Sequence[str]) -> list[dict[str, Any]]:
        """What a JSON file holds that is a list of objects.

        Raises:
            InputError: it is none, or an entry lacks a column.
        """
        found = self.json(path)
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise self.wrong(path, "it should be a list of entries")
        for number, entry in enumerate(found):
            if absent := [column for column in columns if column not in entry]:
                raise self.wrong(path, f"its entry {number} has no {', '.join(absent)}")
        return found

    def text_rows(self, path: Path, columns: int, *, least: int = 0) -> Iterator[list[str]]:
        """The rows of a text of words between blanks; empty lines are passed over.

        Args:
            columns: of a row.
            least: how many may do, where the last may be left out; 0: all.

        Raises:
            InputError: a row has another number of words.
        """
        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, 1):
                row = line.split()
                if row and not (least or columns) <= len(row) <= columns:
                    raise self.wrong(path, f"line {number} has {len(row)} words, not {columns}")
                if row:
                    yield row

    def counted_rows(self, path: Path, header: Sequence[str]) -> list[list[str]]:
        """The rows of a text that begins with their number and a line of column names.

        Raises:
            InputError: the number, the names or a row is not as it says.
        """
        with path.open(encoding="utf-8-sig") as file:
            said, names = file.readline().split(), file.readline().split()
            if len(said) != 1 or not said[0].isdigit():
                raise self.wrong(path, "its first line should be the number of its rows")
            if names != list(header):
                raise self.wrong(path, f"its second line should be: {' '.join(header)}")
            rows = [row for row in (line.split() for line in file) if row]
        if len(rows) != int(said[0]):
            raise self.wrong(path, f"it says {said[0]} rows and has {len(rows)}: fetch it again")
        for number, row in enumerate(rows, 3):
            if len(row) != len(header):
                raise self.wrong(path, f"line {number} has {len(row)} words, not {len(header)}")
        return rows

    def parquet(self, path: Path, columns: Sequence[str]) -> pa.Table:
        """Columns of a Parquet file.

        Raises:
            InputError: it is none, or lacks a column.
        """
        try:
            names = pq.read_schema(path).names
            if absent := [name for name in columns if name not in names]:
                raise self.wrong(path, f"it has no column {', '.join(absent)}")
            return pq.read_table(path, columns=list(columns))
        except pa.ArrowInvalid as error:
            raise self.wrong(path, f"it is no Parquet file ({error})") from error


def box_of(edges: Sequence[Any]) -> Box:
    """Four edges as a box."""
    left, top, right, bottom = (float(edge) for edge in edges)
    return left, top, right, bottom
