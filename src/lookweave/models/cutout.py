"""The cut-out of a product photo: what is the garment, what is background or model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from lookweave.models.card import Card
from lookweave.models.colour import to_lab
from lookweave.models.protocols import Detection, Pixels, Vectors
from lookweave.taxonomy import CATEGORIES

_SIDE = 256
_PLAIN_DISTANCE = 10.0  # CIELAB distance within which a border pixel is background
_PLAIN_SHARE = 0.8
_MIN_FOREGROUND = 0.03
_WORN_SHARE = 0.3
_CATALOGUE_SHARE = 0.8  # a catalogue's category is right more often than a network's
_SEEN_SHARE = 0.02  # what is worn beside a dress is small
_LOWER = {"skirt", "trousers", "jeans", "shorts"}
_UPPER = {"top", "shirt", "knitwear", "jacket", "coat", "vest"}
_WHOLE = {"dress", "jumpsuit"}
_BESIDE = {"shoes", "hosiery", "hat"}


def garment_region(
    detector: Card, photo: Pixels, detections: Sequence[Detection], category: str | None = None
) -> Detection:
    """The region that stands for a product photo: its cut-out, but for a detector that finds
    whole photos, which is meant to show what the pipeline is worth without cutting out."""
    return detections[0] if detector.name == "whole-photo" else cut_out(photo, detections, category)


def cut_out(
    photo: Pixels, detections: Sequence[Detection], category: str | None = None
) -> Detection:
    """The garment that a product photo is about.

    On a plain background it is everything that is not background. Where the photo shows a person
    wearing other things too, or the background is not plain, it is the detection of the
    catalogue's category, else one of the same half of the body; where neither is there, the one
    that takes most room near the middle. Where nothing is detected, it is the whole photo.

    Args:
        photo: uint8 (height, width, 3).
        detections: what a detector found in it.
        category: the catalogue's word in the taxonomy, or None.
    """
    main = _main(photo, detections, category)
    if main is None or not _worn(main, detections):
        plain = plain_foreground(photo)
        if plain is not None:
            main = _as_detection(photo, plain, detections)
    if main is None:
        height, width = photo.shape[:2]
        main = Detection((0.0, 0.0, float(width), float(height)), 0.0)
    return main if category is None else _told(main, category)


def plain_foreground(photo: Pixels) -> NDArray[np.bool_] | None:
    """What differs from a plain border, as a mask of at most 256 pixels a side; None when the
    border is not plain or nothing (or everything) stands out from it."""
    small = Image.fromarray(photo)
    small.thumbnail((_SIDE, _SIDE), Image.Resampling.BILINEAR, reducing_gap=1.0)
    lab = to_lab(np.asarray(small))
    border = np.concatenate([lab[:3].reshape(-1, 3), lab[-3:].reshape(-1, 3),
                             lab[:, :3].reshape(-1, 3), lab[:, -3:].reshape(-1, 3)])  # fmt: skip
    background = np.median(border, axis=0)
    near = _lengths(border - background) < _PLAIN_DISTANCE
    if near.mean() < _PLAIN_SHARE:
        return None
    spread = float(_lengths(border[near] - background).std())
    different = _lengths(lab - background) > max(5.0, 4.0 * spread)
    # Close first: a white garment on white shows little more than its folds and seams.
    closed = ndimage.binary_closing(different, iterations=3, border_value=0)
    filled = ndimage.binary_opening(_without_holes(closed | different), iterations=1)
    labels, count = ndimage.label(filled)
    if not count:
        return None
    sizes = np.bincount(labels.ravel())[1:]
    keep = np.flatnonzero(sizes >= 0.15 * sizes.max()) + 1  # a pair of shoes is two pieces
    foreground: NDArray[np.bool_] = np.isin(labels, keep)
    return foreground if _MIN_FOREGROUND < foreground.mean() < 0.97 else None


def _without_holes(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """As `ndimage.binary_fill_holes`, which dilates from the border until nothing changes; one
    look at the connected pieces of the background takes a tenth as long."""
    pieces, count = ndimage.label(~mask)
    border = np.concatenate([pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1]])
    outside = np.zeros(count + 1, bool)
    outside[border] = True
    outside[0] = False
    filled: NDArray[np.bool_] = ~outside[pieces]
    return filled


def _lengths(vectors: Vectors) -> Vectors:
    """Of vectors along the last axis; for short ones `np.linalg.norm` takes four times as long."""
    lengths: Vectors = np.sqrt(np.einsum("...i,...i", vectors, vectors))
    return lengths


def _main(photo: Pixels, detections: Sequence[Detection], category: str | None) -> Detection | None:
    asked = [one for one in detections if one.label == category] if category else []
    if category and not asked:  # a detector says top where the catalogue says shirt
        half = next((half for half in (_UPPER, _LOWER, _WHOLE) if category in half), set())
        asked = [one for one in detections if one.label in half]
    height, width = photo.shape[:2]

    def weight(one: Detection) -> float:
        x0, y0, x1, y1 = one.box
        off = abs((x0 + x1) / 2 / width - 0.5) + abs((y0 + y1) / 2 / height - 0.5)
        return float(_filled_share(one) * one.score * (1.0 - 0.5 * off))

    return max(asked or detections, key=weight, default=None)


def _worn(main: Detection, detections: Sequence[Detection]) -> bool:
    """Whether a person wears it: the photo shows another large garment below or above, or beside
    a dress shoes and the like."""
    if main.label in _WHOLE:
        room = sum(_filled_share(one) for one in detections if one.label in _BESIDE)
        return room > _SEEN_SHARE * _filled_share(main)
    others = _LOWER if main.label in _UPPER else _UPPER if main.label in _LOWER else set()
    room = sum(_filled_share(one) for one in detections if one.label in others)
    return room > _WORN_SHARE * _filled_share(main)


def _filled_share(one: Detection) -> float:
    x0, y0, x1, y1 = one.box
    return (x1 - x0) * (y1 - y0) * (1.0 if one.mask is None else float((one.mask > 127).mean()))


def _told(one: Detection, category: str) -> Detection:
    """The same cut-out, the catalogue's word weighed with the network's opinion."""
    scores = np.zeros(len(CATEGORIES), np.float32)
    scores[CATEGORIES.index(category)] = 1.0
    if one.label_scores is not None:
        scores = _CATALOGUE_SHARE * scores + (1.0 - _CATALOGUE_SHARE) * one.label_scores
    return replace(one, label=category, label_scores=scores.astype(np.float32))


def _as_detection(
    photo: Pixels, mask: NDArray[np.bool_], detections: Sequence[Detection]
) -> Detection:
    rows, columns = ndimage.find_objects(mask.astype(np.uint8))[0]
    across, down = photo.shape[1] / mask.shape[1], photo.shape[0] / mask.shape[0]
    scores = _opinion(detections)
    best = max(detections, key=_filled_share, default=None)
    return Detection(
        box=(columns.start * across, rows.start * down, columns.stop * across, rows.stop * down),
        score=1.0,
        label=best.label if best else None,
        label_scores=scores,
        mask=(mask[rows, columns] * 255).astype(np.uint8),
    )


def _opinion(detections: Sequence[Detection]) -> Vectors | None:
    """The detections' label scores, each weighted by the room it takes."""
    spoken = [
        (one.label_scores, _filled_share(one)) for one in detections if one.label_scores is not None
    ]
    if not spoken:
        return None
    total: Vectors = np.sum([scores * room for scores, room in spoken], axis=0)
    opinion: Vectors = (total / total.sum()).astype(np.float32)
    return opinion
