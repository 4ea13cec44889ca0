"""Places: a few textured planes and boxes, the light that belongs there, and where to stand.

The person stands at the origin and the camera looks roughly along -z, so scenery lies at z < 0.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from lookweave.studio.render import fabrics
from lookweave.studio.render.body import Array
from lookweave.studio.render.draw import SCENE, Mesh, Part
from lookweave.studio.render.dress import SCENE_ID
from lookweave.studio.render.garments.loft import grid_faces
from lookweave.studio.render.lights import Lighting, direction, surround

SCENES: tuple[str, ...] = (
    "studio", "coloured studio", "street", "interior", "beach", "night", "runway", "garden",
)

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


def _plane(
    corner: tuple[float, float, float], u: tuple[float, float, float], v: tuple[float, float, float],
    cells: int = 1,
) -> Mesh:  # fmt: skip
    """A rectangle from `corner` along `u` and `v`; uv in metres, normal u x v."""
    a, b, c = np.asarray(corner, float), np.asarray(u, float), np.asarray(v, float)
    line = np.linspace(0, 1, cells + 1)
    s, t = np.meshgrid(line, line)
    points = a + s.ravel()[:, None] * b + t.ravel()[:, None] * c
    normal = np.cross(b, c)
    normal /= np.linalg.norm(normal)
    uv = np.stack([s.ravel() * np.linalg.norm(b), t.ravel() * np.linalg.norm(c)], 1)
    return Mesh(points, np.tile(normal, (len(points), 1)), grid_faces(cells + 1, cells + 1), uv=uv)


def _box(centre: tuple[float, float, float], size: tuple[float, float, float], turn: float = 0.0) -> Mesh:
    """A box standing on y = centre[1]."""
    w, h, d = (value / 2 for value in size)
    meshes = [
        _plane((-w, 0, d), (2 * w, 0, 0), (0, 2 * h, 0)),
        _plane((w, 0, -d), (-2 * w, 0, 0), (0, 2 * h, 0)),
        _plane((w, 0, d), (0, 0, -2 * d), (0, 2 * h, 0)),
        _plane((-w, 0, -d), (0, 0, 2 * d), (0, 2 * h, 0)),
        _plane((-w, 2 * h, d), (2 * w, 0, 0), (0, 0, -2 * d)),
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
        tint=None if meshes[0].tint is None else np.concatenate([m.tint for m in meshes if m.tint is not None]),
    )


def _part(mesh: Mesh, base: tuple[float, ...] | Array, pattern: int = PAPER, casts: bool = False, **values: object) -> Part:
    return Part(
        mesh, SCENE, SCENE_ID, {"base": tuple(base), "pattern": pattern, **values},
        {"noise": fabrics.noise()}, casts=casts,
    )  # fmt: skip


def _ground(base: tuple[float, ...] | Array, pattern: int, **values: object) -> Part:
    return _part(_plane((-30, 0, 12), (60, 0, 0), (0, 0, -60)), base, pattern, **values)


def _sky(low: tuple[float, float, float], high: tuple[float, float, float], glow: float) -> Part:
    mesh = _plane((-60, -2, -45), (120, 0, 0), (0, 40, 0))
    assert mesh.uv is not None
    mesh.uv = mesh.uv / np.array([40.0, 40.0])
    return _part(mesh, low, SKY, accent=high, emission=glow)


def _tone(rng: np.random.Generator, low: float, high: float, colourful: float) -> Array:
    grey = rng.uniform(low, high)
    return np.clip(grey * (1 + colourful * rng.normal(size=3)), 0.01, 1)


def build(name: str, rng: np.random.Generator, light: float) -> Scene:
    """Scene `name` in a random variation; `light` 0..1 is how dramatic its light may be."""
    makers = {
        "studio": _studio, "coloured studio": _coloured, "street": _street, "interior": _interior,
        "beach": _beach, "night": _night, "runway": _runway, "garden": _garden,
    }  # fmt: skip
    if name not in makers:
        raise ValueError(f"no scene {name!r}; there are {', '.join(makers)}")
    return makers[name](rng, light)


def _key(rng: np.random.Generator, light: float, elevation: tuple[float, float]) -> Array:
    reach = 25 + 55 * light
    azimuth = rng.uniform(15, reach) * (1 if rng.random() < 0.5 else -1)
    return direction(float(azimuth), float(rng.uniform(*elevation)))


def _sweep(base: Array) -> Part:
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
    from lookweave.studio.render.body import normals

    normal = normals(grid, faces)
    if normal[:, 1].sum() < 0:
        faces, normal = faces[:, ::-1].copy(), -normal
    length = np.concatenate([[0], np.cumsum([np.hypot(a[0] - b[0], a[1] - b[1]) for a, b in zip(profile[1:], profile[:-1], strict=True)])])
    uv = np.stack([grid[:, 0], np.repeat(length, columns)], 1)
    return _part(Mesh(grid, normal, faces, uv=uv), base, PAPER)


def _studio(rng: np.random.Generator, light: float) -> Scene:
    paper = _tone(rng, 0.35, 0.85, 0.02)
    strength = rng.uniform(0.5, 0.66) + 0.3 * light
    fill = rng.uniform(0.34, 0.44) * (1 - 0.55 * light)
    harmonics = surround(np.full(3, 1.2 * fill), np.full(3, fill), np.full(3, 0.7 * fill))
    lighting = Lighting(
        _key(rng, light, (25, 50)), np.array([1.0, 0.98, 0.95]) * strength, harmonics,
        direction(float(rng.uniform(140, 220)), 25), np.full(3, rng.uniform(0.0, 0.5)),
        softness=float(rng.uniform(3, 9)), name="soft box",
    )  # fmt: skip
    return Scene("studio", [_sweep(paper)], lighting, paper, 0.4)


def _coloured(rng: np.random.Generator, light: float) -> Scene:
    hue = fabrics.shade(str(rng.choice(["red", "pink", "orange", "yellow", "green", "blue", "purple", "beige"])), rng)
    paper = np.asarray(hue) * 0.9 + 0.03
    fill = rng.uniform(0.30, 0.45) * (1 - 0.5 * light)
    bounce = 0.5 + 0.5 * paper / paper.max()
    harmonics = surround(np.full(3, 1.1 * fill), fill * bounce, 0.8 * fill * bounce)
    tint = np.array([1.0, 0.97, 0.93])
    rim = np.zeros(3)
    if rng.random() < 0.5 * light:
        rim = np.asarray(fabrics.shade(str(rng.choice(["blue", "pink", "orange", "purple"])), rng)) * 2.2
    lighting = Lighting(
        _key(rng, light, (22, 50)), tint * (rng.uniform(0.5, 0.68) + 0.3 * light), harmonics,
        direction(float(rng.uniform(120, 240)), 20), rim, softness=float(rng.uniform(2, 7)),
        name="gelled studio" if rim.any() else "soft box",
    )  # fmt: skip
    return Scene("coloured studio", [_sweep(paper)], lighting, paper, 0.4)


def _sun(rng: np.random.Generator, light: float, sky: tuple[float, float, float], ground: Array) -> Lighting:
    golden = rng.random() < 0.4
    elevation = (12, 24) if golden else (35, 60)
    colour = np.array([1.25, 0.86, 0.52]) if golden else np.array([1.0, 0.95, 0.86])
    fill = 0.46 - 0.16 * light
    harmonics = surround(np.asarray(sky) * fill * 1.3, np.full(3, fill), ground * 0.6 * fill)
    back = rng.random() < 0.35 * light
    azimuth = float(rng.uniform(110, 160) if back else rng.uniform(15, 30 + 45 * light)) * (1 if rng.random() < 0.5 else -1)
    return Lighting(
        direction(azimuth, float(rng.uniform(*elevation))), colour * (1.0 + 0.4 * light), harmonics,
        softness=1.2, name="low sun" if golden else "sun",
    )  # fmt: skip


def _street(rng: np.random.Generator, light: float) -> Scene:
    ground = _tone(rng, 0.40, 0.62, 0.04)
    parts = [_ground(ground, PAVING)]
    depth = rng.uniform(4.5, 8)
    x = -16.0
    while x < 16:
        width = rng.uniform(5, 9)
        wall = _tone(rng, 0.18, 0.55, 0.14)
        pattern = FACADE if rng.random() < 0.7 else BRICK
        frame = _tone(rng, 0.05, 0.7, 0.05)
        mesh = _plane((x, 0, -depth - rng.uniform(0, 1.2)), (width, 0, 0), (0, 14, 0))
        parts.append(_part(mesh, wall, pattern, accent=tuple(frame)))
        x += width
    side = rng.choice([-1, 1])
    parts.append(_part(_plane((side * 5.0, 0, -depth), (0, 0, depth + 3), (0, 12, 0)), _tone(rng, 0.2, 0.5, 0.1), FACADE, accent=tuple(_tone(rng, 0.1, 0.6, 0.05))))
    for _ in range(int(rng.integers(1, 4))):
        place = (float(rng.uniform(-4, 4)), 0.0, float(rng.uniform(-depth + 1.0, -2.6)))
        if rng.random() < 0.5:
            parts.append(_part(_box(place, (0.10, 4.0, 0.10)), (0.05, 0.05, 0.06), 0, True))
        else:
            parts.append(_part(_box((place[0], 0.25, place[2]), (3.6, 1.1, 1.5)), _tone(rng, 0.05, 0.5, 0.3), 0, True, gloss=0.6))
            parts.append(_part(_box((place[0], 1.2, place[2]), (2.0, 0.45, 1.3)), (0.05, 0.06, 0.07), 0, True, gloss=0.9))
    for _ in range(int(rng.integers(0, 4))):
        parts += _bystander(rng, float(rng.uniform(-4, 4)), float(rng.uniform(-depth + 0.6, -2.5)))
    sky = (0.75, 0.85, 1.0)
    parts.append(_sky((0.75, 0.80, 0.85), (0.35, 0.52, 0.8), 0.9))
    return Scene("street", parts, _sun(rng, light, sky, ground), np.array([0.7, 0.78, 0.86]), 1.0)


def _bystander(rng: np.random.Generator, x: float, z: float, seated: bool = False) -> list[Part]:
    """A passer-by or guest, good enough out of focus: a turned figure, coloured by height."""
    top, low = _tone(rng, 0.02, 0.35, 0.3), _tone(rng, 0.015, 0.15, 0.2)
    tone = np.array([0.45, 0.27, 0.2]) * rng.uniform(0.25, 1.2)
    hair = _tone(rng, 0.01, 0.12, 0.3)
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
        [x + radius[:, None] * np.sin(angle), np.broadcast_to(height[:, None], (len(rows), columns)),
         z + radius[:, None] * deep * np.cos(angle)], -1
    ).reshape(-1, 3)  # fmt: skip
    if seated:
        grid[:, 1] -= 0.42
    normal = np.repeat(np.stack([np.sin(angle), 0.2 + 0 * angle, np.cos(angle)], 1)[None], len(rows), 0)
    normal = normal.reshape(-1, 3) / np.sqrt(1.04)
    colour = np.where((height > 1.66)[:, None], hair, np.where((height > 1.44)[:, None], tone, np.where((height > 0.95)[:, None], top, low)))
    tint = np.concatenate([np.repeat(colour, columns, 0), np.ones((len(grid), 1))], 1)
    faces = grid_faces(len(rows), columns)
    uv = grid[:, :2].copy()
    return [_part(Mesh(grid, normal, faces, uv=uv, tint=tint), (1.0, 1.0, 1.0), 0, not seated)]


def _interior(rng: np.random.Generator, light: float) -> Scene:
    wall = _tone(rng, 0.35, 0.75, 0.08)
    back = -float(rng.uniform(1.6, 3.2))
    boards = rng.random() < 0.6
    floor = np.array([0.36, 0.22, 0.12]) * rng.uniform(0.6, 1.3) if boards else _tone(rng, 0.4, 0.7, 0.05)
    parts = [
        _ground(floor, BOARDS if boards else TILES, accent=tuple(_tone(rng, 0.1, 0.7, 0.05))),
        _part(_plane((-9, 0, back), (18, 0, 0), (0, 5, 0)), wall, PAPER),
        _part(_box((0, 0, back + 0.02), (18, 0.12, 0.03)), wall * 0.8 + 0.1, 0),
    ]
    side = float(rng.choice([-1, 1]))
    # A window with a curtain on the side the light comes from.
    parts.append(_part(_plane((side * 1.1 - 0.5, 0.8, back + 0.02), (1.0, 0, 0), (0, 1.7, 0)), (0.9, 0.95, 1.0), 0, emission=1.1))
    for k in range(3):
        parts.append(_part(_box((side * 1.1 - 0.5 + 0.5 * k, 0.8, back + 0.04), (0.04, 1.7, 0.04)), wall * 0.9, 0))
    parts.append(_part(_plane((side * 1.1 + side * 0.45 - 0.35, 0.05, back + 0.10), (0.7, 0, 0), (0, 2.75, 0)), _tone(rng, 0.3, 0.8, 0.1), CURTAIN))
    cloth = _tone(rng, 0.08, 0.5, 0.35)
    sofa = -side * float(rng.uniform(1.0, 1.8))
    parts.append(_part(_box((sofa, 0.1, back + 0.55), (1.9, 0.34, 0.8)), cloth, 1, True))
    parts.append(_part(_box((sofa, 0.1, back + 0.22), (1.9, 0.8, 0.22)), cloth * 0.9, 1, True))
    for _ in range(int(rng.integers(1, 4))):
        x, y = -side * float(rng.uniform(0.2, 2.4)), float(rng.uniform(1.35, 1.9))
        w, h = float(rng.uniform(0.3, 0.7)), float(rng.uniform(0.3, 0.8))
        parts.append(_part(_box((x, y, back + 0.02), (w + 0.06, h + 0.06, 0.03)), (0.04, 0.03, 0.03), 0))
        parts.append(_part(_plane((x - w / 2, y + 0.03, back + 0.045), (w, 0, 0), (0, h, 0)), _tone(rng, 0.1, 0.8, 0.5), 11))
    if rng.random() < 0.6:
        x = side * float(rng.uniform(0.5, 0.7)) - side * 1.6
        parts.append(_part(_box((x, 0, back + 0.5), (0.34, 0.4, 0.34)), _tone(rng, 0.1, 0.6, 0.2), 0, True))
        for _ in range(7):
            parts.append(_part(ball(np.array([x, 0.95, back + 0.5]) + rng.normal(size=3) * [0.16, 0.26, 0.12], rng.uniform(0.08, 0.2)), (0.08, 0.2, 0.07), LEAVES, True))
    fill = 0.48 - 0.2 * light
    warm = np.array([1.0, 0.9, 0.78])
    harmonics = surround(warm * fill, warm * fill, floor / max(floor.max(), 0.2) * 0.5 * fill)
    lighting = Lighting(
        direction(side * float(rng.uniform(35, 50 + 35 * light)), float(rng.uniform(20, 40))),
        np.array([1.0, 0.97, 0.93]) * (0.75 + 0.3 * light), harmonics, softness=6.0, name="window",
    )  # fmt: skip
    return Scene("interior", parts, lighting, wall, 0.7, "chair")


def _beach(rng: np.random.Generator, light: float) -> Scene:
    sand = np.array([0.78, 0.66, 0.48]) * rng.uniform(0.8, 1.1)
    parts = [_ground(sand, SAND)]
    shore = -float(rng.uniform(3.5, 7))
    parts.append(_part(_plane((-60, 0.02, shore), (120, 0, 0), (0, 0, -39)), (0.05, 0.22, 0.30), SEA, accent=(0.85, 0.9, 0.92)))
    golden = rng.random() < 0.4
    parts.append(_sky((0.80, 0.55, 0.36) if golden else (0.50, 0.62, 0.72), (0.20, 0.36, 0.66), 0.75))
    for _ in range(int(rng.integers(0, 4))):
        place = np.array([rng.uniform(-4, 4), 0.1, rng.uniform(shore, -2)])
        parts.append(_part(ball(place, rng.uniform(0.2, 0.7) * np.array([1.2, 0.7, 1.0])), (0.18, 0.16, 0.14), SAND, True))
    return Scene("beach", parts, _sun(rng, light, (0.7, 0.85, 1.05), sand), np.array([0.7, 0.8, 0.9]), 1.0, "rock")


def _garden(rng: np.random.Generator, light: float) -> Scene:
    grass = np.array([0.24, 0.42, 0.13]) * rng.uniform(0.8, 1.3)
    parts = [_ground(grass, LEAVES)]
    parts.append(_part(_plane((-1.0, 0.005, 6), (2.0, 0, 0), (0, 0, -14)), _tone(rng, 0.35, 0.55, 0.05), PAVING))
    back = -float(rng.uniform(3, 6))
    for _ in range(26):
        place = np.array([rng.uniform(-7, 7), rng.uniform(0.2, 3.4), back - rng.uniform(0, 1.5)])
        green = np.array([0.08, 0.20, 0.06]) * rng.uniform(0.5, 1.6)
        parts.append(_part(ball(place, rng.uniform(0.6, 1.4), 9, 13), green, LEAVES, False))
    for _ in range(10):
        place = np.array([rng.uniform(-5, 5), rng.uniform(0.3, 1.6), back + rng.uniform(0.4, 1.2)])
        parts.append(_part(ball(place, 0.10, 6, 9), fabrics.shade(str(rng.choice(["pink", "yellow", "red", "white"])), rng), 0))
    parts.append(_sky((0.75, 0.82, 0.88), (0.4, 0.6, 0.85), 0.9))
    return Scene("garden", parts, _sun(rng, light, (0.7, 0.9, 0.9), grass * 2), np.array([0.5, 0.6, 0.5]), 1.1)


def _night(rng: np.random.Generator, light: float) -> Scene:
    parts = [_ground((0.035, 0.035, 0.04), ASPHALT, gloss=1.0)]
    depth = rng.uniform(4, 8)
    x = -14.0
    while x < 14:
        width = rng.uniform(4, 8)
        parts.append(_part(_plane((x, 0, -depth - rng.uniform(0, 1)), (width, 0, 0), (0, 12, 0)), _tone(rng, 0.03, 0.10, 0.2), FACADE, accent=(0.04, 0.04, 0.05), emission=float(rng.uniform(1.0, 2.4))))
        x += width
    neon = [(1.0, 0.08, 0.45), (0.05, 0.75, 1.0), (0.55, 0.10, 1.0), (1.0, 0.45, 0.05), (0.1, 1.0, 0.45)]
    pair = rng.permutation(len(neon))[:2]
    for _ in range(int(rng.integers(5, 10))):
        colour = neon[int(rng.choice(pair))]
        place = (float(rng.uniform(-4.5, 4.5)), float(rng.uniform(1.2, 4.2)), float(-depth + rng.uniform(0.2, 1.4)))
        size = (float(rng.uniform(0.8, 2.4)), 0.09, 0.05) if rng.random() < 0.5 else (0.09, float(rng.uniform(0.8, 2.2)), 0.05)
        parts.append(_part(_box(place, size), colour, 0, emission=5.0))
    for _ in range(9):
        lamp = np.array([rng.uniform(-6, 6), rng.uniform(0.6, 4), -depth + rng.uniform(0, 1.5)])
        parts.append(_part(ball(lamp, 0.08, 6, 9), (1.0, 0.75, 0.45), 0, emission=6.0))
    for _ in range(int(rng.integers(0, 4))):
        parts += _bystander(rng, float(rng.uniform(-4, 4)), float(rng.uniform(-depth + 0.6, -2.5)))
    first, second = (np.asarray(neon[k]) for k in pair)
    mixing = 0.35 + 0.5 * light
    key = np.array([1.0, 0.9, 0.8]) * (1 - mixing) + first * mixing
    lighting = Lighting(
        _key(rng, light, (12, 40)), key * 1.0,
        surround(np.array([0.10, 0.11, 0.16]) * 1.6, 0.16 + second * 0.10, np.array([0.05, 0.05, 0.06])),
        direction(float(rng.uniform(120, 240)), 15), second * (0.8 + 1.0 * light), softness=3.0, name="neon",
    )  # fmt: skip
    return Scene("night", parts, lighting, np.array([0.01, 0.01, 0.02]), 1.5)


def _runway(rng: np.random.Generator, light: float) -> Scene:
    pale = rng.random() < 0.6
    floor = _tone(rng, 0.5, 0.8, 0.03) if pale else _tone(rng, 0.03, 0.10, 0.1)
    parts = [
        _ground((0.02, 0.02, 0.022), PAPER),
        _part(_plane((-1.3, 0.01, 8), (2.6, 0, 0), (0, 0, -22)), floor, TILES if rng.random() < 0.3 else PAPER, accent=tuple(floor * 0.9), gloss=0.4),
        _part(_plane((-8, 0, -13), (16, 0, 0), (0, 7, 0)), _tone(rng, 0.05, 0.5, 0.4), PAPER, emission=float(rng.uniform(0, 0.5))),
    ]  # fmt: skip
    for side in (-1, 1):
        for row in range(2):
            for z in np.arange(-0.4, -10, -0.58):
                x = side * (1.75 + 0.7 * row + rng.uniform(-0.06, 0.06))
                guests = _bystander(rng, x, float(z + rng.uniform(-0.1, 0.1)), True)
                guests[0].mesh.position[:, 1] += 0.16 * row
                parts += guests
    for k in range(8):
        parts.append(_part(ball(np.array([(k % 2) * 4.4 - 2.2, 4.2, -2.0 - 1.6 * k]), 0.12, 6, 9), (1.0, 0.95, 0.9), 0, emission=7.0))
    fill = 0.26 - 0.10 * light
    lighting = Lighting(
        _key(rng, 0.5 * light, (38, 62)), np.array([1.0, 0.97, 0.94]) * 1.05,
        surround(np.full(3, 1.6 * fill), np.full(3, fill), floor * 0.9 * fill),
        direction(180, 40), np.full(3, 0.7), softness=2.0, name="spot lights",
    )  # fmt: skip
    return Scene("runway", parts, lighting, np.array([0.02, 0.02, 0.02]), 1.2)


def seat(scene: Scene, height: float, centre: Array, turn: float, rng: np.random.Generator) -> list[Part]:
    """Something to sit on whose top is at `height`."""
    x, _, z = centre
    if scene.seat == "rock":
        return [_part(ball(np.array([x, height - 0.24, z]), np.array([0.42, 0.26, 0.34])), (0.22, 0.19, 0.16), SAND, True)]
    tone = _tone(rng, 0.05, 0.7, 0.2)
    if scene.seat == "chair":
        a = np.deg2rad(turn)
        behind = np.array([-np.sin(a), 0, -np.cos(a)]) * 0.21
        legs = [_box((x, 0, z), (0.40, height - 0.05, 0.40), turn)]
        return [
            _part(_box((x, height - 0.06, z), (0.48, 0.06, 0.46), turn), tone, 1, True),
            _part(legs[0], tone * 0.7, 1, True),
            _part(_box((x + behind[0], height, z + behind[2]), (0.46, 0.42, 0.04), turn), tone, 1, True),
        ]
    return [_part(_box((x, 0, z), (0.46, height, 0.42), turn), tone, 1, True)]
