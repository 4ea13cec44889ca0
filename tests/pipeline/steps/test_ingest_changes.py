"""What becomes of rows when files change, move, vanish and come back."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.pipeline.steps.shop import Shop, id_of, photo

from lookweave.errors import InputError


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def test_file_that_changed_replaces_its_photo(shop: Shop) -> None:
    shop.put("garments/a.jpg", photo(1), modified_ns=10**18)
    shop.put("garments/b.jpg", photo(2))
    shop.ingest()
    shop.put("garments/a.jpg", photo(3), modified_ns=2 * 10**18)
    assert shop.ingest().read == 1
    assert shop.listed("garments", "name", "id") == [
        ("a.jpg", id_of(photo(3))),
        ("b.jpg", id_of(photo(2))),
    ]
    assert shop.listed("sources", "name", "id") == shop.listed("garments", "name", "id")
    assert shop.rows("garments", "id", "listed") == sorted(
        [(id_of(photo(1)), False), (id_of(photo(2)), True), (id_of(photo(3)), True)]
    ), "the photo that was replaced is kept and marked"


def test_photo_that_changed_in_one_place_lives_on_in_the_other(shop: Shop) -> None:
    shop.put("garments/a.jpg", photo(1), modified_ns=10**18)
    shop.put("garments/b.jpg", photo(1))
    shop.ingest()
    shop.put("garments/a.jpg", photo(3), modified_ns=2 * 10**18)
    shop.ingest()
    assert shop.rows("garments", "name", "id") == [
        ("a.jpg", id_of(photo(3))),
        ("b.jpg", id_of(photo(1))),
    ]


def test_two_files_that_changed_places(shop: Shop) -> None:
    shop.put("garments/a.jpg", photo(1), modified_ns=10**18)
    shop.put("garments/b.jpg", photo(2), modified_ns=10**18)
    shop.ingest()
    shop.put("garments/a.jpg", photo(2), modified_ns=2 * 10**18)
    shop.put("garments/b.jpg", photo(1), modified_ns=2 * 10**18)
    shop.ingest()
    expected = [("a.jpg", id_of(photo(2))), ("b.jpg", id_of(photo(1)))]
    assert shop.rows("garments", "name", "id") == expected
    assert shop.rows("sources", "name", "id") == expected


def test_vanished_file_is_listed_no_more_until_it_comes_back(shop: Shop) -> None:
    path = shop.put("garments/a.jpg", photo(1))
    shop.put("garments/b.jpg", photo(2))
    shop.ingest()
    before = shop.tables()
    path.rename(shop.path / "away.jpg")
    for _ in range(2):
        shop.ingest()
        assert shop.rejects() == {}
        assert shop.rows("garments", "name", "listed") == [("a.jpg", False), ("b.jpg", True)]
    (shop.path / "away.jpg").rename(path)
    assert shop.ingest().read == 0
    assert shop.tables() == before


def test_folder_that_is_gone_or_empty_as_a_whole_is_an_error_and_no_removal(shop: Shop) -> None:
    path = shop.put("garments/a.jpg", photo(1))
    shop.put("looks/b.jpg", photo(2))
    shop.ingest()
    before = shop.tables()
    path.unlink()
    with pytest.raises(InputError, match=r"holds no photo.*--drop"):
        shop.ingest()
    shop.garments.rmdir()
    with pytest.raises(InputError, match=r"does not exist.*--drop"):
        shop.ingest()
    assert shop.tables() == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_folder_that_cannot_be_looked_into_removes_nothing(shop: Shop) -> None:
    shop.put("garments/in/a.jpg", photo(1))
    shop.put("garments/b.jpg", photo(2))
    shop.ingest()
    (shop.garments / "in").chmod(0)
    try:
        shop.ingest()
    finally:
        (shop.garments / "in").chmod(0o700)
    assert shop.rows("garments", "listed") == [True, True]
    assert list(shop.rejects().values()) == ["unreadable_folder"]


def test_build_of_one_kind_leaves_the_rejects_of_the_other(shop: Shop) -> None:
    shop.put("garments/a.jpg", photo(1)).unlink()
    shop.put("garments/there.jpg", photo(4))
    shop.put("garments/manifest.csv", b"path\na.jpg\nthere.jpg\n")
    shop.put("looks/b.jpg", photo(2))
    shop.ingest(garments=(str(shop.garments / "manifest.csv"),))
    assert shop.rejects() == {"a.jpg": "missing_file"}
    shop.put("looks/c.jpg", photo(3))
    assert shop.ingest(garments=()).written == 1, "inputs add up: the manifest is listed again"
    assert shop.rejects() == {"a.jpg": "missing_file"}


def test_vanished_file_with_a_copy_is_no_loss(shop: Shop) -> None:
    path = shop.put("garments/a.jpg", photo(1))
    shop.put("garments/b.jpg", photo(2))
    shop.ingest(ingest={"copy_photos": True})
    path.unlink()
    assert shop.ingest(ingest={"copy_photos": True}).read == 0
    assert shop.rejects() == {}


def test_renamed_file_is_the_same_photo(shop: Shop) -> None:
    shop.put("garments/b.jpg", photo(1))
    shop.put("garments/c.jpg", photo(2))
    shop.ingest()
    (shop.garments / "b.jpg").rename(shop.garments / "z.jpg")
    shop.ingest()
    assert shop.rejects() == {}
    assert shop.rows("garments", "name") == shop.listed("sources", "name") == ["c.jpg", "z.jpg"]
    assert shop.listed("garments", "name") == ["c.jpg", "z.jpg"]


def test_inputs_add_up(shop: Shop) -> None:
    shop.put("garments/a.jpg", photo(1))
    shop.put("more/b.jpg", photo(2))
    shop.ingest()
    shop.put("more/bad.jpg", b"no photo")
    shop.ingest(garments=(str(shop.path / "more"),))
    assert shop.listed("garments", "name") == ["a.jpg", "b.jpg"]
    shop.put("garments/c.jpg", photo(3))
    assert shop.ingest(garments=(str(shop.path / "more"),)).read == 1, "the first is listed too"
    assert shop.listed("garments", "name") == ["a.jpg", "b.jpg", "c.jpg"]
    assert list(shop.rejects()) == ["bad.jpg"]
    assert [row["photos"] for row in shop.rows("inputs")] == [2, 2]


def test_reject_goes_when_the_file_is_mended_or_deleted(shop: Shop) -> None:
    shop.put("garments/a.jpg", photo(1)[:-500], modified_ns=10**18)
    shop.put("garments/b.jpg", b"", modified_ns=10**18)
    shop.put("garments/c.jpg", photo(2))
    shop.ingest()
    assert shop.rejects() == {"a.jpg": "truncated_image", "b.jpg": "empty_file"}
    assert shop.ingest().read == 0
    shop.put("garments/a.jpg", photo(1), modified_ns=2 * 10**18)
    (shop.garments / "b.jpg").unlink()
    shop.ingest()
    assert shop.rejects() == {}
    assert shop.rows("garments", "name") == ["a.jpg", "c.jpg"]
