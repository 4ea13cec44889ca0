"""S_detail against its formula, and the same to the last bit whatever is compared beside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lookweave.matching.details import (
    SCALE,
    WIDEST,
    TokenFile,
    TokenSet,
    TokenWriter,
    correspondences,
    likeness,
    score_details,
)

WIDTH = 12


def tokens(random: np.random.Generator, count: int, width: int = WIDTH) -> NDArray[np.int8]:
    vectors = random.normal(size=(count, width))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.clip(np.rint(SCALE * vectors), -127, 127).astype(np.int8)


def by_the_formula(one: NDArray[np.int8], other: NDArray[np.int8]) -> float:
    """Mean over the parts of one side of the best cosine on the other, averaged over both."""
    cosine = one.astype(np.float64) @ other.astype(np.float64).T / SCALE**2
    return float((cosine.max(axis=1).mean() + cosine.max(axis=0).mean()) / 2)


@given(seed=st.integers(0, 2**32 - 1), counts=st.lists(st.integers(1, 40), min_size=2, max_size=7))
@settings(max_examples=60, deadline=None)
def test_likeness_is_the_formula(seed: int, counts: list[int]) -> None:
    random = np.random.default_rng(seed)
    one, *others = (tokens(random, count) for count in counts)
    found = likeness(one, TokenSet.of(others))
    expected = [by_the_formula(one, other) for other in others]
    np.testing.assert_allclose(found, expected, atol=1e-6)


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_neither_neighbours_nor_order_nor_side_change_a_bit(seed: int) -> None:
    random = np.random.default_rng(seed)
    regions = [tokens(random, int(random.integers(1, 90)), 64) for _ in range(9)]
    one = tokens(random, int(random.integers(1, 90)), 64)
    together = likeness(one, TokenSet.of(regions))
    alone = [likeness(one, TokenSet.of([region]))[0] for region in regions]
    assert together.tobytes() == np.array(alone, np.float32).tobytes()
    shuffled = one[random.permutation(len(one))]
    turned = [region[random.permutation(len(region))] for region in regions]
    assert likeness(shuffled, TokenSet.of(turned)).tobytes() == together.tobytes()
    other_way = [likeness(region, TokenSet.of([one]))[0] for region in regions]
    np.testing.assert_allclose(other_way, together, atol=1e-7)


def test_a_region_is_most_like_itself_and_the_widest_tokens_are_exact() -> None:
    random = np.random.default_rng(3)
    regions = [tokens(random, 30) for _ in range(20)]
    for place, region in enumerate(regions):
        found = likeness(region, TokenSet.of(regions))
        assert found.argmax() == place and found[place] == pytest.approx(1.0, abs=0.06)
    largest = np.full((1, WIDEST), -127, np.int8)
    assert likeness(largest, TokenSet.of([largest]))[0] == np.float32(WIDEST * 127**2 / SCALE**2)


def written(path: Path, regions: list[NDArray[np.int8]], most: int = 40) -> TokenFile:
    with TokenWriter(path, len(regions), WIDTH, most) as writer:
        for row in np.random.default_rng(1).permutation(len(regions)).tolist():
            writer.put(row, regions[row])
    return TokenFile(path, WIDTH, most)


def test_pairs_of_files_are_scored_as_one_by_one(tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    garments = [tokens(random, int(random.integers(1, 41))) for _ in range(150)]
    regions = [tokens(random, int(random.integers(1, 41))) for _ in range(70)]
    left = written(tmp_path / "garments.i8", garments)
    right = written(tmp_path / "regions.i8", regions)
    assert (len(left), len(right)) == (150, 70)
    ones = np.repeat(random.permutation(150), random.integers(1, 9, 150))
    others = random.integers(0, 70, len(ones))
    found = score_details(left, right, ones, others)
    expected = [
        likeness(garments[one], TokenSet.of([regions[other]]))[0]
        for one, other in zip(ones, others, strict=True)
    ]
    assert found.tobytes() == np.array(expected, np.float32).tobytes()
    # The other way round, and with the pairs of a row apart.
    order = random.permutation(len(ones))
    np.testing.assert_allclose(
        score_details(right, left, others[order], ones[order]), found[order], atol=1e-7
    )
    assert len(score_details(left, right, ones[:0], others[:0])) == 0


def test_files_refuse_what_does_not_fit(tmp_path: Path) -> None:
    random = np.random.default_rng(7)
    with TokenWriter(tmp_path / "some.i8", 3, WIDTH, 5) as writer:
        writer.put(1, tokens(random, 5))
        for count, width in ((0, WIDTH), (6, WIDTH), (2, WIDTH + 1)):
            with pytest.raises(ValueError, match="do not fit the slots"):
                writer.put(0, np.zeros((count, width), np.int8))
    file = TokenFile(tmp_path / "some.i8", WIDTH, 5)
    assert len(file.take(np.array([1, 1]))[1]) == 5
    with pytest.raises(ValueError, match=r"row 2 of .* has no token"):
        file.take(np.array([1, 2]))
    with pytest.raises(ValueError, match="do not fit: at most 255"):
        TokenWriter(tmp_path / "wide.i8", 1, WIDEST + 1, 5)


def test_correspondences_are_mutual_and_the_best_first() -> None:
    random = np.random.default_rng(11)
    parts = tokens(random, 20)
    order = random.permutation(20)
    strange = tokens(random, 6)
    found = correspondences(parts, np.concatenate([parts[order][:15], strange]))
    same = found.cosines > 0.85
    assert same.sum() == 15
    assert (order[found.others[same]] == found.ones[same]).all()
    assert (np.diff(found.cosines) <= 0).all()
    assert len(set(found.ones.tolist())) == len(set(found.others.tolist())) == len(found.ones)
