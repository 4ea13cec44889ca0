"""What a listing yields: one picture, where it is and what its row says."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lookweave.config import Config
from lookweave.errors import Rejected

ROLES = ("main", "additional", "swatch", "worn")
"""What a picture shows of its article: `Source.role`."""


@dataclass(frozen=True)
class ProductFacts:
    """What a row says of an article. None: it does not say.

    Attributes:
        sku: the article's number, as text: leading zeros stay.
        gtin: the number under its bar code (EAN, UPC, ISBN).
        style: what its variants share: the parent's number, the group's, the handle.
        category: the catalogue's own word.
        price: in units of `currency`.
        currency: three letters, EUR, where the row says it.
        url: the page of the article.
    """

    sku: str | None = None
    gtin: str | None = None
    title: str | None = None
    brand: str | None = None
    style: str | None = None
    colour: str | None = None
    size: str | None = None
    category: str | None = None
    price: float | None = None
    currency: str | None = None
    url: str | None = None


@dataclass(frozen=True)
class LookFacts:
    """What a row says of an editorial photo. None: it does not say."""

    title: str | None = None
    brand: str | None = None
    season: str | None = None
    photographer: str | None = None
    shoot: str | None = None
    url: str | None = None


Facts = ProductFacts | LookFacts


def no_facts(kind: str) -> Facts:
    """The facts of a photo of which nothing is said."""
    return ProductFacts() if kind == "garment" else LookFacts()


@dataclass(frozen=True)
class Source:
    """Where one photo is said to be, and what its row says.

    Attributes:
        kind: garment or look.
        path: absolute path, or http(s) address; always valid Unicode. Of a row that names no
            photo: the manifest's path, a colon and the line.
        name: posix path below the folder, or as the manifest says it.
        size: bytes; None for an address and for a file that is not there.
        modified_ns: time of the last change, nanoseconds since 1970; None likewise.
        cells: the manifest's row without its empty cells; {} for a folder.
        problem: why the photo cannot be read, where the listing shows it already.
        input: absolute path of the folder or manifest that was given.
        line: where the row begins, counted from 1; None for a folder.
        role: one of `ROLES`.
        position: place among the pictures of its row, from 0.
        facts: `ProductFacts` of a garment, `LookFacts` of a look.
        further: those of `cells` that no other attribute holds in full.
        rights: each statement of rights, as it is written, one a column; a mere yes as
            ``column: yes``.
        takedowns: each cell that says the photo is taken down, as ``column: value``.
        takedown_due: the first later day from which a cell says so.
    """

    kind: str
    path: str
    name: str
    size: int | None = None
    modified_ns: int | None = None
    cells: Mapping[str, Any] = field(default_factory=dict)
    problem: Rejected | None = None
    input: str = field(kw_only=True)
    facts: Facts = field(kw_only=True)
    line: int | None = None
    role: str = "main"
    position: int = 0
    further: Mapping[str, Any] = field(default_factory=dict)
    rights: tuple[str, ...] = ()
    takedowns: tuple[str, ...] = ()
    takedown_due: datetime.date | None = None

    @property
    def is_address(self) -> bool:
        """Whether the photo is fetched by http(s)."""
        return is_address(self.path)

    @property
    def metadata(self) -> str:
        """The cells as JSON, the same text for the same cells."""
        cells = dict(self.cells)
        return json.dumps(cells, ensure_ascii=False, sort_keys=True, default=str)

    @property
    def taken_down(self) -> bool:
        """Whether the row says that the photo must not be shown."""
        return bool(self.takedowns)


def is_address(path: str) -> bool:
    """Whether `path` is an http(s) address rather than a file's path."""
    return path[:8].lower().startswith(("http://", "https://"))


@dataclass(frozen=True)
class Options:
    """How manifests are to be read.

    Attributes:
        columns: the manifest's own name of a field's column, ``{"sku": "Art.-Nr."}``; the
            fields are those of `ProductFacts` and `LookFacts`, and image, rights, taken_down.
        base: folder or http(s) address where relative paths begin; None: the manifest's folder.
        encoding: of text files, a name that Python knows; None: found out.
        max_failed: share of the rows, 0..1, above which a manifest is refused.
        today: takedowns of a later day are not due yet; None: this machine's day.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    base: str | None = None
    encoding: str | None = None
    max_failed: float = 0.5
    today: datetime.date | None = None

    @classmethod
    def of(cls, config: Config) -> Options:
        """Those that the settings say."""
        given = config.ingest
        return cls(given.columns, given.base, given.encoding, given.max_failed)


class Notices:
    """What reading a listing had to guess or leave aside, in sentences with file and line."""

    _SHOWN = 3

    def __init__(self) -> None:
        self._told: dict[tuple[str, str], list[str]] = {}
        self._counts: dict[tuple[str, str], int] = {}

    def tell(self, place: str, topic: str, sentence: str, line: int | None = None) -> None:
        """Keep a sentence. Of one topic in one place the first three are kept, the rest counted."""
        key = (place, topic)
        self._counts[key] = self._counts.get(key, 0) + 1
        told = self._told.setdefault(key, [])
        where = place if line is None else f"{place}, line {line}"
        if len(told) < self._SHOWN and (text := f"{where}: {sentence}") not in told:
            told.append(text)

    def sentences(self) -> list[str]:
        """All that was told, place by place, in the order it came."""
        found: list[str] = []
        for key, told in self._told.items():
            found += told
            if (more := self._counts[key] - len(told)) > 0:
                found[-1] += f" The same holds for {more} more."
        return found
