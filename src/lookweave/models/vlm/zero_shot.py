"""A describer made of an image-text encoder: vectors of garments against vectors of sentences."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from lookweave.errors import ModelError
from lookweave.models.card import Card
from lookweave.models.protocols import Crop, Description, Vectors
from lookweave.taxonomy import ATTRIBUTES

TEMPLATES = "zero_shot_v1"
"""The shipped sentences; part of the key of every row that was made with them."""

TEMPERATURE = 0.01
"""What CLIP's and SigLIP's similarities are divided by before the softmax: both were trained
with a learned scale of about 100."""

_APPLIES: dict[str, frozenset[str]] = {
    "sleeve": frozenset({"top", "shirt", "knitwear", "jacket", "coat", "dress", "jumpsuit"}),
    "neckline": frozenset(
        {"top", "shirt", "knitwear", "jacket", "coat", "vest", "dress", "jumpsuit"}
    ),
    "length": frozenset({"coat", "dress", "jumpsuit", "skirt"}),
}
"""Attributes that only some categories have: a softmax would answer for a bag's sleeves too."""


class ImageTextEncoder(Protocol):
    """An encoder of images and of text into one space."""

    dimension: int

    def encode(self, crops: list[Crop]) -> Vectors:
        """Unit vectors, float32 (len(crops), dimension)."""
        ...

    def encode_text(self, texts: list[str]) -> Vectors:
        """Unit vectors, float32 (len(texts), dimension)."""
        ...


@dataclass(frozen=True)
class Templates:
    """Sentences for each attribute and how its words are said in them."""

    sentences: dict[str, list[str]]
    spoken: dict[str, dict[str, str]]

    def say(self, attribute: str, word: str) -> list[str]:
        """The sentences that stand for a word of the taxonomy."""
        spoken = self.spoken.get(attribute, {}).get(word, word)
        return [sentence.replace("{word}", spoken) for sentence in self.sentences[attribute]]


def load_templates(name: str = TEMPLATES) -> Templates:
    """The shipped sentences of a version."""
    file = resources.files(__package__).joinpath("prompts", f"{name}.toml")
    table: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
    return Templates(table["templates"], table["spoken"])


class ZeroShotDescriber:
    """Says what an encoder's text vectors lie nearest to.

    Each attribute's distribution is a softmax over its words of the cosine between the garment
    and the word's vector, the mean of its sentences' vectors.

    Args:
        card: its setting ``encoder`` names the encoder's card; ``temperature`` may be set.
        models_dir: where the encoder's weights lie.
        encoder: the encoder itself, when it is loaded already.

    Raises:
        ModelError: the encoder cannot be loaded, or encodes no text.
    """

    def __init__(
        self, card: Card, models_dir: Path | None = None, encoder: ImageTextEncoder | None = None
    ) -> None:
        self._encoder = encoder or _load(card, models_dir)
        self._temperature = float(card.settings.get("temperature", TEMPERATURE))
        self._words = word_vectors(self._encoder, load_templates())

    def describe(self, crops: list[Crop]) -> list[Description | Exception]:
        """One description for each crop; this describer rejects none."""
        if not crops:
            return []
        vectors = self._encoder.encode(crops)
        said = {
            attribute: softmax(vectors @ words.T / self._temperature)
            for attribute, words in self._words.items()
        }
        return [
            self._one({name: rows[n] for name, rows in said.items()}) for n in range(len(crops))
        ]

    def _one(self, said: dict[str, Vectors]) -> Description:
        attributes = {
            name: dict(zip(ATTRIBUTES[name], row.tolist(), strict=True))
            for name, row in said.items()
        }
        category = attributes["category"]
        for name, has in _APPLIES.items():
            if sum(category[word] for word in has) < 0.5:
                del attributes[name]
        best = {name: max(values, key=values.__getitem__) for name, values in attributes.items()}
        pattern = "" if best["pattern"] in ("plain", "other") else f"{best['pattern']} "
        caption = f"{best['colours']} {pattern}{best['material']} {best['category']}"
        return Description(attributes=attributes, caption=caption)


def word_vectors(encoder: ImageTextEncoder, templates: Templates) -> dict[str, Vectors]:
    """Attribute -> one unit vector for each of its words, float32 (words, dimension)."""
    found = {}
    for attribute, words in ATTRIBUTES.items():
        said = [templates.say(attribute, word) for word in words]
        vectors = encoder.encode_text([sentence for sentences in said for sentence in sentences])
        means = vectors.reshape(len(words), -1, vectors.shape[1]).mean(axis=1)
        found[attribute] = means / np.linalg.norm(means, axis=1, keepdims=True)
    return found


def softmax(logits: Vectors) -> Vectors:
    """Rows that sum to 1, float32; the largest logit is taken off first against overflow."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Vectors = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
    return shares


def _load(card: Card, models_dir: Path | None) -> ImageTextEncoder:
    if card.made_of is None or not card.made_of.text:
        raise ModelError(f"{card.name} is made of no encoder that encodes text as well as images.")
    encoder: ImageTextEncoder = card.made_of.load(models_dir)
    return encoder
