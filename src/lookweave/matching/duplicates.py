"""Which photos belong together: near-equal perceptual hashes, and connected components."""

from __future__ import annotations

import faiss
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from lookweave.matching.vectors import Positions

_CHUNKS = 4
MAXIMUM_DISTANCE = 2 * _CHUNKS - 1
"""Two hashes that differ in fewer than 8 of 64 bits differ in at most one bit of some quarter, so
looking there finds all of them."""


def hamming_pairs(hashes: NDArray[np.uint64], distance: int) -> NDArray[np.int64]:
    """All pairs of 64-bit hashes that differ in at most `distance` bits.

    Args:
        hashes: uint64 (n,), distinct.
        distance: at most `MAXIMUM_DISTANCE`.

    Returns:
        int64 (m, 2), the smaller index first.

    Raises:
        ValueError: the distance is too large to find all pairs.
    """
    if not 0 <= distance <= MAXIMUM_DISTANCE:
        raise ValueError(f"distance must be 0..{MAXIMUM_DISTANCE}, not {distance}")
    if len(hashes) < 2:
        return np.empty((0, 2), np.int64)
    codes = hashes.astype("<u8").view(np.uint8).reshape(-1, 8)
    index = faiss.IndexBinaryMultiHash(64, _CHUNKS, 64 // _CHUNKS)
    index.nflip = 1
    index.add(codes)
    pieces = []
    for start in range(0, len(codes), 65_536):
        # The radius is exclusive.
        limits, _, found = index.range_search(codes[start : start + 65_536], distance + 1)
        ends = np.asarray(limits, np.int64)
        counts = ends[1:] - ends[:-1]
        left = np.repeat(np.arange(start, start + len(counts)), counts)
        pieces.append(np.stack([left, found], axis=1)[left < found])
    pairs: NDArray[np.int64] = np.unique(np.concatenate(pieces), axis=0)
    return pairs


def components(count: int, pairs: NDArray[np.int64]) -> Positions:
    """A label for each of `count` nodes: the smallest node that it is connected to.

    Args:
        pairs: int64 (m, 2) of connected nodes.
    """
    weights = np.ones(len(pairs), np.int8)
    graph = coo_array((weights, (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    _, component = connected_components(graph, directed=False)
    _, first = np.unique(component, return_index=True)
    labels: Positions = first[component]
    return labels
