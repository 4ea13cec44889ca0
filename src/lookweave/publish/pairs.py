"""From a plan to published pairs: rows joined, photos encoded, in threads, in the plan's order."""

from __future__ import annotations

import itertools
import json
import math
import re
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from lookweave.config import Config
from lookweave.errors import Rejected
from lookweave.photos import Limits
from lookweave.publish import images as encode
from lookweave.publish.images import PublishedImage, RecentImages
from lookweave.publish.options import Options
from lookweave.publish.plan import HeldBack, Plan, hold_back
from lookweave.publish.products import products_of
from lookweave.store.conditions import matching
from lookweave.store.workspace import Workspace
from lookweave.text import to_json

_CHUNK = 512  # pairs whose rows are joined at a time

_GARMENT = ("sku", "product", "title", "brand", "category", "price", "url", "rights", "metadata")
_LOOK = ("title", "brand", "season", "photographer", "shoot", "url", "rights", "metadata")
_PHOTO = ("id", "path", "name", "width", "height", "sha256")
_SAID = ("category", "colours", "pattern", "material", "sleeve", "length", "neckline", "caption")
_SCENE = ("scene", "light", "pose", "mood")
_PAIR = (
    "group", "s_vlm", "s_visual", "s_detail", "score", "probability", "calibrated", "verified_by",
    "provenance",
)  # fmt: skip

_AS_JSON = ("garment_metadata", "look_metadata", "provenance")
_NO_JSON = re.compile(r"\b(NaN|Infinity)\b")

Row = dict[str, Any]


@dataclass(frozen=True)
class PublishedPair:
    """One pair, ready to be written.

    Attributes:
        key: unique in the publication; free of dots, as WebDataset asks.
        tier: high, medium or low.
        split: train, validation or test.
        images: image column -> image; a column without one is missing.
        values: every other column.
        models: keys of the models whose rows it shows.
    """

    key: str
    tier: str
    split: str
    images: dict[str, PublishedImage]
    values: Row
    models: frozenset[str]


@dataclass(frozen=True)
class _Joined:
    """A pair and the rows it refers to."""

    pair: Row
    garment: Row
    look: Row
    region: Row
    garment_said: Row
    region_said: Row
    products: list[Row]


def encode_pairs(
    workspace: Workspace, plan: Plan, options: Options, config: Config, *, describer: str
) -> Iterator[PublishedPair | HeldBack]:
    """Every pair of the plan, in order: itself, or why it had to be held back after all.

    Memory holds a few looks a worker, whatever the size of the plan.

    Args:
        describer: key of the describer whose words are preferred where there are several.
    """
    encoder = _PairEncoder(workspace, plan, options, config)
    workers = config.run.workers
    with ThreadPoolExecutor(workers, thread_name_prefix="publish") as pool:
        waiting: deque[Future[list[PublishedPair | HeldBack]]] = deque()
        try:
            for unit in _units(workspace, plan, describer):
                if isinstance(unit, HeldBack):
                    yield unit
                    continue
                waiting.append(pool.submit(encoder.encode, unit))
                if len(waiting) > 2 * workers:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _units(workspace: Workspace, plan: Plan, describer: str) -> Iterator[list[_Joined] | HeldBack]:
    """Neighbouring pairs of one look, one tier and one split."""
    for start in range(0, plan.pairs.num_rows, _CHUNK):
        joined: list[_Joined] = []
        keys = plan.pairs.slice(start, _CHUNK).to_pylist()
        for one in _join(workspace, plan.recipe, keys, describer):
            if isinstance(one, HeldBack):
                yield one
            else:
                joined.append(one)
        for _, unit in itertools.groupby(
            joined, lambda one: (one.pair["tier"], one.pair["split"], one.pair["look"])
        ):
            yield list(unit)


def _join(
    workspace: Workspace, recipe: str, keys: list[Row], describer: str
) -> Iterator[_Joined | HeldBack]:
    garment_ids = {key["garment"] for key in keys}
    region_ids = {key["region"] for key in keys}
    pairs = _pairs(workspace, recipe, keys)
    garments = _by_id(workspace, "garments", garment_ids, (*_PHOTO, *_GARMENT))
    looks = _by_id(workspace, "looks", {key["look"] for key in keys}, (*_PHOTO, *_LOOK))
    regions = _by_id(
        workspace, "regions", region_ids, ("id", "detector", "box", "label", "score", "mask")
    )
    cut_outs = _cut_outs(workspace, garment_ids)
    products = products_of(workspace, garment_ids)
    said = _descriptions(
        workspace, region_ids.union(*(ids for ids in cut_outs.values())), describer
    )
    for key in keys:
        region = regions.get(key["region"])
        if region is None or region["box"] is None:
            yield hold_back(
                key, "look", looks[key["look"]]["name"], "no_such_region",
                f"The pair names region {key['region']}, which has no row: run verify-store.",
            )  # fmt: skip
            continue
        garment_said: Row = next(
            (said[cut_out] for cut_out in cut_outs.get(key["garment"], ()) if cut_out in said), {}
        )
        yield _Joined(
            pairs[key["garment"], key["look"]], garments[key["garment"]], looks[key["look"]],
            region, garment_said, said.get(key["region"], {}), products.get(key["garment"], []),
        )  # fmt: skip


def _pairs(workspace: Workspace, recipe: str, keys: list[Row]) -> dict[tuple[str, str], Row]:
    looks = sorted({key["look"] for key in keys})
    rows = workspace.table("pairs").rows_by("look", looks, where=matching(recipe=recipe))
    return {(row["garment"], row["look"]): row for row in rows.to_pylist()}


def _by_id(
    workspace: Workspace, table: str, ids: Iterable[str], columns: tuple[str, ...]
) -> dict[str, Row]:
    rows = workspace.table(table).rows_by("id", sorted(ids), list(columns))
    return {row["id"]: row for row in rows.to_pylist()}


def _cut_outs(workspace: Workspace, garments: set[str]) -> dict[str, list[str]]:
    """Garment -> its cut-outs, best first."""
    regions = workspace.table("regions")
    rows = regions.rows_by("subject", sorted(garments), ["id", "subject", "kind", "index"])
    found: dict[str, list[str]] = {}
    for row in sorted(rows.to_pylist(), key=lambda row: (row["index"], row["id"])):
        if row["kind"] == "garment":  # the same file may be a look as well
            found.setdefault(row["subject"], []).append(row["id"])
    return found


def _descriptions(workspace: Workspace, regions: set[str], describer: str) -> dict[str, Row]:
    """Region -> what is said of it, by the preferred describer if that spoke."""
    rows = workspace.table("descriptions").rows_by(
        "subject", sorted(regions), ["subject", "model", *_SAID, *_SCENE]
    )
    said: dict[str, Row] = {}
    for row in sorted(rows.to_pylist(), key=lambda row: (row["model"] == describer, row["model"])):
        said[row["subject"]] = row
    return said


class _PairEncoder:
    """Encodes pairs; its methods may be called from several threads."""

    def __init__(self, workspace: Workspace, plan: Plan, options: Options, config: Config) -> None:
        self._workspace, self._plan, self._options = workspace, plan, options
        self._limits = Limits(config.ingest.max_pixels, config.ingest.max_bytes)
        self._garments = RecentImages()

    def encode(self, unit: list[_Joined]) -> list[PublishedPair | HeldBack]:
        """The pairs of one look, which is decoded once."""
        look = unit[0].look
        cropped = not self._plan.judgements[look["id"]].no_derivatives
        boxes = [tuple(one.region["box"]) for one in unit] if cropped else []
        try:
            data = encode.source_bytes(self._workspace, look, self._limits)
            whole, crops = encode.look_and_regions(data, look, boxes, self._options, self._limits)
        except Rejected as why:
            return [_hold(one, "look", why) for one in unit]
        done: list[PublishedPair | HeldBack] = []
        for position, one in enumerate(unit):
            try:
                images = {"garment_image": self._garment(one.garment), "look_image": whole}
            except Rejected as why:
                done.append(_hold(one, "garment", why))
                continue
            if cropped:
                crop = images["region_image"] = crops[position]
                if mask := encode.mask_for(one.region["mask"], crop):
                    images["region_mask"] = mask
            done.append(_row_of(one, images, self._options))
        return done

    def _garment(self, photo: Row) -> PublishedImage:
        def make() -> PublishedImage:
            data = encode.source_bytes(self._workspace, photo, self._limits)
            return encode.encode_photo(data, photo, self._options, self._limits)

        return self._garments.get(photo["id"], make)


def _hold(one: _Joined, kind: str, why: Rejected) -> HeldBack:
    name = (one.look if kind == "look" else one.garment)["name"]
    return hold_back(one.pair, kind, name, why.reason, why.detail)


def _row_of(one: _Joined, images: dict[str, PublishedImage], options: Options) -> PublishedPair:
    garment, look, region = one.garment, one.look, one.region
    values: Row = {
        "garment_id": garment["id"],
        "look_id": look["id"],
        "tier": one.pair["tier"],
        "region_box": encode.scale_box(tuple(region["box"]), look, images["look_image"]),
        "region_label": region["label"],
        "region_score": region["score"],
        "region_category": one.region_said.get("category"),
        "region_caption": one.region_said.get("caption"),
    }
    values |= {name: one.pair[name] for name in _PAIR}
    values |= {name: one.garment_said.get(name) for name in _SAID}
    values |= {name: one.region_said.get(name) for name in _SCENE}
    values |= {f"garment_{name}": garment[name] for name in _GARMENT}
    values["garment_products"] = one.products
    skus = (product["sku"] for product in one.products)
    values["garment_skus"] = list(dict.fromkeys(sku for sku in skus if sku))
    values |= {f"look_{name}": look[name] for name in _LOOK}
    if not options.metadata:
        del values["garment_metadata"], values["look_metadata"]
    said_by = {one.garment_said.get("model"), one.region_said.get("model"), region["detector"]}
    return PublishedPair(
        key=f"{garment['id']}-{look['id']}",
        tier=one.pair["tier"],
        split=one.pair["split"],
        images=images,
        values={name: _finite(name, value) for name, value in values.items()},
        models=frozenset(said_by - {None}),
    )


def _finite(column: str, value: Any) -> Any:
    """`value` with null for NaN and infinities, which readers of JSON refuse; in columns that hold
    JSON, inside it too."""
    if isinstance(value, str):
        odd = column in _AS_JSON and _NO_JSON.search(value)
        return to_json(json.loads(value)) if odd else value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [_finite(column, each) for each in value]
    if isinstance(value, dict):
        return {name: _finite(name, each) for name, each in value.items()}
    return value
