"""Outfits by layers and colours: the rules that ship, rules of one's own, and a real folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lookweave.cli.app import app
from lookweave.errors import InputError
from lookweave.studio.direction import outfits as making
from lookweave.studio.direction import trade
from lookweave.studio.direction.garment_facts import Facts


def garment(photo: str, category: str, code: str) -> Facts:
    return Facts(photo=photo, category=category, colours=((trade.lab(code), 1.0),))


def test_layers_and_colours() -> None:
    rules = making.shipped()
    worn = [
        garment("white", "shirt", "#f5f5f2"), garment("red", "top", "#c22030"),
        garment("green", "trousers", "#2c8a3c"), garment("black", "jeans", "#26282c"),
        garment("dress", "dress", "#7a3fb0"),
    ]  # fmt: skip
    found = making.outfits(worn, rules, 50)
    points = {one.photos: one.points for one in found}
    assert set(points) == {
        ("white", "green"), ("white", "black"), ("red", "green"), ("red", "black"), ("dress",)
    }  # fmt: skip
    assert points["red", "green"] == 0.2 < points["white", "black"] == 0.8
    assert points["white", "green"] == points["red", "black"] == points["dress",] == 1.0
    assert found[-1].photos == ("red", "green") and "quarrel" in found[-1].why[0]
    assert len(making.outfits(worn, rules, 2)) == 2
    assert rules.colour.points(trade.lab("#c22030"), trade.lab("#b03a40"))[0] == 0.3
    with pytest.raises(InputError, match="No garments make an outfit"):
        making.outfits([garment("x", "top", "#ffffff")], rules)


def test_rules_are_data(tmp_path: Path) -> None:
    own = making.shipped().model_copy(update={"categories": {"my tops": "top"}})
    own.write(tmp_path / "rules.toml")
    read = making.read_rules(tmp_path / "rules.toml")
    assert read == own and read.category(" My Tops") == "top" and read.category("tshirt") == "top"
    text = (tmp_path / "rules.toml").read_text()
    for before, after, words in (
        ('"jumpsuit"', '"toga"', "no category 'toga'"), ("to = 180.0", "to = 170.0", "end at 180"),
        ('"my tops" = "top"', '"my tops" = "tunic"', "no category 'tunic'"),
    ):  # fmt: skip
        (tmp_path / "rules.toml").write_text(text.replace(before, after))
        with pytest.raises(InputError, match=words):
            making.read_rules(tmp_path / "rules.toml")


def test_a_folder_with_names_of_its_own(photo: Path, tmp_path: Path) -> None:
    for place in ("Festkleider/one.jpg", "hat/two.jpg"):
        (tmp_path / "w" / place).parent.mkdir(parents=True)
        shutil.copy(photo, tmp_path / "w" / place)
    with (tmp_path / "w" / "hat/two.jpg").open("ab") as file:
        file.write(b"other bytes")
    rules = making.shipped().model_copy(update={"categories": {"festkleider": "dress"}})
    rules.write(tmp_path / "rules.toml")
    run = CliRunner().invoke(
        app, ["outfits", str(tmp_path / "w"), "--rules", str(tmp_path / "rules.toml"), "--json"]
    )
    assert run.exit_code == 0, run.output
    told = json.loads(run.stdout)
    assert [one["categories"] for one in told["outfits"]] == [["dress"]]
    assert told["outfits"][0]["photos"] == [str(tmp_path / "w/Festkleider/one.jpg")]
    assert [one["reason"] for one in told["rejects"]] == ["category_unfit"]
