"""The guide and the garments as plain pictures: what a backend is shown.

Only what a shoot may show is among them. A product photo is cut out first, because the person who
may wear the garment in it has agreed to nothing; a real wearer's photo is there with consent only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from lookweave.models.protocols import Pixels
from lookweave.photos.decode import load
from lookweave.studio.render.fabrics import encode
from lookweave.studio.shoot import fit
from lookweave.studio.shoot.finish import photograph
from lookweave.studio.shoot.guide import Guide, garment_ids
from lookweave.studio.shoot.record import Garment

KINDS = ("composite", "garment", "back", "wearer", "skeleton", "depth", "normals", "shading")
"""What a card may name among its references."""

_SIDE = 1024


@dataclass(frozen=True)
class Reference:
    """One picture for a backend.

    Attributes:
        kind: of `KINDS`.
        picture: uint8 sRGB (H, W, 3).
        number: of the garment, from 1; 0 for what is no garment.
    """

    kind: str
    picture: Pixels
    number: int = 0


def references(guide: Guide, kinds: Sequence[str], most: int) -> list[Reference]:
    """At most `most` pictures of `kinds`, in their order; what the shoot lacks is left out. None
    is longer than the picture to be made.

    Raises:
        Rejected: a photo cannot be read or cut out.
    """
    found: list[Reference] = []
    for kind in kinds:
        found += _of_kind(guide, kind)
    longest = max(guide.shoot.size)
    return [replace(one, picture=_at_most(one.picture, longest)) for one in found[:most]]


def _at_most(picture: Pixels, side: int) -> Pixels:
    height, width = picture.shape[:2]
    shrink = side / max(height, width)
    if shrink >= 1:
        return picture
    size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS))


def _of_kind(guide: Guide, kind: str) -> list[Reference]:
    shoot = guide.shoot
    if kind == "garment":
        return [Reference(kind, product(one), n) for n, one in enumerate(shoot.garments, 1)]
    if kind == "back":
        return [
            Reference(kind, product(Garment(photo=one.back, category=one.category)), n)
            for n, one in enumerate(shoot.garments, 1)
            if one.back is not None
        ]
    if kind == "wearer":
        who = shoot.wearer
        agreed = who.photo is not None and who.consent
        return [Reference(kind, load(who.photo or "", max_side=_SIDE).pixels)] if agreed else []
    return [Reference(kind, _DRAWN[kind](guide))]


def product(garment: Garment) -> Pixels:
    """The garment alone on white, uint8 (H, W, 3), a twentieth of paper around it and no side
    shorter than half the other, since models refuse narrow pictures."""
    photo, mask, _ = _cut(garment)
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    y0, y1, x0, x1 = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    soft = ndimage.gaussian_filter(mask.astype(np.float32), 0.7)[y0:y1, x0:x1, None]
    cut = photo[y0:y1, x0:x1] * soft + 255 * (1 - soft)
    margin = max(1, round(0.05 * max(cut.shape[:2])))
    more = [max(0, (max(cut.shape[:2]) + 1) // 2 - side + 1) // 2 for side in cut.shape[:2]]
    edges = (*((margin + extra, margin + extra) for extra in more), (0, 0))
    return np.pad(cut, edges, constant_values=255).round().astype(np.uint8)


def called(garment: Garment) -> str:
    """What the shop, the shoot or else the describer calls it."""
    if garment.words or garment.category:
        return garment.words or str(garment.category)
    opinion = _cut(garment)[2]
    return max(opinion, key=lambda category: opinion[category])


@lru_cache(maxsize=8)
def _cut(garment: Garment) -> tuple[Pixels, NDArray[np.bool_], dict[str, float]]:
    return fit.cut_out(garment)


# Limbs of the skeleton as OpenPose draws it, by its eighteen joints, and the hue of each.
_OPENPOSE = (0, -1, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3)  # from COCO's 17
_LIMBS = ((1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11),
          (11, 12), (12, 13), (1, 0), (0, 14), (14, 16), (0, 15), (15, 17))  # fmt: skip


def _hue(number: int) -> tuple[int, int, int]:
    """The colours of OpenPose's limbs and joints: eighteen steps around the circle."""
    turn = number / 18 * 6
    levels = (abs(turn - 3) - 1, 2 - abs(turn - 2), 2 - abs(turn - 4))
    red, green, blue = (round(255 * min(1.0, max(0.0, level))) for level in levels)
    return red, green, blue


def skeleton(guide: Guide) -> Pixels:
    """(H, W, 3): the joints as OpenPose draws them (Cao et al., 2018), on black."""
    height, width = guide.cover.shape
    joints = np.array(
        [
            0.5 * (guide.joints[5] + guide.joints[6]) if source < 0 else guide.joints[source]
            for source in _OPENPOSE
        ]
    )
    image = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(image)
    thick = max(1, round(height / 96))
    for number, (a, b) in enumerate(_LIMBS):
        dimmed = [int(0.6 * level) for level in _hue(number)]
        ends = [tuple(map(float, joints[a])), tuple(map(float, joints[b]))]
        draw.line(ends, fill=tuple(dimmed), width=thick)
    for number, (x, y) in enumerate(joints):
        reach = thick / 1.6
        draw.ellipse((x - reach, y - reach, x + reach, y + reach), fill=_hue(number))
    return np.asarray(image).copy()


def depth(guide: Guide) -> Pixels:
    """(H, W, 3): nearness as networks give it, 1 / metres, stretched over what is nearer than
    20 m; near is white."""
    near = 1.0 / np.clip(guide.depth, 0.2, 20.0)
    low, high = float(near.min()), float(near.max())
    grey = (255 * (near - low) / max(high - low, 1e-6)).round().astype(np.uint8)
    return np.repeat(grey[..., None], 3, -1)


def normals(guide: Guide) -> Pixels:
    """(H, W, 3): normals of the camera (right, up, towards it) as red, green, blue."""
    seen = guide.normals @ guide.camera.view()[:3, :3].T.astype(np.float32)
    there = np.linalg.norm(guide.normals, axis=-1, keepdims=True) > 0.5
    levels = np.where(there, 127.5 * (seen + 1), (127.5, 127.5, 255.0))
    return np.clip(levels.round(), 0, 255).astype(np.uint8)


def shading(guide: Guide) -> Pixels:
    """(H, W, 3): the light on white surfaces, as sRGB; white is twice the exposure of a shoot."""
    return (np.asarray(encode(np.clip(guide.shading / 2, 0, 1))) * 255).round().astype(np.uint8)


def garment_mask(guide: Guide, number: int | None = None) -> NDArray[np.bool_]:
    """(H, W): where the photographed garments are; `number` from 1 for one of them."""
    ids = garment_ids(len(guide.shoot.garments))
    wanted = ids if number is None else ids[number - 1 : number]
    return np.isin(guide.ids, list(wanted))


_DRAWN = {
    "composite": photograph, "skeleton": skeleton, "depth": depth, "normals": normals,
    "shading": shading,
}  # fmt: skip
