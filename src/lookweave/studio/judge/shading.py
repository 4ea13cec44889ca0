"""The light of a picture, from how it falls on surfaces whose normals are known.

What a surface sends out is taken as ``albedo * (fill * f(n) + key * max(0, n . l))``, with f the
shape of the fill (sky brighter than ground and the like): for each direction l the rest is solved
by least squares, robustly, and the direction that explains most is the key's. Shadows and
highlights are outliers to it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookweave.studio.render.lights import direction
from lookweave.studio.shoot.colours import glow, luminance, to_linear

Array = NDArray[np.float64]

_SAMPLES = 3000
_LEAST = 400
_SHOULDER = 226  # above it photographs bend highlights down
_HUBER = 0.08  # of the mean level
LEAST_KEY = -0.8
"""Stops of key over fill; of a weaker key nothing but its weakness is said."""
FRONTAL = 30.0
"""Degrees; of a key nearer to the camera's azimuth no strength is told."""
_KELVINS = np.geomspace(2000, 12000, 120)


@dataclass(frozen=True)
class Estimate:
    """What was found.

    Attributes:
        azimuth, elevation: of the key, degrees, as in `record.Light`.
        key_to_fill: stops.
        kelvin: of the key, in a picture balanced for 5500.
        pixels: that were looked at.
    """

    azimuth: float
    elevation: float
    key_to_fill: float
    kelvin: float
    pixels: int

    @property
    def even(self) -> bool:
        """Whether the key is too weak against the fill for its direction and colour to be told."""
        return self.key_to_fill < LEAST_KEY

    @property
    def frontal(self) -> bool:
        """Whether the key stands so near the camera that its strength cannot be told from the
        fill: both are brightest in the middle of things."""
        return abs(self.azimuth) < FRONTAL

    @property
    def towards(self) -> Array:
        """Unit vector towards the key."""
        return np.asarray(direction(self.azimuth, self.elevation))


def estimated(
    picture: NDArray[np.uint8],
    normals: NDArray[Any],
    albedo: NDArray[Any],
    where: NDArray[np.bool_],
    fill: Callable[[Array], Array],
) -> Estimate | None:
    """The light on the pixels `where`; None where too few can be used.

    Args:
        picture: uint8 sRGB (H, W, 3).
        normals: (H, W, 3) unit vectors; x right of the picture, y up, z to the camera's side.
        albedo: (H, W, 3) linear, what the surface would show under white light of 1.
        where: bool (H, W): matt surfaces, away from edges.
        fill: of unit vectors (N, 3), how bright the fill is on surfaces that face so, (N,); 1 on
            average around an upright cylinder's front.
    """
    usable = where & (picture.max(-1) < _SHOULDER) & (picture.min(-1) > 3) & (albedo.min(-1) > 0.02)
    chosen = np.flatnonzero(usable)
    if len(chosen) < _LEAST:
        return None
    chosen = chosen[:: max(1, len(chosen) // _SAMPLES)]
    n = normals.reshape(-1, 3)[chosen].astype(float)
    light = to_linear(picture.reshape(-1, 3)[chosen]) / albedo.reshape(-1, 3)[chosen]
    level = luminance(light)
    level = level / max(float(np.median(level)), 1e-6)
    shape = fill(n)
    best = _best(n, shape, level, _grid(np.arange(-180, 180, 15), np.arange(-10, 86, 12)))
    for reach in (8.0, 3.0, 1.0):
        steps = np.array([-1, -0.5, 0, 0.5, 1]) * reach
        best = _best(n, shape, level, _grid(best[0] + steps, np.clip(best[1] + steps, -20, 89)))
    azimuth, elevation = best
    towards = direction(azimuth, elevation)
    weight = _solved(n, shape, level, towards[None])[2][0]
    around, key = _weighted(_terms(n, shape, towards), light, weight)
    fill_level, key_level = (max(float(luminance(part)), 1e-4) for part in (around, key))
    tint = np.clip(key, 1e-3, None) / key_level
    tints = np.stack([glow(float(k)) for k in _KELVINS])
    near = np.abs(np.log(np.clip(tints, 0.02, None)) - np.log(tint)).sum(1)
    return Estimate(
        float((azimuth + 180) % 360 - 180), float(elevation),
        float(np.clip(np.log2(key_level / fill_level), -4, 6)),
        float(_KELVINS[int(np.argmin(near))]), len(chosen),
    )  # fmt: skip


def _grid(azimuths: NDArray[Any], elevations: NDArray[Any]) -> Array:
    return np.array([(float(a), float(e)) for a in azimuths for e in elevations])


def _best(n: Array, shape: Array, level: Array, angles: Array) -> tuple[float, float]:
    towards = np.stack([direction(*pair) for pair in angles])
    _, loss, _ = _solved(n, shape, level, towards)
    return tuple(angles[int(np.argmin(loss))])


def _terms(n: Array, shape: Array, towards: Array) -> Array:
    return np.stack([shape, np.clip(n @ towards, 0, None)], 1)


def _solved(n: Array, shape: Array, level: Array, towards: Array) -> tuple[Array, Array, Array]:
    """For each direction (D, 3): fill and key (D, 2), the loss (D,), weights (D, N)."""
    facing = np.clip(towards @ n.T, 0, None)
    weight = np.ones_like(facing)
    found = np.zeros((len(towards), 2))
    away = np.zeros_like(facing)
    small = 1e-4 * len(n)
    for _ in range(4):
        # The normal equations of two unknowns, solved by hand for all directions at once.
        ff = weight @ shape**2 + small
        fk = (weight * facing) @ shape
        kk = (weight * facing**2).sum(1) + small
        fy, ky = weight @ (shape * level), (weight * facing) @ level
        area = ff * kk - fk**2
        found = np.stack([(kk * fy - fk * ky) / area, (ff * ky - fk * fy) / area], 1)
        away = np.abs(found[:, :1] * shape + found[:, 1:] * facing - level)
        weight = 1 / np.maximum(away / _HUBER, 1.0)
    loss = np.where(away < _HUBER, 0.5 * away**2, _HUBER * (away - 0.5 * _HUBER)).mean(1)
    # A light takes nothing away.
    return found, loss + 0.05 * np.clip(-found, 0, None).sum(1), weight


def _weighted(terms: Array, light: Array, weight: Array) -> Array:
    """(2, 3): fill and key in linear RGB."""
    rows = terms * weight[:, None]
    system = rows.T @ terms + 1e-4 * len(terms) * np.eye(2)
    return np.asarray(np.linalg.solve(system, rows.T @ light))


def angle_between(one: Array, other: Array) -> float:
    """Degrees between two unit vectors."""
    return float(np.degrees(np.arccos(np.clip(one @ other, -1, 1))))


def mired(kelvin: float) -> float:
    """A million over kelvin: equal steps look equally large."""
    return 1e6 / kelvin
