"""Batches of garments that are hard to tell apart, two views of each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor

from lookweave.train.garment_crops import Garment
from lookweave.train.garment_views import ViewStrength, garment_view
from lookweave.train.product_photos import Pixels
from lookweave.train.running import sample_generator
from lookweave.train.segmentation_data import normalised


class PairBatches:
    """Draws batches of `garments_per_batch` garments, each as a cut-out and in its scene.

    A `hard_share` of every batch comes from one category, and garments of the same photo stand
    side by side as often as they occur: the first leaves shape no help, the second light,
    place and person.
    """

    def __init__(
        self, garments: Sequence[Garment], garments_per_batch: int, hard_share: float, side: int,
        strength: ViewStrength, seed: int,
    ) -> None:  # fmt: skip
        self.garments = list(garments)
        self.garments_per_batch = min(garments_per_batch, len(self.garments))
        self.hard_share = hard_share
        self.side = side
        self.strength = strength
        self.seed = seed
        self._by_photo: dict[str, list[int]] = defaultdict(list)
        for place, garment in enumerate(self.garments):
            self._by_photo[garment.photo].append(place)

    @property
    def steps_per_epoch(self) -> int:
        """Steps in which every garment but the last few is seen once."""
        return max(1, len(self.garments) // self.garments_per_batch)

    def order(self, epoch: int) -> list[list[int]]:
        """The batches of an epoch: lists of places, every garment once but for the last few."""
        random = sample_generator(self.seed + 1, epoch, 0)
        by_group: dict[str, list[int]] = defaultdict(list)
        for place in random.permutation(len(self.garments)):
            by_group[self.garments[place].group].append(int(place))
        free = set(range(len(self.garments)))
        batches: list[list[int]] = []
        for _ in range(self.steps_per_epoch):
            batch = self._hard_part(by_group, free, random)
            neighbours = [
                near
                for place in batch
                for near in self._by_photo[self.garments[place].photo]
                if near in free
            ]
            for near in [*neighbours, *random.permutation(sorted(free)).tolist()]:
                if len(batch) >= self.garments_per_batch:
                    break
                if near in free:
                    free.discard(near)
                    batch.append(near)
            batches.append(batch)
        return batches

    def _hard_part(
        self, by_group: dict[str, list[int]], free: set[int], random: Generator
    ) -> list[int]:
        """Garments of one category, drawn by how many of it are left; taken out of `free`."""
        for group, members in by_group.items():
            by_group[group] = [place for place in members if place in free]
        names = sorted(by_group)
        left = np.array([len(by_group[name]) for name in names], float)
        group = names[int(random.choice(len(names), p=left / left.sum()))]
        taken = by_group[group][: int(self.hard_share * self.garments_per_batch)]
        free.difference_update(taken)
        return taken

    def _pair(self, epoch: int, place: int) -> tuple[Pixels, Pixels]:
        random = sample_generator(self.seed, epoch, place)
        garment = self.garments[place]
        return (
            garment_view(garment, True, self.side, self.strength, random),
            garment_view(garment, False, self.side, self.strength, random),
        )

    def epoch(self, epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        """(2 B, 3, side, side) float32 views and their (2 B,) garment numbers."""
        with ThreadPoolExecutor(2) as threads:
            for batch in self.order(epoch):
                pairs = list(threads.map(lambda place: self._pair(epoch, place), batch))
                views = np.stack([cut for cut, _ in pairs] + [scene for _, scene in pairs])
                identities = torch.tensor(batch + batch)
                yield torch.from_numpy(normalised(views)), identities
