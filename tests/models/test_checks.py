"""What a model gives is held against its protocol, and the model named that breaks it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lookweave.errors import ModelError, Rejected
from lookweave.models.card import Card
from lookweave.models.checks import (
    check_descriptions,
    check_detections,
    check_tokens,
    check_vectors,
)
from lookweave.models.protocols import Description, Detection, Tokens
from lookweave.taxonomy import CATEGORIES

ENCODER = Card("theirs", "encoder", licence="MIT", dimension=2, offered_by="their-package")
DETECTOR = Card("theirs", "detector", licence="MIT")
DESCRIBER = Card("theirs", "describer", licence="MIT")


def test_unit_vectors_pass_as_they_are() -> None:
    vectors = np.float32([[1, 0], [0.6, 0.8]])
    assert check_vectors(ENCODER, vectors, 2) is vectors
    assert check_vectors(ENCODER, np.empty((0, 2), np.float32), 0).shape == (0, 2)


@pytest.mark.parametrize(
    ("vectors", "words"),
    [
        ([[1.0, 0.0], [0.0, 1.0]], "a list in place of a float32 array"),
        (np.eye(2), "an array of float64"),
        (np.float32([[1, 0]]), r"shape \(1, 2\) in place of \(2, 2\)"),
        (np.eye(3, dtype=np.float32)[:2], r"shape \(2, 3\)"),
        (np.float32([[1, 0], [3, 4]]), "of length 5 in place of 1"),
        (np.float32([[1, 0], [0, 0]]), "of length 0"),
        (np.float32([[1, 0], [np.nan, 0]]), "of length nan"),
        (np.float32([[np.inf, 0], [1, 0]]), "of length inf"),
    ],
)
def test_vectors_of_another_kind_are_told(vectors: Any, words: str) -> None:
    with pytest.raises(ModelError, match=f"theirs of the package their-package gave .*{words}"):
        check_vectors(ENCODER, vectors, 2)


TOKENS = Tokens(np.full((3, 2), 8, np.int8), np.zeros((3, 2), np.uint8))


def test_tokens_pass_as_they_are() -> None:
    assert check_tokens(ENCODER, [TOKENS, TOKENS], 2) == [TOKENS, TOKENS]
    assert check_tokens(ENCODER, [], 0) == []


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        ([TOKENS], "1 answers for 2 crops"),
        ([TOKENS, TOKENS.values], "an array of int8 in place of Tokens"),
        ([TOKENS, Tokens(TOKENS.values[:, :1], TOKENS.places)], r"tokens of shape \(3, 1\)"),
        ([TOKENS, Tokens(TOKENS.values.astype(np.float32), TOKENS.places)], "type float32"),
        ([TOKENS, Tokens(TOKENS.values, TOKENS.places[:2])], r"places of shape \(2, 2\)"),
        ([TOKENS, Tokens(TOKENS.values[:0], TOKENS.places[:0])], "0 tokens of one region"),
    ],
)
def test_tokens_of_another_kind_are_told(tokens: Any, words: str) -> None:
    with pytest.raises(ModelError, match=f"theirs of the package their-package gave .*{words}"):
        check_tokens(ENCODER, tokens, 2)


GOOD = Detection(
    (0.0, 1.0, 5.0, 6.0), 0.5, "dress", np.full(len(CATEGORIES), 1 / len(CATEGORIES), np.float32),
    np.zeros((4, 4), np.uint8),
)  # fmt: skip


def test_detections_pass_as_they_are() -> None:
    given = [[GOOD], []]
    assert check_detections(DETECTOR, given, 2) is given


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([[]], "1 answers for 2 photos"),
        (None, "a NoneType answers for 2 photos"),
        ([[], [(1, 2, 3, 4)]], "a tuple in place of a Detection"),
        ([[], [Detection((0.0, 0.0, float("nan"), 1.0), 1.0)]], "gave the box"),
        ([[], [Detection((0.0, 0.0, 1.0), 1.0)]], "gave the box"),  # type: ignore[arg-type]
        ([[], [Detection((0.0, 0.0, 1.0, 1.0), float("nan"))]], "score nan"),
        ([[], [Detection((0.0, 0.0, 1.0, 1.0), 87.0)]], "score 87"),
        ([[], [Detection((0.0, 0.0, 1.0, 1.0), 1.0, "Kleid")]], "label 'Kleid'"),
        ([[], [Detection((0, 0, 1, 1), 1.0, None, np.ones(3, np.float32))]], r"shape \(3,\)"),
        ([[], [Detection((0, 0, 1, 1), 1.0, mask=np.ones((2, 2), bool))]], "type bool"),
    ],
)
def test_detections_of_another_kind_are_told(given: Any, words: str) -> None:
    with pytest.raises(ModelError, match=f"The model theirs gave .*{words}|{words}"):
        check_detections(DETECTOR, given, 2)


def test_descriptions_and_rejects_pass_as_they_are() -> None:
    given = [Description({"category": {"dress": 1.0}}), Rejected("no_garment", "nothing")]
    assert check_descriptions(DESCRIBER, given, 2) is given


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([], "0 answers for 1 crops"),
        (["a dress"], "a str in place of a Description"),
        ([Description({"kategorie": {}})], "attribute 'kategorie'"),
        ([Description({"category": {"Kleid": 1.0}})], "'Kleid' as a value of category"),
        ([Description({"category": {"dress": float("nan")}})], "probabilities of category"),
        ([Description({"category": {"dress": -1.0}})], "probabilities of category"),
    ],
)
def test_descriptions_of_another_kind_are_told(given: Any, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        check_descriptions(DESCRIBER, given, 1)
