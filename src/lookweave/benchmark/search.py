"""Exact search: where in the gallery each query finds what is right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from lookweave.benchmark.content import Box, Places, Regions, Task
from lookweave.benchmark.vectors import ViewVectors, view_of
from lookweave.models.protocols import Vectors

DEPTH = 100
"""How many of the gallery are listed for each query."""

_OVERLAP = 0.5
_SCORES = 1 << 25  # at a time
_ROWS = 1 << 16  # of the gallery, at a time


@dataclass(frozen=True)
class Sides:
    """A task as vectors. An *entry* is what takes one place in a ranking.

    Attributes:
        queries: float32 (n, dimension), all vectors of all queries.
        query_rows: for each query its rows; empty for a miss.
        gallery: float32 (m, dimension), entry by entry.
        starts: int64 (entries,), the first row of each entry that has rows.
        ranked: int64, the entries that `starts` speaks of, ascending.
        entries: how many there are.
        relevant: meaning -> for each query the entries that are right.
        lost: meaning -> for each query how many right items have no entry.
        growth: int64 (entries,), the place of each in the order in which the gallery grows.
        sizes: gallery sizes at which ranks are told; the last is all.
    """

    queries: Vectors
    query_rows: Sequence[Places]
    gallery: Vectors
    starts: Places
    ranked: Places
    entries: int
    relevant: dict[str, list[Places]]
    lost: dict[str, NDArray[np.int64]]
    growth: Places
    sizes: tuple[int, ...]


@dataclass(frozen=True)
class Ranking:
    """What a search found, by one meaning of "right".

    Attributes:
        ranks: float64 (queries, sizes), from 1, of the best right entry; inf for a miss. In a
            gallery of `sizes[j]` the right entries of the query are always in.
        lists: for each query its first `DEPTH` entries, best first.
    """

    ranks: NDArray[np.float64]
    lists: list[Places]


def lay_out(task: Task, regions: Regions, views: ViewVectors) -> Sides:
    """The vectors of a task by its rule."""
    detections = task.detections and regions == "found"
    query_rows = []
    for item in task.queries:
        rows = np.array(views.rows[view_of(item, regions)], np.int64)
        if regions == "found" and item.kind == "look":
            if detections and item.box is not None:
                owner = _owners(views.boxes[rows], item.boxes)[0]
                rows = rows[owner == item.boxes.index(item.box)]
            if item.wanted:
                rows = rows[[views.labels[at] is None or views.labels[at] in item.wanted
                             for at in rows.tolist()]]  # fmt: skip
            if detections and len(rows):
                rows = rows[[int(np.argmax(views.scores[rows]))]]
        query_rows.append(rows)
    if detections:
        rows, items = _detected(task, views)
        starts, ranked, entries = np.arange(len(rows)), np.arange(len(rows)), len(rows)
        of_item: list[list[int]] = [[] for _ in task.gallery]
        for entry, item_at in enumerate(items):
            if item_at >= 0:
                of_item[item_at].append(entry)
    else:
        spans = [views.rows[view_of(item, regions)] for item in task.gallery]
        rows = np.array([row for span in spans for row in span], np.int64)
        counts = np.array([len(span) for span in spans], np.int64)
        ranked, entries = np.flatnonzero(counts), len(spans)
        starts = (np.cumsum(counts) - counts)[ranked]
        of_item = [[at] if count else [] for at, count in enumerate(counts.tolist())]
    relevant, lost = {}, {}
    for meaning, right in task.relevant.items():
        relevant[meaning] = [
            np.array(sorted(entry for item in own.tolist() for entry in of_item[item]), np.int64)
            for own in right
        ]
        lost[meaning] = np.array([sum(not of_item[item] for item in own.tolist()) for own in right])
    growth, sizes = _growth(task, entries, detections)
    all_rows = np.concatenate([*query_rows, np.empty(0, np.int64)])
    at = np.cumsum([0, *(len(own) for own in query_rows)])
    return Sides(
        views.vectors[all_rows],
        [np.arange(start, end) for start, end in pairwise(at.tolist())],
        views.vectors[rows], starts, ranked, entries, relevant, lost, growth, sizes,
    )  # fmt: skip


def search(sides: Sides) -> dict[str, Ranking]:
    """Rank the gallery for every query: by cosine, the best pair of a query's and an entry's rows.

    Equal scores count against the query: what is not right comes first. Scores are summed in
    float64 and rounded to float32, so that they depend on nothing but the two vectors.

    Returns:
        Meaning of "right" -> ranking.
    """
    count = len(sides.query_rows)
    ranks = {one: np.full((count, len(sides.sizes)), np.inf) for one in sides.relevant}
    lists: dict[str, list[Places]] = {one: [] for one in sides.relevant}
    sizes = np.array(sides.sizes)
    for query, score in enumerate(_scores(sides)):
        for meaning, right in sides.relevant.items():
            is_right = np.zeros(sides.entries, bool)
            is_right[right[query]] = True
            lists[meaning].append(_first(score, is_right))
            best = score[right[query]].max(initial=-np.inf)
            if np.isfinite(best):
                ahead = np.sort(sides.growth[(score >= best) & ~is_right])
                ranks[meaning][query] = 1 + np.searchsorted(ahead, sizes)
    return {one: Ranking(ranks[one], lists[one]) for one in sides.relevant}


def overlaps(boxes: NDArray[np.float32], others: Sequence[Box]) -> NDArray[np.float64]:
    """Intersection over union of boxes, (len(boxes), len(others))."""
    one = boxes.astype(np.float64)[:, None, :]
    other = np.array(others, np.float64).reshape(1, -1, 4)
    corner = np.minimum(one[..., 2:], other[..., 2:]) - np.maximum(one[..., :2], other[..., :2])
    shared = np.clip(corner, 0, None).prod(-1)
    area = [np.clip(each[..., 2:] - each[..., :2], 0, None).prod(-1) for each in (one, other)]
    union = area[0] + area[1] - shared
    return np.where(union > 0, shared / np.where(union > 0, union, 1), 0.0)


def _owners(
    boxes: NDArray[np.float32], items: Sequence[Box]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """For each box the item that it overlaps most (the first of several), and how much."""
    shares = overlaps(boxes, items)
    owner = shares.argmax(1) if len(boxes) else np.empty(0, np.int64)
    return owner, shares[np.arange(len(boxes)), owner]


def _detected(task: Task, views: ViewVectors) -> tuple[Places, list[int]]:
    """Every detection in the gallery's photos, and the item that each lies on; -1 for none."""
    of_photo: dict[str, list[int]] = {}
    for at, item in enumerate(task.gallery):
        of_photo.setdefault(item.photo.name, []).append(at)
    rows: list[int] = []
    items: list[int] = []
    for places in of_photo.values():
        first = task.gallery[places[0]]
        own = np.array(views.rows[view_of(first, "found")], np.int64)
        owner, share = _owners(
            views.boxes[own], [task.gallery[at].box or (0, 0, 0, 0) for at in places]
        )
        rows += own.tolist()
        items += [
            places[which] if much >= _OVERLAP else -1
            for which, much in zip(owner.tolist(), share.tolist(), strict=True)
        ]
    return np.array(rows, np.int64), items


def _growth(task: Task, entries: int, detections: bool) -> tuple[Places, tuple[int, ...]]:
    """The order in which the gallery grows, and the sizes that are told."""
    if task.distractors is not None and not detections:
        steps = [0, *(digit * 10**power for power in range(3, 7) for digit in (1, 2, 5))]
        sizes = [task.distractors + step for step in steps]
        growth = np.arange(entries)
    else:
        sizes = [10**power for power in range(1, 8)]
        growth = np.random.default_rng(0).permutation(entries)
    return growth.astype(np.int64), (*(size for size in sizes if size < entries), entries)


def _scores(sides: Sides) -> Iterator[NDArray[np.float32]]:
    """Query by query, float32 (entries,); -inf for an entry without a vector."""
    widest = max(1, len(sides.gallery))
    start = 0
    while start < len(sides.query_rows):
        end, held = start, 0
        while end < len(sides.query_rows) and (
            end == start or (held + len(sides.query_rows[end])) * widest <= _SCORES
        ):
            held += len(sides.query_rows[end])
            end += 1
        some = np.concatenate(sides.query_rows[start:end]).astype(np.int64)
        asked = sides.queries[some].astype(np.float64)
        by_row = np.empty((len(some), len(sides.gallery)), np.float32)
        for block in range(0, len(sides.gallery), _ROWS):
            part = sides.gallery[block : block + _ROWS].astype(np.float64)
            by_row[:, block : block + _ROWS] = asked @ part.T
        at = 0
        for rows in sides.query_rows[start:end]:
            score = np.full(sides.entries, -np.inf, np.float32)
            if len(rows) and len(sides.starts):
                best = by_row[at : at + len(rows)].max(axis=0)
                score[sides.ranked] = np.maximum.reduceat(best, sides.starts)
            at += len(rows)
            yield score
        start = end


def _first(score: NDArray[np.float32], is_right: NDArray[np.bool_]) -> Places:
    """The first entries of a ranking."""
    count = min(DEPTH, int(np.isfinite(score).sum()))
    if not count:
        return np.empty(0, np.int64)
    least = np.partition(score, len(score) - count)[len(score) - count]
    near = np.flatnonzero(score >= least)
    return near[np.lexsort((near, is_right[near], -score[near]))][:count]
