"""What a row says: facts, rights, takedowns, and which pictures it names."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from lookweave.sources import columns as names
from lookweave.sources import values
from lookweave.sources.columns import Columns
from lookweave.sources.pictures import split_cell
from lookweave.sources.source import Facts, LookFacts, ProductFacts, is_address

_ENDLESS = re.compile(
    r"unlimited|perpetual|never|endless|indefinite|unbefristet|unbegrenzt|illimit|perp[eé]tu|"
    r"ilimitad|illimitat|onbeperkt"
)
_REMARKS = ("reason", "status", "request", "requested")
_ATTRIBUTE = re.compile(r",(?=[\w-]+=)")


@dataclass(frozen=True)
class RowSays:
    """What a row says beside its pictures; the attributes are those of `Source`.

    Attributes:
        unclear: cells of takedown columns that say neither yes, no nor a day; they count as yes.
    """

    facts: Facts
    further: Mapping[str, Any]
    rights: tuple[str, ...] = ()
    takedowns: tuple[str, ...] = ()
    takedown_due: datetime.date | None = None
    unclear: tuple[str, ...] = ()


@dataclass(frozen=True)
class Named:
    """A picture that a row names: the ways it is written, likeliest first, and its role."""

    texts: tuple[str, ...]
    role: str


def row_says(
    kind: str,
    cells: Mapping[str, Any],
    columns: Columns,
    today: datetime.date,
    options: Mapping[str, str] | None = None,
) -> RowSays:
    """What a manifest's row says.

    Args:
        kind: garment or look.
        cells: the row without its empty cells.
        columns: which of the manifest's columns is which.
        today: takedowns of a later day are not due yet.
        options: names of a variant's options, by the column of their value, where the article's
            first row has told them.
    """
    rights, takedowns, due, unclear = _may_it_go_out(cells, columns, today)
    facts, held = _facts(kind, cells, columns, options or {})
    pictures = {each.column for each in columns.pictures}
    aside = pictures | set(columns.rights) | held
    further = {name: value for name, value in cells.items() if name not in aside}
    return RowSays(facts, further, tuple(rights), tuple(takedowns), due, tuple(unclear))


def _facts(
    kind: str, cells: Mapping[str, Any], columns: Columns, options: Mapping[str, str]
) -> tuple[Facts, set[str]]:
    """The facts and the columns that they hold in full."""
    said: dict[str, Any] = {}
    held: set[str] = set()
    for name, candidates in columns.facts.items():
        for column in candidates:
            if column not in cells or name in said:
                continue
            value = cells[column]
            if isinstance(value, float) and not math.isfinite(value):
                continue  # an infinity is no number and no name
            if name == "price":
                said[name] = values.parse_price(value)
                said.setdefault("currency", columns.price_currency or values.currency(value))
                if said[name] is not None and values.is_number(value):
                    held.add(column)
            else:
                said[name] = values.as_text(value)
                held.add(column)
    if "currency" in columns.facts:  # its own column knows better than the price's
        for column in [each for each in columns.facts["currency"] if each in cells][:1]:
            said["currency"] = values.currency(cells[column]) or values.as_text(cells[column])
            held.add(column)
    if kind == "look":
        return LookFacts(**said), held
    for name, value in _variant(cells, columns, options):
        said.setdefault(name, value)
    return ProductFacts(**said), held


def option_names(cells: Mapping[str, Any], columns: Columns) -> dict[str, str]:
    """Names of a variant's options, by the column of their value."""
    return {value: str(cells[name]) for name, value in columns.options if name in cells}


def _variant(
    cells: Mapping[str, Any], columns: Columns, options: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Colour, size and the like from options and attributes."""
    known = {**options, **option_names(cells, columns)}
    for column, name in known.items():
        value = values.as_text(cells[column]) if column in cells else ""
        field = names.option_field(name)
        if field and value and "," not in value and "|" not in value:
            yield field, value
    for name, value in attributes(cells, columns).items():
        if (field := names.option_field(name)) and value:
            yield field, value


def attributes(cells: Mapping[str, Any], columns: Columns) -> dict[str, str]:
    """The attributes that Magento writes into one cell: ``color=Black,size=XS``."""
    column = columns.layout.get("attributes")
    if column is None or column not in cells:
        return {}
    pairs = (part.partition("=") for part in _ATTRIBUTE.split(str(cells[column])))
    return {name.strip(' "'): value.strip(' "') for name, equals, value in pairs if equals}


def _may_it_go_out(
    cells: Mapping[str, Any], columns: Columns, today: datetime.date
) -> tuple[list[str], list[str], datetime.date | None, list[str]]:
    rights: list[str] = []
    takedowns: list[str] = []
    unclear: list[str] = []
    due: list[datetime.date] = []
    said = [
        (column, way, cells[column]) for column, way in columns.rights.items() if column in cells
    ]
    for name, value in attributes(cells, columns).items():
        if way := names.rights_way(names.simple_name(name)):
            said.append((name, way, value))
    for column, way, value in said:
        text = values.as_text(value)
        statement = f"{column}: {text}"
        name = names.simple_name(column)
        if way == "rights":
            rights.append(statement if values.is_yes(value) else text)  # a yes to what?
        elif way == "restricted":
            if not values.is_no(value):
                rights.append(f"{column.replace('_', ' ')}: {text}")
        elif way == "taken_down":
            if values.is_no(value):
                continue
            day = values.day(value if isinstance(value, str) else text)
            if day is not None and day > today:
                due.append(day)
                continue
            takedowns.append(statement)
            if day is None and not values.is_yes(value) and not name.endswith(_REMARKS):
                unclear.append(statement)
        elif way == "published":
            if _is_not_published(name, value, today):
                takedowns.append(statement)
        elif way == "status":
            if values.is_withdrawn(text):
                takedowns.append(statement)
        elif way == "expires":
            day = values.day(text)
            if day is not None and day < today:
                rights.append(f"{statement} (expired)")
            elif day is None and not (
                values.is_no(value) or values.is_yes(value) or _ENDLESS.search(text.casefold())
            ):
                rights.append(statement)
        elif way == "embargo":
            day = values.day(text)
            if not values.is_no(value) and (day is None or day > today):
                rights.append(f"{statement} (embargo)")
    return rights, takedowns, min(due, default=None), unclear


def _is_not_published(name: str, value: Any, today: datetime.date) -> bool:
    if values.is_yes(value):
        return False
    text = values.as_text(value)
    if name == "product_online" and text == "2":
        return True  # Magento's no
    day = values.day(text)
    return (
        values.is_no(value)
        or text.startswith("-")
        or values.is_withdrawn(text)
        or (day is not None and day > today)
    )


_ROLES = {
    "image": "main", "variant_image": "main", "smaller_image": "main",
    "additional_image": "additional", "swatch_image": "swatch", "worn_image": "worn",
}  # fmt: skip


def named_pictures(
    cells: Mapping[str, Any], columns: Columns, *, variant: bool | None = None
) -> list[Named]:
    """The pictures of a row, main one first, each once.

    Args:
        variant: True for the variant's own pictures alone, False for all but those.
    """
    mains: list[Named] = []
    others: list[Named] = []
    smaller: list[Named] = []
    for each in columns.pictures:
        if each.column not in cells:
            continue
        if variant is not None and variant != (each.role == "variant_image"):
            continue
        texts = split_cell(cells[each.column], several=each.several)
        if each.role == "smaller_image":
            smaller += [Named((text,), "main") for text in texts]
        elif _ROLES[each.role] == "main" and each.number <= 1 and texts:
            _add_main(mains, others, texts)
        else:
            role = "additional" if each.role == "image" else _ROLES[each.role]
            others += [Named((text,), role) for text in texts]
    found: dict[str, Named] = {}
    for named in (*(mains or smaller[:1]), *others):
        if named.texts[0] not in found:
            found[named.texts[0]] = named
    listed = list(found.values())
    if listed and not any(each.role == "main" for each in listed):
        first = next((at for at, each in enumerate(listed) if each.role == "additional"), 0)
        listed.insert(0, replace(listed.pop(first), role="main"))
    return listed


def _add_main(mains: list[Named], others: list[Named], texts: list[str]) -> None:
    """Another column with the main picture: the same picture written another way where one is a
    file and the other an address, else a further picture."""
    first, rest = texts[0], texts[1:]
    others += [Named((text,), "additional") for text in rest]
    if not mains:
        mains.append(Named((first,), "main"))
        return
    before = mains[0].texts
    if first in before:
        return
    if len(rest) or (is_address(first) == is_address(before[0]) and _is_file(before[0])):
        others.append(Named((first,), "additional"))
    else:
        mains[0] = Named((*before, first), "main")


def _is_file(text: str) -> bool:
    return is_address(text) or "." in text.rpartition("/")[2]
