"""What the pages and the API read: the newest moment of the workspace, and the journal."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from lookweave.building import open_workspace
from lookweave.config import Config
from lookweave.pipeline.setup import Setup
from lookweave.pipeline.steps.choosing import TIERS
from lookweave.review.candidates import Candidates
from lookweave.review.decisions import Decided, Decision, Decisions
from lookweave.review.folding import relative_boxes
from lookweave.review.guideline import Guidelines
from lookweave.review.journal import Journal
from lookweave.review.queues import Desk
from lookweave.review.state import Box, State, said
from lookweave.store.audits import CANDIDATES, Sample, newest
from lookweave.store.conditions import column
from lookweave.store.takedowns import down, hidden
from lookweave.store.workspace import Workspace
from lookweave.web.index import Index
from lookweave.web.library import Library

_WATCHED = ("versions.json", "build.json", "lookweave.toml", "calibration.json", "audits")
_MOST_REMEMBERED = 200


@dataclass
class Moment:
    """The workspace as it was at one moment, and what is worked out of it once.

    Attributes:
        signature: of the files that tell whether it is still the newest.
    """

    workspace: Workspace
    config: Config
    signature: tuple[Any, ...]
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _boxes: dict[str, dict[str, Box]] = field(default_factory=dict)
    _remembered: OrderedDict[Any, Any] = field(default_factory=OrderedDict)

    @cached_property
    def setup(self) -> Setup:
        """The models and steps of the workspace."""
        return Setup.of(self.config)

    @cached_property
    def hidden(self) -> frozenset[str]:
        """Ids of all photos that may not be shown: taken down, or listed by nobody."""
        kept = (*hidden(self.workspace, "garment"), *hidden(self.workspace, "look"))
        return frozenset({*kept, *down(self.workspace)})

    @cached_property
    def candidates(self) -> Candidates:
        """Pairs to ask about."""
        with self._lock:
            return Candidates.read(self.workspace, self.setup)

    @cached_property
    def audits(self) -> list[Sample]:
        """The last sample of each tier."""
        tiers = (*TIERS, CANDIDATES)
        return [one for tier in tiers if (one := newest(self.workspace, tier))]

    @cached_property
    def other_reviews(self) -> dict[tuple[str, str], list[dict[str, Any]]]:
        """(garment, region) -> reviews that did not come from the journal."""
        found: dict[tuple[str, str], list[dict[str, Any]]] = {}
        columns = ["garment", "region", "look", "reviewer", "decision", "kind", "blind"]
        for batch in self.workspace.table("reviews").scan(columns, column("event").is_null()):
            for row in batch.to_pylist():
                found.setdefault((row["garment"], row["region"]), []).append(row)
        return found

    @cached_property
    def encoder(self) -> Any:
        """Kept, so that each search finds its weights in memory."""
        with self._lock:
            return self.setup.models.encoder.load(self.config.models_dir)

    @cached_property
    def detector(self) -> Any:
        """Likewise."""
        with self._lock:
            return self.setup.models.detector.load(self.config.models_dir)

    @cached_property
    def library(self) -> Library:
        """Every photo that may be shown, as the last build left them."""
        with self._lock:
            return Library.read(self.workspace, self.setup, self.hidden)

    @cached_property
    def index(self) -> Index:
        """The regions of all these photos."""
        with self._lock:
            return Index.read(self.workspace, self.setup, self.library)

    def remembered(self, key: Any, made: Callable[[], Any]) -> Any:
        """What was made under this key a short while ago, or made now; the latest are kept."""
        with self._lock:
            if key in self._remembered:
                self._remembered.move_to_end(key)
                return self._remembered[key]
        found = made()
        with self._lock:
            self._remembered[key] = found
            while len(self._remembered) > _MOST_REMEMBERED:
                self._remembered.popitem(last=False)
        return found

    def boxes(self, looks: Iterable[str]) -> dict[str, dict[str, Box]]:
        """Look -> region -> relative box, of the detector in use."""
        with self._lock:
            missing = sorted(set(looks) - self._boxes.keys())
            if missing:
                found = relative_boxes(self.workspace, self.setup.models.detector.key, missing)
                self._boxes |= {look: found.get(look, {}) for look in missing}
            return self._boxes

    def photo(self, kind: str, name: str) -> dict[str, Any] | None:
        """The row of a garment or look; None where it is not there or may not be shown."""
        if name in self.hidden:
            return None
        rows: pa.Table = self.workspace.table(f"{kind}s").rows_by("id", [name])
        found: list[dict[str, Any]] = rows.to_pylist()
        return found[0] if found else None

    def photos(self, kind: str, names: Iterable[str]) -> dict[str, dict[str, Any]]:
        """The rows of those that may be shown, by id."""
        wanted = sorted(set(names) - self.hidden)
        rows = self.workspace.table(f"{kind}s").rows_by("id", wanted)
        return {row["id"]: row for row in rows.to_pylist()}


class Site:
    """One workspace as it is served. Safe to use from several threads.

    Args:
        path: of the workspace; its journal is made where there is none.

    Raises:
        InputError: there is no workspace.
    """

    def __init__(self, path: Path) -> None:
        self.path = Workspace.open(path).path
        self.journal = Journal(self.path)
        self.guidelines = Guidelines(self.journal)
        self._lock = threading.Lock()
        self._moment: Moment | None = None
        self._state = State()
        self._state_lock = threading.Lock()
        self._decisions = Decisions(self.path)
        self._decided = Decided()
        self._shown: tuple[tuple[Any, ...], Library] | None = None

    def now(self) -> Moment:
        """The newest moment; a look at a few files while nothing has changed."""
        signature = tuple(_seen(self.path / name) for name in _WATCHED)
        with self._lock:
            if self._moment is None or self._moment.signature != signature:
                workspace, config = open_workspace(self.path)
                self._moment = Moment(workspace, config, signature)
            return self._moment

    def state(self) -> State:
        """All events until now. Hold no `State` over a request: the next call adds to it."""
        with self._state_lock:
            for event in self.journal.events(self._state.seq):
                self._state.add(event)
            return self._state

    def decide(self, decisions: list[Decision]) -> None:
        """Add decisions; they are on the disk when this returns.

        Raises:
            InputError: one of them cannot be.
        """
        self._decisions.append(decisions)

    def decided(self) -> Decided:
        """What all decisions until now come to. Hold it over no request, as `state`."""
        with self._state_lock:
            for one in self._decisions.after(self._decided.seq):
                self._decided.add(one)
            return self._decided

    def library(self) -> Library:
        """Every photo that may be shown, with what people said since the last build."""
        moment, state, decided = self.now(), self.state(), self.decided()
        at = (moment.signature, state.seq, decided.seq)
        with self._lock:
            if self._shown is not None and self._shown[0] == at:
                return self._shown[1]
        reviewed, linked = set(), set()
        for garment, look in state.pairs():
            verdicts = state.verdicts(garment, look)
            keys = {("garment", garment), ("look", look)} if verdicts else set()
            reviewed |= keys
            # Rows of the reviews hold a detector's region; an event also a part that was drawn.
            if said(verdicts).same:
                linked |= keys
        copies = {(kind, one) for one in decided.copies() for kind in ("garment", "look")}
        library = moment.library.with_said(linked, reviewed, copies)
        with self._lock:
            self._shown = (at, library)
        return library

    def desk(self, reviewer: str) -> Desk:
        """What one reviewer may be asked now."""
        moment, state = self.now(), self.state()
        candidates = moment.candidates
        boxes = moment.boxes(look for _, look in state.pairs())

        def box(at: int) -> tuple[float, float, float, float] | None:
            found = boxes.get(candidates.look[at], {}).get(candidates.region[at])
            return tuple(found) if found else None  # type: ignore[return-value]

        return Desk(candidates, state, box, reviewer, moment.audits)


def _seen(path: Path) -> tuple[int, int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_ino, stat.st_mtime_ns, stat.st_size
