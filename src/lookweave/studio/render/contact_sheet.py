"""A contact sheet of rendered pairs: product photo left, look right.

Run as ``python -m lookweave.studio.render.contact_sheet FOLDER OUT.jpg [pairs]`` on a folder that
``lookweave render`` filled.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

from PIL import Image

CELL = (150, 225)
GAP = 8


def choose(rows: list[dict[str, str]], count: int) -> list[dict[str, str]]:
    """Up to `count` rows of truth that cover kinds of garment, scenes and poses evenly."""
    chosen: list[dict[str, str]] = []
    seen: dict[str, int] = {}
    left = list(rows)
    while left and len(chosen) < count:

        def cost(row: dict[str, str]) -> tuple[float, float]:
            repeats = 4.0 * seen.get(row["kind"], 0) + seen.get(row["scene"], 0)
            repeats += 0.7 * seen.get(row["pose"], 0) + 5.0 * seen.get(row["look"], 0)
            return repeats + 6.0 * (float(row["share"]) < 0.02), -float(row["share"])

        best = min(left, key=cost)
        left.remove(best)
        chosen.append(best)
        for column in ("kind", "scene", "pose", "look"):
            seen[best[column]] = seen.get(best[column], 0) + 1
    return chosen


def sheet(folder: Path, count: int, columns: int = 6) -> Image.Image:
    """The sheet of `count` pairs from `folder`."""
    with (folder / "truth.csv").open() as stream:
        rows = choose(list(csv.DictReader(stream)), count)
    width, height = CELL
    down = -(-len(rows) // columns)
    step = (2 * width + GAP, height + GAP)
    out = Image.new("RGB", (columns * step[0] + GAP, down * step[1] + GAP), "white")
    for n, row in enumerate(rows):
        x, y = GAP + n % columns * step[0], GAP + n // columns * step[1]
        for k, path in enumerate(
            (folder / "garments" / row["garment"], folder / "looks" / row["look"])
        ):
            with Image.open(path) as picture:
                out.paste(picture.resize(CELL, Image.Resampling.LANCZOS), (x + k * width, y))
    return out


if __name__ == "__main__":
    number = int(sys.argv[3]) if len(sys.argv) > 3 else 24
    sheet(Path(sys.argv[1]), number).save(sys.argv[2], quality=86)
