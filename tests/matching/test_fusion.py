"""λ by the conditional logit, and the recipe's file."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lookweave.matching.evidence import KNOTS
from lookweave.matching.fusion import VERSION, Choice, Fusion, fit_weights, log_likelihoods

ATTRIBUTES = {"category": ("top", "skirt"), "sleeve": ("short", "long")}
SLEEVE = {
    "rarity": 0.5, "slopes": [0.1] * len(KNOTS), "offset": -1.0, "ratios": [[2.0, 0.5], [0.5, 2.0]],
}  # fmt: skip
RECIPE = {
    "version": VERSION, "encoder": "e", "describer": "d", "weights": [0.1, 0.4, 0.5],
    "evidence": {"sleeve": SLEEVE},
}  # fmt: skip


def invented(count: int, weights: list[float], seed: int = 0) -> list[Choice]:
    """Garments that choose among twenty candidates with these true weights."""
    random = np.random.default_rng(seed)
    choices = []
    for garment in range(count):
        parts = random.normal(size=(20, len(weights)))
        chosen = int(np.argmax(parts @ weights + random.gumbel(size=20)))
        order = np.r_[chosen, np.delete(np.arange(20), chosen)]
        choices.append(Choice(parts[order], str(garment), "one"))
    return choices


def test_the_true_weights_are_found() -> None:
    found = fit_weights(invented(3000, [0.5, 2.0, 1.0]), (0, 1, 2))
    np.testing.assert_allclose(found, [0.5, 2.0, 1.0], atol=0.12)
    assert fit_weights(invented(300, [0.5, 2.0, 1.0]), (1, 2))[0] == 0.0


def test_what_counts_against_gets_no_weight() -> None:
    assert fit_weights(invented(500, [-1.0, 2.0]), (0, 1))[0] == 0.0


def test_sources_count_the_same_however_many_choices_they_have() -> None:
    few = [Choice(one.parts, one.group, "few") for one in invented(60, [3.0, 0.0], 1)]
    many = invented(3000, [0.0, 3.0], 2)
    both = fit_weights(few + many, (0, 1))
    assert 0.6 < both[0] / both[1] < 1.7


def test_likelihood_of_a_sure_choice_is_one() -> None:
    sure = Choice(np.array([[9.0], [0.0], [0.0]]), "", "")
    assert log_likelihoods([sure], np.array([50.0]))[0] == pytest.approx(0.0)
    assert log_likelihoods([sure], np.array([0.0]))[0] == pytest.approx(-np.log(3))


def test_a_recipe_is_read() -> None:
    learned = Fusion.from_json(json.dumps(RECIPE), ATTRIBUTES)
    assert learned.weights == (0.1, 0.4, 0.5)
    assert list(learned.evidence.tables) == [1] and learned.evidence.widths == (2, 2)
    assert learned.key != Fusion.from_json(json.dumps(RECIPE, indent=1), ATTRIBUTES).key


@pytest.mark.parametrize(
    "changed",
    [
        {"version": VERSION + 1},
        {"evidence": {"hem": SLEEVE}},
        {"evidence": {"sleeve": {**SLEEVE, "ratios": [[1.0, 1.0]]}}},
        {"evidence": {"sleeve": {**SLEEVE, "ratios": [[0.0, 1.0], [1.0, 1.0]]}}},
        {"evidence": {"sleeve": {**SLEEVE, "slopes": [1.0]}}},
        {"weights": [1.0]},
        {"encoder": None, "weights": None},
    ],
)
def test_anything_else_is_refused(changed: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        Fusion.from_json(json.dumps({**RECIPE, **changed}), ATTRIBUTES)
    with pytest.raises(ValueError):
        Fusion.from_json("[1]", ATTRIBUTES)
