"""Badge, content credentials, layers: read back by others' readers."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

pytest.importorskip("tomli_w", reason="the extra [studio] is not installed")
pytest.importorskip("psd_tools", reason="the extra [provenance] is not installed")
pytest.importorskip("c2pa", reason="the extra [provenance] is not installed")

from psd_tools import PSDImage

from lookweave.cli.app import app
from lookweave.errors import InputError
from lookweave.studio.shoot import label, leaving, provenance
from lookweave.studio.shoot.record import Shoot

PICTURE = np.random.default_rng(0).integers(0, 256, (72, 48, 3), dtype=np.uint8)


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    path = tmp_path / "a.jpg"
    label.save(PICTURE, path, "compositeSynthetic", "walking", "ab12")
    return path


def test_a_shoot_with_all_that_goes_with_it(
    renderer: Any, fitted: Any, fits: Path, dress_photo: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    result = CliRunner().invoke(app, [
        "shoot", str(dress_photo), "--pose", "walking", "--scene", "beach", "--width", "96",
        "--height", "144", "--out", str(out), "--cache", str(fits), "--psd", "--badge",
        "--c2pa-self-signed", "--json",
    ])  # fmt: skip
    assert result.exit_code == 0, result.output
    found = provenance.read(out / "shoot-00000.jpg")
    assert found is not None and found.problems == ("signingCredential.untrusted",)
    psd = PSDImage.open(out / "shoot-00000.psd")
    names = [layer.name for layer in psd]
    assert names == ["Place", "Person", "Garment 1", "Finish", "Light", "Depth", "Normals"]
    assert [layer.visible for layer in psd] == [True] * 4 + [False] * 3
    merged = np.asarray(psd.topil().convert("RGB"))
    assert np.array_equal(np.asarray(psd.composite(force=True).convert("RGB")), merged)
    if shutil.which("convert"):
        seen = tmp_path / "magick.png"
        subprocess.run(["convert", f"{out}/shoot-00000.psd[0]", str(seen)], check=True)
        assert np.array_equal(np.asarray(Image.open(seen).convert("RGB")), merged)
    # The person's layer is the person: nothing of it where there is none.
    person = np.asarray(psd[1].mask.topil())
    mask = np.asarray(Image.open(out / "shoot-00000-person.png"))
    assert np.array_equal(person > 0, mask > 0) and 0.05 < (mask > 127).mean() < 0.9
    finish = np.asarray(psd[3].mask.topil())
    assert (finish > 0).mean() < 0.5  # most of the picture is in the layers under it
    garment = np.asarray(Image.open(out / "shoot-00000-garment-1.png"))
    assert garment[mask == 0].max() == 0 and garment.max() == 255
    with Image.open(out / "shoot-00000.jpg") as shown:
        differs = np.abs(np.asarray(shown).astype(int) - merged).max(-1) > 60
    assert differs[-30:, :70].any() and not differs[:-30].any()  # the badge, there alone
    recipe = Shoot.read(out / "shoot-00000.toml")
    kept = json.loads((out / "shoot.json").read_text())["pictures"][0]
    assert recipe.pose.name == kept["shoot"]["pose"]["name"] == "walking"
    if shutil.which("exiftool"):
        told = _exiftool(out / "shoot-00000.psd")
        assert told["DigitalSourceType"] == label.VOCABULARY + "compositeSynthetic"


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="exiftool is not installed")
def test_exiftool_reads_what_ai_made_it(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    label.save(PICTURE, path, "compositeWithTrainedAlgorithmicMedia", "d", "i", "FLUX <2>", 'a "b"')
    provenance.sign(path, provenance.self_signed(), "compositeWithTrainedAlgorithmicMedia", "a")
    told = _exiftool(path)
    assert told["AISystemUsed"] == "FLUX <2>" and told["AIPromptInformation"] == 'a "b"'
    assert told["DigitalSourceType"].endswith("/compositeWithTrainedAlgorithmicMedia")


def _exiftool(path: Path) -> Any:
    told = subprocess.run(["exiftool", "-json", "-n", str(path)], capture_output=True, check=True)
    return json.loads(told.stdout)[0]


def test_credentials_are_read_back_and_a_change_is_seen(labelled: Path) -> None:
    assert provenance.read(labelled) is None
    given = provenance.self_signed()
    provenance.sign(labelled, given, "compositeSynthetic", "a", "Some model")
    found = provenance.read(labelled)
    assert found is not None and not found.trusted
    (action,) = found.manifest["assertions"][0]["data"]["actions"]
    assert action["digitalSourceType"] == label.VOCABULARY + "compositeSynthetic"
    assert action["softwareAgent"]["name"] == "Some model"
    assert b"digitalsourcetype/compositeSynthetic" in Image.open(labelled).info["xmp"]
    data = bytearray(labelled.read_bytes())
    data[-200] ^= 255
    labelled.write_bytes(data)
    changed = provenance.read(labelled)
    assert changed is not None and "assertion.dataHash.mismatch" in changed.problems


def test_credentials_from_files(labelled: Path, tmp_path: Path) -> None:
    given, other = provenance.self_signed(), provenance.self_signed()
    chain, key, wrong = (tmp_path / name for name in ("chain.pem", "key.pem", "other.pem"))
    chain.write_bytes(given.certificates)
    key.write_bytes(given.key)
    wrong.write_bytes(other.key)
    assert provenance.credentials(chain, key) == given
    with pytest.raises(InputError, match="is not the key"):
        provenance.credentials(chain, wrong)
    with pytest.raises(InputError, match="must be PEM"):
        provenance.credentials(labelled, key)
    with pytest.raises(InputError, match="cannot be read"):
        provenance.credentials(tmp_path / "none.pem", key)
    before = labelled.read_bytes()
    broken = provenance.Credentials(given.certificates, other.key, "es256")
    with pytest.raises(InputError, match="cannot be signed"):
        provenance.sign(labelled, broken, "compositeSynthetic", "a")
    assert labelled.read_bytes() == before and len(list(tmp_path.glob(".signed*"))) == 0


def test_the_badge_says_what_made_the_picture() -> None:
    large = np.full((360, 240, 3), 128, np.uint8)
    rendered, by_ai = (
        leaving.badged(large, kind)
        for kind in ("compositeSynthetic", "compositeWithTrainedAlgorithmicMedia")
    )
    changed = (by_ai != large).any(-1)
    assert changed[300:].sum() > changed.sum() * 0.99 and not np.array_equal(rendered, by_ai)
    assert by_ai.max() > 240
