"""A shoot as a folder, from the command line and from Python."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

pytest.importorskip("tomli_w", reason="the extra [studio] is not installed")

from lookweave.cli.app import app
from lookweave.errors import InputError, WorkError
from lookweave.studio.shoot import shoot
from lookweave.studio.shoot.record import Shoot

SMALL = (96, 144)


def test_pictures_a_table_and_a_sheet(
    renderer: Any, fitted: Any, fits: Path, dress_photo: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    arguments = [
        "shoot", str(dress_photo), "--pose", "walking", "--scene", "studio", "--light", "window",
        "--style", "grain=2", "--text", "a woman from the side, quiet", "--count", "2", "--seed", "5",
        "--width", "96", "--height", "144", "--out", str(out), "--cache", str(fits), "--json",
    ]  # fmt: skip
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["made"] == 2
    kept = json.loads((out / "shoot.json").read_text())
    assert [one["file"] for one in kept["pictures"]] == ["shoot-00000.jpg", "shoot-00001.jpg"]
    assert kept["generator"]["controls"]["text"] == "ignored"
    assert kept["shoot"]["prompt"] == "from the side, quiet"
    assert any('"a woman"' in line for line in kept["read"])
    for one in kept["pictures"]:
        stated = Shoot.checked(one["shoot"])
        assert (stated.pose.name, stated.scene.name) == ("walking", "studio")
        assert one["digest"] == stated.digest()
        rows = {(row["control"], row["probe"]): row for row in one["table"]}
        assert rows["camera", "azimuth"]["error"] == pytest.approx(0, abs=0.01)
        assert rows["pose", "yaw"]["error"] == 0
        assert rows["garments", "garment 1, colour without light and finish"]["error"] < 10
        assert rows["garments", "garment 1, likeness"]["how"] == "measured"
        assert rows["text", "mood and story"]["how"] == "not measured"
        with Image.open(out / one["file"]) as image:
            assert image.size == SMALL
            assert b"compositeSynthetic" in image.info["xmp"]
    with Image.open(out / "contact-sheet.jpg") as page:
        assert b"compositeSynthetic" in page.info["xmp"]
    # Called again for more, it goes on; what is there stays.
    before = (out / "shoot-00000.jpg").stat().st_mtime_ns
    arguments[arguments.index("--count") + 1] = "3"
    again = CliRunner().invoke(app, arguments)
    assert json.loads(again.stdout)["made"] == 1
    assert (out / "shoot-00000.jpg").stat().st_mtime_ns == before
    # A picture that was lost comes back the same.
    first = np.asarray(Image.open(out / "shoot-00001.jpg")).copy()
    (out / "shoot-00001.jpg").unlink()
    assert json.loads(CliRunner().invoke(app, arguments).stdout)["made"] == 1
    assert np.array_equal(np.asarray(Image.open(out / "shoot-00001.jpg")), first)
    # Another shoot does not get into this folder.
    with pytest.raises(InputError, match="another shoot"):
        shoot(dress_photo, out=out, pose="dancing", size=SMALL, cache=fits)
    # The written record is a recipe.
    recipe = tmp_path / "recipe.json"
    recipe.write_text(json.dumps(kept["shoot"]))
    other = CliRunner().invoke(
        app, ["shoot", "--recipe", str(recipe), "--out", str(tmp_path / "o2"), "--cache", str(fits), "--json"]
    )  # fmt: skip
    assert other.exit_code == 0, other.output
    same = np.asarray(Image.open(tmp_path / "o2" / "shoot-00000.jpg"))
    assert np.array_equal(same, np.asarray(Image.open(out / "shoot-00000.jpg")))


def test_no_picture_of_what_cannot_be_fitted(
    renderer: Any, fits: Path, dress_photo: Path, tmp_path: Path
) -> None:
    hat = dress_photo.with_name("lw-00000.jpg")
    with pytest.raises(WorkError, match=r"lw-00000\.jpg.*hat.*category_unfit"):
        shoot(hat, out=tmp_path / "out", size=SMALL, cache=fits)
    assert not list(tmp_path.rglob("shoot-*"))


def test_a_folder_of_other_pictures_is_left_alone(dress_photo: Path, tmp_path: Path) -> None:
    (tmp_path / "shoot-1.jpg").write_bytes(b"mine")
    with pytest.raises(InputError, match="choose another folder"):
        shoot(dress_photo, out=tmp_path, size=SMALL)
    (tmp_path / "shoot.json").write_text("{}")
    with pytest.raises(InputError, match=r"shoot\.json cannot be read"):
        shoot(dress_photo, out=tmp_path, size=SMALL)
    assert (tmp_path / "shoot-1.jpg").read_bytes() == b"mine"


def test_wrong_calls(dress_photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for changes, words in (
        ({"pose": "flying"}, "not understood"), ({"vary": ["garments"]}, "no control to vary"),
        ({"text": "two children"}, "minor"), ({"size": (10, 10)}, "size"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=words):
            shoot(dress_photo, out=out, **changes)  # type: ignore[arg-type]
    assert not out.exists()
