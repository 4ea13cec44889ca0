"""Batches of garments that are hard to tell apart: two views of each, and captions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor

from lookweave.train.captions import captions
from lookweave.train.garment_pairs import GarmentPair
from lookweave.train.garment_views import ViewStrength, garment_view
from lookweave.train.product_photos import Pixels
from lookweave.train.running import sample_generator
from lookweave.train.segmentation_data import normalised

CLUSTERS = 2
"""Groups of alike garments in a batch."""


class Batch(NamedTuple):
    """n views of b pairs, n = 2 b, the product sides first.

    Attributes:
        views: float32 (n, 3, side, side), normalised.
        garments: int64 (n,), equal where the garment is the same.
        texts: m captions.
        signs: int8 (m, n): 1 the caption is true of the view, -1 it is not, 0 not known.
    """

    views: Tensor
    garments: Tensor
    texts: list[str]
    signs: Tensor


class _Draft:
    """A batch being filled from free places."""

    def __init__(self, identity: Sequence[int], size: int, free: dict[int, None]) -> None:
        self.places: list[int] = []
        self._identity, self._size, self._free = identity, size, free
        self._shown: set[int] = set()

    def take(self, places: Sequence[int], most: int) -> None:
        """Up to `most` of `places`, in their order, that are free and show a new garment."""
        before = len(self.places)
        for place in places:
            if len(self.places) - before >= most or len(self.places) >= self._size:
                return
            if place in self._free and self._identity[place] not in self._shown:
                del self._free[place]
                self._shown.add(self._identity[place])
                self.places.append(place)


class PairBatches:
    """Draws batches of `pairs_per_batch` pairs.

    A `hard_share` of every batch are clusters of one category and the nearest colours, and what
    is next to them in their photos (or, rendered, in their families) comes with them: the first
    leaves shape and colour no help, the second light, place and person. With a share of 0 batches
    are drawn at random.
    """

    def __init__(
        self, pairs: Sequence[GarmentPair], pairs_per_batch: int, hard_share: float, side: int,
        strength: ViewStrength, seed: int,
    ) -> None:  # fmt: skip
        self.pairs = list(pairs)
        self.pairs_per_batch = min(pairs_per_batch, len(self.pairs))
        self.hard_share = hard_share
        self.side = side
        self.strength = strength
        self.seed = seed
        names = {name: place for place, name in enumerate(sorted({p.identity for p in pairs}))}
        self._identity = [names[pair.identity] for pair in self.pairs]
        self._near: dict[str, list[int]] = defaultdict(list)
        self._group: dict[str, list[int]] = defaultdict(list)
        for place, pair in enumerate(self.pairs):
            self._near[pair.near].append(place)
            self._group[pair.group].append(place)
        self._colours = np.stack([pair.histogram for pair in self.pairs])
        self._truth = np.stack([pair.truth for pair in self.pairs], axis=1)

    @property
    def steps_per_epoch(self) -> int:
        """Steps in which nearly every pair is seen once."""
        return max(1, len(self.pairs) // self.pairs_per_batch)

    def order(self, epoch: int) -> list[list[int]]:
        """The batches of an epoch: lists of places, no place twice; no garment twice in a batch,
        for several pictures of one would make it easy, not hard."""
        random = sample_generator(self.seed + 1, epoch, 0)
        # A dict keeps the order in which it was filled, and forgets a place in no time.
        free = dict.fromkeys(random.permutation(len(self.pairs)).tolist())
        batches: list[list[int]] = []
        for _ in range(self.steps_per_epoch):
            batch = _Draft(self._identity, self.pairs_per_batch, free)
            size = int(self.hard_share * self.pairs_per_batch) // CLUSTERS
            for _ in range(CLUSTERS if size else 0):
                batch.take(self._alike(free, random), size)
            if size:
                near = [other for one in batch.places for other in self._near[self.pairs[one].near]]
                batch.take(near, self.pairs_per_batch)
            batch.take(list(free), self.pairs_per_batch)
            if len(batch.places) == self.pairs_per_batch:
                batches.append(batch.places)
        return batches

    def _alike(self, free: dict[int, None], random: Generator) -> list[int]:
        """Free pairs of one category, those of the colours of any one of them first."""
        if not free:
            return []
        anchor = int(random.choice(list(free)))
        alike = [place for place in self._group[self.pairs[anchor].group] if place in free]
        likeness = self._colours[alike] @ self._colours[anchor]
        # A little noise, for else the same garments meet in every epoch.
        likeness += random.normal(0, 0.03, len(alike)).astype(np.float32)
        return [alike[place] for place in np.argsort(-likeness)]

    def _views(self, epoch: int, place: int) -> tuple[Pixels, Pixels]:
        random = sample_generator(self.seed, epoch, place)
        pair = self.pairs[place]
        return (
            garment_view(pair.product, True, self.side, self.strength, random),
            garment_view(pair.worn, False, self.side, self.strength, random),
        )

    def from_step(self, first: int) -> Iterator[Batch]:
        """The batches from step `first` (0 is the first of all) on, without end."""
        with ThreadPoolExecutor(2) as threads:
            step = first
            while True:
                epoch, number = divmod(step, self.steps_per_epoch)
                if number == 0 or step == first:
                    order = self.order(epoch + 1)
                # An epoch that ran out of garments for its last batches begins again.
                yield self._batch(epoch + 1, number, order[number % len(order)], threads)
                step += 1

    def _batch(
        self, epoch: int, number: int, batch: list[int], threads: ThreadPoolExecutor
    ) -> Batch:
        views = list(threads.map(lambda place: self._views(epoch, place), batch))
        stacked = np.stack([one for one, _ in views] + [other for _, other in views])
        random = sample_generator(self.seed + 2, epoch, number)
        texts, signs = captions(self._truth[:, batch], random)
        return Batch(
            torch.from_numpy(normalised(stacked)),
            torch.tensor([self._identity[place] for place in batch] * 2),
            texts,
            torch.from_numpy(np.tile(signs, (1, 2))),
        )
