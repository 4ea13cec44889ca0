"""Masks by a network that is told which classes a photo shows."""

# ruff: noqa: E402
from __future__ import annotations

from pathlib import Path

import pytest

for _package in ("torch", "cv2"):
    pytest.importorskip(_package, reason=f"needs {_package}: install lookweave[train]")

import numpy as np

from lookweave.taxonomy import SEGMENTER_CLASSES
from lookweave.train.labels import CLASS_COUNT, IGNORE
from lookweave.train.rendered_photos import load_rendered_photos
from lookweave.train.tagged_photos import (
    TaggedPhoto,
    held_to_tags,
    load_tagged_photos,
    possible_classes,
    tagged_mask,
)

SHIRT, KNIT, VEST = (SEGMENTER_CLASSES.index(name) for name in ("shirt", "knitwear", "vest"))


def test_tags_allow_their_classes_and_the_person() -> None:
    allowed = {SEGMENTER_CLASSES[i] for i in np.flatnonzero(possible_classes(["suit", "ring"]))}
    assert allowed == {"background", "skin", "hair", "jacket", "trousers"}
    with pytest.raises(KeyError):
        possible_classes(["spacesuit"])


def test_only_training_photos_without_masks_are_read(parsed_folder: Path) -> None:
    photos = load_tagged_photos(parsed_folder)
    assert [photo.name for photo in photos] == ["0009", "0032"]
    assert photos[0].pixels.shape == (120, 80, 3)


def test_tags_settle_what_the_network_wavers_about() -> None:
    logits = np.full((CLASS_COUNT, 1, 2), -9.0, np.float32)
    logits[KNIT, 0, 0], logits[SHIRT, 0, 0] = 3, 2  # knitwear, says the network; the tags: shirt
    logits[SHIRT, 0, 1], logits[VEST, 0, 1] = 2, 1  # a vest is rarely thought of; the tags do
    presence = np.full(CLASS_COUNT, 4.0, np.float32)
    presence[VEST] = -2.0
    shares = held_to_tags(logits, presence, possible_classes(["shirt", "vest"]))
    assert np.allclose(shares.sum(0), 1, atol=1e-5)
    assert shares[KNIT].max() == 0
    assert shares[SHIRT, 0, 0] > 0.9
    ratio = shares[VEST, 0, 1] / shares[SHIRT, 0, 1]
    # Bayes: the odds e^-1 of the pixel, times those of presence that the tag makes certain.
    assert ratio == pytest.approx(np.exp(-1) * (1 + np.exp(2)) / (1 + np.exp(-4)), rel=1e-4)


def test_masks_lie_where_the_network_sees_the_class_and_spare_doubt() -> None:
    photo = TaggedPhoto("0001", np.zeros((192, 128, 3), np.uint8), possible_classes(["shirt"]))

    def opinions(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rows, columns = images.shape[2] // 4, images.shape[3] // 4
        logits = np.full((2, CLASS_COUNT, rows, columns), -9.0, np.float32)
        logits[:, 0] = 4
        left = slice(0, columns // 2)
        for place, where in enumerate((left, slice(columns - columns // 2, columns))):
            logits[place, SHIRT, : rows // 2, where] = 9  # the mirrored photo, mirrored
        logits[:, SHIRT, rows * 3 // 4 :] = 4  # as likely shirt as background
        return logits, np.full((2, CLASS_COUNT), 9.0, np.float32)

    mask = tagged_mask(photo, opinions, [(384, 256)])
    assert mask.shape == (192, 128)
    assert (mask[:90, :58] == SHIRT).all()
    assert (mask[:90, 70:] == 0).all()
    assert (mask[150:] == IGNORE).all()


def test_rendered_pictures_come_with_their_classes(rendered_folder: Path, tmp_path: Path) -> None:
    photos = load_rendered_photos(rendered_folder)
    assert [photo.name for photo in photos] == ["look-00000", "lw-00000"]
    assert set(np.unique(photos[0].mask)) == {0, 7}
    assert photos[0].mask.shape == photos[0].pixels.shape[:2]
    (tmp_path / "looks").mkdir()
    with pytest.raises(ValueError, match="render with --labels"):
        load_rendered_photos(tmp_path)
