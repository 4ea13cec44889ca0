"""Users, sessions, invitations, tokens, the log: what goes wrong with such things, each a test."""

from __future__ import annotations

import json
import sqlite3
import stat
import time
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from tests.conftest import Call
from tests.web.conftest import ADDRESS, PASSWORD, Manned, Served

from lookweave.errors import InputError
from lookweave.web import sessions
from lookweave.web.accounts import Accounts, Actor
from lookweave.web.signing import _local, _network

BY = Actor("test")


@pytest.fixture
def accounts(tmp_path: Path) -> Accounts:
    found = Accounts(tmp_path)
    found.add("Root", "admin", BY)
    return found


def ready(manned: Manned, name: str, role: str = "reviewer") -> dict[str, str]:
    """A user of one's own, signed in."""
    _, secret = manned.accounts.add(name, role, BY)
    manned.accounts.accept(secret, PASSWORD, "")
    return {"cookie": f"__Host-lookweave={sessions.begin(manned.accounts, name, '')}"}


def signed_in(manned: Manned, name: str, password: str, **more: str) -> Any:
    manned.client.cookies.clear()
    page = manned.client.get("/signin").text
    token = page.split('name="token" value="')[1].split('"')[0]
    data = {"name": name, "password": password, "token": token, **more}
    return manned.client.post("/signin", data=data, follow_redirects=False)


def test_an_invitation_is_for_once_and_its_password_signs_in(manned: Manned) -> None:
    _, secret = manned.accounts.add("Zoë", "viewer", BY)
    manned.client.cookies.clear()
    page = manned.client.get(f"/invitation/{secret}").text
    token = page.split('name="token" value="')[1].split('"')[0]
    short = {"password": "short", "token": token}
    refused = manned.client.post(f"/invitation/{secret}", data=short)
    assert refused.status_code == 422 and "10 to 200" in refused.text
    chosen = {"password": PASSWORD, "token": token}
    done = manned.client.post(f"/invitation/{secret}", data=chosen, follow_redirects=False)
    assert done.status_code == 303
    cookie = done.headers["set-cookie"].lower()
    for word in ("__host-lookweave=", "httponly", "secure", "samesite=lax", "path=/"):
        assert word in cookie
    assert "Zoë" in manned.client.get("/").text
    assert manned.client.post("/links", data={}).status_code == 403  # a viewer
    manned.client.cookies.clear()
    assert manned.client.get(f"/invitation/{secret}").status_code == 404
    assert signed_in(manned, "ZOË", PASSWORD).status_code == 303
    assert signed_in(manned, "Zoë", PASSWORD + "!").status_code == 401
    manned.client.cookies.clear()


def test_an_invitation_ends_by_time_and_by_a_newer_one(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, first = accounts.add("Ann", "viewer", BY)
    _, second = accounts.invite("ann", BY)
    assert accounts.invited(first) is None and accounts.invited(second) is not None
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 8 * 86400)
    assert accounts.invited(second) is None
    with pytest.raises(InputError, match="too old"):
        accounts.accept(second, PASSWORD, "")


@pytest.mark.parametrize(
    "password", ["", "123456789", "x" * 201, "aaaaaaaaaaaa", "my name is ann!"]
)
def test_passwords_that_are_none(accounts: Accounts, password: str) -> None:
    _, secret = accounts.add("Ann", "viewer", BY)
    with pytest.raises(InputError, match="password"):
        accounts.accept(secret, password, "")


def test_nothing_in_the_file_opens_a_door(accounts: Accounts) -> None:
    _, invitation = accounts.add("Ann", "reviewer", BY)
    accounts.accept(invitation, PASSWORD, "")
    _, further = accounts.invite("Ann", BY)
    session = sessions.begin(accounts, "Ann", "")
    _, token = sessions.make_token(accounts, "Ann", "test", ["read"], 1, BY)
    accounts.close()
    kept = b"".join(one.read_bytes() for one in accounts.path.parent.glob("accounts.sqlite*"))
    for secret in (invitation, further, session, token, PASSWORD):
        assert secret.encode() not in kept
    assert b"$argon2id$" in kept
    assert stat.S_IMODE(accounts.path.stat().st_mode) == 0o600


def test_names_are_given_once(accounts: Accounts) -> None:
    accounts.add("Ann", "viewer", BY)
    for name in ("Ann", "ANN", "ａｎｎ"):
        with pytest.raises(InputError, match="already"):
            accounts.add(name, "viewer", BY)
    accounts.remove("ann", BY)
    with pytest.raises(InputError, match="answers stand under that name"):
        accounts.add("ann", "viewer", BY)
    user, _ = accounts.add("ann", "reviewer", BY, again=True)
    assert (user.name, user.role, user.active) == ("Ann", "reviewer", False)
    for name, role in (("<b>", "viewer"), ("Ben", "owner")):
        with pytest.raises(InputError):
            accounts.add(name, role, BY)


def test_an_admin_stays(accounts: Accounts) -> None:
    accounts.add("Ann", "viewer", BY)
    for change in (lambda: accounts.remove("Root", BY),
                   lambda: accounts.change_role("root", "viewer", BY)):  # fmt: skip
        with pytest.raises(InputError, match="last admin"):
            change()
    accounts.change_role("Ann", "admin", BY)
    accounts.remove("Root", BY)
    assert [one.name for one in accounts.users()] == ["Ann"]


def test_a_role_that_was_taken_away_is_gone_at_the_next_request(manned: Manned) -> None:
    headers = ready(manned, "Falling", "admin")
    _, secret = sessions.make_token(manned.accounts, "Falling", "t", ["review"], 1, BY)
    bearer = {"authorization": f"Bearer {secret}"}
    assert manned.client.get("/admin/users", headers=headers).status_code == 200
    assert manned.client.get("/api/v1/queues", headers=bearer).status_code == 200
    manned.accounts.change_role("Falling", "viewer", BY)
    assert manned.client.get("/admin/users", headers=headers).status_code == 403
    assert manned.client.get("/api/v1/queues", headers=bearer).status_code == 403
    manned.accounts.remove("Falling", BY)
    gone = manned.client.get("/library", headers=headers, follow_redirects=False)
    assert gone.status_code == 303
    assert manned.client.get("/api/v1/queues", headers=bearer).status_code == 401


def test_a_cookie_is_worth_nothing_after_signing_out_or_in_time(
    manned: Manned, monkeypatch: pytest.MonkeyPatch
) -> None:
    def open_(headers: dict[str, str]) -> bool:
        return manned.client.get("/", headers=headers, follow_redirects=False).status_code == 200

    one = ready(manned, "Leaving")
    other = {"cookie": f"__Host-lookweave={sessions.begin(manned.accounts, 'Leaving', '')}"}
    third = {"cookie": f"__Host-lookweave={sessions.begin(manned.accounts, 'Leaving', '')}"}
    manned.cookies["Leaving"] = one
    out = manned.client.post("/signout", headers=one, data={"token": manned.form("Leaving")})
    assert out.status_code == 200 and not open_(one) and open_(other)
    manned.cookies["Leaving"] = other
    data = {"token": manned.form("Leaving"), "everywhere": "true"}
    manned.client.post("/signout", headers=other, data=data)
    assert not open_(other) and not open_(third)
    fresh = {"cookie": f"__Host-lookweave={sessions.begin(manned.accounts, 'Leaving', '')}"}
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + sessions.IDLE_SECONDS + 1)
    assert not open_(fresh)
    manned.client.cookies.clear()


def test_a_password_is_asked_again_before_anything_that_opens_doors_later(manned: Manned) -> None:
    headers = manned.cookies["admin"]
    asked = [
        ("POST", "/api/v1/tokens", {"label": "x", "scopes": ["read"]}),
        ("POST", "/api/v1/users", {"name": "Evil", "role": "admin"}),
        ("POST", "/api/v1/users/viewer/invitation", {}),
        ("PATCH", "/api/v1/users/viewer", {"role": "admin"}),
    ]
    for method, path, body in asked:
        missing = manned.client.request(method, path, json=body, headers=headers)
        assert missing.status_code == 422, path
        wrong = {**body, "password": "not the password"}
        refused = manned.client.request(method, path, json=wrong, headers=headers)
        assert refused.status_code == 403 and "not your password" in refused.text
    assert {one.name for one in manned.accounts.users()}.isdisjoint({"Evil"})
    right = {"label": "mine", "scopes": ["read"], "password": PASSWORD}
    made = manned.client.post("/api/v1/tokens", json=right, headers=headers)
    assert made.status_code == 201
    bearer = {"authorization": f"Bearer {made.json()['secret']}"}
    assert manned.client.get("/api/v1/search", headers=bearer).status_code == 200
    ended = manned.client.delete(f"/api/v1/tokens/{made.json()['id']}", headers=headers)
    assert ended.status_code == 204
    assert manned.client.get("/api/v1/search", headers=bearer).status_code == 401


@pytest.mark.parametrize(
    ("role", "scopes", "days", "match"),
    [("viewer", ["review"], 1, "may not review"), ("viewer", ["admin"], 1, "scopes"),
     ("viewer", [], 1, "scopes"), ("viewer", ["read"], 0, "days"), ("viewer", ["read"], 9999, "days")],
)  # fmt: skip
def test_a_token_is_never_wider_than_its_owner(
    accounts: Accounts, role: str, scopes: list[str], days: int, match: str
) -> None:
    accounts.add("Ann", role, BY)
    with pytest.raises(InputError, match=match):
        sessions.make_token(accounts, "Ann", "x", scopes, days, BY)


def test_nobody_ends_or_sees_tokens_of_others(manned: Manned) -> None:
    made, _ = sessions.make_token(manned.accounts, "reviewer", "theirs", ["read"], 1, BY)
    headers = manned.cookies["viewer"]
    assert "theirs" not in manned.client.get("/api/v1/tokens", headers=headers).text
    assert "theirs" not in manned.client.get("/account", headers=headers).text
    assert manned.client.delete(f"/api/v1/tokens/{made.id}", headers=headers).status_code == 404
    data = {"token": manned.form("viewer")}
    path = f"/account/tokens/{made.id}/end"
    assert manned.client.post(path, headers=headers, data=data).status_code in (403, 404)
    assert made.id in {one.id for one in sessions.tokens(manned.accounts)}


def test_guessing_is_slowed_down_whatever_a_client_says_of_itself(manned: Manned) -> None:
    for at in range(10):
        headers = {"x-forwarded-for": f"10.0.0.{at}"}
        manned.client.headers.update(headers)
        assert signed_in(manned, "viewer", "wrong password").status_code == 401
    late = signed_in(manned, "viewer", PASSWORD)
    del manned.client.headers["x-forwarded-for"]
    assert late.status_code == 429 and int(late.headers["retry-after"]) > 0
    assert signed_in(manned, "reviewer", PASSWORD).status_code == 303, "others may go on"
    manned.client.cookies.clear()


def test_clients_are_counted_by_network() -> None:
    assert _network("2001:db8::1") == _network("2001:db8::ffff") != _network("2001:db8:0:1::1")
    assert _network("192.0.2.1") != _network("192.0.2.2") and _network("testclient") == "testclient"


def test_who_is_unknown_waits_as_long(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    _, secret = accounts.add("Ann", "viewer", BY)
    accounts.accept(secret, PASSWORD, "")
    seen: list[str] = []

    class Counting(PasswordHasher):
        def verify(self, kept: str | bytes, password: str | bytes) -> Any:
            seen.append(str(kept).rpartition("$")[0].rpartition("$")[0])
            return super().verify(kept, password)

    monkeypatch.setattr(accounts, "_hasher", Counting(time_cost=1, memory_cost=8, parallelism=1))
    for name in ("Ann", "nobody", "Root"):  # Root has not chosen a password yet
        assert accounts.verified(name, "wrong password") is None
    assert len(seen) == 3 and len(set(seen)) == 1, "one hash of the same cost each"


@pytest.mark.parametrize(
    "path",
    ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "",
     "/x\\y", "/a\r\nset-cookie: x"],
)  # fmt: skip
def test_signing_in_leads_to_no_other_site(path: str) -> None:
    assert _local(path) == "/"


def test_signing_in_leads_back(manned: Manned) -> None:
    manned.client.cookies.clear()
    asked = manned.client.get("/library?q=red&kind=look", follow_redirects=False)
    assert asked.headers["location"] == "/signin?next=%2Flibrary%3Fq%3Dred%26kind%3Dlook"
    page = manned.client.get(asked.headers["location"]).text
    assert 'name="next" value="/library?q=red&amp;kind=look"' in page
    done = signed_in(manned, "viewer", PASSWORD, next="/library?q=red&kind=look")
    assert done.headers["location"] == "/library?q=red&kind=look"
    assert PASSWORD not in str(done.headers) and "password" not in str(done.url)
    manned.client.cookies.clear()


def test_signing_in_wants_its_own_form(manned: Manned) -> None:
    manned.client.cookies.clear()
    data = {"name": "viewer", "password": PASSWORD, "token": "0" * 64}
    assert manned.client.post("/signin", data=data).status_code == 403


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [("review.example.com", "https://review.example.com", 422), ("localhost:8090", None, 421),
     ("evil.example", None, 421), ("review.example.com", "http://review.example.com", 403),
     ("review.example.com", "https://evil.example", 403),
     ("review.example.com:8443", "https://review.example.com:8443", 421)],
)  # fmt: skip
def test_only_the_address_that_was_named_answers(
    manned: Manned, host: str, origin: str | None, status: int
) -> None:
    headers = {"host": host, **manned.cookies["reviewer"], **({"origin": origin} if origin else {})}
    assert manned.client.post("/api/v1/reviews", json={}, headers=headers).status_code == status


def test_verdicts_are_in_the_name_of_who_signed_in(manned: Manned) -> None:
    headers = {**manned.cookies["reviewer"]}
    headers["cookie"] += "; lookweave_name=Somebody"
    given = manned.client.post("/api/v1/queues/boundary/leases", json={}, headers=headers).json()
    assert given["reviewer"] == "reviewer"
    assert manned.client.post("/name", data={}, headers=headers).status_code == 404


def test_the_log_says_who_did_what_and_only_grows(manned: Manned) -> None:
    headers = ready(manned, "Logged", "admin")
    body = {"name": "New", "role": "viewer", "password": PASSWORD}
    made = manned.client.post("/api/v1/users", json=body, headers=headers).json()
    assert made["invitation"].startswith(f"{ADDRESS}/invitation/")
    signed_in(manned, "New", "wrong password")
    signed_in(manned, "my-secret-password", "oops")
    manned.client.cookies.clear()
    lines = manned.client.get("/api/v1/audit?limit=4", headers=headers).json()["lines"]
    said = [(one["who"], one["what"], one["about"]) for one in lines]
    assert said[2] == ("Logged", "added as viewer", "New")
    assert said[:2] == [("", "sign-in failed", ""), ("", "sign-in failed", "New")]
    assert lines[2]["address"] == "testclient"
    page = manned.client.get("/admin/audit", headers=headers).text
    assert "added as viewer" in page and "my-secret-password" not in page
    with sqlite3.connect(manned.accounts.path) as other:
        for statement in ("UPDATE log SET who = 'x'", "DELETE FROM log"):
            with pytest.raises(sqlite3.IntegrityError, match="the log never"):
                other.execute(statement)
    other.close()


def test_what_a_rule_wants_logged_is_logged_once_it_is_done(manned: Manned) -> None:
    written = {"text": "Look at the seams.", "after": 1}
    refused = manned.client.post(
        "/api/v1/guideline", json=written, headers=manned.cookies["reviewer"]
    )
    assert refused.status_code == 403
    for status in (201, 422):  # the second is of a version that is the newest no more
        answer = manned.client.post(
            "/api/v1/guideline", json=written, headers=manned.cookies["admin"]
        )
        assert answer.status_code == status
    lines = [one for one in manned.accounts.log() if one.what == "POST /api/v1/guideline"]
    assert [(one.who, one.address) for one in lines] == [("admin", "testclient")]


def test_users_at_the_command_line(served: Served, call: Call) -> None:
    assert call("users", served.path)[0] == 0
    code, out, _ = call("users", served.path, "add", "Ann", "--role", "admin", "--json")
    added = json.loads(out)
    assert code == 0 and added["invitation"].startswith("http://localhost:8090/invitation/")
    assert call("users", served.path, "add", "Ann")[0] == 2
    assert call("users", served.path, "add", "Ben", "--role", "owner")[0] == 2
    secret = added["invitation"].rpartition("/")[2]
    Accounts(served.path).accept(secret, PASSWORD, "")
    code, out, _ = call("users", served.path, "invite", "Ann", "--address", "https://x.example")
    assert code == 0 and "https://x.example/invitation/" in out
    code, out, _ = call("users", served.path, "token", "Ann", "--for", "sync", "--scope", "read",
                        "--json")  # fmt: skip
    assert json.loads(out)["secret"].startswith("lw_")
    assert call("users", served.path, "remove", "Ann")[0] == 2  # the last admin
    call("users", served.path, "add", "Ben", "--role", "viewer")
    assert call("users", served.path, "role", "Ben", "--role", "admin")[0] == 0
    assert call("users", served.path, "remove", "Ann", "--json")[:2] == (0, '{"removed": "Ann"}\n')
    found = json.loads(call("users", served.path, "list", "--json")[1])["users"]
    assert [(one["name"], one["role"]) for one in found] == [("Ben", "admin")]
    lines = json.loads(call("users", served.path, "log", "--json")[1])["lines"]
    assert [one["what"] for one in lines][-2:] == ["made admin", "removed"]
    assert all("at the command line" in one["who"] or one["who"] == "Ann" for one in lines)
    assert call("users", served.path, "log")[0] == 0


def test_users_in_a_workspace_close_it_on_this_machine_too(served: Served) -> None:
    from fastapi.testclient import TestClient

    from lookweave.web.app import create_app

    assert served.client.get("/").status_code == 200
    Accounts(served.path).add("Ann", "admin", BY)
    with TestClient(create_app(served.path), base_url="http://127.0.0.1:8090") as client:
        assert client.get("/", follow_redirects=False).status_code == 303
        assert client.get("/api/v1/queues").status_code == 401
        assert "<form" in client.get("/").text
