"""The terminal: results to stdout, complaints to stderr; nothing in them is obeyed as markup or as
an escape sequence."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Sequence

from rich.console import Console, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from lookweave.text import to_json, visible


class StdoutError(Exception):
    """The standard output is closed or full."""


def say(text: str) -> None:
    """Print to stdout, what comes from strangers made harmless."""
    try:
        print(visible(text))
    except OSError as error:
        raise StdoutError from error


def flush() -> None:
    """Write out what stdout still holds.

    Raises:
        StdoutError: it cannot.
    """
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        with contextlib.suppress(OSError, ValueError):
            # Python tries once more at the end, and would complain.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise StdoutError from error


def complain(text: str) -> None:
    """Say on stderr what is wrong."""
    with contextlib.suppress(OSError):  # nobody listens
        print(f"lookweave: {visible(text)}", file=sys.stderr, flush=True)


def show_result(result: object, as_json: bool) -> None:
    """Print the result of a verb: as one JSON object, or as text."""
    if as_json:
        utf8 = "utf" in (getattr(sys.stdout, "encoding", None) or "utf-8").lower()
        say(to_json(result, ascii_only=not utf8))
    else:
        say(str(result))


def show_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table; no cell is read as markup."""
    table = RichTable(title=Text(visible(title)), title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(visible(cell, one_line=True)) for cell in row))
    show(table)


_LEAST_WIDTH = 60
"""Columns; a narrower terminal breaks the lines itself, which reads better than broken cells."""


def show(renderable: RenderableType) -> None:
    """Print what Rich lays out; a pipe gets wide lines, so that no name is cut."""
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = 200
    console.width = max(console.width, _LEAST_WIDTH)
    try:
        console.print(renderable)
    except OSError as error:
        raise StdoutError from error
