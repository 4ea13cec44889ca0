"""What comparing the best candidates part by part makes of their scores."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lookweave.matching.details import TokenFile, score_details
from lookweave.matching.fuse import ScoreWeights
from lookweave.matching.join import Neighbours
from lookweave.matching.vectors import Positions, Vectors
from lookweave.pipeline.steps.match.partition import Partition


class DetailScores:
    """S_detail of candidates, and S with it; with no tokens or no weight, nothing.

    Candidates are those that lie next by the rest of the score: none is brought in from further
    down.

    Args:
        pool: how many candidates are compared, at least those that are kept.
    """

    def __init__(self, partition: Partition, weights: ScoreWeights, pool: int) -> None:
        self._garments, self._regions = partition.garment_tokens, partition.region_tokens
        self._weights = weights
        self._pool = pool

    def __bool__(self) -> bool:
        return self._garments is not None and self._weights.detail > 0

    def pool(self, k: int) -> int:
        """How many candidates to compare when k are asked for."""
        return max(k, self._pool) if self else k

    def put(
        self,
        found: Neighbours,
        garments: Positions,
        regions: Positions,
        *,
        of_regions: bool = False,
    ) -> tuple[Neighbours, Vectors]:
        """Candidates with S, in the order they had, and their S_detail; NaN where there is none.

        Args:
            garments, regions: of each candidate, to be broadcast; one of them is `found`'s own.
            of_regions: each row of `found` is a region's candidates, not a garment's.
        """
        detail = np.full(found.positions.shape, np.nan, np.float32)
        if not self:
            return found, detail
        there = found.positions >= 0
        pairs = [np.broadcast_to(one, there.shape)[there] for one in (garments, regions)]
        detail[there] = self.of_pairs(*pairs, of_regions=of_regions)
        score = found.score.copy()
        score[there] = self._weights.scored(found.score[there], detail[there])
        return replace(found, score=score), detail

    def of_pairs(
        self, garments: Positions, regions: Positions, *, of_regions: bool = False
    ) -> Vectors:
        """S_detail of pairs, float32; NaN where nothing is compared, or a side has no tokens.

        Args:
            of_regions: pairs of one region stand together, not those of one garment.
        """
        detail = np.full(len(garments), np.nan, np.float32)
        if not self:
            return detail
        assert self._garments is not None and self._regions is not None
        there = self._garments.has(garments) & self._regions.has(regions)
        sides: list[tuple[TokenFile, Positions]] = [
            (self._garments, garments[there]), (self._regions, regions[there]),
        ]  # fmt: skip
        (left, ones), (right, others) = sides[::-1] if of_regions else sides
        detail[there] = score_details(left, right, ones, others)
        return detail

    def scored(self, base: Vectors, detail: Vectors) -> Vectors:
        """S of pairs, of the rest of the score and S_detail."""
        return self._weights.scored(base, detail) if self else base

    def ranked(self, base: Vectors, k: int, own: Positions, *, of_regions: bool = False) -> Vectors:
        """S of some garments (or regions) with everything on the other side.

        The best of the rest of the score are compared, as in a match that keeps k; all others
        come after them.

        Args:
            base: float32 (n, others), -inf for pairs that are shut out.
            own: int64 (n,): the row's garment (or region).
        """
        if not self or not base.size:
            return base
        pool = min(self.pool(k), base.shape[1])
        score = self._weights.unscored(base)
        best = np.lexsort((np.broadcast_to(np.arange(base.shape[1]), base.shape), -base), axis=1)
        candidates = best[:, :pool]
        queries, places = np.nonzero(np.isfinite(np.take_along_axis(base, candidates, axis=1)))
        others = candidates[queries, places]
        ones = own[queries]
        pair = (others, ones) if of_regions else (ones, others)
        detail = self.of_pairs(*pair, of_regions=of_regions)
        score[queries, others] = self._weights.scored(base[queries, others], detail)
        return score
