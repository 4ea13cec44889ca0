from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookweave.matching.select import HIGH, LOW, MEDIUM, OUT, Candidates, choose, stretches, wilson

MANY = (10**9, 10**9, 10**9)


def candidates(
    garments: list[int],
    looks: list[int],
    best: list[int],
    label: list[int] | None = None,
    probability: list[float] | None = None,
) -> Candidates:
    return Candidates(
        np.array(garments, np.int32),
        np.array(looks, np.int32),
        np.array(best, np.int8),
        np.array(probability or [0.5] * len(best), np.float32),
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


def test_a_stretch_ends_where_labels_stop_bearing_it_out() -> None:
    # 100 yes, then a run of half yes and half no: .9 holds somewhat into the run.
    label = np.array([1] * 100 + [0, 1] * 50)
    some = candidates([0] * 200, [0] * 200, [2] * 200, label.tolist())
    ends = stretches(some, (0.9, 0.3, 0.99))
    counts = np.arange(1, 201)
    bounds = [wilson(int(label[:n].sum()), int(n))[0] for n in counts]
    assert ends[0] == max(n for n, bound in zip(counts, bounds, strict=True) if bound >= 0.9)
    assert 100 < ends[0] < 115
    assert ends[1] == 200
    assert ends[2] == 200  # nothing is left, so nothing is added


def test_unlabelled_pairs_count_only_up_to_the_last_label() -> None:
    label = [1, -1] * 60 + [-1] * 100
    some = candidates([0] * 220, [0] * 220, [2] * 220, label)
    assert stretches(some, (0.9,)) == [119]


def test_without_labels_calibrated_probabilities_bear_out_a_stretch() -> None:
    probability = [0.99] * 400 + [0.2] * 400
    some = candidates([0] * 800, [0] * 800, [2] * 800, probability=probability)
    end = stretches(some, (0.95,))[0]
    total = np.cumsum(probability)[end - 1]
    spread = np.sqrt(np.cumsum([p * (1 - p) for p in probability])[end - 1])
    assert 400 < end < 440
    assert (total - 1.96 * spread) / end >= 0.95


def test_a_target_precision_fills_tiers_one_after_another() -> None:
    label = [1] * 60 + [0, 1] * 60
    some = candidates(list(range(180)), list(range(180)), [2] * 180, label)
    tier = choose(some, MANY, 9, 9, (0.9, 0.3, 0.0))
    assert (tier[np.array(label) == 1] == HIGH).all()
    assert (tier[np.array(label) == 0] == OUT).all()
    none = candidates(list(range(180)), list(range(180)), [2] * 180, [*label[:-1], -1])
    assert choose(none, MANY, 9, 9, (0.9, 0.3, 0.0))[-1] == LOW
