"""Places: a few textured planes and boxes, the light that belongs there, and where to stand.

The person stands at the origin and the camera looks roughly along -z, so scenery lies at z < 0.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from lookweave.studio.render import fabrics
from lookweave.studio.render.body import Array
from lookweave.studio.render.draw import Part
from lookweave.studio.render.lights import Lighting, direction, surround
from lookweave.studio.render.scenery import (
    ASPHALT,
    BOARDS,
    BRICK,
    CURTAIN,
    FACADE,
    LEAVES,
    PAPER,
    PAVING,
    SAND,
    SEA,
    TILES,
    ball,
    box,
    bystander,
    ground,
    part,
    plane,
    sky,
    sweep,
    tone,
)  # fmt: skip

SCENES: tuple[str, ...] = (
    "studio",
    "coloured studio",
    "street",
    "interior",
    "beach",
    "night",
    "runway",
    "garden",
)


@dataclass
class Scene:
    """Scenery with its light."""

    name: str
    parts: list[Part]
    lighting: Lighting
    backdrop: Array = field(default_factory=lambda: np.full(3, 0.5))  # where nothing is drawn
    blur: float = 1.0  # how much the lens blurs the far scenery
    seat: str = "box"


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


def _studio(rng: np.random.Generator, light: float) -> Scene:
    paper = tone(rng, 0.35, 0.85, 0.02)
    strength = rng.uniform(0.5, 0.66) + 0.3 * light
    fill = rng.uniform(0.34, 0.44) * (1 - 0.55 * light)
    harmonics = surround(np.full(3, 1.2 * fill), np.full(3, fill), np.full(3, 0.7 * fill))
    lighting = Lighting(
        _key(rng, light, (25, 50)), np.array([1.0, 0.98, 0.95]) * strength, harmonics,
        direction(float(rng.uniform(140, 220)), 25), np.full(3, rng.uniform(0.0, 0.5)),
        softness=float(rng.uniform(3, 9)), name="soft box",
    )  # fmt: skip
    return Scene("studio", [sweep(paper)], lighting, paper, 0.4)


def _coloured(rng: np.random.Generator, light: float) -> Scene:
    hue = fabrics.shade(
        str(rng.choice(["red", "pink", "orange", "yellow", "green", "blue", "purple", "beige"])),
        rng,
    )
    paper = np.asarray(hue) * 0.9 + 0.03
    fill = rng.uniform(0.30, 0.45) * (1 - 0.5 * light)
    bounce = 0.5 + 0.5 * paper / paper.max()
    harmonics = surround(np.full(3, 1.1 * fill), fill * bounce, 0.8 * fill * bounce)
    tint = np.array([1.0, 0.97, 0.93])
    rim = np.zeros(3)
    if rng.random() < 0.5 * light:
        rim = (
            np.asarray(fabrics.shade(str(rng.choice(["blue", "pink", "orange", "purple"])), rng))
            * 2.2
        )
    lighting = Lighting(
        _key(rng, light, (22, 50)), tint * (rng.uniform(0.5, 0.68) + 0.3 * light), harmonics,
        direction(float(rng.uniform(120, 240)), 20), rim, softness=float(rng.uniform(2, 7)),
        name="gelled studio" if rim.any() else "soft box",
    )  # fmt: skip
    return Scene("coloured studio", [sweep(paper)], lighting, paper, 0.4)


def _sun(
    rng: np.random.Generator, light: float, sky: tuple[float, float, float], ground: Array
) -> Lighting:
    golden = rng.random() < 0.4
    elevation = (12, 24) if golden else (35, 60)
    colour = np.array([1.25, 0.86, 0.52]) if golden else np.array([1.0, 0.95, 0.86])
    fill = 0.46 - 0.16 * light
    harmonics = surround(np.asarray(sky) * fill * 1.3, np.full(3, fill), ground * 0.6 * fill)
    back = rng.random() < 0.35 * light
    azimuth = float(rng.uniform(110, 160) if back else rng.uniform(15, 30 + 45 * light)) * (
        1 if rng.random() < 0.5 else -1
    )
    return Lighting(
        direction(azimuth, float(rng.uniform(*elevation))), colour * (1.0 + 0.4 * light), harmonics,
        softness=1.2, name="low sun" if golden else "sun",
    )  # fmt: skip


def _street(rng: np.random.Generator, light: float) -> Scene:
    ground = tone(rng, 0.40, 0.62, 0.04)
    parts = [ground(ground, PAVING)]
    depth = rng.uniform(4.5, 8)
    x = -16.0
    while x < 16:
        width = rng.uniform(5, 9)
        wall = tone(rng, 0.18, 0.55, 0.14)
        pattern = FACADE if rng.random() < 0.7 else BRICK
        frame = tone(rng, 0.05, 0.7, 0.05)
        mesh = plane((x, 0, -depth - rng.uniform(0, 1.2)), (width, 0, 0), (0, 14, 0))
        parts.append(part(mesh, wall, pattern, accent=tuple(frame)))
        x += width
    side = rng.choice([-1, 1])
    parts.append(
        part(
            plane((side * 5.0, 0, -depth), (0, 0, depth + 3), (0, 12, 0)),
            tone(rng, 0.2, 0.5, 0.1),
            FACADE,
            accent=tuple(tone(rng, 0.1, 0.6, 0.05)),
        )
    )
    for _ in range(int(rng.integers(1, 4))):
        place = (float(rng.uniform(-4, 4)), 0.0, float(rng.uniform(-depth + 1.0, -2.6)))
        if rng.random() < 0.5:
            parts.append(part(box(place, (0.10, 4.0, 0.10)), (0.05, 0.05, 0.06), 0, True))
        else:
            parts.append(
                part(
                    box((place[0], 0.25, place[2]), (3.6, 1.1, 1.5)),
                    tone(rng, 0.05, 0.5, 0.3),
                    0,
                    True,
                    gloss=0.6,
                )
            )
            parts.append(
                part(
                    box((place[0], 1.2, place[2]), (2.0, 0.45, 1.3)),
                    (0.05, 0.06, 0.07),
                    0,
                    True,
                    gloss=0.9,
                )
            )
    for _ in range(int(rng.integers(0, 4))):
        parts += bystander(rng, float(rng.uniform(-4, 4)), float(rng.uniform(-depth + 0.6, -2.5)))
    sky = (0.75, 0.85, 1.0)
    parts.append(sky((0.75, 0.80, 0.85), (0.35, 0.52, 0.8), 0.9))
    return Scene("street", parts, _sun(rng, light, sky, ground), np.array([0.7, 0.78, 0.86]), 1.0)


def _interior(rng: np.random.Generator, light: float) -> Scene:
    wall = tone(rng, 0.35, 0.75, 0.08)
    back = -float(rng.uniform(1.6, 3.2))
    boards = rng.random() < 0.6
    floor = (
        np.array([0.36, 0.22, 0.12]) * rng.uniform(0.6, 1.3)
        if boards
        else tone(rng, 0.4, 0.7, 0.05)
    )
    parts = [
        ground(floor, BOARDS if boards else TILES, accent=tuple(tone(rng, 0.1, 0.7, 0.05))),
        part(plane((-9, 0, back), (18, 0, 0), (0, 5, 0)), wall, PAPER),
        part(box((0, 0, back + 0.02), (18, 0.12, 0.03)), wall * 0.8 + 0.1, 0),
    ]
    side = float(rng.choice([-1, 1]))
    # A window with a curtain on the side the light comes from.
    parts.append(
        part(
            plane((side * 1.1 - 0.5, 0.8, back + 0.02), (1.0, 0, 0), (0, 1.7, 0)),
            (0.9, 0.95, 1.0),
            0,
            emission=1.1,
        )
    )
    for k in range(3):
        parts.append(
            part(
                box((side * 1.1 - 0.5 + 0.5 * k, 0.8, back + 0.04), (0.04, 1.7, 0.04)),
                wall * 0.9,
                0,
            )
        )
    parts.append(
        part(
            plane((side * 1.1 + side * 0.45 - 0.35, 0.05, back + 0.10), (0.7, 0, 0), (0, 2.75, 0)),
            tone(rng, 0.3, 0.8, 0.1),
            CURTAIN,
        )
    )
    cloth = tone(rng, 0.08, 0.5, 0.35)
    sofa = -side * float(rng.uniform(1.0, 1.8))
    parts.append(part(box((sofa, 0.1, back + 0.55), (1.9, 0.34, 0.8)), cloth, 1, True))
    parts.append(part(box((sofa, 0.1, back + 0.22), (1.9, 0.8, 0.22)), cloth * 0.9, 1, True))
    for _ in range(int(rng.integers(1, 4))):
        x, y = -side * float(rng.uniform(0.2, 2.4)), float(rng.uniform(1.35, 1.9))
        w, h = float(rng.uniform(0.3, 0.7)), float(rng.uniform(0.3, 0.8))
        parts.append(
            part(box((x, y, back + 0.02), (w + 0.06, h + 0.06, 0.03)), (0.04, 0.03, 0.03), 0)
        )
        parts.append(
            part(
                plane((x - w / 2, y + 0.03, back + 0.045), (w, 0, 0), (0, h, 0)),
                tone(rng, 0.1, 0.8, 0.5),
                11,
            )
        )
    if rng.random() < 0.6:
        x = side * float(rng.uniform(0.5, 0.7)) - side * 1.6
        parts.append(
            part(box((x, 0, back + 0.5), (0.34, 0.4, 0.34)), tone(rng, 0.1, 0.6, 0.2), 0, True)
        )
        for _ in range(7):
            parts.append(
                part(
                    ball(
                        np.array([x, 0.95, back + 0.5]) + rng.normal(size=3) * [0.16, 0.26, 0.12],
                        rng.uniform(0.08, 0.2),
                    ),
                    (0.08, 0.2, 0.07),
                    LEAVES,
                    True,
                )
            )
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
    parts = [ground(sand, SAND)]
    shore = -float(rng.uniform(3.5, 7))
    parts.append(
        part(
            plane((-60, 0.02, shore), (120, 0, 0), (0, 0, -39)),
            (0.05, 0.22, 0.30),
            SEA,
            accent=(0.85, 0.9, 0.92),
        )
    )
    golden = rng.random() < 0.4
    parts.append(
        sky((0.80, 0.55, 0.36) if golden else (0.50, 0.62, 0.72), (0.20, 0.36, 0.66), 0.75)
    )
    for _ in range(int(rng.integers(0, 4))):
        place = np.array([rng.uniform(-4, 4), 0.1, rng.uniform(shore, -2)])
        parts.append(
            part(
                ball(place, rng.uniform(0.2, 0.7) * np.array([1.2, 0.7, 1.0])),
                (0.18, 0.16, 0.14),
                SAND,
                True,
            )
        )
    return Scene(
        "beach",
        parts,
        _sun(rng, light, (0.7, 0.85, 1.05), sand),
        np.array([0.7, 0.8, 0.9]),
        1.0,
        "rock",
    )


def _garden(rng: np.random.Generator, light: float) -> Scene:
    grass = np.array([0.24, 0.42, 0.13]) * rng.uniform(0.8, 1.3)
    parts = [ground(grass, LEAVES)]
    parts.append(
        part(plane((-1.0, 0.005, 6), (2.0, 0, 0), (0, 0, -14)), tone(rng, 0.35, 0.55, 0.05), PAVING)
    )
    back = -float(rng.uniform(3, 6))
    for _ in range(26):
        place = np.array([rng.uniform(-7, 7), rng.uniform(0.2, 3.4), back - rng.uniform(0, 1.5)])
        green = np.array([0.08, 0.20, 0.06]) * rng.uniform(0.5, 1.6)
        parts.append(part(ball(place, rng.uniform(0.6, 1.4), 9, 13), green, LEAVES, False))
    for _ in range(10):
        place = np.array([rng.uniform(-5, 5), rng.uniform(0.3, 1.6), back + rng.uniform(0.4, 1.2)])
        parts.append(
            part(
                ball(place, 0.10, 6, 9),
                fabrics.shade(str(rng.choice(["pink", "yellow", "red", "white"])), rng),
                0,
            )
        )
    parts.append(sky((0.75, 0.82, 0.88), (0.4, 0.6, 0.85), 0.9))
    return Scene(
        "garden",
        parts,
        _sun(rng, light, (0.7, 0.9, 0.9), grass * 2),
        np.array([0.5, 0.6, 0.5]),
        1.1,
    )


def _night(rng: np.random.Generator, light: float) -> Scene:
    parts = [ground((0.035, 0.035, 0.04), ASPHALT, gloss=1.0)]
    depth = rng.uniform(4, 8)
    x = -14.0
    while x < 14:
        width = rng.uniform(4, 8)
        parts.append(
            part(
                plane((x, 0, -depth - rng.uniform(0, 1)), (width, 0, 0), (0, 12, 0)),
                tone(rng, 0.03, 0.10, 0.2),
                FACADE,
                accent=(0.04, 0.04, 0.05),
                emission=float(rng.uniform(1.0, 2.4)),
            )
        )
        x += width
    neon = [
        (1.0, 0.08, 0.45),
        (0.05, 0.75, 1.0),
        (0.55, 0.10, 1.0),
        (1.0, 0.45, 0.05),
        (0.1, 1.0, 0.45),
    ]
    pair = rng.permutation(len(neon))[:2]
    for _ in range(int(rng.integers(5, 10))):
        colour = neon[int(rng.choice(pair))]
        place = (
            float(rng.uniform(-4.5, 4.5)),
            float(rng.uniform(1.2, 4.2)),
            float(-depth + rng.uniform(0.2, 1.4)),
        )
        size = (
            (float(rng.uniform(0.8, 2.4)), 0.09, 0.05)
            if rng.random() < 0.5
            else (0.09, float(rng.uniform(0.8, 2.2)), 0.05)
        )
        parts.append(part(box(place, size), colour, 0, emission=5.0))
    for _ in range(9):
        lamp = np.array([rng.uniform(-6, 6), rng.uniform(0.6, 4), -depth + rng.uniform(0, 1.5)])
        parts.append(part(ball(lamp, 0.08, 6, 9), (1.0, 0.75, 0.45), 0, emission=6.0))
    for _ in range(int(rng.integers(0, 4))):
        parts += bystander(rng, float(rng.uniform(-4, 4)), float(rng.uniform(-depth + 0.6, -2.5)))
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
    floor = tone(rng, 0.5, 0.8, 0.03) if pale else tone(rng, 0.03, 0.10, 0.1)
    parts = [
        ground((0.02, 0.02, 0.022), PAPER),
        part(plane((-1.3, 0.01, 8), (2.6, 0, 0), (0, 0, -22)), floor, TILES if rng.random() < 0.3 else PAPER, accent=tuple(floor * 0.9), gloss=0.4),
        part(plane((-8, 0, -13), (16, 0, 0), (0, 7, 0)), tone(rng, 0.05, 0.5, 0.4), PAPER, emission=float(rng.uniform(0, 0.5))),
    ]  # fmt: skip
    for side in (-1, 1):
        for row in range(2):
            for z in np.arange(-0.4, -10, -0.58):
                x = side * (1.75 + 0.7 * row + rng.uniform(-0.06, 0.06))
                guests = bystander(rng, x, float(z + rng.uniform(-0.1, 0.1)), True)
                guests[0].mesh.position[:, 1] += 0.16 * row
                parts += guests
    for k in range(8):
        parts.append(
            part(
                ball(np.array([(k % 2) * 4.4 - 2.2, 4.2, -2.0 - 1.6 * k]), 0.12, 6, 9),
                (1.0, 0.95, 0.9),
                0,
                emission=7.0,
            )
        )
    fill = 0.26 - 0.10 * light
    lighting = Lighting(
        _key(rng, 0.5 * light, (38, 62)), np.array([1.0, 0.97, 0.94]) * 1.05,
        surround(np.full(3, 1.6 * fill), np.full(3, fill), floor * 0.9 * fill),
        direction(180, 40), np.full(3, 0.7), softness=2.0, name="spot lights",
    )  # fmt: skip
    return Scene("runway", parts, lighting, np.array([0.02, 0.02, 0.02]), 1.2)
