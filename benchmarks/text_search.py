"""Words against pictures: class names on product photos, colour and category on street photos.

    python benchmarks/text_search.py --parsed ccp --products clothing-small

Uses the installed models as `lookweave search` does. Two galleries for the committed queries of
colour and category, both of Clothing Co-Parsing's test photos (number ends in 7):

tags: every region that the segmenter finds in all of them. A region is right when its photo is
tagged with the category and its mask has the colour; a tag does not say which region it is about,
so a black jacket above a skirt counts for "black skirt".
masks: every garment of the masked ones by its true mask, right when its own label is of the
category and its mask has the colour. Stricter, and many queries have few right garments.

A mask has a colour when a description would name it: at least a fifth of it, or the largest share
(`colour.spoken`). Search ranks by the same rule and the same mask, so it is the category that
answers get wrong; no person has judged the colours. Precision at 10, or at as many as are right
when they are fewer: by the text tower's vectors; by the describer's attributes; by both, in the
order of `lookweave search` (`search.together`); and in a random order. "merged" judges the same answers
by the classes that the segmenter is measured in (train/labels.py): top with shirt, jacket with
coat, trousers with jeans, dress with jumpsuit, for street photos' labels mix these up.
"""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path
from typing import Any

import numpy as np

from lookweave.config import load
from lookweave.models import colour
from lookweave.models.attributes import attribute_vector
from lookweave.models.cards import models_of
from lookweave.models.embedded.words import COLOUR_CONCEPTS
from lookweave.models.protocols import Crop, Description
from lookweave.search import Wish, together
from lookweave.taxonomy import CATEGORIES
from lookweave.train.labelled_crops import garment_label, parsed_crops, product_crop
from lookweave.train.labels import QUALITY_GROUPS
from lookweave.train.parsed_photos import split_of
from lookweave.train.product_photos import read_rgb
from lookweave.train.word_quality import (
    CLASS_NAMES,
    class_accuracy,
    precision_at,
    query_text,
    summary,
)
from lookweave.train.word_truth import admissible_categories

LEAST = 3  # masked garments that a query of the list is right for
QUERIES = Path(__file__).with_name("text_queries.txt")
Rows = np.ndarray[Any, np.dtype[Any]]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--parsed", required=True, type=Path)
    parser.add_argument("--products", required=True, type=Path)
    parser.add_argument("--write-queries", action="store_true", help="the list, from the labels")
    given = parser.parse_args()
    models = models_of(load())
    detector, encoder, describer = (card.load() for card in models.cards())

    tagged = tagged_regions(given.parsed, detector)
    masked = masked_garments(given.parsed)
    if given.write_queries:
        write_queries(masked)
    queries = [tuple(line.split()) for line in QUERIES.read_text("utf-8").splitlines()]
    for name, (crops, categories) in (("tags", tagged), ("masks", masked)):
        measure(name, crops, categories, queries, encoder, describer)

    products = [
        product_crop(path, detector) for path in sorted((given.products / "test").glob("*/*"))
    ]
    similarity = (
        encoder.encode([one.crop for one in products]) @ encoder.encode_text(list(CLASS_NAMES)).T
    )
    accuracy = class_accuracy(similarity, np.array([one.label for one in products]))
    print(f"class names on {len(products)} product test photos: accuracy {accuracy:.3f}")


def tagged_regions(parsed: Path, detector: Any) -> tuple[list[Crop], Rows]:
    """Found regions of the test photos, and the categories (n, 19) that their photos' tags name."""
    crops, categories = [], []
    with (parsed / "tags.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if split_of(Path(row["photo"]).stem) != "test":
                continue
            named = {
                name
                for label in row["labels"].split("|")
                if label and label != "null" and garment_label(label)
                for name in admissible_categories("mask", label)
            }
            pixels = read_rgb(parsed / "photos" / row["photo"])
            for one in detector.detect([pixels])[0]:
                crops.append(Crop(pixels, one.box, one.mask, "look", one.label_scores))
                categories.append([name in named for name in CATEGORIES])
    return crops, np.array(categories)


def masked_garments(parsed: Path) -> tuple[list[Crop], Rows]:
    """Garments by true mask, and the category (n, 19) of each."""
    labels = json.loads((parsed / "labels.json").read_text(encoding="utf-8"))
    paths = sorted((parsed / "masks").glob("*.png"))
    worn = [
        crop
        for path in paths
        if split_of(path.stem) == "test"
        for crop in parsed_crops(path, labels, None)
    ]
    rows = [(admissible_categories("mask", one.label), one) for one in worn]
    categories = [[names == (name,) for name in CATEGORIES] for names, _ in rows]
    return [one.crop for one in worn], np.array(categories)


def colours_of(crops: list[Crop]) -> Rows:
    """(colours, n): the colours that a description names."""
    shares = [
        list(colour.named_shares(colour.samples(one.photo, one.box, one.mask)).values())
        for one in crops
    ]
    return colour.spoken(np.array(shares, np.float32)).T


def right_ones(
    categories: Rows, colours: Rows, query: tuple[str, ...], merged: bool = False
) -> Rows:
    category, name = query
    group = next(
        (one for one in QUALITY_GROUPS.values() if merged and category in one), (category,)
    )
    named = categories[:, [CATEGORIES.index(one) for one in group]].any(axis=1)
    rows: Rows = named & colours[COLOUR_CONCEPTS.index(name)]
    return rows


def write_queries(masked: tuple[list[Crop], Rows]) -> None:
    """Every query that at least `LEAST` masked test garments satisfy."""
    crops, categories = masked
    colours = colours_of(crops)
    wanted = [(category, name) for category in CATEGORIES for name in COLOUR_CONCEPTS]
    kept = [one for one in wanted if right_ones(categories, colours, one).sum() >= LEAST]
    QUERIES.write_text("".join(" ".join(one) + "\n" for one in kept), encoding="utf-8")


def measure(
    name: str, crops: list[Crop], categories: Rows, queries: list[tuple[str, ...]],
    encoder: Any, describer: Any,
) -> None:  # fmt: skip
    said = [one for one in describer.describe(crops) if isinstance(one, Description)]
    attributes = np.stack([attribute_vector(one) for one in said])
    texts = [query_text(query) for query in queries]
    by_text = encoder.encode_text(texts) @ encoder.encode(crops).T
    by_words = np.stack([Wish.parse(text).agreement(attributes) for text in texts])
    both = together(by_words, by_text)
    colours = colours_of(crops)
    print(
        f"\n{name}: {len(crops)} regions; right ones, precision by text, attributes, both; chance"
    )
    ways = {"text": by_text, "attributes": by_words, "both": both}
    rows, chance, merged_rows, merged_chance = [], [], [], []
    for place, query in enumerate(queries):
        right = right_ones(categories, colours, query)
        if not right.any():
            continue
        rows.append([precision_at(one[place], right) for one in ways.values()])
        chance.append(float(right.mean()))
        figures = " ".join(f"{value:6.2f}" for value in rows[-1])
        print(f"{texts[place]:20} {int(right.sum()):4} {figures} {chance[-1]:7.3f}")
        right = right_ones(categories, colours, query, merged=True)
        merged_rows.append([precision_at(one[place], right) for one in ways.values()])
        merged_chance.append(float(right.mean()))
    for way, column, merged in zip(
        ways, zip(*rows, strict=True), zip(*merged_rows, strict=True), strict=True
    ):
        print(f"{name}, {way}: {summary(column, chance)}; merged {summary(merged, merged_chance)}")


if __name__ == "__main__":
    main()
