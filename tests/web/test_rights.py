"""Every route × everybody, from the application's own table."""

from __future__ import annotations

import re

import pytest
from fastapi.routing import iter_route_contexts
from starlette.routing import Mount
from tests.web.conftest import Manned, Served

from lookweave.web.accounts import ROLES, Actor
from lookweave.web.app import ROUTERS
from lookweave.web.rights import ANYBODY, READING, Rights
from lookweave.web.sessions import make_token

OPEN = {
    "GET /health/live", "GET /health/ready", "GET /signin", "POST /signin",
    "GET /invitation/{secret}", "POST /invitation/{secret}",
}  # fmt: skip
"""All that is there without signing in."""

CHANGED_BY_VIEWERS = {
    "POST /library", "POST /api/v1/search", "POST /signout", "POST /account/password",
    "POST /account/tokens", "POST /account/tokens/{id}/end", "POST /api/v1/tokens",
    "DELETE /api/v1/tokens/{token}",
}  # fmt: skip
"""Searches, and what is one's own."""


def routes(manned: Served) -> list[str]:
    """``METHOD path`` of everything that the application answers."""
    found = []
    for one in iter_route_contexts(manned.client.app.routes):  # type: ignore[attr-defined]
        route = one.original_route
        if isinstance(route, Mount):
            assert route.path == "/static", "a mounted application passes no rule"
            continue
        found += [f"{method} {one.path}" for method in sorted(route.methods)]  # type: ignore[attr-defined]
    assert len(found) > 40
    return found


def role_of(manned: Served, route: str) -> str:
    method, _, path = route.partition(" ")
    right = manned.client.app.state.rights.find(method, re.sub(r"\{.*?\}", "1", path))  # type: ignore[attr-defined]
    assert right is not None, f"no rule says who may {route}: give its router one in web/app.py"
    return right.role  # type: ignore[no-any-return]


def test_every_route_has_a_rule_and_no_rule_opens_too_much(manned: Manned) -> None:
    roles = {route: role_of(manned, route) for route in routes(manned)}
    assert {route for route, role in roles.items() if role == ANYBODY} == OPEN
    for route, role in roles.items():
        method, _, path = route.partition(" ")
        if path.startswith(("/admin", "/api/v1/users", "/api/v1/audit")):
            assert role == "admin", route
        elif method not in READING and route not in OPEN | CHANGED_BY_VIEWERS:
            assert role in ("reviewer", "admin"), f"{route} changes something and is for viewers"


def test_a_route_without_a_rule_is_there_for_nobody(manned: Manned) -> None:
    assert Rights(ROUTERS).find("GET", "/new") is None
    for who in ROLES:
        assert manned.client.get("/new", headers=manned.cookies[who]).status_code == 404


def outcome(manned: Manned, route: str, headers: dict[str, str]) -> str:
    method, _, path = route.partition(" ")
    address = re.sub(r"\{.*?\}", "1", path)
    answer = manned.client.request(method, address, headers=headers, follow_redirects=False)
    assert answer.status_code < 500, f"{route}: {answer.text[:300]}"
    if answer.status_code == 303 and answer.headers["location"].startswith("/signin?"):
        return "sign in"
    if answer.status_code == 401 and path != "/signin":
        return "sign in"
    refused = answer.status_code == 403 and re.search("This wants a|No token opens", answer.text)
    return "refused" if refused else "let in"


@pytest.mark.parametrize("who", ["nobody", "stranger", *ROLES, "read", "review", "broken"])
def test_every_route_lets_in_whom_it_should(manned: Manned, who: str) -> None:
    by = Actor("test")
    headers = {}
    if who in ROLES:
        headers, role = manned.cookies[who], who
    elif who in ("read", "review"):
        _, secret = make_token(manned.accounts, "admin", "test", [who], 1, by)
        headers = {"authorization": f"Bearer {secret}"}
    elif who == "broken":  # an admin's cookie does not help a token that is none
        headers = {"authorization": "Bearer lw_x", **manned.cookies["admin"]}
    elif who == "stranger":
        headers = {"cookie": "__Host-lookweave=" + "x" * 43}
    for route in routes(manned):
        wanted = role_of(manned, route)
        path = route.partition(" ")[2]
        for_programs = path.startswith(("/api/", "/openapi.json", "/metrics"))
        if wanted == ANYBODY:
            expected = "let in"
        elif who in ROLES or (who == "broken" and not for_programs):
            role = "admin" if who == "broken" else who
            expected = "let in" if ROLES.index(role) >= ROLES.index(wanted) else "refused"
        elif who in ("read", "review") and for_programs:
            person = any(word in path for word in ("/users", "/tokens", "/audit"))
            scope = {"viewer": "read", "reviewer": "review"}.get(wanted)
            expected = "let in" if scope == who and not person else "refused"
        else:
            expected = "sign in"
        assert outcome(manned, route, headers) == expected, f"{who}: {route}"


def test_without_accounts_there_are_no_pages_of_accounts(served: Served) -> None:
    for path in ("/signin", "/account", "/admin/users", "/admin/audit", "/api/v1/users"):
        answer = served.client.get(path)
        assert answer.status_code == 404 and "There are no accounts here" in answer.text
    assert "Users</a>" not in served.client.get("/").text


def test_the_bar_shows_what_one_may_open(manned: Manned) -> None:
    def bar(who: str) -> set[str]:
        page = manned.client.get("/", headers=manned.cookies[who]).text
        return set(re.findall(r'<a href="([^"]+)"', page.split("<main")[0]))

    assert "/review" not in bar("viewer") and "/admin/users" not in bar("reviewer")
    assert {"/review", "/admin/users", "/admin/audit"} <= bar("admin")
