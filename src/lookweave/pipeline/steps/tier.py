"""Tier: matches -> pairs of the data set."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lookweave.errors import ConfigError
from lookweave.matching import select
from lookweave.matching.splits import NAMES, Splits, split_pairs
from lookweave.pipeline.setup import Setup
from lookweave.pipeline.step import NOTHING, Plan, Step, Worker, outcome
from lookweave.pipeline.steps.group import same_pictures, together
from lookweave.pipeline.steps.match import Match, calibration, score_weights
from lookweave.records import PAIR, fingerprint
from lookweave.store.reviews import standings
from lookweave.store.workspace import Workspace, write_atomically

VERSION = 1
TIERS = ("high", "medium", "low")
_BATCH = 8192
_NEVER = np.iinfo(np.int32).max


class Choosing(Worker):
    """Chosen matches -> pairs."""

    def __init__(self, workspace: Workspace, setup: Setup) -> None:
        super().__init__(workspace, setup)
        self._recipe = Tier(setup).recipe
        self._provenance = _provenance(workspace, setup)
        self._said = standings(workspace)

    def __call__(self, batch: pa.Table) -> pa.Table:
        """`batch`: columns position (in `matches`), tier, split and group."""
        columns = ["garment", "look", "region", "s_vlm", "s_visual", "s_detail", "score",
                   "probability"]  # fmt: skip
        matches = self.workspace.table("matches").take(
            batch.column("position").to_pylist(), [*columns, "calibrated"]
        )
        rows: list[dict[str, object]] = [
            {
                **match,
                "recipe": self._recipe,
                "tier": TIERS[chosen["tier"]],
                "split": NAMES[chosen["split"]],
                "group": chosen["group"],
                "verified_by": self._confirmed_by(match["garment"], match["region"]),
                "provenance": self._provenance,
            }
            for match, chosen in zip(matches.to_pylist(), batch.to_pylist(), strict=True)
        ]
        return outcome(PAIR, rows, [])

    def _confirmed_by(self, garment: str, region: str) -> list[str]:
        said = self._said.get((garment, region))
        return list(said.yes) if said else []


class Tier(Step):
    """Chooses garment x look pairs, by their best region, and deals them into tiers and splits.

    A tier holds at most its quota, and never fills up with what it does not promise:

    - high: confirmed by a person, or mutual nearest neighbours (each the other's first);
    - medium: the garment's first region, or the region's first garment;
    - low: any other match that was kept.

    So 300 photos under the default quotas of 10,000 / 50,000 / 300,000 do not all become high:
    the quotas simply do not bind. Within a tier the most probable come first, and
    `looks_per_garment` and `garments_per_look` hold over all tiers together. A pair that a
    person refused never enters. With `target_precision` a tier is a stretch of the order by
    probability instead, as long as its precision's lower bound allows (`select.stretches`).
    """

    name = "tier"
    unit = "pairs"
    over_everything = True
    worker: ClassVar[type[Worker]] = Choosing
    spec = PAIR

    @cached_property
    def recipe(self) -> str:
        """The match's recipe and the tiers' settings."""
        settings = self.setup.config.tier.model_dump_json()
        return fingerprint("tier", VERSION, Match(self.setup).recipe, settings)

    def plan(self, workspace: Workspace) -> Plan:
        """All chosen pairs, or nothing while matches, groups and reviews are unchanged.

        Raises:
            ConfigError: a target precision is asked for, and nothing tells the precision.
        """
        tables = [workspace.table(name) for name in ("matches", "groups", "reviews")]
        inputs = fingerprint(*(table.version for table in tables))
        if self.is_current(workspace, inputs):
            return NOTHING
        pool = _Pool.read(workspace, self.setup)
        pairs, split = _choose(workspace, self.setup, pool)
        return Plan(pairs.num_rows, _batches(pairs), inputs) if split else Plan(0, (), inputs)


def measured_path(workspace: Workspace, recipe: str) -> Path:
    """A JSON file about the last run: candidates, pairs of each tier and split, what is short."""
    return workspace.path / "measured" / f"tier-{recipe}.json"


@dataclass
class _Pool:
    """All matches of the recipe, a few numbers each, in the order of preference.

    Attributes:
        position: in the table `matches`.
        garment, look: codes into `garments` and `looks`, which ascend.
        rank, reverse_rank: `_NEVER` where there is none.
        label: of reviews: 1 yes, 0 no, -1 none.
    """

    garments: list[str]
    looks: list[str]
    position: NDArray[np.int64]
    garment: NDArray[np.int32]
    look: NDArray[np.int32]
    rank: NDArray[np.int32]
    reverse_rank: NDArray[np.int32]
    probability: NDArray[np.float32]
    label: NDArray[np.int8]
    calibrated: bool

    @classmethod
    def read(cls, workspace: Workspace, setup: Setup) -> _Pool:
        """The best region of each garment x look."""
        # An open disagreement stays out until somebody decides it.
        verdicts = {
            key: int(said.same is True)
            for key, said in standings(workspace).items()
            if said.yes or said.no
        }
        numbers = ["score", "probability", "rank", "reverse_rank"]
        where = Match(setup).rows
        pieces: list[pa.Table] = []
        labels: list[NDArray[np.int8]] = []
        calibrated = False
        columns = ["garment", "look", "region", "calibrated", *numbers]
        table = workspace.table("matches")
        for batch in table.scan(columns, where, rows=1 << 16, with_positions=True):
            labels.append(_labels(batch, verdicts))
            calibrated = calibrated or bool(batch.column("calibrated")[0].as_py())
            ids = [batch.column(name).combine_chunks() for name in ("garment", "look")]
            kept = [pa.chunked_array([column]).dictionary_encode() for column in ids]
            rest = [batch.column(name) for name in (*numbers, "_rowoffset")]
            pieces.append(pa.table([*kept, *rest], ["garment", "look", *numbers, "position"]))
        if not pieces:
            none = np.empty(0, np.int32)
            return cls(
                [], [], none.astype(np.int64), none, none, none, none, none.astype(np.float32),
                none.astype(np.int8), False,
            )  # fmt: skip
        matches = pa.concat_tables(pieces).unify_dictionaries()
        garments, garment = _codes(matches.column("garment"))
        looks, look = _codes(matches.column("look"))
        pool = cls(
            garments,
            looks,
            matches.column("position").to_numpy().astype(np.int64),
            garment,
            look,
            matches.column("rank").fill_null(_NEVER).to_numpy(),
            matches.column("reverse_rank").fill_null(_NEVER).to_numpy(),
            matches.column("probability").to_numpy(),
            np.concatenate(labels),
            calibrated,
        )
        return pool._best_regions(matches.column("score").to_numpy())

    def _best_regions(self, score: NDArray[np.float32]) -> _Pool:
        """One row a garment x look, ordered by probability, score, ids."""
        pair = self.garment.astype(np.int64) * len(self.looks) + self.look
        # Within a pair: a region that a person confirmed, else the likeliest that nobody refused.
        order = np.lexsort((self.rank, -score, -self.probability, _preference(self.label), pair))
        _, first = np.unique(pair[order], return_index=True)
        best = order[first]
        # A refusal of the likeliest region refuses the pair, unless another region is confirmed.
        refused = np.unique(pair[self.label == 0])
        label = self.label[best]
        label[np.isin(pair[best], refused) & (label != 1)] = 0
        order = np.lexsort(
            (self.look[best], self.garment[best], -score[best], -self.probability[best])
        )
        best = best[order]
        return _Pool(
            self.garments, self.looks, self.position[best], self.garment[best], self.look[best],
            self.rank[best], self.reverse_rank[best], self.probability[best], label[order],
            self.calibrated,
        )  # fmt: skip


def _choose(workspace: Workspace, setup: Setup, pool: _Pool) -> tuple[pa.Table, Splits | None]:
    settings = setup.config.tier
    targets = settings.target_precision
    labelled = int((pool.label >= 0).sum())
    if targets and labelled < select.MINIMUM_LABELS and not pool.calibrated:
        raise ConfigError(
            f"tier.target_precision: {labelled} matches are reviewed and probabilities are not "
            f"calibrated, so no precision is known. Have at least "
            f"{select.MINIMUM_LABELS} matches reviewed, run `lookweave calibrate` with known "
            "pairs, or use quotas."
        )
    mutual = (pool.rank == 1) & (pool.reverse_rank == 1)
    either = (pool.rank == 1) | (pool.reverse_rank == 1)
    best = np.where(mutual, select.HIGH, np.where(either, select.MEDIUM, select.LOW))
    candidates = select.Candidates(
        pool.garment, pool.look, best.astype(np.int8), pool.probability, pool.label
    )
    enter = int((pool.label != 0).sum())
    quotas = [_quota(getattr(settings, name), enter) for name in TIERS]
    tier = select.choose(
        candidates, quotas, settings.looks_per_garment, settings.garments_per_look, targets
    )
    entered = np.flatnonzero(tier != select.OUT)
    if not len(entered):
        _write_measured(workspace, setup, enter, tier[entered], None)
        return pa.table({}), None
    nodes, edges = _graph(workspace, setup, pool)
    dealt = split_pairs(
        pool.garment[entered].astype(np.int64),
        pool.look[entered].astype(np.int64) + len(pool.garments),
        tier[entered],
        nodes,
        edges,
        settings.validation,
        settings.test,
        settings.seed,
    )
    _write_measured(workspace, setup, enter, tier[entered], dealt)
    inside = dealt.split >= 0
    columns = {
        "position": pool.position[entered][inside],
        "tier": tier[entered][inside],
        "split": dealt.split[inside],
        "group": [nodes[at].partition(":")[2] for at in dealt.component[inside].tolist()],
    }
    return pa.table(columns), dealt


def _graph(workspace: Workspace, setup: Setup, pool: _Pool) -> tuple[list[str], NDArray[np.int64]]:
    """Names of all garments, then all looks, then their groups; edges from photo to group."""
    nodes = [f"garment:{name}" for name in pool.garments] + [f"look:{name}" for name in pool.looks]
    edges: list[tuple[int, int]] = []
    groups: dict[str, int] = {}
    photos = len(nodes)
    for kind in ("garment", "look"):
        for photo, group in together(workspace, setup, kind).items():
            groups.setdefault(f"{kind}:{photo}", len(groups))
            groups.setdefault(f"{kind}:{group}", len(groups))
            edges.append((photos + groups[f"{kind}:{photo}"], photos + groups[f"{kind}:{group}"]))
    for garment, look in same_pictures(workspace, setup):  # a split may not part them
        groups.setdefault(f"garment:{garment}", len(groups))
        groups.setdefault(f"look:{look}", len(groups))
        edges.append((photos + groups[f"garment:{garment}"], photos + groups[f"look:{look}"]))
    edges += [(at, photos + groups[name]) for at, name in enumerate(nodes) if name in groups]
    return [*nodes, *groups], np.array(edges, np.int64).reshape(-1, 2)


def _write_measured(
    workspace: Workspace,
    setup: Setup,
    candidates: int,
    tier: NDArray[np.int8],
    dealt: Splits | None,
) -> None:
    inside = dealt.split >= 0 if dealt else np.zeros(0, bool)
    content = {
        "candidates": candidates,
        "tiers": {name: int((tier[inside] == at).sum()) for at, name in enumerate(TIERS)},
        "splits": {
            name: int((dealt.split == at).sum()) if dealt else 0 for at, name in enumerate(NAMES)
        },
        "left_out_between_splits": int((~inside).sum()),
        "linking_tiers": list(TIERS[: dealt.linking]) if dealt else [],
        "short": list(dealt.short) if dealt else [],
    }
    path = measured_path(workspace, Tier(setup).recipe)
    write_atomically(path, json.dumps(content, indent=1).encode())


def _quota(wanted: float, candidates: int) -> int:
    return int(wanted) if wanted > 1 else round(wanted * candidates)


def _preference(label: NDArray[np.int8]) -> NDArray[np.int8]:
    """0 for a confirmed row, 1 for one that nobody looked at, 2 for a refused one."""
    return np.array([2, 0, 1], np.int8)[label]


def _batches(pairs: pa.Table) -> Iterator[pa.Table]:
    for start in range(0, pairs.num_rows, _BATCH):
        yield pairs.slice(start, _BATCH)


def _codes(column: pa.ChunkedArray) -> tuple[list[str], NDArray[np.int32]]:
    """The distinct values, ascending, and each row's place among them."""
    values: list[str] = column.chunk(0).dictionary.to_pylist()
    order = sorted(range(len(values)), key=values.__getitem__)
    place = np.empty(len(values), np.int32)
    place[order] = np.arange(len(values), dtype=np.int32)
    codes = np.concatenate([chunk.indices.to_numpy() for chunk in column.chunks])
    return [values[at] for at in order], place[codes]


def _labels(batch: pa.Table, verdicts: dict[tuple[str, str], int]) -> NDArray[np.int8]:
    if not verdicts:
        return np.full(batch.num_rows, -1, np.int8)
    keys = zip(batch.column("garment").to_pylist(), batch.column("region").to_pylist(), strict=True)
    return np.array([verdicts.get(key, -1) for key in keys], np.int8)


def _provenance(workspace: Workspace, setup: Setup) -> str:
    models = setup.models
    weights = score_weights(workspace, setup)
    content = {
        "detector": models.detector.key,
        "encoder": models.encoder.key,
        "describer": models.describer.key,
        "match": Match(setup).recipe,
        "weights": {
            "s_vlm": weights.vlm,
            "s_visual": weights.visual,
            "s_detail": weights.detail,
        },
        "probability": "calibrated" if calibration(workspace, setup.config) else "uncalibrated",
    }
    return json.dumps(content, sort_keys=True)
