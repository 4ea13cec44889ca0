"""Which parts of a garment answer which parts of a look: points in both photos, and a picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from lookweave.matching.details import correspondences
from lookweave.models.protocols import Tokens

Box = tuple[float, float, float, float]

COLOURS = (
    (230, 25, 75), (0, 130, 200), (60, 180, 75), (245, 130, 48), (145, 30, 180), (0, 128, 128),
    (240, 50, 230), (128, 0, 0),
)  # fmt: skip
"""Of the points, told apart by eye; each pair has a number as well."""

_APART = 0.15  # of the box: points that are nearer say the same twice


@dataclass(frozen=True)
class Answer:
    """A part of the garment and the part of the look that is most like it, each for the other.

    Attributes:
        garment, look: x and y in pixels of the photos.
        cosine: their likeness.
    """

    garment: tuple[float, float]
    look: tuple[float, float]
    cosine: float


def answers(
    garment: Tokens, garment_box: Box, region: Tokens, region_box: Box, most: int = len(COLOURS)
) -> list[Answer]:
    """The likest parts of a garment and a region, best first, spread over the garment.

    Args:
        garment_box, region_box: xyxy in pixels of the two photos; the tokens' places lie in them.
    """
    found = correspondences(garment.values, region.values)
    chosen: list[Answer] = []
    taken: list[NDArray[np.float64]] = []
    for one, other, cosine in zip(
        found.ones.tolist(), found.others.tolist(), found.cosines.tolist(), strict=True
    ):
        place = garment.places[one] / 255.0
        if any(np.linalg.norm(place - before) < _APART for before in taken):
            continue
        taken.append(place)
        chosen.append(
            Answer(
                _point(garment.places[one], garment_box),
                _point(region.places[other], region_box),
                float(cosine),
            )
        )
        if len(chosen) == most:
            break
    return chosen


def drawn(
    garment: Image.Image, garment_box: Box, look: Image.Image, region_box: Box,
    found: list[Answer], height: int = 320,
) -> Image.Image:  # fmt: skip
    """The garment's and the region's boxes beside each other, answering parts with one number.

    Args:
        garment, look: the photos, RGB.
        found: at most as many as there are `COLOURS`.
        height: of the picture in pixels.
    """
    sides = [_cut(garment, garment_box, height), _cut(look, region_box, height)]
    sheet = Image.new("RGB", (sum(one.width for one, _ in sides) + 4, height), "white")
    left = 0
    pen = ImageDraw.Draw(sheet)
    for (cut, (x0, y0, scale)), side in zip(sides, ("garment", "look"), strict=True):
        sheet.paste(cut, (left, 0))
        for number, one in enumerate(found):
            x, y = getattr(one, side)
            _dot(pen, left + (x - x0) * scale, (y - y0) * scale, number)
        left += cut.width + 4
    return sheet


def _point(place: NDArray[np.uint8], box: Box) -> tuple[float, float]:
    row, column = (place / 255.0).tolist()
    return box[0] + column * (box[2] - box[0]), box[1] + row * (box[3] - box[1])


def _cut(
    photo: Image.Image, box: Box, height: int
) -> tuple[Image.Image, tuple[float, float, float]]:
    """The box at this height; its corner and scale."""
    x0, y0 = max(0, int(box[0])), max(0, int(box[1]))
    x1, y1 = (
        min(photo.width, max(x0 + 1, round(box[2]))),
        min(photo.height, max(y0 + 1, round(box[3]))),
    )
    scale = height / (y1 - y0)
    size = (max(1, round((x1 - x0) * scale)), height)
    return photo.resize(size, Image.Resampling.LANCZOS, (x0, y0, x1, y1)), (x0, y0, scale)


def _dot(pen: ImageDraw.ImageDraw, x: float, y: float, number: int) -> None:
    radius = 8
    pen.ellipse(
        (x - radius, y - radius, x + radius, y + radius), COLOURS[number % len(COLOURS)], "white", 2
    )
    pen.text((x, y), str(number + 1), "white", anchor="mm")
