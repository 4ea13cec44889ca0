"""Run a step on a Ray cluster, in actors.

The cluster is the one that RAY_ADDRESS names or that runs on this machine, or else a new one of
this machine's cores. Its nodes need the same Python environment and see workspace and photos under
the same paths. Only this process writes tables.

Actors and not `map_batches`, for a dataset of Ray takes all its input before the first batch is
worked on. Here a few batches are under way for each worker, and outcomes come in their order.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import warnings
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
from threadpoolctl import threadpool_limits

from lookweave.errors import ConfigError, WorkError
from lookweave.memory import keep_what_is_freed, return_what_is_freed
from lookweave.models.card import Card
from lookweave.models.registry import registered_models, restore_models
from lookweave.pipeline.step import Step, Worker
from lookweave.store.workspace import Workspace

try:
    import ray
    from ray.exceptions import RayError, RayTaskError
except ImportError as error:
    raise ConfigError(f"The engine ray needs pip install 'lookweave[ray]' ({error}).") from error

RESTARTS = 3
"""How often an actor that was killed is started again, and its batches are given to it again."""


def run(step: Step, workspace: Workspace, batches: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Yield the outcome of each batch, in the batches' order.

    Raises:
        WorkError: there is no cluster at RAY_ADDRESS, or an actor was killed too often.
        Exception: what the step raised.
    """
    _connect()
    settings = step.setup.config.run
    given = settings.workers if "workers" in settings.model_fields_set else None
    share = share_of_cluster(over_everything=step.over_everything, workers=given)
    actors = [
        ray.remote(_Actor)
        .options(
            num_cpus=1, num_gpus=share.gpus, max_concurrency=share.threads,
            max_restarts=RESTARTS, max_task_retries=RESTARTS, scheduling_strategy="SPREAD",
        )
        .remote(step, workspace, Path.cwd(), share.threads, registered_models())
        for _ in range(share.actors)
    ]  # fmt: skip
    try:
        yield from _ordered(actors, batches, share.threads * (1 if step.over_everything else 2))
    except RayTaskError as error:  # what was raised there, and not Ray's telling of it
        raise error.cause from error
    except RayError as error:
        raise WorkError(
            f"Ray lost a worker of {step.name} and gave up: for want of memory (fewer "
            "--workers take less), or its machine has another Python environment. What was "
            f"committed is safe. Ray says: {error}"
        ) from error
    finally:
        for actor in actors:
            ray.kill(actor)


class Share(NamedTuple):
    """The actors of a step.

    Attributes:
        actors: how many.
        threads: batches that each works on at a time.
        gpus: that each takes of its node, beside one core.
    """

    actors: int
    threads: int
    gpus: int


def share_of_cluster(*, over_everything: bool, workers: int | None) -> Share:
    """The actors that fit the cluster at hand.

    Args:
        over_everything: for a step that looks at everything in large arrays: its actors' threads
            share them, so there is one to a node. Otherwise there is one to a GPU, which Ray hides
            from actors that do not ask for one, or where there are none one to a core.
        workers: batches at work at a time; None for as many as there are cores.
    """
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    cores = [max(1, int(node["CPU"])) for node in nodes if node.get("CPU")] or [1]
    workers = workers or sum(cores)
    if over_everything:
        actors = min(len(cores), workers)
        return Share(actors, min([*cores, workers // actors]), 0)
    if gpus := int(sum(node.get("GPU", 0) for node in nodes)):
        actors = min(gpus, workers)
        return Share(actors, workers // actors, 1)
    return Share(workers, 1, 0)


class _Actor:
    """A step's worker in a process of Ray's, made when it is first asked for: an actor that was
    killed is started again by nothing but its constructor."""

    def __init__(
        self, step: Step, workspace: Workspace, folder: Path, threads: int, models: list[Card]
    ) -> None:
        restore_models(models)  # those of installed packages are found here by themselves
        if folder.is_dir():  # settings may name models by paths from there
            os.chdir(folder)
        self._step, self._workspace = step, workspace
        self._worker: Worker | None = None
        self._lock = threading.Lock()
        # As in this machine's own threads: where the workers are the cores, BLAS has none besides.
        self._blas = threads if step.over_everything else 1

    def load(self) -> None:
        """Make the worker. Here and not in the constructor, so that what it raises arrives."""
        with self._lock:
            if self._worker is None:
                return_what_is_freed() if self._step.over_everything else keep_what_is_freed()
                self._worker = self._step.worker(self._workspace, self._step.setup)
                threadpool_limits(self._blas, user_api="blas")

    def work(self, batch: pa.Table) -> pa.Table:
        """The outcome of a batch."""
        self.load()
        assert self._worker is not None
        return self._worker(batch)


def _ordered(actors: list[Any], batches: Iterable[pa.Table], depth: int) -> Iterator[pa.Table]:
    """Outcomes in the batches' order, at most `depth` batches given to an actor at a time."""
    # An actor gets batches once its step is loaded: one that finds no room on the cluster, now or
    # ever, keeps none waiting.
    doing = {actor.load.remote(): [actor] * depth for actor in actors}  # the places it will free
    loading = set(doing)
    free: deque[Any] = deque()
    under_way: deque[Any] = deque()
    ahead = 2 * depth * len(actors)  # more than are at work, for the oldest may be a long one

    def wait() -> None:
        ended, _ = ray.wait(list(doing), num_returns=1, fetch_local=False)
        for one in ended:
            if one in loading:
                ray.get(one)  # raises what it raised
            free.extend(doing.pop(one))

    for batch in batches:
        while not free or len(under_way) > ahead:
            if under_way and under_way[0] not in doing:
                yield ray.get(under_way.popleft())
            else:
                wait()
        actor = free.popleft()
        work = actor.work.remote(batch)
        doing[work] = [actor]
        under_way.append(work)
    while under_way:
        yield ray.get(under_way.popleft())


def _connect() -> None:
    if ray.is_initialized():
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray reports to its makers otherwise
    try:
        _knock(os.environ.get("RAY_ADDRESS", ""))
        with warnings.catch_warnings():
            # Lance warns of every fork; this one becomes a server of Ray's at once.
            warnings.filterwarnings("ignore", "lance is not fork-safe")
            ray.init(include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, RuntimeError, ValueError) as error:
        where = os.environ.get("RAY_ADDRESS", "this machine")
        raise WorkError(f"There is no Ray cluster to work on at {where}: {error}") from error


def _knock(address: str) -> None:
    """Raise OSError where nobody answers at HOST:PORT; Ray would try again for many minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host, int(port)), timeout=10).close()
