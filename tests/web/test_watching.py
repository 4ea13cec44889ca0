"""Folders that are watched, and the numbers of /metrics."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from tests.conftest import COLOURS, draw_garment
from tests.web.conftest import Manned, Served

from lookweave.errors import InputError
from lookweave.web.accounts import Actor
from lookweave.web.builds import Builds, Told
from lookweave.web.sessions import make_token
from lookweave.web.watching import PATIENCE, Folder, Watcher, folder


class Counted(Builds):
    """Builds whose processes are not started: counts them, and ends as it is told."""

    def __init__(self) -> None:
        super().__init__(None)
        self.begun: list[tuple[list[str], list[str]]] = []
        self.on, self.end = False, "finished"

    def start(self, garments=(), looks=(), *, to=None):  # type: ignore[no-untyped-def]
        assert not self.on, "two builds at a time"
        self.on = True
        self.begun.append((list(garments), list(looks)))

    def running(self) -> bool:
        return self.on

    def told(self) -> Told:
        return Told(self.end, told="" if self.end == "finished" else "no space")


def test_a_file_is_taken_when_its_size_is_still(tmp_path: Path) -> None:
    builds, photo = Counted(), tmp_path / "a.jpg"
    watcher = Watcher(builds, [Folder(tmp_path, "looks")])
    photo.write_bytes(b"1")
    watcher.look(0)
    photo.write_bytes(b"12")
    watcher.look(2)
    assert not builds.begun, "it grows"
    watcher.look(4)
    assert builds.begun == [([], [str(tmp_path)])]
    (tmp_path / "b.jpg").write_bytes(b"1")
    for now in (6, 8, 10):
        watcher.look(now)
    assert len(builds.begun) == 1, "one at a time"
    builds.on = False
    watcher.look(12)
    watcher.look(14)
    assert len(builds.begun) == 2, "what came meanwhile is built next"
    builds.on = False
    for now in range(16, 60, 2):
        watcher.look(now)
    assert len(builds.begun) == 2, "nothing is new"


def test_a_stream_of_files_does_not_put_it_off_for_ever(tmp_path: Path) -> None:
    builds = Counted()
    watcher = Watcher(builds, [Folder(tmp_path, "")])
    for now in range(0, int(PATIENCE) + 60, 20):
        (tmp_path / f"{now}.jpg").write_bytes(b"1")
        watcher.look(now)
        assert not builds.begun or now >= PATIENCE
    assert builds.begun


def test_a_build_that_fails_is_tried_again_later_and_told(tmp_path: Path) -> None:
    builds = Counted()
    builds.end = "failed"
    watcher = Watcher(builds, [Folder(tmp_path, "")])
    (tmp_path / "a.jpg").write_bytes(b"1")
    for now in range(0, 20, 2):
        watcher.look(now)
        builds.on = False
    assert len(builds.begun) == 1 and "no space" in watcher.told()
    for now in range(20, 60, 2):
        watcher.look(now)
        builds.on = False
    assert len(builds.begun) == 2


def test_a_disk_that_is_away_is_not_photos_that_are_gone(tmp_path: Path) -> None:
    builds, place = Counted(), tmp_path / "mount"
    place.mkdir()
    (place / "a.jpg").write_bytes(b"1")
    watcher = Watcher(builds, [Folder(place, "")])
    watcher.look(0)
    watcher.look(2)
    builds.on = False
    (place / "a.jpg").unlink()
    for now in (4, 6, 8):
        watcher.look(now)
    assert len(builds.begun) == 1 and "is empty, and was not" in watcher.told()
    place.rmdir()
    watcher.look(10)
    assert "cannot be looked at" in watcher.told()


def test_what_a_folder_holds_is_known_or_said(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    assert folder(str(tmp_path / "new"), [str(tmp_path)]) == Folder(tmp_path / "new", "")
    assert folder(f"looks={tmp_path}", []) == Folder(tmp_path, "looks")
    with pytest.raises(InputError, match="say what is in it"):
        folder(str(tmp_path), ["/elsewhere", "https://example.com/a.csv"])
    with pytest.raises(InputError, match="is no folder"):
        folder(str(tmp_path / "none"), [])


def test_a_new_photo_comes_into_the_library(
    served: Served, tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    before = served.workspace.table("garments").count()
    new = tmp_path / "new"
    new.mkdir()
    draw_garment(COLOURS[1], 77).save(new / "new.png")
    watcher = Watcher(served.client.app.state.builds, [Folder(new, "garments")])  # type: ignore[attr-defined]
    for _ in range(400):
        watcher.look(time.monotonic())
        if watcher._taken is not None:
            break
        time.sleep(0.1)
    assert served.workspace.table("garments").count() == before + 1, watcher.told()
    told = served.client.get("/metrics").text
    assert 'lookweave_build_state{state="finished"} 1.0' in told


def test_the_numbers(served: Served, manned: Manned) -> None:
    served.client.get("/looks/unknown")
    told = served.client.get("/metrics").text
    assert 'lookweave_requests_total{method="GET",route="/looks/{name}",status="404"} 1.0' in told
    assert 'lookweave_queue_pairs{queue="boundary"}' in told and "unknown" not in told
    assert manned.client.get("/metrics").status_code == 401
    _, secret = make_token(manned.accounts, "admin", "graphs", ["metrics"], 1, Actor("test"))
    token = {"authorization": f"Bearer {secret}"}
    assert manned.client.get("/metrics", headers=token).status_code == 200
    for method, path in (
        ("GET", "/openapi.json"), ("GET", "/api/v1/users"), ("POST", "/api/v1/adjudications"),
    ):  # fmt: skip
        assert manned.client.request(method, path, headers=token).status_code == 403
