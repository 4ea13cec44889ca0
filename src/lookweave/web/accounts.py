"""Users, invitations and the audit log, in one SQLite file of the workspace.

Nobody signs up: an admin adds a name, and the link that comes back lets its bearer choose a
password, once. Passwords are kept as Argon2id (RFC 9106), links as SHA-256 of 256 random bits.
"""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
import threading
import time
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from lookweave.errors import InputError
from lookweave.store.database import Database
from lookweave.web.people import folded, is_name

FILE = "accounts.sqlite"
ROLES = ("viewer", "reviewer", "admin")
"""Each may what those before it may."""

INVITATION_DAYS = 7
SHORTEST, LONGEST = 10, 200
"""Characters of a password."""

_FORMAT = 1
_HASHES_AT_ONCE = threading.Semaphore(2)  # each takes 64 MiB
_SCHEMA = """
CREATE TABLE IF NOT EXISTS users (
    name TEXT PRIMARY KEY,
    folded TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL CHECK (role IN ('viewer', 'reviewer', 'admin')),
    password TEXT,
    added REAL NOT NULL,
    removed REAL
) STRICT;
CREATE TABLE IF NOT EXISTS invitations (
    hash TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    expires REAL NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS sessions (
    hash TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    begun REAL NOT NULL,
    seen REAL NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS tokens (
    hash TEXT PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    label TEXT NOT NULL,
    scopes TEXT NOT NULL,
    made REAL NOT NULL,
    expires REAL NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS log (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    who TEXT NOT NULL,
    what TEXT NOT NULL,
    about TEXT NOT NULL,
    address TEXT NOT NULL
) STRICT;
CREATE TRIGGER IF NOT EXISTS log_never_changes BEFORE UPDATE ON log
    BEGIN SELECT RAISE(ABORT, 'the log never changes'); END;
CREATE TRIGGER IF NOT EXISTS log_never_goes BEFORE DELETE ON log
    BEGIN SELECT RAISE(ABORT, 'the log never goes'); END;
"""


@dataclass(frozen=True)
class User:
    """Somebody who may sign in.

    Attributes:
        active: a password was chosen; otherwise the invitation still waits.
        invited_until: of the invitation that waits, if one does.
    """

    name: str
    role: str
    active: bool
    added: datetime
    invited_until: datetime | None = None

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        until = self.invited_until
        return {
            "name": self.name, "role": self.role, "active": self.active,
            "added": self.added.isoformat(),
            "invited_until": until.isoformat() if until else None,
        }  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """A line of the audit log.

    Attributes:
        who: the user, ``the command line`` with the system's name, or "" before a sign-in.
        what: the action.
        about: its object.
        address: of the client; "" at the command line.
    """

    seq: int
    at: datetime
    who: str
    what: str
    about: str
    address: str

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**vars(self), "at": self.at.isoformat()}


@dataclass(frozen=True)
class Actor:
    """Who does something, for the log.

    Attributes:
        name: as in `Entry.who`.
        address: as in `Entry.address`.
    """

    name: str
    address: str = ""


class Accounts(Database):
    """The users of one workspace.

    Args:
        folder: of the workspace.
        reading: make no file.
    """

    def __init__(self, folder: Path, *, reading: bool = False) -> None:
        super().__init__(folder / FILE, _SCHEMA, _FORMAT, reading=reading)
        self._hasher = PasswordHasher()
        self._nobody = ""

    # Users

    def users(self) -> list[User]:
        """All that were not removed, by name."""
        if not self.path.exists():
            return []
        with self.told():
            rows = self.connection().execute(
                "SELECT users.name, role, password IS NOT NULL, added, expires FROM users "
                "LEFT JOIN invitations ON invitations.name = users.name AND expires > ? "
                "WHERE removed IS NULL ORDER BY folded",
                (time.time(),),
            )
            return [_user(*row) for row in rows]

    def user(self, name: str) -> User | None:
        """The one of this name, however it is capitalised."""
        wanted = folded(name)
        return next((one for one in self.users() if folded(one.name) == wanted), None)

    def add(self, name: str, role: str, by: Actor, *, again: bool = False) -> tuple[User, str]:
        """Add a user.

        Args:
            again: the name was removed before, and it is the same person.

        Returns:
            The user, and the invitation's secret, which is stored nowhere.

        Raises:
            InputError: nobody can be called so; the name is taken; no such role.
        """
        if not is_name(name):
            raise InputError(
                f"{name!r} cannot be a name: up to 60 letters, digits, spaces and . ' @ + -."
            )
        if role not in ROLES:
            raise InputError(f"A role is one of {', '.join(ROLES)}, not {role!r}.")
        now = time.time()
        with self.writing() as connection:
            known = connection.execute(
                "SELECT name, removed FROM users WHERE folded = ?", (folded(name),)
            ).fetchone()
            if known and known[1] is None:
                raise InputError(f"{known[0]} is a user already.")
            if known and not again:
                when = datetime.fromtimestamp(known[1], UTC)
                raise InputError(
                    f"{known[0]} was a user until {when:%Y-%m-%d}, and answers stand under that "
                    "name. Choose another one; or say `again`, where it is the same person."
                )
            if known:
                connection.execute(
                    "UPDATE users SET role = ?, password = NULL, added = ?, removed = NULL "
                    "WHERE name = ?", (role, now, known[0]),
                )  # fmt: skip
            else:
                connection.execute(
                    "INSERT INTO users (name, folded, role, added) VALUES (?, ?, ?, ?)",
                    (name, folded(name), role, now),
                )
            kept = known[0] if known else name
            secret = _invite(connection, kept)
            _write(connection, by, f"added as {role}", kept)
        return self._known(kept), secret

    def invite(self, name: str, by: Actor) -> tuple[User, str]:
        """A new link for a user, who chooses a new password with it. Earlier links end.

        Raises:
            InputError: there is no such user.
        """
        user = self._known(name)
        with self.writing() as connection:
            secret = _invite(connection, user.name)
            _write(connection, by, "invited", user.name)
        return self._known(name), secret

    def change_role(self, name: str, role: str, by: Actor) -> User:
        """Give a user another role; it holds from the next request on.

        Raises:
            InputError: no such user or role; the last admin would go.
        """
        if role not in ROLES:
            raise InputError(f"A role is one of {', '.join(ROLES)}, not {role!r}.")
        user = self._known(name)
        with self.writing() as connection:
            if role != "admin":
                _keep_an_admin(connection, user.name)
            connection.execute("UPDATE users SET role = ? WHERE name = ?", (role, user.name))
            _write(connection, by, f"made {role}", user.name)
        return self._known(name)

    def remove(self, name: str, by: Actor) -> None:
        """Let a user in no more. Answers and log entries keep the name.

        Raises:
            InputError: no such user; the last admin would go.
        """
        user = self._known(name)
        with self.writing() as connection:
            _keep_an_admin(connection, user.name)
            connection.execute(
                "UPDATE users SET removed = ?, password = NULL WHERE name = ?",
                (time.time(), user.name),
            )
            for table in ("sessions", "tokens", "invitations"):
                connection.execute(f"DELETE FROM {table} WHERE name = ?", (user.name,))
            _write(connection, by, "removed", user.name)

    def _known(self, name: str) -> User:
        user = self.user(name)
        if user is None:
            raise InputError(f"There is no user {name!r}.")
        return user

    # Passwords

    def invited(self, secret: str) -> User | None:
        """Whose invitation this is, while it holds."""
        with self.told():
            row = self.connection().execute(
                "SELECT name FROM invitations WHERE hash = ? AND expires > ?",
                (hashed(secret), time.time()),
            ).fetchone()  # fmt: skip
        return self.user(row[0]) if row else None

    def accept(self, secret: str, password: str, address: str) -> User:
        """Choose a password with an invitation, which ends with it, as do all sessions.

        Raises:
            InputError: the invitation does not hold; the password cannot be one.
        """
        user = self.invited(secret)
        if user is None:
            raise InputError("This link was used or is too old: ask for a new one.")
        kept = self._hash(user.name, password)
        with self.writing() as connection:
            gone = connection.execute(
                "DELETE FROM invitations WHERE hash = ? AND expires > ?",
                (hashed(secret), time.time()),
            )
            if gone.rowcount != 1:
                raise InputError("This link was used or is too old: ask for a new one.")
            _set_password(connection, user.name, kept)
            _write(connection, Actor(user.name, address), "chose a password", user.name)
        return self._known(user.name)

    def change_password(self, name: str, password: str, by: Actor) -> None:
        """Another password; all sessions end.

        Raises:
            InputError: it cannot be one.
        """
        kept = self._hash(name, password)
        with self.writing() as connection:
            _set_password(connection, name, kept)
            _write(connection, by, "chose a password", name)

    def verified(self, name: str, password: str) -> User | None:
        """The user, if the password is theirs. Takes as long where there is no such user."""
        user = self.user(name)
        kept = ""
        if user is not None:
            with self.told():
                kept = self.connection().execute(
                    "SELECT password FROM users WHERE name = ? AND removed IS NULL", (user.name,)
                ).fetchone()[0] or ""  # fmt: skip
        with _HASHES_AT_ONCE:
            self._nobody = self._nobody or self._hasher.hash(secrets.token_hex())
            try:
                self._hasher.verify(kept or self._nobody, _normal(password)[: 4 * LONGEST])
            except (VerificationError, InvalidHashError):
                return None
        return user if kept else None

    def _hash(self, name: str, password: str) -> str:
        chosen = _normal(password)
        if not SHORTEST <= len(chosen) <= LONGEST:
            raise InputError(f"A password has {SHORTEST} to {LONGEST} characters.")
        if len(set(chosen)) < 4 or folded(name) in folded(chosen):
            raise InputError("This password is too easy to guess: choose other words.")
        with _HASHES_AT_ONCE:
            return self._hasher.hash(chosen)

    # The log

    def write(self, by: Actor, what: str, about: str = "") -> None:
        """Add a line to the log."""
        with self.writing() as connection:
            _write(connection, by, what, about)

    def log(self, before: int | None = None, count: int = 100) -> list[Entry]:
        """The newest lines first.

        Args:
            before: only those with a smaller seq.
        """
        if not self.path.exists():
            return []
        with self.told():
            rows = self.connection().execute(
                "SELECT seq, at, who, what, about, address FROM log WHERE seq < ? "
                "ORDER BY seq DESC LIMIT ?",
                (before if before is not None else 1 << 62, count),
            )
            return [Entry(seq, datetime.fromisoformat(at), *rest) for seq, at, *rest in rows]

    @contextmanager
    def logged(self, by: Actor, what: str, about: str = "") -> Iterator[sqlite3.Connection]:
        """A change and its line in the log, in one commit."""
        with self.writing() as connection:
            yield connection
            _write(connection, by, what, about)


def hashed(secret: str) -> str:
    """What is stored of a secret of 256 random bits, which needs no salt."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _invite(connection: sqlite3.Connection, name: str) -> str:
    secret = secrets.token_urlsafe(32)
    connection.execute("DELETE FROM invitations WHERE name = ?", (name,))
    connection.execute(
        "INSERT INTO invitations (hash, name, expires) VALUES (?, ?, ?)",
        (hashed(secret), name, time.time() + INVITATION_DAYS * 86400),
    )
    return secret


def _set_password(connection: sqlite3.Connection, name: str, kept: str) -> None:
    connection.execute("UPDATE users SET password = ? WHERE name = ?", (kept, name))
    connection.execute("DELETE FROM sessions WHERE name = ?", (name,))


def _keep_an_admin(connection: sqlite3.Connection, name: str) -> None:
    """Refuses what would leave users without an admin."""
    role = connection.execute("SELECT role FROM users WHERE name = ?", (name,)).fetchone()[0]
    others = connection.execute(
        "SELECT COUNT(*) FROM users WHERE role = 'admin' AND removed IS NULL AND name <> ?",
        (name,),
    ).fetchone()[0]
    if role == "admin" and not others:
        raise InputError(f"{name} is the last admin: make somebody else one first.")


def _write(connection: sqlite3.Connection, by: Actor, what: str, about: str) -> None:
    connection.execute(
        "INSERT INTO log (at, who, what, about, address) VALUES (?, ?, ?, ?, ?)",
        (datetime.now(UTC).isoformat(), by.name, what[:200], about[:300], by.address[:100]),
    )


def _normal(password: str) -> str:
    return unicodedata.normalize("NFKC", password)


def _user(name: str, role: str, active: int, added: float, until: float | None) -> User:
    return User(
        name, role, bool(active), datetime.fromtimestamp(added, UTC),
        datetime.fromtimestamp(until, UTC) if until else None,
    )  # fmt: skip
