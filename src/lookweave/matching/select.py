"""Which candidate pairs go into which tier: order, quotas, limits, target precision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from lookweave.matching.vectors import Positions

HIGH, MEDIUM, LOW, OUT = 0, 1, 2, 3
CONFIDENCE = 0.95
MINIMUM_LABELS = 30
"""Labels a target precision needs; Wilson's lower bound of 30 of 30 is .89."""

_Z = 1.959963984540054  # two-sided 95 %


@dataclass(frozen=True)
class Candidates:
    """Pairs that may enter, one row each, the best first.

    Attributes:
        garments, looks: int codes.
        best: int8, the highest tier (HIGH, MEDIUM, LOW) that the pair's evidence allows.
        probability: float32.
        label: int8: 1 where a person said yes, 0 where no, -1 where nobody looked.
    """

    garments: NDArray[np.int32]
    looks: NDArray[np.int32]
    best: NDArray[np.int8]
    probability: NDArray[np.float32]
    label: NDArray[np.int8]


def wilson(yes: int, count: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a proportion; (0, 1) where there is no evidence."""
    if not count:
        return 0.0, 1.0
    interval = binomtest(yes, count).proportion_ci(CONFIDENCE, method="wilson")
    return float(interval.low), float(interval.high)


def choose(
    candidates: Candidates,
    quotas: Sequence[int],
    looks_per_garment: int,
    garments_per_look: int,
    targets: Sequence[float] | None = None,
) -> NDArray[np.int8]:
    """The tier of each candidate, OUT where it does not enter.

    A pair that a person confirmed is high; one that a person refused is out. The others fill
    high, then medium, then low, best first, as far as quotas and limits allow: without
    `targets` each no higher than its evidence allows, with `targets` one stretch of the order
    after another (see `stretches`).

    Args:
        quotas: most pairs of each tier.
        targets: precision of each tier, or None.
    """
    tier = np.full(len(candidates.label), OUT, np.int8)
    limits = _Limits(candidates, looks_per_garment, garments_per_look)
    left = list(quotas)

    def fill(walk: Positions, into: int) -> None:
        for at in walk.tolist():
            if left[into] <= 0:
                return
            if limits.take(at):
                tier[at] = into
                left[into] -= 1

    ends = stretches(candidates, targets) if targets else None
    fill(np.flatnonzero(candidates.label == 1), HIGH)
    for into in (HIGH, MEDIUM, LOW):
        open_to_all = (tier == OUT) & (candidates.label != 0)
        if ends is None:
            fill(np.flatnonzero(open_to_all & (candidates.best <= into)), into)
        else:
            open_to_all[ends[into] :] = False
            fill(np.flatnonzero(open_to_all), into)
    return tier


def stretches(candidates: Candidates, targets: Sequence[float]) -> list[int]:
    """Where each tier ends in the order, so that its precision's lower bound meets its target.

    With at least `MINIMUM_LABELS` labels the precision of a stretch is that of its labelled
    pairs and the bound is Wilson's; the stretch ends at a labelled pair, since nothing is known
    of what follows the last. With fewer, it is the mean of the probabilities, which then must
    be calibrated, less 1.96 standard errors of a sum of independent draws. A target of 0 takes
    all that is left.
    """
    labels = candidates.label
    by_label = int((labels >= 0).sum()) >= MINIMUM_LABELS
    ends: list[int] = []
    start = 0
    for target in targets:
        if target <= 0:
            length = len(labels) - start
        elif by_label:
            length = _longest_by_label(labels[start:], target)
        else:
            length = _longest_by_probability(candidates.probability[start:], target)
        start += length
        ends.append(start)
    return ends


class _Limits:
    def __init__(self, candidates: Candidates, looks: int, garments: int) -> None:
        self._garments = candidates.garments
        self._looks = candidates.looks
        self._of_garment = np.full(int(self._garments.max(initial=-1)) + 1, looks).tolist()
        self._of_look = np.full(int(self._looks.max(initial=-1)) + 1, garments).tolist()

    def take(self, at: int) -> bool:
        garment, look = int(self._garments[at]), int(self._looks[at])
        if self._of_garment[garment] <= 0 or self._of_look[look] <= 0:
            return False
        self._of_garment[garment] -= 1
        self._of_look[look] -= 1
        return True


def _longest_by_label(labels: NDArray[np.int8], target: float) -> int:
    places = np.flatnonzero(labels >= 0)
    yes = np.cumsum(labels[places])
    for count in range(len(places), 0, -1):
        if wilson(int(yes[count - 1]), count)[0] >= target:
            return int(places[count - 1]) + 1
    return 0


def _longest_by_probability(probability: NDArray[np.float32], target: float) -> int:
    values = probability.astype(np.float64)
    count = np.arange(1, len(values) + 1)
    error = np.sqrt(np.cumsum(values * (1 - values))) / count
    good = np.flatnonzero(np.cumsum(values) / count - _Z * error >= target)
    return int(good[-1]) + 1 if len(good) else 0
