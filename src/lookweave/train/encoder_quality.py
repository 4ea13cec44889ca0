"""What an encoder is measured by: the same garment in another picture, and what it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookweave.train.encoder_network import JointNetwork, outputs_of
from lookweave.train.failures import Failures
from lookweave.train.garment_crops import SIDE, Garment, prepare_crop, worn_garments
from lookweave.train.garment_pairs import GarmentPair, crop_garments
from lookweave.train.labelled_crops import Columns
from lookweave.train.parsed_photos import load_parsed_photos
from lookweave.train.precision import Answer, same_neighbours
from lookweave.train.product_photos import Pixels
from lookweave.train.retrieval_quality import (
    identity_scores,
    neighbour_accuracy,
    retrieval_crops,
    retrieval_failures,
    retrieval_scores,
)
from lookweave.train.segmentation_data import normalised
from lookweave.train.word_quality import CLASS_NAMES, class_accuracy

_VALIDATION_PER_CLASS, _KNOWN_PER_CLASS = 20, 60


@dataclass(frozen=True)
class EncoderMeasure:
    """Crops of validation and test, made once.

    Attributes:
        validation_crops, test_crops: queries and gallery of street garments, see
            `retrieval_quality.retrieval_crops`.
        rendered: pairs of held-out families.
        crops: columns of `labelled_crops.cut_crops`, for the product photos.
        parsed, products: the folders.
    """

    validation_crops: tuple[list[Pixels], list[Pixels]]
    test_crops: tuple[list[Pixels], list[Pixels]]
    rendered: list[GarmentPair]
    crops: Columns
    parsed: Path
    products: Path | None

    @classmethod
    def read(
        cls, parsed: Path, products: Path | None, crops: Columns, rendered: list[GarmentPair]
    ) -> EncoderMeasure:
        """The measure on these folders and held-out rendered pairs."""
        validation, test = (
            retrieval_crops(worn_garments(load_parsed_photos(parsed, [split])), SIDE)
            for split in ("validation", "test")
        )
        return cls(validation, test, rendered, crops, parsed, products)

    def validation(self, network: JointNetwork) -> dict[str, float]:
        """The mean of what follows it: MRR of street garments, of rendered ones, and how often
        the nearest of the ten class names is a product photo's."""
        queries, gallery = (outputs_of(network, side) for side in self.validation_crops)
        scores = {"street MRR": float(retrieval_scores(queries, gallery)["MRR"])}
        if self.rendered:
            scores["rendered MRR"] = float(self._rendered_scores(network)["MRR"])
        if self.products is not None:
            scores["class names"] = self._class_names(network, "validation", _VALIDATION_PER_CLASS)
        return {"mean": float(np.mean(list(scores.values()))), **scores}

    def agreement(self, first: Answer, second: Answer) -> float:
        """How far two encoders find the same neighbours of the street garments for validation."""

        def vectors(answer: Answer, crops: Sequence[Pixels]) -> NDArray[np.float32]:
            return np.concatenate([answer(normalised(crop[None])) for crop in crops])

        def both(answer: Answer) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
            queries, gallery = self.validation_crops
            return vectors(answer, queries), vectors(answer, gallery)

        return same_neighbours(both(first), both(second))

    def test(self, network: JointNetwork, pooled: bool = False) -> dict[str, Any]:
        """Everything, on test photos and held-out rendered families.

        Args:
            pooled: measure the features before the projection, which no word lies among.
        """

        def unit(crops: Sequence[Pixels]) -> NDArray[np.float32]:
            rows = outputs_of(network, crops, pooled)
            return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)

        quality: dict[str, Any] = {
            "cut_out_to_scene": retrieval_scores(*(unit(side) for side in self.test_crops))
        }
        if self.rendered:
            quality["rendered_pairs"] = self._rendered_scores(network, pooled)
        if self.products is not None:
            known = self._products("train", _KNOWN_PER_CLASS)
            held_out = self._products("test")
            quality["product_class_10nn"] = round(
                neighbour_accuracy(
                    unit(_prepared(known)), [one.group for one in known],
                    unit(_prepared(held_out)), [one.group for one in held_out],
                ),
                4,
            )  # fmt: skip
            if not pooled:
                quality["class_names"] = round(self._class_names(network, "test"), 4)
        return quality

    def failures(self, network: JointNetwork) -> Failures:
        """The cut-outs of test photos that find another garment first."""
        queries, gallery = self.test_crops
        names = [str(place) for place in range(len(gallery))]
        similarity = outputs_of(network, queries) @ outputs_of(network, gallery).T
        return retrieval_failures(queries, names, gallery, names, similarity)

    def _products(self, split: str, per_class: int | None = None) -> list[Garment]:
        """Product photos by their cut-outs; `group` is the data set's class."""
        assert self.products is not None
        rows = np.flatnonzero(
            (self.crops["sources"] == "product") & (self.crops["splits"] == split)
        )
        labels = self.crops["labels"][rows]
        kept = [rows[labels == label][:per_class] for label in np.unique(labels)]
        return crop_garments(self.parsed, self.products, self.crops, np.sort(np.concatenate(kept)))

    def _class_names(
        self, network: JointNetwork, split: str, per_class: int | None = None
    ) -> float:
        products = self._products(split, per_class)
        images = outputs_of(network, _prepared(products))
        names = network.text_vectors(list(CLASS_NAMES)).detach().numpy()
        return class_accuracy(images @ names.T, np.array([one.group for one in products]))

    def _rendered_scores(self, network: JointNetwork, pooled: bool = False) -> dict[str, Any]:
        """Product photos of held-out families seek their garment among all worn regions."""
        products = {pair.identity: pair.product for pair in self.rendered}
        queries = outputs_of(network, _prepared(list(products.values())), pooled)
        gallery = outputs_of(network, _prepared([pair.worn for pair in self.rendered]), pooled)
        return identity_scores(
            queries / np.linalg.norm(queries, axis=1, keepdims=True), list(products),
            gallery / np.linalg.norm(gallery, axis=1, keepdims=True),
            [pair.identity for pair in self.rendered],
        )  # fmt: skip


def _prepared(garments: Sequence[Garment]) -> list[Pixels]:
    return [prepare_crop(garment.pixels, garment.mask) for garment in garments]
