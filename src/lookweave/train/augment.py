"""What happens to a photo on its way into training: geometry, light, studio backgrounds.

Every function takes the generator that decides, so that a sample is a pure function of
(seed, epoch, place) and a resumed run sees what an uninterrupted one would have seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from lookweave.train.labels import CLASS_COUNT, IGNORE
from lookweave.train.product_photos import Pixels

Matrix = NDArray[np.float64]

FIRST_GARMENT, LAST_GARMENT = 1, CLASS_COUNT - 3


@dataclass(frozen=True)
class PhotoAugmentation:
    """How strongly, in plain units; every probability is per sample."""

    min_zoom: float = 0.7
    max_zoom: float = 2.6
    max_rotation: float = 12.0
    max_stretch: float = 0.12
    plain_background: float = 0.25
    single_garment: float = 0.12


def plain_colour(random: Generator) -> NDArray[np.float32]:
    """A studio background's colour: white or nearly so half the time, else grey or any pastel."""
    kind = random.random()
    if kind < 0.5:
        return np.full(3, random.uniform(240, 255), np.float32)
    if kind < 0.75:
        return np.full(3, random.uniform(40, 240), np.float32)
    return random.uniform(60, 255, 3).astype(np.float32)


def plain_background(shape: tuple[int, int], random: Generator) -> NDArray[np.float32]:
    """(H, W, 3) float32 in 0..255: one colour, or a soft gradient between two."""
    height, width = shape
    first = plain_colour(random)
    if random.random() < 0.5:
        return np.broadcast_to(first, (height, width, 3)).copy()
    second = np.clip(first + random.uniform(-40, 40), 0, 255).astype(np.float32)
    along = np.linspace(0, 1, height if random.random() < 0.7 else width, dtype=np.float32)
    ramp = along[:, None, None] if along.size == height else along[None, :, None]
    return np.ascontiguousarray(first + (second - first) * ramp + np.zeros((height, width, 1)))


def on_background(
    pixels: Pixels, foreground: NDArray[np.bool_], background: NDArray[np.float32]
) -> Pixels:
    """The foreground of a photo on another background, its edge a pixel soft."""
    alpha = cv2.GaussianBlur(foreground.astype(np.float32), (0, 0), 1.0)[..., None]
    mixed = pixels * alpha + background * (1 - alpha)
    return np.clip(mixed, 0, 255).astype(np.uint8)


def frame_matrix(
    shape: tuple[int, int], canvas: tuple[int, int], focus: tuple[float, float], zoom: float,
    rotation: float, stretch: float, flip: bool,
) -> Matrix:  # fmt: skip
    """The 2 x 3 affine matrix from photo to canvas.

    Zoom 1 fits the whole photo into the canvas; above that `focus` (x, y in the photo) is drawn
    to the middle as far as the photo still covers it.
    """
    height, width = shape
    rows, columns = canvas
    scale = min(rows / height, columns / width) * zoom
    scale_x, scale_y = scale * np.exp(stretch), scale * np.exp(-stretch)
    half = np.array([columns / (2 * scale_x), rows / (2 * scale_y)])
    size = np.array([width, height], float)
    centre = np.where(
        2 * half >= size, size / 2, np.clip(focus, half, np.maximum(half, size - half))
    )
    angle = np.deg2rad(rotation)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = turn @ np.diag([-scale_x if flip else scale_x, scale_y])
    offset = np.array([columns / 2, rows / 2]) - linear @ centre
    return np.column_stack([linear, offset])


def change_light(pixels: Pixels, random: Generator, colour: float = 1.0) -> Pixels:
    """Exposure, contrast, gamma, white balance and saturation; now and then no colour at all.

    `colour` scales what changes the hue or saturation: a segmenter should not rely on colour,
    but to an encoder it is half of what tells one garment from another.
    """
    levels = np.arange(256, dtype=np.float32) / 255
    gains = np.exp(random.normal(0, 0.12) + colour * random.normal(0, 0.06, 3))
    contrast, gamma = np.exp(random.normal(0, 0.15)), np.exp(random.normal(0, 0.15))
    curves = levels[:, None] ** gamma * gains[None]
    curves = np.clip((curves - 0.5) * contrast + 0.5, 0, 1) * 255
    lit = np.stack([curves[:, c].astype(np.uint8)[pixels[..., c]] for c in range(3)], axis=-1)
    grey = cv2.cvtColor(lit, cv2.COLOR_RGB2GRAY)[..., None]
    colourless = random.random() < 0.03 and colour >= 1
    saturation = 0.0 if colourless else np.exp(colour * random.normal(0, 0.25))
    if abs(saturation - 1) > 0.05:
        lit = np.clip(grey + (lit.astype(np.float32) - grey) * saturation, 0, 255).astype(np.uint8)
    return np.asarray(lit, np.uint8)


def degrade(pixels: Pixels, random: Generator) -> Pixels:
    """Blur, lost resolution, noise and compression, each seldom."""
    if random.random() < 0.15:
        blurred = cv2.GaussianBlur(pixels, (0, 0), random.uniform(0.5, 1.8))
        pixels = np.asarray(blurred, np.uint8)
    if random.random() < 0.1:
        height, width = pixels.shape[:2]
        factor = random.uniform(0.35, 0.8)
        small = cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        large = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
        pixels = np.asarray(large, np.uint8)
    if random.random() < 0.1:
        noise = random.normal(0, random.uniform(2, 10), pixels.shape[:2])[..., None]
        pixels = np.clip(pixels + noise, 0, 255).astype(np.uint8)
    if random.random() < 0.2:
        quality = int(random.integers(25, 85))
        _, encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
        pixels = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)
    return pixels


def _single_garment(
    pixels: Pixels, mask: Pixels, random: Generator
) -> tuple[Pixels, Pixels] | None:
    """One garment of a worn outfit alone on a plain background, as a catalogue shows it."""
    values, counts = np.unique(mask, return_counts=True)
    worth = [
        int(value)
        for value, count in zip(values, counts, strict=True)
        if FIRST_GARMENT <= value <= LAST_GARMENT and count > 0.015 * mask.size
    ]
    if not worth:
        return None
    chosen = mask == int(random.choice(worth))
    rows, columns = np.flatnonzero(chosen.any(1)), np.flatnonzero(chosen.any(0))
    margin = int(random.uniform(0.02, 0.3) * max(np.ptp(rows), np.ptp(columns)))
    box = (
        slice(max(0, rows[0] - margin), rows[-1] + margin + 1),
        slice(max(0, columns[0] - margin), columns[-1] + margin + 1),
    )
    background = plain_background(chosen[box].shape, random)
    alone = on_background(pixels[box], chosen[box], background)
    return alone, np.where(chosen[box], mask[box], 0).astype(np.uint8)


def _focus(mask: Pixels, random: Generator) -> tuple[float, float]:
    """Some labelled pixel, sought by a few throws rather than by listing all of them."""
    height, width = mask.shape
    for _ in range(12):
        row, column = int(random.integers(height)), int(random.integers(width))
        if 0 < mask[row, column] != IGNORE:
            break
    return float(column), float(row)


def augment(
    pixels: Pixels, mask: Pixels, canvas: tuple[int, int], target_stride: int,
    settings: PhotoAugmentation, random: Generator,
) -> tuple[Pixels, Pixels]:  # fmt: skip
    """A canvas-sized (H, W, 3) photo and its mask at one `target_stride`-th of the size."""
    draw = random.random()
    if draw < settings.single_garment:
        alone = _single_garment(pixels, mask, random)
        if alone is not None:
            pixels, mask = alone
    elif draw < settings.single_garment + settings.plain_background:
        pixels = on_background(pixels, mask != 0, plain_background(mask.shape, random))
    zoom = float(np.exp(random.uniform(np.log(settings.min_zoom), np.log(settings.max_zoom))))
    if zoom > 1 and random.random() < 0.4:
        zoom = 1.0
    matrix = frame_matrix(
        mask.shape, canvas, _focus(mask, random), zoom,
        float(random.normal(0, settings.max_rotation / 2)),
        float(random.normal(0, settings.max_stretch / 2)), bool(random.random() < 0.5),
    )  # fmt: skip
    rows, columns = canvas
    border = random.random()
    if border < 0.4:
        mode, colour = cv2.BORDER_REPLICATE, np.zeros(3, np.float32)
    else:
        mode = cv2.BORDER_CONSTANT
        colour = np.full(3, 127.5, np.float32) if border < 0.7 else plain_colour(random)
    framed = cv2.warpAffine(
        pixels, matrix, (columns, rows), flags=cv2.INTER_LINEAR, borderMode=mode,
        borderValue=[float(value) for value in colour],
    )  # fmt: skip
    # A target pixel's centre must fall on the centre of the square of pixels it stands for.
    shrink = np.array([[1 / target_stride, 0, 0], [0, 1 / target_stride, 0], [0, 0, 1]])
    shrink[:2, 2] = 0.5 / target_stride - 0.5
    target = cv2.warpAffine(
        mask, (shrink @ np.vstack([matrix, [0, 0, 1]]))[:2],
        (columns // target_stride, rows // target_stride), flags=cv2.INTER_NEAREST,
        borderMode=cv2.BORDER_CONSTANT, borderValue=[0.0],
    )  # fmt: skip
    return degrade(change_light(np.asarray(framed, np.uint8), random), random), np.asarray(target)
