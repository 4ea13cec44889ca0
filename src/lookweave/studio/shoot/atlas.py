"""A garment's photograph as cloth: one texture in the cloth's own coordinates, seen from all sides.

The trunk (with what hangs from it), each sleeve and each leg is a tile of angle and height, as
``shaders/cloth.glsl`` unrolls them. What the photograph shows is projected onto the template's
surface; what it cannot show (sides that turn away, the back) continues the last that it shows,
mirrored in a strip, so that the weave and stripes go on while a print in the middle does not
appear twice. Alpha says how far a texel can be trusted: 1 where the camera looked at the cloth
squarely, 0 where it is invented.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from lookweave.studio.render.body import Array
from lookweave.studio.render.garments.cut import ARM, SHOULDER, Cut
from lookweave.studio.render.garments.kinds import FREE_UV, LEGGED
from lookweave.studio.shoot.template import LEGS, SKIRT, WHOLE, View

Float32 = NDArray[np.float32]
TRUNK, ARMS, LEGS_TILE = 0, 1, 2
SIDE = 1536  # of the square texture, pixels
GUTTER = 3  # pixels around a tile that repeat its edge

_SQUARE = 0.30  # cosine to the camera below which cloth is continued rather than projected
PLAIN_STRIP, PATTERNED_STRIP = 0.20, 0.50
"""Of the half-width: how much of the photo's edge is mirrored into the unseen. Beside a plain edge
little will do, and a print in the middle stays out; a pattern needs room or it turns to a
kaleidoscope."""
_ROWS, _COLUMNS = 120, 192


@dataclass(frozen=True)
class Tile:
    """A rectangle of the texture and the cloth that it shows.

    Attributes:
        box: left, top, width, height as shares of the texture.
        low, high: canonical height of its lower and upper edge, or metres along the sleeve.
    """

    box: tuple[float, float, float, float]
    low: float
    high: float


Layout = dict[tuple[int, int], Tile]
"""(what, side): the side is 0 for the trunk, +1 and -1 for left and right."""


def layout(family: str, hem: float, sleeve: float) -> Layout:
    """Where the tiles of a garment lie."""
    low = max(hem - 0.06, 0.0)
    if family == SKIRT:
        return {(TRUNK, 0): Tile((0.0, 0.0, 1.0, 1.0), low, 1.24)}
    if family == LEGS:
        return {
            (LEGS_TILE, side): Tile((0.5 * (side < 0), 0.0, 0.5, 1.0), low, 1.24)
            for side in (1, -1)
        }
    body = 0.5 if family == WHOLE else 0.70
    tiles = {(TRUNK, 0): Tile((0.0, 0.0, 1.0, body), 0.86 if family == WHOLE else low, 1.60)}
    rest = 0.25 if family == WHOLE else 1 - body
    for side in (1, -1):
        x = 0.5 * (side < 0)
        tiles[ARMS, side] = Tile((x, body, 0.5, rest), -0.10, max(sleeve, 0.06) + 0.04)
        if family == WHOLE:
            tiles[LEGS_TILE, side] = Tile((x, 0.75, 0.5, 0.25), low, 0.92)
    return tiles


def unrolled(points: Array, detail: int) -> tuple[Array, Array, Array, Array]:
    """Which tile each canonical point (N, 4) lies on, and where: what, side, angle, height.

    The same as ``photo_place`` in ``shaders/cloth.glsl``.
    """
    x, y, z, arm = points.T
    side = np.where(x < 0, -1, 1)
    free = bool(detail & FREE_UV)
    on_arm = (arm > 0.5) & (not free)
    on_leg = ~on_arm & (not free) & (bool(detail & LEGGED) | (y < 0.90))
    along = (np.abs(x) - SHOULDER[0]) * ARM[0] + (y - SHOULDER[1]) * ARM[1]
    up = (np.abs(x) - SHOULDER[0]) * -ARM[1] + (y - SHOULDER[1]) * ARM[0]
    share = np.clip((0.986 - y) / 0.904, 0, 1)
    axis = 0.105 + (0.180 - 0.105) * share
    angle = np.where(
        on_arm, np.arctan2(z - 0.022, up),
        np.where(on_leg, np.arctan2(np.abs(x) - axis, z - 0.006), np.arctan2(x, z)),
    )  # fmt: skip
    what = np.where(on_arm, ARMS, np.where(on_leg, LEGS_TILE, TRUNK))
    return what, np.where(what == TRUNK, 0, side), angle, np.where(on_arm, along, y)


@dataclass(frozen=True)
class Surface:
    """A tile's cloth on a grid of heights (top row first) and angles, in the product view.

    Attributes:
        pixel: (rows, columns, 2) where it lies in the view, pixels.
        facing: (rows, columns) cosine between its normal and the camera; < 0 looks away.
        run: (rows, columns) metres along the cloth from the angle that faces the camera most.
        seen: (rows, columns) whether it exists (inside the cut).
    """

    pixel: Array
    facing: Array
    run: Array
    seen: NDArray[np.bool_]


def surfaces(view: View, tiles: Layout) -> dict[tuple[int, int], Surface]:
    """The cloth of every tile in the product view."""
    found: dict[tuple[int, int], list[Array]] = {key: [] for key in tiles}
    # What hangs below a shell lies over its lower end: there the shell's own heights do not count.
    tubes = [p.mesh for p in view.dressed.parts if int(p.values["detail"]) & FREE_UV]
    joint = max(
        (float(m.canonical[:, 1].max()) for m in tubes if m.canonical is not None), default=0
    )
    for part in view.dressed.parts:
        mesh = part.mesh
        assert mesh.canonical is not None
        pixels, _ = view.camera.project(mesh.position, view.size)
        toward = view.camera.eye - mesh.position
        toward /= np.linalg.norm(toward, axis=1, keepdims=True)
        facing = (mesh.normal * toward).sum(1)
        inside = Cut(*(float(v) for v in part.values["cut"])).distance(mesh.canonical)
        what, side, angle, height = unrolled(mesh.canonical, int(part.values["detail"]))
        rows = np.column_stack([angle, height, pixels, facing, mesh.position, inside])
        used = np.zeros(len(rows), bool)
        used[mesh.faces.ravel()] = True
        if not int(part.values["detail"]) & FREE_UV:
            used &= (mesh.canonical[:, 1] > joint - 0.004) | (what == ARMS)
        for key in tiles:
            found[key].append(rows[used & (what == key[0]) & (side == key[1])])
    return {
        key: _gridded(np.concatenate(rows), tiles[key], key[0])
        for key, rows in found.items()
        if sum(len(r) for r in rows) > 50
    }


def _gridded(rows: Array, tile: Tile, what: int) -> Surface:
    # A metre of angle for a metre of height, so that triangles between vertices are sound.
    radius = {TRUNK: 0.15, ARMS: 0.055, LEGS_TILE: 0.085}[what]
    turns = np.zeros((3, 1, rows.shape[1]))
    turns[:, 0, 0] = (-2 * np.pi, 0.0, 2 * np.pi)
    around = (rows + turns).reshape(-1, rows.shape[1])
    around = around[np.abs(around[:, 0]) < np.pi + 0.6]
    angle = (np.arange(_COLUMNS) + 0.5) / _COLUMNS * 2 * np.pi - np.pi
    height = tile.high - (np.arange(_ROWS) + 0.5) / _ROWS * (tile.high - tile.low)
    a, h = np.meshgrid(angle, height)
    place = np.stack([a.ravel() * radius, h.ravel()], -1)
    values, missing = _between(around[:, :2] * [radius, 1.0], around[:, 2:], place)
    values, missing = values.reshape(_ROWS, _COLUMNS, -1), missing.reshape(_ROWS, _COLUMNS)
    position = values[..., 3:6]
    step = np.linalg.norm(np.diff(position, axis=1, append=position[:, :1]), axis=-1)
    run = np.concatenate([np.zeros((_ROWS, 1)), np.cumsum(step, 1)[:, :-1]], 1)
    facing = ndimage.gaussian_filter(values[..., 2], (1.0, 1.5), mode=("nearest", "wrap"))
    return Surface(values[..., :2], facing, run, ~missing & (values[..., 6] > -0.03))


def _between(known: Array, values: Array, wanted: Array) -> tuple[Array, NDArray[np.bool_]]:
    """`values` (N, K) at `known` (N, 2), carried to `wanted` (M, 2) by planes through the nearest;
    and which of those are far from all."""
    distance, nearest = cKDTree(known).query(wanted, k=min(8, len(known)))
    offset = known[nearest] - wanted[:, None]
    weight = 1 / (distance + 1e-3) ** 2
    columns = np.concatenate([np.ones((*distance.shape, 1)), offset], -1)
    weighed = columns * weight[..., None]
    system = np.einsum("mki,mkj->mij", weighed, columns)
    system += np.eye(3) * np.array([0.0, 1e-4, 1e-4]) * weight.sum(1)[:, None, None]
    right = np.einsum("mki,mkv->miv", weighed, values[nearest])
    return np.linalg.solve(system, right)[:, 0], distance[:, 0] > 0.03


def continued(surface: Surface, strip: float) -> tuple[Array, Array]:
    """Where each texel takes its colour from, (rows, columns, 2) pixels of the view, and how far
    it can be trusted, (rows, columns) 0..1.

    `strip` is how wide a strip beside the edge is used, as a share of the half-width.

    Cloth that faces the camera takes what is projected there; from there on the way along the
    cloth is walked in the picture, back and forth in a strip beside the last that was seen.
    """
    rows, columns = surface.facing.shape
    pixel, trust = surface.pixel.copy(), np.zeros((rows, columns))
    length = surface.run[:, -1] + (surface.run[:, 1] - surface.run[:, 0])
    for row in range(rows):
        facing, run = surface.facing[row], surface.run[row]
        centre = int(np.argmax(ndimage.uniform_filter1d(facing, 9, mode="wrap")))
        order = (np.arange(columns) + centre - columns // 2) % columns  # centre in the middle
        f, x = facing[order], surface.pixel[row, order, 0]
        s = np.mod(run[order] - run[order[0]], length[row])
        middle = columns // 2
        square = f > _SQUARE
        left, right = middle, middle
        while left > 0 and square[left - 1]:
            left -= 1
        while right < columns - 1 and square[right + 1]:
            right += 1
        if right - left < 4:
            trust[row] = 0
            continue
        scale = abs(x[right] - x[left]) / max(s[right] - s[left], 1e-6)
        wide = abs(x[right] - x[left])
        band = max(strip * 0.5 * wide, 2.0)
        direction = 1.0 if x[right] > x[left] else -1.0
        out = x.copy()
        for side, edge, beyond in ((1, right, slice(right + 1, None)), (-1, left, slice(0, left))):
            way = np.abs(s[beyond] - s[edge]) * scale
            # 0, band, 0 ... : from the edge inwards and back.
            fold = band - np.abs(np.mod(way, 2 * band) - band)
            out[beyond] = x[edge] - side * direction * fold
        pixel[row, order, 0] = out
        sure = np.clip((f - _SQUARE) / (0.75 - _SQUARE), 0, 1)
        sure[:left] = sure[right + 1 :] = 0
        trust[row, order] = sure
    return pixel, trust


def composed(tiles: Layout, made: dict[tuple[int, int], NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """One (SIDE, SIDE, 4) texture of the tiles' pictures, each as `size_of` says."""
    out = np.zeros((SIDE, SIDE, 4), np.uint8)
    for key, tile in tiles.items():
        if key not in made:
            continue
        left, top, width, height = (round(v * SIDE) for v in tile.box)
        out[top : top + height, left : left + width] = made[key]
    return out


def size_of(tile: Tile) -> tuple[int, int]:
    """(height, width) of a tile in pixels."""
    return round(tile.box[3] * SIDE), round(tile.box[2] * SIDE)
