"""How well a segmenter does on photos with known masks: IoU per class and regions found."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lookweave.train.labels import IGNORE, QUALITY_GROUPS, quality_lookup
from lookweave.train.parsed_photos import ParsedPhoto
from lookweave.train.product_photos import Pixels, ProductPhoto
from lookweave.train.segmentation_data import OUTSIDE, normalised

Logits = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""(N, 3, H, W) normalised images -> (N, C, H / 4, W / 4) logits."""

Canvases = Sequence[tuple[int, int]]
"""(height, width) each: the sizes that a network is fed with."""

MIN_REGION_SHARE = 0.015


def canvases_of(portrait: tuple[int, int]) -> Canvases:
    """A portrait canvas, a square one of about as many pixels, and the portrait on its side."""
    height, width = portrait
    side = round(math.sqrt(height * width) / 32) * 32
    return (height, width), (side, side), (width, height)


def nearest_canvas(shape: tuple[int, ...], canvases: Canvases) -> tuple[int, int]:
    """The canvas whose height : width is nearest, by ratio, to a photo's of this (h, w, ...)."""
    ratio = np.log(shape[0] / shape[1])
    return min(canvases, key=lambda canvas: abs(np.log(canvas[0] / canvas[1]) - ratio))


@dataclass(frozen=True)
class Placed:
    """A photo on its canvas: pixels (H, W, 3) uint8, and the box top, left, height, width."""

    pixels: Pixels
    top: int
    left: int
    height: int
    width: int


def letterbox(pixels: Pixels, canvas: tuple[int, int]) -> Placed:
    """The photo as large as it fits, in the middle of a grey canvas."""
    rows, columns = canvas
    scale = min(rows / pixels.shape[0], columns / pixels.shape[1])
    height = min(rows, max(1, round(pixels.shape[0] * scale)))
    width = min(columns, max(1, round(pixels.shape[1] * scale)))
    shrinks = scale < 1
    fitted = cv2.resize(
        pixels, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )
    placed = np.full((rows, columns, 3), OUTSIDE, np.uint8)
    top, left = (rows - height) // 2, (columns - width) // 2
    placed[top : top + height, left : left + width] = fitted
    return Placed(placed, top, left, height, width)


def segment(pixels: Pixels, logits: Logits, canvases: Canvases) -> Pixels:
    """(H, W) uint8 class of every pixel of a photo of any size."""
    placed = letterbox(pixels, nearest_canvas(pixels.shape, canvases))
    coarse = logits(normalised(placed.pixels[None]))[0]
    rows, columns = placed.pixels.shape[:2]
    fine = cv2.resize(
        np.ascontiguousarray(coarse.transpose(1, 2, 0)), (columns, rows),
        interpolation=cv2.INTER_LINEAR,
    )  # fmt: skip
    inside = fine[placed.top : placed.top + placed.height, placed.left : placed.left + placed.width]
    classes = inside.argmax(-1).astype(np.uint8)
    size = (pixels.shape[1], pixels.shape[0])
    return np.asarray(cv2.resize(classes, size, interpolation=cv2.INTER_NEAREST), np.uint8)


def parsing_quality(
    photos: Sequence[ParsedPhoto], logits: Logits, canvases: Canvases, threads: int = 1
) -> dict[str, Any]:
    """IoU per merged class, its mean, and the share of regions found.

    A class's IoU is taken over the pixels of all photos together; ignored pixels do not count.
    A region is all of one merged class in one photo where it covers over 1.5% of it; it is
    found when a predicted merged class overlaps it with IoU >= 0.5, rightly labelled when that
    class is its own.
    """
    lookup = quality_lookup()
    count = len(QUALITY_GROUPS) + 1
    confusion = np.zeros((count, count), np.int64)
    regions = np.zeros((count, 3), np.int64)
    with ThreadPoolExecutor(threads) as pool:
        answers = pool.map(lambda photo: segment(photo.pixels, logits, canvases), photos)
    for photo, answer in zip(photos, answers, strict=True):
        counted = photo.mask != IGNORE
        truth = lookup[photo.mask]
        counted &= truth != IGNORE
        predicted = lookup[answer]
        pairs = truth[counted].astype(np.int64) * count + predicted[counted]
        here = np.bincount(pairs, minlength=count * count).reshape(count, count)
        confusion += here
        union = here.sum(1)[:, None] + here.sum(0)[None] - here
        overlap = here / np.maximum(union, 1)
        for group in range(1, count):
            if here[group].sum() > MIN_REGION_SHARE * truth.size:
                regions[group] += (
                    1, overlap[group, 1:].max() >= 0.5, overlap[group, group] >= 0.5
                )  # fmt: skip
    hits = np.diag(confusion)
    union = confusion.sum(0) + confusion.sum(1) - hits
    overlaps = hits / np.maximum(union, 1)
    table = {
        name: {
            "iou": round(float(overlaps[place]), 4),
            "regions": int(regions[place, 0]),
            "found": int(regions[place, 1]),
            "found_and_labelled": int(regions[place, 2]),
        }
        for place, name in enumerate(QUALITY_GROUPS, start=1)
    }
    present = confusion.sum(1)[1:] > 0
    total = np.maximum(regions[1:].sum(0), 1)
    return {
        "photos": len(photos),
        "mean_iou": round(float(overlaps[1:][present].mean()), 4),
        "background_iou": round(float(overlaps[0]), 4),
        "regions": int(regions[1:, 0].sum()),
        "found": round(float(regions[1:, 1].sum() / total[0]), 4),
        "found_and_labelled": round(float(regions[1:, 2].sum() / total[0]), 4),
        "classes": table,
    }


def product_quality(
    photos: Sequence[ProductPhoto], values: dict[str, frozenset[int]], logits: Logits,
    canvases: Canvases,
) -> dict[str, Any]:  # fmt: skip
    """On product photos with a weak mask: its overlap with all garment pixels, and the class.

    The truth is itself GrabCut's, so an overlap far below 1 may be its fault. The class is right
    when most of the garment pixels are of an admissible one (`values`: label -> class numbers).
    """
    overlaps: list[float] = []
    right: list[bool] = []
    for photo in photos:
        if photo.mask is None:
            continue
        predicted = segment(photo.pixels, logits, canvases)
        garment = (predicted > 0) & (predicted < 20)
        truth = photo.mask > 0
        overlaps.append(float((garment & truth).sum() / max(1, (garment | truth).sum())))
        counts = np.bincount(predicted[garment], minlength=1)
        right.append(bool(counts.sum()) and int(counts.argmax()) in values[photo.label])
    return {
        "photos": len(overlaps),
        "mean_iou": round(float(np.mean(overlaps)), 4),
        "found": round(float(np.mean(np.array(overlaps) >= 0.5)), 4),
        "class_right": round(float(np.mean(right)), 4),
    }
