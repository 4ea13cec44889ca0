"""Faults that were reported of servers like this one, each a test."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest
from tests.web.conftest import Served

from lookweave.errors import InputError
from lookweave.web.accounts import Accounts, Actor
from lookweave.web.people import is_name
from lookweave.web.safety import LARGEST_BODY, Secret, own_address
from lookweave.web.serving import serve


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost:80@evil", "192.168.1.5:8090",
             "127.0.0.1:8090/..", "", "[::1]x", "localhost:999999"],
)  # fmt: skip
def test_another_host_name_is_refused_on_every_route(served: Served, host: str) -> None:
    paths = {
        path: sorted(methods)[0]
        for path, methods in served.client.get("/openapi.json").json()["paths"].items()
    }
    pages = dict.fromkeys(
        (
            "/",
            "/library",
            "/garments/1",
            "/looks/1",
            "/products/1",
            "/rejects",
            "/review",
            "/review/stats",
            "/static/style.css",
            "/nothing",
        ),
        "get",
    )
    assert len(paths) >= 7
    for path, method in (
        paths | pages | {"/name": "post", "/links": "post", "/openapi.json": "get"}
    ).items():
        address = re.sub(r"\{.*?\}", "1", path)
        answer = served.client.request(method, address, headers={"host": host})
        assert answer.status_code == 421, path


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"}, {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"}, {"origin": "https://127.0.0.1:8090"},
        {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"},
    ],
)  # fmt: skip
def test_pages_of_other_sites_change_nothing(served: Served, headers: dict[str, str]) -> None:
    for path in (
        "/api/v1/reviews",
        "/api/v1/queues/boundary/leases",
        "/name",
        "/links",
        "/library",
    ):
        assert served.client.post(path, json={}, headers=headers).status_code == 403


def test_a_spoofed_proxy_changes_nothing(served: Served) -> None:
    headers = {
        "x-forwarded-for": "127.0.0.1",
        "x-forwarded-host": "localhost",
        "host": "evil.example",
    }
    assert served.client.get("/review", headers=headers).status_code == 421


def test_a_form_wants_the_token_of_its_own_browser(served: Served) -> None:
    page = served.client.get("/review").text
    token = re.search(r'name="token" value="(\w+)"', page)
    assert token is not None
    for wrong in ("", "0" * 64):
        sent = served.client.post("/name", data={"name": "Ann", "token": wrong})
        assert sent.status_code == 403
    data = {"name": "Ann", "token": token[1]}
    sent = served.client.post("/name", data=data, follow_redirects=False)
    assert sent.status_code == 303
    assert "httponly" in sent.headers["set-cookie"].lower()
    assert "samesite=strict" in sent.headers["set-cookie"].lower()
    assert "<summary>Ann</summary>" in served.client.get("/review").text
    served.client.cookies.delete("lookweave_session")
    assert served.client.post("/name", data=data).status_code == 403


@pytest.mark.parametrize("name", ["", " ", "<b>", "a\nb", "x" * 61, "Ann\u202e", "-", '"'])
def test_a_name_cannot_be_markup(name: str) -> None:
    assert not is_name(name)


def test_names_of_people_can_be_names() -> None:
    assert all(map(is_name, ("Ann", "Ana María O'Neil", "müller@studio.example", "山田")))


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py", "/static/..%2fapp.py", "/static/%2e%2e/app.py", "/static//etc/passwd",
        "/static/....//app.py", "/api/v1/images/..%2f..%2fworkspace/full/400/0/default.webp",
    ],
)  # fmt: skip
def test_no_path_leads_out(served: Served, path: str) -> None:
    answer = served.client.get(path)
    assert answer.status_code in (404, 422) and "create_app" not in answer.text


def test_only_sizes_on_the_list_are_made(served: Served) -> None:
    look = served.workspace.table("looks").read(["id"]).column("id")[0].as_py()
    for size in ("0", "399", "100000", "-1", "1e9"):
        path = f"/api/v1/images/{look}/full/{size}/0/default.webp"
        assert served.client.get(path).status_code in (404, 422)
    for region in ("99", "pct:0,0,100,100", "square", "cut"):
        path = f"/api/v1/images/{look}/{region}/400/0/default.webp"
        assert served.client.get(path).status_code == 404


def test_a_changed_file_is_not_shown_in_place_of_the_photo(served: Served, tmp_path: Path) -> None:
    from PIL import Image

    from lookweave.records import LOOK
    from lookweave.store.workspace import Workspace

    row = served.workspace.table("looks").read().to_pylist()[0]
    other = tmp_path / "other.png"
    Image.new("RGB", (300, 300), (255, 0, 255)).save(other)
    Workspace.create(served.path).table("looks").upsert(LOOK.table([{**row, "path": str(other)}]))
    answer = served.client.get(f"/api/v1/images/{row['id']}/full/400/0/default.webp")
    assert answer.status_code == 200
    from io import BytesIO

    corner = Image.open(BytesIO(answer.content)).convert("RGB").getpixel((5, 5))
    assert corner != (255, 0, 255)


def test_no_address_is_fetched(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    from lookweave.records import LOOK
    from lookweave.store.workspace import Workspace

    row = served.workspace.table("looks").read().to_pylist()[0]
    there = {**row, "path": "http://127.0.0.1:1/look.jpg"}
    Workspace.create(served.path).table("looks").upsert(LOOK.table([there]))

    def refuse(*arguments: object, **more: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    answer = served.client.get(f"/api/v1/images/{row['id']}/full/400/0/default.webp")
    assert answer.status_code == 200  # its thumbnail


def test_every_answer_forbids_what_a_page_does_not_need(served: Served) -> None:
    for path in ("/review", "/nothing", "/static/style.css", "/api/v1/queues", "/health/live"):
        headers = served.client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in policy


def test_pages_hold_no_inline_script_or_style_and_no_other_host(served: Served) -> None:
    for path in ("/", "/review", "/review/stats", "/library", "/rejects"):
        page = served.client.get(path).text
        assert not re.search(r"<script(?![^>]*\bsrc=)|\sstyle=|\son\w+=|<style", page)
        assert not re.search(r"(src|href|action)=[\"'](?:https?:)?//", page)


def test_an_error_page_repeats_nothing_unescaped(served: Served) -> None:
    for path in ("/review/<script>alert(1)</script>", "/<img src=x onerror=alert(1)>"):
        answer = served.client.get(path)
        assert answer.status_code in (404, 422) and "<script>alert" not in answer.text
        assert "<img src=x" not in answer.text


def test_errors_are_problem_json_and_say_nothing_of_the_machine(served: Served) -> None:
    answer = served.client.get("/api/v1/nothing")
    assert answer.json()["status"] == 404
    assert answer.headers["content-type"] == "application/problem+json"
    served.client.app.state.site.journal = None  # type: ignore[attr-defined]
    answer = served.client.get("/health/ready")
    assert answer.status_code == 500 and str(served.path) not in answer.text
    assert "Traceback" not in answer.text


def test_a_body_without_end_is_refused(served: Served) -> None:
    def endless() -> object:
        for _ in range(LARGEST_BODY // (1 << 20) + 2):
            yield b"[" * (1 << 20)

    answer = served.client.post("/api/v1/reviews", content=endless())  # type: ignore[arg-type]
    assert answer.status_code == 413
    large = {"content-length": str(LARGEST_BODY + 1)}
    assert served.client.post("/api/v1/reviews", content=b"[]", headers=large).status_code == 413


def test_the_secret_is_the_workspaces_own(served: Served, tmp_path: Path) -> None:
    path = served.path / "serve.secret"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and len(path.read_bytes()) == 32
    assert Secret(served.path).token("a") == Secret(served.path).token("a")
    assert Secret(tmp_path).token("a") != Secret(served.path).token("a")
    assert list(served.path.glob(".serve.secret*")) == []


def test_the_documentation_pages_that_load_scripts_of_others_are_off(served: Served) -> None:
    assert served.client.get("/docs").status_code == served.client.get("/redoc").status_code == 404
    assert "/api/v1/reviews" in served.client.get("/openapi.json").json()["paths"]


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "192.168.1.5", "example.com", "127.0.0.1.nip.io", ""]
)
def test_another_host_is_refused_with_a_sentence(tmp_path: Path, host: str) -> None:
    with pytest.raises(InputError, match=r"wants users .* and --address"):
        serve(tmp_path, host, 0, print)


@pytest.mark.parametrize("host", ["0.0.0.0", "localhost"])
def test_an_address_wants_an_admin(served: Served, host: str) -> None:
    def refused() -> None:
        with pytest.raises(InputError, match="once there is an admin"):
            serve(served.path, host, 0, print, address="https://review.example.com")

    refused()
    Accounts(served.path).add("Ann", "reviewer", Actor("test"))
    refused()


@pytest.mark.parametrize(
    ("given", "own"),
    [("https://Review.Example.com/", "https://review.example.com"),
     ("https://a.example:443", "https://a.example"), ("http://[::1]:80", "http://[::1]"),
     ("http://10.0.0.5:8090", "http://10.0.0.5:8090"), ("review.example.com", None),
     ("ftp://x", None), ("https://x/y", None), ("https://u@x", None), ("https://x:99999", None),
     ("", None)],
)  # fmt: skip
def test_an_address_is_what_browsers_send(given: str, own: str | None) -> None:
    if own is None:
        with pytest.raises(InputError, match="--address"):
            own_address(given)
    else:
        assert own_address(given) == own


def test_wrong_calls_are_told(tmp_path: Path, built: Path) -> None:
    import socket

    with pytest.raises(InputError, match="is no workspace"):
        serve(tmp_path, "localhost", 0, print, address="https://review.example.com")
    with pytest.raises(InputError, match="0 to 65535"):
        serve(tmp_path, "localhost", 70000, print)
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(InputError, match="another --port"),
    ):
        serve(built, "127.0.0.1", taken.getsockname()[1], print)
