"""Exports of a shop that nobody has: some thousand articles over a few hundred pictures, in the
exact layouts of Magento 2 and Shopify.

Every picture is a colourway; three colourways are a style; sizes share their colourway's picture.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SIZES = ("XXS", "XS", "S", "M", "L", "XL", "XXL", "3XL", "4XL", "5XL")
COLOURS = ("Black", "Écru", "Red")

MAGENTO = [
    "sku",
    "store_view_code",
    "attribute_set_code",
    "product_type",
    "categories",
    "product_websites",
    "name",
    "description",
    "short_description",
    "weight",
    "product_online",
    "tax_class_name",
    "visibility",
    "price",
    "special_price",
    "url_key",
    "meta_title",
    "base_image",
    "base_image_label",
    "small_image",
    "small_image_label",
    "thumbnail_image",
    "thumbnail_image_label",
    "swatch_image",
    "swatch_image_label",
    "created_at",
    "updated_at",
    "additional_attributes",
    "qty",
    "is_in_stock",
    "additional_images",
    "additional_image_labels",
    "configurable_variations",
    "configurable_variation_labels",
]
SHOPIFY = [
    "Handle",
    "Title",
    "Body (HTML)",
    "Vendor",
    "Product Category",
    "Type",
    "Tags",
    "Published",
    "Option1 Name",
    "Option1 Value",
    "Option2 Name",
    "Option2 Value",
    "Option3 Name",
    "Option3 Value",
    "Variant SKU",
    "Variant Grams",
    "Variant Inventory Tracker",
    "Variant Inventory Policy",
    "Variant Fulfillment Service",
    "Variant Price",
    "Variant Compare At Price",
    "Variant Requires Shipping",
    "Variant Taxable",
    "Variant Barcode",
    "Image Src",
    "Image Position",
    "Image Alt Text",
    "Gift Card",
    "SEO Title",
    "SEO Description",
    "Google Shopping / Gender",
    "Variant Image",
    "Variant Weight Unit",
    "Variant Tax Code",
    "Cost per item",
    "Status",
]


@dataclass(frozen=True)
class Article:
    """One article as the shop knows it; `picture` is its colourway's."""

    sku: str
    style: str
    title: str
    colour: str
    size: str
    picture: Path


@dataclass(frozen=True)
class Export:
    """A manifest and the articles in it, those that are sold."""

    manifest: Path
    articles: tuple[Article, ...]


def articles(pictures: Sequence[Path], count: int = 2000) -> tuple[Article, ...]:
    """`count` articles over the pictures, evenly."""
    found = []
    for place, picture in enumerate(pictures):
        sizes = count // len(pictures) + (place < count % len(pictures))
        style, colour = f"MH{place // 3:04d}", COLOURS[place % 3]
        for size in SIZES[:sizes]:
            sku = f"{style}-{size}-{colour}"
            found.append(Article(sku, style, f"Jacket No {place // 3}", colour, size, picture))
    assert len(found) == count, "more sizes are needed"
    return tuple(found)


def magento(pictures: Sequence[Path], folder: Path, count: int = 2000) -> Export:
    """Magento 2: a row a size, the style's row below its sizes, paths from the media root. Every
    second size has no picture of its own."""
    made = articles(pictures, count)
    places = {
        picture: f"/{picture.stem[0]}/{picture.stem[-1]}/{picture.name}" for picture in pictures
    }
    for picture, place in places.items():
        to = folder / "pub/media/catalog/product" / place.lstrip("/")
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(picture, to)
    rows: list[dict[str, str]] = []
    for style in dict.fromkeys(each.style for each in made):
        sizes = [each for each in made if each.style == style]
        seen: dict[Path, int] = {}
        for each in sizes:
            seen[each.picture] = seen.get(each.picture, 0) + 1
            image = places[each.picture] if seen[each.picture] % 2 else ""
            attributes = f"color={each.colour},size={each.size},manufacturer=Maison Été"
            rows.append({
                "sku": each.sku, "attribute_set_code": "Top", "product_type": "simple",
                "name": f"{each.title}-{each.size}-{each.colour}", "product_online": "1",
                "price": "59.000000", "categories": "Default Category/Men/Tops",
                "visibility": "Not Visible Individually", "base_image": image,
                "small_image": image, "thumbnail_image": image, "qty": "100",
                "additional_attributes": attributes,
            })  # fmt: skip
        first = places[sizes[0].picture]
        rows.append({
            "sku": style, "attribute_set_code": "Top", "product_type": "configurable",
            "name": sizes[0].title, "product_online": "1", "base_image": first,
            "categories": "Default Category/Men/Tops", "price": "59.000000",
            "visibility": "Catalog, Search",
            "additional_images": ",".join(dict.fromkeys(places[each.picture] for each in sizes)),
            "configurable_variations": "|".join(
                f"sku={each.sku},size={each.size},color={each.colour}" for each in sizes
            ),
        })  # fmt: skip
    return Export(_written(folder / "export_catalog_product.csv", MAGENTO, rows), made)


def shopify(pictures: Sequence[Path], folder: Path, count: int = 2000) -> Export:
    """Shopify: an article's first row says what it is, the others a variant, a picture or both."""
    made = articles(pictures, count)
    (folder / "files").mkdir(parents=True, exist_ok=True)
    for picture in pictures:
        shutil.copy(picture, folder / "files" / picture.name)
    rows: list[dict[str, str]] = []
    for style in dict.fromkeys(each.style for each in made):
        sizes = [each for each in made if each.style == style]
        of_style = list(dict.fromkeys(each.picture for each in sizes))
        for place in range(max(len(sizes), len(of_style))):
            row = {"Handle": style.lower()}
            if place == 0:
                row |= {
                    "Title": sizes[0].title, "Vendor": "Maison Été", "Type": "Jacket",
                    "Published": "true", "Option1 Name": "Color", "Option2 Name": "Size",
                    "Status": "active",
                }  # fmt: skip
            if place < len(sizes):
                each = sizes[place]
                row |= {
                    "Option1 Value": each.colour, "Option2 Value": each.size,
                    "Variant SKU": f"'{each.sku}" if each.sku.isdigit() else each.sku,
                    "Variant Price": "59.00", "Variant Image": f"files/{each.picture.name}",
                }  # fmt: skip
            if place < len(of_style):
                row |= {
                    "Image Src": f"files/{of_style[place].name}", "Image Position": str(place + 1),
                }  # fmt: skip
            rows.append(row)
    return Export(_written(folder / "products_export_1.csv", SHOPIFY, rows), made)


def _written(path: Path, columns: Sequence[str], rows: Sequence[dict[str, str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path
