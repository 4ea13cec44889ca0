"""What tiers are chosen from: every garment and look that match, by their best region."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lookweave.pipeline.setup import Setup
from lookweave.pipeline.steps.match import Match
from lookweave.store.reviews import standings
from lookweave.store.workspace import Workspace

_NEVER = np.iinfo(np.int32).max


@dataclass
class Pool:
    """All matches of the recipe, a few numbers each, in the order of preference.

    Attributes:
        position: in the table `matches`.
        garment, look: codes into `garments` and `looks`, which ascend.
        rank, reverse_rank: `_NEVER` where there is none.
        label: of reviews: 1 yes, 0 no, -1 none.
    """

    garments: list[str]
    looks: list[str]
    position: NDArray[np.int64]
    garment: NDArray[np.int32]
    look: NDArray[np.int32]
    rank: NDArray[np.int32]
    reverse_rank: NDArray[np.int32]
    probability: NDArray[np.float32]
    label: NDArray[np.int8]
    calibrated: bool

    @classmethod
    def read(cls, workspace: Workspace, setup: Setup) -> Pool:
        """The best region of each garment x look."""
        # An open disagreement stays out until somebody decides it.
        verdicts = {
            key: int(said.same is True)
            for key, said in standings(workspace).items()
            if said.yes or said.no
        }
        numbers = ["score", "probability", "rank", "reverse_rank"]
        where = Match(setup).rows
        pieces: list[pa.Table] = []
        labels: list[NDArray[np.int8]] = []
        calibrated = False
        columns = ["garment", "look", "region", "calibrated", *numbers]
        table = workspace.table("matches")
        for batch in table.scan(columns, where, rows=1 << 16, with_positions=True):
            labels.append(_labels(batch, verdicts))
            calibrated = calibrated or bool(batch.column("calibrated")[0].as_py())
            ids = [batch.column(name).combine_chunks() for name in ("garment", "look")]
            kept = [pa.chunked_array([column]).dictionary_encode() for column in ids]
            rest = [batch.column(name) for name in (*numbers, "_rowoffset")]
            pieces.append(pa.table([*kept, *rest], ["garment", "look", *numbers, "position"]))
        if not pieces:
            none = np.empty(0, np.int32)
            return cls(
                [], [], none.astype(np.int64), none, none, none, none, none.astype(np.float32),
                none.astype(np.int8), False,
            )  # fmt: skip
        matches = pa.concat_tables(pieces).unify_dictionaries()
        garments, garment = _codes(matches.column("garment"))
        looks, look = _codes(matches.column("look"))
        pool = cls(
            garments,
            looks,
            matches.column("position").to_numpy().astype(np.int64),
            garment,
            look,
            matches.column("rank").fill_null(_NEVER).to_numpy(),
            matches.column("reverse_rank").fill_null(_NEVER).to_numpy(),
            matches.column("probability").to_numpy(),
            np.concatenate(labels),
            calibrated,
        )
        return pool._best_regions(matches.column("score").to_numpy())

    def _best_regions(self, score: NDArray[np.float32]) -> Pool:
        """One row a garment x look, ordered by probability, score, ids."""
        pair = self.garment.astype(np.int64) * len(self.looks) + self.look
        # Within a pair: a region that a person confirmed, else the likeliest that nobody refused.
        order = np.lexsort((self.rank, -score, -self.probability, _preference(self.label), pair))
        _, first = np.unique(pair[order], return_index=True)
        best = order[first]
        # A refusal of the likeliest region refuses the pair, unless another region is confirmed.
        refused = np.unique(pair[self.label == 0])
        label = self.label[best]
        label[np.isin(pair[best], refused) & (label != 1)] = 0
        order = np.lexsort(
            (self.look[best], self.garment[best], -score[best], -self.probability[best])
        )
        best = best[order]
        return Pool(
            self.garments, self.looks, self.position[best], self.garment[best], self.look[best],
            self.rank[best], self.reverse_rank[best], self.probability[best], label[order],
            self.calibrated,
        )  # fmt: skip


def _preference(label: NDArray[np.int8]) -> NDArray[np.int8]:
    """0 for a confirmed row, 1 for one that nobody looked at, 2 for a refused one."""
    return np.array([2, 0, 1], np.int8)[label]


def _codes(column: pa.ChunkedArray) -> tuple[list[str], NDArray[np.int32]]:
    """The distinct values, ascending, and each row's place among them."""
    values: list[str] = column.chunk(0).dictionary.to_pylist()
    order = sorted(range(len(values)), key=values.__getitem__)
    place = np.empty(len(values), np.int32)
    place[order] = np.arange(len(values), dtype=np.int32)
    codes = np.concatenate([chunk.indices.to_numpy() for chunk in column.chunks])
    return [values[at] for at in order], place[codes]


def _labels(batch: pa.Table, verdicts: dict[tuple[str, str], int]) -> NDArray[np.int8]:
    if not verdicts:
        return np.full(batch.num_rows, -1, np.int8)
    keys = zip(batch.column("garment").to_pylist(), batch.column("region").to_pylist(), strict=True)
    return np.array([verdicts.get(key, -1) for key in keys], np.int8)
