"""Concepts: different by construction, the same for the same seed, locks to the bit."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from lookweave.cli.app import app
from lookweave.errors import InputError
from lookweave.studio import direction
from lookweave.studio.direction import concept
from lookweave.studio.direction.concept import PARTS, conceive, distance
from lookweave.studio.direction.moodboard import Board, Word, make_board

WORDS = "1970s disco, neon, dynamic, beach, teal, low sun"


@pytest.fixture(scope="module")
def board() -> Board:
    return make_board(words=WORDS)


def test_equal_calls_are_equal_and_seeds_differ(board: Board, worn: Any, known: Any) -> None:
    one, two = (conceive(board, worn, known, count=4, seed=7) for _ in range(2))
    assert one == two and one.digest() == two.digest()
    assert conceive(board, worn, known, count=4, seed=8) != one
    assert len({c.title for c in one.concepts}) == 4
    for c in one.concepts:
        assert all(c.narrative) and len(c.why) >= 2 and c.light.azimuth is not None
        assert set(c.sources) == {"scene", "light", "poses", "palette", "style"}


def test_concepts_lie_further_apart_than_chance(board: Board, worn: Any, known: Any) -> None:
    found = conceive(board, worn, known, count=4, seed=7)
    pairs = itertools.combinations(found.concepts, 2)
    assert found.spread == pytest.approx(min(distance(a, b) for a, b in pairs), abs=1e-4)
    rng = np.random.default_rng(0)
    pool = [concept._drawn(board, known, 7, number) for number in range(60)]
    chance = []
    for _ in range(200):
        four = [pool[int(k)] for k in rng.choice(60, 4, replace=False)]
        chance.append(min(distance(a, b) for a, b in itertools.combinations(four, 2)))
    assert found.spread > np.percentile(chance, 95)


@pytest.mark.parametrize("part", PARTS)
def test_a_lock_holds_to_the_bit(part: str, board: Board, worn: Any, known: Any) -> None:
    like = conceive(board, worn, known, count=3, seed=7).concepts[1]
    kept = json.dumps(like.model_dump(mode="json")[part])
    for found in (
        conceive(board, worn, known, count=3, seed=11, locks=[part], like=like),
        conceive(board, worn, known, count=3, seed=11, locks=[part]),
    ):
        values = {json.dumps(one.model_dump(mode="json")[part]) for one in found.concepts}
        assert len(values) == 1
        if found.concepts[0].seed and part not in ("wearer", "camera"):
            assert all(distance(a, b, [part]) > 0
                       for a, b in itertools.combinations(found.concepts, 2))  # fmt: skip
    held = conceive(board, worn, known, count=3, seed=11, locks=[part], like=like)
    assert json.dumps(held.concepts[0].model_dump(mode="json")[part]) == kept


def test_keep_the_light_three_other_scenes(board: Board, worn: Any, known: Any) -> None:
    like = conceive(board, worn, known, count=4, seed=7).concepts[0]
    found = conceive(board, worn, known, count=3, seed=2, locks=["light"], like=like)
    scenes = [one.scene.name for one in found.concepts]
    assert len({like.scene.name, *scenes}) == 4
    assert {one.light for one in found.concepts} == {like.light}


def test_an_empty_board_leaves_all_open_and_says_so(worn: Any, known: Any) -> None:
    found = conceive(Board(title="x"), worn, known, count=2)
    assert all("open on the board" in one.sources["palette"][0] for one in found.concepts)
    assert all(pose.name != "sitting" for one in found.concepts for pose in one.poses)


def test_wrong_calls(board: Board, worn: Any, known: Any, photo: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no part 'hair'"):
        conceive(board, worn, known, locks=["hair"])
    with pytest.raises(InputError, match="unlock a part"):
        conceive(board, worn, known, count=2, locks=PARTS)
    with pytest.raises(InputError, match="1 to 12"):
        conceive(board, worn, known, count=13)
    hat = photo.with_name("lw-00000.jpg")
    with pytest.raises(InputError, match=r"lw-00000\.jpg.*hat"):
        direction.concepts(board, hat, out=tmp_path / "c")
    assert not (tmp_path / "c").exists()
    with pytest.raises(InputError, match="no file"):
        direction.concepts(board, tmp_path / "none.jpg")


def test_the_command_writes_concepts_and_cards(photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "c"
    board = tmp_path / "board.toml"
    run = CliRunner().invoke(
        app, ["board", "--words", "<b>punk</b> & teal", "--title", "A <i>", "--out", str(board), "--json"]
    )  # fmt: skip
    assert run.exit_code == 0, run.output
    assert json.loads(run.stdout)["board"]["styles"][0]["name"] == "punk"
    arguments = ["concepts", "--board", str(board), "--garment", str(photo), "--count", "2", "--seed",
                 "7", "--out", str(out), "--no-pictures", "--json"]  # fmt: skip
    run = CliRunner().invoke(app, arguments)
    assert run.exit_code == 0, run.output
    told = json.loads(run.stdout)["concepts"]["concepts"]
    page = (out / "concepts.html").read_text()
    assert all(one["title"] in page for one in told)
    assert "<i>" not in page and "&lt;b&gt;punk" in page
    more = ["concepts", "--board", str(board), "--garment", str(photo), "--count", "1", "--like",
            f"{out}:2", "--lock", "light", "--out", str(tmp_path / "d"), "--no-pictures", "--json"]  # fmt: skip
    run = CliRunner().invoke(app, more)
    assert run.exit_code == 0, run.output
    assert json.loads(run.stdout)["concepts"]["concepts"][0]["light"] == told[1]["light"]
    arguments[arguments.index("7")] = "8"
    run = CliRunner().invoke(app, arguments)
    assert run.exit_code == 2 or "other concepts" in str(run.exception)
    assert (out / "concepts.html").read_text() == page


def test_a_board_of_one_place_stays_there_or_beside_it(worn: Any, known: Any) -> None:
    found = conceive(Board(scenes=(Word(name="beach"),)), worn, known, count=4)
    told = {one.scene.name: one.sources["scene"][0] for one in found.concepts}
    assert set(told) <= {"beach", "garden", "street"}
    assert all(name == "beach" or text == "near the board's beach" for name, text in told.items())
