"""The page that builds a workspace, with true builds in processes of their own."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from tests.web.conftest import Manned, Served

from lookweave.store.build_state import read
from lookweave.store.workspace import Workspace
from lookweave.web.builds import Builds
from lookweave.web.first_run import FirstRun, first_run


@pytest.fixture
def new(tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> TestClient:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    first = first_run(tmp_path / "ws")
    assert first is not None
    return TestClient(first, base_url="http://127.0.0.1:8090", raise_server_exceptions=False)


def token(page: str) -> str:
    return re.findall(r'name="token" value="(\w+)"', page)[0]


def begin(client: TestClient, **given: object) -> str:
    fields = {name: str(value) for name, value in given.items()}
    data = {"token": token(client.get("/start").text), **fields}
    return client.post("/start", data=data).text


def ended(client: TestClient) -> dict[str, object]:
    for _ in range(600):
        told: dict[str, object] = client.get("/api/v1/build").json()
        if told["state"] != "running":
            return told
        time.sleep(0.1)
    raise AssertionError(f"the build does not end: {told}")


def test_from_nothing_to_the_library(
    new: TestClient, tmp_path: Path, photo_folders: tuple[Path, Path, Path]
) -> None:
    assert new.get("/library", follow_redirects=False).headers["location"] == "/start"
    assert 'href="/review"' not in new.get("/start").text
    assert new.get("/api/v1/search").status_code == new.get("/health/ready").status_code == 503
    garments, looks, _ = photo_folders
    page = begin(new, garments=f'"{garments}"', looks=looks, to=tmp_path / "ws")
    assert "The build is under way" in page and 'value="Stop"' not in page
    told = ended(new)
    assert told["state"] == "finished", told
    assert [one["name"] for one in told["stages"]][:2] == ["ingest", "detect"]  # type: ignore[index]
    page = new.get("/start").text
    assert "The workspace is built" in page and 'href="/library"' in page
    assert new.get("/health/ready").status_code == 200
    assert "garments" in new.get("/").text
    # Once more, from the same page: nothing is new.
    assert "under way" in begin(new)
    assert ended(new)["state"] == "finished"


def test_what_is_wrong_is_said_in_words(new: TestClient, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    good = {"garments": empty, "looks": empty, "to": tmp_path / "ws"}
    for field, value, said in (
        ("garments", "", "Say where the product photos are"),
        ("looks", "somewhere/else", "not the whole path"),
        ("looks", tmp_path / "no<b>", "There is nothing at"),
        ("garments", "https://example.com/feed.xml", "reads files of this machine alone"),
        ("garments", "/tmp/a\x00b", "cannot be seen"),
        ("to", tmp_path, "is not empty and no workspace"),
    ):
        page = begin(new, **good | {field: value})
        assert said in page and 'role="alert"' in page, page
        assert "no<b>" not in page
    begin(new, **good)
    told = ended(new)
    assert told["state"] == "failed" and str(empty) in str(told["told"])
    assert str(empty) in new.get("/start").text and not (tmp_path / "ws").exists()


def test_a_build_is_stopped_and_goes_on(new: TestClient, tmp_path: Path) -> None:
    begin(new, sample="yes", to=tmp_path / "ws")
    for _ in range(300):
        if new.get("/api/v1/build").json()["stages"]:
            break
        time.sleep(0.1)
    page = new.get("/start").text
    assert begin_twice(new) == "A build is under way. Wait for it, or stop it."
    # The server is another one now: the build is still there, and can be stopped.
    other = TestClient(FirstRun(Builds(tmp_path / "ws")), base_url="http://127.0.0.1:8090")
    page = other.get("/start").text
    assert "The build is under way" in page
    other.post("/start/stop", data={"token": token(page)})
    assert ended(new)["state"] == "stopped"
    page = new.get("/start").text
    assert "The build was stopped" in page and "Go on" in page


def begin_twice(client: TestClient) -> str:
    app = client.app
    assert isinstance(app, FirstRun)
    try:
        app.builds.start()
    except Exception as error:
        return str(error)
    return "two builds at a time"


def test_a_build_that_was_killed_is_told_so(served: Served) -> None:
    state = read(served.path)
    assert state is not None and state.state == "finished"
    kept = served.path / "progress.json"
    kept.write_text(kept.read_text().replace('"finished"', '"running"'))
    assert "Its process ended without a word" in served.client.get("/start").text
    with Workspace.create(served.path).lock():
        assert "The build is under way" in served.client.get("/start").text


def test_nobody_builds_without_the_form_or_from_another_machine(
    served: Served, manned: Manned
) -> None:
    assert served.client.post("/start", data={"garments": "/"}).status_code == 403
    for method, path in (("GET", "/start"), ("POST", "/start"), ("GET", "/api/v1/build")):
        answer = manned.client.request(method, path, headers=manned.cookies["admin"])
        assert answer.status_code == 404 and "its own machine alone" in answer.text
    assert "/start" not in manned.client.get("/", headers=manned.cookies["admin"]).text


def test_a_folder_that_is_no_workspace_is_told(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"")
    first = first_run(tmp_path)
    page = TestClient(first, base_url="http://127.0.0.1").get("/start").text  # type: ignore[arg-type]
    assert "is not empty and no workspace" in page and "lookweave-workspace" in page
