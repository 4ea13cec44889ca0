"""Each probe sees what it is about, and little else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from lookweave.studio.judge import composition, identity, lettering, narrative, pose, shading, style
from lookweave.studio.render.develop import Develop, graded
from lookweave.studio.render.fabrics import encode
from lookweave.studio.render.lights import direction
from lookweave.studio.shoot.colours import glow


def ball(azimuth: float, elevation: float, key: float, kelvin: float) -> Any:
    """A matt ball under a key and an even fill: picture, normals, albedo, where it is."""
    y, x = np.mgrid[1:-1:160j, -1:1:160j]
    inside = x**2 + y**2 < 0.9
    z = np.sqrt(np.clip(1 - x**2 - y**2, 0, 1))
    normals = np.stack([x, y, z], -1)
    albedo = np.broadcast_to([0.5, 0.4, 0.3], normals.shape)
    lit = np.clip(normals @ direction(azimuth, elevation), 0, None)[..., None]
    light = 0.25 * (1 + lit * 2**key * glow(kelvin))
    picture = np.clip(encode(albedo * light) * 255, 0, 255).round().astype(np.uint8)
    return picture, normals, albedo, inside


@pytest.mark.parametrize(
    ("azimuth", "elevation", "key", "kelvin"),
    [(-60, 30, 1.5, 5500), (45, 10, 0.5, 3200), (80, 55, 1.0, 8000)],
)
def test_the_light_of_a_ball_is_found(
    azimuth: float, elevation: float, key: float, kelvin: float
) -> None:
    picture, normals, albedo, inside = ball(azimuth, elevation, key, kelvin)
    found = shading.estimated(picture, normals, albedo, inside, lambda n: np.ones(len(n)))
    assert found is not None
    assert shading.angle_between(found.towards, direction(azimuth, elevation)) < 2
    assert found.key_to_fill == pytest.approx(key, abs=0.1)
    assert shading.mired(found.kelvin) == pytest.approx(shading.mired(kelvin), abs=6)


def test_an_even_light_and_too_little_surface_are_said() -> None:
    picture, normals, albedo, inside = ball(60, 30, -2.5, 5500)
    found = shading.estimated(picture, normals, albedo, inside, lambda n: np.ones(len(n)))
    assert found is not None and found.even
    few = np.zeros_like(inside)
    few[80, 80:100] = True
    assert shading.estimated(picture, normals, albedo, few, lambda n: np.ones(len(n))) is None


def scene(seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    smooth = ndimage.gaussian_filter(rng.uniform(0, 255, (240, 160, 3)), (18, 18, 0))
    spread = (smooth - smooth.min()) / (smooth.max() - smooth.min())
    return (30 + 190 * spread).astype(np.uint8)


@pytest.mark.parametrize("grade", ["clean", "warm", "cool", "faded"])
def test_a_finish_is_found_and_undone(grade: str) -> None:
    plain = scene()
    image = np.asarray(graded(plain.astype(np.float32) / 255, Develop(grade=grade)), float)
    t = np.clip(image, 0, 1)
    made = t + 0.4 * (t * t * (3 - 2 * t) - t)
    picture = np.clip(made * 255 + 0.5, 0, 255).astype(np.uint8)
    found = style.finish_of(picture, plain)
    assert found.grade == grade
    assert found.contrast == pytest.approx(0.4, abs=0.03)
    assert found.vignette == pytest.approx(0, abs=0.03)
    back = style.undone(picture, found).astype(int)
    assert np.abs(back - plain)[20:-20, 20:-20].mean() < 3
    assert style.finish_of(plain, plain).unexplained < 0.01


def test_grain_is_measured_in_its_own_unit() -> None:
    plain = np.full((768, 512, 3), 128, np.uint8)
    noise = ndimage.gaussian_filter(np.random.default_rng(1).normal(size=(768, 512)), 0.55)
    for asked in (3.0, 8.0):
        grain = noise / noise.std() * asked
        picture = np.clip(plain + grain[..., None], 0, 255).round().astype(np.uint8)
        assert style.grain_of(picture) == pytest.approx(asked, rel=0.12)
        assert style.grain_of(picture, plain) == pytest.approx(asked, rel=0.12)
    assert style.grain_of(plain) < 0.1


def test_the_distance_to_a_palette() -> None:
    picture = np.zeros((90, 90, 3), np.uint8)
    picture[:, :60] = (180, 40, 40)
    lab = style.palette_of(picture)[0][0]
    assert style.palette_distance(picture, [lab, (0.0, 0.0, 0.0)]) < 0.5
    assert style.palette_distance(picture, [(60.0, -50.0, 40.0)]) > 30


def striped(period: int) -> tuple[Any, Any]:
    photo = np.full((300, 200, 3), 255, np.uint8)
    stripes = (np.arange(300) // period) % 2 * 120 + 60
    photo[40:260, 40:160] = stripes[40:260, None, None]
    mask = np.zeros((300, 200), bool)
    mask[40:260, 40:160] = True
    return photo, mask


def test_texture_falls_with_blur_and_does_not_see_the_ground() -> None:
    photo, mask = striped(4)
    sharp = identity.bands(photo, mask)
    soft = np.asarray(ndimage.gaussian_filter(photo.astype(float), (3, 3, 0))).astype(np.uint8)
    assert identity.bands(soft, mask)[0, 0] < 0.2 * sharp[0, 0]
    other = photo.copy()
    other[~mask] = (10, 200, 90)
    assert np.allclose(identity.bands(other, mask), sharp, atol=0.6)
    assert identity.texture_distance(sharp, sharp) == 0
    coarse = identity.bands(*striped(16))
    assert coarse[0, 0] / coarse[0, 2] < sharp[0, 0] / sharp[0, 2]


def test_the_same_garment_is_alike_and_another_is_not(dress_photo: Path) -> None:
    from lookweave.studio.judge.pictures import own_of
    from lookweave.studio.shoot.record import Garment

    own = own_of(Garment(photo=str(dress_photo)))
    seen = identity.Seen(own.photo, own.mask, own.mask)
    rows = {row.probe: row for row in identity.identity("it", own, seen)}
    assert rows["it, colour"].error == pytest.approx(0, abs=0.01)
    assert rows["it, texture inside"].error == pytest.approx(0, abs=0.01)
    assert rows["it, colour without light and finish"].how == "not measured"
    red = own.photo.copy()
    red[own.mask] = (red[own.mask] * [1, 0.4, 0.4]).astype(np.uint8)
    other = {r.probe: r for r in identity.identity("it", own, replace(seen, picture=red))}
    assert other["it, colour"].error > 15
    assert other["it, likeness"].error > rows["it, likeness"].error + 0.05
    nothing = replace(seen, mask=np.zeros_like(own.mask))
    assert {r.how for r in identity.identity("it", own, nothing)} == {"not measured"}


def test_words_are_held_against_the_picture() -> None:
    garments = Path(__file__).parents[3] / "src/lookweave/demo/sample/garments"
    from lookweave.studio.judge.pictures import own_of
    from lookweave.studio.shoot.record import Garment

    own = own_of(Garment(photo=str(garments / "lw-00019.jpg")))  # green and yellow stripes
    vector = own.vector[None]
    right, unread = narrative.claims_of("a green top, quiet", vector)
    wrong, _ = narrative.claims_of("purple shoes", vector)
    assert unread == ("quiet",)
    assert {one.concept for one in right} == {"green", "top"}
    assert np.mean([c.share for c in right]) > np.mean([c.share for c in wrong]) + 0.3
    assert narrative.rows("", vector)[0].how == "not measured"
    assert "quiet" in narrative.rows("quiet", vector)[0].note


def test_lettering_is_read_where_a_reader_is_installed() -> None:
    pytest.importorskip("rapidocr", reason="the extra [judge] is not installed")
    photo = np.full((220, 420, 3), (30, 60, 120), np.uint8)
    image = Image.fromarray(photo)
    ImageDraw.Draw(image).text((60, 80), "NORRLAND", fill="white", font=ImageFont.load_default(56))
    mask = np.ones((220, 420), bool)
    assert lettering.words_on(np.asarray(image), mask) == ("NORRLAND",)
    same = lettering.row("it", ("NORRLAND",), np.asarray(image), mask)
    assert (same.how, same.error) == ("measured", 0.0)
    blank = lettering.row("it", ("NORRLAND",), photo, mask)
    assert blank.error == 1.0
    assert lettering.distance(("Nor", "rland"), ("norrlamd",)) == pytest.approx(1 / 8)


def test_without_a_reader_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lettering, "_reader", lambda: None)
    photo, mask = np.zeros((9, 9, 3), np.uint8), np.ones((9, 9), bool)
    assert lettering.words_on(photo, mask) is None
    assert "lookweave[judge]" in lettering.row("it", None, photo, mask).note
    assert "no lettering" in lettering.row("it", (), photo, mask).note


def test_oks_and_pck_are_those_of_coco() -> None:
    rng = np.random.default_rng(0)
    joints = rng.uniform(0, 300, (17, 2))
    assert pose.oks(joints, joints, 9000) == pose.pck(joints, joints) == 1
    far = joints + 1000
    assert pose.oks(joints, far, 9000) < 1e-6 and pose.pck(joints, far) == 0
    # One joint away by twice its sigma and the square root of the area: exp(-1/2).
    moved = joints.copy()
    moved[9, 0] += 2 * 0.062 * np.sqrt(9000)
    assert pose.oks(joints, moved, 9000) == pytest.approx((16 + np.exp(-0.5)) / 17)
    lost = joints.copy()
    lost[3] = np.nan
    assert pose.oks(joints, lost, 9000) == pytest.approx(16 / 17)
    assert pose.pck(joints, lost) == pytest.approx(16 / 17)
    body = rng.normal(size=(17, 3))
    assert pose.limbs_apart(body, 1.3 * body + 5) == pytest.approx(0, abs=1e-9)


def test_the_index_ranks_among_photographs() -> None:
    picture = scene()
    clothes = np.zeros(picture.shape[:2], bool)
    clothes[60:180, 60:100] = True
    found = composition.measures(picture, clothes)
    assert found.headroom == pytest.approx(0.25, abs=0.01)
    assert found.filled == pytest.approx(120 * 40 / (240 * 160), abs=0.01)
    burnt = np.where(clothes[..., None], picture, 255).astype(np.uint8)
    assert composition.measures(burnt, clothes).clipped > 0.8
    ranks = composition.scores(found)
    assert all(0 <= value <= 1 for value in ranks.values())
    assert composition.scores(composition.measures(burnt, clothes))["clipped"] < ranks["clipped"]
    blank = composition.rows(picture, np.zeros_like(clothes))
    assert {row.probe for row in blank if row.how == "not measured"} >= {"headroom", "appeal"}
