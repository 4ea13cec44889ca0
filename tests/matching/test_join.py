from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookweave.matching.fuse import Composite
from lookweave.matching.join import Block, Gallery, nearest, score_pairs
from lookweave.matching.recall import best_rank

SPLIT = 4


def gallery_of(
    rows: np.ndarray,
    block_rows: int,
    admits: np.ndarray | None = None,
    keep: np.ndarray | None = None,
) -> Gallery:
    """`admits` (queries, rows): which may meet, equal within a block; `keep`: rows it holds."""

    def read() -> Iterator[Block]:
        for start in range(0, len(rows), block_rows):
            positions = np.arange(start, min(start + block_rows, len(rows)))
            if keep is not None:
                positions = positions[keep[positions]]
            queries = None if admits is None else np.flatnonzero(admits[:, start])
            yield Block(positions, rows[positions], queries)

    return read


def reference(
    queries: np.ndarray, rows: np.ndarray, k: int, composite: Composite, allowed: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Positions and scores by scoring every pair by itself and sorting by score, then position."""
    positions = np.full((len(queries), k), -1)
    scores = np.full((len(queries), k), -np.inf, np.float32)
    for query in range(len(queries)):
        may = np.flatnonzero(allowed[query])
        score = composite.combine(
            *composite.parts(np.repeat(queries[query : query + 1], len(may), 0), rows[may])
        )
        best = np.lexsort((may, -score))[:k]
        positions[query, : len(best)] = may[best]
        scores[query, : len(best)] = score[best]
    return positions, scores


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**31),
    count=st.integers(1, 90),
    k=st.integers(1, 12),
    block_rows=st.integers(1, 40),
    levels=st.sampled_from([1, 2, 5, 0]),
    filtered=st.booleans(),
)
def test_nearest_is_the_sorted_list_of_all_pairs(
    seed: int, count: int, k: int, block_rows: int, levels: int, filtered: bool
) -> None:
    """Few levels make many equal scores, which must come in the order of their positions."""
    random = np.random.default_rng(seed)
    size = (count + 7, 9)
    values = random.normal(size=size) if levels == 0 else random.integers(0, levels + 1, size)
    values = values.astype(np.float32)
    queries, rows = values[:7], values[7:]
    blocks = -(-count // block_rows)
    of_block = random.random((7, blocks)) < 0.6 if filtered else np.ones((7, blocks), bool)
    allowed = np.repeat(of_block, block_rows, axis=1)[:, :count]
    composite = Composite(SPLIT, 0.3, 0.7)
    found = nearest(
        queries, gallery_of(rows, block_rows, allowed if filtered else None), k, composite
    )
    positions, scores = reference(queries, rows, k, composite, allowed)
    assert found.positions.tolist() == positions.tolist()
    assert found.score.tolist() == scores.tolist()
    assert np.isnan(found.s_vlm[found.positions < 0]).all()


def test_answers_do_not_depend_on_blocks_or_on_how_many_ask() -> None:
    random = np.random.default_rng(3)
    rows = random.normal(size=(3000, 24)).astype(np.float32)
    rows[500:560] = rows[7]  # more equals than the list is longer than k
    queries = random.normal(size=(65, 24)).astype(np.float32)
    queries[11] = rows[7]
    composite = Composite(SPLIT, 0.5, 0.5)
    whole = nearest(queries, gallery_of(rows, 3000), 10, composite)
    for block_rows in (1, 999, 1500):
        if block_rows == 1:
            few = nearest(queries[:3], gallery_of(rows[:200], 1), 10, composite)
            assert (
                few.score == nearest(queries[:3], gallery_of(rows[:200], 200), 10, composite).score
            ).all()
            continue
        for start, stop in ((0, 65), (0, 1), (11, 12), (20, 50)):
            part = nearest(queries[start:stop], gallery_of(rows, block_rows), 10, composite)
            assert (part.positions == whole.positions[start:stop]).all()
            assert (part.score == whole.score[start:stop]).all()
    assert whole.positions[11].tolist() == [7, *range(500, 509)]


def test_an_empty_gallery_has_no_neighbours() -> None:
    rows = np.empty((0, 6), np.float32)
    found = nearest(np.ones((2, 6), np.float32), gallery_of(rows, 4), 3, Composite(SPLIT, 1, 1))
    assert found.positions.tolist() == [[-1] * 3] * 2
    assert (found.score == -np.inf).all()


def test_chosen_pairs_are_scored_in_any_order_and_unknown_ones_are_not() -> None:
    random = np.random.default_rng(5)
    rows = random.normal(size=(50, 9)).astype(np.float32)
    queries = random.normal(size=(4, 9)).astype(np.float32)
    keep = np.arange(50) % 3 != 0
    which, where = random.integers(0, 4, 200), random.integers(0, 50, 200)
    composite = Composite(SPLIT, 0.3, 0.7)
    s_vlm, s_visual = score_pairs(queries, which, where, gallery_of(rows, 8, keep=keep), composite)
    expected = composite.parts(queries[which], rows[where])
    assert np.array_equal(s_vlm, np.where(keep[where], expected[0], np.nan), equal_nan=True)
    assert np.array_equal(s_visual, np.where(keep[where], expected[1], np.nan), equal_nan=True)


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_do_not_change_the_answer(threads: int) -> None:
    import faiss

    random = np.random.default_rng(8)
    rows = random.normal(size=(800, 33)).astype(np.float32)
    before = faiss.omp_get_max_threads()
    try:
        faiss.omp_set_num_threads(threads)
        found = nearest(rows[:40], gallery_of(rows, 300), 5, Composite(SPLIT, 0.3, 0.7))
    finally:
        faiss.omp_set_num_threads(before)
    positions, scores = reference(
        rows[:40], rows, 5, Composite(SPLIT, 0.3, 0.7), np.ones((40, 800), bool)
    )
    assert (found.positions == positions).all()
    assert (found.score == scores).all()


def ranks(queries: np.ndarray, rows: np.ndarray, true: np.ndarray, k: int) -> list[float]:
    """Of each query's true row, as evaluation ranks it: among the nearest k."""
    found = nearest(queries, gallery_of(rows, 16), k, Composite(SPLIT, 0.3, 0.7))
    told = []
    for query, row in enumerate(true.tolist()):
        score = np.full(len(rows), -np.inf, np.float32)
        there = found.positions[query] >= 0
        score[found.positions[query][there]] = found.score[query][there]
        told.append(best_rank(score, np.array([row])))
    return told


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**31), st.integers(1, 40), st.integers(1, 30))
def test_the_gallerys_order_changes_no_rank_and_distractors_help_none(
    seed: int, count: int, more: int
) -> None:
    """Over a coarse grid, where many scores are equal: a tie must never favour the query."""
    random = np.random.default_rng(seed)
    size = (count + more + 5, 9)
    queries, rows = np.split(random.integers(0, 3, size).astype(np.float32), [5])
    true = random.integers(0, count, 5)
    alone = ranks(queries, rows[:count], true, count)
    order = random.permutation(count)
    place = np.argsort(order)
    assert ranks(queries, rows[:count][order], place[true], count) == alone
    among = ranks(queries, rows, true, len(rows))
    assert all(one >= other for one, other in zip(among, alone, strict=True))
