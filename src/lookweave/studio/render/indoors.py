"""Places under a roof: studios, a room, a runway."""

from __future__ import annotations

import numpy as np

from lookweave.studio.render import fabrics
from lookweave.studio.render.lights import Lighting, direction, key_light, surround
from lookweave.studio.render.scenery import (
    BOARDS,
    CURTAIN,
    LEAVES,
    PAPER,
    TILES,
    Scene,
    ball,
    box,
    bystander,
    ground,
    part,
    plane,
    sweep,
    tone,
)  # fmt: skip


def studio(rng: np.random.Generator, light: float) -> Scene:
    """Grey or white paper and a soft box."""
    paper = tone(rng, 0.35, 0.85, 0.02)
    strength = rng.uniform(0.5, 0.66) + 0.3 * light
    fill = rng.uniform(0.34, 0.44) * (1 - 0.55 * light)
    harmonics = surround(np.full(3, 1.2 * fill), np.full(3, fill), np.full(3, 0.7 * fill))
    lighting = Lighting(
        key_light(rng, light, (25, 50)), np.array([1.0, 0.98, 0.95]) * strength, harmonics,
        direction(float(rng.uniform(140, 220)), 25), np.full(3, 0.6 * light * rng.random()),
        softness=float(rng.uniform(3, 9)), name="soft box",
    )  # fmt: skip
    return Scene("studio", [sweep(paper)], lighting, paper, 0.4)


def coloured(rng: np.random.Generator, light: float) -> Scene:
    """Coloured paper and a soft box."""
    hue = fabrics.shade(
        str(rng.choice(["red", "pink", "orange", "yellow", "green", "blue", "purple", "beige"])),
        rng,
    )
    paper = np.asarray(hue) * 0.9 + 0.03
    fill = rng.uniform(0.30, 0.45) * (1 - 0.5 * light)
    bounce = 0.5 + 0.5 * paper / paper.max()
    harmonics = surround(np.full(3, 1.1 * fill), fill * bounce, 0.8 * fill * bounce)
    tint = np.array([1.0, 0.97, 0.93])
    rim = np.full(3, 0.5 * light * rng.random())
    lighting = Lighting(
        key_light(rng, light, (22, 50)), tint * (rng.uniform(0.5, 0.68) + 0.3 * light), harmonics,
        direction(float(rng.uniform(120, 240)), 20), rim, softness=float(rng.uniform(2, 7)),
        name="soft box",
    )  # fmt: skip
    return Scene("coloured studio", [sweep(paper)], lighting, paper, 0.4)


def interior(rng: np.random.Generator, light: float) -> Scene:
    """A room with a window, a sofa and pictures."""
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


def runway(rng: np.random.Generator, light: float) -> Scene:
    """A catwalk between rows of guests."""
    pale = rng.random() < 0.6
    floor = tone(rng, 0.5, 0.8, 0.03) if pale else tone(rng, 0.03, 0.10, 0.1)
    parts = [
        ground((0.02, 0.02, 0.022), PAPER),
        part(
            plane((-1.3, 0.01, 8), (2.6, 0, 0), (0, 0, -22)),
            floor,
            TILES if rng.random() < 0.3 else PAPER,
            accent=tuple(floor * 0.9),
            gloss=0.4,
        ),
        part(
            plane((-8, 0, -13), (16, 0, 0), (0, 7, 0)),
            tone(rng, 0.05, 0.5, 0.4),
            PAPER,
            emission=float(rng.uniform(0, 0.5)),
        ),
    ]
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
        key_light(rng, 0.5 * light, (38, 62)), np.array([1.0, 0.97, 0.94]) * 1.05,
        surround(np.full(3, 1.6 * fill), np.full(3, fill), floor * 0.9 * fill),
        direction(180, 40), np.full(3, 0.7), softness=2.0, name="spot lights",
    )  # fmt: skip
    return Scene("runway", parts, lighting, np.array([0.02, 0.02, 0.02]), 1.2)
