"""Boards: what pictures and words become, and where every entry comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lookweave.errors import InputError
from lookweave.models.protocols import Crop, Description
from lookweave.studio import direction
from lookweave.studio.direction import trade
from lookweave.studio.direction.concept import palette_distance
from lookweave.studio.direction.moodboard import Board, make_board
from lookweave.studio.render.develop import GRADES
from lookweave.studio.render.scenes import SCENES
from lookweave.studio.shoot.light import LIGHTS
from lookweave.studio.shoot.record import POSE_NAMES


def bands(path: Path, *colours: tuple[int, int, int]) -> Path:
    pixels = np.repeat(np.array(colours, np.uint8)[None], 60, 0).repeat(40, 1)
    Image.fromarray(pixels).save(path)
    return path


def test_words_become_entries_that_name_their_source() -> None:
    board = make_board(words="1970s disco, window light on the beach, dusty rose, no neon, banana")
    assert next((one.name, one.how) for one in board.scenes) == ("beach", "said")
    assert {one.name for one in board.scenes if one.how == "dictionary"} >= {"night", "street"}
    assert [one.name for one in board.eras] == ["1970s"]
    assert (board.lights[0].light.azimuth, board.lights[0].how) == (-60.0, "said")
    rose = board.palette[0]
    assert (rose.how, rose.of, rose.lab) == ("said", "dusty rose", trade.lab("#c79592"))
    assert "neon" not in {one.name for one in board.styles}
    assert "banana" in board.unread and "disco" not in board.unread
    assert any(line.startswith("palette  dusty rose") and "[said: dusty rose]" in line
               for line in board.lines())  # fmt: skip


def test_pictures_are_measured(tmp_path: Path) -> None:
    picture = bands(tmp_path / "flag.png", (200, 30, 40), (30, 60, 160), (240, 240, 235))
    board = make_board([picture])
    truth = [trade.lab(code) for code in ("#c81e28", "#1e3ca0", "#f0f0eb")]
    found = [one.lab for one in board.palette]
    assert len(found) == 3 and palette_distance(found, truth) < 1.0
    assert {(one.how, one.of) for one in board.palette} == {("measured", "flag.png")}
    assert board.scenes == () and board.poses == ()  # nobody can tell from pixels alone
    grey = bands(tmp_path / "grey.png", (120, 120, 120), (130, 130, 130))
    assert make_board([grey]).contrast[0].value < -0.5 < board.contrast[0].value


def test_a_light_from_the_left_is_guessed_to_the_left(photo: Path, tmp_path: Path) -> None:
    pixels = np.asarray(Image.open(photo).convert("RGB")).astype(float)
    ramp = np.linspace(1.0, 0.45, pixels.shape[1])[None, :, None]
    sides = []
    for name, factor in (("left.png", ramp), ("right.png", ramp[:, ::-1])):
        Image.fromarray((pixels * factor).astype(np.uint8)).save(tmp_path / name)
        light = make_board([tmp_path / name]).lights[0]
        assert light.how == "guessed"
        sides.append(light.light.azimuth)
    assert sides[0] is not None and sides[1] is not None and sides[0] < -10 and sides[1] > 10


def test_a_model_that_looks_is_named(tmp_path: Path) -> None:
    class Looks:
        def describe(self, crops: list[Crop]) -> list[Description | Exception]:
            return [
                Description(scene="a beach at dusk", light="low sun", pose="walking", mood="calm")
            ]

    picture = bands(tmp_path / "a.png", (10, 20, 30), (200, 180, 150))
    board = make_board([picture], describer=Looks(), described_by="seer-2")
    beach = next(one for one in board.scenes if one.name == "beach")
    assert beach.how == "model" and beach.of.startswith("seer-2, a.png: ")
    assert board.poses[0].name == "walking" and board.described_by == "seer-2"


def test_a_served_model_is_asked_like_the_describer(tmp_path: Path) -> None:
    from lookweave.testing.fake_vlm import FakeVlm

    picture = bands(tmp_path / "a.png", (10, 20, 30), (200, 180, 150))
    with FakeVlm() as server:
        settings = {"url": server.url, "model": server.model, "cache": tmp_path / "answers.sqlite"}
        board = direction.board([picture], vlm=settings)
    assert {one.kind for one in server.asked} == {"garment", "scene"}
    assert board.described_by == server.model
    assert any(server.model in one.of for one in (*board.scenes, *board.lights, *board.poses))


def test_a_board_is_edited_by_hand(tmp_path: Path) -> None:
    board = make_board(words="punk")
    for name in ("b.toml", "b.json"):
        board.write(tmp_path / name)
        assert Board.read(tmp_path / name) == board
    text = 'scenes = [{ name = "garden" }]\npalette = [{ lab = [50.0, 20.0, 10.0] }]\n'
    (tmp_path / "own.toml").write_text(text)
    own = Board.read(tmp_path / "own.toml")
    assert own.scenes[0].how == "edited" and own.palette[0].weight == 1.0
    for wrong, words in (
        ('scenes = [{ name = "moon" }]', "no scene 'moon'"), ("palette = 3", "palette"),
        ('poses = [{ name = "flying" }]', "no pose"), ("scenes = [", "no TOML"),
        ("palette = [{ lab = [150.0, 0.0, 0.0] }]", "L from 0 to 100"),
    ):  # fmt: skip
        (tmp_path / "own.toml").write_text(wrong)
        with pytest.raises(InputError, match=words):
            Board.read(tmp_path / "own.toml")


def test_what_no_board_is_made_of(tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8 not a picture")
    calls: list[tuple[dict[str, Any], str]] = [
        ({}, "pictures, words or both"), ({"words": "two children"}, "minor"),
        ({"pictures": [tmp_path / "none.jpg"]}, "no file"), ({"pictures": [broken]}, "broken.jpg"),
        ({"words": "looks like Audrey Hepburn"}, "likeness"),
        ({"pictures": ["x.jpg"] * 41}, "up to 40"),
    ]  # fmt: skip
    for given, words in calls:
        with pytest.raises(InputError, match=words):
            make_board(**given)


def test_the_dictionary_holds_only_what_a_shoot_knows() -> None:
    seen: set[str] = set()
    for look in trade.looks():
        assert set(look.scenes) <= set(SCENES) and set(look.lights) <= set(LIGHTS)
        assert set(look.poses) <= set(POSE_NAMES) and (look.grade or "clean") in GRADES
        assert not seen & set(look.words), seen & set(look.words)
        seen |= set(look.words)
        assert all(trade.lab(code)[0] <= 100 for code in look.palette)
    for name in SCENES:
        told = trade.of("scenes", name)
        assert told["nouns"] and told["line"] and set(told["lights"]) <= set(LIGHTS)
        assert set(told["near"]) <= set(SCENES) - {name}
    assert all(trade.of("lights", name)["line"] for name in LIGHTS)
    assert all(trade.pose_line(name) for name in POSE_NAMES)
    assert trade.colour_name(trade.lab("#1d6f72")) == "teal"
