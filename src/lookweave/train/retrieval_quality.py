"""Cut-out to scene retrieval: does an encoder find the garment a changed cut-out came from?"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

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
    similarity = queries @ gallery.T
    right = np.diag(similarity)[:, None]
    return _scores(1 + (similarity > right).sum(1), len(gallery))


def identity_scores(
    queries: NDArray[np.float32], query_names: Sequence[str], gallery: NDArray[np.float32],
    gallery_names: Sequence[str],
) -> dict[str, float]:  # fmt: skip
    """The same where any gallery row of the query's name is right, and the best of them counts."""
    similarity = queries @ gallery.T
    same = np.asarray(query_names)[:, None] == np.asarray(gallery_names)[None]
    right = np.where(same, similarity, -np.inf).max(1, keepdims=True)
    return _scores(1 + ((similarity > right) & ~same).sum(1), len(gallery))


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


def _scores(rank: NDArray[np.int64], gallery: int) -> dict[str, float]:
    hits = rank == 1
    random = np.random.default_rng(0)
    resampled = hits[random.integers(0, len(hits), (1000, len(hits)))].mean(1)
    low, high = np.quantile(resampled, [0.025, 0.975])
    return {
        "R@1": round(float(hits.mean()), 4),
        "R@1_low": round(float(low), 4),
        "R@1_high": round(float(high), 4),
        "R@5": round(float((rank <= 5).mean()), 4),
        "R@10": round(float((rank <= 10).mean()), 4),
        "MRR": round(float((1 / rank).mean()), 4),
        "n": len(rank),
        "gallery": gallery,
    }


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
