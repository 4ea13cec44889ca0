"""The articles of a garment photo as they are published and reported."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lookweave.store.products import products_of as articles_of
from lookweave.store.workspace import Workspace

FIELDS = ("sku", "gtin", "title", "brand", "style", "colour", "size", "price", "currency", "url")


def products_of(workspace: Workspace, garments: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
    """Garment -> its articles, each with `FIELDS`; a garment without any is missing.

    Articles that were taken down or that no catalogue lists any more are left out. In a workspace
    that an earlier version built, a garment's own columns are its one article.
    """
    wanted = sorted(set(garments))
    known = articles_of(workspace, wanted)
    found = {
        garment: [
            {name: getattr(one, name) for name in FIELDS}
            for one in products
            if one.listed is not False and not one.taken_down
        ]
        for garment, products in known.items()
    }
    if not workspace.table("products").count():
        for row in workspace.table("garments").rows_by("id", wanted).to_pylist():
            if any(row.get(name) is not None for name in FIELDS):
                found[row["id"]] = [{name: row.get(name) for name in FIELDS}]
    return found
