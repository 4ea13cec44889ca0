"""Which garment of the training data a word is true of: 1 yes, -1 no, 0 the labels do not say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lookweave.models.embedded.words import COLOUR_CONCEPTS, CONCEPTS
from lookweave.taxonomy import CATEGORIES, SEGMENTER_CLASSES
from lookweave.train.labelled_crops import CropTable
from lookweave.train.labels import CLASS_COUNT, PARTIAL_LABELS, ccp_value

Truth = NDArray[np.int8]

_PRODUCT_CATEGORIES: dict[str, tuple[str, ...]] = {
    "t-shirt": ("top",), "longsleeve": ("top", "knitwear"), "shirt": ("shirt",),
    "outwear": ("jacket", "coat"), "pants": ("trousers", "jeans"), "shorts": ("shorts",),
    "skirt": ("skirt",), "dress": ("dress",), "shoes": ("shoes",), "hat": ("hat",),
}  # fmt: skip

_KNITS = ("sweater", "jumper", "sweatshirt", "hoodie", "cardigan")
_LONG = (*_KNITS, "coat", "jacket", "blazer", "product longsleeve", "product outwear")
_ANY_SLEEVE = ("top", "blouse", "shirt", "product shirt", "dress", "product dress", "romper",
               "bodysuit", "vest", "cape", "suit")  # fmt: skip
_ANY_SHOE = ("shoes", "product shoes")

_LABELS_OF: dict[str, tuple[Sequence[str], Sequence[str]]] = {
    "t-shirt": (("t-shirt", "product t-shirt"), ("top",)),
    "long-sleeved-top": (("product longsleeve",), ("top", *_KNITS)),
    "blouse": (("blouse",), ("product shirt",)),
    "sweater": (("sweater", "jumper"), ("sweatshirt", "product longsleeve")),
    "cardigan": (("cardigan",), ()),
    "sweatshirt": (("sweatshirt", "hoodie"), ("product longsleeve",)),
    "blazer": (("blazer",), ("jacket", "suit", "product outwear")),
    "outerwear": (
        ("product outwear", "jacket", "coat", "blazer", "cape"),
        ("cardigan", "vest", "suit", "hoodie"),
    ),
    "cape": (("cape",), ("coat",)),
    "leggings": (("leggings",), ("tights", "product pants")),
    "pants": (("pants", "leggings", "product pants"), ("jeans", "suit")),
    "socks": (("socks",), ()),
    "tights": (("tights", "stockings"), ("leggings",)),
    "boots": (("boots",), _ANY_SHOE),
    "heels": (("heels", "pumps"), (*_ANY_SHOE, "wedges", "sandals", "boots")),
    "sandals": (("sandals",), (*_ANY_SHOE, "heels", "wedges")),
    "sneakers": (("sneakers",), _ANY_SHOE),
    "flats": (("flats", "loafers"), _ANY_SHOE),
    "wedges": (("wedges",), (*_ANY_SHOE, "heels", "sandals")),
    "purse": (("purse", "wallet"), ("bag",)),
    "sunglasses": (("sunglasses",), ()),
    "glasses": (("glasses",), ()),
    "short-sleeved": (("t-shirt", "product t-shirt"), _ANY_SLEEVE),
    "long-sleeved": (_LONG, _ANY_SLEEVE),
}
"""Concept -> labels it is true of, labels it may be true of. ``product`` marks the labels of
the product photos, whose words are wider: their pants may be jeans."""

SURE_SHARE, ABSENT_SHARE = 0.35, 0.15
"""Shares of the surface above which a colour is said of a garment and below which it is not."""


def admissible_categories(source: str, label: str) -> tuple[str, ...]:
    """The categories of the taxonomy that a label may be; rendered garments are labelled so."""
    if source == "rendered":
        return (label,)
    if source == "product":
        return _PRODUCT_CATEGORIES[label]
    value = ccp_value(label)
    if value >= CLASS_COUNT:
        return PARTIAL_LABELS[list(PARTIAL_LABELS)[value - CLASS_COUNT]]
    return (SEGMENTER_CLASSES[value],)


def word_truth(table: CropTable) -> Truth:
    """int8 (concepts, rows of the table)."""
    return truth_of(table.sources, table.labels, table.shares)


def truth_of(
    sources: NDArray[np.str_], labels: NDArray[np.str_], shares: NDArray[np.float32]
) -> Truth:
    """int8 (concepts, n) of n garments.

    Args:
        sources: ``mask``, ``found``, ``tagged``, ``product`` or ``rendered``.
        labels: the source's own words.
        shares: float32 (n, colours), shares of the named colours in the mask.
    """
    truth = np.full((len(CONCEPTS), len(labels)), -1, np.int8)
    marked = np.array(
        [f"{source} {label}" if source in ("product", "rendered") else label
         for source, label in zip(sources, labels, strict=True)]
    )  # fmt: skip
    admissible = [
        admissible_categories(source, label) for source, label in zip(sources, labels, strict=True)
    ]
    rendered = sources == "rendered"
    for row, concept in enumerate(CONCEPTS):
        if concept in CATEGORIES:
            may = np.array([concept in categories for categories in admissible])
            must = np.array([categories == (concept,) for categories in admissible])
        elif concept in COLOUR_CONCEPTS:
            share = shares[:, COLOUR_CONCEPTS.index(concept)]
            must = (share >= SURE_SHARE) | (share == shares.max(axis=1))
            may = must | (share >= ABSENT_SHARE)
        else:
            surely, perhaps = _LABELS_OF[concept]
            must = np.isin(marked, surely)
            # Finer words are not known of rendered garments, whose labels are categories.
            may = must | np.isin(marked, perhaps) | rendered
        truth[row, may] = 0
        truth[row, must] = 1
    return truth


def together(truth: Truth, concepts: Sequence[str]) -> Truth:
    """int8 (rows,): what the concepts' conjunction is of each row."""
    smallest: Truth = truth[[CONCEPTS.index(name) for name in concepts]].min(axis=0)
    return smallest


def sleeve_truth(table: CropTable) -> Truth:
    """int8 (rows,): 1 long sleeves, -1 short ones, 0 neither or not known."""
    truth = word_truth(table)
    long_sleeved = truth[CONCEPTS.index("long-sleeved")] == 1
    short_sleeved = truth[CONCEPTS.index("short-sleeved")] == 1
    truth_of_sleeves: Truth = long_sleeved.astype(np.int8) - short_sleeved.astype(np.int8)
    return truth_of_sleeves
