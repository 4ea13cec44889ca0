"""What the catalogue and the looks' pages say: read from the workspace, weighed in the join."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lookweave.config import Match as Settings
from lookweave.matching.fuse import Composite
from lookweave.matching.join import Neighbours
from lookweave.matching.vectors import Positions, Vectors
from lookweave.matching.words import GarmentText, LookText, Words, WordWeights, semantic_score
from lookweave.store.workspace import Workspace

POOL = 4
"""Where brands or credits weigh, they order so many times as many candidates as are kept: those
that lie next by the vectors. None is brought in from further down."""

_FILE = "words.npz"
_ROWS = 1 << 14

Ids = NDArray[np.bytes_]


class WordScores:
    """What brands and credits make of scores; with no words, nothing.

    Args:
        words: of the partition, or None.
        region_looks: int (regions,): the look of each region.
        captions: whether captions are part of S_VLM beside the attributes.
        composite: of the join.
        settings: of the match.
    """

    def __init__(
        self, words: Words | None, region_looks: NDArray[np.int32], composite: Composite,
        settings: Settings, *, captions: bool,
    ) -> None:  # fmt: skip
        self._words, self._looks, self._composite = words, region_looks, composite
        self._weights = WordWeights(
            said=settings.weight_attributes + (settings.weight_captions if captions else 0.0),
            brand=settings.weight_brand,
            credits=settings.weight_credits,
        )

    def __bool__(self) -> bool:
        return self._words is not None

    @property
    def counts(self) -> tuple[int, int]:
        """The fewer of the garments and looks that name a brand; looks whose credits count."""
        if self._words is None:
            return 0, 0
        return min(self._words.branded), self._words.credited

    def pool(self, k: int) -> int:
        """How many candidates to order when k are asked for."""
        return k if self._words is None else POOL * k

    def put(self, found: Neighbours, garments: Positions, regions: Positions) -> Neighbours:
        """Candidates, in the order they had, with S_VLM and score as the words make them.

        Args:
            garments, regions: of each candidate, to be broadcast; one of them is `found`'s own.
        """
        if self._words is None:
            return found
        there = found.positions >= 0
        pairs = [np.broadcast_to(one, there.shape)[there] for one in (garments, regions)]
        s_vlm, score = found.s_vlm.copy(), found.score.copy()
        s_vlm[there] = self.raised(found.s_vlm[there], *pairs)
        score[there] = self._composite.combine(s_vlm[there], found.s_visual[there])
        return replace(found, s_vlm=s_vlm, score=score)

    def raised(self, s_vlm: Vectors, garments: Positions, regions: Positions) -> Vectors:
        """S_VLM of pairs with what the words say."""
        if self._words is None:
            return s_vlm
        brand, credits = self._words.pairs(garments, self._looks[regions].astype(np.int64))
        return semantic_score(s_vlm, brand, credits, self._weights)

    def gain(
        self, rows: Vectors, others: Vectors, garments: Positions, regions: Positions
    ) -> NDArray[np.float64]:
        """What the words add to S of every garment with every region.

        Args:
            rows, others: of the garments and of the regions, unscaled.

        Returns:
            float64 (garments, regions).
        """
        assert self._words is not None
        split = self._composite.split
        s_vlm = rows[:, :split].astype(np.float64) @ others[:, :split].T.astype(np.float64)
        looks, back = np.unique(self._looks[regions].astype(np.int64), return_inverse=True)
        brand, credits = (part[:, back] for part in self._words.table(garments, looks))
        raised = semantic_score(s_vlm.astype(np.float32), brand, credits, self._weights)
        gain: NDArray[np.float64] = self._composite.weights[0] * (raised - s_vlm)
        return gain


def write(
    workspace: Workspace, settings: Settings, folder: Path, garments: Ids, looks: Ids
) -> None:
    """Code the words of the photos with these ascending ids; no file where there are none, or
    where the settings do not weigh them."""
    if not settings.weight_brand and not settings.weight_credits:
        return
    words = Words.read(
        _garments(workspace, garments), _looks(workspace, looks), (len(garments), len(looks))
    )
    if words:
        words.save(folder / _FILE)


def read(folder: Path) -> Words | None:
    """What `write` made."""
    return Words.open(folder / _FILE) if (folder / _FILE).exists() else None


def _garments(workspace: Workspace, ids: Ids) -> Iterator[tuple[int, GarmentText]]:
    for row, brand, title, sku in _rows(workspace, "garments", ids, ["brand", "title", "sku"]):
        yield row, GarmentText(brand, title, sku)


def _looks(workspace: Workspace, ids: Ids) -> Iterator[tuple[int, LookText]]:
    for row, brand, title, metadata in _rows(
        workspace, "looks", ids, ["brand", "title", "metadata"]
    ):
        yield row, LookText(brand, "\n".join([title or "", *_texts(metadata)]))


def _rows(workspace: Workspace, table: str, ids: Ids, columns: list[str]) -> Iterator[tuple]:  # type: ignore[type-arg]
    for batch in workspace.table(table).scan(["id", *columns], None, _ROWS):
        values = [batch.column(name).to_pylist() for name in ("id", *columns)]
        keys = np.array([one.encode() for one in values[0]], dtype=np.bytes_)
        if not len(ids) or not len(keys):
            continue
        at = np.minimum(np.searchsorted(ids, keys), len(ids) - 1)
        for row, key, found, *rest in zip(
            at.tolist(), keys.tolist(), ids[at].tolist(), *values[1:], strict=True
        ):
            if key == found:
                yield row, *rest


def _texts(metadata: str | None) -> list[str]:
    """The words among a manifest's further columns; addresses are no words."""
    row = json.loads(metadata) if metadata else {}
    texts = [value for value in row.values() if isinstance(value, str)]
    return [text for text in texts if "://" not in text]
