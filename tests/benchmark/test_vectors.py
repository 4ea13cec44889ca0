"""What of a photo becomes vectors, and in which frame its boxes are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lookweave.benchmark.content import Item, PhotoFile
from lookweave.benchmark.vectors import ViewVectors, embed_views, view_of
from lookweave.config import Config
from lookweave.errors import InputError
from lookweave.models import registry
from lookweave.models.card import Card
from lookweave.models.protocols import Crop, Detection, Pixels
from lookweave.pipeline.setup import Setup
from lookweave.progress import Progress


class Halves:
    """A detector that finds a dress on the left and something on the right."""

    def __init__(self, card: Card, models_dir: Path | None = None) -> None:
        pass

    def detect(self, photos: list[Pixels]) -> list[list[Detection]]:
        found = []
        for photo in photos:
            height, width = float(photo.shape[0]), float(photo.shape[1])
            found.append([Detection((0.0, 0.0, width / 2, height), 0.9, "dress"),
                          Detection((width / 2, 0.0, width, height), 0.6)])  # fmt: skip
        return found


class MeanColour:
    """An encoder: the mean colour of the crop."""

    dimension = 3

    def __init__(self, card: Card, models_dir: Path | None = None) -> None:
        pass

    def encode(self, crops: list[Crop]) -> np.ndarray[Any, np.dtype[np.float32]]:
        rows = []
        for crop in crops:
            cut = Image.fromarray(crop.photo).crop(tuple(round(edge) for edge in crop.box))
            row = np.asarray(cut, np.float64).reshape(-1, 3).mean(0) + 1e-3
            rows.append(row / np.linalg.norm(row))
        return np.array(rows, np.float32).reshape(-1, 3)


@pytest.fixture
def setup() -> Any:
    halves = Card(name="halves", task="detector", licence="Apache-2.0")
    colour = Card(name="mean-colour", task="encoder", licence="Apache-2.0", dimension=3)
    registry.register_model(halves, Halves, replace_it=True)
    registry.register_model(colour, MeanColour, replace_it=True)
    yield Setup.of(Config(models="halves+mean-colour"))
    for name in ("halves", "mean-colour"):
        registry.forget_model(name)


@pytest.fixture
def photo(tmp_path: Path) -> PhotoFile:
    """Twice as large as models see photos: red on the left, blue on the right."""
    drawn = Image.new("RGB", (2048, 1024), (255, 0, 0))
    drawn.paste((0, 0, 255), (1024, 0, 2048, 1024))
    drawn.save(tmp_path / "photo.png")
    return PhotoFile("photo.png", tmp_path / "photo.png")


def embed(setup: Setup, items: list[tuple[Item, Any]], folder: Path) -> ViewVectors:
    with Progress(quiet=True) as progress:
        return embed_views(
            setup, [view_of(item, regions) for item, regions in items], folder, progress
        )


def test_boxes_are_in_pixels_of_the_photo(setup: Setup, photo: PhotoFile, tmp_path: Path) -> None:
    given = Item(photo, "look", box=(1024.0, 100.0, 2048.0, 900.0))
    plain = Item(photo, "look")
    found = embed(setup, [(given, "given"), (plain, "found"), (plain, "whole")], tmp_path / "v")
    (box,) = found.rows[view_of(given, "given")]
    assert found.boxes[box].tolist() == [1024, 100, 2048, 900]
    assert found.vectors[box] == pytest.approx([0, 0, 1], abs=1e-2)
    left, right = found.rows[view_of(plain, "found")]
    assert found.boxes[left].tolist() == [0, 0, 1024, 1024]
    assert found.labels[left : right + 1] == ["dress", None]
    assert found.vectors[left] == pytest.approx([1, 0, 0], abs=1e-2)
    assert found.vectors[right] == pytest.approx([0, 0, 1], abs=1e-2)
    (whole,) = found.rows[view_of(plain, "whole")]
    assert found.vectors[whole] == pytest.approx([0.5**0.5, 0, 0.5**0.5], abs=1e-2)
    assert view_of(plain, "given") == view_of(plain, "whole")


def test_a_product_photo_has_one_region(setup: Setup, photo: PhotoFile, tmp_path: Path) -> None:
    product = Item(photo, "garment")
    found = embed(setup, [(product, "found")], tmp_path / "v")
    assert len(found.rows[view_of(product, "found")]) == 1


def test_a_box_outside_the_photo_is_drawn_in(
    setup: Setup, photo: PhotoFile, tmp_path: Path
) -> None:
    odd = Item(photo, "look", box=(3000.0, -50.0, 4000.0, 5000.0))
    found = embed(setup, [(odd, "given")], tmp_path / "v")
    (box,) = found.rows[view_of(odd, "given")]
    assert found.boxes[box].tolist() == [2046, 0, 2048, 1024]


def test_two_runs_at_once_are_refused(setup: Setup, photo: PhotoFile, tmp_path: Path) -> None:
    from filelock import FileLock

    parts = tmp_path / "v" / f"{setup.models.detector.key}+{setup.models.encoder.key}"
    parts.mkdir(parents=True)
    with FileLock(parts / "lock"), pytest.raises(InputError, match="Another run"):
        embed(setup, [(Item(photo, "look"), "whole")], tmp_path / "v")
