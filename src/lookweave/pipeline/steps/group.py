"""Group: photos -> same photo, same product, same shoot."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from lookweave.config import Config
from lookweave.matching.duplicates import components, hamming_pairs
from lookweave.models.cards import chosen
from lookweave.pipeline.steps.base import NOTHING, Step, Todo, outcome
from lookweave.pipeline.steps.embed import Embed
from lookweave.records import GROUP, Noun, fingerprint, region_id
from lookweave.store.workspace import Workspace

VERSION = 1

ALIKE = 6
"""Differing bits of 64 up to which two photos may be one and the same: a smaller copy of lower
quality differs by at most 2 (150 photos), one with 2 % cut off on every side by 4 at the median
and 8 at most."""

SURE = 2
"""Differing bits up to which the hash alone is believed, unless the embedding objects."""

COSINE = {"garment": 0.88, "look": 0.70}
"""Cosine of the two photos' first regions that confirms a hash which differs by more.

The hash sees shapes and no colours: of 7 pairs within 4 bits among 3,781 photos of garments, 6
were other garments laid out alike; all 41 such pairs within 6 bits were below .85. Among 2,098
looks 13 of 14 pairs were the same picture. A copy with 2 % cut off is at .92 to .95 at the
median. Other encoders' cosines run higher, which groups more: the safe side for a split."""

OBJECTION = 0.50
"""Cosine below which even a nearly equal hash is not believed. Copies of 40 % of the size and
poor quality reach .54 at the least (50 photos)."""


class Group(Step):
    """Finds the photos that must stay on one side of a split.

    Files with the same bytes are one photo already. What is left: the same picture in another
    size, crop or quality (`same_photo`), photos of one product and photos of one shoot, as the
    catalogue says. A photo has a row for each kind of group that it is in.
    """

    name = "group"
    writes = "replace"

    def __call__(self, batch: pa.Table) -> pa.Table:
        """`batch`: all photos, with columns id, kind, phash and share."""
        rows: list[dict[str, object]] = []
        for kind, how in (("garment", "same_product"), ("look", "same_shoot")):
            some = batch.filter(pc.equal(batch.column("kind"), kind)).sort_by("id")
            ids = some.column("id").to_pylist()
            rows += _rows(ids, kind, how, _sharing(some.column("share").to_pylist()))
            same = self._same_photo(kind, ids, some.column("phash").to_pylist())
            rows += _rows(ids, kind, "same_photo", same)
        return outcome(GROUP, rows, [])

    def _same_photo(self, kind: str, ids: list[str], hashes: list[str | None]) -> NDArray[np.int64]:
        """Pairs of photos that are one picture."""
        known = np.array([at for at, value in enumerate(hashes) if value], np.int64)
        values = np.array([int(value, 16) for value in hashes if value], np.uint64)
        distinct, first, inverse = np.unique(values, return_index=True, return_inverse=True)
        near = hamming_pairs(distinct, ALIKE)
        # Equal hashes are a pair with the first of them, near ones a pair of their firsts. So one
        # picture in many copies makes few pairs.
        equal = np.stack([first[inverse], np.arange(len(values))], axis=1)
        pairs = known[np.concatenate([equal[equal[:, 0] != equal[:, 1]], first[near]])]
        same: NDArray[np.int64] = pairs[self._confirmed(kind, ids, hashes, pairs)]
        return same

    def _confirmed(
        self, kind: str, ids: list[str], hashes: list[str | None], pairs: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        detector = chosen(self.config).detector.key
        table = Embed.table(self.workspace, self.config)
        good = np.zeros(len(pairs), bool)
        for start in range(0, len(pairs), 1024):
            some = pairs[start : start + 1024]
            regions = {region_id(ids[at], detector, 0, kind): at for at in np.unique(some).tolist()}
            rows = table.rows_by("subject", regions, ["subject", "vector"]).to_pylist()
            vectors = {regions[row["subject"]]: np.array(row["vector"]) for row in rows}
            for place, (left, right) in enumerate(some.tolist()):
                sure = _distance(hashes[left], hashes[right]) <= SURE
                if left in vectors and right in vectors:
                    cosine = float(vectors[left] @ vectors[right])
                    good[start + place] = cosine >= (OBJECTION if sure else COSINE[kind])
                else:
                    good[start + place] = sure
        return good

    @classmethod
    def recipe(cls, config: Config) -> str:
        """How photos are told to be one; which models looked."""
        models = chosen(config)
        return fingerprint(
            "group",
            VERSION,
            ALIKE,
            SURE,
            COSINE,
            OBJECTION,
            models.detector.key,
            models.encoder.key,
        )

    @classmethod
    def noun(cls, config: Config) -> Noun:
        """Groups."""
        return GROUP

    @classmethod
    def replaces(cls, config: Config) -> str:
        """All rows: a photo's groups do not depend on who asks."""
        return "true"

    @classmethod
    def todo(cls, workspace: Workspace, config: Config) -> Todo:
        """All photos in one batch, or nothing while none has come or gone."""
        photos = [workspace.table("garments"), workspace.table("looks")]
        tables = [*photos, Embed.table(workspace, config)]
        inputs = fingerprint(*(table.version for table in tables))
        if cls.is_current(workspace, config, inputs):
            return NOTHING
        garments = photos[0].read(["id", "phash", "product", "sku"])
        product = pc.coalesce(garments.column("product"), garments.column("sku"))
        looks = photos[1].read(["id", "phash", "shoot"])
        batch = pa.concat_tables(
            [
                _photos("garment", garments, product),
                _photos("look", looks, looks.column("shoot")),
            ]
        )
        return Todo(batch.num_rows, [batch], inputs)


def together(workspace: Workspace, kind: str) -> dict[str, str]:
    """Photo -> name of all that it is grouped with, by any kind of group.

    A photo without a group is missing. Two photos that share one only through a third (the same
    picture of one, the same product as the other) have the same name.
    """
    rows = workspace.table("groups").read(["subject", "group"], f"kind = '{kind}'")
    subjects, groups = rows.column("subject").to_pylist(), rows.column("group").to_pylist()
    ids = sorted({*subjects, *groups})
    place = {name: at for at, name in enumerate(ids)}
    pairs = np.array(
        [(place[one], place[other]) for one, other in zip(subjects, groups, strict=True)], np.int64
    ).reshape(-1, 2)
    labels = components(len(ids), pairs).tolist()
    return {name: ids[label] for name, label in zip(ids, labels, strict=True)}


def _photos(kind: str, photos: pa.Table, share: pa.ChunkedArray) -> pa.Table:
    columns = {
        "id": photos.column("id"),
        "kind": pa.repeat(kind, photos.num_rows),
        "phash": photos.column("phash"),
        "share": share,
    }
    return pa.table(columns)


def _sharing(values: Sequence[str | None]) -> NDArray[np.int64]:
    """Pairs of places with the same value, each with the first of its kind."""
    first: dict[str, int] = {}
    pairs = [
        (first[value], at)
        for at, value in enumerate(values)
        if value and first.setdefault(value, at) != at
    ]
    return np.array(pairs, np.int64).reshape(-1, 2)


def _rows(ids: list[str], kind: str, how: str, pairs: NDArray[np.int64]) -> list[dict[str, object]]:
    """Rows of all photos that are in a pair. `ids` ascend, so a label is the smallest id."""
    labels = components(len(ids), pairs)
    return [
        {"subject": ids[at], "kind": kind, "how": how, "group": ids[labels[at]]}
        for at in np.unique(pairs).tolist()
    ]


def _distance(left: str | None, right: str | None) -> int:
    return (int(left or "0", 16) ^ int(right or "0", 16)).bit_count()
