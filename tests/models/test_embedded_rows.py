"""What the shipped models say of a crop does not depend on the crops beside it, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest

from lookweave.models.details import BYTES, SCALE, packed
from lookweave.models.embedded.cards import CARDS
from lookweave.models.protocols import Crop
from lookweave.taxonomy import CATEGORIES


@pytest.fixture(scope="module")
def crops() -> list[Crop]:
    random = np.random.default_rng(3)
    made = []
    for number in range(9):
        photo = random.integers(0, 255, (120, 90, 3)).astype(np.uint8)
        scores = random.dirichlet(np.ones(len(CATEGORIES))).astype(np.float32)
        mask = (random.random((40, 30)) > 0.3).astype(np.uint8) * 255
        kind = "garment" if number % 2 else "look"
        box = (5.0, 8.0, 60.0 + number, 100.0)
        made.append(Crop(photo, box, mask, kind, scores if number % 3 else None))
    return made


def test_vectors_do_not_depend_on_the_batch(crops: list[Crop]) -> None:
    encoder = next(card for card in CARDS if card.name == "lookweave-encoder").load()
    together = encoder.encode(crops)
    assert np.allclose(np.linalg.norm(together, axis=1), 1.0, atol=1e-5)
    for size in (1, 2, 4):
        parts = [encoder.encode(crops[at : at + size]) for at in range(0, len(crops), size)]
        assert np.array_equal(together, np.vstack(parts))


def test_descriptions_do_not_depend_on_the_batch(crops: list[Crop]) -> None:
    describer = next(card for card in CARDS if card.name == "lookweave-describer").load()
    together = describer.describe(crops)
    assert together == [describer.describe([crop])[0] for crop in crops]


def test_tokens_do_not_depend_on_the_batch(crops: list[Crop]) -> None:
    encoder = next(card for card in CARDS if card.name == "lookweave-encoder").load()
    vectors, together = encoder.encode_with_tokens(crops)
    assert np.array_equal(vectors, encoder.encode(crops))
    for one, crop in zip(together, crops, strict=True):
        alone = encoder.encode_with_tokens([crop])[1][0]
        assert np.array_equal(one.values, alone.values)
        assert len(packed(one.values)) + one.places.nbytes <= BYTES
        assert np.linalg.norm(one.values / SCALE, axis=1) == pytest.approx(1.0, abs=0.1)
    assert not np.array_equal(together[0].values[:4], together[1].values[:4])
