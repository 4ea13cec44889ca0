"""Colours of a garment, measured inside its mask.

CIELAB (D65), because distances there follow what people see, and because a change of light
mostly moves L, which is binned coarsely. What is said of a pixel is looked up on a grid of
32 levels a channel: the same to within the noise of a photo, and a hundred times as quick.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Surface(NamedTuple):
    """Pixels of a garment, counted on the grid.

    Attributes:
        cells: uint16 (n,), those that occur, n >= 1: red, green and blue by their upper five bits.
        counts: float32 (n,), of how many pixels.
    """

    cells: NDArray[np.uint16]
    counts: NDArray[np.float32]


BINS = (5, 6, 6)
HISTOGRAM_WIDTH = BINS[0] * BINS[1] * BINS[2]
_SAMPLES = 4096
_BITS = 5
_CELLS = 1 << 3 * _BITS

# Several points of a name where people use it for a wide area. sRGB, from common web and
# textile colour charts.
_PROTOTYPES: dict[str, tuple[tuple[int, int, int], ...]] = {
    "black": ((12, 12, 14), (35, 35, 38)),
    "white": ((250, 250, 250), (232, 232, 232)),
    "grey": ((128, 128, 128), (90, 92, 95), (170, 170, 172), (200, 200, 202)),
    "beige": ((222, 203, 173), (200, 178, 145), (236, 225, 205)),
    "brown": ((101, 67, 40), (139, 90, 55), (70, 46, 32)),
    "red": ((190, 20, 30), (140, 20, 35), (220, 50, 45)),
    "pink": ((240, 160, 185), (225, 90, 140), (245, 205, 210)),
    "orange": ((235, 120, 40), (240, 150, 95)),
    "yellow": ((245, 215, 60), (240, 230, 140), (205, 165, 45)),
    "green": ((45, 125, 60), (30, 70, 45), (120, 160, 95), (105, 110, 60), (150, 215, 180)),
    "blue": ((60, 110, 190), (110, 160, 215), (95, 125, 160), (175, 205, 230), (60, 170, 190)),
    "navy": ((28, 38, 75), (22, 28, 50)),
    "purple": ((115, 60, 135), (165, 130, 195), (75, 35, 80)),
}
# No gold, no silver: they are a sheen, and no mean of pixels tells them from beige and grey.
_LIGHTNESS_LESS = np.array([0.7, 1.0, 1.0], np.float32)
SPOKEN_SHARE = 0.2
"""Colours below this share of the surface are not named."""
MOST_SPOKEN = 3
_SOFTNESS = 9.0  # distance in CIELAB over which a name's claim falls by 1/e


_LINEAR = np.arange(256, dtype=np.float32) / 255.0
_LINEAR = np.where(_LINEAR <= 0.04045, _LINEAR / 12.92, ((_LINEAR + 0.055) / 1.055) ** 2.4)
_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
     [0.0193339, 0.1191920, 0.9503041]], np.float32,
)  # fmt: skip
_WHITE = np.array([0.95047, 1.0, 1.08883], np.float32)
_TO_LAB = np.array(
    [[0.0, 500.0, 0.0], [116.0, -500.0, 200.0], [0.0, 0.0, -200.0]], np.float32
)  # fmt: skip


def to_lab(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """sRGB uint8 (..., 3) as CIELAB float32 (..., 3): L 0..100, a and b about -100..100."""
    xyz = _LINEAR.take(rgb.reshape(-1, 3)) @ (_TO_XYZ.T / _WHITE)
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + np.float32(16.0 / 116.0))
    lab: NDArray[np.float32] = f @ _TO_LAB
    lab[:, 0] -= 16.0
    return lab.reshape(rgb.shape)


def count_colours(rgb: NDArray[np.uint8]) -> Surface:
    """Surface of sRGB pixels, (n, 3), at least one."""
    level = (rgb >> (8 - _BITS)).astype(np.uint16)
    place = (level[:, 0] << 2 * _BITS) + (level[:, 1] << _BITS) + level[:, 2]
    cells, counts = np.unique(place, return_counts=True)  # two bytes each are quick to sort
    return Surface(cells, counts.astype(np.float32))


def samples(
    photo: NDArray[np.uint8],
    box: tuple[float, float, float, float],
    mask: NDArray[np.uint8] | None,
) -> Surface:
    """About 4,096 garment pixels, evenly spread, counted.

    Args:
        photo: (height, width, 3).
        box: xyxy in pixels of the photo.
        mask: 0/255 that fills the box at any resolution; None, or empty, for all of the box.
    """
    inside = np.empty(0, np.int64) if mask is None else np.flatnonzero(mask > 127)
    rows, columns = (64, 64) if mask is None else mask.shape
    if not len(inside):
        inside = np.arange(rows * columns)
    inside = inside[:: max(1, len(inside) // _SAMPLES)]
    row, column = np.divmod(inside, columns)
    x0, y0, x1, y1 = box
    y = (y0 + (row + 0.5) * ((y1 - y0) / rows)).astype(np.int64)
    x = (x0 + (column + 0.5) * ((x1 - x0) / columns)).astype(np.int64)
    height, width = photo.shape[:2]
    place = np.clip(y, 0, height - 1) * width + np.clip(x, 0, width - 1)
    return count_colours(photo.reshape(-1, 3).take(place, axis=0))


def histogram(surface: Surface) -> NDArray[np.float32]:
    """A colour histogram whose inner product is the Bhattacharyya coefficient.

    Each pixel is shared between the neighbouring bins (trilinear), so a small change of light
    moves a little weight and not all of it.

    Args:
        surface: as `samples` gives it.

    Returns:
        float32 (180,), unit norm.
    """
    table = _table()
    weights = table.shares[surface.cells] * surface.counts[:, None]
    summed = np.bincount(table.bins[surface.cells].ravel(), weights.ravel(), HISTOGRAM_WIDTH)
    root: NDArray[np.float32] = np.sqrt(summed / summed.sum()).astype(np.float32)
    return root


def named_shares(surface: Surface) -> dict[str, float]:
    """Colour of `taxonomy.COLOURS` -> share of the garment's surface; shares sum to 1."""
    shares = surface.counts @ _table().claims[surface.cells] / surface.counts.sum()
    return dict(zip(_PROTOTYPES, shares.tolist(), strict=True))


def spoken(shares: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which colours a description names: up to three that cover a fifth of it, or the largest.

    Args:
        shares: float32 (n, colours), of each garment's surface.

    Returns:
        bool (n, colours), at least one in each row.
    """
    place = np.argsort(np.argsort(-shares, axis=1, kind="stable"), axis=1)
    named: NDArray[np.bool_] = (shares >= SPOKEN_SHARE) & (place < MOST_SPOKEN) | (place == 0)
    return named


class _Table(NamedTuple):
    """What is said of each place on the grid.

    Attributes:
        bins, shares: uint8 and float32 (cells, 8): the histogram's bins around it, and how much
            of a pixel each takes.
        claims: float32 (cells, names), how much of a pixel each name takes.
    """

    bins: NDArray[np.uint8]
    shares: NDArray[np.float32]
    claims: NDArray[np.float32]


@functools.cache
def _table() -> _Table:
    place = np.arange(_CELLS)
    levels = np.stack([place >> 2 * _BITS, place >> _BITS, place], axis=1) & ((1 << _BITS) - 1)
    middle = (levels << (8 - _BITS)) + (1 << (7 - _BITS))
    lab = to_lab(middle.astype(np.uint8))
    claims = np.exp(-(_distances(lab) / _SOFTNESS))
    return _Table(*_bins(lab), claims / claims.sum(axis=1, keepdims=True))


def _bins(lab: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    low = np.array([0.0, -50.0, -50.0], np.float32)
    high = np.array([100.0, 60.0, 60.0], np.float32)
    bins = np.array(BINS, np.int64)
    place = np.clip((lab - low) / (high - low), 0.0, 1.0) * (bins - 1)
    base = np.minimum(place.astype(np.int64), bins - 2)
    share = (place - base).astype(np.float32)
    flat, weights = [], []
    for corner in np.ndindex(2, 2, 2):
        weights.append(np.prod(np.where(np.array(corner) == 1, share, 1.0 - share), axis=1))
        at = base + np.array(corner)
        flat.append((at[:, 0] * BINS[1] + at[:, 1]) * BINS[2] + at[:, 2])
    return np.stack(flat, axis=1).astype(np.uint8), np.stack(weights, axis=1).astype(np.float32)


def _distances(lab: NDArray[np.float32]) -> NDArray[np.float32]:
    """Distance of each pixel to the nearest point of each name: float32 (n, names)."""
    from scipy.spatial import distance  # a quarter of a second, which a second build need not wait

    # Lightness counts less: the same cloth in shade keeps its name.
    weighed = lab * _LIGHTNESS_LESS
    columns = [
        distance.cdist(weighed, to_lab(np.array(points, np.uint8)) * _LIGHTNESS_LESS).min(axis=1)
        for points in _PROTOTYPES.values()
    ]
    return np.stack(columns, axis=1).astype(np.float32)
