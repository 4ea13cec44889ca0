from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from tests.conftest import Call, write_photos

from lookweave.models.protocols import Tokens
from lookweave.report.parts import COLOURS, answers, drawn

BOX, ELSEWHERE = (10.0, 20.0, 110.0, 220.0), (300.0, 100.0, 350.0, 200.0)


def tokens_on_a_grid(seed: int, side: int = 6) -> Tokens:
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(side * side, 32))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    line = (np.arange(side) + 0.5) / side * 255
    places = np.stack(np.meshgrid(line, line, indexing="ij"), axis=2).reshape(-1, 2)
    values = np.clip(np.rint(200 * vectors), -127, 127).astype(np.int8)
    return Tokens(values, np.rint(places).astype(np.uint8))


def test_answers_lie_where_the_same_part_lies_in_the_other_photo() -> None:
    garment = tokens_on_a_grid(1)
    order = np.random.default_rng(2).permutation(36)[:20]
    region = Tokens(garment.values[order], garment.places[order])
    found = answers(garment, BOX, region, ELSEWHERE)
    assert len(found) == len(COLOURS)
    for one in found:
        across = (one.garment[0] - BOX[0]) / 100, (one.look[0] - ELSEWHERE[0]) / 50
        down = (one.garment[1] - BOX[1]) / 200, (one.look[1] - ELSEWHERE[1]) / 100
        assert np.allclose(across[0], across[1]) and np.allclose(down[0], down[1])
        assert one.cosine > 0.85
    places = np.array([one.garment for one in found]) / (100, 200)
    apart = np.linalg.norm(places[:, None] - places[None], axis=2) + np.eye(len(found))
    assert apart.min() >= 0.14
    assert [one.cosine for one in found] == sorted((one.cosine for one in found), reverse=True)
    assert len(answers(garment, BOX, region, ELSEWHERE, most=3)) == 3


def test_the_picture_has_a_dot_of_one_colour_at_either_end() -> None:
    garment = tokens_on_a_grid(1)
    found = answers(garment, BOX, garment, ELSEWHERE, most=2)
    white, grey = Image.new("RGB", (200, 300), "white"), Image.new("RGB", (400, 300), (99, 99, 99))
    picture = np.asarray(drawn(white, BOX, grey, ELSEWHERE, found, height=200))
    assert picture.shape == (200, 100 + 100 + 4, 3)
    for number, one in enumerate(found):
        colour = np.all(picture == COLOURS[number], axis=2)
        rows, columns = np.nonzero(colour)
        left, right = columns < 100, columns >= 104
        assert abs(columns[left].mean() - (one.garment[0] - BOX[0])) < 2
        assert abs(rows[left].mean() - (one.garment[1] - BOX[1])) < 2
        assert abs(columns[right].mean() - 104 - 2 * (one.look[0] - ELSEWHERE[0])) < 2
        assert abs(rows[right].mean() - 2 * (one.look[1] - ELSEWHERE[1])) < 2


def test_the_sheet_shows_them_where_parts_were_compared(tmp_path: Path, call: Call) -> None:
    garments, looks, _ = write_photos(tmp_path, 2)
    photos = ("--garments", garments, "--looks", looks)
    shown = {}
    for details in (True, False):
        folder = tmp_path / f"ws-{details}"
        folder.mkdir()
        (folder / "lookweave.toml").write_text(f"[match]\ndetails = {str(details).lower()}\n")
        assert call("build", *photos, "--out", folder)[0] == 0
        page = tmp_path / f"{details}.html"
        assert call("report", folder, "-o", page)[0] == 0
        text = page.read_text(encoding="utf-8")
        shown[details] = text.count('class="answers"'), "S<sub>detail</sub>" in text
    assert shown[False] == (0, False)
    assert shown[True][0] > 0 and shown[True][1]
