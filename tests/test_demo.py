"""`demo --out FOLDER` takes nothing away from whoever names a folder."""

from __future__ import annotations

from pathlib import Path

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
