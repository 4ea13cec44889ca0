"""The articles of the catalogue as they are published and reported."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lookweave.publish.columns import ARTICLE_COLUMNS
from lookweave.store.products import Product
from lookweave.store.products import products_of as articles_of
from lookweave.store.workspace import Workspace
from lookweave.text import write_csv

FIELDS = ("sku", "gtin", "title", "brand", "style", "colour", "size", "price", "currency", "url")

ARTICLES = "products.csv"


def products_of(workspace: Workspace, garments: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
    """Garment -> its articles, each with `FIELDS`; a garment without any is missing.

    Articles that were taken down or that no catalogue lists any more are left out. In a workspace
    that an earlier version built, a garment's own columns are its one article.
    """
    return {
        garment: [{name: getattr(one, name) for name in FIELDS} for one in articles]
        for garment, articles in _listed(workspace, sorted(set(garments))).items()
    }


def write_articles(
    workspace: Workspace, garments: Iterable[str], pairs: Counter[str], path: Path
) -> int:
    """Write one row for each article of each of `garments`, whether a look shows it or not.

    Args:
        garments: photos that may go out; an article without one of them is left out.
        pairs: garment -> pairs of it in this publication.
        path: to write; nothing is written where there is no article.

    Returns:
        How many articles.
    """
    rows = [
        (one.sku or "", one.catalogue, one.id, garment, one)
        for garment, articles in _listed(workspace, sorted(set(garments))).items()
        for one in articles
    ]
    if not rows:
        return 0
    with path.open("w", encoding="utf-8", newline="") as file:
        write_csv(
            file,
            [column.name for column in ARTICLE_COLUMNS],
            (
                {
                    **{name: getattr(one, name) for name in FIELDS},
                    "garment_id": garment,
                    "pairs": pairs[garment],
                }
                for *_, garment, one in sorted(rows, key=lambda row: row[:4])
            ),
        )
    return len({one.id for *_, one in rows})


def _listed(workspace: Workspace, garments: list[str]) -> dict[str, list[Product]]:
    found = {
        garment: [one for one in articles if one.listed is not False and not one.taken_down]
        for garment, articles in articles_of(workspace, garments).items()
    }
    if not workspace.table("products").count():
        for row in workspace.table("garments").rows_by("id", garments).to_pylist():
            if any(row.get(name) is not None for name in FIELDS):
                found[row["id"]] = [_own(row)]
    return found


def _own(row: dict[str, Any]) -> Product:
    """A garment's own columns, as earlier versions wrote them, as an article."""
    said: dict[str, Any] = {name: row.get(name) for name in FIELDS}
    return Product(
        id=row["id"], catalogue="", category=row.get("category"), rights=row.get("rights"),
        taken_down=False, listed=True, metadata="", **said,
    )  # fmt: skip
