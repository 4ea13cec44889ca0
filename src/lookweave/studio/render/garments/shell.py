"""Garments that follow the body: smoothed, draped shells over its rest surface.

A shell starts as the body's own surface. Laplacian smoothing bridges the hollows that cloth
bridges; a radial height field around the trunk and each leg then lets the cloth hang from the
widest point above, as gravity does; arms get tubes. What is left inside the body is pushed out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse

from lookweave.studio.render.body import PARTS, Array, Body, canonical, normals, reference, rig
from lookweave.studio.render.garments.cut import ARM, CROTCH, ELBOW, WRIST


@dataclass(frozen=True)
class Fit:
    """How loosely a garment sits, in metres of air between cloth and body."""

    chest: float = 0.012
    waist: float = 0.02
    hip: float = 0.012
    taper: float = 0.35  # how fast cloth falls back to the body below its widest point
    arm: float = 0.010  # air at the upper arm
    cuff: float = 0.015  # air at the wrist
    leg: float = 0.010  # air at the thigh
    ankle: float = 0.020  # air at the ankle
    shoulder: float = 0.008  # air over shoulders and neck
    smooth: int = 14  # rounds of smoothing; more look thicker and stiffer


@dataclass(frozen=True)
class Region:
    """The part of the mesh that garments use, once refined by Loop subdivision."""

    index: NDArray[np.int64]  # (R,) region vertex -> body vertex
    faces: NDArray[np.int32]
    neighbours: sparse.csr_matrix
    refine: sparse.csr_matrix  # (F, R) coarse to fine vertices
    fine_faces: NDArray[np.int32]
    canonical: Array  # (R, 4)
    weights: sparse.csr_matrix  # (R, 28)


@cache
def region() -> Region:
    """Everything below the jaw but hands and feet."""
    shared = rig()
    points = canonical()
    wanted = (points[:, 1] < 1.67) & ~np.isin(
        shared.part, [PARTS["hand"], PARTS["foot"], PARTS["eye"], PARTS["mouth"]]
    )
    # Keep a ring past wrist and ankle so that long sleeves and legs have something to cut.
    reach = wanted.astype(float)
    for _ in range(4):
        reach = np.maximum(reach, ((shared.neighbours @ reach) > 0) & (points[:, 1] < 1.6))
    wanted = reach > 0
    index = np.flatnonzero(wanted)
    back = -np.ones(len(wanted), np.int64)
    back[index] = np.arange(len(index))
    faces = back[shared.faces]
    kept = faces[(faces >= 0).all(1)].astype(np.int32)
    neighbours = _adjacency(kept, len(index))
    refine, fine_faces = _loop(kept, len(index))
    weights = shared.weights[index]
    # Cloth does not follow the skin's creases: its weights change more slowly than the body's.
    for _ in range(4):
        weights = 0.5 * weights + 0.5 * (neighbours @ weights)
    return Region(
        index, kept, neighbours, refine, fine_faces, points[index], sparse.csr_matrix(weights)
    )


def drape(body: Body, fit: Fit) -> Array:
    """(R, 3) rest positions of the region's vertices as a garment of this `fit` on `body`."""
    area = region()
    skin = body.vertices[area.index]
    outward = normals(skin, area.faces)
    coords = area.canonical
    arm = np.clip((coords[:, 3] - 0.35) / 0.4, 0, 1)
    along = (np.abs(coords[:, 0]) - 0.17) * ARM[0] + (coords[:, 1] - 1.489) * ARM[1]
    y = coords[:, 1]
    air = np.interp(
        y,
        [0.1, 0.5, CROTCH, 0.98, 1.13, 1.30, 1.42, 1.60],
        [fit.ankle, 0.5 * (fit.ankle + fit.leg), fit.leg, fit.hip, fit.waist, fit.chest,
         fit.chest, fit.shoulder],
    )  # fmt: skip
    sleeve = np.interp(
        along,
        [0.0, 0.1, ELBOW, WRIST],
        [fit.shoulder, fit.arm, 0.5 * (fit.arm + fit.cuff), fit.cuff],
    )
    air = air * (1 - arm) + sleeve * arm

    cloth = skin + outward * air[:, None]
    for _ in range(fit.smooth):
        cloth = 0.5 * cloth + 0.5 * (area.neighbours @ cloth)
    cloth = _hang_trunk(cloth, body, coords, fit)
    cloth = _hang_legs(cloth, body, coords, fit)
    cloth = _round_arms(cloth, body, along, arm, coords, sleeve)
    # What may not show through is the body without its smallest bumps.
    for _ in range(8):
        skin = 0.5 * skin + 0.5 * (area.neighbours @ skin)
    outward = normals(skin, area.faces)
    # On the trunk push level: along the normal, cloth would be tucked under the bust again.
    level = outward.copy()
    trunk = (coords[:, 3] < 0.3) & (coords[:, 1] < 1.46) & (coords[:, 1] > CROTCH)
    level[trunk, 1] = 0.0
    flat = np.linalg.norm(level, axis=1)
    level /= np.maximum(flat, 1e-6)[:, None]
    rounds = 3 if fit.smooth < 20 else 6
    for _ in range(rounds):
        inside = air * 0.8 * flat - ((cloth - skin) * level).sum(1)
        cloth = cloth + level * np.clip(inside, 0, None)[:, None]
        cloth = 0.6 * cloth + 0.4 * (area.neighbours @ cloth)
    inside = np.minimum(air, 0.006) * flat - ((cloth - skin) * level).sum(1)
    cloth = cloth + level * np.clip(inside, 0, None)[:, None]
    # Smoothing shrinks an open edge: hems of trouser legs would creep up from the shoes.
    leg = np.clip((0.34 - y) / 0.14, 0, 1) * (1 - arm)
    ours, theirs = _landmarks(body)
    cloth[:, 1] += leg * (np.interp(y, theirs, ours) - cloth[:, 1])
    return np.asarray(cloth)


TUBE_RADIUS = 0.150  # of skirts and coat tails in canonical coordinates
_CANONICAL_HEIGHTS = ("foot.L", "shin.L", "thigh.L", "waist", "chest", "upperarm.L", "neck")


def _landmarks(body: Body) -> tuple[list[float], list[float]]:
    """Heights of the ground and some joints on `body` and on the reference."""
    names = _CANONICAL_HEIGHTS
    ours, theirs = ([0.0, *(b.joint(n)[1] for n in names)] for b in (body, reference()))
    return ours, theirs


def coordinates(cloth: Array, body: Body, joined: bool = False) -> Array:
    """(R, 4) canonical coordinates of draped cloth.

    On the trunk they follow the cloth, not the skin below it: stripes and prints run straight
    over a bust instead of bending with it. A shell that a loft continues is `joined`: towards
    the hip its coordinates become those of a round tube.
    """
    area = region()
    coords = area.canonical.copy()
    ours, theirs = _landmarks(body)
    height = np.interp(cloth[:, 1], ours, theirs)
    y = coords[:, 1]
    share = (
        np.clip((y - 0.93) / 0.06, 0, 1) * np.clip((1.44 - y) / 0.06, 0, 1)
        * np.clip((0.35 - coords[:, 3]) / 0.2, 0, 1)
    )  # fmt: skip
    coords[:, 1] += share * (height - y)
    hips = (np.abs(y - 1.0) < 0.04) & (coords[:, 3] < 0.3)
    centre = 0.5 * (cloth[hips, 2].min() + cloth[hips, 2].max())
    angle = np.arctan2(cloth[:, 0], cloth[:, 2] - centre)
    radius = np.hypot(coords[:, 0], coords[:, 2])
    if joined:
        round_ = np.clip((1.22 - y) / 0.12, 0, 1)
        radius = radius + round_ * (TUBE_RADIUS - radius)
    coords[:, 0] += share * (radius * np.sin(angle) - coords[:, 0])
    coords[:, 2] += share * (radius * np.cos(angle) - coords[:, 2])
    return coords


def _polar(
    points: Array, centre: Array, level: Array, rows: int, columns: int, low: float, high: float
) -> Array:
    """(rows, columns) largest radius around a vertical axis, by height (row) and angle."""
    delta = points[:, [0, 2]] - centre
    radius = np.hypot(delta[:, 0], delta[:, 1])
    angle = np.arctan2(delta[:, 0], delta[:, 1])
    row = np.clip(((level - low) / (high - low) * rows).astype(int), 0, rows - 1)
    column = ((angle / (2 * np.pi) + 0.5) * columns).astype(int) % columns
    grid = np.zeros((rows, columns))
    np.maximum.at(grid, (row, column), radius)
    for _ in range(columns):
        empty = grid == 0
        if not empty.any():
            break
        beside = np.maximum.reduce(
            [np.roll(grid, 1, 1), np.roll(grid, -1, 1), np.pad(grid, ((1, 0), (0, 0)))[:-1],
             np.pad(grid, ((0, 1), (0, 0)))[1:]]
        )  # fmt: skip
        grid = np.where(empty, beside, grid)
    return np.asarray(ndimage.gaussian_filter(grid, (1.0, 1.5), mode=("nearest", "wrap")))


def _convex(grid: Array) -> Array:
    """Each row's convex hull, as radii: cloth does not follow hollows (cleavage, spine)."""
    columns = grid.shape[1]
    angle = np.arange(columns) / columns * 2 * np.pi
    cosine = np.cos(angle[:, None] - angle[None])
    support = (grid[:, :, None] * cosine).max(1)
    facing = np.where(cosine > 0.08, 1 / np.maximum(cosine, 0.08), 1e3)
    return np.asarray((support[:, None, :] * facing).min(2))


def _sample(grid: Array, level: Array, angle: Array, low: float, high: float) -> Array:
    rows, columns = grid.shape
    row = (level - low) / (high - low) * rows - 0.5
    column = (angle / (2 * np.pi) + 0.5) * columns - 0.5
    padded = np.concatenate([grid[:, -2:], grid, grid[:, :2]], 1)
    return np.asarray(ndimage.map_coordinates(padded, [row, column + 2], order=1, mode="nearest"))


def _hang_trunk(cloth: Array, body: Body, coords: Array, fit: Fit) -> Array:
    """Let the cloth of the trunk fall from chest and shoulder blades."""
    low, high, rows = 0.80, 1.50, 40
    trunk = (coords[:, 3] < 0.3) & (coords[:, 1] > low - 0.03) & (coords[:, 1] < high)
    fine = region().refine @ np.concatenate([cloth, coords], 1)
    chosen = (fine[:, 6] < 0.3) & (fine[:, 4] > low - 0.03) & (fine[:, 4] < high)
    centre = np.array([0.0, float(np.median(fine[chosen, 2]))])
    grid = _polar(fine[chosen, :3], centre, fine[chosen, 4], rows, 64, low, high)
    stiff = 0.85 if fit.smooth < 20 else 1.0
    grid = np.maximum(grid, stiff * _convex(grid) + (1 - stiff) * grid)
    step = (high - low) / rows
    start = int((1.36 - low) / step)
    # Taut from the collar bones to the bust, then free fall.
    bust, collar = int((1.30 - low) / step), int((1.46 - low) / step)
    for row in range(bust + 1, collar):
        up = (row - bust) / (collar - bust)
        grid[row] = np.maximum(grid[row], (1 - up) * grid[bust] + up * grid[collar])
    for row in range(start - 1, -1, -1):
        grid[row] = np.maximum(grid[row], grid[row + 1] - fit.taper * step)
    grid = ndimage.gaussian_filter(grid, (0.8, 1.0), mode=("nearest", "wrap"))
    delta = cloth[:, [0, 2]] - centre
    angle = np.arctan2(delta[:, 0], delta[:, 1])
    target = _sample(grid, coords[:, 1], angle, low, high)
    share = (
        trunk
        * np.clip((1.47 - coords[:, 1]) / 0.07, 0, 1)
        * np.clip((coords[:, 1] - 0.87) / 0.06, 0, 1)
        * np.clip((0.3 - coords[:, 3]) / 0.2, 0, 1)
    )
    radius = np.hypot(delta[:, 0], delta[:, 1])
    factor = 1 + share * (np.maximum(target / np.maximum(radius, 1e-6), 1) - 1)
    out = cloth.copy()
    out[:, 0] = centre[0] + delta[:, 0] * factor
    out[:, 2] = centre[1] + delta[:, 1] * factor
    return out


def _hang_legs(cloth: Array, body: Body, coords: Array, fit: Fit) -> Array:
    """Let each trouser leg fall from the thigh."""
    low, high, rows = 0.04, 0.93, 48
    fine = region().refine @ np.concatenate([cloth, coords], 1)
    out = cloth.copy()
    for side, name in ((1.0, "L"), (-1.0, "R")):
        hip, ankle = body.joint(f"thigh.{name}"), body.joint(f"foot.{name}")

        def axis(level: Array, hip: Array = hip, ankle: Array = ankle) -> Array:
            share = np.clip((0.986 - level) / (0.986 - 0.082), 0, 1)[:, None]
            line = hip + (ankle - hip) * share
            return line[:, [0, 2]]

        chosen = (fine[:, 3] * side > 0) & (fine[:, 4] < high) & (fine[:, 6] < 0.3)
        grid = _polar(fine[chosen, :3], axis(fine[chosen, 4]), fine[chosen, 4], rows, 48, low, high)
        step = (high - low) / rows
        start = int((0.84 - low) / step)
        # Cloth that is wide at the ankle hangs straight from the thigh; narrow cloth follows.
        fall = np.interp(fit.ankle, [0.01, 0.03, 0.08, 0.16], [0.30, 0.14, 0.02, -0.06])
        for row in range(start - 1, -1, -1):
            grid[row] = np.maximum(grid[row], grid[row + 1] - fall * step)
        grid = ndimage.gaussian_filter(grid, (1.0, 1.5), mode=("nearest", "wrap"))
        mine = (coords[:, 0] * side > 0) & (coords[:, 1] < high) & (coords[:, 3] < 0.3)
        middle = axis(coords[:, 1])
        delta = cloth[:, [0, 2]] - middle
        angle = np.arctan2(delta[:, 0], delta[:, 1])
        target = _sample(grid, coords[:, 1], angle, low, high)
        radius = np.maximum(np.hypot(delta[:, 0], delta[:, 1]), 1e-6)
        share = mine * np.clip((0.88 - coords[:, 1]) / 0.10, 0, 1)
        factor = (1 + share * (np.maximum(target / radius, 1) - 1))[:, None]
        moved = middle + delta * factor
        # Wide legs meet in the middle instead of passing through each other.
        moved[:, 0] = np.where(mine, side * np.maximum(moved[:, 0] * side, 0.002), moved[:, 0])
        out[:, [0, 2]] = np.where(mine[:, None], moved, out[:, [0, 2]])
    return out


def _round_arms(
    cloth: Array, body: Body, along: Array, arm: Array, coords: Array, air: Array
) -> Array:
    """Turn sleeves into tubes: a sleeve is rounder than the arm inside it."""
    out = cloth.copy()
    for side, name in ((1.0, "L"), (-1.0, "R")):
        start, end = body.joint(f"upperarm.{name}"), body.joint(f"hand.{name}")
        direction = (end - start) / np.linalg.norm(end - start)
        mine = (coords[:, 0] * side > 0) & (arm > 0)
        rel = cloth - start
        length = rel @ direction
        radial = rel - length[:, None] * direction
        radius = np.maximum(np.linalg.norm(radial, axis=1), 1e-6)
        order = np.argsort(along[mine])
        widest = ndimage.maximum_filter1d(radius[mine][order], 15, mode="nearest")
        widest = ndimage.gaussian_filter1d(widest, 8, mode="nearest")
        target = np.zeros(len(cloth))
        target[np.flatnonzero(mine)[order]] = widest
        loose = np.clip(air / 0.03, 0.2, 0.9)
        goal = radius + loose * np.clip(target - radius, 0, None)
        share = np.where(mine, arm * np.clip((along - 0.04) / 0.12, 0, 1), 0)
        out += radial * (share * (goal / radius - 1))[:, None]
    return out


def _adjacency(faces: NDArray[np.integer], count: int) -> sparse.csr_matrix:
    a, b, c = faces.T
    rows, cols = np.concatenate([a, b, b, c, c, a]), np.concatenate([b, a, c, b, a, c])
    graph = sparse.csr_matrix((np.ones(len(rows)), (rows, cols)), (count, count))
    graph.data[:] = 1.0
    degree = np.maximum(np.asarray(graph.sum(1)).ravel(), 1.0)
    return sparse.csr_matrix(sparse.diags(1.0 / degree) @ graph)


def _loop(faces: NDArray[np.int32], count: int) -> tuple[sparse.csr_matrix, NDArray[np.int32]]:
    """One round of Loop subdivision (Loop 1987) as a matrix, and the finer triangles."""
    corners = [(0, 1, 2), (1, 2, 0), (2, 0, 1)]
    pairs = np.concatenate([faces[:, [i, j]] for i, j, _ in corners])
    across = np.concatenate([faces[:, k] for _, _, k in corners])
    key = np.sort(pairs, 1)
    edges, inverse = np.unique(key, axis=0, return_inverse=True)
    inverse = inverse.ravel()
    uses = np.bincount(inverse, minlength=len(edges))
    border = uses == 1
    rows, cols, values = [], [], []
    for end in range(2):
        rows.append(count + np.arange(len(edges)))
        cols.append(edges[:, end])
        values.append(np.where(border, 0.5, 0.375))
    inner = ~border[inverse]
    rows.append(count + inverse[inner])
    cols.append(across[inner])
    values.append(np.full(int(inner.sum()), 0.125))
    # Even vertices: Warren's weights inside, left in place on the border.
    graph = _adjacency(faces, count)
    degree = np.diff(graph.indptr)
    on_border = np.zeros(count, bool)
    on_border[edges[border].ravel()] = True
    pull = np.where(on_border, 0.0, np.where(degree == 3, 9 / 16, 3 / 8))
    even = sparse.diags(1 - pull) + sparse.diags(pull) @ graph
    odd = sparse.csr_matrix(
        (np.concatenate(values), (np.concatenate(rows) - count, np.concatenate(cols))),
        (len(edges), count),
    )
    refine = sparse.csr_matrix(sparse.vstack([even, odd]))
    thirds = inverse.reshape(3, -1)  # edges 01, 12, 20 of every face
    ab, bc, ca = (count + third for third in thirds)
    a, b, c = faces.T
    fine = np.concatenate(
        [np.stack(t, 1) for t in ((a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca))]
    )
    return refine, fine.astype(np.int32)
