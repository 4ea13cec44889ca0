from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from lookweave.matching.select import (
    DELTA,
    HIGH,
    LOW,
    MEDIUM,
    OUT,
    Candidates,
    choose,
    cut,
    frozen,
    wilson,
)

MANY = (10**9, 10**9, 10**9)


def candidates(
    garments: list[int],
    looks: list[int],
    best: list[int],
    label: list[int] | None = None,
) -> Candidates:
    return Candidates(
        np.array(garments, np.int32),
        np.array(looks, np.int32),
        np.array(best, np.int8),
        np.array(label or [-1] * len(best), np.int8),
    )


@pytest.mark.parametrize(
    ("yes", "count", "low", "high"),
    [(8, 10, 0.490162, 0.943318), (0, 10, 0.0, 0.277533), (380, 400, 0.924036, 0.967403)],
)
def test_wilson_interval(yes: int, count: int, low: float, high: float) -> None:
    assert wilson(yes, count) == pytest.approx((low, high), abs=1e-5)


def test_no_evidence_is_no_interval() -> None:
    assert wilson(0, 0) == (0.0, 1.0)


def test_a_tier_takes_what_it_promises_best_first_up_to_its_quota() -> None:
    some = candidates([0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 4, 5], [2, 0, 0, 1, 0, 2])
    assert choose(some, (2, 1, 1), 9, 9).tolist() == [LOW, HIGH, HIGH, MEDIUM, OUT, OUT]
    assert choose(some, MANY, 9, 9).tolist() == [LOW, HIGH, HIGH, MEDIUM, HIGH, LOW]


def test_people_overrule_scores() -> None:
    some = candidates([0, 1, 2], [0, 1, 2], [0, 2, 0], label=[0, 1, -1])
    assert choose(some, (1, 9, 9), 9, 9).tolist() == [OUT, HIGH, MEDIUM]


def test_limits_hold_over_all_tiers_together() -> None:
    some = candidates([0, 0, 0, 1, 2], [0, 1, 2, 0, 0], [2, 0, 1, 0, 0])
    # Garment 0 has two looks already when its low pair comes; look 0 has two garments.
    assert choose(some, MANY, 2, 2).tolist() == [OUT, HIGH, MEDIUM, HIGH, HIGH]


@settings(deadline=None)
@given(st.data())
def test_quotas_and_limits_are_never_exceeded(data: st.DataObject) -> None:
    count = data.draw(st.integers(0, 40))
    codes = st.lists(st.integers(0, 6), min_size=count, max_size=count)
    kinds = st.lists(st.integers(0, 2), min_size=count, max_size=count)
    labels = st.lists(st.integers(-1, 1), min_size=count, max_size=count)
    some = candidates(data.draw(codes), data.draw(codes), data.draw(kinds), data.draw(labels))
    quotas = data.draw(st.tuples(*[st.integers(0, 12)] * 3))
    looks, garments = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 4))
    tier = choose(some, quotas, looks, garments)
    entered = tier != OUT
    assert np.bincount(some.garments[entered], minlength=1).max(initial=0) <= looks
    assert np.bincount(some.looks[entered], minlength=1).max(initial=0) <= garments
    assert all((tier == at).sum() <= quota for at, quota in enumerate(quotas))
    assert (tier[some.label == 0] == OUT).all()
    assert (tier >= some.best)[entered & (some.label != 1)].all()


def test_what_is_frozen_keeps_the_limits_and_no_refused_pair() -> None:
    some = candidates([0, 0, 0, 1, 2], [0, 1, 2, 0, 0], [0] * 5, label=[-1, 0, -1, 1, -1])
    confirmed, order = frozen(some, 2, 2)
    assert confirmed.tolist() == [3]
    assert order.tolist() == [0, 2]  # look 0 is full when garment 2 comes


def test_a_cut_goes_as_far_as_exact_tests_pass_one_after_another() -> None:
    # Everything judged: 3,000 right, then half wrong.
    right = np.array([True] * 3000 + [True, False] * 3500)
    (high, low) = cut(np.arange(10_000), right, 10_000, (0.95, 0.0), MANY[:2])
    assert 3000 <= high.end < 3334  # where .95 is reached
    assert high.judged == high.end and high.right == int(right[: high.end].sum())
    assert high.p_value == pytest.approx(binom.sf(high.right - 1, high.judged, 0.95))
    assert high.p_value <= DELTA / 2
    assert (low.start, low.end) == (high.end, 10_000)


def test_a_tier_without_evidence_is_empty_and_the_next_begins_there() -> None:
    few = np.arange(0, 1000, 20)
    stretches = cut(few, np.ones(50, bool), 1000, (0.99, 0.8, 0.0), MANY)
    assert [one.end for one in stretches] == [0, 1000, 1000]
    assert [one.end for one in cut(few[:0], np.ones(0, bool), 1000, (0.9, 0.5, 0.0), MANY)] == [
        0, 0, 1000,
    ]  # fmt: skip
    assert cut(few, np.zeros(50, bool), 1000, (0.5,), MANY[:1])[0].end == 0


def test_cuts_stay_below_quotas_and_what_came_later_has_no_promise() -> None:
    everything = np.arange(1000)
    first, second, rest = cut(
        everything, np.ones(1000, bool), 1000, (0.9, 0.9, 0.0), (300, 400, 10**9), further=25
    )
    assert [(one.start, one.end) for one in (first, second, rest)] == [
        (0, 300), (300, 700), (700, 1025),
    ]  # fmt: skip


@pytest.mark.parametrize("true", [0.9, 0.88])
def test_the_promise_is_broken_no_more_often_than_said(true: float) -> None:
    # The hardest case: all pairs as right as promised, or just less.
    broken = 0
    random = np.random.default_rng(5)
    truth = np.zeros(4000, bool)
    truth[random.choice(4000, int(true * 4000) - 1, replace=False)] = True
    for _ in range(400):
        places = np.sort(random.choice(4000, 400, replace=False))
        for one in cut(places, truth[places], 4000, (0.9, 0.9, 0.9), MANY):
            if one.end > one.start and truth[one.start : one.end].mean() < 0.9:
                broken += 1
                break
    assert broken <= 0.06 * 400
