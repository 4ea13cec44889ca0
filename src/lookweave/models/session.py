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
    also: tuple[str, ...] = (),
    arena: bool = False,
    on_processor: bool = False,
) -> ort.InferenceSession:
    """An onnxruntime session on the best device at hand (CUDA when its build is installed).

    Steps call a session from several threads, one batch each, so one thread inside the session
    keeps the cores busy without contention.

    Args:
        also: names of float32 tensors inside the graph to give out beside its outputs.
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
        model = weights.read_bytes() + _outputs(also) if also else str(weights)
        return ort.InferenceSession(model, options, providers=providers)
    except Exception as error:  # onnxruntime raises classes of its own with no common base
        raise ModelError(f"{weights} cannot be opened as an ONNX model: {error}.") from error


def _outputs(names: tuple[str, ...]) -> bytes:
    """Bytes that make a serialised ONNX model give out further tensors when appended to it.

    Protocol buffers merge what is concatenated: this is a ModelProto with a graph (field 7) of
    outputs (field 12), each a ValueInfoProto with a name (field 1) and the type (field 2) of a
    tensor (field 1) of floats (field 1 = 1).
    """
    floats = _message(2, _message(1, b"\x08\x01"))
    return b"".join(
        _message(7, _message(12, _message(1, name.encode()) + floats)) for name in names
    )


def _message(field: int, content: bytes) -> bytes:
    """A length-delimited field of fewer than 128 bytes."""
    if len(content) > 127:
        raise ValueError("a tensor's name is too long")
    return bytes([field << 3 | 2, len(content)]) + content
