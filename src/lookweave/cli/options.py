"""Arguments and options that several verbs share."""

from __future__ import annotations

from typing import Annotated

import typer

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
