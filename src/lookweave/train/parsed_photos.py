"""Street photos with a label for every pixel: Clothing Co-Parsing (Yang et al. 2014)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from lookweave.train.labels import ccp_lookup
from lookweave.train.product_photos import Pixels, read_rgb

Split = Literal["train", "validation", "test"]


@dataclass(frozen=True)
class ParsedPhoto:
    """One photo, (H, W, 3) uint8 RGB, and its mask, (H, W) uint8 in the values of labels.py."""

    name: str
    pixels: Pixels
    mask: Pixels


def split_of(name: str) -> Split:
    """The split of a photo by its number: 7 at the end is test, one in twenty validation."""
    number = int(name)
    if number % 10 == 7:
        return "test"
    return "validation" if number % 20 == 3 else "train"


def load_parsed_photos(folder: Path, splits: Sequence[Split]) -> list[ParsedPhoto]:
    """The masked photos of the splits, decoded, in order of their names."""
    labels: list[str] = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
    lookup = ccp_lookup(labels)
    photos: list[ParsedPhoto] = []
    for mask_path in sorted((folder / "masks").glob("*.png")):
        if split_of(mask_path.stem) not in splits:
            continue
        stored = cv2.imread(str(mask_path), cv2.IMREAD_UNCHANGED)
        if stored is None:
            raise ValueError(f"{mask_path}: not a mask that can be decoded")
        pixels = read_rgb(folder / "photos" / f"{mask_path.stem}.jpg")
        mask = lookup[stored]
        if mask.shape != pixels.shape[:2]:
            size = (pixels.shape[1], pixels.shape[0])
            mask = np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST), np.uint8)
        photos.append(ParsedPhoto(mask_path.stem, pixels, mask))
    return photos
