"""Measures of a ranking, and whether one system beats another by chance."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookweave.benchmark.content import Places
from lookweave.benchmark.search import DEPTH, Ranking
from lookweave.errors import ConfigError

Values = NDArray[np.float64]


def need_extra() -> None:
    """Check that the packages of the extra are there.

    Raises:
        ConfigError: one is not.
    """
    for name in ("ir_measures", "statsmodels", "matplotlib"):
        try:
            import_module(name)
        except ImportError as error:
            raise ConfigError(
                f"lookweave benchmark needs the extra [benchmark] ({error.name} is missing): pip "
                "install 'lookweave[benchmark]'."
            ) from error


def measure(
    ranking: Ranking, relevant: Sequence[Places], lost: NDArray[np.int64], cutoffs: Sequence[int]
) -> dict[str, Values]:
    """Measures of every query, by ir-measures.

    R@k is 1 where any right entry is among the first k (Success@k). MRR, mAP and nDCG@10 look at
    the first `DEPTH` places. Right entries that are not in the gallery count as not found.

    Args:
        relevant: the right entries of each query.
        lost: how many more are right and not in the gallery.

    Returns:
        Name of the measure -> float64 (queries,).
    """
    import ir_measures
    from ir_measures import AP, RR, Success, nDCG

    measures: dict[Any, str] = {Success @ cutoff: f"R@{cutoff}" for cutoff in cutoffs}
    measures |= {RR @ DEPTH: "MRR", AP @ DEPTH: "mAP", nDCG @ 10: "nDCG@10"}
    judged: dict[str, dict[str, int]] = {}
    run: dict[str, dict[str, float]] = {}
    for query, right in enumerate(relevant):
        absent = {f"absent {number}": 1 for number in range(int(lost[query]))}
        if known := {str(entry): 1 for entry in right.tolist()} | absent:
            judged[str(query)] = known
            listed = ranking.lists[query].tolist()
            run[str(query)] = {str(entry): float(-place) for place, entry in enumerate(listed)}
    found = {name: np.zeros(len(relevant)) for name in measures.values()}
    if judged:
        for one in ir_measures.iter_calc(list(measures), judged, run):
            found[measures[one.measure]][int(one.query_id)] = one.value
    return found


def against(baseline: Values, other: Values) -> dict[str, Any]:
    """Exact McNemar test of two systems' hits at the same queries.

    Args:
        baseline: 1 for a hit, 0 for a miss, of each query.
        other: likewise.

    Returns:
        ``gained`` and ``lost`` queries of the other, and the two-sided ``p``.
    """
    from statsmodels.stats.contingency_tables import mcnemar

    one, two = baseline > 0.5, other > 0.5
    table = [[int((one & two).sum()), int((one & ~two).sum())],
             [int((~one & two).sum()), int((~one & ~two).sum())]]  # fmt: skip
    p = float(mcnemar(table, exact=True).pvalue)
    return {"gained": table[1][0], "lost": table[0][1], "p": p}


def holm(values: Sequence[float]) -> list[float]:
    """p-values adjusted for their number, by Holm's method."""
    from statsmodels.stats.multitest import multipletests

    return [float(p) for p in multipletests(values, method="holm")[1]] if values else []
