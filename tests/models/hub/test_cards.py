"""Cards: what they say, that they load by name or path, and how a model is added."""

from __future__ import annotations

import importlib
import json
import os
import pickle
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from tests.models.hub.crops_and_cards import whole

from lookweave.config import load
from lookweave.errors import ConfigError, ModelError
from lookweave.models import cards
from lookweave.models.card import TASKS, Card, with_running, with_settings
from lookweave.models.hub.cards import CARDS, card_for_path, is_path
from lookweave.models.hub.encoder import HubEncoder
from lookweave.models.hub.export import VERSION
from lookweave.models.hub.fetch import folder_of, missing
from lookweave.models.hub.files import content_fingerprint
from lookweave.models.hub.runtime import Runtime
from lookweave.models.protocols import Pixels
from lookweave.models.vlm.cards import zero_shot

Tiny = Callable[[str], tuple[Path, Any]]

ONNXRUNTIME = {"backend": "onnxruntime", "device": "cpu"}


@pytest.fixture
def only_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    """Embedded models stood in for: their weights are no matter here."""
    embedded = [
        Card(name, task, "a:B", "Apache-2.0", "package", "")
        for name, task in zip(
            cards.PRESETS["embedded"].split("+"), TASKS, strict=True
        )
    ]  # fmt: skip
    monkeypatch.setattr(cards, "EMBEDDED", tuple(embedded))


def test_cards_are_whole() -> None:
    assert len({card.name for card in CARDS}) == len(CARDS)
    for card in CARDS:
        assert card.licence and card.good_for and card.size_mb > 0, card.name
        assert card.memory_mb > card.size_mb, card.name
        assert card.source.startswith("hub:") and card.source.count("/") == 1, card.name
        assert card.needs, card.name
        module, _, name = card.factory.partition(":")
        assert hasattr(importlib.import_module(module), name), card.name
        if card.task == "encoder":
            assert card.dimension and card.text == ("dino" not in card.name) and card.input_size, (
                card.name
            )


def test_presets_name_known_models_of_different_tasks(only_hub: None) -> None:
    for name in cards.PRESETS:
        chosen = cards.resolve(name)
        assert {one.task for one in chosen.cards()} == set(TASKS)


def test_a_non_commercial_licence_needs_a_yes(only_hub: None) -> None:
    with pytest.raises(ConfigError, match="accept-non-commercial"):
        cards.resolve("segformer-clothes")
    chosen = cards.resolve("segformer-clothes", accept_non_commercial=True)
    assert chosen.detector.name == "segformer-clothes"


def test_the_core_does_not_import_torch_for_cards() -> None:
    code = (
        "import sys; from lookweave.models.hub import cards, encoder, detector, prompted, segments,"
        " yolo; print(sorted({'torch', 'transformers', 'open_clip'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert done.stdout.strip() == "[]"


def test_a_new_siglip_is_one_card(tiny: Tiny, models_dir: Path, photos: list[Pixels]) -> None:
    """Its files lie in the models folder, as `fetch` would have put them there."""
    card = Card(
        name="my-siglip", task="encoder", factory="lookweave.models.hub.encoder:HubEncoder",
        licence="Apache-2.0", source="hub:me/my-siglip", good_for="a test",
        running=MappingProxyType(ONNXRUNTIME),
    )  # fmt: skip
    shutil.copytree(tiny("siglip")[0], folder_of(card, models_dir))

    model = card.load(models_dir)

    assert card.missing(models_dir) is None
    vectors = model.encode([whole(photo) for photo in photos])
    assert vectors.shape == (len(photos), 32)
    assert model.encode_text(["red dress"]).shape == (1, 32)


@pytest.mark.parametrize(
    ("name", "task", "loader"),
    [
        ("siglip", "encoder", "HubEncoder"),
        ("clip", "encoder", "HubEncoder"),
        ("yolos", "detector", "HubDetector"),
        ("rt_detr", "detector", "HubDetector"),
        ("owlv2", "detector", "PromptedDetector"),
        ("grounding_dino", "detector", "PromptedDetector"),
        ("segformer", "detector", "HubSegmenter"),
    ],
)
def test_a_folder_takes_a_names_place(
    tiny: Tiny, only_hub: None, name: str, task: str, loader: str
) -> None:
    folder, _ = tiny(name)

    chosen = cards.resolve(f"{folder}")

    card = getattr(chosen, task)
    assert card.source == "path" and card.factory.endswith(f":{loader}")
    assert card.missing() is None


def test_the_key_follows_the_files_and_not_their_place(tiny: Tiny, tmp_path: Path) -> None:
    folder, _ = tiny("siglip")
    moved = tmp_path / "elsewhere" / folder.name
    shutil.copytree(folder, moved)
    card = card_for_path(str(folder))

    assert card_for_path(str(moved)).key == card.key
    assert with_running(card, device="cpu", batch_size=3).key == card.key
    assert with_settings(card, whiten=True).key != card.key
    weights = bytearray((moved / "model.safetensors").read_bytes())
    weights[len(weights) // 2] ^= 1
    (moved / "model.safetensors").write_bytes(weights)
    assert card_for_path(str(moved)).key != card.key


def test_an_exported_folder_needs_no_torch(
    tiny: Tiny, models_dir: Path, tmp_path: Path, photos: list[Pixels],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    folder, _ = tiny("siglip")
    runtime = MappingProxyType(ONNXRUNTIME)
    first = HubEncoder(replace(card_for_path(str(folder)), running=runtime), models_dir)
    expected, text = first.encode([whole(photos[0])]), first.encode_text(["blue bag"])
    exported = models_dir / "exports" / f"{content_fingerprint(folder)}-{VERSION}"
    assert not list(exported.glob("*.safetensors"))

    card = replace(card_for_path(str(exported)), running=runtime)
    monkeypatch.setattr(
        "lookweave.models.hub.export._export", lambda *_: pytest.fail("it was exported again")
    )
    again = HubEncoder(card, tmp_path / "other")

    np.testing.assert_array_equal(again.encode([whole(photos[0])]), expected)
    np.testing.assert_array_equal(again.encode_text(["blue bag"]), text)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert missing(card) is None


def test_settings_say_how_hub_models_run(tiny: Tiny, only_hub: None) -> None:
    folder, _ = tiny("siglip")
    how = {"backend": "torch", "device": "cpu", "batch_size": 3}

    plain = cards.models_of(load(models=str(folder)))
    told = cards.models_of(load(models=str(folder), hub=how))

    assert dict(told.encoder.running) | how == dict(told.encoder.running)
    assert told.key == plain.key
    assert not told.detector.running, "embedded models have no such settings"
    assert Runtime.of(told.encoder.running).batch_size == 3


def test_paths_are_told_from_names() -> None:
    assert is_path("/models/siglip") and is_path("./siglip") and is_path("yolox.onnx")
    assert not is_path("siglip-base")


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "neither config.json"),
        ({"config.json": json.dumps({"model_type": "gpt2"})}, "no loader for models of type"),
        ({"config.json": json.dumps({"model_type": "siglip2"})}, "NaFlex.*siglip2-base-patch16"),
        ({"config.json": "{"}, "not valid JSON"),
    ],
)
def test_a_folder_that_is_no_model_is_refused(
    tmp_path: Path, files: dict[str, str], words: str
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)

    with pytest.raises(ModelError, match=words):
        card_for_path(str(tmp_path))


def test_a_path_to_nowhere_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no model folder"):
        card_for_path(str(tmp_path / "nothing"))


def test_the_models_that_a_model_is_made_of_are_in_its_key() -> None:
    parts = Card("parts", "detector", "a:B", "MIT", "path", "", weights_sha256="1")
    whole_ = Card("persons", "detector", "a:B", "MIT", "path", "", made_of=parts)
    tuned = replace(whole_, made_of=replace(parts, weights_sha256="2"))
    assert whole_.key != tuned.key != replace(whole_, made_of=None).key
    siglip = next(card for card in CARDS if card.name == "siglip-base")
    moved = zero_shot(replace(siglip, commit="2" * 40))
    assert zero_shot(replace(siglip, commit="1" * 40)).key != moved.key
    assert cards.card_of(moved.key) == zero_shot(siglip), "known at any commit"


def test_a_builds_commits_travel_with_its_settings(only_hub: None) -> None:
    """To workers, and to readers on machines without the weights."""
    repository = "google/siglip-base-patch16-224"
    settings = load(
        models="siglip-base+siglip-base-zero-shot", hub={"commits": {repository: "1" * 40}}
    )

    models = cards.models_of(settings)

    assert models.encoder.commit == models.describer.commit == "1" * 40
    assert models.describer.made_of is not None
    assert models.describer.made_of.key == models.encoder.key
    assert models.commits == {repository: "1" * 40}
    assert models.key != cards.models_of(load(models=settings.models)).key
    assert "commits" not in models.encoder.running
    assert pickle.loads(pickle.dumps(models)) == models


def test_the_page_says_what_the_cards_say() -> None:
    page = (Path(__file__).parents[3] / "docs/models/hub.md").read_text("utf-8")
    told = [
        line for line in page.splitlines() if re.match(r"\| \S+ \| (encoder|detector) \|", line)
    ]
    assert told == [
        f"| {card.name} | {card.task} | {card.source.removeprefix('hub:')} | {card.licence_text}"
        f"{'' if card.commercial else ', no commercial use'} | {card.size_mb:g}"
        f" | {card.memory_mb:g} | {card.good_for} |"
        for card in CARDS
    ]


def test_a_licence_that_nobody_read_is_told_as_such() -> None:
    by_name = {card.name: card for card in CARDS}
    assert by_name["clip-base"].licence == "MIT" and not by_name["clip-base"].licence_read
    assert by_name["clip-base"].licence_text == "MIT (check)"
    assert by_name["fashion-clip"].licence_text == "MIT"
