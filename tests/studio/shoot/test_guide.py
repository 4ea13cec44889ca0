"""Guide and picture: each control moves its own, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

pytest.importorskip("tomli_w", reason="the extra [studio] is not installed")

from lookweave.errors import InputError
from lookweave.studio.render.dress import FIRST_GARMENT_ID, SKIN_ID
from lookweave.studio.shoot import finish, plates, record
from lookweave.studio.shoot.choose import CALM, chosen
from lookweave.studio.shoot.fit import Fitted
from lookweave.studio.shoot.generator import Compositor
from lookweave.studio.shoot.guide import Guide, guide
from lookweave.studio.shoot.light import LIGHTS
from lookweave.studio.shoot.record import Shoot

SIZE = (96, 144)


@pytest.fixture(scope="module")
def shoot(dress_photo: Path) -> Shoot:
    return Shoot(
        garments=(record.Garment(photo=str(dress_photo)),), size=SIZE, seed=4,
        scene=record.Scene(name="studio"), pose=record.Pose(name="walking"),
        light=record.Light(**LIGHTS["window"]),  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.fixture(scope="module")
def seen(renderer: Any, shoot: Shoot, fitted: Fitted) -> Guide:
    return guide(renderer, chosen(shoot, 0, [fitted]), [fitted])


def test_every_layer_is_of_the_picture(seen: Guide) -> None:
    height, width = SIZE[1], SIZE[0]
    for name in ("composite", "person", "plate", "garments", "normals", "shading"):
        assert getattr(seen, name).shape == (height, width, 3), name
        assert np.isfinite(getattr(seen, name)).all(), name
    for name in ("cover", "confidence", "depth", "ids"):
        assert getattr(seen, name).shape == (height, width), name
    shown = seen.ids == FIRST_GARMENT_ID
    assert shown.mean() > 0.08
    assert (seen.garments[~shown] == 0).all()
    assert seen.confidence[~shown].max() == 0
    assert np.median(seen.confidence[shown]) > 0.5  # seen from the front, mostly known
    assert seen.joints.shape == (17, 2)
    inside = shown & (np.linalg.norm(seen.normals, axis=-1) > 0.9)
    white = seen.lighting.shade(seen.normals[inside].astype(float))
    assert seen.shading[inside] == pytest.approx(white, abs=1e-3)


def test_another_cloth_changes_the_garment_alone(
    renderer: Any, shoot: Shoot, fitted: Fitted, seen: Guide
) -> None:
    red = np.zeros_like(fitted.texture)
    red[..., 0], red[..., 3] = 200, 255
    other = replace(fitted, key="red", texture=red)
    again = guide(renderer, chosen(shoot, 0, [other]), [other])
    for name in ("depth", "ids", "cover", "plate", "normals", "shading", "world", "joints"):
        assert np.array_equal(getattr(again, name), getattr(seen, name)), name
    shown = seen.ids == FIRST_GARMENT_ID
    far = ~ndimage.binary_dilation(shown, iterations=2)
    assert np.abs(again.composite - seen.composite)[shown].mean() > 0.05
    assert np.abs(again.composite - seen.composite)[far].max() == 0


def test_light_alone_moves_no_geometry(
    renderer: Any, shoot: Shoot, fitted: Fitted, seen: Guide
) -> None:
    lit = shoot.model_copy(update={"light": record.Light(**LIGHTS["low sun"])})  # type: ignore[arg-type]
    again = guide(renderer, chosen(lit, 0, [fitted]), [fitted])
    for name in ("depth", "ids", "cover", "normals", "confidence", "world"):
        assert np.array_equal(getattr(again, name), getattr(seen, name)), name
    assert np.abs(again.shading - seen.shading).mean() > 0.03


def test_equal_shoots_give_equal_pictures(
    renderer: Any, shoot: Shoot, fitted: Fitted, seen: Guide
) -> None:
    again = guide(renderer, chosen(shoot, 0, [fitted]), [fitted])
    one, other = (Compositor().generate(g.shoot, g).images[0] for g in (seen, again))
    assert np.array_equal(one, other)
    assert one.dtype == np.uint8
    with pytest.raises(ValueError, match="the guide is of"):
        Compositor().generate(seen.shoot.model_copy(update={"size": (64, 64)}), seen)


def test_vary_only_the_pose(shoot: Shoot, fitted: Fitted) -> None:
    varied = shoot.model_copy(update={"vary": ("pose",)})
    made = [chosen(varied, n, [fitted]) for n in range(8)]
    assert made[0].pose.name == "walking"
    assert len({one.pose.name for one in made}) > 2
    for one in made:
        assert one.model_copy(update={"pose": made[0].pose}) == made[0]


def test_what_is_open_varies_and_what_is_locked_does_not(shoot: Shoot, fitted: Fitted) -> None:
    loose = shoot.model_copy(update={"pose": record.Pose(), "wearer": record.Wearer(lock=True)})
    made = [chosen(loose, n, [fitted]) for n in range(8)]
    assert {one.pose.name for one in made} <= set(CALM)
    assert len({one.pose.name for one in made}) > 2
    assert len({one.wearer for one in made}) == 1
    assert {one.light for one in made} == {made[0].light}  # stated
    assert chosen(made[3], 0, [fitted]).model_dump() == made[3].model_dump()  # nothing left open
    own = loose.model_copy(update={"pose": record.Pose(seed=9)})
    moved = own.model_copy(update={"seed": 77})
    assert chosen(own, 2, [fitted]).pose == chosen(moved, 2, [fitted]).pose


def test_nobody_sits_in_a_long_dress(shoot: Shoot, fitted: Fitted) -> None:
    long = replace(fitted, template=replace(fitted.template, hem=0.2))
    seated = shoot.model_copy(update={"pose": record.Pose(name="sitting")})
    with pytest.raises(InputError, match="sit"):
        chosen(seated, 0, [long])


def test_a_plate_is_the_place_and_its_light_the_light(
    renderer: Any, shoot: Shoot, fitted: Fitted, tmp_path: Path
) -> None:
    ramp = np.tile(np.linspace(40, 240, 200).astype(np.uint8)[None, :, None], (260, 1, 3))
    Image.fromarray(ramp).save(tmp_path / "plate.png")
    placed = shoot.model_copy(
        update={"scene": record.Scene(plate=str(tmp_path / "plate.png"), blur=0),
                "light": record.Light()}
    )  # fmt: skip
    seen = guide(renderer, chosen(placed, 0, [fitted]), [fitted])
    assert seen.shoot.light.azimuth is not None
    assert seen.shoot.light.azimuth > 30  # the bright side
    top = seen.plate[:20].mean((0, 2))
    assert (np.diff(top) > 0).mean() > 0.95
    bare = plates.fitted(np.asarray(ramp), SIZE)
    foot, _ = seen.camera.project(seen.world[15:16] * [1, 0, 1], SIZE)
    x, y = foot[0].astype(int)
    under = (slice(y - 1, y + 2), slice(x - 2, x + 3))
    assert seen.plate[under].mean() < 0.9 * bare[under].mean()  # a contact shadow
    assert seen.plate[:60] == pytest.approx(bare[:60], abs=0.02)


def cube(path: Path, table: np.ndarray) -> Path:
    size = len(table)
    rows = "\n".join(" ".join(f"{v:.5f}" for v in row) for row in table.reshape(-1, 3))
    path.write_text(f"# a table\nTITLE x\nLUT_3D_SIZE {size}\n{rows}\n")
    return path


def test_luts_change_colours_as_their_tables_say(seen: Guide, tmp_path: Path) -> None:
    grid = np.linspace(0, 1, 5)
    blue, green, red = np.meshgrid(grid, grid, grid, indexing="ij")
    same = cube(tmp_path / "same.cube", np.stack([red, green, blue], -1))
    swapped = cube(tmp_path / "swap.cube", np.stack([blue, green, red], -1))

    def picture(lut: Path | None) -> np.ndarray:
        style = seen.shoot.style.model_copy(
            update={"lut": None if lut is None else str(lut), "grain": 0.0, "vignette": 0.0}
        )
        shown = replace(seen, shoot=seen.shoot.model_copy(update={"style": style}))
        return finish.photograph(shown).astype(int)

    plain = picture(None)
    assert np.abs(picture(same) - plain).max() <= 1
    assert np.abs(picture(swapped)[..., ::-1] - plain).max() <= 1
    (tmp_path / "bad.cube").write_text("LUT_3D_SIZE 4\n0 0 0\n")
    with pytest.raises(InputError, match=r"bad\.cube"):
        finish.read_cube(tmp_path / "bad.cube")


def test_a_palette_leaves_the_garment_alone(seen: Guide) -> None:
    def picture(palette: tuple[Any, ...]) -> np.ndarray:
        style = record.Style(grade="clean", contrast=0.0, grain=0.0, vignette=0.0, palette=palette)
        shown = replace(seen, shoot=seen.shoot.model_copy(update={"style": style}))
        return finish.photograph(shown).astype(int)

    moved = np.abs(picture(((60.0, 60.0, 30.0),)) - picture(()))
    sure = np.asarray(seen.confidence > 0.9)
    sure = (
        sure
        & np.roll(sure, 3, 0)
        & np.roll(sure, -3, 0)
        & np.roll(sure, 3, 1)
        & np.roll(sure, -3, 1)
    )
    assert moved[sure].max() <= 2
    skin = ndimage.binary_erosion(seen.ids == SKIN_ID, iterations=2)
    assert skin.sum() > 30
    assert moved[skin].mean() < 2
    assert moved[:20].mean() > 8
