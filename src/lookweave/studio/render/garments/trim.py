"""What sits on a garment's edges: collars, roll necks, hoods. Built on the traced neck line."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from lookweave.studio.render.body import Array, normals
from lookweave.studio.render.draw import Mesh
from lookweave.studio.render.garments.cut import NECK
from lookweave.studio.render.garments.loft import grid_faces

SAMPLES = 96


def trace(
    distance: Array, canonical: Array, position: Array, faces: NDArray[np.int32]
) -> Array | None:
    """(SAMPLES, 3) world points where `distance` (per vertex) crosses 0 around the neck.

    Sample 0 is the front, then towards the wearer's left. None when the edge is not found.
    """
    pairs = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    a, b = pairs.T
    crossing = (distance[a] > 0) != (distance[b] > 0)
    crossing &= (np.abs(canonical[a, 0]) < 0.20) & (canonical[a, 1] > 1.05)
    a, b = a[crossing], b[crossing]
    if len(a) < 12:
        return None
    share = (distance[a] / (distance[a] - distance[b]))[:, None]
    place = canonical[a] + share * (canonical[b] - canonical[a])
    points = position[a] + share * (position[b] - position[a])
    angle = np.arctan2(place[:, 0], place[:, 2] - NECK[2])
    order = np.argsort(angle)
    angle, points = angle[order], points[order]
    target = np.linspace(0, 2 * np.pi, SAMPLES, endpoint=False)
    target = np.where(target > np.pi, target - 2 * np.pi, target)
    ring = np.stack([np.interp(target, angle, points[:, k], period=2 * np.pi) for k in range(3)], 1)
    return np.asarray(ndimage.gaussian_filter1d(ring, 1.2, axis=0, mode="wrap"))


def collar(ring: Array, axis: Array, ahead: Array, style: str) -> Mesh:
    """A collar of `style` on `ring`; `axis` points up the neck, `ahead` to the wearer's front.

    Styles: ``shirt``, ``stand``, ``roll``, ``hood``, ``blazer``.
    """
    angle = np.linspace(0, 2 * np.pi, SAMPLES, endpoint=False)
    turn = np.abs(np.where(angle > np.pi, angle - 2 * np.pi, angle))  # 0 front, pi back
    centre = ring.mean(0)
    out = ring - centre
    out -= (out @ axis)[:, None] * axis
    out /= np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-9)
    closed = style in ("stand", "roll", "hood")
    # Profiles: (outwards, upwards) in metres, per sample around the neck.
    front = np.exp(-((turn / 0.55) ** 2))
    back = np.clip((turn - 0.6) / 1.6, 0, 1) ** 1.5
    zero = np.zeros(SAMPLES)
    if style == "shirt":
        rise = 0.026 - 0.012 * front
        fall = 0.044 + 0.022 * front
        profile = [
            (zero, zero), (zero - 0.001, 0.5 * rise), (zero, rise), (zero + 0.005, rise + 0.003),
            (zero + 0.010, rise - 0.003), (zero + 0.019, rise - 0.40 * fall),
            (zero + 0.026, rise - 0.72 * fall), (zero + 0.030, rise - fall),
        ]  # fmt: skip
    elif style == "stand":
        profile = [(zero, zero - 0.004), (zero - 0.002, zero + 0.02), (zero - 0.004, zero + 0.038)]
    elif style == "roll":
        profile = [
            (zero + 0.004, zero - 0.012), (zero + 0.005, zero + 0.02), (zero + 0.006, zero + 0.045),
            (zero + 0.009, zero + 0.052), (zero + 0.014, zero + 0.047), (zero + 0.017, zero + 0.02),
            (zero + 0.020, zero - 0.002), (zero + 0.014, zero - 0.008),
        ]  # fmt: skip
    elif style == "hood":
        profile = [
            (zero, zero),
            (zero + 0.004, 0.022 + 0.018 * back),
            (0.010 + 0.035 * back, 0.034 + 0.030 * back),
            (0.018 + 0.075 * back, 0.030 + 0.016 * back),
            (0.026 + 0.095 * back, 0.016 - 0.035 * back),
            (0.024 + 0.080 * back, 0.000 - 0.095 * back),
            (0.010 + 0.020 * back, -0.012 - 0.120 * back),
        ]
    elif style == "blazer":
        fade = np.clip((turn - 0.35) / 0.5, 0, 1)
        profile = [
            (zero, zero),
            (zero - 0.002, 0.020 * fade),
            (zero + 0.005, 0.025 * fade),
            (0.014 * fade + 0.003, 0.012 * fade),
            (0.026 * fade + 0.004, -0.016 * fade),
        ]
    else:
        raise ValueError(f"no collar style {style!r}")
    rows = [
        ring + out * np.asarray(across)[:, None] + axis * np.asarray(up)[:, None]
        for across, up in profile
    ]
    grid = np.stack(rows)  # (P, SAMPLES, 3)
    if style == "shirt":
        # The leaves part towards their points.
        side = np.where(angle > np.pi, -1.0, 1.0)
        along_ring = np.roll(ring, -1, 0) - np.roll(ring, 1, 0)
        along_ring /= np.maximum(np.linalg.norm(along_ring, axis=1, keepdims=True), 1e-9)
        open_up = np.linspace(0, 1, len(profile))[:, None] ** 1.2
        grid = grid + along_ring[None] * (0.030 * side * front * open_up)[..., None]
    if closed:
        grid = np.concatenate([grid, grid[:, :1]], 1)
    else:
        gap = 2 if style == "shirt" else 5
        grid = grid[:, gap : SAMPLES - gap + 1]
    count, columns = grid.shape[:2]
    faces = grid_faces(count, columns)
    flat = grid.reshape(-1, 3)
    normal = normals(flat, faces)
    wide = np.arange(columns) * (2 * np.pi * 0.075 / SAMPLES)
    tall = np.concatenate(
        [[0.0], np.cumsum(np.linalg.norm(np.diff(grid, axis=0), axis=-1).mean(1))]
    )
    uv = np.stack(np.broadcast_arrays(wide[None, :], tall[:, None]), -1).reshape(-1, 2)
    along = np.gradient(grid, axis=0).reshape(-1, 3)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    canonical = np.zeros((len(flat), 4))
    canonical[:, 2] = 0.2
    return Mesh(flat, normal, faces, canonical, along, uv, np.zeros((len(flat), 4)))
