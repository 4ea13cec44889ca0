"""Garments cut from photos, and the one preparation of a crop for the encoder.

`prepare_crop` is the encoder's input contract: whoever embeds a region or a cut-out with our
encoder must do exactly this, in training as in the pipeline.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lookweave.taxonomy import CATEGORIES
from lookweave.train.labels import CLASS_COUNT, PARTIAL_LABELS, product_value
from lookweave.train.parsed_photos import ParsedPhoto
from lookweave.train.product_photos import Pixels, ProductPhoto

SIDE = 192
"""Height and width of the encoder's input in pixels."""

MARGIN = 0.08
"""Room left around the mask's box on every side, as a share of the box's longer side."""

FADE = 0.85
"""How far pixels outside the mask move towards grey: 0 leaves them, 1 removes them.

Not 1, for a mask that misses half a garment must not lose it altogether.
"""

GREY = 127.0
"""The level faded to: zero after normalisation."""

EDGE = 0.01
"""Standard deviation of the Gaussian that softens the mask's edge, as a share of SIDE."""

MIN_SHARE = 0.01
"""Share of a photo below which a garment is left out."""

STORED_CONTEXT = 0.35
STORED_SIDE = 320
ENCODED = tuple(name for name in CATEGORIES if name not in {"eyewear", "belt"})
"""Categories of garments large enough to tell from one another."""


def fade_outside(
    pixels: NDArray[np.float32], mask: NDArray[np.float32], fade: float = FADE
) -> NDArray[np.float32]:
    """Move (H, W, 3) pixels in 0..255 towards grey where the (H, W) mask in 0..1 is low."""
    soft = cv2.GaussianBlur(mask, (0, 0), max(0.5, EDGE * max(mask.shape)))[..., None]
    kept = 1 - fade * (1 - soft)
    return np.asarray(GREY + (pixels - GREY) * kept, np.float32)


def prepare_crop(pixels: Pixels, mask: Pixels, side: int = SIDE, fade: float = FADE) -> Pixels:
    """(side, side, 3) uint8: the masked garment in the middle of a square, the rest faded.

    `pixels` is (H, W, 3) uint8 RGB of the whole photo, `mask` (H, W) with 1 on the garment. The
    square is centred on the mask's box, its side the box's longer side plus MARGIN at both ends;
    what lies outside the photo is grey.
    """
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if rows.size == 0:
        raise ValueError("an empty mask has no crop")
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    extent = max(bottom - top, right - left) * (1 + 2 * MARGIN)
    scale = side / extent
    matrix = np.array(
        [
            [scale, 0, side / 2 - scale * (left + right) / 2 + (scale - 1) / 2],
            [0, scale, side / 2 - scale * (top + bottom) / 2 + (scale - 1) / 2],
        ]
    )
    # Affine warping does not average pixels: shrink by area first where it would skip some.
    if scale < 0.5:
        factor = 2 * scale
        size = (max(1, round(pixels.shape[1] * factor)), max(1, round(pixels.shape[0] * factor)))
        shrunk = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
        covered = np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_AREA), np.uint8)
        if covered.any():
            return prepare_crop(shrunk, covered, side, fade)
    framed = cv2.warpAffine(
        pixels, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT,
        borderValue=[GREY] * 3,
    )  # fmt: skip
    inside = cv2.warpAffine((mask > 0).astype(np.float32), matrix, (side, side))
    faded = fade_outside(framed.astype(np.float32), np.asarray(inside, np.float32), fade)
    return np.asarray(np.clip(faded + 0.5, 0, 255), np.uint8)


@dataclass(frozen=True)
class Garment:
    """One garment with its surroundings, stored small enough to keep thousands in memory.

    `pixels` (H, W, 3) uint8, `mask` (H, W) uint8 with 1 on the garment; `group` is the class it
    is a hard negative within, `photo` the photo it comes from.
    """

    pixels: Pixels
    mask: Pixels
    group: str
    photo: str


def stored_garment(pixels: Pixels, mask: Pixels, group: str, photo: str) -> Garment:
    """The garment of a whole photo and its mask, with the surroundings that views may show."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    context = int(STORED_CONTEXT * max(np.ptp(rows), np.ptp(columns)))
    box = (
        slice(max(0, rows[0] - context), rows[-1] + context + 1),
        slice(max(0, columns[0] - context), columns[-1] + context + 1),
    )
    near, near_mask = pixels[box], mask[box]
    longest = max(near_mask.shape)
    if longest > STORED_SIDE:
        scale = STORED_SIDE / longest
        size = (round(near.shape[1] * scale), round(near.shape[0] * scale))
        near = np.asarray(cv2.resize(near, size, interpolation=cv2.INTER_AREA), np.uint8)
        near_mask = np.asarray(cv2.resize(near_mask, size, interpolation=cv2.INTER_NEAREST))
    return Garment(np.ascontiguousarray(near), np.ascontiguousarray(near_mask), group, photo)


def worn_garments(photos: Sequence[ParsedPhoto]) -> list[Garment]:
    """Every garment that covers over 1% of a street photo, by its mask."""
    garments: list[Garment] = []
    for photo in photos:
        for name in ENCODED:
            value = 1 + CATEGORIES.index(name)
            mask = (photo.mask == value).astype(np.uint8)
            if mask.mean() >= MIN_SHARE:
                garments.append(stored_garment(photo.pixels, mask, name, photo.name))
    return garments


def product_garments(photos: Sequence[ProductPhoto]) -> list[Garment]:
    """Every product photo whose weak mask looked right."""
    garments: list[Garment] = []
    for photo in photos:
        if photo.mask is not None:
            value = product_value(photo.label)
            group = CATEGORIES[value - 1] if value < CLASS_COUNT else PARTIAL_LABELS[photo.label][0]
            garments.append(stored_garment(photo.pixels, photo.mask, group, photo.path.stem))
    return garments
