"""What a picture for a mood board shows: colours and contrast measured, its light guessed.

Place and pose are not read off pixels here. A picture that a shoot made comes with its record,
and that is read; for others a vision-language model may be asked (`described`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from lookweave.errors import InputError, Rejected
from lookweave.models.cards import card_named
from lookweave.models.colour import to_lab
from lookweave.models.protocols import Crop, Describer, Pixels
from lookweave.photos.decode import load
from lookweave.studio.shoot.colours import glow, luminance, to_linear
from lookweave.studio.shoot.record import Light, Shoot

Point = tuple[float, float, float]
COLOURS = 5
_SIDE = 480
_SMALL = 96  # side of what the colours are clustered on
_PLAIN, _SPREAD = 62.0, 60.0  # spread of lightness of a picture as lit, and per unit of contrast
_KELVINS = np.geomspace(2600, 9500, 28)


@dataclass(frozen=True)
class Measured:
    """A picture, and what was found in it.

    Attributes:
        pixels: uint8 (H, W, 3), at most 480 a side.
        palette: CIELAB colours and their shares of the picture, largest first.
        contrast: of the lightness, in the unit of `style.contrast`.
        light: azimuth and kelvin, guessed; open where the picture gives no hint.
        record: the record of the shoot that made the picture, or None.
    """

    pixels: Pixels
    palette: tuple[tuple[Point, float], ...]
    contrast: float
    light: Light
    record: Shoot | None


def measured(path: Path) -> Measured:
    """What the picture at `path` shows.

    Raises:
        InputError: it cannot be read.
    """
    if not path.is_file():
        raise InputError(f"The picture {path} is no file.")
    try:
        pixels = load(str(path), max_side=_SIDE).pixels
    except Rejected as error:
        raise InputError(f"The picture {path} cannot be used: {error.detail}") from error
    lab = to_lab(_shrunk(pixels).reshape(-1, 3)).astype(float)
    record = _record(path)
    light = record.light if record is not None else guessed_light(pixels)
    return Measured(pixels, palette(lab), contrast(lab[:, 0]), light, record)


def palette(lab: NDArray[np.floating[Any]], colours: int = COLOURS) -> tuple[
    tuple[Point, float], ...
]:  # fmt: skip
    """Colours of CIELAB pixels (N, 3) by k-means, and their shares, largest first.

    Lightness counts .7: cloth in its own shade stays one colour.
    """
    weigh = np.array([0.7, 1.0, 1.0])
    count = min(colours, len(np.unique(np.round(lab), axis=0)))
    found = KMeans(count, n_init=3, random_state=0).fit(lab * weigh)
    shares = np.bincount(found.labels_, minlength=count) / len(lab)
    order = np.argsort(-shares, kind="stable")
    centres = found.cluster_centers_ / weigh
    return tuple(
        ((round(float(centres[k][0]), 1), round(float(centres[k][1]), 1),
          round(float(centres[k][2]), 1)), round(float(shares[k]), 3))
        for k in order if shares[k] > 0
    )  # fmt: skip


def contrast(lightness: NDArray[np.floating[Any]]) -> float:
    """From the spread of L between its 5th and 95th percentile; 0 at 62, +-1 sixty away."""
    low, high = np.percentile(lightness, [5, 95])
    return round(float(np.clip((high - low - _PLAIN) / _SPREAD, -1, 1)), 2)


def guessed_light(pixels: Pixels) -> Light:
    """Where the key stands sideways, and how warm it is: a guess, from one picture.

    The largest garment is taken for an upright cylinder; what is brighter on one side was lit
    from there. The warmth is that of the picture's brightest tenth.
    """
    linear = to_linear(pixels)
    values: dict[str, float] = {}
    if (azimuth := _side(linear, pixels)) is not None:
        values["azimuth"] = azimuth
    level = luminance(linear)
    bright = (level >= np.percentile(level, 90)) & (linear.max(-1) < 0.98)
    if bright.sum() >= 20:
        tint = linear[bright].mean(0)
        tint = np.clip(tint / max(float(luminance(tint)), 1e-4), 0.05, None)
        glows = np.stack([glow(float(k)) for k in _KELVINS])
        near = int(np.argmin(np.abs(np.log(tint) - np.log(glows)).sum(1)))
        values["kelvin"] = round(float(_KELVINS[near]), -2)
    return Light.model_validate(values)


def _side(linear: NDArray[np.float64], pixels: Pixels) -> float | None:
    found = card_named("lookweave-segmenter").load(None).detect([pixels])[0]
    if not found:
        return None
    best = max(found, key=lambda d: (d.box[2] - d.box[0]) * (d.box[3] - d.box[1]))
    x0, y0, x1, y1 = (int(v) for v in best.box)
    level = luminance(linear)[y0:y1, x0:x1]
    if best.mask is None or level.size < 400:
        return None
    rows = np.linspace(0, best.mask.shape[0] - 1, level.shape[0]).round().astype(int)
    columns = np.linspace(0, best.mask.shape[1] - 1, level.shape[1]).round().astype(int)
    inside = best.mask[rows][:, columns] > 127
    normals, seen = [], []
    for row in range(0, level.shape[0], 2):
        places = np.flatnonzero(inside[row])
        if len(places) < 12:
            continue
        across = np.clip(2 * (places - places[0]) / (places[-1] - places[0]) - 1, -0.95, 0.95)
        normals.append(np.stack([np.ones_like(across), across, np.sqrt(1 - across**2)], 1))
        seen.append(level[row][places])
    if len(seen) < 8:
        return None
    shape, light = np.concatenate(normals), np.log(np.concatenate(seen) + 0.02)
    fit, *_ = np.linalg.lstsq(shape, light, rcond=None)
    x, z = float(fit[1]), max(float(fit[2]), 0.02)
    if abs(x) < 0.03:  # as bright left as right
        return 0.0
    return round(float(np.degrees(np.arctan2(x, z + abs(x) * 0.4))), 0)


def described(describer: Describer, pixels: Pixels, name: str) -> str:
    """What a vision-language model says of a picture: scene, light, pose and mood as words.

    Raises:
        InputError: it could not answer for this picture.
    """
    height, width = pixels.shape[:2]
    crop = Crop(pixels, (0.0, 0.0, float(width), float(height)), None, "look")
    answer = describer.describe([crop])[0]
    if isinstance(answer, Exception):
        raise InputError(f"The model said nothing of {name}: {answer}") from answer
    said = (answer.scene, answer.light, answer.pose, answer.mood)
    return ", ".join(word for word in said if word)


def _record(path: Path) -> Shoot | None:
    """The record that a shoot left beside its picture."""
    beside = path.with_name("shoot.json")
    if not beside.is_file():
        return None
    try:
        for one in json.loads(beside.read_text(encoding="utf-8"))["pictures"]:
            if one["file"] == path.name:
                return Shoot.checked(one["shoot"])
    except (OSError, ValueError, KeyError, TypeError, InputError):
        return None
    return None


def _shrunk(pixels: Pixels) -> Pixels:
    step = max(1, round(max(pixels.shape[:2]) / _SMALL))
    height, width = (side // step * step for side in pixels.shape[:2])
    if not height or not width:
        return pixels
    blocks = pixels[:height, :width].reshape(height // step, step, width // step, step, 3)
    return np.asarray(blocks.mean((1, 3)).round(), np.uint8)
