"""The shipped files are those of their records, and rows made by earlier versions stay current."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lookweave.errors import ModelError
from lookweave.models.embedded.cards import CARDS, WEIGHTS
from lookweave.models.embedded.features import GREY, ImageTower
from lookweave.models.protocols import Crop
from lookweave.models.session import open_session


def test_keys_stay_what_they_were() -> None:
    """A workspace of version 0.1 holds rows under these keys: another key makes them all anew.
    Change one only with what the model gives."""
    assert {card.key for card in CARDS} == {
        "lookweave-segmenter-3b0cf8e5",
        "whole-photo-1d34e377",
        "lookweave-encoder-326e938b",
        "lookweave-describer-ff3a897a",
    }


_RECORDS = sorted(one for one in WEIGHTS.glob("*.json") if one.stem != "fusion")
"""Of the records all but the one that holds its weights itself."""


@pytest.mark.parametrize("record", _RECORDS, ids=lambda path: path.stem)
def test_a_record_speaks_of_the_file_beside_it(record: Path) -> None:
    said = json.loads(record.read_text("utf-8"))
    content = (WEIGHTS / said["file"]).read_bytes()
    assert len(content) == said["bytes"]
    assert hashlib.sha256(content).hexdigest() == said.get("file_sha256", said["sha256"])


def test_the_shipped_files_stay_small() -> None:
    assert sum(path.stat().st_size for path in WEIGHTS.iterdir()) < 40e6


def test_the_encoders_second_output_is_what_its_first_is_made_of() -> None:
    onnx = pytest.importorskip("onnx")
    graph = onnx.load(WEIGHTS / "encoder.onnx").graph
    arrays = {one.name: onnx.numpy_helper.to_array(one) for one in graph.initializer}
    weights, bias = (
        next(values for name, values in arrays.items() if name.startswith(f"project.{part}"))
        for part in ("weight", "bias")
    )
    if weights.dtype == np.int8:  # see `train.precision.stored`
        weights = weights * arrays["project.weight_scale"]
    tower = ImageTower(WEIGHTS / "encoder.onnx", 192, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    photo = np.random.default_rng(1).integers(0, 255, (90, 70, 3)).astype(np.uint8)
    photo[:20] = GREY
    seen = tower.see([Crop(photo, (5.0, 5.0, 60.0, 80.0)), Crop(photo, (0.0, 0.0, 70.0, 40.0))])
    assert seen.pooled.shape == (2, 1280) and seen.features.shape == (2, 384)
    assert np.ptp(seen.pooled) > 0.1
    vectors = seen.pooled @ weights.astype(np.float32).T + bias.astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    np.testing.assert_allclose(seen.features, vectors, atol=2e-5)


def test_the_middle_map_sees_where_the_garment_is() -> None:
    tower = ImageTower(WEIGHTS / "encoder.onnx", 192, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    flat = np.full((100, 100, 3), GREY, np.uint8)
    spotted = flat.copy()
    spotted[10:25, 70:90] = (200, 30, 30)
    maps = [tower.encode_with_patches([Crop(one, (0.0, 0.0, 100.0, 100.0))])[1][0] for one in
            (flat, spotted)]  # fmt: skip
    (before, frame), (after, _) = maps
    assert before.shape == (120, 12, 12) and frame == pytest.approx((-8.0, -8.0, 108.0, 108.0))
    changed = np.abs(after - before).mean(axis=0)
    row, column = np.unravel_index(changed.argmax(), changed.shape)
    # 100 pixels fill ten cells and a third, from the first five sixths of a cell on.
    assert abs((row + 0.5) * 116 / 12 - 8 - 17.5) < 12
    assert abs((column + 0.5) * 116 / 12 - 8 - 80.0) < 12


def test_weights_without_the_further_outputs_are_refused() -> None:
    with pytest.raises(
        ModelError, match=r"lacks the output embedding, middle, pooled.*train encoder"
    ):
        ImageTower(WEIGHTS / "segmenter.onnx", 224, (0.5,) * 3, (0.5,) * 3)


def test_a_session_opens_no_other_file(tmp_path: Path) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"no model")
    with pytest.raises(ModelError, match=r"broken\.onnx cannot be opened"):
        open_session(tmp_path / "broken.onnx")


def test_other_weights_beside_an_old_record_are_refused(tmp_path: Path) -> None:
    """Their rows would be kept under the key of the old ones."""
    card = next(card for card in CARDS if card.name == "lookweave-segmenter")
    assert card.weights is not None
    content = bytearray(card.weights.read_bytes())
    content[-1] ^= 1
    (tmp_path / "segmenter.onnx").write_bytes(content)
    with pytest.raises(ModelError, match="is not the file that the card of lookweave-segmenter"):
        replace(card, weights=tmp_path / "segmenter.onnx").load()
