"""How alike two poses are, as COCO's benchmarks measure it, and how alike two outlines."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_SIGMAS = np.array(
    [.026, .025, .025, .035, .035, .079, .079, .072, .072, .062, .062, .107, .107, .087, .087,
     .089, .089]
)  # fmt: skip
"""Of the 17 joints (COCO's keypoint evaluation, Lin et al. 2014)."""


def oks(asked: NDArray[Any], got: NDArray[Any], area: float) -> float:
    """Object keypoint similarity, 0..1, of joints (17, 2) in pixels; `area` of the person, pixels.
    A joint that was not found (nan) counts 0."""
    square = ((asked - got) ** 2).sum(1) / (2 * max(area, 1.0) * (2 * _SIGMAS) ** 2)
    return float(np.nan_to_num(np.exp(-square)).mean())


def pck(asked: NDArray[Any], got: NDArray[Any], share: float = 0.1) -> float:
    """Share of joints (17, 2) within `share` of the torso's length (left shoulder to right hip).
    A joint that was not found (nan) is a miss."""
    torso = float(np.linalg.norm(asked[5] - asked[12]))
    away = np.linalg.norm(asked - got, axis=1)
    return float((np.nan_to_num(away, nan=np.inf) <= share * torso).mean())


def limbs_apart(one: NDArray[Any], other: NDArray[Any]) -> float:
    """Mean distance of joints (17, 3) in the world, as a share of the torso, hips laid together.

    The bodies may differ in size; where they stand does not count.
    """
    placed = []
    for joints in (one, other):
        hips = 0.5 * (joints[11] + joints[12])
        torso = float(np.linalg.norm(0.5 * (joints[5] + joints[6]) - hips))
        placed.append((joints - hips) / max(torso, 1e-6))
    return float(np.linalg.norm(placed[0] - placed[1], axis=1).mean())


def overlap(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """Intersection over union of two masks."""
    union = int((one | other).sum())
    return float((one & other).sum() / union) if union else 0.0
