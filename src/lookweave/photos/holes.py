"""Zeros where a part of a file was never written.

An interrupted copy or download leaves them when the file's space was set aside before. Decoders
take them for pixels and complain of nothing.
"""

from __future__ import annotations

import re

# Files are written in blocks of at least 512 bytes; the last block may be a short one.
_HOLE = re.compile(rb"\0{512,}|\0{16,}\Z")

OTHER_BYTES = bytes(range(1, 255)) * 16
"""Bytes that are neither zeros nor a mark that a decoder looks for."""


def filled(data: bytes, pixels: int) -> bytes:
    """`data` with other bytes in every hole; the same object where there is none.

    Args:
        data: a file whose pixels are compressed.
        pixels: how many it has. Lossy WebP codes a plain area as zeros, at most one byte for
            10,000 pixels (measured on blank pictures): a hole is longer than that.
    """
    least = 512 + pixels // 4096
    if data.find(bytes(least)) < 0:
        return data
    return re.sub(rb"\0{%d,}" % least, _as_many_others, data)


def before(data: bytes) -> bytes:
    """`data` up to the first hole, and one zero of it, which may be the data's last byte."""
    hole = _HOLE.search(data)
    return data[: hole.start() + 1] if hole else data


def _as_many_others(hole: re.Match[bytes]) -> bytes:
    length = hole.end() - hole.start()
    return (OTHER_BYTES * (length // len(OTHER_BYTES) + 1))[:length]
