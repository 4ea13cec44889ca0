from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from lookweave.matching.words import GarmentText, LookText, Words, WordWeights, semantic_score

ONE = np.array([0])


def read(garments: list[GarmentText], looks: list[LookText]) -> Words:
    return Words.read(enumerate(garments), enumerate(looks), (len(garments), len(looks)))


def brand(ours: str | None, theirs: str | None) -> float:
    words = read([GarmentText(ours, None, None)], [LookText(theirs, None)])
    return float(words.pairs(ONE, ONE)[0][0])


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("Acne Studios", "ACNE"),
        ("Hermès", "hermes"),
        ("Dolce & Gabbana", "Dolce and Gabbana"),
        ("Balenciaga", "Balenciagga"),
        ("Gabbana Dolce &", "Dolce & Gabbana"),
        ("CO", "Co"),
    ],
)
def test_one_house_in_two_spellings(ours: str, theirs: str) -> None:
    assert brand(ours, theirs) > 0.9


@pytest.mark.parametrize(("ours", "theirs"), [("Prada", "Gucci"), ("Max Mara", "Marni")])
def test_two_houses(ours: str, theirs: str) -> None:
    assert brand(ours, theirs) < 0.2


def test_an_empty_brand_is_unknown() -> None:
    assert math.isnan(brand(None, "Prada")) and math.isnan(brand("Prada", " "))


def test_pairs_are_scored_by_their_indices() -> None:
    garments, looks = np.array([0, 1, 1, 0, 2]), np.array([1, 1, 0, 0, 0])
    words = read(
        [GarmentText(name, None, None) for name in ("Prada", "Gucci", None)],
        [LookText(name, None) for name in ("Gucci", "PRADA")],
    )
    scores, credits = words.pairs(garments, looks)
    np.testing.assert_array_equal(scores, np.array([1, 0, 1, 0, np.nan], np.float32))
    assert np.isnan(credits).all()


CATALOGUE = [
    GarmentText("Lemaire", "Wool coat", "LM-9021-77"),
    GarmentText("Acne Studios", "Sheepskin coat Velocite", ""),
    GarmentText("Lemaire", "Belted dress", None),
    GarmentText("Toteme", "Wool coat", "12"),
]


def named(credits: str | None) -> list[float]:
    words = read(CATALOGUE, [LookText(None, credits)])
    return words.pairs(np.arange(4), np.zeros(4, int))[1].tolist()


def test_the_named_garment_scores_highest() -> None:
    scores = named("Velocité sheepskin coat by Acne Studios; shoes: vintage. Photo: A. Person")
    assert scores[1] == pytest.approx(1.0)
    assert max(scores[0], scores[2], scores[3]) < 0.4


def test_a_common_word_says_little_and_a_misspelt_rare_one_much() -> None:
    assert max(named("A coat")) < 0.45
    assert named("velocitte")[1] > named("coat")[1]


def test_an_article_number_is_certain_and_a_short_one_is_not() -> None:
    scores = named("from left: lm 9021 77; look 12")
    assert scores[0] == 1.0
    assert scores[3] < 0.5
    assert max(named("order 1LM9021775")[:1]) < 0.5, "inside another number"


def test_no_credits_are_unknown() -> None:
    assert all(math.isnan(score) for score in named(None))
    assert all(math.isnan(score) for score in named("—"))


LOOKS = [
    LookText("LEMAIRE", "Belted dress; photo A. Person"),
    LookText("Totême", None),
    LookText(None, "Wool coat LM 9021 77, Sheepskin"),
    LookText("Acne", "coats"),
]


def test_the_table_is_that_of_all_pairs_and_a_kept_file_says_the_same(tmp_path: Path) -> None:
    words = read(CATALOGUE, LOOKS)
    words.save(tmp_path / "words.npz")
    kept = Words.open(tmp_path / "words.npz")
    garments, looks = np.repeat(np.arange(4), 4), np.tile(np.arange(4), 4)
    for part, table, again in zip(
        words.pairs(garments, looks),
        words.table(np.arange(4), np.arange(4)),
        kept.pairs(garments, looks),
        strict=True,
    ):
        np.testing.assert_allclose(part, table.ravel(), atol=1e-6)
        np.testing.assert_array_equal(part, again)
    assert (kept.branded, kept.credited) == ((4, 3), 3)


def test_the_order_of_reading_changes_no_bit() -> None:
    garments, looks = np.repeat(np.arange(4), 4), np.tile(np.arange(4), 4)
    other = Words.read(
        reversed(list(enumerate(CATALOGUE))), reversed(list(enumerate(LOOKS))), (4, 4)
    )
    for one, two in zip(
        read(CATALOGUE, LOOKS).pairs(garments, looks), other.pairs(garments, looks), strict=True
    ):
        np.testing.assert_array_equal(one, two)


def test_a_workspace_without_words_has_nothing_to_say() -> None:
    assert not read([GarmentText(None, "Wool coat", None)], [LookText("Prada", None)])
    assert not read([GarmentText("Prada", None, None)] * 2, [LookText(None, None)])
    assert read([GarmentText("Prada", None, None)], [LookText("Prada", None)])
    assert read(CATALOGUE, [LookText(None, "Velocite")])


PART = arrays.arrays(np.float32, 6, elements=st.floats(0, 1, width=32) | st.just(math.nan))
SAID = arrays.arrays(np.float32, 6, elements=st.floats(0, 1, width=32))


@given(SAID, PART, PART)
def test_the_score_stays_in_its_range_and_credits_only_raise_it(
    said: np.ndarray, brands: np.ndarray, credits: np.ndarray
) -> None:
    without = semantic_score(said, brands, credits, WordWeights(credits=0))
    score = semantic_score(said, brands, credits, WordWeights())
    assert score.dtype == np.float32
    assert ((score >= 0) & (score <= 1)).all()
    assert (score >= without - 1e-6).all()


def test_each_part_can_be_switched_off() -> None:
    said, one = np.float32([0.2, 0.3]), np.float32([1.0, 1.0])
    nan = np.float32([math.nan] * 2)
    np.testing.assert_array_equal(semantic_score(said, one, one, WordWeights(1, 0, 0)), said)
    np.testing.assert_array_equal(semantic_score(said, nan, nan, WordWeights()), said)
    np.testing.assert_allclose(semantic_score(said, one, nan, WordWeights(1, 1, 0)), [0.6, 0.65])
    np.testing.assert_allclose(
        semantic_score(said, nan, np.float32([1.0, 0.5]), WordWeights(1, 0, 1)), [1.0, 0.65]
    )
    np.testing.assert_allclose(semantic_score(said, one, nan, WordWeights(0, 1, 0)), one)
