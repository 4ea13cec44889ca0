"""Where steps run. Each executor is one function of the same signature, chosen by name."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator

import pyarrow as pa

from lookweave.pipeline.step import Step
from lookweave.store.workspace import Workspace

Executor = Callable[[Step, Workspace, Iterable[pa.Table]], Iterator[pa.Table]]
"""Step, a reader of the workspace, batches -> outcomes."""


def executor(name: str) -> Executor:
    """The function that runs a step over batches and yields its outcomes in order."""
    run: Executor = importlib.import_module(f"lookweave.pipeline.executors.{name}").run
    return run
