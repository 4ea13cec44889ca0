"""Pushing with the real client to a hub on this machine."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlcroissant
import pyarrow.parquet as pq
import pytest
from huggingface_hub import HfApi, constants
from tests.publish.shop import SHAPE, Publisher, Shop

from lookweave.errors import InputError, PublishError
from lookweave.publish import export
from lookweave.store.workspace import Workspace
from lookweave.testing.fake_hub import FakeHub, fake_hub

TOTAL = sum(SHAPE.values())
TO = "hf://mia/street"


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with fake_hub() as running:
        yield running


def looks(hub: FakeHub, commit: int = -1) -> set[str]:
    """Ids of the looks in the shards that readers see."""
    files = hub.files("mia/street", commit)
    shards = [data for path, data in files.items() if path.endswith(".parquet")]
    return {
        look for data in shards for look in pq.read_table(io.BytesIO(data))["look_id"].to_pylist()
    }


def take_down(shop: Shop, look: str) -> None:
    row = shop.workspace.table("looks").rows_by("id", [look]).to_pylist()[0]
    shop.write("looks", **{**row, "taken_down": True})


def test_the_hub_gets_what_the_folder_has(
    shop: Shop, publish_shop: Publisher, hub: FakeHub, tmp_path: Path
) -> None:
    local = publish_shop(shop, tmp_path / "street")
    summary = publish_shop(shop, TO)
    assert summary["to"] == TO and summary["total"] == local["total"] == TOTAL
    files = hub.files("mia/street")
    for path in (tmp_path / "street").rglob("*.parquet"):
        assert files[path.relative_to(tmp_path / "street").as_posix()] == path.read_bytes()
    assert b'load_dataset("mia/street", "high"' in files["README.md"]
    assert (
        b"https://huggingface.co/datasets/mia/street/resolve/main/data/" in files["croissant.json"]
    )
    (tmp_path / "croissant.json").write_bytes(files["croissant.json"])
    opened = mlcroissant.Dataset(jsonld=str(tmp_path / "croissant.json"))
    assert not opened.metadata.ctx.issues.errors
    assert "held_back.csv" not in files
    assert not (shop.workspace.path / "publications").exists()
    assert len(hub.commits["mia/street"]) == 2  # the empty one, and one with everything


def put(hub: FakeHub, name: str) -> None:
    api = HfApi(endpoint=hub.url)
    api.create_repo("mia/street", repo_type="dataset", exist_ok=True)
    api.upload_file(
        path_or_fileobj=b"dear", path_in_repo=name, repo_id="mia/street", repo_type="dataset"
    )


def test_files_of_others_in_the_repository_stay(
    shop: Shop, publish_shop: Publisher, hub: FakeHub
) -> None:
    shop.couple("twice", "low", "train")
    publish_shop(shop, TO)
    for name in ("LICENSE.txt", "assets/teaser.png", "data/extra.csv"):
        put(hub, name)
    summary = publish_shop(shop, TO, tiers=("high",))
    files = hub.files("mia/street")
    assert summary["removed_files"] == 2 * 3  # both formats of medium (train, test) and low
    assert not any("low" in name or "medium" in name for name in files)
    for name in ("LICENSE.txt", "assets/teaser.png", "data/extra.csv"):
        assert files[name] == b"dear"


def test_a_repository_with_something_else_is_refused_before_the_work(
    shop: Shop, publish_shop: Publisher, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(hub, "README.md")
    put(hub, "train.csv")
    monkeypatch.delattr(export, "encode_pairs")
    with pytest.raises(InputError, match=r"no earlier publication \(it holds train\.csv\)"):
        publish_shop(shop, TO)
    assert set(hub.files("mia/street")) == {".gitattributes", "README.md", "train.csv"}


def test_a_takedown_during_the_upload_is_not_missed(
    shop: Shop, publish_shop: Publisher, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, look = shop.couple("late", "high", "train")
    upload = HfApi.preupload_lfs_files

    def meanwhile(*given: Any, **named: Any) -> Any:
        take_down(shop, look)
        assert shop.workspace
        return upload(*given, **named)

    monkeypatch.setattr(HfApi, "preupload_lfs_files", meanwhile)
    with pytest.raises(PublishError, match=r"late-look\.jpg: taken_down"):
        publish_shop(shop, TO)
    assert set(hub.files("mia/street")) == {".gitattributes"}


def test_no_repository_is_made_where_there_is_nothing_to_publish(
    empty_shop: Shop, publish_shop: Publisher, hub: FakeHub
) -> None:
    with pytest.raises(PublishError, match="no pairs to publish"):
        publish_shop(empty_shop, TO)
    assert not hub.commits


def test_an_interrupted_push_goes_on_where_it_stopped(
    shop: Shop, publish_shop: Publisher, hub: FakeHub
) -> None:
    hub.uploads_left = 3
    with pytest.raises(PublishError, match=r"answered 413 .*Storage limit"):
        publish_shop(shop, TO)
    assert len(hub.received) == 3
    assert set(hub.files("mia/street")) == {".gitattributes"}  # readers see nothing half done
    hub.uploads_left = None
    publish_shop(shop, TO)
    assert len(hub.received) == len(set(hub.received))  # nothing was sent twice
    assert len(looks(hub)) == TOTAL


def test_a_second_push_of_the_same_sends_nothing(
    shop: Shop, publish_shop: Publisher, hub: FakeHub
) -> None:
    publish_shop(shop, TO)
    sent, commits = len(hub.received), len(hub.commits["mia/street"])
    publish_shop(shop, TO)
    assert len(hub.received) == sent and len(hub.commits["mia/street"]) == commits


def test_a_takedown_removes_the_photo_and_stale_shards(
    shop: Shop, publish_shop: Publisher, hub: FakeHub
) -> None:
    _, look = shop.couple("late", "low", "train")
    publish_shop(shop, TO, shard_bytes=1, row_group_rows=1)
    assert look in looks(hub)
    hub.commits["mia/street"][-1]["data/low/train-00007-of-00009.parquet"] = next(
        file for path, file in hub.commits["mia/street"][-1].items() if path.startswith("data/low")
    )
    take_down(shop, look)
    summary = publish_shop(shop, TO)
    assert look not in looks(hub)
    assert not any(
        path.startswith(("data/low", "webdataset/low")) for path in hub.files("mia/street")
    )
    assert summary["removed_files"] > 2
    assert "--forget-history" in summary["advice"]
    assert look in looks(hub, -2)  # which is what the advice is about


def test_forgetting_the_history_leaves_the_photo_nowhere(
    shop: Shop, publish_shop: Publisher, hub: FakeHub
) -> None:
    _, look = shop.couple("late", "low", "train")
    publish_shop(shop, TO)
    take_down(shop, look)
    summary = publish_shop(shop, TO, forget_history=True)
    assert "advice" not in summary and len(hub.commits["mia/street"]) == 1
    assert len(looks(hub)) == TOTAL
    assert not any(look.encode() in data for data in hub.objects.values())


def test_unknown_rights_are_not_pushed_unless_one_says_so(
    shop: Shop, publish_shop: Publisher, hub: FakeHub
) -> None:
    _, look = shop.couple("unsaid", "high", "train", look_rights="")
    assert publish_shop(shop, TO)["held_back"] == {"rights_unknown": 1}
    assert look not in looks(hub)
    assert publish_shop(shop, TO, allow_unknown_rights=True)["held_back"] == {}
    assert look in looks(hub)


def test_what_the_hub_refuses_is_told_with_what_to_do(
    shop: Shop, publish_shop: Publisher, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.forbidden = {"mia"}
    with pytest.raises(PublishError, match=r"403 .*may not write to mia/street"):
        publish_shop(shop, TO)
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    with pytest.raises(PublishError, match=r"401 .*hf auth login"):
        publish_shop(shop, TO)


def test_no_token(
    shop: Shop,
    publish_shop: Publisher,
    hub: FakeHub,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.delenv("HUGGING_FACE_HUB_TOKEN", raising=False)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "none"))
    with pytest.raises(PublishError, match="No token"):
        publish_shop(shop, TO)
    assert not hub.commits


def test_a_hub_out_of_reach_is_told_before_the_work(
    shop: Shop, publish_shop: Publisher, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(PublishError, match=r"127\.0\.0\.1:9"):
        publish_shop(shop, TO)
    assert not (Workspace.open(shop.workspace.path).path / "publications").exists()
