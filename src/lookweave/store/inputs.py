"""The inputs of a workspace: folders and manifests that its builds were given. They add up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lookweave.records import INPUT
from lookweave.store.conditions import column
from lookweave.store.workspace import Workspace

Kinds = Mapping[str, tuple[str, ...]]


def known(workspace: Workspace) -> dict[str, tuple[str, ...]]:
    """Kind -> the inputs that builds list, in the order in which they came."""
    rows = workspace.table("inputs").read(None, column("dropped").is_null()).to_pylist()
    rows.sort(key=lambda row: (row["added"], row["path"]))
    return {
        kind: tuple(row["path"] for row in rows if row["kind"] == kind)
        for kind in ("garment", "look")
    }


def together(workspace: Workspace, given: Kinds) -> dict[str, tuple[str, ...]]:
    """The inputs that are known and those of `given` that are new, each once."""
    before = known(workspace)
    return {
        kind: tuple(dict.fromkeys([*before[kind], *given.get(kind, ())]))
        for kind in ("garment", "look")
    }


def stored(workspace: Workspace) -> dict[tuple[str, str], dict[str, Any]]:
    """(kind, path) -> the row of `inputs`, dropped ones too."""
    return {(row["kind"], row["path"]): row for row in workspace.table("inputs").read().to_pylist()}


def write(workspace: Workspace, rows: Iterable[Mapping[str, Any]]) -> None:
    """Add or change inputs."""
    workspace.table("inputs").upsert(INPUT.table([dict(row) for row in rows]))
