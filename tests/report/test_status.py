from __future__ import annotations

import json
from pathlib import Path

from rich.console import Console
from tests.report.drawn_workspace import Drawn

from lookweave.config import Config
from lookweave.records import REJECT
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


def test_rows_of_other_models_and_recipes_are_told_apart(own: Drawn) -> None:
    before = status(own.workspace, own.config)
    assert before["kept_beside"] == {}
    for name, column in (("regions", "detector"), ("descriptions", "model"),
                         ("matches", "recipe"), ("pairs", "recipe")):  # fmt: skip
        table = own.workspace.table(name)
        rows = table.read().to_pylist()[:5]
        if name == "regions":
            rows = [{**row, "id": f"{row['id']}-other"} for row in rows]
        table.upsert(table.spec.table([{**row, column: "other"} for row in rows]))
    other = own.workspace.table("rejects").read(where="step = 'detect'").to_pylist()
    own.workspace.table("rejects").upsert(REJECT.table([{**other[0], "recipe": "other"}]))
    after = status(own.workspace, own.config)
    assert after["tables"] == before["tables"] and after["tiers"] == before["tiers"]
    assert after["kept_beside"] == {
        "regions": 5, "descriptions": 5, "matches": 5, "pairs": 5, "rejects": 1,
    }  # fmt: skip
    console = Console(width=200, record=True)
    with console.capture() as shown:
        console.print(render(after))
    assert "9 pairs (3 high, 3 medium, 3 low)" in shown.get()
    assert "Kept beside them, of other models and settings: 5 regions" in shown.get()


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
