"""YOLOS, DETR and RT-DETR models as detectors of garments."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lookweave.models.card import Card
from lookweave.models.hub.boxes import (
    Box,
    BoxCandidates,
    detections,
    focal_candidates,
    person_parts,
    softmax_candidates,
)
from lookweave.models.hub.fetch import locate
from lookweave.models.hub.graphs import architecture, configuration
from lookweave.models.hub.labels import LabelMap, table_in
from lookweave.models.hub.network import Network, activations_mb
from lookweave.models.hub.preprocess import ImageRecipe, recipe_in
from lookweave.models.protocols import Detection, Detector, Floats, Pixels

DECODERS = {"softmax": softmax_candidates, "focal": focal_candidates}
MAX_OVERLAP = 0.8


class HubDetector:
    """A detector with classes of its own, mapped to the taxonomy.

    Card settings:
        threshold: least score, 0..1.
        max_overlap: of two boxes of one category that overlap more, the better stays.
        parts: the name of `card.made_of`, a detector that is shown each person alone; without
            it a person becomes upper, lower and feet by shares of the box.

    Raises:
        HubUnreachable: the weights are not here and cannot be fetched.
        ModelError: they cannot be loaded, or no class is a garment.
    """

    def __init__(self, card: Card, models_dir: Path | None = None) -> None:
        folder = locate(card, models_dir)
        config = configuration(folder)
        kind = architecture(config, folder)
        settings = {**kind.settings, **card.settings}
        self._decode = DECODERS[str(settings["decode"])]
        self._threshold = float(settings["threshold"])
        self._max_overlap = float(settings.get("max_overlap", MAX_OVERLAP))
        self._recipe = recipe_in(folder, kind.model_type)
        self._labels = LabelMap.of(class_names(config), table_in(folder))
        self._parts: Detector | None = card.made_of.load(models_dir) if card.made_of else None
        height, width = example_size(self._recipe)
        self.network = Network(
            card, folder, config, kind, "detector", models_dir,
            size=(height, width),
            one_mb=activations_mb(config, *self._recipe.target(1600, 1200)),
        )  # fmt: skip

    def detect(self, photos: list[Pixels]) -> list[list[Detection]]:
        """One list for each photo, best first; empty where no garment is seen."""
        return [
            self._garments(photo, found)
            for photo, found in zip(photos, self.candidates(photos), strict=True)
        ]

    def candidates(self, photos: list[Pixels]) -> list[BoxCandidates]:
        """What the network says of each photo, in its own classes."""
        given = run_by_shape(self.network, self._recipe, photos)
        return [
            self._decode(logits, boxes, *photo.shape[:2])
            for photo, (logits, boxes) in zip(photos, given, strict=True)
        ]

    def _garments(self, photo: Pixels, found: BoxCandidates) -> list[Detection]:
        height, width = photo.shape[:2]
        garments, persons = detections(
            found, self._labels, height, width,
            threshold=self._threshold, max_overlap=self._max_overlap,
        )  # fmt: skip
        for box in persons:
            garments += person_parts(box, 0.5) if self._parts is None else self._inside(photo, box)
        return sorted(garments, key=lambda one: -one.score)

    def _inside(self, photo: Pixels, box: Box) -> list[Detection]:
        """What the detector of parts finds when it is shown the person alone."""
        assert self._parts is not None
        x0, y0, x1, y1 = (round(edge) for edge in box)
        person = np.ascontiguousarray(photo[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)])
        return [
            Detection(
                (one.box[0] + x0, one.box[1] + y0, one.box[2] + x0, one.box[3] + y0),
                one.score, one.label, one.label_scores, one.mask,
            )
            for one in self._parts.detect([person])[0]
        ]  # fmt: skip


def class_names(config: dict[str, object]) -> list[str]:
    """The configuration's class names in the order of the network's scores."""
    names = config.get("id2label") or {}
    assert isinstance(names, dict)
    by_number = {int(number): str(name) for number, name in names.items()}
    return [by_number.get(number, "n/a") for number in range(max(by_number, default=-1) + 1)]


def example_size(recipe: ImageRecipe) -> tuple[int, int]:
    """A photo's size as it enters the network, to trace it with."""
    if recipe.resize == "bounded":
        return recipe.target(4 * recipe.short, 3 * recipe.short)
    return recipe.crop or (recipe.height or 512, recipe.width or 512)


def run_by_shape(
    network: Network,
    recipe: ImageRecipe,
    photos: list[Pixels],
    shared: dict[str, NDArray[np.int64]] | None = None,
) -> list[tuple[Floats, ...]]:
    """The network's outputs for each photo, those of one shape in one call.

    Photos are never padded to each other's size: padding changes what a network says, and a
    photo's regions must not depend on its neighbours.
    """
    prepared = [recipe(photo) for photo in photos]
    groups: dict[tuple[int, ...], list[int]] = {}
    for position, values in enumerate(prepared):
        groups.setdefault(values.shape, []).append(position)
    outputs: dict[int, tuple[Floats, ...]] = {}
    for positions in groups.values():
        batch = np.stack([prepared[position] for position in positions])
        given = network({"pixel_values": batch}, shared)
        for row, position in enumerate(positions):
            outputs[position] = tuple(given[name][row] for name in network.graph.outputs)
    return [outputs[position] for position in range(len(photos))]
