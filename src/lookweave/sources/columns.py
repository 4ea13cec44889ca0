"""Which column of a manifest is which."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from lookweave.errors import InputError
from lookweave.sources.column_names import (
    CURRENCIES,
    FIELDS,
    KIND_FIELDS,
    KNOWN_ASIDE,
    LAYOUT,
    NOT_RIGHTS,
    PICTURES,
    PICTURES_ALONE,
    PLURALS,
    RIGHTS,
    names,
)

_SUSPICIOUS = re.compile(
    r"(?:^|_)(rights?|licen[cs]\w*|copyright\w*|usage|permi\w+|take[_]?downs?|taken|withdr\w+|"
    r"unpublish\w*|publi(?:sh|c|zi|é)\w*|retract\w*|revok\w*|opt|embargo\w*|restrict\w*|"
    r"confidential|remov\w+|delet\w+|expir\w+|consent\w*|clearance|dmca|gdpr|legal|block\w*|bann\w+|"
    r"suppress\w*|allow\w*|forbid\w*|prohibit\w*|lizenz\w*|\w*rechte?|veroff\w*|veroeff\w*|sperr\w*|"
    r"gesperrt|zuruckgezogen|geloscht|freigabe\w*|droits?|retrait|retire\w*|autoris\w+|derechos?|"
    r"licencia\w*|retirad\w+|permiso\w*|diritt\w+|licenza\w*|ritirat\w+|autorizza\w+|rechten|"
    r"licentie\w*|ingetrokken|verwijder\w*|toestemming\w*|direitos?|autorais|licencja|prawa|"
    r"rattigheter|rettigheter|rettigheder|borttagen|fjernet|\w*права|авторск\w+|лиценз\w+|"
    r"снят\w*|удален\w*|uprawnienia|zablokowan\w+|usunie\w+|usable|approv\w+|hold|quarantin\w+|"
    r"censor\w+|erasure|privacy|confidentiality|litigation|cease|killed|archived|public|"
    r"valid_(?:until|to)|use_by|release|after)(?:_|$)|権|权|權|許諾|授权|ライセンス|下架|公開|公开"
)

_NAMESPACE = re.compile(r"^(?:g|dc|dcterms|xmp|xmprights|iptc|photoshop|cc|plus)_(?=.)")
_SUBJECT = re.compile(
    r"^(?:is|was|has_been|image|img|photo|picture|file|asset|media|product|item|look|garment|"
    r"bild|foto|produkt|artikel)_(?=.)"
)
_REMARK = re.compile(
    r"(?<=.)_?(?:\d{1,2}|_(?:en|de|fr|es|it|nl|pt|pl|sv)|_(?:yes|y|ja|j|oui|o|si|s|true|1)_(?:no|n|"
    r"nein|non|false|0)|_(?:flag|bool|boolean))$"
)
_LOCALE = re.compile(r"_(?P<language>[a-z]{2})_(?P<country>[a-z]{2})(?:_[a-z0-9_]+)?$")
_NUMBERED = re.compile(r"^(?P<stem>.*[a-z])_?(?P<number>\d{1,3})(?P<rest>(?:_[a-z]+)*)$")
_PRICE_IN = re.compile(r"^(?P<stem>.+?)(?:_in)?_(?P<currency>[a-z]{3})$")
_REPEATED = re.compile(r" \((\d+)\)$")


def plain_name(column: str) -> str:
    """A column's name as it is compared: ``" Image URL"`` -> ``image_url``, ``Größe`` ->
    ``grosse``."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z]|[A-Z]{2,}$)", "_", column.strip())
    folded = unicodedata.normalize("NFKD", spaced.casefold())
    kept = "".join(each for each in folded if unicodedata.category(each) not in ("Mn", "Cf"))
    return re.sub(r"[\W_]+", "_", kept).strip("_")


_PICTURE_NAMES = {name: role for role, said in PICTURES.items() for name in names(said)}
_PICTURE_ORDER = {name: rank for rank, name in enumerate(_PICTURE_NAMES)}
_RIGHTS_NAMES = {name: way for way, said in RIGHTS.items() for name in names(said)}
_FIELD_NAMES = {each: names(said) for each, said in FIELDS.items()}
_OPTIONS = ("colour", "size", "brand", "gtin", "style")
_LISTS = ("additional_image", "swatch_image", "worn_image")
_ALL_FIELD_NAMES = {name for said in _FIELD_NAMES.values() for name in said}


@dataclass(frozen=True)
class Picture:
    """A column that names pictures.

    Attributes:
        role: what they show: a key of `PICTURES`.
        number: its place among its like, ``image_2`` is 2.
        several: whether it is made for several pictures.
    """

    column: str
    role: str
    number: int = 0
    several: bool = False


@dataclass
class Columns:
    """Which column of a manifest is which; the names are the manifest's own.

    Attributes:
        pictures: columns that name pictures, likeliest main picture first.
        facts: by field, the columns that may hold it, likeliest first.
        rights: by column, how its cells are read: a key of `RIGHTS`.
        layout: columns of known exports, by the key of `LAYOUT`.
        options: pairs of columns (name, value) of a variant's options.
        price_currency: the currency that the price's column names.
        suspicious: columns that sound like rights or takedowns and are not known.
        unread: columns that are not understood; their cells are kept.
    """

    pictures: list[Picture] = field(default_factory=list)
    facts: dict[str, list[str]] = field(default_factory=dict)
    rights: dict[str, str] = field(default_factory=dict)
    layout: dict[str, str] = field(default_factory=dict)
    options: list[tuple[str, str]] = field(default_factory=list)
    price_currency: str | None = None
    suspicious: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)


def understand(
    kind: str, columns: Sequence[str], given: Mapping[str, str] | None = None
) -> Columns:
    """Which of `columns` is which.

    Args:
        kind: garment or look.
        columns: names as the manifest writes them, each once.
        given: by field (or ``image``, ``rights``, ``taken_down``), the column that the caller
            says it is; names that are not among `columns` are passed over.

    Raises:
        InputError: `given` names a field that there is not.
    """
    said = _given(kind, columns, given or {})
    plain = {column: simple_name(column) for column in columns}
    found = Columns()
    used: set[str] = set()
    for column, name in said.items():
        used.add(column)
        if name in PICTURES:
            several = name in _LISTS or plain[column] in PLURALS
            found.pictures.append(Picture(column, name, several=several))
        elif name in RIGHTS:
            found.rights[column] = name
        else:
            found.facts.setdefault(name, []).append(column)
    _layout(kind, plain, found, used)
    _pictures(plain, found, used, alone="image" not in said.values())
    for column, name in plain.items():
        if column not in used and (way := rights_way(name)):
            found.rights[column] = way
            used.add(column)
    _facts(kind, plain, found, used)
    for column, name in plain.items():
        if column in used:
            continue
        if _SUSPICIOUS.search(name) and name not in NOT_RIGHTS and not _is_fact(name):
            found.suspicious.append(column)
        elif not _is_fact(name) and name not in KNOWN_ASIDE and name not in NOT_RIGHTS:
            found.unread.append(column)
    return found


@lru_cache(maxsize=4096)
def option_field(name: str) -> str | None:
    """The field that an option or attribute of this name holds, of those that variants differ
    in."""
    plain = simple_name(name).removeprefix("pa_")
    return next((each for each in _OPTIONS if plain in _FIELD_NAMES[each]), None)


def picture_columns(columns: Sequence[str]) -> list[str]:
    """Those of `columns` that may name the main picture, in the order to try them."""
    return [each.column for each in understand("garment", columns).pictures]


@lru_cache(maxsize=4096)
def simple_name(column: str) -> str:
    """`plain_name` without what a format adds: a namespace, a locale, a count of repetitions."""
    name = plain_name(_REPEATED.sub("", column))
    return _LOCALE.sub("", _NAMESPACE.sub("", name))


@lru_cache(maxsize=4096)
def rights_way(name: str) -> str | None:
    """How the cells of a column of this plain name are read: a key of `RIGHTS`, or None."""
    for each in _without_remarks(name):
        if each in NOT_RIGHTS:
            return None
        if each in _RIGHTS_NAMES:
            return _RIGHTS_NAMES[each]
    return None


def _without_remarks(name: str) -> Iterator[str]:
    """A name, and what is left of it without what it is of, a number, a language and a remark on
    its cells: ``image_rights_2``, ``usage_terms_en``, ``taken_down_yes_no``."""
    endings = [name]
    while (shorter := _REMARK.sub("", endings[-1])) != endings[-1]:
        endings.append(shorter)
    for each in endings:
        yield each
        while (shorter := _SUBJECT.sub("", each)) != each:
            yield (each := shorter)


def _is_fact(name: str) -> bool:
    return name in _ALL_FIELD_NAMES or name in _PICTURE_NAMES


def _given(kind: str, columns: Sequence[str], given: Mapping[str, str]) -> dict[str, str]:
    fields = {*PICTURES, *FIELDS, "rights", "taken_down"}
    if unknown := sorted(set(given) - fields):
        raise InputError(
            f"There is no field {', '.join(map(repr, unknown))} to name a column for. Fields are "
            f"{', '.join(sorted(fields))}."
        )
    exact = {column.strip(): column for column in columns}
    alike = {plain_name(column): column for column in reversed(list(columns))}
    said = {}
    for name, column in given.items():
        meant = exact.get(column.strip()) or alike.get(plain_name(column))
        if meant is not None and (name in PICTURES or name in RIGHTS or name in KIND_FIELDS[kind]):
            said[meant] = name
    return said


def _layout(kind: str, plain: dict[str, str], found: Columns, used: set[str]) -> None:
    """Columns that only mean something together with others of their export."""
    if kind != "garment":
        return
    by_name = {name: column for column, name in reversed(list(plain.items()))}
    for key, name in LAYOUT.items():
        if name in by_name and key != "number":
            found.layout[key] = by_name[name]
            used.add(by_name[name])
    if "type" in by_name and "parent" in by_name and "sku" in by_name:  # WooCommerce
        used.add(by_name["type"])
        if "id" in by_name:
            found.layout["number"] = by_name["id"]
            used.add(by_name["id"])
    if {"children", "attributes", "store_view"} & set(found.layout) and "product_type" in by_name:
        used.add(by_name["product_type"])  # Magento: simple, configurable
    for number in range(1, 10):
        for title, value in (
            (f"option{number}_name", f"option{number}_value"),
            (f"attribute_{number}_name", f"attribute_{number}_value_s"),
        ):
            if value in by_name and title in by_name:
                found.options.append((by_name[title], by_name[value]))
                used |= {by_name[title], by_name[value]}


def _pictures(plain: dict[str, str], found: Columns, used: set[str], *, alone: bool) -> None:
    ranked: list[tuple[int, int, int, Picture]] = []
    for place, (column, name) in enumerate(plain.items()):
        if column in used:
            continue
        role, number, rank = _picture_name(name)
        if role is None:
            continue
        if repeated := _REPEATED.search(column):
            number = int(repeated[1])
        ranked.append(
            (number, rank, place, Picture(column, role, number, role in _LISTS or name in PLURALS))
        )
    chosen = [each[-1] for each in sorted(ranked, key=lambda each: each[:3])]
    if not found.pictures and not any(each.role != "smaller_image" for each in chosen) and alone:
        by_name = {name: column for column, name in reversed(list(plain.items()))}
        lone = [by_name[name] for name in PICTURES_ALONE if name in by_name]
        lone = [column for column in lone if column not in used]
        chosen = [*(Picture(column, "image") for column in lone[:1]), *chosen]
    found.pictures += chosen
    used |= {each.column for each in chosen}


def _picture_name(name: str) -> tuple[str | None, int, int]:
    """The role of a column of this name, the number in it and how likely it is the main one."""
    if name in _PICTURE_NAMES:
        return _PICTURE_NAMES[name], 1 if name == "image_1" else 0, _PICTURE_ORDER[name]
    numbered = _NUMBERED.match(name)
    if numbered is not None:
        stem = numbered["stem"].strip("_") + (numbered["rest"] or "")
        if stem in _PICTURE_NAMES:
            return _PICTURE_NAMES[stem], int(numbered["number"]), _PICTURE_ORDER[stem]
    return None, 0, 0


def _facts(kind: str, plain: dict[str, str], found: Columns, used: set[str]) -> None:
    free = {name: column for column, name in reversed(list(plain.items())) if column not in used}
    repeated: dict[str, list[str]] = {}
    for column, name in plain.items():
        if column not in used:
            repeated.setdefault(name, []).append(column)
    if kind == "garment":
        for name, column in list(free.items()):
            priced = _PRICE_IN.match(name)
            if (
                priced
                and priced["currency"] in CURRENCIES
                and priced["stem"] in _FIELD_NAMES["price"]
            ):
                found.facts.setdefault("price", []).append(column)
                found.price_currency = found.price_currency or priced["currency"].upper()
                used.add(column)
    for each in KIND_FIELDS[kind]:
        for name in _FIELD_NAMES[each]:
            for column in repeated.get(name, ()):
                if column in used and not _shared(each, name, found):
                    continue
                found.facts.setdefault(each, []).append(column)
                used.add(column)


def _shared(each: str, name: str, found: Columns) -> bool:
    """A product's number is its style's too where nothing else says the style."""
    return each == "style" and name == "product_id" and "style" not in found.facts
