"""All that a build wrote, to compare it with another."""

from __future__ import annotations

from collections import Counter

from lookweave.store.workspace import Workspace

_TABLES = (
    "sources", "garments", "looks", "regions", "descriptions", "groups", "matches", "pairs",
    "rejects",
)  # fmt: skip


def contents(workspace: Workspace) -> dict[str, Counter[str]]:
    """Every row of every table but the log of runs, as text, counted."""
    tables = [(name, workspace.table(name)) for name in _TABLES]
    tables += [(table.path.stem, table) for table in workspace.embedding_tables()]
    return {name: Counter(map(str, table.read().to_pylist())) for name, table in tables}
