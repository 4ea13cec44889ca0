"""Editorial poses. Directions are in the person's own frame: +x its left, +y up, +z ahead."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from lookweave.studio.render.body import (
    ARM_DROP,
    JOINT,
    Array,
    Body,
    axis_angle,
    euler,
    rig,
    rotation_between,
    transforms,
)  # fmt: skip

Vector = tuple[float, float, float]


@dataclass(frozen=True)
class Pose:
    """Where the bones of a person point. Angles in degrees (pitch forward, yaw left, roll left)."""

    name: str
    pelvis: Vector = (0, 0, 0)
    spine: Vector = (0, 0, 0)  # of the chest against the pelvis
    head: Vector = (0, 0, 0)  # against the chest
    upperarm_left: Vector = (0.30, -1.0, 0.0)  # relative to the chest
    forearm_left: Vector = (0.16, -1.0, 0.14)
    upperarm_right: Vector = (-0.30, -1.0, 0.0)
    forearm_right: Vector = (-0.16, -1.0, 0.14)
    thigh_left: Vector = (0.03, -1.0, 0.0)  # relative to the pelvis
    shin_left: Vector = (0.04, -1.0, -0.03)
    thigh_right: Vector = (-0.03, -1.0, 0.0)
    shin_right: Vector = (-0.04, -1.0, -0.03)
    foot_left: float = 0.0  # degrees the toes point down
    foot_right: float = 0.0
    toe_out: float = 8.0
    sits: bool = False
    lean: str = ""  # "left", "right" or "back": a wall or prop stands there


POSES: tuple[Pose, ...] = (
    Pose("standing"),
    Pose("contrapposto", pelvis=(0, -8, -5), spine=(0, 6, 8), head=(2, -12, -4),
         thigh_left=(0.02, -1, 0.02), shin_left=(0.03, -1, 0), thigh_right=(-0.16, -1, 0.16),
         shin_right=(-0.10, -1, -0.10), upperarm_right=(-0.42, -1, -0.05)),
    Pose("hand on hip", pelvis=(0, 14, 4), spine=(0, -6, -6), head=(0, -14, 2),
         upperarm_left=(0.85, -0.75, -0.20), forearm_left=(-0.72, -0.52, 0.36),
         thigh_left=(0.15, -1, 0.10), shin_left=(0.12, -1, -0.06)),
    Pose("walking", pelvis=(0, 6, 0), spine=(2, -10, 0), head=(0, 6, 0),
         thigh_left=(0.03, -1, 0.36), shin_left=(0.03, -1, 0.06), thigh_right=(-0.03, -1, -0.22),
         shin_right=(-0.03, -0.9, -0.52), foot_right=28.0,
         upperarm_left=(0.24, -1, -0.28), forearm_left=(0.16, -1, -0.06),
         upperarm_right=(-0.24, -1, 0.24), forearm_right=(-0.12, -1, 0.48)),
    Pose("striding", pelvis=(0, -8, 0), spine=(4, 12, 0), head=(-2, -10, 0),
         thigh_right=(-0.03, -1, 0.48), shin_right=(-0.03, -1, 0.14),
         thigh_left=(0.04, -1, -0.30), shin_left=(0.04, -0.9, -0.58), foot_left=34.0,
         upperarm_right=(-0.30, -1, -0.36), forearm_right=(-0.2, -1, -0.16),
         upperarm_left=(0.28, -1, 0.30), forearm_left=(0.12, -0.9, 0.62)),
    Pose("turning", pelvis=(0, 38, 0), spine=(0, -24, 3), head=(4, -30, 0),
         thigh_left=(0.10, -1, 0.14), shin_left=(0.08, -1, -0.04),
         upperarm_left=(0.34, -1, 0.08), upperarm_right=(-0.36, -1, -0.16)),
    Pose("over the shoulder", pelvis=(0, 140, 0), spine=(0, -26, 0), head=(4, -38, 0),
         thigh_right=(-0.12, -1, 0.12), shin_right=(-0.08, -1, -0.04)),
    Pose("sitting", pelvis=(-8, 14, 0), spine=(8, -6, 0), head=(2, -8, 0),
         thigh_left=(0.22, -0.12, 1), shin_left=(0.10, -1, 0.10), thigh_right=(-0.20, -0.12, 1),
         shin_right=(-0.04, -1, -0.12), upperarm_left=(0.26, -1, 0.12),
         forearm_left=(0.02, -0.72, 0.75), upperarm_right=(-0.28, -1, 0.10),
         forearm_right=(0.0, -0.70, 0.78), sits=True),
    Pose("sitting aside", pelvis=(-6, 48, 0), spine=(4, -18, 2), head=(0, -22, 0),
         thigh_left=(0.16, -0.10, 1), shin_left=(0.02, -1, 0.26), thigh_right=(-0.14, -0.14, 1),
         shin_right=(-0.04, -1, -0.04), upperarm_left=(0.34, -1, 0.20),
         forearm_left=(-0.05, -0.66, 0.8), upperarm_right=(-0.34, -1, -0.22),
         forearm_right=(-0.2, -1, 0.10), sits=True),
    Pose("dancing", pelvis=(0, -16, 7), spine=(-4, 14, -10), head=(-6, 10, 6),
         upperarm_left=(0.95, 0.42, 0.15), forearm_left=(0.40, 0.90, 0.10),
         upperarm_right=(-0.92, -0.40, 0.10), forearm_right=(-0.72, -0.10, 0.66),
         thigh_left=(0.10, -1, 0.02), thigh_right=(-0.34, -1, 0.34),
         shin_right=(-0.12, -1, -0.22), foot_right=20.0),
    Pose("arms up", pelvis=(0, 8, -3), spine=(-5, 0, 4), head=(-8, 6, 0),
         upperarm_left=(0.80, 0.75, 0.06), forearm_left=(-0.45, 0.85, 0.05),
         upperarm_right=(-0.82, 0.60, 0.06), forearm_right=(0.10, 0.98, -0.05),
         thigh_left=(0.12, -1, 0.08)),
    Pose("leaning", pelvis=(-6, 22, 6), spine=(2, -10, -4), head=(4, -16, 0),
         thigh_left=(0.05, -1, 0.22), shin_left=(0.04, -1, 0.16), thigh_right=(-0.08, -1, 0.30),
         shin_right=(-0.06, -0.86, -0.50), upperarm_left=(0.36, -1, -0.14),
         upperarm_right=(-0.40, -1, -0.08), foot_right=18.0, lean="back"),
    Pose("hands in pockets", pelvis=(0, -6, 3), spine=(0, 4, -4), head=(3, 14, 0),
         upperarm_left=(0.44, -1, -0.20), forearm_left=(-0.22, -1, 0.34),
         upperarm_right=(-0.44, -1, -0.20), forearm_right=(0.22, -1, 0.34),
         thigh_left=(0.13, -1, 0.05), thigh_right=(-0.10, -1, 0)),
    Pose("adjusting collar", pelvis=(0, -14, 0), spine=(0, 6, 0), head=(4, 16, 0),
         upperarm_left=(0.50, -1, 0.25), forearm_left=(-0.42, 0.72, 0.62),
         thigh_left=(0.10, -1, 0.10)),
    Pose("hand in hair", pelvis=(0, 12, -4), spine=(-2, -8, 5), head=(0, 10, -8),
         upperarm_right=(-0.88, 0.30, 0.22), forearm_right=(0.42, 0.88, -0.16),
         thigh_right=(-0.14, -1, 0.14), shin_right=(-0.10, -1, -0.06)),
    Pose("crossed arms", pelvis=(0, 10, 3), spine=(0, -4, -3), head=(2, -8, 0),
         upperarm_left=(0.38, -1, 0.24), forearm_left=(-0.86, 0.10, 0.46),
         upperarm_right=(-0.38, -1, 0.18), forearm_right=(0.88, 0.02, 0.52),
         thigh_left=(0.12, -1, 0.04)),
    Pose("crossed legs", pelvis=(0, -4, 4), spine=(0, 2, -5), head=(0, -10, 4),
         thigh_left=(-0.06, -1, 0.12), shin_left=(-0.03, -1, 0.05),
         thigh_right=(0.02, -1, -0.06), shin_right=(0.03, -1, -0.10), toe_out=3.0,
         upperarm_right=(-0.50, -1, -0.1), forearm_right=(-0.1, -0.85, 0.4)),
    Pose("jumping", pelvis=(6, 16, 0), spine=(-6, -8, 0), head=(-8, 0, 0),
         thigh_left=(0.14, -0.9, 0.42), shin_left=(0.10, -0.7, -0.72),
         thigh_right=(-0.16, -1, -0.10), shin_right=(-0.12, -0.8, -0.58), foot_left=38.0,
         foot_right=42.0, upperarm_left=(0.9, -0.1, 0.25), forearm_left=(0.8, 0.3, 0.3),
         upperarm_right=(-0.9, -0.3, -0.15), forearm_right=(-0.75, -0.1, 0.4)),
)  # fmt: skip

PRODUCT = Pose(
    "product", upperarm_left=(0.40, -1, 0.0), forearm_left=(0.36, -1, 0.04),
    upperarm_right=(-0.40, -1, 0.0), forearm_right=(-0.36, -1, 0.04),
    thigh_left=(0.06, -1, 0), shin_left=(0.06, -1, 0), thigh_right=(-0.06, -1, 0),
    shin_right=(-0.06, -1, 0), toe_out=0.0,
)  # fmt: skip


@dataclass(frozen=True)
class Posed:
    """A body in a pose, ready for skinning."""

    pose: Pose
    affine: Array  # (28, 3, 4) from rest to world
    joints: Array  # (28, 3) in the world
    bend: dict[str, float] = field(default_factory=dict)  # degrees bent at elbow, knee, hip, waist


def vary(pose: Pose, rng: np.random.Generator, strength: float) -> Pose:
    """Jitter every direction of `pose`; `strength` 0..1."""

    def shaken(value: Vector, scale: float) -> Vector:
        x, y, z = np.asarray(value, float) + rng.normal(size=3) * scale * strength
        return (float(x), float(y), float(z))

    changes: dict[str, Any] = {}
    for name in ("pelvis", "spine", "head"):
        # People turn more freely than they tilt.
        pitch, turn, roll = getattr(pose, name)
        extra = rng.normal(size=3) * np.array([1.5, 6.0, 1.5]) * strength
        changes[name] = (pitch + float(extra[0]), turn + float(extra[1]), roll + float(extra[2]))
    for name in ("upperarm_left", "upperarm_right", "forearm_left", "forearm_right"):
        changes[name] = shaken(getattr(pose, name), 0.06)
    for name in ("thigh_left", "thigh_right", "shin_left", "shin_right"):
        changes[name] = shaken(getattr(pose, name), 0.02)
    return replace(pose, **changes)


def mirrored(pose: Pose) -> Pose:
    """`pose` with left and right exchanged."""

    def flip(value: Vector) -> Vector:
        return (-value[0], value[1], value[2])

    def turn(value: Vector) -> Vector:
        return (value[0], -value[1], -value[2])

    changes: dict[str, object] = {
        "pelvis": turn(pose.pelvis), "spine": turn(pose.spine), "head": turn(pose.head),
        "foot_left": pose.foot_right, "foot_right": pose.foot_left,
        "lean": {"left": "right", "right": "left"}.get(pose.lean, pose.lean),
    }  # fmt: skip
    for bone in ("upperarm", "forearm", "thigh", "shin"):
        changes[f"{bone}_left"] = flip(getattr(pose, f"{bone}_right"))
        changes[f"{bone}_right"] = flip(getattr(pose, f"{bone}_left"))
    return replace(pose, **changes)  # type: ignore[arg-type]


def _unit(value: Vector) -> Array:
    vector = np.asarray(value, float)
    return np.asarray(vector / np.linalg.norm(vector))


def posed(body: Body, pose: Pose, yaw: float = 0.0, sole: float = 0.012) -> Posed:
    """Put `body` into `pose`, turned by `yaw` degrees, its feet on y = 0.

    `sole` is how far the shoes lift the foot.
    """
    shared = rig()
    joints = body.joints
    rotations: dict[int, Array] = {}
    pelvis = euler(0, yaw, 0) @ euler(*pose.pelvis)
    rotations[JOINT["pelvis"]] = pelvis
    # The bend of the back spreads over three joints, the head's over two.
    chest = pelvis
    for share, name in ((0.3, "spine"), (0.65, "waist"), (1.0, "chest")):
        p, y, r = (share * value for value in pose.spine)
        chest = pelvis @ euler(p, y, r)
        rotations[JOINT[name]] = chest
    p, y, r = pose.head
    rotations[JOINT["neck"]] = chest @ euler(0.45 * p, 0.45 * y, 0.45 * r)
    rotations[JOINT["head"]] = chest @ euler(p, y, r)
    bend: dict[str, float] = {}
    for side, word, sign in (("L", "left", 1.0), ("R", "right", -1.0)):
        rest = np.array([sign * np.cos(ARM_DROP), -np.sin(ARM_DROP), 0.0])
        upper, fore = (
            _unit(getattr(pose, f"upperarm_{word}")),
            _unit(getattr(pose, f"forearm_{word}")),
        )
        # Raised arms lift the shoulder girdle.
        lift = float(np.clip(upper[1] + 0.3, 0, 1.2)) * 22.0
        girdle = chest @ axis_angle([0, 0, 1], sign * np.deg2rad(lift))
        rotations[JOINT[f"clavicle.{side}"]] = girdle
        rest_in_world = chest @ rest
        rotations[JOINT[f"upperarm.{side}"]] = (
            rotation_between(rest_in_world, chest @ upper) @ chest
        )
        turned = rotations[JOINT[f"upperarm.{side}"]]
        rotations[JOINT[f"forearm.{side}"]] = rotation_between(turned @ rest, chest @ fore) @ turned
        # Relaxed fingers curl towards the palm, which faces the thigh when the arm hangs.
        hand = rotations[JOINT[f"forearm.{side}"]]
        for finger, curl in (("fingers", 20.0), ("fingertips", 46.0), ("thumb", -6.0)):
            bent = hand @ axis_angle([0, 0, -sign], np.deg2rad(curl))
            rotations[JOINT[f"{finger}.{side}"]] = bent
        bend[f"elbow_{word}"] = float(np.degrees(np.arccos(np.clip(upper @ fore, -1, 1))))
        leg = np.array([sign * 0.07, -1.0, 0.0])
        thigh, shin = _unit(getattr(pose, f"thigh_{word}")), _unit(getattr(pose, f"shin_{word}"))
        out = axis_angle([0, 1, 0], sign * np.deg2rad(pose.toe_out))
        thigh_turn = rotation_between(pelvis @ leg, pelvis @ thigh) @ pelvis @ out
        rotations[JOINT[f"thigh.{side}"]] = thigh_turn
        shin_turn = (
            rotation_between(thigh_turn @ _unit((sign * 0.07, -1, 0)), pelvis @ shin) @ thigh_turn
        )
        rotations[JOINT[f"shin.{side}"]] = shin_turn
        # Feet lie flat unless the pose points the toes: keep only the heading of the shin.
        heading = shin_turn @ np.array([0.0, 0.0, 1.0]) + 0.6 * thigh_turn @ np.array([0, 0, 1.0])
        flat = np.array([heading[0], 0.0, heading[2]])
        flat = flat / max(float(np.linalg.norm(flat)), 1e-6)
        foot = np.stack([np.cross([0, 1, 0], flat), [0, 1, 0], flat], 1)
        tip = getattr(pose, f"foot_{word}")
        rotations[JOINT[f"foot.{side}"]] = foot @ axis_angle([1, 0, 0], np.deg2rad(tip))
        rotations[JOINT[f"toes.{side}"]] = foot @ axis_angle([1, 0, 0], np.deg2rad(0.4 * tip))
        bend[f"knee_{word}"] = float(np.degrees(np.arccos(np.clip(thigh @ shin, -1, 1))))
        bend[f"hip_{word}"] = float(np.degrees(np.arccos(np.clip(-thigh[1], -1, 1))))
    bend["waist"] = float(np.linalg.norm(pose.spine))
    affine = transforms(joints, shared.parents, rotations)
    world = np.einsum("jab,jb->ja", affine[:, :, :3], joints) + affine[:, :, 3]
    if not pose.sits and pose.name != "jumping":
        affine, world = _balance(affine, world)
    lowest = min(world[JOINT[f"foot.{s}"], 1] - joints[JOINT[f"foot.{s}"], 1] for s in ("L", "R"))
    toes = min(world[JOINT[f"toes.{s}"], 1] - joints[JOINT[f"toes.{s}"], 1] for s in ("L", "R"))
    drop = min(lowest, toes)
    if pose.name == "jumping":
        drop -= 0.16
    shift = np.array([-world[0, 0], sole - drop, -world[0, 2]])
    affine[:, :, 3] += shift
    return Posed(pose, affine, world + shift, bend)


def _balance(affine: Array, world: Array) -> tuple[Array, Array]:
    """Tilt a standing body so that its weight is over its feet."""
    feet = 0.5 * (world[JOINT["foot.L"]] + world[JOINT["foot.R"]])
    weight = 0.5 * world[JOINT["pelvis"]] + 0.5 * world[JOINT["chest"]]
    arm = weight - feet
    goal = np.array([0.25 * arm[0], arm[1], 0.45 * arm[2]])
    turn = rotation_between(arm, goal)
    moved = affine.copy()
    moved[:, :, :3] = turn @ affine[:, :, :3]
    moved[:, :, 3] = (affine[:, :, 3] - feet) @ turn.T + feet
    return moved, (world - feet) @ turn.T + feet
