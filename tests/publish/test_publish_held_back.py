"""What must not go out does not, anywhere, and is told."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import imagehash
import pyarrow.parquet as pq
import pytest
import webdataset
from PIL import Image
from tests.publish.shop import SHAPE, Publisher, Shop, drawn

from lookweave.errors import ConfigError, InputError, PublishError
from lookweave.publish import export, summary_text
from lookweave.store.workspace import Workspace

TOTAL = sum(SHAPE.values())


def held(folder: Path) -> dict[str, list[str]]:
    """Reason -> the photos that are the reason."""
    found: dict[str, list[str]] = {}
    with (folder / "held_back.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            found.setdefault(row["reason"], []).append(row["photo"])
    return found


def pictures(folder: Path) -> Iterator[Image.Image]:
    """Every picture in every shard of every format, whatever the metadata say."""
    for shard in folder.rglob("*.parquet"):
        for row in pq.read_table(shard).to_pylist():
            for value in row.values():
                if isinstance(value, dict) and value.get("bytes"):
                    yield Image.open(io.BytesIO(value["bytes"]))
    for shard in folder.rglob("*.tar"):
        for sample in webdataset.WebDataset(str(shard), shardshuffle=False).decode("pil"):
            yield from (value for value in sample.values() if isinstance(value, Image.Image))


def shows(folder: Path, photo: Path) -> bool:
    """Whether any published picture looks like `photo`."""
    with Image.open(photo) as image:
        wanted = imagehash.phash(image)
    return any(wanted - imagehash.phash(picture) <= 4 for picture in pictures(folder))


def everything_with(word: bytes, folder: Path) -> list[str]:
    return [
        path.name for path in folder.rglob("*")
        if path.is_file() and word in path.read_bytes() and path.name != "held_back.csv"
    ]  # fmt: skip


def test_the_probe_finds_what_is_there(shop: Shop, publish_shop: Publisher, tmp_path: Path) -> None:
    _, look = shop.couple("seen", "high", "train")
    publish_shop(shop, tmp_path / "out")
    assert shows(tmp_path / "out", shop.photos / "seen.jpg")
    assert shows(tmp_path / "out", shop.photos / "seen-look.jpg")
    assert len(everything_with(look.encode(), tmp_path / "out")) == 2


@pytest.mark.parametrize(
    ("more", "reason", "of"),
    [
        ({"garment_taken_down": True}, "taken_down", "garment"),
        ({"look_taken_down": True}, "taken_down", "look"),
        ({"look_rights": "© X, All  Rights Reserved"}, "rights_forbid", "look"),
        ({"garment_rights": "internal"}, "rights_forbid", "garment"),
    ],
)
def test_rights_and_takedowns(
    shop: Shop,
    publish_shop: Publisher,
    tmp_path: Path,
    more: dict[str, object],
    reason: str,
    of: str,
) -> None:
    garment, look = shop.couple("kept-in", "high", "train", **more)
    summary = publish_shop(shop, tmp_path / "out")
    photo = {"garment": garment, "look": look}[of]
    assert held(tmp_path / "out") == {reason: [photo]}
    assert summary["held_back"] == {reason: 1} and summary["total"] == TOTAL
    name = "kept-in.jpg" if of == "garment" else "kept-in-look.jpg"
    assert not shows(tmp_path / "out", shop.photos / name)
    assert everything_with(photo.encode(), tmp_path / "out") == []


@pytest.mark.parametrize("more", [{"taken_down": True}, {"rights": "do not publish"}])
def test_any_source_of_the_same_bytes_counts(
    shop: Shop, publish_shop: Publisher, tmp_path: Path, more: dict[str, object]
) -> None:
    _, look = shop.couple("kept-in", "high", "train")
    shop.write("sources", kind="look", path="/elsewhere.jpg", name="elsewhere.jpg", id=look, **more)
    publish_shop(shop, tmp_path / "out")
    assert list(held(tmp_path / "out").values()) == [[look]]
    assert not shows(tmp_path / "out", shop.photos / "kept-in-look.jpg")


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"taken_down": True}, "duplicate_taken_down"),
        ({"rights": "private"}, "duplicate_rights_forbid"),
    ],
)
def test_a_near_duplicate_of_what_may_not_go_out_stays_in(
    shop: Shop, publish_shop: Publisher, tmp_path: Path, more: dict[str, object], reason: str
) -> None:
    _, look = shop.couple("copy", "high", "train")
    with Image.open(shop.photos / "copy-look.jpg") as image:
        first = shop.photo("look", "first.jpg", image=image.resize((200, 300)), **more)
    for photo in (look, first):
        shop.write("groups", subject=photo, kind="look", group=min(look, first), how="same_photo")
        shop.write("groups", subject=photo, kind="look", group="shoot", how="same_shoot")
    # A photo of the same shoot is another photo.
    neighbour = shop.workspace.table("pairs").read(where="tier = 'medium'").to_pylist()[0]["look"]
    shop.write("groups", subject=neighbour, kind="look", group="shoot", how="same_shoot")
    summary = publish_shop(shop, tmp_path / "out")
    assert held(tmp_path / "out") == {reason: [look]}
    assert summary["total"] == TOTAL
    assert not shows(tmp_path / "out", shop.photos / "copy-look.jpg")


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"taken_down": True}, "duplicate_taken_down"),
        ({"rights": "private"}, "duplicate_rights_forbid"),
    ],
)
def test_a_near_duplicate_of_the_other_kind_stays_in(
    shop: Shop, publish_shop: Publisher, tmp_path: Path, more: dict[str, object], reason: str
) -> None:
    """A product photo that is down is not shown as a look either, nor are copies of the copy."""
    _, look = shop.couple("copy", "high", "train")
    _, again = shop.couple("copy-of-the-copy", "high", "train")
    down = shop.photo("garment", "down.jpg", **more)
    for photo, kind, how, group in (
        (down, "garment", "same_picture", down),
        (look, "look", "same_picture", down),
        (look, "look", "same_photo", look),
        (again, "look", "same_photo", look),
    ):
        shop.write("groups", subject=photo, kind=kind, group=group, how=how)
    summary = publish_shop(shop, tmp_path / "out")
    assert {one: sorted(photos) for one, photos in held(tmp_path / "out").items()} == {
        reason: sorted([look, again])
    }
    assert summary["total"] == TOTAL


def test_files_that_vanished_or_changed_are_held_back(
    shop: Shop, publish_shop: Publisher, tmp_path: Path
) -> None:
    gone, _ = shop.couple("gone", "high", "train")
    _, changed = shop.couple("changed", "high", "train")
    far, _ = shop.couple("far", "high", "train", garment_path="https://example.org/far.jpg")
    broken, _ = shop.couple("broken", "high", "train")
    shop.pair(broken, changed, "no-such-region", "low", "train")
    (shop.photos / "gone.jpg").unlink()
    drawn(99, (300, 450)).save(shop.photos / "changed-look.jpg")
    summary = publish_shop(shop, tmp_path / "out")
    assert held(tmp_path / "out") == {
        "source_missing": [gone], "source_changed": [changed], "source_remote": [far],
        "no_such_region": [changed],
    }  # fmt: skip
    assert summary["total"] == TOTAL + 1
    assert not shows(tmp_path / "out", shop.photos / "changed-look.jpg")


def test_a_copy_in_the_workspace_stands_in_for_a_vanished_file(
    shop: Shop, publish_shop: Publisher, tmp_path: Path
) -> None:
    garment, _ = shop.couple("gone", "high", "train")
    copy = shop.workspace.copy_path(garment)
    copy.parent.mkdir(parents=True)
    shutil.move(shop.photos / "gone.jpg", copy)
    assert publish_shop(shop, tmp_path / "out")["total"] == TOTAL + 1


def test_publishing_again_after_a_takedown_leaves_nothing_behind(
    shop: Shop, publish_shop: Publisher, tmp_path: Path
) -> None:
    """The shards of the first time are more, so that stale ones would lie about."""
    _, look = shop.couple("late", "low", "train")
    out = tmp_path / "out"
    publish_shop(shop, out, row_group_rows=1, shard_bytes=1)
    assert shows(out, shop.photos / "late-look.jpg")
    row = shop.workspace.table("looks").rows_by("id", [look]).to_pylist()[0]
    shop.write("looks", **{**row, "taken_down": True})
    publish_shop(shop, out)
    assert held(out) == {"taken_down": [look]}
    assert not shows(out, shop.photos / "late-look.jpg")
    assert everything_with(look.encode(), out) == []
    assert not list(out.rglob("*low*"))
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_snapshot_does_not_undo_a_later_takedown(
    shop: Shop, publish_shop: Publisher, tmp_path: Path
) -> None:
    garment, _ = shop.couple("late", "high", "train")
    shop.workspace.take_snapshot("v1")
    row = shop.workspace.table("garments").rows_by("id", [garment]).to_pylist()[0]
    shop.write("garments", **{**row, "taken_down": True})
    shop.couple("after", "high", "train")
    summary = publish_shop(shop, tmp_path / "out", snapshot="v1")
    assert summary["total"] == TOTAL and summary["snapshot"] == "v1"
    assert held(tmp_path / "out") == {"taken_down": [garment]}
    assert not shows(tmp_path / "out", shop.photos / "after.jpg")
    assert publish_shop(shop, tmp_path / "out")["total"] == TOTAL + 1


def test_a_takedown_while_it_is_being_written_is_not_missed(
    shop: Shop, publish_shop: Publisher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    garment, _ = shop.couple("late", "high", "train")
    write = export._write_croissant

    def meanwhile(*given: Any) -> None:
        row = shop.workspace.table("garments").rows_by("id", [garment]).to_pylist()[0]
        shop.write("garments", **{**row, "taken_down": True})
        assert shop.workspace
        write(*given)

    monkeypatch.setattr(export, "_write_croissant", meanwhile)
    with pytest.raises(PublishError, match="run the same command again"):
        publish_shop(shop, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert publish_shop(shop, tmp_path / "out")["held_back"] == {"taken_down": 1}


def test_a_takedown_and_a_restoration_meanwhile_do_not_cancel_out(
    shop: Shop, publish_shop: Publisher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    down, _ = shop.couple("goes-down", "high", "train")
    up, _ = shop.couple("comes-back", "high", "train", garment_taken_down=True)
    write = export._write_croissant

    def meanwhile(*given: Any) -> None:
        for photo, state in ((down, True), (up, False)):
            row = shop.workspace.table("garments").rows_by("id", [photo]).to_pylist()[0]
            shop.write("garments", **{**row, "taken_down": state})
            found = shop.workspace.table("sources").rows_by("id", [photo]).to_pylist()
            shop.write("sources", **{**found[0], "taken_down": state})
        assert shop.workspace
        write(*given)

    monkeypatch.setattr(export, "_write_croissant", meanwhile)
    with pytest.raises(PublishError, match=r"goes-down\.jpg: taken_down"):
        publish_shop(shop, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_rights_that_change_meanwhile_are_not_missed(
    shop: Shop, publish_shop: Publisher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Still allowed, but no longer as a crop."""
    _, look = shop.couple("changes", "high", "train")
    write = export._write_croissant

    def meanwhile(*given: Any) -> None:
        row = shop.workspace.table("looks").rows_by("id", [look]).to_pylist()[0]
        shop.write("looks", **{**row, "rights": "CC BY-ND 4.0"})
        assert shop.workspace
        write(*given)

    monkeypatch.setattr(export, "_write_croissant", meanwhile)
    with pytest.raises(PublishError, match=f"{look}: its rights read otherwise"):
        publish_shop(shop, tmp_path / "out")


def test_a_photo_is_never_published_as_a_pair_with_itself(
    shop: Shop, publish_shop: Publisher, tmp_path: Path
) -> None:
    garment, look = shop.couple("both", "high", "train")
    copy = shop.photo("look", "copy.jpg", image=drawn(7, (300, 450)))
    region = shop.region(copy, (0.0, 0.0, 100.0, 100.0))
    shop.pair(garment, copy, region, "high", "train")
    for photo, kind in ((garment, "garment"), (copy, "look")):
        shop.write("groups", subject=photo, kind=kind, group=min(garment, copy), how="same_picture")
    row = shop.workspace.table("looks").rows_by("id", [look]).to_pylist()[0]
    same = shop.workspace.table("garments").rows_by("id", [garment]).to_pylist()[0]
    shop.write("looks", **{**row, **{name: same[name] for name in ("id", "path", "sha256")}})
    itself = shop.region(garment, (0.0, 0.0, 100.0, 100.0))
    shop.pair(garment, garment, itself, "low", "train")
    summary = publish_shop(shop, tmp_path / "out")
    assert summary["held_back"] == {"same_photo": 2}
    assert sorted(held(tmp_path / "out")["same_photo"]) == sorted([copy, garment])
    assert summary["total"] == TOTAL + 1


def test_what_no_input_lists_stays_in(shop: Shop, publish_shop: Publisher, tmp_path: Path) -> None:
    """Of a file that is a garment and a look, the garment alone may be listed no more."""
    garment, _ = shop.couple("unlisted", "high", "train", garment_listed=False)
    row = shop.workspace.table("garments").rows_by("id", [garment]).to_pylist()[0]
    known = shop.workspace.table("looks").spec.schema.names
    shop.write("looks", **{name: row[name] for name in known if name in row} | {"listed": True})
    summary = publish_shop(shop, tmp_path / "out")
    assert held(tmp_path / "out") == {"not_listed": [garment]}
    assert summary["total"] == TOTAL
    assert not shows(tmp_path / "out", shop.photos / "unlisted.jpg")


def test_all_held_back_still_replaces_what_was_published(
    empty_shop: Shop, publish_shop: Publisher, tmp_path: Path
) -> None:
    _, look = empty_shop.couple("only", "high", "train")
    publish_shop(empty_shop, tmp_path / "out")
    row = empty_shop.workspace.table("looks").rows_by("id", [look]).to_pylist()[0]
    empty_shop.write("looks", **{**row, "rights": "do not publish"})
    assert publish_shop(empty_shop, tmp_path / "out")["total"] == 0
    assert list(pictures(tmp_path / "out")) == []
    assert "Every pair is held back" in (tmp_path / "out/README.md").read_text()


@pytest.mark.parametrize("words", ["not CC BY", "CC BY requested, no answer yet", "© Maison X"])
def test_rights_that_are_not_understood_are_held_back_from_a_folder_too(
    shop: Shop, publish_shop: Publisher, tmp_path: Path, words: str
) -> None:
    shop.couple("unclear", "high", "train", garment_rights=words)
    summary = publish_shop(shop, tmp_path / "out")
    assert summary["held_back"] == {"rights_unclear": 1} and summary["total"] == TOTAL
    assert words in (tmp_path / "out/held_back.csv").read_text("utf-8")
    assert publish_shop(shop, tmp_path / "out", allow_rights=(words,))["total"] == TOTAL + 1
    assert publish_shop(shop, tmp_path / "out", allow_unknown_rights=True)["total"] == TOTAL + 1


def test_unknown_rights_are_told_or_held_back(
    shop: Shop, publish_shop: Publisher, tmp_path: Path
) -> None:
    shop.couple("unsaid", "high", "train", garment_rights=None)
    summary = publish_shop(shop, tmp_path / "out")
    assert summary["rights_unknown"] == 1 and summary["total"] == TOTAL + 1
    assert "rights unknown of 1 photos" in summary_text(summary)
    card = (tmp_path / "out/README.md").read_text()
    assert "**The rights of 1 photos are unknown.**" in card
    summary = publish_shop(shop, tmp_path / "out", allow_unknown_rights=False)
    assert summary["held_back"] == {"rights_unknown": 1} and summary["total"] == TOTAL
    assert "held back 1: a photo's rights are not stated" in summary_text(summary)


def test_no_crop_is_made_where_a_licence_allows_no_altered_copies(
    empty_shop: Shop, publish_shop: Publisher, tmp_path: Path
) -> None:
    empty_shop.couple("a", "high", "train", look_rights="CC BY-ND 4.0")
    publish_shop(empty_shop, tmp_path / "out")
    rows = pq.read_table(next((tmp_path / "out").rglob("*.parquet"))).to_pylist()
    assert rows[0]["region_image"] is None and rows[0]["region_mask"] is None
    assert rows[0]["region_box"] and rows[0]["look_image"]["bytes"]


@pytest.mark.parametrize("to", ["", "s3://bucket/x", "hf://name", "hf://a/b/c", "hf://../x"])
def test_places_that_are_none(shop: Shop, publish_shop: Publisher, to: str) -> None:
    with pytest.raises(InputError):
        publish_shop(shop, to)


def test_the_workspace_is_no_place_to_publish_to(shop: Shop, publish_shop: Publisher) -> None:
    for folder in (shop.workspace.path, shop.workspace.path.parent, shop.workspace.path / "photos"):
        with pytest.raises(InputError):
            publish_shop(shop, folder)


def test_wrong_options_are_told_together(
    shop: Shop, publish_shop: Publisher, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=r"formats .* max_side .* licence"):
        publish_shop(shop, tmp_path / "out", formats=("zip",), max_side=1, licence="a b")


def test_an_error_leaves_the_earlier_publication(
    shop: Shop, publish_shop: Publisher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_shop(shop, tmp_path / "out")
    before = sorted(path.name for path in (tmp_path / "out").rglob("*"))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(export, "_write_croissant", full)
    with pytest.raises(PublishError, match="No space is left"):
        publish_shop(shop, tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").rglob("*")) == before
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "cache") == [
        "out",
        "shop",
    ]


def test_no_table_changes(shop: Shop, publish_shop: Publisher, tmp_path: Path) -> None:
    names = ("pairs", "garments", "looks", "sources", "regions", "groups", "rejects", "runs")
    assert shop.workspace
    opened = Workspace.open(shop.workspace.path)
    before = {name: opened.table(name).version for name in names}
    publish_shop(shop, tmp_path / "out")
    fresh = Workspace.open(shop.workspace.path)
    assert {name: fresh.table(name).version for name in names} == before
