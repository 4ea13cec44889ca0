"""Light for a shoot: from stated values, from the scene's own, or estimated from a photograph.

Exposure is part of it: a white upright cylinder facing the camera shines on average with
`EXPOSED`, whatever the light, as a photographer exposes for the garment.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from lookweave.studio.render.body import Array
from lookweave.studio.render.lights import Lighting, basis, direction, surround
from lookweave.studio.shoot.colours import glow, luminance
from lookweave.studio.shoot.record import Light

EXPOSED = 1.05
_TEXELS = 9.0  # of shadow blur at softness 1

LIGHTS: dict[str, dict[str, float]] = {
    "soft box": {"azimuth": -35, "elevation": 40, "key_to_fill": 0.6, "kelvin": 5500,
                 "softness": 0.8, "rim": 0.2},
    "window": {"azimuth": -62, "elevation": 24, "key_to_fill": 1.4, "kelvin": 5900,
               "softness": 0.7, "rim": 0.0},
    "low sun": {"azimuth": 58, "elevation": 14, "key_to_fill": 1.7, "kelvin": 3900,
                "softness": 0.2, "rim": 0.5},
    "hard flash": {"azimuth": 12, "elevation": 22, "key_to_fill": 2.4, "kelvin": 5600,
                   "softness": 0.05, "rim": 0.0},
    "overcast": {"azimuth": 20, "elevation": 72, "key_to_fill": -1.0, "kelvin": 6300,
                 "softness": 1.0, "rim": 0.0},
    "back light": {"azimuth": 152, "elevation": 28, "key_to_fill": 0.6, "kelvin": 4600,
                   "softness": 0.3, "rim": 1.2},
    "split": {"azimuth": -88, "elevation": 20, "key_to_fill": 2.6, "kelvin": 5200,
              "softness": 0.4, "rim": 0.3},
    "beauty": {"azimuth": 0, "elevation": 48, "key_to_fill": 0.9, "kelvin": 5500,
               "softness": 0.6, "rim": 0.4},
}  # fmt: skip
"""Set-ups by name, in the units of `record.Light`."""


def lighting(light: Light, own: Lighting) -> Lighting:
    """`light`, every value stated, as the renderer's light; `own` is the scene's or plate's.

    The fill takes its shape and colour (sky, ground) from `own`, unless harmonics are given.
    """
    assert light.azimuth is not None and light.elevation is not None
    assert light.key_to_fill is not None and light.kelvin is not None
    assert light.softness is not None and light.rim is not None
    harmonics = own.harmonics if light.harmonics is None else np.array(light.harmonics)
    fill = float(luminance(np.maximum(basis(_FACING) @ harmonics, 0)).mean())
    key = glow(light.kelvin) * 2**light.key_to_fill
    made = Lighting(
        direction(light.azimuth, light.elevation), key,
        _neutral(harmonics / max(fill, 1e-3), 0.5),
        direction(_behind(light.azimuth), 22.0), light.rim * glow(light.kelvin) * luminance(key),
        softness=0.5 + _TEXELS * light.softness, name="stated",
    )  # fmt: skip
    made = exposed(made)
    return made if light.strength >= 1 else mixed(exposed(own), made, light.strength)


_ANGLE = np.linspace(-75, 75, 31)
_FACING = np.stack([direction(float(a), 0.0) for a in _ANGLE])


def fill_shape(light: Lighting) -> Callable[[Array], Array]:
    """How bright the fill of `light` is on surfaces that face along unit vectors (N, 3): (N,), 1
    on average around an upright cylinder's front."""
    mean = float(luminance(np.maximum(basis(_FACING) @ light.harmonics, 0)).mean())

    def shape(n: Array) -> Array:
        return luminance(np.maximum(basis(n) @ light.harmonics, 0)) / max(mean, 1e-6)

    return shape


def exposed(light: Lighting) -> Lighting:
    """`light` scaled to the exposure of a shoot."""
    factor = EXPOSED / max(float(luminance(light.shade(_FACING)).mean()), 1e-4)
    return replace(
        light, key_colour=light.key_colour * factor, harmonics=light.harmonics * factor,
        rim_colour=light.rim_colour * factor,
    )  # fmt: skip


def mixed(one: Lighting, other: Lighting, share: float) -> Lighting:
    """Between two lights: `share` 0 is `one`, 1 is `other`."""

    def between(a: Array, b: Array) -> Array:
        return (1 - share) * a + share * b

    key = between(one.key_direction, other.key_direction)
    rim = between(one.rim_direction, other.rim_direction)
    return exposed(
        Lighting(
            key / max(float(np.linalg.norm(key)), 1e-6),
            between(one.key_colour, other.key_colour),
            between(one.harmonics, other.harmonics),
            rim if np.linalg.norm(rim) > 1e-6 else other.rim_direction,
            between(one.rim_colour, other.rim_colour),
            softness=(1 - share) * one.softness + share * other.softness,
            name=f"{one.name} and {other.name}",
        )
    )


def stated(own: Lighting) -> dict[str, float]:
    """The values of `record.Light` that a light of the renderer has, about."""
    x, y, z = own.key_direction
    fill = float(luminance(np.maximum(basis(_FACING) @ own.harmonics, 0)).mean())
    key = float(luminance(own.key_colour))
    kelvins = np.geomspace(2000, 12000, 40)
    tints = np.stack([glow(float(k)) for k in kelvins])
    colour = own.key_colour / max(key, 1e-6)
    near = int(
        np.argmin(np.abs(np.log(np.clip(tints / np.clip(colour, 0.02, None), 0.02, 50))).sum(1))
    )
    return {
        "azimuth": float(np.degrees(np.arctan2(x, z))),
        "elevation": float(np.degrees(np.arcsin(np.clip(y, -1, 1)))),
        "key_to_fill": float(np.clip(np.log2(max(key, 1e-4) / max(fill, 1e-4)), -4, 4)),
        "kelvin": float(kelvins[near]),
        "softness": float(np.clip((own.softness - 0.5) / _TEXELS, 0, 1)),
        "rim": float(np.clip(luminance(own.rim_colour) / max(key, 1e-4), 0, 2)),
    }  # fmt: skip


def from_plate(plate: Array) -> Lighting:
    """The light of a photographed place, guessed from its colours: (H, W, 3) linear.

    The brighter side is where the key comes from; top, middle and bottom are sky, horizon and
    ground. A photograph shows only what lies before the camera: a guess, no measurement.
    """
    height, width = plate.shape[:2]

    def mean(y0: float, y1: float, x0: float, x1: float) -> Array:
        cut = plate[int(y0 * height) : int(y1 * height), int(x0 * width) : int(x1 * width)]
        return np.asarray(cut.mean((0, 1)))

    left, right = mean(0, 0.7, 0, 0.35), mean(0, 0.7, 0.65, 1)
    balance = float(luminance(right) - luminance(left)) / max(float(luminance(right + left)), 1e-4)
    side = float(np.clip(balance / 0.25, -1, 1))
    top, middle, bottom = mean(0, 0.3, 0, 1), mean(0.3, 0.7, 0, 1), mean(0.7, 1, 0, 1)
    level = max(float(luminance(middle)), 1e-3)
    above = float(np.clip(luminance(top) / level, 0.3, 4.0))
    key = np.maximum(left, right)
    key = key / max(float(luminance(key)), 1e-3)
    harmonics = surround(_calm(top) * above, _calm(middle), _calm(bottom) * 0.7)
    spread = float(np.percentile(luminance(plate), 95)) / level
    strength = float(np.clip(0.5 + 0.25 * spread, 0.5, 1.8))
    return exposed(
        Lighting(
            direction(52 * side + 12 * np.sign(side or 1), 26 + 12 * min(above, 2)),
            strength * _calm(key), harmonics, direction(-140 * np.sign(side or 1), 25),
            0.3 * strength * _calm(np.minimum(left, right)), softness=5.0, name="plate",
        )
    )  # fmt: skip


def _calm(colour: Array) -> Array:
    """The tint of a colour, half as strong: light mixes on its way to the garment."""
    tint = colour / max(float(luminance(colour)), 1e-4)
    return np.asarray(np.clip(tint, 0.2, 3) ** 0.5)


def _neutral(harmonics: Array, share: float) -> Array:
    """Harmonics with `share` of their overall tint taken out."""
    mean = np.clip(harmonics[0], 1e-4, None)
    tint = mean / luminance(mean)
    return np.asarray(harmonics / tint**share)


def _behind(azimuth: float) -> float:
    """Where a rim light stands for a key at `azimuth`: behind, on the other side."""
    if abs(azimuth) > 110:
        return azimuth
    return -150.0 if azimuth >= 0 else 150.0
