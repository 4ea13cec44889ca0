"""What the classes of other people's detectors mean in the taxonomy, as data.

A class maps to the categories that it may be: more than one where the class is coarser than the
taxonomy, likeliest first. `IGNORED` classes are no garments (parts of one, or other things).
`PERSON` is somebody who wears garments: the detector then looks for parts.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lookweave.errors import ModelError
from lookweave.taxonomy import CATEGORIES, normalise

logger = logging.getLogger(__name__)

Meaning = tuple[str, ...]

IGNORED: Meaning = ()
PERSON: Meaning = ("person",)

FASHIONPEDIA: dict[str, Meaning] = {
    "shirt, blouse": ("shirt",),
    "top, t-shirt, sweatshirt": ("top", "knitwear"),
    "sweater": ("knitwear",),
    "cardigan": ("knitwear",),
    "jacket": ("jacket",),
    "vest": ("vest",),
    "pants": ("trousers", "jeans"),
    "shorts": ("shorts",),
    "skirt": ("skirt",),
    "coat": ("coat",),
    "dress": ("dress",),
    "jumpsuit": ("jumpsuit",),
    "cape": ("coat",),
    "glasses": ("eyewear",),
    "hat": ("hat",),
    "headband, head covering, hair accessory": ("hat",),
    "belt": ("belt",),
    "leg warmer": ("hosiery",),
    "tights, stockings": ("hosiery",),
    "sock": ("hosiery",),
    "shoe": ("shoes",),
    "bag, wallet": ("bag",),
    "scarf": ("scarf",),
    **dict.fromkeys(
        (
            "tie", "glove", "watch", "umbrella", "hood", "collar", "lapel", "epaulette", "sleeve",
            "pocket", "neckline", "buckle", "zipper", "applique", "bead", "bow", "flower",
            "fringe", "ribbon", "rivet", "ruffle", "sequin", "tassel",
        ),
        IGNORED,
    ),
}  # fmt: skip
"""The 46 classes of Fashionpedia (Jia et al., ECCV 2020)."""

CLOTHES: dict[str, Meaning] = {
    "hat": ("hat",),
    "sunglasses": ("eyewear",),
    "upper-clothes": ("top", "shirt", "knitwear", "jacket", "coat", "vest"),
    "skirt": ("skirt",),
    "pants": ("trousers", "jeans", "shorts"),
    "dress": ("dress", "jumpsuit"),
    "belt": ("belt",),
    "left-shoe": ("shoes",),
    "right-shoe": ("shoes",),
    "bag": ("bag",),
    "scarf": ("scarf",),
    **dict.fromkeys(
        ("background", "hair", "face", "left-leg", "right-leg", "left-arm", "right-arm"), IGNORED
    ),
}
"""The 18 classes of ATR (Liang et al., 2015), as the SegFormer clothes models name them."""

COCO: dict[str, Meaning] = {
    "person": PERSON,
    "backpack": ("bag",),
    "handbag": ("bag",),
    **dict.fromkeys(
        (
            "n/a", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat",
            "traffic light", "fire hydrant", "street sign", "stop sign", "parking meter", "bench",
            "bird", "cat", "dog", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe",
            "umbrella", "tie", "suitcase", "frisbee", "skis", "snowboard", "sports ball", "kite",
            "baseball bat", "baseball glove", "skateboard", "surfboard", "tennis racket", "bottle",
            "plate", "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple",
            "sandwich", "orange", "broccoli", "carrot", "hot dog", "pizza", "donut", "cake",
            "chair", "couch", "potted plant", "bed", "mirror", "dining table", "window", "desk",
            "toilet", "door", "tv", "laptop", "mouse", "remote", "keyboard", "cell phone",
            "microwave", "oven", "toaster", "sink", "refrigerator", "blender", "book", "clock",
            "vase", "scissors", "teddy bear", "hair drier", "toothbrush", "motorbike",
            "aeroplane", "sofa", "pottedplant", "diningtable", "tvmonitor",
        ),
        IGNORED,
    ),
    "hat": ("hat",),
    "shoe": ("shoes",),
    "eye glasses": ("eyewear",),
}  # fmt: skip
"""The 91 names of COCO, those of its 80-class form, and the older spellings of RT-DETR."""

TABLES: dict[str, dict[str, Meaning]] = {
    "fashionpedia": FASHIONPEDIA,
    "clothes": CLOTHES,
    "coco": COCO,
}

PROMPTS: dict[str, tuple[str, ...]] = {
    "top": ("t-shirt", "top"),
    "shirt": ("shirt", "blouse"),
    "knitwear": ("sweater", "cardigan"),
    "jacket": ("jacket", "blazer"),
    "coat": ("coat",),
    "vest": ("waistcoat",),
    "dress": ("dress",),
    "jumpsuit": ("jumpsuit",),
    "skirt": ("skirt",),
    "trousers": ("trousers",),
    "jeans": ("jeans",),
    "shorts": ("shorts",),
    "hosiery": ("tights", "socks"),
    "shoes": ("shoes", "boots"),
    "bag": ("handbag", "backpack"),
    "hat": ("hat", "cap"),
    "scarf": ("scarf",),
    "eyewear": ("sunglasses", "glasses"),
    "belt": ("belt",),
}
"""What an open-vocabulary detector is asked for, for each category."""

LABELS_FILE = "labels.json"


@dataclass(frozen=True)
class LabelMap:
    """Class index -> categories, for one model.

    Attributes:
        names: the model's class names in the order of its scores.
        meanings: what each means.
        weights: float32 (classes, categories): how a class's score is shared among categories.
    """

    names: tuple[str, ...]
    meanings: tuple[Meaning, ...]
    weights: NDArray[np.float32]

    @classmethod
    def of(cls, names: list[str], table: Mapping[str, Meaning] | None = None) -> LabelMap:
        """The map for classes of these names.

        Args:
            table: what each name means; without it, the known tables and the taxonomy's own
                words are asked. A name that nobody knows is ignored, and logged.

        Raises:
            ModelError: no class at all is a garment or a person.
        """
        known = [_meaning(name, table) for name in names]
        if strange := [name for name, one in zip(names, known, strict=True) if one is None]:
            logger.warning("Classes in no label table are ignored: %s.", ", ".join(strange))
        meanings = tuple(one or IGNORED for one in known)
        if not any(meanings):
            shown = ", ".join(names[:12])
            raise ModelError(
                f"None of the model's classes is a garment or a person ({shown}, …). Put a "
                f"{LABELS_FILE} beside its weights that maps each class to a category of the "
                f"taxonomy or to null: {', '.join(CATEGORIES)}."
            )
        weights = np.zeros((len(names), len(CATEGORIES)), np.float32)
        for row, meaning in zip(weights, meanings, strict=True):
            for category in meaning:
                if category in CATEGORIES:
                    row[CATEGORIES.index(category)] = 1.0 / len(meaning)
        return cls(tuple(names), meanings, weights)

    def categories(self, class_scores: NDArray[np.float32]) -> NDArray[np.float32] | None:
        """Scores over classes as a distribution over the taxonomy; None where none is a garment.

        Args:
            class_scores: float32 (classes,), 0 or more.
        """
        shared: NDArray[np.float32] = class_scores @ self.weights
        total = float(shared.sum())
        return (shared / total).astype(np.float32) if total > 0 else None


def table_in(folder: Path) -> dict[str, Meaning] | None:
    """The owner's own map beside the weights, or None.

    Raises:
        ModelError: it is no JSON object, or names a category that the taxonomy lacks.
    """
    path = folder / LABELS_FILE
    if not path.exists():
        return None
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
        pairs = {str(name).lower(): value for name, value in given.items()}
    except (ValueError, AttributeError) as error:
        raise ModelError(f"{path} is no JSON object of class names: {error}.") from error
    table: dict[str, Meaning] = {}
    for name, value in pairs.items():
        meaning = tuple(value) if isinstance(value, list) else (value,) if value else IGNORED
        if unknown := [word for word in meaning if word not in (*CATEGORIES, *PERSON)]:
            raise ModelError(
                f"{path}: {name!r} is mapped to {unknown[0]!r}, which is no category. "
                f"Known: {', '.join(CATEGORIES)}, person, or null."
            )
        table[name] = meaning
    return table


def _meaning(name: str, table: Mapping[str, Meaning] | None) -> Meaning | None:
    """What a class means; None where nobody knows."""
    word = name.strip().lower()
    if table is not None and word in table:
        return table[word]
    for known in TABLES.values():
        if table is None and word in known:
            return known[word]
    category = normalise("category", word)
    return None if category is None else (category,)
