"""The articles of a catalogue that a garment photo stands for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lookweave.store.workspace import Workspace

FIELDS = ("sku", "gtin", "title", "brand", "style", "colour", "size", "price", "currency", "url")


def products_of(workspace: Workspace, garments: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
    """Garment -> its articles by number, each with `FIELDS`; a garment without any is missing."""
    rows = workspace.table("garments").rows_by("id", sorted(garments))
    return {
        row["id"]: [{name: row.get(name) for name in FIELDS}]
        for row in rows.to_pylist()
        if any(row.get(name) is not None for name in FIELDS)
    }
