"""From linear light to a finished photograph: lens, film, grade. Labels never change here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from lookweave.studio.render.body import Array
from lookweave.studio.render.draw import Float32, Frame
from lookweave.studio.render.dress import SCENE_ID
from lookweave.studio.render.fabrics import encode

GRADES: tuple[str, ...] = ("clean", "warm", "cool", "faded", "contrast", "cross", "mono")


@dataclass(frozen=True)
class Develop:
    """How a photograph is finished."""

    blur: float = 2.0  # pixels of blur far behind the person
    exposure: float = 1.0
    grade: str = "clean"
    grade_strength: float = 1.0
    grain: float = 0.0  # standard deviation in sRGB units of 0..1
    vignette: float = 0.0
    soften: float = 0.0  # whole-image blur in pixels
    occlusion: float = 0.6
    bloom: bool = True
    shoulder: bool = True


def halve(values: NDArray[np.floating], factor: int) -> Float32:
    """Mean of `factor` x `factor` blocks."""
    height, width = values.shape[:2]
    shape = (height // factor, factor, width // factor, factor, *values.shape[2:])
    return np.asarray(values.reshape(shape).mean((1, 3)), np.float32)


def labels(frame: Frame, factor: int) -> NDArray[np.uint8]:
    """(H, W) ids of the finished photograph: the sample nearest each pixel's centre."""
    picked = frame.id[factor // 2 :: factor, factor // 2 :: factor]
    return np.ascontiguousarray(picked, dtype=np.uint8)


def develop(
    frame: Frame, settings: Develop, backdrop: Array, factor: int, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """(H, W, 3) sRGB."""
    drawn = (frame.id > 0)[..., None]
    colour = halve(np.where(drawn, frame.colour, backdrop.astype(np.float32)), factor)
    ids = labels(frame, factor)
    person = halve(((frame.id > 0) & (frame.id < SCENE_ID)).astype(np.float32), factor)
    depth = frame.depth[factor // 2 :: factor, factor // 2 :: factor]
    if settings.occlusion > 0:
        colour *= _crevices(depth, ids, settings.occlusion)[..., None]
    if settings.blur > 0:
        colour = _lens(colour, person, depth, settings.blur)
    glow = np.clip(colour - 1.0, 0, 4)
    if settings.bloom and float(glow.max()) > 0.2:
        colour = colour + 0.35 * _gauss(glow, 7.0) + 0.2 * _gauss(glow, 2.5)
    colour = colour * settings.exposure
    # A soft shoulder keeps highlights; mid-tones stay where the light put them.
    if settings.shoulder:
        colour = np.where(colour > 0.6, 0.6 + 0.4 * np.tanh((colour - 0.6) / 0.55), colour)
    image = np.asarray(encode(colour), np.float32)
    image = _grade(image, settings)
    if settings.vignette > 0:
        height, width = image.shape[:2]
        y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
        image = image * (1 - settings.vignette * np.clip(x**2 + y**2 - 0.5, 0, None) / 1.5)[..., None]
    if settings.soften > 0:
        image = _gauss(image, settings.soften)
    if settings.grain > 0:
        grain = ndimage.gaussian_filter(rng.normal(size=image.shape[:2]), 0.6)
        weight = 0.6 + 0.8 * (1 - np.abs(2 * image.mean(-1) - 1))
        image = image + (settings.grain * grain * weight)[..., None]
    return (np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8)


def _gauss(image: Float32, sigma: float) -> Float32:
    return np.asarray(
        ndimage.gaussian_filter(image, (sigma, sigma, 0), truncate=2.5), np.float32
    )


def _lens(colour: Float32, person: Float32, depth: Float32, blur: float) -> Float32:
    """Blur what lies behind the person, in two steps of depth, without smearing the person."""
    behind = 1.0 - person
    near = depth[person > 0.5]
    focus = float(np.median(near)) if near.size else 4.0
    away = np.clip(1 - focus / np.maximum(np.minimum(depth, 60.0), focus), 0, 1)
    small, large = max(0.4 * blur, 0.3), max(blur, 0.3)
    spread = []
    for sigma in (small, large):
        weight = ndimage.gaussian_filter(behind, sigma, truncate=2.5) + 1e-4
        spread.append(_gauss(colour * behind[..., None], sigma) / weight[..., None])
    share = np.clip(away * 2.2, 0, 1)
    share = ndimage.gaussian_filter(np.where(person > 0.5, ndimage.grey_dilation(share, 5), share), 1.5)
    first = np.clip(share * 2, 0, 1)[..., None]
    second = np.clip(share * 2 - 1, 0, 1)[..., None]
    sharp = np.where(behind[..., None] > 0.02, colour, spread[0])
    far = sharp * (1 - first) + spread[0] * first
    far = far * (1 - second) + spread[1] * second
    # Blend by coverage: edge pixels already mix person and scenery.
    edge = person[..., None]
    return np.where(edge > 0.02, colour, far)


def _crevices(depth: Float32, ids: NDArray[np.uint8], strength: float) -> Float32:
    """Screen-space ambient occlusion: darker where neighbours stand in front."""
    finite = np.where(np.isfinite(depth), depth, 60.0)
    out = np.zeros_like(finite)
    count = 0
    for radius in (3, 7, 13):
        for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
            near = np.roll(finite, (dy * radius, dx * radius), (0, 1))
            far = np.roll(finite, (-dy * radius, -dx * radius), (0, 1))
            bump = finite - 0.5 * (near + far)  # concave where the mean is nearer than we are
            hollow = np.clip(bump / (0.010 * radius**0.5), 0, 1)
            out += hollow * (np.abs(near - finite) < 0.35) * (np.abs(far - finite) < 0.35)
            count += 1
    return 1 - strength * np.clip(ndimage.gaussian_filter(out / count, 1.0) * 1.6, 0, 0.7)


def _grade(image: Float32, settings: Develop) -> Float32:
    s = settings.grade_strength
    if settings.grade == "clean" or s <= 0:
        return image
    grey = image @ np.array([0.30, 0.59, 0.11], np.float32)
    if settings.grade == "mono":
        return np.asarray(image * (1 - s) + grey[..., None] * s, np.float32)
    if settings.grade == "warm":
        out = image * np.array([1.06, 1.0, 0.90], np.float32)
    elif settings.grade == "cool":
        out = image * np.array([0.92, 1.0, 1.07], np.float32)
    elif settings.grade == "faded":
        out = 0.10 + 0.80 * (0.65 * image + 0.35 * grey[..., None])
    elif settings.grade == "contrast":
        t = np.clip(image, 0, 1)
        out = t * t * (3 - 2 * t)
    elif settings.grade == "cross":
        shadow = np.clip(1 - 2 * grey, 0, 1)[..., None]
        light = np.clip(2 * grey - 1, 0, 1)[..., None]
        out = image + shadow * np.array([-0.02, 0.02, 0.05]) + light * np.array([0.05, 0.02, -0.05])
    else:
        raise ValueError(f"no grade {settings.grade!r}; there are {', '.join(GRADES)}")
    return np.asarray(image + (out - image) * s, np.float32)
