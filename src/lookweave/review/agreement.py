"""How far people agree, with 95 % intervals."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from lookweave.review.journal import Event
from lookweave.review.state import SAME_BOX, State, audit_of, overlap
from lookweave.store.reviews import VERDICTS

_RESAMPLES = 1000
_SEED = 7

Labels = NDArray[np.bool_]
Numbers = NDArray[np.float64]


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
    # Yes and yes, yes and no, no and yes, no and no: all that any of the measures depends on, so
    # drawing these four counts is drawing the answers with replacement (Efron's bootstrap).
    counts = np.array(
        [(first & second).sum(), (first & ~second).sum(), (~first & second).sum(),
         (~first & ~second).sum()], float,
    )  # fmt: skip
    random = np.random.default_rng(_SEED)
    drawn = random.multinomial(len(pairs), counts / len(pairs), _RESAMPLES).astype(float)
    tables = np.vstack([counts, drawn])
    if not one:
        mixed = tables[:, 1] + tables[:, 2]
        tables = np.column_stack([2 * tables[:, 0], mixed, mixed, 2 * tables[:, 3]])
    measured = (_measured(of, len(pairs)) for of in _measures(tables))
    return Agreement(one, other, len(pairs), *measured)


def _measures(tables: Numbers) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    """Observed agreement, kappa, and the specific agreements on yes and on no; NaN where one is
    not defined.

    Args:
        tables: float64 (n, 4), as in `_agreement`.
    """
    both, yes_no, no_yes, neither = tables.T
    total = tables.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        observed = (both + neither) / total
        chance = (
            (both + yes_no) * (both + no_yes) + (neither + yes_no) * (neither + no_yes)
        ) / total**2
        kappa = (observed - chance) / (1 - chance)
        positive = 2 * both / (2 * both + yes_no + no_yes)
        negative = 2 * neither / (2 * neither + yes_no + no_yes)
    return observed, np.where(chance < 1, kappa, np.nan), positive, negative


def _measured(values: Numbers, pairs: int) -> Measured:
    """The first value, and the percentiles of the others."""
    drawn = values[1:][~np.isnan(values[1:])]
    if pairs < 2 or not len(drawn):
        return Measured(float(values[0]), float("nan"), float("nan"))
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Measured(float(values[0]), float(low), float(high))


@dataclass(frozen=True)
class Pace:
    """How one person reviews.

    Attributes:
        verdicts: given, withdrawn ones left out.
        median_seconds, recent_seconds: that a pair was in sight; of all, and of the newest hundred.
        agreed, known: answers equal to what others settled, of those that can be compared.
        recent_agreed, recent_known: the same of their newest hundred: the drift.
    """

    reviewer: str
    verdicts: int
    median_seconds: float | None
    recent_seconds: float | None
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
                _median_seconds(times),
                _median_seconds(times[-_RECENT:]),
                sum(judged),
                len(judged),
                sum(recent),
                len(recent),
            )
        )
    return found


def _median_seconds(milliseconds: list[int]) -> float | None:
    return float(np.median(milliseconds)) / 1000 if milliseconds else None


def _as_others(state: State, event: Event) -> bool | None:
    """Whether an adjudicator, or two or more others who all agree, said the same; None where there
    is neither."""
    if VERDICTS[event.verdict or ""] == "unsure":
        return None
    others = [
        other
        for other in state.verdicts(event.garment, event.look, audit_of(event))
        if other.reviewer != event.reviewer
        and overlap(other.box, event.box) >= SAME_BOX
        and VERDICTS[other.verdict or ""] != "unsure"
    ]
    decided = [_yes(other) for other in others if other.kind == "adjudication"]
    said = decided[-1:] or [_yes(other) for other in others]
    known = bool(decided) or (len(said) >= 2 and len(set(said)) == 1)
    return _yes(event) == said[0] if known else None
