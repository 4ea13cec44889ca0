"""The merge of the training sets' labels into the taxonomy."""

# ruff: noqa: E402
from __future__ import annotations

import pytest

for _package in ("torch", "cv2", "onnx"):
    pytest.importorskip(_package, reason=f"needs {_package}: install lookweave[train]")

import numpy as np

from lookweave.taxonomy import CATEGORIES, SEGMENTER_CLASSES
from lookweave.train.labels import (
    CLASS_COUNT,
    IGNORE,
    QUALITY_GROUPS,
    admissible_classes,
    ccp_lookup,
    ccp_value,
    product_value,
    quality_lookup,
)
from lookweave.train.parsed_photos import split_of

CCP_LABELS = [
    "null", "accessories", "bag", "belt", "blazer", "blouse", "bodysuit", "boots", "bra",
    "bracelet", "cape", "cardigan", "clogs", "coat", "dress", "earrings", "flats",
    "glasses", "gloves", "hair", "hat", "heels", "hoodie", "intimate", "jacket", "jeans",
    "jumper", "leggings", "loafers", "necklace", "panties", "pants", "pumps", "purse",
    "ring", "romper", "sandals", "scarf", "shirt", "shoes", "shorts", "skin", "skirt",
    "sneakers", "socks", "stockings", "suit", "sunglasses", "sweater", "sweatshirt",
    "swimwear", "t-shirt", "tie", "tights", "top", "vest", "wallet", "watch", "wedges",
]  # fmt: skip


def test_every_ccp_label_has_one_place() -> None:
    assert len(CCP_LABELS) == 59
    values = [ccp_value(label) for label in CCP_LABELS]
    assert set(range(CLASS_COUNT)) <= set(values), "a class of ours has no training label"
    assert ccp_value("null") == 0
    assert SEGMENTER_CLASSES[ccp_value("blazer")] == "jacket"
    assert SEGMENTER_CLASSES[ccp_value("wedges")] == "shoes"
    assert SEGMENTER_CLASSES[ccp_value("tights")] == "hosiery"


def test_lookup_ignores_values_without_a_label() -> None:
    lookup = ccp_lookup(CCP_LABELS)
    assert lookup[58] == SEGMENTER_CLASSES.index("shoes")
    assert (lookup[59:] == IGNORE).all()


def test_partial_labels_admit_their_members_only() -> None:
    admissible = admissible_classes()
    row = admissible[product_value("pants")]
    assert {SEGMENTER_CLASSES[i] for i in np.flatnonzero(row)} == {"trousers", "jeans"}
    assert (admissible[:CLASS_COUNT].sum(1) == 1).all()
    assert admissible[-1].all()


def test_quality_groups_cover_the_large_garments() -> None:
    lookup = quality_lookup()
    grouped = {name for members in QUALITY_GROUPS.values() for name in members}
    assert set(CATEGORIES) - grouped == {"eyewear", "belt"}
    assert lookup[SEGMENTER_CLASSES.index("skin")] == 0
    assert lookup[IGNORE] == IGNORE


def test_splits_by_number() -> None:
    assert split_of("0007") == "test"
    assert split_of("0017") == "test"
    assert split_of("0023") == "validation"
    assert split_of("0013") == "train"
