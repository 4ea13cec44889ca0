from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.review.events import BOX, GARMENT, LOOK, verdict, withdrawal

from lookweave.errors import InputError, WorkspaceError
from lookweave.review.journal import FILE, Journal, Lease


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path)


def test_an_event_comes_back_as_it_was_given(journal: Journal) -> None:
    event = verdict("same_style", note="the collar differs", seen={"look": "ff"}, visible_ms=900,
                    inclusion=0.25, queue="audit", score_shown=True, guideline=3)  # fmt: skip
    (stored,) = journal.append([event])
    assert stored.seq == 1 and stored.at is not None
    assert journal.events() == [stored]
    assert replace(stored, seq=0, at=None) == event


def test_what_is_sent_twice_is_one_event(journal: Journal) -> None:
    event = verdict()
    first = journal.append([event])
    assert journal.append([event]) == first
    assert journal.append([event, event, verdict()])[0] == first[0]
    assert len(journal.events()) == 2
    with pytest.raises(InputError, match="known with another content"):
        journal.append([replace(event, verdict="no")])


def test_a_batch_is_added_whole_or_not_at_all(journal: Journal) -> None:
    with pytest.raises(InputError, match="no event"):
        journal.append([verdict(), withdrawal(verdict())])
    assert journal.events() == []
    with pytest.raises(InputError, match="At most 100"):
        journal.append([verdict() for _ in range(101)])


def test_nobody_takes_back_what_another_said(journal: Journal) -> None:
    (event,) = journal.append([verdict()])
    with pytest.raises(InputError, match="another reviewer"):
        journal.append([withdrawal(event, reviewer="ben")])


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": "1"}, {"reviewer": " "}, {"kind": "state"}, {"verdict": "yes"}, {"verdict": None},
        {"box": None}, {"box": (0.5, 0.1, 0.4, 0.9)}, {"box": (0, 0, float("nan"), 1)},
        {"garment": "../../etc/passwd"}, {"look": ""}, {"note": "x" * 5000}, {"inclusion": 0.0},
        {"inclusion": 1.5}, {"visible_ms": -1}, {"supersedes": None, "kind": "withdrawal"},
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(journal: Journal, wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        journal.append([replace(verdict(), **wrong)])
    assert journal.events() == []


def test_events_can_be_neither_changed_nor_deleted(journal: Journal) -> None:
    journal.append([verdict()])
    with sqlite3.connect(journal.path) as other:
        for statement in ("UPDATE events SET reviewer = 'x'", "DELETE FROM events"):
            with pytest.raises(sqlite3.IntegrityError, match="an event never"):
                other.execute(statement)
    other.close()


def test_each_commit_is_on_the_disk_before_it_is_told(journal: Journal) -> None:
    connection = journal.connection()
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    assert journal.path.stat().st_mode & 0o077 == 0


def test_many_threads_lose_nothing_and_double_nothing(journal: Journal) -> None:
    events = [verdict(reviewer=f"r{at % 4}") for at in range(60)]

    def write(own: int) -> None:
        for event in events[own::3] + events[(own + 1) % 3 :: 3]:  # each is sent twice
            journal.append([event])

    threads = [threading.Thread(target=write, args=(own,)) for own in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stored = journal.events()
    assert sorted(one.id for one in stored) == sorted(one.id for one in events)
    assert [one.seq for one in stored] == list(range(1, 61))


WRITER = """
import sys, uuid
from pathlib import Path
from lookweave.review.journal import Event, Journal
journal = Journal(Path(sys.argv[1]))
while True:
    name = str(uuid.uuid4())
    journal.append([Event(id=name, reviewer="ann", kind="verdict", garment="g", look="l",
                          box=(0.1, 0.1, 0.5, 0.5), verdict="same")])
    print(name, flush=True)
"""


def test_a_killed_process_loses_nothing_it_had_told(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    told: list[str] = []
    for _ in range(2):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True,
            env=environment,
        )  # fmt: skip
        assert process.stdout is not None
        told += [process.stdout.readline().strip() for _ in range(15)]
        os.kill(process.pid, signal.SIGKILL)
        told += process.stdout.read().split()
        process.wait()
    names = [event.id for event in Journal(tmp_path).events()]
    whole = [name for name in told if len(name) == 36]
    assert set(whole) <= set(names)
    assert len(set(names)) == len(names) and len(names) <= len(whole) + 2


def test_reading_makes_no_file(tmp_path: Path) -> None:
    assert Journal(tmp_path, reading=True).events() == []
    assert not (tmp_path / FILE).exists()


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"no database at all, but long enough" * 100)
    with pytest.raises(WorkspaceError, match=r"reviews\.sqlite cannot be used"):
        Journal(tmp_path)


def lease(reviewer: str, garment: str = "g", expires: float = 600.0) -> Lease:
    return Lease(str(uuid.uuid4()), reviewer, "boundary", garment, "l", "l:d:00", None, expires)


def test_a_lease_keeps_others_away_until_it_expires(journal: Journal) -> None:
    own = lease("ann")
    assert journal.lease([own], now=0.0) == [own]
    assert journal.lease([lease("ben")], now=599.0) == []
    assert journal.leases(599.0) == [own] and journal.leases(600.0) == []
    other = lease("ben", expires=1200.0)
    assert journal.lease([other], now=600.0) == [other]
    journal.release("ben")
    assert journal.leases(700.0) == []


def test_a_verdict_gives_its_lease_back_and_one_of_somebody_else_stays(journal: Journal) -> None:
    own, other = lease("ann"), lease("ben", "h")
    journal.lease([own, other], now=0.0)
    journal.append([verdict(lease=own.id, box=BOX), verdict(lease=other.id)])
    assert journal.leases(1.0) == [other]


def test_what_somebody_said_of_since_is_not_lent(journal: Journal) -> None:
    def wanted(region: str) -> Lease:
        return Lease(str(uuid.uuid4()), "ben", "boundary", GARMENT, LOOK, region, None, 1000.0)

    (said,) = journal.append([verdict()])
    assert journal.lease([wanted("r1")], 0.0, after=0) == []
    assert len(journal.lease([wanted("r1")], 0.0, after=said.seq)) == 1
