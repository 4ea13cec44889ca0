"""The articles of a catalogue that a garment photo stands for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lookweave.store.products import products_of as articles_of
from lookweave.store.workspace import Workspace

FIELDS = ("sku", "gtin", "title", "brand", "style", "colour", "size", "price", "currency", "url")


def products_of(workspace: Workspace, garments: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
    """Garment -> its articles, each with `FIELDS`; a garment without any is missing.

    Where the workspace has no articles, as one of an earlier version, the garment's own row is one.
    """
    wanted = sorted(garments)
    found = {
        garment: [{name: getattr(one, name) for name in FIELDS} for one in products]
        for garment, products in articles_of(workspace, wanted).items()
    }
    rows = workspace.table("garments").rows_by("id", [one for one in wanted if one not in found])
    for row in rows.to_pylist():
        if any(row.get(name) is not None for name in FIELDS):
            found[row["id"]] = [{name: row.get(name) for name in FIELDS}]
    return found
