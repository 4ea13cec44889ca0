"""A build of drawn photos, and all that it wrote."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from lookweave.build import build_workspace
from lookweave.progress import Progress
from lookweave.tables import Table
from lookweave.workspace import Workspace

Folders = tuple[Path, Path, Path]
FLAGS: dict[str, Any] = {"models": "whole-photo", "run": {"batch_rows": 2, "commit_rows": 4}}


def build(out: Path, folders: Folders, **flags: Any) -> Any:
    given = {"garments": (str(folders[0]),), "looks": (str(folders[1]),), **FLAGS, **flags}
    return build_workspace(out, given, Progress(quiet=True))


def contents(workspace: Workspace) -> dict[str, Counter[str]]:
    """Every row of every table but the log of runs."""
    names = [
        "sources",
        "garments",
        "looks",
        "regions",
        "descriptions",
        "groups",
        "matches",
        "pairs",
        "rejects",
    ]
    tables: list[tuple[str, Table]] = [(name, workspace.table(name)) for name in names]
    tables += [(table.path.stem, table) for table in workspace.embedding_tables()]
    return {name: Counter(map(str, table.read().to_pylist())) for name, table in tables}
