"""The intervention matrix as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from lookweave.models.protocols import Pixels
from lookweave.studio.judge.rows import BUILT

if TYPE_CHECKING:
    from lookweave.studio.judge.matrix import Matrix

_CELL, _LEFT, _TOP = (86, 34), 110, 62


def heat(found: Matrix) -> Pixels:
    """uint8 (H, W, 3): moved controls down, probes across; the own cells framed."""
    from lookweave.studio.judge.matrix import PROBES

    wide, high = _CELL
    size = (_LEFT + wide * len(PROBES) + 12, _TOP + high * len(found.cells) + 40)
    page = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(page)
    font, small = ImageFont.load_default(13), ImageFont.load_default(11)
    for n, probe in enumerate(PROBES):
        x = _LEFT + n * wide + wide // 2
        draw.text((x, 10), probe.control, fill="black", font=font, anchor="mt")
        draw.text((x, 28), probe.name, fill="black", font=font, anchor="mt")
        if probe.how == BUILT:
            draw.text((x, 45), "by construction", fill=(120, 120, 120), font=small, anchor="mt")
    for m, (moved, row) in enumerate(found.cells.items()):
        y = _TOP + m * high
        draw.text((_LEFT - 8, y + high // 2), moved, fill="black", font=font, anchor="rm")
        for n, probe in enumerate(PROBES):
            value = row[f"{probe.control}, {probe.name}"]
            x = _LEFT + n * wide
            own = probe.control == moved
            box = (x + 1, y + 1, x + wide - 2, y + high - 2)
            draw.rectangle(box, fill=_colour(value, own), outline="black" if own else None,
                           width=2 if own else 0)  # fmt: skip
            text = "not told" if value is None else f"{value:.2f}"
            draw.text((x + wide // 2, y + high // 2), text, fill="black", font=font, anchor="mm")
    words = (
        "median change of each probe when one control moves alone, over its change between "
        f"unrelated shoots; {found.shoots} shoots, backend {found.generator}"
    )
    draw.text((12, size[1] - 26), words, fill=(90, 90, 90), font=small)
    return np.asarray(page)


def _colour(value: float | None, own: bool) -> tuple[int, int, int]:
    """Green where a control does what was asked or leaves the rest alone, red where not."""
    if value is None:
        return (228, 228, 228)
    wrong = np.clip(abs(value - 1) / 0.6 if own else value / 0.6, 0, 1)
    good, bad = np.array([190, 224, 190]), np.array([240, 150, 130])
    red, green, blue = (good + (bad - good) * wrong).astype(int)
    return int(red), int(green), int(blue)


def strip(pictures: Sequence[tuple[str, Pixels]]) -> Pixels:
    """uint8 (H, W, 3): one shoot, and what became of it as each control moved alone."""
    wide, high, gap = 170, 255, 8
    page = Image.new("RGB", (gap + len(pictures) * (wide + gap), high + 34), "white")
    draw = ImageDraw.Draw(page)
    font = ImageFont.load_default(13)
    for n, (name, picture) in enumerate(pictures):
        image = Image.fromarray(picture)
        image.thumbnail((wide, high), Image.Resampling.LANCZOS)
        x = gap + n * (wide + gap)
        page.paste(image, (x, gap))
        draw.text((x, high + 12), name, fill="black", font=font)
    return np.asarray(page)
