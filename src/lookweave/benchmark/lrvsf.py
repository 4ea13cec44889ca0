"""LAION-RVS-Fashion, LRVS-F (Lepage and others, arXiv 2306.02928)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from lookweave.benchmark.content import Benchmark, Item, PhotoFile, Task, same
from lookweave.benchmark.layout import Layout

_CATEGORIES = {
    "Bags": {"bag"},
    "Feet": {"shoes", "hosiery"},
    "Head": {"hat", "eyewear"},
    "Lower Body": {"skirt", "trousers", "jeans", "shorts"},
    "Neck": {"scarf"},
    "Outwear": {"jacket", "coat", "vest"},
    "Upper Body": {"top", "shirt", "knitwear", "vest"},
    "Waist": {"belt"},
    "Whole Body": {"dress", "jumpsuit"},
}
"""Their categories in the taxonomy's words; Hands has none, so any detection counts."""

_RULE = (
    "The i-th scene asks for the i-th product's cut-out among the cut-outs of all products and the "
    "distractors, which are added in their own order. The scene's category is part of the query: "
    "of what the detector finds only garments of that category are compared, none is a miss."
)


def read(root: Path) -> Benchmark:
    """Read the published test set, ``products.parquet`` and ``distractors/*.parquet`` with photos
    inside; or the published metadata (``products_simple_metadata.parquet``,
    ``products_complex_metadata.parquet``, ``distractors_metadata.parquet``) beside
    ``photos/*.parquet``, as img2dataset writes what it fetched (columns url and jpg).

    Raises:
        InputError: a part is missing or not as it should be.
    """
    layout = Layout("LRVS-F", root)
    if layout.find("products.parquet"):
        return _published(layout)
    return _fetched(layout)


def _published(layout: Layout) -> Benchmark:
    path = layout.root / "products.parquet"
    rows = layout.parquet(path, ("CATEGORY",)).column(0).to_pylist()
    files = sorted(layout.need("the distractors' folder", "distractors").glob("*.parquet"))
    if not files:
        raise layout.missing("the distractors", "distractors/*.parquet")
    distractors: list[PhotoFile] = []
    for file in files:
        layout.parquet(file, ())
        distractors += layout.cells(file, "jpg", pq.read_metadata(file).num_rows)
    scenes = layout.cells(path, "COMPLEX_IMG", len(rows))
    products = layout.cells(path, "SIMPLE_IMG", len(rows))
    return _benchmark(scenes, products, rows, distractors, [])


def _fetched(layout: Layout) -> Benchmark:
    columns = ("URL", "SPLIT", "PRODUCT_ID", "CATEGORY")
    tables = []
    for name, wanted in (
        ("products_complex", columns), ("products_simple", columns), ("distractors", ("URL",))
    ):  # fmt: skip
        file = f"{name}_metadata.parquet"
        path = layout.need(f"the list {file}", f"data/test/{file}", file)
        tables.append((path, layout.parquet(path, wanted).to_pylist()))
    fetched = sorted(layout.need("the photos' folder", "photos").glob("*.parquet"))
    here: dict[str, PhotoFile] = {}
    for shard in fetched:
        table = layout.parquet(shard, ("url", "jpg"))
        there = table.column("jpg").is_valid().to_pylist()
        photos = layout.cells(shard, "jpg", table.num_rows)
        for address, photo, is_there in zip(
            table.column("url").to_pylist(), photos, there, strict=True
        ):
            if is_there:
                here.setdefault(address, photo)
    if not here:
        raise layout.missing("the photos", "photos/*.parquet")
    (path, complex_), (_, simple), (_, distractors) = tables
    scene_of = {row["PRODUCT_ID"]: row for row in complex_ if row["SPLIT"] == "test_query"}
    product_of = {row["PRODUCT_ID"]: row for row in simple if row["SPLIT"] == "test_gallery"}
    if not scene_of or scene_of.keys() != product_of.keys():
        raise layout.wrong(path, "its test_query products are not the test_gallery products")
    both = [
        (scene_of[product], product_of[product]) for product in sorted(scene_of)
        if scene_of[product]["URL"] in here and product_of[product]["URL"] in here
    ]  # fmt: skip
    others = [here[row["URL"]] for row in distractors if row["URL"] in here]
    notes = [
        f"{len(both)} of {len(scene_of)} products and {len(others)} of {len(distractors)} "
        "distractors have their photos here; the others are left out."
    ]
    return _benchmark(
        [here[scene["URL"]] for scene, _ in both], [here[one["URL"]] for _, one in both],
        [scene["CATEGORY"] for scene, _ in both], others, notes,
    )  # fmt: skip


def _benchmark(
    scenes: list[PhotoFile],
    products: list[PhotoFile],
    categories: list[Any],
    distractors: list[PhotoFile],
    notes: list[str],
) -> Benchmark:
    queries = [
        Item(photo, "look", wanted=frozenset(_CATEGORIES.get(category, ())), category=category,
             cluster=photo.name)
        for photo, category in zip(scenes, categories, strict=True)
    ]  # fmt: skip
    gallery = [Item(photo, "garment", category=category)
               for photo, category in zip(products, categories, strict=True)]  # fmt: skip
    gallery += [Item(photo, "garment") for photo in distractors]
    right = same(list(range(len(queries))), list(range(len(gallery))))
    task = Task(
        "test", queries, gallery, {"item": right}, _RULE, regions="found",
        cutoffs=(1, 5, 10, 20, 50), distractors=len(products),
    )  # fmt: skip
    return Benchmark("lrvs-f", "LRVS-F", [task], notes)
