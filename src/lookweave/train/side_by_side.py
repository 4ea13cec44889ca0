"""Whole runs in processes of their own, while this one does another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any

from lookweave.errors import WorkError
from lookweave.processes import process_pool


@contextmanager
def side_by_side(
    run: Callable[..., None], each: Sequence[tuple[Any, ...]], at_once: int
) -> Iterator[None]:
    """Call `run` with every tuple of `each`, `at_once` of them beside the body of ``with``.

    The body waits at its end until all are done. Where the body or one of them fails, the others
    are ended.

    Raises:
        WorkError: the system killed one of them.
        Exception: what `run` raised.
    """
    try:
        with process_pool(at_once) as pool:
            waiting = [pool.submit(run, *given) for given in each]
            yield
            for one in waiting:
                one.result()
    except BrokenProcessPool as error:
        raise WorkError(
            "The system ended a run beside this one, perhaps for want of memory. The same command"
            " with --at-once 1 goes on from where each run was."
        ) from error
