"""From a network's inner map of features to a region's tokens.

A map has a vector in each cell of a grid over the frame that the network saw. The cells inside
the garment's mask are whitened, projected to few values, brought to unit norm and rounded.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lookweave.errors import ModelError
from lookweave.models.card import Card
from lookweave.models.hub.files import cache_dir
from lookweave.models.protocols import Crop, Pixels, Tokens, Vectors
from lookweave.records import file_sha256

SCALE = 200.0
"""Tokens are unit vectors times this, rounded and cut off; as in `matching.details`."""

STEPS = {8: 1, 6: 3, 5: 5, 4: 8}
"""Bits of a value -> what it is rounded to whole multiples of. A region with few parts is stored
more finely than one with many: as finely as fits into `BYTES`."""

LEAST = 4
"""Cells that a region has at least: where fewer lie inside the mask, those most covered by it."""

BYTES = 4096
"""Of a region's tokens with their places, at most."""

Box = tuple[float, float, float, float]
Patches = tuple[Vectors, Box]
"""A map of features, float32 (channels, rows, columns), and what it shows of the photo, xyxy in
its pixels."""


@dataclass(frozen=True)
class Whitening:
    """What was learned of a network's features: their mean, and a projection.

    Attributes:
        mean: float32 (channels,).
        projection: float32 (channels, width).
    """

    mean: Vectors
    projection: Vectors

    @classmethod
    def read(cls, file: Path, encoder: str) -> Whitening:
        """A file that `lookweave train details` wrote, and its record beside it.

        Args:
            encoder: the key of its card.

        Raises:
            ModelError: one of them is missing or broken, or they were learned from another encoder.
        """
        try:
            record = json.loads(file.with_suffix(".json").read_text("utf-8"))
            with np.load(file) as stored:
                mean, projection = (stored[name].astype(np.float32) for name in ARRAYS)
        except (OSError, ValueError, KeyError) as error:
            raise ModelError(f"{file} cannot be read: {error}.") from error
        if record.get("encoder") != encoder:
            raise ModelError(
                f"{file} was learned from another encoder ({record.get('encoder')}, not {encoder})."
                " Learn it again with: lookweave train details."
            )
        return cls(mean, projection)

    @property
    def width(self) -> int:
        """Values of a token."""
        return int(self.projection.shape[1])

    @property
    def most(self) -> int:
        """Tokens of a region at most."""
        return most_tokens(self.width)

    def tokens(self, features: Sequence[Vectors], crop: Crop, frame: Box) -> Tokens:
        """The tokens of one crop.

        Args:
            features: maps of one grid, each float32 (channels, rows, columns).
            frame: what the network saw of the photo, xyxy in its pixels.
        """
        rows, columns = features[0].shape[1:]
        cells = inside(crop, frame, rows, columns, self.most)
        flat = np.concatenate([one.reshape(len(one), -1)[:, cells] for one in features])
        unit = unit_rows((flat.T - self.mean) @ self.projection)
        return Tokens(stored(unit), places(crop.box, frame, rows, columns)[cells])


ARRAYS = ("mean", "projection")


def unit_rows(rows: Vectors) -> Vectors:
    """The same at unit norm."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, 1e-12), np.float32)


def stored(unit: Vectors) -> NDArray[np.int8]:
    """Unit vectors (n, width) as tokens hold them, n at most `most_tokens`."""
    bits = _bits(*unit.shape)
    step, largest = STEPS[bits], 2 ** (bits - 1) - 1
    return np.asarray(np.clip(np.rint(unit * (SCALE / step)), -largest, largest) * step, np.int8)


def packed(values: NDArray[np.int8]) -> bytes:
    """What `stored` gave, in as few bits as it was rounded to: two bytes that say how many, and
    the width; then whole numbers of those bits, one after the other."""
    count, width = values.shape
    bits = _bits(count, width)
    codes = (values.astype(np.int16) // STEPS[bits] + 2 ** (bits - 1)).astype(np.uint8)
    planes = np.unpackbits(codes.reshape(-1, 1), axis=1)[:, 8 - bits :]
    return bytes([bits, width]) + np.packbits(planes).tobytes()


def unpacked(content: bytes) -> NDArray[np.int8]:
    """What was `packed`, int8 (n, width)."""
    bits, width = content[0], content[1]
    count = (len(content) - 2) * 8 // (bits * width)
    given = np.frombuffer(content, np.uint8, offset=2)
    planes = np.zeros((count * width, 8), np.uint8)
    planes[:, 8 - bits :] = np.unpackbits(given, count=count * width * bits).reshape(-1, bits)
    codes = np.packbits(planes, axis=1).astype(np.int16) - 2 ** (bits - 1)
    return np.asarray(codes * STEPS[bits], np.int8).reshape(count, width)


def _bits(count: int, width: int) -> int:
    """How many bits a value may take."""
    fitting = [bits for bits in STEPS if _size(count, width, bits) <= BYTES]
    if not fitting:
        raise ValueError(f"{count} tokens of {width} values do not fit into {BYTES} bytes")
    return fitting[0]


def _size(count: int, width: int, bits: int) -> int:
    return 2 + -(-count * width * bits // 8) + 2 * count


def details_file(card: Card, models_dir: Path | None) -> Path:
    """Where what was learned of an encoder's inner features lies: that of a model in this package
    beside its weights, those of others in ``MODELS_DIR/details``."""
    if card.weights is not None and not card.elsewhere:
        return card.weights.with_name("details.npz")
    return (models_dir or cache_dir()) / "details" / f"{card.key}.npz"


def learned_details(card: Card, models_dir: Path | None) -> Path | None:
    """The same where it is there, else None."""
    file = details_file(card, models_dir)
    return file if file.exists() else None


def token_key(card: Card, models_dir: Path | None) -> str | None:
    """The part of a row's key that says which model made its tokens; None where it gives none."""
    file = learned_details(card, models_dir)
    return None if file is None else f"{card.key}-{file_sha256(file)[:8]}"


def most_tokens(width: int) -> int:
    """Tokens of this many values that a region may have; each has two bytes of place beside it."""
    return min(255, int((BYTES - 2) / (width * min(STEPS) / 8 + 2)))


def inside(crop: Crop, frame: Box, rows: int, columns: int, most: int) -> NDArray[np.int64]:
    """The cells of a grid over `frame` that more than half lie in the crop's mask, ascending.

    At least `LEAST`; where there are more than `most`, every so many of them.
    """
    covered = _covered(crop, frame, rows, columns).ravel()
    cells = np.flatnonzero(covered > 0.5)
    least = min(LEAST, len(covered))
    if len(cells) < least:
        cells = np.sort(np.argsort(-covered, kind="stable")[:least])
    if len(cells) > most:
        cells = cells[np.arange(most) * len(cells) // most]
    return cells


def places(box: Box, frame: Box, rows: int, columns: int) -> NDArray[np.uint8]:
    """Row and column of each cell's middle within the box, in 255ths: uint8 (rows · columns, 2)."""
    down = _edges(frame[1], frame[3], rows) - box[1]
    across = _edges(frame[0], frame[2], columns) - box[0]
    shares = [
        np.clip((edges[1:] + edges[:-1]) / (2 * max(length, 1.0)), 0, 1)
        for edges, length in ((down, box[3] - box[1]), (across, box[2] - box[0]))
    ]
    grid = np.stack(np.meshgrid(*shares, indexing="ij"), axis=2).reshape(-1, 2)
    return np.rint(255 * grid).astype(np.uint8)


def _covered(crop: Crop, frame: Box, rows: int, columns: int) -> NDArray[np.float64]:
    """Share of each cell that the mask covers, (rows, columns)."""
    mask: Pixels = np.full((1, 1), 255, np.uint8) if crop.mask is None else crop.mask
    x0, y0, x1, y1 = crop.box
    # The grid's lines in pixels of the mask, which fills the box.
    down = (_edges(frame[1], frame[3], rows) - y0) * mask.shape[0] / max(y1 - y0, 1.0)
    across = (_edges(frame[0], frame[2], columns) - x0) * mask.shape[1] / max(x1 - x0, 1.0)
    shares = [
        _overlap(edges, length) / max(float(edges[1] - edges[0]), 1e-9)
        for edges, length in zip((down, across), mask.shape, strict=True)
    ]
    covered: NDArray[np.float64] = shares[0] @ (mask / 255.0) @ shares[1].T
    return covered


def _edges(start: float, stop: float, cells: int) -> NDArray[np.float64]:
    edges: NDArray[np.float64] = start + (stop - start) * np.arange(cells + 1) / cells
    return edges


def _overlap(edges: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    """How much of each pixel lies between two edges: (len(edges) - 1, length)."""
    pixels = np.arange(length)
    lower, upper = edges[:-1, None], edges[1:, None]
    both = np.minimum(upper, pixels + 1) - np.maximum(lower, pixels)
    return np.asarray(np.clip(both, 0, None), np.float64)
