"""The words that the embedded text tower reads, and what each of them stands for.

A word is a concept, another word for one, a word without content, or unread. Only what the
training data shows has a concept: no pattern, material, length or neckline, for no photo that we
may train on is labelled with them. Order, negation and which word belongs to which are not read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lookweave.taxonomy import CATEGORIES, COLOURS, SYNONYMS

SHEENS = ("gold", "silver")  # not measured in a mask, see models/colour.py
COLOUR_CONCEPTS: tuple[str, ...] = tuple(name for name in COLOURS if name not in SHEENS)
SLEEVE_CONCEPTS = ("short-sleeved", "long-sleeved")

KINDS_OF: dict[str, str] = {
    "t-shirt": "top", "long-sleeved-top": "top", "blouse": "shirt",
    "sweater": "knitwear", "cardigan": "knitwear", "sweatshirt": "knitwear",
    "blazer": "jacket", "outerwear": "jacket", "cape": "coat",
    "leggings": "trousers", "pants": "trousers",
    "socks": "hosiery", "tights": "hosiery",
    "boots": "shoes", "heels": "shoes", "sandals": "shoes", "sneakers": "shoes",
    "flats": "shoes", "wedges": "shoes",
    "purse": "bag", "sunglasses": "eyewear", "glasses": "eyewear",
}  # fmt: skip
"""Finer concept -> its category in the taxonomy."""

CONCEPTS: tuple[str, ...] = (*CATEGORIES, *KINDS_OF, *COLOUR_CONCEPTS, *SLEEVE_CONCEPTS)
"""The rows of the tower's table of embeddings, in order."""

_OTHER_WORDS: dict[str, str] = {
    "tee": "t-shirt", "tshirt": "t-shirt",
    "longsleeve": "long-sleeved-top", "long-sleeve-top": "long-sleeved-top",
    "long-sleeved-t-shirt": "long-sleeved-top", "long-sleeve-t-shirt": "long-sleeved-top",
    "button-up": "shirt", "dress-shirt": "shirt", "navy-blue": "navy",
    "jumper": "sweater", "pullover": "sweater", "hoodie": "sweatshirt", "hoody": "sweatshirt",
    "outwear": "outerwear", "poncho": "cape", "trousers": "trousers", "jeggings": "leggings",
    "stockings": "tights", "pantyhose": "tights", "sock": "socks",
    "boot": "boots", "booties": "boots", "heel": "heels", "pumps": "heels", "stilettos": "heels",
    "sandal": "sandals", "sneaker": "sneakers", "trainers": "sneakers", "loafers": "flats",
    "ballerinas": "flats", "wedge": "wedges", "footwear": "shoes",
    "handbag": "bag", "clutch": "purse", "shades": "sunglasses", "spectacles": "glasses",
    "shortsleeve": "short-sleeved", "short-sleeve": "short-sleeved",
    "short-sleeves": "short-sleeved", "long-sleeve": "long-sleeved",
    "long-sleeves": "long-sleeved", "frock": "dress", "sundress": "dress", "miniskirt": "skirt",
    "denims": "jeans", "waistcoats": "vest", "suit": "jacket",
}  # fmt: skip

_EMPTY = frozenset(
    {
        "a", "an", "the", "with", "and", "or", "in", "of", "for", "from", "on", "to", "my", "some",
        "any", "her", "his", "its", "their", "by", "at", "wearing", "worn", "women", "woman",
        "womens", "women's", "men", "man", "mens", "men's", "ladies", "lady", "unisex", "colour",
        "color", "coloured", "colored", "garment", "item", "piece", "clothing", "clothes", "photo",
        "picture", "style", "fashion", "pair",
    }
)  # fmt: skip
_LONGEST = 4  # words of the longest phrase


@dataclass(frozen=True)
class Reading:
    """What the tower makes of a text.

    Attributes:
        concepts: each once, in the order of `CONCEPTS`.
        unread: words that say nothing to it, in the order of the text.
    """

    concepts: tuple[str, ...]
    unread: tuple[str, ...]


def read(text: str) -> Reading:
    """The concepts of a text.

    >>> read("Red short sleeved dress").concepts
    ('dress', 'red', 'short-sleeved')
    >>> read("a paisley gown, with Trainers").unread
    ('paisley',)
    """
    words = re.findall(r"[^\W_]+(?:['’-][^\W_]+)*", text.lower().replace("’", "'"))
    words = [part for word in words for part in _parts(word)]
    found: set[str] = set()
    unread: list[str] = []
    place = 0
    while place < len(words):
        for length in range(min(_LONGEST, len(words) - place), 0, -1):
            concept = _concept("-".join(words[place : place + length]))
            if concept is not None:
                found.add(concept)
                break
        else:
            length = 1
            if words[place] not in _EMPTY:
                unread.append(words[place])
        place += length
    return Reading(tuple(name for name in CONCEPTS if name in found), tuple(unread))


def _parts(word: str) -> list[str]:
    """A hyphenated word whole when it is known, else its parts."""
    return [word] if _concept(word) is not None else [part for part in word.split("-") if part]


def _concept(term: str) -> str | None:
    for form in (term, *_singular(term)):
        if form in _INDEX:
            return _INDEX[form]
    return None


def _singular(term: str) -> list[str]:
    endings = (("ies", "y"), ("es", ""), ("s", ""))
    return [term[: -len(end)] + new for end, new in endings if term.endswith(end) and len(term) > 4]


_INDEX: dict[str, str] = {
    **{word: name for word, name in SYNONYMS["colours"].items() if name in COLOUR_CONCEPTS},
    **SYNONYMS["category"],
    **_OTHER_WORDS,
    **{name: name for name in CONCEPTS},
}
