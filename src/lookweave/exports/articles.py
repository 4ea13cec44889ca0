"""Every article with its photos, its best match and its pairs; which of them no look shows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from lookweave.config import Config
from lookweave.errors import InputError
from lookweave.exports.rows import Rows, pair_rows, unique
from lookweave.pipeline.setup import Setup
from lookweave.pipeline.steps.match import Match
from lookweave.pipeline.steps.tier import TIERS
from lookweave.store.conditions import column
from lookweave.store.products import ROLES
from lookweave.store.reviews import standings
from lookweave.store.takedowns import hidden
from lookweave.store.workspace import Workspace

_ROWS = 1 << 14  # articles joined at a time
_SCAN = 1 << 16

_SAID = (
    "sku", "gtin", "title", "brand", "style", "colour", "size", "category", "price", "currency",
    "url", "rights",
)  # fmt: skip

ARTICLES_SCHEMA = pa.schema(
    [
        *((name, pa.float64() if name == "price" else pa.string()) for name in _SAID),
        ("tier", pa.string()),
        ("looks", pa.int32()),
        ("look_path", pa.string()),
        ("score", pa.float32()),
        ("probability", pa.float32()),
        ("calibrated", pa.bool_()),
        ("photos", pa.list_(pa.string())),
        ("garments", pa.list_(pa.string())),
        ("look", pa.string()),
        ("product", pa.string()),
        ("catalogue", pa.string()),
        ("listed", pa.bool_()),
        ("taken_down", pa.bool_()),
    ]
)
"""Columns of exported articles: what the catalogue says; the best `tier` of the article's pairs,
and how many `looks` they have; of its best match the look, `score`, `probability` and whether that
is `calibrated`; where its `photos` are; ids. A photo that no catalogue names is an article of its
own, without `product` and `catalogue`."""

UNMATCHED_SCHEMA = ARTICLES_SCHEMA.append(pa.field("why", pa.string()))
"""The same and `why` an article counts as never photographed."""

NO_PHOTO = "it has no usable photo"
NOT_SHOWN = "its photos are taken down or listed no more"
NO_MATCH = "no look matches it"
BELOW = "its best match is below the bound"


def export_articles(workspace: Workspace, config: Config) -> Iterator[pa.Table]:
    """Every article in batches with `ARTICLES_SCHEMA`, listed or not."""
    matched = _Matched(workspace, config)
    yield ARTICLES_SCHEMA.empty_table()
    for articles in _articles(workspace):
        yield matched.table([matched.told(article) for article in articles], ARTICLES_SCHEMA)


def export_unmatched(workspace: Workspace, config: Config, bound: float) -> Iterator[pa.Table]:
    """The listed articles that no look seems to show, in batches with `UNMATCHED_SCHEMA`.

    These have no match as probable as the bound, nor one that reviewers found right. A match that
    reviewers found wrong does not count, nor does one with a photo that is taken down or listed
    no more.

    Args:
        bound: probability from 0 to 1. It is a calibrated one only where `is_calibrated`.

    Raises:
        InputError: nothing is matched yet, or the bound is none.
    """
    if not 0 <= bound <= 1:
        raise InputError(f"The bound is a probability from 0 to 1, not {bound:g}.")
    if not workspace.table("matches").count(Match(Setup.of(config)).rows):
        raise InputError(f"{workspace.path} has no matches yet: run `lookweave build` first.")
    matched = _Matched(workspace, config)
    yield UNMATCHED_SCHEMA.empty_table()
    for articles in _articles(workspace):
        rows = []
        for article in articles:
            if not article["listed"] or article["taken_down"]:
                continue
            if why := matched.why_not(article, bound):
                rows.append({**matched.told(article), "why": why})
        yield matched.table(rows, UNMATCHED_SCHEMA)


def is_calibrated(workspace: Workspace, config: Config) -> bool:
    """Whether the matches' probabilities were learned from labels, and are no rule of thumb."""
    made = Match(Setup.of(config)).rows
    for batch in workspace.table("matches").scan(["calibrated"], made):
        return bool(batch.column("calibrated")[0].as_py())
    return False


def _articles(workspace: Workspace) -> Iterator[list[dict[str, Any]]]:
    """The rows of `products` in pieces, with `photos` and `garments`; then photos without any."""
    links, garments = workspace.table("product_photos"), workspace.table("garments")
    for batch in workspace.table("products").scan(rows=_ROWS):
        rows = batch.to_pylist()
        shown: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        ids = [row["id"] for row in rows]
        now = column("listed").is_not_false()
        for link in links.rows_by("product", ids, where=now).to_pylist():
            shown[link["product"]].append(link)
        yield [_with_photos(row, shown[row["id"]]) for row in rows]
    for batch in garments.scan(rows=_ROWS):
        ids = batch.column("id").to_pylist()
        named = set(links.rows_by("garment", ids, ["garment"]).column("garment").to_pylist())
        yield [
            {
                **{name: row.get(name) for name in _SAID},
                "style": row["product"], "product": None, "catalogue": None,
                "photos": [row["path"]], "garments": [row["id"]],
                "listed": row["listed"] is not False, "taken_down": bool(row["taken_down"]),
            }
            for row in batch.to_pylist()
            if row["id"] not in named
        ]  # fmt: skip


def _with_photos(row: dict[str, Any], links: list[Mapping[str, Any]]) -> dict[str, Any]:
    links = sorted(links, key=lambda link: (ROLES.index(link["role"]), link["position"]))
    return {
        **row,
        "product": row["id"],
        "listed": row["listed"] is not False,
        "taken_down": bool(row["taken_down"]),
        "photos": [link["place"] for link in links],
        "garments": unique(link["garment"] for link in links),
    }


class _Matched:
    """How well garments are matched. Holds a row for each garment with a match or a pair."""

    def __init__(self, workspace: Workspace, config: Config) -> None:
        self._hidden = set(hidden(workspace, "garment"))
        self._look_paths = Rows(workspace, "looks", ["path"])
        same = {key: said.same for key, said in standings(workspace).items()}
        self._confirmed = {garment for (garment, _), right in same.items() if right}
        refused = [" ".join(key) for key, right in same.items() if right is False]
        self._best = _best_matches(workspace, config, pa.array(refused, pa.string()))
        self._best_garments = _ids(self._best)
        self._pairs = _pairs_of_garments(workspace, config)
        self._pair_garments = _ids(self._pairs)

    def table(self, rows: list[dict[str, Any]], schema: pa.Schema) -> pa.Table:
        """Rows of `told` as a table, with the paths of their looks."""
        found = pa.Table.from_pylist(rows, schema)
        looks = pc.fill_null(found.column("look"), "")
        at = schema.get_field_index("look_path")
        return found.set_column(at, "look_path", self._look_paths.of(looks).column("path"))

    def told(self, article: dict[str, Any]) -> dict[str, Any]:
        """An article's row, but for `look_path`."""
        shown = [one for one in article["garments"] if one not in self._hidden]
        pairs = _rows_of(shown, self._pair_garments, self._pairs)
        names = (*_SAID, "photos", "garments", "product", "catalogue", "listed", "taken_down")
        return {
            **{name: article[name] for name in names},
            **self._best_of(shown),
            "tier": TIERS[min(row["tier"] for row in pairs)] if pairs else None,
            "looks": len({look for row in pairs for look in row["looks"]}),
        }

    def why_not(self, article: dict[str, Any], bound: float) -> str:
        """Why an article counts as never photographed; empty where a look shows it."""
        shown = [one for one in article["garments"] if one not in self._hidden]
        if not shown:
            return NOT_SHOWN if article["garments"] else NO_PHOTO
        if self._confirmed.intersection(shown):
            return ""
        best = self._best_of(shown)
        if not best:
            return NO_MATCH
        return "" if best["probability"] >= bound else BELOW

    def _best_of(self, garments: list[str]) -> dict[str, Any]:
        rows = _rows_of(garments, self._best_garments, self._best)
        if not rows:
            return {}
        best = max(rows, key=lambda row: (row["probability"], row["score"]))
        return {name: best[name] for name in ("look", "score", "probability", "calibrated")}


def _best_matches(workspace: Workspace, config: Config, refused: pa.Array) -> pa.Table:
    """The likeliest match of each garment that has one, by garment, ascending.

    Args:
        refused: garment and region, with a space between, of matches that do not count.
    """
    gone = pa.array(hidden(workspace, "look"), pa.string())
    columns = ["garment", "region", "look", "score", "probability", "calibrated"]
    table = workspace.table("matches")
    best = [table.spec.schema.empty_table().select(columns)]
    for batch in table.scan(columns, Match(Setup.of(config)).rows, _SCAN):
        batch = batch.filter(pc.invert(pc.is_in(batch.column("look"), gone)))
        if len(refused):
            key = pc.binary_join_element_wise(batch.column("garment"), batch.column("region"), " ")
            batch = batch.filter(pc.invert(pc.is_in(key, refused)))
        best.append(_first_of_each(batch))
    return _first_of_each(pa.concat_tables(best))


def _first_of_each(matches: pa.Table) -> pa.Table:
    order = [("garment", "ascending"), ("probability", "descending"), ("score", "descending"),
             ("region", "ascending")]  # fmt: skip
    matches = matches.sort_by(order)
    garments = _ids(matches)
    return matches.filter(pa.array(np.append(True, garments[1:] != garments[:-1])[: len(garments)]))


def _pairs_of_garments(workspace: Workspace, config: Config) -> pa.Table:
    """By garment, ascending: the place in `TIERS` of its best pair, and its looks."""
    pairs = pa.concat_tables(
        batch.select(["garment", "look", "tier"]) for batch in pair_rows(workspace, config)
    )
    tiers = pc.index_in(pairs.column("tier"), pa.array(TIERS))
    pairs = pairs.set_column(2, "tier", tiers)
    found = pairs.group_by("garment").aggregate([("tier", "min"), ("look", "list")])
    found = found.select(["garment", "tier_min", "look_list"])
    return found.rename_columns(["garment", "tier", "looks"]).sort_by("garment")


def _ids(rows: pa.Table) -> NDArray[np.bytes_]:
    ids = [one.encode() for one in rows.column("garment").to_pylist()]
    return np.array(ids, dtype=np.bytes_)


def _rows_of(wanted: Iterable[str], ids: NDArray[np.bytes_], rows: pa.Table) -> list[Any]:
    """The rows of some garments, of those that have one; `ids` ascend."""
    found = []
    for one in wanted:
        at = int(np.searchsorted(ids, np.bytes_(one.encode())))
        if at < len(ids) and ids[at] == one.encode():
            found += rows.slice(at, 1).to_pylist()
    return found
