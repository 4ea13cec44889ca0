from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from tests.review.events import BOX, verdict

from lookweave.errors import InputError
from lookweave.review.agreement import agreements, audited, paces
from lookweave.review.candidates import Candidates, audit_draw, audit_inclusion, spread
from lookweave.review.journal import Event, Journal
from lookweave.review.queues import Desk, lend
from lookweave.review.state import State, fold


def candidates(count: int = 60, products: int = 6, shoots: int = 5) -> Candidates:
    numbers = range(count)
    return Candidates(
        np.array([f"g{at:05d}" for at in numbers], object),
        np.array([f"l{at:05d}" for at in numbers], object),
        np.array([f"l{at:05d}:d:00" for at in numbers], object),
        np.linspace(1.0, 0.0, count, dtype=np.float32),
        np.array([("high", "medium", "low", "none")[4 * at // count] for at in numbers], object),
        np.array([("shirt", "dress")[at % 2] for at in numbers], object),
        np.array([f"p{at % products}" for at in numbers], object),
        np.array([f"s{at % shoots}" for at in numbers], object),
        "recipe",
    )


def about(at: int, said: str = "same", reviewer: str = "ann", **more: Any) -> Event:
    return verdict(said, reviewer, garment=f"g{at:05d}", look=f"l{at:05d}", **more)


def desk(reviewer: str, *events: Event, count: int = 60) -> Desk:
    return Desk(candidates(count), fold(events), lambda at: BOX, reviewer)


def first(desk: Desk, queue: str, count: int = 10) -> list[int]:
    return [one.at for one in itertools.islice(desk.ask(queue), count)]


def test_the_boundary_comes_first_and_is_spread() -> None:
    asked = first(desk("ann"), "boundary")
    assert set(asked[:2]) == {29, 30}
    ours = candidates()
    assert len({ours.product[at] for at in asked[:5]}) == 5
    assert len({ours.shoot[at] for at in asked[:5]}) == 5
    everything = spread(ours, np.arange(60))
    assert sorted(everything.tolist()) == list(range(60))


def test_nobody_is_asked_twice_and_a_refused_pair_is_not_asked_again() -> None:
    events = [about(29), about(30, "no", "ben")]
    for who in ("ann", "ben", "cy"):
        assert not {29, 30} & set(first(desk(who, *events), "boundary", 60))


def test_a_yes_wants_a_second_person_and_a_disagreement_a_third() -> None:
    once = [about(3)]
    assert first(desk("ann", *once), "second") == []
    assert first(desk("ben", *once), "second") == [3]
    both = [about(3), about(3, "no", "ben")]
    assert first(desk("ben", *both), "second") == first(desk("ben", *both), "disputed") == []
    assert first(desk("cy", *both), "disputed") == [3]
    assert first(desk("cy", about(4, "unsure")), "second") == [4]


def test_a_verdict_on_another_garment_of_the_look_answers_nothing() -> None:
    elsewhere = (0.7, 0.1, 0.9, 0.4)
    assert 29 in first(desk("ann", about(29, box=elsewhere)), "boundary", 60)


def test_known_answers_are_those_of_two_others() -> None:
    settled = [about(7), about(7, "same", "ben")]
    assert first(desk("cy", *settled), "known") == [7]
    assert first(desk("ann", *settled), "known") == []


def test_tiers_and_categories_are_queues_and_others_are_told() -> None:
    ours = candidates()
    assert {ours.tier[at] for at in first(desk("ann"), "low", 60)} == {"low"}
    assert {ours.category[at] for at in first(desk("ann"), "category-dress", 60)} == {"dress"}
    with pytest.raises(InputError, match="There is no queue 'x'"):
        first(desk("ann"), "x")


def test_the_mixed_queue_holds_a_fifth_of_audit_and_asks_all_once() -> None:
    asked = list(desk("ann", count=4000).ask("mixed"))
    assert len({one.at for one in asked}) == len(asked) == 4000
    start = [one.queue for one in asked[:100]]
    assert start.count("audit") == 20
    assert all((one.inclusion is None) == (one.queue != "audit") for one in asked)


def test_the_audit_draws_with_the_probabilities_that_it_tells() -> None:
    ours = candidates(4000)
    inclusion = audit_inclusion(ours, 200)
    assert set(inclusion[:3000]) == {0.2} and not inclusion[3000:].any()
    draws = np.array([audit_draw(ours, inclusion, seed) for seed in range(10)])
    assert draws[0].tolist() == audit_draw(ours, inclusion, 0).tolist()
    assert draws.mean() == pytest.approx(0.15, abs=0.01)
    larger = audit_draw(ours, audit_inclusion(ours, 400), 0)
    assert larger[draws[0]].all()  # a larger sample keeps what a smaller one drew


def test_leases_are_a_persons_own_and_stay_over_a_reload(tmp_path: Any) -> None:
    journal = Journal(tmp_path)
    mine = lend(journal, desk("ann"), "boundary", 3, now=0.0)
    assert len(mine) == 3
    assert lend(journal, desk("ann"), "boundary", 3, now=1.0) == mine
    theirs = lend(journal, desk("ben"), "boundary", 3, now=1.0)
    assert len(theirs) == 3 and not {one.garment for one in mine} & {one.garment for one in theirs}
    later = lend(journal, desk("cy"), "boundary", 3, now=700.0)
    assert [one.garment for one in later] == [one.garment for one in mine]
    with pytest.raises(InputError, match="Between 1 and 20"):
        lend(journal, desk("ann"), "boundary", 10**9)


def test_an_answered_lease_is_not_lent_again(tmp_path: Any) -> None:
    journal = Journal(tmp_path)
    (one,) = lend(journal, desk("ann"), "boundary", 1, now=0.0)
    event = verdict("no", garment=one.garment, look=one.look, lease=one.id)
    journal.append([event])
    (other,) = lend(journal, desk("ann", *journal.events()), "boundary", 1, now=1.0)
    assert other.garment != one.garment


def test_agreement_is_the_textbooks() -> None:
    # 15 both yes, 75 both no, 5 and 5 apart: 90 % agreement, kappa .69 (as in the literature).
    said = ["yy"] * 15 + ["nn"] * 75 + ["yn"] * 5 + ["ny"] * 5
    events = [
        about(at, "same" if one == "y" else "no", who)
        for at, pair in enumerate(said)
        for one, who in zip(pair, ("ann", "ben"), strict=True)
    ]
    together, each = agreements(fold(events))
    assert (each.one, each.other, each.pairs) == ("ann", "ben", 100)
    for found in (together, each):
        assert found.observed.value == pytest.approx(0.90)
        assert found.kappa.value == pytest.approx(0.6875)
        assert found.positive.value == pytest.approx(0.75)
        assert found.negative.value == pytest.approx(150 / 160)
        assert 0.4 < found.kappa.low < found.kappa.value < found.kappa.high < 0.9


def test_unsure_and_what_was_not_blind_tell_nothing_of_agreement() -> None:
    assert agreements(fold([about(1), about(1, "unsure", "ben")])) == []
    assert agreements(fold([about(1), about(1, "no", "ben", score_shown=True)])) == []
    assert agreements(State()) == []


def test_the_audit_tells_the_precision_of_each_tier() -> None:
    events = [about(at, "no" if at < 5 else "same") for at in range(15)]
    ours = desk("ann", *events)
    (high,) = audited(ours, np.full(60, 0.5), np.ones(60, bool))
    assert (high.tier, high.judged) == ("high", 15)
    assert high.precision.value == pytest.approx(10 / 15)
    from scipy.stats import binomtest

    interval = binomtest(10, 15).proportion_ci(method="exact")
    assert (high.precision.low, high.precision.high) == pytest.approx(tuple(interval))
    # Of each wrong one the sample holds every one, of each right one a tenth.
    uneven = np.where(np.arange(60) < 5, 1.0, 0.1)
    (high,) = audited(ours, uneven, np.ones(60, bool))
    assert high.precision.value == pytest.approx(100 / 105)
    assert audited(ours, uneven, np.zeros(60, bool)) == []


def test_pace_and_drift() -> None:
    events = [
        about(1, visible_ms=2000), about(1, "same", "ben", visible_ms=4000), about(1, "no", "cy"),
        about(2, "no", "ben", visible_ms=8000),
    ]  # fmt: skip
    ann, ben, cy = paces(fold(events))
    assert (ben.verdicts, ben.median_seconds) == (2, 6.0)
    assert (cy.known, cy.agreed) == (1, 0) and (ann.known, ben.known) == (0, 0)
