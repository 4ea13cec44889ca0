"""Rendered looks and product photos with exact masks: what ``lookweave render --labels`` wrote."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from lookweave.train.labels import CLASS_COUNT
from lookweave.train.parsed_photos import ParsedPhoto
from lookweave.train.product_photos import read_rgb

KINDS = ("looks", "garments")


def load_rendered_photos(
    folder: Path, longest_side: int = 576, kinds: Sequence[str] = KINDS
) -> list[ParsedPhoto]:
    """The pictures of `kinds` with ``labels/*/NAME.classes.png``.

    Raises:
        ValueError: the folder has no such labels, or one that cannot be read.
    """
    photos: list[ParsedPhoto] = []
    for kind in kinds:
        for path in sorted((folder / kind).glob("*.jpg")):
            mask_path = folder / "labels" / kind / f"{path.stem}.classes.png"
            stored = cv2.imread(str(mask_path), cv2.IMREAD_UNCHANGED)
            if stored is None or stored.ndim != 2 or stored.max() >= CLASS_COUNT:
                raise ValueError(f"{mask_path}: not a mask of the segmenter's classes")
            pixels = read_rgb(path, longest_side)
            size = (pixels.shape[1], pixels.shape[0])
            mask = cv2.resize(stored, size, interpolation=cv2.INTER_NEAREST)
            photos.append(ParsedPhoto(path.stem, pixels, np.asarray(mask, np.uint8)))
    if not photos:
        raise ValueError(f"{folder}: no looks/*.jpg; render with --labels")
    return photos
