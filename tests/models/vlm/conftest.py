from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lookweave.config import Vlm
from lookweave.models.protocols import Crop
from lookweave.models.vlm.cards import CARDS, configure
from lookweave.models.vlm.describer import VlmDescriber
from lookweave.testing.fake_vlm import FakeVlm

Describers = Callable[..., VlmDescriber]


@pytest.fixture
def describer(tmp_path: Path) -> Iterator[Describers]:
    """Makes describers that ask a fake server, impatient enough for a test."""
    made: list[VlmDescriber] = []

    def make(server: FakeVlm, **settings: Any) -> VlmDescriber:
        fast: dict[str, Any] = {
            "url": server.url, "model": "fake-vlm", "cache": tmp_path / "answers.sqlite",
            "timeout": 10.0, "backoff": 0.01, "retries": 3, "concurrency": 4, "scenes": False,
        }  # fmt: skip
        made.append(VlmDescriber(configure(CARDS[0], Vlm(**{**fast, **settings}))))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def crops() -> Callable[..., list[Crop]]:
    return solid_crops


def solid_crops(count: int, kind: str = "garment", first: int = 0) -> list[Crop]:
    """Crops of one colour each, no two alike; `mean_colour` of an answer says which it was."""
    return [
        Crop(
            np.full((64, 48, 3), ((4 * n) % 256, 40 + 20 * (4 * n // 256), 60), np.uint8),
            (0, 0, 48, 64),
            kind=kind,
        )
        for n in range(first, first + count)
    ]
