"""Maps of patches against the hidden states that the reference models give out."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.models.hub.crops_and_cards import card_of, whole

from lookweave.errors import ModelError
from lookweave.models.details import Whitening, learned_details, token_key
from lookweave.models.hub.encoder import HubEncoder
from lookweave.models.hub.preprocess import recipe_in
from lookweave.models.protocols import Crop, Pixels, TokenEncoder, Vectors

Tiny = Callable[[str], tuple[Path, Any]]

BACKENDS = ("onnxruntime", "torch")
LAYER = {"siglip": 1, "siglip2": 1, "clip": 1}
"""Which hidden state is at three quarters of the layers; 3 of 4 where nothing is said."""


def reference(model: Any, name: str, photos: Vectors) -> Vectors:
    """Hidden states of the patches, (n, patches, channels)."""
    import torch

    tower = getattr(model, "vision_model", model)
    with torch.no_grad():
        given = tower(pixel_values=torch.from_numpy(photos), output_hidden_states=True)
    states: Vectors = given.hidden_states[LAYER.get(name, 3)].numpy()
    before = {"siglip": 0, "siglip2": 0, "clip": 1, "dinov2": 1}.get(name, 5)
    return states[:, before:]


def maps(encoder: HubEncoder, photos: list[Pixels]) -> Vectors:
    return np.stack(
        [one for one, _ in encoder.encode_with_patches([whole(photo) for photo in photos])[1]]
    )


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    "name", ["siglip", "siglip2", "clip", "dinov2", "dinov2_with_registers", "dinov3"]
)
def test_patches_equal_the_reference(
    tiny: Tiny, models_dir: Path, photos: list[Pixels], name: str, backend: str
) -> None:
    folder, model = tiny(name)
    encoder = HubEncoder(card_of(folder, backend, margin=0.0), models_dir)

    found = maps(encoder, photos)

    recipe = recipe_in(folder, json.loads((folder / "config.json").read_text())["model_type"])
    expected = reference(model, name, np.stack([recipe(photo) for photo in photos]))
    side = round(expected.shape[1] ** 0.5)
    assert found.shape == (len(photos), expected.shape[2], side, side)
    as_map = expected.transpose(0, 2, 1).reshape(found.shape)
    np.testing.assert_allclose(found, as_map, atol=2e-4 * float(np.abs(expected).max()))
    assert not np.allclose(found[0], found[1], atol=0.1)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", ["dinov2", "dinov3"])
def test_dino_vectors_equal_the_reference(
    tiny: Tiny, models_dir: Path, photos: list[Pixels], name: str, backend: str
) -> None:
    import torch
    from transformers.models.bit.image_processing_pil_bit import BitImageProcessorPil

    folder, model = tiny(name)
    encoder = HubEncoder(card_of(folder, backend, margin=0.0), models_dir)

    vectors = encoder.encode([whole(photo) for photo in photos])

    processor = BitImageProcessorPil.from_pretrained(folder)
    inputs = processor([Image.fromarray(photo) for photo in photos], return_tensors="pt")
    with torch.no_grad():
        expected = model(inputs["pixel_values"]).pooler_output.numpy()
    cosine = (vectors * expected).sum(axis=1) / np.linalg.norm(expected, axis=1)
    assert cosine.min() >= 0.9999
    assert vectors[0] @ vectors[1] < 0.999
    assert not card_of(folder, backend).text and encoder.dimension == vectors.shape[1]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", ["open_clip_siglip", "open_clip_vit"])
def test_open_clip_patches_equal_the_reference(
    open_clip: Any, tmp_path: Path, photos: list[Pixels], name: str, backend: str
) -> None:
    import torch
    from tests.models.hub import tiny_models

    folder = tmp_path / name
    model = getattr(tiny_models, name)(folder, open_clip)
    encoder = HubEncoder(card_of(folder, backend, margin=0.0), tmp_path)

    found = maps(encoder, photos)

    recipe = recipe_in(folder, "open_clip")
    inputs = torch.from_numpy(np.stack([recipe(photo) for photo in photos]))
    layers = len(model.visual.trunk.blocks) if name == "open_clip_siglip" else 1
    place = max(1, round(0.75 * layers)) - 1
    with torch.no_grad():
        given = model.visual.forward_intermediates(inputs, indices=[place], intermediates_only=True)
    expected = given["image_intermediates"][0].numpy()
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=2e-4 * float(np.abs(expected).max()))


def test_a_finer_map_is_averaged() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    from lookweave.models.hub.modules import GRID, PatchMap

    layers = torch.nn.ModuleList([torch.nn.Identity()])
    listening = PatchMap(layers)
    random = torch.Generator().manual_seed(1)
    values = torch.rand((2, 1 + 28 * 21, 3), generator=random)
    layers[0](values)
    found = listening.last(torch.zeros(2, 3, 28 * 4, 21 * 4), (4, 4))
    as_map = values[:, 1:].transpose(1, 2).reshape(2, 3, 28, 21)
    expected = torch.nn.functional.adaptive_avg_pool2d(as_map, (GRID, 1))
    assert found.shape == (2, 3, GRID, GRID)
    np.testing.assert_allclose(found.mean(dim=3, keepdim=True), expected, atol=1e-5)
    # 21 onto 14: a cell is one and a half patches.
    first = (as_map[..., 0] + 0.5 * as_map[..., 1]) / 1.5
    np.testing.assert_allclose(found[..., 0], first.reshape(2, 3, GRID, 2).mean(dim=3), atol=1e-5)


def learned(models_dir: Path, encoder: HubEncoder, key: str, width: int = 8) -> Whitening:
    """A whitening as `lookweave train details` would leave it."""
    channels = maps(encoder, [np.zeros((40, 40, 3), np.uint8)]).shape[1]
    random = np.random.default_rng(1)
    file = models_dir / "details" / f"{key}.npz"
    file.parent.mkdir(exist_ok=True)
    arrays = {
        "mean": random.normal(size=channels).astype(np.float32),
        "projection": random.normal(size=(channels, width)).astype(np.float32),
    }
    np.savez(file, **arrays)
    file.with_suffix(".json").write_text(json.dumps({"encoder": key}))
    return Whitening(**arrays)


def test_tokens_lie_where_the_network_looked(
    tiny: Tiny, tmp_path: Path, photos: list[Pixels]
) -> None:
    folder, _ = tiny("dinov2")  # it sees the middle square of a crop
    card = card_of(folder, "onnxruntime", margin=0.0)
    encoder = HubEncoder(card, tmp_path)
    assert isinstance(encoder, TokenEncoder)
    assert token_key(card, tmp_path) is None
    with pytest.raises(ModelError, match=r"Nothing was learned.*train details --encoder"):
        encoder.encode_with_tokens([whole(photos[0])])
    whitening = learned(tmp_path, encoder, card.key)
    encoder = HubEncoder(card, tmp_path)
    assert learned_details(card, tmp_path) is not None
    assert str(token_key(card, tmp_path)).startswith(f"{card.key}-")
    crops = [whole(photo) for photo in photos]

    vectors, tokens = encoder.encode_with_tokens(crops)

    np.testing.assert_array_equal(vectors, encoder.encode(crops))
    assert encoder.encode_with_tokens([])[1] == []
    for crop, one, (patches, frame) in zip(
        crops, tokens, encoder.encode_with_patches(crops)[1], strict=True
    ):
        height, width = crop.photo.shape[:2]
        # 40 of 48 pixels of the shorter side, from the middle.
        short = min(height, width)
        for low, high, length in ((frame[1], frame[3], height), (frame[0], frame[2], width)):
            assert high - low == pytest.approx(short * 40 / 48, rel=0.03)
            assert (low + high) / 2 == pytest.approx(length / 2, abs=0.03 * length)
        assert np.array_equal(one.values, whitening.tokens([patches], crop, frame).values)
        middles = one.places / 255 * (height, width)
        assert middles.min(axis=0) == pytest.approx(
            [frame[1] + (frame[3] - frame[1]) / 10, frame[0] + (frame[2] - frame[0]) / 10],
            abs=0.02 * max(height, width),
        )
        assert len(one.values) == 25


def test_tokens_are_of_the_masked_part_alone(tiny: Tiny, tmp_path: Path) -> None:
    folder, _ = tiny("siglip")
    card = card_of(folder, "onnxruntime", margin=0.0)
    learned(tmp_path, HubEncoder(card, tmp_path), card.key)
    photo = np.random.default_rng(2).integers(0, 255, (64, 64, 3)).astype(np.uint8)
    mask = np.zeros((4, 4), np.uint8)
    mask[:, :2] = 255
    encoder = HubEncoder(card, tmp_path)

    half, all_of_it = encoder.encode_with_tokens(
        [Crop(photo, (0, 0, 64, 64), mask), Crop(photo, (0, 0, 64, 64))]
    )[1]

    assert (len(half.values), len(all_of_it.values)) == (8, 16)
    left = all_of_it.places[:, 1] < 128
    assert np.array_equal(half.values, all_of_it.values[left])
