"""One small protocol over onnxruntime, torch and OpenVINO: named arrays in, named arrays out."""

from __future__ import annotations

import gc
import logging
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lookweave.errors import ModelError
from lookweave.models.hub.runtime import RuntimeChoice
from lookweave.models.session import open_session

logger = logging.getLogger(__name__)

Arrays = dict[str, NDArray[Any]]

_OUT_OF_MEMORY = (
    "out of memory", "failed to allocate", "can't allocate memory", "cannot allocate memory",
    "bad_alloc", "bad allocation", "cublas_status_alloc_failed", "not enough memory",
)  # fmt: skip


class OutOfMemoryError(Exception):
    """The call was too large for the memory at hand. `Batcher` makes it smaller."""


class Backend(Protocol):
    """A loaded network. Called from several threads at a time."""

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> Arrays:
        """Outputs by name, float32.

        Raises:
            OutOfMemoryError: a smaller batch may do.
            ModelError: the network failed for another reason.
        """
        ...


class OnnxBackend:
    """An ONNX file in onnxruntime."""

    def __init__(self, path: Path, choice: RuntimeChoice) -> None:
        self._session = open_session(path, threads=choice.threads, arena=True, device=choice.device)
        self.outputs = [output.name for output in self._session.get_outputs()]
        self.inputs = [entry.name for entry in self._session.get_inputs()]
        self._path = path

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> Arrays:
        """As `Backend.run`."""
        # A tracer drops inputs that the network does not use; onnxruntime refuses them.
        wanted = {name: inputs[name] for name in self.inputs if name in inputs}
        try:
            values = self._session.run(self.outputs, wanted)
        except Exception as error:  # onnxruntime's classes have no common base
            raise _explain(error, str(self._path)) from error
        return dict(zip(self.outputs, values, strict=True))


class OpenVinoBackend:
    """The same ONNX file in OpenVINO, for Intel processors."""

    def __init__(self, path: Path, choice: RuntimeChoice) -> None:
        import openvino

        core = openvino.Core()
        hint = {"float32": "f32", "bfloat16": "bf16"}[choice.precision]
        self._model = core.compile_model(
            str(path), "CPU",
            {"INFERENCE_PRECISION_HINT": hint, "INFERENCE_NUM_THREADS": choice.threads},
        )  # fmt: skip
        self.outputs = [output.get_any_name() for output in self._model.outputs]
        self._inputs = {entry.get_any_name() for entry in self._model.inputs}
        self._path = path
        self._requests = threading.local()

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> Arrays:
        """As `Backend.run`."""
        if not hasattr(self._requests, "one"):
            self._requests.one = self._model.create_infer_request()
        wanted = {name: value for name, value in inputs.items() if name in self._inputs}
        try:
            given = self._requests.one.infer(wanted)
        except RuntimeError as error:
            raise _explain(error, str(self._path)) from error
        return {name: np.array(given[name], np.float32) for name in self.outputs}


class TorchBackend:
    """A torch module that returns a tuple, in float32 or bfloat16."""

    def __init__(
        self, module: Any, inputs: tuple[str, ...], outputs: tuple[str, ...], choice: RuntimeChoice
    ) -> None:
        import torch

        self._torch = torch
        self._type = {"float32": torch.float32, "bfloat16": torch.bfloat16}[choice.precision]
        self._device = torch.device(choice.device)
        try:
            module = module.to(device=self._device, dtype=self._type).eval()
        except Exception as error:
            raise ModelError(f"The network does not fit on {choice.device}: {error}.") from error
        self._module = torch.compile(module, dynamic=True) if choice.compile else module
        self.inputs, self.outputs = inputs, outputs

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> Arrays:
        """As `Backend.run`."""
        torch = self._torch
        try:
            with torch.inference_mode():
                values = self._module(*(self._tensor(inputs[name]) for name in self.inputs))
                given = [value.float().cpu().numpy() for value in values]
        except Exception as error:
            raise _explain(error, "torch") from error
        return dict(zip(self.outputs, given, strict=False))  # not every network gives patches

    def _tensor(self, value: NDArray[Any]) -> Any:
        tensor = self._torch.from_numpy(np.ascontiguousarray(value))
        kind = self._type if tensor.is_floating_point() else tensor.dtype
        return tensor.to(device=self._device, dtype=kind, non_blocking=True)


class Batcher:
    """Calls a backend in batches; one that is out of memory is halved, now and from then on."""

    def __init__(self, backend: Backend, batch_size: int) -> None:
        self._backend = backend
        self._lock = threading.Lock()
        self.batch_size = batch_size

    def __call__(
        self, inputs: Mapping[str, NDArray[Any]], shared: Mapping[str, NDArray[Any]] | None = None
    ) -> Arrays:
        """Outputs for all rows of `inputs`.

        Args:
            inputs: arrays of one length, cut into batches.
            shared: arrays that go along whole with each batch.

        Raises:
            ModelError: one row alone is too much for the memory.
        """
        count = len(next(iter(inputs.values())))
        parts: list[Arrays] = []
        start = 0
        while start < count:
            size = self.batch_size
            rows = {name: value[start : start + size] for name, value in inputs.items()}
            try:
                parts.append(self._backend.run({**rows, **(shared or {})}))
            except OutOfMemoryError as error:
                self._halve(min(size, count - start), error)
                continue
            start += size
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _halve(self, failed: int, error: OutOfMemoryError) -> None:
        _release_memory()
        if failed <= 1:
            raise ModelError(
                f"Not enough memory for a single photo ({error}). Use a smaller model, another "
                "device, or stop what else runs there."
            ) from error
        with self._lock:
            # Another thread may have halved it meanwhile.
            self.batch_size = min(self.batch_size, max(1, failed // 2))
        logger.warning("Out of memory (%s): batches of %d from now on.", error, self.batch_size)


def _explain(error: Exception, where: str) -> Exception:
    text = str(error)
    if isinstance(error, MemoryError) or any(sign in text.lower() for sign in _OUT_OF_MEMORY):
        return OutOfMemoryError(text.splitlines()[0] if text else "out of memory")
    return ModelError(f"The network failed in {where}: {text}")


def _release_memory() -> None:
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
