"""Tables as files: the name's ending decides what is written."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lookweave.errors import InputError
from lookweave.text import write_csv

SUFFIXES = (".csv", ".parquet")
"""What a table's file may be called."""


def write_table(to: Path, batches: Iterable[pa.Table]) -> int:
    """Write tables of one schema, one after the other, as they come.

    The file is there when all of it is written: an error leaves what was there before. In CSV a
    list of texts is one cell with semicolons between, any other list is JSON, and no cell is a
    formula (`text.csv_cell`).

    Args:
        to: ends in one of `SUFFIXES`.
        batches: at least one; perhaps without rows.

    Returns:
        How many rows.

    Raises:
        InputError: the file cannot be written.
    """
    pieces = iter(batches)
    first = next(pieces)  # errors of the work come before there is a file
    scratch = to.resolve().with_name(f".{to.name}.{os.getpid()}.tmp")
    try:
        try:
            write = _write_csv if to.suffix.lower() == ".csv" else _write_parquet
            rows = write(scratch, first.schema, chain([first], pieces))
            scratch.replace(to.resolve())
        finally:
            scratch.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{to} cannot be written: {error}.") from error
    return rows


def _write_parquet(to: Path, schema: pa.Schema, tables: Iterable[pa.Table]) -> int:
    rows = 0
    with pq.ParquetWriter(to, schema) as file:
        for table in tables:
            file.write_table(table)
            rows += table.num_rows
    return rows


def _write_csv(to: Path, schema: pa.Schema, tables: Iterable[pa.Table]) -> int:
    with to.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        return write_csv(file, schema.names, _rows(tables))


def _rows(tables: Iterable[pa.Table]) -> Iterator[Mapping[str, Any]]:
    for table in tables:
        for row in table.to_pylist():
            yield {name: _cell(value) for name, value in row.items()}


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 6)  # what a float32 tells; its digits beyond are noise
    if isinstance(value, list):
        several = [_cell(one) for one in value]
        return "; ".join(several) if all(isinstance(one, str) for one in several) else several
    return value
