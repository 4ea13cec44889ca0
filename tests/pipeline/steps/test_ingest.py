from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from tests import bad_inputs, odd_files
from tests.photo_bytes import encoded, upright
from tests.pipeline.steps.shop import Shop, id_of, photo, web_of

from lookweave import photos
from lookweave.errors import InputError, Rejected
from lookweave.pipeline import run as pipeline
from lookweave.pipeline.setup import Setup
from lookweave.pipeline.steps.ingest import Ingest, photo_rows
from lookweave.records import file_sha256
from lookweave.sources import fetch
from lookweave.store.workspace import Workspace

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def no_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("decoded again")

    monkeypatch.setattr(photos, "load", never)


def test_photo_becomes_rows_and_a_thumbnail(shop: Shop) -> None:
    content = photo(1)
    path = shop.put("garments/a.jpg", content)
    shop.put("looks/l.png", encoded(upright(600, 800), "PNG"))
    done = shop.ingest()
    assert (done.read, done.written, done.rejected) == (2, 2, 0)
    (garment,) = shop.rows("garments")
    assert garment | {"phash": None} == {
        "id": id_of(content), "path": str(path), "name": "a.jpg", "width": 160, "height": 120,
        "format": "JPEG", "bytes": len(content), "sha256": file_sha256(path), "phash": None,
        "sku": None, "title": None, "brand": None, "category": None, "price": None, "url": None,
        "rights": None, "taken_down": False, "product": None, "metadata": "{}",
        "listed": True,
    }  # fmt: skip
    (look,) = shop.rows("looks")
    assert (look["name"], look["width"], look["height"], look["format"]) == (
        "l.png",
        600,
        800,
        "PNG",
    )
    source = next(row for row in shop.rows("sources") if row["kind"] == "garment")
    assert (source["size"], source["modified_ns"]) == (len(content), path.stat().st_mtime_ns)
    with Image.open(shop.workspace.thumbnail_path(look["id"])) as thumbnail:
        assert (thumbnail.format, thumbnail.size) == ("JPEG", (288, 384))
    assert not shop.workspace.copy_path(look["id"]).exists()


def test_perceptual_hash_is_near_for_the_same_picture_and_far_for_another(shop: Shop) -> None:
    from imagehash import hex_to_hash

    coarse = np.random.default_rng(3).integers(0, 256, (6, 8, 3), np.uint8)
    picture = Image.fromarray(coarse).resize((640, 480), Image.Resampling.BICUBIC)
    shop.put("garments/a.png", encoded(picture, "PNG"))
    shop.put("garments/b.jpg", encoded(picture.resize((320, 240)), "JPEG", quality=60))
    shop.put("garments/c.png", encoded(upright(640, 480), "PNG"))
    shop.ingest()
    first, second, other = (hex_to_hash(row[1]) for row in shop.rows("garments", "name", "phash"))
    assert first - second <= 4
    assert first - other > 16


def test_every_file_of_the_corpus_is_a_source_or_a_reject(shop: Shop) -> None:
    expected: dict[str, str | None] = odd_files.plant(shop.garments)
    for case in bad_inputs.cases():
        if case.name.lower().endswith(".heic"):
            pytest.importorskip("pillow_heif")
        shop.put(f"garments/{case.name}", case.make())
        reads = isinstance(case.outcome, bad_inputs.Reads)
        expected[case.name] = None if reads else case.outcome.reason  # type: ignore[union-attr]
    listed = {name for name, outcome in expected.items() if outcome != odd_files.PASSED_OVER}
    limits = {"max_bytes": bad_inputs.MAX_BYTES, "min_side": bad_inputs.MIN_SIDE}
    done = shop.ingest(ingest=limits, run={"workers": 2, "batch_rows": 16})
    rejects = shop.rejects()
    read = shop.listed("sources", "name")
    assert sorted([*read, *rejects]) == sorted(listed)
    assert {name: rejects.get(name) for name in listed} == {name: expected[name] for name in listed}
    assert done.read == len(listed) >= 60
    assert all(row["detail"].endswith(".") for row in shop.rows("rejects"))
    assert set(shop.listed("sources", "id")) == set(shop.rows("garments", "id"))
    again = shop.ingest(ingest=limits)
    assert again.written == 0
    assert again.read == sum(shop.rows("rejects", "retry")), "only what may be tried again"


def test_second_run_reads_nothing(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(7):
        shop.put(f"garments/{seed}.jpg", photo(seed))
    shop.put("garments/bad.jpg", b"no photo")
    shop.ingest()
    before = shop.tables()
    no_decoding(monkeypatch)
    assert shop.ingest().read == 0
    assert shop.tables() == before


def test_adding_one_photo_reads_one(shop: Shop) -> None:
    shop.put("garments/a.jpg", photo(1))
    shop.ingest()
    shop.put("garments/0.jpg", photo(2))
    assert shop.ingest().read == 1
    assert shop.rows("garments", "name") == ["0.jpg", "a.jpg"]


def test_photo_in_several_places_has_one_row_from_the_smallest_path(shop: Shop) -> None:
    for name in ("c", "a/b", "b"):
        shop.put(f"garments/{name}.jpg", photo(1))
    shop.put("garments/other.jpg", photo(2))
    assert shop.ingest().written == 4
    assert shop.rows("garments", "name") == ["a/b.jpg", "other.jpg"]
    assert Counter(shop.rows("sources", "id")) == {id_of(photo(1)): 3, id_of(photo(2)): 1}


def test_takedown_and_rights_of_any_source_hold_for_the_photo(shop: Shop) -> None:
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        shop.put(f"photos/{name}", photo(1))
    rows = "path,rights,taken_down\na.jpg,CC0,\nb.jpg,no publication,yes\nc.jpg,CC0,no\n"
    manifest = shop.put("photos/m.csv", rows.encode())
    shop.ingest(garments=(str(manifest),))
    (row,) = shop.rows("garments")
    assert (row["name"], row["taken_down"], row["rights"]) == ("a.jpg", True, "CC0; no publication")
    shop.put("photos/m.csv", rows.replace(",yes", ",no").replace("no publication", "CC0").encode())
    shop.ingest(garments=(str(manifest),))
    (row,) = shop.rows("garments")
    assert row["rights"] == "CC0", "the last listing's rights count"
    assert row["taken_down"], "a takedown holds until it is lifted in words"


def test_rows_do_not_depend_on_the_order_of_commits(shop: Shop, tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 2), ("c", 1), ("d", 2), ("e", 1)):
        shop.put(f"garments/{name}.jpg", photo(seed))
    config = shop.config(run={"workers": 1, "batch_rows": 1})
    step = Ingest(Setup.of(config))
    worker = step.worker(shop.workspace, step.setup)
    plan = step.plan(shop.workspace)
    outcomes = [worker(batch) for batch in plan.batches]
    other = Workspace.create(tmp_path / "other")
    assert plan.settle is not None
    for workspace, order in ((shop.workspace, outcomes), (other, outcomes[::-1])):
        plan.settle(workspace)
        for outcome in order:
            step.commit(workspace, pipeline.split(outcome, step.spec)[0])
    for table in ("garments", "sources"):
        rows = [w.table(table).read().to_pylist() for w in (shop.workspace, other)]
        assert sorted(rows[0], key=json.dumps) == sorted(rows[1], key=json.dumps)
    assert shop.rows("garments", "name") == ["a.jpg", "b.jpg"]


@pytest.mark.parametrize("calls", [0, 1, 3, 5])
def test_killed_and_resumed_equals_uninterrupted(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    for number in range(12):
        content = b"bad" * number if number % 4 == 1 else photo(number % 5)
        shop.put(f"garments/{number:02d}.jpg", content)
    run = {"workers": 1, "batch_rows": 2, "commit_rows": 1}
    whole = Shop(tmp_path / "whole")
    whole.garments = shop.garments
    whole.ingest(run=run)
    commit, left = Ingest.commit, [calls]

    def killed(self: Ingest, workspace: Workspace, rows: pa.Table) -> None:
        if not left[0]:
            # Between photos and sources: the worst moment.
            monkeypatch.setattr(photo_rows, "SOURCE", None)
        left[0] -= 1
        commit(self, workspace, rows)

    with monkeypatch.context() as patched:
        patched.setattr(Ingest, "commit", killed)
        with pytest.raises(AttributeError):
            shop.ingest(run=run)
        monkeypatch.undo()
    shop.ingest(run=run)
    assert shop.tables() == whole.tables()


def test_other_limits_look_again_at_what_was_turned_away(shop: Shop) -> None:
    shop.put("garments/small.png", encoded(upright(40, 40), "PNG"))
    shop.put("garments/tiny.png", encoded(upright(8, 8), "PNG"))
    shop.put("garments/large.jpg", photo(1))
    shop.ingest(ingest={"min_side": 64})
    assert shop.rejects() == {"small.png": "too_small", "tiny.png": "too_small"}
    assert shop.ingest(ingest={"min_side": 32}).read == 2
    assert shop.rows("rejects", "name") == ["tiny.png"], "and only once"
    assert shop.rows("garments", "name") == ["large.jpg", "small.png"]


def test_copies_are_made_also_when_asked_for_later(shop: Shop) -> None:
    shop.put("garments/a.jpg", photo(1))
    shop.ingest()
    copy = shop.workspace.copy_path(id_of(photo(1)))
    assert not copy.exists()
    assert shop.ingest(ingest={"copy_photos": True}).read == 1
    assert copy.read_bytes() == photo(1)
    assert shop.ingest(ingest={"copy_photos": True}).read == 0


def test_manifest_fills_the_columns_and_an_edit_updates_them(shop: Shop) -> None:
    shop.put("photos/a.jpg", photo(1))
    shop.put("photos/l.jpg", photo(2))
    garments = shop.put(
        "photos/g.csv", "image;sku;price;fit\na.jpg;7;€ 1.299,00;slim\n".encode("cp1252")
    )
    looks = shop.put("photos/l.csv", b"file,photographer,season\nl.jpg,P. P.,SS26\n")
    both = {"garments": (str(garments),), "looks": (str(looks),)}
    shop.ingest(**both)
    (row,) = shop.rows("garments")
    assert (row["sku"], row["product"], row["price"]) == ("7", "7", 1299.0)
    assert json.loads(row["metadata"]) == {"price": "€ 1.299,00", "fit": "slim"}
    (look,) = shop.rows("looks")
    assert (look["photographer"], look["season"]) == ("P. P.", "SS26")
    garments.write_text("image;sku;price;fit\na.jpg;8;12;wide\n")
    assert shop.ingest(**both).read == 0, "the photo is not read again"
    (row,) = shop.rows("garments")
    assert (row["sku"], row["price"], row["metadata"]) == ("8", 12.0, '{"fit": "wide"}')


def test_missing_and_unnamed_photos_of_a_manifest(shop: Shop) -> None:
    shop.put("photos/a.jpg", photo(1))
    rows = b"path,sku\na.jpg,1\ngone.jpg,2\n,3\na.jpg,4\n"
    manifest = (str(shop.put("photos/m.csv", rows)),)
    assert shop.ingest(garments=manifest).read == 3, "a photo that is listed twice is read once"
    assert shop.rejects() == {"gone.jpg": "missing_file", "m.csv:4": "no_photo_named"}
    assert shop.rows("garments", "sku") == ["1"], "its first row counts"
    shop.put("photos/gone.jpg", photo(2))
    shop.put("photos/m.csv", b"path,sku\na.jpg,1\ngone.jpg,2\n")
    shop.ingest(garments=manifest)
    assert shop.rejects() == {}


def test_overlapping_folders_list_each_photo_once(shop: Shop) -> None:
    shop.put("garments/in/a.jpg", photo(1))
    shop.put("garments/b.jpg", photo(2))
    places = (str(shop.garments / "in"), str(shop.garments), str(shop.garments))
    config = shop.config(garments=places)
    todo = Ingest(Setup.of(config)).plan(shop.workspace)
    names = pa.concat_tables(todo.batches).column("name").to_pylist()
    assert names == ["a.jpg", "b.jpg"]
    assert todo.count == 2


def test_same_photos_as_garments_and_looks(shop: Shop) -> None:
    shop.put("garments/a.jpg", photo(1))
    shop.put("garments/bad.jpg", b"bad")
    same = (str(shop.garments),)
    shop.ingest(garments=same, looks=same)
    assert shop.rows("garments", "id") == shop.rows("looks", "id") == [id_of(photo(1))]
    assert len(shop.listed("sources", "id")) == 2
    assert shop.rows("rejects", "name") == ["bad.jpg"]
    assert shop.ingest(garments=same, looks=same).read == 0


def test_file_that_changes_between_listing_and_reading(shop: Shop) -> None:
    shop.put("garments/a.jpg", photo(1), modified_ns=10**18)
    shop.put("garments/b.jpg", photo(2))
    config = shop.config()
    step = Ingest(Setup.of(config))
    todo = step.plan(shop.workspace)
    shop.put("garments/a.jpg", photo(3), modified_ns=2 * 10**18)
    (shop.garments / "b.jpg").unlink()
    worker = step.worker(shop.workspace, step.setup)
    outcome = pa.concat_tables([worker(batch) for batch in todo.batches])
    rows, rejects = pipeline.split(outcome, step.spec)
    assert rows.column("id").to_pylist() == [id_of(photo(3))]
    assert rows.column("modified_ns").to_pylist() == [2 * 10**18]
    assert rejects.column("reason").to_pylist() == ["missing_file"]


def test_addresses(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    web: dict[str, bytes | Rejected] = {
        "https://a.example/1.jpg": photo(1),
        "https://a.example/2.jpg": Rejected("address_not_found", "404."),
        "https://a.example/3.jpg": Rejected("server_error", "500.", retry=True),
        "https://a.example/4.jpg": b"<!doctype html><html>log in",
    }
    asked: list[str] = []

    def fetch_all(addresses: list[str], limits: fetch.FetchLimits) -> list[bytes | Rejected]:
        assert (limits.timeout, limits.redirects) == (3.0, 5)
        asked.extend(addresses)
        return [web[address] for address in addresses]

    monkeypatch.setattr(fetch, "Fetcher", web_of(fetch_all))
    shop.put("photos/local.jpg", photo(5))
    rows = ["image_url,sku", *(f"{address},s" for address in web), "local.jpg,s"]
    manifest = (str(shop.put("photos/m.csv", "\n".join(rows).encode())),)
    given: dict[str, Any] = {
        "garments": manifest, "looks": manifest, "ingest": {"http_timeout": 3.0},
        "run": {"workers": 1, "batch_rows": 99},
    }  # fmt: skip
    shop.ingest(**given)
    assert shop.rows("garments", "path") == [
        str(shop.path / "photos/local.jpg"),
        "https://a.example/1.jpg",
    ]
    found = id_of(photo(1))
    assert shop.workspace.copy_path(found).read_bytes() == photo(1)
    assert shop.workspace.photo_path(found, "https://a.example/1.jpg").endswith(found)
    assert shop.rejects() == {
        "https://a.example/2.jpg": "address_not_found",
        "https://a.example/3.jpg": "server_error",
        "https://a.example/4.jpg": "not_an_image",
    }
    asked.clear()
    web["https://a.example/3.jpg"] = photo(3)
    shop.ingest(**given)
    assert set(asked) == {"https://a.example/3.jpg"}, "only what may be tried again"
    assert "https://a.example/3.jpg" not in shop.rejects()
    assert shop.ingest(**given).read == 0


def test_places_that_cannot_be_used_stop_before_any_work(shop: Shop) -> None:
    shop.put("garments/a.jpg", photo(1))
    with pytest.raises(InputError, match="does not exist"):
        shop.ingest(looks=(str(shop.path / "none"),))
    assert shop.rows("sources") == []
    assert shop.ingest(garments=(), looks=()).read == 0


def test_nothing_is_left_lying_about(shop: Shop) -> None:
    for seed in range(5):
        shop.put(f"garments/{seed}.jpg", photo(seed % 2))
    shop.ingest()
    left = [path for path in shop.workspace.path.rglob("*") if path.suffix in (".tmp", ".arrow")]
    assert left == []
    shutil.rmtree(shop.path)


def test_a_photo_read_again_gets_a_jpeg_beside_an_earlier_versions_webp(shop: Shop) -> None:
    shop.put("garments/a.jpg", photo(1))
    shop.put("looks/l.jpg", photo(2))
    shop.ingest()
    garment = shop.rows("garments")[0]["id"]
    now = shop.workspace.thumbnail_path(garment)
    earlier = now.with_suffix(".webp")
    now.rename(earlier)
    assert shop.workspace.thumbnail_path(garment) == earlier
    path = shop.put("garments/a.jpg", photo(1))
    os.utime(path, ns=(1, 1))
    shop.ingest()
    assert shop.workspace.thumbnail_path(garment) == now
