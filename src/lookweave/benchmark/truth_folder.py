"""Any folder with ``garments``, ``looks`` and a truth file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Literal

import numpy as np

from lookweave.benchmark.content import Benchmark, Item, Task
from lookweave.benchmark.layout import Layout
from lookweave.sources import manifests
from lookweave.sources.columns import plain_name
from lookweave.sources.photo_files import has_image_suffix
from lookweave.sources.pictures import looks_like_picture
from lookweave.sources.values import as_text

_RULE = (
    "Each garment that the truth names asks for its looks among all of the folder looks, and each "
    "look that it names for its garments among all of the folder garments. A hit is any that the "
    "truth gives."
)
_DIFFICULTY = ("difficulty", "view")


def read(root: Path) -> Benchmark:
    """Read the photos of ``garments`` and ``looks`` and the truth (``truth.csv``, .tsv, .xlsx,
    .json or .parquet): the columns garment and look, file names or paths below the two folders,
    and perhaps category, group (what belongs together) and difficulty or view.

    Raises:
        InputError: a part is missing, or the truth names a photo that is not there.
    """
    layout = Layout("The folder", root)
    garments = _Photos(layout, "garments", layout.need("the folder of garments", "garments"))
    looks = _Photos(layout, "looks", layout.need("the folder of looks", "looks"))
    suffixes = (".csv", ".tsv", ".xlsx", ".json", ".parquet")
    path = layout.need("the truth", *(f"truth{suffix}" for suffix in suffixes))
    rows = _rows(layout, path)
    right: dict[int, set[int]] = {}
    facts: dict[int, dict[str, str]] = {}
    for row in rows:
        garment = garments.place(path, row["garment"])
        right.setdefault(garment, set()).add(looks.place(path, row["look"]))
        facts.setdefault(garment, row)
    if not right:
        raise layout.wrong(path, "it has no rows")

    def item(at: int) -> Item:
        said = facts.get(at, {})
        category, group = said.get("category"), said.get("group") or garments.names[at]
        difficulty = next((said[name] for name in _DIFFICULTY if said.get(name)), None)
        return Item(
            garments.files[at], "garment", category=category, difficulty=difficulty, cluster=group
        )

    asked = sorted(right)
    told: dict[int, Item] = {}
    for garment in asked:
        for look in right[garment]:
            told.setdefault(look, item(garment))
    gallery = []
    for at, photo in enumerate(looks.files):
        of = told.get(at)
        cluster = of.cluster if of else looks.names[at]
        category, difficulty = (of.category, of.difficulty) if of else (None, None)
        gallery.append(
            Item(photo, "look", category=category, difficulty=difficulty, cluster=cluster)
        )
    relevant = [np.array(sorted(right[garment]), np.int64) for garment in asked]
    everything = [item(at) for at in range(len(garments.files))]
    forward = Task(
        "garment to look", [everything[at] for at in asked], gallery, {"pair": relevant}, _RULE,
        regions="found",
    )  # fmt: skip
    seen = sorted(told)
    of_look = {look: [one for one in asked if look in right[one]] for look in seen}
    backward = Task(
        "look to garment", [gallery[look] for look in seen], everything,
        {"pair": [np.array(of_look[look], np.int64) for look in seen]}, _RULE, regions="found",
    )  # fmt: skip
    return Benchmark("folder", root.resolve().name, [forward, backward])


class _Photos:
    """The photos below a folder by name."""

    def __init__(self, layout: Layout, kind: Literal["garments", "looks"], folder: Path) -> None:
        self._layout, self._kind = layout, kind
        files = [one for one in folder.rglob("*") if one.is_file() and has_image_suffix(one.name)]
        self.names = sorted(file.relative_to(folder).as_posix() for file in files)
        if not self.names:
            raise layout.wrong(folder, "there is no photo in it")
        self.files = [layout.photo(folder / name) for name in self.names]
        self._whole = {name: at for at, name in enumerate(self.names)}
        self._last: dict[str, list[int]] = {}
        for at, name in enumerate(self.names):
            self._last.setdefault(PurePosixPath(name).name, []).append(at)

    def place(self, truth: Path, name: str) -> int:
        """Position of the photo that a truth names."""
        name = name.replace("\\", "/")
        if name in self._whole:
            return self._whole[name]
        found = self._last.get(PurePosixPath(name).name, [])
        if len(found) != 1:
            many = f"{len(found)} files" if found else "no file"
            raise self._layout.wrong(truth, f"{many} of {self._kind} called {name!r}")
        return found[0]


def _rows(layout: Layout, path: Path) -> list[dict[str, str]]:
    """The rows by the plain names of their columns."""

    def header(names: Sequence[str]) -> int:
        return int({"garment", "look"} <= {plain_name(name) for name in names})

    table = manifests.open_table(path, header, picture=looks_like_picture)
    by_name = {column: plain_name(column) for column in table.columns}
    if absent := sorted({"garment", "look"} - set(by_name.values())):
        raise layout.wrong(path, f"it has no column {' and '.join(absent)}")
    found = []
    for row in manifests.rows(table):
        if row.problem:
            raise layout.wrong(path, f"line {row.line} {row.problem}")
        cells = {by_name[name]: as_text(cell) for name, cell in row.cells.items()}
        if not cells.get("garment") or not cells.get("look"):
            raise layout.wrong(path, f"line {row.line} names no garment, or no look")
        found.append(cells)
    return found
