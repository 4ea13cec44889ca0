"""Recall and reciprocal rank with their intervals: the one metric of evaluation and training."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookweave.matching.select import wilson

CUTOFFS = (1, 5, 10)
_RESAMPLES = 2000


def best_rank(score: NDArray[np.float32], relevant: NDArray[np.int64]) -> float:
    """Rank, from 1, of the best relevant item of a gallery; inf where none is ranked.

    Args:
        score: float32 (gallery,), -inf for an item that is not ranked. A wrong item of equal score
            ranks before the relevant one: a tie never helps a query, and the gallery's order
            changes nothing.
        relevant: places of the relevant items, perhaps none.
    """
    ranked = relevant[np.isfinite(score[relevant])]
    if not len(ranked):
        return float("inf")
    best = score[ranked].max()
    return float((score >= best).sum() - (score[ranked] == best).sum() + 1)


def summary(ranks: NDArray[np.float64], gallery: int) -> dict[str, Any]:
    """R@1, R@5, R@10 and MRR of the queries' best ranks, with 95 % intervals.

    R@k is the share of queries with a relevant item among the first k (success at k); an
    unranked one is a miss and counts 0 in the MRR. Intervals: Wilson for shares, percentiles of
    2,000 resamples of the queries for the MRR.

    Args:
        ranks: float64 (queries,), from 1; inf for a miss.
        gallery: how many items were ranked against each other.
    """
    count = len(ranks)
    found: dict[str, Any] = {}
    intervals: dict[str, list[float]] = {}
    for cutoff in CUTOFFS:
        hits = int((ranks <= cutoff).sum())
        found[f"R@{cutoff}"] = hits / count if count else 0.0
        intervals[f"R@{cutoff}"] = list(wilson(hits, count))
    reciprocal = 1.0 / ranks
    found["MRR"] = float(reciprocal.mean()) if count else 0.0
    intervals["MRR"] = _bootstrap(reciprocal)
    return {**found, "n": count, "gallery": gallery, "ci95": intervals}


def _bootstrap(values: NDArray[np.float64]) -> list[float]:
    if not len(values):
        return [0.0, 1.0]
    random = np.random.default_rng(0)
    means = [values[random.integers(0, len(values), len(values))].mean() for _ in range(_RESAMPLES)]
    return [float(bound) for bound in np.percentile(means, [2.5, 97.5])]
