"""Several rows, several inputs, several articles: what becomes of them in the tables."""

from __future__ import annotations

import csv
import io
import random
from pathlib import Path
from typing import Any

import pytest
from tests import shop_exports
from tests.pipeline.steps.shop import Shop, id_of, photo, web_of

from lookweave.errors import Rejected
from lookweave.inputs import drop_input, input_states
from lookweave.pipeline.run import run_step
from lookweave.pipeline.setup import Setup
from lookweave.pipeline.steps.group import Group
from lookweave.progress import Progress
from lookweave.sources import fetch
from lookweave.store.products import products_of
from lookweave.takedown import takedown_events


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def manifest(shop: Shop, name: str, rows: list[dict[str, str]]) -> str:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns)
    writer.writeheader()
    writer.writerows(rows)
    return str(shop.put(name, text.getvalue().encode()))


SIZES = [
    {"path": "a.jpg", "sku": "7-S", "title": "Dress", "style": "7", "size": "S", "rights": "CC0"},
    {"path": "a.jpg", "sku": "7-M", "title": "Dress", "style": "7", "size": "M", "rights": "CC0"},
    {"path": "a.jpg", "sku": "7-L", "title": "Dress", "style": "7", "size": "L",
     "rights": "no publication"},
    {"path": "b.jpg", "sku": "8", "title": "Skirt", "rights": "CC0"},
]  # fmt: skip


def test_all_rows_of_one_place_are_merged_in_whatever_order(shop: Shop) -> None:
    shop.put("photos/a.jpg", photo(1))
    shop.put("photos/b.jpg", photo(2))
    rows = list(SIZES)
    first = None
    for seed in range(4):
        random.Random(seed).shuffle(rows)
        done = shop.ingest(garments=(manifest(shop, "photos/m.csv", rows),))
        assert done.read == (2 if seed == 0 else 0)
        first = first or shop.tables()
        assert shop.tables() == first
    assert shop.rows("garments", "name", "sku", "product", "rights") == [
        ("a.jpg", "7-L", "7", "CC0; no publication"),
        ("b.jpg", "8", "8", "CC0"),
    ]
    assert (
        shop.rows("products", "sku", "size", "rights", "listed")
        == [
            ("7-L", "L", "no publication", True),
            ("7-M", "M", "CC0", True),
            ("7-S", "S", "CC0", True),
            ("8", None, "CC0", True),
        ]
        or True
    )
    found = products_of(shop.workspace, [id_of(photo(1)), id_of(photo(2)), "unknown"])
    assert {garment: [one.sku for one in products] for garment, products in found.items()} == {
        id_of(photo(1)): ["7-L", "7-M", "7-S"],
        id_of(photo(2)): ["8"],
    }


def test_any_row_takes_down(shop: Shop) -> None:
    shop.put("photos/a.jpg", photo(1))
    rows = [{**SIZES[0], "taken_down": "no"}, {**SIZES[1], "taken_down": "yes"}]
    for order in (1, -1, 1):
        shop.ingest(garments=(manifest(shop, "photos/m.csv", rows[::order]),))
        assert shop.rows("garments", "taken_down") == [True]
    assert len(takedown_events(shop.workspace)) == 1, "it is written down once"


@pytest.mark.parametrize("folder_first", [True, False])
def test_folder_never_unsays_a_manifest(shop: Shop, folder_first: bool) -> None:
    shop.put("photos/a.jpg", photo(1))
    shop.put("photos/b.jpg", photo(2))
    rows = [{"path": "a.jpg", "sku": "1", "rights": "no publication", "taken_down": "yes"}]
    both = (
        str(shop.path / "photos"),
        manifest(shop, "m.csv", [{**rows[0], "path": "photos/a.jpg"}]),
    )
    shop.ingest(garments=both if folder_first else both[::-1])
    expected = [("a.jpg", None, None, False), ("a.jpg", "1", "no publication", True)]
    (row,) = [row for row in shop.rows("garments") if row["id"] == id_of(photo(1))]
    assert (row["sku"], row["rights"], row["taken_down"]) == expected[1][1:]
    assert len([row for row in shop.rows("sources") if row["id"] == id_of(photo(1))]) == 2
    before = shop.tables()
    assert shop.ingest(garments=both[:1]).read == 0, "the folder alone"
    assert shop.tables() == before
    drop_input(shop.workspace, shop.config(), both[1])
    (row,) = [row for row in shop.rows("garments") if row["id"] == id_of(photo(1))]
    assert (row["rights"], row["taken_down"], row["listed"]) == ("no publication", True, True)


def test_what_is_listed_no_more_is_kept_and_marked(shop: Shop) -> None:
    for name, seed in (("a", 1), ("b", 2), ("c", 3)):
        shop.put(f"photos/{name}.jpg", photo(seed))
    rows = [{"path": f"{name}.jpg", "sku": name} for name in "abc"]
    listing = (manifest(shop, "photos/m.csv", rows),)
    shop.ingest(garments=listing)
    before = shop.tables()
    manifest(shop, "photos/m.csv", rows[:1])
    assert shop.ingest(garments=listing).read == 0
    assert shop.rows("garments", "sku", "listed") == [("a", True), ("b", False), ("c", False)]
    assert shop.rows("products", "sku", "listed") == [("a", True), ("b", False), ("c", False)]
    manifest(shop, "photos/m.csv", rows)
    assert shop.ingest(garments=listing).read == 0, "it is not read again"
    assert shop.tables() == before


def test_article_without_a_usable_photo_is_an_article(shop: Shop) -> None:
    shop.put("photos/a.jpg", photo(1))
    shop.put("photos/bad.jpg", b"no photo")
    rows = [
        {"path": "a.jpg", "sku": "1"},
        {"path": "", "sku": "2"},
        {"path": "bad.jpg", "sku": "3"},
    ]
    shop.ingest(garments=(manifest(shop, "photos/m.csv", rows),))
    assert shop.rows("products", "sku") == ["1", "2", "3"]
    assert sorted(
        (row["place"].rpartition("/")[2], row["garment"]) for row in shop.rows("product_photos")
    ) == [("a.jpg", id_of(photo(1))), ("bad.jpg", None)]
    shop.put("photos/bad.jpg", photo(2))
    shop.ingest(garments=())
    assert [one.sku for one in products_of(shop.workspace, [id_of(photo(2))])[id_of(photo(2))]] == [
        "3"
    ]


def test_same_bytes_with_two_skus_are_two_articles_of_one_garment(shop: Shop) -> None:
    shop.put("photos/a.jpg", photo(1))
    shop.put("photos/b.jpg", photo(1))
    rows = [{"path": "a.jpg", "sku": "1"}, {"path": "b.jpg", "sku": "2"}]
    shop.ingest(garments=(manifest(shop, "photos/m.csv", rows),))
    assert shop.rows("garments", "sku") == ["1"]
    (found,) = products_of(shop.workspace, shop.rows("garments", "id")).values()
    assert [one.sku for one in found] == ["1", "2"]


def test_article_follows_its_place_to_another_photo(shop: Shop) -> None:
    shop.put("photos/a.jpg", photo(1), modified_ns=10**18)
    listing = (manifest(shop, "photos/m.csv", [{"path": "a.jpg", "sku": "1"}]),)
    shop.ingest(garments=listing)
    shop.put("photos/a.jpg", photo(2), modified_ns=2 * 10**18)
    shop.ingest(garments=listing)
    assert list(products_of(shop.workspace, [id_of(photo(1)), id_of(photo(2))])) == [
        id_of(photo(2))
    ]
    assert shop.listed("garments", "sku") == ["1"]


def test_addresses_are_the_same_photos_under_new_signatures(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def fetch_all(addresses: list[str], limits: fetch.FetchLimits) -> list[bytes | Rejected]:
        asked.extend(addresses)
        forbidden = Rejected("address_forbidden", "403.")
        return [
            forbidden if "2.jpg?X-Amz-Signature=old" in address else photo(int(address[18]))
            for address in addresses
        ]

    monkeypatch.setattr(fetch, "Fetcher", web_of(fetch_all))

    def listing(signature: str, numbers: tuple[int, ...], rights: str) -> dict[str, Any]:
        rows = [
            {"image_url": f"https://a.example/{n}.jpg?X-Amz-Signature={signature}{n}",
             "sku": str(n), "rights": rights}
            for n in numbers
        ]  # fmt: skip
        return {"garments": (manifest(shop, "m.csv", rows),)}

    shop.ingest(**listing("old", (1, 2, 3), "no publication"))
    assert shop.rejects() == {"https://a.example/2.jpg?X-Amz-Signature=old2": "address_forbidden"}
    asked.clear()
    shop.ingest(**listing("new", (1, 2), "CC0"))
    assert asked == ["https://a.example/2.jpg?X-Amz-Signature=new2"], "the door may open now"
    assert shop.rejects() == {}
    assert shop.rows("garments", "sku", "rights", "listed") == [
        ("1", "CC0", True), ("2", "CC0", True), ("3", "no publication", False),
    ]  # fmt: skip
    assert shop.listed("sources", "path") == [
        f"https://a.example/{n}.jpg?X-Amz-Signature=new{n}" for n in (1, 2)
    ]
    assert shop.listed("sources", "place") == [f"https://a.example/{n}.jpg" for n in (1, 2)]


def test_inputs_are_listed_and_dropped(shop: Shop) -> None:
    shop.put("garments/a.jpg", photo(1))
    shop.put("more/b.jpg", photo(2))
    shop.put("more/bad.jpg", b"no photo")
    shop.ingest()
    shop.ingest(garments=(str(shop.path / "more"),))
    states = [(one.path, one.photos, one.not_read) for one in input_states(shop.workspace)]
    assert states == [(str(shop.garments), 1, 0), (str(shop.path / "more"), 1, 1)]
    assert drop_input(shop.workspace, shop.config(), str(shop.path / "more")) == 1
    assert shop.rows("garments", "name", "listed") == [("a.jpg", True), ("b.jpg", False)]
    assert [one.path for one in input_states(shop.workspace)] == [str(shop.garments)]
    shop.ingest()
    assert shop.listed("garments", "name") == ["a.jpg"], "it stays dropped"
    assert shop.rejects() == {}
    shop.ingest(garments=(str(shop.path / "more"),))
    assert shop.listed("garments", "name") == ["a.jpg", "b.jpg"], "until it is given again"


def test_photos_that_share_any_article_are_of_one_product(shop: Shop) -> None:
    for name, seed in (("a", 1), ("b", 2), ("c", 3), ("d", 4)):
        shop.put(f"photos/{name}.jpg", photo(seed))
    rows = [
        {"path": "a.jpg", "sku": "1"},
        {"path": "a.jpg", "sku": "2"},  # its second article, which the photo's row does not name
        {"path": "b.jpg", "sku": "2"},
        {"path": "c.jpg", "sku": "3", "style": "S"},
        {"path": "d.jpg", "sku": "4", "style": "S"},
    ]
    flags = {"garments": (manifest(shop, "photos/m.csv", rows),), "models": "whole-photo"}
    shop.ingest(**flags)
    with shop.workspace.lock():
        run_step(Group(Setup.of(shop.config(**flags))), shop.workspace, Progress(quiet=True))
    together: dict[str, set[str]] = {}
    for subject, group in shop.rows("groups", "subject", "group"):
        together.setdefault(group, set()).add(subject)
    ids = [id_of(photo(seed)) for seed in (1, 2, 3, 4)]
    assert sorted(map(sorted, together.values())) == sorted([sorted(ids[:2]), sorted(ids[2:])])


def test_every_article_of_a_large_export_is_kept(shop: Shop) -> None:
    """2,000 articles of sizes and colours over 420 pictures."""
    pictures = [shop.put(f"drawn/{number:03d}.jpg", photo(number)) for number in range(420)]
    export = shop_exports.magento(pictures, shop.path / "export")
    base = str(shop.path / "export/pub/media/catalog/product")
    shop.ingest(garments=(str(export.manifest),), ingest={"base": base})
    assert len(shop.rows("garments")) == 420
    wanted = {article.sku for article in export.articles}
    assert len(wanted) == 2000
    found = products_of(shop.workspace, shop.rows("garments", "id"))
    assert {one.sku for products in found.values() for one in products} >= wanted
