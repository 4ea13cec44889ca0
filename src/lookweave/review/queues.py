"""What to ask whom next: queues, each a rule over the candidates and what was said so far."""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lookweave.errors import InputError
from lookweave.review.audits import decided
from lookweave.review.candidates import Candidates, spread
from lookweave.review.journal import Journal, Lease
from lookweave.review.state import AUDIT, SAME_BOX, State, overlap
from lookweave.review.state import said as said_of
from lookweave.store.audits import Sample
from lookweave.store.reviews import Standing

LEASE_SECONDS = 600.0
MOST_LENT = 20
_WINDOW = 5000  # nearest to the boundary, among which products and shoots are spread
_MIXED = ("boundary",) * 7 + ("audit",) * 2 + ("known",)
"""Of ten: most near the decision boundary, a fifth audit, a tenth known answers."""

QUEUES: dict[str, str] = {
    "mixed": "Seven of ten near the boundary, two of the audit, one with a known answer.",
    "boundary": "Where the model is least sure, spread over products and shoots.",
    "audit": "The random samples that `lookweave audit` drew: how right each tier is.",
    "second": "Said to be the same by one person: a second one makes it verified.",
    "disputed": "People disagree: a third decides.",
    "known": "Settled by others or by an adjudicator: shows how people agree with what is known.",
    "high": "Pairs of the high tier.",
    "medium": "Pairs of the medium tier.",
    "low": "Pairs of the low tier.",
}
"""Queues and what is in them; ``category-NAME`` is one too."""


@dataclass(frozen=True)
class Asked:
    """A pair to ask about.

    Attributes:
        at: its row in the candidates.
        queue: the rule that chose it, never `mixed`; of an audit its name.
        inclusion: of an audit, the probability with which it was drawn.
    """

    at: int
    queue: str
    inclusion: float | None = None


@dataclass
class Desk:
    """What one reviewer may be asked.

    Args:
        candidates: of the workspace as it is.
        state: all events.
        box: of a candidate's row, the relative box of its region.
        reviewer: who asks.
        audits: samples to judge.
    """

    candidates: Candidates
    state: State
    box: Callable[[int], tuple[float, float, float, float] | None]
    reviewer: str
    audits: Sequence[Sample] = ()
    said: dict[int, Standing] = field(init=False)
    mine: set[int] = field(init=False)
    seen: int = field(init=False)

    def __post_init__(self) -> None:
        self.seen = self.state.seq  # others may add to it from here on
        self.said, self.mine = {}, set()
        for pair in self.state.pairs():
            if (at := self.candidates.place.get(pair)) is None:
                continue
            about = [
                event
                for event in self.state.verdicts(*pair)
                if overlap(event.box, self.box(at)) >= SAME_BOX
            ]
            if about:
                self.said[at] = said_of(about)
            if any(event.reviewer == self.reviewer for event in about):
                self.mine.add(at)

    def ask(self, queue: str) -> Iterator[Asked]:
        """The pairs of a queue that this reviewer has not answered, the most useful first.

        Raises:
            InputError: there is no such queue.
        """
        if queue == "mixed":
            yield from self._mixed()
            return
        if queue == "audit":
            yield from self._audited()
            return
        for at in self._order(queue).tolist():
            if at not in self.mine:
                yield Asked(at, queue)

    def sizes(self) -> dict[str, int]:
        """Queue -> how many pairs wait in it for somebody."""
        fresh = np.ones(len(self.candidates), bool)
        fresh[list(self.said)] = False
        found = {"boundary": int(fresh.sum())}
        for tier in ("high", "medium", "low"):
            found[tier] = int((fresh & (self.candidates.tier == tier)).sum())
        for queue in ("second", "disputed"):
            found[queue] = sum(_belongs(queue, one) for one in self.said.values())
        return found

    def answered(self, audit: str, garment: str, look: str) -> bool:
        """Whether this reviewer has answered a pair in an audit."""
        said = self.state.verdicts(garment, look, audit)
        return any(one.reviewer == self.reviewer for one in said)

    def _audited(self) -> Iterator[Asked]:
        """Of every audit what two people have not judged, or judged otherwise."""
        for sample in self.audits:
            here: list[int] = []
            for pair in sample.pairs:
                at = self.candidates.place.get(pair[:2])
                if at is None or self.candidates.region[at] != pair[2]:
                    continue  # no match any more, or by another region: it counts as wrong
                votes = len(self.state.verdicts(pair[0], pair[1], sample.name))
                wanted = votes < 2 or decided(self.state, sample.name, pair) == "tied"
                if wanted and not self.answered(sample.name, pair[0], pair[1]):
                    here.append(at)
            # Everybody in an order of their own, so that all of it gets two opinions in time.
            for at in sorted(here, key=self._shuffled):
                yield Asked(at, sample.name, sample.inclusion)

    def _order(self, queue: str) -> NDArray[np.int64]:
        c = self.candidates
        if queue in ("second", "disputed", "known"):
            wanted = [at for at, said in self.said.items() if _belongs(queue, said)]
            return np.array(sorted(wanted, key=self._shuffled), np.int64)
        if queue == "boundary":
            places = np.arange(len(c))
        elif queue in ("high", "medium", "low"):
            places = np.flatnonzero(c.tier == queue)
        elif queue.startswith("category-"):
            places = np.flatnonzero(c.category == queue.removeprefix("category-"))
        else:
            raise InputError(f"There is no queue {queue!r}: {', '.join(QUEUES)}, or category-NAME.")
        places = places[~np.isin(places, list(self.said))]
        nearest = np.argsort(np.abs(c.probability[places] - 0.5), kind="stable")[:_WINDOW]
        return spread(c, places[nearest])

    def _mixed(self) -> Iterator[Asked]:
        """The three, dealt in turn; where one is empty the boundary fills its place."""
        given: set[int] = set()
        queues = {name: self.ask(name) for name in ("boundary", "audit", "known", "second")}

        def following(name: str) -> Asked | None:
            for one in queues[name]:
                if one.at not in given:
                    given.add(one.at)
                    return one
            return None

        while True:
            found = False
            for name in _MIXED:
                one = following(name) or following("boundary") or following("second")
                if one is not None:
                    found = True
                    yield one
            if not found:
                return

    def _shuffled(self, at: int) -> bytes:
        pair = f"{self.reviewer}\x1f{self.candidates.garment[at]}\x1f{self.candidates.look[at]}"
        return hashlib.sha256(pair.encode()).digest()


def lend(
    journal: Journal, desk: Desk, queue: str, count: int, *, now: float | None = None
) -> list[Lease]:
    """Pairs for a reviewer to look at: first those that they have already, so that a page that is
    loaded again shows the same, then new ones that nobody else has before them.

    Args:
        count: how many in all, at most `MOST_LENT`.

    Raises:
        InputError: there is no such queue.
    """
    if not 1 <= count <= MOST_LENT:
        raise InputError(f"Between 1 and {MOST_LENT} pairs can be lent at a time, not {count}.")
    moment = time.time() if now is None else now
    current = journal.leases(moment)
    answered = {(desk.candidates.garment[at], desk.candidates.region[at]) for at in desk.mine}
    own = [
        one
        for one in current
        if one.reviewer == desk.reviewer
        and (queue == "mixed" or one.queue == queue or (queue == "audit" and _audits(one)))
        and not (
            desk.answered(one.queue, one.garment, one.look)
            if _audits(one)
            else (one.garment, one.region) in answered
        )
    ]
    taken = {(one.garment, one.region) for one in current}
    lent = own[:count]
    for asked in desk.ask(queue):
        if len(lent) >= count:
            break
        pair = (desk.candidates.garment[asked.at], desk.candidates.region[asked.at])
        if pair in taken:
            continue
        taken.add(pair)
        lent += journal.lease([_lease(desk, asked, moment)], moment, after=desk.seen)
    return lent


def _audits(lease: Lease) -> bool:
    return lease.queue.startswith(AUDIT)


def _lease(desk: Desk, asked: Asked, now: float) -> Lease:
    c, at = desk.candidates, asked.at
    return Lease(
        str(uuid.uuid4()), desk.reviewer, asked.queue, str(c.garment[at]), str(c.look[at]),
        str(c.region[at]), asked.inclusion, now + LEASE_SECONDS,
    )  # fmt: skip


def _belongs(queue: str, said: Standing) -> bool:
    if queue == "known":
        return said.adjudicated is not None or (said.settled and said.reviews >= 2)
    if queue == "disputed":
        return said.disputed
    once = said.same is True and not said.settled and not said.no
    return once or (said.same is None and not said.disputed)  # "unsure" asks another person
