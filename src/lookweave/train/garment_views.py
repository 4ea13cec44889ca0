"""Two views of one garment that share no pixel grid: the encoder's domain-crossing pairs.

A network told that two aligned pictures of a garment are the same learns alignment. So each
view is framed, turned, warped, lit, hidden and compressed on its own; one is cut out as a
catalogue would show it, the other stays in its scene, and both go through the noise that a
segmenter's mask has before the same fading the pipeline does.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from lookweave.train.augment import change_light, degrade, on_background, plain_background
from lookweave.train.garment_crops import FADE, GREY, MARGIN, Garment, fade_outside
from lookweave.train.product_photos import Pixels

Field = NDArray[np.float32]


@dataclass(frozen=True)
class ViewStrength:
    """How far a view goes from the photo; lengths are shares of the view's side."""

    rotation: float = 16.0
    stretch: float = 0.14
    warp: float = 0.06
    perspective: float = 0.10
    min_cover: float = 0.55
    """The least share of the garment's height and width that a view shows."""
    partial: float = 0.5
    """The chance that a view shows only part."""
    occlusion: float = 0.4
    shade: float = 0.22
    mask_noise: float = 0.5
    colour: float = 0.6


TEST_STRENGTH = ViewStrength(partial=0.3, occlusion=0.5)


def _smooth_noise(side: int, cells: int, random: Generator) -> Field:
    """(side, side) smooth noise of unit amplitude that varies over `cells` lengths."""
    coarse = random.uniform(-1, 1, (cells, cells)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC), np.float32)


def _sampling_map(
    mask: Pixels, side: int, strength: ViewStrength, random: Generator
) -> tuple[Field, Field]:
    """Where in the photo each pixel of the view comes from: x and y, (side, side) each."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    low = np.array([columns[0], rows[0]], float)
    size = np.array([columns[-1] + 1, rows[-1] + 1], float) - low
    if random.random() < strength.partial:
        cover = random.uniform(strength.min_cover, 1, 2)
        low = low + random.uniform(0, 1, 2) * size * (1 - cover)
        size = size * cover
    centre = low + size / 2
    margin = random.uniform(0.3, 2.2) * MARGIN
    extent = size.max() * (1 + 2 * margin)
    line = (np.arange(side, dtype=np.float32) + 0.5) / side - 0.5
    x, y = np.meshgrid(line, line)
    x = x + strength.warp * _smooth_noise(side, int(random.integers(3, 6)), random)
    y = y + strength.warp * _smooth_noise(side, int(random.integers(3, 6)), random)
    tilt = random.uniform(-strength.perspective, strength.perspective, 2) * 2
    depth = 1 + tilt[0] * x + tilt[1] * y
    x, y = x / depth, y / depth
    angle = np.deg2rad(random.normal(0, strength.rotation))
    stretch = np.exp(random.normal(0, strength.stretch))
    turned_x = (np.cos(angle) * x + np.sin(angle) * y) * stretch
    turned_y = (-np.sin(angle) * x + np.cos(angle) * y) / stretch
    if random.random() < 0.5:
        turned_x = -turned_x
    from_x = centre[0] - 0.5 + extent * turned_x
    from_y = centre[1] - 0.5 + extent * turned_y
    return from_x.astype(np.float32), from_y.astype(np.float32)


def _hide_part(pixels: Pixels, mask: Pixels, random: Generator) -> tuple[Pixels, Pixels]:
    """An arm, a bag or a lock of hair across the garment: a flat ellipse of some likely colour."""
    side = pixels.shape[0]
    colours = ((224, 182, 155), (150, 100, 75), (60, 45, 40), (20, 20, 22), (200, 200, 200))
    colour = np.array(colours[int(random.integers(len(colours)))]) * random.uniform(0.8, 1.1)
    covered = np.zeros((side, side), np.uint8)
    for _ in range(int(random.integers(1, 3))):
        centre = (int(random.integers(side)), int(random.integers(side)))
        axes = (int(random.uniform(0.05, 0.12) * side), int(random.uniform(0.12, 0.4) * side))
        cv2.ellipse(covered, centre, axes, float(random.uniform(0, 180)), 0, 360, [1], cv2.FILLED)
    pixels, mask = pixels.copy(), mask.copy()
    pixels[covered > 0] = np.clip(colour, 0, 255).astype(np.uint8)
    # The segmenter sees most such things for what they are; the rest it takes for the garment.
    if random.random() < 0.7:
        mask[covered > 0] = 0
    return pixels, mask


def _segmenter_noise(mask: Pixels, random: Generator) -> Pixels:
    """A mask as a segmenter would give it: grown or shrunk, its outline wavy, a piece missing."""
    side = mask.shape[0]
    field = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), random.uniform(1.0, 0.04 * side))
    wave = _smooth_noise(side, int(random.integers(4, 9)), random)
    noisy = (field > 0.5 + 0.25 * random.uniform(-1, 1) + 0.2 * wave).astype(np.uint8)
    if random.random() < 0.15:
        gap = _smooth_noise(side, 3, random) > 0.45
        noisy[gap] = 0
    return noisy if noisy.sum() > 0.3 * mask.sum() else mask


def garment_view(
    garment: Garment, cut_out: bool, side: int, strength: ViewStrength, random: Generator
) -> Pixels:
    """(side, side, 3) uint8: the garment as a product photo or as a region in its look, its
    surroundings faded."""
    pixels, mask = masked_view(garment, cut_out, side, strength, random)
    fade = FADE if random.random() < 0.6 else random.uniform(0, 1)
    faded = fade_outside(pixels.astype(np.float32), mask.astype(np.float32), fade)
    return np.clip(faded, 0, 255).astype(np.uint8)


def masked_view(
    garment: Garment, cut_out: bool, side: int, strength: ViewStrength, random: Generator
) -> tuple[Pixels, Pixels]:
    """The same before anything fades, and its mask, (side, side) uint8, 1 on the garment, as a
    segmenter would see it."""
    from_x, from_y = _sampling_map(garment.mask, side, strength, random)
    pixels = np.asarray(
        cv2.remap(
            garment.pixels, from_x, from_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT,
            borderValue=[GREY] * 3,
        ),
        np.uint8,
    )  # fmt: skip
    mask = np.asarray(cv2.remap(garment.mask, from_x, from_y, cv2.INTER_NEAREST), np.uint8)
    if cut_out:
        pixels = on_background(pixels, mask > 0, plain_background(mask.shape, random))
    elif random.random() < strength.occlusion:
        pixels, mask = _hide_part(pixels, mask, random)
    if random.random() < 0.6:
        shade = 1 + strength.shade * _smooth_noise(side, int(random.integers(2, 7)), random)
        pixels = np.clip(pixels * shade[..., None], 0, 255).astype(np.uint8)
    pixels = degrade(change_light(pixels, random, strength.colour), random)
    if random.random() < strength.mask_noise:
        mask = _segmenter_noise(mask, random)
    return pixels, mask
