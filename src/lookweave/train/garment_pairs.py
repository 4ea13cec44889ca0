"""What the encoder learns from: the same garment as a catalogue and as a look show it.

Four sources: street photos by their true masks, street photos that are only tagged by the
segmenter's masks, product photos by their cut-outs, and rendered pairs. In the first three both
sides come from one photo, and only the views differ (garment_views.py); rendered pairs are two
pictures of one garment: worn, posed, lit and seen from elsewhere.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lookweave.models import colour
from lookweave.train.garment_crops import ENCODED, MIN_SHARE, Garment, stored_garment
from lookweave.train.labelled_crops import Columns, crop_photo, unpacked_mask
from lookweave.train.product_photos import Pixels, read_rgb
from lookweave.train.word_truth import Truth, admissible_categories, truth_of

_WORKERS = 2
_HELD_OUT = 5  # every fifth family of rendered garments is kept for validation
_MIN_RENDERED = 1500  # pixels that a rendered garment shows


@dataclass(frozen=True)
class GarmentPair:
    """Two sides of one garment.

    Attributes:
        product: shown as a catalogue shows it.
        worn: shown in a look; the same photo as `product` where there is only one.
        identity: equal for pairs of the same garment.
        group: hard negatives are of the same group: source and category.
        near: photo, or family of rendered garments, whose other garments are the hardest.
        histogram: float32 (180,), colours of the product side, unit norm.
        truth: int8 (concepts,), which word is true of it: 1 yes, -1 no, 0 not known.
    """

    product: Garment
    worn: Garment
    identity: str
    group: str
    near: str
    histogram: NDArray[np.float32]
    truth: Truth


def photographed_pairs(
    parsed: Path,
    products: Path | None,
    crops: Columns,
    *,
    products_per_class: int,
) -> list[GarmentPair]:
    """Pairs of one photo each, from the training rows of `labelled_crops.cut_crops`."""
    if not crops:
        return []
    rows = _rows(crops, products is not None, products_per_class)
    truth = truth_of(crops["sources"], crops["labels"], crops["shares"])

    def pairs_of(rows_of_photo: NDArray[np.int64]) -> list[GarmentPair]:
        pixels = read_rgb(crop_photo(crops, int(rows_of_photo[0]), parsed, products))
        return [
            pair
            for row in rows_of_photo.tolist()
            if (pair := _pair(pixels, crops, row, truth[:, row])) is not None
        ]

    with ThreadPoolExecutor(_WORKERS) as threads:
        return [pair for made in threads.map(pairs_of, rows) for pair in made]


def _rows(crops: Columns, with_products: bool, products_per_class: int) -> list[NDArray[np.int64]]:
    """The rows to use, those of one photo together."""
    sources, labels = crops["sources"], crops["labels"]
    usable = (crops["splits"] == "train") & np.isin(sources, ["mask", "tagged"])
    if with_products:
        for label in np.unique(labels[sources == "product"]):
            of_class = (sources == "product") & (labels == label) & (crops["splits"] == "train")
            usable[np.flatnonzero(of_class)[:products_per_class]] = True
    rows = np.flatnonzero(usable)
    if not len(rows):
        return []
    names = crops["photos"][rows]
    return np.split(rows, np.flatnonzero(names[1:] != names[:-1]) + 1)


def _pair(pixels: Pixels, crops: Columns, row: int, truth: Truth) -> GarmentPair | None:
    source, label = str(crops["sources"][row]), str(crops["labels"][row])
    category = admissible_categories(source, label)[0]
    mask = _whole_mask(pixels.shape[:2], crops["boxes"][row], unpacked_mask(crops["masks"][row]))
    if category not in ENCODED or mask.mean() < MIN_SHARE:
        return None
    photo = str(crops["photos"][row])
    garment = stored_garment(pixels, mask, category, photo)
    return GarmentPair(
        garment, garment, f"{source} {photo} {row}", category, photo, crops["histograms"][row],
        truth,
    )  # fmt: skip


def crop_garments(
    parsed: Path, products: Path | None, crops: Columns, rows: NDArray[np.int64]
) -> list[Garment]:
    """The garments of some rows; `group` is the row's label."""
    garments = []
    for row in rows.tolist():
        pixels = read_rgb(crop_photo(crops, row, parsed, products))
        mask = _whole_mask(
            pixels.shape[:2], crops["boxes"][row], unpacked_mask(crops["masks"][row])
        )
        garments.append(
            stored_garment(pixels, mask, str(crops["labels"][row]), str(crops["photos"][row]))
        )
    return garments


def _whole_mask(shape: tuple[int, ...], box: NDArray[np.float32], mask: Pixels) -> Pixels:
    """(H, W) uint8, 1 on the garment, from a mask that fills its box."""
    x0, y0, x1, y1 = (round(float(edge)) for edge in box)
    whole = np.zeros(shape, np.uint8)
    if x1 <= x0 or y1 <= y0:
        return whole
    target = whole[max(0, y0) : y1, max(0, x0) : x1]
    filled = cv2.resize(mask, (x1 - x0, y1 - y0), interpolation=cv2.INTER_LINEAR) > 127
    target[:] = filled[max(0, -y0) :, max(0, -x0) :][: target.shape[0], : target.shape[1]]
    return whole


def rendered_pairs(folder: Path) -> tuple[list[GarmentPair], list[GarmentPair]]:
    """For training and for validation: product photo and worn region of each rendered garment,
    one pair for each look that shows enough of it. Families (colourways, near twins) stay on one
    side.

    Args:
        folder: what ``lookweave render --labels`` wrote.
    """
    with (folder / "truth.csv").open(encoding="utf-8") as file:
        said = {row["sku"]: row for row in csv.DictReader(file)}
    products: dict[str, Garment] = {}
    for path in sorted((folder / "labels" / "garments").glob("*.json")):
        for sku, garment in _rendered(folder / "garments" / f"{path.stem}.jpg", path):
            products[sku] = garment
    train: list[GarmentPair] = []
    validation: list[GarmentPair] = []
    for path in sorted((folder / "labels" / "looks").glob("*.json")):
        for sku, worn in _rendered(folder / "looks" / f"{path.stem}.jpg", path):
            if sku in products and sku in said:
                pair = _rendered_pair(products[sku], worn, said[sku])
                held_out = int(said[sku]["family"]) % _HELD_OUT == 0
                (validation if held_out else train).append(pair)
    return train, validation


def _rendered(photo: Path, labels: Path) -> list[tuple[str, Garment]]:
    """(sku, garment) of each listed garment that a rendered picture shows enough of."""
    found = [
        one
        for one in json.loads(labels.read_text(encoding="utf-8"))["garments"]
        if one["listed"] and one["category"] in ENCODED and one["pixels"] >= _MIN_RENDERED
    ]
    if not found:
        return []
    pixels = read_rgb(photo)
    ids = np.asarray(cv2.imread(str(labels.with_suffix(".ids.png")), cv2.IMREAD_UNCHANGED))
    return [
        (one["sku"], stored_garment(pixels, (ids == one["id"]).astype(np.uint8),
                                    one["category"], photo.stem))
        for one in found
    ]  # fmt: skip


def _rendered_pair(product: Garment, worn: Garment, said: Mapping[str, str]) -> GarmentPair:
    height, width = product.mask.shape
    surface = colour.samples(product.pixels, (0, 0, width, height), product.mask * 255)
    shares = np.array([[*colour.named_shares(surface).values()]], np.float32)
    truth = truth_of(np.array(["rendered"]), np.array([product.group]), shares)[:, 0]
    return GarmentPair(
        product, worn, f"rendered {said['sku']}", f"rendered {product.group}",
        f"rendered {said['family']}", colour.histogram(surface), truth,
    )  # fmt: skip


def counts(pairs: Sequence[GarmentPair]) -> dict[str, int]:
    """Pairs by their source: mask, tagged, product, rendered."""
    names = [pair.identity.split(" ", 1)[0] for pair in pairs]
    return {name: names.count(name) for name in ("mask", "tagged", "product", "rendered")}
