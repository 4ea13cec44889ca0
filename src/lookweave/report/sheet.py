"""The contact sheet: garment, region in its look, whole look, for some pairs of every tier.

The strongest pairs alone would flatter a data set. So each tier also shows pairs drawn at
random, which are what a reader of the data will meet, and its most doubtful ones.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from lookweave.evaluate.verdicts import Verdicts
from lookweave.models.details import unpacked
from lookweave.models.protocols import Tokens
from lookweave.report.distributions import TIERS, batches_of
from lookweave.report.pictures import Picture, PictureMaker, Source, sources
from lookweave.report.scope import Scope
from lookweave.store.conditions import column
from lookweave.store.takedowns import down
from lookweave.store.workspace import Workspace
from lookweave.taxonomy import ATTRIBUTES

SHOWN: dict[str, int] = {"strongest": 5, "typical": 4, "doubtful": 3}
"""Pairs of each tier, by why they were chosen."""

SIDES = (640, 520, 400, 300)
"""Longest sides of the pictures to try, until the sheet is small enough."""

_POOL = 240
_COLUMNS = [
    "garment", "look", "region", "tier", "split", "score", "s_vlm", "s_visual", "s_detail",
    "probability", "calibrated", "verified_by",
]  # fmt: skip


@dataclass(frozen=True)
class Word:
    """One attribute as the garment and the region were described."""

    attribute: str
    garment: str
    region: str
    agree: bool


@dataclass(frozen=True)
class SheetPair:
    """One pair on the sheet.

    Attributes:
        pair: the row of `pairs`.
        why: a key of `SHOWN`.
        match: rank, reverse_rank and mutual of its match, {} when that is gone.
        box: of the region, xyxy in pixels of the look, or None.
        shop: another photo of the same product, where the catalogue has one.
        answers_picture: parts of garment and region that answer each other, where they were
            compared so.
        verdict: what people or the truth say of it.
    """

    pair: dict[str, Any]
    why: str
    match: dict[str, Any]
    garment: Source
    look: Source
    box: list[float] | None
    garment_picture: Picture | None
    region_picture: Picture | None
    look_picture: Picture | None
    shop: Source | None
    shop_picture: Picture | None
    answers_picture: Picture | None
    words: list[Word]
    verdict: bool | None

    @property
    def tier(self) -> str:
        """high, medium or low."""
        return str(self.pair["tier"])

    @property
    def size(self) -> int:
        """Characters that its pictures take in the page."""
        pictures = (
            self.garment_picture, self.region_picture, self.look_picture, self.shop_picture,
            self.answers_picture,
        )  # fmt: skip
        return sum(len(picture.uri) for picture in pictures if picture)


@dataclass
class _Pool:
    """Pairs of one tier that may be shown, few at any time."""

    best: pa.Table | None = None
    worst: pa.Table | None = None
    drawn: pa.Table | None = None

    def add(self, rows: pa.Table) -> None:
        by_score = [("_order", "descending"), ("garment", "ascending"), ("look", "ascending")]
        upwards = [("_order", "ascending"), *by_score[1:]]
        self.best = _first(self.best, rows, by_score)
        self.worst = _first(self.worst, rows, upwards)
        self.drawn = _first(self.drawn, rows, [("_draw", "ascending")])


def sheet_pairs(
    workspace: Workspace, scope: Scope, verdicts: Verdicts, budget: int
) -> list[SheetPair]:
    """The sheet's pairs, tier by tier; their pictures together take at most `budget` characters,
    or as little as the smallest size allows."""
    chosen = _choose(workspace, scope)
    if not chosen:
        return []
    tables = _SheetTables(workspace, scope, verdicts, chosen)
    found: list[SheetPair] = []
    for side in SIDES:
        found = tables.pairs(side)
        if sum(pair.size for pair in found) <= budget:
            break
    return found


def _choose(workspace: Workspace, scope: Scope) -> list[dict[str, Any]]:
    pools = {tier: _Pool() for tier in TIERS}
    random = np.random.default_rng(7)
    for batch in batches_of(workspace, scope, _COLUMNS):
        batch = batch.append_column("_draw", pa.array(random.random(batch.num_rows)))
        batch = batch.append_column("_order", _order(batch))
        for tier, pool in pools.items():
            mask = pa.array(np.asarray(batch.column("tier").to_pylist(), dtype=object) == tier)
            pool.add(batch.filter(mask))
    hidden = _find_taken_down(workspace, pools)
    return [row for tier in TIERS for row in _of_tier(pools[tier], hidden)]


def _order(batch: pa.Table) -> pa.Array:
    """What pairs are ranked by: the probability, and the score among equals and where none is."""
    probability = batch.column("probability").to_numpy(zero_copy_only=False).astype(np.float64)
    score = batch.column("score").to_numpy(zero_copy_only=False).astype(np.float64)
    order = np.nan_to_num(probability, nan=0.0) * 1e6 + np.nan_to_num(score, nan=0.0)
    return pa.array(order)


def _first(kept: pa.Table | None, rows: pa.Table, order: list[tuple[str, str]]) -> pa.Table:
    together = rows if kept is None else pa.concat_tables([kept, rows])
    return together.sort_by(order).slice(0, _POOL).combine_chunks()


def _find_taken_down(workspace: Workspace, pools: dict[str, _Pool]) -> set[str]:
    """Photos among the pools' that must not be shown."""
    hidden = down(workspace)
    tables = [table for pool in pools.values() for table in (pool.best, pool.worst, pool.drawn)]
    for kind in ("garment", "look"):
        ids = {value for table in tables if table for value in table.column(kind).to_pylist()}
        found = workspace.table(f"{kind}s").rows_by("id", sorted(ids), ["id", "taken_down"])
        hidden |= {row["id"] for row in found.to_pylist() if row["taken_down"]}
    return hidden


def _of_tier(pool: _Pool, hidden: set[str]) -> list[dict[str, Any]]:
    """Strongest, typical and doubtful pairs, with as many different photos as there are."""
    rows_of: dict[str, list[dict[str, Any]]] = {}
    used: set[str] = set()
    taken: set[tuple[str, str]] = set()
    for why, table in (("strongest", pool.best), ("doubtful", pool.worst), ("typical", pool.drawn)):
        rows = [] if table is None else table.to_pylist()
        rows = [row for row in rows if not {row["garment"], row["look"]} & hidden]
        picked: list[dict[str, Any]] = []
        for fresh_only in (True, False):
            for row in rows:
                pair = row["garment"], row["look"]
                seen = bool(used & set(pair))
                if len(picked) < SHOWN[why] and pair not in taken and not (seen and fresh_only):
                    picked.append({**row, "why": why})
                    taken.add(pair)
                    used.update(pair)
        if why == "doubtful":
            picked.reverse()
        rows_of[why] = picked
    return [row for why in SHOWN for row in rows_of[why]]


class _SheetTables:
    """Everything that the chosen pairs need from the tables, read once."""

    def __init__(
        self, workspace: Workspace, scope: Scope, verdicts: Verdicts, chosen: list[dict[str, Any]]
    ) -> None:
        self._pictures = PictureMaker(workspace)
        self._chosen, self._verdicts = chosen, verdicts
        garments = {row["garment"] for row in chosen}
        self._garments = sources(workspace, "garment", garments)
        self._looks = sources(workspace, "look", {row["look"] for row in chosen})
        regions = workspace.table("regions")
        boxes = regions.rows_by("id", sorted({row["region"] for row in chosen}), ["id", "box"])
        self._boxes = {row["id"]: row["box"] for row in boxes.to_pylist()}
        cutouts = regions.rows_by(
            "subject", sorted(garments), ["id", "subject", "box"], scope.cutouts
        ).to_pylist()
        self._cutouts = {row["subject"]: row["id"] for row in cutouts}
        self._tokens = _tokens(workspace, scope, {*self._boxes, *self._cutouts.values()})
        self._boxes |= {row["id"]: row["box"] for row in cutouts}
        self._descriptions = _descriptions(
            workspace, scope, {*self._boxes, *self._cutouts.values()}
        )
        ranks = workspace.table("matches").read(
            ["garment", "region", "rank", "reverse_rank", "mutual"],
            scope.matches & column("garment").is_in(sorted(garments)),
        )
        self._matches = {(row["garment"], row["region"]): row for row in ranks.to_pylist()}
        self._shop = _shop_photos(workspace, self._garments)

    def pairs(self, side: int) -> list[SheetPair]:
        known = [
            row for row in self._chosen
            if row["garment"] in self._garments and row["look"] in self._looks
        ]  # fmt: skip
        with ThreadPoolExecutor(4, thread_name_prefix="report") as pool:
            return list(pool.map(lambda row: self._show(row, side), known))

    def _show(self, row: dict[str, Any], side: int) -> SheetPair:
        garment, look = self._garments[row["garment"]], self._looks[row["look"]]
        box = self._boxes.get(row["region"])
        if box is None:
            crop, whole = None, self._pictures.whole(look, side)
        else:
            crop, whole = self._pictures.region(look, box, side)
        shop = self._shop.get(garment.id)
        return SheetPair(
            pair=row,
            why=row["why"],
            match=self._matches.get((garment.id, row["region"]), {}),
            garment=garment,
            look=look,
            box=box,
            garment_picture=self._pictures.whole(garment, side),
            region_picture=crop,
            look_picture=whole,
            shop=shop,
            shop_picture=self._pictures.whole(shop, side) if shop else None,
            answers_picture=self._answers(row, side // 2),
            words=_words(
                self._descriptions.get(self._cutouts.get(garment.id, ""), {}),
                self._descriptions.get(row["region"], {}),
            ),
            verdict=self._verdicts.of(garment.id, look.id),
        )

    def _answers(self, row: dict[str, Any], side: int) -> Picture | None:
        cutout, region = self._cutouts.get(row["garment"], ""), row["region"]
        ends = [(self._tokens.get(one), self._boxes.get(one)) for one in (cutout, region)]
        (parts, place), (others, box) = ends
        if row["s_detail"] is None or not parts or not others or not place or not box:
            return None
        garment, look = self._garments[row["garment"]], self._looks[row["look"]]
        return self._pictures.answers(garment, place, parts, look, box, others, side)


def _tokens(workspace: Workspace, scope: Scope, regions: set[str]) -> dict[str, Tokens]:
    """The parts of regions, of those that have any."""
    columns = ["subject", "token_values", "token_places"]
    for table in workspace.embedding_tables():
        if table.path.stem == scope.encoder:
            rows = table.rows_by("subject", sorted(regions), columns).to_pylist()
            return {
                row["subject"]: Tokens(
                    unpacked(row["token_values"]),
                    np.frombuffer(row["token_places"], np.uint8).reshape(-1, 2),
                )
                for row in rows
                if row["token_values"] is not None
            }
    return {}


def _descriptions(
    workspace: Workspace, scope: Scope, regions: set[str]
) -> dict[str, dict[str, Any]]:
    if scope.describer is None or not regions:
        return {}
    rows = workspace.table("descriptions").rows_by(
        "subject", sorted(regions), ["subject", *ATTRIBUTES], scope.described
    )
    return {row["subject"]: row for row in rows.to_pylist()}


def _shop_photos(workspace: Workspace, garments: dict[str, Source]) -> dict[str, Source]:
    """Another photo of the same product for each garment, where the catalogue has one."""
    products = {each.row["product"] for each in garments.values() if each.row["product"]}
    if not products:
        return {}
    rows = workspace.table("garments").rows_by("product", sorted(products), ["id", "product"])
    photos: dict[str, list[str]] = {}
    for row in rows.to_pylist():
        photos.setdefault(row["product"], []).append(row["id"])
    others = sources(workspace, "garment", [each for ids in photos.values() for each in ids])
    found: dict[str, Source] = {}
    for garment in garments.values():
        for other in sorted(photos.get(garment.row["product"] or "", [])):
            if other != garment.id and not others[other].taken_down:
                found.setdefault(garment.id, others[other])
    return found


def _words(garment: dict[str, Any], region: dict[str, Any]) -> list[Word]:
    words: list[Word] = []
    for attribute in ATTRIBUTES:
        left, right = _as_list(garment.get(attribute)), _as_list(region.get(attribute))
        if left or right:
            agree = bool(set(left) & set(right))
            words.append(Word(attribute, ", ".join(left), ", ".join(right), agree))
    return words


def _as_list(value: Any) -> list[str]:
    if value is None:
        return []
    return [str(each) for each in value] if isinstance(value, list) else [str(value)]
