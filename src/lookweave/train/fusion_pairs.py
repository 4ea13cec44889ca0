"""Labelled pairs for the recipe of the score: product photos, looks, and which region answers
which, all as the pipeline's models see them.

Photos that the models were trained on would make each part look better than it is, and by unequal
measure: of Clothing Co-Parsing only held-out photos are used. A product photo there is a cut-out
of the same photograph, changed as `garment_views` says; rendered ones are pictures of their own.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from lookweave.models.attributes import attribute_vector
from lookweave.models.cards import Models
from lookweave.models.cutout import cut_out
from lookweave.models.protocols import (
    Crop,
    Describer,
    Description,
    Detection,
    Detector,
    ImageEncoder,
    Pixels,
    TokenEncoder,
    Vectors,
)
from lookweave.taxonomy import CATEGORIES
from lookweave.train.garment_crops import ENCODED, MIN_SHARE, Garment, stored_garment
from lookweave.train.garment_views import ViewStrength, masked_view
from lookweave.train.parsed_photos import load_parsed_photos, split_of
from lookweave.train.product_photos import read_rgb
from lookweave.train.running import sample_generator

Whole = NDArray[np.int8]
Positions = NDArray[np.int64]

SAME = 0.5
"""Intersection over union from which a found region is the labelled garment."""

SHOWN_SIDE = 384
"""Height and width of a cut-out as a product photo, in pixels."""

STRENGTH = ViewStrength(partial=0.0)
"""A catalogue shows the whole garment."""


@dataclass(frozen=True)
class Seen:
    """Regions as the models see them, n of them.

    Attributes:
        vectors: float32 (n, dimension), of the encoder.
        attributes: float32 (n, `records.ATTRIBUTE_WIDTH`), of the describer.
        tokens: int8 (parts, width) of each; empty where the encoder tells none.
    """

    vectors: Vectors
    attributes: Vectors
    tokens: list[Whole]


@dataclass(frozen=True)
class LabelledSource:
    """Product photos and looks of one kind.

    Attributes:
        name: of the kind.
        products, regions: as the models see them.
        photos: int64 (regions,): the look that each is of.
        answers: (product, region) that are the same garment.
        shown: (product, look): that the look shows it, found or not.
        families: of each product; what shares one is on one side of a split.
        licence, used: of its photos, and which they are, for the record.
    """

    name: str
    products: Seen
    regions: Seen
    photos: Positions
    answers: list[tuple[int, int]]
    shown: set[tuple[int, int]]
    families: list[str]
    licence: str
    used: str


@dataclass(frozen=True)
class _Photo:
    """One photo of a source: a product photo, or a look with the masks of labelled garments."""

    pixels: Pixels
    masks: dict[str, NDArray[np.bool_]]


class Eyes:
    """The models of a build."""

    def __init__(self, models: Models, models_dir: Path | None) -> None:
        self._detector: Detector = models.detector.load(models_dir)
        self._encoder: ImageEncoder = models.encoder.load(models_dir)
        self._describer: Describer = models.describer.load(models_dir)

    def product(self, pixels: Pixels) -> list[Crop]:
        """The cut-out of a product photo."""
        one = cut_out(pixels, self._detector.detect([pixels])[0])
        return [Crop(pixels, one.box, one.mask, "garment", one.label_scores)]

    def look(self, pixels: Pixels) -> list[Crop]:
        """The garments of a look."""
        return [
            Crop(pixels, one.box, one.mask, "look", one.label_scores)
            for one in self._detector.detect([pixels])[0]
        ]

    def see(self, crops: list[Crop]) -> tuple[Vectors, Vectors, list[Whole]]:
        """Vectors, attributes and tokens of some crops, at least one."""
        said = [_words(one) for one in self._describer.describe(crops)]
        attributes = np.stack([attribute_vector(one) for one in said])
        if not isinstance(self._encoder, TokenEncoder):
            return self._encoder.encode(crops), attributes, []
        vectors, tokens = self._encoder.encode_with_tokens(crops)
        return vectors, attributes, [one.values for one in tokens]


def _words(answer: Description | Exception) -> Description:
    if isinstance(answer, Exception):
        raise answer
    return answer


def parsed_source(parsed: Path, eyes: Eyes, seed: int) -> LabelledSource:
    """Held-out street photos with masks, each of their garments cut out as a product photo; other
    held-out photos beside them, that show none of these."""
    labelled = load_parsed_photos(parsed, ["validation", "test"])
    products: list[tuple[str, str, Callable[[], Pixels]]] = []
    looks: list[Callable[[], _Photo]] = []
    for place, photo in enumerate(labelled):
        masks = {}
        for name in ENCODED:
            mask = photo.mask == 1 + CATEGORIES.index(name)
            if mask.mean() >= MIN_SHARE:
                masks[f"{photo.name} {name}"] = mask
        for at, (name, mask) in enumerate(masks.items()):
            garment = stored_garment(photo.pixels, mask.astype(np.uint8), "", photo.name)
            view = partial(_cut_out, garment, sample_generator(seed, place, at))
            products.append((name, photo.name, view))
        looks.append(partial(_Photo, photo.pixels, masks))
    known = {photo.name for photo in labelled}
    for path in sorted((parsed / "photos").glob("*.jpg")):
        if split_of(path.stem) != "train" and path.stem not in known:
            looks.append(partial(_unlabelled, path))
    about = (
        "street photos, cut out",
        "Apache-2.0 (repository; photos third-party)",
        "Clothing Co-Parsing, photos whose number ends in 7, and one in twenty kept for validation",
    )
    return _source(about, eyes, products, looks)


def _cut_out(garment: Garment, random: np.random.Generator) -> Pixels:
    return masked_view(garment, True, SHOWN_SIDE, STRENGTH, random)[0]


def _unlabelled(path: Path) -> _Photo:
    return _Photo(read_rgb(path), {})


def rendered_source(folder: Path, eyes: Eyes) -> LabelledSource:
    """What ``lookweave render --labels`` wrote. Looks that show one of a product's colourways
    stay in: telling them apart is what is asked."""
    with (folder / "truth.csv").open(encoding="utf-8") as file:
        families = {row["sku"]: row["family"] for row in csv.DictReader(file)}
    products: list[tuple[str, str, Callable[[], Pixels]]] = []
    for labels in sorted((folder / "labels" / "garments").glob("*.json")):
        path = folder / "garments" / f"{labels.stem}.jpg"
        for one in _listed(labels):
            if one["sku"] in families:
                products.append((one["sku"], families[one["sku"]], partial(read_rgb, path)))
    looks: list[Callable[[], _Photo]] = [
        partial(_rendered_look, folder, labels)
        for labels in sorted((folder / "labels" / "looks").glob("*.json"))
    ]
    recipe = json.loads((folder / "recipe.json").read_text(encoding="utf-8"))
    about = ("rendered", "Apache-2.0", f"`lookweave render --labels` with {json.dumps(recipe)}")
    return _source(about, eyes, products, looks)


def _listed(labels: Path) -> list[dict[str, Any]]:
    content = json.loads(labels.read_text(encoding="utf-8"))
    return [one for one in content["garments"] if one["listed"] and one["category"] in ENCODED]


def _rendered_look(folder: Path, labels: Path) -> _Photo:
    ids = np.asarray(cv2.imread(str(labels.with_suffix(".ids.png")), cv2.IMREAD_UNCHANGED))
    masks = {one["sku"]: ids == one["id"] for one in _listed(labels)}
    return _Photo(
        read_rgb(folder / "looks" / f"{labels.stem}.jpg"),
        {sku: mask for sku, mask in masks.items() if mask.any()},
    )


def _source(
    about: tuple[str, str, str],
    eyes: Eyes,
    products: Sequence[tuple[str, str, Callable[[], Pixels]]],
    looks: Sequence[Callable[[], _Photo]],
) -> LabelledSource:
    """Everything as the models see it.

    Args:
        about: name, licence and which photos they are.
        products: name, family and how to get the photo of each.
        looks: how to get each.
    """
    name, licence, used = about
    cut = _see(eyes, (eyes.product(read()) for _, _, read in track(products, f"{name}: products")))
    place = {one: at for at, (one, _, _) in enumerate(products)}
    photos: list[int] = []
    answers: list[tuple[int, int]] = []
    shown: set[tuple[int, int]] = set()

    def found() -> Iterator[list[Crop]]:
        for look, read in enumerate(track(looks, f"{name}: looks")):
            photo = read()
            crops = eyes.look(photo.pixels)
            for garment, mask in photo.masks.items():
                if garment in place:
                    shown.add((place[garment], look))
                    if (best := answering(crops, mask)) is not None:
                        answers.append((place[garment], len(photos) + best))
            photos.extend([look] * len(crops))
            yield crops

    regions = _see(eyes, found())
    families = [family for _, family, _ in products]
    return LabelledSource(
        name, cut, regions, np.array(photos), answers, shown, families, licence, used
    )


def answering(crops: Sequence[Crop | Detection], mask: NDArray[np.bool_]) -> int | None:
    """Which region is the garment of a mask that is as large as the photo; None for none."""
    overlaps = []
    for crop in crops:
        region = _whole(crop, mask.shape[:2])
        overlaps.append(float((mask & region).sum() / max(1, (mask | region).sum())))
    best = int(np.argmax(overlaps)) if overlaps else -1
    return best if overlaps and overlaps[best] >= SAME else None


def _whole(crop: Crop | Detection, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    x0, y0, x1, y1 = (round(float(edge)) for edge in crop.box)
    whole = np.zeros(shape, bool)
    if x1 <= x0 or y1 <= y0:
        return whole
    inside = np.full((1, 1), 255, np.uint8) if crop.mask is None else crop.mask
    filled = cv2.resize(inside, (x1 - x0, y1 - y0), interpolation=cv2.INTER_LINEAR) > 127
    target = whole[max(0, y0) : y1, max(0, x0) : x1]
    target[:] = filled[max(0, -y0) :, max(0, -x0) :][: target.shape[0], : target.shape[1]]
    return whole


def _see(eyes: Eyes, photos: Iterator[list[Crop]]) -> Seen:
    seen = [eyes.see(crops) for crops in photos if crops]
    return Seen(
        np.concatenate([vectors for vectors, _, _ in seen]),
        np.concatenate([attributes for _, attributes, _ in seen]),
        [one for _, _, tokens in seen for one in tokens],
    )
