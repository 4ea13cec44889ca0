"""The articles behind garment photos: several for one photo, several photos for one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from lookweave.store.conditions import column
from lookweave.store.workspace import Workspace


@dataclass(frozen=True)
class Product:
    """One article of a catalogue, as a garment's photo shows it.

    Attributes:
        id: `records.product_id`.
        catalogue: the input that lists it.
        role: what the photo shows: main, additional, swatch, worn.
        position: of the photo among those of the article, from 0.
        listed: its catalogue lists it now.
        metadata: further columns of the catalogue, as JSON.

    The rest is as in `sources.ProductFacts`; None where the catalogue does not say.
    """

    id: str
    catalogue: str
    sku: str | None
    gtin: str | None
    title: str | None
    brand: str | None
    style: str | None
    colour: str | None
    size: str | None
    category: str | None
    price: float | None
    currency: str | None
    url: str | None
    rights: str | None
    taken_down: bool
    listed: bool
    metadata: str
    role: str = "main"
    position: int = 0


ROLES = ("main", "additional", "swatch", "worn")


def products_of(workspace: Workspace, garments: Iterable[str]) -> dict[str, list[Product]]:
    """Garment -> the articles that it shows, by role, position, sku and catalogue.

    Garments without an article are missing. Articles that no catalogue lists any more are left
    out where another one is listed.
    """
    listed = column("listed").is_not_false()
    links = workspace.table("product_photos").rows_by("garment", garments, None, listed)
    rows = links.to_pylist()
    ids = sorted({row["product"] for row in rows})
    articles = {
        row["id"]: row for row in workspace.table("products").rows_by("id", ids).to_pylist()
    }
    found: dict[str, list[Product]] = defaultdict(list)
    for row in rows:
        if row["product"] in articles:
            shown = {"role": row["role"], "position": row["position"]}
            found[row["garment"]].append(Product(**articles[row["product"]], **shown))
    return {garment: _in_order(products) for garment, products in sorted(found.items())}


def garments_of_sku(workspace: Workspace, sku: str) -> list[str] | None:
    """Garments that show an article now, ascending; None where no article has this number.

    Letter case and spaces around it do not count.
    """
    wanted = sku.strip().casefold()
    articles: list[str] = []
    garments: set[str] = set()
    for batch in workspace.table("products").scan(["id", "sku"], column("sku").is_given()):
        rows = zip(*(batch.column(name).to_pylist() for name in ("id", "sku")), strict=True)
        articles += [article for article, number in rows if number.strip().casefold() == wanted]
    links = workspace.table("product_photos").rows_by(
        "product", articles, ["garment"], column("listed").is_not_false()
    )
    garments.update(one for one in links.column("garment").to_pylist() if one)
    named = False
    # A photo's own row names its first article, also where an older workspace has no articles.
    for batch in workspace.table("garments").scan(["id", "sku"], column("sku").is_given()):
        rows = zip(*(batch.column(name).to_pylist() for name in ("id", "sku")), strict=True)
        own = {photo for photo, number in rows if number.strip().casefold() == wanted}
        garments |= own
        named = named or bool(own)
    return sorted(garments) if articles or named else None


def _in_order(products: list[Product]) -> list[Product]:
    products.sort(
        key=lambda one: (
            not one.listed, ROLES.index(one.role), one.position, one.sku or "", one.catalogue,
            one.id,
        )
    )  # fmt: skip
    first: dict[str, Product] = {}
    for one in products:
        first.setdefault(one.id, one)
    return list(first.values())
