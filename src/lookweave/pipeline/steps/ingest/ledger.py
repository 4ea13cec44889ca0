"""One listing beside what the store knows: what is new, what is said anew, what is listed no more.

Both sides lie in a database of this build alone, which the system keeps in a file without a name
once it outgrows the memory it is given; so memory does not grow with the catalogue. Rows of one
place come together here, in whatever order inputs and rows came.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from lookweave.errors import WorkspaceFull
from lookweave.pipeline.steps.ingest import merge

_CACHE_KIB = 32_768

KNOWN = (
    "kind", "place", "input", "path", "id", "size", "modified_ns", "state", "listed", "copied",
)  # fmt: skip
"""What is told of a row of `sources`. state: of what it says; copied: its photo's bytes are in the
workspace, or need not be."""
REJECT = ("subject", "size", "modified_ns", "final")
"""What is told of a reject of ingest. final: there is no use in trying again."""
_COLUMNS = {
    "row": merge.ROW, "place": merge.PLACE, "known": KNOWN, "reject": REJECT, "article": ("id",),
}  # fmt: skip

_SCHEMA = f"""
CREATE TABLE row ({", ".join(merge.ROW)});
CREATE TABLE place ({", ".join(merge.PLACE)});
CREATE TABLE known ({", ".join(KNOWN)});
CREATE TABLE reject ({", ".join(REJECT)});
CREATE TABLE article (id PRIMARY KEY);
"""
_INDEXES = """
CREATE INDEX place_place ON place (kind, place, input);
CREATE INDEX place_subject ON place (place);
CREATE INDEX known_place ON known (kind, place, input);
CREATE INDEX reject_subject ON reject (subject);
"""

_TO_READ = """
FROM (SELECT *, MIN(seq) FROM place GROUP BY kind, place) AS p
WHERE NOT EXISTS (  -- turned away for good as it is
    SELECT 1 FROM reject AS r
    WHERE r.subject = p.place AND r.final AND r.size IS p.size AND r.modified_ns IS p.modified_ns
      AND NOT EXISTS (  -- another signature of an address may open the door
        SELECT 1 FROM known AS k WHERE k.kind = p.kind AND k.place = p.place AND k.path <> p.path
      )
) AND (
    EXISTS (SELECT 1 FROM reject AS r WHERE r.subject = p.place) OR NOT EXISTS (
        SELECT 1 FROM known AS k
        WHERE k.kind = p.kind AND k.place = p.place AND k.id <> '' AND k.size IS p.size
          AND k.modified_ns IS p.modified_ns AND k.copied
    )
)
"""
"""Places whose bytes are to be read: new, changed, or tried again. A photo that was read and has
a reject came back: reading it again drops that."""

_SAID_ANEW = """
SELECT p.*, (
    SELECT k.id FROM known AS k WHERE k.kind = p.kind AND k.place = p.place AND k.id <> ''
    ORDER BY k.listed DESC, k.id LIMIT 1
) AS id
FROM place AS p LEFT JOIN known AS k
  ON k.kind = p.kind AND k.place = p.place AND k.input = p.input
WHERE p.photo AND (k.place IS NULL OR NOT k.listed OR k.state <> p.state)
ORDER BY p.seq
"""

_LISTED_NO_MORE = """
SELECT k.kind, k.place, k.input FROM known AS k
WHERE k.listed AND NOT EXISTS (
    SELECT 1 FROM place AS p
    WHERE p.photo AND p.kind = k.kind AND p.place = k.place AND p.input = k.input
) AND NOT EXISTS (  -- what lies in a folder that cannot be looked into is not gone
    SELECT 1 FROM place AS f
    WHERE f.reason = 'unreadable_folder' AND f.input = k.input
      AND substr(k.place, 1, length(f.path) + 1) = f.path || '/'
)
ORDER BY k.kind, k.place, k.input
"""

_DEALT_WITH = """
SELECT DISTINCT r.subject AS subject FROM reject AS r
WHERE NOT EXISTS (SELECT 1 FROM place AS p WHERE p.place = r.subject)
ORDER BY 1
"""


class Ledger:
    """What is listed, and what the store knows of it.

    Raises:
        WorkspaceFull: where no space is left for it, from any of its methods.
    """

    def __init__(self) -> None:
        # "": in a file without a name, which the system removes.
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._database.row_factory = sqlite3.Row
        pragmas = f"PRAGMA journal_mode = OFF; PRAGMA cache_size = -{_CACHE_KIB};"
        self._database.executescript(pragmas + _SCHEMA)

    def add(self, table: str, rows: Iterable[Sequence[Any]]) -> None:
        """Take rows of ``row``, ``known`` or ``reject``: `merge.ROW`, `KNOWN`, `REJECT`; or of
        ``article``: the id of a product that is listed."""
        columns = _COLUMNS[table]
        marks = ", ".join("?" * len(columns))
        with _full_disk():
            self._database.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)

    def merge_rows(self) -> None:
        """Make one of all rows of each place and input. Call it once, when all rows are in."""
        self.add("place", self._places())
        with _full_disk():
            self._database.executescript(_INDEXES)

    def _places(self) -> Iterator[tuple[Any, ...]]:
        ordered = self._ask("SELECT * FROM row ORDER BY kind, place, input, seq")
        for _, same in groupby(ordered, lambda row: (row["kind"], row["place"], row["input"])):
            one = merge.one_place(list(same))
            yield tuple(one[name] for name in merge.PLACE)

    def to_read(self) -> Iterator[Mapping[str, Any]]:
        """A row of `merge.PLACE` for each place whose bytes are to be read, in listing order."""
        return self._ask(f"SELECT * {_TO_READ} ORDER BY seq")

    def count_to_read(self) -> int:
        return int(next(self._ask(f"SELECT COUNT(*) AS n {_TO_READ}"))["n"])

    def has_addresses(self) -> bool:
        """Whether any place whose bytes are to be read is an address."""
        asked = f"SELECT 1 {_TO_READ} AND p.path LIKE 'http%://%' LIMIT 1"
        return next(self._ask(asked), None) is not None

    def said_anew(self) -> Iterator[Mapping[str, Any]]:
        """A row of `merge.PLACE` for each place and input of which the store knows nothing or
        something else, and ``id``: the photo that the place held last, if any."""
        return self._ask(_SAID_ANEW)

    def listed_no_more(self) -> Iterator[Mapping[str, Any]]:
        """kind, place and input of each stored source that its input does not list."""
        return self._ask(_LISTED_NO_MORE)

    def dealt_with(self) -> Iterator[str]:
        """Subjects of rejects that no input lists any more."""
        return (row["subject"] for row in self._ask(_DEALT_WITH))

    def articles(self) -> Iterator[list[Mapping[str, Any]]]:
        """The rows of each article, `merge.ROW`, in the order of catalogue and key."""
        ordered = self._ask(
            "SELECT * FROM row WHERE article IS NOT NULL ORDER BY input, article, place, seq"
        )
        for _, same in groupby(ordered, lambda row: (row["input"], row["article"])):
            yield list(same)

    def without_article(self, products: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Those of some rows of `products` that are listed no more."""
        marks = ", ".join("?" * len(products))
        ids = [row["id"] for row in products]
        question = f"SELECT id FROM article WHERE id IN ({marks})"
        here = {row["id"] for row in self._ask(question, ids)}
        return [row for row in products if row["id"] not in here]

    def photos_of_inputs(self) -> dict[tuple[str, str], int]:
        """(kind, input) -> places that it lists."""
        found = self._ask("SELECT kind, input, COUNT(*) AS n FROM place GROUP BY kind, input")
        return {(row["kind"], row["input"]): int(row["n"]) for row in found}

    def _ask(self, question: str, values: Sequence[Any] = ()) -> Iterator[Mapping[str, Any]]:
        with _full_disk():
            for row in self._database.execute(question, values):
                yield dict(row)


class _full_disk:  # noqa: N801 - reads as a word of the statement
    """Turn the database's "disk is full" into `WorkspaceFull`."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, sqlite3.OperationalError) and "full" in str(error):
            raise WorkspaceFull(
                "No space is left in the folder for temporary files to list the photos: free some "
                "space, or set TMPDIR to another disk, and run the same command again."
            ) from error
