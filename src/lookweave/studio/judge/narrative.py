"""Words against the picture: each thing that a text claims of the garments, through the embedded
text tower.

A cosine by itself says little. A claim counts as far as the picture fits the text better than the
same text with that one word replaced: "red dress" against "blue dress", "red skirt" and so on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lookweave.models.embedded.words import (
    COLOUR_CONCEPTS,
    CONCEPTS,
    KINDS_OF,
    SLEEVE_CONCEPTS,
)
from lookweave.models.protocols import Vectors
from lookweave.studio.judge.identity import encoder
from lookweave.studio.judge.rows import Measure, measured, unmeasured
from lookweave.taxonomy import CATEGORIES

_KINDS: tuple[tuple[str, ...], ...] = (
    (*CATEGORIES, *KINDS_OF), tuple(COLOUR_CONCEPTS), tuple(SLEEVE_CONCEPTS),
)  # fmt: skip
_UNIT = "share of other words that fit worse, mean of the claims"


@dataclass(frozen=True)
class Claim:
    """One concept of a text.

    Attributes:
        concept: of the text tower.
        share: of the concepts of its kind that fit the picture worse in its place, 0..1.
    """

    concept: str
    share: float


def claims_of(text: str, regions: Vectors) -> tuple[list[Claim], tuple[str, ...]]:
    """What `text` claims and how far the best of `regions` (n, dimension) bears it out; and the
    words that the tower does not read."""
    tower: Any = encoder()
    reading = tower.reading(text)
    concepts = list(reading.concepts)
    found = []
    for place, concept in enumerate(concepts):
        kind = next(names for names in _KINDS if concept in names)
        others = [name for name in kind if name != concept and name not in concepts]
        texts = [" ".join(concepts)]
        texts += [" ".join([*concepts[:place], other, *concepts[place + 1 :]]) for other in others]
        fits = regions @ tower.encode_text(texts).T
        best = fits[int(np.argmax(fits[:, 0]))]
        found.append(Claim(concept, float((best[1:] < best[0]).mean())))
    return found, tuple(reading.unread)


def rows(text: str, regions: Vectors) -> list[Measure]:
    """How far the picture bears out the words; mood and story have no probe."""
    if not text.strip():
        return [unmeasured("text", "words and picture", _UNIT, "no words were given")]
    if not len(regions):
        return [unmeasured("text", "words and picture", _UNIT, "no garment was found")]
    claims, unread = claims_of(text, regions)
    left = f"not read: {', '.join(unread)}" if unread else ""
    if not claims:
        note = left or "nothing that the text tower reads"
        return [unmeasured("text", "words and picture", _UNIT, note)]
    told = {one.concept: round(one.share, 2) for one in claims}
    mean = float(np.mean([one.share for one in claims]))
    shown = ", ".join(f"{name} {share:g}" for name, share in told.items())
    return [measured("text", "words and picture", _UNIT, 1.0, round(mean, 3), 1 - mean,
                     "; ".join(part for part in (shown, left) if part))]  # fmt: skip


assert all(any(name in kind for kind in _KINDS) for name in CONCEPTS)
