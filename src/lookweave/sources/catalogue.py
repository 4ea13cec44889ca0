"""A manifest's columns in the terms of the nouns: sku, brand, price, rights, taken_down.

Shops name their columns as they like; what is recognised goes to the columns of garments and
looks, the rest is kept as metadata.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lookweave.sources.source import Facts, LookFacts, ProductFacts

PHOTO_COLUMNS = (
    "path", "file", "file_path", "filepath", "file_name", "filename", "image", "image_path",
    "image_file", "image_filename", "img", "img_path", "photo", "photo_path", "photo_file",
    "picture", "image_url", "photo_url", "img_url", "picture_url", "image_link", "image_src",
    "image_address",
)  # fmt: skip
"""Columns that name the photo, likeliest first. The first that a row fills is its photo."""

PHOTO_COLUMNS_ALONE = ("url", "link", "src", "address", "name")
"""Columns that name the photo only where none of `PHOTO_COLUMNS` is there: beside one, ``url``
is the page of the product and ``name`` its title."""

_ALIASES: dict[str, tuple[str, ...]] = {
    "sku": ("sku", "article", "article_number", "item_id", "product_sku", "variant_sku"),
    "title": ("title", "product_title", "product_name", "name", "caption"),
    "brand": ("brand", "brand_name", "vendor", "designer", "house", "maker"),
    "category": ("category", "product_type", "product_category", "type"),
    "price": ("price", "price_amount", "list_price"),
    "url": ("url", "link", "product_url", "page", "page_url", "credit_url"),
    "rights": ("rights", "license", "licence", "usage_rights", "copyright"),
    "taken_down": ("taken_down", "takedown", "removed"),
    "product": ("product", "product_id", "item_group_id", "style", "style_id", "handle"),
    "season": ("season", "collection"),
    "photographer": ("photographer", "photo_credit", "photography", "photo_by"),
    "shoot": ("shoot", "shoot_id", "editorial", "campaign", "story"),
}

_COLUMNS = {
    "garment": ("sku", "title", "brand", "category", "price", "url", "rights", "product"),
    "look": ("title", "brand", "season", "photographer", "shoot", "url", "rights"),
}

_NO = {"", "0", "0.0", "false", "f", "no", "n", "none", "null", "nan", "-", "off"}
_SHORT_DECIMALS = re.compile(r"(?P<whole>\d[\d.,\s'’]*?)(?:[.,](?P<cents>\d{1,2}))?")


def plain_name(column: str) -> str:
    """A column's name as it is compared: ``" Image URL"`` -> ``image_url``."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", column.strip())  # imagePath -> image_Path
    return re.sub(r"[^0-9a-z]+", "_", spaced.lower()).strip("_")


def photo_columns(columns: list[str]) -> list[str]:
    """Those of `columns` that may name the photo, in the order to try them."""
    by_name = {plain_name(column): column for column in reversed(columns)}
    found = [by_name[name] for name in PHOTO_COLUMNS if name in by_name]
    return found or [by_name[name] for name in PHOTO_COLUMNS_ALONE if name in by_name][:1]


def noun_columns(kind: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a garment or look that a manifest's row fills, and ``metadata``.

    Args:
        kind: garment or look.
        row: a manifest's row without its empty cells; `{}` for a photo from a folder.

    Returns:
        Values by column; ``taken_down`` is always there; ``metadata`` is a dictionary of the
        columns that no other holds in full.
    """
    taken: dict[str, Any] = {}
    rest = dict(row)
    by_name = {plain_name(column): column for column in reversed(list(row))}
    for column in photo_columns(list(row)):
        rest.pop(column)
        by_name.pop(plain_name(column), None)
    for noun_column in (*_COLUMNS[kind], "taken_down"):
        found = next((by_name[name] for name in _ALIASES[noun_column] if name in by_name), None)
        if found is None:
            continue
        value = row[found]
        if noun_column == "price":
            taken["price"] = parse_price(value)
            if taken["price"] is None or not _is_number(value):
                continue  # keep the currency, or what could not be read, in the metadata
        elif noun_column == "taken_down":
            taken["taken_down"] = is_taken_down(value)
            if _says_more(value):
                continue  # keep the date or the remark in the metadata
        else:
            taken[noun_column] = value if isinstance(value, str) else str(value)
        rest.pop(found)
    taken.setdefault("taken_down", False)
    if kind == "garment" and "product" not in taken and "sku" in taken:
        taken["product"] = taken["sku"]
    return {**taken, "metadata": rest}


@dataclass(frozen=True)
class RowSays:
    """What a row says beside its pictures; the attributes are those of `sources.Source`."""

    facts: Facts
    further: Mapping[str, Any]
    rights: tuple[str, ...]
    takedowns: tuple[str, ...]
    takedown_due: datetime.date | None


def row_says(kind: str, cells: Mapping[str, Any]) -> RowSays:
    """What a manifest's row says."""
    said = noun_columns(kind, cells)
    rights = (str(said["rights"]),) if said.get("rights") else ()
    takedowns = ("taken down: yes",) if said["taken_down"] else ()
    told = {name: value for name, value in said.items() if name in _FACTS[kind]}
    facts: Facts
    if kind == "garment":
        facts = ProductFacts(style=said.get("product"), **told)
    else:
        facts = LookFacts(**told)
    return RowSays(facts, said["metadata"], rights, takedowns, None)


_FACTS = {
    "garment": {"sku", "title", "brand", "category", "price", "url"},
    "look": {"title", "brand", "season", "photographer", "shoot", "url"},
}


def is_taken_down(value: object) -> bool:
    """Whether a cell says that the photo must not be shown.

    Anything but a plain no (empty, 0, false, no, none, -) means yes: a date or a remark in this
    column is a reason not to publish, and the costlier mistake is to publish.
    """
    if isinstance(value, bool | int | float):
        return bool(value)
    return str(value).strip().lower() not in _NO


def parse_price(value: object) -> float | None:
    """A price as a number: ``"€ 1.299,00"`` -> 1299.0; None where it says no one price.

    The last separator starts the decimals when one or two digits follow it; a separator before
    three digits groups thousands, whichever it is.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value) if value == value else None
    text = str(value).strip()
    if re.fullmatch(r"\d+\.\d{4,}|\d+(\.\d+)?[eE][+-]?\d+", text):
        return float(text)  # written by a program
    numbers = re.findall(r"\d[\d.,'’\u00a0\u202f ]*", text)
    if len(numbers) != 1 or re.search(r"-\s*\d", text):
        return None
    digits = numbers[0].strip(" .,'’\u00a0\u202f")
    match = _SHORT_DECIMALS.fullmatch(digits)
    if match is None:
        return None
    groups = re.split(r"[.,'’\s]", match["whole"])
    if any(len(group) != 3 for group in groups[1:]):
        return None
    return float("".join(groups) + "." + (match["cents"] or "0"))


def _is_number(value: object) -> bool:
    if isinstance(value, int | float):
        return True
    return re.fullmatch(r"\d+(\.\d+)?", str(value).strip()) is not None


def _says_more(value: object) -> bool:
    return str(value).strip().lower() not in _NO | {"1", "1.0", "true", "t", "yes", "y", "x", "on"}
