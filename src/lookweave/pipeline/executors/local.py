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

from lookweave.config import Config
from lookweave.pipeline.steps.base import Step
from lookweave.store.workspace import Workspace


def run(
    step_class: type[Step], workspace: Workspace, config: Config, batches: Iterable[pa.Table]
) -> Iterator[pa.Table]:
    """Yield the outcome of each batch, in the batches' order."""
    step = step_class(workspace.path, config)
    workers = config.run.workers
    # Outcomes are given back in order: enough batches wait that no worker is idle while the
    # oldest, which may be a long one, is at work. Those of a step over the whole are large.
    ahead = 3 * workers if step_class.writes == "upsert" else workers
    under_way: deque[Future[pa.Table]] = deque()
    # The workers are the cores. BLAS with threads of its own in each would wait for them, spinning.
    inside = 1 if step_class.writes == "upsert" else None
    with threadpool_limits(inside, user_api="blas"):
        pool = ThreadPoolExecutor(workers, thread_name_prefix=step_class.name)
        try:
            for batch in batches:
                under_way.append(pool.submit(step, batch))
                if len(under_way) > ahead:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
