"""What describe leaves for embed, and the outline as numbers."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lookweave.models.embedded import describer_head, sharing
from lookweave.models.embedded.cards import CARDS
from lookweave.models.embedded.shape import WIDTH, shape_of
from lookweave.models.embedded.sharing import one_build
from lookweave.models.protocols import Crop, Recalls


def _crops(count: int) -> list[Crop]:
    random = np.random.default_rng(count)
    photos = random.integers(0, 255, (count, 40, 30, 3)).astype(np.uint8)
    return [
        Crop(photo, (2.0, 3.0, 25.0, 38.0), region=f"photo-{count}:segmenter:{place}")
        for place, photo in enumerate(photos)
    ]


def _describer_and_encoder() -> tuple[Any, Any]:
    describer, encoder = (
        next(card for card in CARDS if card.name == name).load()
        for name in ("lookweave-describer", "lookweave-encoder")
    )
    return describer, encoder


def test_a_described_region_is_recalled_once_and_is_what_encode_gives() -> None:
    with one_build():
        describer, encoder = _describer_and_encoder()
        assert isinstance(encoder, Recalls)
        crops = _crops(3)
        describer.describe([*crops[:2], replace(crops[2], region=None)])
        regions = [str(crop.region) for crop in crops]
        recalled = encoder.recall(regions)
        assert sorted(recalled) == sorted(regions[:2])
        for crop in crops[:2]:
            vector, tokens = recalled[str(crop.region)]
            expected, parts = encoder.encode_with_tokens([crop])
            assert np.array_equal(vector, expected[0])
            assert np.array_equal(tokens.values, parts[0].values)
            assert np.array_equal(tokens.places, parts[0].places)
        assert encoder.recall(regions) == {}


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(describer_head, "KEPT", 2)
    with one_build():
        describer, encoder = _describer_and_encoder()
        crops = _crops(4)
        describer.describe(crops)
        assert len(encoder.recall([str(crop.region) for crop in crops])) == 2


def test_a_network_lives_as_long_as_the_build_that_uses_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The describer is gone before the encoder is made: a step ends before the next begins."""
    # Another test of this process may hold the same network.
    monkeypatch.setattr(sharing, "_heads", weakref.WeakValueDictionary())
    crops = _crops(2)
    regions = [str(crop.region) for crop in crops]
    with one_build():
        describer, encoder = _describer_and_encoder()
        head = weakref.ref(describer._head)
        del encoder
        describer.describe(crops)
        del describer
        gc.collect()
        encoder = _describer_and_encoder()[1]
        assert encoder._head is head()
        assert sorted(encoder.recall(regions)) == regions
        del encoder
    gc.collect()
    assert head() is None


def test_nothing_outlives_its_build_and_nothing_is_kept_without_one() -> None:
    describer, encoder = _describer_and_encoder()
    crops = _crops(2)
    regions = [str(crop.region) for crop in crops]
    describer.describe(crops)
    assert encoder.recall(regions) == {}
    with one_build():
        describer, _ = _describer_and_encoder()
        describer.describe(crops)
    assert encoder.recall(regions) == {}


def test_two_builds_at_once_recall_nothing_of_each_other() -> None:
    crops = _crops(2)
    regions = [str(crop.region) for crop in crops]
    with one_build():
        describer, encoder = _describer_and_encoder()
        describer.describe(crops)
        with one_build():
            _, other = _describer_and_encoder()
            assert other.recall(regions) == {}
            describer.describe(crops)
            assert other.recall(regions) == {}
        describer.describe(crops)
        assert sorted(encoder.recall(regions)) == regions


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
