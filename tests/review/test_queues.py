from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import bootstrap
from sklearn.metrics import cohen_kappa_score, f1_score
from tests.review.events import BOX, verdict

from lookweave.errors import InputError
from lookweave.review.agreement import agreements, paces
from lookweave.review.candidates import Candidates, spread
from lookweave.review.journal import Event, Journal
from lookweave.review.queues import Desk, lend
from lookweave.review.state import State, fold
from lookweave.store.audits import Sample, save_sample


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


def sample(folder: Path, places: Iterable[int]) -> Sample:
    pairs = [(f"g{at:05d}", f"l{at:05d}", f"l{at:05d}:d:00") for at in places]
    made = Sample("audit-high-1", "high", 2 * len(pairs), len(pairs), 7, "1", "now", "r", folder)
    save_sample(made, pairs, pairs)
    return made


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


def test_the_mixed_queue_holds_a_fifth_of_audit_and_asks_all_once(tmp_path: Path) -> None:
    ours = Desk(
        candidates(4000), State(), lambda at: BOX, "ann", [sample(tmp_path, range(0, 4000, 4))]
    )
    asked = list(ours.ask("mixed"))
    assert len({one.at for one in asked}) == len(asked) == 4000
    start = [one.queue for one in asked[:100]]
    assert start.count("audit-high-1") == 20
    assert all((one.inclusion is None) == (one.queue == "boundary") for one in asked)


def test_an_audit_asks_two_people_and_a_third_where_they_disagree(tmp_path: Path) -> None:
    drawn = sample(tmp_path, range(5))

    def asked(who: str, *events: Event) -> set[int]:
        ours = Desk(candidates(), fold(events), lambda at: BOX, who, [drawn])
        return {one.at for one in ours.ask("audit")}

    def said(at: int, what: str, who: str) -> Event:
        return about(at, what, who, queue=drawn.name)

    assert asked("ann") == set(range(5))
    # What is said elsewhere neither counts nor spares the question.
    assert asked("ann", about(0), about(0, "same", "ben")) == set(range(5))
    assert asked("ann", said(0, "same", "ann")) == {1, 2, 3, 4}
    both = [
        said(0, "same", "ann"),
        said(0, "same", "ben"),
        said(1, "same", "ann"),
        said(1, "no", "ben"),
    ]
    assert asked("cy", *both) == {1, 2, 3, 4}
    # And an audit answers no other queue.
    other = desk("cy", *both)
    assert first(other, "second") == first(other, "known") == []
    assert 29 in first(other, "boundary", 60) and 0 in first(other, "boundary", 60)
    assert [one.at for one in Desk(candidates(), State(), lambda at: BOX, "ann").ask("audit")] == []


def test_a_lease_of_an_audit_is_of_the_audit(tmp_path: Path) -> None:
    drawn = sample(tmp_path, [7])
    journal = Journal(tmp_path)

    def ours(who: str) -> Desk:
        return Desk(candidates(), fold(journal.events()), lambda at: BOX, who, [drawn])

    (one,) = lend(journal, ours("ann"), "audit", 3, now=0.0)
    assert (one.queue, one.inclusion) == (drawn.name, drawn.inclusion)
    assert lend(journal, ours("ann"), "audit", 3, now=1.0) == [one]
    journal.append([about(7, queue=one.queue, lease=one.id, inclusion=one.inclusion)])
    assert lend(journal, ours("ann"), "audit", 3, now=2.0) == []
    assert [one.garment for one in lend(journal, ours("ben"), "audit", 3, now=2.0)] == ["g00007"]


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
        assert found.kappa.value == pytest.approx(
            cohen_kappa_score([one == "y" for one, _ in said], [two == "y" for _, two in said])
        )
        assert 0.4 < found.kappa.low < found.kappa.value < found.kappa.high < 0.9


def test_intervals_are_those_of_the_bootstrap() -> None:
    said = [(True, True)] * 12 + [(False, False)] * 9 + [(True, False)] * 4 + [(False, True)] * 2
    events = [
        about(at, "same" if yes else "no", who)
        for at, pair in enumerate(said)
        for yes, who in zip(pair, ("ann", "ben"), strict=True)
    ]
    _, found = agreements(fold(events))
    ann, ben = np.array(said).T
    for name, measure in (
        ("observed", lambda a, b: float((a == b).mean())),
        ("kappa", cohen_kappa_score),
        ("positive", f1_score),
        ("negative", lambda a, b: f1_score(~a, ~b)),
    ):
        ours = getattr(found, name)
        drawn = bootstrap(
            (ann, ben), measure, paired=True, vectorized=False, method="percentile",
            n_resamples=150, rng=np.random.default_rng(3),
        ).confidence_interval  # fmt: skip
        assert ours.value == pytest.approx(measure(ann, ben)), name
        assert (ours.low, ours.high) == pytest.approx((drawn.low, drawn.high), abs=0.12), name


def test_where_all_say_one_thing_kappa_is_not_defined() -> None:
    events = [about(at, "no", who) for at in range(5) for who in ("ann", "ben")]
    _, found = agreements(fold(events))
    assert math.isnan(found.kappa.value) and math.isnan(found.positive.value)
    assert found.negative.value == found.observed.value == 1.0


def test_unsure_and_what_was_not_blind_tell_nothing_of_agreement() -> None:
    assert agreements(fold([about(1), about(1, "unsure", "ben")])) == []
    assert agreements(fold([about(1), about(1, "no", "ben", score_shown=True)])) == []
    assert agreements(State()) == []


def test_pace_and_drift() -> None:
    events = [
        about(1, visible_ms=2000), about(1, "same", "ben", visible_ms=4000), about(1, "no", "cy"),
        about(2, "no", "ben", visible_ms=8000),
    ]  # fmt: skip
    ann, ben, cy = paces(fold(events))
    assert (ben.verdicts, ben.median_seconds) == (2, 6.0)
    assert (cy.known, cy.agreed) == (1, 0) and (ann.known, ben.known) == (0, 0)
