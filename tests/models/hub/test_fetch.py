"""Where weights come from, and what is said when they do not come."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest

from lookweave.errors import HubUnreachable, InputError, ModelError, UnknownModel
from lookweave.models.card import Card
from lookweave.models.cards import card_named
from lookweave.models.hub.cards import CARDS
from lookweave.models.hub.fetch import fetch, folder_of, locate, missing, split_source, wanted_files

BY_NAME = {card.name: card for card in CARDS}
CARD = replace(BY_NAME["siglip-base"], needs=())  # what is asked here is no package's matter


@pytest.fixture(autouse=True)
def no_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No network, no cache of this machine's owner, no embedded weights."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))


def fetched(card: Card, models_dir: Path) -> Path:
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
    folder = fetched(CARD, tmp_path)

    assert locate(CARD, tmp_path) == folder == tmp_path / "google--siglip-base-patch16-224"
    reason = missing(CARD, tmp_path / "elsewhere")
    assert reason is not None and "lookweave models fetch siglip-base" in reason


def test_a_download_that_broke_off_is_not_taken_for_a_model(tmp_path: Path) -> None:
    folder = fetched(CARD, tmp_path)
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


def test_fetch_asks_for_the_needed_files_at_the_cards_revision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, object] = {}

    class Api:
        def list_repo_files(self, repository: str, *, revision: str) -> list[str]:
            return ["README.md", "config.json", "model.safetensors", "pytorch_model.bin", "x/y"]

    def snapshot_download(repository: str, **given: object) -> str:
        asked.update(given, repository=repository)
        return str(given["local_dir"])

    monkeypatch.setattr("huggingface_hub.HfApi", Api)
    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot_download)

    folder = fetch(card_named("detr-coco"), tmp_path)

    assert folder == tmp_path / "facebook--detr-resnet-50"
    assert asked["repository"] == "facebook/detr-resnet-50"
    assert asked["revision"] == "no_timm"
    assert asked["allow_patterns"] == ["config.json", "model.safetensors"]


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
    card = replace(CARD, source="path", weights=tmp_path / "gone", settings=MappingProxyType({}))

    with pytest.raises(ModelError, match="gone"):
        locate(card)
