"""The encoder's recipe on image-text models of the hub, at a tiny size."""

# ruff: noqa: E402
from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

for _package in ("torch", "transformers", "cv2", "onnx"):
    pytest.importorskip(_package, reason=f"needs {_package}: install lookweave[train,hub]")

import torch
from typer.testing import CliRunner

from lookweave.cli.app import app
from lookweave.errors import InputError, ModelError
from lookweave.models.embedded.words import CONCEPTS
from lookweave.models.framing import Surroundings, square
from lookweave.models.hub.cards import card_for_path
from lookweave.models.hub.encoder import FRAMING
from lookweave.models.protocols import Crop
from lookweave.models.resampling import Levels
from lookweave.train import hub_encoder
from lookweave.train.encoder import EncoderData
from lookweave.train.encoder_network import JointNetwork
from lookweave.train.garment_crops import EDGE, FADE, GREY, MARGIN, Garment
from lookweave.train.garment_pairs import GarmentPair
from lookweave.train.hub_encoder import HubEncoderConfig, HubNetwork, start_folder
from lookweave.train.segmentation_data import normalised

Tiny = Callable[[str], tuple[Path, Any]]


def garment_pairs(count: int) -> list[GarmentPair]:
    """Garments of one colour each, seen twice; dresses are red, skirts are blue."""
    made = []
    for number in range(count):
        pixels = np.full((48, 40, 3), 128, np.uint8)
        mask = np.zeros((48, 40), np.uint8)
        mask[6:42, 6:34] = 1
        group = ("dress", "skirt")[number % 2]
        shade_of = 60 + 12 * number
        pixels[mask == 1] = (shade_of, 10, 20) if group == "dress" else (10, 20, shade_of)
        garment = Garment(pixels, mask, group, str(number))
        truth = np.full(len(CONCEPTS), -1, np.int8)
        truth[CONCEPTS.index(group)] = 1
        shade = np.array([np.cos(number), np.sin(number)], np.float32)
        made.append(GarmentPair(garment, garment, str(number), group, str(number), shade, truth))
    return made


class Margin:
    """How much nearer garments lie to their own name than to the other: a measure for a test."""

    def __init__(self, pairs: list[GarmentPair]) -> None:
        self._views = torch.from_numpy(normalised(np.stack([one.worn.pixels for one in pairs])))
        self._own = torch.tensor([1.0 if one.group == "dress" else -1.0 for one in pairs])

    def validation(self, network: JointNetwork) -> dict[str, float]:
        network.eval()
        with torch.inference_mode():
            vectors = network(torch.nn.functional.interpolate(self._views, (32, 32)))
            dress, skirt = network.text_vectors(["dress", "skirt"])
        return {"margin": float((self._own * (vectors @ (dress - skirt))).mean())}

    def test(self, network: JointNetwork) -> dict[str, Any]:
        return {"cut_out_to_scene": {"R@1": self.validation(network)["margin"]}}


def settings(folder: Path, out: Path, **more: Any) -> HubEncoderConfig:
    return HubEncoderConfig(
        parsed=out, out=out, cache=out, start=str(folder), steps=24, stage=12, pairs_per_batch=6,
        rate=2e-3, text_rate=2e-3, patience=9, device="cpu", threads=1, **more,
    )  # fmt: skip


def tune(folder: Path, out: Path, **more: Any) -> dict[str, Any]:
    pairs = garment_pairs(12)
    data = EncoderData(pairs, [], [], {}, "")
    measure: Any = Margin(pairs)
    return hub_encoder.train(settings(folder, out, **more), data, measure)


def crop() -> Crop:
    random = np.random.default_rng(4)
    photo = random.integers(0, 255, (90, 70, 3), np.uint8)
    mask = np.zeros((40, 30), np.uint8)
    mask[5:35, 4:26] = 255
    return Crop(photo, (20.0, 25.0, 50.0, 65.0), mask)


@pytest.fixture
def folder_of(tiny: Tiny, tmp_path: Path, request: pytest.FixtureRequest) -> Callable[[str], Path]:
    def of(name: str) -> Path:
        if name != "open_clip_siglip":
            return tiny(name)[0]
        from tests.models.hub import tiny_models

        folder = tmp_path / "start"
        tiny_models.open_clip_siglip(folder, request.getfixturevalue("open_clip"))
        return folder

    return of


@pytest.mark.parametrize("name", ["siglip", "clip", "open_clip_siglip"])
def test_what_was_tuned_is_a_folder_that_build_takes(
    folder_of: Callable[[str], Path], tmp_path: Path, name: str
) -> None:
    start = folder_of(name)
    record = tune(start, tmp_path / "out")
    told = [row["validation margin"] for row in record["history"]]
    assert max(told) > record["quality"]["validation_before"]["margin"]
    assert json.loads((tmp_path / "out" / "record.json").read_text())["trained_steps"] == 24

    tuned = tmp_path / "out" / record["folder"]
    card = card_for_path(str(tuned))
    assert card.key != card_for_path(str(start)).key
    running = MappingProxyType({"backend": "torch", "device": "cpu"})
    encoder = replace(card, running=running).load(tmp_path / "models")
    network = HubNetwork(tuned, "cpu").eval()
    before = HubNetwork(start, "cpu").eval()

    # The pipeline frames a crop as the recipe did, and asks the same towers.
    around = Surroundings(MARGIN, FADE, EDGE)
    levels = Levels((0.0,) * 3, (1 / 255,) * 3, GREY)
    framed = square(crop(), network.side, around, levels)[0].transpose(1, 2, 0)
    views = torch.from_numpy(normalised(framed.round().astype(np.uint8)[None]))
    texts = ["red dress", "blue bag"]
    with torch.inference_mode():
        expected, spoken = network(views).numpy(), network.text_vectors(texts).numpy()
        moved = before(views).numpy(), before.text_vectors(texts).numpy()
    assert float((encoder.encode([crop()]) * expected).sum()) > 0.9999
    np.testing.assert_allclose((encoder.encode_text(texts) * spoken).sum(axis=1), 1.0, atol=1e-4)
    assert float((moved[0] * expected).sum()) < 0.9999
    assert float((moved[1] * spoken).sum(axis=1).min()) < 0.99999


def test_the_original_folder_is_framed_as_before(tiny: Tiny, tmp_path: Path) -> None:
    start = tiny("siglip")[0]
    assert not (start / FRAMING).exists()
    network = HubNetwork(start, "cpu")
    network.save(tmp_path / "same")
    running = MappingProxyType({"backend": "torch", "device": "cpu"})
    plain, framed = (
        replace(card_for_path(str(folder)), running=running).load(tmp_path / "models")
        for folder in (start, tmp_path / "same")
    )
    np.testing.assert_allclose(
        plain.encode_text(["red dress"]), framed.encode_text(["red dress"]), atol=1e-6
    )
    assert float((plain.encode([crop()]) * framed.encode([crop()])).sum()) < 0.9999


def test_a_run_is_resumed_and_a_text_tower_can_be_left_alone(tiny: Tiny, tmp_path: Path) -> None:
    start = tiny("siglip")[0]
    whole = tune(start, tmp_path / "whole", text_weight=0.0)
    half = settings(start, tmp_path / "half", text_weight=0.0)
    pairs = garment_pairs(12)
    measure: Any = Margin(pairs)

    def stop(run: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        hub_encoder.train(half, EncoderData(pairs, [], [], {}, ""), measure, after_stage=stop)
    rest = hub_encoder.train(half, EncoderData(pairs, [], [], {}, ""), measure)
    assert rest["trained_steps"] == whole["trained_steps"] == 24
    assert rest["history"][-1]["loss"] == pytest.approx(whole["history"][-1]["loss"], rel=1e-3)
    texts = [HubNetwork(folder, "cpu").text_vectors(["red dress"]).detach().numpy()
             for folder in (start, tmp_path / "whole" / "model")]  # fmt: skip
    np.testing.assert_allclose(texts[0], texts[1], atol=1e-3)


def test_what_is_no_start_is_refused(tiny: Tiny, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no image-text model"):
        start_folder(str(tiny("yolos")[0]), None)
    with pytest.raises(InputError, match="no image-text model"):
        start_folder("lookweave-encoder", None)
    with pytest.raises(ModelError, match="detector and no image-text model"):
        HubNetwork(tiny("yolos")[0])


def test_the_command_takes_a_start(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[HubEncoderConfig] = []

    def train(config: HubEncoderConfig) -> dict[str, Any]:
        asked.append(config)
        return {"folder": "model", "quality": {"test": {"cut_out_to_scene": {"R@1": 0.5}}}}

    monkeypatch.setattr(hub_encoder, "train", train)
    arguments = ["train", "encoder", "--parsed", str(tmp_path), "--out", str(tmp_path / "out"),
                 "--start", str(tiny("siglip")[0]), "--steps", "5"]  # fmt: skip
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert (asked[0].start, asked[0].steps) == (str(tiny("siglip")[0]), 5)
    assert "R@1 0.5" in done.output
