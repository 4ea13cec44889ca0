"""SegFormer clothes models: pixel classes, then one region for each piece of clothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy import ndimage

from lookweave.models.card import Card
from lookweave.models.hub.detector import class_names, example_size, run_by_shape
from lookweave.models.hub.fetch import locate
from lookweave.models.hub.graphs import architecture, configuration
from lookweave.models.hub.labels import PERSON, LabelMap, table_in
from lookweave.models.hub.network import Network, activations_mb
from lookweave.models.hub.preprocess import recipe_in
from lookweave.models.protocols import Detection, Floats, Pixels
from lookweave.taxonomy import CATEGORIES

SIDE = 512
"""Longer side of the class map in which regions are looked for."""

MIN_AREA = 0.002
GAP = 0.02  # of the longer side: pieces of one garment cut by an arm or a bag are this near


class HubSegmenter:
    """A segmentation model as a detector with masks.

    Pixels of all classes that mean one category (a left and a right shoe) are one mask; its
    connected pieces, nearby ones joined, are the regions.

    Card settings:
        min_area: least share of the photo.

    Raises:
        HubUnreachable: the weights are not here and cannot be fetched.
        ModelError: they cannot be loaded, or no class is a garment.
    """

    def __init__(self, card: Card, models_dir: Path | None = None) -> None:
        folder = locate(card, models_dir)
        config = configuration(folder)
        kind = architecture(config, folder)
        self._min_area = float(card.settings.get("min_area", MIN_AREA))
        self._recipe = recipe_in(folder, kind.model_type)
        self._labels = LabelMap.of(class_names(config), table_in(folder))
        height, width = example_size(self._recipe)
        self.network = Network(
            card, folder, config, kind, "detector", models_dir, size=(height, width),
            one_mb=activations_mb(config, height, width),
        )  # fmt: skip

    def detect(self, photos: list[Pixels]) -> list[list[Detection]]:
        """One list for each photo, largest claim first; empty where no garment is seen."""
        found = []
        for photo, logits in zip(photos, self.logits(photos), strict=True):
            height, width = photo.shape[:2]
            shrink = min(1.0, SIDE / max(height, width))
            size = max(1, round(height * shrink)), max(1, round(width * shrink))
            found.append(regions(upsample(logits, *size), self._labels, height, width,
                                 min_area=self._min_area))  # fmt: skip
        return found

    def logits(self, photos: list[Pixels]) -> list[Floats]:
        """Class logits of each photo, float32 (classes, h, w), at the network's resolution."""
        return [logits for (logits,) in run_by_shape(self.network, self._recipe, photos)]


def upsample(logits: Floats, height: int, width: int) -> Floats:
    """Bilinear, corners not aligned: torch's interpolate, as the reference post-processing.

    Args:
        logits: float32 (classes, h, w).

    Returns:
        float32 (classes, height, width).
    """
    rows, columns = _weights(logits.shape[1], height), _weights(logits.shape[2], width)
    return np.asarray(rows @ logits @ columns.T, np.float32)


def regions(
    logits: Floats, labels: LabelMap, height: int, width: int, *, min_area: float = MIN_AREA
) -> list[Detection]:
    """Regions of a class map.

    Args:
        logits: float32 (classes, h, w).
        height: of the photo, in pixels; boxes are in these.
        width: likewise.
    """
    raised = np.exp(logits - logits.max(axis=0, keepdims=True))
    probabilities = raised / raised.sum(axis=0, keepdims=True)
    classes = logits.argmax(axis=0)
    down, across = height / classes.shape[0], width / classes.shape[1]
    gap = max(1, round(GAP * max(classes.shape)))
    found = []
    for category in CATEGORIES:
        members = [
            index for index, meaning in enumerate(labels.meanings)
            if meaning and meaning != PERSON and meaning[0] == category
        ]  # fmt: skip
        mask = np.isin(classes, members)
        if not members or not mask.any():
            continue
        joined, count = ndimage.label(ndimage.binary_dilation(mask, iterations=gap))
        for number in range(1, count + 1):
            piece = mask & (joined == number)
            if piece.mean() < min_area:
                continue
            rows, columns = ndimage.find_objects(piece.astype(np.uint8))[0]
            mean = probabilities[:, piece].mean(axis=1)
            found.append(
                Detection(
                    box=(
                        columns.start * across, rows.start * down,
                        columns.stop * across, rows.stop * down,
                    ),
                    score=float(mean[members].sum()),
                    label=category,
                    label_scores=labels.categories(mean),
                    mask=(piece[rows, columns] * np.uint8(255)).astype(np.uint8),
                )
            )  # fmt: skip
    return sorted(found, key=lambda one: (-one.score * _area(one), one.box))


def _weights(source: int, target: int) -> Floats:
    """The matrix (target, source) of bilinear interpolation along one axis."""
    at = np.clip((np.arange(target) + 0.5) * source / target - 0.5, 0, None)
    low = np.minimum(at.astype(int), source - 1)
    high = np.minimum(low + 1, source - 1)
    share = (at - low).astype(np.float32)
    matrix = np.zeros((target, source), np.float32)
    positions = np.arange(target)
    matrix[positions, low] += 1 - share
    matrix[positions, high] += share
    return matrix


def _area(one: Detection) -> float:
    return (one.box[2] - one.box[0]) * (one.box[3] - one.box[1])
