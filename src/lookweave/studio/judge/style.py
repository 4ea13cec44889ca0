"""How a picture was finished: grade, contrast, vignette, grain and palette.

Where the guide is at hand the picture is held against the same guide developed plainly: what
differs is the finish. Of a picture alone only its grain and its palette can be told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.cluster.vq import kmeans2

from lookweave.models.colour import to_lab
from lookweave.studio.render.develop import GRADES, Develop, graded
from lookweave.studio.shoot.colours import difference

Floats = NDArray[Any]
Pixels = NDArray[np.uint8]

_STEP = 3  # every third pixel and row tells enough of a finish
_UNIT = 768.0  # grain is stated for a picture this high


@dataclass(frozen=True)
class Finish:
    """A finish as it was found.

    Attributes:
        grade: of `GRADES`, the one that explains the picture best.
        contrast, vignette: as in `record.Style`.
        shift: mean change of a* and b*, and of chroma, against the plain picture.
        unexplained: mean difference in CIELAB that is left.
    """

    grade: str
    contrast: float
    vignette: float
    shift: tuple[float, float, float]
    unexplained: float


def finish_of(picture: Pixels, plain: Pixels) -> Finish:
    """What was done to `plain` to make `picture`; both uint8 (H, W, 3) of one size."""
    one, other = (_small(image) for image in (picture, plain))
    height, width = one.shape[:2]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    corner = (np.clip(x**2 + y**2 - 0.4, 0, None) / 1.6)[..., None]
    lab = _lab(one)
    found: list[tuple[float, str, float, float]] = []
    for grade in GRADES:
        if grade == "contrast":
            continue  # the same curve as contrast 1
        base = np.asarray(graded(other.astype(np.float32), Develop(grade=grade)), float)
        t = np.clip(base, 0, 1)
        bend = t * t * (3 - 2 * t) - t
        terms = np.stack([bend.ravel(), (-t * corner).ravel()], 1)
        clear = ((one > 0.02) & (one < 0.98)).ravel()
        contrast, vignette = np.linalg.lstsq(terms[clear], (one - base).ravel()[clear], rcond=None)[
            0
        ]
        made = base + contrast * bend - vignette * t * corner
        left = float(np.linalg.norm(_lab(made) - lab, axis=-1).mean())
        found.append((left, grade, float(contrast), float(vignette)))
    left, grade, contrast, vignette = min(found)
    before = _lab(other)
    shift = (lab - before)[..., 1:].reshape(-1, 2).mean(0)
    chroma = float((np.hypot(lab[..., 1], lab[..., 2])
                    - np.hypot(before[..., 1], before[..., 2])).mean())  # fmt: skip
    return Finish(grade, contrast, vignette, (float(shift[0]), float(shift[1]), chroma), left)


def undone(picture: Pixels, finish: Finish) -> Pixels:
    """uint8 (H, W, 3): `picture` before vignette, contrast and grade, where these can be undone
    (monochrome and cross-processing cannot)."""
    image = picture.astype(float) / 255
    height, width = image.shape[:2]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    corner = (np.clip(x**2 + y**2 - 0.4, 0, None) / 1.6)[..., None]
    image = image / np.maximum(1 - finish.vignette * corner, 0.2)
    t = np.linspace(0, 1, 512)
    bent = t + finish.contrast * (t * t * (3 - 2 * t) - t)
    image = np.interp(image, np.maximum.accumulate(bent), t)
    if finish.grade in ("warm", "cool", "faded"):
        grade = Develop(grade=finish.grade)
        corners = np.concatenate([np.zeros((1, 3)), np.eye(3)])[None].astype(np.float32)
        black, *rest = np.asarray(graded(corners, grade), float)[0]
        image = (image - black) @ np.linalg.inv(np.array(rest) - black)
    return np.asarray(np.clip(image, 0, 1) * 255 + 0.5, np.uint8)


def _small(image: Pixels) -> Floats:
    soft = ndimage.gaussian_filter(image.astype(np.float32), (1.5, 1.5, 0)) / 255.0
    return np.asarray(soft[::_STEP, ::_STEP], float)


def _lab(image: Floats) -> Floats:
    return to_lab((np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8)).astype(float)


def grain_of(picture: Pixels, plain: Pixels | None = None) -> float:
    """Standard deviation of the grain, of 255, in the units of `record.Style`.

    Measured where the picture is smooth and neither dark nor bright; the fine detail of `plain`,
    where it is known, is taken off.
    """
    level = picture.astype(float).mean(-1)
    broad = ndimage.gaussian_filter(level, 3.0)
    slope = ndimage.gaussian_gradient_magnitude(broad, 1.5)
    usable = (broad > 25) & (broad < 230)
    if not usable.any():
        return 0.0
    smooth = usable & (slope <= np.percentile(slope[usable], 40))
    scale = min(picture.shape[0] / _UNIT, 1.0)
    fine = _fine(level)
    power = _spread(fine[smooth]) ** 2
    if plain is not None:
        power -= _spread(_fine(plain.astype(float).mean(-1))[smooth]) ** 2
    weight = 1 - 0.5 * np.abs(2 * broad[smooth] / 255 - 1).mean()
    kept = _kept(round(0.55 * max(picture.shape[0] / _UNIT, 0.6), 3))
    return float(np.sqrt(max(power, 0.0)) / (kept * weight * scale**0.5))


def _fine(level: Floats) -> Floats:
    return np.asarray(level - ndimage.gaussian_filter(level, 1.0))


def _spread(values: Floats) -> float:
    """Standard deviation that a few edges do not move."""
    return float(1.4826 * np.median(np.abs(values - np.median(values))))


@cache
def _kept(sigma: float) -> float:
    """Share of the grain that `_fine` lets through, for grain as coarse as `sigma` pixels."""
    noise = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=(256, 256)), sigma)
    return _spread(_fine(noise / noise.std()))


def palette_of(picture: Pixels, count: int = 5) -> tuple[Floats, Floats]:
    """(n, 3) CIELAB and (n,) shares of a picture's main colours, the largest first."""
    step = max(1, round(max(picture.shape[:2]) / 120))
    lab = to_lab(np.ascontiguousarray(picture[::step, ::step])).reshape(-1, 3).astype(float)
    count = min(count, len(np.unique(lab, axis=0)))
    centres, label = kmeans2(lab, count, minit="++", seed=0)
    share = np.bincount(label, minlength=count) / len(lab)
    order = [n for n in np.argsort(-share) if share[n] > 0]
    return centres[order], share[order]


def palette_distance(picture: Pixels, palette: Sequence[Sequence[float]]) -> float:
    """CIEDE2000 from the picture's main colours to the nearest of `palette`, by their shares."""
    centres, share = palette_of(picture)
    away = difference(centres[:, None], np.array(palette, float)[None]).min(1)
    return float(away @ share / share.sum())
