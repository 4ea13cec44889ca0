"""Signing in and out, choosing a password, tokens of one's own."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, Request
from limits import RateLimitItem, parse_many
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from lookweave.errors import InputError
from lookweave.web import people, sessions
from lookweave.web.accounts import Accounts, Actor
from lookweave.web.pages import own_form, page
from lookweave.web.problems import NotShown
from lookweave.web.rights import address_of
from lookweave.web.sessions import SCOPES, TOKEN_DAYS, Identity

router = APIRouter(include_in_schema=False)
"""Open to anybody."""
own = APIRouter()
"""For every user."""

Password = Annotated[str, Form(max_length=1000)]
_OWN_FORM = [Depends(own_form)]


class Attempts:
    """How often passwords and invitations may be tried. Forgotten when the server ends."""

    # Of one client; of one name from one client; of one name from anywhere.
    _CLIENT = parse_many("60/15minutes")
    _BOTH = parse_many("10/5minutes; 30/hour")
    _NAME = parse_many("200/hour")

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def count(self, request: Request, name: str) -> None:
        """Count one more.

        Raises:
            HTTPException: 429: too many.
        """
        client, named = _network(address_of(request)), people.folded(name)[:100]
        limits: list[tuple[list[RateLimitItem], tuple[str, ...]]] = [
            (self._CLIENT, ("client", client)),
            (self._BOTH, ("both", client, named)),
            (self._NAME, ("name", named)),
        ]
        for items, key in limits:
            for item in items:
                if not self._limiter.hit(item, *key):
                    raise HTTPException(
                        429, "Too many attempts: wait some minutes and try again.",
                        {"retry-after": str(item.get_expiry())},
                    )  # fmt: skip


def accounts(request: Request) -> Accounts:
    """The users of the workspace; the door lets nobody here where there are none."""
    found: Accounts = request.app.state.accounts
    return found


TheAccounts = Annotated[Accounts, Depends(accounts)]


def identity(request: Request) -> Identity:
    """Who asks."""
    found: Identity = request.state.who
    return found


Who = Annotated[Identity, Depends(identity)]


def actor(request: Request, who: Who) -> Actor:
    """The same for the log."""
    return Actor(who.name, address_of(request))


By = Annotated[Actor, Depends(actor)]


def confirm(request: Request, who: Identity, password: str) -> None:
    """Ask for the password again, where something is made that opens doors later: what runs in
    a signed-in page by mistake does not know it.

    Raises:
        HTTPException: 403: it is another.
    """
    request.app.state.attempts.count(request, who.name)
    if accounts(request).verified(who.name, password) is None:
        raise HTTPException(403, "This is not your password.")


@router.get("/signin")
def sign_in_page(request: Request, next: str = "/") -> Response:
    """Where one signs in."""
    return page(request, "signin.html", "signin", next=_local(next), named="", wrong="")


@router.post("/signin", dependencies=_OWN_FORM)
def sign_in(
    request: Request, kept: TheAccounts, name: Annotated[str, Form(max_length=100)],
    password: Password, next: Annotated[str, Form(max_length=2000)] = "/",
) -> Response:  # fmt: skip
    """Begin a session."""
    request.app.state.attempts.count(request, name)
    user = kept.verified(name, password)
    if user is None:
        # A name that is none may be a password in the wrong field.
        known = kept.user(name)
        kept.write(Actor("", address_of(request)), "sign-in failed", known.name if known else "")
        wrong = "Name or password is wrong."
        return page(
            request, "signin.html", "signin", status=401, next=_local(next), named=name, wrong=wrong
        )
    return _begun(request, kept, user.name, _local(next))


@own.post("/signout", dependencies=_OWN_FORM, include_in_schema=False)
def sign_out(
    request: Request, who: Who, kept: TheAccounts, everywhere: Annotated[bool, Form()] = False
) -> Response:
    """End this session, or all of one's own."""
    sessions.end(kept, who, address_of(request), everywhere=everywhere)
    response = RedirectResponse("/signin", 303)
    response.delete_cookie(people.account_cookie(request), secure=request.app.state.secure)
    return response


@router.get("/invitation/{secret}")
def invitation(request: Request, secret: str, kept: TheAccounts) -> Response:
    """Where one chooses a password."""
    request.app.state.attempts.count(request, "")
    user = kept.invited(secret)
    if user is None:
        raise HTTPException(404, "This link was used or is too old: ask for a new one.")
    return page(request, "invitation.html", "signin", secret=secret, named=user.name, wrong="")


@router.post("/invitation/{secret}", dependencies=_OWN_FORM)
def accept_invitation(
    request: Request, secret: str, kept: TheAccounts, password: Password
) -> Response:
    """Choose a password and sign in."""
    request.app.state.attempts.count(request, "")
    user = kept.invited(secret)
    if user is None:
        raise HTTPException(404, "This link was used or is too old: ask for a new one.")
    try:
        kept.accept(secret, password, address_of(request))
    except InputError as error:
        return page(
            request, "invitation.html", "signin", status=422, secret=secret, named=user.name,
            wrong=str(error),
        )  # fmt: skip
    return _begun(request, kept, user.name, "/")


@own.get("/account", include_in_schema=False)
def account(request: Request, who: Who, kept: TheAccounts) -> Response:
    """One's own password and tokens."""
    return _account(request, who, kept)


@own.post("/account/password", dependencies=_OWN_FORM, include_in_schema=False)
def change_password(
    request: Request, who: Who, by: By, kept: TheAccounts, password: Password, new: Password
) -> Response:
    """Another password. All other sessions end."""
    confirm(request, who, password)
    kept.change_password(who.name, new, by)
    return _begun(request, kept, who.name, "/account")


@own.post("/account/tokens", dependencies=_OWN_FORM, include_in_schema=False)
def make_token_by_form(
    request: Request, who: Who, by: By, kept: TheAccounts, password: Password,
    label: Annotated[str, Form(max_length=100)], scopes: Annotated[list[str], Form(max_length=9)],
    days: Annotated[int, Form()] = TOKEN_DAYS,
) -> Response:  # fmt: skip
    """A token for a program; its secret is shown once."""
    confirm(request, who, password)
    _, secret = sessions.make_token(kept, who.name, label, scopes, days, by)
    return _account(request, who, kept, made=secret)


@own.post("/account/tokens/{id}/end", dependencies=_OWN_FORM, include_in_schema=False)
def end_token_by_form(id: str, who: Who, by: By, kept: TheAccounts) -> Response:
    """End one's own token."""
    end_token(id, who, by, kept)
    return RedirectResponse("/account", 303)


class Wish(BaseModel):
    """A token that is asked for."""

    model_config = ConfigDict(extra="forbid")
    label: str = Field(max_length=100, description="what it is for")
    scopes: list[str] = Field(min_length=1, max_length=9, description=f"of {', '.join(SCOPES)}")
    days: int = Field(TOKEN_DAYS, ge=1, le=sessions.LONGEST_DAYS)
    password: str = Field(max_length=1000, description="yours, again")


@own.get("/api/v1/tokens", tags=["accounts"])
def list_tokens(who: Who, kept: TheAccounts) -> dict[str, Any]:
    """One's own tokens; an admin's view has all."""
    whose = None if who.role == "admin" else who.name
    return {"tokens": [one.to_dict() for one in sessions.tokens(kept, whose)]}


@own.post("/api/v1/tokens", status_code=201, tags=["accounts"])
def make_token(wish: Wish, request: Request, who: Who, by: By, kept: TheAccounts) -> dict[str, Any]:
    """A token for a program. Its secret is in this answer and nowhere else."""
    confirm(request, who, wish.password)
    made, secret = sessions.make_token(kept, who.name, wish.label, wish.scopes, wish.days, by)
    return {**made.to_dict(), "secret": secret}


@own.delete("/api/v1/tokens/{token}", status_code=204, tags=["accounts"])
def end_token(token: str, who: Who, by: By, kept: TheAccounts) -> None:
    """End a token: one's own, or as an admin anybody's."""
    owner = None if who.role == "admin" else who.name
    if not sessions.revoke(kept, token, by, owner=owner):
        raise NotShown("token of your own")


def _account(request: Request, who: Identity, kept: Accounts, made: str = "") -> Response:
    scopes = [name for name, role in SCOPES.items() if who.may(role)]
    return page(
        request, "account.html", "account", tokens=sessions.tokens(kept, who.name), scopes=scopes,
        made=made, days=TOKEN_DAYS, longest=sessions.LONGEST_DAYS,
    )  # fmt: skip


def _begun(request: Request, kept: Accounts, name: str, next: str) -> Response:
    secret = sessions.begin(kept, name, address_of(request))
    response = RedirectResponse(next, 303)
    # Lax: whoever follows a link in a letter is signed in; nothing is changed by following one.
    response.set_cookie(
        people.account_cookie(request), secret, max_age=int(sessions.SESSION_SECONDS),
        httponly=True, samesite="lax", secure=request.app.state.secure,
    )  # fmt: skip
    return response


def _local(path: str) -> str:
    """The path to go on to, if it is one of this server's own."""
    fine = re.fullmatch(r"/(?![/\\])[\x21-\x7e]{0,1999}|/", path) and "\\" not in path
    return quote(path, safe="/?&=%:.,;@+-_~!$'()*[]") if fine else "/"


def _network(address: str) -> str:
    """Who counts as one client: an IPv4 address, a /64 of IPv6."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if found.version == 4:
        return address
    return str(ipaddress.ip_network((found, 64), strict=False))
