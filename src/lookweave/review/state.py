"""What the events of the journal come to: a fold over their order, a pure function."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lookweave.review.journal import Event
from lookweave.store.reviews import VERDICTS, Standing, standing

Box = Sequence[float]

AUDIT = "audit-"
"""How the queues of audits begin. What is said there stays there: it decides no tier and teaches
nothing, or it could not tell how right the tiers are."""

SAME_BOX = 0.5
"""Least overlap (intersection over union) at which a box of another detector is the same."""


class State:
    """All events so far. `add` them in their order.

    A withdrawal takes an event back; the withdrawal of a withdrawal brings it in again. Of what
    one person said of the same garment in a look, the newest that is not withdrawn stands.
    """

    def __init__(self) -> None:
        self.seq = 0
        self._events: dict[str, Event] = {}
        self._withdrawals: dict[str, list[str]] = defaultdict(list)
        # Audit ("" for all that is none) -> garment and look -> what was said.
        self._verdicts: dict[str, dict[tuple[str, str], list[Event]]] = {}
        self._by_reviewer: dict[str, list[Event]] = defaultdict(list)

    def add(self, event: Event) -> None:
        """Take one more event in."""
        if event.id in self._events:
            return
        self._events[event.id] = event
        self.seq = max(self.seq, event.seq)
        if event.kind == "withdrawal":
            self._withdrawals[event.supersedes or ""].append(event.id)
        else:
            said = self._verdicts.setdefault(audit_of(event), defaultdict(list))
            said[event.garment, event.look].append(event)
            self._by_reviewer[event.reviewer].append(event)

    def stands(self, event: str) -> bool:
        """Whether nothing that stands takes an event back."""
        # Withdrawals of withdrawals are a chain that may be long: undo, redo, undo, …
        waiting, known = [event], dict[str, bool]()
        while waiting:
            name = waiting[-1]
            open_ = [one for one in self._withdrawals.get(name, ()) if one not in known]
            if open_:
                waiting.extend(open_)
                continue
            known[name] = not any(known[one] for one in self._withdrawals.get(name, ()))
            waiting.pop()
        return known[event]

    def withdrawal_of(self, event: str) -> str | None:
        """The newest withdrawal that stands against an event; withdrawn, it brings the event in
        again."""
        standing = [one for one in self._withdrawals.get(event, ()) if self.stands(one)]
        return standing[-1] if standing else None

    def verdicts(self, garment: str, look: str, audit: str = "") -> list[Event]:
        """What stands of a garment and a look, oldest first: the newest of each person and box.

        Args:
            audit: what was said in this audit; by default what was said in none.
        """
        found: list[Event] = []
        said = self._verdicts.get(audit, {})
        for event in reversed(said.get((garment, look), ())):
            if self.stands(event.id) and not any(
                one.reviewer == event.reviewer and overlap(one.box, event.box) >= SAME_BOX
                for one in found
            ):
                found.append(event)
        return found[::-1]

    def pairs(self, audit: str = "") -> list[tuple[str, str]]:
        """Every garment and look that anything was said of, in an audit or in none."""
        return sorted(self._verdicts.get(audit, ()))

    def of(self, reviewer: str) -> list[Event]:
        """Every verdict that a person gave, oldest first, withdrawn ones too."""
        return list(self._by_reviewer.get(reviewer, ()))

    def reviewers(self) -> list[str]:
        """Everybody who gave one, by name."""
        return sorted(self._by_reviewer)


def audit_of(event: Event) -> str:
    """The audit that an event belongs to; "" if to none."""
    return event.queue if event.queue and event.queue.startswith(AUDIT) else ""


def fold(events: Iterable[Event]) -> State:
    """What `events`, in their order, come to."""
    state = State()
    for event in events:
        state.add(event)
    return state


def overlap(one: Box | None, other: Box | None) -> float:
    """Intersection over union of two boxes, x0, y0, x1, y1; 0 where one is missing."""
    if one is None or other is None:
        return 0.0
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return float(shared / (sum(areas) - shared))


def row_of(event: Event) -> dict[str, Any]:
    """A verdict as a row of the table `reviews` has it, as far as `standing` reads it."""
    return {
        "look": event.look, "reviewer": event.reviewer,
        "decision": VERDICTS[event.verdict or ""], "kind": event.kind,
        "blind": event.kind == "verdict" and not event.score_shown,
    }  # fmt: skip


def said(events: Iterable[Event]) -> Standing:
    """What verdicts on one garment and one place of a look come to."""
    return standing(map(row_of, events))


def bound(event: Event, regions: Mapping[str, Box]) -> str | None:
    """The region of today's detector that an event speaks of.

    Args:
        regions: of the event's look, relative boxes as in `Event.box`.

    Returns:
        The one with the largest overlap, at least `SAME_BOX`; among equals the one that was
        shown. None where there is none: then the pair is asked again.
    """
    if not regions:
        return None
    ranked = max(
        regions, key=lambda name: (overlap(event.box, regions[name]), name == event.region, name)
    )
    return ranked if overlap(event.box, regions[ranked]) >= SAME_BOX else None


def rows(state: State, boxes: Mapping[str, Mapping[str, Box]]) -> list[dict[str, Any]]:
    """What stands, as rows of the table `reviews`, in the order of their keys.

    Args:
        boxes: look -> region -> relative box, of the detector in use.
    """
    found: dict[tuple[str, str, str], Event] = {}
    for garment, look in state.pairs():
        for event in state.verdicts(garment, look):
            if region := bound(event, boxes.get(look, {})):
                key = (garment, region, event.reviewer)
                # Two boxes of one person may come to lie in one region: the newest counts.
                if key not in found or found[key].seq < event.seq:
                    found[key] = event
    return [
        {
            "garment": garment, "region": region, "look": event.look, "reviewer": reviewer,
            "decision": VERDICTS[event.verdict or ""], "note": event.note or None,
            "at": event.at, "event": event.id, "kind": event.kind, "verdict": event.verdict,
            "blind": event.kind == "verdict" and not event.score_shown, "queue": event.queue,
            "inclusion": event.inclusion, "guideline": event.guideline,
        }
        for (garment, region, reviewer), event in sorted(found.items())
    ]  # fmt: skip
