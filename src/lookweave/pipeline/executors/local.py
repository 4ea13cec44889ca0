"""Run a step on this machine, in threads.

Decoding and inference release Python's lock, so while one batch is decoded another is in the
model; a few batches are under way at a time, so memory does not grow with the work.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pyarrow as pa
from threadpoolctl import threadpool_limits

from lookweave.pipeline.step import Step
from lookweave.store.workspace import Workspace


def run(step: Step, workspace: Workspace, batches: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Yield the outcome of each batch, in the batches' order."""
    worker = step.worker(workspace, step.setup)
    workers = step.at_once(step.setup.config.run.workers)
    # Outcomes are given back in order: enough batches wait that no worker is idle while the
    # oldest, which may be a long one, is at work. Those of a step over the whole are large.
    ahead = workers if step.over_everything else 3 * workers
    under_way: deque[Future[pa.Table]] = deque()
    # The workers are the cores. BLAS with threads of its own in each would wait for them, spinning.
    inside = None if step.over_everything else 1
    with threadpool_limits(inside, user_api="blas"):
        pool = ThreadPoolExecutor(workers, thread_name_prefix=step.name)
        try:
            for batch in batches:
                under_way.append(pool.submit(worker, batch))
                if len(under_way) > ahead:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
