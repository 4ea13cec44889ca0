"""Models that cost nothing, for tests that build often."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from lookweave.models.card import Card
from lookweave.models.protocols import Crop, Description, Vectors
from lookweave.models.registry import forget_model, register_model

NAMES = "whole-photo+quick-encoder+quick-describer"


class QuickEncoder:
    """The colours of a photo, shrunk to 4 x 4 pixels."""

    def __init__(self, card: Card, models_dir: Path | None = None) -> None:
        pass

    def encode(self, crops: list[Crop]) -> Vectors:
        small = [
            np.asarray(Image.fromarray(crop.photo).resize((4, 4)), np.float32) for crop in crops
        ]
        vectors = np.stack(small).reshape(len(crops), 48) - 127.5
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


class QuickDescriber:
    """Sees a dress everywhere, or what the catalogue says the cut-out is."""

    def __init__(self, card: Card, models_dir: Path | None = None) -> None:
        pass

    def describe(self, crops: list[Crop]) -> list[Description | Exception]:
        return [Description({"category": {"dress": 1.0}}, caption="a dress") for _ in crops]


@contextmanager
def quick_models() -> Iterator[str]:
    """Models for `--models`, as long as the block runs."""
    register_model(Card("quick-encoder", "encoder", licence="MIT", dimension=48), QuickEncoder)
    register_model(Card("quick-describer", "describer", licence="MIT"), QuickDescriber)
    try:
        yield NAMES
    finally:
        forget_model("quick-encoder")
        forget_model("quick-describer")
