"""The one vocabulary of Lookweave: categories and attributes that every model answers in.

Detectors, describers and search share these lists, so a red *trousers* region found by one
model can be compared with *red trousers* said by another. The order of each tuple is part of
the data format (``Region.label_scores`` and the attribute vectors index into it): append, never
reorder, and raise ``VERSION`` when a list changes.
"""

from __future__ import annotations

import re

VERSION = 1

CATEGORIES: tuple[str, ...] = (
    "top", "shirt", "knitwear", "jacket", "coat", "vest", "dress", "jumpsuit", "skirt",
    "trousers", "jeans", "shorts", "hosiery", "shoes", "bag", "hat", "scarf", "eyewear", "belt",
)  # fmt: skip
"""The nineteen garment categories, the classes of every detector after mapping."""

PERSON_PARTS: tuple[str, ...] = ("skin", "hair")
"""What a parsing model may also label; never a garment."""

SEGMENTER_CLASSES: tuple[str, ...] = ("background", *CATEGORIES, *PERSON_PARTS)
"""Index = value in a segmentation mask (0 is background)."""

COLOURS: tuple[str, ...] = (
    "black", "white", "grey", "beige", "brown", "red", "pink", "orange", "yellow", "green",
    "blue", "navy", "purple", "gold", "silver",
)  # fmt: skip
PATTERNS: tuple[str, ...] = (
    "plain", "striped", "checked", "dotted", "floral", "graphic", "animal", "other",
)  # fmt: skip
MATERIALS: tuple[str, ...] = (
    "cotton", "denim", "knit", "leather", "lace", "silk", "wool", "fur", "sequin", "synthetic",
)  # fmt: skip
SLEEVES: tuple[str, ...] = ("sleeveless", "short", "three-quarter", "long")
LENGTHS: tuple[str, ...] = ("cropped", "mini", "knee", "midi", "maxi")
NECKLINES: tuple[str, ...] = (
    "crew",
    "v-neck",
    "scoop",
    "collar",
    "turtleneck",
    "off-shoulder",
    "hood",
)

ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "category": CATEGORIES,
    "colours": COLOURS,
    "pattern": PATTERNS,
    "material": MATERIALS,
    "sleeve": SLEEVES,
    "length": LENGTHS,
    "neckline": NECKLINES,
}
"""Attribute name -> its values, in the order of the attribute vectors."""

SYNONYMS: dict[str, dict[str, str]] = {
    "category": {
        "t-shirt": "top", "tshirt": "top", "tee": "top", "blouse": "shirt", "bodysuit": "top",
        "camisole": "top", "longsleeve": "top", "tank": "top", "tops": "top", "polo": "shirt",
        "button-down": "shirt", "shirts": "shirt",
        "sweater": "knitwear", "jumper": "knitwear", "pullover": "knitwear",
        "cardigan": "knitwear", "sweatshirt": "knitwear", "hoodie": "knitwear",
        "knit": "knitwear",
        "blazer": "jacket", "bomber": "jacket", "parka": "coat", "trench": "coat",
        "overcoat": "coat", "cape": "coat", "outwear": "jacket", "outerwear": "jacket",
        "suit": "jacket", "waistcoat": "vest", "gilet": "vest",
        "gown": "dress", "dresses": "dress", "romper": "jumpsuit", "playsuit": "jumpsuit",
        "overalls": "jumpsuit", "dungarees": "jumpsuit", "skirts": "skirt",
        "pants": "trousers", "leggings": "trousers", "chinos": "trousers", "slacks": "trousers",
        "joggers": "trousers", "trouser": "trousers", "jean": "jeans",
        "tights": "hosiery", "stockings": "hosiery", "socks": "hosiery",
        "boots": "shoes", "heels": "shoes", "sandals": "shoes", "sneakers": "shoes",
        "trainers": "shoes", "pumps": "shoes", "loafers": "shoes", "flats": "shoes",
        "clogs": "shoes", "wedges": "shoes", "shoe": "shoes",
        "purse": "bag", "handbag": "bag", "backpack": "bag", "tote": "bag", "clutch": "bag",
        "wallet": "bag", "bags": "bag", "cap": "hat", "beanie": "hat", "beret": "hat",
        "shawl": "scarf", "sunglasses": "eyewear", "glasses": "eyewear",
    },
    "colours": {
        "gray": "grey", "cream": "beige", "ivory": "white", "tan": "beige", "camel": "beige",
        "khaki": "beige", "burgundy": "red", "maroon": "red", "crimson": "red",
        "scarlet": "red", "rose": "pink", "fuchsia": "pink", "magenta": "pink",
        "coral": "orange", "mustard": "yellow", "olive": "green", "mint": "green",
        "emerald": "green", "teal": "green", "turquoise": "blue", "cyan": "blue",
        "indigo": "navy", "lilac": "purple", "violet": "purple", "lavender": "purple",
        "golden": "gold", "silvery": "silver", "chocolate": "brown",
    },
    "pattern": {
        "solid": "plain", "stripes": "striped", "stripe": "striped", "stripy": "striped",
        "plaid": "checked", "tartan": "checked", "gingham": "checked", "check": "checked",
        "dots": "dotted", "dot": "dotted", "polka": "dotted", "flowers": "floral",
        "flowery": "floral", "print": "graphic", "printed": "graphic", "logo": "graphic",
        "lettering": "graphic", "leopard": "animal", "zebra": "animal", "snake": "animal",
    },
    "material": {
        "knitted": "knit", "woollen": "wool", "woolen": "wool", "cashmere": "wool",
        "satin": "silk", "suede": "leather", "sequins": "sequin", "sequinned": "sequin",
        "polyester": "synthetic", "nylon": "synthetic",
    },
    "sleeve": {
        "short-sleeve": "short", "long-sleeve": "long", "strapless": "sleeveless",
        "short-sleeved": "short", "long-sleeved": "long",
    },
    "length": {"crop": "cropped", "knee-length": "knee", "ankle": "maxi", "floor-length": "maxi"},
    "neckline": {
        "round": "crew", "collared": "collar", "polo-neck": "turtleneck", "hooded": "hood",
        "bardot": "off-shoulder",
    },
}  # fmt: skip
"""Attribute name -> other word -> the word of the taxonomy."""


def normalise(attribute: str, word: str) -> str | None:
    """Return the taxonomy's word for `word`, or None when the taxonomy has none.

    >>> normalise("category", "Blazer")
    'jacket'
    >>> normalise("colours", "sort of beige-ish") is None
    True
    """
    word = word.strip().lower()
    if word in ATTRIBUTES[attribute]:
        return word
    return SYNONYMS.get(attribute, {}).get(word)


_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_BESIDE = re.compile(r"\b(?:with|w/|without|for|under|over|mit|avec|pour|con|para|per)(?=\s)|\+")


def sold_as(category: str, title: str) -> str | None:
    """The category of what a catalogue sells, or None where its words do not tell.

    The category counts first, its last level before the ones above it; then the title, up to a word
    such as "with", behind which the rest of an outfit is named. Of neighbours the last counts, as
    English has it: a shirt dress is a dress. Words that name several categories tell nothing.

    >>> sold_as("Women > Clothing > Dresses", "")
    'dress'
    >>> sold_as("", "Linen shirt dress with belt")
    'dress'
    >>> sold_as("", "Top and skirt") is None
    True
    """
    levels = [category, *reversed(re.split(r"[>/|,;]", category))]
    for text in (*levels, _BESIDE.split(title.casefold(), maxsplit=1)[0]):
        whole = normalise("category", text)
        if whole is not None:
            return whole
        named: list[str] = []
        end = -1
        for word in _WORD.finditer(text.casefold()):
            one = normalise("category", word[0])
            if one is None:
                continue
            if named and word.start() == end + 1:
                named.pop()
            named.append(one)
            end = word.end()
        if len(set(named)) == 1:
            return named[0]
    return None
