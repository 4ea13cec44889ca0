"""Is it still that garment? Likeness, colour and texture of a region against a product photo.

All comparisons leave the edge of the masks out, or look at it apart: there cut-outs are wrong
first (OpenVTON-Bench, arXiv 2601.22725, finds that eroded masks agree with people).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from lookweave.models.cards import card_named
from lookweave.models.colour import to_lab
from lookweave.models.protocols import Crop, Pixels, Vectors
from lookweave.studio.judge import lettering
from lookweave.studio.judge.rows import Measure, measured, unmeasured
from lookweave.studio.shoot.colours import difference

Mask = NDArray[np.bool_]
Lab = NDArray[np.float32]

LEAST_PIXELS = 300
"""Of a garment in a picture; of fewer nothing is said."""
SCALES = (1.0, 2.0, 4.0)
_SIDE = 160.0  # square root of the garment's pixels, at most, when textures are compared
_QUIET = 0.5  # of L*, a band below it is as good as plain


@dataclass(frozen=True)
class Own:
    """A product photo that pictures are held against.

    Attributes:
        name: of its file.
        photo: uint8 (H, W, 3).
        mask: bool (H, W), the garment in it.
        words: what a shop calls it.
    """

    name: str
    photo: Pixels
    mask: Mask
    words: str = ""

    @cached_property
    def colour(self) -> Lab:
        """CIELAB (3,), the median inside the mask."""
        return median(self.photo[eroded(self.mask)])

    @cached_property
    def vector(self) -> Vectors:
        """(dimension,) unit vector of the embedded encoder."""
        vector: Vectors = encoded([crop(self.photo, self.mask, "garment")])[0]
        return vector

    @cached_property
    def text(self) -> tuple[str, ...] | None:
        """The words printed on it; None where no reader is installed."""
        return lettering.words_on(self.photo, self.mask)


@dataclass(frozen=True)
class Seen:
    """A garment in a picture.

    Attributes:
        picture: uint8 (H, W, 3).
        mask: bool (H, W), where the garment is.
        sure: bool (H, W), where its cloth is known from the photo; `mask` where that is not known.
        unlit: uint8 (H, W, 3), the picture without its light and
            finish; None where these are not known.
    """

    picture: Pixels
    mask: Mask
    sure: Mask
    unlit: Pixels | None = None

    @cached_property
    def vector(self) -> Vectors:
        """(dimension,) unit vector of the embedded encoder."""
        vector: Vectors = encoded([crop(self.picture, self.mask, "look")])[0]
        return vector

    @property
    def inner(self) -> Mask:
        """Inside, and known, where enough is."""
        inner = eroded(self.mask)
        known = inner & self.sure
        return known if known.sum() > 100 else inner


def identity(name: str, own: Own, seen: Seen) -> list[Measure]:
    """All that is said of one garment; `name` is put before each probe."""
    if seen.mask.sum() < LEAST_PIXELS:
        note = f"the picture shows fewer than {LEAST_PIXELS} pixels of it"
        probes = ("colour", "colour without light and finish", "likeness", "texture inside",
                  "texture at the edge", "lettering")  # fmt: skip
        return [unmeasured("garments", f"{name}, {probe}", "", note) for probe in probes]
    got = median(seen.picture[seen.inner])
    unit = "CIEDE2000 of median CIELAB"
    rows = [
        measured("garments", f"{name}, colour", unit, told(own.colour), told(got),
                 float(difference(own.colour, got)))
    ]  # fmt: skip
    if seen.unlit is None:
        note = "the picture's geometry is not known"
        rows.append(unmeasured("garments", f"{name}, colour without light and finish", unit, note))
    else:
        plain = median(seen.unlit[seen.inner])
        rows.append(
            measured("garments", f"{name}, colour without light and finish", unit, told(own.colour),
                     told(plain), float(difference(own.colour, plain)))
        )  # fmt: skip
    cosine = float(own.vector @ seen.vector)
    rows.append(
        measured("garments", f"{name}, likeness", "cosine to its own photo, embedded encoder",
                 1.0, round(cosine, 3), 1 - cosine)
    )  # fmt: skip
    bands = _both(own, seen)
    for place, where in enumerate(("inside", "at the edge")):
        asked, shown = bands[0][place], bands[1][place]
        error = float(np.abs(np.log2((shown + _QUIET) / (asked + _QUIET))).mean())
        rows.append(
            measured("garments", f"{name}, texture {where}", "contrast of L* at 1, 2 and 4 pixels; "
                     "error in doublings", told(asked), told(shown), error)
        )  # fmt: skip
    rows.append(lettering.row(name, own.text, seen.picture, seen.mask))
    return rows


def texture_distance(one: NDArray[Any], other: NDArray[Any]) -> float:
    """Between two readings of `bands`, in doublings."""
    return float(np.abs(np.log2((one + _QUIET) / (other + _QUIET))).mean())


def _both(own: Own, seen: Seen) -> tuple[NDArray[Any], NDArray[Any]]:
    """(2, 3) inside and edge of the photo and of the picture, at one size."""
    side = min(_SIDE, float(np.sqrt(own.mask.sum())), float(np.sqrt(seen.mask.sum())))
    return bands(own.photo, own.mask, side), bands(seen.picture, seen.mask, side)


def bands(picture: Pixels, mask: Mask, side: float = _SIDE) -> NDArray[Any]:
    """(2, 3): root mean square of L* in three octaves, inside and at the edge of `mask`.

    The garment is brought to `side`² pixels first; what lies outside the mask has no part in it.
    """
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    box = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    scale = side / float(np.sqrt(mask.sum()))
    size = [max(8, round(n * scale)) for n in mask[box].shape]
    image = Image.fromarray(np.ascontiguousarray(picture[box]))
    small = np.asarray(image.resize((size[1], size[0]), Image.Resampling.BOX if scale < 1 else
                                    Image.Resampling.BILINEAR))  # fmt: skip
    where = Image.fromarray(mask[box]).resize((size[1], size[0]), Image.Resampling.NEAREST)
    inside = np.asarray(where, bool)
    level = to_lab(np.ascontiguousarray(small))[..., 0].astype(float)
    blurred = [level, *(_within(level, inside, sigma) for sigma in SCALES)]
    details = np.stack([a - b for a, b in pairwise(blurred)], -1)
    core = ndimage.binary_erosion(inside, iterations=max(2, round(0.04 * side)))
    edge = inside & ~core
    return np.stack([
        np.sqrt((details[part] ** 2).mean(0)) if part.any() else np.zeros(len(SCALES))
        for part in (core, edge)
    ])  # fmt: skip


def _within(values: NDArray[Any], inside: Mask, sigma: float) -> NDArray[Any]:
    """Blurred, with nothing from outside."""
    weight = ndimage.gaussian_filter(inside.astype(float), sigma)
    return np.asarray(
        ndimage.gaussian_filter(values * inside, sigma) / np.maximum(weight, 1e-6)
    )  # fmt: skip


def median(pixels: Pixels) -> Lab:
    """CIELAB (3,) of sRGB pixels (N, 3), the median of each channel."""
    return np.asarray(np.median(to_lab(pixels), axis=0), np.float32)


def told(values: NDArray[Any]) -> list[float]:
    """Rounded, for a table."""
    return [round(float(value), 1) for value in values]


def eroded(mask: Mask) -> Mask:
    """`mask` without its edge (a hundredth of its side), unless nothing would be left."""
    steps = max(1, round(0.01 * max(mask.shape)))
    inner = ndimage.binary_erosion(mask, iterations=steps)
    return np.asarray(inner if inner.any() else mask, bool)


def crop(picture: Pixels, mask: Mask, kind: str) -> Crop:
    """The crop around `mask`, which may not be empty."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    x0, x1, y0, y1 = columns[0], columns[-1] + 1, rows[0], rows[-1] + 1
    return Crop(
        picture, (float(x0), float(y0), float(x1), float(y1)),
        (mask[y0:y1, x0:x1] * 255).astype(np.uint8), kind,
    )  # fmt: skip


@cache
def encoder() -> Any:
    """The embedded encoder, with its text tower."""
    return card_named("lookweave-encoder").load(None)


@cache
def segmenter() -> Any:
    """The embedded segmenter."""
    return card_named("lookweave-segmenter").load(None)


def encoded(crops: list[Crop]) -> Vectors:
    """Unit vectors of the embedded encoder."""
    vectors: Vectors = encoder().encode(crops)
    return vectors
