from __future__ import annotations

import numpy as np
import pytest

from lookweave.matching.captions import WIDTH, CaptionVectors
from lookweave.matching.vectors import Vectors

SENTENCES = [
    "A red floral midi dress with puff sleeves.",
    "a floral dress in red, puff sleeves, midi length",
    "A black leather jacket with a silver zip.",
    "A puff-sleeved dress, printed with roses.",
    "A black wool coat.",
]


def vectors(captions: list[str | None], counted: list[str] | None = None) -> Vectors:
    made = CaptionVectors()
    made.add(counted or SENTENCES)
    return made(captions)


def test_sentences_that_share_rare_words_are_near() -> None:
    likeness = vectors(list(SENTENCES)) @ vectors(list(SENTENCES)).T
    assert likeness[0, 1] > 0.7
    assert likeness[0, 3] > likeness[0, 2] + 0.1, "sleeves and sleeved share pieces"
    assert likeness[0, 2] < 0.45
    np.testing.assert_allclose(np.diag(likeness), 1.0, atol=1e-6)


def test_a_rare_word_weighs_more_than_a_common_one() -> None:
    counted = ["a dress"] * 50 + ["a tweed bag"]
    likeness = vectors(["tweed dress"], counted) @ vectors(["tweed", "dress"], counted).T
    assert likeness[0, 0] > likeness[0, 1] + 0.3


def test_no_caption_is_a_row_of_zeros() -> None:
    rows = vectors([None, "", "—", "red"])
    assert rows.shape == (4, WIDTH) and rows.dtype == np.float32
    assert not rows[:3].any()
    assert np.linalg.norm(rows[3]) == pytest.approx(1.0)


def test_a_row_depends_on_its_own_text_and_on_no_order() -> None:
    alone = np.concatenate([vectors([one]) for one in SENTENCES])
    np.testing.assert_array_equal(alone, vectors(list(SENTENCES), SENTENCES[::-1]))


def test_unrelated_captions_collide_seldom() -> None:
    random = np.random.default_rng(5)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    words = ["".join(random.choice(letters, 7)) for _ in range(4000)]
    captions: list[str | None] = [" ".join(words[at : at + 10]) for at in range(0, len(words), 10)]
    rows = vectors(captions, [caption or "" for caption in captions])
    likeness = rows @ rows.T
    np.fill_diagonal(likeness, 0.0)
    assert abs(likeness.mean()) < 0.01
    assert likeness.std() < 1.5 / np.sqrt(WIDTH)
