"""Which candidate pairs go into which tier: order, quotas, limits, target precision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lookweave.matching.vectors import Positions

HIGH, MEDIUM, LOW, OUT = 0, 1, 2, 3
CONFIDENCE = 0.95
MOST_CUTS = 20
"""Cuts that are tried for a tier with a target precision, fixed before any label is seen."""

DELTA = 0.05
"""Chance that any of the three target precisions is missed; each tier has a third of it."""


@dataclass(frozen=True)
class Candidates:
    """Pairs that may enter, one row each, the best first.

    Attributes:
        garments, looks: int codes.
        best: int8, the highest tier (HIGH, MEDIUM, LOW) that the pair's evidence allows.
        label: int8: 1 where a person said yes, 0 where no, -1 where nobody looked.
    """

    garments: NDArray[np.int32]
    looks: NDArray[np.int32]
    best: NDArray[np.int8]
    label: NDArray[np.int8]


def wilson(yes: int, count: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a proportion; (0, 1) where there is no evidence."""
    if not count:
        return 0.0, 1.0
    from scipy.stats import binomtest  # a third of a second: a second build does without

    interval = binomtest(yes, count).proportion_ci(CONFIDENCE, method="wilson")
    return float(interval.low), float(interval.high)


def choose(
    candidates: Candidates, quotas: Sequence[int], looks_per_garment: int, garments_per_look: int
) -> NDArray[np.int8]:
    """The tier of each candidate, OUT where it does not enter.

    A pair that a person confirmed is high; one that a person refused is out. The others fill
    high, then medium, then low, best first, as far as quotas and limits allow, each no higher
    than its evidence allows.

    Args:
        quotas: most pairs of each tier.
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

    fill(np.flatnonzero(candidates.label == 1), HIGH)
    for into in (HIGH, MEDIUM, LOW):
        open_to_all = (tier == OUT) & (candidates.label != 0)
        fill(np.flatnonzero(open_to_all & (candidates.best <= into)), into)
    return tier


def frozen(
    candidates: Candidates, looks_per_garment: int, garments_per_look: int
) -> tuple[Positions, Positions]:
    """What tiers with a target precision are cut from: all that the limits let in.

    Returns:
        Places of the pairs that people confirmed, and of the others, the best first. Of refused
        pairs none.
    """
    limits = _Limits(candidates, looks_per_garment, garments_per_look)
    taken = [
        [at for at in np.flatnonzero(candidates.label == label).tolist() if limits.take(at)]
        for label in (1, -1)
    ]
    confirmed, rest = (np.array(one, np.int64) for one in taken)
    return confirmed, rest


@dataclass(frozen=True)
class Stretch:
    """One tier of an order that was cut.

    Attributes:
        start, end: its places in the order.
        judged, right: pairs of the random sample in it, and how many of them are right.
        p_value: of the hypothesis that fewer are right than promised; NaN where nothing is
            promised or no cut was left to test.
    """

    start: int
    end: int
    judged: int
    right: int
    p_value: float


def cut(
    places: Positions,
    right: NDArray[np.bool_],
    size: int,
    targets: Sequence[float],
    quotas: Sequence[int],
    *,
    further: int = 0,
    delta: float = DELTA,
) -> list[Stretch]:
    """Cut an order into tiers of which each keeps its target precision, but for chance `delta`.

    For each tier at most `MOST_CUTS` ends are fixed by the size of the order and of the sample
    alone, from strict to lax. They are tested in this sequence, each by an exact binomial test
    at its share of `delta`, until one fails (fixed-sequence testing, as in Maurer, Hothorn and
    Lehmacher, 1995); the last that passed is the tier's end. The next tier begins there. That
    place depends on labels, and harms nothing: of the labels behind it, all that is known is that
    a test failed with them, so they are rather worse than others (Harris' inequality).

    Args:
        places: int64, ascending: where in the order the sampled pairs are. The sample is uniform,
            and drawn without regard to the order.
        right: bool, of each of them. Whoever cannot tell says it is not.
        size: of the order, the best first.
        targets: precision of each tier; 0 takes all that is left.
        quotas: most pairs of each tier.
        further: how many pairs come behind the order that the sample says nothing of. Only a tier
            that promises nothing takes them.
    """
    from scipy.stats import binomtest

    level = delta / len(targets)
    found: list[Stretch] = []
    start = 0
    for target, quota in zip(targets, quotas, strict=True):
        most = min(size if target > 0 else size + further, start + quota)
        stretch = Stretch(start, start, 0, 0, float("nan"))
        if target <= 0:
            inside = (places >= start) & (places < most)
            count, yes = int(inside.sum()), int(right[inside].sum())
            stretch = Stretch(start, most, count, yes, float("nan"))
        else:
            for end in _ends(places, start, most, target, level):
                inside = (places >= start) & (places < end)
                count, yes = int(inside.sum()), int(right[inside].sum())
                if target**count > level:
                    continue  # too few for a test to pass, whatever they are
                p_value = float(binomtest(yes, count, target, alternative="greater").pvalue)
                if p_value > level:
                    break
                stretch = Stretch(start, end, count, yes, p_value)
        found.append(stretch)
        start = stretch.end
    return found


def _ends(places: Positions, start: int, most: int, target: float, level: float) -> list[int]:
    """The cuts of a tier, ascending, in even steps of their logarithm. It never looks at a label.

    The first has to be long enough for a mistake or two, and short enough to be of the best: a
    fifth of the sample, but two to four times what a test without a mistake needs.
    """
    judged = int(((places >= start) & (places < most)).sum())
    needed = np.log(level) / np.log(target) if target < 1 else np.inf
    first = np.clip(judged / 5, 2 * needed, 4 * needed)
    if judged < first:
        return []
    lengths = np.geomspace(first / judged, 1, MOST_CUTS) * (most - start)
    return sorted({start + round(length) for length in lengths.tolist()})


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
