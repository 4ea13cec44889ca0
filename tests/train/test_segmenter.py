"""The segmenter's recipe on a handful of synthetic figures."""

# ruff: noqa: E402
from __future__ import annotations

import json
from pathlib import Path

import pytest

for _package in ("torch", "cv2", "onnx"):
    pytest.importorskip(_package, reason=f"needs {_package}: install lookweave[train]")

import numpy as np
import onnx
import onnxruntime
import torch

from lookweave.train import segmenter
from lookweave.train.export import export_onnx
from lookweave.train.labels import CLASS_COUNT, admissible_classes
from lookweave.train.model_page import model_page
from lookweave.train.segmenter_network import new_segmenter, segmentation_loss


@pytest.fixture(autouse=True)
def _small_canvases(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("segmenter", "segmentation_quality"):
        monkeypatch.setattr(f"lookweave.train.{module}.CANVASES", ((96, 64), (64, 64), (64, 96)))


def _config(parsed: Path, out: Path, epochs: int) -> segmenter.SegmenterConfig:
    return segmenter.SegmenterConfig(
        parsed=parsed, out=out, trunk="lite0", channels=16, frozen_blocks=0, epochs=epochs,
        batch_size=4, small_until=0.0, imagenet=False, seed=1,
    )  # fmt: skip


def test_steps_lower_the_loss() -> None:
    torch.manual_seed(0)
    network = new_segmenter("lite0", 16, imagenet=False)
    optimiser = torch.optim.AdamW(network.parameters(), 2e-3)
    target = torch.zeros(4, 16, 16, dtype=torch.long)
    target[:, 4:12, 4:12] = 7
    images = torch.zeros(4, 3, 64, 64)
    images[:, 0, 16:48, 16:48] = 1
    admissible = torch.from_numpy(admissible_classes())
    losses = []
    for _ in range(6):
        loss = segmentation_loss(*network.forward_training(images), target, admissible)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.8 * losses[0]


def test_loss_ignores_what_no_label_says() -> None:
    logits = torch.randn(1, CLASS_COUNT, 4, 4, requires_grad=True)
    presence = torch.zeros(1, CLASS_COUNT)
    ignored = len(admissible_classes()) - 1
    target = torch.full((1, 4, 4), ignored)
    target[0, 0, 0] = 3
    loss = segmentation_loss(logits, presence, target, torch.from_numpy(admissible_classes()))
    loss.backward()
    assert logits.grad is not None
    assert logits.grad[0, :, 0, 0].abs().sum() > 0
    assert logits.grad[0, :, 1:, 1:].abs().sum() == 0


def test_onnx_agrees_with_torch_at_any_size(tmp_path: Path) -> None:
    network = new_segmenter("lite0", 16, imagenet=False).eval()
    path = tmp_path / "segmenter.onnx"
    axes = {0: "batch", 2: "height", 3: "width"}
    example = torch.zeros(2, 3, 96, 64)
    difference = export_onnx(network, path, example, "logits", axes, {0: "batch", 2: "h", 3: "w"})
    assert difference < 1e-2
    stored = onnx.load(path).graph.initializer
    halves = sum(t.data_type == onnx.TensorProto.FLOAT16 for t in stored)
    assert halves > 40
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    image = np.random.default_rng(0).uniform(-1, 1, (1, 3, 64, 128)).astype(np.float32)
    given = session.run(None, {"image": image})[0]
    with torch.inference_mode():
        expected = network(torch.from_numpy(image)).numpy()
    assert given.shape == (1, CLASS_COUNT, 16, 32)
    assert np.abs(given - expected).max() < 1e-2 * max(1.0, np.abs(expected).max())


def test_resumed_run_equals_uninterrupted_and_writes_a_page(
    parsed_folder: Path, tmp_path: Path
) -> None:
    whole = segmenter.train(_config(parsed_folder, tmp_path / "whole", 2))

    class PowerCutError(Exception):
        pass

    def interrupt(run: segmenter.SegmenterRun) -> None:
        raise PowerCutError

    halves = _config(parsed_folder, tmp_path / "halves", 2)
    with pytest.raises(PowerCutError):
        segmenter.train(halves, interrupt)
    resumed = segmenter.train(halves)
    assert [row["loss"] for row in resumed["history"]] == pytest.approx(
        [row["loss"] for row in whole["history"]], rel=1e-5
    )
    assert len(resumed["history"]) == 2
    record = json.loads((tmp_path / "halves" / "segmenter.json").read_text(encoding="utf-8"))
    assert (tmp_path / "halves" / "segmenter-curves.png").stat().st_size > 1000
    page = model_page(record)
    assert record["sha256"] in page
    assert "jacket/coat" in page
