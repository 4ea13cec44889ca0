"""The image tower: what the embedded encoder and the embedded describer both see of a crop."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lookweave.errors import ModelError
from lookweave.models.framing import Surroundings, square
from lookweave.models.protocols import Crop, Vectors
from lookweave.models.resampling import Levels
from lookweave.models.session import open_session

SURROUNDINGS = Surroundings(margin=0.08, fade=0.85, edge=0.01)
"""As the network was trained; the recipe's page says the same."""
GREY = 127

EMBEDDING, POOLED = "embedding", "pooled"
"""The graph's outputs. `POOLED` comes before the projection, which keeps what tells one garment
from another and loses much of what kind of garment it is."""


@dataclass(frozen=True)
class Sight:
    """What the tower sees of n crops.

    Attributes:
        features: float32 (n, 384), unit norm: which garment it is.
        pooled: float32 (n, 1280), not normalised: what kind of thing it is.
    """

    features: Vectors
    pooled: Vectors


class ImageTower:
    """Features of crops."""

    def __init__(
        self, weights: Path, side: int, mean: tuple[float, ...], std: tuple[float, ...]
    ) -> None:
        self._session = open_session(weights)
        missing = {EMBEDDING, POOLED} - {one.name for one in self._session.get_outputs()}
        if missing:
            raise ModelError(
                f"{weights} lacks the output {', '.join(sorted(missing))}: an earlier version of "
                "Lookweave wrote it. Train it again with: lookweave train encoder."
            )
        self._side, self._levels = side, Levels(mean, std, GREY)

    def see(self, crops: list[Crop]) -> Sight:
        """Features of at least one crop."""
        rows = []
        for crop in crops:
            # One at a time: a frame's activations fit in the cache, which makes it three times as
            # quick on a processor, and a row cannot depend on its neighbours.
            image = square(crop, self._side, SURROUNDINGS, self._levels)
            rows.append(self._session.run([EMBEDDING, POOLED], {"image": image}))
        features, pooled = (np.concatenate(part) for part in zip(*rows, strict=True))
        return Sight(features, pooled)
