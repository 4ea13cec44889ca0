"""Light: nine spherical-harmonic coefficients per channel, a shadowed key and a rim.

Irradiance follows Ramamoorthi and Hanrahan (2001): the coefficients are already convolved with
the cosine lobe and divided by pi, so a white Lambert surface of normal n shines with
``sh(n) + key * max(0, n . l) + rim * max(0, n . r)``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from lookweave.studio.render.body import Array


def basis(normal: Array) -> Array:
    """(..., 9) real spherical harmonics of unit vectors, in the order of the shader."""
    x, y, z = np.moveaxis(np.asarray(normal, float), -1, 0)
    one = np.ones_like(x)
    return np.stack(
        [
            0.282095 * one, 0.488603 * y, 0.488603 * z, 0.488603 * x, 1.092548 * x * y,
            1.092548 * y * z, 0.315392 * (3 * z * z - 1), 1.092548 * x * z,
            0.546274 * (x * x - y * y),
        ],
        -1,
    )  # fmt: skip


@dataclass(frozen=True)
class Lighting:
    """One light set-up, in linear RGB; exposure is part of it."""

    key_direction: Array  # (3,) towards the light, unit
    key_colour: Array  # (3,)
    harmonics: Array  # (9, 3)
    rim_direction: Array = field(default_factory=lambda: np.array([0.0, 0.3, -0.95]))
    rim_colour: Array = field(default_factory=lambda: np.zeros(3))
    softness: float = 2.0  # shadow blur in texels of the shadow map
    shadows: bool = True
    name: str = "custom"

    def uniforms(self) -> dict[str, Any]:
        """Values for the shader, by uniform name."""
        return {
            "key_direction": tuple(self.key_direction), "key_colour": tuple(self.key_colour),
            "key_softness": self.softness, "rim_direction": tuple(_unit(self.rim_direction)),
            "rim_colour": tuple(self.rim_colour), "shadows": int(self.shadows),
        }  # fmt: skip

    def shade(self, normal: Array) -> Array:
        """(..., 3) what a white, unshadowed Lambert surface of unit `normal` sends out."""
        key = np.clip(normal @ self.key_direction, 0, None)[..., None] * self.key_colour
        rim = np.clip(normal @ _unit(self.rim_direction), 0, None)[..., None] * self.rim_colour
        return np.maximum(basis(normal) @ self.harmonics, 0) + key + rim

    def label(self) -> dict[str, Any]:
        """Everything needed to shade with it again."""
        return {
            "name": self.name, "key_direction": self.key_direction.tolist(),
            "key_colour": self.key_colour.tolist(), "sh": self.harmonics.tolist(),
            "rim_direction": _unit(self.rim_direction).tolist(),
            "rim_colour": self.rim_colour.tolist(), "shadow_softness": self.softness,
        }  # fmt: skip


def _unit(vector: Array) -> Array:
    return vector / np.linalg.norm(vector)


def direction(azimuth: float, elevation: float) -> Array:
    """Unit vector towards a light; azimuth 0 is the camera's side (+z), 90 is the left (+x)."""
    a, e = np.deg2rad([azimuth, elevation])
    return np.array([np.cos(e) * np.sin(a), np.sin(e), np.cos(e) * np.cos(a)])


def surround(
    sky: Array, horizon: Array, ground: Array, side: Array | None = None, angle: float = 0.0
) -> Array:
    """(9, 3) harmonics fitted to a sky, horizon and ground colour, brighter on one side."""
    rng = np.random.default_rng(0)
    normal = rng.normal(size=(1500, 3))
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    up = np.clip(normal[:, 1:2], -1, 1)
    value = np.where(up > 0, horizon + (sky - horizon) * up, horizon + (ground - horizon) * -up)
    if side is not None:
        toward = normal @ direction(angle, 10.0)
        value = value + side * np.clip(toward, 0, None)[:, None] ** 2
    solved, *_ = np.linalg.lstsq(basis(normal), value, rcond=None)
    return np.asarray(solved)


def key_light(rng: np.random.Generator, light: float, elevation: tuple[float, float]) -> Array:
    """Towards a key light; the more dramatic `light` (0..1), the further to the side."""
    reach = 25 + 55 * light
    azimuth = rng.uniform(15, reach) * (1 if rng.random() < 0.5 else -1)
    return direction(float(azimuth), float(rng.uniform(*elevation)))


_GELS = (
    (1.0, 0.10, 0.35), (0.12, 0.35, 1.0), (0.50, 0.15, 1.0), (1.0, 0.45, 0.08), (0.10, 0.9, 0.5),
)  # fmt: skip


def gel(lighting: Lighting, rolls: Array, strength: float) -> Lighting:
    """`lighting` with coloured filters before key and rim; `rolls` are five numbers in 0..1."""
    chance, key_hue, rim_hue, amount, rim = rolls
    if chance >= 0.85 * strength:
        return lighting
    share = strength * (0.35 + 0.5 * amount)
    first, second = (np.array(_GELS[int(roll * len(_GELS))]) for roll in (key_hue, rim_hue))
    # A filter only takes away; the lamp behind it is turned up to make good for that.
    power = float(lighting.key_colour.mean())
    tinted = lighting.key_colour * (1 - share) + share * power * first / first.mean()
    back = lighting.rim_colour + second * strength * rim * 1.6
    return replace(
        lighting, key_colour=tinted, rim_colour=back, name=f"{lighting.name}, gelled"
    )  # fmt: skip
