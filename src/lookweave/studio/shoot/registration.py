"""A generated picture against the guide it was steered by: brought back onto it, or turned away.

Editing models shift, scale and turn what they redraw, some by a few pixels, some beyond use. The
picture is registered to the guide's composite by ECC (Evangelidis and Psarakis, 2008; OpenCV), the
garments' fine detail is put back from the guide, and what still lies elsewhere is no picture of
this shoot.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from lookweave.errors import Rejected
from lookweave.models.protocols import Pixels
from lookweave.studio.shoot.guide import Guide, people_mask
from lookweave.studio.shoot.references import garment_mask

MOST_SHIFT = 2.0
"""Pixels of a picture 768 high that a garment may lie off after registration."""
MOST_BEND = 1.06
"""How much more a picture may be stretched one way than across: more is another pose."""
LEAST_AGREEMENT = 0.35
"""Correlation of brightness (ECC) around the person below which a picture shows something else."""

_UNIT = 768.0
_COARSE = 192  # rows of the first, coarse registration
_STEPS = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 100, 1e-5)
_FINE = 4.0  # pixels of a picture 768 high: what is finer comes back from the garment's photo

Float = NDArray[np.float32]


@dataclass(frozen=True)
class Registered:
    """A picture on its guide.

    Attributes:
        picture: uint8 (H, W, 3), moved onto the guide.
        moved: how far the person lay off before, mean over its pixels, in pixels of a picture
            768 high.
        left: how far the worst garment lies off after it, in the same unit.
        agreement: correlation of brightness around the person after it, -1 to 1.
    """

    picture: Pixels
    moved: float
    left: float
    agreement: float


def registered(picture: Pixels, composite: Pixels, guide: Guide) -> Registered:
    """`picture` moved onto `composite`, the guide's own photograph of the same size.

    Raises:
        Rejected: ``unlike_guide``, it shows something else; ``moved``, a garment lies elsewhere.
    """
    person = ndimage.binary_dilation(people_mask(guide.ids), iterations=_pixels(guide, 12))
    if not person.any():
        raise Rejected("nobody_shown", "The guide shows no person, so nothing can be held to it.")
    goal, made = _grey(composite), _grey(picture)
    try:
        warp = _coarse_then_fine(goal, made, person)
        agreement = _correlation(goal, _moved(made, warp), person)
    except cv2.error:
        agreement = -1.0
    if agreement < LEAST_AGREEMENT:
        found = "nothing of it was found" if agreement <= -1 else f"correlation {agreement:.2f}"
        raise Rejected(
            "unlike_guide",
            f"The picture does not show what the guide shows: {found} around the person, at least "
            f"{LEAST_AGREEMENT:g} is needed.",
        )
    scale = _UNIT / len(goal)
    long, short = np.linalg.svd(warp[:, :2], compute_uv=False)
    if long > MOST_BEND * short:
        raise Rejected(
            "moved",
            f"The picture fits the guide only when it is stretched by {long / short - 1:.0%} more "
            "one way than the other: it shows another pose.",
        )
    off = np.linalg.norm(_displacement(warp, person), axis=-1) * scale
    onto = np.stack([_moved(picture[..., k].astype(np.float32), warp) for k in range(3)], -1)
    held = np.clip(onto.round(), 0, 255).astype(np.uint8)
    left = _left(goal, _grey(held), guide) * scale
    if left > MOST_SHIFT:
        raise Rejected(
            "moved",
            f"A garment lies {left:.1f} pixels (of a picture 768 high) off the guide after the "
            f"picture was registered; at most {MOST_SHIFT:g} are allowed.",
        )
    return Registered(held, float(off.mean()), left, agreement)


def with_detail(picture: Pixels, composite: Pixels, guide: Guide) -> Pixels:
    """`picture` with the garments' fine detail from `composite`.

    Detail is brightness over its own blur inside the garment, per channel, so the picture's light
    and colour stay; it comes back as far as the guide is sure of it (`Guide.confidence`) and fades
    towards the garment's edge.
    """
    inside = garment_mask(guide)
    if not inside.any():
        return picture
    sigma = _FINE * len(inside) / _UNIT
    core = ndimage.binary_erosion(inside, iterations=_pixels(guide, 2))
    weight = ndimage.gaussian_filter(core.astype(np.float32), sigma / 2)
    weight = np.minimum(weight, inside) * np.clip(guide.confidence, 0, 1)
    made, known = picture.astype(np.float32) + 4, composite.astype(np.float32) + 4
    gain = known / _smooth(known, inside, sigma) / (made / _smooth(made, inside, sigma))
    out = made * (1 + weight[..., None] * (np.clip(gain, 0.25, 4) - 1)) - 4
    return np.asarray(np.clip(out.round(), 0, 255), np.uint8)


def _smooth(image: Float, inside: NDArray[np.bool_], sigma: float) -> Float:
    """A blur that takes nothing from outside."""
    share = np.maximum(ndimage.gaussian_filter(inside.astype(np.float32), sigma), 1e-3)[..., None]
    blurred = ndimage.gaussian_filter(image * inside[..., None], (sigma, sigma, 0)) / share
    return np.where(inside[..., None], np.maximum(blurred, 1), image).astype(np.float32)


def _pixels(guide: Guide, at_768: float) -> int:
    return max(1, round(at_768 * len(guide.cover) / _UNIT))


def _grey(picture: Pixels) -> Float:
    """Brightness with slow changes of light taken out, so that a relit picture still fits."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    slow = cv2.GaussianBlur(grey, (0, 0), 0.05 * len(grey))
    return np.asarray(grey - slow, np.float32)


def _coarse_then_fine(goal: Float, made: Float, where: NDArray[np.bool_]) -> Float:
    """The affine map (2, 3) from the guide's pixels to the picture's."""
    warp = np.eye(2, 3, dtype=np.float32)
    shrink = min(1.0, _COARSE / len(goal))
    for factor in (shrink, 1.0):
        size = (round(goal.shape[1] * factor), round(goal.shape[0] * factor))
        one, other = (
            cv2.resize(image, size, interpolation=cv2.INTER_AREA) for image in (goal, made)
        )
        mask = cv2.resize(where.astype(np.uint8) * 255, size, interpolation=cv2.INTER_NEAREST)
        warp[:, 2] *= factor
        _, found = cv2.findTransformECC(one, other, warp, cv2.MOTION_AFFINE, _STEPS, mask, 5)
        warp = np.asarray(found, np.float32)
        warp[:, 2] /= factor
    return warp


def _moved(image: Float, warp: Float) -> Float:
    size = (image.shape[1], image.shape[0])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(
        cv2.warpAffine(image, warp, size, flags=flags, borderMode=cv2.BORDER_REPLICATE), np.float32
    )


def _displacement(warp: Float, where: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(N, 2): how far the picture's point lies from the guide's, at every pixel of `where`."""
    rows, columns = np.nonzero(where)
    at = np.stack([columns, rows, np.ones(len(rows))], -1)
    return np.asarray(at @ warp.T.astype(float) - at[:, :2])


def _left(goal: Float, held: Float, guide: Guide) -> float:
    """How far the worst garment lies off, in pixels of the picture: the median over its pixels
    of dense optical flow (DIS, Kroeger et al., 2016)."""
    still = np.zeros((*goal.shape, 2), np.float32)
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    off = np.linalg.norm(search.calc(_even(goal), _even(held), still), axis=-1)
    masks = (garment_mask(guide, n) for n in range(1, len(guide.shoot.garments) + 1))
    return max((float(np.median(off[mask])) for mask in masks if mask.any()), default=0.0)


def _even(grey: Float) -> Pixels:
    """Brightness of equal contrast everywhere, 8 bits."""
    spread = np.sqrt(cv2.GaussianBlur(grey * grey, (0, 0), 0.04 * len(grey))) + 4
    return np.asarray(np.clip(128 + 40 * grey / spread, 0, 255), np.uint8)


def _correlation(one: Float, other: Float, where: NDArray[np.bool_]) -> float:
    a, b = one[where].astype(float), other[where].astype(float)
    a, b = a - a.mean(), b - b.mean()
    return float(a @ b / max(float(np.sqrt((a @ a) * (b @ b))), 1e-9))
