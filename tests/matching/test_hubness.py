from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lookweave.matching.fuse import Composite
from lookweave.matching.hubness import attraction, bank, correct, halves
from lookweave.matching.join import Block


def test_attraction_is_the_formula() -> None:
    random = np.random.default_rng(0)
    rows = random.normal(size=(37, 12)).astype(np.float32) / 4
    queries = random.normal(size=(9, 12)).astype(np.float32) / 4
    composite, beta = Composite(5, 0.4, 0.6), 20.0

    def gallery() -> Iterator[Block]:
        for start in range(0, 37, 10):
            yield Block(np.arange(start, min(start + 10, 37)), rows[start : start + 10])

    found = attraction(queries, gallery, 37, beta, composite)
    pull = []
    for region in rows.astype(np.float64):
        scores = [
            0.4 * float(query[:5] @ region[:5]) + 0.6 * float(query[5:] @ region[5:])
            for query in queries.astype(np.float64)
        ]
        pull.append(np.log(np.mean(np.exp(beta * np.array(scores)))) / beta)
    assert np.allclose(found, np.array(pull) - np.mean(pull), atol=1e-6)


def test_only_active_queries_are_corrected() -> None:
    score = np.array([[0.5, 0.4], [0.5, 0.4]], np.float32)
    pull = np.array([[0.2, -0.1], [0.2, -0.1]], np.float32)
    corrected = correct(score, pull, np.array([True, False]))
    assert np.allclose(corrected, [[0.3, 0.5], [0.5, 0.4]])


@settings(deadline=None)
@given(st.lists(st.text("ab", min_size=1, max_size=8), min_size=1, max_size=60), st.integers(0, 40))
def test_no_garment_is_in_the_bank_that_corrects_it(groups: list[str], size: int) -> None:
    side = halves(groups)
    ids = np.array([f"{number}" for number in range(len(groups))], np.bytes_)
    for half in (0, 1):
        chosen = bank(ids, side, half, size)
        assert len(set(chosen.tolist())) == len(chosen) == min(size, int((side != half).sum()))
        own_groups = {group for group, at in zip(groups, side, strict=True) if at == half}
        assert own_groups.isdisjoint(groups[at] for at in chosen.tolist())


def test_one_garment_more_changes_the_bank_by_at_most_one() -> None:
    ids = [f"garment {number}" for number in range(400)]
    side = halves(ids)
    keys = np.array(ids, np.bytes_)
    before = {ids[at] for at in bank(keys[:-1], side[:-1], 0, 64).tolist()}
    after = {ids[at] for at in bank(keys, side, 0, 64).tolist()}
    assert len(before) == len(after) == 64
    assert len(after - before) <= 1
    assert 140 < side.sum() < 260
