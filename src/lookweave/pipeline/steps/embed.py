"""embed: a unit vector for every cut-out and region."""

from __future__ import annotations

from functools import cached_property
from typing import ClassVar

import pyarrow as pa

from lookweave.errors import ModelError, Rejected
from lookweave.models.checks import check_tokens, check_vectors
from lookweave.models.details import packed
from lookweave.models.protocols import Crop, ImageEncoder, Recalls, TokenEncoder, Tokens, Vectors
from lookweave.pipeline.setup import Setup
from lookweave.pipeline.step import Plan, Step, Worker, outcome, reject_row
from lookweave.pipeline.steps.describe import regions_left
from lookweave.pipeline.steps.subjects import PhotoReader, Seen, rejected
from lookweave.records import TableSpec, embedding_spec
from lookweave.store.conditions import ANY_ROW, Condition, matching
from lookweave.store.tables import Table
from lookweave.store.workspace import Workspace


class Embedding(Worker):
    """Regions -> unit vectors, and from the same look the tokens of their parts."""

    def __init__(self, workspace: Workspace, setup: Setup) -> None:
        super().__init__(workspace, setup)
        card = setup.models.encoder
        self._card, self._key = card, card.key
        self._encoder: ImageEncoder = card.load(setup.config.models_dir)
        self._spec = Embed(setup).spec
        self._tokens_by = setup.tokens
        self._reader = PhotoReader(workspace)

    def __call__(self, batch: pa.Table) -> pa.Table:
        regions: list[str] = batch.column("id").to_pylist()
        known = self._recalled(regions)
        left = batch.filter(pa.array([region not in known for region in regions]))
        crops = self._reader.crops(left)
        usable = [crop for crop in crops if isinstance(crop, Crop)]
        seen = iter(self._seen(usable))
        rows: list[dict[str, object]] = []
        rejects: list[dict[str, object]] = []
        looked_at = iter(crops)
        kinds, made_of = (batch.column(name).to_pylist() for name in ("kind", "made_of"))
        for region, kind, made in zip(regions, kinds, made_of, strict=True):
            crop = None if region in known else next(looked_at)
            if isinstance(crop, Rejected):
                rejects.append(reject_row("embed", self._key, region, crop, kind=kind))
            else:
                vector, tokens = known[region] if crop is None else next(seen)
                row: dict[str, object] = {
                    "subject": region, "kind": kind, "vector": vector, "made_of": made,
                }  # fmt: skip
                rows.append(row | self._token_columns(tokens))
        return outcome(self._spec, rows, rejects)

    def _recalled(self, regions: list[str]) -> dict[str, tuple[Vectors, Tokens | None]]:
        if not isinstance(self._encoder, Recalls):
            return {}
        known = self._encoder.recall(regions)
        if self._tokens_by is None:
            return known
        return {region: seen for region, seen in known.items() if seen[1] is not None}

    def _seen(self, crops: list[Crop]) -> list[tuple[Vectors, Tokens | None]]:
        if self._tokens_by is None:
            vectors = check_vectors(self._card, self._encoder.encode(crops), len(crops))
            return [(vector, None) for vector in vectors]
        assert isinstance(self._encoder, TokenEncoder)
        vectors, tokens = self._encoder.encode_with_tokens(crops)
        vectors = check_vectors(self._card, vectors, len(crops))
        return list(zip(vectors, check_tokens(self._card, tokens, len(crops)), strict=True))

    def _token_columns(self, tokens: Tokens | None) -> dict[str, object]:
        if self._tokens_by is None or tokens is None:
            return {}
        return {
            "token_values": packed(tokens.values),
            "token_places": tokens.places.tobytes(),
            "tokens_by": self._tokens_by,
        }


class Embed(Step):
    """Every region once for each encoder, a table for each."""

    name = "embed"
    unit = "regions"
    worker: ClassVar[type[Worker]] = Embedding

    @cached_property
    def recipe(self) -> str:
        return self.setup.models.encoder.key

    @cached_property
    def spec(self) -> TableSpec:
        return embedding_spec(dimension(self.setup))

    def table(self, workspace: Workspace) -> Table:
        return embeddings(workspace, self.setup)

    def plan(self, workspace: Workspace) -> Plan:
        seen = [
            Seen(self.table(workspace), "subject", complete(self.setup), beside="made_of"),
            rejected(workspace, self.name, self.recipe),
        ]
        return regions_left(workspace, self.setup, seen)


def complete(setup: Setup) -> Condition:
    """The rows of the encoder's table with all that the setup asks of them."""
    return ANY_ROW if setup.tokens is None else matching(tokens_by=setup.tokens)


def embeddings(workspace: Workspace, setup: Setup) -> Table:
    """The vectors of the setup's encoder."""
    return workspace.embeddings(setup.models.encoder.key, dimension(setup))


def dimension(setup: Setup) -> int:
    """Length of the encoder's vectors.

    Raises:
        ModelError: its card does not say.
    """
    card = setup.models.encoder
    if card.dimension is None:
        raise ModelError(f"The card of {card.name} does not say how long its vectors are.")
    return card.dimension
