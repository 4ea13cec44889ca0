"""The pose and the camera of a shoot as the renderer takes them."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np

from lookweave.errors import InputError
from lookweave.studio.render.body import JOINT, Array, Body
from lookweave.studio.render.camera import Camera as Lens
from lookweave.studio.render.photo import Framing, frame_camera
from lookweave.studio.render.poses import POSES, Pose, Posed, mirrored, posed
from lookweave.studio.shoot import record

BY_NAME = {pose.name: pose for pose in POSES}


def pose_of(control: record.Pose) -> Pose:
    """The renderer's pose; strength mixes it with standing."""
    if control.joints is not None:
        pose = from_joints(np.array(control.joints))
    else:
        assert control.name is not None
        pose = BY_NAME[control.name]
    if control.mirrored:
        pose = mirrored(pose)
    return pose if control.strength >= 1 else _mixed(BY_NAME["standing"], pose, control.strength)


def stand(body: Body, control: record.Pose) -> Posed:
    """`body` in the pose of `control`, its feet on the ground, its pelvis over the origin."""
    return posed(body, pose_of(control), (control.yaw or 0.0) * control.strength)


def _mixed(one: Pose, other: Pose, share: float) -> Pose:
    changes: dict[str, Any] = {}
    for field in fields(Pose):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if isinstance(a, tuple):
            value = (1 - share) * np.array(a) + share * np.array(b)
            changes[field.name] = tuple(float(v) for v in value)
        elif isinstance(a, float | int) and not isinstance(a, bool):
            changes[field.name] = (1 - share) * a + share * b
    return replace(other, **changes, sits=other.sits and share > 0.7)


def from_joints(joints: Array) -> Pose:
    """A pose with the limbs' directions of 17 COCO joints, (17, 3): x right of the picture, y up,
    z towards the camera; the scale does not matter.

    Raises:
        InputError: two joints of a limb are the same point.
    """
    (left_shoulder, right_shoulder, left_elbow, right_elbow, left_wrist, right_wrist, left_hip,
     right_hip, left_knee, right_knee, left_ankle, right_ankle) = joints[5:]  # fmt: skip
    middle_hip, middle_shoulder = (
        0.5 * (left_hip + right_hip),
        0.5 * (left_shoulder + right_shoulder),
    )
    pelvis = _frame(left_hip - right_hip, middle_shoulder - middle_hip)
    chest = _frame(left_shoulder - right_shoulder, middle_shoulder - middle_hip)
    ears = joints[3] - joints[4]
    neck = 0.5 * (joints[3] + joints[4]) - middle_shoulder
    head = _frame(ears, neck) if np.linalg.norm(ears) > 1e-6 else chest

    def seen(frame: Array, start: Array, end: Array) -> tuple[float, float, float]:
        bone = frame.T @ (end - start)
        length = float(np.linalg.norm(bone))
        if length < 1e-6:
            raise InputError("Two joints of one limb are the same point: give all 17 apart.")
        x, y, z = bone / length
        return (float(x), float(y), float(z))

    sits = min(left_hip[1] - left_knee[1], right_hip[1] - right_knee[1]) < 0.35 * float(
        np.linalg.norm(left_hip - left_knee)
    )
    return Pose(
        "joints", pelvis=_angles(pelvis), spine=_angles(pelvis.T @ chest),
        head=_angles(chest.T @ head),
        upperarm_left=seen(chest, left_shoulder, left_elbow),
        forearm_left=seen(chest, left_elbow, left_wrist),
        upperarm_right=seen(chest, right_shoulder, right_elbow),
        forearm_right=seen(chest, right_elbow, right_wrist),
        thigh_left=seen(pelvis, left_hip, left_knee), shin_left=seen(pelvis, left_knee, left_ankle),
        thigh_right=seen(pelvis, right_hip, right_knee),
        shin_right=seen(pelvis, right_knee, right_ankle), sits=bool(sits),
    )  # fmt: skip


def _frame(across: Array, up: Array) -> Array:
    """(3, 3) rotation whose columns are left, up and ahead of a body part."""
    x = across / max(float(np.linalg.norm(across)), 1e-9)
    y = up - x * (up @ x)
    length = float(np.linalg.norm(y))
    if length < 1e-6 or np.linalg.norm(across) < 1e-6:
        raise InputError("Hips and shoulders fall on one line: give all 17 joints apart.")
    y = y / length
    return np.stack([x, y, np.cross(x, y)], 1)


def _angles(rotation: Array) -> tuple[float, float, float]:
    """Pitch, yaw, roll in degrees: the inverse of `render.body.euler`."""
    ahead = rotation[:, 2]
    yaw = np.arctan2(ahead[0], ahead[2])
    pitch = np.arcsin(np.clip(-ahead[1], -1, 1))
    roll = -np.arctan2(rotation[1, 0], rotation[1, 1])
    return tuple(float(v) for v in np.degrees([pitch, yaw, roll]))  # type: ignore[return-value]


def camera_of(control: record.Camera, stance: Posed, joints: Array, size: tuple[int, int]) -> Lens:
    """The camera; `joints` are the 17 COCO joints (17, 3) of the wearer in the world."""
    assert control.crop is not None and control.field_of_view is not None
    crown = float(stance.joints[JOINT["head"], 1]) + 0.24
    nose = float(joints[0, 1])
    hip, knee = float(joints[11:13, 1].mean()), float(joints[13:15, 1].mean())
    shoulder = float(joints[5:7, 1].mean())
    low = {
        "full": float(joints[15:17, 1].min()) - 0.20,
        "three-quarter": knee + 0.02,
        "half": hip - 0.16,
        "bust": 0.5 * (hip + shoulder) - 0.02,
    }[control.crop]
    # Without the head the picture ends between nose and lips.
    high = crown + 0.06 if control.head else nose - 0.045
    if not control.head and float(joints[7:11, 1].max()) > crown:
        high = nose - 0.045  # raised arms leave the picture with the head
    framing = Framing(
        azimuth=(control.azimuth or 0.0) * control.strength, height=control.height or 1.1,
        low=low, high=high, field_of_view=control.field_of_view,
        roll=(control.roll or 0.0) * control.strength,
    )  # fmt: skip
    middle = float(np.mean(joints[[5, 6, 11, 12], 0]))
    return frame_camera(middle, 9.0, framing, size)
