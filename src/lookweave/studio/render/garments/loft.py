"""Skirts and the lower halves of dresses and coats: tubes around both legs of a *posed* body.

Each cross-section is the convex hull of the body at one height (both legs together), so the
cloth spans the gap between the legs as a skirt does, in any pose; from section to section it may
widen freely but narrows only as fast as `narrow` allows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from lookweave.studio.render.body import Array, normals
from lookweave.studio.render.draw import Mesh
from lookweave.studio.render.garments.shell import TUBE_RADIUS, region

ROWS, COLUMNS = 44, 144


@dataclass(frozen=True)
class Loft:
    """The cut of a tube, in metres."""

    top: float = 1.13  # canonical height where it starts
    hem: float = 0.50
    air: float = 0.012
    flare: float = 0.10  # widening per metre of length; 0 hangs straight
    narrow: float = 0.10  # how much it may narrow per metre below the hip
    folds: float = 0.015  # depth of the folds at the hem
    count: int = 9  # folds around
    sharp: float = 1.0  # > 1: pressed pleats


def build(
    posed_fine: Array, loft: Loft, left: Array, up: Array, seed: int, sitting: bool
) -> tuple[Mesh, Array]:
    """Make the tube around `posed_fine`, the region's fine vertices in the world.

    `left` and `up` are the pelvis's own directions in the world. Returns the mesh and the
    centre of the hem.
    """
    area = region()
    coords = area.refine @ area.canonical
    rng = np.random.default_rng(seed)
    heights = np.linspace(loft.top, loft.hem, ROWS)
    centres, rings = np.zeros((ROWS, 3)), []
    use = coords[:, 3] < 0.25
    for row, height in enumerate(heights):
        near = use & (np.abs(coords[:, 1] - max(height, 0.05)) < 0.014)
        points = posed_fine[near]
        centres[row] = 0.5 * (points.min(0) + points.max(0))
        rings.append(points)
    trunk = posed_fine[use & (coords[:, 1] < loft.top)]
    centres = _straighten(centres, 2.5)
    tangent = np.gradient(centres, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    # Around the hips the tube hangs from the pelvis; further down it follows the legs.
    legs = np.clip((0.98 - heights) / 0.20, 0, 1)[:, None]
    tangent = -up * (1 - legs) + tangent * legs
    tangent = ndimage.gaussian_filter1d(tangent, 2.0, axis=0, mode="nearest")
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    steps = np.abs(np.diff(heights, prepend=heights[0]))

    angle = np.linspace(-np.pi, np.pi, COLUMNS + 1)  # 0 is the front
    sin, cos = np.sin(angle), np.cos(angle)
    delta = angle[:, None] - angle[None, :]
    facing = np.where(np.cos(delta) > 0.08, 1 / np.maximum(np.cos(delta), 0.08), 1e3)
    radius = np.zeros((ROWS, COLUMNS + 1))
    frames = np.zeros((ROWS, 2, 3))
    flare = loft.flare * (0.0 if sitting else 1.0)
    for row in range(ROWS):
        d = tangent[row]
        across = left - d * (left @ d)
        across /= np.linalg.norm(across)
        ahead = np.cross(d, across) * -1.0
        ahead = np.cross(across, -d)
        frames[row] = across, ahead
        sections = [rings[row] - centres[row]]
        if not sitting and heights[row] < 0.92:
            # A leg that strides leaves its own section: take what the plane meets as well.
            offset = trunk - centres[row]
            met = offset[np.abs(offset @ d) < 0.02]
            if len(met):
                sections.append(met)
        hull = np.zeros(COLUMNS + 1)
        for flat, air in zip(sections, (loft.air, loft.air + 0.008), strict=False):
            # Points far along the axis belong to a bent knee, not to this section.
            support = (flat @ across)[:, None] * sin + (flat @ ahead)[:, None] * cos
            hull = np.maximum(hull, (support.max(0)[None, :] * facing).min(1) + air)
        if row:
            before = radius[row - 1]
            share = np.clip((1.0 - heights[row]) / 0.12, 0, 1)
            floor = before + steps[row] * (flare * share - loft.narrow * (1 if flare <= 0 else 0.3))
            if heights[row] > 1.0 and loft.narrow > 0:
                floor = before - steps[row] * 0.9
            hull = np.maximum(hull, floor)
        radius[row] = hull
    smooth = ndimage.gaussian_filter(radius[:, :-1], (1.5, 2.0), mode=("nearest", "wrap"))
    # Smoothing may not let a striding thigh through.
    radius = np.maximum(smooth, ndimage.gaussian_filter1d(radius[:, :-1], 1.0, 1, mode="wrap"))
    radius = np.concatenate([radius, radius[:, :1]], 1)

    # Folds run down the cloth and deepen towards the hem.
    share = np.clip((loft.top - heights) / max(loft.top - loft.hem, 0.05), 0, 1)[:, None]
    phase = rng.uniform(0, 2 * np.pi, 3)
    wander = 0.5 * np.sin(2 * angle + phase[0]) + 0.35 * np.sin(3 * angle + phase[1])
    wave = np.cos(loft.count * angle + wander * (2.0 if loft.sharp <= 1 else 0.0) + phase[2])
    if loft.sharp > 1:
        wave = 2 * np.abs(((loft.count * angle / (2 * np.pi)) % 1.0) - 0.5) * 2 - 1
    depth = loft.folds * (0.4 if sitting else 1.0) * (share**0.8 if loft.sharp > 1 else share**1.3)
    radius = radius + depth * (0.5 + 0.5 * wave)
    radius[:, -1] = radius[:, 0]

    position = (
        centres[:, None]
        + radius[..., None] * (sin[None, :, None] * frames[:, None, 0])
        + radius[..., None] * (cos[None, :, None] * frames[:, None, 1])
    )
    mean = radius.mean(1, keepdims=True)
    length = np.cumsum(steps)[:, None]
    uv = np.stack([angle[None] * mean, np.broadcast_to(loft.top - length, radius.shape)], -1)
    base = TUBE_RADIUS
    canonical = np.stack(
        [
            np.broadcast_to(base * sin, radius.shape),
            np.broadcast_to(heights[:, None], radius.shape),
            np.broadcast_to(base * cos, radius.shape),
            np.zeros_like(radius),
        ],
        -1,
    )
    along = -np.gradient(position, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=-1, keepdims=True), 1e-9)
    faces = grid_faces(ROWS, COLUMNS + 1)
    flat_position = position.reshape(-1, 3)
    normal = normals(flat_position, faces).reshape(ROWS, COLUMNS + 1, 3)
    seam = normal[:, 0] + normal[:, -1]
    normal[:, 0] = normal[:, -1] = seam / np.maximum(
        np.linalg.norm(seam, axis=1, keepdims=True), 1e-9
    )
    tint = np.zeros((flat_position.shape[0], 4))
    tint[:, 1] = (np.clip(depth / 0.05, 0, 1) * (0.5 - 0.5 * wave) ** 1.5).ravel()
    mesh = Mesh(
        flat_position, normal.reshape(-1, 3), faces, canonical.reshape(-1, 4),
        along.reshape(-1, 3), uv.reshape(-1, 2), tint,
    )  # fmt: skip
    return mesh, centres[-1]


def _straighten(line: Array, sigma: float) -> Array:
    """Smooth a polyline without pulling in its ends."""
    pad = int(3 * sigma)
    longer = np.pad(line, ((pad, pad), (0, 0)), mode="reflect", reflect_type="odd")
    return np.asarray(ndimage.gaussian_filter1d(longer, sigma, axis=0)[pad:-pad])


def grid_faces(rows: int, columns: int) -> np.ndarray:
    """Triangles of a (rows, columns) grid; outward when columns run against the clock."""
    corner = np.arange(rows * columns).reshape(rows, columns)
    a, b = corner[:-1, :-1].ravel(), corner[:-1, 1:].ravel()
    c, d = corner[1:, :-1].ravel(), corner[1:, 1:].ravel()
    return np.concatenate([np.stack([a, c, b], 1), np.stack([b, c, d], 1)]).astype(np.int32)


def tube(path: Array, radius: Array, up: Array, sides: int = 16, flat: float = 1.0) -> Mesh:
    """A tube of given radii along `path` (K, 3); `flat` squeezes it along `up`."""
    count = len(path)
    tangent = np.gradient(path, axis=0)
    tangent /= np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), 1e-9)
    first = np.cross(tangent, up)
    first /= np.maximum(np.linalg.norm(first, axis=1, keepdims=True), 1e-9)
    second = np.cross(first, tangent)
    angle = np.linspace(0, 2 * np.pi, sides + 1)
    ring = (
        np.cos(angle)[None, :, None] * first[:, None]
        + flat * np.sin(angle)[None, :, None] * second[:, None]
    )
    position = path[:, None] + np.asarray(radius).reshape(-1, 1, 1) * ring
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    uv = np.stack(
        [
            np.broadcast_to(angle / (2 * np.pi), (count, sides + 1)) * 6.28 * np.mean(radius),
            np.broadcast_to(length[:, None], (count, sides + 1)),
        ],
        -1,
    )
    faces = grid_faces(count, sides + 1)
    flat_position = position.reshape(-1, 3)
    normal = normals(flat_position, faces)
    outward = (position - path[:, None]).reshape(-1, 3)
    if (normal * outward).sum() < 0:
        faces = faces[:, ::-1].copy()
        normal = -normal
    along = np.broadcast_to(tangent[:, None], position.shape).reshape(-1, 3)
    return Mesh(flat_position, normal, faces, None, along, uv.reshape(-1, 2))
