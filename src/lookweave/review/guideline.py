"""The guideline: what a reviewer answers by, in versions that are only ever added."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lookweave.errors import InputError
from lookweave.review.journal import Journal

LONGEST = 20_000

_TABLE = """
CREATE TABLE IF NOT EXISTS guidelines (
    version INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    who TEXT NOT NULL,
    text TEXT NOT NULL
) STRICT
"""

_FIRST = """\
Same: the very same article. Cut, colour, pattern and details agree wherever both can be seen.

Same style: another colour, or a close relative. It counts as no for pairing.

No: another garment.

Bad crop: the box shows no garment, or several.

Unsure: nothing speaks against it, but what would tell them apart cannot be seen. Somebody else \
is asked.
"""


@dataclass(frozen=True)
class Guideline:
    """One version.

    Attributes:
        version: 1 is the one that comes with Lookweave.
        who, at: who wrote it, and when; "" and None of the first.
        text: paragraphs, an empty line between them.
    """

    version: int
    text: str
    who: str = ""
    at: datetime | None = None

    @property
    def paragraphs(self) -> list[str]:
        """Its text, cut at empty lines."""
        return [one.strip() for one in self.text.split("\n\n") if one.strip()]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**vars(self), "at": self.at.isoformat() if self.at else None}


class Guidelines:
    """All versions, in the file of the journal.

    Args:
        journal: opened for writing.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        with journal.writing() as connection:
            connection.execute(_TABLE)

    def all(self) -> list[Guideline]:
        """Every version, the newest first."""
        with self._journal.told():
            rows = self._journal.connection().execute(
                "SELECT version, text, who, at FROM guidelines ORDER BY version DESC"
            )
            found = [
                Guideline(version, text, who, datetime.fromisoformat(at))
                for version, text, who, at in rows
            ]
        return [*found, Guideline(1, _FIRST)]

    def newest(self) -> Guideline:
        """The one in force."""
        return self.all()[0]

    def write(self, text: str, who: str, *, after: int) -> Guideline:
        """Add a version.

        Args:
            after: the version that was changed; so nobody overwrites what they have not read.

        Raises:
            InputError: it is empty or too long, or `after` is the newest no more.
        """
        said = "\n".join(line.rstrip() for line in text.strip().splitlines())
        if not said or len(said) > LONGEST:
            raise InputError(f"A guideline has 1 to {LONGEST} characters, not {len(said)}.")
        with self._journal.writing() as connection:
            row = connection.execute("SELECT MAX(version) FROM guidelines").fetchone()
            newest = row[0] or 1
            if newest != after:
                raise InputError(
                    f"Version {newest} was written meanwhile: read it, and put your change there."
                )
            at = datetime.now(UTC)
            connection.execute(
                "INSERT INTO guidelines (version, at, who, text) VALUES (?, ?, ?, ?)",
                (newest + 1, at.isoformat(), who, said),
            )
        return Guideline(newest + 1, said, who, at)
