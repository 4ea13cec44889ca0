"""The label tables against the data sets' own lists, and the maps made of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from lookweave.errors import ModelError
from lookweave.models.hub.labels import (
    CLOTHES,
    COCO,
    FASHIONPEDIA,
    IGNORED,
    PERSON,
    PROMPTS,
    TABLES,
    LabelMap,
    table_in,
)
from lookweave.models.hub.yolo import COCO80
from lookweave.taxonomy import CATEGORIES, normalise

FASHIONPEDIA_NAMES = """shirt, blouse|top, t-shirt, sweatshirt|sweater|cardigan|jacket|vest|pants|
shorts|skirt|coat|dress|jumpsuit|cape|glasses|hat|headband, head covering, hair accessory|tie|
glove|watch|belt|leg warmer|tights, stockings|sock|shoe|bag, wallet|scarf|umbrella|hood|collar|
lapel|epaulette|sleeve|pocket|neckline|buckle|zipper|applique|bead|bow|flower|fringe|ribbon|rivet|
ruffle|sequin|tassel""".replace("\n", "").split("|")
CLOTHES_NAMES = """Background|Hat|Hair|Sunglasses|Upper-clothes|Skirt|Pants|Dress|Belt|Left-shoe|
Right-shoe|Face|Left-leg|Right-leg|Left-arm|Right-arm|Bag|Scarf""".replace("\n", "").split("|")


@pytest.mark.parametrize(
    ("table", "names"),
    [(FASHIONPEDIA, FASHIONPEDIA_NAMES), (CLOTHES, CLOTHES_NAMES), (COCO, list(COCO80))],
)
def test_every_label_is_mapped_or_listed_as_ignored(
    table: dict[str, tuple[str, ...]], names: list[str]
) -> None:
    assert [name for name in names if name.lower() not in table] == []


def test_the_data_sets_lists_are_whole() -> None:
    assert len(FASHIONPEDIA_NAMES) == len(FASHIONPEDIA) == 46
    assert len(CLOTHES_NAMES) == len(CLOTHES) == 18
    assert len(COCO80) == 80


def test_labels_mean_categories_of_the_taxonomy() -> None:
    for table in TABLES.values():
        for name, meaning in table.items():
            assert meaning in (IGNORED, PERSON) or set(meaning) <= set(CATEGORIES), name


def test_every_category_is_asked_for_in_words_that_mean_it() -> None:
    assert tuple(PROMPTS) == CATEGORIES
    for category, words in PROMPTS.items():
        for word in words:
            singular = word.removesuffix("s")
            assert category in (normalise("category", word), normalise("category", singular)), word


def test_a_class_shares_its_score_among_its_categories() -> None:
    labels = LabelMap.of(["dress", "pants", "sleeve"])
    scores = labels.categories(np.array([0.2, 0.6, 0.2], np.float32))

    assert scores is not None
    by_name = dict(zip(CATEGORIES, scores.tolist(), strict=True))
    assert by_name["dress"] == pytest.approx(0.25)
    assert by_name["trousers"] == by_name["jeans"] == pytest.approx(0.375)
    assert labels.categories(np.array([0, 0, 1], np.float32)) is None


def test_unknown_classes_are_asked_of_the_taxonomy_then_ignored() -> None:
    labels = LabelMap.of(["Blazer", "flux capacitor"])

    assert labels.meanings == (("jacket",), IGNORED)


def test_a_model_without_garments_is_refused() -> None:
    with pytest.raises(ModelError, match=r"labels\.json"):
        LabelMap.of(["dog", "cat"])


def test_an_owner_maps_their_own_classes(tmp_path: Path) -> None:
    (tmp_path / "labels.json").write_text(
        json.dumps({"Abendkleid": "dress", "Hose": ["trousers", "jeans"], "Knopf": None})
    )

    labels = LabelMap.of(["Abendkleid", "Knopf", "Hose"], table_in(tmp_path))

    assert labels.meanings == (("dress",), IGNORED, ("trousers", "jeans"))


@pytest.mark.parametrize("text", ['{"a": "gown of state"}', "[1, 2]", "{"])
def test_a_wrong_map_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "labels.json").write_text(text)

    with pytest.raises(ModelError, match=r"labels\.json"):
        table_in(tmp_path)
