"""The embedded detector: garment parsing, then one region for each garment."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from lookweave.models.cards import Card
from lookweave.models.framing import letterbox, tensor
from lookweave.models.protocols import Detection, Pixels
from lookweave.models.session import open_session
from lookweave.taxonomy import CATEGORIES

Scores = NDArray[np.float32]

MIN_AREA = 0.004
"""Regions below this share of the photo are left out."""

ABSORB = 0.35
"""A patch is taken into a touching one of the same slot when it is smaller by this factor:
a network that wavers between shirt and top inside one garment leaves such patches."""

_GAP = 0.02  # of the frame's height: pieces of one garment cut by a bag or an arm are this near

_SLOTS: tuple[frozenset[str], ...] = (
    frozenset({"top", "shirt", "knitwear", "jacket", "coat", "vest", "dress", "jumpsuit"}),
    frozenset({"skirt", "trousers", "jeans", "shorts", "hosiery", "dress", "jumpsuit"}),
)
"""Categories that networks mistake for each other on one garment."""


class Segmenter:
    """Pixel classes by the embedded network; regions are connected masks of one category."""

    def __init__(self, card: Card, models_dir: Path | None = None) -> None:
        if card.weights is None or card.input_size is None:
            raise ValueError(f"the card {card.name} lacks weights or input size")
        self._session = open_session(card.weights)
        self._height, self._width = card.input_size
        self._mean, self._std = card.settings["mean"], card.settings["std"]

    def detect(self, photos: list[Pixels]) -> list[list[Detection]]:
        """One list for each photo, largest claim first."""
        return [self._regions(photo, scores) for photo, scores in self._parse(photos)]

    def _parse(self, photos: list[Pixels]) -> list[tuple[Pixels, Scores]]:
        """Each photo with its class probabilities, float32 (classes, h, w), margins cut off."""
        frames = [letterbox(photo, self._height, self._width) for photo in photos]
        batch = tensor([frame for frame, *_ in frames], self._mean, self._std)
        logits = self._session.run(["logits"], {"image": batch})[0]
        stride = self._height / logits.shape[2]
        parsed = []
        for photo, (_, scale, left, top), scores in zip(photos, frames, logits, strict=True):
            x0, y0 = int(left / stride), int(top / stride)
            x1 = int(np.ceil((left + photo.shape[1] * scale) / stride))
            y1 = int(np.ceil((top + photo.shape[0] * scale) / stride))
            inner = scores[:, y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)]
            parsed.append((photo, _softmax(inner)))
        return parsed

    def _regions(self, photo: Pixels, scores: Scores) -> list[Detection]:
        labels = scores.argmax(axis=0)
        pieces = _absorb(_pieces(labels), labels)
        across, down = photo.shape[1] / labels.shape[1], photo.shape[0] / labels.shape[0]
        found = []
        for category, piece in pieces:
            area = float(piece.mean())
            if area < MIN_AREA:
                continue
            rows, columns = ndimage.find_objects(piece.astype(np.uint8))[0]
            opinion = scores[1 : 1 + len(CATEGORIES), piece].mean(axis=1)
            box = (
                columns.start * across, rows.start * down, columns.stop * across, rows.stop * down,
            )  # fmt: skip
            found.append(
                Detection(
                    box=box,
                    score=float(opinion[category]),
                    label=CATEGORIES[category],
                    label_scores=(opinion / max(float(opinion.sum()), 1e-6)).astype(np.float32),
                    mask=_smooth_mask(piece[rows, columns]),
                )
            )
        return sorted(found, key=lambda one: (-one.score * _area(one.box), one.box))


def _softmax(logits: Scores) -> Scores:
    raised: Scores = np.exp(logits - logits.max(axis=0, keepdims=True))
    return raised / raised.sum(axis=0, keepdims=True)


def _pieces(labels: NDArray[np.int64]) -> list[tuple[int, NDArray[np.bool_]]]:
    """Connected masks (category index, mask), pieces near each other joined."""
    gap = max(1, round(_GAP * labels.shape[0]))
    pieces = []
    for category in range(len(CATEGORIES)):
        mask = labels == category + 1
        if not mask.any():
            continue
        joined, count = ndimage.label(ndimage.binary_dilation(mask, iterations=gap))
        for number in range(1, count + 1):
            piece = mask & (joined == number)
            if piece.any():
                pieces.append((category, piece))
    return pieces


def _absorb(
    pieces: list[tuple[int, NDArray[np.bool_]]], labels: NDArray[np.int64]
) -> list[tuple[int, NDArray[np.bool_]]]:
    """Give small patches to the larger piece of the same slot that they touch."""
    remaining = sorted(pieces, key=lambda piece: (-int(piece[1].sum()), piece[0]))
    kept: list[tuple[int, NDArray[np.bool_]]] = []
    for category, mask in remaining:
        size = int(mask.sum())
        touched = ndimage.binary_dilation(mask)
        for position, (other, larger) in enumerate(kept):
            small = size < ABSORB * int(larger.sum())
            if small and _same_slot(category, other) and bool((touched & larger).any()):
                kept[position] = (other, larger | mask)
                break
        else:
            kept.append((category, mask))
    return kept


def _same_slot(one: int, other: int) -> bool:
    names = {CATEGORIES[one], CATEGORIES[other]}
    return any(names <= slot for slot in _SLOTS)


def _smooth_mask(piece: NDArray[np.bool_]) -> Pixels:
    """The mask at four times the network's resolution, its stairs rounded."""
    size = (piece.shape[1] * 4, piece.shape[0] * 4)
    soft = Image.fromarray((piece * 255).astype(np.uint8)).resize(size, Image.Resampling.BICUBIC)
    hard: Pixels = ((np.asarray(soft) > 127) * 255).astype(np.uint8)
    return hard


def _area(box: tuple[float, float, float, float]) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])
