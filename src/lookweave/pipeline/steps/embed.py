"""embed: a unit vector for every cut-out and region."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from lookweave.config import Config
from lookweave.errors import ModelError, Rejected
from lookweave.models.card import Card
from lookweave.models.cards import chosen
from lookweave.models.protocols import Crop, ImageEncoder, Recalls
from lookweave.pipeline.steps.base import Step, Todo, outcome, reject_row
from lookweave.pipeline.steps.describe import regions_left
from lookweave.pipeline.steps.subjects import PhotoReader, Seen, rejected
from lookweave.records import Noun, embedding_noun
from lookweave.store.tables import Table
from lookweave.store.workspace import Workspace


class Embed(Step):
    """Regions -> embeddings, a table for each encoder."""

    name = "embed"
    unit = "regions"

    def __init__(self, workspace: Path, config: Config) -> None:
        super().__init__(workspace, config)
        card = _card(config)
        self._key = card.key
        self._encoder: ImageEncoder = card.load(config.models_dir)
        self._noun = self.noun(config)
        self._reader = PhotoReader(self.workspace)

    def __call__(self, batch: pa.Table) -> pa.Table:
        regions: list[str] = batch.column("id").to_pylist()
        known = self._encoder.recall(regions) if isinstance(self._encoder, Recalls) else {}
        left = batch.filter(pa.array([region not in known for region in regions]))
        crops = self._reader.crops(left)
        usable = [crop for crop in crops if isinstance(crop, Crop)]
        vectors = iter(self._encoder.encode(usable))
        rows: list[dict[str, object]] = []
        rejects: list[dict[str, object]] = []
        looked_at = iter(crops)
        for region, kind in zip(regions, batch.column("kind").to_pylist(), strict=True):
            crop = None if region in known else next(looked_at)
            if isinstance(crop, Rejected):
                rejects.append(reject_row("embed", self._key, region, crop, kind=kind))
            else:
                vector = known[region] if crop is None else next(vectors)
                rows.append({"subject": region, "kind": kind, "vector": vector})
        return outcome(self._noun, rows, rejects)

    @classmethod
    def recipe(cls, config: Config) -> str:
        return _card(config).key

    @classmethod
    def noun(cls, config: Config) -> Noun:
        card = _card(config)
        if card.dimension is None:
            raise ModelError(f"The card of {card.name} does not say how long its vectors are.")
        return embedding_noun(card.dimension)

    @classmethod
    def table(cls, workspace: Workspace, config: Config) -> Table:
        card = _card(config)
        return workspace.embeddings(card.key, card.dimension or 0)

    @classmethod
    def todo(cls, workspace: Workspace, config: Config) -> Todo:
        seen = [
            Seen(cls.table(workspace, config), "subject", "true"),
            rejected(workspace, cls.name, cls.recipe(config)),
        ]
        return regions_left(workspace, config, seen)


def _card(config: Config) -> Card:
    return chosen(config).encoder
