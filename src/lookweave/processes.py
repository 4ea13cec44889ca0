"""A pool of processes that ends with the work it was made for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager

from loky import ProcessPoolExecutor


@contextmanager
def process_pool(workers: int, environment: Mapping[str, str] | None = None) -> Iterator[Executor]:
    """A pool of that many processes. When the body fails, they are ended in the midst of their
    work; when the system ends one of them, waiting for a result raises `BrokenProcessPool`.

    The processes are new programs and no forks, for a forked OpenGL context does not survive, and
    a forked copy of a process whose threads compute may wait for them for ever.

    Args:
        environment: variables that are set in each process before it imports anything.
    """
    pool = ProcessPoolExecutor(workers, timeout=None, env=dict(environment or {}))
    try:
        yield pool
    except BaseException:
        pool.shutdown(kill_workers=True)  # the work in hand may take an hour
        raise
    pool.shutdown()
