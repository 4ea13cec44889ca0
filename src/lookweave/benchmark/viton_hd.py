"""VITON-HD (Choi and others, CVPR 2021), as retrieval."""

from __future__ import annotations

from pathlib import Path

from lookweave.benchmark.content import Benchmark, Item, Task, same
from lookweave.benchmark.layout import Layout
from lookweave.sources.photo_files import has_image_suffix

_UPPER = frozenset({"top", "shirt", "knitwear", "jacket", "coat", "vest"})
_RULE = (
    "VITON-HD has no retrieval protocol of its own. Here: the photo of a model in test/image asks "
    "for the garment of the same file name among all of test/cloth, and the other way round. "
    "test_pairs.txt pairs people with garments that they do not wear, and is not read."
)


def read(root: Path) -> Benchmark:
    """Read ``test/image`` and ``test/cloth``.

    Raises:
        InputError: a part is missing.
    """
    layout = Layout("VITON-HD", root)
    looks = _names(layout.need("the folder of models' photos", "test/image"))
    garments = _names(layout.need("the folder of garments", "test/cloth"))
    paired = [name for name in looks if name in set(garments)]
    if not paired:
        raise layout.wrong(root, "no file of test/image has its namesake in test/cloth")
    task = Task(
        "test",
        [Item(layout.photo(root / "test/image" / name), "look", wanted=_UPPER, cluster=name)
         for name in paired],
        [Item(layout.photo(root / "test/cloth" / name), "garment", cluster=name)
         for name in garments],
        {"item": same(paired, garments)},
        _RULE,
        regions="found",
        both_ways=True,
    )  # fmt: skip
    alone = len(looks) - len(paired)
    notes = (f"{alone} photos of models have no garment of their name: not asked.",)
    return Benchmark("viton-hd", "VITON-HD", [task], notes if alone else ())


def _names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir() if has_image_suffix(file.name))
