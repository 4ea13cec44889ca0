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
from numpy.typing import NDArray

from lookweave.matching.fuse import Composite
from lookweave.matching.vectors import Positions, Vectors

SLACK = 16
"""How many more than k the first search keeps."""


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
    answer = _cut(ordered, k)
    for query in full[close]:
        _put(answer, query, _exhaustive(rows, int(query), gallery, k, composite))
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
        for at in range(int(ends[0]), int(ends[1]), 4096):
            last = min(at + 4096, int(ends[1]))
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
    order = np.lexsort((found.positions, -found.score), axis=1)
    return Neighbours(
        *(
            np.take_along_axis(column, order, axis=1)
            for column in (found.positions, found.s_vlm, found.s_visual, found.score)
        )
    )


def _cut(found: Neighbours, k: int) -> Neighbours:
    columns = (found.positions, found.s_vlm, found.s_visual, found.score)
    return Neighbours(*(np.ascontiguousarray(column[:, :k]) for column in columns))


def _exhaustive(
    rows: Vectors, query: int, gallery: Gallery, k: int, composite: Composite
) -> Neighbours:
    """The best k of one query by scoring every row of its gallery."""
    best: list[NDArray[np.generic]] = []
    for block in gallery():
        if block.queries is not None and query not in block.queries:
            continue
        same = np.broadcast_to(rows[query], block.rows.shape)
        s_vlm, s_visual = composite.parts(same, block.rows)
        here = [block.positions, s_vlm, s_visual, composite.combine(s_vlm, s_visual)]
        if best:
            here = [np.concatenate(both) for both in zip(best, here, strict=True)]
        keep = np.lexsort((here[0], -here[3]))[:k]
        best = [column[keep] for column in here]
    return Neighbours(*(column[None] for column in best))


def _put(answer: Neighbours, query: int, found: Neighbours) -> None:
    answer.positions[query] = found.positions[0]
    answer.s_vlm[query] = found.s_vlm[0]
    answer.s_visual[query] = found.s_visual[0]
    answer.score[query] = found.score[0]
