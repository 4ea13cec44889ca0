"""Which backends there are, how one is named, and what is said where one is not to be had."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

pytest.importorskip("tomli_w", reason="the extra [studio] is not installed")

from lookweave.cli.app import app
from lookweave.errors import ConfigError, InputError, ModelError, UnknownModel, WorkError
from lookweave.studio.judge.rows import Measure
from lookweave.studio.shoot import backends, pipelines, shoot
from lookweave.studio.shoot.generator import (
    COMPOSITE,
    CONTROLS,
    Compositor,
    Pictures,
    Turned,
)

SMALL = (96, 144)


def test_every_card_speaks_of_every_control() -> None:
    cards = backends.cards()
    assert [card.name for card in cards][:4] == [
        "embedded", "diffusers:flux2-klein", "diffusers:qwen-image-edit", "diffusers:z-image"
    ]  # fmt: skip
    for card in cards:
        assert set(card.controls) == set(CONTROLS)
        assert card.licence and card.source_type
        assert card.ai_system or card is COMPOSITE


def test_the_command_lists_them() -> None:
    listed = CliRunner().invoke(app, ["models"])
    assert "--backend diffusers:qwen-image-edit" in listed.output
    told = json.loads(CliRunner().invoke(app, ["models", "--json"]).stdout)["generators"]
    assert told[0]["name"] == "embedded" and told[0]["controls"]["text"] == "ignored"
    assert told[1]["references"][0] == "composite"


class Sepia:
    """A backend of somebody's own: turns the first picture away, then tints the composite."""

    def __init__(self, card: Any, settings: Any) -> None:
        self.card, self.calls = replace(card, settings=dict(settings)), 0

    def generate(self, shoot: Any, guide: Any) -> Pictures:
        self.calls += 1
        if self.calls == 1:
            return Pictures((), self.card, turned=(Turned("moved", "It lies 9 pixels off.", 4),))
        picture = Compositor().generate(shoot, guide).images[0]
        row = Measure("pose", "agreement", "", 1.0, 0.9, 0.1, "measured")
        return Pictures(((picture * [1.0, 0.8, 0.6]).astype(np.uint8),), self.card, ((row,),))


@pytest.fixture
def sepia() -> Any:
    card = replace(COMPOSITE, name="sepia", controls={**COMPOSITE.controls, "pose": "guided"})
    backends.register_generator(card, Sepia)
    yield card
    backends.forget_generator("sepia")


def test_a_backend_of_ones_own_makes_a_shoot(
    renderer: Any, fitted: Any, fits: Path, dress_photo: Path, tmp_path: Path, sepia: Any
) -> None:
    out = tmp_path / "out"
    arguments = [
        "shoot", str(dress_photo), "--backend", "sepia", "--set", "strength=0.5", "--count", "2",
        "--width", "96", "--height", "144", "--out", str(out), "--cache", str(fits), "--json",
    ]  # fmt: skip
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    told = json.loads((out / "shoot.json").read_text())
    assert told["generator"]["name"] == "sepia" and told["generator"]["settings"] == {
        "strength": 0.5
    }
    assert [one["file"] for one in told["pictures"]] == ["shoot-00001.jpg"]
    assert told["rejects"] == [
        {"file": "shoot-00000.jpg", "digest": told["rejects"][0]["digest"],
         "tries": [{"reason": "moved", "detail": "It lies 9 pixels off.", "seed": 4}]}
    ]  # fmt: skip
    rows = {(row["control"], row["probe"]): row for row in told["pictures"][0]["table"]}
    assert rows["pose", "agreement"]["error"] == 0.1
    assert rows["pose", "name"]["how"] == "not measured"  # it is guided here, not exact
    assert rows["camera", "azimuth"]["how"] == "by construction"
    # What was turned away is not made again; another setting is another shoot.
    assert json.loads(CliRunner().invoke(app, arguments).stdout)["made"] == 0
    arguments[arguments.index("strength=0.5")] = "strength=1"
    assert "another backend" in str(CliRunner().invoke(app, arguments).exception)


def test_nothing_to_show_is_a_failure_with_the_reason(
    renderer: Any, fitted: Any, fits: Path, dress_photo: Path, tmp_path: Path, sepia: Any
) -> None:
    with pytest.raises(WorkError, match=r"1 were turned away\. The last: It lies 9 pixels off"):
        shoot(dress_photo, out=tmp_path / "o", size=SMALL, cache=fits, generator="sepia")
    assert not list(tmp_path.rglob("*.jpg"))


def test_what_cannot_be_registered(sepia: Any) -> None:
    with pytest.raises(ConfigError, match="already"):
        backends.register_generator(sepia, Sepia)
    backends.register_generator(sepia, Sepia, replace_it=True)
    for changes, words in (
        ({"name": "a b"}, "its name"), ({"licence": ""}, "no licence"),
        ({"controls": {"pose": "exact"}}, "how it obeys garments"),
        ({"controls": {**COMPOSITE.controls, "pose": "mostly"}}, "mostly"),
    ):  # fmt: skip
        with pytest.raises(ConfigError, match=words):
            backends.register_generator(replace(sepia, **{"name": "other", **changes}), Sepia)
    with pytest.raises(ConfigError, match="already"):
        backends.register_generator(replace(sepia, name="embedded"), Sepia, replace_it=True)


def test_names_that_lead_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnknownModel, match="there are embedded, diffusers:flux2-klein"):
        backends.generator("midjourney")
    with pytest.raises(ModelError, match=r"model_index\.json.*--backend api.*embedded"):
        backends.generator(f"diffusers:{tmp_path}")
    with pytest.raises(ConfigError, match="no settings"):
        backends.generator("embedded", {"steps": 3})
    with pytest.raises(InputError, match="NAME=VALUE"):
        backends.read_settings(["steps"])
    assert backends.read_settings(["steps=8", "control=depth", "x=a=b"]) == {
        "steps": 8, "control": "depth", "x": "a=b"
    }  # fmt: skip
    monkeypatch.setattr(
        pipelines, "CARDS", (replace(pipelines.CARDS[0], needs=("no_such_package",)),)
    )
    with pytest.raises(
        InputError, match=r"no_such_package is not installed.*lookweave\[generate\].*--backend api"
    ):
        backends.generator("diffusers:flux2-klein")
