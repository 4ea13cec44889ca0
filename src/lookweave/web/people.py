"""Who is asking: a user; or where there are no accounts, whatever name a browser says."""

from __future__ import annotations

import re
import secrets
import unicodedata
import urllib.parse

from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from lookweave.store.takedowns import person

_NAME, _SESSION = "lookweave_name", "lookweave_session"
_YEAR = 365 * 86400
_OPAQUE = r"[\w-]{43}"


def reviewer(request: Request) -> str:
    """The name of who asks."""
    name: str = request.state.who.name
    return name


def called(request: Request) -> str:
    """The name that this browser gave, or that of who started the server."""
    given = urllib.parse.unquote(request.cookies.get(_NAME, ""))
    return given if is_name(given) else person()


def is_name(name: str) -> bool:
    """Whether somebody can be called so: up to 60 characters, none of them invisible."""
    return bool(re.fullmatch(r"[^\W_](?:[\w .'@+-]{0,58}[\w.])?", name))


def account_cookie(request: Request) -> str:
    """The cookie of a session; over TLS no other host or path can set it."""
    return "__Host-lookweave" if request.app.state.secure else "lookweave_account"


def folded(name: str) -> str:
    """The same for names that differ in capitals and forms of letters alone."""
    return unicodedata.normalize("NFKC", name).casefold()


def call_oneself(response: Response, name: str) -> None:
    """Remember a name in this browser.

    Raises:
        HTTPException: nobody can be called so.
    """
    if not is_name(name):
        raise HTTPException(422, "A name is up to 60 letters, digits, spaces and . ' @ + -.")
    response.set_cookie(
        _NAME, urllib.parse.quote(name), max_age=_YEAR, httponly=True, samesite="strict"
    )


def session(request: Request) -> str:
    """The opaque name of this session, or of this browser: then made at its first request."""
    who = getattr(request.state, "who", None)
    if who is not None and who.session:
        return str(who.session)
    found = request.cookies.get(_SESSION, "")
    if not re.fullmatch(_OPAQUE, found):
        found = getattr(request.state, "session", "") or secrets.token_urlsafe(32)
    request.state.session = found
    return found


def remember_session(request: Request, response: Response) -> None:
    """Give the browser its name where it has none."""
    name = session(request)
    if request.cookies.get(_SESSION) != name and re.fullmatch(_OPAQUE, name):
        secure = request.app.state.secure
        response.set_cookie(_SESSION, name, httponly=True, samesite="strict", secure=secure)
