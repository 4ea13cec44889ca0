"""A pool of processes that never outlives, and never outwaits, who uses it."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager


@contextmanager
def spawned(at_once: int, start: Callable[[], None] | None = None) -> Iterator[ProcessPoolExecutor]:
    """A pool of `at_once` processes that each call `start` first; all end when the body fails.

    Spawned, for a forked OpenGL context does not survive, and a forked copy of a process whose
    threads compute may wait for them for ever.
    """
    before = set(multiprocessing.active_children())
    with ProcessPoolExecutor(at_once, multiprocessing.get_context("spawn"), start) as pool:
        # As it does with forks: start all before the thread that watches them. Of those started
        # beside it one by one the last goes unwatched, and one just being started is missed when
        # a killed one is cleared up after: either would be waited for for ever.
        pool._safe_to_dynamically_spawn_children = False  # type: ignore[attr-defined]
        try:
            yield pool
        except BaseException:
            # Python's own clearing up waits for work in hand, which may take an hour.
            for child in set(multiprocessing.active_children()) - before:
                child.terminate()
            raise
