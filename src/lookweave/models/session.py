"""One way to open an ONNX file."""

from __future__ import annotations

from pathlib import Path

import onnxruntime as ort

from lookweave.errors import ModelError


def open_session(weights: Path, *, threads: int = 1) -> ort.InferenceSession:
    """An onnxruntime session on the best device at hand (CUDA when its build is installed).

    Steps call a session from several threads, one batch each, so one thread inside the session
    keeps the cores busy without contention.

    Raises:
        ModelError: the file is missing or no model that this onnxruntime reads.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Arenas keep the peak of every shape they ever saw; batches vary in size here.
    options.enable_cpu_mem_arena = False
    wanted = ("CUDAExecutionProvider", "CPUExecutionProvider")
    providers = [name for name in wanted if name in ort.get_available_providers()]
    try:
        return ort.InferenceSession(str(weights), options, providers=providers)
    except Exception as error:  # onnxruntime raises classes of its own with no common base
        raise ModelError(f"{weights} cannot be opened as an ONNX model: {error}.") from error
