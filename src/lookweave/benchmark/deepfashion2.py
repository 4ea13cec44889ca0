"""DeepFashion2, clothes retrieval on its validation set (Ge and others, CVPR 2019)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lookweave.benchmark.content import Benchmark, Box, Item, Task, same
from lookweave.benchmark.layout import Layout, box_of

_CATEGORIES: tuple[tuple[str, frozenset[str]], ...] = (
    ("short sleeve top", frozenset({"top", "shirt", "knitwear"})),
    ("long sleeve top", frozenset({"top", "shirt", "knitwear"})),
    ("short sleeve outwear", frozenset({"jacket", "coat", "vest", "knitwear"})),
    ("long sleeve outwear", frozenset({"jacket", "coat", "vest", "knitwear"})),
    ("vest", frozenset({"top", "vest"})),
    ("sling", frozenset({"top"})),
    ("shorts", frozenset({"shorts"})),
    ("trousers", frozenset({"trousers", "jeans"})),
    ("skirt", frozenset({"skirt"})),
    ("short sleeve dress", frozenset({"dress", "jumpsuit"})),
    ("long sleeve dress", frozenset({"dress", "jumpsuit"})),
    ("vest dress", frozenset({"dress", "jumpsuit"})),
    ("sling dress", frozenset({"dress", "jumpsuit"})),
)
"""Category 1 to 13, and the categories of the taxonomy that a detection of it may have."""

_OCCLUSION = {1: "slight", 2: "medium", 3: "heavy"}
_RULE = (
    "A query is an item of a consumer's photo with a style above 0. Of the detections that overlap "
    "it more than any other item of the photo and have its category the most confident stands for "
    "it; none is a miss. The gallery is every detection in the shops' photos; one is right if it "
    "lies on an item of the query's pair and style with an overlap (IoU) of at least .5."
)


def read(root: Path) -> Benchmark:
    """Read ``validation/image``, ``validation/annos`` and the two lists of the retrieval task.

    Raises:
        InputError: a part is missing or not as it should be.
    """
    layout = Layout("DeepFashion2", root)
    images = layout.need("the photos' folder", "validation/image")
    annotations = layout.need("the annotations' folder", "validation/annos")
    asked = _rows(layout, "val_query.json", ("query_image_id", "bbox", "cls", "style", "pair_id"))
    offered = _rows(layout, "val_gallery.json", ("gallery_image_id", "bbox", "style", "pair_id"))

    def items(rows: list[dict[str, Any]], photo: str, kind: str) -> list[Item]:
        boxes: dict[int, list[Box]] = {}
        for row in rows:
            boxes.setdefault(row[photo], []).append(box_of(row["bbox"]))
        made = []
        for row in rows:
            name, wanted = _CATEGORIES[row["cls"] - 1] if "cls" in row else (None, frozenset())
            made.append(
                Item(
                    layout.photo(images / f"{row[photo]:06}.jpg"),
                    "look" if kind == "look" else "garment",
                    box_of(row["bbox"]), tuple(boxes[row[photo]]), wanted, name,
                    _difficulty(layout, annotations, row) if kind == "look" else None,
                    str(row["pair_id"]),
                )
            )  # fmt: skip
        return made

    queries = items(asked, "query_image_id", "look")
    chosen = [at for at, row in enumerate(asked) if row["style"] > 0]
    keys = [(asked[at]["pair_id"], asked[at]["style"]) for at in chosen]
    gallery = items(offered, "gallery_image_id", "shop")
    right = same(keys, [(row["pair_id"], row["style"]) for row in offered])
    task = Task(
        "validation", [queries[at] for at in chosen], gallery, {"item": right}, _RULE,
        regions="found", cutoffs=(1, 5, 10, 15, 20), detections=True,
    )  # fmt: skip
    return Benchmark("deepfashion2", "DeepFashion2", [task])


def _rows(layout: Layout, name: str, columns: Sequence[str]) -> list[dict[str, Any]]:
    path = layout.need(f"the list {name}", name, f"validation/{name}", f"evaluation/{name}")
    rows = layout.entries(path, columns)
    for number, row in enumerate(rows):
        if "cls" in row and not 1 <= row["cls"] <= len(_CATEGORIES):
            raise layout.wrong(path, f"the category {row['cls']} of entry {number} is not 1 to 13")
    return rows


def _difficulty(layout: Layout, annotations: Path, row: dict[str, Any]) -> str | None:
    """How much of the item is hidden, by the annotation whose box is the item's."""
    path = annotations / f"{row['query_image_id']:06}.json"
    if not path.exists():
        raise layout.missing(
            f"the annotation of photo {row['query_image_id']}", f"validation/annos/{path.name}"
        )
    for name, item in layout.json(path).items():
        if name.startswith("item") and box_of(item["bounding_box"]) == box_of(row["bbox"]):
            return f"occlusion {_OCCLUSION.get(item['occlusion'], item['occlusion'])}"
    return None
