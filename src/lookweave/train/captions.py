"""What a catalogue would say of a batch of garments, and of which of them it is true."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from lookweave.models.embedded.words import COLOUR_CONCEPTS, CONCEPTS, SLEEVE_CONCEPTS
from lookweave.train.word_truth import Truth

KIND_CHANCE, COLOUR_CHANCE, SLEEVE_CHANCE = 0.85, 0.6, 0.3
"""How often a caption names each, where it is known. All three, and any of them alone, occur."""

_ORDERS = ("{colour} {sleeve} {kind}", "{sleeve} {colour} {kind}", "{kind}, {colour}, {sleeve}")


def caption_of(truth: NDArray[np.int8], random: Generator) -> tuple[str, ...]:
    """Concepts to name of one garment, `truth` (concepts,); empty when nothing is known of it."""
    known = [name for name, value in zip(CONCEPTS, truth, strict=True) if value == 1]
    colours = [name for name in known if name in COLOUR_CONCEPTS]
    sleeves = [name for name in known if name in SLEEVE_CONCEPTS]
    kinds = [name for name in known if name not in colours and name not in sleeves]
    named = [
        str(random.choice(some))
        for some, chance in (
            (kinds, KIND_CHANCE), (colours, COLOUR_CHANCE), (sleeves, SLEEVE_CHANCE),
        )
        if random.random() < chance and some
    ]  # fmt: skip
    return tuple(named or known[:1])


def spoken(concepts: Sequence[str], random: Generator) -> str:
    """The concepts as a text, in one of several orders.

    >>> spoken(("dress",), np.random.default_rng(0))
    'dress'
    """
    colour = " ".join(name for name in concepts if name in COLOUR_CONCEPTS)
    sleeve = " ".join(name for name in concepts if name in SLEEVE_CONCEPTS)
    kind = " ".join(name for name in concepts if name not in (colour, sleeve))
    order = _ORDERS[int(random.integers(len(_ORDERS)))]
    text = order.format(colour=colour, sleeve=sleeve, kind=kind)
    return " ".join(text.replace(", ,", ",").split()).strip(" ,")


def captions(truth: Truth, random: Generator) -> tuple[list[str], Truth]:
    """A caption for each garment of a batch, said once, and what it is of each garment.

    Args:
        truth: int8 (concepts, n).

    Returns:
        m <= n texts, and int8 (m, n): 1 true, -1 not true, 0 not known.
    """
    said = dict.fromkeys(caption_of(column, random) for column in truth.T)
    named = [names for names in said if names]
    places = [[CONCEPTS.index(name) for name in names] for names in named]
    signs = [truth[rows].min(axis=0) for rows in places]
    texts = [spoken(names, random) for names in named]
    return texts, np.array(signs, np.int8).reshape(len(texts), truth.shape[1])
