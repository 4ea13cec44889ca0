"""Pages for print: sizes, fonts, label, and the score of a story."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

pytest.importorskip("pikepdf", reason="the extra [studio] is not installed")

import pikepdf

from lookweave.cli.app import app
from lookweave.errors import InputError
from lookweave.studio.direction import layouts, shotlist
from lookweave.studio.direction.concept import conceive
from lookweave.studio.direction.moodboard import make_board
from lookweave.studio.shoot import label
from lookweave.studio.shoot.job import Picture
from lookweave.studio.shoot.record import Shoot

SIZE = (64, 96)


@pytest.fixture
def made(worn: Any, known: Any, tmp_path: Path) -> shotlist.Made:
    """Shots whose pictures are plain colours: what is tested here are the pages."""
    found = conceive(make_board(words="disco, dance, beach"), worn, known, count=1)
    listed = shotlist.shot_list(found.concepts[0], worn, ["dress"], SIZE)
    pictures = []
    for number, shot in enumerate(listed.shots):
        folder = tmp_path / "shots" / shot.folder
        folder.mkdir(parents=True)
        pixels = np.full((96, 64, 3), 40 * number + 20, np.uint8)
        label.save(pixels, folder / "shoot-00000.jpg", "compositeSynthetic", shot.role, "ab12")
        pictures.append(Picture("shoot-00000.jpg", shot.shoot, (), 0.0))
    return shotlist.Made(tmp_path / "shots", listed, tuple(pictures), {}, 0)


@pytest.mark.parametrize(
    ("layout", "pages", "shown"), [("single", 1, 1), ("double", 2, 2), ("story", 4, 5)]
)
def test_a_pdf_for_print(layout: str, pages: int, shown: int, made: Any, tmp_path: Path) -> None:
    result = layouts.spread(made, tmp_path / "p", layout=layout, title="Five & fine", credit="Us")
    assert (result.pages, len(result.shots)) == (pages, shown)
    assert json.loads((tmp_path / "p" / "spread.json").read_text()) == json.loads(
        json.dumps(result.to_dict())
    )
    with pikepdf.open(result.file) as pdf:
        assert len(pdf.pages) == pages
        points = 72 / 25.4
        for page in pdf.pages:
            box = [float(v) for v in page.trimbox]
            assert box[2] - box[0] == pytest.approx(225 * points, abs=0.01)
            assert box[0] == pytest.approx(3 * points, abs=0.01)
            fonts = page.Resources.Font
            for name in fonts:
                assert "/FontFile2" in fonts[name].FontDescriptor  # embedded
        assert b"compositeSynthetic" in pdf.Root.Metadata.read_bytes()
        assert str(pdf.Root.OutputIntents[0].OutputConditionIdentifier) == "sRGB"
    assert result.dots_per_inch < 20 and any("dots an inch" in note for note in result.notes)
    again = layouts.spread(made, tmp_path / "q", layout=layout, title="Five & fine", credit="Us")
    assert again.file.read_bytes() == result.file.read_bytes()


def test_a_web_page_and_a_bundle(made: Any, tmp_path: Path) -> None:
    title = "Five & <b>fine</b> </script>"
    result = layouts.spread(made, tmp_path / "p", title=title, credit="Us & them")
    text = result.page.read_text(encoding="utf-8")
    assert "<b>fine" not in text and text.count("</script>") == 1
    assert text.count('src="data:image/jpeg;base64,') == 5 and "http://" not in text.replace(
        label.VOCABULARY, ""
    )
    start = text.index('ld+json">') + len('ld+json">')
    told = json.loads(text[start : text.index("</script>")])
    assert told["name"] == title and told["digitalSourceType"].endswith("/compositeSynthetic")
    assert len(told["hasPart"]) == 5
    with zipfile.ZipFile(result.bundle) as bundle:
        names = bundle.namelist()
        assert names[:3] == ["spread.pdf", "spread.html", "spread.json"] and len(names) == 3 + 10
        assert bundle.read("pictures/01-opener.jpg") == made.path(0).read_bytes()
        recipe = bundle.read("recipes/01-opener.toml").decode()
        everything = b"".join(bundle.read(name) for name in names if not name.endswith("pdf"))
    shoot = Shoot.from_toml(recipe)
    asked = made.pictures[0].shoot
    assert shoot.pose == asked.pose and asked.digest() in recipe
    assert shoot.garments[0].photo == Path(asked.garments[0].photo).name
    assert str(tmp_path).encode() not in everything  # no path of this machine
    again = layouts.spread(made, tmp_path / "q", title=title, credit="Us & them")
    assert again.bundle.read_bytes() == result.bundle.read_bytes()


def test_an_ai_that_made_a_picture_is_named(made: Any, tmp_path: Path) -> None:
    path = made.path(1)
    pixels = np.full((96, 64, 3), 90, np.uint8)
    trained = "compositeWithTrainedAlgorithmicMedia"
    label.save(pixels, path, trained, "walk", "ab12", "painter-2", "a walk & a <dress>")
    assert label.read(path) == label.Label(trained, "painter-2", "a walk & a <dress>")
    result = layouts.spread(made, tmp_path / "p", layout="double")
    with pikepdf.open(result.file) as pdf:
        told = pdf.Root.Metadata.read_bytes().decode()
    assert trained in told and "painter-2" in told and "compositeSynthetic" not in told
    Image.fromarray(pixels).save(path)  # the label is lost
    with pytest.raises(InputError, match="does not say how it was made"):
        layouts.spread(made, tmp_path / "q", layout="double")


def test_stars_choose_and_order(made: Any, tmp_path: Path) -> None:
    forward = layouts.spread(made, tmp_path / "a", layout="double", stars=[1, 2]).story
    backward = layouts.spread(made, tmp_path / "b", layout="double", stars=[2, 1]).story
    assert (forward.order, backward.order) == (1.0, 0.5)
    assert forward.consistency == backward.consistency < 1.0


def test_wrong_calls(made: Any, tmp_path: Path) -> None:
    for given, words in (
        ({"layout": "poster"}, "no layout 'poster'"), ({"stars": [1, 2]}, "takes 5 pictures, not 2"),
        ({"layout": "single", "stars": [9]}, "Shot 9 has no picture"),
        ({"title": "\u6771\u4eac"}, "The fonts have no"), ({"credit": "\u0416"}, "The fonts have no"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=words):
            layouts.spread(made, tmp_path / "p", **given)
    assert not (tmp_path / "p").exists()
    run = CliRunner().invoke(app, ["spread", str(tmp_path / "none")])
    assert "holds no shots.json" in str(run.exception)
