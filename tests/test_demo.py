"""`demo --out FOLDER` takes nothing away from whoever names a folder."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from lookweave import demo
from lookweave.errors import InputError
from lookweave.progress import Progress
from lookweave.store.workspace import Workspace


class BuiltError(Exception):
    """The build would begin now."""


@pytest.fixture(autouse=True)
def nothing_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise BuiltError

    monkeypatch.setattr(demo, "build_workspace", stop)


def content(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_project_with_a_workspace_of_its_own_is_refused_and_left_alone(tmp_path: Path) -> None:
    Workspace.create(tmp_path / "workspace")
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/photo.jpg").write_bytes(b"my only copy")
    before = content(tmp_path)
    with pytest.raises(InputError, match="not empty and no earlier demo"):
        demo.run(tmp_path, Progress(quiet=True))
    assert content(tmp_path) == before


def test_an_earlier_demo_is_gone_on_with_and_what_a_person_put_there_stays(tmp_path: Path) -> None:
    out = tmp_path / "new"
    for _ in range(2):
        with pytest.raises(BuiltError):
            demo.run(out, Progress(quiet=True))
        mine = {"notes.txt": "mine", "workspace/lookweave.toml": "[match]\n", "dataset/mine": "too"}
        for name, text in mine.items():
            (out / name).parent.mkdir(exist_ok=True)
            (out / name).write_text(text)
    assert {name: (out / name).read_text() for name in mine} == mine


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="is a file"):
        demo.run(tmp_path / "file", Progress(quiet=True))
    assert (tmp_path / "file").read_text() == "mine"


def test_demo_serve_wants_its_extra_before_the_work(
    call: Callable[..., tuple[int, str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    code, _, err = call("demo", "--serve", "--out", tmp_path / "out")
    assert code == 2 and "`lookweave demo --serve` needs the extra serve" in err
    assert not (tmp_path / "out").exists()
    code, _, err = call("demo", "--serve", "--json", "--out", tmp_path / "out")
    assert code == 2 and "give one of them" in err


def test_demo_serve_opens_what_it_built(
    call: Callable[..., tuple[int, str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("fastapi", reason="needs the extra serve")
    served: list[tuple[Path, str, int]] = []

    def run(workspace: Path, host: str, port: int, say: object) -> None:
        served.append((workspace, host, port))

    class Result:
        build = SimpleNamespace(workspace=str(tmp_path / "workspace"))

        @staticmethod
        def text() -> str:
            return "built"

    monkeypatch.setattr("lookweave.api.run_demo", lambda out, progress, show: Result)
    monkeypatch.setattr("lookweave.web.serving.serve", run)
    code, out, _ = call("demo", "--serve", "--port", 0, "--out", tmp_path / "out")
    assert (code, out) == (0, "built\n")
    assert served == [(tmp_path / "workspace", "localhost", 0)]
