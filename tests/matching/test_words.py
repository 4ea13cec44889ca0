from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from lookweave.matching.words import (
    WordWeights,
    brand_agreement,
    caption_similarity,
    credits_naming,
    semantic_score,
)

ONE = np.array([0])


def brand(ours: str | None, theirs: str | None) -> float:
    return float(brand_agreement([ours], [theirs], ONE, ONE)[0])


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
    scores = brand_agreement(["Prada", "Gucci", None], ["Gucci", "PRADA"], garments, looks)
    np.testing.assert_array_equal(scores, np.array([1, 0, 1, 0, np.nan], np.float32))


BRANDS = ["Lemaire", "Acne Studios", "Lemaire", "Toteme"]
TITLES = ["Wool coat", "Sheepskin coat Velocite", "Belted dress", "Wool coat"]
SKUS = ["LM-9021-77", "", None, "12"]


def named(credits: str | None) -> list[float]:
    garments = np.arange(4)
    looks = np.zeros(4, int)
    return credits_naming(BRANDS, TITLES, SKUS, [credits], garments, looks).tolist()


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


def test_no_credits_are_unknown() -> None:
    assert all(math.isnan(score) for score in named(None))
    assert all(math.isnan(score) for score in named("—"))


def test_captions_are_compared_row_by_row() -> None:
    random = np.random.default_rng(3)
    left, right = random.normal(size=(2, 40, 8)).astype(np.float32)
    left /= np.linalg.norm(left, axis=1, keepdims=True)
    right /= np.linalg.norm(right, axis=1, keepdims=True)
    left[5] = 0
    garments, regions = random.integers(0, 40, (2, 50_000))
    scores = caption_similarity(left, right, garments, regions)
    expected = np.clip((left[garments] * right[regions]).sum(axis=1), 0, 1)
    known = garments != 5
    np.testing.assert_allclose(scores[known], expected[known], atol=1e-6)
    assert np.isnan(scores[~known]).all()
    stretched = caption_similarity(left, right, garments, regions, floor=0.5)
    assert np.nanmax(np.abs(stretched - np.clip((scores - 0.5) / 0.5, 0, 1))) < 1e-6


PART = arrays.arrays(np.float32, 6, elements=st.floats(0, 1, width=32) | st.just(math.nan))


@given(PART, PART, PART, PART)
def test_the_score_stays_in_its_range_and_credits_only_raise_it(
    attributes: np.ndarray, captions: np.ndarray, brands: np.ndarray, credits: np.ndarray
) -> None:
    without = semantic_score(attributes, captions, brands)
    score = semantic_score(attributes, captions, brands, credits)
    assert score.dtype == np.float32
    assert ((score >= 0) & (score <= 1)).all()
    assert (score >= without - 1e-6).all()


def test_each_part_can_be_switched_off() -> None:
    attributes, captions = np.float32([0.2, 0.2]), np.float32([0.8, math.nan])
    one, nan = np.float32([1.0, 1.0]), np.float32([math.nan] * 2)
    off = WordWeights(captions=0, brand=0, credits=0)
    np.testing.assert_allclose(semantic_score(attributes, captions, one, one, off), attributes)
    np.testing.assert_allclose(semantic_score(attributes, nan, nan, nan), attributes)
    np.testing.assert_allclose(
        semantic_score(attributes, captions, weights=WordWeights(1, 1, 0, 0)), [0.5, 0.2]
    )
    assert semantic_score(attributes, credits=one, weights=WordWeights(credits=1)).min() == 1.0
