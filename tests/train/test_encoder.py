"""The encoder's recipe, its loss and its whitened start."""

# ruff: noqa: E402
from __future__ import annotations

from pathlib import Path

import pytest

for _package in ("torch", "cv2", "onnx"):
    pytest.importorskip(_package, reason=f"needs {_package}: install lookweave[train]")

import numpy as np
import torch

from lookweave.train import encoder
from lookweave.train.encoder_network import PairSigmoidLoss, whitening
from lookweave.train.garment_crops import worn_garments
from lookweave.train.garment_views import ViewStrength
from lookweave.train.pair_batches import PairBatches
from lookweave.train.parsed_photos import load_parsed_photos
from lookweave.train.retrieval_quality import retrieval_scores


def test_full_whitening_gives_equal_variances() -> None:
    random = np.random.default_rng(0)
    features = random.normal(size=(500, 12)).astype(np.float32) * np.arange(1, 13)
    weight, bias = whitening(features.astype(np.float32), 6, 1.0)
    variances = (features @ weight.T + bias).var(0)
    assert variances == pytest.approx(np.full(6, variances.mean()), rel=1e-3)


def test_loss_matches_its_formula() -> None:
    loss = PairSigmoidLoss()
    embeddings = torch.nn.functional.normalize(torch.randn(4, 8), dim=1)
    garments = torch.tensor([0, 1, 0, 1])
    expected = 0.0
    for i in range(4):
        for j in range(4):
            if i != j:
                sign = 1.0 if garments[i] == garments[j] else -1.0
                logit = 10 * float(embeddings[i] @ embeddings[j]) - 10
                expected += float(np.log1p(np.exp(-sign * logit))) / 4
    assert float(loss(embeddings, garments)) == pytest.approx(expected, rel=1e-4)


def test_retrieval_scores_count_ranks() -> None:
    gallery = np.eye(4, dtype=np.float32)
    queries = gallery.copy()
    queries[0] = [0.5, 0.8, 0.1, 0.0]
    scores = retrieval_scores(queries, gallery)
    assert scores["R@1"] == 0.75
    assert scores["MRR"] == pytest.approx((1 + 1 + 1 + 0.5) / 4)


def test_batches_hold_every_garment_once(parsed_folder: Path) -> None:
    garments = worn_garments(load_parsed_photos(parsed_folder, ["train"]))
    batches = PairBatches(garments, 4, 0.5, 32, ViewStrength(), seed=2)
    order = batches.order(1)
    places = [place for batch in order for place in batch]
    assert len(places) == len(set(places)) == 4 * batches.steps_per_epoch
    assert batches.order(1) == order != batches.order(2)


def test_recipe_resumes_identically(
    parsed_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoder, "SIDE", 64)
    monkeypatch.setattr("lookweave.train.garment_crops.prepare_crop.__defaults__", (64, 0.85))

    def config(out: str) -> encoder.EncoderConfig:
        return encoder.EncoderConfig(
            parsed=parsed_folder, out=tmp_path / out, trunk="lite0", dimension=8, epochs=2,
            frozen_blocks=0, garments_per_batch=4, train_side=64, imagenet=False, seed=1,
        )  # fmt: skip

    class PowerCutError(Exception):
        pass

    def interrupt(run: encoder.EncoderRun) -> None:
        raise PowerCutError

    whole = encoder.train(config("whole"))
    with pytest.raises(PowerCutError):
        encoder.train(config("halves"), interrupt)
    resumed = encoder.train(config("halves"))
    assert [row["loss"] for row in resumed["history"]] == pytest.approx(
        [row["loss"] for row in whole["history"]], rel=1e-5
    )
    assert resumed["onnx_difference"] < 1e-2
    assert (tmp_path / "halves" / "encoder.onnx").exists()
