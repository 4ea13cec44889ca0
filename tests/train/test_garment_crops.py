"""The encoder's input contract and the views it is trained on."""

# ruff: noqa: E402
from __future__ import annotations

import pytest

for _package in ("torch", "cv2", "onnx"):
    pytest.importorskip(_package, reason=f"needs {_package}: install lookweave[train]")

import numpy as np

from lookweave.train.garment_crops import FADE, GREY, MARGIN, Garment, prepare_crop
from lookweave.train.garment_views import ViewStrength, garment_view
from lookweave.train.product_photos import weak_mask


def _photo() -> tuple[np.ndarray, np.ndarray]:
    pixels = np.full((300, 200, 3), 250, np.uint8)
    mask = np.zeros((300, 200), np.uint8)
    mask[100:200, 60:120] = 1
    pixels[mask > 0] = (200, 30, 30)
    return pixels, mask


def test_crop_centres_the_box_and_fades_the_rest() -> None:
    pixels, mask = _photo()
    crop = prepare_crop(pixels, mask, 192)
    assert crop.shape == (192, 192, 3)
    assert np.abs(crop[96, 96].astype(int) - (200, 30, 30)).max() <= 2
    faded = GREY + (250 - GREY) * (1 - FADE)
    assert np.abs(crop[96, 4].astype(float) - faded).max() <= 2
    reddish = (crop[..., 0].astype(int) - crop[..., 1]) > 85
    height = np.ptp(np.flatnonzero(reddish.any(1))) + 1
    assert height == pytest.approx(192 / (1 + 2 * MARGIN), abs=2)


def test_crop_beyond_the_photo_is_grey() -> None:
    pixels, mask = _photo()
    mask[:] = 0
    mask[:40, :40] = 1
    crop = prepare_crop(pixels, mask, 64, fade=0.0)
    assert np.abs(crop[0].astype(float) - GREY).max() <= 1


def test_empty_mask_is_refused() -> None:
    pixels, mask = _photo()
    with pytest.raises(ValueError, match="empty mask"):
        prepare_crop(pixels, mask * 0)


def test_views_depend_on_the_generator_alone() -> None:
    garment = Garment(*_photo(), "top", "0001")
    views = [
        garment_view(garment, True, 64, ViewStrength(), np.random.default_rng(seed))
        for seed in (5, 5, 6)
    ]
    assert np.array_equal(views[0], views[1])
    assert not np.array_equal(views[0], views[2])


def test_weak_mask_finds_a_garment_on_a_plain_sheet() -> None:
    random = np.random.default_rng(0)
    pixels = np.clip(random.normal(215, 4, (240, 180, 3)), 0, 255).astype(np.uint8)
    truth = np.zeros((240, 180), bool)
    truth[60:190, 50:130] = True
    pixels[truth] = np.clip(random.normal((60, 80, 150), 6, (truth.sum(), 3)), 0, 255)
    found = weak_mask(pixels)
    assert found is not None
    overlap = (truth & (found > 0)).sum() / (truth | (found > 0)).sum()
    assert overlap > 0.9
