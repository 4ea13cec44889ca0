"""Where the garment is in its product photo, at the photo's own size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from lookweave.errors import Rejected
from lookweave.models.colour import to_lab
from lookweave.models.cutout import cut_out
from lookweave.models.protocols import Detection, Pixels
from lookweave.photos.decode import load

Mask = NDArray[np.bool_]

_MISSED = 0.15  # of what the network sees: from there on the plain cut-out has lost white cloth


def whole_mask(region: Detection, shape: tuple[int, int]) -> Mask:
    """The mask of a detection, spread over the photo (height, width)."""
    out = np.zeros(shape, bool)
    x0, y0, x1, y1 = (round(v) for v in region.box)
    x0, y0, x1, y1 = max(x0, 0), max(y0, 0), min(x1, shape[1]), min(y1, shape[0])
    if region.mask is None:
        out[y0:y1, x0:x1] = True
    else:
        image = Image.fromarray(region.mask).resize((x1 - x0, y1 - y0), Image.Resampling.BILINEAR)
        out[y0:y1, x0:x1] = np.asarray(image) > 127
    return out


def garment_mask(photo: Pixels, found: list[Detection], category: str | None) -> Mask:
    """The garment's mask.

    The cut-out of the pipeline, refined at the photo's own size. Where it lost much of what the
    network sees (white cloth on white paper), the smallest differences from the paper decide,
    and where there are none, the network.

    Raises:
        Rejected: nothing can be cut out.
    """
    shape = (photo.shape[0], photo.shape[1])
    region = cut_out(photo, found, category)
    if region.mask is None:
        raise Rejected(
            "no_garment", "No garment stands out in this photo. Give a mask, or a photo of the "
            "garment alone on a plain background."
        )  # fmt: skip
    mask = whole_mask(region, shape)
    seen = np.zeros(shape, bool)
    for one in found:
        if one.mask is not None:
            seen |= whole_mask(one, shape)
    if seen.any() and (seen & ~mask).sum() > _MISSED * seen.sum():
        fine = _fine(photo, seen)
        mask = fine if fine is not None else _smooth(mask | seen)
    else:
        mask = _refined(photo, mask)
    pieces, count = ndimage.label(mask)
    if count > 1:
        mask = pieces == 1 + int(np.argmax(np.bincount(pieces.ravel())[1:]))
    mask = _filled(photo, np.asarray(mask, bool), seen)
    _checked(mask)
    return mask


def given_mask(path: Path, shape: tuple[int, int]) -> Mask:
    """A mask file, white on the garment, at the photo's size.

    Raises:
        Rejected: it is empty.
    """
    mask = np.asarray(load(path).pixels).mean(-1) > 127
    image = Image.fromarray(mask).resize((shape[1], shape[0]), Image.Resampling.NEAREST)
    out = np.asarray(image, bool)
    _checked(out)
    return out


def _checked(mask: Mask) -> None:
    share = float(mask.mean())
    if share < 0.01:
        raise Rejected("small_garment", f"The garment covers {share:.1%} of the photo: too little.")
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if rows[0] == 0 and columns[0] == 0 and share > 0.97:
        raise Rejected("no_background", "The garment fills the photo: its outline cannot be seen.")


def _paper(lab: NDArray[np.float32]) -> tuple[NDArray[np.float32], float]:
    """The colour of a plain border and how much it wavers."""
    border = np.concatenate([lab[:3].reshape(-1, 3), lab[-3:].reshape(-1, 3),
                             lab[:, :3].reshape(-1, 3), lab[:, -3:].reshape(-1, 3)])  # fmt: skip
    middle = np.median(border, axis=0)
    away = np.linalg.norm(border - middle, axis=1)
    return middle, float(np.percentile(away, 80))


def _fine(photo: Pixels, seen: Mask) -> Mask | None:
    """What differs ever so slightly from the paper, near what the network sees; None where the
    paper wavers too much to tell."""
    lab = ndimage.gaussian_filter(to_lab(photo), (0.8, 0.8, 0))
    paper, waver = _paper(lab)
    if waver > 1.0:
        return None
    size = max(2, round(0.006 * max(photo.shape)))
    different = np.linalg.norm(lab - paper, axis=-1) > max(1.2, 3 * waver)
    closed = ndimage.binary_closing(different, iterations=size)
    mask = ndimage.binary_opening(ndimage.binary_fill_holes(closed), iterations=size)
    near = ndimage.binary_dilation(seen, iterations=4 * size)
    mask = mask & near
    # Edges alone are no garment: it must be filled where the network sees cloth.
    return np.asarray(mask, bool) if (mask & seen).sum() > 0.93 * seen.sum() else None


def _filled(photo: Pixels, mask: Mask, seen: Mask) -> Mask:
    """Holes filled, but for those through which the paper shows: beside an arm, between legs."""
    holes, count = ndimage.label(ndimage.binary_fill_holes(mask) & ~mask)
    if not count:
        return mask
    lab = to_lab(photo)
    paper, waver = _paper(lab)
    clear = np.linalg.norm(lab - paper, axis=-1) < max(4.0, 3 * waver)
    numbers = np.arange(count + 1)
    size = np.bincount(holes.ravel(), minlength=count + 1)
    like_paper = ndimage.mean(clear, holes, numbers)
    seen_there = ndimage.mean(seen, holes, numbers)
    box = [(0, 1) if one is None else tuple(e.stop - e.start for e in one)
           for one in (None, *ndimage.find_objects(holes, count))]  # fmt: skip
    upright = np.array([high > 2.2 * wide for high, wide in box]) & (size > 0.0015 * mask.size)
    # White letters are holes too: only long upright ones, or what no network sees, are gaps.
    kept = (size > 0.0006 * mask.size) & (like_paper > 0.7) & ((seen_there < 0.5) | upright)
    kept[0] = True
    return np.asarray(mask | ~kept[holes], bool)


def paper_edge(photo: Pixels, mask: Mask, reach: int) -> Mask:
    """Pixels of `mask` within `reach` of its edge that are as light as the paper, unlike the cloth
    beside them: shadows and fringes of the cut-out, not garment."""
    lab = to_lab(photo)
    paper, _ = _paper(lab)
    core = ndimage.binary_erosion(mask, iterations=2 * reach)
    to_paper = np.linalg.norm(lab - paper, axis=-1)
    # A garment with white of its own keeps it to the edge.
    if not core.any() or (to_paper[core] < 14).mean() > 0.04:
        return np.zeros_like(mask)
    near = mask & ~ndimage.binary_erosion(mask, iterations=reach)
    index = ndimage.distance_transform_edt(~core, return_distances=False, return_indices=True)
    cloth = ndimage.uniform_filter(lab, (reach, reach, 1))[tuple(index)]
    to_cloth = np.linalg.norm(lab - cloth, axis=-1)
    return np.asarray(near & (to_paper < 0.6 * to_cloth) & (to_cloth > 12), bool)


def _smooth(mask: Mask) -> Mask:
    radius = 0.012 * max(mask.shape)
    return np.asarray(ndimage.gaussian_filter(mask.astype(float), radius) > 0.5, bool)


def _refined(photo: Pixels, mask: Mask) -> Mask:
    """The mask's edge moved to where the photo leaves the paper, within a few pixels."""
    lab = to_lab(photo)
    paper, waver = _paper(lab)
    if waver > 4.0:
        return mask
    width = max(2, round(max(photo.shape) / 256 * 1.5))
    inner = ndimage.binary_erosion(mask, iterations=width)
    outer = ndimage.binary_dilation(mask, iterations=width)
    differs = np.linalg.norm(lab - paper, axis=-1) > max(7.0, 5 * waver)
    # Paper that can be walked to from the border is no garment: gaps beside arms, between legs.
    pieces, _ = ndimage.label(~differs)
    border = np.unique(np.concatenate([pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1]]))
    reached = np.isin(pieces, border[border > 0])
    reached = ndimage.binary_opening(reached, iterations=1)
    if (reached & mask).sum() < 0.15 * mask.sum():  # else the cloth is as white as the paper
        inner &= ~reached
    return np.asarray(inner | (outer & differs), bool)
