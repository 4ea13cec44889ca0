"""From linear light to a finished photograph: lens, film, grade. Labels never change here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

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


@dataclass(frozen=True)
class Foreground:
    """Something out of focus right in front of the camera."""

    alpha: Float32  # (H, W)
    colour: Array  # (3,) linear


def foreground(rng: np.random.Generator, size: tuple[int, int], share: float) -> Foreground:
    """A passer-by's shoulder, leaves or a door frame over up to about `share` of the width."""
    width, height = size
    y, x = np.mgrid[0:height, 0:width] / np.array([height, width]).reshape(2, 1, 1)
    side = rng.random() < 0.5
    across = x if side else 1 - x
    kind = int(rng.integers(3))
    reach = share * rng.uniform(0.5, 1.0)
    if kind == 0:  # a shoulder and the back of a head
        shoulder = (
            np.hypot((across + 0.12) / (0.12 + reach), (y - 1.05) / rng.uniform(0.45, 0.7)) < 1
        )
        skull = np.hypot((across - 0.3 * reach) / 0.13, (y - rng.uniform(0.3, 0.45)) / 0.12) < 1
        mask = shoulder | skull
        colour = np.full(3, rng.uniform(0.01, 0.10)) * rng.uniform(0.8, 1.2, 3)
    elif kind == 1:  # leaves
        mask = np.zeros((height, width), bool)
        for _ in range(9):
            u, v = rng.uniform(-0.05, reach), rng.uniform(0, 1.0)
            turn, long = rng.uniform(0, 3.1), rng.uniform(0.06, 0.16)
            du, dv = (across - u), (y - v) * height / width
            a = du * np.cos(turn) + dv * np.sin(turn)
            b = -du * np.sin(turn) + dv * np.cos(turn)
            mask |= np.hypot(a / long, b / (0.32 * long)) < 1
        colour = np.array([0.05, 0.14, 0.03]) * rng.uniform(0.5, 1.6)
    else:  # a frame
        mask = across < 0.7 * reach
        colour = np.full(3, rng.uniform(0.02, 0.4))
    blur = float(rng.uniform(0.008, 0.022)) * width
    alpha = ndimage.gaussian_filter(mask.astype(np.float32), blur)
    return Foreground(np.asarray(alpha, np.float32), colour)


def halve(values: NDArray[np.floating], factor: int) -> Float32:
    """Mean of `factor` x `factor` blocks."""
    height, width = values.shape[:2]
    shape = (height // factor, factor, width // factor, factor, *values.shape[2:])
    return np.asarray(values.reshape(shape).mean((1, 3)), np.float32)


def develop(
    frame: Frame,
    settings: Develop,
    backdrop: Array,
    rng: np.random.Generator,
    front: Foreground | None = None,
) -> NDArray[np.uint8]:
    """(H, W, 3) sRGB."""
    factor = frame.samples
    person = halve((frame.person.id > 0).astype(np.float32), factor)[..., None]
    own = halve(frame.person.colour, factor)  # premultiplied by coverage
    truth = frame.merged()
    if settings.occlusion > 0:
        own = own * crevices(truth.depth, truth.id, settings.occlusion)[..., None]
    if frame.scenery is None:
        far = np.broadcast_to(backdrop.astype(np.float32), own.shape)
    else:
        drawn = (frame.scenery.id > 0)[..., None]
        far = np.where(drawn, frame.scenery.colour, backdrop.astype(np.float32))
        if settings.blur > 0:
            near = truth.depth[person[..., 0] > 0.5]
            focus = float(np.median(near)) if near.size else 4.0
            far = lens(far, frame.scenery.depth, focus, settings.blur)
    colour: NDArray[Any] = own + far * (1 - person)
    if front is not None:
        alpha = front.alpha[..., None]
        colour = colour * (1 - alpha) + front.colour.astype(np.float32) * alpha
    glow = np.clip(colour - 1.0, 0, 4)
    if settings.bloom and float(glow.max()) > 0.2:
        colour = colour + 0.35 * _gauss(glow, 7.0) + 0.2 * _gauss(glow, 2.5)
    colour = colour * settings.exposure
    # A soft shoulder keeps highlights; mid-tones stay where the light put them.
    if settings.shoulder:
        colour = np.where(colour > 0.6, 0.6 + 0.4 * np.tanh((colour - 0.6) / 0.55), colour)
    image = np.asarray(encode(colour), np.float32)
    image = graded(image, settings)
    if settings.vignette > 0:
        height, width = image.shape[:2]
        y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
        image = (
            image * (1 - settings.vignette * np.clip(x**2 + y**2 - 0.5, 0, None) / 1.5)[..., None]
        )
    if settings.soften > 0:
        image = _gauss(image, settings.soften)
    if settings.grain > 0:
        grain = ndimage.gaussian_filter(rng.normal(size=image.shape[:2]), 0.6)
        weight = 0.6 + 0.8 * (1 - np.abs(2 * image.mean(-1) - 1))
        image = image + (settings.grain * grain * weight)[..., None]
    return (np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8)


def _gauss(image: NDArray[Any], sigma: float) -> Float32:
    return np.asarray(ndimage.gaussian_filter(image, (sigma, sigma, 0), truncate=2.5), np.float32)


def lens(far: Float32, depth: Float32, focus: float, blur: float) -> Float32:
    """Blur scenery the more, the further it lies behind the plane of focus."""
    away = np.clip(1 - focus / np.clip(depth, focus, 60.0), 0, 1)
    # One filter wide enough to hide the steps of the depth map between planes.
    share = np.clip(ndimage.gaussian_filter(away, blur) * 2.2, 0, 1)[..., None]
    slight, strong = _gauss(far, max(0.4 * blur, 0.3)), _gauss(far, max(blur, 0.3))
    first, second = np.clip(share * 2, 0, 1), np.clip(share * 2 - 1, 0, 1)
    out = far * (1 - first) + slight * first
    return np.asarray(out * (1 - second) + strong * second, np.float32)


def crevices(depth: Float32, ids: NDArray[np.uint8], strength: float) -> Float32:
    """Screen-space ambient occlusion on people: darker where neighbours stand in front."""
    people = (ids > 0) & (ids < SCENE_ID)
    bounds = _bounds(people, 16)
    shade = np.ones_like(depth)
    if bounds is None:
        return shade
    finite = np.where(np.isfinite(depth[bounds]), depth[bounds], 60.0)
    padded = np.pad(finite, 13, mode="edge")
    height, width = finite.shape

    def moved(dy: int, dx: int) -> Float32:
        return padded[13 + dy : 13 + dy + height, 13 + dx : 13 + dx + width]

    out = np.zeros_like(finite)
    count = 0
    for radius in (3, 7, 13):
        for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
            near, far = moved(-dy * radius, -dx * radius), moved(dy * radius, dx * radius)
            bump = finite - 0.5 * (near + far)  # concave where the mean is nearer than we are
            hollow = np.clip(bump / (0.010 * radius**0.5), 0, 1)
            out += hollow * ((np.abs(near - finite) < 0.35) & (np.abs(far - finite) < 0.35))
            count += 1
    dark = strength * np.clip(ndimage.gaussian_filter(out / count, 1.0) * 1.6, 0, 0.7)
    shade[bounds] = 1 - dark * people[bounds]
    return shade


def _bounds(mask: NDArray[np.bool_], margin: int) -> tuple[slice, slice] | None:
    """The rectangle around the true pixels, widened by `margin`."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return None
    return (
        slice(max(int(rows[0]) - margin, 0), int(rows[-1]) + margin + 1),
        slice(max(int(columns[0]) - margin, 0), int(columns[-1]) + margin + 1),
    )


def graded(image: Float32, settings: Develop) -> Float32:
    """`image`, (H, W, 3) sRGB 0..1, in the grade of `settings`."""
    s = settings.grade_strength
    if settings.grade == "clean" or s <= 0:
        return image
    grey = image @ np.array([0.30, 0.59, 0.11], np.float32)
    if settings.grade == "mono":
        return np.asarray(image * (1 - s) + grey[..., None] * s, np.float32)
    if settings.grade == "warm":
        out: NDArray[Any] = image * np.array([1.06, 1.0, 0.90], np.float32)
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
