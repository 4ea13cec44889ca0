"""DeepFashion In-Shop Clothes Retrieval (Liu and others, CVPR 2016)."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from lookweave.benchmark.content import Benchmark, Item, Task, same
from lookweave.benchmark.layout import Layout, box_of

_RULE = (
    "The query list asks for the gallery list, the training list is left out. A hit is any photo "
    "of the query's item among the first k. Published figures compare whole photos."
)


def read(root: Path) -> Benchmark:
    """Read ``Eval/list_eval_partition.txt``, ``Anno/list_bbox_inshop.txt`` and ``Img/img``.

    Raises:
        InputError: a part is missing or not as it should be.
    """
    layout = Layout("DeepFashion In-Shop", root)
    lists = layout.need(
        "the list of queries and gallery", "Eval/list_eval_partition.txt", "list_eval_partition.txt"
    )
    photos = layout.need("the photos' folder", "Img/img", "img").parent
    boxes = {}
    places = ("Anno/list_bbox_inshop.txt", "list_bbox_inshop.txt")
    if path := layout.find(*places):
        header = ["image_name", "clothes_type", "pose_type", "x_1", "y_1", "x_2", "y_2"]
        boxes = {row[0]: box_of(row[3:]) for row in layout.counted_rows(path, header)}
    sides: dict[str, list[tuple[Item, str]]] = {"query": [], "gallery": [], "train": []}
    header = ["image_name", "item_id", "evaluation_status"]
    for name, item, status in layout.counted_rows(lists, header):
        if status not in sides:
            raise layout.wrong(lists, f"{name} is for {status!r}, not train, query or gallery")
        category = "/".join(PurePosixPath(name).parts[1:3])
        kind = layout.photo(photos / name)
        sides[status].append(
            (Item(kind, "look", boxes.get(name), category=category, cluster=item), item)
        )
    queries, gallery = sides["query"], sides["gallery"]
    if not queries or not gallery:
        raise layout.wrong(lists, "it has no photo for query, or none for gallery")
    task = Task(
        "test", [one for one, _ in queries], [one for one, _ in gallery],
        {"item": same([item for _, item in queries], [item for _, item in gallery])}, _RULE,
        cutoffs=(1, 10, 20, 30, 40, 50),
    )  # fmt: skip
    notes = () if boxes else (f"{places[0]} is not there: boxes cannot be asked for.",)
    return Benchmark("in-shop", "DeepFashion In-Shop", [task], notes)
