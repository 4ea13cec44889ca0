"""Product photos with a class but no mask: weak masks from what the photo's border shows.

The data set is read as ``<split>/<class>/<photo>`` (clothing-small). A garment photographed
alone lies near the middle and leaves the border to the floor, wall or sheet behind it; GrabCut
(Rother, Kolmogorov & Blake 2004) started from that assumption separates the two well enough to
learn from, and masks that look wrong by their own numbers are dropped, not used.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.progress import track

Pixels = NDArray[np.uint8]

GRABCUT_SIDE = 160
"""Longest side at which GrabCut runs: a quarter of a second a photo becomes 30 ms."""

MIN_AREA, MAX_AREA = 0.08, 0.80
MAX_BORDER = 0.22
"""A mask over more of the frame's edge than this has taken the background for the garment."""

MIN_SOLIDITY = 0.6
"""Area over the area of the convex hull; shoes and strappy tops come close to this limit."""


@dataclass(frozen=True)
class ProductPhoto:
    """One photo of a garment alone.

    `pixels` is (H, W, 3) uint8 RGB, `mask` (H, W) uint8, 1 on the garment, or None when no
    trustworthy mask was found.
    """

    path: Path
    label: str
    pixels: Pixels
    mask: Pixels | None


def read_rgb(path: Path, longest_side: int | None = None) -> Pixels:
    """The photo as (H, W, 3) uint8 RGB, shrunk to `longest_side` when it is larger."""
    stored = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if stored is None:
        raise ValueError(f"{path}: not a photo that can be decoded")
    pixels = cv2.cvtColor(stored, cv2.COLOR_BGR2RGB)
    height, width = pixels.shape[:2]
    if longest_side is not None and max(height, width) > longest_side:
        scale = longest_side / max(height, width)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return np.asarray(pixels, np.uint8)


def _largest_parts(mask: Pixels) -> Pixels:
    """Keep the parts at least a quarter as large as the largest, their holes filled."""
    count, labels, statistics, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
    if count < 2:
        return mask
    areas = statistics[1:, cv2.CC_STAT_AREA]
    keep = 1 + np.flatnonzero(areas >= areas.max() / 4)
    kept = np.isin(labels, keep).astype(np.uint8)
    contours, _ = cv2.findContours(kept, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    filled = np.zeros_like(kept)
    small_hole = kept.sum() * 0.02
    cv2.drawContours(filled, contours, -1, 1, cv2.FILLED)
    holes = filled - kept
    count, labels, statistics, _ = cv2.connectedComponentsWithStats(holes, connectivity=4)
    for number in range(1, count):
        if statistics[number, cv2.CC_STAT_AREA] <= small_hole:
            kept[labels == number] = 1
    return kept


def looks_right(mask: Pixels) -> bool:
    """Whether a mask has the size, compactness and free border of a garment photographed alone."""
    area = float(mask.mean())
    border = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
    if not MIN_AREA <= area <= MAX_AREA or float(border.mean()) > MAX_BORDER:
        return False
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    hull = sum(cv2.contourArea(cv2.convexHull(contour)) for contour in contours)
    return float(mask.sum()) >= MIN_SOLIDITY * hull


def weak_mask(pixels: Pixels) -> Pixels | None:
    """A (H, W) uint8 mask of the garment in the middle of `pixels`, or None when it looks wrong."""
    height, width = pixels.shape[:2]
    scale = GRABCUT_SIDE / max(height, width)
    small = cv2.resize(
        pixels, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA
    )
    rows, columns = small.shape[:2]
    guess = np.full((rows, columns), cv2.GC_PR_FGD, np.uint8)
    margin_y, margin_x = max(2, rows // 12), max(2, columns // 12)
    guess[:margin_y] = guess[-margin_y:] = cv2.GC_PR_BGD
    guess[:, :margin_x] = guess[:, -margin_x:] = cv2.GC_PR_BGD
    guess[:2] = guess[-2:] = cv2.GC_BGD
    guess[:, :2] = guess[:, -2:] = cv2.GC_BGD
    centre = (slice(rows * 2 // 5, rows * 3 // 5), slice(columns * 2 // 5, columns * 3 // 5))
    guess[centre] = cv2.GC_PR_FGD
    cv2.setRNGSeed(0)
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2Lab)
    behind, front = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(lab, guess, [0, 0, 0, 0], behind, front, 4, cv2.GC_INIT_WITH_MASK)
    found = np.isin(guess, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    opened = cv2.morphologyEx(found, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    kept = _largest_parts(np.asarray(opened, np.uint8))
    if not looks_right(kept):
        return None
    full = cv2.resize(kept * 255, (width, height), interpolation=cv2.INTER_LINEAR) > 127
    return full.astype(np.uint8)


def load_product_photos(
    folder: Path, splits: Iterable[str], longest_side: int = 384, limit_per_class: int | None = None
) -> list[ProductPhoto]:
    """Every photo of the splits, decoded, with a weak mask where one was found."""
    paths: list[Path] = []
    for split in splits:
        for class_folder in sorted(path for path in (folder / split).iterdir() if path.is_dir()):
            paths.extend(sorted(class_folder.iterdir())[:limit_per_class])
    photos: list[ProductPhoto] = []
    for path in track(paths, "masking product photos"):
        pixels = read_rgb(path, longest_side)
        photos.append(ProductPhoto(path, path.parent.name, pixels, weak_mask(pixels)))
    return photos
