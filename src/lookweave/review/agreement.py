"""How far people agree, with 95 % intervals."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import bootstrap
from sklearn.metrics import cohen_kappa_score, f1_score

from lookweave.review.journal import Event
from lookweave.review.state import SAME_BOX, State, audit_of, overlap
from lookweave.store.reviews import VERDICTS

_RESAMPLES = 1000
_SEED = 7

Labels = NDArray[np.bool_]
Measure = Callable[[Labels, Labels], float]


@dataclass(frozen=True)
class Measured:
    """A number and its 95 % interval; NaN where it is not defined."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Agreement:
    """How two people, or all pairs of them, answered the same questions.

    Attributes:
        one, other: names; empty for all pairs of people together.
        pairs: questions that both answered yes or no, blind.
        observed: share of equal answers.
        kappa: Cohen's (1960), agreement beyond chance.
        positive, negative: agreement on yes and on no (Cicchetti and Feinstein, 1990), which kappa
            alone hides where one answer is rare.
    """

    one: str
    other: str
    pairs: int
    observed: Measured
    kappa: Measured
    positive: Measured
    negative: Measured


def agreements(state: State) -> list[Agreement]:
    """Of all people together first, then of every two that answered something in common.

    Together each pair of answers counts in both orders, since nobody is the reference.
    """
    answers = answers_in_common(state)
    everybody = [pair for pairs in answers.values() for pair in pairs]
    found = [_agreement("", "", everybody)] if everybody else []
    return found + [_agreement(*names, pairs) for names, pairs in sorted(answers.items())]


def answers_in_common(
    state: State, audit: str = ""
) -> dict[tuple[str, str], list[tuple[bool, bool]]]:
    """Of every two people, by name, their blind yes or no to the same questions.

    Args:
        audit: what was said in this audit; by default what was said in none.
    """
    answers: dict[tuple[str, str], list[tuple[bool, bool]]] = defaultdict(list)
    for garment, look in state.pairs(audit):
        blind = [
            event
            for event in state.verdicts(garment, look, audit)
            if event.kind == "verdict" and not event.score_shown
            and VERDICTS[event.verdict or ""] != "unsure"
        ]  # fmt: skip
        for one, other in combinations(sorted(blind, key=lambda event: event.reviewer), 2):
            if one.reviewer != other.reviewer and overlap(one.box, other.box) >= SAME_BOX:
                answers[one.reviewer, other.reviewer].append((_yes(one), _yes(other)))
    return answers


def _yes(event: Event) -> bool:
    return event.verdict == "same"


def _agreement(one: str, other: str, pairs: list[tuple[bool, bool]]) -> Agreement:
    first, second = np.array(pairs, bool).T

    def measure(of: Measure) -> Measured:
        return _measured(of, first, second, symmetric=not one)

    return Agreement(
        one, other, len(pairs),
        measure(lambda a, b: float((a == b).mean())),
        measure(lambda a, b: float(cohen_kappa_score(a, b))),
        measure(lambda a, b: _f1(a, b, True)),
        measure(lambda a, b: _f1(a, b, False)),
    )  # fmt: skip


def _f1(one: Labels, other: Labels, label: bool) -> float:
    # 2a / (2a + b + c): the specific agreement is the F1 of one person against the other.
    return float(f1_score(one, other, pos_label=label, zero_division=np.nan))


def _measured(of: Measure, one: Labels, other: Labels, *, symmetric: bool) -> Measured:
    def statistic(a: Labels, b: Labels) -> float:
        if symmetric:
            a, b = np.concatenate([a, b]), np.concatenate([b, a])
        return of(a, b)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a resample may hold one answer alone: not defined there
        value = statistic(one, other)
        if len(one) < 2:
            return Measured(value, float("nan"), float("nan"))
        drawn = bootstrap(
            (one, other), statistic, paired=True, vectorized=False, method="percentile",
            n_resamples=_RESAMPLES, rng=np.random.default_rng(_SEED),
        ).bootstrap_distribution  # fmt: skip
        low, high = np.nanpercentile(drawn, [2.5, 97.5])
    return Measured(value, float(low), float(high))


@dataclass(frozen=True)
class Pace:
    """How one person reviews.

    Attributes:
        verdicts: given, withdrawn ones left out.
        median_seconds: that a pair was in sight.
        agreed, known: answers equal to what others settled, of those that can be compared.
        recent_agreed, recent_known: the same of their newest hundred: the drift.
    """

    reviewer: str
    verdicts: int
    median_seconds: float | None
    agreed: int
    known: int
    recent_agreed: int
    recent_known: int


_RECENT = 100


def paces(state: State) -> list[Pace]:
    """Of everybody, by name."""
    found = []
    for reviewer in state.reviewers():
        given = [event for event in state.of(reviewer) if state.stands(event.id)]
        times = [event.visible_ms for event in given if event.visible_ms]
        judged = [known for event in given if (known := _as_others(state, event)) is not None]
        recent = judged[-_RECENT:]
        found.append(
            Pace(
                reviewer,
                len(given),
                float(np.median(times)) / 1000 if times else None,
                sum(judged),
                len(judged),
                sum(recent),
                len(recent),
            )
        )
    return found


def _as_others(state: State, event: Event) -> bool | None:
    """Whether two or more others, who all agree, said the same; None where there are none."""
    if VERDICTS[event.verdict or ""] == "unsure":
        return None
    others = [
        _yes(other)
        for other in state.verdicts(event.garment, event.look, audit_of(event))
        if other.reviewer != event.reviewer
        and overlap(other.box, event.box) >= SAME_BOX
        and VERDICTS[other.verdict or ""] != "unsure"
    ]
    return _yes(event) == others[0] if len(others) >= 2 and len(set(others)) == 1 else None
