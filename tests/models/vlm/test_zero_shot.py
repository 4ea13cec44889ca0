"""Zero-shot description with an encoder whose space is known: one axis for each spoken word."""

from __future__ import annotations

import numpy as np
import pytest

from lookweave.models.card import Card, with_settings
from lookweave.models.protocols import Crop, Description, Vectors
from lookweave.models.vlm.cards import zero_shot
from lookweave.models.vlm.zero_shot import (
    ZeroShotDescriber,
    load_templates,
    softmax,
    word_vectors,
)
from lookweave.taxonomy import ATTRIBUTES

ENCODER = Card(
    name="tiny", task="encoder", factory="x:Y", licence="MIT", source="hub:o/n", good_for="tests",
    text=True,
)  # fmt: skip


class OneAxisPerWord:
    """Text lies on the axes of its words, an image on those that its first pixels number."""

    def __init__(self) -> None:
        sentences = [
            sentence
            for attribute, words in ATTRIBUTES.items()
            for word in words
            for sentence in load_templates().say(attribute, word)
        ]
        self.vocabulary = sorted({word for s in sentences for word in self._split(s)})
        self.dimension = len(self.vocabulary)

    @staticmethod
    def _split(sentence: str) -> list[str]:
        return sentence.lower().strip(".").split()

    def encode_text(self, texts: list[str]) -> Vectors:
        return self._unit([[self.vocabulary.index(w) for w in self._split(t)] for t in texts])

    def encode(self, crops: list[Crop]) -> Vectors:
        return self._unit([[int(axis) for axis in crop.photo[0, :, 0]] for crop in crops])

    def _unit(self, axes: list[list[int]]) -> Vectors:
        vectors = np.zeros((len(axes), self.dimension), np.float32)
        for row, places in enumerate(axes):
            vectors[row, places] = 1.0
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def crop_of(self, *words: str) -> Crop:
        photo = np.zeros((1, len(words), 3), np.uint8)
        photo[0, :, 0] = [self.vocabulary.index(word) for word in words]
        return Crop(photo, (0, 0, len(words), 1))


@pytest.fixture(scope="module")
def encoder() -> OneAxisPerWord:
    return OneAxisPerWord()


def test_it_says_what_the_image_lies_nearest_to(encoder: OneAxisPerWord) -> None:
    describer = ZeroShotDescriber(zero_shot(ENCODER), encoder=encoder)
    [dress, bag] = describer.describe(
        [encoder.crop_of("dress", "red", "floral", "silk"), encoder.crop_of("bag", "black", "fur")]
    )
    assert isinstance(dress, Description) and isinstance(bag, Description)
    assert dress.caption == "red floral silk dress"
    for values in dress.attributes.values():
        assert sum(values.values()) == pytest.approx(1.0, abs=1e-4)
    assert "sleeve" in dress.attributes
    assert not {"sleeve", "length", "neckline"} & set(bag.attributes)


def test_batches_equal_one_by_one(encoder: OneAxisPerWord) -> None:
    describer = ZeroShotDescriber(zero_shot(ENCODER), encoder=encoder)
    crops = [encoder.crop_of(word, "blue") for word in ("dress", "bag", "coat")]
    assert describer.describe(crops) == [describer.describe([crop])[0] for crop in crops]
    assert describer.describe([]) == []


def test_a_higher_temperature_is_less_sure(encoder: OneAxisPerWord) -> None:
    crop = encoder.crop_of("dress", "red", "floral", "silk")
    sure = [
        ZeroShotDescriber(with_settings(zero_shot(ENCODER), temperature=t), encoder=encoder)
        .describe([crop])[0]
        .attributes["category"]["dress"]  # type: ignore[union-attr]
        for t in (0.01, 0.1, 1.0)
    ]
    assert sure[0] > sure[1] > sure[2] > 1 / len(ATTRIBUTES["category"])


def test_a_words_vector_is_the_mean_of_its_sentences(encoder: OneAxisPerWord) -> None:
    templates = load_templates()
    vectors = word_vectors(encoder, templates)
    mean = encoder.encode_text(templates.say("category", "jeans")).mean(axis=0)
    got = vectors["category"][ATTRIBUTES["category"].index("jeans")]
    np.testing.assert_allclose(got, mean / np.linalg.norm(mean), rtol=1e-5)
    assert all("pair of jeans" in sentence for sentence in templates.say("category", "jeans"))


def test_templates_cover_the_taxonomy_and_say_nothing_else() -> None:
    templates = load_templates()
    assert templates.sentences.keys() == ATTRIBUTES.keys()
    for attribute, words in templates.spoken.items():
        assert words.keys() <= set(ATTRIBUTES[attribute])


def test_softmax_takes_large_logits() -> None:
    np.testing.assert_allclose(softmax(np.array([[1e4, 0.0]], np.float32)), [[1.0, 0.0]])


def test_the_card_follows_its_encoder() -> None:
    card = zero_shot(ENCODER)
    assert (card.task, card.name, card.licence) == ("describer", "tiny-zero-shot", "MIT")
    assert card.key != zero_shot(with_settings(ENCODER, pooling="mean")).key
