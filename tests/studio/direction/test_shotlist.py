"""Shots of a concept: roles, the estimate, pictures, the sheet, and going on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.testing import CliRunner

from lookweave.cli.app import app
from lookweave.errors import InputError
from lookweave.studio.direction import shotlist
from lookweave.studio.direction.concept import Concepts, conceive
from lookweave.studio.direction.moodboard import make_board
from lookweave.studio.shoot.generator import COMPOSITE

SMALL = (96, 144)


@pytest.fixture(scope="module")
def found(worn: Any, known: Any) -> Concepts:
    board = make_board(words="disco, studio, dance, walking, contrapposto")
    return conceive(board, worn, known, count=2, seed=3)


def test_roles(found: Concepts, worn: Any) -> None:
    listed = shotlist.shot_list(found.concepts[0], worn, ["dress"], SMALL)
    shoots = {shot.role: shot.shoot for shot in listed.shots}
    assert tuple(shoots) == shotlist.ROLES
    assert shoots["full length"].camera.crop == "full" and shoots["detail"].camera.crop == "bust"
    assert shoots["movement"].pose.name in shotlist._MOVING
    assert len({shoot.pose.name for shoot in shoots.values()}) >= 4
    for control in ("scene", "light", "style", "wearer"):
        assert len({getattr(shoot, control) for shoot in shoots.values()}) == 1
    assert shoots["opener"].style.palette == found.concepts[0].palette
    # Trousers are never cut off.
    low = shotlist.shot_list(found.concepts[0], worn, ["trousers"], SMALL)
    assert all(shot.shoot.camera.crop in ("full", "three-quarter") for shot in low.shots)
    with pytest.raises(InputError, match="no role 'hero'"):
        shotlist.shot_list(found.concepts[0], worn, ["dress"], SMALL, ["hero"])


def test_what_a_server_costs_at_most(found: Concepts, worn: Any, tmp_path: Path) -> None:
    class Paid:
        card = replace(COMPOSITE, name="paid", source="server", settings={"tries": 3},
                       price_request=0.04)  # fmt: skip

        def generate(self, shoot: Any, guide: Any) -> Any:
            raise AssertionError("an estimate asks nobody")

    listed = shotlist.shot_list(found.concepts[0], worn, ["dress"], SMALL)
    before = shotlist.estimate(listed, tmp_path / "none", generator=Paid())
    assert before.most_cost == pytest.approx(5 * 3 * 0.04)
    assert "at most 0.6 to pay" in before.line()


def test_pictures_a_sheet_and_going_on(
    renderer: Any, found: Concepts, photo: Path, tmp_path: Path
) -> None:
    found.write(tmp_path / "concepts.json")
    out = tmp_path / "shots"
    arguments = ["shots", str(tmp_path), "--number", "1", "--role", "opener", "--role", "detail", "--width",
                 "96", "--height", "144", "--out", str(out), "--json"]  # fmt: skip
    dry = CliRunner().invoke(app, [*arguments, "--dry-run"])
    assert dry.exit_code == 0, dry.output
    before = json.loads(dry.stdout)["estimate"]
    assert (before["fits"], before["pictures"]) == (1, 2) and before["seconds"] > 10
    assert not out.exists()
    nobody = CliRunner().invoke(app, [*arguments, "--dry-run", "--backend", "nobody"])
    assert "no backend 'nobody'" in str(nobody.exception)
    run = CliRunner().invoke(app, arguments)
    assert run.exit_code == 0, run.output
    told = json.loads(run.stdout)
    assert told["made"] == 2 and told["failed"] == {}
    for shot in told["shots"]:
        path = out / shot["picture"]["file"]
        with Image.open(path) as image:
            assert image.size == SMALL and b"compositeSynthetic" in image.info["xmp"]
    with Image.open(out / "contact-sheet.jpg") as page:
        assert b"compositeSynthetic" in page.info["xmp"]
    # One picture is lost: only it is made again.
    lost = out / told["shots"][1]["picture"]["file"]
    bytes_before = lost.read_bytes()
    lost.unlink()
    again = CliRunner().invoke(app, arguments)
    assert json.loads(again.stdout)["made"] == 1 and lost.read_bytes() == bytes_before
    made = shotlist.load_made(out)
    assert [one is None for one in made.pictures] == [False, False]
    arguments[arguments.index("1")] = "2"
    other = CliRunner().invoke(app, arguments)
    assert "other shots" in str(other.exception)
    with pytest.raises(InputError, match=r"holds no shots\.json"):
        shotlist.load_made(tmp_path)
