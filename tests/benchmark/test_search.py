"""Rankings and measures against plain arithmetic, and what must hold for every gallery."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lookweave.benchmark.content import Item, PhotoFile, Regions, Task
from lookweave.benchmark.search import lay_out, overlaps, search
from lookweave.benchmark.statistics import against, holm, measure
from lookweave.benchmark.vectors import ViewVectors, view_of
from lookweave.matching.recall import best_rank


def item(name: str, kind: str = "garment", **more: object) -> Item:
    return Item(PhotoFile(name, Path(name)), kind, **more)  # type: ignore[arg-type]


def views(
    items: list[Item], vectors: list[NDArray[np.float32]], regions: Regions = "whole"
) -> ViewVectors:
    """One or more vectors for each item."""
    rows, at = {}, 0
    for one, own in zip(items, vectors, strict=True):
        rows[view_of(one, regions)] = range(at, at + len(own))
        at += len(own)
    flat = np.concatenate(vectors)
    boxes = np.zeros((len(flat), 4), np.float32)
    return ViewVectors(flat, boxes, [None] * len(flat), np.ones(len(flat), np.float32), rows, {})


def of_angles(*degrees: float) -> NDArray[np.float32]:
    turned = np.radians(np.array(degrees))
    return np.stack([np.cos(turned), np.sin(turned)], 1).astype(np.float32)


def ranks_of(
    queries: list[NDArray[np.float32]], gallery: list[NDArray[np.float32]], right: list[list[int]]
) -> NDArray[np.float64]:
    asked = [item(f"q{at}") for at in range(len(queries))]
    offered = [item(f"g{at}") for at in range(len(gallery))]
    relevant = {"item": [np.array(row, np.int64) for row in right]}
    task = Task("t", asked, offered, relevant, "rule")
    sides = lay_out(task, "whole", views([*asked, *offered], [*queries, *gallery]))
    return search(sides)["item"].ranks[:, -1]


def test_the_best_pair_of_regions_counts() -> None:
    queries = [of_angles(0, 90), of_angles(200)]
    gallery = [of_angles(40), of_angles(170, 91), of_angles(20, 21, 22)]
    # From 0 or 90 it is 40, 1 and 20 degrees to the three; from 200 it is 160, 30 and 178.
    assert ranks_of(queries, gallery, [[1], [1]]).tolist() == [1, 1]
    assert ranks_of(queries, gallery, [[2], [2]]).tolist() == [2, 3]
    assert ranks_of(queries, gallery, [[0, 2], [0, 2]]).tolist() == [2, 2]


def test_ties_never_favour_the_query() -> None:
    same = of_angles(10)
    assert ranks_of([same], [same, same, same, of_angles(90)], [[0]]).tolist() == [3]
    assert ranks_of([same], [same, same, same, of_angles(90)], [[0, 1]]).tolist() == [2]


def test_what_has_no_region_is_a_miss() -> None:
    nothing = np.empty((0, 2), np.float32)
    assert ranks_of([nothing, of_angles(0)], [of_angles(0), nothing], [[0], [1]]).tolist() == [np.inf, np.inf]  # fmt: skip


VECTORS = st.lists(st.integers(0, 11), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(VECTORS, st.integers(0, 11), st.randoms(use_true_random=False))
def test_the_gallery_s_order_changes_nothing(angles: list[int], query: int, random: object) -> None:
    order = list(range(len(angles)))
    random.shuffle(order)  # type: ignore[attr-defined]
    gallery = [of_angles(30.0 * angle) for angle in angles]
    before = ranks_of([of_angles(30.0 * query)], gallery, [[0]])
    after = ranks_of([of_angles(30.0 * query)], [gallery[at] for at in order], [[order.index(0)]])
    assert before.tolist() == after.tolist()


@settings(max_examples=60, deadline=None)
@given(VECTORS, VECTORS, st.integers(0, 11))
def test_distractors_never_help(angles: list[int], more: list[int], query: int) -> None:
    gallery = [of_angles(30.0 * angle) for angle in angles]
    further = [of_angles(30.0 * angle) for angle in more]
    asked = [of_angles(30.0 * query)]
    assert ranks_of(asked, gallery, [[0]])[0] <= ranks_of(asked, gallery + further, [[0]])[0]


@settings(max_examples=60, deadline=None)
@given(VECTORS, st.integers(0, 11), st.integers(1, 4))
def test_a_rank_is_that_of_evaluation(angles: list[int], query: int, right: int) -> None:
    own = list(range(min(right, len(angles))))
    asked, gallery = of_angles(30.0 * query), of_angles(*(30.0 * angle for angle in angles))
    score = (asked.astype(np.float64) @ gallery.T.astype(np.float64))[0].astype(np.float32)
    found = ranks_of([asked], [row[None] for row in gallery], [own])
    assert found.tolist() == [best_rank(score, np.array(own))]


def test_the_curve_falls_and_ends_at_the_whole_gallery() -> None:
    random = np.random.default_rng(3)
    vectors = random.normal(size=(1300, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    asked = [item(f"q{at}") for at in range(40)]
    offered = [item(f"g{at}") for at in range(1260)]
    relevant = {"item": [np.array([at], np.int64) for at in range(40)]}
    known = views([*asked, *offered], [row[None] for row in vectors])
    whole = search(lay_out(Task("t", asked, offered, relevant, "rule"), "whole", known))["item"]
    assert whole.ranks.shape == (40, 4)  # 10, 100, 1,000 and all
    assert np.all(np.diff(whole.ranks, axis=1) >= 0)
    scores = vectors[:40].astype(np.float64) @ vectors[40:].T.astype(np.float64)
    own = scores[np.arange(40), np.arange(40)]
    assert whole.ranks[:, -1].tolist() == ((scores >= own[:, None]).sum(1)).tolist()
    assert [row.tolist() for row in whole.lists] == np.argsort(-scores, axis=1)[:, :100].tolist()
    # With distractors named, the first size is the gallery without them.
    sides = lay_out(Task("t", asked, offered, relevant, "rule", distractors=40), "whole", known)
    assert sides.sizes == (40, 1040, 1260)
    grown = search(sides)["item"]
    assert grown.ranks[:, 0].tolist() == ((scores[:, :40] >= own[:, None]).sum(1)).tolist()


def test_measures_are_their_definitions() -> None:
    gallery = [of_angles(angle) for angle in (10, 20, 30, 40, 50)]
    asked = [item("q0"), item("q1"), item("q2")]
    offered = [item(f"g{at}") for at in range(5)]
    right = [np.array([1, 3]), np.array([0]), np.array([], np.int64)]
    task = Task("t", asked, offered, {"item": right}, "rule")
    known = views([*asked, *offered], [of_angles(0), of_angles(60), of_angles(0), *gallery])
    sides = lay_out(task, "whole", known)
    found = measure(search(sides)["item"], right, np.zeros(3, np.int64), (1, 2, 5))
    assert found["R@1"].tolist() == [0, 0, 0]
    assert found["R@2"].tolist() == [1, 0, 0]
    assert found["R@5"].tolist() == [1, 1, 0]
    assert found["MRR"] == pytest.approx([1 / 2, 1 / 5, 0])
    assert found["mAP"] == pytest.approx([(1 / 2 + 2 / 4) / 2, 1 / 5, 0])
    # A right photo that is not in the gallery is not found, and halves the average precision.
    short = measure(search(sides)["item"], right, np.array([0, 1, 0]), (1,))
    assert short["mAP"] == pytest.approx([1 / 2, 1 / 10, 0])


def deepfashion2_task() -> tuple[Task, ViewVectors]:
    """A query item beside another one in its photo, two shop items in one photo."""
    own, other = (0.0, 0.0, 10.0, 10.0), (0.0, 20.0, 10.0, 30.0)
    both = {"kind": "look", "boxes": (own, other)}
    asked = [
        item("look", box=own, wanted=frozenset({"dress"}), **both),  # type: ignore[arg-type]
        item("look", box=other, wanted=frozenset({"skirt"}), **both),  # type: ignore[arg-type]
    ]
    offered = [item("shop", box=own), item("shop", box=other)]
    relevant = {"item": [np.array([0]), np.array([1])]}
    task = Task("v", asked, offered, relevant, "rule", regions="found", detections=True)
    boxes = np.array([
        [0, 0, 9, 9], [0, 0, 10, 10], [1, 1, 10, 10], [0, 21, 10, 30],  # in the look
        [0, 0, 10, 9], [0, 0, 10, 4], [40, 40, 50, 50],  # in the shop's photo
    ], np.float32)  # fmt: skip
    labels: list[str | None] = ["dress", "coat", "dress", "dress", "dress", None, None]
    scores = np.array([0.5, 0.9, 0.7, 0.9, 1, 1, 1], np.float32)
    vectors = of_angles(80, 0, 10, 45, 10, 9, 90)
    rows = {view_of(asked[0], "found"): range(4), view_of(offered[0], "found"): range(4, 7)}
    return task, ViewVectors(vectors, boxes, labels, scores, rows, {})


def test_deepfashion2_s_rule() -> None:
    task, known = deepfashion2_task()
    sides = lay_out(task, "found", known)
    # For the dress: the coat is of another category, the dress further down belongs to the other
    # item; of the two that are left the more confident (10 degrees) asks.
    assert [len(rows) for rows in sides.query_rows] == [1, 0]
    assert sides.queries.tolist() == of_angles(10).tolist()
    # Every detection is in the gallery; one with an overlap of .4 is nobody's.
    assert sides.entries == 3
    assert sides.relevant["item"][0].tolist() == [0]
    assert sides.relevant["item"][1].tolist() == []
    assert sides.lost["item"].tolist() == [0, 1]
    assert search(sides)["item"].ranks.tolist() == [[1.0], [np.inf]]


def test_overlaps() -> None:
    boxes = np.array([[0, 0, 2, 2], [5, 5, 5, 5]], np.float32)
    assert overlaps(boxes, [(1, 0, 3, 2), (0, 0, 2, 2)]).tolist() == [[1 / 3, 1.0], [0.0, 0.0]]


def test_comparisons_are_exact() -> None:
    one = np.array([1.0] * 5 + [0.0] * 10 + [1.0] * 3)
    two = np.array([1.0] * 5 + [1.0] * 8 + [0.0] * 2 + [0.0] * 3)
    # 8 gained, 3 lost: twice the chance of at most 3 of 11 heads.
    assert against(one, two) == {"gained": 8, "lost": 3, "p": pytest.approx(2 * 232 / 2048)}
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []


def test_a_query_s_category_chooses_its_regions() -> None:
    asked = [item(f"q{at}", "look", wanted=frozenset({"dress"})) for at in range(2)]
    offered = [item("g0"), item("g1")]
    relevant = {"item": [np.array([0]), np.array([0])]}
    task = Task("t", asked, offered, relevant, "rule", regions="found")
    everything = [*asked, *offered]
    known = views(everything, [of_angles(0, 50, 91), of_angles(0), of_angles(10), of_angles(90)], "found")  # fmt: skip
    known.labels[:4] = ["coat", "dress", None, "coat"]
    sides = lay_out(task, "found", known)
    # The coat does not ask; what has no category does; a query without a dress is a miss.
    assert [len(rows) for rows in sides.query_rows] == [2, 0]
    assert search(sides)["item"].ranks[:, -1].tolist() == [2.0, np.inf]
