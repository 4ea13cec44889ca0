"""What becomes of rows when files change, move, vanish and come back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.pipeline.steps.shop import Shop, id_of, photo

from lookweave.records import region_id
from lookweave.store.workspace import Workspace


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def test_file_that_changed_replaces_its_photo(shop: Shop) -> None:
    shop.put("garments/a.jpg", photo(1), modified_ns=10**18)
    shop.put("garments/b.jpg", photo(2))
    shop.ingest()
    shop.put("garments/a.jpg", photo(3), modified_ns=2 * 10**18)
    assert shop.ingest().read == 1
    assert shop.rows("garments", "name", "id") == [
        ("a.jpg", id_of(photo(3))),
        ("b.jpg", id_of(photo(2))),
    ]
    assert shop.rows("sources", "name", "id") == shop.rows("garments", "name", "id")


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


def derive(workspace: Workspace, photo: str, kind: str) -> None:
    """Rows of every table that a photo leads to."""
    region = region_id(photo, "d", 0)
    garment, look = (photo, "L" * 20) if kind == "garment" else ("G" * 20, photo)
    vector = [1.0, 0.0]
    pair = {"garment": garment, "look": look, "region": region, "recipe": "r"}
    for table, row in (
        ("regions", {"id": region, "subject": photo, "kind": kind, "detector": "d", "index": 0}),
        ("descriptions", {"subject": region, "model": "m", "kind": kind}),
        ("groups", {"subject": photo, "kind": kind, "group": photo, "how": "same_photo"}),
        ("matches", pair),
        ("pairs", {**pair, "tier": "high", "split": "train", "group": "g"}),
        ("reviews", {**pair, "reviewer": "p", "decision": "yes"}),
        ("rejects", {"step": "embed", "recipe": "r", "subject": region, "reason": "x",
                     "detail": "y"}),
    ):  # fmt: skip
        row = {name: value for name, value in row.items() if name != "recipe" or table != "reviews"}
        store = workspace.table(table)
        store.append([store.spec.table([row])])
    vectors = workspace.embeddings("e", 2)
    vectors.append([vectors.spec.table([{"subject": region, "kind": kind, "vector": vector}])])


@pytest.mark.parametrize("kind", ["garment", "look"])
def test_nothing_derived_outlives_a_photo_that_changed(shop: Shop, kind: str) -> None:
    shop.put("garments/g.jpg", photo(0))
    shop.put("looks/l.jpg", photo(9))
    changing = shop.put(f"{kind}s/a.jpg", photo(1), modified_ns=10**18)
    shop.put(f"{kind}s/b.jpg", photo(2))
    shop.ingest()
    gone, kept = id_of(photo(1)), id_of(photo(2))
    derive(shop.workspace, gone, kind)
    derive(shop.workspace, kept, kind)
    changing.write_bytes(photo(3))
    shop.ingest()
    for table in ("regions", "descriptions", "groups", "matches", "pairs", "rejects"):
        (row,) = shop.rows(table)
        assert kept in json.dumps(row), table
    subjects = shop.workspace.embeddings("e", 2).read(["subject"]).column("subject").to_pylist()
    assert subjects == [region_id(kept, "d", 0)]
    assert len(shop.rows("reviews")) == 2, "a person's work is never deleted"


def test_vanished_file_is_a_reject_until_it_comes_back(shop: Shop) -> None:
    path = shop.put("garments/a.jpg", photo(1))
    shop.put("garments/b.jpg", photo(2))
    shop.ingest()
    before = shop.tables()
    path.rename(shop.path / "away.jpg")
    for _ in range(2):
        shop.ingest()
        assert shop.rejects() == {"a.jpg": "missing_file"}
        assert shop.rows("rejects", "retry") == [True]
        assert shop.rows("garments", "name") == ["a.jpg", "b.jpg"]
    (shop.path / "away.jpg").rename(path)
    shop.ingest()
    assert shop.tables() == before
    assert shop.ingest().read == 0


def test_build_of_one_kind_leaves_the_rejects_of_the_other(shop: Shop) -> None:
    shop.put("garments/a.jpg", photo(1)).unlink()
    shop.put("garments/there.jpg", photo(4))
    shop.put("garments/manifest.csv", b"path\na.jpg\nthere.jpg\n")
    shop.put("looks/b.jpg", photo(2))
    shop.ingest(garments=(str(shop.garments / "manifest.csv"),))
    assert shop.rejects() == {"a.jpg": "missing_file"}
    shop.put("looks/c.jpg", photo(3))
    assert shop.ingest(garments=()).read == 1
    assert shop.rejects() == {"a.jpg": "missing_file"}


def test_vanished_file_with_a_copy_is_no_loss(shop: Shop) -> None:
    path = shop.put("garments/a.jpg", photo(1))
    shop.put("garments/b.jpg", photo(2))
    shop.ingest(ingest={"copy_photos": True})
    path.unlink()
    assert shop.ingest(ingest={"copy_photos": True}).read == 0
    assert shop.rejects() == {}


def test_renamed_file_and_moved_folder_are_followed(shop: Shop) -> None:
    shop.put("garments/b.jpg", photo(1))
    shop.put("garments/c.jpg", photo(2))
    shop.ingest()
    (shop.garments / "b.jpg").rename(shop.garments / "z.jpg")
    shop.ingest()
    assert shop.rejects() == {}
    assert shop.rows("garments", "name") == shop.rows("sources", "name") == ["c.jpg", "z.jpg"]
    moved = shop.path / "zz-moved"
    shop.garments.rename(moved)
    shop.ingest(garments=(str(moved),))
    assert shop.rejects() == {}
    paths = [str(moved / name) for name in ("c.jpg", "z.jpg")]
    assert shop.rows("garments", "path") == shop.rows("sources", "path") == paths
    assert shop.ingest(garments=(str(moved),)).read == 0


def test_photos_of_another_folder_are_left_alone(shop: Shop) -> None:
    shop.put("garments/a.jpg", photo(1))
    shop.put("more/b.jpg", photo(2))
    shop.ingest()
    shop.ingest(garments=(str(shop.path / "more"),))
    assert shop.rows("garments", "name") == ["a.jpg", "b.jpg"]
    assert shop.rejects() == {}


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
