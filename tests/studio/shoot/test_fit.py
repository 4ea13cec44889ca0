"""Product photos are fitted well, kept, or rejected with a reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("tomli_w", reason="the extra [studio] is not installed")

from lookweave.errors import InputError, Rejected
from lookweave.studio.render.body import Array
from lookweave.studio.render.lights import Lighting
from lookweave.studio.shoot import atlas, fit, mask, record, template
from lookweave.studio.shoot.template import Template

GREY = np.array([0.0, 0.0, 1.0])
FLAT = Lighting(GREY, np.zeros(3), np.array([[1 / 0.282095] * 3, *[[0.0] * 3] * 8]), shadows=False)


def test_a_dress_is_fitted_as_one(fitted: fit.Fitted) -> None:
    assert fitted.category == "dress"
    assert fitted.template.family == template.UPPER
    assert fitted.template.hem < 0.8
    assert fitted.overlap >= fit.LEAST_OVERLAP
    assert fitted.overlap > fitted.template_overlap
    assert 1 <= fitted.stretch < 2.5
    assert fitted.colour_error < 4
    assert 0.4 < fitted.invented < 0.8  # a photo shows one side


def test_it_is_kept_and_read_back_whole(
    renderer: Any,
    fitted: fit.Fitted,
    fits: Path,
    dress_photo: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fit, "cut_out", None)  # would be called by a second fit
    again = fit.fit(renderer, record.Garment(photo=str(dress_photo)), fits)
    assert again.report() == fitted.report()
    assert again.tiles == fitted.tiles
    assert np.array_equal(again.texture, fitted.texture)


def test_what_cannot_be_fitted_is_said(renderer: Any, dress_photo: Path, tmp_path: Path) -> None:
    hat = record.Garment(photo=str(dress_photo.with_name("lw-00000.jpg")))
    with pytest.raises(Rejected) as caught:
        fit.fit(renderer, hat)
    assert caught.value.reason == "category_unfit"
    assert "hat" in caught.value.detail
    blank = tmp_path / "blank.png"
    Image.new("RGB", (200, 300), "white").save(blank)
    with pytest.raises(Rejected) as caught:
        fit.fit(renderer, record.Garment(photo=str(blank)))
    assert caught.value.reason == "no_garment"
    with pytest.raises(InputError, match=r"nowhere\.jpg"):
        fit.fit(renderer, record.Garment(photo="nowhere.jpg"))


def test_legs_cut_to_nothing_show_nothing(renderer: Any) -> None:
    cut = Template(template.LEGS, hem=template.RANGES["hem"][1], leg=0.03, ankle=0.07)
    assert not (template.view(renderer, cut, (32, 48)).layer.id > 0).any()


def test_an_outline_that_no_template_has_is_rejected() -> None:
    with pytest.raises(Rejected) as caught:
        fit._judge(0.4, 0.99, 1.5)
    assert caught.value.reason == "outline_unfit"
    with pytest.raises(Rejected):
        fit._judge(0.9, 0.9, 1.5)
    with pytest.raises(Rejected, match="stretched by 5"):
        fit._judge(0.9, 0.95, 5.0)
    fit._judge(0.9, 0.95, 1.5)


@pytest.mark.parametrize(
    "one",
    [Template(hem=0.6, sleeve=0.19), Template(hem=1.0, sleeve=0.5, angle=40),
     Template(template.LEGS, hem=0.1, ankle=0.06), Template(template.SKIRT, hem=0.5)],
)  # fmt: skip
def test_the_shader_and_the_atlas_unroll_cloth_alike(renderer: Any, one: Template) -> None:
    """A texture that holds its own coordinates, drawn: every vertex shows where it should."""
    tiles = atlas.layout(one.family, one.hem, one.sleeve)
    coded: dict[tuple[int, int], Any] = {}
    for key, tile in tiles.items():
        height, width = atlas.size_of(tile)
        out = np.full((height, width, 4), 255, np.uint8)
        out[..., 0] = np.round(255 * np.sqrt(np.linspace(0, 1, width)))[None]
        out[..., 1] = np.round(255 * np.sqrt(np.linspace(0, 1, height)))[:, None]
        out[..., 2] = 40 + 60 * key[0]
        coded[key] = out
    made = fit.Fitted(
        f"coded {one}", "top", one, tiles, atlas.composed(tiles, coded), 1, 1, 1, 0, 0, 0
    )
    view = template.view(renderer, one, (256, 384))
    for part in view.dressed.parts:
        made.show(part)
        part.values["fold"] = (0.0, 0.4, 1.5, 0.0)
        part.values["gloss"] = 0.0
    layer = renderer.render(view.dressed.parts, view.camera, FLAT, (256, 384)).person
    checked = 0
    for part in view.dressed.parts:
        pixels, depth = view.camera.project(part.mesh.position, (256, 384))
        what, side, angle, height = atlas.unrolled(part.mesh.canonical, int(part.values["detail"]))
        x, y = pixels.astype(int).T
        inside = (x > 1) & (x < 254) & (y > 1) & (y < 382)
        for n in np.flatnonzero(inside)[::7]:
            seen = abs(layer.depth[y[n], x[n]] - depth[n]) < 0.004 and layer.id[y[n], x[n]] > 0
            tile = tiles.get((int(what[n]), int(side[n])))
            if not seen or tile is None or part.mesh.normal[n, 2] < 0.6:
                continue
            x4 = part.mesh.canonical[n]
            if abs(x4[3] - 0.5) < 0.3 or (what[n] != atlas.ARMS and abs(x4[1] - 0.9) < 0.03):
                continue  # at the edge of two tiles the pixel may lie on the other
            if atlas.Cut(*map(float, part.values["cut"])).distance(x4[None])[0] < 0.02:
                continue  # shaded edge
            wanted = _place(angle[n], height[n], tile)
            got = layer.colour[y[n], x[n]]
            # Blue names the tile; red and green are read against it, whatever the shade.
            shade = float(got[2]) / ((40 + 60 * what[n]) / 255) ** 2
            assert 0.5 < shade < 1.3
            assert got[:2] / shade == pytest.approx(wanted, abs=0.03)
            checked += 1
    assert checked > 40


def _place(angle: float, height: float, tile: atlas.Tile) -> Array:
    return np.array([angle / (2 * np.pi) + 0.5, (tile.high - height) / (tile.high - tile.low)])


def test_the_unseen_continues_the_edge_and_says_so() -> None:
    """On a cylinder of radius 1, seen from far: x = 100 sin(angle)."""
    rows, columns = atlas._ROWS, atlas._COLUMNS
    angle = (np.arange(columns) + 0.5) / columns * 2 * np.pi - np.pi
    flat = np.ones((rows, 1))
    pixel = np.stack([flat * 100 * np.sin(angle), np.arange(rows)[:, None] + 0 * angle], -1)
    surface = atlas.Surface(pixel, flat * np.cos(angle), flat * (angle + np.pi), flat * angle < 9)
    at, trust = atlas.continued(surface, 0.5)
    front = np.abs(angle) < 0.6
    assert at[5, front, 0] == pytest.approx(100 * np.sin(angle[front]))
    assert (trust[5, front] > 0.9).all()
    back = (np.abs(angle) > np.radians(75)) & (np.abs(angle) < 3.1)  # but for the very middle
    assert (trust[5, back] == 0).all()
    edge = 100 * np.sin(np.arccos(atlas._SQUARE))
    strip = np.abs(at[5, back, 0])
    assert strip.max() < edge + 3
    assert strip.min() > edge - 0.5 * edge - 3  # never further in than half of the half-width
    assert np.sign(at[5, back, 0]) == pytest.approx(np.sign(angle[back]))
    assert np.abs(np.diff(at[5, :, 0]))[10:-10].max() < 8  # no jumps but in the middle of the back


def test_gaps_are_no_cloth_and_letters_are() -> None:
    photo = np.full((400, 300, 3), 255, np.uint8)
    photo[40:360, 60:240] = (120, 30, 40)
    photo[60:360, 100:112] = 255  # a gap beside an arm, open below
    photo[150:170, 150:220] = 255  # white letters
    rough = np.zeros((400, 300), bool)
    rough[40:360, 60:240] = True
    found = mask._filled(photo, mask._refined(photo, rough), rough)
    assert not found[100:350, 104:108].any()
    assert found[155:165, 160:210].all()
    assert found[45:55, 150].all()


def test_colours_spread_beyond_the_edge_without_white() -> None:
    values = np.ones((64, 64, 3))
    inside = np.zeros((64, 64), bool)
    inside[20:40, 20:44] = True
    values[inside] = (0.2, 0.4, 0.6)
    spread = fit._spread(values, inside)
    assert np.abs(spread - [0.2, 0.4, 0.6]).max() < 1e-6


def test_a_photo_of_the_back_is_shown_at_the_back(
    renderer: Any, dress_photo: Path, tmp_path: Path
) -> None:
    front = dress_photo.with_name("lw-00008.jpg")  # a plain grey skirt
    pixels = np.asarray(Image.open(front).convert("RGB")).astype(float)
    cloth = pixels.min(-1, keepdims=True) < 200
    back = tmp_path / "back.png"
    red = np.where(cloth, pixels * [1.5, 0.3, 0.3], pixels)
    Image.fromarray(np.clip(red, 0, 255).astype(np.uint8)).save(back)
    garment = record.Garment(photo=str(front), back=str(back), words="grey midi skirt")
    made = fit.fit(renderer, garment)
    assert made.category == "skirt"
    middle = made.texture[atlas.SIDE // 2].astype(int)  # around, from behind over the front
    behind, ahead = middle[20], middle[atlas.SIDE // 2]
    assert behind[0] > 1.4 * behind[1]
    assert abs(ahead[0] - ahead[1]) < 12
    assert min(behind[3], ahead[3]) > 200
    assert made.invented < 0.4


def test_a_shops_words_name_the_category() -> None:
    assert fit._said("Blue shirt dress") == "dress"
    assert fit._said("Hoodie, grey") == "knitwear"
    assert fit._said("Norrland No. 5") is None
