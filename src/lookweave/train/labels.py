"""From the labels of the training sets to the segmenter's classes.

A label that fits several classes becomes a *set* of classes: the pixel must be one of them and
the loss does not care which (`PARTIAL_LABELS`). A label that fits none is left out of the loss.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lookweave.taxonomy import SEGMENTER_CLASSES

IGNORE = 255
"""Pixels of this value count neither in the loss nor in the measured quality."""

CLASS_COUNT = len(SEGMENTER_CLASSES)

_CCP_CLASSES: dict[str, tuple[str, ...]] = {
    "background": ("null",),
    "top": ("bodysuit", "t-shirt", "top"),
    "shirt": ("blouse", "shirt"),
    "knitwear": ("cardigan", "hoodie", "jumper", "sweater", "sweatshirt"),
    "jacket": ("blazer", "jacket"),
    "coat": ("cape", "coat"),
    "vest": ("vest",),
    "dress": ("dress",),
    "jumpsuit": ("romper",),
    "skirt": ("skirt",),
    "trousers": ("leggings", "pants"),
    "jeans": ("jeans",),
    "shorts": ("shorts",),
    "hosiery": ("socks", "stockings", "tights"),
    "shoes": (
        "boots", "clogs", "flats", "heels", "loafers", "pumps", "sandals", "shoes", "sneakers",
        "wedges",
    ),
    "bag": ("bag", "purse", "wallet"),
    "hat": ("hat",),
    "scarf": ("scarf",),
    "eyewear": ("glasses", "sunglasses"),
    "belt": ("belt",),
    "skin": ("skin",),
    "hair": ("hair",),
}  # fmt: skip

PARTIAL_LABELS: dict[str, tuple[str, ...]] = {
    "suit": ("jacket", "trousers"),
    "longsleeve": ("top", "shirt", "knitwear"),
    "outwear": ("jacket", "coat"),
    "pants": ("trousers", "jeans"),
}
"""Label -> the classes it may be; its value in a mask is CLASS_COUNT + its place here."""

_CCP_PARTIAL = ("suit",)

_CCP_IGNORED = (
    "accessories", "bra", "bracelet", "earrings", "gloves", "intimate", "necklace", "panties",
    "ring", "swimwear", "tie", "watch",
)  # fmt: skip

_PRODUCT_CLASSES = {
    "dress": "dress", "hat": "hat", "shirt": "shirt", "shoes": "shoes", "shorts": "shorts",
    "skirt": "skirt", "t-shirt": "top",
}  # fmt: skip

QUALITY_GROUPS: dict[str, tuple[str, ...]] = {
    "top": ("top", "shirt"),
    "knit": ("knitwear",),
    "jacket/coat": ("jacket", "coat"),
    "vest": ("vest",),
    "dress/romper": ("dress", "jumpsuit"),
    "skirt": ("skirt",),
    "trousers/jeans": ("trousers", "jeans"),
    "shorts": ("shorts",),
    "hosiery": ("hosiery",),
    "shoes": ("shoes",),
    "bag": ("bag",),
    "hat": ("hat",),
    "scarf": ("scarf",),
}
"""The thirteen merged classes that segmentation quality is reported over."""


def _partial_value(label: str) -> int:
    return CLASS_COUNT + list(PARTIAL_LABELS).index(label)


def ccp_value(label: str) -> int:
    """The mask value of a Clothing Co-Parsing label; KeyError for a label that is not one."""
    for name, members in _CCP_CLASSES.items():
        if label in members:
            return SEGMENTER_CLASSES.index(name)
    if label in _CCP_PARTIAL:
        return _partial_value(label)
    if label in _CCP_IGNORED:
        return IGNORE
    raise KeyError(label)


def ccp_lookup(labels: list[str]) -> NDArray[np.uint8]:
    """(256,) uint8: stored mask value -> mask value of ours; unknown values are ignored."""
    lookup = np.full(256, IGNORE, np.uint8)
    for stored, label in enumerate(labels):
        lookup[stored] = ccp_value(label)
    return lookup


def product_value(label: str) -> int:
    """The mask value of a clothing-small class."""
    if label in PARTIAL_LABELS:
        return _partial_value(label)
    return SEGMENTER_CLASSES.index(_PRODUCT_CLASSES[label])


def admissible_classes() -> NDArray[np.bool_]:
    """(values, CLASS_COUNT) bool: row = mask value, True where the pixel may be that class.

    The last row stands for IGNORE and admits every class, so its loss is zero.
    """
    admissible = np.zeros((CLASS_COUNT + len(PARTIAL_LABELS) + 1, CLASS_COUNT), bool)
    admissible[:CLASS_COUNT] = np.eye(CLASS_COUNT, dtype=bool)
    for label, members in PARTIAL_LABELS.items():
        for member in members:
            admissible[_partial_value(label), SEGMENTER_CLASSES.index(member)] = True
    admissible[-1] = True
    return admissible


def quality_lookup() -> NDArray[np.uint8]:
    """(256,) uint8: mask value -> 0 for what is no garment group, else 1 + place of the group."""
    lookup = np.zeros(256, np.uint8)
    for place, members in enumerate(QUALITY_GROUPS.values()):
        for member in members:
            lookup[SEGMENTER_CLASSES.index(member)] = 1 + place
    lookup[CLASS_COUNT:] = IGNORE
    return lookup
