"""Group: photos -> same photo, same product, same shoot."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from lookweave.matching.duplicates import components, hamming_pairs
from lookweave.pipeline.setup import Setup
from lookweave.pipeline.step import NOTHING, Plan, Step, Worker, outcome
from lookweave.pipeline.steps.embed import embeddings
from lookweave.records import GROUP, fingerprint, region_id
from lookweave.store.conditions import column, matching
from lookweave.store.workspace import Workspace

VERSION = 3

ALIKE = 6
"""Differing bits of 64 up to which two photos may be one and the same: of smaller copies of lower
quality 99.5 % differ by at most 2 and all by at most 6, of copies with 2 % cut off on every side
91 % by at most 6 (2,098 photos, `benchmarks/ingest_speed.py`)."""

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


class Grouping(Worker):
    """Photos -> groups."""

    def __call__(self, batch: pa.Table) -> pa.Table:
        """`batch`: all photos, with columns id, kind, phash and share."""
        rows: list[dict[str, object]] = []
        for kind, how in (("garment", "same_product"), ("look", "same_shoot")):
            some = batch.filter(pc.equal(batch.column("kind"), kind)).sort_by("id")
            ids = some.column("id").to_pylist()
            rows += _rows(ids, kind, how, _sharing(some.column("share").to_pylist()))
            same = self._same_photo(kind, ids, some.column("phash").to_pylist())
            rows += _rows(ids, kind, "same_photo", same)
        rows += self._same_picture(batch)
        recipe = Group(self.setup).recipe
        return outcome(GROUP, [{**row, "recipe": recipe} for row in rows], [])

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

    def _same_picture(self, batch: pa.Table) -> list[dict[str, object]]:
        """Rows of garments' photos and looks that are one file, or one picture cut or saved anew.

        Hashes that are all but equal are believed. Of others that are near, the garment's cut-out
        must be very like one of the look's regions.
        """
        known = batch.filter(pc.is_valid(batch.column("phash"))).sort_by([("id", "ascending")])
        ids, kinds = known.column("id").to_pylist(), known.column("kind").to_pylist()
        hashes = known.column("phash").to_pylist()
        values = np.array([int(value, 16) for value in hashes], np.uint64)
        distinct, first, inverse = np.unique(values, return_index=True, return_inverse=True)
        holders: dict[int, list[int]] = {}
        for at, value in enumerate(inverse.tolist()):
            holders.setdefault(value, []).append(at)
        edges = [(int(first[value]), at) for at, value in enumerate(inverse.tolist())]
        doubtful: list[tuple[int, int]] = []
        for left, right in hamming_pairs(distinct, ALIKE).tolist():
            if _distance(hashes[int(first[left])], hashes[int(first[right])]) <= SURE:
                edges.append((int(first[left]), int(first[right])))
                continue
            for one in holders[left]:
                for other in holders[right]:
                    if {kinds[one], kinds[other]} == {"garment", "look"}:
                        doubtful.append((one, other) if kinds[one] == "garment" else (other, one))
        edges += self._alike_across(ids, doubtful)
        labels = components(len(ids), np.array(edges, np.int64).reshape(-1, 2)).tolist()
        sides: dict[int, set[str]] = {}
        for label, kind in zip(labels, kinds, strict=True):
            sides.setdefault(label, set()).add(kind)
        return [
            {"subject": ids[at], "kind": kinds[at], "how": "same_picture", "group": ids[label]}
            for at, label in enumerate(labels)
            if len(sides[label]) == 2
        ]

    def _alike_across(self, ids: list[str], pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """Those of the pairs of a garment's photo and a look whose contents are very like."""
        detector = self.setup.models.detector.key
        table = embeddings(self.workspace, self.setup)
        found: list[tuple[int, int]] = []
        for start in range(0, len(pairs), 256):
            some = pairs[start : start + 256]
            cut_outs = {region_id(ids[one], detector, 0, "garment"): one for one, _ in some}
            looks = {ids[other]: other for _, other in some}
            of_looks = self.workspace.table("regions").rows_by(
                "subject", looks, ["id", "subject"], matching(kind="look", detector=detector)
            )
            owner = {row["id"]: looks[row["subject"]] for row in of_looks.to_pylist()}
            rows = table.rows_by("subject", [*cut_outs, *owner], ["subject", "vector"]).to_pylist()
            vectors = {row["subject"]: np.array(row["vector"]) for row in rows}
            mine = {at: vectors[name] for name, at in cut_outs.items() if name in vectors}
            theirs: dict[int, list[NDArray[np.float64]]] = {}
            for region, at in owner.items():
                if region in vectors:
                    theirs.setdefault(at, []).append(vectors[region])
            found += [
                (one, other)
                for one, other in some
                if one in mine
                and any(
                    float(mine[one] @ region) >= COSINE["garment"]
                    for region in theirs.get(other, [])
                )
            ]
        return found

    def _confirmed(
        self, kind: str, ids: list[str], hashes: list[str | None], pairs: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        detector = self.setup.models.detector.key
        table = embeddings(self.workspace, self.setup)
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


class Group(Step):
    """Finds the photos that must stay on one side of a split.

    Files with the same bytes are one photo already. What is left: the same picture in another
    size, crop or quality (`same_photo`), a product photo that is given as a look too
    (`same_picture`), photos of one product and photos of one shoot, as the catalogue says. A photo
    has a row for each kind of group that it is in.
    """

    name = "group"
    over_everything = True
    worker: ClassVar[type[Worker]] = Grouping
    spec = GROUP

    @cached_property
    def recipe(self) -> str:
        """How photos are told to be one; which models looked."""
        models = self.setup.models
        measures = (VERSION, ALIKE, SURE, COSINE, OBJECTION)
        return fingerprint("group", *measures, models.detector.key, models.encoder.key)

    def plan(self, workspace: Workspace) -> Plan:
        """All photos in one batch, or nothing while none has come or gone."""
        photos = [workspace.table("garments"), workspace.table("looks")]
        articles = [workspace.table(name) for name in ("products", "product_photos")]
        tables = [*photos, *articles, embeddings(workspace, self.setup)]
        inputs = fingerprint(*(table.version for table in tables))
        if self.is_current(workspace, inputs):
            return NOTHING
        garments = photos[0].read(["id", "phash", "product", "sku"])
        product = _products(workspace, garments)
        looks = photos[1].read(["id", "phash", "shoot"])
        batch = pa.concat_tables(
            [
                _photos("garment", garments, product),
                _photos(
                    "look", looks, [[one] if one else [] for one in looks["shoot"].to_pylist()]
                ),
            ]
        )
        return Plan(batch.num_rows, [batch], inputs)


def together(workspace: Workspace, setup: Setup, kind: str) -> dict[str, str]:
    """Photo -> name of all that it is grouped with, by any kind of group.

    A photo without a group is missing. Two photos that share one only through a third (the same
    picture of one, the same product as the other) have the same name.
    """
    of_kind = Group(setup).rows & matching(kind=kind)
    rows = workspace.table("groups").read(["subject", "group"], of_kind)
    subjects, groups = rows.column("subject").to_pylist(), rows.column("group").to_pylist()
    ids = sorted({*subjects, *groups})
    place = {name: at for at, name in enumerate(ids)}
    pairs = np.array(
        [(place[one], place[other]) for one, other in zip(subjects, groups, strict=True)], np.int64
    ).reshape(-1, 2)
    labels = components(len(ids), pairs).tolist()
    return {name: ids[label] for name, label in zip(ids, labels, strict=True)}


def same_pictures(workspace: Workspace, setup: Setup) -> list[tuple[str, str]]:
    """(garment, look) that are one picture: such a look does not show the garment worn."""
    rows = workspace.table("groups").read(
        ["subject", "kind", "group"], Group(setup).rows & matching(how="same_picture")
    )
    sides: dict[str, tuple[list[str], list[str]]] = {}
    for row in rows.to_pylist():
        sides.setdefault(row["group"], ([], []))[row["kind"] == "look"].append(row["subject"])
    return sorted(
        (garment, look)
        for garments, looks in sides.values()
        for garment in garments
        for look in looks
    )


def _products(workspace: Workspace, garments: pa.Table) -> list[list[str]]:
    """Of each garment the styles of its articles, or their numbers where they have no style."""
    listed = column("listed").is_not_false()
    articles = workspace.table("products").read(["id", "style", "sku"], listed).to_pylist()
    style = {row["id"]: row["style"] or row["sku"] for row in articles}
    found: dict[str, set[str]] = defaultdict(set)
    for row in workspace.table("product_photos").read(["product", "garment"], listed).to_pylist():
        if row["garment"] and (name := style.get(row["product"])):
            found[row["garment"]].add(name)
    own = pc.coalesce(garments.column("product"), garments.column("sku")).to_pylist()
    for photo, name in zip(garments.column("id").to_pylist(), own, strict=True):
        if name:
            found[photo].add(name)
    return [sorted(found[photo]) for photo in garments.column("id").to_pylist()]


def _photos(kind: str, photos: pa.Table, share: list[list[str]]) -> pa.Table:
    columns = {
        "id": photos.column("id"),
        "kind": pa.repeat(kind, photos.num_rows),
        "phash": photos.column("phash"),
        "share": pa.array(share, pa.list_(pa.string())),
    }
    return pa.table(columns)


def _sharing(values: Sequence[list[str]]) -> NDArray[np.int64]:
    """Pairs of places with a value in common, each with the first that has it."""
    first: dict[str, int] = {}
    pairs = [
        (first[value], at)
        for at, some in enumerate(values)
        for value in some
        if first.setdefault(value, at) != at
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
