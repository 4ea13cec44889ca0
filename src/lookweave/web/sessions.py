"""What a browser or a program shows in place of a password: sessions and tokens.

Both are 256 random bits, of which the file of accounts keeps the SHA-256. They say who asks; what
that person may is looked up at every request, so a role that was taken away is gone at once.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lookweave.errors import InputError
from lookweave.web.accounts import ROLES, Accounts, Actor, hashed

SESSION_SECONDS = 14 * 86400.0
IDLE_SECONDS = 24 * 3600.0
_SEEN_SECONDS = 60.0  # a session's last use is written once a minute at most

SCOPES = {"read": "viewer", "review": "reviewer", "metrics": "admin"}
"""What a token may do, and the role that its owner needs for it. None makes users or tokens."""

TOKEN_DAYS = 90
LONGEST_DAYS = 366
_MARK = "lw_"


@dataclass(frozen=True)
class Identity:
    """Who asks.

    Attributes:
        name: of the user.
        role: that they have now.
        scopes: of the token that was shown; None for a person in a browser.
        session: hash of the session, "" for a token.
    """

    name: str
    role: str
    scopes: frozenset[str] | None = None
    session: str = ""

    def may(self, role: str, scope: str = "") -> bool:
        """Whether they may do what wants this role, and of a token this scope.

        Args:
            scope: "" for any that is for the role; ``metrics`` opens nothing but itself.
        """
        if ROLES.index(self.role) < ROLES.index(role):
            return False
        if self.scopes is None:
            return True
        if scope:
            return scope in self.scopes
        return any(SCOPES[one] == role and one in self.scopes for one in ("read", "review"))


@dataclass(frozen=True)
class Token:
    """A token, without its secret.

    Attributes:
        name: of its owner.
        label: what it is for.
        scopes: some of `SCOPES`.
    """

    id: str
    name: str
    label: str
    scopes: tuple[str, ...]
    made: datetime
    expires: datetime

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**vars(self), "scopes": list(self.scopes), "made": self.made.isoformat(),
                "expires": self.expires.isoformat()}  # fmt: skip


def begin(accounts: Accounts, name: str, address: str) -> str:
    """Begin a session. Returns its secret, for the browser's cookie."""
    secret, now = secrets.token_urlsafe(32), time.time()
    with accounts.logged(Actor(name, address), "signed in", name) as connection:
        connection.execute(
            "DELETE FROM sessions WHERE begun < ? OR seen < ?",
            (now - SESSION_SECONDS, now - IDLE_SECONDS),
        )
        connection.execute(
            "INSERT INTO sessions (hash, name, begun, seen) VALUES (?, ?, ?, ?)",
            (hashed(secret), name, now, now),
        )
    return secret


def end(accounts: Accounts, who: Identity, address: str, *, everywhere: bool = False) -> None:
    """End this session, or all of its user."""
    what = "signed out everywhere" if everywhere else "signed out"
    with accounts.logged(Actor(who.name, address), what, who.name) as connection:
        if everywhere:
            connection.execute("DELETE FROM sessions WHERE name = ?", (who.name,))
        else:
            connection.execute("DELETE FROM sessions WHERE hash = ?", (who.session,))


def of_session(accounts: Accounts, secret: str) -> Identity | None:
    """Who a cookie stands for; None where it ended or never was."""
    name, now = hashed(secret), time.time()
    with accounts.told():
        row = accounts.connection().execute(
            "SELECT users.name, role, seen FROM sessions JOIN users ON users.name = sessions.name "
            "WHERE hash = ? AND begun > ? AND seen > ? AND removed IS NULL",
            (name, now - SESSION_SECONDS, now - IDLE_SECONDS),
        ).fetchone()  # fmt: skip
    if row is None:
        return None
    if row[2] < now - _SEEN_SECONDS:
        with accounts.writing() as connection:
            connection.execute("UPDATE sessions SET seen = ? WHERE hash = ?", (now, name))
    return Identity(row[0], row[1], session=name)


def make_token(
    accounts: Accounts, name: str, label: str, scopes: Sequence[str], days: int, by: Actor
) -> tuple[Token, str]:
    """A token for a program.

    Args:
        label: what it is for.
        days: that it holds, 1 to `LONGEST_DAYS`.

    Returns:
        The token, and its secret, which is stored nowhere.

    Raises:
        InputError: no such user or scope, or a scope that the user's role does not reach.
    """
    user = accounts.user(name)
    if user is None:
        raise InputError(f"There is no user {name!r}.")
    wanted = tuple(sorted(set(scopes)))
    if not wanted or not set(wanted) <= SCOPES.keys():
        raise InputError(f"A token's scopes are of {', '.join(SCOPES)}, one at least.")
    for scope in wanted:
        if not Identity(user.name, user.role).may(SCOPES[scope]):
            raise InputError(f"{user.name} is a {user.role} and may not {scope}.")
    if not 1 <= days <= LONGEST_DAYS:
        raise InputError(f"A token holds for 1 to {LONGEST_DAYS} days, not {days}.")
    if not label.strip() or len(label) > 100 or not label.isprintable():
        raise InputError("Say in up to 100 characters what the token is for.")
    secret, now = _MARK + secrets.token_urlsafe(32), time.time()
    row = (hashed(secret), secrets.token_hex(6), user.name, label.strip(), " ".join(wanted), now,
           now + days * 86400)  # fmt: skip
    with accounts.logged(by, f"made a token to {' and '.join(wanted)}", label) as connection:
        connection.execute(
            "INSERT INTO tokens (hash, id, name, label, scopes, made, expires) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)", row,
        )  # fmt: skip
    return _token(*row[1:]), secret


def tokens(accounts: Accounts, name: str | None = None) -> list[Token]:
    """Those that hold, of one user or of all."""
    with accounts.told():
        rows = accounts.connection().execute(
            "SELECT id, name, label, scopes, made, expires FROM tokens "
            "WHERE expires > ? AND (? IS NULL OR name = ?) ORDER BY name, made",
            (time.time(), name, name),
        )
        return [_token(*row) for row in rows]


def revoke(accounts: Accounts, token: str, by: Actor, *, owner: str | None = None) -> bool:
    """End a token, if there is such a one of this owner. Returns whether there was."""
    found = next((one for one in tokens(accounts, owner) if one.id == token), None)
    if found is None:
        return False
    with accounts.logged(by, "ended a token", f"{found.name}: {found.label}") as connection:
        connection.execute("DELETE FROM tokens WHERE id = ?", (token,))
    return True


def of_token(accounts: Accounts, secret: str) -> Identity | None:
    """Who a token stands for; None where it ended or never was."""
    if not secret.startswith(_MARK):
        return None
    with accounts.told():
        row = accounts.connection().execute(
            "SELECT users.name, role, scopes FROM tokens JOIN users ON users.name = tokens.name "
            "WHERE hash = ? AND expires > ? AND removed IS NULL",
            (hashed(secret), time.time()),
        ).fetchone()  # fmt: skip
    return Identity(row[0], row[1], frozenset(row[2].split())) if row else None


def _token(id: str, name: str, label: str, scopes: str, made: float, expires: float) -> Token:
    return Token(
        id, name, label, tuple(scopes.split()), datetime.fromtimestamp(made, UTC),
        datetime.fromtimestamp(expires, UTC),
    )  # fmt: skip
