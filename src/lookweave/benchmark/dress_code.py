"""Dress Code (Morelli and others, ECCV 2022), as retrieval."""

from __future__ import annotations

from pathlib import Path

from lookweave.benchmark.content import Benchmark, Item, Task, same
from lookweave.benchmark.layout import Layout

_FOLDERS = {
    "upper_body": frozenset({"top", "shirt", "knitwear", "jacket", "coat", "vest"}),
    "lower_body": frozenset({"skirt", "trousers", "jeans", "shorts"}),
    "dresses": frozenset({"dress", "jumpsuit"}),
}
_NAMES = {name: name for name in _FOLDERS} | dict(zip("012", _FOLDERS, strict=True))
"""What the third column of the root's copy may say."""

_RULE = (
    "Dress Code has no retrieval protocol of its own. Here: the photo of a model asks for its "
    "garment among {gallery} of the paired test list, and the other way round. The unpaired list "
    "is no truth and is not read."
)


def read(root: Path) -> Benchmark:
    """Read the three folders with their ``test_pairs_paired.txt``, or the copy at the root.

    Raises:
        InputError: a part is missing or not as it should be.
    """
    layout = Layout("Dress Code", root)
    pairs = _pairs(layout)
    if not pairs:
        raise layout.wrong(root, "its lists of pairs are empty")
    for folder in dict.fromkeys(folder for folder, _, _ in pairs):
        layout.need(f"the photos' folder of {folder}", f"{folder}/images")
    tasks = [_task(layout, "all", "all garments", pairs)]
    for folder in _FOLDERS:
        if own := [pair for pair in pairs if pair[0] == folder]:
            tasks.append(_task(layout, folder, f"the garments of {folder}", own))
    lacking = [folder for folder in _FOLDERS if not any(pair[0] == folder for pair in pairs)]
    notes = (f"No pairs of {', '.join(lacking)} are there.",) if lacking else ()
    return Benchmark("dress-code", "Dress Code", tasks, notes)


def _pairs(layout: Layout) -> list[tuple[str, str, str]]:
    """Folder, photo of the model, photo of the garment."""
    name = "test_pairs_paired.txt"
    own = [folder for folder in _FOLDERS if layout.find(f"{folder}/{name}")]
    if own:
        return [
            (folder, model, garment)
            for folder in own
            for model, garment, *_ in layout.text_rows(layout.root / folder / name, 3, least=2)
        ]
    path = layout.need(
        "the list of pairs that belong together", *(f"{one}/{name}" for one in _FOLDERS), name
    )
    found = []
    for model, garment, *third in layout.text_rows(path, 3, least=2):
        if third and third[0] not in _NAMES:
            raise layout.wrong(path, f"it calls the folder of {model} {third[0]!r}")
        folder = _NAMES[third[0]] if third else _holding(layout, model)
        found.append((folder, model, garment))
    return found


def _holding(layout: Layout, photo: str) -> str:
    found = [folder for folder in _FOLDERS if layout.find(f"{folder}/images/{photo}")]
    if len(found) != 1:
        raise layout.missing(f"the photo {photo}", *(f"{one}/images/{photo}" for one in _FOLDERS))
    return found[0]


def _task(layout: Layout, name: str, gallery: str, pairs: list[tuple[str, str, str]]) -> Task:
    looks = list(dict.fromkeys((folder, model) for folder, model, _ in pairs))
    garments = list(dict.fromkeys((folder, garment) for folder, _, garment in pairs))
    place = {garment: at for at, garment in enumerate(garments)}
    worn = {(folder, model): place[folder, garment] for folder, model, garment in pairs}

    def photo(folder: str, file: str) -> Path:
        return layout.root / folder / "images" / file

    return Task(
        name,
        [Item(layout.photo(photo(folder, model)), "look", wanted=_FOLDERS[folder], category=folder,
              cluster=f"{folder}/{garments[worn[folder, model]][1]}") for folder, model in looks],
        [Item(layout.photo(photo(folder, garment)), "garment", category=folder,
              cluster=f"{folder}/{garment}") for folder, garment in garments],
        {"item": same([worn[look] for look in looks], list(range(len(garments))))},
        _RULE.format(gallery=gallery),
        regions="found",
        both_ways=True,
    )  # fmt: skip
