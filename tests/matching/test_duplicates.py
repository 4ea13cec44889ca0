from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookweave.matching.duplicates import MAXIMUM_DISTANCE, components, hamming_pairs


@settings(deadline=None)
@given(st.integers(0, 2**31), st.integers(0, MAXIMUM_DISTANCE), st.integers(0, 60))
def test_all_near_hashes_are_found_and_no_others(seed: int, distance: int, count: int) -> None:
    random = np.random.default_rng(seed)
    centres = random.integers(0, 2**64, 4, np.uint64)
    hashes = centres[random.integers(0, 4, count)]
    for _ in range(4):
        flips = np.uint64(1) << random.integers(0, 64, count, np.uint64)
        hashes = np.where(random.random(count) < 0.7, hashes ^ flips, hashes)
    hashes = np.unique(hashes)
    bits = np.bitwise_count(hashes[:, None] ^ hashes[None])
    expected = np.argwhere(np.triu(bits <= distance, 1))
    assert hamming_pairs(hashes, distance).tolist() == expected.tolist()


def test_a_distance_that_the_search_would_not_complete_is_refused() -> None:
    with pytest.raises(ValueError, match="distance"):
        hamming_pairs(np.array([1, 2], np.uint64), MAXIMUM_DISTANCE + 1)


def test_components_are_named_after_their_smallest_node() -> None:
    pairs = np.array([[5, 3], [1, 4], [4, 6], [3, 5]])
    assert components(8, pairs).tolist() == [0, 1, 2, 3, 1, 3, 1, 7]
    assert components(2, np.empty((0, 2), np.int64)).tolist() == [0, 1]
