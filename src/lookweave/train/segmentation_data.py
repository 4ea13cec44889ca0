"""Batches for the segmenter: street photos and product photos, augmented as they are drawn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lookweave.train.augment import PhotoAugmentation, augment
from lookweave.train.labels import CLASS_COUNT, IGNORE, admissible_classes, product_value
from lookweave.train.parsed_photos import ParsedPhoto
from lookweave.train.product_photos import Pixels, ProductPhoto
from lookweave.train.running import sample_generator
from lookweave.train.trunk import MEAN, STD

OUTSIDE = 127
"""Grey level around a photo that does not fill its canvas: zero after normalisation."""

PRODUCT_AUGMENTATION = PhotoAugmentation(
    min_zoom=0.55, max_zoom=1.8, max_rotation=24.0, plain_background=0.55, single_garment=0.0
)


@dataclass(frozen=True)
class LabelledPhoto:
    """Pixels, mask in the values of labels.py, and how the photo is to be changed."""

    pixels: Pixels
    mask: Pixels
    augmentation: PhotoAugmentation


def normalised(pixels: Pixels) -> NDArray[np.float32]:
    """(..., H, W, 3) uint8 -> (..., 3, H, W) float32 as the trunk expects it."""
    mean, deviation = np.array(MEAN, np.float32), np.array(STD, np.float32)
    scaled = (pixels.astype(np.float32) / 255 - mean) / deviation
    return np.ascontiguousarray(np.moveaxis(scaled, -1, -3), np.float32)


def labelled_products(photos: Sequence[ProductPhoto]) -> list[LabelledPhoto]:
    """The product photos whose weak mask looked right."""
    return [
        LabelledPhoto(
            photo.pixels, photo.mask * np.uint8(product_value(photo.label)), PRODUCT_AUGMENTATION
        )
        for photo in photos
        if photo.mask is not None
    ]


def repeat_factors(masks: Sequence[Pixels], threshold: float = 0.12) -> NDArray[np.float64]:
    """How much oftener than once a photo is drawn for its rarest class (LVIS, Gupta et al. 2019).

    (N,) >= 1: the largest over its classes of sqrt(threshold / share of photos with the class).
    """
    shown = np.zeros((len(masks), CLASS_COUNT), bool)
    for place, mask in enumerate(masks):
        values = np.unique(mask)
        shown[place, values[values < CLASS_COUNT]] = True
    share = shown.mean(0)
    factor = np.maximum(1.0, np.sqrt(threshold / np.maximum(share, 1e-6)))
    factors: NDArray[np.float64] = np.where(shown, factor, 1.0).max(1)
    return factors


class SegmentationBatches:
    """Draws batches: a share of product photos, the rest street photos, rare classes oftener."""

    def __init__(
        self, parsed: Sequence[ParsedPhoto], products: Sequence[LabelledPhoto],
        product_share: float, batch_size: int, canvases: Sequence[tuple[int, int]], stride: int,
        seed: int,
    ) -> None:  # fmt: skip
        self.parsed = [
            LabelledPhoto(photo.pixels, photo.mask, PhotoAugmentation()) for photo in parsed
        ]
        self.products = list(products)
        self.product_share = product_share if products else 0.0
        self.batch_size = batch_size
        self.canvases = list(canvases)
        self.stride = stride
        self.seed = seed
        factors = repeat_factors([photo.mask for photo in self.parsed])
        self._chance = factors / factors.sum()
        self._ignored = len(admissible_classes()) - 1

    @property
    def steps_per_epoch(self) -> int:
        """Steps in which as many street photos are drawn as there are."""
        return max(1, round(len(self.parsed) / (self.batch_size * (1 - self.product_share))))

    def _draw(self, epoch: int, place: int, canvas: tuple[int, int]) -> tuple[Pixels, Pixels]:
        random = sample_generator(self.seed, epoch, place)
        if random.random() < self.product_share:
            photo = self.products[int(random.integers(len(self.products)))]
        else:
            photo = self.parsed[int(random.choice(len(self.parsed), p=self._chance))]
        return augment(photo.pixels, photo.mask, canvas, self.stride, photo.augmentation, random)

    def epoch(self, epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        """(N, 3, H, W) float32 images and (N, H / stride, W / stride) int64 targets."""
        with ThreadPoolExecutor(2) as threads:
            for step in range(self.steps_per_epoch):
                first = step * self.batch_size
                canvas_choice = sample_generator(self.seed + 1, epoch, step)
                canvas = self.canvases[int(canvas_choice.integers(len(self.canvases)))]
                drawn = list(
                    threads.map(
                        lambda place, canvas=canvas: self._draw(epoch, place, canvas),
                        range(first, first + self.batch_size),
                    )
                )
                images = torch.from_numpy(normalised(np.stack([pixels for pixels, _ in drawn])))
                masks = np.stack([mask for _, mask in drawn]).astype(np.int64)
                masks[masks == IGNORE] = self._ignored
                yield images, torch.from_numpy(masks)
