"""Where steps run. Each executor is one function of the same signature, chosen by name.

A package offers one by an entry point of the group ``lookweave.executors``, whose name is what
``--engine`` takes::

    [project.entry-points."lookweave.executors"]
    slurm = "my_package:run"

`register_executor` is for notebooks and scripts, and holds for this process.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import entry_points

import pyarrow as pa

from lookweave.errors import ConfigError
from lookweave.pipeline.step import Step
from lookweave.store.workspace import Workspace

Executor = Callable[[Step, Workspace, Iterable[pa.Table]], Iterator[pa.Table]]
"""Step, a reader of the workspace, batches -> outcomes, one for each batch, in their order."""

GROUP = "lookweave.executors"
OWN = ("local", "ray")

_registered: dict[str, Executor] = {}


def register_executor(name: str, run: Executor, *, replace_it: bool = False) -> None:
    """Make an executor known in this process, as for ``engine="NAME"``.

    Args:
        name: lower-case letters, digits, ``-`` and ``_``.
        run: called as ``run(step, workspace, batches)``. It calls ``step.worker(workspace)`` once
            wherever the work is done and gives it every batch; it yields the outcomes in the
            batches' order.
        replace_it: take the place of one that was registered under this name before.

    Raises:
        ConfigError: the name cannot be used or is taken.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_-]*", name):
        raise ConfigError(
            f"An executor's name is lower-case letters, digits, '-' and '_': not {name!r}."
        )
    if name in OWN or (name in _registered and not replace_it):
        raise ConfigError(f"There is an executor {name!r} already: choose another name.")
    _registered[name] = run


def executor(name: str) -> Executor:
    """The function that runs a step over batches and yields its outcomes in order.

    Raises:
        ConfigError: there is no such executor, or what it needs is not installed.
    """
    if name in OWN:
        own: Executor = importlib.import_module(f"{__name__}.{name}").run
        return own
    if name in _registered:
        return _registered[name]
    offered = {point.name: point for point in entry_points(group=GROUP)}
    if name not in offered:
        known = ", ".join([*OWN, *sorted({*_registered, *offered})])
        raise ConfigError(f"There is no executor {name!r}: --engine is one of {known}.")
    try:
        run: Executor = offered[name].load()
    except Exception as error:  # whatever a stranger's package raises when it is imported
        raise ConfigError(
            f"The executor {name!r} of {offered[name].value} cannot be used: {error}."
        ) from error
    return run
