"""A build with a hub's model: its rows are those of one commit."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.built import Folders, build

from lookweave.building import open_workspace
from lookweave.models.card import Card
from lookweave.models.cards import models_of
from lookweave.models.registry import forget_model, register_model

FIRST, SECOND = "1" * 40, "2" * 40


@pytest.fixture
def tiny_on_hub() -> Iterator[None]:
    register_model(
        Card("tiny", "encoder", "lookweave.models.hub.encoder:HubEncoder", "Apache-2.0",
             "hub:me/tiny", dimension=32)
    )  # fmt: skip
    yield
    forget_model("tiny")


def test_a_branch_that_moves_on_makes_rows_beside_the_old(
    tiny: Callable[[str], tuple[Path, Any]], tiny_on_hub: None, photo_folders: Folders,
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    cache = tmp_path / "cache/models--me--tiny"
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache.parent))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))

    def at(commit: str) -> Path:
        """What the hub's client leaves when the branch stands there."""
        folder = cache / "snapshots" / commit
        shutil.copytree(tiny("siglip")[0], folder)
        (cache / "refs").mkdir(exist_ok=True)
        (cache / "refs/main").write_text(commit)
        return folder

    def built() -> tuple[str, set[str]]:
        build(tmp_path / "ws", photo_folders, models="whole-photo+tiny",
              hub={"backend": "onnxruntime", "device": "cpu"})  # fmt: skip
        opened, config = open_workspace(tmp_path / "ws")
        return models_of(config).encoder.key, set(opened.encoders())

    at(FIRST)
    first, tables = built()
    assert tables == {first}
    assert built() == (first, {first}), "nothing new"

    weights = at(SECOND) / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-2] ^= 1
    weights.write_bytes(content)
    second, tables = built()
    assert tables == {first, second} and first != second
    kept = json.loads((tmp_path / "ws/build.json").read_text("utf-8"))
    assert kept["hub"]["commits"] == {"me/tiny": SECOND}

    shutil.rmtree(cache)  # as on a machine that has no weights
    _, config = open_workspace(tmp_path / "ws")
    assert models_of(config).encoder.key == second
