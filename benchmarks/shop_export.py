"""Every article of a shop's export is found by search and stands in the published data.

    python benchmarks/shop_export.py --articles 2000 --pictures 420 --layout magento

The pictures are drawn: plain shapes of many colours, so that each is a photo of its own. The
models are `whole-photo`, for the question is what becomes of articles and not what is seen.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests import shop_exports

import lookweave


def draw(path: Path, seed: int) -> Path:
    chance = np.random.default_rng(seed)
    picture = Image.new("RGB", (96, 128), "white")
    left, top = chance.integers(5, 30, 2)
    right, bottom = chance.integers(60, 92), chance.integers(80, 124)
    colours = [tuple(int(value) for value in chance.integers(0, 200, 3)) for _ in range(2)]
    pen = ImageDraw.Draw(picture)
    pen.rounded_rectangle((left, top, right, bottom), 12, fill=colours[0])
    pen.rectangle((left + 8, top + 20, right - 8, top + 30), fill=colours[1])
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, "PNG")
    return path


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--articles", type=int, default=2000)
    parser.add_argument("--pictures", type=int, default=420)
    parser.add_argument("--layout", choices=("magento", "shopify"), default="magento")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lookweave-shop-") as folder:
        scratch = Path(folder)
        pictures = [draw(scratch / f"drawn/{at:04d}.png", at) for at in range(given.pictures)]
        for at in range(given.pictures):
            draw(scratch / f"looks/{at:04d}.png", given.pictures + at)
        export = getattr(shop_exports, given.layout)(pictures, scratch / "shop", given.articles)
        began = time.monotonic()
        workspace = lookweave.build(
            garments=export.manifest, looks=scratch / "looks", out=scratch / "workspace",
            models="whole-photo",
        )  # fmt: skip
        built = time.monotonic() - began
        wanted = {article.sku for article in export.articles}
        began = time.monotonic()
        found = set()
        for sku in sorted(wanted):
            hits = workspace.search(sku, kind="garment", top=3).to_dict()["results"]
            found |= {one for hit in hits[:1] for one in hit["skus"]} & {sku}
        seconds = time.monotonic() - began
        workspace.publish(scratch / "data-set")
        with (scratch / "data-set/products.csv").open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    published = {row["sku"] for row in rows} & wanted
    paired = {row["sku"] for row in rows if row["pairs"] != "0"} & wanted
    print(
        f"{given.layout}: {len(wanted)} articles over {given.pictures} pictures, built in "
        f"{built:.1f} s\nfound by search, first hit: {len(found)} ({seconds / len(wanted) * 1000:.0f} "
        f"ms each)\nin the published data: {len(published)}, {len(paired)} of them in a pair"
    )
    return 0 if len(found) == len(published) == len(wanted) else 1


if __name__ == "__main__":
    sys.exit(main())
