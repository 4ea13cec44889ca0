"""Pictures made anywhere, judged from the command line and from Python; garments of a workspace."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import lookweave
from lookweave.errors import InputError
from lookweave.studio_api import intervention_matrix

Call = Callable[..., tuple[int, str, str]]
SMALL = (128, 192)


@pytest.fixture(scope="module")
def made(
    renderer: Any, fits: Path, dress_photo: Path, tmp_path_factory: pytest.TempPathFactory
) -> lookweave.ShootResult:
    return lookweave.shoot(
        dress_photo, out=tmp_path_factory.mktemp("made") / "shoot", pose="walking", scene="garden",
        light="window", style="grain=4", text="a white dress", size=SMALL, count=2, cache=fits,
    )  # fmt: skip


def test_a_shoot_is_a_typed_record_that_shows_itself(made: lookweave.ShootResult) -> None:
    assert len(made) == 2 and made.made == 2
    first = made[0]
    assert first.path.is_file()
    assert first["pose, name"].how == "by construction"
    light = first["light, direction"]
    assert light.how == "measured" and light.error is not None and light.error < 25
    assert first["style, grain"].got == pytest.approx(4, abs=2.5)
    assert first["text, mood and story"].how == "not measured"
    page = made._repr_html_()
    assert page.count("data:image/jpeg") == 2 and "light: direction" in page
    with pytest.raises(KeyError, match="light, azimuth"):
        _ = first["light, nonsense"]
    kept = json.loads((made.folder / "shoot.json").read_text())
    assert kept["pictures"][0]["table"] == [one.to_dict() for one in first.table]


def test_foreign_pictures_one_row_each(
    made: lookweave.ShootResult, dress_photo: Path, tmp_path: Path, call: Call
) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    large = Image.open(made[0].path).resize((512, 768))
    large.save(folder / "a.png")
    wrong = dress_photo.with_name("lw-00019.jpg")
    (folder / "b.jpg").write_bytes(wrong.read_bytes())
    (folder / "c.jpg").write_bytes(b"no picture")
    out = tmp_path / "out"
    code, said, err = call(
        "judge", folder, "--against", dress_photo, "--text", "a white dress",
        "--among", dress_photo.parent, "--out", out, "--json",
    )  # fmt: skip
    assert code == 0, err
    told = json.loads(said)
    assert [Path(one["file"]).name for one in told["pictures"]] == ["a.png", "b.jpg"]
    assert told["rejects"][0]["reason"] == "not_an_image"
    tables = [
        {f"{r['control']}, {r['probe']}": r for r in one["table"]} for one in told["pictures"]
    ]
    likeness = [table["garments, garment 1, likeness"]["got"] for table in tables]
    assert likeness[0] > likeness[1] + 0.2
    assert tables[0]["garments, garment 1, rank"]["got"] <= 3
    assert (
        tables[1]["garments, garment 1, rank"]["got"]
        > tables[0]["garments, garment 1, rank"]["got"]
    )
    assert tables[0]["light, direction"]["how"] == "not measured"
    assert tables[0]["pose, joints"]["how"] == "not measured"
    page = (out / "judge.html").read_text()
    assert "a.png" in page and "c.jpg" in page and "<script" not in page
    assert json.loads((out / "judge.json").read_text()) == told
    assert (out / "contact-sheet.jpg").is_file()
    code, said, _ = call("judge", folder, "--against", dress_photo)
    assert code == 0 and "a.png" in said and "not looked at" in said


def test_with_its_record_the_light_is_told_and_other_pictures_are_not_believed(
    made: lookweave.ShootResult, fits: Path, tmp_path: Path
) -> None:
    again = lookweave.judge(shoot=made.folder / "shoot.json", cache=fits)
    assert [one.path.name for one in again] == [one.path.name for one in made]
    own = again[0]["light, direction"]
    assert own.error == pytest.approx(made[0]["light, direction"].error, abs=6)  # of a JPEG now
    assert again[0]["pose, joints"].how == "by construction"
    # The same name elsewhere is another's work: nothing in it is exact by construction.
    other = tmp_path / made[0].path.name
    noise = np.random.default_rng(0).integers(0, 255, (192, 128, 3), dtype=np.uint8)
    Image.fromarray(noise).save(other)
    (tmp_path / "wide.jpg").write_bytes(b"")
    Image.new("RGB", (300, 100)).save(tmp_path / "shoot-00001.jpg")
    found = lookweave.judge(
        [other, tmp_path / "shoot-00001.jpg"], shoot=made.folder / "shoot.json", cache=fits
    )  # fmt: skip
    assert len(found) == 1
    assert found[0]["pose, joints"].how == "not measured"
    assert found[0]["light, direction"].how == "not measured"
    assert found.rejects[0]["reason"] == "other_shape"


def test_wrong_calls(dress_photo: Path, tmp_path: Path, call: Call) -> None:
    assert call("judge", tmp_path)[0] == 2
    code, _, err = call("judge", dress_photo)
    assert code == 2 and "--against" in err
    code, _, err = call("judge", tmp_path / "no.jpg", "--against", dress_photo)
    assert code == 2 and "no.jpg" in err
    code, _, err = call("judge", dress_photo, "--against", "lw-00012")
    assert code == 2 and "--workspace" in err
    code, _, err = call("judge", dress_photo, "--shoot", dress_photo)
    assert code == 2 and "shoot.json" in err
    code, _, err = call("judge", "--matrix", "--against", dress_photo, "--out", tmp_path / "m")
    assert code == 2 and "two garments" in err


def test_garments_of_a_workspace(
    renderer: Any, fits: Path, dress_photo: Path, tmp_path: Path, call: Call
) -> None:
    rows = ["path,sku,title,rights", f"{dress_photo},D-12,Flower dress,CC0-1.0"]
    for n, (number, rights) in enumerate([("00019", "all rights reserved"), ("00022", "CC BY-ND 4.0"),
                                          ("00006", "CC0-1.0")]):  # fmt: skip
        rows.append(f"{dress_photo.with_name(f'lw-{number}.jpg')},G-{n},Garment {n},{rights}")
    (tmp_path / "garments.csv").write_text("\n".join(rows) + "\n")
    looks = tmp_path / "looks"
    looks.mkdir()
    (looks / "a.jpg").write_bytes(next(dress_photo.parents[1].glob("looks/*.jpg")).read_bytes())
    workspace = lookweave.build(
        tmp_path / "garments.csv", looks, out=tmp_path / "ws", models="whole-photo"
    )  # fmt: skip
    out = tmp_path / "out"
    code, said, err = call(
        "shoot", "D-12", "--workspace", tmp_path / "ws", "--out", out, "--width", "96",
        "--height", "144", "--cache", fits, "--json",
    )  # fmt: skip
    assert code == 0, err
    told = json.loads(said)
    assert told["shoot"]["garments"][0]["photo"] == str(dress_photo)
    assert told["shoot"]["garments"][0]["words"] == "Flower dress"
    for name, words in (("G-0", "all rights reserved"), ("G-1", "altered copies"),
                        ("D-99", "no garment D-99")):  # fmt: skip
        with pytest.raises(InputError, match=words):
            lookweave.shoot(name, out=tmp_path / "no", workspace=workspace, size=(96, 144))
    workspace.take_down("G-2", statement="asked to")
    with pytest.raises(InputError, match="taken_down"):
        lookweave.shoot(["D-12", "G-2"], out=tmp_path / "no", workspace=workspace, size=(96, 144))
    with pytest.raises(InputError, match="taken_down"):
        lookweave.judge(dress_photo, against="G-2", workspace=tmp_path / "ws")
    assert not (tmp_path / "no").exists()


def test_the_matrix(renderer: Any, fits: Path, dress_photo: Path, tmp_path: Path) -> None:
    both = [dress_photo, dress_photo.with_name("lw-00019.jpg")]
    found = intervention_matrix(both, out=tmp_path, shoots=3, size=(128, 192), cache=fits)
    kept = json.loads((tmp_path / "matrix.json").read_text())
    assert kept == found.to_dict()
    assert list(found.cells) == [
        "garments", "wearer", "pose", "camera", "scene", "light", "style", "new seed",
    ]  # fmt: skip
    cells = found.cells
    for name in ("garments, colour", "garments, likeness", "camera, view", "scene, place"):
        assert found.diagonal()[name] == pytest.approx(1, abs=0.3), name
    # What is exact by construction leaks nothing; the cloth's colour stays under everything else.
    for moved in ("garments", "scene", "light", "style", "new seed"):
        assert cells[moved]["pose, joints"] == cells[moved]["camera, view"] == 0
    assert max(cells[m]["garments, colour"] or 0 for m in cells if m != "garments") < 0.25
    assert found.bits["pose"] == found.bits["camera"] == 3
    with Image.open(tmp_path / "matrix.png") as image:
        assert image.width > 800
    with Image.open(tmp_path / "matrix-pictures.jpg") as image:
        assert image.width > 9 * 170
