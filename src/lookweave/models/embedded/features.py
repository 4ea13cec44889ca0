"""The image tower: what the embedded encoder and the embedded describer both see of a crop."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lookweave.errors import ModelError
from lookweave.models.details import Box, Patches, Whitening
from lookweave.models.framing import Surroundings, square, square_around
from lookweave.models.protocols import Crop, Tokens, Vectors
from lookweave.models.resampling import Levels
from lookweave.models.session import open_session

SURROUNDINGS = Surroundings(margin=0.08, fade=0.85, edge=0.01)
"""As the network was trained; the recipe's page says the same."""
GREY = 127

EMBEDDING, POOLED, MIDDLE = "embedding", "pooled", "middle"
"""The graph's outputs. `POOLED` comes before the projection, which keeps what tells one garment
from another and loses much of what kind of garment it is; `MIDDLE` is the last map at a sixteenth
of the resolution."""


@dataclass(frozen=True)
class Sight:
    """What the tower sees of n crops.

    Attributes:
        features: float32 (n, 384), unit norm: which garment it is.
        pooled: float32 (n, 1280), not normalised: what kind of thing it is.
        tokens: of each crop; none where nothing was learned of the middle map.
    """

    features: Vectors
    pooled: Vectors
    tokens: list[Tokens]


class ImageTower:
    """Features of crops.

    Args:
        whitening: of the middle map; None for no tokens.
    """

    def __init__(
        self, weights: Path, side: int, mean: tuple[float, ...], std: tuple[float, ...],
        whitening: Whitening | None = None,
    ) -> None:  # fmt: skip
        self._session = open_session(weights)
        self._whitening = whitening
        missing = {EMBEDDING, POOLED, MIDDLE} - {one.name for one in self._session.get_outputs()}
        if missing:
            raise ModelError(
                f"{weights} lacks the output {', '.join(sorted(missing))}: an earlier version of "
                "Lookweave wrote it. Train it again with: lookweave train encoder."
            )
        self._side, self._levels = side, Levels(mean, std, GREY)

    def see(self, crops: list[Crop]) -> Sight:
        """Features of at least one crop."""
        features, pooled, tokens = [], [], []
        for crop in crops:
            embedding, before, middle = self._run(crop)
            features.append(embedding)
            pooled.append(before)
            if self._whitening is not None:
                tokens.append(self._whitening.tokens([middle[0]], crop, _frame(crop)))
        return Sight(np.concatenate(features), np.concatenate(pooled), tokens)

    def encode_with_patches(self, crops: list[Crop]) -> tuple[Vectors, list[Patches]]:
        """Features, and the middle map of each crop: what `lookweave train details` learns
        from."""
        seen = [self._run(crop) for crop in crops]
        features = np.concatenate([embedding for embedding, _, _ in seen])
        return features, [
            (middle[0], _frame(crop)) for (_, _, middle), crop in zip(seen, crops, strict=True)
        ]

    def _run(self, crop: Crop) -> list[Vectors]:
        # One at a time: a frame's activations fit in the cache, which makes it three times as
        # quick on a processor, and a row cannot depend on its neighbours.
        image = square(crop, self._side, SURROUNDINGS, self._levels)
        given: list[Vectors] = self._session.run([EMBEDDING, POOLED, MIDDLE], {"image": image})
        return given


def _frame(crop: Crop) -> Box:
    return square_around(crop.box, SURROUNDINGS.margin)
