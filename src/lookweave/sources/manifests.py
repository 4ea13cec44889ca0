"""Read a manifest of photos, CSV or Parquet, row by row: it may be larger than memory."""

from __future__ import annotations

import codecs
import csv
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lookweave.errors import InputError
from lookweave.sources import catalogue

TEXT_SUFFIXES = (".csv", ".tsv", ".txt", ".tab")
PARQUET_SUFFIXES = (".parquet", ".pq")
SUFFIXES = TEXT_SUFFIXES + PARQUET_SUFFIXES

_DELIMITERS = (",", ";", "\t", "|")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
csv.field_size_limit(16_000_000)  # product descriptions outgrow the default of 128 KiB


@dataclass(frozen=True)
class ManifestRow:
    """One row of a manifest.

    Attributes:
        line: where it begins, counted from 1 (CSV: lines; Parquet: rows).
        photo: what it says the photo is: a path or an address; None where it does not say.
        cells: every cell that is not empty, by column.
        problem: why the row cannot be read, where it cannot.
    """

    line: int
    photo: str | None
    cells: dict[str, Any]
    problem: str | None = None


def rows(path: Path) -> Iterator[ManifestRow]:
    """The rows of a manifest, in its order.

    Raises:
        InputError: it cannot be read, has no column that names a photo, or has no rows.
    """
    found = False
    try:
        read = _parquet_rows if path.suffix.lower() in PARQUET_SUFFIXES else _text_rows
        for row in read(path):
            found = True
            yield row
    except (OSError, UnicodeError, csv.Error, pa.ArrowException) as error:
        raise InputError(f"The manifest {path} cannot be read: {error}.") from error
    if not found:
        raise InputError(f"The manifest {path} has no rows: it must list at least one photo.")


def _text_rows(path: Path) -> Iterator[ManifestRow]:
    with path.open(encoding=_encoding(path), newline="") as file:
        head = file.readline()
        while head and not head.strip():
            head = file.readline()
    if not head:
        return
    delimiter = _delimiter(head, path)
    with path.open(encoding=_encoding(path), newline="") as file:
        reader = csv.reader(file, delimiter=delimiter)
        columns: list[str] | None = None
        line = 1
        for values in reader:
            began, line = line, reader.line_num + 1
            if not any(value.strip() for value in values):
                continue
            if columns is None:
                columns = _columns(values, path)
                photos = _photo_columns(columns, path)
                continue
            cells = {
                column: value.strip()
                for column, value in zip(columns, values, strict=False)
                if value.strip()
            }
            problem = None
            if any(value.strip() for value in values[len(columns) :]):
                problem = f"has {len(values)} cells, the header {len(columns)}"
            yield ManifestRow(began, _first(photos, cells), cells, problem)


def _parquet_rows(path: Path) -> Iterator[ManifestRow]:
    with pq.ParquetFile(path) as file:
        schema = file.schema_arrow
        taken = [field.name for field in schema if not _holds_bytes(field.type)]
        photos = _photo_columns(taken, path)
        wrong = [
            name
            for name in photos
            if not (pa.types.is_string(t := schema.field(name).type) or pa.types.is_large_string(t))
            and not (pa.types.is_dictionary(t) and pa.types.is_string(t.value_type))
        ]
        if wrong:
            raise InputError(
                f"The column {wrong[0]!r} of {path} is of type {schema.field(wrong[0]).type}: it "
                "must hold the photo's path or address as text."
            )
        line = 0
        for batch in file.iter_batches(batch_size=4096, columns=taken):
            for values in batch.to_pylist():
                line += 1
                cells = {name: _plain(value) for name, value in values.items() if _filled(value)}
                yield ManifestRow(line, _first(photos, cells), cells)


def _first(columns: list[str], cells: dict[str, Any]) -> str | None:
    return next((str(cells[column]) for column in columns if column in cells), None)


def _encoding(path: Path) -> str:
    """UTF-8 unless the bytes say otherwise; what is no UTF-8 is read as Windows-1252, the
    spreadsheets' Latin-1, which also has the euro sign."""
    with path.open("rb") as file:
        start = file.read(4096)
        for mark, name in _MARKS:
            if start.startswith(mark):
                return name
        if b"\0" in start:  # UTF-16 without its mark: every other byte of ASCII is zero
            return "utf-16-le" if start[1::2].count(0) >= start[::2].count(0) else "utf-16-be"
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            while start:
                decoder.decode(start)
                start = file.read(1 << 20)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            pass
        else:
            return "utf-8"
    return "cp1252" if _decodes(path, "cp1252") else "latin-1"


def _decodes(path: Path, encoding: str) -> bool:
    try:
        with path.open(encoding=encoding) as file:
            while file.read(1 << 20):
                pass
    except UnicodeDecodeError:
        return False
    return True


def _delimiter(head: str, path: Path) -> str:
    """The delimiter under which the header has a column that names a photo, and most columns."""

    def likeliness(delimiter: str) -> tuple[bool, int]:
        columns = next(csv.reader([head], delimiter=delimiter), [])
        return bool(catalogue.photo_columns(columns)), len(columns)

    preferred = "\t" if path.suffix.lower() in (".tsv", ".tab") else ","
    return max(_DELIMITERS, key=lambda each: (*likeliness(each), each == preferred))


def _columns(values: list[str], path: Path) -> list[str]:
    columns = [value.strip() for value in values]
    while columns and not columns[-1]:
        columns.pop()
    twice = sorted({column for column in columns if column and columns.count(column) > 1})
    if twice:
        raise InputError(
            f"The manifest {path} has two columns named {', '.join(twice)}: rename one."
        )
    return [column or f"column {position}" for position, column in enumerate(columns, start=1)]


def _photo_columns(columns: list[str], path: Path) -> list[str]:
    found = catalogue.photo_columns(columns)
    if found:
        return found
    raise InputError(
        f"The manifest {path} has no column that names the photo. Call it 'path', 'image_url' or "
        f"'file'; its columns are {', '.join(map(repr, columns)) or 'none'}."
    )


def _holds_bytes(kind: pa.DataType) -> bool:
    """Whether values of this type hold binary data, which no JSON can."""
    if pa.types.is_struct(kind):
        return any(_holds_bytes(field.type) for field in kind)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _holds_bytes(kind.value_type)
    return bool(
        pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_fixed_size_binary(kind)
    )


def _filled(value: object) -> bool:
    if isinstance(value, float):
        return not math.isnan(value)
    return value is not None and not (isinstance(value, str) and not value.strip())


def _plain(value: object) -> object:
    """The value as JSON knows it: dates and decimals become text."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool | int | float):
        return value
    return json.loads(json.dumps(value, default=str))
