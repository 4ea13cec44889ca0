"""Dials turn one thing each; pages of several photos stay true; light and scenery agree."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from lookweave.errors import InputError

pytest.importorskip("moderngl", reason="the extra [studio] is not installed")

from lookweave.studio.render import catalogue, collage, job, labels, scenery, scenes
from lookweave.studio.render.camera import Camera
from lookweave.studio.render.draw import SCENE, Part, Renderer
from lookweave.studio.render.dress import SCENE_ID
from lookweave.studio.render.lights import basis
from lookweave.studio.render.shots import DIALS, Dials, Shot, spread

LISTED, SPARE = catalogue.garments(40, 5), catalogue.extras(5, 80)
NUMBERS = range(40)


def taken(number: int, dials: Dials) -> list[Shot]:
    return spread(number, LISTED[number], LISTED, SPARE, 5, dials)


def aspects(shot: Shot) -> dict[str, object]:
    """What a shot shows, sorted by the dial that decides it."""
    finish, framing = shot.finish, shot.framing
    return {
        "outfit": [role.items for role in shot.roles],
        "person": [(role.person.seed, role.person.skin) for role in shot.roles],
        "pose": [(role.pose, role.yaw) for role in shot.roles],
        "camera": (framing.azimuth, framing.height, framing.field_of_view),
        "crop": (framing.low, framing.high, framing.shift, framing.roll),
        "clutter": shot.scene, "hidden": shot.hidden, "grain": finish.grain,
        "blur": finish.soften,
        "grade": (finish.grade, finish.exposure, finish.vignette),
    }  # fmt: skip


CHANGES = {
    "pose": {"pose", "camera"}, "light": set(), "gels": set(), "clutter": {"clutter"},
    "occlusion": {"outfit", "person", "pose", "hidden"}, "crop": {"crop"}, "blur": {"blur"},
    "grain": {"grain"}, "grade": {"grade"}, "collage": set(),
}  # fmt: skip
"""Light and gels are dealt with where the scene is built."""


@pytest.mark.parametrize("dial", DIALS)
def test_a_dial_changes_its_own_aspect_alone(dial: str) -> None:
    calm, turned = Dials.level(0.0), Dials.level(0.0, **{dial: 1.0})
    changed: set[str] = set()
    pages = 0
    for number in NUMBERS:
        before, after = taken(number, calm), taken(number, turned)
        assert len(before) == 1
        pages += len(after) > 1
        was, now = aspects(before[0]), aspects(after[0])
        changed |= {name for name in was if was[name] != now[name]}
    assert changed == CHANGES[dial]
    assert (pages > 10) == (dial == "collage")


def test_at_zero_looks_are_those_of_a_catalogue() -> None:
    for number in NUMBERS:
        (shot,) = taken(number, Dials.level(0.0))
        assert shot.scene in ("studio", "coloured studio")
        assert len(shot.roles) == 1 and not shot.hidden
        assert shot.framing.low < 0 and shot.framing.high > 1.8
        assert shot.finish.grain == shot.finish.soften == shot.finish.vignette == 0
        assert shot.finish.grade == "clean"


def test_harder_looks_stay_hard_as_a_dial_rises() -> None:
    """What a dial did at half its strength it still does at all of it."""
    for number in NUMBERS:
        half = aspects(taken(number, Dials.level(0.0, crop=0.5, occlusion=0.5, clutter=0.5))[0])
        full = aspects(taken(number, Dials.level(0.0, crop=1.0, occlusion=1.0, clutter=1.0))[0])
        if half["clutter"] not in ("studio", "coloured studio"):
            assert full["clutter"] == half["clutter"]
        assert full["hidden"] >= half["hidden"]
        assert len(full["person"]) >= len(half["person"])


def test_dials_out_of_range_are_refused() -> None:
    with pytest.raises(InputError, match=r"collage must lie in 0\.\.1"):
        Dials.level(0.5, collage=-0.1)


@pytest.mark.parametrize("count", [2, 3])
def test_panels_fill_the_page_without_touching(count: int) -> None:
    rng = np.random.default_rng(1)
    for _ in range(60):
        boxes = collage.layout(count, (512, 768), rng)
        assert len(boxes) == count
        covered = np.zeros((768, 512), int)
        for x0, y0, x1, y1 in boxes:
            assert 0 <= x0 < x1 <= 512 and 0 <= y0 < y1 <= 768
            covered[y0:y1, x0:x1] += 1
        assert covered.max() == 1 and (covered > 0).mean() > 0.6


def test_a_page_is_labelled_panel_by_panel(renderer: Renderer, tmp_path) -> None:  # type: ignore[no-untyped-def]
    recipe = job.Recipe(8, 30, 3, Dials.level(0.3, collage=1.0), 240, 360)
    _, spare = job._wardrobe(8, 3)
    pages = [
        n for n in range(30) if len(spread(n, *job._plan(n, recipe), spare, 3, recipe.dials)) > 1
    ]
    for number in pages[:3]:
        job.make(job.Task(recipe, "look", number, str(tmp_path), True))
        stem = job.look_name(number)[:-4]
        label = json.loads((tmp_path / "labels" / "looks" / f"{stem}.json").read_text())
        assert len(label["panels"]) > 1
        persons = [person for panel in label["panels"] for person in panel["persons"]]
        assert persons == list(range(len(label["joints"])))
        for panel, other in combinations(label["panels"], 2):
            a, b = panel["box"], other["box"]
            assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
        assert len({entry["id"] for entry in label["garments"]}) == len(label["garments"])
        for panel in label["panels"]:
            x0, y0, x1, y1 = panel["box"]
            matrix = np.array(panel["camera"]["projection"]) @ np.array(panel["camera"]["view"])
            assert matrix.shape == (4, 4)
            for entry in label["garments"]:
                if entry["person"] in panel["persons"] and entry["box"]:
                    left, top, right, bottom = entry["box"]
                    assert x0 <= left < right <= x1 and y0 <= top < bottom <= y1
            for person in panel["persons"]:
                for joint in label["joints"][person]:
                    inside = x0 <= joint["x"] < x1 and y0 <= joint["y"] < y1
                    assert inside == (joint["seen"] > 0)
        # The second panel shows the first person's outfit again.
        skus = [
            {e["sku"] for e in label["garments"] if e["person"] in panel["persons"]}
            for panel in label["panels"]
        ]
        assert skus[1] <= skus[0]
        rows = json.loads((tmp_path / "rows" / f"{stem}.json").read_text())
        assert len({row[0] for row in rows}) == len(rows), "one row for each garment of a page"


def test_joints_lie_where_the_picture_shows_them(renderer: Renderer) -> None:
    """Small balls drawn at the labelled joints land within a pixel of the labels."""
    recipe = job.Recipe(8, 4, 3, Dials.level(0.6, collage=0.0), 320, 480)
    _, spare = job._wardrobe(8, 3)
    first, pool = job._plan(0, recipe)
    (shot,) = spread(0, first, pool, spare, 3, recipe.dials)
    photo = job._exposed(shot, recipe, (320, 480), 0)
    panel = photo.panels[0]
    checked = 0
    for person, points in enumerate(photo.joints):
        for point, joint in zip(points, labels.joints(photo)[person], strict=True):
            if not (4 < joint["x"] < 316 and 4 < joint["y"] < 476):
                continue
            ball = Part(scenery.ball(point, 0.012, 16, 25), SCENE, 9, {})
            seen = renderer.render([ball], panel.camera, panel.lighting, (320, 480), 2).person.id
            rows, columns = np.nonzero(seen == 9)
            centre = (np.array([columns.mean(), rows.mean()]) + 0.5) / 2
            assert np.hypot(*(centre - (joint["x"], joint["y"]))) < 1.0
            checked += 1
    assert checked >= 8


@pytest.mark.parametrize("name", scenes.SCENES)
def test_every_light_label_shades_a_white_sphere(renderer: Renderer, name: str) -> None:
    camera = Camera(np.array([0.0, 0.2, 4.0]), np.zeros(3), 20.0)
    sphere = Part(scenery.ball(np.zeros(3), 0.5, 96, 193), SCENE, 7, {"base": (1.0, 1.0, 1.0)})
    for seed in range(3):
        light = scenes.build(name, np.random.default_rng(seed), 0.8, 0.9).lighting
        label = json.loads(json.dumps(light.label()))
        unshadowed = replace(light, shadows=False)
        frame = renderer.render([sphere], camera, unshadowed, (96, 96)).person
        on = frame.id == 7
        normal = frame.normal[on].astype(float)
        normal /= np.linalg.norm(normal, axis=1, keepdims=True)
        key = np.clip(normal @ label["key_direction"], 0, None)[:, None] * label["key_colour"]
        rim = np.clip(normal @ label["rim_direction"], 0, None)[:, None] * label["rim_colour"]
        expected = np.clip(basis(normal) @ np.array(label["sh"]), 0, None) + key + rim
        assert np.abs(frame.colour[on] - expected).max() < 0.01 * max(1.0, expected.max())


@pytest.mark.parametrize("name", scenes.SCENES)
def test_scenery_faces_the_camera(renderer: Renderer, name: str) -> None:
    """Normals point at whoever sees them; the ground's point up, so that light falls on it."""
    scene = scenes.build(name, np.random.default_rng(2), 0.5)
    camera = Camera(np.array([0.0, 1.2, 4.5]), np.array([0.0, 0.9, 0.0]), 30.0)
    layer = renderer.render([], camera, scene.lighting, (80, 120), 1, scene.parts).scenery
    assert layer is not None
    drawn = layer.id == SCENE_ID
    rows, columns = np.nonzero(drawn)
    x = (columns + 0.5) / 80 * 2 - 1
    y = 1 - (rows + 0.5) / 120 * 2
    inverse = np.linalg.inv(camera.projection((80, 120)) @ camera.view())
    far = np.stack([x, y, np.full(len(x), 0.5), np.ones(len(x))], 1) @ inverse.T
    ray = far[:, :3] / far[:, 3:] - camera.eye
    away = (layer.normal[drawn] * ray).sum(1) > 0.05 * np.linalg.norm(ray, axis=1)
    assert away.mean() < 0.02
    assert layer.normal[-2, 40, 1] > 0.9


def test_gels_colour_the_key_and_zero_leaves_it_alone() -> None:
    def saturation(gels: float) -> float:
        lights = [
            scenes.build("studio", np.random.default_rng(seed), 0.5, gels).lighting.key_colour
            for seed in range(30)
        ]
        return float(np.mean([1 - light.min() / light.max() for light in lights]))

    assert saturation(0.0) < 0.06
    assert saturation(0.0) < saturation(0.5) - 0.1 < saturation(1.0) - 0.2
