"""Where and how a network runs: backend, device, precision, batch size, memory."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, cast

from lookweave.errors import ConfigError, ModelError

BackendName = Literal["onnxruntime", "torch", "openvino"]
Precision = Literal["float32", "bfloat16", "int8"]

BACKENDS: tuple[BackendName, ...] = ("onnxruntime", "torch", "openvino")
PRECISIONS: dict[BackendName, tuple[Precision, ...]] = {
    "onnxruntime": ("float32", "int8"),
    "torch": ("float32", "bfloat16"),
    "openvino": ("float32", "bfloat16"),
}
LARGEST_BATCH = {"cpu": 16, "cuda": 128}
CPU_BATCH_MB = 64.0
"""Activations of a batch on a processor, where a call of many rows is no quicker than many of one
row and slower once they leave the cache: a build over full-size networks lost a fifth of its speed
to batches of sixteen (benchmarks/hub_build.py)."""
_CPU_SHARE, _GPU_SHARE = 0.25, 0.8  # of the free memory: other workers live on a CPU too
_UNKNOWN_MEMORY_MB = 2048.0


@dataclass(frozen=True)
class Runtime:
    """How to run one network. What is None or "auto" is found out by `choose`.

    None of it changes a result beyond rounding, except ``int8``: vectors of an int8 network
    belong in a table of their own, so a card asks for it in `settings`, which is in its key.

    Attributes:
        backend: ``auto``: torch where it sees a GPU, else onnxruntime.
        device: ``cpu``, ``cuda``, ``cuda:1``, or ``auto``.
        precision: ``auto``: bfloat16 with torch on a GPU, else float32.
        batch_size: photos in one call of the network; None: as many as `memory_mb` holds.
        memory_mb: what activations may take; None: `CPU_BATCH_MB` on a processor, or a quarter
            of its free memory if that is less, and four fifths of a GPU's.
        threads: cores of one call, on a CPU.
        compile: torch.compile the network; worth its minute on long runs on a GPU.
    """

    backend: str = "auto"
    device: str = "auto"
    precision: str = "auto"
    batch_size: int | None = None
    memory_mb: float | None = None
    threads: int = 1
    compile: bool = False

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Runtime:
        """Raises: ConfigError: there is no such setting, or no such choice."""
        known = {field.name for field in fields(cls)}
        if unknown := given.keys() - known:
            raise ConfigError(
                f"There is no runtime setting {sorted(unknown)[0]!r}. Known: {sorted(known)}."
            )
        runtime = cls(**given)
        _one_of("backend", runtime.backend, ("auto", *BACKENDS))
        _one_of("precision", runtime.precision, ("auto", "float32", "bfloat16", "int8"))
        if runtime.batch_size is not None and runtime.batch_size < 1:
            raise ConfigError(f"runtime batch_size must be 1 or more (it is {runtime.batch_size}).")
        return runtime

    def choose(self, *, exportable: bool = True) -> RuntimeChoice:
        """Everything decided.

        Args:
            exportable: whether the network can be run outside torch.

        Raises:
            ConfigError: choices that do not go together.
            ModelError: what was asked for is not installed.
        """
        backend = self.backend
        if backend == "auto":
            backend = "torch" if not exportable or self._torch_sees_gpu() else "onnxruntime"
        if backend != "torch" and not exportable:
            raise ConfigError(f"This network runs on torch only, not on {backend}.")
        if importlib.util.find_spec(backend) is None:
            raise ModelError(
                f"The Python package {backend} is not installed: pip install 'lookweave[hub]'."
            )
        device = self.device
        if device == "auto":
            device = "cuda" if _sees_gpu(backend) else "cpu"
        if device != "cpu" and backend == "openvino":
            raise ConfigError(f"openvino runs networks on the processor only, not on {device}.")
        precision = self.precision
        if precision == "auto":
            gpu = backend == "torch" and device.startswith("cuda")
            precision = "bfloat16" if gpu else "float32"
        allowed = PRECISIONS[cast(BackendName, backend)]
        if precision not in allowed:
            raise ConfigError(
                f"{backend} runs networks in {' or '.join(allowed)}, not {precision}."
            )
        return RuntimeChoice(
            cast(BackendName, backend), device, precision,
            self.threads, self.compile,
        )  # fmt: skip

    def _torch_sees_gpu(self) -> bool:
        return self.device != "cpu" and _sees_gpu("torch")


@dataclass(frozen=True)
class RuntimeChoice:
    """A `Runtime` with every choice made."""

    backend: BackendName
    device: str
    precision: Precision
    threads: int = 1
    compile: bool = False


def fitting_batch_size(runtime: Runtime, choice: RuntimeChoice, one_mb: float) -> int:
    """How many photos fit into one call: a power of two, so that few shapes are seen.

    Args:
        one_mb: activations of one photo in float32.
    """
    if runtime.batch_size is not None:
        return runtime.batch_size
    budget = runtime.memory_mb
    if budget is None:
        budget = free_memory_mb(choice.device)
        if not choice.device.startswith("cuda"):
            budget = min(budget, CPU_BATCH_MB)
    each = one_mb * (0.5 if choice.precision == "bfloat16" else 1.0)
    limit = LARGEST_BATCH["cuda" if choice.device.startswith("cuda") else "cpu"]
    fits = max(1, min(limit, int(budget / max(each, 1e-3))))
    return 1 << (fits.bit_length() - 1)


def free_memory_mb(device: str) -> float:
    """What activations may take on this device, in MB."""
    if device.startswith("cuda"):
        try:
            import torch

            free, _ = torch.cuda.mem_get_info(device if ":" in device else None)
            return float(free) * _GPU_SHARE / 1e6
        except (ImportError, RuntimeError, AssertionError):
            return _UNKNOWN_MEMORY_MB
    try:
        free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # not every system says
        return _UNKNOWN_MEMORY_MB
    return free * _CPU_SHARE / 1e6


def _sees_gpu(backend: str) -> bool:
    if backend == "onnxruntime":
        import onnxruntime

        return "CUDAExecutionProvider" in onnxruntime.get_available_providers()
    if backend == "torch" and importlib.util.find_spec("torch") is not None:
        import torch

        return bool(torch.cuda.is_available())
    return False


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ConfigError(f"runtime {name} must be one of {', '.join(allowed)} (it is {value!r}).")
