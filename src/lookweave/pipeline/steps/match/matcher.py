"""Who matches whom: both directions of the join over a partition, with hubness corrected.

Used by the step Match for all garments and by `evaluate` for those of a truth file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lookweave.config import Match as Settings
from lookweave.matching import hubness
from lookweave.matching.evidence import Evidence
from lookweave.matching.fuse import Composite, ScoreWeights
from lookweave.matching.join import SLACK, Block, Gallery, Neighbours, nearest, score_pairs
from lookweave.matching.vectors import Positions, Vectors
from lookweave.pipeline.steps.match.blocks import UNSORTED
from lookweave.pipeline.steps.match.detail import DetailScores
from lookweave.pipeline.steps.match.evidence import EvidenceScores
from lookweave.pipeline.steps.match.partition import Partition
from lookweave.pipeline.steps.match.words import WordScores

QUERY_ROWS = 2048
"""Queries of one pass over the gallery. The gallery is read once for each such batch, which
costs little beside the products; a larger batch would cost memory."""

_OUTSIDE = 4.0
"""Taken off the scores of what lies outside the pool: more than any two may differ by."""

SAMPLE = 512
"""Garments searched without the filter to measure what it loses."""


@dataclass(frozen=True)
class Measured:
    """What preparing the join found out.

    Attributes:
        garments, regions: how many take part.
        filter_sample: garments that were searched without the category filter.
        filter_lost: of those, how many have their best region outside the filter.
        bank: queries in the smaller of the two hubness banks; 0 where the correction is off.
        hubness_off: why it is off, or None.
        hubs: regions whose retrieval by the bank makes a query be corrected (mean of both).
        captions: garments and regions with a caption that counts.
        branded: the fewer of the garments and the looks that name a brand.
        credited: looks whose credits have a word. All three are 0 where switched off.
    """

    garments: int
    regions: int
    filter_sample: int
    filter_lost: int
    bank: int
    hubness_off: str | None
    hubs: float
    captions: int = 0
    branded: int = 0
    credited: int = 0


@dataclass(frozen=True)
class Candidates:
    """Pairs of garments and regions, one row each.

    Attributes:
        garments, regions: int64 positions in the partition.
        s_vlm, s_visual, s_detail: float32, the parts of the score; S_detail is NaN where nothing
            is compared part by part.
        score: float32, S after the hubness correction.
        rank: int32, of the region among the garment's, from 1; 0 below its top k.
        reverse_rank: int32, of the garment among the region's, from 1; 0 below its best.
    """

    garments: Positions
    regions: Positions
    s_vlm: Vectors
    s_visual: Vectors
    s_detail: Vectors
    score: Vectors
    rank: NDArray[np.int32]
    reverse_rank: NDArray[np.int32]


class Matcher:
    """The join over an open partition.

    Args:
        folder: of the partition and of what `prepare` wrote beside it.
        settings: of the match.
        weights: of the parts of the score.
        evidence: what S_VLM is made of; None for the inner product of the descriptions.
    """

    def __init__(
        self, folder: Path, settings: Settings, weights: ScoreWeights,
        evidence: Evidence | None = None,
    ) -> None:  # fmt: skip
        self.partition = Partition.open(folder)
        self.composite = Composite(self.partition.split, weights.vlm, weights.visual)
        self._details = DetailScores(self.partition, weights, settings.detail_pool)
        self._evidence = EvidenceScores(self.partition, evidence, self.composite)
        self._words = WordScores(
            self.partition.words, self.partition.region_looks, self.composite, settings,
            captions=self.partition.captions > 0,
        )  # fmt: skip
        self._folder = folder
        self._settings = settings
        self._shut_out = self.partition.most_shut_out()
        ready = folder / "side.npy"
        self._side: NDArray[np.int8] | None = np.load(ready) if ready.exists() else None
        if self._side is not None:
            self._pull: Vectors = np.load(folder / "pull.npy")  # (2, regions)
            self._hub: NDArray[np.bool_] = np.load(folder / "hub.npy")

    @property
    def garments(self) -> int:
        """How many garments take part."""
        return len(self.partition.garment_ids)

    @property
    def regions(self) -> int:
        """How many regions take part."""
        return len(self.partition.region_looks)

    @property
    def corrects_hubs(self) -> bool:
        """Whether it is prepared and hubs are corrected."""
        return self._side is not None

    @property
    def parts(self) -> list[str]:
        """What S_VLM is made of here: parts that are switched on and have something to say."""
        there = {
            "attributes": self._settings.weight_attributes > 0,
            "captions": self.partition.captions > 0,
            "brand": self._settings.weight_brand > 0 and self._words.counts[0] > 0,
            "credits": self._settings.weight_credits > 0 and self._words.counts[1] > 0,
        }
        return [name for name, here in there.items() if here]

    def prepare(self, groups: dict[str, str], *, reverse: bool = True) -> Measured:
        """Measure hubs and the filter, and (`reverse`) find each region's best garments.

        Args:
            groups: a garment's group, where it has one: a group is on one side of the bank.
        """
        bank, hubs, off = self._prepare_hubness(groups)
        sample, lost = self._filter_loss()
        if reverse:
            self._prepare_reverse()
        return Measured(
            self.garments, self.regions, sample, lost, bank, off, hubs, self.partition.captions,
            *self._words.counts,
        )  # fmt: skip

    def forward(self, garments: Positions) -> Candidates:
        """The best regions of some garments, and the pairs that regions chose.

        Args:
            garments: int64, ascending positions; a few thousand at a time.
        """
        rows = self.partition.garments.take(garments)
        admits = self.partition.admits[garments]
        k = self._details.pool(self._settings.top_k)
        pool = self._forward_pool() + self._shut_out[0]
        found = nearest(rows, self._regions(admits), pool, self.composite)
        found = self._apart(found, garments[:, None], found.positions)
        active = self._active(garments, found.positions[:, 0])  # hubs are hubs of the vectors
        found = self._evidence.put(found, garments[:, None], found.positions)
        found = self._words.put(found, garments[:, None], found.positions)
        found = self._corrected(garments, active, found, k)
        found, detail = self._details.put(found, garments[:, None], found.positions)
        order = _order(found, self._settings.top_k)
        found, detail = found.select(order), np.take_along_axis(detail, order, axis=1)
        queries, places = np.nonzero(found.positions >= 0)
        chosen = Candidates(
            garments[queries],
            found.positions[queries, places],
            found.s_vlm[queries, places],
            found.s_visual[queries, places],
            detail[queries, places],
            found.score[queries, places],
            (places + 1).astype(np.int32),
            np.zeros(len(queries), np.int32),
        )
        return self._with_reverse(chosen, rows, garments, active)

    def scores(self, garments: Positions) -> Vectors:
        """Corrected S of some garments with every region, -inf outside their filter.

        For few garments: float32 (len(garments), regions).
        """
        rows = self.partition.garments.take(garments)
        admits = self.partition.admits[garments]
        score = np.full((len(garments), self.regions), -np.inf, np.float32)
        queries = self.composite.query(rows).astype(np.float64)
        gain = np.zeros_like(score) if self._words and not self._evidence else None
        for block in self._regions(admits)():
            which = block.queries if block.queries is not None else np.arange(len(rows))
            place = np.ix_(which, block.positions)
            score[place] = queries[which] @ block.rows.T.astype(np.float64)
            if gain is not None:
                gain[place] = self._words.gain(
                    rows[which], block.rows, garments[which], block.positions
                )
        if not self.regions:
            return score
        score[self.partition.one_picture(garments[:, None], np.arange(self.regions))] = -np.inf
        active = self._active(garments, score.argmax(axis=1))
        if self._evidence:
            score = self._reranked(score, rows, garments, self._forward_pool())
        score = score if gain is None else score + gain
        if self._side is not None:
            score = hubness.correct(score, self._pull[self._side[garments]], active)
        return self._details.ranked(score, self._settings.top_k, garments)

    def scores_of_regions(self, regions: Positions) -> Vectors:
        """S of some regions with every garment, -inf where the garment's filter shuts them out.

        Not corrected: for one region the pull of its hubness is the same for all garments.
        """
        rows = self.partition.regions.take(regions)
        blocks = np.searchsorted(self.partition.starts, regions, side="right") - 1
        queries = self.composite.query(rows).astype(np.float64)
        score = np.full((len(regions), self.garments), -np.inf, np.float32)
        for positions, gallery in self.partition.garments.blocks(self._settings.block_rows):
            product = queries @ gallery.T.astype(np.float64)
            if self._words and not self._evidence:
                product += self._words.gain(gallery, rows, positions, regions).T
            allowed = (
                self.partition.admits[positions][None] >> blocks[:, None].astype(np.uint32)
            ) & 1
            allowed = allowed & ~self.partition.one_picture(positions[None], regions[:, None])
            score[:, positions] = np.where(allowed == 1, product, -np.inf)
        if self._evidence:
            pool = self._words.pool(self._details.pool(self._settings.reverse_k))
            score = self._reranked(score, rows, regions, pool, of_regions=True)
        return self._details.ranked(score, self._settings.reverse_k, regions, of_regions=True)

    def _forward_pool(self) -> int:
        """How many of a garment's nearest regions are looked at more closely."""
        k = self._details.pool(self._settings.top_k)
        return self._words.pool(k if self._side is None else k + max(k, SLACK))

    def _reranked(
        self, base: Vectors, rows: Vectors, own: Positions, pool: int, *, of_regions: bool = False
    ) -> Vectors:
        """S of some garments (or regions) with everything, by evidence and words for the `pool`
        that lies next by the vectors, as in a match; all others come after those.

        Args:
            base: float32 (n, others), S of the vectors, -inf for pairs that are shut out.
            rows, own: of the garments (or regions).
        """
        if not base.size:
            return base
        best = np.lexsort((np.broadcast_to(np.arange(base.shape[1]), base.shape), -base), axis=1)
        best = best[:, :pool]
        queries, places = np.nonzero(np.isfinite(np.take_along_axis(base, best, axis=1)))
        others = best[queries, places]
        wanted, at = np.unique(others, return_inverse=True)
        gallery = (self.partition.garments if of_regions else self.partition.regions).take(wanted)
        s_vlm, s_visual = self.composite.parts(rows[queries], gallery[at])
        pair = (others, own[queries]) if of_regions else (own[queries], others)
        s_vlm = self._words.raised(self._evidence.of_pairs(s_vlm, *pair), *pair)
        score = base - np.float32(_OUTSIDE)
        score[queries, others] = self.composite.combine(s_vlm, s_visual)
        return score

    def _regions(self, admits: NDArray[np.uint32] | None) -> Gallery:
        """All regions; block by block only for the queries that admit it (None: for all)."""

        def read() -> Iterator[Block]:
            starts = self.partition.starts
            for block in range(UNSORTED + 1):
                which = None if admits is None else np.flatnonzero((admits >> np.uint32(block)) & 1)
                if which is not None and not len(which):
                    continue
                for positions, rows in self.partition.regions.blocks(
                    self._settings.block_rows, int(starts[block]), int(starts[block + 1])
                ):
                    yield Block(positions, rows, which)

        return read

    def _garments(self, block: int) -> Gallery:
        """The garments that search a block of regions."""

        def read() -> Iterator[Block]:
            for positions, rows in self.partition.garments.blocks(self._settings.block_rows):
                keep = ((self.partition.admits[positions] >> np.uint32(block)) & 1).astype(bool)
                yield Block(positions[keep], rows[keep])

        return read

    def _apart(self, found: Neighbours, garments: Positions, regions: Positions) -> Neighbours:
        """Candidates without those whose look is the garment's own photo."""
        if not len(self.partition.same_pictures):
            return found
        out = (found.positions >= 0) & self.partition.one_picture(garments, regions)
        found = replace(
            found,
            positions=np.where(out, -1, found.positions),
            score=np.where(out, np.float32(-np.inf), found.score),
        )
        return _best(found, found.positions.shape[1])

    def _active(self, garments: Positions, best: Positions) -> NDArray[np.bool_]:
        """Whether each garment's scores are corrected: its nearest region is one of the hubs."""
        if self._side is None:
            return np.zeros(len(garments), bool)
        hub: NDArray[np.bool_] = self._hub[self._side[garments], best]
        return hub & (best >= 0)

    def _corrected(
        self, garments: Positions, active: NDArray[np.bool_], found: Neighbours, k: int
    ) -> Neighbours:
        """The best k of a longer list after the correction."""
        if self._side is not None:
            pull = self._pull[self._side[garments][:, None], found.positions]
            found = replace(found, score=hubness.correct(found.score, pull, active))
        return _best(found, k)

    def _prepare_hubness(self, groups: dict[str, str]) -> tuple[int, float, str | None]:
        beta, size = self._settings.hubness_beta, self._settings.hubness_bank
        ids = self.partition.garment_ids
        names = (garment.decode() for garment in ids)
        side = hubness.halves(groups.get(name, name) for name in names)
        banks = [hubness.bank(ids, side, half, size) for half in (0, 1)]
        smallest = min(len(bank) for bank in banks)
        if beta == 0 or not self.regions:
            return 0, 0.0, "switched off" if beta == 0 else "there is no region"
        if smallest < hubness.MINIMUM_BANK:
            return (
                0,
                0.0,
                (f"a bank of {smallest} garments is too small: {hubness.MINIMUM_BANK} are needed"),
            )
        pull = np.zeros((2, self.regions), np.float32)
        hub = np.zeros((2, self.regions), bool)
        for half, bank in enumerate(banks):
            rows = self.partition.garments.take(bank)
            everything = self._regions(None)
            pull[half] = hubness.attraction(rows, everything, self.regions, beta, self.composite)
            gallery = self._regions(self.partition.admits[bank])
            best = nearest(rows, gallery, 1, self.composite).positions[:, 0]
            hub[half, best[best >= 0]] = True
        for name, array in (("pull", pull), ("hub", hub), ("side", side)):
            np.save(self._folder / f"{name}.npy", array)
        self._side, self._pull, self._hub = side, pull, hub
        return smallest, float(hub.sum() / 2), None

    def _filter_loss(self) -> tuple[int, int]:
        """Sampled garments, and of those how many have their best region outside the filter."""
        if not self.regions or not self.garments or self._settings.categories == 0:
            return 0, 0
        step = max(1, self.garments // SAMPLE)
        sample = np.arange(0, self.garments, step)[:SAMPLE]  # ids are hashes: any stride is fair
        rows = self.partition.garments.take(sample)
        best = nearest(rows, self._regions(None), 1, self.composite).positions[:, 0]
        block = np.searchsorted(self.partition.starts, best, side="right") - 1
        inside = (self.partition.admits[sample] >> block.astype(np.uint32)) & 1
        return len(sample), int(len(sample) - inside.sum())

    def _prepare_reverse(self) -> None:
        starts = self.partition.starts
        with (self._folder / "reverse.i32").open("wb") as file:
            for block in range(UNSORTED + 1):
                for start in range(int(starts[block]), int(starts[block + 1]), QUERY_ROWS):
                    rows = self.partition.regions.read(
                        start, min(start + QUERY_ROWS, int(starts[block + 1]))
                    )
                    k = self._details.pool(self._settings.reverse_k)
                    pool = self._words.pool(k) + self._shut_out[1]
                    found = nearest(rows, self._garments(block), pool, self.composite)
                    asked = np.arange(start, start + len(rows))[:, None]
                    found = self._apart(found, found.positions, asked)
                    found = self._evidence.put(found, found.positions, asked)
                    found = _best(self._words.put(found, found.positions, asked), k)
                    found, _ = self._details.put(found, found.positions, asked, of_regions=True)
                    found = _best(found, self._settings.reverse_k)
                    file.write(found.positions.astype(np.int32).tobytes())

    def _reverse_pairs(self, garments: Positions) -> tuple[Positions, Positions, NDArray[np.int32]]:
        """Garment, region and reverse rank of the pairs in which regions chose these garments."""
        width = self._settings.reverse_k
        path, rows = self._folder / "reverse.i32", 1 << 14
        wanted = np.zeros(self.garments, bool)
        wanted[garments] = True
        none = np.empty(0, np.int64)
        pieces = [(none, none, none)]
        for first in range(0, self.regions if path.exists() else 0, rows):
            chosen = np.fromfile(path, np.int32, rows * width, offset=4 * width * first)
            at = np.flatnonzero((chosen >= 0) & wanted[chosen])
            pieces.append((chosen[at].astype(np.int64), first + at // width, at % width + 1))
        found, regions, ranks = (np.concatenate(part) for part in zip(*pieces, strict=True))
        return found, regions, ranks.astype(np.int32)

    def _with_reverse(
        self, forward: Candidates, rows: Vectors, asked: Positions, active: NDArray[np.bool_]
    ) -> Candidates:
        """Add reverse ranks, and the pairs that only the region's side found."""
        garments, regions, ranks = self._reverse_pairs(asked)
        if not len(garments):
            return forward
        keys = garments * self.regions + regions
        order = np.argsort(keys)
        keys, garments, regions, ranks = keys[order], garments[order], regions[order], ranks[order]
        have = forward.garments * self.regions + forward.regions
        at = np.minimum(np.searchsorted(keys, have), len(keys) - 1)
        both = keys[at] == have
        forward.reverse_rank[both] = ranks[at[both]]
        new = ~np.isin(keys, have, assume_unique=True)
        garments, regions, ranks = garments[new], regions[new], ranks[new]
        queries = np.searchsorted(asked, garments)
        gallery = self._regions(None)
        s_vlm, s_visual = score_pairs(rows, queries, regions, gallery, self.composite)
        s_vlm = self._evidence.of_pairs(s_vlm, garments, regions)
        s_vlm = self._words.raised(s_vlm, garments, regions)
        score = self.composite.combine(s_vlm, s_visual)
        if self._side is not None:
            pull = self._pull[self._side[garments], regions]
            score = hubness.correct(score[:, None], pull[:, None], active[queries])[:, 0]
        detail = self._details.of_pairs(garments, regions)
        added = Candidates(
            garments, regions, s_vlm, s_visual, detail, self._details.scored(score, detail),
            np.zeros(len(ranks), np.int32), ranks,
        )  # fmt: skip
        return Candidates(
            *(
                np.concatenate([getattr(part, name) for part in (forward, added)])
                for name in Candidates.__dataclass_fields__
            )
        )


def _best(found: Neighbours, k: int) -> Neighbours:
    """The first k of each list by score; equal ones in the order of positions."""
    return found.select(_order(found, k))


def _order(found: Neighbours, k: int) -> Positions:
    """Where the first k of each list are."""
    order: Positions = np.lexsort((found.positions, -found.score), axis=1)[:, :k]
    return order
