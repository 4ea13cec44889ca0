"""Where weights come from, and what is said when they do not come."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from lookweave.errors import HubUnreachable, InputError, ModelError, UnknownModel
from lookweave.models.card import Card
from lookweave.models.cards import card_named
from lookweave.models.hub.cards import CARDS
from lookweave.models.hub.fetch import (
    fetch,
    fetch_and_pin,
    folder_of,
    locate,
    missing,
    pin,
    split_source,
    wanted_files,
)
from lookweave.models.hub.files import content_fingerprint

BY_NAME = {card.name: card for card in CARDS}
CARD = replace(BY_NAME["siglip-base"], needs=())  # what is asked here is no package's matter


@pytest.fixture(autouse=True)
def no_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No network, no cache of this machine's owner, no embedded weights."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))


def fetched_by_hand(card: Card, models_dir: Path) -> Path:
    folder = folder_of(card, models_dir)
    folder.mkdir(parents=True)
    (folder / "config.json").write_text('{"model_type": "siglip"}')
    (folder / "model.safetensors").write_bytes(b"weights")
    return folder


def test_an_unreachable_hub_names_both_ways_out(tmp_path: Path) -> None:
    with pytest.raises(HubUnreachable) as raised:
        locate(CARD, tmp_path)

    text = str(raised.value)
    assert "lookweave models fetch siglip-base --to DIR" in text
    assert "--models-dir DIR" in text and "--models embedded" in text
    assert CARD.source.removeprefix("hub:") in text


def test_a_package_that_is_missing_is_named_before_anything_is_fetched(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no_such_package is not installed"):
        locate(replace(CARD, needs=("no_such_package",)), tmp_path)


def test_fetched_weights_are_found_without_a_hub(tmp_path: Path) -> None:
    folder = fetched_by_hand(CARD, tmp_path)

    assert locate(CARD, tmp_path) == folder == tmp_path / "google--siglip-base-patch16-224"
    reason = missing(CARD, tmp_path / "elsewhere")
    assert reason is not None and "lookweave models fetch siglip-base" in reason


def test_a_download_that_broke_off_is_not_taken_for_a_model(tmp_path: Path) -> None:
    folder = fetched_by_hand(CARD, tmp_path)
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(
        json.dumps({"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}})
    )
    (folder / "model-1.safetensors").write_bytes(b"half")

    with pytest.raises(HubUnreachable):
        locate(CARD, tmp_path)
    (folder / "model-2.safetensors").write_bytes(b"other half")
    assert locate(CARD, tmp_path) == folder


def test_what_was_loaded_before_is_found_in_the_hubs_cache(tmp_path: Path) -> None:
    snapshot = tmp_path / "cache/models--google--siglip-base-patch16-224/snapshots/abc"
    snapshot.mkdir(parents=True)
    (snapshot.parents[1] / "refs").mkdir()
    (snapshot.parents[1] / "refs/main").write_text("abc")
    (snapshot / "config.json").write_text("{}")
    (snapshot / "model.safetensors").write_bytes(b"weights")

    assert locate(CARD) == snapshot


def test_fetch_refuses_what_it_cannot_fetch(tmp_path: Path) -> None:
    with pytest.raises(UnknownModel, match="nonesuch"):
        card_named("nonesuch")
    with pytest.raises(HubUnreachable):
        fetch(card_named("siglip-base"), tmp_path)


class Hub:
    """Stands in for the hub's client: repositories whose branches move on."""

    def __init__(self, cache: Path) -> None:
        self.cache = cache
        self.commits = {"main": "1" * 40, "no_timm": "3" * 40}
        self.asked: list[dict[str, object]] = []
        self.names = ["config.json", "model.safetensors"]

    def __call__(self) -> Hub:
        return self

    def model_info(self, repository: str, *, revision: str) -> SimpleNamespace:
        names = [*self.names, "README.md", "pytorch_model.bin", "x/y"]
        siblings = [SimpleNamespace(rfilename=name) for name in names]
        return SimpleNamespace(sha=self.commits.get(revision, revision), siblings=siblings)

    def snapshot_download(
        self, repository: str, *, revision: str, local_dir: Path | None, allow_patterns: list[str]
    ) -> str:
        self.asked.append({"repository": repository, "revision": revision, "files": allow_patterns})
        commit = self.commits.get(revision, revision)
        of_repository = self.cache / f"models--{repository.replace('/', '--')}"
        folder = local_dir or of_repository / "snapshots" / commit
        folder.mkdir(parents=True, exist_ok=True)
        for name in self.names:
            (folder / name).write_text("{}" if name.endswith(".json") else commit)
        if local_dir is None and revision in self.commits:
            (of_repository / "refs").mkdir(exist_ok=True)
            (of_repository / "refs" / revision).write_text(commit)
        return str(folder)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    made = Hub(tmp_path / "cache")
    monkeypatch.setattr("huggingface_hub.HfApi", made)
    monkeypatch.setattr("huggingface_hub.snapshot_download", made.snapshot_download)
    return made


def test_fetch_asks_for_the_needed_files_at_the_cards_revision(tmp_path: Path, hub: Hub) -> None:
    folder = fetch(card_named("detr-coco"), tmp_path)

    assert folder == tmp_path / "facebook--detr-resnet-50"
    assert hub.asked == [
        {"repository": "facebook/detr-resnet-50", "revision": "3" * 40,
         "files": ["config.json", "model.safetensors"]}
    ]  # fmt: skip


def test_a_branch_that_moved_on_is_another_model(hub: Hub) -> None:
    assert pin(CARD).commit == "" and pin(CARD).key == CARD.key, "nothing is known yet"
    first = fetch_and_pin(CARD)
    assert first.commit == "1" * 40 and first.key != CARD.key
    assert pin(CARD) == first and locate(first).name == "1" * 40

    hub.commits["main"] = "2" * 40
    hub.snapshot_download("google/siglip-base-patch16-224", revision="main", local_dir=None,
                          allow_patterns=[])  # fmt: skip
    second = fetch_and_pin(CARD)

    assert second.commit == "2" * 40 and second.key not in (first.key, CARD.key)
    assert locate(second).name == "2" * 40
    kept = pin(CARD, commit="1" * 40)
    assert kept.key == first.key and locate(kept).name == "1" * 40, "an earlier build's weights"


def test_a_commit_that_is_not_here_is_fetched_as_it_is(hub: Hub) -> None:
    card = pin(CARD, commit="7" * 40)
    assert card.weights is None
    assert locate(card).name == "7" * 40
    assert hub.asked[-1]["revision"] == "7" * 40


def test_a_fetched_folder_has_the_key_of_the_hubs_cache(tmp_path: Path, hub: Hub) -> None:
    fetch(CARD, tmp_path / "models")

    here = pin(CARD, tmp_path / "models")

    assert here.weights == folder_of(CARD, tmp_path / "models")
    assert here.commit == "1" * 40 and here.key == fetch_and_pin(CARD).key


def test_a_fetched_folder_that_was_changed_by_hand_is_another_model(
    tmp_path: Path, hub: Hub
) -> None:
    folder = fetch(CARD, tmp_path)
    before = pin(CARD, tmp_path)
    (folder / "model.safetensors").write_bytes(b"tuned")
    after = pin(CARD, tmp_path)
    assert after.commit.startswith("files-") and after.key != before.key
    (folder / "model.safetensors").write_bytes(b"again")
    assert pin(CARD, tmp_path).key not in (before.key, after.key)


def test_a_later_fetch_leaves_no_weights_of_the_earlier_one(tmp_path: Path, hub: Hub) -> None:
    """A loader would take the whole file before the shards."""
    folder = fetch(CARD, tmp_path)
    (folder / "notes.txt").write_text("mine")
    hub.commits["main"] = "2" * 40
    hub.names = ["config.json", "model-00001-of-00001.safetensors"]
    fetch(CARD, tmp_path)
    assert sorted(path.name for path in folder.iterdir()) == [
        "config.json", "lookweave-fetched.json", "model-00001-of-00001.safetensors", "notes.txt",
    ]  # fmt: skip
    assert pin(CARD, tmp_path).commit == "2" * 40


def test_a_folder_brought_by_hand_is_known_by_what_it_holds(tmp_path: Path) -> None:
    folder = fetched_by_hand(CARD, tmp_path / "one")
    one = pin(CARD, tmp_path / "one")
    shutil.copytree(folder.parent, tmp_path / "two")
    assert one.commit == f"files-{content_fingerprint(folder)}"
    assert pin(CARD, tmp_path / "two").key == one.key


def test_a_folder_of_other_weights_is_neither_used_nor_overwritten(
    tmp_path: Path, hub: Hub
) -> None:
    folder = fetched_by_hand(CARD, tmp_path)
    card = pin(CARD, tmp_path, commit="7" * 40)

    with pytest.raises(ModelError, match="7777777"):
        locate(card, tmp_path)

    assert (folder / "model.safetensors").read_bytes() == b"weights" and not hub.asked


def test_weights_of_no_commit_cannot_be_fetched(tmp_path: Path, hub: Hub) -> None:
    with pytest.raises(ModelError, match="bring that folder"):
        locate(pin(CARD, tmp_path, commit="files-0123456789abcdef"), tmp_path)
    assert not hub.asked


def test_another_machine_finds_the_commit_where_its_own_cache_is(tmp_path: Path, hub: Hub) -> None:
    """A card that was pinned on one machine is loaded on another."""
    card = replace(fetch_and_pin(CARD), weights=tmp_path / "of another machine")
    assert locate(card) == tmp_path / "cache/models--google--siglip-base-patch16-224" \
        / "snapshots" / ("1" * 40)  # fmt: skip


def test_embedded_models_are_not_fetched(tmp_path: Path) -> None:
    card = replace(CARD, source="package")

    with pytest.raises(InputError, match="nothing to fetch"):
        fetch(card, tmp_path)


FILES = [
    "README.md", "config.json", "preprocessor_config.json", "tokenizer.json", "vocab.json",
    "open_clip_config.json", "open_clip_model.safetensors", "open_clip_pytorch_model.bin",
    "model.safetensors", "pytorch_model.bin", "tf_model.h5", "flax_model.msgpack",
    "onnx/model.onnx", ".gitattributes",
]  # fmt: skip


def test_one_set_of_weights_is_wanted() -> None:
    plain = wanted_files(FILES, CARD)
    open_clip = wanted_files(FILES, BY_NAME["fashion-siglip"])

    assert plain == [
        "config.json", "model.safetensors", "preprocessor_config.json", "tokenizer.json",
        "vocab.json",
    ]  # fmt: skip
    assert open_clip == [
        "open_clip_config.json", "open_clip_model.safetensors", "preprocessor_config.json",
        "tokenizer.json", "vocab.json",
    ]  # fmt: skip


def test_shards_come_with_their_index() -> None:
    files = ["config.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
             "model.safetensors.index.json", "pytorch_model.bin"]  # fmt: skip

    assert wanted_files(files, CARD) == files[:4]


def test_a_repository_without_weights_is_said_so() -> None:
    with pytest.raises(ModelError, match="no weights"):
        wanted_files(["config.json", "model.gguf"], CARD)


def test_source_names_repository_and_revision() -> None:
    assert split_source("hub:a/b") == ("a/b", "main")
    assert split_source("hub:a/b@no_timm") == ("a/b", "no_timm")


def test_a_path_that_is_gone_is_said_so(tmp_path: Path) -> None:
    card = replace(CARD, source="path", weights=tmp_path / "gone")

    with pytest.raises(ModelError, match="gone"):
        locate(card)
