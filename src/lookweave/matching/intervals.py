"""Intervals of means over queries that hang together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest, bootstrap

_RESAMPLES = 2000
_CONFIDENCE = 0.95

Values = NDArray[np.float64]


def with_interval(values: Values, clusters: Sequence[str]) -> dict[str, Any]:
    """The mean of queries, and its 95 % interval by resampling whole clusters 2,000 times.

    Where all is found, or nothing, every resample is alike and says nothing: the interval is then
    the exact one (Clopper and Pearson) for as many trials as there are clusters.

    Returns:
        ``value`` and ``ci95``; the interval is None where all clusters have one mean between 0
        and 1, or where there are fewer than two of them.
    """
    counts, sums = _by_cluster(values, clusters)
    value = float(values.mean()) if len(values) else 0.0
    if len(counts) < 2:
        return {"value": value, "ci95": None}
    if np.ptp(sums / counts) == 0:
        if value not in (0.0, 1.0):
            return {"value": value, "ci95": None}
        exact = binomtest(int(value) * len(counts), len(counts)).proportion_ci(_CONFIDENCE)
        return {"value": value, "ci95": [float(exact.low), float(exact.high)]}
    return {"value": value, "ci95": _resampled(sums, counts)}


def gain(before: Values, after: Values, clusters: Sequence[str]) -> dict[str, Any]:
    """By how much the mean of the same queries rises, and its 95 % interval by resampling whole
    clusters 2,000 times.

    Where no query changes, resamples say nothing: with c clusters, so many of them may yet change,
    either way, as the exact interval for 0 of c trials says. The interval is None where all
    clusters change by the same, or where there are fewer than two of them.

    Args:
        before, after: of each query, between 0 and 1.
    """
    counts, sums = _by_cluster(after - before, clusters)
    value = float((after - before).mean()) if len(after) else 0.0
    if len(counts) < 2:
        return {"value": value, "ci95": None}
    if not (after - before).any():
        high = float(binomtest(0, len(counts)).proportion_ci(_CONFIDENCE).high)
        return {"value": 0.0, "ci95": [-high, high]}
    if np.ptp(sums / counts) == 0:
        return {"value": value, "ci95": None}
    return {"value": value, "ci95": _resampled(sums, counts)}


def gain_of_some(
    values: Values, kept: NDArray[np.bool_], clusters: Sequence[str]
) -> dict[str, Any]:
    """By how much the mean of some queries is above that of all, and its 95 % interval by
    resampling whole clusters 2,000 times; None where fewer than two clusters have any of them.
    """
    if not kept.any():
        return {"value": 0.0, "ci95": None}
    counts, sums = _by_cluster(values, clusters)
    some = _by_cluster(kept.astype(np.float64), clusters)[1]
    right = _by_cluster(np.where(kept, values, 0.0), clusters)[1]
    value = float(values[kept].mean() - values.mean())
    if (some > 0).sum() < 2 or not values.any() or values.all():
        return {"value": value, "ci95": None}
    with np.errstate(invalid="ignore"):  # a resample without any of them: 0 / 0, left out
        found = bootstrap(
            (right, some, sums, counts),
            lambda one, two, three, four, axis: one.sum(axis) / two.sum(axis)
            - three.sum(axis) / four.sum(axis),
            paired=True, vectorized=True, n_resamples=_RESAMPLES, method="percentile",
            confidence_level=_CONFIDENCE, rng=np.random.default_rng(0),
        ).bootstrap_distribution  # fmt: skip
    return {"value": value, "ci95": [float(x) for x in np.nanpercentile(found, [2.5, 97.5])]}


def _by_cluster(values: Values, clusters: Sequence[str]) -> tuple[Values, Values]:
    """Queries of each cluster, and their sum."""
    _, of = np.unique(np.array(clusters, dtype=object).astype(str), return_inverse=True)
    counts, sums = np.bincount(of), np.bincount(of, weights=values)
    return counts.astype(np.float64), sums.astype(np.float64)


def _resampled(sums: Values, counts: Values) -> list[float]:
    found = bootstrap(
        (sums, counts),
        lambda some, number, axis: some.sum(axis) / number.sum(axis),
        paired=True, vectorized=True, n_resamples=_RESAMPLES, method="percentile",
        confidence_level=_CONFIDENCE, rng=np.random.default_rng(0),
        batch=max(1, (1 << 22) // len(counts)),
    ).confidence_interval  # fmt: skip
    return [float(found.low), float(found.high)]
