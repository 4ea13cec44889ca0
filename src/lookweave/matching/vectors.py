"""Vectors in a scratch file: written row by row in any order, read in slices.

Plain reads into fresh arrays rather than a memory map: mapped pages count as resident memory
for as long as the kernel likes, and the join's memory is to stay flat.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Positions = NDArray[np.int64]


class VectorFile:
    """Float32 rows of one width in a file without header.

    Args:
        path: an existing file made by `VectorWriter`.
        width: values of a row.
    """

    def __init__(self, path: Path, width: int) -> None:
        self.path = path
        self.width = width
        self.rows = path.stat().st_size // (4 * width)

    def read(self, start: int, stop: int) -> Vectors:
        """Rows start..stop as a fresh float32 array of shape (stop - start, width)."""
        stop = min(stop, self.rows)
        count = max(0, stop - start) * self.width
        rows = np.fromfile(self.path, np.float32, count, offset=4 * self.width * start)
        return rows.reshape(-1, self.width)

    def take(self, positions: Positions) -> Vectors:
        """Rows in the order asked for: one read for a run, else a read for each row."""
        if len(positions) and (np.diff(positions) == 1).all():
            return self.read(int(positions[0]), int(positions[-1]) + 1)
        rows = np.empty((len(positions), self.width), np.float32)
        with self.path.open("rb") as file:
            for place, position in enumerate(positions):
                file.seek(4 * self.width * int(position))
                rows[place] = np.frombuffer(file.read(4 * self.width), np.float32)
        return rows

    def blocks(
        self, block_rows: int, start: int = 0, stop: int | None = None
    ) -> Iterator[tuple[Positions, Vectors]]:
        """Positions and rows, `block_rows` at a time."""
        stop = self.rows if stop is None else stop
        for first in range(start, stop, block_rows):
            last = min(first + block_rows, stop)
            yield np.arange(first, last), self.read(first, last)


class VectorWriter:
    """Writes rows of a `VectorFile` at any position; a context manager."""

    def __init__(self, path: Path, rows: int, width: int) -> None:
        self._width = width
        self._file = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o644)
        os.truncate(self._file, 4 * rows * width)

    def put(self, positions: Positions, values: Vectors, column: int = 0) -> None:
        """Write `values` (n, any width that fits) from `column` on in the rows at `positions`.

        Raises:
            OSError: the disk is full.
        """
        values = np.ascontiguousarray(values, np.float32)
        offsets = 4 * (positions * self._width + column)
        for offset, row in zip(offsets.tolist(), values, strict=True):
            if os.pwrite(self._file, row.data, offset) < row.nbytes:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def __enter__(self) -> VectorWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._file)
