"""What the text tower reads, and that reading is order-free, tolerant and honest."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from lookweave.errors import ModelError
from lookweave.models.embedded.text import TextTower
from lookweave.models.embedded.words import CONCEPTS, KINDS_OF, read
from lookweave.taxonomy import CATEGORIES, SYNONYMS

WIDTHS, WIDTH = (5, 3, 2), 10
SHARES = (0.5, 0.3, 0.2)


@pytest.fixture
def tower(tmp_path: Path) -> TextTower:
    return TextTower(written(tmp_path), "abc", SHARES)


def written(folder: Path, concepts: tuple[str, ...] = CONCEPTS) -> Path:
    random = np.random.default_rng(1)
    np.savez(
        folder / "text.npz", base=random.normal(size=WIDTH),
        concepts=random.normal(size=(len(concepts), WIDTH)),
    )  # fmt: skip
    record = {
        "encoder_sha256": "abc", "concepts": list(concepts), "widths": WIDTHS, "shares": SHARES,
    }  # fmt: skip
    (folder / "text.json").write_text(json.dumps(record), encoding="utf-8")
    return folder / "text.npz"


@pytest.mark.parametrize(
    ("text", "concepts"),
    [
        ("red dress", {"red", "dress"}),
        ("A dress, in RED!", {"red", "dress"}),
        ("short sleeved navy blue tee", {"short-sleeved", "navy", "t-shirt"}),
        ("long-sleeved T-shirt", {"long-sleeved-top"}),
        ("women's off-white jumpers", {"white", "sweater"}),
        ("trainers", {"sneakers"}),
        ("t shirt", {"t-shirt"}),
        ("leather boots", {"boots"}),
        ("", set()),
        ("¿?", set()),
    ],
)
def test_words_become_concepts(text: str, concepts: set[str]) -> None:
    assert set(read(text).concepts) == concepts


def test_what_is_not_read_is_said() -> None:
    assert read("striped Versace dress with zips").unread == ("striped", "versace", "zips")


def test_every_category_word_of_the_taxonomy_is_read_as_that_category() -> None:
    for word, category in SYNONYMS["category"].items():
        for concept in read(word).concepts:
            assert KINDS_OF.get(concept, concept) == category, word
    assert all(read(name).concepts == (name,) for name in CATEGORIES)


def test_order_does_not_matter_and_synonyms_are_the_same(tower: TextTower) -> None:
    one, other, third = tower.encode(
        ["red short-sleeved dress", "dress short sleeve, scarlet", "gown red dress short sleeves"]
    )
    assert np.allclose(one, other) and np.allclose(one, third)


def test_vectors_are_unit_and_one_by_one_is_the_batch(tower: TextTower) -> None:
    texts = ["", "red", "qwertz", "blue jeans", "black and white top"]
    batch = tower.encode(texts)
    assert batch.shape == (5, WIDTH) and batch.dtype == np.float32
    assert np.allclose(np.linalg.norm(batch, axis=1), 1.0, atol=1e-6)
    assert np.array_equal(batch, np.vstack([tower.encode([text]) for text in texts]))
    assert np.array_equal(batch[0], batch[2])
    assert tower.encode([]).shape == (0, WIDTH)


def test_another_share_of_colour_ranks_the_same(tmp_path: Path) -> None:
    weights = written(tmp_path)
    images = np.random.default_rng(2).normal(size=(20, WIDTH)).astype(np.float32)
    parts = np.split(images, np.cumsum(WIDTHS)[:-1], axis=1)

    def order(*shares: float) -> list[int]:
        seen = np.hstack([np.sqrt(share) * part for share, part in zip(shares, parts, strict=True)])
        return np.argsort(seen @ TextTower(weights, "abc", shares).encode(["red hat"])[0]).tolist()

    assert order(*SHARES) == order(0.2, 0.2, 0.6) == order(0.7, 0.2, 0.1)


def test_another_encoder_or_vocabulary_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"another encoder.*lookweave train text"):
        TextTower(written(tmp_path), "def", SHARES)
    with pytest.raises(ModelError, match="other concepts"):
        TextTower(written(tmp_path, CONCEPTS[:-1]), "abc", SHARES)
    with pytest.raises(ModelError, match="cannot be read"):
        TextTower(tmp_path / "nothing.npz", "abc", SHARES)
