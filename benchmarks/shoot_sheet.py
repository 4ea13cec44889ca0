"""The contact sheet of docs/shoot.md: garments of the demo sample in fifteen shoots.

python benchmarks/shoot_sheet.py WORK docs/images/shoots.jpg [--only 3 7]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

import lookweave.demo
from lookweave.studio.shoot import shoot

GARMENTS = Path(lookweave.demo.__file__).parent / "sample" / "garments"
SHOOTS: list[tuple[tuple[int, ...], str, str, str, dict[str, str]]] = [
    ((12,), "walking", "garden", "low sun", {}),
    ((19,), "hand on hip", "coloured studio", "beauty", {}),
    ((22,), "turning", "beach", "back light", {}),
    ((6,), "contrapposto", "street", "overcast", {"wearer": "sex=male"}),
    ((10,), "striding", "studio", "hard flash", {"wearer": "sex=male"}),
    ((14,), "contrapposto", "interior", "window", {"camera": "full"}),
    ((4,), "crossed legs", "coloured studio", "soft box", {}),
    ((1,), "hand on hip", "studio", "split", {"wearer": "sex=male"}),
    ((2,), "dancing", "garden", "overcast", {}),
    ((19, 11), "walking", "street", "low sun", {"camera": "full"}),
    ((20,), "standing", "beach", "low sun", {"wearer": "sex=male"}),
    ((9,), "standing", "street", "overcast", {"camera": "full"}),
    ((21,), "turning", "studio", "window", {}),
    ((16,), "crossed legs", "runway", "beauty", {}),
    ((19,), "over the shoulder", "night", "hard flash", {"camera": "full"}),
]
CELL, GAP, COLUMNS = (256, 384), 8, 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--only", type=int, nargs="*")
    given = parser.parse_args()
    cells = []
    for number, (worn, pose, scene, light, more) in enumerate(SHOOTS):
        if given.only and number not in given.only:
            continue
        photos = [GARMENTS / f"lw-{n:05d}.jpg" for n in worn]
        result = shoot(
            photos, out=given.work / f"{number:02d}", pose=pose, scene=scene, light=light,
            seed=number + 3, size=CELL, cache=given.work / "fitted", **more,
        )  # fmt: skip
        cells.append((photos, result.images()[0]))
        rows = {r.probe: r.error for r in result.pictures[0].rows if r.how == "measured"}
        print(
            number, [g["category"] for g in result.garments], pose, scene, light, rows, flush=True
        )
    width, height = CELL
    down = -(-len(cells) // COLUMNS)
    page = Image.new("RGB", (COLUMNS * (width + GAP) + GAP, down * (height + GAP) + GAP), "white")
    for n, (photos, picture) in enumerate(cells):
        x, y = GAP + n % COLUMNS * (width + GAP), GAP + n // COLUMNS * (height + GAP)
        page.paste(Image.fromarray(picture), (x, y))
        for k, path in enumerate(photos):
            with Image.open(path) as photo:
                small = photo.convert("RGB")
                small.thumbnail((54, 81))
            page.paste(small, (x + 4, y + height - 4 - (k + 1) * (small.height + 4)))
    page.save(given.picture, quality=88)
    print(np.asarray(page).shape, given.picture.stat().st_size)


if __name__ == "__main__":
    main()
