"""Photographs as places: brought to the picture's size, with a ground that the person stands on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from lookweave.studio.render.body import Array
from lookweave.studio.render.camera import Camera
from lookweave.studio.render.draw import Float32
from lookweave.studio.render.lights import Lighting
from lookweave.studio.shoot.colours import luminance, to_linear

_LEVEL = 0.40  # mean luminance of a place under the exposure of a shoot


def fitted(photo: NDArray[np.uint8], size: tuple[int, int]) -> Float32:
    """(H, W, 3) linear light: the photo scaled and cut to `size` (width, height), its lower
    middle kept, at the shoot's exposure."""
    width, height = size
    scale = max(width / photo.shape[1], height / photo.shape[0])
    wide, high = (max(round(s * scale), t) for s, t in zip(photo.shape[1::-1], size, strict=True))
    image = Image.fromarray(photo).resize((wide, high), Image.Resampling.LANCZOS)
    left, top = (wide - width) // 2, high - height
    cut = np.asarray(image)[top : top + height, left : left + width]
    linear = to_linear(cut)
    level = float(luminance(linear).mean())
    return np.asarray(linear * np.clip(_LEVEL / max(level, 0.02), 0.5, 3.0), np.float32)


def grounded(plate: Float32, camera: Camera, joints: Array, lighting: Lighting) -> Float32:
    """`plate` with the person's shadow on its ground: dark and small under the feet, wide and
    pale away from the key light. `joints`: (17, 3) in the world."""
    height, width = plate.shape[:2]
    feet = joints[15:17] * [1, 0, 1]
    seen, _ = camera.project(feet, (width, height))
    if seen[:, 1].min() > 1.15 * height:
        return plate
    dark = np.zeros((height, width))
    away = -lighting.key_direction * [1, 0, 1]
    length = float(np.linalg.norm(away)) or 1.0
    key = float(luminance(lighting.key_colour))
    share = key / (key + float(luminance(np.maximum(lighting.harmonics[0] * 0.282, 0.0))) + 1e-6)
    reach = min(1.2, length / max(lighting.key_direction[1], 0.25))
    for foot in feet:
        dark = np.maximum(dark, 0.75 * _blob(camera, foot, 0.13, 0.07, plate.shape))
        for step in np.linspace(0.1, reach, 10):
            at = foot + away / length * step
            size = 0.14 + 0.10 * step
            dark = np.maximum(
                dark, 0.5 * share * (1 - step / (reach + 0.4)) * _blob(
                    camera, at, size, size, plate.shape
                )
            )  # fmt: skip
    dark = ndimage.gaussian_filter(dark, 0.006 * height)
    return np.asarray(plate * (1 - np.clip(dark, 0, 0.8))[..., None], np.float32)


def _blob(camera: Camera, centre: Array, wide: float, deep: float, shape: tuple[Any, ...]) -> Array:
    """A soft ellipse on the ground, 1 in its middle."""
    points = centre + np.array([[0, 0, 0], [wide, 0, 0], [0, 0, deep]])
    (x, y), (x1, _), (_, y1) = camera.project(points, (shape[1], shape[0]))[0]
    across, down = max(abs(x1 - x), 1.0), max(abs(y1 - y), 1.0)
    v, u = np.mgrid[0 : shape[0], 0 : shape[1]]
    return np.asarray(np.exp(-0.5 * (((u - x) / across) ** 2 + ((v - y) / down) ** 2) * 1.5))
