"""Arguments and options that several verbs share."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from lookweave.errors import UsageError

WorkspacePath = Annotated[str, typer.Argument(metavar="WS", help="the workspace's folder")]
Json = Annotated[bool, typer.Option("--json", help="print one JSON object and nothing else")]
TableFile = Annotated[
    str | None,
    typer.Option("-o", "--output", metavar="FILE.csv|.parquet", help="write the table here"),
]
Models = Annotated[
    str | None, typer.Option(help="a preset or names joined by + (see `lookweave models`)")
]
NonCommercial = Annotated[
    bool, typer.Option("--accept-non-commercial", help="allow weights under such licences")
]
ModelsDir = Annotated[str | None, typer.Option(help="where fetched weights lie")]


def read_columns(given: list[str] | None) -> dict[str, str] | None:
    """``["sku=Art. No,image=Bild"]`` as a dictionary; None where nothing is given."""
    if not given:
        return None
    named: dict[str, str] = {}
    for part in (part for each in given for part in re.split(r",(?=\s*\w+\s*=)", each)):
        name, equals, column = part.partition("=")
        if not equals or not name.strip() or not column.strip():
            raise UsageError(
                f"--columns {part!r} cannot be read: write a field, = and a column's name, such "
                "as --columns sku=Art-Nr,image=Bild."
            )
        named[name.strip()] = column.strip()
    return named
