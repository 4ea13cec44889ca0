from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lookweave.matching.fuse import NEUTRAL, Composite, describe_vectors, described_width

WIDTHS = (3, 2)
WEIGHTS = (3.0, 1.0)


def both(garment: list[float], region: list[float]) -> float:
    left = describe_vectors(np.array([garment], np.float32), WIDTHS, WEIGHTS, "garment")
    right = describe_vectors(np.array([region], np.float32), WIDTHS, WEIGHTS, "region")
    return float((left @ right.T)[0, 0])


@pytest.mark.parametrize(
    ("garment", "region", "expected"),
    [
        ([1, 0, 0, 1, 0], [1, 0, 0, 1, 0], 1.0),
        ([1, 0, 0, 1, 0], [0, 1, 0, 0, 1], 0.0),
        ([1, 0, 0, 1, 0], [0, 1, 0, 1, 0], 0.25),
        ([0.6, 0.4, 0, 1, 0], [1, 0, 0, 1, 0], 0.75 * 0.6 / np.hypot(0.6, 0.4) + 0.25),
        ([0, 0, 0, 1, 0], [1, 0, 0, 1, 0], 0.75 * NEUTRAL + 0.25),
        ([1, 0, 0, 1, 0], [0, 0, 0, 1, 0], 0.75 * NEUTRAL + 0.25),
        ([0, 0, 0, 0, 0], [0, 0, 0, 0, 0], NEUTRAL),
    ],
)
def test_agreement_is_the_weighted_cosine_and_neutral_where_unknown(
    garment: list[float], region: list[float], expected: float
) -> None:
    assert both(garment, region) == pytest.approx(expected, abs=1e-6)


shares = hnp.arrays(np.float32, 5, elements=st.floats(0, 1, width=32))


@settings(deadline=None)
@given(shares, shares)
def test_s_vlm_lies_between_nothing_and_all(garment: np.ndarray, region: np.ndarray) -> None:
    assert -1e-6 <= both(garment.tolist(), region.tolist()) <= 1 + 1e-6


@settings(deadline=None)
@given(shares)
def test_an_unknown_garment_prefers_no_region(region: np.ndarray) -> None:
    assert both([0, 0, 0, 0, 0], region.tolist()) == pytest.approx(NEUTRAL, abs=1e-6)


@settings(deadline=None)
@given(shares)
def test_an_unknown_region_prefers_no_garment(garment: np.ndarray) -> None:
    assert both(garment.tolist(), [0, 0, 0, 0, 0]) == pytest.approx(NEUTRAL, abs=1e-6)


@pytest.mark.parametrize("bad", [[-0.1, 0, 0, 1, 0], [np.nan, 0, 0, 1, 0]])
def test_impossible_attributes_are_refused(bad: list[float]) -> None:
    with pytest.raises(ValueError, match="finite"):
        describe_vectors(np.array([bad], np.float32), WIDTHS, WEIGHTS, "region")
    with pytest.raises(ValueError, match="do not fit"):
        describe_vectors(np.zeros((1, 4), np.float32), WIDTHS, WEIGHTS, "region")


def test_one_inner_product_is_the_composite_score() -> None:
    random = np.random.default_rng(0)
    split = described_width(WIDTHS)
    rows = random.normal(size=(40, split + 8)).astype(np.float32)
    composite = Composite(split, 1.5, 4.5)
    left, right = rows[:20], rows[20:]
    s_vlm, s_visual = composite.parts(left, right)
    assert np.allclose(s_vlm, (left[:, :split] * right[:, :split]).sum(1), atol=1e-5)
    assert np.allclose(s_visual, (left[:, split:] * right[:, split:]).sum(1), atol=1e-5)
    expected = 0.25 * s_vlm + 0.75 * s_visual
    assert np.allclose(composite.combine(s_vlm, s_visual), expected, atol=1e-6)
    assert np.allclose((composite.query(left) * right).sum(1), expected, atol=1e-5)


def test_a_pair_scores_the_same_whatever_is_scored_beside_it() -> None:
    random = np.random.default_rng(1)
    left, right = random.normal(size=(2, 9000, 37)).astype(np.float32)
    composite = Composite(11, 0.3, 0.7)
    together = composite.parts(left, right)
    for at in (0, 4095, 4096, 8999):
        alone = composite.parts(left[at : at + 1], right[at : at + 1])
        assert (alone[0][0], alone[1][0]) == (together[0][at], together[1][at])


@pytest.mark.parametrize("weights", [(0.0, 0.0), (-1.0, 2.0)])
def test_weights_that_make_no_score_are_refused(weights: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="weights"):
        Composite(1, *weights).combine(np.ones(1, np.float32), np.ones(1, np.float32))
