"""What describe leaves for embed, and the outline as numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lookweave.models.embedded import describer_head
from lookweave.models.embedded.cards import CARDS
from lookweave.models.embedded.shape import WIDTH, shape_of
from lookweave.models.protocols import Crop, Recalls


def _crops(count: int) -> list[Crop]:
    random = np.random.default_rng(count)
    photos = random.integers(0, 255, (count, 40, 30, 3)).astype(np.uint8)
    return [
        Crop(photo, (2.0, 3.0, 25.0, 38.0), region=f"photo-{count}:segmenter:{place}")
        for place, photo in enumerate(photos)
    ]


def test_a_described_region_is_recalled_once_and_is_what_encode_gives() -> None:
    describer, encoder = (
        next(card for card in CARDS if card.name == name).load()
        for name in ("lookweave-describer", "lookweave-encoder")
    )
    assert isinstance(encoder, Recalls)
    crops = _crops(3)
    describer.describe([*crops[:2], replace(crops[2], region=None)])
    regions = [str(crop.region) for crop in crops]
    recalled = encoder.recall(regions)
    assert sorted(recalled) == sorted(regions[:2])
    for crop in crops[:2]:
        assert np.array_equal(recalled[str(crop.region)], encoder.encode([crop])[0])
    assert encoder.recall(regions) == {}


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(describer_head, "KEPT", 2)
    describer, encoder = (
        next(card for card in CARDS if card.name == name).load()
        for name in ("lookweave-describer", "lookweave-encoder")
    )
    crops = _crops(4)
    describer.describe(crops)
    assert len(encoder.recall([str(crop.region) for crop in crops])) == 2


def test_outline_tells_legs_from_a_block() -> None:
    photo = np.zeros((80, 60, 3), np.uint8)
    legs = np.full((64, 64), 255, np.uint8)
    legs[32:, 24:40] = 0
    block, trousers = (
        shape_of(Crop(photo, (10.0, 10.0, 30.0, 50.0), mask)) for mask in (None, legs)
    )
    assert block.shape == trousers.shape == (WIDTH,)
    assert block[:-1] == pytest.approx(1.0) and block[-1] == pytest.approx(np.log(2))
    cells = trousers[:64].reshape(8, 8)
    assert cells[:4] == pytest.approx(1.0) and cells[4:, 3:5] == pytest.approx(0.0)
    assert trousers[64] == pytest.approx(cells.mean())
