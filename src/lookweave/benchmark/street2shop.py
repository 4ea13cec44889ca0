"""Street2Shop, "Where to Buy It" (Kiapour and others, ICCV 2015)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from lookweave.benchmark.content import Benchmark, Item, PhotoFile, Task
from lookweave.benchmark.layout import Layout
from lookweave.sources.photo_files import has_image_suffix

_CATEGORIES = (
    "bags", "belts", "dresses", "eyewear", "footwear", "hats", "leggings", "outerwear", "pants",
    "skirts", "tops",
)  # fmt: skip
_RULE = (
    "A garment in a street photo, cut out by the box of the test list, asks for its products among "
    "all the shops' photos of its category (retrieval_{0}.json, products of training and test). A "
    "hit is any photo of any of its products among the first k. Street photos that are not here "
    "any more are not asked, shops' photos that are not here are not in the gallery."
)


def read(root: Path) -> Benchmark:
    """Read ``meta/json/{test_pairs,retrieval}_CATEGORY.json``, ``photos.txt`` and ``images/ID.*``.

    Raises:
        InputError: a part is missing or not as it should be.
    """
    layout = Layout("Street2Shop", root)
    meta = layout.find("meta/json", "json") or root
    folder = layout.need("the photos' folder", "images", "photos/images")
    here = {
        int(file.stem): layout.photo(file)
        for file in folder.iterdir()
        if file.stem.isdigit() and has_image_suffix(file.name)
    }
    tasks, asked, gone, lost = [], 0, 0, 0
    for category in _CATEGORIES:
        lists = [meta / f"{name}_{category}.json" for name in ("test_pairs", "retrieval")]
        if not any(one.exists() for one in lists):
            continue
        for one in lists:
            if not one.exists():
                raise layout.missing(f"the list {one.name}", one.relative_to(root).as_posix())
        pairs = layout.entries(lists[0], ("photo", "product", "bbox"))
        offered = layout.entries(lists[1], ("photo", "product"))
        task, away, alone = _task(category, pairs, offered, here)
        asked, gone, lost = asked + len(task.queries), gone + away, lost + alone
        if task.queries:
            tasks.append(task)
    if not tasks:
        raise layout.missing(
            "a list of pairs with photos that are here", "meta/json/test_pairs_dresses.json"
        )
    notes = [_dead(layout, here)]
    if gone or lost:
        notes.append(
            f"{asked} garments in street photos are asked; {gone} are not, because their photo is "
            f"not here, and {lost} because no photo of their product is."
        )
    return Benchmark("street2shop", "Street2Shop", tasks, notes)


def _task(
    category: str,
    pairs: list[dict[str, Any]],
    offered: list[dict[str, Any]],
    here: dict[int, PhotoFile],
) -> tuple[Task, int, int]:
    """The task, garments whose photo is away, and those of whose products no photo is here."""
    photos = list(dict.fromkeys(row["photo"] for row in offered if row["photo"] in here))
    place = {photo: at for at, photo in enumerate(photos)}
    of_product: dict[int, set[int]] = {}
    for row in offered:
        if row["photo"] in place:
            of_product.setdefault(row["product"], set()).add(place[row["photo"]])
    products: dict[tuple[int, tuple[float, float, float, float]], set[int]] = {}
    for row in pairs:
        box = row["bbox"]
        edges = (box["left"], box["top"], box["left"] + box["width"], box["top"] + box["height"])
        products.setdefault((row["photo"], edges), set()).add(row["product"])
    queries, relevant, away, alone = [], [], 0, 0
    for (photo, edges), own in products.items():
        right = sorted(set().union(*(of_product.get(product, set()) for product in own)))
        if photo not in here:
            away += 1
        elif not right:
            alone += 1
        else:
            cluster = f"product {min(own)}"
            queries.append(Item(here[photo], "look", edges, category=category, cluster=cluster))
            relevant.append(np.array(right, np.int64))
    gallery = [Item(here[photo], "garment", category=category) for photo in photos]
    task = Task(
        category, queries, gallery, {"product": relevant}, _RULE.format(category),
        regions="given", cutoffs=(1, 5, 10, 20, 50),
    )  # fmt: skip
    return task, away, alone


def _dead(layout: Layout, here: dict[int, PhotoFile]) -> str:
    """How many of the listed addresses have no photo."""
    path = layout.need("the list of addresses", "photos/photos.txt", "photos.txt")
    with path.open(encoding="utf-8") as file:
        listed = [line.partition(",")[0].strip() for line in file if line.strip()]
    if wrong := next((one for one in listed if not one.isdigit()), None):
        raise layout.wrong(path, f"{wrong!r} should be a photo's number")
    dead = sum(int(one) not in here for one in listed)
    return f"{dead} of {len(listed)} addresses of photos.txt have no photo here."
