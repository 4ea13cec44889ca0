"""The image tower's memory between describe and embed, and the outline as numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lookweave.models.embedded import features
from lookweave.models.embedded.shape import WIDTH, shape_of
from lookweave.models.protocols import Crop


class _CountingSession:
    """Means and deviations of the frames' channels; counts the frames that it saw."""

    def __init__(self) -> None:
        self.frames = 0

    def run(self, names: list[str], given: dict[str, np.ndarray]) -> list[Any]:
        self.frames += len(given["image"])
        return [given["image"].mean(axis=(2, 3)), given["image"].std(axis=(2, 3))]


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> _CountingSession:
    counting = _CountingSession()
    monkeypatch.setattr(features, "open_session", lambda weights, also: counting)
    return counting


def _tower() -> features.ImageTower:
    return features.ImageTower("weights", 32, (0.5,) * 3, (0.5,) * 3)  # type: ignore[arg-type]


def _crops(count: int) -> list[Crop]:
    random = np.random.default_rng(count)
    photos = random.integers(0, 255, (count, 40, 30, 3)).astype(np.uint8)
    return [Crop(photo, (2.0, 3.0, 25.0, 38.0)) for photo in photos]


def test_what_was_kept_is_computed_once_and_given_once(session: _CountingSession) -> None:
    tower, crops = _tower(), _crops(5)
    first = tower.see(crops[:3], keep=True)
    assert session.frames == 3
    second = tower.see(crops)
    assert session.frames == 5
    assert np.array_equal(second.features[:3], first.features)
    assert np.array_equal(second.pooled[:3], first.pooled)
    assert np.array_equal(tower.see(crops).pooled, second.pooled) and session.frames == 10


def test_memory_is_bounded(session: _CountingSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "KEPT", 2)
    tower, crops = _tower(), _crops(4)
    tower.see(crops, keep=True)
    tower.see(crops)
    assert session.frames == 4 + 2


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
