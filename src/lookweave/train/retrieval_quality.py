"""Cut-out to scene retrieval: does an encoder find the garment a changed cut-out came from?"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from lookweave.matching.recall import best_rank, summary
from lookweave.train.failures import Failure, Failures
from lookweave.train.garment_crops import Garment, prepare_crop
from lookweave.train.garment_views import TEST_STRENGTH, garment_view
from lookweave.train.product_photos import Pixels
from lookweave.train.running import sample_generator

Embed = Callable[[Sequence[Pixels]], NDArray[np.float32]]


def retrieval_scores(
    queries: NDArray[np.float32], gallery: NDArray[np.float32]
) -> dict[str, float]:
    """R@1, R@5, R@10, MRR and R@1's 95% interval; query i's only right answer is gallery row i."""
    return _scores(queries @ gallery.T, np.eye(len(queries), len(gallery), dtype=bool))


def identity_scores(
    queries: NDArray[np.float32], query_names: Sequence[str], gallery: NDArray[np.float32],
    gallery_names: Sequence[str],
) -> dict[str, float]:  # fmt: skip
    """The same where any gallery row of the query's name is right, and the best of them counts."""
    same = np.asarray(query_names)[:, None] == np.asarray(gallery_names)[None]
    return _scores(queries @ gallery.T, same)


def retrieval_failures(
    queries: Sequence[Pixels], query_names: Sequence[str], gallery: Sequence[Pixels],
    gallery_names: Sequence[str], similarity: NDArray[np.float32],
) -> Failures:  # fmt: skip
    """The queries whose nearest gallery crop has another name: query, nearest and right one below
    each other. The more alike the wrong one is than the right one, the more a failure weighs.

    Args:
        queries, gallery: uint8 (side, side, 3) each.
        similarity: float32 (queries, gallery).
    """
    failures: list[Failure] = []
    names = np.asarray(gallery_names)
    for name, pixels, row in zip(query_names, queries, similarity, strict=True):
        nearest = int(row.argmax())
        right = int(np.where(names == name, row, -np.inf).argmax())
        if names[nearest] != name:
            rank = 1 + int(((row > row[right]) & (names != name)).sum())
            shown = np.vstack([pixels, gallery[nearest], gallery[right]])
            caption = f"asked, found first,\nright (place {rank})"
            failures.append(Failure(shown, caption, float(row[nearest] - row[right])))
    return Failures("garments whose nearest neighbour is another", len(queries), failures)


def _scores(similarity: NDArray[np.float32], right: NDArray[np.bool_]) -> dict[str, float]:
    rows = zip(similarity, right, strict=True)
    ranks = np.array([best_rank(scores, np.flatnonzero(same)) for scores, same in rows])
    found = summary(ranks, similarity.shape[1])
    low, high = found.pop("ci95")["R@1"]
    shares = {"R@1": found["R@1"], "R@1_low": low, "R@1_high": high, **found}
    whole = ("n", "gallery")
    return {name: one if name in whole else round(one, 4) for name, one in shares.items()}


def retrieval_crops(
    garments: Sequence[Garment], side: int, seed: int = 0
) -> tuple[list[Pixels], list[Pixels]]:
    """Queries: each garment cut out and changed at TEST_STRENGTH. Gallery: each in its scene."""
    queries = [
        garment_view(garment, True, side, TEST_STRENGTH, sample_generator(seed, 0, place))
        for place, garment in enumerate(garments)
    ]
    gallery = [prepare_crop(garment.pixels, garment.mask, side) for garment in garments]
    return queries, gallery


def neighbour_accuracy(
    train: NDArray[np.float32], train_labels: Sequence[str], test: NDArray[np.float32],
    test_labels: Sequence[str], neighbours: int = 10,
) -> float:  # fmt: skip
    """The share of test rows whose nearest train rows agree on their label."""
    nearest = np.argsort(-(test @ train.T), axis=1)[:, :neighbours]
    labels = np.asarray(train_labels)
    voted = []
    for row in nearest:
        names, counts = np.unique(labels[row], return_counts=True)
        voted.append(names[counts.argmax()])
    return float(np.mean(np.asarray(voted) == np.asarray(test_labels)))
