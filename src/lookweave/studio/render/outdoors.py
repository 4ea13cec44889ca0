"""Places under the sky: a street, a beach, a garden, a night with neon."""

from __future__ import annotations

import numpy as np

from lookweave.studio.render import fabrics
from lookweave.studio.render.body import Array
from lookweave.studio.render.lights import Lighting, direction, key_light, surround
from lookweave.studio.render.scenery import (
    ASPHALT,
    BRICK,
    FACADE,
    LEAVES,
    PAVING,
    SAND,
    SEA,
    Scene,
    ball,
    box,
    bystander,
    ground,
    part,
    plane,
    sky,
    tone,
)  # fmt: skip


def _sun(
    rng: np.random.Generator, light: float, sky: tuple[float, float, float], ground: Array
) -> Lighting:
    golden = rng.random() < 0.1 + 0.6 * light
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


def street(rng: np.random.Generator, light: float) -> Scene:
    """House fronts, cars, lamp posts, passers-by; sun."""
    stone = tone(rng, 0.40, 0.62, 0.04)
    parts = [ground(stone, PAVING)]
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
    blue = (0.75, 0.85, 1.0)
    parts.append(sky((0.75, 0.80, 0.85), (0.35, 0.52, 0.8), 0.9))
    return Scene("street", parts, _sun(rng, light, blue, stone), np.array([0.7, 0.78, 0.86]), 1.0)


def beach(rng: np.random.Generator, light: float) -> Scene:
    """Sand, sea and sky; sun."""
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


def garden(rng: np.random.Generator, light: float) -> Scene:
    """A path between hedges; sun."""
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


def night(rng: np.random.Generator, light: float) -> Scene:
    """Dark fronts, lit windows, neon."""
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
        key_light(rng, light, (12, 40)),
        key * 1.0,
        surround(
            np.array([0.10, 0.11, 0.16]) * 1.6, 0.16 + second * 0.10, np.array([0.05, 0.05, 0.06])
        ),
        direction(float(rng.uniform(120, 240)), 15),
        second * (0.8 + 1.0 * light),
        softness=3.0,
        name="neon",
    )
    return Scene("night", parts, lighting, np.array([0.01, 0.01, 0.02]), 1.5)
