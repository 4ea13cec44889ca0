"""The notebooks of examples/ run as they stand, and keep the output of a run."""

from __future__ import annotations

from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")

EXAMPLES = Path(__file__).parents[2] / "examples"
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))


def test_there_are_notebooks() -> None:
    assert len(NOTEBOOKS) == 3


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_gives_what_it_shows(
    path: Path, tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PYTHONPATH",):
        monkeypatch.setenv(name, environment[name])
    kept = nbformat.read(path, as_version=4)
    ran = nbformat.read(path, as_version=4)
    client = nbclient.NotebookClient(ran, timeout=300, resources={"metadata": {"path": tmp_path}})
    client.execute()  # raises what a cell raises
    for before, after in zip(kept.cells, ran.cells, strict=True):
        kinds = [[one.output_type for one in cell.get("outputs", [])] for cell in (before, after)]
        assert kinds[0] == kinds[1], f"run the notebook again and keep its output: {before.source}"
        for one, other in zip(before.get("outputs", []), after.get("outputs", []), strict=True):
            assert sorted(one.get("data", {})) == sorted(other.get("data", {})), before.source


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_kept_output_names_no_folder_of_the_machine_that_ran_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert [one for one in ("/tmp/", "/home/", "/Users/", "/root/") if one in text] == []
