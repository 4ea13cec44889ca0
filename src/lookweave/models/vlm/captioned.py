"""Attributes out of a free caption, for models that caption and do not answer questions."""

from __future__ import annotations

import re

from lookweave.errors import Rejected
from lookweave.models.protocols import Description, Vectors
from lookweave.taxonomy import ATTRIBUTES, CATEGORIES, SYNONYMS

# Words that describe people, places and photographs as readily as garments, or that stand for a
# value only beside another word ("long hair", "short skirt").
_AMBIGUOUS = {
    "sleeve": frozenset({"short", "long"}),
    "length": frozenset({"crop", "ankle"}),
    "neckline": frozenset({"round", "scoop"}),
    "pattern": frozenset({"plain", "other", "print", "check"}),
    "colours": frozenset({"rose", "tan", "gold", "silver"}),
    "category": frozenset({"flats", "top", "tops", "knit"}),
}
_PHRASES = {
    "sleeve": {r"long[- ]sleeves?d?": "long", r"short[- ]sleeves?d?": "short"},
    "neckline": {r"(?:round|crew)[- ]?neck(?:line)?": "crew", r"scoop(?:ed)? neck": "scoop"},
    "category": {r"(?:tank|crop|sleeveless|knitted|long-sleeved?) top": "top"},
}


def from_caption(caption: str, label_scores: Vectors | None = None) -> Description:
    """Read the taxonomy's words in a caption.

    Args:
        caption: one or more English sentences about a garment.
        label_scores: the detector's opinion over `CATEGORIES`; it decides where the caption
            names several garments or none.

    Raises:
        Rejected: the caption is empty, or neither it nor the detector names a category.
    """
    caption = " ".join(caption.split())
    if not caption:
        raise Rejected("empty_answer", "The model's caption is empty.")
    text = caption.lower()
    found = {attribute: _in_order(attribute, text) for attribute in ATTRIBUTES}
    category = _category(found["category"], label_scores)
    if category is None:
        raise Rejected("no_garment", f"The caption names no garment: {caption[:160]!r}.")
    attributes = {"category": category}
    if colours := found["colours"][:3]:
        attributes["colours"] = {word: 1.0 / len(colours) for word in colours}
    for attribute in ("pattern", "material", "sleeve", "length", "neckline"):
        if words := found[attribute]:
            attributes[attribute] = {words[0]: 1.0}
    return Description(attributes=attributes, caption=caption)


def _in_order(attribute: str, text: str) -> list[str]:
    """The taxonomy's words of an attribute that a text has, in the order of the text."""
    values = {word: word for word in ATTRIBUTES[attribute]} | SYNONYMS.get(attribute, {})
    patterns = {
        re.escape(form): word
        for form, word in values.items()
        if form not in _AMBIGUOUS.get(attribute, ())
    } | _PHRASES.get(attribute, {})
    places = [
        (found.start(), word)
        for pattern, word in patterns.items()
        for found in re.finditer(rf"\b(?:{pattern})\b", text)
    ]
    return list(dict.fromkeys(word for _, word in sorted(places)))


def _category(said: list[str], label_scores: Vectors | None) -> dict[str, float] | None:
    scores = dict.fromkeys(CATEGORIES, 0.0)
    if label_scores is not None and float(label_scores.sum()) > 0:
        total = float(label_scores.sum())
        scores = dict(zip(CATEGORIES, (label_scores / total).tolist(), strict=True))
    elif not said:
        return None
    if said:  # the detector chooses among the garments that the caption names
        first = max(said, key=lambda word: (scores[word], -said.index(word)))
        scores = {word: 0.5 * score for word, score in scores.items()}
        scores[first] += 1.0 - sum(scores.values())
    return scores
