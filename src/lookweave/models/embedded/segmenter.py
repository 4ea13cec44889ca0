"""The embedded detector: garment parsing, then one region for each garment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lookweave.models.card import Card
from lookweave.models.embedded.regions import garment_regions
from lookweave.models.framing import letterbox, nearest_frame
from lookweave.models.protocols import Detection, Floats, Pixels
from lookweave.models.resampling import Levels
from lookweave.models.session import open_session
from lookweave.taxonomy import CATEGORIES

GREY = 127  # around a photo that does not fill its canvas, as in training


class Segmenter:
    """Pixel classes by the embedded network; regions are connected masks of one category."""

    def __init__(self, card: Card, models_dir: Path | None = None) -> None:
        if card.weights is None:
            raise ValueError(f"the card {card.name} lacks weights")
        self._session = open_session(card.weights)
        self._canvases: list[tuple[int, int]] = [tuple(one) for one in card.settings["canvases"]]
        self._levels = Levels(card.settings["mean"], card.settings["std"], GREY)

    def detect(self, photos: list[Pixels]) -> list[list[Detection]]:
        """One list for each photo, largest claim first."""
        return [self._regions(*parsed) for parsed in self._parse(photos)]

    def _parse(self, photos: list[Pixels]) -> Iterator[tuple[Pixels, Pixels, Floats]]:
        """Each photo, what the network saw of it at its output's resolution, uint8 (h, w, 3), and
        its class logits, float32 (classes, h, w); margins cut off."""
        for photo in photos:  # one at a time: on a CPU a batch is no faster, and canvases differ
            height, width = nearest_frame(self._canvases, *photo.shape[:2])
            frame, scale, left, top = letterbox(photo, height, width, (GREY, GREY, GREY))
            logits = self._session.run(
                ["logits"], {"image": self._levels.tensor(np.asarray(frame))}
            )[0][0]
            stride = height // logits.shape[1]
            x0, y0 = left // stride, top // stride
            # A scale times a side may come out a hair above the frame's.
            x1 = min(int(np.ceil((left + photo.shape[1] * scale) / stride)), logits.shape[2])
            y1 = min(int(np.ceil((top + photo.shape[0] * scale) / stride)), logits.shape[1])
            y1, x1 = max(y1, y0 + 1), max(x1, x0 + 1)
            place = (x0 * stride, y0 * stride, x1 * stride, y1 * stride)
            seen = np.asarray(frame.reduce(stride, place))
            yield photo, seen, logits[:, y0:y1, x0:x1]

    def _regions(self, photo: Pixels, seen: Pixels, logits: Floats) -> list[Detection]:
        rows, columns = logits.shape[1:]
        across, down = photo.shape[1] / columns, photo.shape[0] / rows
        found = []
        for region in garment_regions(logits, seen):
            high, wide = region.place
            left, right = wide.start * across, wide.stop * across
            found.append(
                Detection(
                    box=(left, high.start * down, right, high.stop * down),
                    score=float(region.opinion.max()),
                    label=CATEGORIES[int(region.opinion.argmax())],
                    label_scores=region.opinion / max(float(region.opinion.sum()), 1e-6),
                    mask=_smooth_mask(region.mask),
                )
            )
        return sorted(found, key=lambda one: (-one.score * _area(one.box), one.box))


def _smooth_mask(piece: NDArray[np.bool_]) -> Pixels:
    """The mask at four times the network's resolution, its stairs rounded."""
    size = (piece.shape[1] * 4, piece.shape[0] * 4)
    soft = Image.fromarray(piece * np.uint8(255)).resize(size, Image.Resampling.BICUBIC)
    return (np.asarray(soft) > 127) * np.uint8(255)


def _area(box: tuple[float, float, float, float]) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])
