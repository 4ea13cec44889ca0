"""A workspace that an earlier version built is adopted by the first build."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import lance
import pyarrow as pa
import pytest
from tests.pipeline.steps.shop import Shop, id_of, photo

from lookweave.pipeline.run import run_step
from lookweave.pipeline.setup import Setup
from lookweave.pipeline.steps.describe import Describe
from lookweave.pipeline.steps.detect import Detect
from lookweave.pipeline.steps.embed import Embed
from lookweave.progress import Progress
from lookweave.records import GARMENT, SOURCE
from lookweave.store.takedowns import SHOWN, down
from lookweave.store.workspace import Workspace
from lookweave.takedown import lift_takedown, takedown_events

NEW = {
    "sources": {"place", "input", "takedowns", "takedown_due", "listed"},
    "garments": {"listed"},
}


def as_it_was(shop: Shop, table: str, rows: list[dict[str, Any]]) -> None:
    """Write a table with the columns that the first version had."""
    spec = {"sources": SOURCE, "garments": GARMENT}[table]
    schema = pa.schema([field for field in spec.schema if field.name not in NEW[table]])
    path = shop.workspace.path / "tables" / f"{table}.lance"
    lance.write_dataset(pa.Table.from_pylist(rows, schema=schema), str(path), schema=schema)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """Two garments of a manifest, one of them taken down, and one that no input lists."""
    shop = Shop(tmp_path)
    sources, garments = [], []
    for name, seed, taken_down in (("a", 1, False), ("b", 2, True), ("gone", 3, False)):
        path = shop.put(f"garments/{name}.jpg", photo(seed))
        state = path.stat()
        known = {"path": str(path), "name": f"{name}.jpg", "id": id_of(photo(seed))}
        said = {"rights": "CC0", "taken_down": taken_down}
        sources.append(
            {**known, **said, "kind": "garment", "size": state.st_size,
             "modified_ns": state.st_mtime_ns, "metadata": f'{{"sku": "{name}"}}'}
        )  # fmt: skip
        garments.append(
            {**known, **said, "sku": name, "width": 160, "height": 120, "format": "JPEG",
             "bytes": len(photo(seed)), "metadata": "{}"}
        )  # fmt: skip
    as_it_was(shop, "sources", sources)
    as_it_was(shop, "garments", garments)
    return shop


def manifest(shop: Shop, **columns: str) -> tuple[str, ...]:
    path = shop.path / "m.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "sku", *columns])
        writer.writerows([f"garments/{name}.jpg", name, *columns.values()] for name in "ab")
    return (str(path),)


def test_readers_see_it_as_it_was(shop: Shop) -> None:
    reader = Workspace.open(shop.workspace.path)
    assert reader.table("garments").count(SHOWN) == 2
    assert reader.table("products").count() == 0 and down(reader) == set()


def test_first_build_adopts_it_and_reads_no_photo_again(shop: Shop) -> None:
    shop.workspace = Workspace.create(shop.workspace.path)
    assert shop.ingest(garments=manifest(shop)).read == 0
    assert shop.rows("garments", "sku", "taken_down", "listed") == [
        ("a", False, True),
        ("b", True, True),
        ("gone", False, False),
    ]
    assert [row["place"] for row in shop.rows("sources") if row["place"] is None] == []
    assert shop.rows("products", "sku") == ["a", "b"]
    (event,) = takedown_events(shop.workspace)
    assert (event.name, event.stands) == ("b.jpg", True), "an earlier takedown holds"
    before = shop.tables()
    assert shop.ingest(garments=()).read == 0
    assert shop.tables() == before
    lift_takedown(shop.workspace, shop.config(), "b.jpg")
    shop.ingest(garments=())
    assert shop.rows("garments", "taken_down") == [False, False, False]


def test_category_that_comes_later_makes_cut_outs_again(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    for name, seed in (("a", 1), ("b", 2)):
        shop.put(f"garments/{name}.jpg", photo(seed))

    def build(**columns: str) -> list[int]:
        flags = {"garments": manifest(shop, **columns), "models": "whole-photo"}
        shop.ingest(**flags)
        setup = Setup.of(shop.config(**flags))
        quiet = Progress(quiet=True)
        with shop.workspace.lock():
            return [
                run_step(step(setup), shop.workspace, quiet).read
                for step in (Detect, Describe, Embed)
            ]

    assert build() == [2, 2, 2]
    assert build() == build(colour="red") == [0, 0, 0]
    assert build(category="dress") == [2, 2, 2]
    assert build(category="Dresses") == [0, 0, 0], "the same word of the taxonomy"
    assert build(category="trousers") == [2, 2, 2]
    assert {row["made_of"] for row in shop.workspace.table("regions").read().to_pylist()} == {
        "trousers"
    }
    assert shop.workspace.table("descriptions").count() == 2
