"""Evidence against its formula and against known truth, and the same to the last bit whatever is
compared beside it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lookweave.matching.evidence import (
    KNOTS,
    LARGEST,
    SHARES,
    Evidence,
    Table,
    base_rates,
    learn_ratios,
    whole,
)
from lookweave.matching.vectors import Vectors

WIDTHS = (4, 3)


def described(random: np.random.Generator, count: int, width: int) -> Vectors:
    rows = random.dirichlet(np.full(width, 0.4), count)
    rows[random.random(count) < 0.2] = 0.0
    return rows.astype(np.float32)


def tables(random: np.random.Generator) -> Evidence:
    return Evidence(
        WIDTHS,
        {
            place: Table(
                random.gamma(1.0, 1.0, (width, width)) + 0.05,
                float(random.uniform(0.2, 1)),
                tuple(random.uniform(0, 2, len(KNOTS)).tolist()),
                float(-random.uniform(0, 3)),
            )
            for place, width in enumerate(WIDTHS)
        },
    )


def rows(random: np.random.Generator, count: int) -> NDArray[np.int8]:
    return whole(np.concatenate([described(random, count, width) for width in WIDTHS], axis=1))


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=50, deadline=None)
def test_evidence_is_the_formula(seed: int) -> None:
    random = np.random.default_rng(seed)
    evidence, ours, theirs = tables(random), rows(random, 30), rows(random, 30)
    expected = np.zeros(30)
    for (start, stop), table in zip(((0, 4), (4, 7)), evidence.tables.values(), strict=True):
        for pair in range(30):
            p, q = ours[pair, start:stop] / SHARES, theirs[pair, start:stop] / SHARES
            if p.sum() > 0 and q.sum() > 0:
                ratio = (p / p.sum()) @ table.ratios @ (q / q.sum())
                cosine = p @ q / np.linalg.norm(p) / np.linalg.norm(q)
                rise = np.maximum(cosine - np.array(KNOTS), 0) @ table.slopes
                expected[pair] += table.rarity * np.log(ratio) + rise + table.offset
    np.testing.assert_allclose(evidence.nats(ours, theirs), expected, atol=1e-3)
    expected = np.clip(expected, -LARGEST, LARGEST)
    agreement = evidence.agreement(ours, theirs)
    assert agreement.dtype == np.float32 and (agreement >= 0).all() and (agreement <= 1).all()
    np.testing.assert_allclose(agreement, 0.5 + expected / (2 * LARGEST), atol=1e-3)


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_neighbours_and_order_change_no_bit(seed: int) -> None:
    random = np.random.default_rng(seed)
    evidence, ours, theirs = tables(random), rows(random, 40), rows(random, 40)
    together = evidence.agreement(ours, theirs)
    order = random.permutation(40)
    assert evidence.agreement(ours[order], theirs[order]).tobytes() == together[order].tobytes()
    alone = [evidence.agreement(ours[at : at + 1], theirs[at : at + 1])[0] for at in range(40)]
    assert np.array(alone, np.float32).tobytes() == together.tobytes()


def test_a_side_that_says_nothing_is_no_evidence() -> None:
    table = Table(np.array([[3.0, 0.2], [0.2, 3.0]]), 1.0, (0.0,) * len(KNOTS), -0.5)
    silent, sure = np.zeros((1, 2), np.int8), np.array([[127, 0]], np.int8)
    assert table.nats(silent, sure)[0] == table.nats(sure, silent)[0] == 0.0
    assert table.nats(sure, sure)[0] == pytest.approx(np.log(3) - 0.5, abs=1e-4)
    assert Evidence((2,), {0: table}).agreement(silent, sure)[0] == 0.5
    assert Evidence((2,), {}).agreement(sure, sure)[0] == 0.5


def test_ratios_of_a_known_confusion_are_found() -> None:
    """Both sides see the true value through a model that is sure of one in ten wrong ones."""
    random = np.random.default_rng(3)
    true = random.choice(3, 20_000, p=[0.5, 0.3, 0.2])
    joint = np.zeros((3, 3))
    sides = []
    for _ in range(2):
        seen = np.where(random.random(len(true)) < 0.1, random.choice(3, len(true)), true)
        sides.append(np.eye(3, dtype=np.float32)[seen])
    np.add.at(joint, (sides[0].argmax(1), sides[1].argmax(1)), 1 / len(true))
    base = (base_rates(sides[0]), base_rates(sides[1]))
    found = learn_ratios(sides[0], sides[1], base, doubt=0.0, least=0.0)
    np.testing.assert_allclose(found, joint / np.outer(*base), rtol=1e-3)


def test_what_models_are_unsure_of_is_seen_through() -> None:
    """Calibrated posteriors that blur the value: the ratios are those of the values behind them,
    for the blur is already in the posteriors."""
    random = np.random.default_rng(4)
    true = random.choice(2, 40_000)
    sides = []
    for _ in range(2):
        signal = random.normal(true * 2.0 - 1.0, 1.5)
        chance = 1 / (1 + np.exp(-2 * signal / 1.5**2))
        sides.append(np.stack([1 - chance, chance], axis=1).astype(np.float32))
    found = learn_ratios(*sides, (np.full(2, 0.5), np.full(2, 0.5)), doubt=0.0, least=0.0)
    np.testing.assert_allclose(found, [[2, 0], [0, 2]], atol=0.12)


def test_few_pairs_say_little_and_none_say_nothing() -> None:
    one_hot = np.eye(2, dtype=np.float32)
    base = (np.full(2, 0.5), np.full(2, 0.5))
    few, many = (
        learn_ratios(np.tile(one_hot, (n, 1)), np.tile(one_hot, (n, 1)), base, 20.0, 0.1)
        for n in (3, 300)
    )
    assert 1 < few[0, 0] < many[0, 0] < 2
    assert many[0, 1] < few[0, 1] < 1 and many[0, 1] >= 0.1
    none = learn_ratios(one_hot[:0], one_hot[:0], base, 20.0, 0.1)
    np.testing.assert_allclose(none, 1.0)
