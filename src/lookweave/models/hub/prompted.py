"""Grounding DINO and OWLv2: detectors that are asked in words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lookweave.models.card import Card
from lookweave.models.hub.boxes import BoxCandidates, detections, query_candidates
from lookweave.models.hub.detector import MAX_OVERLAP, example_size, run_by_shape
from lookweave.models.hub.fetch import locate
from lookweave.models.hub.graphs import architecture, configuration
from lookweave.models.hub.labels import PROMPTS, LabelMap
from lookweave.models.hub.network import Network, activations_mb
from lookweave.models.hub.preprocess import recipe_in
from lookweave.models.hub.tokens import reference_tokenizer, tokenizer_in
from lookweave.models.protocols import Detection, Pixels
from lookweave.taxonomy import CATEGORIES

PHRASE = "a photo of a {}"
"""How OWLv2 is asked for a thing (Minderer et al., 2023)."""


class PromptedDetector:
    """An open-vocabulary detector that is asked for the garments of the taxonomy.

    Card settings:
        threshold: least score, 0..1.
        max_overlap: of two boxes of one category that overlap more, the better stays.

    Raises:
        HubUnreachable: the weights are not here and cannot be fetched.
        ModelError: they cannot be loaded.
    """

    def __init__(self, card: Card, models_dir: Path | None = None) -> None:
        folder = locate(card, models_dir)
        config = configuration(folder)
        kind = architecture(config, folder)
        settings = {**kind.settings, **card.settings}
        self._threshold = float(settings["threshold"])
        self._max_overlap = float(settings.get("max_overlap", MAX_OVERLAP))
        self._recipe = recipe_in(folder, kind.model_type)
        self._labels = LabelMap.of(list(CATEGORIES))
        if settings["prompts"] == "queries":
            tokens = tokenizer_in(folder, config, kind)(
                [PHRASE.format(word) for words in PROMPTS.values() for word in words]
            )
            self._owners = np.array(
                [CATEGORIES.index(name) for name, words in PROMPTS.items() for _ in words]
            )
            self._text = {name: tokens[name] for name in ("input_ids", "attention_mask")}
        else:
            self._text, self._owners = grounded_text(folder)
        height, width = example_size(self._recipe)
        self.network = Network(
            card, folder, config, kind, "detector", models_dir, size=(height, width),
            one_mb=activations_mb(config, *self._recipe.target(1600, 1200)),
        )  # fmt: skip

    def detect(self, photos: list[Pixels]) -> list[list[Detection]]:
        """One list for each photo, best first; empty where no garment is seen."""
        found = []
        for photo, candidates in zip(photos, self.candidates(photos), strict=True):
            height, width = photo.shape[:2]
            garments, _ = detections(
                candidates, self._labels, height, width,
                threshold=self._threshold, max_overlap=self._max_overlap,
            )  # fmt: skip
            found.append(garments)
        return found

    def candidates(self, photos: list[Pixels]) -> list[BoxCandidates]:
        """What the network says of each photo; classes are the taxonomy's categories."""
        given = run_by_shape(self.network, self._recipe, photos, self._text)
        found = []
        for photo, (logits, boxes) in zip(photos, given, strict=True):
            height, width = photo.shape[:2]
            if self._recipe.resize == "square":  # its boxes are shares of the padded square
                height = width = max(height, width)
            owners = np.full(logits.shape[1], -1)
            owners[: len(self._owners)] = self._owners
            found.append(query_candidates(logits, boxes, height, width, owners, len(CATEGORIES)))
        return found


def grounded_text(folder: Path) -> tuple[dict[str, NDArray[np.int64]], NDArray[np.int64]]:
    """Grounding DINO's one text with all garments in it ("t-shirt. top. shirt. …").

    Returns:
        Its token arrays, int64 (1, tokens), and for each token the category that it speaks for,
        -1 for full stops and special tokens.
    """
    tokenizer = reference_tokenizer(folder)
    ids: list[int] = [tokenizer.cls_token_id]
    owners: list[int] = [-1]
    stop = tokenizer.encode(".", add_special_tokens=False)
    for category, words in PROMPTS.items():
        for word in words:
            pieces = tokenizer.encode(word, add_special_tokens=False)
            ids += [*pieces, *stop]
            owners += [CATEGORIES.index(category)] * len(pieces) + [-1] * len(stop)
    ids.append(tokenizer.sep_token_id)
    owners.append(-1)
    row = np.array([ids], np.int64)
    text = {
        "input_ids": row,
        "attention_mask": np.ones_like(row),
        "token_type_ids": np.zeros_like(row),
    }
    return text, np.array(owners)
