"""Intervals by resampling whole clusters, of means and of differences."""

from __future__ import annotations

import numpy as np
import pytest

from lookweave.matching.intervals import gain, gain_of_some, with_interval


def test_clusters_widen_the_interval() -> None:
    values = np.repeat([0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 1.0, 1.0], 12)
    alone = with_interval(values, [str(at) for at in range(96)])
    together = with_interval(values, [str(at // 12) for at in range(96)])
    assert alone["value"] == together["value"] == 0.625
    # Standard errors: sqrt(.625 * .375 / 96) = .049 and sqrt(.625 * .375 / 8) = .171.
    assert np.ptp(alone["ci95"]) == pytest.approx(2 * 1.96 * 0.0494, rel=0.15)
    assert np.ptp(together["ci95"]) == pytest.approx(2 * 1.96 * 0.171, rel=0.15)
    assert with_interval(values, ["one"] * 96)["ci95"] is None


def test_all_found_is_not_certain() -> None:
    clusters = ["a", "a", "b", "c"]
    # Exact for three trials that all succeed: the lower bound p has p ** 3 = .025.
    assert with_interval(np.ones(4), clusters)["ci95"] == pytest.approx([0.025 ** (1 / 3), 1.0])
    assert with_interval(np.zeros(4), clusters)["ci95"] == pytest.approx(
        [0.0, 1 - 0.025 ** (1 / 3)]
    )
    assert with_interval(np.full(4, 0.5), clusters) == {"value": 0.5, "ci95": None}


def test_a_gain_is_paired() -> None:
    random = np.random.default_rng(0)
    before = random.random(400)  # spread .29: unpaired, the interval would be .08 wide
    after = before + random.normal(0.02, 0.01, 400)
    found = gain(before, after, [str(at) for at in range(400)])
    assert found["value"] == pytest.approx(0.02, abs=0.002)
    assert np.ptp(found["ci95"]) == pytest.approx(2 * 1.96 * 0.01 / 20, rel=0.15)
    wide = gain(before, after + np.repeat(random.normal(0, 0.1, 8), 50),
                [str(at // 50) for at in range(400)])  # fmt: skip
    assert np.ptp(wide["ci95"]) > 10 * np.ptp(found["ci95"])


def test_no_change_is_not_certain_either() -> None:
    same = np.array([1.0, 0.0, 1.0, 1.0])
    high = 1 - 0.025 ** (1 / 3)  # exact for none of three
    found = gain(same, same, ["a", "a", "b", "c"])
    assert found == {"value": 0.0, "ci95": pytest.approx([-high, high])}
    assert gain(same, same, ["a"] * 4)["ci95"] is None
    assert gain(same, 1 - same, ["a"] * 4)["value"] == -0.5


def test_some_against_all() -> None:
    right = np.array([1.0] * 60 + [0.0] * 40)
    kept = np.arange(100) < 70
    clusters = [str(at) for at in range(100)]
    found = gain_of_some(right, kept, clusters)
    assert found["value"] == pytest.approx(60 / 70 - 0.6)
    low, high = found["ci95"]
    assert 0.15 < low < found["value"] < high < 0.36
    assert gain_of_some(right, np.zeros(100, bool), clusters) == {"value": 0.0, "ci95": None}
    assert gain_of_some(right, np.arange(100) < 1, clusters)["ci95"] is None
