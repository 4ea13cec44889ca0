"""LookBench (arXiv 2601.14706)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lookweave.benchmark.content import Benchmark, Item, Task, same
from lookweave.benchmark.layout import Layout

_COLUMNS = ("category", "main_attribute", "item_ID", "difficulty")
_RULE = (
    "The cut-outs of the query list (column image) ask for the gallery list and all distractors of "
    "noise. item: a hit is a photo of the same item_ID. fine: the benchmark's own Fine R@k, where "
    "a hit is any photo of equal category and main_attribute, so not the same garment."
)


def read(root: Path) -> Benchmark:
    """Read ``vDATE/CONFIG/{query,gallery}.parquet`` and ``vDATE/noise/*.parquet``.

    Args:
        root: the folder of all versions (the newest is read), or one version's.

    Raises:
        InputError: a part is missing or not as it should be.
    """
    layout = Layout("LookBench", root)
    versions = sorted(one for one in root.glob("v*") if one.is_dir())
    version = versions[-1] if versions else root
    below = version.relative_to(root).as_posix()
    shards = (version / "noise").glob("*.parquet")
    noise = sorted(shard for shard in shards if not shard.name.startswith("query"))
    if not noise:
        raise layout.missing("the distractors", f"{below}/noise/*.parquet")
    configs = sorted(
        one for one in version.iterdir() if one.is_dir() and one.name != "noise"
        and any((one / f"{side}.parquet").exists() for side in ("query", "gallery"))
    )  # fmt: skip
    if not configs:
        raise layout.missing("a subset", f"{below}/real_studio_flat/query.parquet")
    distractors = [row for path in noise for row in _rows(layout, path, noise=True)]
    tasks = []
    for config in configs:
        sides = []
        for side in ("query", "gallery"):
            path = config / f"{side}.parquet"
            if not path.exists():
                raise layout.missing(
                    f"the {side} list of {config.name}", path.relative_to(root).as_posix()
                )
            sides.append(_rows(layout, path))
        asked, offered = sides[0], sides[1] + distractors
        relevant = {
            "item": same([key for _, key, _ in asked], [key for _, key, _ in offered]),
            "fine": same([key for _, _, key in asked], [key for _, _, key in offered]),
        }
        queries, gallery = [one for one, *_ in asked], [one for one, *_ in offered]
        tasks.append(Task(config.name, queries, gallery, relevant, _RULE, cutoffs=(1, 5, 10, 20)))
    notes = (f"Version {version.name} is read.",) if versions else ()
    return Benchmark("lookbench", "LookBench", tasks, notes)


def _rows(
    layout: Layout, path: Path, *, noise: bool = False
) -> list[tuple[Item, str | None, tuple[Any, Any] | None]]:
    """Item, its garment, and its kind of garment; a distractor is nobody's garment."""
    table = layout.parquet(path, _COLUMNS)
    rows = table.to_pylist()
    found = []
    for photo, row in zip(layout.cells(path, "image", len(rows)), rows, strict=True):
        garment = None if noise or row["item_ID"] is None else str(row["item_ID"])
        fine = None
        if row["category"] is not None and row["main_attribute"] is not None:
            fine = (row["category"], row["main_attribute"])
        item = Item(
            photo, "look", category=row["category"], difficulty=row["difficulty"],
            cluster=garment or photo.name,
        )  # fmt: skip
        found.append((item, garment, fine))
    return found
