"""One way to open an ONNX file."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import onnxruntime as ort

from lookweave.errors import ModelError

logger = logging.getLogger(__name__)

_CUDA, _CPU = "CUDAExecutionProvider", "CPUExecutionProvider"


def open_session(
    weights: Path,
    *,
    threads: int = 1,
    arena: bool = False,
    device: str = "auto",
) -> ort.InferenceSession:
    """An onnxruntime session.

    Steps call a session from several threads, one batch each, so one thread inside the session
    keeps the cores busy without contention.

    Args:
        arena: keep the memory of one call for the next. Where activations take tens of megabytes
            asking the system for them anew is a tenth of a call's time; where they take less it
            gains nothing, and an arena keeps the peak of every shape that it ever saw.
        device: ``cpu``, ``cuda``, ``cuda:1``; ``auto``: a GPU where this onnxruntime sees one.

    Raises:
        ModelError: the file is missing, no model that this onnxruntime reads, or the device is not
            to be had.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.enable_cpu_mem_arena = arena
    try:
        session = ort.InferenceSession(str(weights), options, providers=_providers(device))
    except Exception as error:  # onnxruntime raises classes of its own with no common base
        raise ModelError(f"{weights} cannot be opened as an ONNX model: {error}.") from error
    used = session.get_providers()[0]
    if device.startswith("cuda") and used != _CUDA:
        raise ModelError(
            f"{weights} is to run on {device}, but this onnxruntime finds no such GPU: install "
            "onnxruntime-gpu with its CUDA libraries, or set hub.device to cpu."
        )
    if device == "auto" and used == _CPU and _CUDA in ort.get_available_providers():
        logger.warning("%s runs on the processor: onnxruntime could not use the GPU.", weights)
    logger.debug("%s runs in onnxruntime by %s.", weights, used)
    return session


def _providers(device: str) -> list[Any]:
    """What onnxruntime may run a graph by, the best first."""
    if device == "cpu" or _CUDA not in ort.get_available_providers():
        return [_CPU]
    number = int(device.partition(":")[2] or 0)
    return [(_CUDA, {"device_id": number}), _CPU]
