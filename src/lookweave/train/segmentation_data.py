"""Batches for the segmenter: street photos and product photos, augmented as they are drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from lookweave.train.augment import PhotoAugmentation, augment
from lookweave.train.labels import CLASS_COUNT, IGNORE, admissible_classes, product_value
from lookweave.train.parsed_photos import ParsedPhoto
from lookweave.train.product_photos import Pixels, ProductPhoto
from lookweave.train.running import sample_generator, use_threads
from lookweave.train.trunk import MEAN, STD

OUTSIDE = 127
"""Grey level around a photo that does not fill its canvas: zero after normalisation."""

PRODUCT_AUGMENTATION = PhotoAugmentation(
    min_zoom=0.55, max_zoom=1.8, max_rotation=24.0, plain_background=0.55, single_garment=0.0
)


TAGGED_AUGMENTATION = PhotoAugmentation(plain_background=0.12, single_garment=0.06)
"""A mask by the network has an uncertain seam, which would show on a new background."""

TAGGED_WEIGHT = 0.7
"""How often a photo with tags is drawn, against one with a mask."""


@dataclass(frozen=True)
class LabelledPhoto:
    """Pixels, mask in the values of labels.py, and how the photo is to be changed.

    `possible` (CLASS_COUNT,) bool: the classes that pixels without a label may have; None when
    the mask says all that is known.
    """

    pixels: Pixels
    mask: Pixels
    augmentation: PhotoAugmentation
    possible: NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class Batch:
    """(N, 3, H, W) float32 images, (N, H / stride, W / stride) int64 rows of
    `admissible_classes`, and (N, CLASS_COUNT) bool classes of the pixels without a label."""

    images: Tensor
    target: Tensor
    possible: Tensor


_Drawn = tuple[Pixels, Pixels, NDArray[np.bool_]]
"""One sample of a batch: pixels, mask, possible classes."""


def normalised(pixels: Pixels) -> NDArray[np.float32]:
    """(..., H, W, 3) uint8 -> (..., 3, H, W) float32 as the trunk expects it."""
    mean, deviation = np.array(MEAN, np.float32), np.array(STD, np.float32)
    scaled = (pixels.astype(np.float32) / 255 - mean) / deviation
    return np.ascontiguousarray(np.moveaxis(scaled, -1, -3), np.float32)


def labelled_photos(photos: Sequence[ParsedPhoto]) -> list[LabelledPhoto]:
    """Street photos, real or rendered, with their masks."""
    return [LabelledPhoto(photo.pixels, photo.mask, PhotoAugmentation()) for photo in photos]


def labelled_products(photos: Sequence[ProductPhoto]) -> list[LabelledPhoto]:
    """The product photos whose weak mask looked right."""
    return [
        LabelledPhoto(
            photo.pixels, photo.mask * np.uint8(product_value(photo.label)), PRODUCT_AUGMENTATION
        )
        for photo in photos
        if photo.mask is not None
    ]


def repeat_factors(masks: Sequence[Pixels], threshold: float) -> NDArray[np.float64]:
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
    """Draws batches: shares of product photos and rendered ones, the rest street photos.

    `tagged` may be set between epochs; its photos are drawn among the street photos. Of these
    the ones with rare classes come oftener. Batches are made by `workers` processes, or with none
    by two threads of this one, which is best where the network learns on the same cores. They are
    the same batches either way.
    """

    def __init__(
        self, parsed: Sequence[LabelledPhoto], products: Sequence[LabelledPhoto],
        rendered: Sequence[LabelledPhoto], shares: tuple[float, float], rarity: float,
        batch_size: int, canvases: Sequence[tuple[int, int]], stride: int, seed: int,
        workers: int = 0,
    ) -> None:  # fmt: skip
        self.parsed = list(parsed)
        self.products = list(products)
        self.rendered = list(rendered)
        self.product_share = shares[0] if products else 0.0
        self.rendered_share = shares[1] if rendered else 0.0
        self.rarity = rarity
        self.batch_size = batch_size
        self.canvases = list(canvases)
        self.stride = stride
        self.seed = seed
        self.workers = workers
        self._ignored = len(admissible_classes()) - 1
        self.set_tagged([])

    def set_tagged(self, tagged: Sequence[LabelledPhoto]) -> None:
        """Draw these, too."""
        self._street = [*self.parsed, *tagged]
        factors = repeat_factors([photo.mask for photo in self._street], self.rarity)
        factors[len(self.parsed) :] *= TAGGED_WEIGHT
        self._chance = factors / factors.sum()

    @property
    def steps_per_epoch(self) -> int:
        """Steps in which as many street photos are drawn as there are masked ones."""
        street = 1 - self.product_share - self.rendered_share
        return max(1, round(len(self.parsed) / (self.batch_size * street)))

    def _draw(self, epoch: int, place: int, canvas: tuple[int, int]) -> _Drawn:
        random = sample_generator(self.seed, epoch, place)
        draw = random.random()
        if draw < self.product_share:
            photo = self.products[int(random.integers(len(self.products)))]
        elif draw < self.product_share + self.rendered_share:
            photo = self.rendered[int(random.integers(len(self.rendered)))]
        else:
            photo = self._street[int(random.choice(len(self._street), p=self._chance))]
        pixels, mask = augment(
            photo.pixels, photo.mask, canvas, self.stride, photo.augmentation, random
        )
        possible = np.ones(CLASS_COUNT, bool) if photo.possible is None else photo.possible
        return pixels, mask, possible

    def batch(self, epoch: int, step: int, apply: Callable[..., Iterable[_Drawn]] = map) -> Batch:
        """The batch of one step; `apply` draws its samples, as `map` does or in threads."""
        first = step * self.batch_size
        canvas_choice = sample_generator(self.seed + 1, epoch, step)
        canvas = self.canvases[int(canvas_choice.integers(len(self.canvases)))]
        places = range(first, first + self.batch_size)
        drawn = list(apply(lambda place: self._draw(epoch, place, canvas), places))
        masks = np.stack([mask for _, mask, _ in drawn]).astype(np.int64)
        masks[masks == IGNORE] = self._ignored
        return Batch(
            torch.from_numpy(normalised(np.stack([pixels for pixels, _, _ in drawn]))),
            torch.from_numpy(masks),
            torch.from_numpy(np.stack([possible for _, _, possible in drawn])),
        )

    def epoch(self, epoch: int) -> Iterator[Batch]:
        """The epoch's batches, drawn while those before them are learned from."""
        if self.workers:
            yield from DataLoader(
                _Epoch(self, epoch), batch_size=None, num_workers=self.workers, prefetch_factor=4,
                worker_init_fn=lambda _: use_threads(1), multiprocessing_context="fork",
            )  # fmt: skip
            return
        with ThreadPoolExecutor(1) as ahead, ThreadPoolExecutor(2) as threads:
            coming = ahead.submit(self.batch, epoch, 0, threads.map)
            for step in range(1, self.steps_per_epoch + 1):
                batch = coming.result()
                if step < self.steps_per_epoch:
                    coming = ahead.submit(self.batch, epoch, step, threads.map)
                yield batch


class _Epoch(Dataset[Batch]):
    """An epoch by the numbers of its steps, as worker processes ask for it."""

    def __init__(self, batches: SegmentationBatches, epoch: int) -> None:
        self._batches, self._epoch = batches, epoch

    def __len__(self) -> int:
        return self._batches.steps_per_epoch

    def __getitem__(self, step: int) -> Batch:
        return self._batches.batch(self._epoch, step)
