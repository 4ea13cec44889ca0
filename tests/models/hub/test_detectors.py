"""Detectors against the reference models and their post-processing, on both backends."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.models.hub.crops_and_cards import card_of

from lookweave.models.card import Card
from lookweave.models.hub.boxes import BoxCandidates
from lookweave.models.hub.detector import HubDetector
from lookweave.models.hub.labels import PROMPTS
from lookweave.models.hub.prompted import PHRASE, PromptedDetector, grounded_text
from lookweave.models.hub.segments import HubSegmenter, upsample
from lookweave.models.protocols import Detection, Pixels
from lookweave.taxonomy import CATEGORIES

Tiny = Callable[[str], tuple[Path, Any]]

PROCESSORS = {
    "yolos": ("yolos", "YolosImageProcessorPil"),
    "detr": ("detr", "DetrImageProcessorPil"),
    "rt_detr": ("rt_detr", "RTDetrImageProcessorPil"),
    "owlv2": ("owlv2", "Owlv2ImageProcessorPil"),
    "grounding_dino": ("grounding_dino", "GroundingDinoImageProcessorPil"),
    "segformer": ("segformer", "SegformerImageProcessorPil"),
}


def processor_of(name: str, folder: Path) -> Any:
    module, kind = PROCESSORS[name]
    path = f"transformers.models.{module}.image_processing_pil_{module}"
    return getattr(importlib.import_module(path), kind).from_pretrained(folder)


def reference(name: str, folder: Path, model: Any, photo: Pixels, **text: Any) -> dict[str, Any]:
    """The reference's whole way for one photo, at a threshold that lets all boxes through."""
    import torch

    processor = processor_of(name, folder)
    inputs = processor(Image.fromarray(photo), return_tensors="pt")
    with torch.no_grad():
        outputs = model(**inputs, **text)
    size = [photo.shape[:2]]
    return processor.post_process_object_detection(outputs, threshold=0.0, target_sizes=size)[0]


def assert_same_boxes(ours: BoxCandidates, theirs: dict[str, Any], *, within: float = 0.05) -> None:
    """The same boxes with the same scores and classes, whatever the order of equal scores."""
    scores = theirs["scores"].numpy()
    assert len(ours.scores) == len(scores)
    np.testing.assert_allclose(np.sort(ours.scores), np.sort(scores), atol=1e-4)
    boxes, labels = theirs["boxes"].numpy(), theirs["labels"].numpy()
    for box, label, score in zip(ours.boxes, ours.labels, ours.scores, strict=True):
        near = (np.abs(boxes - box).max(axis=1) < within) & (labels == label)
        assert (near & (np.abs(scores - score) < 1e-4)).any(), (box, label, score)


@pytest.mark.parametrize("backend", ["onnxruntime", "torch"])
@pytest.mark.parametrize("name", ["yolos", "detr", "rt_detr"])
def test_boxes_equal_the_reference(
    tiny: Tiny, models_dir: Path, photos: list[Pixels], name: str, backend: str
) -> None:
    folder, model = tiny(name)
    detector = HubDetector(card_of(folder, backend), models_dir)

    found = detector.candidates(photos)

    for photo, ours in zip(photos, found, strict=True):
        assert_same_boxes(ours, reference(name, folder, model, photo))
    assert len(np.unique(found[0].boxes.round(2), axis=0)) > 1


@pytest.mark.parametrize("name", ["yolos", "detr", "rt_detr"])
def test_photos_of_mixed_sizes_equal_one_by_one(
    tiny: Tiny, models_dir: Path, photos: list[Pixels], name: str
) -> None:
    detector = HubDetector(card_of(tiny(name)[0], "torch"), models_dir)

    together = detector.candidates(photos)

    for photo, found in zip(photos, together, strict=True):
        (alone,) = detector.candidates([photo])
        np.testing.assert_allclose(found.boxes, alone.boxes, atol=0.01)
        np.testing.assert_allclose(found.scores, alone.scores, atol=1e-5)
        np.testing.assert_array_equal(found.labels, alone.labels)


def test_regions_answer_in_the_taxonomy(tiny: Tiny, models_dir: Path, photos: list[Pixels]) -> None:
    detector = HubDetector(card_of(tiny("yolos")[0], "torch", threshold=0.05), models_dir)

    for photo, found in zip(photos, detector.detect(photos), strict=True):
        assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
        for one in found:
            assert one.label in CATEGORIES
            assert one.label_scores is not None and one.label_scores.dtype == np.float32
            assert one.label_scores.sum() == pytest.approx(1.0, abs=1e-5)
            x0, y0, x1, y1 = one.box
            assert 0 <= x0 < x1 <= photo.shape[1] and 0 <= y0 < y1 <= photo.shape[0]


def test_a_person_becomes_parts_or_goes_to_another_detector(
    tiny: Tiny, models_dir: Path, photos: list[Pixels], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Card("whole-photo", "detector", "lookweave.models.whole:WholePhoto", "", "package", "")
    folder, _ = tiny("detr")
    by_shares = HubDetector(card_of(folder, "torch"), models_dir)
    by_detector = HubDetector(
        replace(card_of(folder, "torch", parts="whole-photo"), made_of=other), models_dir
    )
    scores = np.array([[0.0, 0.9, 0.0, 0.0, 0.0], [0.0, 0.0, 0.8, 0.0, 0.1]], np.float32)
    boxes = np.array([[10, 20, 60, 110], [5, 5, 20, 20]], np.float32)
    seen = BoxCandidates(boxes, scores.max(axis=1), scores.argmax(axis=1), scores)
    for detector in (by_shares, by_detector):
        monkeypatch.setattr(detector, "candidates", lambda photos: [seen])

    parts, alone = by_shares.detect(photos[:1])[0], by_detector.detect(photos[:1])[0]

    assert [one.label for one in parts] == ["bag", None, None, "shoes"]
    assert parts[1].box == pytest.approx((10, 29, 60, 69.5))
    assert {(one.label, one.box) for one in alone} == {
        ("bag", (5, 5, 20, 20)), (None, (10, 20, 60, 110)),
    }  # fmt: skip


@pytest.mark.parametrize("backend", ["onnxruntime", "torch"])
def test_owlv2_equals_the_reference(
    tiny: Tiny, models_dir: Path, photos: list[Pixels], backend: str
) -> None:
    from transformers import AutoTokenizer

    folder, model = tiny("owlv2")
    detector = PromptedDetector(card_of(folder, backend), models_dir)
    phrases = [PHRASE.format(word) for words in PROMPTS.values() for word in words]
    owners = [CATEGORIES.index(name) for name, words in PROMPTS.items() for _ in words]
    tokens = AutoTokenizer.from_pretrained(folder)(
        phrases, padding="max_length", max_length=16, truncation=True, return_tensors="pt"
    )

    found = detector.candidates(photos)

    text = {"input_ids": tokens["input_ids"], "attention_mask": tokens["attention_mask"]}
    for photo, ours in zip(photos, found, strict=True):
        theirs = reference("owlv2", folder, model, photo, **text)
        theirs["labels"] = theirs["labels"].apply_(lambda query: owners[query])
        assert_same_boxes(ours, theirs)
    one_by_one = [detector.candidates([photo])[0] for photo in photos]
    for together, alone in zip(found, one_by_one, strict=True):
        np.testing.assert_allclose(together.boxes, alone.boxes, atol=1e-3)


def test_grounding_dino_equals_the_reference(
    tiny: Tiny, models_dir: Path, photos: list[Pixels]
) -> None:
    import torch
    from transformers import AutoTokenizer, GroundingDinoProcessor

    folder, model = tiny("grounding_dino")
    detector = PromptedDetector(card_of(folder, "torch"), models_dir)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    text = ". ".join(word for words in PROMPTS.values() for word in words) + "."
    tokens = tokenizer([text], return_tensors="pt")
    ours, owners = grounded_text(folder)
    np.testing.assert_array_equal(ours["input_ids"], tokens["input_ids"].numpy())
    words = [word for words in PROMPTS.values() for word in words]
    assert (owners >= 0).sum() >= len(words)

    found = detector.candidates(photos)

    processor = GroundingDinoProcessor(processor_of("grounding_dino", folder), tokenizer)
    for photo, candidates in zip(photos, found, strict=True):
        inputs = processor.image_processor(Image.fromarray(photo), return_tensors="pt")
        with torch.no_grad():
            outputs = model(**inputs, **tokens)
        theirs = processor.post_process_grounded_object_detection(
            outputs, tokens["input_ids"], threshold=0.0, target_sizes=[photo.shape[:2]]
        )[0]
        np.testing.assert_allclose(
            np.sort(candidates.scores), np.sort(theirs["scores"].numpy()), atol=1e-4
        )
        order = np.argsort(-theirs["scores"].numpy(), kind="stable")
        np.testing.assert_allclose(
            candidates.boxes, theirs["boxes"].numpy()[order], atol=0.05, rtol=1e-3
        )


@pytest.mark.parametrize("backend", ["onnxruntime", "torch"])
def test_segformer_equals_the_reference(
    tiny: Tiny, models_dir: Path, photos: list[Pixels], backend: str
) -> None:
    import torch

    folder, model = tiny("segformer")
    segmenter = HubSegmenter(card_of(folder, backend), models_dir)
    processor = processor_of("segformer", folder)

    found = segmenter.logits(photos)

    for photo, logits in zip(photos, found, strict=True):
        inputs = processor(Image.fromarray(photo), return_tensors="pt")
        with torch.no_grad():
            outputs = model(**inputs)
        theirs = processor.post_process_semantic_segmentation(
            outputs, target_sizes=[photo.shape[:2]]
        )[0].numpy()
        ours = upsample(logits, *photo.shape[:2]).argmax(axis=0)
        # Two classes can be equal to the last bit at a pixel; any other difference is a fault.
        assert (ours == theirs).mean() > 0.9995
        assert len(np.unique(theirs)) > 1


def test_segments_cover_their_class_and_no_more(
    tiny: Tiny, models_dir: Path, photos: list[Pixels]
) -> None:
    segmenter = HubSegmenter(card_of(tiny("segformer")[0], "torch"), models_dir)

    together = segmenter.detect(photos)

    for photo, found in zip(photos, together, strict=True):
        for one in found:
            assert one.mask is not None and one.mask.any()
            assert set(np.unique(one.mask)) <= {0, 255}
            assert one.label in CATEGORIES and 0 < one.score <= 1
            assert one.box[2] <= photo.shape[1] and one.box[3] <= photo.shape[0]
        assert_same_detections(found, segmenter.detect([photo])[0])
    assert any(together)


def assert_same_detections(ours: list[Detection], theirs: list[Detection]) -> None:
    assert [one.label for one in ours] == [one.label for one in theirs]
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one.box, other.box, atol=0.01)
        assert one.score == pytest.approx(other.score, abs=1e-4)


def test_grounding_dino_on_onnxruntime_is_refused_in_words(tiny: Tiny, models_dir: Path) -> None:
    from lookweave.errors import ConfigError

    card: Card = card_of(tiny("grounding_dino")[0], "onnxruntime")

    with pytest.raises(ConfigError, match="torch only"):
        PromptedDetector(card, models_dir)
