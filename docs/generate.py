"""Pages of the documentation that are made from the code, and so cannot differ from it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from pydantic import BaseModel
from typer.cli import get_docs_for_click
from typer.main import get_command

from lookweave import cli
from lookweave.cli.app import app
from lookweave.config import Config
from lookweave.records import TABLES, TableSpec, embedding_spec


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages to the site."""
    for path, content in (
        ("reference/command-line.md", command_line()),
        ("reference/settings.md", settings()),
        ("reference/tables.md", tables()),
    ):
        files.append(File.generated(config, path, content=content))
    return files


def command_line() -> str:
    """Every verb and option."""
    command = get_command(app)
    context: Any = command.make_context("lookweave", [], resilient_parsing=True)
    body = get_docs_for_click(obj=command, ctx=context, name="lookweave")
    head = "# The command line\n\n" + (cli.__doc__ or "").split("\n\n", 1)[1] + "\n"
    return head + body.split("\n", 1)[1]


def settings() -> str:
    """Every setting with its default."""
    lines = [
        "# Settings",
        "",
        "Later wins: defaults, what earlier builds of the workspace were given, `lookweave.toml` "
        "in the workspace, the environment (`LOOKWEAVE_MATCH__TOP_K=20`), flags. `lookweave "
        "config WS` prints every value and where it comes from.",
        "",
    ]
    top, sections = [], []
    for name, field in Config.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            sections += ["", f"## [{name}]", "", (kind.__doc__ or "").split("\n\n")[0], ""]
            sections += ["| setting | default | |", "|---|---|---|"]
            sections += list(_rows(kind))
        else:
            top.append(_row(name, field))
    return "\n".join([*lines, "| setting | default | |", "|---|---|---|", *top, *sections, ""])


def _rows(section: type[BaseModel]) -> Iterator[str]:
    for name, field in section.model_fields.items():
        yield _row(name, field)


def _row(name: str, field: Any) -> str:
    default = "the machine's" if field.default_factory else field.default
    said = (field.description or "").replace("|", "\\|").replace("\n", " ")
    return f"| `{name}` | `{default!s}` | {said} |"


def tables() -> str:
    """Every column of every table."""
    lines = [
        "# Tables",
        "",
        "A workspace keeps one Lance table for each kind of row (`tables/NAME.lance`) and one for "
        "each encoder's vectors (`embeddings/MODEL.lance`). `lookweave.open(ws)` gives them as "
        "Arrow tables. Boxes are x0, y0, x1, y1 in pixels of the oriented photo; vectors are "
        "float32 and of unit length; masks are PNG bytes, white where the garment is, in the "
        "frame of the box.",
        "",
    ]
    for spec in (*TABLES.values(), embedding_spec(512)):
        lines += list(_table(spec))
    return "\n".join(lines) + "\n"


def _table(spec: TableSpec) -> Iterator[str]:
    yield f"## {spec.name}"
    yield ""
    yield spec.about
    yield ""
    yield f"Key: {', '.join(f'`{name}`' for name in spec.key)}."
    yield ""
    yield "| column | type | what it is |"
    yield "|---|---|---|"
    for field in spec.schema:
        said = (field.metadata or {}).get(b"about", b"").decode().replace("|", "\\|")
        yield f"| `{field.name}` | {_type(field)} | {said} |"
    yield ""


def _type(field: pa.Field) -> str:
    kind = str(field.type).replace("fixed_size_list<item: ", "").replace("list<item: ", "list of ")
    if pa.types.is_fixed_size_list(field.type):
        kind = f"{field.type.list_size} × {field.type.value_type}"
    return kind.replace(">", "") + ("" if field.nullable else ", never null")
