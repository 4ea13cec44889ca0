"""Garments2Look (arXiv 2603.14153), as retrieval: many garments to a look."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from lookweave.benchmark.content import Benchmark, Item, Task
from lookweave.benchmark.layout import Layout

_SOURCES = ("mytheresa", "polyvore")
_RULE = (
    "Garments2Look has no retrieval protocol of its own. Here: a look of the test section asks for "
    "its garments among the garments of all looks of that section, and the other way round. A hit "
    "is any of its garments. Garments without a product photo (ids that begin with U) are left out."
)


def read(root: Path) -> Benchmark:
    """Read ``SOURCE_outfit_vVERSION.json`` (the newest), ``SOURCE_image_vVERSION.json``,
    ``SOURCE/images`` and ``SOURCE/looks-resized``, of mytheresa and polyvore or one of them.

    Raises:
        InputError: a part is missing or not as it should be.
    """
    layout = Layout("Garments2Look", root)
    tasks, notes = [], []
    for source in _SOURCES:
        outfits = sorted(root.glob(f"{source}_outfit_v*.json"))
        if not outfits:
            continue
        task, lacking = _task(layout, source, outfits[-1])
        tasks.append(task)
        notes.append(f"{source}: {outfits[-1].name} is read.")
        if lacking:
            notes.append(f"{source}: {lacking} looks of the test section have no photo here.")
    if not tasks:
        raise layout.missing("the list of outfits", "mytheresa_outfit_v1.0_2512.json")
    return Benchmark("garments2look", "Garments2Look", tasks, notes)


def _task(layout: Layout, source: str, listed: Path) -> tuple[Task, int]:
    images = sorted(layout.root.glob(f"{source}_image_v*.json"))
    if not images:
        raise layout.missing("the list of garments' photos", f"{source}_image_v1.0_2512.json")
    garments = layout.json(images[-1])
    layout.need("the garments' folder", f"{source}/images")
    layout.need("the looks' folder", f"{source}/looks-resized")
    looks: list[Item] = []
    worn: list[list[str]] = []
    gallery: dict[str, Item] = {}
    lacking = 0
    for name, outfit in layout.json(listed).items():
        if outfit.get("section") != "test":
            continue
        gender = outfit.get("gender", "unknown")
        place = f"{source}/looks-resized/{gender}/{name}"
        photo = layout.find(f"{place}.png", f"{place}.jpg")
        if photo is None:
            lacking += 1
            continue
        own = []
        for garment in outfit["outfit"]:
            path = None if garment.startswith("U") else _garment(
                layout, source, gender, garment, garments.get(garment)
            )  # fmt: skip
            if path is not None:
                category = garments[garment].get("main_category")
                gallery.setdefault(
                    garment,
                    Item(layout.photo(path), "garment", category=category, cluster=garment),
                )
                own.append(garment)
        if own:
            made = "photographed" if outfit.get("is_official_look") else "generated"
            looks.append(Item(layout.photo(photo), "look", difficulty=made, cluster=name))
            worn.append(own)
    if not looks:
        raise layout.wrong(listed, "no look of its test section has a photo and a garment here")
    place_of = {garment: at for at, garment in enumerate(gallery)}
    right = [np.array(sorted(place_of[one] for one in own), np.int64) for own in worn]
    task = Task(
        source, looks, list(gallery.values()), {"garment": right}, _RULE, regions="found",
        both_ways=True,
    )  # fmt: skip
    return task, lacking


def _garment(
    layout: Layout, source: str, gender: str, garment: str, known: dict[str, Any] | None
) -> Path | None:
    """Its product photo: of mytheresa the first that is whole, of polyvore the only one."""
    if known is None:
        return None
    if source == "polyvore":
        return layout.find(f"polyvore/images/{gender}/{known.get('type', '')}/{garment}.jpg")
    whole = known.get("images", {}).get("product", {}).get("full", [])
    return layout.find(f"mytheresa/images/{garment}/{whole[0]}") if whole else None
