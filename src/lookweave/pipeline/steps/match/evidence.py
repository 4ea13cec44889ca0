"""What the evidence of the descriptions makes of the best candidates' scores."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lookweave.matching.details import TokenFile
from lookweave.matching.evidence import Evidence
from lookweave.matching.fuse import Composite
from lookweave.matching.join import Neighbours
from lookweave.matching.vectors import Positions, Vectors
from lookweave.pipeline.steps.match.partition import Partition

_PAIRS = 1 << 14  # at a time


class EvidenceScores:
    """S_VLM of candidates as evidence, in the place of the descriptions' inner product; with
    nothing learned, or no weight, nothing changes.

    Candidates are those that lie next by the vectors: none is brought in from further down.
    """

    def __init__(
        self, partition: Partition, evidence: Evidence | None, composite: Composite
    ) -> None:
        self._garments, self._regions = partition.garment_words, partition.region_words
        self._evidence, self._composite = evidence, composite

    def __bool__(self) -> bool:
        return (
            self._evidence is not None
            and self._garments is not None
            and self._composite.lambda_vlm > 0
        )

    def put(self, found: Neighbours, garments: Positions, regions: Positions) -> Neighbours:
        """Candidates, in the order they had, with S_VLM and score as the evidence makes them.

        Args:
            garments, regions: of each candidate, to be broadcast; one of them is `found`'s own.
        """
        if not self:
            return found
        there = found.positions >= 0
        pairs = [np.broadcast_to(one, there.shape)[there] for one in (garments, regions)]
        s_vlm, score = found.s_vlm.copy(), found.score.copy()
        s_vlm[there] = self.of_pairs(found.s_vlm[there], *pairs)
        score[there] = self._composite.combine(s_vlm[there], found.s_visual[there])
        return replace(found, s_vlm=s_vlm, score=score)

    def of_pairs(self, s_vlm: Vectors, garments: Positions, regions: Positions) -> Vectors:
        """S_VLM of pairs, float32; `s_vlm` itself where nothing was learned."""
        if not self:
            return s_vlm
        assert self._evidence is not None and self._garments is not None
        assert self._regions is not None
        left, ours = np.unique(garments, return_inverse=True)
        right, theirs = np.unique(regions, return_inverse=True)
        said, answered = _rows(self._garments, left), _rows(self._regions, right)
        found = np.empty(len(garments), np.float32)
        for start in range(0, len(garments), _PAIRS):
            some = slice(start, start + _PAIRS)
            found[some] = self._evidence.agreement(said[ours[some]], answered[theirs[some]])
        return found


def _rows(file: TokenFile, places: Positions) -> NDArray[np.int8]:
    """Attributes of some rows, int8 (n, values); zeros where there is no description."""
    rows = np.zeros((len(places), file.width), np.int8)
    there = file.has(places)
    rows[there] = file.take(places[there]).values
    return rows
