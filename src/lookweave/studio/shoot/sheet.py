"""The contact sheet of a shoot: its garments' photos, its pictures, and what was asked and got."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from lookweave.models.protocols import Pixels

CELL = (240, 360)
MOST = 24
_GAP, _LINE = 10, 15


def contact_sheet(
    garments: Sequence[Pixels], pictures: Sequence[Pixels], captions: Sequence[Sequence[str]]
) -> Pixels:
    """(H, W, 3) uint8: garments in the first column, pictures beside them."""
    width, height = CELL
    lines = max((len(one) for one in captions), default=0)
    step = (width + _GAP, height + _GAP + _LINE * lines + 6)
    columns = min(6, max(1, len(pictures)))
    rows = max(-(-len(pictures) // columns), 1)
    down = max(rows * step[1], len(garments) * (height // 2 + _GAP)) + _GAP
    page = Image.new("RGB", ((columns + 1) * step[0] + _GAP, down), "white")
    draw = ImageDraw.Draw(page)
    font = ImageFont.load_default(11)
    for n, garment in enumerate(garments):
        image = Image.fromarray(garment)
        image.thumbnail((width, height // 2))
        x = _GAP + (width - image.width) // 2
        page.paste(image, (x, _GAP + n * (height // 2 + _GAP)))
    for n, picture in enumerate(pictures):
        x, y = _GAP + (1 + n % columns) * step[0], _GAP + n // columns * step[1]
        image = Image.fromarray(picture)
        image.thumbnail(CELL, Image.Resampling.LANCZOS)
        page.paste(image, (x + (width - image.width) // 2, y))
        for k, line in enumerate(captions[n]):
            draw.text((x, y + height + 4 + k * _LINE), line, fill=(60, 60, 60), font=font)
    return np.asarray(page)
