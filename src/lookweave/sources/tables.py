"""Tables that say themselves where a cell ends: Parquet, JSON, spreadsheets, feeds in XML.

Each is read row by row: it may be larger than memory. `delimited` reads CSV and its kin.
"""

from __future__ import annotations

import gzip
import json
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol, cast
from xml.etree.ElementTree import Element, ParseError

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from lookweave.errors import InputError
from lookweave.sources import values
from lookweave.sources.source import Notices

_SAMPLE = 2000  # records looked at for the columns of a format that has no header

Header = Callable[[Sequence[str]], int]
"""How well column names suit the reader: 0 not at all, else the number it understands."""


@dataclass(frozen=True)
class Row:
    """One row.

    Attributes:
        line: where it begins, counted from 1: lines of a text, rows of any other table.
        cells: every cell that is not empty, by column.
        problem: why the row cannot be read, where it cannot.
    """

    line: int
    cells: dict[str, Any]
    problem: str | None = None


class Table(Protocol):
    """A table that can be read several times."""

    path: Path
    columns: list[str]

    def rows(self, notices: Notices | None = None) -> Iterator[Row]:
        """All rows, in order; `notices` is told what reading them had to guess."""


def unreadable(path: Path, error: Exception) -> InputError:
    """The error of a table that cannot be read, or no further."""
    return InputError(f"{path} cannot be read: {str(error) or type(error).__name__}.")


def open_bytes(path: Path) -> IO[bytes]:
    """The file's bytes, unpacked where it is gzip."""
    file = path.open("rb")
    packed = file.read(2) == b"\x1f\x8b"
    if not packed:
        file.seek(0)
        return file
    file.close()
    return cast(IO[bytes], gzip.open(path, "rb"))


def distinct(names: Sequence[str]) -> list[str]:
    """Column names, each once: a second ``image`` is ``image (2)``; one without a name is
    ``column 3``."""
    found: list[str] = []
    for position, name in enumerate(names, start=1):
        name = name or f"column {position}"
        number, once = 1, name
        while once in found:
            number += 1
            once = f"{name} ({number})"
        found.append(once)
    return found


class Parquet:
    """Columns that hold bytes are left out, and so is nothing else."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with pq.ParquetFile(path) as file:
            schema = file.schema_arrow
        self._taken = [at for at, column in enumerate(schema) if not _holds_bytes(column.type)]
        names = distinct([column.name for column in schema])
        self.columns = [names[at] for at in self._taken]
        self.with_bytes = [names[at] for at in range(len(names)) if at not in set(self._taken)]
        self._twice = len(set(schema.names)) < len(schema.names)
        self._asked = [schema.field(at).name for at in self._taken]

    def rows(self, notices: Notices | None = None) -> Iterator[Row]:
        line = 0
        with pq.ParquetFile(self.path) as file:
            # Columns are asked for by name; where two share one, all are read.
            asked = None if self._twice else self._asked
            for batch in file.iter_batches(batch_size=2048, columns=asked):
                kept = self._taken if self._twice else range(len(self._asked))
                columns = [batch.column(at).to_pylist() for at in kept]
                for said in zip(*columns, strict=True):
                    line += 1
                    yield Row(line, without_empty(zip(self.columns, said, strict=True)))


class Json:
    """One object a line, or a list of objects."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.columns = _columns_of(self.rows())

    def rows(self, notices: Notices | None = None) -> Iterator[Row]:
        with open_bytes(self.path) as file:
            first = file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
        yield from self._list() if first == b"[" else self._lines(notices)

    def _lines(self, notices: Notices | None) -> Iterator[Row]:
        with open_bytes(self.path) as file:
            for line, said in enumerate(file, start=1):
                text = said.decode("utf-8-sig", "replace").strip()
                if not text:
                    continue
                if notices is not None and "\ufffd" in text:
                    notices.tell(
                        str(self.path), "damaged text", "bytes that are no UTF-8 are shown as �.",
                        line,
                    )  # fmt: skip
                try:
                    record = json.loads(text)
                except ValueError as error:
                    yield Row(line, {}, f"is no JSON ({error})")
                    continue
                yield _record(line, record)

    def _list(self) -> Iterator[Row]:
        decoder = json.JSONDecoder()
        line = 0
        with open_bytes(self.path) as file:
            lines = (each.decode("utf-8", "replace") for each in file)
            text = next(lines, "").lstrip("\ufeff \t\r\n").removeprefix("[")
            while True:
                text = text.lstrip(" \t\r\n,")
                if text.startswith("]"):
                    return
                try:
                    record, end = decoder.raw_decode(text)
                except ValueError as error:
                    more = "".join(piece for _, piece in zip(range(200), lines, strict=False))
                    if not more:
                        raise InputError(
                            f"{self.path} is cut short or no JSON after object {line}: {error}."
                        ) from error
                    text += more
                    continue
                line += 1
                text = text[end:]
                yield _record(line, record)


class Spreadsheet:
    """The first sheet that has a header."""

    def __init__(self, path: Path, header: Header) -> None:
        self.path = path
        self._sheet, self._header_row, best = 0, 0, 0
        self.columns: list[str] = []
        first: list[str] = []
        with self._book() as book:
            for number, sheet in enumerate(book.worksheets):
                for row, said in enumerate(sheet.iter_rows(max_row=30, values_only=True), start=1):
                    names = ["" if each is None else str(each).strip() for each in said]
                    first = first or [name for name in names if name]
                    while names and not names[-1]:
                        names.pop()
                    if (suits := header(names)) > best:
                        self._sheet, self._header_row, best = number, row, suits
                        self.columns = distinct(names)
                if best:
                    break
        self.columns = self.columns or distinct(first)

    @contextmanager
    def _book(self) -> Iterator[openpyxl.Workbook]:
        with open_bytes(self.path) as file:
            try:  # a file, not its name, which openpyxl would judge it by
                book = openpyxl.load_workbook(file, read_only=True, data_only=True)
            except (KeyError, ValueError, zipfile.BadZipFile) as error:
                raise InputError(
                    f"{self.path} is a ZIP archive and no spreadsheet that can be read: unpack "
                    "it, or save it as .xlsx or .csv (UTF-8)."
                ) from error
            yield book

    def rows(self, notices: Notices | None = None) -> Iterator[Row]:
        if not self._header_row:
            return
        first = self._header_row + 1
        with self._book() as book:
            below = book.worksheets[self._sheet].iter_rows(min_row=first)
            for line, said in enumerate(below, start=first):
                cells = [_spreadsheet_cell(cell) for cell in said[: len(self.columns)]]
                if found := without_empty(zip(self.columns, cells, strict=False)):
                    yield Row(line, found)


def _spreadsheet_cell(cell: Any) -> Any:
    value = cell.value
    if isinstance(value, str) and value.startswith("#") and cell.data_type == "e":
        return None  # a formula that failed
    if isinstance(value, int | float) and not isinstance(value, bool):
        shape = str(getattr(cell, "number_format", "") or "")
        if shape and set(shape) == {"0"} and float(value).is_integer():
            return f"{int(value):0{len(shape)}d}"  # shown with leading zeros
        if isinstance(value, float) and value.is_integer():
            return int(value)
    return value


class Feed:
    """Elements of one name, each an article: RSS and Atom feeds, and exports like them."""

    def __init__(self, path: Path, header: Header) -> None:
        self.path = path
        self.columns: list[str] = []
        self._record = ""
        best = 0
        seen: dict[str, dict[str, None]] = {}
        for count, (element, children) in enumerate(self._elements()):
            known = seen.setdefault(element, {})
            known.update(dict.fromkeys(children))
            if count > 50 * _SAMPLE:
                break
        for element, known in seen.items():
            if (suits := header(list(known))) > best:
                best, self._record = suits, element
                self.columns = list(known)
        if not self._record:
            every = {name: None for known in seen.values() for name in known}
            self.columns = list(every)[:20]

    def _elements(self) -> Iterator[tuple[str, list[str]]]:
        for element, parent in self._parsed():
            if len(element):
                yield _local(element.tag), [_local(child.tag) for child in element]
                if len(element) > 1 and parent is not None:
                    parent.remove(element)

    def _parsed(self) -> Iterator[tuple[Element, Element | None]]:
        """Each element when it ends, and the one around it."""
        around: list[Element] = []
        try:
            with open_bytes(self.path) as file:
                for event, element in iterparse(file, events=("start", "end")):
                    if event == "start":
                        around.append(element)
                    else:
                        around.pop()
                        yield element, around[-1] if around else None
        except (ParseError, DefusedXmlException) as error:
            raise InputError(
                f"{self.path} is no XML that can be read ({error}): export it again, as RSS, "
                "Atom or CSV."
            ) from error

    def rows(self, notices: Notices | None = None) -> Iterator[Row]:
        """See `Table.rows`."""
        line = 0
        for element, parent in self._parsed():
            if not self._record or _local(element.tag) != self._record:
                continue
            line += 1
            cells: dict[str, Any] = {}
            for child in element:
                name, value = _local(child.tag), _value(child)
                if value is not None and name in cells:
                    before = cells[name]
                    cells[name] = [*(before if isinstance(before, list) else [before]), value]
                elif value is not None:
                    cells[name] = value
            if parent is not None:
                parent.remove(element)
            yield Row(line, without_empty(cells.items()))


def _local(tag: object) -> str:
    return str(tag).rpartition("}")[2]


def _value(element: Element) -> Any:
    """An element's text, the address it links to, or its children by name."""
    if len(element):
        return {_local(child.tag): _value(child) for child in element}
    text = (element.text or "").strip()
    return text or element.get("href") or element.get("url") or None


def _columns_of(rows: Iterator[Row]) -> list[str]:
    names: dict[str, None] = {}
    for row, _ in zip(rows, range(_SAMPLE), strict=False):
        names.update(dict.fromkeys(row.cells))
    return list(names)


def _record(line: int, record: object) -> Row:
    if not isinstance(record, dict):
        return Row(line, {}, "is no JSON object")
    return Row(line, without_empty((str(name), value) for name, value in record.items()))


def without_empty(cells: Any) -> dict[str, Any]:
    """Those of some (column, value) that say something, as JSON can hold them."""
    found = ((name, values.storable(value)) for name, value in cells)
    return {name: value for name, value in found if value is not None}


def _holds_bytes(kind: pa.DataType) -> bool:
    """Whether values of this type hold binary data, which no JSON can."""
    if pa.types.is_struct(kind):
        return any(_holds_bytes(part.type) for part in kind)
    if pa.types.is_map(kind):
        return _holds_bytes(kind.key_type) or _holds_bytes(kind.item_type)
    if pa.types.is_dictionary(kind) or pa.types.is_nested(kind):
        return _holds_bytes(kind.value_type)
    return bool(
        pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_fixed_size_binary(kind)
        or pa.types.is_binary_view(kind)
    )
