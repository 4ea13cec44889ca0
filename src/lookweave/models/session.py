"""One way to open an ONNX file."""

from __future__ import annotations

from pathlib import Path

import onnxruntime as ort

from lookweave.errors import ModelError

_DEVICES = ["CUDAExecutionProvider", "CPUExecutionProvider"]


def open_session(
    weights: Path,
    *,
    threads: int = 1,
    arena: bool = False,
    on_processor: bool = False,
) -> ort.InferenceSession:
    """An onnxruntime session on the best device at hand (CUDA when its build is installed).

    Steps call a session from several threads, one batch each, so one thread inside the session
    keeps the cores busy without contention.

    Args:
        arena: keep the memory of one call for the next. Where activations take tens of megabytes
            asking the system for them anew is a tenth of a call's time; where they take less it
            gains nothing, and an arena keeps the peak of every shape that it ever saw.
        on_processor: even where there is a better device.

    Raises:
        ModelError: the file is missing or no model that this onnxruntime reads.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.enable_cpu_mem_arena = arena
    wanted = ["CPUExecutionProvider"] if on_processor else _DEVICES
    providers = [name for name in wanted if name in ort.get_available_providers()]
    try:
        return ort.InferenceSession(str(weights), options, providers=providers)
    except Exception as error:  # onnxruntime raises classes of its own with no common base
        raise ModelError(f"{weights} cannot be opened as an ONNX model: {error}.") from error
