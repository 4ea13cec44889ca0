"""Every answer of a server and what it cost, in one file that survives.

SQLite in write-ahead mode with full synchronisation: an answer is on disk before it is used, so
after a kill at any moment only what was still under way is asked again. Several processes of one
machine may share a file; a network file system may not hold it.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lookweave.errors import ModelError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY, model TEXT NOT NULL, text TEXT NOT NULL, finish TEXT NOT NULL,
    tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL, cost REAL NOT NULL, at REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS spending (
    id INTEGER PRIMARY KEY CHECK (id = 1), requests INTEGER NOT NULL, tokens_in INTEGER NOT NULL,
    tokens_out INTEGER NOT NULL, cost REAL NOT NULL
);
INSERT OR IGNORE INTO spending VALUES (1, 0, 0, 0, 0.0);
"""


@dataclass(frozen=True)
class Bill:
    """What requests cost.

    Attributes:
        requests: how many were sent that the server may charge for.
        tokens_in: tokens sent, images included, as the server counted them.
        tokens_out: tokens answered.
        cost: in the currency of the prices in the settings.
    """

    requests: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost: float = 0.0

    @property
    def tokens(self) -> int:
        """Sent and answered together."""
        return self.tokens_in + self.tokens_out


@dataclass(frozen=True)
class Answer:
    """What a model said.

    Attributes:
        text: the answer.
        finish: why it ended, as the server says: ``stop``, ``length``, ``content_filter``, ``""``.
        bill: what it cost.
    """

    text: str
    finish: str
    bill: Bill


def answer_key(*parts: Any) -> str:
    """SHA-256 of all that an answer depends on: model, prompts, schema, image, parameters."""
    said = json.dumps(parts, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(said.encode()).hexdigest()


class AnswerStore:
    """The answers and the spending of one workspace. Safe to use from several threads."""

    def __init__(self, path: Path, section: str = "vlm") -> None:
        """Open or create the file; `section` of the settings is where its place is set.

        Raises:
            ModelError: it cannot be opened, or is damaged.
        """
        self.path = path
        self._section = section
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(
                path, timeout=60.0, isolation_level=None, check_same_thread=False
            )
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = FULL")
            self._database.executescript(_SCHEMA)
        except (sqlite3.Error, OSError) as error:
            raise self._failure("opened", error) from error

    def get(self, key: str) -> Answer | None:
        """The answer that was paid for under `key`, or None."""
        with self._lock:
            try:
                row = self._database.execute(
                    "SELECT text, finish, tokens_in, tokens_out, cost FROM answers WHERE key = ?",
                    (key,),
                ).fetchone()
            except sqlite3.Error as error:
                raise self._failure("read", error) from error
        return Answer(row[0], row[1], Bill(1, row[2], row[3], row[4])) if row else None

    def put(self, key: str, model: str, answer: Answer) -> None:
        """Make an answer and its bill durable, both or neither.

        Raises:
            ModelError: the file cannot be written. Buying on would lose what is paid for.
        """
        bill = answer.bill
        said = (key, model, answer.text, answer.finish)
        cost = (bill.tokens_in, bill.tokens_out, bill.cost, time.time())
        with self._transaction() as database:
            database.execute(
                "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?, ?, ?)", said + cost
            )
            self._add(bill)

    def charge(self, bill: Bill) -> None:
        """Count what was paid for nothing: a request whose answer never came or was empty."""
        with self._transaction():
            self._add(bill)

    def spent(self) -> Bill:
        """All that was spent through this file, by every process and every build."""
        with self._lock:
            try:
                row = self._database.execute(
                    "SELECT requests, tokens_in, tokens_out, cost FROM spending"
                ).fetchone()
            except sqlite3.Error as error:
                raise self._failure("read", error) from error
        return Bill(*row)

    def count(self) -> int:
        """How many answers it holds."""
        with self._lock:
            return int(self._database.execute("SELECT count(*) FROM answers").fetchone()[0])

    def close(self) -> None:
        """Close the file; nothing may be asked of it after."""
        with self._lock:
            self._database.close()

    def _add(self, bill: Bill) -> None:
        self._database.execute(
            "UPDATE spending SET requests = requests + ?, tokens_in = tokens_in + ?, "
            "tokens_out = tokens_out + ?, cost = cost + ?",
            (bill.requests, bill.tokens_in, bill.tokens_out, bill.cost),
        )

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """All statements of a block or none, durable when the block ends."""
        with self._lock:
            try:
                with self._database:  # commits, or rolls back when the block raises
                    self._database.execute("BEGIN IMMEDIATE")
                    yield self._database
            except sqlite3.Error as error:
                raise self._failure("written", error) from error

    def _failure(self, verb: str, error: Exception) -> ModelError:
        return ModelError(
            f"The answers of the model at {self.path} cannot be {verb}: {error}. "
            f"Set {self._section}.cache to a file on a local disk with space; a damaged file can "
            "be moved away, and its answers are then asked and paid for again."
        )
