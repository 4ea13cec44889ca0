"""The truth of words about labelled garments, and the measures of text search."""

from __future__ import annotations

import pytest

pytest.importorskip("cv2", reason="needs cv2: install lookweave[train]")

import numpy as np

from lookweave.models.embedded.words import COLOUR_CONCEPTS, CONCEPTS
from lookweave.train.describer_quality import CLASS_NAMES, calibration_error, class_probabilities
from lookweave.train.labelled_crops import CropTable
from lookweave.train.word_quality import precision_at, query_text
from lookweave.train.word_truth import sleeve_truth, together, word_truth

ROWS = [
    ("mask", "blazer", "red"),
    ("mask", "t-shirt", "blue"),
    ("mask", "suit", "black"),
    ("product", "longsleeve", "red"),
    ("product", "pants", "navy"),
    ("mask", "jeans", "navy"),
    ("mask", "shoes", "black"),
]


def table_of(rows: list[tuple[str, str, str]]) -> CropTable:
    count = len(rows)
    shares = np.full((count, len(COLOUR_CONCEPTS)), 0.02, np.float32)
    for row, (_, _, colour) in enumerate(rows):
        shares[row, COLOUR_CONCEPTS.index(colour)] = 0.7
    nothing = np.zeros((count, 4), np.float32)
    sources, labels, _ = (np.array(column) for column in zip(*rows, strict=True))
    same = np.full(count, "train")
    return CropTable(
        nothing, nothing, nothing, shares, nothing, nothing, labels, sources, same, labels
    )


@pytest.mark.parametrize(
    ("concept", "expected"),
    [
        ("jacket", [1, -1, 0, -1, -1, -1, -1]),
        ("top", [-1, 1, -1, 0, -1, -1, -1]),
        ("pants", [-1, -1, 0, -1, 1, 0, -1]),
        ("jeans", [-1, -1, -1, -1, 0, 1, -1]),
        ("boots", [-1, -1, -1, -1, -1, -1, 0]),
        ("red", [1, -1, -1, 1, -1, -1, -1]),
        ("long-sleeved", [1, -1, 0, 1, -1, -1, -1]),
    ],
)
def test_labels_say_yes_no_or_nothing(concept: str, expected: list[int]) -> None:
    truth = word_truth(table_of(ROWS))
    assert truth[CONCEPTS.index(concept)].tolist() == expected


def test_a_conjunction_is_as_true_as_its_weakest_word() -> None:
    truth = word_truth(table_of(ROWS))
    assert together(truth, ["navy", "jeans"]).tolist() == [-1, -1, -1, -1, 0, 1, -1]
    assert sleeve_truth(table_of(ROWS)).tolist() == [1, -1, 0, 1, 0, 0, 0]


def test_precision_counts_as_many_as_there_are() -> None:
    scores = np.array([0.9, 0.1, 0.8, 0.4], np.float32)
    assert precision_at(scores, np.array([True, False, False, True])) == 0.5
    assert precision_at(scores, np.array([True, True, True, True]), top=2) == 1.0


def test_queries_read_like_a_person_wrote_them() -> None:
    assert query_text(("dress", "red")) == "red dress"


def test_calibration_error_of_known_bins() -> None:
    confidence = np.array([0.95, 0.95, 0.55, 0.55], np.float32)
    right = np.array([True, True, True, False])
    assert calibration_error(confidence, right) == pytest.approx(0.5 * 0.05 + 0.5 * 0.05, abs=1e-6)


def test_sleeves_tell_t_shirts_from_longsleeves() -> None:
    from lookweave.taxonomy import CATEGORIES

    categories = np.zeros((2, len(CATEGORIES)), np.float32)
    categories[:, CATEGORIES.index("top")] = 0.6
    categories[:, CATEGORIES.index("shirt")] = 0.4
    given = class_probabilities(categories, np.array([0.9, 0.1], np.float32))
    assert [CLASS_NAMES[place] for place in given.argmax(axis=1)] == ["longsleeve", "t-shirt"]
    assert given.sum(axis=1) == pytest.approx(1.0)
