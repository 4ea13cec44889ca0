"""A technical and composition index: exposure, sharpness, and where the clothes stand.

Each measure is ranked among street photographs by people (`composition.json`, quantiles of
their values; `benchmarks/composition_reference.py` makes it). It says how usual a picture is as a
photograph, and nothing of beauty: appeal is not measured here.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from lookweave.models.colour import to_lab
from lookweave.models.protocols import Pixels
from lookweave.studio.judge.identity import segmenter
from lookweave.studio.judge.rows import Measure, measured, unmeasured

SIDE = 600
"""Pictures are brought to this longest side first, the reference's own."""
_BETTER_LOW, _BETTER_HIGH = ("clipped",), ("sharpness",)
_UNITS = {
    "clipped": "share of pixels without detail", "sharpness": "finest octave over the next",
    "contrast": "L*, 5th to 95th percentile", "headroom": "above the clothes, share of the height",
    "thirds": "middle of the clothes to the nearest third or middle, share of the width",
    "filled": "share of the picture that clothes take",
}  # fmt: skip


@dataclass(frozen=True)
class Measures:
    """Of one picture; None where no clothes are found."""

    clipped: float
    sharpness: float | None
    contrast: float
    headroom: float | None
    thirds: float | None
    filled: float | None


def measures(picture: Pixels, clothes: NDArray[np.bool_] | None = None) -> Measures:
    """Of `picture`, uint8 (H, W, 3); `clothes` bool (H, W), found by the segmenter if not given."""
    image = Image.fromarray(picture)
    image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    small = np.asarray(image)
    if clothes is None:
        clothes = clothes_in(small)
    else:
        mask = Image.fromarray(clothes).resize(image.size, Image.Resampling.NEAREST)
        clothes = np.asarray(mask, bool)
    level = to_lab(np.ascontiguousarray(small))[..., 0].astype(float)
    low, high = np.percentile(level, [5, 95])
    clipped = float(((small.min(-1) >= 254) | (small.max(-1) <= 2)).mean())
    if clothes.sum() < 200:
        return Measures(clipped, None, float(high - low), None, None, None)
    one, two = (ndimage.gaussian_filter(level, sigma) for sigma in (1.0, 2.0))
    inner = ndimage.binary_erosion(clothes, iterations=2)
    inner = inner if inner.any() else clothes
    fine, next_ = (np.sqrt(((a - b)[inner] ** 2).mean()) for a, b in ((level, one), (one, two)))
    middle = float(np.flatnonzero(clothes.any(0)).mean()) / clothes.shape[1]
    thirds = min(abs(middle - line) for line in (1 / 3, 0.5, 2 / 3))
    return Measures(
        clipped, float(fine / max(next_, 1e-6)), float(high - low),
        float(np.flatnonzero(clothes.any(1))[0] / clothes.shape[0]), float(thirds),
        float(clothes.mean()),
    )  # fmt: skip


def clothes_in(picture: Pixels) -> NDArray[np.bool_]:
    """bool (H, W): all garments that the embedded segmenter sees."""
    out = np.zeros(picture.shape[:2], bool)
    for one in segmenter().detect([picture])[0]:
        out |= spread(one, (picture.shape[0], picture.shape[1]))
    return out


def spread(region: Any, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """The mask of a detection at the picture's size (height, width)."""
    out = np.zeros(shape, bool)
    x0, y0, x1, y1 = (round(v) for v in region.box)
    x0, y0, x1, y1 = max(x0, 0), max(y0, 0), min(x1, shape[1]), min(y1, shape[0])
    if x1 <= x0 or y1 <= y0:
        return out
    if region.mask is None:
        out[y0:y1, x0:x1] = True
    else:
        image = Image.fromarray(region.mask).resize((x1 - x0, y1 - y0), Image.Resampling.BILINEAR)
        out[y0:y1, x0:x1] = np.asarray(image) > 127
    return out


def scores(found: Measures) -> dict[str, float]:
    """Measure -> 0..1 among the reference: the share that is no better where better is one way;
    else how near the middle of what is usual (1: the median)."""
    told = {}
    for name, value in asdict(found).items():
        if value is None:
            continue
        quantiles = np.array(reference()["quantiles"][name])
        # A value that many share has the middle of their ranks.
        below = np.searchsorted(quantiles, value, "left") / len(quantiles)
        upto = np.searchsorted(quantiles, value, "right") / len(quantiles)
        if name in _BETTER_LOW:
            told[name] = float(1 - below)
        elif name in _BETTER_HIGH:
            told[name] = float(upto)
        else:
            rank = 0.5 * (below + upto)
            told[name] = float(2 * min(rank, 1 - rank))
    return told


def rows(picture: Pixels, clothes: NDArray[np.bool_] | None = None) -> list[Measure]:
    """The index, and each measure that it is made of."""
    found = measures(picture, clothes)
    ranked = scores(found)
    among = f"among {reference()['count']} street photographs"
    index = float(np.mean(list(ranked.values())))
    told = ", ".join(f"{name} {value:.2f}" for name, value in ranked.items())
    out = [
        measured("picture", "technical and composition index", f"mean rank {among}, 0 to 1", None,
                 round(index, 3), None, told)
    ]  # fmt: skip
    for name, value in asdict(found).items():
        if value is None:
            out.append(unmeasured("picture", name, _UNITS[name], "no clothes were found"))
        else:
            out.append(measured("picture", name, _UNITS[name], None, round(value, 3), None))
    note = "needs people's judgements or a model trained on them"
    out.append(unmeasured("picture", "appeal", "", note))
    return out


@cache
def reference() -> dict[str, Any]:
    """What `composition.json` holds: ``count`` of photographs and ``quantiles`` of each measure."""
    text = files("lookweave.studio.judge").joinpath("composition.json").read_text("utf-8")
    told: dict[str, Any] = json.loads(text)
    return told
