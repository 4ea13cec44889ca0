"""What the installed models get wrong on pictures that Lookweave rendered: the failures that a page
may show, for the photographs that they were trained and measured on are other people's."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from lookweave.models.embedded.cards import CARDS
from lookweave.models.protocols import Crop
from lookweave.taxonomy import CATEGORIES
from lookweave.train.describer_quality import naming_failures
from lookweave.train.failures import Failures
from lookweave.train.garment_crops import Garment, prepare_crop
from lookweave.train.garment_pairs import GarmentPair, rendered_pairs
from lookweave.train.region_quality import region_failures
from lookweave.train.rendered_photos import load_rendered_photos
from lookweave.train.retrieval_quality import retrieval_failures


def rendered_failures(name: str, folder: Path) -> Failures | None:
    """What the model of this name gets wrong; None for one that is not judged by pictures.

    Args:
        folder: what ``lookweave render --labels`` wrote.
    """
    judge = _JUDGES.get(name)
    return None if judge is None else judge(folder)


def _segmenter(folder: Path) -> Failures:
    """Garments of the looks that are one photo; on a collage a region is of one panel."""

    def panels(look: str) -> int:
        labels = folder / "labels" / "looks" / f"{look}.json"
        return len(json.loads(labels.read_text(encoding="utf-8"))["panels"])

    looks = load_rendered_photos(folder, kinds=["looks"])
    return region_failures([one for one in looks if panels(one.name) < 2], _installed("segmenter"))


def _encoder(folder: Path) -> Failures:
    """Product photos whose nearest worn garment is another, by true masks."""
    pairs = _pairs(folder)
    products = {pair.identity: pair.product for pair in pairs}
    worn = [pair.worn for pair in pairs]
    encoder = _installed("encoder")
    queries = encoder.encode([_crop(one, "garment") for one in products.values()])
    gallery = encoder.encode([_crop(one, "look") for one in worn])
    return retrieval_failures(
        [prepare_crop(one.pixels, one.mask) for one in products.values()], list(products),
        [prepare_crop(one.pixels, one.mask) for one in worn], [pair.identity for pair in pairs],
        queries @ gallery.T,
    )  # fmt: skip


def _describer(folder: Path) -> Failures:
    """Worn garments by true masks, without a detector's opinion."""
    worn = [pair.worn for pair in _pairs(folder)]
    said = _installed("describer").describe([_crop(one, "look") for one in worn])
    probabilities = np.array(
        [[one.attributes["category"][name] for name in CATEGORIES] for one in said], np.float32
    )
    return naming_failures(
        probabilities, CATEGORIES, [one.group for one in worn],
        lambda row: prepare_crop(worn[row].pixels, worn[row].mask),
    )  # fmt: skip


_JUDGES: dict[str, Callable[[Path], Failures]] = {
    "segmenter": _segmenter, "encoder": _encoder, "describer": _describer,
}  # fmt: skip


def _installed(name: str):  # type: ignore[no-untyped-def]
    return next(card for card in CARDS if card.name == f"lookweave-{name}").load()


def _pairs(folder: Path) -> list[GarmentPair]:
    train, validation = rendered_pairs(folder)
    return [*train, *validation]


def _crop(garment: Garment, kind: str) -> Crop:
    rows, columns = np.flatnonzero(garment.mask.any(1)), np.flatnonzero(garment.mask.any(0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    mask = (garment.mask[top:bottom, left:right] > 0) * np.uint8(255)
    return Crop(garment.pixels, (float(left), float(top), float(right), float(bottom)), mask, kind)
