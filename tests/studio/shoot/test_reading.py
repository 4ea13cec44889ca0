"""Controls as people give them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("tomli_w", reason="the extra [studio] is not installed")

from lookweave.errors import InputError
from lookweave.studio.shoot import record
from lookweave.studio.shoot.light import LIGHTS
from lookweave.studio.shoot.reading import read_control, read_garments


@pytest.mark.parametrize(
    ("name", "given", "wanted"),
    [
        ("pose", "Walking", {"name": "walking"}),
        ("pose", "hands in her pockets", {"name": "hands in pockets"}),
        ("pose", "name=arms up,yaw=-20,strength=0.5", {"name": "arms up", "yaw": -20, "strength": 0.5}),
        ("scene", "beach", {"name": "beach"}),
        ("scene", "by the sea", {"name": "beach"}),
        ("light", "low sun", LIGHTS["low sun"]),
        ("light", "azimuth=-40,kelvin=3200", {"azimuth": -40, "kelvin": 3200}),
        ("light", "backlit", {"azimuth": 155, "elevation": 25, "key_to_fill": 0.5, "rim": 1.4}),
        ("style", "mono", {"grade": "mono"}),
        ("style", "grain=6,contrast=0.3", {"grain": 6, "contrast": 0.3}),
        ("camera", "half", {"crop": "half"}),
        ("camera", "low angle", {"height": 0.35}),
        ("wearer", "male", {"sex": "male"}),
        ("wearer", "skin=#c69674,hair_style=bun", {"skin": "#c69674", "hair_style": "bun"}),
        ("pose", None, {}),
        ("light", {"rim": 1}, {"rim": 1}),
    ],
)  # fmt: skip
def test_a_control_is_read(name: str, given: Any, wanted: dict[str, Any]) -> None:
    assert read_control(name, given).model_dump(exclude_defaults=True) == wanted


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("pose", "flying", "not understood.*walking"),
        ("pose", "walking proudly", "'proudly' are not understood.*--text"),
        ("light", "azimuth=40,azimuth=50", "given twice"),
        ("light", "azimuth=", "not key=value"),
        ("light", "azimut=40", "azimut"),
        ("light", "kelvin=hot", "kelvin"),
        ("scene", "nowhere.jpg", "no file"),
        ("pose", "look.jpg", "labels of a rendered look"),
        ("pose", "none.json", "cannot be read"),
        ("wearer", "photo=me.jpg", "consent"),
        ("pose", record.Light(), "record of Light"),
    ],
)
def test_what_is_no_control_is_said(name: str, given: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_control(name, given)


def test_pose_and_light_of_a_rendered_look(tmp_path: Path) -> None:
    from lookweave.studio.render.body import mix, rig, skin
    from lookweave.studio.render.camera import Camera
    from lookweave.studio.render.labels import describe
    from lookweave.studio.render.lights import Lighting, direction, surround
    from lookweave.studio.render.photo import Panel, Photo
    from lookweave.studio.render.poses import POSES, posed

    body = mix(True, 1, 8, 0.5)
    stood = posed(body, POSES[3])
    world = np.asarray(rig().coco @ skin(body.vertices, rig().weights, stood.affine))
    light = Lighting(
        direction(40, 30), np.full(3, 0.8),
        surround(np.full(3, 0.4), np.full(3, 0.4), np.full(3, 0.4)),
    )  # fmt: skip
    camera = Camera(np.array([1.0, 1.5, 4.0]), np.array([0.0, 0.9, 0.0]), 30)
    panel = Panel((0, 0, 200, 300), camera, light, "studio", (0,))
    from types import SimpleNamespace

    empty = SimpleNamespace(depth=np.full((300, 200), np.inf))
    frame: Any = SimpleNamespace(merged=lambda: empty)
    photo = Photo(
        np.zeros((300, 200, 3), np.uint8),
        np.zeros((300, 200), np.uint8),
        frame,
        [panel],
        [],
        [world],
    )
    path = tmp_path / "look.json"
    path.write_text(json.dumps(describe(photo, [])))
    joints = np.array(read_control("pose", str(path)).joints)
    assert joints == pytest.approx(world, abs=0.01)
    found = read_control("light", str(path))
    assert found.azimuth == pytest.approx(40, abs=0.01)
    assert found.elevation == pytest.approx(30, abs=0.01)
    assert np.array(found.harmonics) == pytest.approx(light.harmonics)
    (tmp_path / "joints.json").write_text(json.dumps({"joints": world.tolist()}))
    assert len(read_control("pose", tmp_path / "joints.json").joints) == 17
    (tmp_path / "none.json").write_text("{}")
    with pytest.raises(InputError, match="holds no pose"):
        read_control("pose", tmp_path / "none.json")


def test_garments_are_files(tmp_path: Path) -> None:
    photo = tmp_path / "a.jpg"
    photo.write_bytes(b"x")
    assert read_garments([photo])[0].photo == str(photo)
    assert read_garments([{"photo": str(photo), "category": "dress"}])[0].category == "dress"
    with pytest.raises(InputError, match=r"b\.jpg is no file"):
        read_garments([tmp_path / "b.jpg"])
    with pytest.raises(InputError, match="at least one"):
        read_garments([])
    with pytest.raises(InputError, match="colour"):
        read_garments([{"photo": str(photo), "colour": "red"}])
