"""Lay out the report's contents as one HTML file that needs nothing else."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from lookweave.config import Config
from lookweave.report import charts, wording
from lookweave.report.contents import Contents, gather
from lookweave.report.distributions import SPLITS, TIERS
from lookweave.store.workspace import Workspace, write_atomically
from lookweave.text import visible

FILE_NAME = "report.html"
_SCRIPT = Path(__file__).with_name("templates") / "pairs.js"


def write_report(
    workspace: Workspace, config: Config, to: Path | None = None, truth: Path | None = None
) -> Path:
    """Write the report of a workspace, ``report.html`` in it unless told otherwise.

    One file without any link to the outside: images, style, charts and the script of the table of
    pairs are in it, and it lets no other script run.

    Args:
        truth: a CSV with the columns garment and look (file names); the pairs of the garments
            that it names are judged by it, taken as complete for them.

    Returns:
        Where the report is.

    Raises:
        InputError: `truth` cannot be read.
        WorkspaceFull: no space is left for the file.
    """
    where = to or workspace.path / FILE_NAME
    write_atomically(where, render(gather(workspace, config, truth)).encode())
    return where


def render(contents: Contents) -> str:
    """The page as HTML."""
    environment = Environment(
        loader=PackageLoader("lookweave.report", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        # Control characters, and marks that turn the direction of writing, in names and titles.
        finalize=lambda value: visible(value) if type(value) is str else value,
    )
    environment.filters.update(
        count=wording.count, share=wording.share, duration=wording.duration, code=_code
    )
    style = environment.get_template("report.css").render()
    script = _SCRIPT.read_text(encoding="utf-8")
    return environment.get_template("report.html.j2").render(
        it=contents,
        style=Markup(style),  # our own files, not the workspace's
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        pairs_data=Markup(contents.listing.data),
        charts=charts,
        wording=wording,
        TIERS=TIERS,
        SPLITS=SPLITS,
    )


def _code(text: str) -> Markup:
    """Escape `text` and set what stands between backticks as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(visible(text)))))
