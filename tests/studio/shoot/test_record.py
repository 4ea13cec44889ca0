"""The record of a shoot survives writing, is hashed by what it says and refuses what is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("tomli_w", reason="the extra [studio] is not installed")

from hypothesis import given, settings
from hypothesis import strategies as st

from lookweave.errors import InputError
from lookweave.studio.shoot import record
from lookweave.studio.shoot.record import Shoot

_number = {"allow_nan": False, "allow_infinity": False}
_unit = st.floats(0, 1, **_number)
_degrees = st.floats(-180, 180, **_number)
_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_colour = st.integers(0, 0xFFFFFF).map("#{:06x}".format)
_point = st.tuples(*[st.floats(-5, 5, **_number)] * 3)


def _control(model: type, **fields: Any) -> st.SearchStrategy[Any]:
    own = {name: st.none() | value for name, value in fields.items()}
    return st.builds(
        model,
        strength=_unit,
        lock=st.booleans(),
        seed=st.none() | st.integers(0, 2**63 - 1),
        **own,
    )


_wearer = st.builds(
    record.Wearer,
    sex=st.none() | st.sampled_from(["female", "male"]),
    body=st.none() | st.tuples(st.integers(0, 9), st.integers(0, 9), _unit),
    skin=st.none() | _colour,
    hair_style=st.none() | st.sampled_from(record.HAIR_STYLES),
)
shoots = st.builds(
    Shoot,
    garments=st.lists(
        st.builds(record.Garment, photo=_text, words=_text, layer=st.none() | st.integers(0, 9)),
        min_size=1, max_size=3,
    ).map(tuple),
    wearer=_wearer,
    pose=_control(
        record.Pose,
        name=st.sampled_from(record.POSE_NAMES), mirrored=st.booleans(), yaw=_degrees,
        joints=st.tuples(*[_point] * 17),
    ),
    camera=_control(
        record.Camera,
        azimuth=_degrees, height=st.floats(0.1, 3), crop=st.sampled_from(record.CROPS),
        head=st.booleans(),
    ),
    scene=_control(record.Scene, name=st.sampled_from(record.SCENES), blur=st.floats(0, 40)),
    light=_control(
        record.Light,
        azimuth=_degrees, kelvin=st.floats(1800, 15000), harmonics=st.tuples(*[_point] * 9),
    ),
    style=st.builds(
        record.Style, palette=st.lists(_point, max_size=3).map(tuple), grain=st.none() | _unit,
        references=st.lists(_text, max_size=2).map(tuple),
    ),
    text=_text,
    vary=st.lists(st.sampled_from(record.CONTROLS), unique=True).map(tuple),
    seed=st.integers(0, 2**63 - 1),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(shoots)
def test_a_shoot_survives_toml_and_json(shoot: Shoot) -> None:
    assert Shoot.from_toml(shoot.to_toml()) == shoot
    assert Shoot.from_json(shoot.to_json()) == shoot
    assert Shoot.from_toml(shoot.to_toml()).digest() == shoot.digest()
    assert hash(Shoot.from_json(shoot.to_json())) == hash(shoot)


@settings(max_examples=40, deadline=None)
@given(shoots, shoots)
def test_digests_are_equal_when_and_only_when_the_shoots_are(one: Shoot, other: Shoot) -> None:
    assert (one == other) == (one.digest() == other.digest())


def test_it_cannot_be_changed() -> None:
    shoot = Shoot(garments=(record.Garment(photo="a.jpg"),))
    with pytest.raises(ValueError, match="frozen"):
        shoot.seed = 3


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"garments": []}, "garments"),
        ({"garments": [{"photo": "a"}], "poze": {}}, "poze"),
        ({"garments": [{"photo": "a"}], "pose": {"name": "flying"}}, "no pose 'flying'; there are"),
        ({"garments": [{"photo": "a"}], "pose": {"joints": [[0, 0, 0]]}}, "17 joints, not 1"),
        ({"garments": [{"photo": "a", "category": "tee"}]}, "no category 'tee'"),
        ({"garments": [{"photo": "a"}], "light": {"kelvin": 100}}, "light.kelvin"),
        ({"garments": [{"photo": "a"}], "light": {"azimuth": float("nan")}}, "light.azimuth"),
        ({"garments": [{"photo": "a"}], "wearer": {"photo": "me.jpg"}}, "consent"),
        ({"garments": [{"photo": "a"}], "scene": {"name": "beach", "plate": "b"}}, "not both"),
        ({"garments": [{"photo": "a"}], "vary": ["garments"]}, "no control to vary"),
        ({"garments": [{"photo": "a"}], "camera": {"strength": 2}}, "camera.strength"),
    ],
)
def test_what_is_wrong_is_said(values: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        Shoot.checked(values)


def test_all_that_is_wrong_is_said_at_once() -> None:
    values = {"garments": [{"photo": "a"}], "light": {"kelvin": 1}, "pose": {"name": "x"}}
    with pytest.raises(InputError) as caught:
        Shoot.checked(values, "my.toml")
    assert "my.toml" in str(caught.value)
    assert "light.kelvin" in str(caught.value)
    assert "pose.name" in str(caught.value)


def test_paths_in_a_file_count_from_its_folder(tmp_path: Path) -> None:
    written = {
        "garments": [{"photo": "shirt.jpg", "back": "/abs/back.jpg"}],
        "scene": {"plate": "sea.jpg"},
        "style": {"references": ["mood.jpg"]},
    }
    (tmp_path / "s.json").write_text(json.dumps(written))
    shoot = Shoot.read(tmp_path / "s.json")
    assert shoot.garments[0].photo == str(tmp_path / "shirt.jpg")
    assert shoot.garments[0].back == "/abs/back.jpg"
    assert shoot.scene.plate == str(tmp_path / "sea.jpg")
    assert shoot.style.references == (str(tmp_path / "mood.jpg"),)


@pytest.mark.parametrize(
    ("name", "content"), [("a.toml", "x = ["), ("a.json", "{"), ("b.toml", b"\xff\xfe")]
)
def test_files_that_are_none(tmp_path: Path, name: str, content: str | bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError, match=name):
        Shoot.read(path)
    with pytest.raises(InputError, match="nowhere"):
        Shoot.read(tmp_path / "nowhere.toml")
