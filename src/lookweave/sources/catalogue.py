"""A manifest as a catalogue: its articles or looks, each with all its pictures.

It is read twice. The first time says whether it can be used at all, gathers what rows take over
from others and tells what had to be guessed; the second yields a `Source` for each picture.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lookweave.errors import InputError, Rejected
from lookweave.sources import manifests, pictures, tables, values
from lookweave.sources.columns import simple_name, understand
from lookweave.sources.families import Families, Family
from lookweave.sources.pictures import Finder, Found, looks_like_picture
from lookweave.sources.rows import Named, RowSays, named_pictures, option_names, row_says
from lookweave.sources.source import Facts, Notices, Options, ProductFacts, Source
from lookweave.sources.tables import Parquet, Row

_TOLD = 20  # columns that a notice names
_FEW = 20  # rows below which no share of them is too many to fail
_CHILD = re.compile(r"(?:^|\|)\s*sku=([^,|]+)")
_WHAT_TO_DO = {
    "missing_file": "Paths are looked for below {folder}: say with `base` (--base DIR or URL) "
    "where they begin, or mend the manifest.",
    "broken_row": "Quote cells that contain the delimiter, and double quotation marks inside them.",
    "unsupported_address": "Bring the photos to a folder or to http(s) addresses.",
    "no_photo_named": "Name the column of the pictures with `columns` (--columns image=…).",
    "unreadable_name": "Rename the files.",
}
_REASONS = {
    "missing_file": "the files are not there",
    "broken_row": "the rows do not fit the header",
    "unsupported_address": "the addresses are of a kind that is not read",
    "no_photo_named": "no cell names a photo",
    "unreadable_name": "the files' names are not valid UTF-8",
}


@dataclass
class _Failures:
    """Rows that have no usable picture, by reason, with the first three of each."""

    rows: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    first: dict[str, list[str]] = field(default_factory=dict)

    def add(self, reason: str, example: str) -> None:
        self.counts[reason] = self.counts.get(reason, 0) + 1
        examples = self.first.setdefault(reason, [])
        if len(examples) < 3:
            examples.append(example)

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    def too_many(self, most: float) -> bool:
        """Whether all rows fail, or more than the share `most` for another reason than that an
        article has no picture, which is no fault."""
        faults = self.total - self.counts.get("no_photo_named", 0)
        with_picture = self.rows - self.counts.get("no_photo_named", 0)
        return self.total == self.rows or (self.rows >= _FEW and faults > most * with_picture)


class Catalogue:
    """The pictures that one manifest names.

    Args:
        kind: garment or look.
        path: absolute path of the manifest.
        options: how it is to be read.

    Raises:
        InputError: it cannot be read, names no pictures, or most of its rows fail.
    """

    def __init__(self, kind: str, path: Path, options: Options, notices: Notices) -> None:
        self.kind, self.path = kind, path
        self._options = options
        self._today = options.today or datetime.date.today()
        self._table = manifests.open_table(
            path, self._suits, encoding=options.encoding, picture=looks_like_picture,
            notices=notices,
        )  # fmt: skip
        self._finder = Finder(path, options.base)
        self.columns = understand(kind, self._table.columns, options.columns)
        self._check_columns(notices)
        self._families = Families()
        self._groups = kind == "garment" and bool(
            self.columns.layout or self.columns.options or self._column("style")
        )
        self._survey(notices)

    def _suits(self, header: Sequence[str]) -> int:
        """How many columns are understood, none where none names a picture."""
        found = understand(self.kind, tables.distinct(header), self._options.columns)
        if not found.pictures or any(map(looks_like_picture, header)):
            return 0
        facts = {column for said in found.facts.values() for column in said}
        return len(found.pictures) + len(facts) + len(found.rights)

    def _check_columns(self, notices: Notices) -> None:
        names = self._table.columns
        if self.columns.pictures:
            self._tell_columns(notices)
            return
        if isinstance(self._table, Parquet) and (inside := self._table.with_bytes):
            raise InputError(
                f"The column {inside[0]!r} of {self.path} holds the photos themselves: it must "
                "hold the photo's path or address. Write them to files, and their paths into a "
                "column 'path'."
            )
        if isinstance(self._table, tables.Json) and not names:
            raise InputError(
                f"{self.path} holds no objects of JSON, one a line or in a list: export it so, or "
                "as CSV."
            )
        if any(map(looks_like_picture, names)):
            raise InputError(
                f"The manifest {self.path} has no header: its first line names a photo already "
                f"({names[0]!r}). Put a line such as path,title before it."
            )
        if not names:
            raise _no_rows(self.path)
        raise InputError(
            f"The manifest {self.path} has no column that names the photo. Call it 'path', "
            "'image_url' or 'file', or say which it is with `columns` (--columns image=…); its "
            f"columns are {', '.join(map(repr, names))}."
        )

    def _tell_columns(self, notices: Notices) -> None:
        path = str(self.path)
        for field_name, column in self._options.columns.items():
            if column not in self._table.columns:
                notices.tell(
                    path, "no such column",
                    f"there is no column {column!r}, which was named for {field_name!r}.",
                )  # fmt: skip
        for column in self.columns.suspicious:
            notices.tell(
                path, f"sounds like rights: {column}",
                f"the column {column!r} sounds like rights or takedowns and is not understood: "
                "it changes nothing. Rename it to rights or taken_down if it is to count.",
            )  # fmt: skip
        if self.columns.unread:
            listed = ", ".join(map(repr, self.columns.unread[:_TOLD]))
            if (more := len(self.columns.unread) - _TOLD) > 0:
                listed += f" and {more} more"
            notices.tell(path, "columns", f"columns that are kept but not understood: {listed}.")

    def _column(self, name: str) -> str | None:
        return next(iter(self.columns.facts.get(name, ())), None)

    # The first reading

    def _survey(self, notices: Notices) -> None:
        failures = self._failures(notices, gather=True)
        if not failures.rows:
            raise _no_rows(self.path)
        if failures.too_many(self._options.max_failed):
            missing = failures.counts.get("missing_file", 0)
            elsewhere = 0
            if missing and self._finder.guess_by_name():
                after = self._failures(Notices(), gather=False)
                if not after.too_many(self._options.max_failed):
                    self._tell_guess(failures, after, notices)
                    return
                elsewhere = missing - after.counts.get("missing_file", 0)
            raise self._most_fail(failures, elsewhere)

    def _failures(self, notices: Notices, *, gather: bool) -> _Failures:
        failures = _Failures()
        for row in manifests.rows(self._table, notices):
            failures.rows += 1
            where = f"line {row.line}"
            if row.problem is not None:
                failures.add(_why_broken(row)[0], f"{where} {row.problem}")
                continue
            says = self._says(row.cells)
            named = self._named(row.cells)
            if gather:
                self._tell_row(row, says, notices)
                if self._groups:
                    self._gather(row, says)
            if not named:
                failures.add("no_photo_named", f"{where} names no photo")
                continue
            found = [self._found(each, row.line, notices) for each in named]
            if not any(each.usable for each in found):
                problem = found[0].problem
                reason = problem.reason if problem else "missing_file"
                failures.add(reason, f"{where}: {found[0].name!r}")
        return failures

    def _tell_row(self, row: Row, says: RowSays, notices: Notices) -> None:
        path = str(self.path)
        for statement in says.unclear:
            notices.tell(
                path, "unclear takedown",
                f"{statement!r} says neither yes, no nor a day; it counts as taken down.", row.line,
            )  # fmt: skip
        if isinstance(says.facts, ProductFacts):
            for number in (says.facts.sku, says.facts.gtin):
                if number and values.is_shortened(number):
                    notices.tell(
                        path, "shortened number",
                        f"{number!r} is a number that a spreadsheet has shortened; its digits "
                        "are lost.", row.line,
                    )  # fmt: skip

    def _tell_guess(self, before: _Failures, after: _Failures, notices: Notices) -> None:
        found = before.counts["missing_file"] - after.counts.get("missing_file", 0)
        first = before.first["missing_file"][0]
        notices.tell(
            str(self.path), "names looked for",
            f"{before.counts['missing_file']} of {before.rows} photos are not where it says "
            f"({first}); {found} were found by their names below {self._finder.folder}. "
            "Say with `base` (--base DIR) where paths begin, if these are not the ones.",
        )  # fmt: skip

    def _most_fail(self, failures: _Failures, elsewhere: int) -> InputError:
        counts = dict(failures.counts)
        if failures.total < failures.rows:
            counts.pop("no_photo_named", None)
        reason = max(counts, key=lambda each: counts[each])
        many = (
            "Every row"
            if counts[reason] == failures.rows
            else (f"{counts[reason]} of the {failures.rows} rows")
        )
        examples = "; ".join(failures.first[reason])
        what = _WHAT_TO_DO[reason].format(folder=self._finder.folder)
        if elsewhere and reason == "missing_file":
            what += f" Files of the same name as {elsewhere} of them lie in folders below."
        return InputError(
            f"{many} of {self.path} cannot be used, because {_REASONS[reason]} ({examples}). {what}"
        )

    # Rows that belong together

    def _gather(self, row: Row, says: RowSays) -> None:
        """Keep what other rows may take over from this one."""
        cells, layout = row.cells, self.columns.layout
        facts = says.facts
        assert isinstance(facts, ProductFacts)
        named = self._named(cells, variant=False)
        own = [each.texts[0] for each in self._named(cells, variant=True)]
        position = values.parse_price(cells.get(layout.get("picture_position", ""), None))
        placed = [
            (position if position is not None else 1000.0 + at, each)
            for at, each in enumerate(named)
        ]
        if self._by_handle:
            if facts.style:
                options = option_names(cells, self.columns)
                first = facts.title is not None  # the article's row: what it says is of all
                self._families.add(
                    f"group {facts.style}", row.line, placed, own, says if first else None, options
                )
            return
        keys = [f"sku {facts.sku}"] if facts.sku else []
        if number := cells.get(layout.get("number", "")):
            keys.append(f"sku id:{values.as_text(number)}")
        for key in keys if placed or not facts.style else ():
            self._families.add(key, row.line, placed, own, says)
        if placed and facts.style and facts.colour:
            self._families.add(f"colourway {facts.style}|{facts.colour}", row.line, placed)
        if facts.sku and (children := cells.get(layout.get("children", ""))):
            for child in _CHILD.findall(str(children)):
                self._families.add_child(child.strip(), facts.sku)

    @property
    def _by_handle(self) -> bool:
        """Whether rows are parts of one article (Shopify) rather than each an article."""
        return (
            "picture_position" in self.columns.layout
            and simple_name(self._column("style") or "") == "handle"
        )

    def _family(self, row: Row, facts: ProductFacts) -> tuple[Family | None, str | None]:
        """What a row takes over, and the style that its parent gives it."""
        parent = facts.style
        if "children" in self.columns.layout and facts.sku:
            parent = self._families.parent_of(facts.sku) or parent
        above = self._families.get(f"sku {parent}") if parent and parent != facts.sku else None
        alike = self._colourway(parent, facts.colour) if parent and facts.colour else None
        if alike is not None:
            return replace_pictures(above, alike), parent
        if facts.sku and self.columns.layout.get("store_view", "") in row.cells:
            return self._families.get(f"sku {facts.sku}"), parent
        return above, parent

    def _colourway(self, style: str, colour: str) -> Family | None:
        """What an article of the same style and colour shows; they differ in size alone."""
        if (alike := self._families.get(f"colourway {style}|{colour}")) is not None:
            return alike
        for child in self._families.children_of(style):
            sibling = self._families.get(f"sku {child}")
            if sibling is not None and sibling.facts.colour == colour and sibling.pictures:
                return replace(sibling, facts=ProductFacts(), rights=(), takedowns=())
        return None

    # The second reading

    def sources(self) -> Iterator[Source]:
        """A source for each picture, row by row; for each row without a picture, one that says
        so."""
        quiet = Notices()
        for row in manifests.rows(self._table):
            if row.problem is not None:
                says, (reason, detail) = self._says(row.cells), _why_broken(row)
                yield self._without_picture(row, says, reason, detail)
            elif self._by_handle:
                yield from self._of_group(row, quiet)
            else:
                yield from self._of_row(row, quiet)

    def _of_row(self, row: Row, notices: Notices) -> Iterator[Source]:
        says = self._says(row.cells)
        named = self._named(row.cells)
        if self._groups and isinstance(says.facts, ProductFacts):
            family, style = self._family(row, says.facts)
            says = replace(says, facts=replace(says.facts, style=style))
            if family is not None:
                says = take_over(says, family)
                named = named or family.pictures
        yield from self._pictures(row, says, named, notices)

    def _of_group(self, row: Row, notices: Notices) -> Iterator[Source]:
        """A row that is an article's variant, one of its pictures, or both (Shopify)."""
        says = self._says(row.cells)
        assert isinstance(says.facts, ProductFacts)
        family = self._families.get(f"group {says.facts.style}")
        if family is None:
            yield from self._pictures(row, says, self._named(row.cells), notices)
            return
        if not (says.facts.title or self._is_variant(row.cells, says.facts)):
            return  # a further picture of the article: its variants have it
        says = take_over(self._says(row.cells, family.options), family)
        own = self._named(row.cells, variant=True)
        others = [each for each in family.pictures if each.texts[0] not in family.own]
        if own:
            others = [replace(each, role="additional") for each in others]
        elif not others:
            others = family.pictures
        if not own:
            others = [
                replace(each, role="additional" if at else "main") for at, each in enumerate(others)
            ]
        yield from self._pictures(row, says, [*own, *others], notices)

    def _is_variant(self, cells: Mapping[str, Any], facts: ProductFacts) -> bool:
        return bool(
            facts.sku
            or facts.gtin
            or facts.price is not None
            or any(value in cells for _, value in self.columns.options)
        )

    def _pictures(
        self, row: Row, says: RowSays, named: list[Named], notices: Notices
    ) -> Iterator[Source]:
        if not named:
            yield self._without_picture(
                row, says, "no_photo_named", "This row of the manifest names no photo."
            )
            return
        met: set[str] = set()
        for each in named:
            found = self._found(each, row.line, notices)
            if found.path in met:
                continue
            met.add(found.path)
            yield self._source(row, says, found, each.role, len(met) - 1)

    def _without_picture(self, row: Row, says: RowSays, reason: str, detail: str) -> Source:
        found = Found(
            f"{self.path}:{row.line}", f"{self.path.name}:{row.line}",
            problem=Rejected(reason, detail),
        )  # fmt: skip
        return self._source(row, says, found, "main", 0)

    def _source(self, row: Row, says: RowSays, found: Found, role: str, position: int) -> Source:
        return Source(
            self.kind, found.path, found.name, found.size, found.modified_ns, row.cells,
            found.problem, input=str(self.path), facts=says.facts, line=row.line, role=role,
            position=position, further=says.further, rights=says.rights,
            takedowns=says.takedowns, takedown_due=says.takedown_due,
        )  # fmt: skip

    def _says(self, cells: Mapping[str, Any], options: Mapping[str, str] | None = None) -> RowSays:
        return row_says(self.kind, cells, self.columns, self._today, options)

    def _named(self, cells: Mapping[str, Any], *, variant: bool | None = None) -> list[Named]:
        return named_pictures(cells, self.columns, variant=variant)

    def _found(self, named: Named, line: int, notices: Notices) -> Found:
        """The picture, by the first of its writings under which it is there."""
        found = [self._finder.find(text, line, notices) for text in named.texts]
        best = next((each for each in found if each.usable), found[0])
        if best is not found[0]:
            notices.tell(
                str(self.path), "other column",
                f"{found[0].name!r} is not there; {best.name!r} was taken.", line,
            )  # fmt: skip
        return best


def replace_pictures(above: Family | None, alike: Family) -> Family:
    """What the parent says, with the pictures of the same colour."""
    return alike if above is None else replace(above, pictures=alike.pictures)


def take_over(says: RowSays, family: Family) -> RowSays:
    """What a row says, with what it leaves open as its family says it; the family's rights and
    takedowns are the row's too."""
    facts = says.facts
    assert isinstance(facts, ProductFacts)
    absent = {
        name: value
        for name, value in vars(family.facts).items()
        if value is not None and getattr(facts, name) is None and name != "colour"
    }
    return replace(
        says,
        facts=replace(facts, **absent),
        rights=tuple(dict.fromkeys((*says.rights, *family.rights))),
        takedowns=tuple(dict.fromkeys((*says.takedowns, *family.takedowns))),
        takedown_due=min(filter(None, (says.takedown_due, family.takedown_due)), default=None),
    )


def noun_columns(kind: str, cells: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a garment or look that a row fills, whatever manifest it is of.

    Returns:
        Values by column; ``taken_down`` is always there; ``metadata`` is a dictionary of the
        cells that no other column holds in full.
    """
    says = row_says(kind, cells, understand(kind, list(cells)), datetime.date.today())
    told: dict[str, Any] = _by_column(says.facts)
    if says.rights:
        told["rights"] = "; ".join(says.rights)
    further = dict(says.further)
    for statement in says.takedowns:
        column, _, value = statement.partition(": ")
        if not values.is_yes(value):
            further[column] = value  # the day or the remark
    return {**told, "taken_down": bool(says.takedowns), "metadata": further}


def _by_column(facts: Facts) -> dict[str, Any]:
    told = {name: value for name, value in vars(facts).items() if value is not None}
    if isinstance(facts, ProductFacts):
        style, sku = told.pop("style", None), told.get("sku")
        if style or sku:
            told["product"] = style or sku
        for name in ("gtin", "colour", "size", "currency"):
            told.pop(name, None)
    return told


def _why_broken(row: Row) -> tuple[str, str]:
    """The reason and the sentence of a row that cannot be read."""
    if any(str(value).lower().startswith("data:") for value in row.cells.values()):
        return "unsupported_address", pictures.HELD_IN_CELL  # it has a comma of its own
    return "broken_row", (
        f"This row of the manifest {row.problem}: quote cells that contain the delimiter, and "
        "change the file."
    )


def _no_rows(path: Path) -> InputError:
    return InputError(f"The manifest {path} has no rows: it must list at least one photo.")
