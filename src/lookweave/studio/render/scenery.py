"""The pieces that places are built of: planes, boxes, balls, paper sweeps, passers-by, seats.

People stand at the origin and the camera looks roughly along -z, so scenery lies at z < 0.
Texture coordinates are metres; ``shaders/scene.glsl`` draws the patterns.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from lookweave.studio.render import fabrics
from lookweave.studio.render.body import Array, normals
from lookweave.studio.render.draw import SCENE, Mesh, Part
from lookweave.studio.render.dress import SCENE_ID
from lookweave.studio.render.garments.loft import grid_faces
from lookweave.studio.render.lights import Lighting

PAPER, PAVING, FACADE, BOARDS, SAND, SEA, SKY, ASPHALT, CURTAIN, BRICK, LEAVES, TILES = range(1, 13)


@dataclass
class Scene:
    """Scenery with its light."""

    name: str
    parts: list[Part]
    lighting: Lighting
    backdrop: Array = field(default_factory=lambda: np.full(3, 0.5))  # where nothing is drawn
    blur: float = 1.0  # how much the lens blurs the far scenery
    seat: str = "box"


def plane(
    corner: tuple[float, float, float],
    u: tuple[float, float, float],
    v: tuple[float, float, float],
    cells: int = 1,
) -> Mesh:
    """A rectangle from `corner` along `u` and `v`; uv in metres, normal u x v."""
    a, b, c = np.asarray(corner, float), np.asarray(u, float), np.asarray(v, float)
    line = np.linspace(0, 1, cells + 1)
    s, t = np.meshgrid(line, line)
    points = a + s.ravel()[:, None] * b + t.ravel()[:, None] * c
    normal = np.cross(b, c)
    normal /= np.linalg.norm(normal)
    uv = np.stack([s.ravel() * np.linalg.norm(b), t.ravel() * np.linalg.norm(c)], 1)
    return Mesh(points, np.tile(normal, (len(points), 1)), grid_faces(cells + 1, cells + 1), uv=uv)


def box(
    centre: tuple[float, float, float], size: tuple[float, float, float], turn: float = 0.0
) -> Mesh:
    """A box standing on y = centre[1]."""
    w, h, d = (value / 2 for value in size)
    meshes = [
        plane((-w, 0, d), (2 * w, 0, 0), (0, 2 * h, 0)),
        plane((w, 0, -d), (-2 * w, 0, 0), (0, 2 * h, 0)),
        plane((w, 0, d), (0, 0, -2 * d), (0, 2 * h, 0)),
        plane((-w, 0, -d), (0, 0, 2 * d), (0, 2 * h, 0)),
        plane((-w, 2 * h, d), (2 * w, 0, 0), (0, 0, -2 * d)),
    ]
    a = np.deg2rad(turn)
    spin = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    return merge(meshes, spin, np.asarray(centre, float))


def ball(centre: Array, radius: Array | float, rows: int = 12, columns: int = 19) -> Mesh:
    """An ellipsoid."""
    v = np.linspace(0, np.pi, rows)[:, None]
    u = np.linspace(0, 2 * np.pi, columns)[None]
    unit = np.stack([np.sin(v) * np.sin(u), np.cos(v) + 0 * u, np.sin(v) * np.cos(u)], -1)
    unit = unit.reshape(-1, 3)
    size = np.broadcast_to(np.asarray(radius, float), (3,))
    normal = unit / size
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    uv = np.stack(np.broadcast_arrays(u * size[0], v * size[1]), -1).reshape(-1, 2)
    return Mesh(centre + unit * size, normal, grid_faces(rows, columns), uv=uv)


def merge(meshes: list[Mesh], spin: Array | None = None, shift: Array | None = None) -> Mesh:
    """One mesh from several, turned and moved."""
    spin = np.eye(3) if spin is None else spin
    shift = np.zeros(3) if shift is None else shift
    offset = np.cumsum([0, *(len(mesh.position) for mesh in meshes[:-1])])
    return Mesh(
        np.concatenate([m.position for m in meshes]) @ spin.T + shift,
        np.concatenate([m.normal for m in meshes]) @ spin.T,
        np.concatenate([m.faces + o for m, o in zip(meshes, offset, strict=True)]).astype(np.int32),
        uv=np.concatenate([m.uv for m in meshes if m.uv is not None]),
        tint=None
        if meshes[0].tint is None
        else np.concatenate([m.tint for m in meshes if m.tint is not None]),
    )


def part(
    mesh: Mesh,
    base: tuple[float, ...] | Array,
    pattern: int = PAPER,
    casts: bool = False,
    **values: Any,
) -> Part:
    """A draw call of scenery."""
    return Part(
        _wound(mesh), SCENE, SCENE_ID, {"base": tuple(base), "pattern": pattern, **values},
        {"noise": fabrics.noise()}, casts=casts,
    )  # fmt: skip


def _wound(mesh: Mesh) -> Mesh:
    """`mesh` with every triangle facing the side that its normals point to."""
    a, b, c = (mesh.position[mesh.faces[:, corner]] for corner in range(3))
    away = (np.cross(b - a, c - a) * mesh.normal[mesh.faces].sum(1)).sum(1) < 0
    faces = np.where(away[:, None], mesh.faces[:, ::-1], mesh.faces)
    return replace(mesh, faces=np.ascontiguousarray(faces, np.int32))


def ground(base: tuple[float, ...] | Array, pattern: int, **values: Any) -> Part:
    """The ground from horizon to camera."""
    return part(plane((-30, 0, 12), (60, 0, 0), (0, 0, -60)), base, pattern, **values)


def sky(low: tuple[float, float, float], high: tuple[float, float, float], glow: float) -> Part:
    """A luminous sky far behind, `low` at the horizon."""
    mesh = plane((-60, -2, -45), (120, 0, 0), (0, 40, 0))
    assert mesh.uv is not None
    mesh.uv = mesh.uv / np.array([40.0, 40.0])
    return part(mesh, low, SKY, accent=high, emission=glow)


def tone(rng: np.random.Generator, low: float, high: float, colourful: float) -> Array:
    """A random grey, `colourful` of it tinted."""
    grey = rng.uniform(low, high)
    return np.clip(grey * (1 + colourful * rng.normal(size=3)), 0.01, 1)


def sweep(base: Array) -> Part:
    """Studio paper: floor, curve and wall in one."""
    rows, columns = 24, 3
    bend = np.linspace(0, np.pi / 2, 14)
    back = 2.2
    profile = [(0.0, 8.0), (0.0, -back + 0.0)]
    profile += [(1.2 * (1 - np.cos(a)), -back - 1.2 * np.sin(a)) for a in bend[1:]]
    profile += [(9.0, -back - 1.2)]
    rows = len(profile)
    x = np.linspace(-14, 14, columns)
    grid = np.array([[(xx, y, z) for xx in x] for y, z in profile]).reshape(-1, 3)
    faces = grid_faces(rows, columns)[:, ::-1].copy()
    normal = normals(grid, faces)
    if normal[:, 1].sum() < 0:
        faces, normal = faces[:, ::-1].copy(), -normal
    length = np.concatenate(
        [
            [0],
            np.cumsum(
                [
                    np.hypot(a[0] - b[0], a[1] - b[1])
                    for a, b in zip(profile[1:], profile[:-1], strict=True)
                ]
            ),
        ]
    )
    uv = np.stack([grid[:, 0], np.repeat(length, columns)], 1)
    return part(Mesh(grid, normal, faces, uv=uv), base, PAPER)


def bystander(rng: np.random.Generator, x: float, z: float, seated: bool = False) -> list[Part]:
    """A passer-by or guest, good enough out of focus: a turned figure, coloured by height."""
    top, low = tone(rng, 0.02, 0.35, 0.3), tone(rng, 0.015, 0.15, 0.2)
    complexion = np.array([0.45, 0.27, 0.2]) * rng.uniform(0.25, 1.2)
    hair = tone(rng, 0.01, 0.12, 0.3)
    outline = [
        (0.00, 0.09), (0.05, 0.10), (0.45, 0.12), (0.80, 0.165), (0.92, 0.17), (1.08, 0.145),
        (1.28, 0.195), (1.40, 0.205), (1.46, 0.15), (1.49, 0.06), (1.55, 0.055), (1.58, 0.075),
        (1.64, 0.085), (1.70, 0.088), (1.76, 0.065), (1.79, 0.0),
    ]  # fmt: skip
    height = np.array([h for h, _ in outline]) * rng.uniform(0.93, 1.06)
    radius = np.array([r for _, r in outline]) * rng.uniform(0.92, 1.12)
    columns = 17
    angle = np.linspace(0, 2 * np.pi, columns)
    rows = np.repeat(np.arange(len(outline) * 2 - 1) / 2, 1)
    height = np.interp(rows, np.arange(len(outline)), height)
    radius = np.interp(rows, np.arange(len(outline)), radius)
    head = (height > 1.5)[:, None]
    deep = np.where(head, 1.15, 0.66)
    grid = np.stack(
        [
            x + radius[:, None] * np.sin(angle),
            np.broadcast_to(height[:, None], (len(rows), columns)),
            z + radius[:, None] * deep * np.cos(angle),
        ],
        -1,
    ).reshape(-1, 3)
    if seated:
        grid[:, 1] -= 0.42
    normal = np.repeat(
        np.stack([np.sin(angle), 0.2 + 0 * angle, np.cos(angle)], 1)[None], len(rows), 0
    )
    normal = normal.reshape(-1, 3) / np.sqrt(1.04)
    colour = np.where(
        (height > 1.66)[:, None],
        hair,
        np.where(
            (height > 1.44)[:, None], complexion, np.where((height > 0.95)[:, None], top, low)
        ),
    )
    tint = np.concatenate([np.repeat(colour, columns, 0), np.ones((len(grid), 1))], 1)
    faces = grid_faces(len(rows), columns)
    uv = grid[:, :2].copy()
    return [part(Mesh(grid, normal, faces, uv=uv, tint=tint), (1.0, 1.0, 1.0), 0, not seated)]


def seat(
    style: str, height: float, centre: Array, turn: float, rng: np.random.Generator
) -> list[Part]:
    """Something to sit on whose top is at `height`."""
    x, _, z = centre
    if style == "rock":
        return [
            part(
                ball(np.array([x, height - 0.24, z]), np.array([0.42, 0.26, 0.34])),
                (0.22, 0.19, 0.16),
                SAND,
                True,
            )
        ]
    shade = tone(rng, 0.05, 0.7, 0.2)
    if style == "chair":
        a = np.deg2rad(turn)
        behind = np.array([-np.sin(a), 0, -np.cos(a)]) * 0.21
        legs = [box((x, 0, z), (0.40, height - 0.05, 0.40), turn)]
        return [
            part(box((x, height - 0.06, z), (0.48, 0.06, 0.46), turn), shade, 1, True),
            part(legs[0], shade * 0.7, 1, True),
            part(
                box((x + behind[0], height, z + behind[2]), (0.46, 0.42, 0.04), turn),
                shade,
                1,
                True,
            ),
        ]
    return [part(box((x, 0, z), (0.46, height, 0.42), turn), shade, 1, True)]
