"""Crops with what is known of them, as the pipeline would give them to encoder and describer.

Everything here goes through the shipped segmenter and encoder, so what is trained on these
features meets the same ones at work. Features are computed once for a pair of weights.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from lookweave.models import colour
from lookweave.models.cutout import cut_out
from lookweave.models.embedded.cards import CARDS
from lookweave.models.embedded.encoder import shares_of
from lookweave.models.embedded.features import ImageTower
from lookweave.models.embedded.regions import MIN_AREA
from lookweave.models.embedded.segmenter import Segmenter
from lookweave.models.embedded.shape import shape_of
from lookweave.models.protocols import Crop, Detection
from lookweave.taxonomy import CATEGORIES
from lookweave.train.labels import CLASS_COUNT, IGNORE, ccp_value
from lookweave.train.parsed_photos import split_of
from lookweave.train.product_photos import Pixels, read_rgb

_console = Console(stderr=True)
_WORKERS = 4
_MASK_SIDE = 128
LEAST_OPINION = 0.15
_SAME = 0.5  # intersection over union from which a found region has a true mask's label


@dataclass(frozen=True)
class LabelledCrop:
    """One garment.

    `source`: ``mask`` (a street photo's true mask), ``found`` (a segmenter's region there),
    ``tagged`` (the same in a photo that has tags and no mask) or ``product`` (a product photo's
    cut-out); `label` is the data set's own word.
    """

    crop: Crop
    label: str
    source: str
    split: str
    photo: str


@dataclass(frozen=True)
class CropTable:
    """Crops as columns of n rows.

    Attributes:
        features: float32 (n, 384), the image tower's.
        pooled: float16 (n, 1280), the same before the projection.
        histograms: float32 (n, 180).
        shares: float32 (n, colours), shares of the named colours in the mask.
        shapes: float32 (n, s), see `models.embedded.shape`.
        opinions: float32 (n, 19), the segmenter's label scores; zero where it was not asked.
        labels, sources, splits, photos: str (n,).
    """

    features: NDArray[np.float32]
    pooled: NDArray[np.float16]
    histograms: NDArray[np.float32]
    shares: NDArray[np.float32]
    shapes: NDArray[np.float32]
    opinions: NDArray[np.float32]
    labels: NDArray[np.str_]
    sources: NDArray[np.str_]
    splits: NDArray[np.str_]
    photos: NDArray[np.str_]

    def where(self, rows: NDArray[np.bool_]) -> CropTable:
        """The rows that are True."""
        return CropTable(**{name: column[rows] for name, column in vars(self).items()})

    def of(self, source: str, split: str) -> CropTable:
        """The rows of one source and split."""
        return self.where((self.sources == source) & (self.splits == split))

    @property
    def learned(self) -> NDArray[np.bool_]:
        """(n,): the rows that describer and text tower learn from."""
        return np.asarray((self.splits == "train") & (self.sources != "found"))


def garment_label(label: str) -> bool:
    """Whether a label of the parsed photos is a garment of the taxonomy."""
    return 0 < ccp_value(label) <= len(CATEGORIES) or CLASS_COUNT <= ccp_value(label) < IGNORE


def parsed_crops(path: Path, labels: list[str], detector: Segmenter | None) -> list[LabelledCrop]:
    """Garments of one street photo: by true mask, and if it is held out by the segmenter too.

    What several labels share with one category (blazer and jacket) stays apart, for the text
    tower knows both words.

    Args:
        path: the mask's file; its photo lies beside it in ``photos``.
        detector: None for true masks alone.
    """
    pixels = read_rgb(path.parents[1] / "photos" / f"{path.stem}.jpg")
    stored = np.asarray(cv2.imread(str(path), cv2.IMREAD_UNCHANGED))
    size = (pixels.shape[1], pixels.shape[0])
    stored = np.asarray(cv2.resize(stored, size, interpolation=cv2.INTER_NEAREST))
    split = split_of(path.stem)
    masks = {
        labels[value]: (stored == value)
        for value in np.unique(stored)
        if labels[value] != "null" and garment_label(labels[value])
    }
    masks = {label: mask for label, mask in masks.items() if mask.mean() >= MIN_AREA}
    crops = [
        LabelledCrop(_masked(pixels, mask), label, "mask", split, path.stem)
        for label, mask in masks.items()
    ]
    if detector is None or split == "train":
        return crops
    for one in detector.detect([pixels])[0]:
        label = _label_of(one, masks, pixels.shape[:2])
        if label is not None:
            crop = Crop(pixels, one.box, one.mask, "look", one.label_scores)
            crops.append(LabelledCrop(crop, label, "found", split, path.stem))
    return crops


def product_crop(path: Path, detector: Segmenter) -> LabelledCrop:
    """The cut-out of a product photo, ``<split>/<class>/<photo>``."""
    pixels = read_rgb(path)
    one = cut_out(pixels, detector.detect([pixels])[0])
    crop = Crop(pixels, one.box, one.mask, "garment", one.label_scores)
    return LabelledCrop(crop, path.parent.name, "product", path.parts[-3], path.name)


def _masked(pixels: Pixels, mask: NDArray[np.bool_]) -> Crop:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    inside = (mask[top:bottom, left:right] * 255).astype(np.uint8)
    return Crop(pixels, (float(left), float(top), float(right), float(bottom)), inside, "look")


def _label_of(
    one: Detection, masks: dict[str, NDArray[np.bool_]], shape: tuple[int, ...]
) -> str | None:
    """The label of the true mask that the region overlaps enough, or None."""
    x0, y0, x1, y1 = (round(edge) for edge in one.box)
    if one.mask is None or x1 <= x0 or y1 <= y0:
        return None
    region = np.zeros(shape, bool)
    resized = cv2.resize(one.mask, (x1 - x0, y1 - y0), interpolation=cv2.INTER_LINEAR) > 127
    target = region[y0:y1, x0:x1]
    target[:] = resized[: target.shape[0], : target.shape[1]]
    overlaps = {
        label: float((mask & region).sum() / (mask | region).sum()) for label, mask in masks.items()
    }
    best = max(overlaps, key=lambda label: overlaps[label], default=None)
    return best if best is not None and overlaps[best] >= _SAME else None


@dataclass(frozen=True)
class Shipped:
    """The segmenter and the encoder that are installed: what the small heads stand on."""

    detector: Segmenter
    tower: ImageTower
    segmenter_key: str
    segmenter_sha256: str
    encoder_sha256: str
    encoder_version: int
    shares: tuple[float, float, float]

    @classmethod
    def installed(cls) -> Shipped:
        """Those of the package's own cards."""
        cards = {card.name: card for card in CARDS}
        segmenter, encoder = cards["lookweave-segmenter"], cards["lookweave-encoder"]
        assert encoder.weights is not None and encoder.input_size is not None
        settings = encoder.settings
        return cls(
            segmenter.load(),
            ImageTower(
                encoder.weights, encoder.input_size[0],
                tuple(settings["mean"]), tuple(settings["std"]),
            ),
            segmenter.key,
            segmenter.weights_sha256,
            encoder.weights_sha256,
            encoder.version,
            shares_of(settings),
        )  # fmt: skip


Columns = dict[str, NDArray[Any]]


def cut_crops(
    parsed: Path, products: Path | None, detector: Segmenter, segmenter_key: str, folder: Path
) -> Columns:
    """Columns of all crops but the tagged photos', which the segmenter finds, kept in `folder`
    under a name that says for which segmenter."""
    labels: list[str] = json.loads((parsed / "labels.json").read_text(encoding="utf-8"))
    masks = sorted((parsed / "masks").glob("*.png"))
    photos = [] if products is None else sorted(products.glob("*/*/*"))

    def cut_from(path: Path) -> list[LabelledCrop]:
        if path.parent.name == "masks":
            return parsed_crops(path, labels, detector)
        return [product_crop(path, detector)]

    return _kept(
        folder / f"crops-{segmenter_key}.npz",
        "cutting out garments, once for this segmenter",
        [*masks, *photos], lambda path: _columns(cut_from(path)),
    )  # fmt: skip


def tagged_crops(parsed: Path, detector: Segmenter, segmenter_key: str, folder: Path) -> Columns:
    """The same columns for photos that are tagged only: regions that one of the tags fits."""
    with (parsed / "tags.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["annotation"] == "image"]
    tags = {parsed / "photos" / row["photo"]: row["labels"].split("|") for row in rows}
    paths = [path for path in sorted(tags) if split_of(path.stem) == "train"]

    def cut_from(path: Path) -> list[LabelledCrop]:
        pixels = read_rgb(path)
        made = []
        for one in detector.detect([pixels])[0]:
            label = confirmed_label(one.label_scores, tags[path])
            if label is not None:
                crop = Crop(pixels, one.box, one.mask, "look", one.label_scores)
                made.append(LabelledCrop(crop, label, "tagged", "train", path.stem))
        return made

    return _kept(
        folder / f"tagged-{segmenter_key}.npz",
        "finding garments in tagged photos, once for this segmenter",
        paths, lambda path: _columns(cut_from(path)),
    )  # fmt: skip


def confirmed_label(opinion: NDArray[np.float32] | None, tags: Sequence[str]) -> str | None:
    """The one tag that a region is meant by, or None.

    Of the categories that the photo's tags name the one that the segmenter holds likeliest: a
    region that it calls knitwear, in a photo without any, is the shirt that is there. Where it
    gives that category less than `LEAST_OPINION`, or another one of the tags half as much, or
    where several tags are of that category, nothing is said.

    Args:
        opinion: float32 (19,), the segmenter's label scores of the region.
    """
    named = {
        tag: ccp_value(tag) - 1 for tag in tags if tag not in ("", "null") and garment_label(tag)
    }
    named = {tag: place for tag, place in named.items() if place < len(CATEGORIES)}
    if opinion is None or not named:
        return None
    held = sorted({float(opinion[place]) for place in named.values()}, reverse=True)
    best = max(named, key=lambda tag: float(opinion[named[tag]]))
    if held[0] < LEAST_OPINION or (len(held) > 1 and held[1] > held[0] / 2):
        return None
    return best if [*named.values()].count(named[best]) == 1 else None


def crop_photo(crops: Columns, row: int, parsed: Path, products: Path | None) -> Path:
    """The file of a row's photo."""
    name, split, label = (str(crops[column][row]) for column in ("photos", "splits", "labels"))
    if crops["sources"][row] != "product":
        return parsed / "photos" / f"{name}.jpg"
    assert products is not None
    return products / split / label / name


def crop_table(parsed: Path, products: Path, shipped: Shipped, folder: Path) -> CropTable:
    """The table of all crops, those of tagged photos last.

    What the segmenter says of them and what the encoder sees of them are kept in `folder`, each
    under a name that says for which weights: a new encoder finds the crops already cut.
    """
    segmenter = shipped.detector, shipped.segmenter_key
    known = cut_crops(parsed, products, *segmenter, folder)
    if tagged := tagged_crops(parsed, *segmenter, folder):
        known = {name: np.concatenate([column, tagged[name]]) for name, column in known.items()}
    starts = np.flatnonzero(np.r_[True, known["photos"][1:] != known["photos"][:-1]])
    groups = np.split(np.arange(len(known["photos"])), starts[1:])

    def features_of(rows: NDArray[np.int64]) -> dict[str, Any]:
        pixels = read_rgb(crop_photo(known, int(rows[0]), parsed, products))
        crops = [
            Crop(pixels, tuple(known["boxes"][row].tolist()), unpacked_mask(known["masks"][row]))
            for row in rows
        ]
        sight = shipped.tower.see(crops)
        return {"features": sight.features, "pooled": sight.pooled.astype(np.float16)}

    encoder = f"{shipped.encoder_sha256[:8]}-{shipped.encoder_version}"
    seen = _kept(
        folder / f"features-{shipped.segmenter_key}-{encoder}.npz",
        "computing features, once for this encoder", groups, features_of,
    )  # fmt: skip
    columns = {**known, **seen}
    return CropTable(**{field.name: columns[field.name] for field in fields(CropTable)})


def _kept(
    cache: Path, what: str, items: Sequence[Any], make: Callable[[Any], dict[str, Any]]
) -> dict[str, Any]:
    """The columns that `make` gives for the items, from the file where it is there; none where it
    gave nothing for any."""
    if not cache.exists():
        _console.print(what)
        with ThreadPoolExecutor(_WORKERS) as threads:
            done = track(threads.map(make, items), "photos", len(items), console=_console)
            parts = [part for part in done if part]
        cache.parent.mkdir(parents=True, exist_ok=True)
        part_file = cache.with_suffix(".part.npz")
        columns: dict[str, Any] = {
            name: np.concatenate([part[name] for part in parts])
            for name in (parts[0] if parts else ())
        }
        np.savez(part_file, **columns)
        part_file.replace(cache)
    with np.load(cache) as stored:
        return {name: stored[name] for name in stored.files}


def _columns(crops: list[LabelledCrop]) -> dict[str, Any]:
    if not crops:
        return {}
    surfaces = [colour.samples(one.crop.photo, one.crop.box, one.crop.mask) for one in crops]
    unasked = np.zeros(len(CATEGORIES), np.float32)
    return {
        "histograms": np.stack([colour.histogram(one) for one in surfaces]),
        "shares": np.array([[*colour.named_shares(one).values()] for one in surfaces], np.float32),
        "shapes": np.stack([shape_of(one.crop) for one in crops]),
        "opinions": np.stack(
            [unasked if one.crop.label_scores is None else one.crop.label_scores for one in crops]
        ),
        "labels": np.array([one.label for one in crops]),
        "sources": np.array([one.source for one in crops]),
        "splits": np.array([one.split for one in crops]),
        "photos": np.array([one.photo for one in crops]),
        "boxes": np.array([one.crop.box for one in crops], np.float32),
        "masks": np.stack([_packed(one.crop.mask) for one in crops]),
    }


def _packed(mask: Pixels | None) -> NDArray[np.uint8]:
    """A mask at `_MASK_SIDE` squared, one bit a pixel; the encoder's frame is hardly finer."""
    whole = np.full((1, 1), 255, np.uint8) if mask is None else mask
    size = (_MASK_SIDE, _MASK_SIDE)
    return np.packbits(cv2.resize(whole, size, interpolation=cv2.INTER_LINEAR) > 127)


def unpacked_mask(bits: NDArray[np.uint8]) -> Pixels:
    """uint8 0/255 that fills the crop's box, from a row of the masks' column."""
    return (np.unpackbits(bits).reshape(_MASK_SIDE, _MASK_SIDE) * 255).astype(np.uint8)
