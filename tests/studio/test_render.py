"""Rendered truth is true: ids, boxes, joints, light, colours, and the same bytes every time."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lookweave.taxonomy import CATEGORIES, SEGMENTER_CLASSES

moderngl = pytest.importorskip("moderngl", reason="the extra [studio] is not installed")

from lookweave.studio.render import catalogue, job, labels, people, scenery, scenes  # noqa: E402
from lookweave.studio.render.body import Body, mix, reference, rig, rotation_between  # noqa: E402
from lookweave.studio.render.camera import Camera  # noqa: E402
from lookweave.studio.render.develop import Develop, foreground  # noqa: E402
from lookweave.studio.render.draw import SCENE, Part, Renderer  # noqa: E402
from lookweave.studio.render.dress import SCENE_ID  # noqa: E402
from lookweave.studio.render.garments import kinds, tailor  # noqa: E402
from lookweave.studio.render.garments.shell import Fit, drape, region  # noqa: E402
from lookweave.studio.render.lights import Lighting, basis, direction, surround  # noqa: E402
from lookweave.studio.render.photo import Figure, Framing, Photo, look, product  # noqa: E402
from lookweave.studio.render.poses import POSES, mirrored, posed  # noqa: E402

SIZE = (160, 240)


@pytest.fixture(scope="session")
def worn() -> list[catalogue.Item]:
    rng = np.random.default_rng(3)
    made = [
        tailor.draw(rng, kind, colour) for kind, colour in (("t-shirt", "red"), ("jeans", "blue"))
    ]
    made = [replace(g, text="", emblem="", fabric=replace(g.fabric, pattern="plain")) for g in made]
    return [catalogue.Item(n, g, n, "original", True) for n, g in enumerate(made)]


@pytest.fixture(scope="session")
def photo(renderer: Renderer, worn: list[catalogue.Item]) -> Photo:
    return take(renderer, worn)


def take(renderer: Renderer, worn: list[catalogue.Item], pose: str = "standing") -> Photo:
    person = people.person(np.random.default_rng(1), True)
    chosen = next(p for p in POSES if p.name == pose)
    rng = np.random.default_rng(9)
    scene = scenes.build("studio", rng, 0.2)
    figure = Figure(person, tuple(item.garment for item in worn), chosen)
    return look(renderer, [figure], scene, Framing(), Develop(), rng, SIZE)


def test_white_sphere_shines_as_its_light_label_says(renderer: Renderer) -> None:
    light = Lighting(
        direction(40, 35), np.array([0.5, 0.4, 0.3]),
        surround(np.full(3, 0.4), np.array([0.3, 0.25, 0.2]), np.full(3, 0.1)),
        direction(190, 20), np.array([0.1, 0.2, 0.3]), shadows=False,
    )  # fmt: skip
    sphere = scenery.ball(np.zeros(3), 0.5, 96, 193)
    part = Part(sphere, SCENE, 7, {"base": (1.0, 1.0, 1.0)})
    camera = Camera(np.array([0.0, 0.2, 4.0]), np.zeros(3), 20.0)
    frame = renderer.render([part], camera, light, (128, 128)).person
    label = json.loads(json.dumps(light.label()))
    on = frame.id == 7
    normal = frame.normal[on].astype(float)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    key = np.clip(normal @ label["key_direction"], 0, None)[:, None] * label["key_colour"]
    rim = np.clip(normal @ label["rim_direction"], 0, None)[:, None] * label["rim_colour"]
    expected = np.clip(basis(normal) @ np.array(label["sh"]), 0, None) + key + rim
    assert on.sum() > 4000
    assert np.abs(frame.colour[on] - expected).max() < 0.01


def test_boxes_are_the_bounds_of_masks_in_the_id_buffer(
    photo: Photo, worn: list[catalogue.Item]
) -> None:
    for entry in labels.garments(photo, [worn]):
        mask = photo.ids == entry["id"]
        assert entry["pixels"] == mask.sum() > 300
        x0, y0, x1, y1 = entry["box"]
        assert mask[y0:y1, x0:x1].sum() == mask.sum()
        assert mask[y0].any() and mask[y1 - 1].any()
        assert mask[:, x0].any() and mask[:, x1 - 1].any()


def test_ids_are_samples_of_the_id_buffer(photo: Photo) -> None:
    samples = photo.frame.person.id[1::2, 1::2]
    own = samples > 0
    assert np.array_equal(photo.ids[own], samples[own])
    assert (photo.ids[~own] == SCENE_ID).all()


def test_class_map_speaks_the_taxonomy(photo: Photo, worn: list[catalogue.Item]) -> None:
    found = labels.classes(photo, [worn])
    names = {SEGMENTER_CLASSES[k] for k in np.unique(found)}
    assert {"background", "top", "jeans", "skin", "hair", "shoes"} <= names


def test_masks_hold_the_colour_of_their_garment(photo: Photo, worn: list[catalogue.Item]) -> None:
    for item, channel in zip(worn, (0, 2), strict=True):
        mask = photo.ids == photo.dressed[0].ids[item.number]
        mean = photo.image[mask].mean(0)
        assert mean.argmax() == channel, (item.garment.kind, mean)
        assert mean[channel] > mean[2 - channel] + 8


@pytest.mark.parametrize("pose", ["standing", "walking", "sitting", "dancing"])
def test_joints_reproject_within_a_pixel(
    renderer: Renderer, worn: list[catalogue.Item], pose: str
) -> None:
    photo = take(renderer, worn, pose)
    described = labels.describe(photo, [worn])
    matrix = np.array(described["camera"]["projection"]) @ np.array(described["camera"]["view"])
    for point, joint in zip(photo.joints[0], described["joints"][0], strict=True):
        clip = matrix @ np.append(point, 1.0)
        x = (clip[0] / clip[3] + 1) / 2 * SIZE[0]
        y = (1 - clip[1] / clip[3]) / 2 * SIZE[1]
        assert np.hypot(x - joint["x"], y - joint["y"]) < 1.0
        # The projection is that of the picture: the body's own surface is around the joint.
        if joint["seen"] == 2:
            column, row = int(joint["x"]), int(joint["y"])
            assert 0 < photo.ids[row, column] < SCENE_ID


def test_depth_map_is_the_distance_to_the_camera_plane(renderer: Renderer) -> None:
    camera = Camera(np.array([0.0, 0.0, 3.0]), np.zeros(3), 20.0)
    light = Lighting(direction(0, 40), np.ones(3), np.zeros((9, 3)), shadows=False)
    part = Part(scenery.ball(np.zeros(3), 0.25, 64, 129), SCENE, 5, {})
    frame = renderer.render([part], camera, light, (65, 65)).person
    assert frame.depth[32, 32] == pytest.approx(2.75, abs=2e-3)
    assert np.isinf(frame.depth[0, 0])


@pytest.mark.parametrize("kind", kinds.KINDS)
def test_every_kind_has_a_product_photo_on_white(renderer: Renderer, kind: str) -> None:
    garment = tailor.draw(np.random.default_rng(11), kind)
    assert garment.category in CATEGORIES
    shot = product(renderer, garment, True, SIZE)
    share = (shot.ids > 0).mean()
    assert 0.05 < share < 0.8
    assert (shot.image[:3] > 250).all() and (shot.image[-3:] > 250).all()
    border = np.concatenate([shot.ids[:, 0], shot.ids[:, -1], shot.ids[0], shot.ids[-1]])
    assert (border == 0).all()


@pytest.mark.parametrize("name", scenes.SCENES)
def test_every_scene_shows_person_and_backdrop(
    renderer: Renderer, worn: list[catalogue.Item], name: str
) -> None:
    for seed in range(2):
        rng = np.random.default_rng(seed)
        scene = scenes.build(name, rng, 0.8)
        person = people.person(rng, True)
        figure = Figure(person, tuple(item.garment for item in worn), POSES[0])
        shot = look(renderer, [figure], scene, Framing(), Develop(), rng, SIZE)
        shown = labels.is_person(shot.ids)
        assert 0.04 < shown.mean() < 0.6
        assert shot.image[shown].std() > 8
        # No picture drowns in black or burns out.
        assert 8 < shot.image.mean() < 245


@pytest.mark.parametrize("pose", [p.name for p in POSES])
def test_poses_keep_bones_and_stand_on_the_ground(pose: str) -> None:
    body = mix(True, 0, 3, 0.5)
    stance = posed(body, next(p for p in POSES if p.name == pose))
    for joint, parent in enumerate(rig().parents):
        if parent >= 0:
            rest = np.linalg.norm(body.joints[joint] - body.joints[parent])
            now = np.linalg.norm(stance.joints[joint] - stance.joints[parent])
            assert now == pytest.approx(rest, abs=1e-9)
    lowest = stance.joints[:, 1].min()
    assert -0.05 < lowest < (0.35 if pose == "jumping" else 0.12)


def test_mirroring_twice_changes_nothing() -> None:
    for pose in POSES:
        assert mirrored(mirrored(pose)) == pose


def test_draped_cloth_stays_outside_the_body() -> None:
    body = mix(True, 4, 6, 0.5)
    area = region()
    loose, tight = (drape(body, fit) for fit in (Fit(chest=0.05, waist=0.06), Fit()))
    trunk = (area.canonical[:, 3] < 0.1) & (np.abs(area.canonical[:, 1] - 1.2) < 0.12)
    skin = body.vertices[area.index][trunk]

    def radius(points: np.ndarray) -> np.ndarray:
        return np.hypot(points[:, 0], points[:, 2] - np.median(skin[:, 2]))

    assert (radius(tight[trunk]) > radius(skin) - 0.006).mean() > 0.97
    assert np.median(radius(loose[trunk])) > np.median(radius(tight[trunk])) + 0.02


def test_adults_only() -> None:
    shared = rig()
    heights = shared.corners[:, :, 1].max(1) - shared.corners[:, :, 1].min(1)
    assert (heights > 1.5).all() and (heights < 2.0).all()
    # Children have large heads: chin to crown is more than a sixth of their height.
    for corner, joints in zip(shared.corners, shared.corner_joints, strict=True):
        body = Body(corner, joints, True)
        head = corner[:, 1].max() - body.joint("head")[1]
        assert head / corner[:, 1].max() < 1 / 6


def test_rotation_between_takes_one_direction_to_the_other() -> None:
    rng = np.random.default_rng(0)
    for a, b in rng.normal(size=(50, 2, 3)):
        turned = rotation_between(a, b) @ (a / np.linalg.norm(a))
        assert turned == pytest.approx(b / np.linalg.norm(b), abs=1e-9)


def test_reference_faces_the_camera_with_its_left_hand_at_plus_x() -> None:
    body = reference()
    assert body.joint("hand.L")[0] > 0.4 > -0.4 > body.joint("hand.R")[0]
    assert body.joint("toes.L")[2] > body.joint("foot.L")[2] + 0.1


def test_foreground_hides_no_more_than_asked() -> None:
    rng = np.random.default_rng(4)
    for _ in range(30):
        front = foreground(rng, SIZE, 0.3)
        assert front.alpha.min() >= 0 and front.alpha.max() <= 1 + 1e-5
        assert (front.alpha > 0.5).mean() < 0.55


def test_siblings_differ_in_colour_and_twins_in_little() -> None:
    items = catalogue.garments(120, 5)
    by_family: dict[int, catalogue.Item] = {i.number: i for i in items if i.relation == "original"}
    siblings = [i for i in items if i.relation == "sibling"]
    twins = [i for i in items if i.relation == "twin"]
    assert len(siblings) > 5 and len(twins) > 5
    for item in siblings + twins:
        original = by_family[item.family]
        assert item.garment.kind == original.garment.kind
        assert item.garment != original.garment
    assert len({item.sku for item in items}) == len(items)


def test_the_shipped_sample_is_whole() -> None:
    sample = Path(job.__file__).parents[2] / "demo" / "sample"
    truth = list(csv.DictReader((sample / "truth.csv").open()))
    garments = {p.name for p in (sample / "garments").glob("*.jpg")}
    looks = {p.name for p in (sample / "looks").glob("*.jpg")}
    assert {row["garment"] for row in truth} < garments, "some garments have no look"
    assert {row["look"] for row in truth} <= looks
    assert sum(p.stat().st_size for p in sample.rglob("*") if p.is_file()) < 8e6


def test_textures_come_and_go(
    renderer: Renderer, worn: list[catalogue.Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hundreds of garments have more textures than fit: pictures stay the same."""
    first = take(renderer, worn).image
    monkeypatch.setattr("lookweave.studio.render.draw.TEXTURES", 24)
    rng = np.random.default_rng(9)
    for kind in kinds.KINDS[:8]:
        for colour in ("red", "blue", "green"):
            product(renderer, tailor.draw(rng, kind, colour), True, SIZE)
    assert len(renderer._textures) <= 24
    assert np.abs(take(renderer, worn).image.astype(int) - first).max() <= 2
