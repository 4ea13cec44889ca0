from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from lookweave.matching.calibrate import (
    ISOTONIC_LABELS,
    fit,
    learn_weights,
)
from lookweave.matching.fuse import ScoreWeights
from lookweave.matching.probability import Calibration, margins, rule_of_thumb


def invented(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[str]]:
    """Scores and margins whose true probability is known, eight of a group."""
    random = np.random.default_rng(seed)
    score = random.uniform(0.2, 0.9, count).astype(np.float32)
    margin = random.normal(0, 0.1, count).astype(np.float32)
    labels = random.random(count) < expit(8 * (score - 0.6) + 20 * margin)
    return score, margin, labels, [f"group {at // 8}" for at in range(count)]


@pytest.mark.parametrize("count", [400, 2 * ISOTONIC_LABELS])
def test_learned_probabilities_come_true_on_other_groups(count: int) -> None:
    learned = fit(*invented(count), ScoreWeights(0.3, 0.7))
    assert bool(learned.steps_x) == (count >= ISOTONIC_LABELS)
    score, margin, labels, _ = invented(20_000, seed=1)
    probability = learned.probability(score, margin)
    true = expit(8 * (score - 0.6) + 20 * margin)
    assert np.abs(probability - true).mean() < 0.05
    assert learned.brier == pytest.approx(((labels - true) ** 2).mean(), abs=0.03)
    for low in np.arange(0, 1, 0.2):
        some = (probability >= low) & (probability < low + 0.2)
        assert labels[some].mean() == pytest.approx(probability[some].mean(), abs=0.1)


def test_a_calibration_survives_its_file() -> None:
    learned = fit(*invented(ISOTONIC_LABELS), ScoreWeights(0.25, 0.75))
    again = Calibration.from_json(learned.to_json())
    assert again == learned
    for text in ("{}", "[]", "nonsense", '{"lambda_vlm": 1, "surplus": 2}'):
        with pytest.raises(ValueError):
            Calibration.from_json(text)


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 1000))
def test_probability_rises_with_score_and_margin(seed: int) -> None:
    learned = fit(*invented(200, seed), ScoreWeights(0.3, 0.7))
    ascending = np.linspace(0, 1, 50, dtype=np.float32)
    fixed = np.full(50, 0.1, np.float32)
    assert (np.diff(learned.probability(ascending, fixed)) >= 0).all()
    assert (np.diff(learned.probability(fixed, ascending)) >= 0).all()


def test_a_feature_that_counts_against_is_left_out() -> None:
    score, margin, labels, groups = invented(400)
    learned = fit(-score, margin, labels, groups, ScoreWeights(0.5, 0.5))
    assert learned.weights[0] == 0.0
    assert learned.weights[1] > 0.0


def test_too_few_labels_teach_nothing() -> None:
    score, margin, labels, groups = invented(400)
    labels[:] = False
    labels[:19] = True
    with pytest.raises(ValueError, match="too few"):
        fit(score, margin, labels, groups, ScoreWeights(0.5, 0.5))
    with pytest.raises(ValueError, match="too few"):
        fit(*invented(400)[:3], ["one"] * 400, ScoreWeights(0.5, 0.5))


def test_weights_follow_the_part_that_tells() -> None:
    random = np.random.default_rng(2)
    labels = random.random(600) < 0.3
    groups = [str(at // 6) for at in range(600)]
    telling = (labels * 0.3 + random.normal(0, 0.15, 600)).astype(np.float32)
    noise = random.normal(0, 0.15, 600).astype(np.float32)
    vlm, visual, detail = learn_weights(
        [noise, telling], labels, groups, ScoreWeights(0.9, 0.1, 3.0)
    )
    assert detail == 0.0
    assert vlm + visual == pytest.approx(1)
    assert visual > 0.85
    # Nothing to gain over weights that are right already: they stay as they are.
    as_set = ScoreWeights(0.0, 2.0)
    assert learn_weights([noise, telling], labels, groups, as_set) == (0.0, 1.0, 0.0)
    three = learn_weights([noise, noise, telling], labels, groups, ScoreWeights(0.5, 0.5, 0.1))
    assert three.detail > 0.7 and sum(three) == pytest.approx(1)


def test_margins_are_measured_to_the_best_of_another_look() -> None:
    garments = np.array([5, 5, 5, 5, 2, 2, 9])
    looks = np.array([1, 1, 2, 3, 1, 1, 4], np.int32)
    score = np.array([0.9, 0.5, 0.7, 0.6, 0.8, 0.3, 0.4], np.float32)
    expected = [0.2, -0.2, -0.2, -0.3, 0.5, 0.0, 0.0]
    assert margins(garments, looks, score) == pytest.approx(expected, abs=1e-6)
    order = np.random.default_rng(0).permutation(7)
    shuffled = margins(garments[order], looks[order], score[order])
    assert shuffled == pytest.approx(np.array(expected)[order], abs=1e-6)
    assert len(margins(garments[:0], looks[:0], score[:0])) == 0


def test_the_rule_of_thumb_wants_a_high_score_and_a_clear_winner() -> None:
    score = np.array([0.8, 0.8, 0.4, 1.5, -0.2], np.float32)
    margin = np.array([0.1, 0.0, 0.1, 5.0, 0.1], np.float32)
    expected = [0.8 * expit(2.0), 0.4, 0.4 * expit(2.0), 1.0, 0.0]
    assert rule_of_thumb(score, margin) == pytest.approx(expected, abs=1e-6)
