"""The outline of a garment as numbers: sleeves, legs and straps show in the mask alone."""

from __future__ import annotations

import numpy as np
from PIL import Image

from lookweave.models.protocols import Crop, Vectors

GRID = 8
WIDTH = GRID * GRID + 2


def shape_of(crop: Crop) -> Vectors:
    """float32 (WIDTH,): the mask's cover in an 8 x 8 grid over the box, its mean, and the
    logarithm of the box's height over its width."""
    x0, y0, x1, y1 = crop.box
    cells = np.ones((GRID, GRID), np.float32)
    if crop.mask is not None:
        small = Image.fromarray(crop.mask).resize((GRID, GRID), Image.Resampling.BOX)
        cells = np.asarray(small, np.float32) / 255.0
    aspect = np.log(max(y1 - y0, 1.0) / max(x1 - x0, 1.0))
    return np.concatenate([cells.ravel(), [cells.mean(), aspect]]).astype(np.float32)
