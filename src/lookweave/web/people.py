"""Who is asking: on this machine alone there are no accounts, and a browser says a name."""

from __future__ import annotations

import re
import secrets
import urllib.parse

from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from lookweave.store.takedowns import person

_NAME, _SESSION = "lookweave_name", "lookweave_session"
_YEAR = 365 * 86400


def reviewer(request: Request) -> str:
    """The name that this browser gave, or that of who started the server."""
    given = urllib.parse.unquote(request.cookies.get(_NAME, ""))
    return given if is_name(given) else person()


def is_name(name: str) -> bool:
    """Whether somebody can be called so: up to 60 characters, none of them invisible."""
    return bool(re.fullmatch(r"[^\W_](?:[\w .'@+-]{0,58}[\w.])?", name))


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
    """The opaque name of this browser; made at its first request."""
    found = request.cookies.get(_SESSION, "")
    if not re.fullmatch(r"[\w-]{43}", found):
        found = getattr(request.state, "session", "") or secrets.token_urlsafe(32)
    request.state.session = found
    return found


def remember_session(request: Request, response: Response) -> None:
    """Give the browser its name where it has none."""
    if request.cookies.get(_SESSION) != session(request):
        response.set_cookie(_SESSION, session(request), httponly=True, samesite="strict")
