from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.review.events import BOX, GARMENT, LOOK, verdict, withdrawal

from lookweave.review.journal import Event
from lookweave.review.state import bound, fold, overlap, rows
from lookweave.store.reviews import standing

REGION = f"{LOOK}:d:00"


def numbered(*events: Event) -> list[Event]:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return [replace(one, seq=at + 1, at=now) for at, one in enumerate(events)]


def said(*events: Event) -> list[str | None]:
    return [one.verdict for one in fold(numbered(*events)).verdicts(GARMENT, LOOK)]


def test_the_newest_verdict_of_a_person_stands() -> None:
    assert said(verdict("same"), verdict("no")) == ["no"]
    assert said(verdict("same"), verdict("no", "ben")) == ["same", "no"]


def test_undo_brings_back_what_was_said_before_and_redo_the_later() -> None:
    first, second = verdict("same"), verdict("no")
    undo = withdrawal(second)
    redo = withdrawal(undo)
    assert said(first, second, undo) == ["same"]
    assert said(first, second, undo, redo) == ["no"]
    assert said(first, second, undo, redo, withdrawal(redo)) == ["same"]
    assert said(first, withdrawal(first)) == []


def test_undo_has_no_limit() -> None:
    events: list[Event] = [verdict("same")]
    for _ in range(3001):
        events.append(withdrawal(events[-1]))
    assert said(*events) == []  # each withdraws the one before: an odd number takes it back
    assert said(*events[:-1]) == ["same"]


@given(st.lists(st.tuples(st.sampled_from(["same", "no", "undo"]), st.sampled_from("ab"))))
def test_it_is_what_a_stack_for_each_person_says(moves: list[tuple[str, str]]) -> None:
    stacks: dict[str, list[Event]] = {"a": [], "b": []}
    events: list[Event] = []
    for move, who in moves:
        if move == "undo":
            if stacks[who]:
                events.append(withdrawal(stacks[who].pop()))
        else:
            events.append(verdict(move, who))
            stacks[who].append(events[-1])
    expected = sorted((who, stack[-1].verdict) for who, stack in stacks.items() if stack)
    state = fold(numbered(*events))
    assert sorted((one.reviewer, one.verdict) for one in state.verdicts(GARMENT, LOOK)) == expected
    again = fold([*numbered(*events), *numbered(*events)])  # an event counts once
    assert again.verdicts(GARMENT, LOOK) == state.verdicts(GARMENT, LOOK)


def test_two_garments_in_one_look_are_two_questions() -> None:
    left, right = (0.0, 0.0, 0.4, 1.0), (0.6, 0.0, 1.0, 1.0)
    assert said(verdict("same", box=left), verdict("no", box=right)) == ["same", "no"]


def test_overlap_is_intersection_over_union() -> None:
    assert overlap((0, 0, 2, 2), (1, 0, 3, 2)) == pytest.approx(1 / 3)
    assert overlap((0, 0, 1, 1), (1, 0, 2, 1)) == 0 and overlap(None, BOX) == 0


def test_a_verdict_survives_another_detector_where_the_boxes_agree() -> None:
    event = verdict(region="look:old:00")
    shifted = (0.22, 0.18, 0.62, 0.7)
    assert bound(event, {"look:new:03": shifted, "look:new:01": (0, 0, 1, 1)}) == "look:new:03"
    assert bound(event, {"look:new:01": (0, 0, 1, 1)}) is None  # asked again
    assert bound(event, {}) is None
    assert bound(event, {"z": BOX, "look:old:00": BOX}) == "look:old:00"


def test_rows_say_what_pairing_counts() -> None:
    events = numbered(
        verdict("same"), verdict("same_style", "ben"), verdict("bad_crop", "cy", score_shown=True)
    )
    found = rows(fold(events), {LOOK: {REGION: BOX}})
    assert [(row["reviewer"], row["decision"], row["verdict"], row["blind"]) for row in found] == [
        ("ann", "yes", "same", True), ("ben", "no", "same_style", True),
        ("cy", "unsure", "bad_crop", False),
    ]  # fmt: skip
    assert rows(fold(events), {}) == []


def row(
    reviewer: str, decision: str, kind: str = "verdict", blind: bool = True
) -> dict[str, object]:
    return {"look": "l", "reviewer": reviewer, "decision": decision, "kind": kind, "blind": blind}


def test_verified_wants_two_blind_yes_of_different_people() -> None:
    once = standing([row("ann", "yes")])
    assert once.same is True and not once.verified and not once.settled
    assert standing([row("ann", "yes"), row("ben", "yes")]).verified
    assert not standing([row("ann", "yes"), row("ben", "yes", blind=False)]).verified
    assert standing([row("ann", "yes"), row("ben", "yes", kind="link")]).same is not None


def test_a_disagreement_is_open_until_a_third_or_an_adjudicator_decides() -> None:
    open_ = [row("ann", "yes"), row("ben", "no")]
    assert standing(open_).disputed and standing(open_).same is None
    assert standing([*open_, row("cy", "unsure")]).disputed
    third = standing([*open_, row("cy", "yes")])
    assert third.verified and third.settled and not third.disputed
    assert standing([*open_, row("cy", "no")]).same is False
    decided = standing([*open_, row("eve", "yes", kind="adjudication")])
    assert decided.same is True and decided.verified
    assert standing([*open_, row("eve", "no", kind="adjudication")]).same is False
