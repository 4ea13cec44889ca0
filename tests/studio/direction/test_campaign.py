"""A collection in one look: what may be shown, going on after a kill, labels, and the estimate."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.testing import CliRunner

from lookweave import collection
from lookweave.cli.app import app
from lookweave.errors import InputError
from lookweave.publish.rights import RightsRules
from lookweave.sources import Options
from lookweave.studio.direction.campaign import Article, Brief, Physical
from lookweave.studio.shoot import fit

COLUMNS = ("sku", "title", "image", "rights", "taken_down", "category")


def catalogue(folder: Path, photo: Path) -> Path:
    """Three articles that may be shown, two of them by one photo, and four that may not."""
    folder.mkdir()
    for name in ("a", "b", "secret", "down", "frozen"):
        # The same picture with other bytes: another photo, with the same fit.
        (folder / f"{name}.jpg").write_bytes(photo.read_bytes() + name.encode())
    rows = [
        ("A-1", "Red dress", "a.jpg", "CC0", "", "dress"), ("A-2", "", "a.jpg", "CC0", "", ""),
        ("B-1", "Dress", "b.jpg", "cleared", "", "dress"),
        ("S-1", "Dress", "secret.jpg", "internal", "", ""), ("D-1", "Dress", "down.jpg", "", "yes", ""),
        ("F-1", "Dress", "frozen.jpg", "CC BY-ND 4.0", "", ""),
        ("M-1", "Dress", "missing.jpg", "", "", ""),
    ]  # fmt: skip
    with (folder / "list.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(rows)
    return folder / "list.csv"


def brief(folder: Path, **more: Any) -> Path:
    text = 'title = "Night"\nwords = "disco, studio"\nsize = [64, 96]\nseed = 5\n'
    path = folder / "brief.toml"
    path.write_text(text + "".join(f"{name} = {value}\n" for name, value in more.items()))
    return path


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_what_may_be_shown(dress_photo: Path, tmp_path: Path) -> None:
    path = catalogue(tmp_path / "shop", dress_photo)
    articles, refused, _ = collection.read(str(path), Options(), RightsRules())
    assert [(one.skus, one.category) for one in articles] == [
        (("A-1", "A-2"), "dress"), (("B-1",), "dress"),
    ]  # fmt: skip
    assert {one.skus[0]: one.reason for one in refused} == {
        "S-1": "rights_forbid", "D-1": "taken_down", "F-1": "no_derivatives",
        "M-1": "missing_file",
    }  # fmt: skip
    stricter = collection.read(str(path), Options(), RightsRules((), ("cleared",)))[0]
    assert [one.skus for one in stricter] == [("A-1", "A-2")]

    class Known:
        def covers(self, photo: str, places: list[str]) -> bool:
            return photo == articles[0].id

    left = collection.read(str(path), Options(), RightsRules(), Known())[0]  # type: ignore[arg-type]
    assert [one.id for one in left] == [articles[1].id]


def test_a_studio_costs_what_the_brief_says(tmp_path: Path) -> None:
    figures = Physical(currency="EUR", cost_day=4000, articles_day=25, cost_article=12.5)
    assert figures.cost(26) == 2 * 4000 + 26 * 12.5
    assert Article("ab" * 10, "x.jpg", ("../Ä 1",)).folder == "1-abababab"
    for text, words in (
        ("", "say the look once"), ('words = "x"\nboard = "b.toml"', "say the look once"),
        ('words = "x"\n[physical]\ncurrency = "EUR"', "cost_day"),
    ):  # fmt: skip
        (tmp_path / "brief.toml").write_text(text)
        with pytest.raises(InputError, match=words):
            Brief.read(tmp_path / "brief.toml")


def test_killed_and_resumed(fitted: Any, fits: Path, dress_photo: Path, tmp_path: Path) -> None:
    path = catalogue(tmp_path / "shop", dress_photo)
    articles = collection.read(str(path), Options(), RightsRules())[0]
    cache = tmp_path / "fits"
    cache.mkdir()
    for one in articles:
        own = fits / f"{fitted.key}.npz"
        shutil.copy(own, fit.kept(one.garment(), cache))
    out = tmp_path / "out"
    asked = [
        "campaign", str(path), "--brief", str(brief(tmp_path)), "--out", str(out), "--cache",
        str(cache), "--json",
    ]  # fmt: skip
    dry = CliRunner().invoke(app, [*asked, "--dry-run"])
    assert dry.exit_code == 0, dry.output
    before = json.loads(dry.stdout)["plan"]
    assert (before["articles"], before["done"], before["fits"], before["pictures"]) == (2, 0, 0, 4)
    assert before["physical"] is None and not out.exists()
    process = subprocess.Popen(
        [sys.executable, "-m", "lookweave", *asked], stdout=subprocess.DEVNULL
    )
    until = time.monotonic() + 120
    while len(made := sorted(out.glob("*/*/shoot-00000.jpg"))) < 2 and time.monotonic() < until:
        assert process.poll() is None
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    recorded = [
        one for one in made if json.loads(one.with_name("shoot.json").read_text())["pictures"]
    ]
    assert 1 <= len(recorded) < 4
    kept = {one: one.stat().st_mtime_ns for one in recorded}
    run = CliRunner().invoke(app, asked)
    assert run.exit_code == 0, run.output
    told = json.loads(run.stdout)
    assert told["made"] == 4 - len(kept)
    assert {one: one.stat().st_mtime_ns for one in recorded} == kept
    pictures = rows(out / "pictures.csv")
    assert [one["sku"] for one in pictures[::2]] == ["A-1 A-2", "B-1"]
    assert {one["shot"] for one in pictures} == {"full length", "detail"}
    assert sorted(one["reason"] for one in rows(out / "rejects.csv")) == [
        "missing_file", "no_derivatives", "rights_forbid", "taken_down",
    ]  # fmt: skip
    shoots = [
        json.loads((out / one["file"]).with_name("shoot.json").read_text()) for one in pictures
    ]
    for control in ("scene", "light", "style"):
        assert len({json.dumps(one["shoot"][control]) for one in shoots}) == 1
    files = sorted(out.rglob("*.jpg"))
    assert len(files) == 4 + 4 + 2  # pictures, sheets of shoots, sheets of articles
    if shutil.which("exiftool"):
        read = subprocess.run(
            ["exiftool", "-json", "-n", "-DigitalSourceType", *map(str, files)],
            capture_output=True, check=True, text=True,
        )  # fmt: skip
        found = [one.get("DigitalSourceType", "") for one in json.loads(read.stdout)]
        assert len(found) == len(files) and all("compositeSynthetic" in one for one in found)
    else:
        for file in files:
            with Image.open(file) as image:
                assert b"compositeSynthetic" in image.info["xmp"]
    done = CliRunner().invoke(app, asked)
    assert json.loads(done.stdout)["made"] == 0
    brief(tmp_path, shots='["opener"]')
    other = CliRunner().invoke(app, asked)
    assert "another brief" in str(other.exception)
