"""Who may what: one rule for each router, and the door that every request passes.

A route that no rule names is answered with 404, whoever asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lookweave.web import people, sessions
from lookweave.web.accounts import Accounts, Actor
from lookweave.web.problems import told
from lookweave.web.sessions import Identity

ANYBODY = "anybody"
"""In place of a role: without signing in."""

READING = ("GET", "HEAD", "OPTIONS")
_FOR_PROGRAMS = ("/api/", "/openapi.json", "/metrics")


@dataclass(frozen=True)
class Rule:
    """What a router's routes want.

    Attributes:
        reading: the role for GET.
        changing: the role for everything else; None: the same.
        but: exceptions, such as ``{"POST /library": "viewer"}``.
        accounts: True where the routes are there with accounts alone, False without them alone.
        scope: of the tokens that open them; "": those whose scope is for the role.
        person: no token opens them, whatever its scopes.
        here: only where the server is for its own machine alone: what these routes read are files
            of that machine.
        logged: what is changed becomes a line of the audit log; False where it is one already, or
            an event of the journal.
    """

    reading: str
    changing: str | None = None
    but: Mapping[str, str] = field(default_factory=dict)
    accounts: bool | None = None
    scope: str = ""
    person: bool = False
    here: bool = False
    logged: bool = True

    def role(self, method: str, path: str) -> str:
        """The role for one route."""
        usual = self.reading if method in READING else self.changing or self.reading
        return self.but.get(f"{method} {path}", usual)


@dataclass(frozen=True)
class Right:
    """What one route wants.

    Attributes:
        path: its template, such as ``/looks/{name}``.
        role: a role, or `ANYBODY`.
    """

    method: str
    path: str
    role: str
    rule: Rule


class Rights:
    """What every route wants.

    Args:
        routers: in the order in which the application asks them.
        mounted: beginnings of paths that are open to anybody.
    """

    def __init__(
        self, routers: Iterable[tuple[APIRouter, Rule]], mounted: Iterable[str] = ()
    ) -> None:
        self._mounted = tuple(mounted)
        self._rights = []
        for router, rule in routers:
            for route in router.routes:
                path: str = route.path  # type: ignore[attr-defined]
                pattern = compile_path(path)[0]
                for method in sorted(route.methods):  # type: ignore[attr-defined]
                    right = Right(method, path, rule.role(method, path), rule)
                    self._rights.append((pattern, right))

    def find(self, method: str, path: str) -> Right | None:
        """What a request wants; None where nothing is said of it."""
        if path.startswith(self._mounted):
            return Right(method, path, ANYBODY, Rule(ANYBODY))
        other = None
        for pattern, right in self._rights:
            if pattern.match(path):
                if right.method == ("GET" if method == "HEAD" else method):
                    return right
                other = other or right  # the application says which methods there are
        return other


class Door:
    """Lets in who may: by the cookie of a session, or a token in ``Authorization: Bearer``.

    Without accounts everybody is the person who started the server, and may everything.
    """

    def __init__(self, app: ASGIApp, rights: Rights, accounts: Accounts | None) -> None:
        self._app, self._rights, self._accounts = app, rights, accounts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        right = self._rights.find(scope["method"], scope["path"])
        refused: Response | None = None
        try:
            who = await run_in_threadpool(self._who, request)
            request.state.who = who
            refused = self._refusal(request, right, who)
        except Exception as error:
            refused = told(request, error)
        if refused is not None:
            await refused(scope, receive, send)
            return
        status = 500

        async def seen(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        await self._app(scope, receive, seen)
        changed = scope["method"] not in READING and status < 400
        if changed and self._accounts is not None and right and right.rule.logged and who:
            what = f"{right.method} {right.path}"
            about = ", ".join(map(str, scope.get("path_params", {}).values()))
            actor = Actor(who.name, address_of(request))
            await run_in_threadpool(self._accounts.write, actor, what, about)

    def _who(self, request: Request) -> Identity | None:
        if self._accounts is None:
            return Identity(people.called(request), "admin")
        kind, _, secret = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and request.url.path.startswith(_FOR_PROGRAMS):
            return sessions.of_token(self._accounts, secret.strip())
        cookie = request.cookies.get(people.account_cookie(request))
        return sessions.of_session(self._accounts, cookie) if cookie else None

    def _refusal(
        self, request: Request, right: Right | None, who: Identity | None
    ) -> Response | None:
        wanted = right.role if right else "viewer"
        if wanted != ANYBODY:
            if who is None:
                return _sign_in(request)
            if right and right.rule.person and who.scopes is not None:
                return _told(request, 403, "No token opens this: sign in.")
            if right and not who.may(wanted, right.rule.scope):
                has = f"is a {who.role}" if who.scopes is None else "showed a token of other scopes"
                return _told(request, 403, f"This wants a {wanted}; {who.name} {has}.")
        if right is None:
            return _told(request, 404, "Not Found")
        if right.rule.here and request.app.state.address is not None:
            return _told(
                request, 404,
                "This is there only where the server is for its own machine alone, without "
                "--address: it reads files of that machine.",
            )  # fmt: skip
        if right.rule.accounts is True and self._accounts is None:
            return _told(
                request, 404,
                "There are no accounts here. `lookweave users WS add NAME --role admin` makes the "
                "first; then start the server again.",
            )  # fmt: skip
        if right.rule.accounts is False and self._accounts is not None:
            return _told(request, 404, "With accounts everybody is called by their own name.")
        return None


def address_of(request: Request) -> str:
    """The client's address, as the connection or a trusted proxy tells it."""
    return request.client.host if request.client else ""


def _sign_in(request: Request) -> Response:
    path = request.url.path
    if request.method in READING and not path.startswith(_FOR_PROGRAMS):
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"/signin?next={quote(path + query, safe='')}", 303)
    answer = _told(request, 401, "Sign in, or send a token that holds: Authorization: Bearer ….")
    answer.headers["www-authenticate"] = "Bearer"
    return answer


def _told(request: Request, status: int, detail: str) -> Response:
    return told(request, HTTPException(status, detail))
