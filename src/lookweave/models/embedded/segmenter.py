"""The embedded detector: garment parsing, then one region for each garment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from lookweave.models.card import Card
from lookweave.models.colour import to_lab
from lookweave.models.framing import letterbox, tensor
from lookweave.models.protocols import Detection, Pixels
from lookweave.models.session import open_session
from lookweave.taxonomy import CATEGORIES

Scores = NDArray[np.float32]

GREY = 127  # around a photo that does not fill its canvas, as in training

MIN_AREA = 0.004
"""Regions below this share of the photo are left out."""

WAVERING = 60.0
"""Two touching pieces of one slot are one garment when their mean colours are nearer than
WAVERING · w in CIELAB, where w is how much probability each piece gives to the other's category.
A network that cannot tell shirt from top inside one garment leaves patches of both; a jacket over
a shirt is two colours and little doubt."""

_GAP = 0.04  # of the frame's height: pieces of one garment cut by a bag or an arm are this near

BRIDGE, PAIR_GAP = 0.2, 0.16
"""The widest gap, in heights of the frame, over which parts of one garment are joined."""

SAME_GARMENT = 30.0
"""Mean colours farther apart than this in CIELAB are two garments, even of one category."""

_PAIRS = frozenset({"shoes"})

_ALIKE: tuple[frozenset[str], ...] = (
    frozenset({"jacket", "coat"}), frozenset({"trousers", "jeans"}), frozenset({"top", "shirt"}),
)  # fmt: skip
"""Categories that two parts of one garment are often given."""

_SLOTS: tuple[frozenset[str], ...] = (
    frozenset({"top", "shirt", "knitwear", "jacket", "coat", "vest", "dress", "jumpsuit"}),
    frozenset({"skirt", "trousers", "jeans", "shorts", "hosiery", "dress", "jumpsuit"}),
)
"""Categories that networks mistake for each other on one garment."""


class Segmenter:
    """Pixel classes by the embedded network; regions are connected masks of one category."""

    def __init__(self, card: Card, models_dir: Path | None = None) -> None:
        if card.weights is None:
            raise ValueError(f"the card {card.name} lacks weights")
        self._session = open_session(card.weights)
        self._canvases: list[tuple[int, int]] = [tuple(one) for one in card.settings["canvases"]]
        self._mean, self._std = card.settings["mean"], card.settings["std"]

    def detect(self, photos: list[Pixels]) -> list[list[Detection]]:
        """One list for each photo, largest claim first."""
        return [self._regions(*parsed) for parsed in self._parse(photos)]

    def _parse(self, photos: list[Pixels]) -> Iterator[tuple[Pixels, Pixels, Scores]]:
        """Each photo, what the network saw of it, and its class probabilities, float32
        (classes, h, w); margins cut off."""
        for photo in photos:  # one at a time: on a CPU a batch is no faster, and canvases differ
            height, width = self._canvas(photo)
            frame, scale, left, top = letterbox(photo, height, width, (GREY, GREY, GREY))
            batch = tensor([frame], self._mean, self._std)
            logits = self._session.run(["logits"], {"image": batch})[0][0]
            stride = height / logits.shape[1]
            x0, y0 = int(left / stride), int(top / stride)
            x1 = int(np.ceil((left + photo.shape[1] * scale) / stride))
            y1 = int(np.ceil((top + photo.shape[0] * scale) / stride))
            y1, x1 = max(y1, y0 + 1), max(x1, x0 + 1)
            rows, columns = (slice(int(low * stride), int(high * stride))
                             for low, high in ((y0, y1), (x0, x1)))  # fmt: skip
            yield photo, frame[rows, columns], _softmax(logits[:, y0:y1, x0:x1])

    def _canvas(self, photo: Pixels) -> tuple[int, int]:
        """The canvas whose shape is nearest the photo's."""
        shape = np.log(photo.shape[0] / photo.shape[1])
        return min(self._canvases, key=lambda one: abs(float(np.log(one[0] / one[1]) - shape)))

    def _regions(self, photo: Pixels, seen: Pixels, scores: Scores) -> list[Detection]:
        labels = scores.argmax(axis=0)
        colours = _colours(seen, labels.shape)
        pieces = _reunited(_joined(_pieces(labels), scores, colours), scores, labels, colours)
        across, down = photo.shape[1] / labels.shape[1], photo.shape[0] / labels.shape[0]
        found = []
        for piece in pieces:
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
                    score=float(opinion.max()),
                    label=CATEGORIES[int(opinion.argmax())],
                    label_scores=(opinion / max(float(opinion.sum()), 1e-6)).astype(np.float32),
                    mask=_smooth_mask(piece[rows, columns]),
                )
            )
        return sorted(found, key=lambda one: (-one.score * _area(one.box), one.box))


def _softmax(logits: Scores) -> Scores:
    raised: Scores = np.exp(logits - logits.max(axis=0, keepdims=True))
    shares: Scores = raised / raised.sum(axis=0, keepdims=True)
    return shares


def _pieces(labels: NDArray[np.int64]) -> list[tuple[int, NDArray[np.bool_]]]:
    """Connected masks (category index, mask), pieces near each other joined."""
    gap = max(1, round(_GAP * labels.shape[0]))
    pieces = []
    for category, place in enumerate(ndimage.find_objects(labels, len(CATEGORIES))):
        if place is None:
            continue
        near = _grown(place, gap)  # the rest of the frame holds nothing of this category
        mask = labels[near] == category + 1
        joined, count = ndimage.label(mask)
        if count > 1:
            joined, count = ndimage.label(ndimage.binary_dilation(mask, iterations=gap))
        for number in range(1, count + 1):
            piece = np.zeros(labels.shape, bool)
            piece[near] = mask & (joined == number)
            if piece.any():
                pieces.append((category, piece))
    return pieces


def _grown(place: tuple[slice, ...], by: int) -> tuple[slice, ...]:
    """A box, wider by so much on all sides."""
    return tuple(slice(max(0, one.start - by), one.stop + by) for one in place)


def _joined(
    pieces: list[tuple[int, NDArray[np.bool_]]], scores: Scores, colours: Scores
) -> list[NDArray[np.bool_]]:
    """Join touching pieces of one garment, largest first; returns the garments' masks."""
    garments: list[tuple[set[int], NDArray[np.bool_]]] = []
    for category, mask in sorted(pieces, key=lambda piece: (-int(piece[1].sum()), piece[0])):
        place = _grown(ndimage.find_objects(mask.astype(np.uint8))[0], 1)
        touched = ndimage.binary_dilation(mask[place])
        for categories, larger in garments:
            near = bool((touched & larger[place]).any()) and all(
                _same_slot(category, c) for c in categories
            )
            if near and _one_cloth(category, mask, categories, larger, scores, colours):
                categories.add(category)
                larger |= mask
                break
        else:
            garments.append(({category}, mask.copy()))
    return [mask for _, mask in garments]


def _reunited(
    garments: list[NDArray[np.bool_]], scores: Scores, labels: NDArray[np.int64], colours: Scores
) -> list[NDArray[np.bool_]]:
    """Join the parts of one garment that something worn or held before it has cut apart.

    Between the halves of an open jacket or of trousers behind a bag lies what the person wears;
    between two people lies background. The shoes of a pair need no bridge, only to be near.
    """
    joined: list[tuple[int, NDArray[np.bool_]]] = []
    for mask in sorted(garments, key=lambda one: -int(one.sum())):
        category = int(scores[1 : 1 + len(CATEGORIES), mask].mean(axis=1).argmax())
        for place, (other, larger) in enumerate(joined):
            if category != other and {CATEGORIES[category], CATEGORIES[other]} not in _ALIKE:
                continue
            apart = np.linalg.norm(colours[mask].mean(axis=0) - colours[larger].mean(axis=0))
            if apart < SAME_GARMENT and _bridged(CATEGORIES[category], mask, larger, labels):
                joined[place] = (other, larger | mask)
                break
        else:
            joined.append((category, mask))
    return [mask for _, mask in joined]


def _bridged(
    category: str, mask: NDArray[np.bool_], larger: NDArray[np.bool_], labels: NDArray[np.int64]
) -> bool:
    """Whether the shortest way from one part to the other is short and leads over the person."""
    distance, nearest = ndimage.distance_transform_edt(~larger, return_indices=True)
    start = np.unravel_index(np.where(mask, distance, np.inf).argmin(), mask.shape)
    gap: float = float(distance[start]) / labels.shape[0]
    if category in _PAIRS:
        return gap < PAIR_GAP
    end = nearest[:, start[0], start[1]]
    steps = max(2, int(np.ceil(distance[start])) + 1)
    rows = np.linspace(start[0], end[0], steps).round().astype(int)
    columns = np.linspace(start[1], end[1], steps).round().astype(int)
    return gap < BRIDGE and float((labels[rows, columns] == 0).mean()) < 0.25


def _one_cloth(
    category: int,
    mask: NDArray[np.bool_],
    categories: set[int],
    larger: NDArray[np.bool_],
    scores: Scores,
    colours: Scores,
) -> bool:
    wavering = float(scores[1 + category, larger].mean())
    wavering += float(sum(scores[1 + other, mask].mean() for other in categories))
    apart = np.linalg.norm(colours[mask].mean(axis=0) - colours[larger].mean(axis=0))
    return bool(apart < WAVERING * wavering)


def _colours(seen: Pixels, shape: tuple[int, ...]) -> Scores:
    """What the network saw in CIELAB at its output's resolution, float32 (h, w, 3)."""
    size = (shape[1], shape[0])
    colours: Scores = to_lab(np.asarray(Image.fromarray(seen).resize(size, Image.Resampling.BOX)))
    return colours


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
