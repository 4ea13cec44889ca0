"""From class probabilities to one region for each garment."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import lookweave.demo
from lookweave import photos
from lookweave.models.embedded import segmenter
from lookweave.models.embedded.cards import CARDS
from lookweave.models.framing import fitted_side
from lookweave.models.protocols import Detection
from lookweave.taxonomy import SEGMENTER_CLASSES

ROWS, COLUMNS = 96, 64
RED, GREY, BLUE = (190, 30, 40), (120, 120, 120), (20, 30, 120)


class Painting:
    """A photo and what a network thinks of it, painted in rectangles of the network's cells."""

    def __init__(self) -> None:
        self.photo = np.full((ROWS * 4, COLUMNS * 4, 3), 235, np.uint8)
        self.logits = np.zeros((1, len(SEGMENTER_CLASSES), ROWS, COLUMNS), np.float32)
        self.logits[:, 0] = 6

    def paint(
        self, rows: slice, columns: slice, colour: tuple[int, int, int], **beliefs: float
    ) -> None:
        self.logits[0, :, rows, columns] = 0
        for name, belief in beliefs.items():
            self.logits[0, SEGMENTER_CLASSES.index(name), rows, columns] = belief
        pixels = (slice(rows.start * 4, rows.stop * 4), slice(columns.start * 4, columns.stop * 4))
        self.photo[pixels] = colour

    def run(self, *_: object) -> list[np.ndarray]:
        return [self.logits]


@pytest.fixture
def regions(monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    def detect(painting: Painting) -> list[Detection]:
        monkeypatch.setattr(segmenter, "open_session", lambda *_: painting)
        card = next(card for card in CARDS if card.name == "lookweave-segmenter")
        settings = {**card.settings, "canvases": [(ROWS * 4, COLUMNS * 4)]}
        return segmenter.Segmenter(replace(card, settings=settings)).detect([painting.photo])[0]

    return detect


def test_an_open_jacket_is_one_region_and_the_shirt_under_it_another(regions) -> None:  # type: ignore[no-untyped-def]
    painting = Painting()
    painting.paint(slice(20, 60), slice(20, 28), GREY, jacket=8)
    painting.paint(slice(20, 60), slice(28, 36), RED, shirt=8)
    painting.paint(slice(20, 60), slice(36, 44), GREY, coat=8, jacket=6)
    found = {one.label: one.box for one in regions(painting)}
    assert found == {"jacket": (80.0, 80.0, 176.0, 240.0), "shirt": (112.0, 80.0, 144.0, 240.0)}


def test_people_beside_each_other_keep_their_own_trousers(regions) -> None:  # type: ignore[no-untyped-def]
    painting = Painting()
    painting.paint(slice(50, 90), slice(10, 22), BLUE, trousers=8)
    painting.paint(slice(50, 90), slice(34, 46), BLUE, trousers=8)
    assert len(regions(painting)) == 2
    painting.paint(slice(50, 90), slice(22, 34), RED, bag=8)
    bridged = {one.label: one.box for one in regions(painting)}
    assert bridged["trousers"] == (40.0, 200.0, 184.0, 360.0), "one pair behind a bag"


def test_regions_do_not_depend_on_how_much_of_a_photo_is_decoded(tmp_path: Path) -> None:
    sample = Path(lookweave.demo.__file__).parent / "sample" / "looks" / "look-00003.jpg"
    large = Image.open(sample)
    large = large.resize((large.width * 3, large.height * 3), Image.Resampling.BICUBIC)
    card = next(card for card in CARDS if card.name == "lookweave-segmenter")
    detector = card.load()
    seen = []
    seen_side = fitted_side(card.sees, large.height, large.width)
    for name, enough in (("look.png", None), ("look.jpg", seen_side)):
        large.save(tmp_path / name, quality=97)
        photo = photos.load(tmp_path / name, enough=enough)
        assert max(photo.pixels.shape) == max(large.size) * (1 if enough is None else photo.scale)
        found = detector.detect([photo.pixels])[0]
        seen.append({one.label: np.array(one.box) / photo.scale for one in found})
    whole, half = seen
    assert photo.scale < 0.5
    assert whole.keys() == half.keys() != set()
    for label, box in whole.items():
        assert np.abs(box - half[label]).max() < 0.02 * max(large.size), label


def test_a_pair_of_shoes_is_one_region(regions) -> None:  # type: ignore[no-untyped-def]
    painting = Painting()
    painting.paint(slice(88, 94), slice(20, 28), GREY, shoes=8)
    painting.paint(slice(86, 92), slice(34, 42), GREY, shoes=8)
    painting.paint(slice(86, 94), slice(60, 64), GREY, shoes=8)  # somebody else's
    assert sorted(one.box[0] for one in regions(painting)) == [80.0, 240.0]


def test_doubt_inside_one_cloth_makes_no_second_garment(regions) -> None:  # type: ignore[no-untyped-def]
    painting = Painting()
    painting.paint(slice(20, 50), slice(20, 44), RED, shirt=5, dress=4.5)
    painting.paint(slice(50, 80), slice(20, 44), RED, shirt=4.5, dress=5)
    assert len(regions(painting)) == 1
    painting.paint(slice(20, 50), slice(20, 44), RED, shirt=8)
    painting.paint(slice(50, 80), slice(20, 44), BLUE, skirt=8)
    assert {one.label for one in regions(painting)} == {"shirt", "skirt"}


@pytest.mark.parametrize("shape", [(294, 384), (384, 294), (1, 1), (1, 900), (700, 3)])
def test_photos_of_any_shape_fit_their_canvas(shape: tuple[int, int]) -> None:
    # 294 rows at 320 / 294 come to 320.00000000000006.
    card = next(card for card in CARDS if card.name == "lookweave-segmenter")
    photo = np.random.default_rng(1).integers(0, 255, (*shape, 3), np.uint8)
    for one in card.load().detect([photo])[0]:
        assert 0 <= one.box[0] < one.box[2] <= shape[1] + 1e-6
        assert 0 <= one.box[1] < one.box[3] <= shape[0] + 1e-6
