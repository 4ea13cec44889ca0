"""Read CSV and its kin as programs and people write them.

`csv` reads what is well formed. Around it: which encoding, where the header is, which delimiter;
and what to do with a quotation mark that nothing closes, so that no row below it is swallowed.
What had to be guessed is told.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path

import chardet
from chardet import EncodingEra

from lookweave.errors import InputError
from lookweave.sources.source import Notices
from lookweave.sources.tables import Header, Row, distinct, open_bytes

_DELIMITERS = (",", ";", "\t", "|")
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_HEAD = 30  # lines among which the header is looked for
_MOST_LINES = 2000  # of one record, before its quotation mark is taken for a stray one
_MOST_CHARACTERS = 16_000_000
_ODD = re.compile("[\0\udc80-\udcff\ufffd]")
_DAMAGED = re.compile("[\udc80-\udcff]+")


class DelimitedText:
    """A text whose lines are rows and whose first suitable line is the header."""

    def __init__(
        self,
        path: Path,
        header: Header,
        encoding: str | None,
        picture: Callable[[str], bool],
        notices: Notices,
    ) -> None:
        self.path = path
        self._picture = picture
        self._encoding = _encoding(path, encoding, notices)
        self._quote, self._smart, self._backslash = '"', False, False
        head = self._find_header(header, notices)
        self._splitter = _Splitter(self._delimiter, self._quote)
        self._picture_at = sorted(
            {
                at
                for line, text in head
                if line > self._skipped
                for at, cell in enumerate(self._splitter.split(text))
                if picture(cell)
            }
        )

    def _find_header(self, header: Header, notices: Notices) -> list[tuple[int, str]]:
        """Where the rows begin and how they are written; returns the first lines."""
        head: list[tuple[int, str]] = []
        forced, self._skipped = None, 0
        for line, text in enumerate(self._lines(), start=1):
            stripped = text.strip()
            told = re.fullmatch(r"\"?sep=(.)\"?[,;\t|]*", text.strip("\r\n"), re.IGNORECASE)
            if told and not head:
                forced, self._skipped = told[1], line
            elif stripped:
                head.append((line, text))
            if len(head) >= _HEAD or line > 50 * _HEAD:
                break
        self.columns: list[str] = []
        preferred = "\t" if self.path.suffix.lower() in (".tsv", ".tab") else ","
        self._delimiter = forced or preferred
        if not head:
            return head
        self._quote = _quote(head, notices, str(self.path))
        self._smart = any(each in head[0][1] + head[-1][1] for each in "“”„")
        best: tuple[int, int, bool] | None = None
        for line, text in head:
            for delimiter in (forced,) if forced else _DELIMITERS:
                plain = _straight(text, delimiter) if self._smart else text
                names = _names(_Splitter(delimiter, self._quote).split(plain))
                rank = (header(names), len(names), delimiter == preferred)
                if rank[0] and (
                    best is None or rank[0] > best[0] + 1 or (line == self._skipped and rank > best)
                ):
                    best, self._skipped = rank, line
                    self._delimiter, self.columns = delimiter, distinct(names)
        if best is None:
            line, text = head[0]
            likely = max(_DELIMITERS, key=lambda each: (text.count(each), each == preferred))
            self._delimiter = forced or likely
            self._skipped = line
            names = _names(_Splitter(self._delimiter, self._quote).split(text))
            self.columns = distinct(names)
            return head
        passed = [line for line, _ in head if line < self._skipped]
        if passed:
            some = "line is" if len(passed) == 1 else f"{len(passed)} lines are"
            notices.tell(
                str(self.path), "before the header",
                f"the first {some} no header and no row, and passed over.",
            )  # fmt: skip
        if self._smart:
            notices.tell(
                str(self.path), "quotation marks",
                "typographic quotation marks around cells are read as quotation marks.",
            )  # fmt: skip
        self._backslash = self._escapes_with_backslash(head)
        if self._backslash:
            notices.tell(
                str(self.path), "quotation marks",
                'a backslash before a quotation mark (\\") is read as its escape.',
            )  # fmt: skip
        return head

    def _escapes_with_backslash(self, head: list[tuple[int, str]]) -> bool:
        """Whether more rows have the header's number of cells when ``\\"`` is a quotation mark."""
        splitter = _Splitter(self._delimiter, self._quote)
        plain = escaped = 0
        for line, text in head:
            if line > self._skipped and "\\" + self._quote in text:
                plain += len(_read_one(text, self._delimiter, self._quote)) == len(self.columns)
                changed = text.replace("\\" + self._quote, self._quote * 2)
                escaped += len(splitter.split(changed)) == len(self.columns)
        return escaped > plain

    def _lines(self) -> Iterator[str]:
        """Physical lines, decoded; bytes that do not decode are lone surrogates."""
        errors = "replace" if self._encoding.startswith(("utf-16", "utf-32")) else "surrogateescape"
        with (
            open_bytes(self.path) as binary,
            TextIOWrapper(binary, self._encoding, errors, newline="") as file,
        ):
            for text in file:
                if text[:1] in "\ufeff\x1a":
                    text = text.lstrip("\ufeff").lstrip("\x1a")
                yield text

    def _record_lines(self) -> Iterator[str]:
        for line, text in enumerate(self._lines(), start=1):
            if line <= self._skipped:
                continue
            if self._smart:
                text = _straight(text, self._delimiter)
            if self._backslash:
                text = text.replace("\\" + self._quote, self._quote * 2)
            yield text

    def rows(self, notices: Notices | None = None) -> Iterator[Row]:
        """See `tables.Table.rows`."""
        told = notices if notices is not None else Notices()
        header = [re.sub(r" \(\d+\)$", "", name) for name in self.columns]
        held: Row | None = None  # a row waits for the next one, which may be its other half
        for line, cells, stray in self._records(told):
            cells = [cell.strip() for cell in cells]
            if not any(cells):
                continue
            if _names(cells[:1]) == header[:1] and _names(cells) == header:
                told.tell(str(self.path), "second header", "the header again; passed over.", line)
                continue
            row = self._row(line, cells, stray, told)
            if held is not None:
                yield self._whole(held, row, told)
            held = row
        if held is not None:
            yield held

    def _row(self, line: int, cells: list[str], stray: bool, told: Notices) -> Row:
        width = len(self.columns)
        said = {column: cell for column, cell in zip(self.columns, cells, strict=False) if cell}
        if any(cells[width:]) or (stray and len(cells) != width):
            return Row(line, said, f"has {len(cells)} cells, the header {width}")
        if len(cells) < width:
            told.tell(
                str(self.path),
                "short row",
                f"has {len(cells)} of the header's {width} cells.",
                line,
            )
            return _ShortRow(line, said, width=len(cells))
        return Row(line, said)

    def _whole(self, row: Row, following: Row, told: Notices) -> Row:
        """A row that ends early and goes on in the next line is no row: a cell of its second
        half may take the photo down."""
        if (
            isinstance(row, _ShortRow)
            and isinstance(following, _ShortRow)
            and following.line == row.line + 1
            and row.width + following.width - 1 == len(self.columns)
            and any(map(self._picture, map(str, row.cells.values())))
            and not any(map(self._picture, map(str, following.cells.values())))
        ):
            return Row(
                row.line, row.cells, f"ends early and seems to go on in line {following.line}"
            )
        return row

    def _records(self, told: Notices) -> Iterator[tuple[int, list[str], bool]]:
        """Records, the line that each begins in, and whether a quotation mark in it is stray."""
        feed = _Lines(self._record_lines())
        reader = self._reader(feed)
        line = self._skipped + 1
        while True:
            feed.taken.clear()
            try:
                cells = next(reader)
                stray = len(feed.taken) > 1 and self._is_stray(cells, feed.taken)
            except StopIteration:
                return
            except csv.Error as error:
                cells, stray = [], True
                if "field limit" in str(error):
                    cells, stray = self._long(feed)
                reader = self._reader(feed)
            if stray:
                first, *rest = feed.taken
                feed.give_back(rest)
                cells = self._reread(first)
                told.tell(
                    str(self.path), "stray quotation mark",
                    "a quotation mark that is neither doubled nor closed; the line is read as it "
                    "stands.", line,
                )  # fmt: skip
                reader = self._reader(feed)
                feed.taken[1:] = []
            if any(map(_ODD.search, feed.taken)):
                cells = [self._mended(cell, line, told) for cell in cells]
            yield line, cells, stray
            line += len(feed.taken)

    def _reread(self, text: str) -> list[str]:
        """The cells of a line with a stray quotation mark, in the way that fits the header."""
        lenient, literal = self._splitter.split(text), self._splitter.literal(text)
        return literal if len(literal) == len(self.columns) != len(lenient) else lenient

    def _reader(self, feed: _Lines) -> Iterator[list[str]]:
        return csv.reader(
            feed,
            delimiter=self._delimiter,
            quotechar=self._quote,
            strict=True,
            skipinitialspace=True,
        )

    def _long(self, feed: _Lines) -> tuple[list[str], bool]:
        """A record with a cell beyond the limit of `csv`."""
        text = "".join(feed.taken)
        while True:
            if not self._splitter.is_open(text):
                return self._splitter.split(text), False
            if (more := next(feed, None)) is None:
                return [], True
            text += more

    def _is_stray(self, cells: list[str], taken: list[str]) -> bool:
        """Whether the quoted cell of a record runs over lines that are rows of their own."""
        width = len(self.columns)
        if len(cells) != width and len(self._splitter.split(taken[0])) == width:
            return True
        return any(self._looks_like_row(text) for text in taken[1:])

    def _looks_like_row(self, text: str) -> bool:
        cells = self._splitter.split(text)
        if len(cells) > 1 and any(map(self._picture, (cells[at] for at in self._pictures(cells)))):
            return True
        if len(cells) != len(self.columns):
            return False
        return any(map(self._picture, cells)) or (
            len(cells) > 2
            and not any(" " in cell.strip() for cell in cells[:1])
            and bool(cells[0])
            and any(map(str.isdigit, cells[0]))
        )

    def _pictures(self, cells: list[str]) -> list[int]:
        """Where in a row the head's rows have pictures, as far as it has as many cells."""
        return [at for at in self._picture_at if at < len(cells)]

    def _mended(self, cell: str, line: int, told: Notices) -> str:
        if "\0" in cell:
            cell = cell.replace("\0", "")
            told.tell(str(self.path), "NUL", "a NUL in a cell was left out.", line)
        if not _ODD.search(cell):
            return cell
        code = "cp1252" if self._encoding in ("utf-8", "cp1252") else "ascii"
        mended = _DAMAGED.sub(lambda found: _decoded(found[0], code), cell)
        told.tell(
            str(self.path), "damaged text",
            f"bytes that are no {self._encoding}; read as {mended.strip()[:80]!r}.", line,
        )  # fmt: skip
        return mended


@dataclass(frozen=True)
class _ShortRow(Row):
    """A row with fewer cells than the header; `width` is their number."""

    width: int = 0


class _Lines:
    """Lines for `csv.reader`, which remembers those that one record took."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._back: deque[str] = deque()
        self.taken: list[str] = []
        self._characters = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        if not self.taken:
            self._characters = 0
        if len(self.taken) >= _MOST_LINES or self._characters > _MOST_CHARACTERS:
            raise StopIteration  # the reader then says that the record has no end
        text = self._back.popleft() if self._back else next(self._lines)
        self.taken.append(text)
        self._characters += len(text)
        return text

    def give_back(self, lines: list[str]) -> None:
        """Lines to give again."""
        self._back.extendleft(reversed(lines))


class _Splitter:
    """Splits one record by a delimiter, leniently: a quotation mark inside a quoted cell that is
    not doubled stands for itself, and a quoted cell ends before a delimiter or the end."""

    def __init__(self, delimiter: str, quote: str) -> None:
        mark = re.escape(delimiter)
        end = rf"[ ]*(?:{mark}|\Z)"
        one = rf"[^{quote}]++|{quote}(?!{end})"
        self._cell = re.compile(
            rf"[ ]*{quote}(?P<doubled>(?:{quote}{quote}|{one})*+){quote}(?={end})[ ]*"
            rf"|[ ]*{quote}(?P<quoted>(?:{one})*+){quote}(?={end})[ ]*"
            rf"|(?P<plain>[^{mark}]*)"
        )
        self._delimiter, self._quote = delimiter, quote

    def split(self, text: str) -> list[str]:
        """The cells of a record."""
        return self._split(text)[0]

    def is_open(self, text: str) -> bool:
        """Whether a cell has a quotation mark that nothing closes."""
        return self._split(text)[1]

    def literal(self, text: str) -> list[str]:
        """The cells where every delimiter counts, also one between quotation marks."""
        cells = text.rstrip("\r\n").split(self._delimiter)
        return [self._unquoted(cell) for cell in cells]

    def _unquoted(self, cell: str) -> str:
        stripped = cell.strip()
        if len(stripped) > 1 and stripped[0] == stripped[-1] == self._quote:
            return stripped[1:-1].replace(self._quote * 2, self._quote)
        return cell

    def _split(self, text: str) -> tuple[list[str], bool]:
        cells: list[str] = []
        at, is_open = 0, False
        body = text.rstrip("\r\n")
        while at <= len(body):
            found = self._cell.match(body, at)
            assert found is not None  # the plain cell may be empty
            quoted = found["doubled"] if found["doubled"] is not None else found["quoted"]
            if quoted is not None:
                cells.append(quoted.replace(self._quote * 2, self._quote))
            else:
                cells.append(found["plain"])
                is_open |= found["plain"].lstrip(" ").startswith(self._quote)
            at = found.end() + 1  # behind the delimiter
        return cells, is_open


def _read_one(text: str, delimiter: str, quote: str) -> list[str]:
    try:
        return next(csv.reader([text], delimiter=delimiter, quotechar=quote), [])
    except csv.Error:
        return []


def _names(cells: list[str]) -> list[str]:
    names = [cell.strip().strip("\"“”'\ufeff\x1a").strip() for cell in cells]
    while names and not names[-1]:
        names.pop()
    return names


def _straight(text: str, delimiter: str) -> str:
    """Typographic quotation marks at the edges of cells as straight ones."""
    mark = re.escape(delimiter)
    opened = re.sub(rf"(^|{mark})[“„”]", r'\1"', text)
    return re.sub(rf"[”“](?={mark}|[\r\n]*\Z)", '"', opened)


def _quote(head: list[tuple[int, str]], notices: Notices, path: str) -> str:
    """Single quotation marks where they, and no double ones, stand around cells of every row."""
    if any('"' in text for _, text in head) or len(head) < 2:
        return '"'
    quoted = [re.search(r"(?:^|[,;\t|])'[^']*'(?=[,;\t|]|[\r\n]*\Z)", text) for _, text in head[1:]]
    if not all(quoted):
        return '"'
    notices.tell(path, "quotation marks", "single quotation marks around cells are taken off.")
    return "'"


def _decoded(damaged: str, code: str) -> str:
    raw = damaged.encode("ascii", "surrogateescape")
    return "".join(bytes([byte]).decode(code, "replace") for byte in raw)


def _encoding(path: Path, given: str | None, notices: Notices) -> str:
    """The encoding of a text file: what is given, its mark, UTF-8 unless most of it is none, or
    else what chardet finds."""
    if given:
        try:
            return codecs.lookup(given).name
        except LookupError as error:
            raise InputError(
                f"There is no encoding {given!r}: utf-8, cp1252 and utf-16 are such names."
            ) from error
    with open_bytes(path) as file:
        start = file.read(1 << 16)
        for mark, name in _MARKS:
            if start.startswith(mark):
                return "utf-8" if name == "utf-8" else name
        if wide := _wide(start):
            return wide
        telling, valid, wrong = _telling_lines(file, start)
    if valid > wrong or not wrong:
        return "utf-8"
    found = chardet.detect(telling, encoding_era=EncodingEra.MODERN_WEB)["encoding"] or "cp1252"
    name = codecs.lookup(found).name
    if name in ("ascii", "utf-8", "utf-8-sig", "iso8859-1"):
        name = "cp1252"
    notices.tell(
        str(path), "encoding", f"is no UTF-8; read as {found}, a guess: give the encoding if "
        "letters come out wrong.",
    )  # fmt: skip
    return name


def _wide(start: bytes) -> str | None:
    """UTF-16 or UTF-32 without its mark: ASCII letters leave zeros at regular places."""
    if b"\0" not in start:
        return None
    size = len(start) - len(start) % 4
    zeros = [start[at:size:4].count(0) / max(size // 4, 1) for at in range(4)]
    if min(zeros[1:]) > 0.5 and zeros[0] < 0.1:
        return "utf-32-le"
    if min(zeros[:3]) > 0.5 and zeros[3] < 0.1:
        return "utf-32-be"
    even, odd = (zeros[0] + zeros[2]) / 2, (zeros[1] + zeros[3]) / 2
    if max(even, odd) > 0.2 and min(even, odd) < max(even, odd) / 4:
        return "utf-16-le" if odd > even else "utf-16-be"
    return None


def _telling_lines(file: object, start: bytes) -> tuple[bytes, int, int]:
    """The first lines that are not ASCII, and how many characters of the whole file beyond ASCII
    are valid UTF-8 and how many bytes are none."""
    telling, valid, wrong = bytearray(), 0, 0
    rest = b""
    chunk = start
    while chunk:
        block = rest + chunk
        cut = block.rfind(b"\n") + 1 or block.rfind(b"\r") + 1 or len(block)
        block, rest = block[:cut], block[cut:]
        chunk = file.read(1 << 20)  # type: ignore[attr-defined]
        if not chunk:
            block, rest = block + rest, b""
        if block.isascii():
            continue
        text = block.decode("utf-8", "surrogateescape")
        bad = sum(map(len, _DAMAGED.findall(text)))
        wrong += bad
        valid += sum(map(len, re.findall("[^\0-\x7f\udc80-\udcff]+", text)))
        if len(telling) < 1 << 16:
            lines = (line for line in block.splitlines(keepends=True) if not line.isascii())
            telling += b"".join(lines)[: 1 << 16]
    return bytes(telling), valid, wrong
