"""Colours of a garment, measured inside its mask.

CIELAB (D65), because distances there follow what people see, and because a change of light
mostly moves L, which is binned coarsely.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BINS = (5, 6, 6)
HISTOGRAM_WIDTH = BINS[0] * BINS[1] * BINS[2]
_SAMPLES = 4096

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
_SOFTNESS = 9.0  # distance in CIELAB over which a name's claim falls by 1/e


def to_lab(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """sRGB uint8 (..., 3) as CIELAB float32 (..., 3): L 0..100, a and b about -100..100."""
    linear = rgb.astype(np.float32) / 255.0
    linear = np.where(linear <= 0.04045, linear / 12.92, ((linear + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array(
        [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
         [0.0193339, 0.1191920, 0.9503041]], np.float32,
    )  # fmt: skip
    xyz = linear @ to_xyz.T / np.array([0.95047, 1.0, 1.08883], np.float32)
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16.0 / 116.0)
    lab = np.stack(
        [
            116.0 * f[..., 1] - 16.0,
            500.0 * (f[..., 0] - f[..., 1]),
            200.0 * (f[..., 1] - f[..., 2]),
        ],
        axis=-1,
    )
    return lab.astype(np.float32)


def samples(pixels: NDArray[np.uint8], mask: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Up to 4,096 garment pixels in CIELAB, evenly spread; float32 (n, 3), n >= 1."""
    inside = pixels[mask > 127]
    if not len(inside):
        inside = pixels.reshape(-1, 3)
    step = max(1, len(inside) // _SAMPLES)
    return to_lab(inside[::step])


def histogram(lab: NDArray[np.float32]) -> NDArray[np.float32]:
    """A colour histogram whose inner product is the Bhattacharyya coefficient.

    Each pixel is shared between the neighbouring bins (trilinear), so a small change of light
    moves a little weight and not all of it.

    Returns:
        float32 (180,), unit norm.
    """
    low = np.array([0.0, -50.0, -50.0], np.float32)
    high = np.array([100.0, 60.0, 60.0], np.float32)
    bins = np.array(BINS, np.int64)
    place = np.clip((lab - low) / (high - low), 0.0, 1.0) * (bins - 1)
    base = np.minimum(place.astype(np.int64), bins - 2)
    share = (place - base).astype(np.float32)
    counts = np.zeros(HISTOGRAM_WIDTH, np.float32)
    for corner in np.ndindex(2, 2, 2):
        weight = np.prod(np.where(np.array(corner) == 1, share, 1.0 - share), axis=1)
        at = base + np.array(corner)
        flat = (at[:, 0] * BINS[1] + at[:, 1]) * BINS[2] + at[:, 2]
        counts += np.bincount(flat, weight, HISTOGRAM_WIDTH).astype(np.float32)
    root: NDArray[np.float32] = np.sqrt(counts / counts.sum()).astype(np.float32)
    return root


def named_shares(lab: NDArray[np.float32]) -> dict[str, float]:
    """Colour of `taxonomy.COLOURS` -> share of the garment's surface; shares sum to 1."""
    claims = np.exp(-(_distances(lab) / _SOFTNESS))
    claims /= claims.sum(axis=1, keepdims=True)
    shares = claims.mean(axis=0)
    return dict(zip(_PROTOTYPES, shares.tolist(), strict=True))


def _distances(lab: NDArray[np.float32]) -> NDArray[np.float32]:
    """Distance of each pixel to the nearest point of each name: float32 (n, names)."""
    columns = []
    for prototypes in _PROTOTYPES.values():
        points = to_lab(np.array(prototypes, np.uint8))
        # Lightness counts less: the same cloth in shade keeps its name.
        difference = (lab[:, None, :] - points[None, :, :]) * np.array([0.7, 1.0, 1.0], np.float32)
        columns.append(np.linalg.norm(difference, axis=2).min(axis=1))
    return np.stack(columns, axis=1).astype(np.float32)
