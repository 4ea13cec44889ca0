"""DeepFashion Consumer-to-Shop Clothes Retrieval (Liu and others, CVPR 2016)."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Literal

from lookweave.benchmark.content import Benchmark, Item, Task, same
from lookweave.benchmark.layout import Layout, box_of

_RULE = (
    "The queries are the consumers' photos of the test pairs, each once. The gallery is every "
    "shop's photo of the validation and the test pairs. A hit is any photo of the query's item "
    "among the first k."
)
_STATES = ("train", "val", "test")


def read(root: Path) -> Benchmark:
    """Read ``Eval/list_eval_partition.txt``, ``Anno/list_bbox_consumer2shop.txt`` and ``Img/img``.

    Raises:
        InputError: a part is missing or not as it should be.
    """
    layout = Layout("DeepFashion Consumer-to-Shop", root)
    lists = layout.need(
        "the list of pairs", "Eval/list_eval_partition.txt", "list_eval_partition.txt"
    )
    photos = layout.need("the photos' folder", "Img/img", "img").parent
    boxes = layout.need(
        "the list of boxes", "Anno/list_bbox_consumer2shop.txt", "list_bbox_consumer2shop.txt"
    )
    header = ["image_name", "clothes_type", "source_type", "x_1", "y_1", "x_2", "y_2"]
    known = {row[0]: (row[2], box_of(row[3:])) for row in layout.counted_rows(boxes, header)}
    header = ["image_pair_name_1", "image_pair_name_2", "item_id", "evaluation_status"]
    asked: dict[tuple[str, str], None] = {}
    offered: dict[tuple[str, str], None] = {}
    for consumer, shop, item, status in layout.counted_rows(lists, header):
        if status not in _STATES:
            raise layout.wrong(lists, f"{consumer} is for {status!r}, not train, val or test")
        if status == "test":
            asked[consumer, item] = None
        if status != "train":
            offered[shop, item] = None

    def made(name: str, item: str, kind: Literal["look", "garment"], source: str) -> Item:
        side, box = known.get(name, (source, None))
        if side != source:
            raise layout.wrong(boxes, f"{name} is of source {side}, its pair says {source}")
        category = "/".join(PurePosixPath(name).parts[1:3])
        return Item(layout.photo(photos / name), kind, box, category=category, cluster=item)

    if not asked:
        raise layout.wrong(lists, "it has no test pair")
    task = Task(
        "test",
        [made(name, item, "look", "2") for name, item in asked],
        [made(name, item, "garment", "1") for name, item in offered],
        {"item": same([item for _, item in asked], [item for _, item in offered])},
        _RULE,
        regions="given",
        cutoffs=(1, 5, 10, 20, 50),
    )
    return Benchmark("consumer-to-shop", "DeepFashion Consumer-to-Shop", [task])
