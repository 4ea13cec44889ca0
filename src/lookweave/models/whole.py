"""No detection at all: the whole photo as one region."""

from __future__ import annotations

from pathlib import Path

from lookweave.models.card import Card
from lookweave.models.protocols import Detection, Pixels


class WholePhoto:
    """A detector that finds one region, the photo, and does not say what it shows."""

    def __init__(self, card: Card, models_dir: Path | None = None) -> None:
        pass

    def detect(self, photos: list[Pixels]) -> list[list[Detection]]:
        return [
            [Detection((0.0, 0.0, float(photo.shape[1]), float(photo.shape[0])), 1.0)]
            for photo in photos
        ]
