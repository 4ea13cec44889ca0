"""What is learned of an encoder's inner features."""

# ruff: noqa: E402
from __future__ import annotations

from pathlib import Path

import pytest

for _package in ("torch", "cv2", "onnx"):
    pytest.importorskip(_package, reason=f"needs {_package}: install lookweave[train]")

import numpy as np

from lookweave.models.details import Whitening
from lookweave.models.embedded.cards import CARDS
from lookweave.train.details import DetailsConfig, train, whitening


def test_whitening_brings_variances_to_a_power_and_keeps_the_largest() -> None:
    random = np.random.default_rng(1)
    turn = np.linalg.qr(random.normal(size=(6, 6)))[0]
    scales = np.array([9.0, 5.0, 3.0, 1.0, 0.5, 0.2])
    rows = (random.normal(size=(20_000, 6)) * scales @ turn + 7.0).astype(np.float32)
    for power in (0.0, 0.5, 1.0):
        learned = whitening([rows[:5000], rows[5000:]], 4, power)
        projected = (rows - learned.mean) @ learned.projection
        covariance = np.cov(projected.T)
        expected = scales[:4] ** (2 * (1 - power))
        np.testing.assert_allclose(np.diag(covariance), expected, rtol=0.05)
        np.testing.assert_allclose(covariance - np.diag(np.diag(covariance)), 0, atol=1e-2)
        np.testing.assert_allclose(projected.mean(axis=0), 0, atol=1e-3)
    assert whitening([rows], 128, 0.5).width == 6


def test_the_recipe_writes_what_the_encoder_loads(parsed_folder: Path, tmp_path: Path) -> None:
    card = next(card for card in CARDS if card.name == "lookweave-encoder")
    made = []
    for name in ("one", "other"):
        out = tmp_path / name / "details.npz"
        record = train(DetailsConfig(parsed=parsed_folder, out=out, garments=4, threads=1))
        learned = Whitening.read(out, card.weights_sha256)
        made.append(learned.projection.tobytes())
        assert learned.mean.shape == (120,) and learned.projection.shape == (120, 120)
    assert made[0] == made[1]
    quality = record["quality"]
    assert set(quality["cut_out_to_look"]) == {
        "vectors", "tokens", "vectors + tokens", "vectors + 2 tokens",
    }  # fmt: skip
    assert 0.9 < quality["order_as_unrounded"]["vectors + 2 tokens"] <= 1.0
    assert "4 garments" in record["data"][0]["used"]
    assert str(parsed_folder) not in (tmp_path / "one" / "details.json").read_text()
