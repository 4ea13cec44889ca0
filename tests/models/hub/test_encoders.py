"""Encoders against the reference models, on both backends."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.models.hub.crops_and_cards import card_of, whole

from lookweave.models.hub.encoder import HubEncoder
from lookweave.models.hub.preprocess import recipe_in
from lookweave.models.protocols import Crop, Pixels, Vectors

Tiny = Callable[[str], tuple[Path, Any]]

BACKENDS = ("onnxruntime", "torch")
TEXTS = ["a red floral dress", "a photo of the black shoes", "striped shirt", "A BLUE BAG"]


def cosines(one: Vectors, other: Vectors) -> Vectors:
    other = other / np.linalg.norm(other, axis=1, keepdims=True)
    return np.sum(one * other, axis=1)


def siglip_vectors(folder: Path, model: Any, photos: list[Pixels]) -> Vectors:
    import torch
    from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

    processor = SiglipImageProcessorPil.from_pretrained(folder)
    inputs = processor([Image.fromarray(photo) for photo in photos], return_tensors="pt")
    with torch.no_grad():
        return model.get_image_features(**inputs).pooler_output.numpy()


def clip_vectors(folder: Path, model: Any, photos: list[Pixels]) -> Vectors:
    import torch
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    processor = CLIPImageProcessorPil.from_pretrained(folder)
    inputs = processor([Image.fromarray(photo) for photo in photos], return_tensors="pt")
    with torch.no_grad():
        return model.get_image_features(**inputs).pooler_output.numpy()


def text_vectors(folder: Path, model: Any, texts: list[str], **padding: Any) -> Vectors:
    import torch
    from transformers import AutoTokenizer

    tokens = AutoTokenizer.from_pretrained(folder)(texts, return_tensors="pt", **padding)
    tokens = {name: tokens[name] for name in ("input_ids", "attention_mask") if name in tokens}
    if "max_length" in padding:  # SigLIP was trained on padded texts without a mask
        tokens.pop("attention_mask", None)
    with torch.no_grad():
        return model.get_text_features(**tokens).pooler_output.numpy()


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", ["siglip", "siglip2"])
def test_siglip_equals_the_reference(
    tiny: Tiny, models_dir: Path, photos: list[Pixels], name: str, backend: str
) -> None:
    folder, model = tiny(name)
    encoder = HubEncoder(card_of(folder, backend, margin=0.0), models_dir)

    vectors = encoder.encode([whole(photo) for photo in photos])
    texts = encoder.encode_text(TEXTS)

    expected = siglip_vectors(folder, model, photos)
    assert cosines(vectors, expected).min() >= 0.9999
    # A loader that fed every photo the same numbers would pass if all vectors were alike.
    assert cosines(vectors[:1], expected[1:2])[0] < 0.999
    words = [text.lower() for text in TEXTS]
    padded = text_vectors(folder, model, words, padding="max_length", max_length=16)
    assert cosines(texts, padded).min() >= 0.9999
    assert cosines(texts[:1], padded[1:2])[0] < 0.999
    assert vectors.dtype == np.float32 and vectors.shape == (len(photos), encoder.dimension)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)


@pytest.mark.parametrize("backend", BACKENDS)
def test_clip_equals_the_reference(
    tiny: Tiny, models_dir: Path, photos: list[Pixels], backend: str
) -> None:
    folder, model = tiny("clip")
    encoder = HubEncoder(card_of(folder, backend, margin=0.0), models_dir)

    vectors = encoder.encode([whole(photo) for photo in photos])
    texts = encoder.encode_text(TEXTS)

    assert cosines(vectors, clip_vectors(folder, model, photos)).min() >= 0.9999
    padded = text_vectors(folder, model, TEXTS, padding=True)
    assert cosines(texts, padded).min() >= 0.9999
    assert cosines(texts[:1], padded[1:2])[0] < 0.999
    assert vectors.shape[1] == encoder.dimension == 24


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", ["open_clip_siglip", "open_clip_vit"])
def test_open_clip_equals_the_reference(
    open_clip: Any, tmp_path: Path, photos: list[Pixels], name: str, backend: str
) -> None:
    import torch
    from tests.models.hub import tiny_models

    folder = tmp_path / name
    model = getattr(tiny_models, name)(folder, open_clip)
    encoder = HubEncoder(card_of(folder, backend, margin=0.0), tmp_path)

    vectors = encoder.encode([whole(photo) for photo in photos])
    texts = encoder.encode_text(TEXTS)

    recipe = recipe_in(folder, "open_clip")
    tokenizer = open_clip.get_tokenizer(f"local-dir:{folder}")
    with torch.no_grad():
        inputs = torch.from_numpy(np.stack([recipe(photo) for photo in photos]))
        expected = model.encode_image(inputs).numpy()
        expected_texts = model.encode_text(tokenizer(TEXTS)).numpy()
    assert cosines(vectors, expected).min() >= 0.9999
    assert cosines(texts, expected_texts).min() >= 0.9999
    assert cosines(texts[:1], expected_texts[1:2])[0] < 0.9999
    assert encoder.dimension == vectors.shape[1] == texts.shape[1]


@pytest.mark.parametrize("backend", BACKENDS)
def test_batches_of_mixed_sizes_equal_one_by_one(
    tiny: Tiny, models_dir: Path, photos: list[Pixels], backend: str
) -> None:
    folder, _ = tiny("siglip")
    encoder = HubEncoder(card_of(folder, backend), models_dir)
    crops = [whole(photo) for photo in photos]

    together = encoder.encode(crops)

    alone = np.concatenate([encoder.encode([crop]) for crop in crops])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    texts = np.concatenate([encoder.encode_text([text]) for text in TEXTS])
    np.testing.assert_allclose(encoder.encode_text(TEXTS), texts, atol=1e-5)


def test_crop_is_the_box_with_a_margin_and_the_mask_counts_only_when_asked(
    tiny: Tiny, models_dir: Path, photos: list[Pixels]
) -> None:
    folder, _ = tiny("siglip")
    photo = photos[0]
    box = (20.0, 30.0, 70.0, 100.0)
    mask = np.zeros((70, 50), np.uint8)
    mask[:, :25] = 255
    plain = HubEncoder(card_of(folder, "onnxruntime", margin=0.0), models_dir)
    wide = HubEncoder(card_of(folder, "onnxruntime", margin=0.1), models_dir)
    white = HubEncoder(card_of(folder, "onnxruntime", margin=0.0, whiten=True), models_dir)

    by_box = plain.encode([Crop(photo, box)])
    by_hand = plain.encode([whole(np.ascontiguousarray(photo[30:100, 20:70]))])
    with_margin = plain.encode([whole(np.ascontiguousarray(photo[23:107, 13:77]))])
    painted = photo[30:100, 20:70].copy()
    painted[:, 25:] = 255

    np.testing.assert_array_equal(by_box, by_hand)
    np.testing.assert_array_equal(wide.encode([Crop(photo, box)]), with_margin)
    np.testing.assert_array_equal(plain.encode([Crop(photo, box, mask)]), by_box)
    np.testing.assert_array_equal(
        white.encode([Crop(photo, box, mask)]), plain.encode([whole(painted)])
    )


def test_nothing_to_encode_is_an_empty_table(tiny: Tiny, models_dir: Path) -> None:
    encoder = HubEncoder(card_of(tiny("siglip")[0], "onnxruntime"), models_dir)

    assert encoder.encode([]).shape == (0, 32)
    assert encoder.encode_text([]).shape == (0, 32)


def test_int8_ranks_like_float32_and_has_a_key_of_its_own(
    tiny: Tiny, models_dir: Path, photos: list[Pixels]
) -> None:
    folder, _ = tiny("siglip")
    whole_numbers, eighth = card_of(folder, "onnxruntime"), card_of(folder, "auto", int8=True)
    runtime = {"backend": "onnxruntime", "device": "cpu"}
    from lookweave.models.card import with_running

    eighth = with_running(eighth, **runtime)
    crops = [whole(photo) for photo in photos]

    quantised = HubEncoder(eighth, models_dir).encode(crops)

    similar = cosines(quantised, HubEncoder(whole_numbers, models_dir).encode(crops))
    assert similar.min() > 0.98
    assert not np.allclose(similar, 1.0, atol=1e-7)
    assert eighth.key != whole_numbers.key
