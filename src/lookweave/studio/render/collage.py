"""Pages of several photos: a split frame, a column of details, a strip."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lookweave.studio.render.draw import Frame, Layer
from lookweave.studio.render.photo import Panel, Photo

Box = tuple[int, int, int, int]

_HALF, _THIRD = 0.5, 1 / 3
_LAYOUTS: dict[int, tuple[tuple[tuple[float, float, float, float], ...], ...]] = {
    2: (
        ((0, 0, _HALF, 1), (_HALF, 0, 1, 1)),
        ((0, 0, 1, 0.58), (0, 0.58, 1, 1)),
        ((0, 0, 0.62, 1), (0.62, 0.2, 1, 0.8)),
    ),
    3: (
        ((0, 0, 0.62, 1), (0.62, 0, 1, _HALF), (0.62, _HALF, 1, 1)),
        ((0, 0, _THIRD, 1), (_THIRD, 0, 2 * _THIRD, 1), (2 * _THIRD, 0, 1, 1)),
        ((0, 0, 1, 0.6), (0, 0.6, _HALF, 1), (_HALF, 0.6, 1, 1)),
    ),
}
"""Panels as shares of the page (x0, y0, x1, y1), the main photo first."""


def layout(count: int, size: tuple[int, int], rng: np.random.Generator) -> list[Box]:
    """Where the `count` (2 or 3) photos of a page of `size` lie, in pixels."""
    width, height = size
    choice, gutter, flip = rng.random(3)
    options = _LAYOUTS[count]
    gap = round((0.0, 0.012, 0.03)[int(gutter * 3)] * width / 2)
    boxes = []
    for x0, y0, x1, y1 in options[int(choice * len(options))]:
        if flip < 0.5:
            x0, x1 = 1 - x1, 1 - x0
        boxes.append(
            (round(x0 * width) + gap, round(y0 * height) + gap,
             round(x1 * width) - gap, round(y1 * height) - gap)
        )  # fmt: skip
    return boxes


def paper(rng: np.random.Generator) -> np.ndarray:
    """(3,) uint8 colour of the page: white, cream or black."""
    tones = ((255, 255, 255), (243, 238, 228), (12, 12, 13))
    return np.array(tones[int(rng.choice(3, p=(0.6, 0.25, 0.15)))], np.uint8)


def page(photos: list[Photo], boxes: list[Box], size: tuple[int, int], blank: np.ndarray) -> Photo:
    """Lay `photos` out on one page; their persons follow one another."""
    width, height = size
    image = np.broadcast_to(blank, (height, width, 3)).copy()
    ids = np.zeros((height, width), np.uint8)
    truth = Layer(
        np.zeros((height, width, 3), np.float32), np.zeros((height, width, 3), np.float32),
        ids, np.full((height, width), np.inf, np.float32), np.ones((height, width), np.float32),
    )  # fmt: skip
    out = Photo(image, ids, Frame(truth, None, 1), [], notes=dict(photos[0].notes, poses=[]))
    for photo, (x0, y0, x1, y1) in zip(photos, boxes, strict=True):
        here = (slice(y0, y1), slice(x0, x1))
        own = photo.frame.merged()
        image[here], ids[here] = photo.image, photo.ids
        truth.colour[here], truth.normal[here] = own.colour, own.normal
        truth.depth[here], truth.trust[here] = own.depth, own.trust
        first = len(out.dressed)
        panel: Panel = photo.panels[0]
        persons = tuple(first + person for person in panel.persons)
        out.panels.append(replace(panel, box=(x0, y0, x1, y1), persons=persons))
        out.dressed += photo.dressed
        out.joints += photo.joints
        out.notes["poses"] += photo.notes["poses"]
    return out
