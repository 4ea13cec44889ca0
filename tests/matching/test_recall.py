from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookweave.matching.recall import best_rank, summary

ir_measures = pytest.importorskip("ir_measures", reason="ir_measures is a development dependency")


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**31), st.integers(1, 12), st.integers(1, 25))
def test_metrics_are_those_of_ir_measures(seed: int, queries: int, gallery: int) -> None:
    random = np.random.default_rng(seed)
    scores = random.permuted(np.tile(np.arange(gallery), (queries, 1)), axis=1).astype(np.float32)
    scores[random.random(scores.shape) < 0.3] = -np.inf  # not retrieved
    truth = random.random(scores.shape) < 0.15
    qrels = [
        ir_measures.Qrel(str(query), str(item), int(truth[query, item]))
        for query in range(queries)
        for item in range(gallery)
    ]
    retrieved = [
        ir_measures.ScoredDoc(str(query), str(item), float(scores[query, item]))
        for query in range(queries)
        for item in range(gallery)
        if np.isfinite(scores[query, item])
    ]
    ranks = np.array([best_rank(scores[at], np.flatnonzero(truth[at])) for at in range(queries)])
    found = summary(ranks, gallery)
    measures = {
        "R@1": ir_measures.Success @ 1,
        "R@5": ir_measures.Success @ 5,
        "R@10": ir_measures.Success @ 10,
        "MRR": ir_measures.RR,
    }
    values: dict[object, float] = dict.fromkeys(measures.values(), 0.0)
    for metric in ir_measures.iter_calc(list(measures.values()), qrels, retrieved):
        values[metric.measure] += metric.value / queries
    for name, measure in measures.items():
        assert found[name] == pytest.approx(values[measure])


def test_a_wrong_item_of_equal_score_ranks_first() -> None:
    score = np.array([0.5, 0.9, 0.5, 0.5, -np.inf], np.float32)
    assert [best_rank(score, np.array([at])) for at in range(5)] == [4, 1, 4, 4, math.inf]
    assert best_rank(score, np.array([2, 3])) == 3
    assert best_rank(score, np.array([], np.int64)) == math.inf
    assert best_rank(np.zeros(100, np.float32), np.array([0])) == 100, "one score for all"


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**31), st.integers(1, 25), st.integers(0, 10))
def test_order_changes_nothing_and_distractors_never_help(
    seed: int, gallery: int, distractors: int
) -> None:
    random = np.random.default_rng(seed)
    levels = np.array([-np.inf, 0.1, 0.2, 0.3], np.float32)  # few, so that most are equal
    score = random.choice(levels, gallery)
    relevant = np.flatnonzero(random.random(gallery) < 0.3)
    rank = best_rank(score, relevant)
    order = random.permutation(gallery)
    assert best_rank(score[order], np.flatnonzero(np.isin(order, relevant))) == rank
    further = np.append(score, random.choice(levels, distractors)).astype(np.float32)
    more = best_rank(further, relevant)
    assert more >= rank
    few, many = (summary(np.array([one]), gallery) for one in (rank, more))
    assert all(many[name] <= few[name] for name in ("R@1", "R@5", "R@10", "MRR"))


def test_intervals_enclose_and_narrow() -> None:
    few, many = (summary(np.array([1.0, 3.0, 20.0, math.inf] * n), 50) for n in (5, 100))
    assert (few["R@1"], few["R@5"], few["n"], few["gallery"]) == (0.25, 0.5, 20, 50)
    assert few["MRR"] == pytest.approx((1 + 1 / 3 + 1 / 20) / 4)
    for name in ("R@1", "R@5", "R@10", "MRR"):
        low, high = few["ci95"][name]
        assert low < few[name] < high
        narrow = many["ci95"][name]
        assert narrow[1] - narrow[0] < (high - low) / 2


def test_no_queries_are_no_result() -> None:
    found = summary(np.empty(0), 9)
    assert (found["R@1"], found["MRR"], found["n"]) == (0.0, 0.0, 0)
