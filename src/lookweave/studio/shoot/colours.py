"""Colours between photograph and light: linear values, distances that people see, black bodies."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_TO_RGB = np.array(
    [[3.2404542, -1.5371385, -0.4985314], [-0.9692660, 1.8760108, 0.0415560],
     [0.0556434, -0.2040259, 1.0572252]]
)  # fmt: skip


def to_linear(pixels: NDArray[Any]) -> Array:
    """sRGB 0..255 as linear light 0..1."""
    u = np.asarray(pixels, float) / 255.0
    return np.asarray(np.where(u <= 0.04045, u / 12.92, ((u + 0.055) / 1.055) ** 2.4))


def luminance(linear: NDArray[Any]) -> Array:
    """(...,) of linear RGB (..., 3)."""
    return np.asarray(linear @ np.array([0.2126, 0.7152, 0.0722]))


def difference(one: NDArray[Any], other: NDArray[Any]) -> Array:
    """CIEDE2000 between CIELAB colours (..., 3) (Sharma, Wu and Dalal 2005)."""
    l1, a1, b1 = np.moveaxis(np.asarray(one, float), -1, 0)
    l2, a2, b2 = np.moveaxis(np.asarray(other, float), -1, 0)
    mean = 0.5 * (np.hypot(a1, b1) + np.hypot(a2, b2))
    g = 0.5 * (1 - np.sqrt(mean**7 / (mean**7 + 25.0**7)))
    a1, a2 = (1 + g) * a1, (1 + g) * a2
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = np.degrees(np.arctan2(b1, a1)) % 360, np.degrees(np.arctan2(b2, a2)) % 360
    turn = h2 - h1
    turn = np.where(turn > 180, turn - 360, np.where(turn < -180, turn + 360, turn))
    grey = c1 * c2 == 0
    turn = np.where(grey, 0.0, turn)
    dl, dc = l2 - l1, c2 - c1
    dh = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn) / 2)
    lm, cm = 0.5 * (l1 + l2), 0.5 * (c1 + c2)
    total = h1 + h2
    hm = np.where(
        grey, total,
        np.where(np.abs(h1 - h2) <= 180, total / 2,
                 np.where(total < 360, total / 2 + 180, total / 2 - 180)),
    )  # fmt: skip
    t = (
        1 - 0.17 * np.cos(np.radians(hm - 30)) + 0.24 * np.cos(np.radians(2 * hm))
        + 0.32 * np.cos(np.radians(3 * hm + 6)) - 0.20 * np.cos(np.radians(4 * hm - 63))
    )  # fmt: skip
    sl = 1 + 0.015 * (lm - 50) ** 2 / np.sqrt(20 + (lm - 50) ** 2)
    sc, sh = 1 + 0.045 * cm, 1 + 0.015 * cm * t
    spin = 30 * np.exp(-(((hm - 275) / 25) ** 2))
    rt = -np.sin(np.radians(2 * spin)) * 2 * np.sqrt(cm**7 / (cm**7 + 25.0**7))
    return np.asarray(
        np.sqrt((dl / sl) ** 2 + (dc / sc) ** 2 + (dh / sh) ** 2 + rt * dc / sc * dh / sh)
    )


def glow(kelvin: float, white: float = 5500.0) -> Array:
    """(3,) linear RGB of a black body, as a picture balanced for `white` kelvin shows it; its
    luminance is 1 (chromaticities of the Planckian locus by Kim et al. 2002)."""
    own, reference = _planck(kelvin), _planck(white)
    tint = own / reference
    return np.asarray(tint / luminance(tint))


def _planck(kelvin: float) -> Array:
    t = float(np.clip(kelvin, 1667, 25000))
    if t < 4000:
        x = -0.2661239e9 / t**3 - 0.2343589e6 / t**2 + 0.8776956e3 / t + 0.179910
    else:
        x = -3.0258469e9 / t**3 + 2.1070379e6 / t**2 + 0.2226347e3 / t + 0.240390
    if t < 2222:
        y = -1.1063814 * x**3 - 1.34811020 * x**2 + 2.18555832 * x - 0.20219683
    elif t < 4000:
        y = -0.9549476 * x**3 - 1.37418593 * x**2 + 2.09137015 * x - 0.16748867
    else:
        y = 3.0817580 * x**3 - 5.87338670 * x**2 + 3.75112997 * x - 0.37001483
    xyz = np.array([x / y, 1.0, (1 - x - y) / y])
    return np.asarray(np.clip(_TO_RGB @ xyz, 1e-3, None))


def from_lab(lab: NDArray[Any]) -> Array:
    """CIELAB (..., 3) as sRGB 0..1, clipped to what the screen can show."""
    level, a, b = np.moveaxis(np.asarray(lab, float), -1, 0)
    f = np.stack(
        [(level + 16) / 116 + a / 500, (level + 16) / 116, (level + 16) / 116 - b / 200], -1
    )
    xyz = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)) * [0.95047, 1.0, 1.08883]
    light = np.clip(xyz @ _TO_RGB.T, 0, 1)
    return np.asarray(
        np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    )
