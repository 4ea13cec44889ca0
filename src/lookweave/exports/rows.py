"""Matches and pairs, joined with their photos and articles, in batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from lookweave.config import Config
from lookweave.errors import InputError
from lookweave.pipeline.setup import Setup
from lookweave.pipeline.steps.match import Match
from lookweave.pipeline.steps.tier import TIERS, Tier
from lookweave.records import MATCH, PAIR
from lookweave.store.conditions import Condition, column, matching
from lookweave.store.products import garments_of_sku, products_of
from lookweave.store.tables import Lookup
from lookweave.store.takedowns import hidden
from lookweave.store.workspace import Workspace

_ROWS = 1 << 16  # joined and sorted at a time

_TEXTS = pa.list_(pa.string())
_BOX = pa.list_(pa.float32(), 4)

MATCHES_SCHEMA = pa.schema(
    [
        ("garment_path", pa.string()),
        ("look_path", pa.string()),
        ("region_box", _BOX),
        ("s_vlm", pa.float32()),
        ("s_visual", pa.float32()),
        ("score", pa.float32()),
        ("probability", pa.float32()),
        ("rank", pa.int32()),
        ("s_detail", pa.float32()),
        ("calibrated", pa.bool_()),
        ("tier", pa.string()),
        ("skus", _TEXTS),
        ("gtins", _TEXTS),
        ("title", pa.string()),
        ("look_title", pa.string()),
        ("garment", pa.string()),
        ("look", pa.string()),
        ("region", pa.string()),
        ("taken_down", pa.bool_()),
        ("listed", pa.bool_()),
    ]
)
"""The columns of the contract, and then: `s_detail` as in `records.MATCH`; `calibrated`, the
probability was learned from labels; `tier`, of the pair of this garment and look, if it is one;
`skus`, `gtins` and `title` of the garment's articles; ids; `taken_down`, one of the photos is;
`listed`, both are. Boxes are xyxy in pixels of the oriented look."""

PAIRS_SCHEMA = pa.schema(
    [
        ("tier", pa.string()),
        ("split", pa.string()),
        ("probability", pa.float32()),
        ("calibrated", pa.bool_()),
        ("score", pa.float32()),
        ("s_vlm", pa.float32()),
        ("s_visual", pa.float32()),
        ("s_detail", pa.float32()),
        ("skus", _TEXTS),
        ("gtins", _TEXTS),
        ("title", pa.string()),
        ("look_title", pa.string()),
        ("garment_path", pa.string()),
        ("look_path", pa.string()),
        ("region_box", _BOX),
        ("garment", pa.string()),
        ("look", pa.string()),
        ("region", pa.string()),
        ("group", pa.string()),
        ("verified_by", _TEXTS),
    ]
)
"""Columns of exported pairs; as in `MATCHES_SCHEMA` and `records.PAIR`."""


def match_rows(
    workspace: Workspace, config: Config, top: int, sku: str | None = None
) -> Iterator[pa.Table]:
    """The `top` best regions of every garment in batches, in no order: the columns of the table
    `matches`, with ``garment_path``, ``look_path`` and ``region_box``.

    Args:
        sku: only garments that show this article.

    Raises:
        InputError: nothing is matched yet, or no article has this number.
    """
    joined = _Joined(workspace, with_articles=False)
    for batch in _matches(workspace, config, top, sku):
        rows = joined.rows(batch)
        yield rows.select([*MATCH.schema.names, "garment_path", "look_path", "region_box"])


def export_matches(
    workspace: Workspace, config: Config, top: int, sku: str | None = None
) -> Iterator[pa.Table]:
    """The same with `MATCHES_SCHEMA`, for a file: each batch sorted by path and rank."""
    joined = _Joined(workspace)
    tiers = _Tiers(workspace, config)
    for batch in _matches(workspace, config, top, sku):
        rows = joined.rows(batch)
        rows = rows.append_column("tier", tiers.of(rows))
        order = [("garment_path", "ascending"), ("rank", "ascending"), ("region", "ascending")]
        yield rows.select(MATCHES_SCHEMA.names).cast(MATCHES_SCHEMA).sort_by(order)


def _matches(workspace: Workspace, config: Config, top: int, sku: str | None) -> Iterator[pa.Table]:
    matches = workspace.table("matches")
    made = Match(Setup.of(config)).rows
    if not matches.count(made):
        raise InputError(f"{workspace.path} has no matches yet: run `lookweave build` first.")
    where = made & column("rank").at_most(top)
    if sku is not None:
        where = where & column("garment").is_in(_garments_of(workspace, sku))
    # A batch of no rows comes first, so that there is a table also where no match has a rank.
    return chain([MATCH.schema.empty_table()], matches.scan(where=where, rows=_ROWS))


def _garments_of(workspace: Workspace, sku: str) -> list[str]:
    found = garments_of_sku(workspace, sku)
    if found is None:
        raise InputError(
            f"{workspace.path} has no article with the number {sku}. "
            "`lookweave products WS -o products.csv` lists all."
        )
    return found


def pair_rows(workspace: Workspace, config: Config, tier: str | None = None) -> Iterator[pa.Table]:
    """The pairs of the data set in batches, in no order: the columns of the table `pairs`.

    Pairs with a photo that was taken down, or is listed no more, are left out; the next build
    removes them.

    Args:
        tier: high, medium or low; None: all.

    Raises:
        InputError: there is no such tier.
    """
    where = pairs_of(config, tier)
    gone = {name: pa.array(hidden(workspace, name), pa.string()) for name in ("garment", "look")}
    yield PAIR.schema.empty_table()
    for batch in workspace.table("pairs").scan(where=where, rows=_ROWS):
        for name, ids in gone.items():
            batch = batch.filter(pc.invert(pc.is_in(batch.column(name), ids)))
        yield batch


def pairs_of(config: Config, tier: str | None) -> Condition:
    """The pairs of these settings, of one tier or all.

    Raises:
        InputError: there is no such tier.
    """
    if tier is None:
        return Tier(Setup.of(config)).rows
    if tier not in TIERS:
        raise InputError(f"tier is {', '.join(TIERS)}, not {tier!r}.")
    return Tier(Setup.of(config)).rows & matching(tier=tier)


def export_pairs(
    workspace: Workspace, config: Config, tier: str | None = None
) -> Iterator[pa.Table]:
    """The same with `PAIRS_SCHEMA`, for a file: each batch sorted by tier, likeliest first."""
    joined = _Joined(workspace)
    for batch in pair_rows(workspace, config, tier):
        rows = joined.rows(batch)
        place = pc.index_in(rows.column("tier"), pa.array(TIERS))
        order = [("place", "ascending"), ("probability", "descending"), ("garment", "ascending"),
                 ("look", "ascending")]  # fmt: skip
        rows = rows.append_column("place", place).sort_by(order)
        yield rows.select(PAIRS_SCHEMA.names).cast(PAIRS_SCHEMA)


class _Joined:
    """Rows that name garment, look and region, joined with what is known of these.

    Args:
        with_articles: also with the garments' articles, titles and marks.
    """

    def __init__(self, workspace: Workspace, *, with_articles: bool = True) -> None:
        self._workspace, self._with_articles = workspace, with_articles
        further = ["title", "taken_down", "listed"] if with_articles else []
        self._photos = {
            "garment": Rows(workspace, "garments", ["path", "sku", *further]),
            "look": Rows(workspace, "looks", ["path", *further]),
        }
        self._regions = Rows(workspace, "regions", ["box"])

    def rows(self, batch: pa.Table) -> pa.Table:
        """The batch with `garment_path`, `look_path`, `region_box` and the articles' columns."""
        photos = {name: rows.of(batch.column(name)) for name, rows in self._photos.items()}
        for name, found in photos.items():
            batch = batch.append_column(f"{name}_path", found.column("path"))
        boxes = self._regions.of(batch.column("region")).column("box")
        batch = batch.append_column("region_box", boxes)
        return self._articles(batch, photos) if self._with_articles else batch

    def _articles(self, batch: pa.Table, photos: dict[str, pa.Table]) -> pa.Table:
        garment, look = photos["garment"], photos["look"]
        ids = batch.column("garment").to_pylist()
        products = products_of(self._workspace, sorted(set(ids)))
        shown = [products.get(one, []) for one in ids]
        # A photo's own row has a number also where an older workspace has no articles.
        skus = [
            unique([*(product.sku for product in several), *([own] if not several else [])])
            for several, own in zip(shown, garment.column("sku").to_pylist(), strict=True)
        ]
        gtins = [unique(product.gtin for product in several) for several in shown]
        batch = batch.append_column("skus", pa.array(skus, _TEXTS))
        batch = batch.append_column("gtins", pa.array(gtins, _TEXTS))
        batch = batch.append_column("title", garment.column("title"))
        batch = batch.append_column("look_title", look.column("title"))
        down = [pc.fill_null(one.column("taken_down"), False) for one in (garment, look)]
        listed = [pc.fill_null(one.column("listed"), True) for one in (garment, look)]
        batch = batch.append_column("taken_down", pc.or_(*down))
        return batch.append_column("listed", pc.and_(*listed))


def unique(values: Iterable[str | None]) -> list[str]:
    """Those that are given, each once, in order."""
    return [*dict.fromkeys(value for value in values if value)]


class Rows:
    """Some columns of a table, by id. Holds the ids' places, not the rows."""

    def __init__(self, workspace: Workspace, table: str, columns: list[str]) -> None:
        self._table, self._columns = workspace.table(table), columns
        self._places = Lookup(self._table, "id")

    def of(self, ids: pa.ChunkedArray) -> pa.Table:
        """A row for each id, of nulls where there is none."""
        places = self._places.positions(ids.to_pylist())
        known = places >= 0
        found = self._table.take(places[known], self._columns)
        return found.take(pa.array(np.cumsum(known) - 1, mask=~known))


class _Tiers:
    """The tier of a garment and a look. Holds the pairs' ids, 40 bytes a pair."""

    def __init__(self, workspace: Workspace, config: Config) -> None:
        batches = list(pair_rows(workspace, config))
        pairs = pa.concat_tables([batch.select(["garment", "look", "tier"]) for batch in batches])
        keys = _keys(pairs)
        order = np.argsort(keys)
        self._keys = keys[order]
        self._tiers = pc.take(pairs.column("tier").combine_chunks(), pa.array(order))

    def of(self, rows: pa.Table) -> pa.Array:
        """Null where they are no pair."""
        if not len(self._keys) or not rows.num_rows:
            return pa.nulls(rows.num_rows, pa.string())
        keys = _keys(rows)
        at = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        return pc.take(self._tiers, pa.array(at, mask=self._keys[at] != keys))


def _keys(rows: pa.Table) -> NDArray[np.bytes_]:
    joined = pc.binary_join_element_wise(rows.column("garment"), rows.column("look"), " ")
    return np.array([key.encode() for key in joined.to_pylist()], dtype=np.bytes_)
