"""Pose and camera: joints in, the same limbs out; the picture ends where it should."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("tomli_w", reason="the extra [studio] is not installed")

from lookweave.errors import InputError
from lookweave.studio.render.body import mix, rig, skin
from lookweave.studio.render.poses import POSES, posed
from lookweave.studio.shoot import record, stance

BODY = mix(True, 1, 8, 0.5)
LIMBS = [(5, 7), (7, 9), (6, 8), (8, 10), (11, 13), (13, 15), (12, 14), (14, 16)]


def joints(pose: record.Pose) -> np.ndarray:
    stood = stance.stand(BODY, pose)
    return np.asarray(rig().coco @ skin(BODY.vertices, rig().weights, stood.affine))


@pytest.mark.parametrize("name", [p.name for p in POSES if p.name not in ("jumping",)])
def test_joints_of_a_pose_give_the_pose(name: str) -> None:
    wanted = joints(record.Pose(name=name, yaw=20))
    got = joints(record.Pose(joints=tuple(tuple(map(float, p)) for p in wanted)))  # type: ignore[misc]
    angles = []
    for a, b in LIMBS:
        one, other = wanted[b] - wanted[a], got[b] - got[a]
        cosine = one @ other / np.linalg.norm(one) / np.linalg.norm(other)
        angles.append(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
    assert np.median(angles) < 8, angles
    assert max(angles) < 25, angles


def test_joints_on_one_point_are_refused() -> None:
    with pytest.raises(InputError, match="17 joints"):
        stance.from_joints(np.zeros((17, 3)))


def test_strength_leads_from_standing_to_the_pose() -> None:
    hands = [joints(record.Pose(name="arms up", strength=s))[9, 1] for s in (0, 0.5, 1)]
    assert hands == sorted(hands)
    assert hands[0] == pytest.approx(joints(record.Pose(name="standing"))[9, 1], abs=1e-6)


@pytest.mark.parametrize("crop", record.CROPS)
def test_the_picture_ends_below_the_nose_unless_the_head_is_asked_for(crop: str) -> None:
    size = (200, 300)
    pose = record.Pose(name="contrapposto")
    stood, world = stance.stand(BODY, pose), joints(pose)
    for head in (False, True):
        control = record.Camera(
            azimuth=10, height=1.2, field_of_view=22, crop=crop, head=head, roll=0
        )
        camera = stance.camera_of(control, stood, world, size)
        pixels, _ = camera.project(world, size)
        assert (pixels[0, 1] > 0) == head  # the nose
        assert pixels[5:7, 1].min() > 0  # shoulders show
        assert (pixels[15:17, 1].max() < size[1]) == (crop == "full")
        offset = camera.eye - camera.target
        assert np.degrees(np.arctan2(offset[0], offset[2])) == pytest.approx(10)
        assert camera.eye[1] == 1.2


def test_mirrored_is_mirrored() -> None:
    one, other = (joints(record.Pose(name="hand on hip", mirrored=m)) for m in (False, True))
    assert one[9, 0] == pytest.approx(-other[10, 0], abs=0.03)
    assert posed(BODY, stance.pose_of(record.Pose(name="walking"))).pose.name == "walking"
