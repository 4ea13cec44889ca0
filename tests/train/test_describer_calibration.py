import numpy as np
import pytest

pytest.importorskip("torch", reason="the recipes need the extra [train]")

from lookweave.train.describer_calibration import fit_sleeve


def logits_and_truth(spread: float) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(5)
    truth = np.repeat([1, -1, 0], [90, 60, 30]).astype(np.int8)
    return (truth + spread * random.standard_normal(180)).astype(np.float32), truth


def test_a_network_without_a_mistake_is_not_trusted_without_limit() -> None:
    logits, truth = logits_and_truth(0.05)
    scale, offset = fit_sleeve(logits, truth)
    said = 1 / (1 + np.exp(-(scale * logits + offset)))
    # 90 of 90 right is held for 91 of 92, 60 of 60 for 61 of 62.
    assert said[truth > 0].mean() == pytest.approx(91 / 92, abs=0.003)
    assert said[truth < 0].mean() == pytest.approx(1 / 62, abs=0.003)


def test_probabilities_are_those_of_a_network_that_errs() -> None:
    logits, truth = logits_and_truth(1.0)
    scale, offset = fit_sleeve(logits, truth)
    said = 1 / (1 + np.exp(-(scale * logits + offset)))[truth != 0]
    assert said.mean() == pytest.approx(90 / 150, abs=0.01)
    # Two normal distributions at 1 and -1 of deviation 1: the odds grow by e squared a unit.
    assert scale == pytest.approx(2.0, abs=0.6)
