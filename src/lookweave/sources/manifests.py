"""Open a manifest, or another table of names, whatever its format.

What a file is, its first bytes say, not its name: a spreadsheet that somebody named ``.csv`` is
read as what it is.
"""

from __future__ import annotations

import csv
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa

from lookweave.errors import InputError
from lookweave.sources.delimited import DelimitedText
from lookweave.sources.source import Notices
from lookweave.sources.tables import (
    Feed,
    Header,
    Json,
    Parquet,
    Row,
    Spreadsheet,
    Table,
    open_bytes,
    unreadable,
)

SUFFIXES = (
    ".csv", ".tsv", ".txt", ".tab", ".parquet", ".pq", ".jsonl", ".ndjson", ".json", ".xlsx",
    ".xlsm", ".xml", ".rss", ".atom",
)  # fmt: skip
"""What a table's name may end in; ``.gz`` may follow."""


_UNREADABLE = (
    OSError, EOFError, UnicodeError, zlib.error, zipfile.BadZipFile, pa.ArrowException, csv.Error,
)  # fmt: skip


def is_table(name: str) -> bool:
    """Whether a file's name says that it is a table."""
    return name.lower().removesuffix(".gz").endswith(SUFFIXES)


def open_table(
    path: Path,
    header: Header,
    *,
    encoding: str | None = None,
    picture: Callable[[str], bool] = lambda text: False,
    notices: Notices | None = None,
) -> Table:
    """The table in a file.

    Args:
        path: a file of `SUFFIXES`.
        header: says of the cells of a line how well they suit as column names.
        encoding: of a text, where it is known.
        picture: whether a text looks like the name of a picture; tells rows from running text.
        notices: is told what opening it had to guess.

    Raises:
        InputError: it cannot be read, or is no table.
    """
    told = notices if notices is not None else Notices()
    try:
        start = _start(path)
        if start.startswith(b"PAR1"):
            return Parquet(path)
        if start.startswith(b"PK\x03\x04"):
            return Spreadsheet(path, header)
        if other := _other(start):
            raise InputError(f"{path} is {other}: save it as .xlsx or .csv (UTF-8) and name that.")
        text = start.lstrip(b"\xef\xbb\xbf \t\r\n")
        if text.startswith((b"<?xml", b"<rss", b"<feed", b"<")) and b">" in text:
            return Feed(path, header)
        if text.startswith(b"{") or (text.startswith(b"[") and text[1:].lstrip()[:1] in b"{]"):
            return Json(path)
        if path.suffix.lower() in (".parquet", ".pq", ".xlsx", ".xlsm"):
            raise InputError(f"{path} cannot be read: it is no {path.suffix[1:]} file at all.")
        return DelimitedText(path, header, encoding, picture, told)
    except _UNREADABLE as error:
        raise unreadable(path, error) from error


def rows(table: Table, notices: Notices | None = None) -> Iterator[Row]:
    """All rows of a table.

    Raises:
        InputError: it can be read no further.
    """
    try:
        yield from table.rows(notices)
    except _UNREADABLE as error:
        raise unreadable(table.path, error) from error


def _start(path: Path) -> bytes:
    with open_bytes(path) as file:
        return file.read(4096)


def _other(start: bytes) -> str | None:
    lowered = start.lstrip(b"\xef\xbb\xbf \t\r\n")[:200].lower()
    for magic, what in (
        (b"\xd0\xcf\x11\xe0", "a spreadsheet of the old format (.xls)"),
        (b"%PDF-", "a PDF document"),
        (b"SQLite format 3", "a database (SQLite)"),
        (b"ARROW1", "an Arrow (Feather) file"),
        (b"7z\xbc\xaf", "a 7-Zip archive"),
        (b"Rar!", "a RAR archive"),
        (b"BZh", "a bzip2 archive"),
        (b"\xfd7zXZ", "an xz archive"),
        (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
        (b"\x89PNG", "a picture"),
        (b"\xff\xd8\xff", "a picture"),
    ):
        if start.startswith(magic):
            return what
    if lowered.startswith((b"<!doctype html", b"<html")) or b"<table" in lowered:
        return "a web page"
    return None
