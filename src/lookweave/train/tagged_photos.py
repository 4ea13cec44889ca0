"""Street photos with tags but no masks: masks by the network, held to what the tags allow.

Clothing Co-Parsing names what each of its unmasked photos shows (``tags.csv``, annotation
``image``). A network that wavers between shirt, knitwear and dress is told which of them is
there; what remains to be found is where. On masked validation photos, tags taken from their
masks, this raised a mean IoU of 0.45 to 0.65, so its masks teach the network that made them.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lookweave.taxonomy import SEGMENTER_CLASSES
from lookweave.train.labels import CLASS_COUNT, IGNORE, admissible_classes, ccp_value
from lookweave.train.parsed_photos import split_of
from lookweave.train.product_photos import Pixels, read_rgb
from lookweave.train.segmentation_data import normalised
from lookweave.train.segmentation_quality import Canvases, letterbox, nearest_canvas

Floats = NDArray[np.float32]

Opinions = Callable[[Floats], tuple[Floats, Floats]]
"""(N, 3, H, W) images -> (N, C, H / 4, W / 4) pixel logits and (N, C) presence logits."""

ALWAYS = ("background", "skin", "hair")
"""Classes that a photo may show without a tag."""

CERTAIN = 0.6
"""Pixels below this probability are left without a label. On validation photos 0.6 keeps 83% of
the garments' pixels, 88% of them rightly labelled, against 82% without a limit."""

_LEAST_PRESENCE = 0.05


@dataclass(frozen=True)
class TaggedPhoto:
    """(H, W, 3) uint8 RGB pixels and the (CLASS_COUNT,) bool classes that its tags allow."""

    name: str
    pixels: Pixels
    possible: NDArray[np.bool_]


def possible_classes(tags: Sequence[str]) -> NDArray[np.bool_]:
    """(CLASS_COUNT,) bool; KeyError for a tag that is no label of Clothing Co-Parsing."""
    possible = np.isin(SEGMENTER_CLASSES, ALWAYS)
    admissible = admissible_classes()
    for tag in tags:
        value = ccp_value(tag)
        if value != IGNORE:
            possible |= admissible[value]
    return possible


def load_tagged_photos(folder: Path) -> list[TaggedPhoto]:
    """The photos with tags only, of the training split, in the order of ``tags.csv``."""
    photos: list[TaggedPhoto] = []
    with (folder / "tags.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            name = Path(row["photo"]).stem
            if row["annotation"] != "image" or split_of(name) != "train":
                continue
            tags = [tag for tag in row["labels"].split("|") if tag]
            pixels = read_rgb(folder / "photos" / row["photo"])
            photos.append(TaggedPhoto(name, pixels, possible_classes(tags)))
    return photos


def held_to_tags(logits: Floats, presence: Floats, possible: NDArray[np.bool_]) -> Floats:
    """(C, h, w) probabilities given which classes are there.

    A pixel's probability of a class is the network's belief that the photo shows the class,
    times that the class lies here. The tags make the first certain, so it is divided out.

    Args:
        logits: (C, h, w).
        presence: (C,) logits of what the photo shows.
        possible: (C,) classes of the tags.
    """
    shown = np.maximum(1 / (1 + np.exp(-presence)), _LEAST_PRESENCE)
    held = np.where(possible, -np.log(shown), -np.inf)[:, None, None] + logits
    raised = np.exp(held - held.max(0))
    shares: Floats = (raised / raised.sum(0)).astype(np.float32)
    return shares


def tagged_mask(photo: TaggedPhoto, opinions: Opinions, canvases: Canvases) -> Pixels:
    """(H, W) uint8 classes where they are certain, IGNORE elsewhere."""
    placed = letterbox(photo.pixels, nearest_canvas(photo.pixels.shape, canvases))
    both = normalised(np.stack([placed.pixels, placed.pixels[:, ::-1]]))
    logits, presence = opinions(both)
    straight = logits[0] - np.logaddexp.reduce(logits[0], 0)
    mirrored = logits[1] - np.logaddexp.reduce(logits[1], 0)
    mean = np.logaddexp(straight, mirrored[:, :, ::-1]) - np.float32(np.log(2))
    shares = held_to_tags(mean, presence.mean(0), photo.possible)
    rows, columns = placed.pixels.shape[:2]
    fine = cv2.resize(np.ascontiguousarray(shares.transpose(1, 2, 0)), (columns, rows))
    inside = fine[placed.top : placed.top + placed.height, placed.left : placed.left + placed.width]
    best = inside.argmax(-1)
    mask = np.where(inside.max(-1) >= CERTAIN, best, IGNORE).astype(np.uint8)
    size = (photo.pixels.shape[1], photo.pixels.shape[0])
    return np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST), np.uint8)


def label_tagged(
    photos: Sequence[TaggedPhoto], opinions: Opinions | None, canvases: Canvases, folder: Path,
    threads: int = 1,
) -> list[Pixels]:  # fmt: skip
    """The photos' masks: made by `opinions` and kept in `folder`, or read from there."""
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{photo.name}.png" for photo in photos]
    if opinions is not None:
        with ThreadPoolExecutor(threads) as pool:
            made = pool.map(lambda photo: tagged_mask(photo, opinions, canvases), photos)
            for path, mask in zip(files, made, strict=True):
                cv2.imwrite(str(path), mask)
    masks: list[Pixels] = []
    for photo, path in zip(photos, files, strict=True):
        stored = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        if stored is None or stored.shape != photo.pixels.shape[:2]:
            raise ValueError(f"{path}: not the mask of {photo.name}; start the run again")
        masks.append(np.asarray(stored, np.uint8))
    assert all((mask[mask != IGNORE] < CLASS_COUNT).all() for mask in masks)
    return masks
