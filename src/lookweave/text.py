"""Where text leaves Lookweave: one function for each medium.

File names, titles and credits come from strangers. A terminal would obey an escape sequence in
one, a spreadsheet a formula, a browser a tag, and a JSON reader stumbles over NaN. What is printed
or written for others goes through here.

| medium | function | what becomes of the text |
|---|---|---|
| terminal, log | `visible` | control characters and changes of direction are shown, as ``\\x1b`` |
| CSV | `csv_cell` | a leading ``= + - @`` gets an apostrophe before it; `csv_value` takes it off |
| JSON | `to_json` | NaN and infinities are null; the text is always valid JSON |
| HTML | `html` | escaped, and as `visible` |
"""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import date, datetime
from pathlib import Path
from typing import IO, Any

_CONTROLS = "\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff"
"""C0 and C1 but for tab and newline, and halves of characters."""

_DIRECTIONS = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
"""Marks that turn the direction of writing; in a right-to-left text some are in their place."""

_INVISIBLE = "\u2028\u2029\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"

_ACTS = re.compile(f"[{_CONTROLS}{_DIRECTIONS}{_INVISIBLE}]")
_CONTROL = re.compile(f"[{_CONTROLS}]")
_FORMULA = tuple("=+-@\t\r\n＝＋－＠'")
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?%?")


def visible(text: str, *, one_line: bool = False) -> str:
    """`text` with every character that would act on a terminal shown instead.

    Args:
        one_line: also show line breaks and tabs, for a cell or a name.

    >>> visible("red\\x1b[2J")
    'red\\\\x1b[2J'
    """
    shown = _ACTS.sub(lambda found: _escaped(found[0]), text)
    if one_line:
        shown = shown.replace("\n", "\\n").replace("\t", "\\t")
    return shown


def _escaped(character: str) -> str:
    code = ord(character)
    return (
        f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"
    )


def csv_cell(value: object) -> object:
    """`value` as a cell that no spreadsheet takes for a formula.

    A text that begins with ``=``, ``+``, ``-``, ``@`` (after spaces, too), a tab, a line break or
    an apostrophe gets an apostrophe before it, unless it is a plain number. `csv_value` gives the
    text back. Control characters are shown as for a terminal: files are looked at in one, too.

    >>> csv_cell("=1+1"), csv_cell("-1.5"), csv_cell(None)
    ("'=1+1", '-1.5', '')
    """
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if isinstance(value, str):
        text = value.replace("\r\n", "\n")
        text = _CONTROL.sub(lambda found: _escaped(found[0]), text)
        dangerous = text.lstrip(" ").startswith(_FORMULA) and not _NUMBER.fullmatch(text)
        return f"'{text}" if dangerous else text
    if isinstance(value, (list, tuple, dict)):
        return csv_cell(to_json(value))
    return value


def csv_value(cell: str) -> str:
    """The text that `csv_cell` was given.

    >>> csv_value("'=1+1")
    '=1+1'
    """
    return cell.removeprefix("'")


def write_csv(file: IO[str], columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> int:
    """Write rows under a header, every cell through `csv_cell`. Returns how many rows.

    Args:
        file: opened with ``newline=""``.
        columns: names in order; a row may lack some and may have others.
    """
    # Text is quoted throughout: a spreadsheet that cuts at semicolons must not find a cell in one.
    writer = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow([csv_cell(column) for column in columns])
    written = 0
    for row in rows:
        writer.writerow([csv_cell(row.get(column)) for column in columns])
        written += 1
    return written


def to_json(
    value: object, *, indent: int | None = None, sort_keys: bool = False, ascii_only: bool = False
) -> str:
    """`value` as JSON that every reader takes.

    NaN and infinities become null; paths, dates and whatever else JSON lacks become text;
    dataclasses become objects. Characters that UTF-8 cannot hold are written as ``\\udc..``.
    """
    plain = _plain(value)
    text = json.dumps(
        plain, indent=indent, sort_keys=sort_keys, ensure_ascii=ascii_only, allow_nan=False
    )
    try:
        text.encode()
    except UnicodeEncodeError:  # a file name that is no text in any encoding
        return json.dumps(plain, indent=indent, sort_keys=sort_keys, allow_nan=False)
    return text


def _plain(value: object) -> Any:
    if value is None or isinstance(value, (bool, int, str)):
        return value if type(value) in (bool, int, str, type(None)) else _builtin(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {_key(name): _plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(each) for each in value]
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "tolist"):  # numbers and arrays of numpy
        return _plain(value.tolist())
    return str(value)


def _builtin(value: object) -> Any:
    return int(value) if isinstance(value, int) else str(value)


def _key(name: object) -> str:
    return name if isinstance(name, str) else str(name)


def html(value: object) -> str:
    """`value` as text in HTML or in a quoted attribute."""
    shown = visible(str(value))
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"),
                              ("'", "&#39;")):  # fmt: skip
        shown = shown.replace(character, entity)
    return shown
