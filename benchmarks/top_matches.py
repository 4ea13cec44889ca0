"""A picture of true and false best matches on rendered photos, and what the false ones confuse.

    lookweave render --garments 100 --looks 130 --seed 29 --out DIR
    lookweave build --garments DIR/garments --looks DIR/looks --out WS
    lookweave matches WS --top 1 -o WS/top.parquet
    python benchmarks/top_matches.py --rendered DIR --matches WS/top.parquet --out docs/images/top-matches.jpg

Each cell is a product photo and the region matched best to it, twenty true ones above, twenty false
ones below, spread evenly; last come garments that no look shows. Printed: how many garments found a look that shows
them, and what the garment in a falsely matched region has in common with the one asked for.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from PIL import Image, ImageDraw

EACH, COLUMNS = 20, 10
CELL = (84, 112)
GAP = 6
LIKE = ("family", "category", "colour", "pattern", "material")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rendered", required=True, type=Path)
    parser.add_argument("--matches", required=True, type=Path)
    parser.add_argument("--out", required=True, type=Path)
    given = parser.parse_args()
    with (given.rendered / "truth.csv").open(encoding="utf-8") as file:
        truth = list(csv.DictReader(file))
    worn_in, garments = defaultdict(list), {}
    for row in truth:
        worn_in[row["look"]].append(row)
        garments[row["garment"]] = row
    true, false, nowhere = [], [], []
    for match in pq.read_table(given.matches).to_pylist():
        garment, look = Path(match["garment_path"]).name, Path(match["look_path"]).name
        shown = {row["garment"] for row in worn_in[look]}
        chosen = true if garment in shown else false if garment in garments else nowhere
        chosen.append((garment, look, match["region_box"]))
    print(f"{len(true)} of {len(true) + len(false)} garments find a look that shows them first")
    common = [_common(garments[garment], _worn(worn_in[look], box)) for garment, look, box in false]
    known = [one for one in common if one is not None]
    for name in LIKE:
        print(f"same {name}: {sum(name in one for one in known)} of {len(known)} false ones")
    print(f"{len(nowhere)} garments are in no look, so that any match of theirs is false")
    picture(given.rendered, true, false + nowhere).save(given.out, quality=88, optimize=True)


def _worn(rows: list[dict[str, str]], box: list[float]) -> dict[str, str] | None:
    """The garment that truly lies in the region, by overlap of boxes; None below a third."""

    def overlap(row: dict[str, str]) -> float:
        other = [float(row[name]) for name in ("x0", "y0", "x1", "y1")]
        low, high = np.maximum(box[:2], other[:2]), np.minimum(box[2:], other[2:])
        both = float(np.prod(np.maximum(high - low, 0)))
        areas = [(one[2] - one[0]) * (one[3] - one[1]) for one in (box, other)]
        return both / (sum(areas) - both)

    best = max(rows, key=overlap, default=None)
    return best if best is not None and overlap(best) > 1 / 3 else None


def _common(asked: dict[str, str], found: dict[str, str] | None) -> set[str] | None:
    return None if found is None else {name for name in LIKE if asked[name] == found[name]}


def picture(folder: Path, true: list[Any], false: list[Any]) -> Image.Image:
    """Two blocks of cells, true ones framed green, false ones red."""
    step = (2 * CELL[0] + GAP, CELL[1] + GAP)
    rows = -(-EACH // COLUMNS)
    size = (COLUMNS * step[0] + GAP, 2 * rows * step[1] + 3 * GAP)
    sheet = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(sheet)
    for block, (matches, frame) in enumerate(((true, (40, 150, 70)), (false, (200, 40, 40)))):
        chosen = np.linspace(0, len(matches) - 1, min(EACH, len(matches))).astype(int)
        for place, number in enumerate(chosen.tolist()):
            garment, look, box = matches[number]
            x = GAP + place % COLUMNS * step[0]
            y = GAP + (block * rows + place // COLUMNS) * step[1] + block * GAP
            for k, (path, crop) in enumerate(
                ((folder / "garments" / garment, None), (folder / "looks" / look, box))
            ):
                with Image.open(path) as photo:
                    seen = photo if crop is None else photo.crop(_around(crop, photo.size))
                    sheet.paste(_fitted(seen), (x + k * CELL[0], y))
            draw.rectangle((x - 2, y - 2, x + 2 * CELL[0] + 1, y + CELL[1] + 1), None, frame, 2)
    return sheet


def _around(box: list[float], size: tuple[int, int]) -> tuple[float, float, float, float]:
    room = 0.15 * max(box[2] - box[0], box[3] - box[1])
    return (
        max(0, box[0] - room), max(0, box[1] - room),
        min(size[0], box[2] + room), min(size[1], box[3] + room),
    )  # fmt: skip


def _fitted(photo: Image.Image) -> Image.Image:
    cell = Image.new("RGB", CELL, (236, 236, 236))
    photo = photo.convert("RGB")
    photo.thumbnail(CELL, Image.Resampling.LANCZOS)
    cell.paste(photo, ((CELL[0] - photo.width) // 2, (CELL[1] - photo.height) // 2))
    return cell


if __name__ == "__main__":
    main()
