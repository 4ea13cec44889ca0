from __future__ import annotations

import json
from pathlib import Path

from rich.console import Console
from tests.report.drawn_workspace import Drawn

from lookweave.config import Config
from lookweave.status import render, status
from lookweave.store.workspace import Workspace


def test_counts_are_those_of_the_tables(drawn: Drawn) -> None:
    found = status(drawn.workspace, drawn.config)
    for name, rows in found["tables"].items():
        assert rows == drawn.workspace.table(name).count()
    assert found["tiers"] == {"high": 3, "medium": 3, "low": 3}
    assert list(found["embeddings"].values()) == [18]
    assert {model["task"] for model in found["models"]} == {"detector", "describer", "encoder"}
    assert all(model["in_use"] and model["rows"] == 18 for model in found["models"])
    assert found["last_run"]["step"] == "tier"
    assert found["disk"]["total"] > found["disk"]["tables"] > 0


def test_steps_tell_what_is_left(own: Drawn) -> None:
    own.workspace.table("descriptions").delete(f"subject LIKE '{own.looks[0]}%'")
    steps = {step["step"]: step for step in status(own.workspace, own.config)["steps"]}
    assert steps["ingest"]["reasons"] == {"truncated_image": 8}
    assert (steps["detect"]["state"], steps["detect"]["left"]) == ("done", 0)
    assert (steps["describe"]["state"], steps["describe"]["left"]) == ("left", 1)
    assert steps["match"]["state"] == steps["tier"]["state"] == "waiting"


def test_it_is_one_json_object(drawn: Drawn) -> None:
    found = status(drawn.workspace, drawn.config)
    assert json.loads(json.dumps(found)) == found


def test_a_snapshot_is_named(own: Drawn) -> None:
    own.workspace.take_snapshot("spring")
    assert status(own.workspace, own.config)["snapshots"] == ["spring"]


def test_it_is_readable(drawn: Drawn) -> None:
    assert "truncated_image 8" in _said(drawn.workspace)
    assert "3 high, 3 medium, 3 low" in _said(drawn.workspace)


def test_an_empty_workspace(tmp_path: Path) -> None:
    said = _said(Workspace.create(tmp_path / "new"))
    assert "0 garments, 0 looks" in said


def _said(workspace: Workspace) -> str:
    console = Console(width=120)
    with console.capture() as capture:
        console.print(render(status(workspace, Config())))
    return capture.get()
