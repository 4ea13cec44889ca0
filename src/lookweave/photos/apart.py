"""Decode a stranger's photo in a process of its own, with a limit on time and memory.

What a decoder does wrong with hostile bytes ends with that process. What it sends back is taken
for numbers and words alone, whatever it is.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from dataclasses import asdict
from io import BytesIO
from typing import Any

import numpy as np

from lookweave.errors import Rejected
from lookweave.photos.decode import Limits, Photo, load

SECONDS = 20
MEMORY_BYTES = 3 << 30  # of addresses, which libraries and their threads take, too

_AT_ONCE = threading.Semaphore(2)
_HEADER_BYTES = 4096
_KEPT = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "SYSTEMROOT", "TMPDIR")
"""Variables that the process needs to start; it is told nothing else of ours."""


def load_apart(
    data: bytes, *, max_side: int, limits: Limits, seconds: float = SECONDS,
    memory_bytes: int = MEMORY_BYTES,
) -> Photo:  # fmt: skip
    """The same as `load`, elsewhere. Formats count that packages name by their entry point.

    Args:
        data: the file's bytes, recognised by what they are.
        max_side: longest side of the pixels that come back.
        seconds: until it is ended.
        memory_bytes: of addresses that it may have, where the system can limit them.

    Raises:
        Rejected: as `load` does; too_slow or broken_decoder where the process had to be ended.
    """
    if len(data) > limits.max_bytes:
        return load(data, max_side=max_side, limits=limits)  # says so, and decodes nothing
    asked = {"max_side": max_side, "limits": asdict(limits), "seconds": seconds,
             "memory_bytes": memory_bytes}  # fmt: skip
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    with _AT_ONCE:
        try:
            done = subprocess.run(
                [sys.executable, "-m", "lookweave.photos.apart"],
                input=json.dumps(asked).encode().ljust(_HEADER_BYTES) + data,
                capture_output=True, timeout=seconds, check=False,
                env={**environment, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise Rejected(
                "too_slow", f"It could not be decoded in {seconds:g} seconds: save it anew."
            ) from error
    told = _heard(done.stdout[:_HEADER_BYTES])
    if done.returncode or told is None:
        raise Rejected("broken_decoder", "The decoder did not survive this file: save it anew.")
    if "reason" in told:
        raise Rejected(str(told["reason"]), str(told["detail"]))
    height, width = int(told["height"]), int(told["width"])
    pixels = np.frombuffer(done.stdout, np.uint8, offset=_HEADER_BYTES)
    if not 0 < max(height, width) <= max_side or pixels.size != 3 * height * width:
        raise Rejected("broken_decoder", "The decoder did not survive this file: save it anew.")
    return Photo(
        pixels.reshape(height, width, 3), int(told["full_width"]), int(told["full_height"]),
        float(told["scale"]), str(told["format"]),
    )  # fmt: skip


def _heard(header: bytes) -> dict[str, Any] | None:
    try:
        told = json.loads(header)
    except ValueError:
        return None
    return told if isinstance(told, dict) else None


def _work(given: bytes) -> bytes:
    asked = json.loads(given[:_HEADER_BYTES])
    told: dict[str, Any]
    try:
        photo = load(
            given[_HEADER_BYTES:], max_side=asked["max_side"], limits=Limits(**asked["limits"])
        )
    except Rejected as why:
        told = {"reason": why.reason, "detail": why.detail[:500]}
        return json.dumps(told).encode().ljust(_HEADER_BYTES)
    height, width = photo.pixels.shape[:2]
    told = {
        "height": height, "width": width, "full_width": photo.width, "full_height": photo.height,
        "scale": photo.scale, "format": photo.format,
    }  # fmt: skip
    out = BytesIO(json.dumps(told).encode().ljust(_HEADER_BYTES))
    out.seek(0, os.SEEK_END)
    out.write(photo.pixels.tobytes())
    return out.getvalue()


def _confine(seconds: float, memory_bytes: int) -> None:
    """No more time and memory than that, no file written; nothing where the system has no limits
    (Windows): there the parent's clock alone ends it."""
    try:
        import resource
    except ImportError:
        return
    for limit, most in (
        (resource.RLIMIT_AS, memory_bytes), (resource.RLIMIT_CPU, int(seconds) + 1),
        (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0),
    ):  # fmt: skip
        hard = resource.getrlimit(limit)[1]
        least = most if hard == resource.RLIM_INFINITY else min(most, hard)
        try:
            resource.setrlimit(limit, (least, least))
        except (ValueError, OSError):  # macOS lets nobody limit addresses
            continue


if __name__ == "__main__":
    whole = sys.stdin.buffer.read()
    about = json.loads(whole[:_HEADER_BYTES])
    _confine(about["seconds"], about["memory_bytes"])
    sys.stdout.buffer.write(_work(whole))
