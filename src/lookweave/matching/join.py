"""The exact join: the best k of a gallery that is read block by block.

faiss finds a slightly longer list than asked for; its pairs are then scored once more, each by
itself in float64, and ordered by score and position. A query whose list may have been cut
between equals is searched exhaustively. So the answer is the same whatever the blocks, the
number of queries at a time, or the threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import faiss
import numpy as np

from lookweave.matching.fuse import Composite
from lookweave.matching.vectors import Positions, Vectors

SLACK = 16
"""How many more than k the first search keeps."""

_PAIRS = 1024


@dataclass(frozen=True)
class Block:
    """Some rows of a gallery.

    Attributes:
        positions: int64 (n,), ascending: where the rows are in the gallery.
        rows: float32 (n, width), unscaled.
        queries: int64 indices of the queries that may meet these rows; None for all.
    """

    positions: Positions
    rows: Vectors
    queries: Positions | None = None


Gallery = Callable[[], Iterator[Block]]
"""Reads the gallery from the start; each row is in one block, or in none."""


@dataclass(frozen=True)
class Neighbours:
    """The best k of each query, best first; equal scores in the order of positions.

    Attributes:
        positions: int64 (n, k); -1 where the gallery has no more.
        s_vlm, s_visual, score: float32 (n, k); NaN, NaN, -inf there.
    """

    positions: Positions
    s_vlm: Vectors
    s_visual: Vectors
    score: Vectors

    def select(self, places: Positions) -> Neighbours:
        """For each query the neighbours at `places` (n, any number), in that order."""
        return Neighbours(
            np.take_along_axis(self.positions, places, axis=1),
            np.take_along_axis(self.s_vlm, places, axis=1),
            np.take_along_axis(self.s_visual, places, axis=1),
            np.take_along_axis(self.score, places, axis=1),
        )

    def beside(self, other: Neighbours) -> Neighbours:
        """Both lists of each query, one after the other."""
        return Neighbours(
            np.concatenate([self.positions, other.positions], axis=1),
            np.concatenate([self.s_vlm, other.s_vlm], axis=1),
            np.concatenate([self.s_visual, other.s_visual], axis=1),
            np.concatenate([self.score, other.score], axis=1),
        )

    def put(self, query: int, found: Neighbours) -> None:
        """Replace the list of one query by that of the only query of `found`."""
        self.positions[query] = found.positions[0]
        self.s_vlm[query] = found.s_vlm[0]
        self.s_visual[query] = found.s_visual[0]
        self.score[query] = found.score[0]


def nearest(rows: Vectors, gallery: Gallery, k: int, composite: Composite) -> Neighbours:
    """The k rows of the gallery with the highest S for each row of `rows`, exactly.

    Args:
        rows: float32 (n, width), unscaled.
        gallery: called at least twice.
    """
    positions = _approximate(composite.query(rows), gallery, k + SLACK)
    queries, places = np.nonzero(positions >= 0)
    s_vlm = np.full(positions.shape, np.nan, np.float32)
    s_visual = s_vlm.copy()
    score = np.full(positions.shape, -np.inf, np.float32)
    found = score_pairs(rows, queries, positions[queries, places], gallery, composite)
    s_vlm[queries, places], s_visual[queries, places] = found
    score[queries, places] = composite.combine(*found)
    ordered = _ordered(Neighbours(positions, s_vlm, s_visual, score))
    # The list's worst is as good as anything outside it, up to rounding. Where the k-th is not
    # clearly better, equals may have been left outside.
    unsure = 2 * composite.error_bound(rows.shape[1])
    full = np.flatnonzero(ordered.positions[:, -1] >= 0)
    close = ordered.score[full, k - 1] - ordered.score[full, -1] <= unsure
    first = np.broadcast_to(np.arange(k), (len(rows), k))
    answer = ordered.select(first)
    for query in full[close].tolist():
        answer.put(query, _exhaustive(rows, query, gallery, k, composite))
    return answer


def score_pairs(
    rows: Vectors,
    queries: Positions,
    positions: Positions,
    gallery: Gallery,
    composite: Composite,
) -> tuple[Vectors, Vectors]:
    """S_VLM and S_visual of chosen pairs, in one pass over the gallery.

    Args:
        rows: float32 (n, width), unscaled.
        queries, positions: int64 (m,): pair i is row queries[i] with gallery row positions[i].

    Returns:
        Two float32 (m,); NaN for a position that the gallery does not have.
    """
    s_vlm = np.full(len(queries), np.nan, np.float32)
    s_visual = s_vlm.copy()
    order = np.argsort(positions, kind="stable")
    ascending = positions[order]
    for block in gallery():
        if not len(block.positions):
            continue
        ends = np.searchsorted(ascending, [block.positions[0], block.positions[-1] + 1])
        for at in range(int(ends[0]), int(ends[1]), _PAIRS):
            last = min(at + _PAIRS, int(ends[1]))
            here, wanted = order[at:last], ascending[at:last]
            local = np.searchsorted(block.positions, wanted)
            there = block.positions[local] == wanted
            here, local = here[there], local[there]
            s_vlm[here], s_visual[here] = composite.parts(rows[queries[here]], block.rows[local])
    return s_vlm, s_visual


def _approximate(scaled: Vectors, gallery: Gallery, k: int) -> Positions:
    heap = faiss.ResultHeap(len(scaled), k, keep_max=True)
    for block in gallery():
        subset = block.queries
        if not len(block.rows) or (subset is not None and not len(subset)):
            continue
        some = scaled if subset is None else scaled[subset]
        score, local = faiss.knn(
            some, block.rows, min(k, len(block.rows)), faiss.METRIC_INNER_PRODUCT
        )
        found = block.positions[local]
        if subset is None:
            heap.add_result(score, found)
        else:
            heap.add_result_subset(subset, score, found)
    heap.finalize()
    positions: Positions = heap.I
    return positions


def _ordered(found: Neighbours) -> Neighbours:
    return found.select(np.lexsort((found.positions, -found.score), axis=1))


def _exhaustive(
    rows: Vectors, query: int, gallery: Gallery, k: int, composite: Composite
) -> Neighbours:
    """The best k of one query by scoring every row of its gallery."""
    best: Neighbours | None = None
    for block in gallery():
        if block.queries is not None and query not in block.queries:
            continue
        same = np.broadcast_to(rows[query], block.rows.shape)
        s_vlm, s_visual = composite.parts(same, block.rows)
        score = composite.combine(s_vlm, s_visual)
        here = Neighbours(block.positions[None], s_vlm[None], s_visual[None], score[None])
        both = here if best is None else best.beside(here)
        best = both.select(np.lexsort((both.positions, -both.score), axis=1)[:, :k])
    assert best is not None  # only a query that found more than k is searched again
    return best
