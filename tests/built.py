"""A build of drawn photos."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lookweave.building import build_workspace
from lookweave.progress import Progress

Folders = tuple[Path, Path, Path]
FLAGS: dict[str, Any] = {"models": "whole-photo", "run": {"batch_rows": 2, "commit_rows": 4}}


def build(out: Path, folders: Folders, **flags: Any) -> Any:
    given = {"garments": (str(folders[0]),), "looks": (str(folders[1]),), **FLAGS, **flags}
    return build_workspace(out, given, Progress(quiet=True))
