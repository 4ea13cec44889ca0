"""Tier: matches -> pairs of the data set."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import pyarrow as pa

from lookweave.matching.splits import NAMES
from lookweave.pipeline.setup import Setup
from lookweave.pipeline.step import NOTHING, Plan, Step, Worker, outcome
from lookweave.pipeline.steps.choosing import TIERS as TIERS
from lookweave.pipeline.steps.choosing import Chosen, choose
from lookweave.pipeline.steps.match import Match, calibration, score_weights
from lookweave.pipeline.steps.pool import Pool
from lookweave.records import PAIR, fingerprint
from lookweave.store import audits
from lookweave.store.reviews import standings
from lookweave.store.workspace import Workspace, write_atomically

VERSION = 2
_BATCH = 8192


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
    probability instead, as long as a random sample bears its precision out (`select.cut`).
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
        """All chosen pairs, or nothing while matches, groups, reviews and the sample that tiers
        are cut by are unchanged."""
        tables = [workspace.table(name) for name in ("matches", "groups", "reviews")]
        sample = None
        if self.setup.config.tier.target_precision:
            sample = audits.newest(workspace, audits.CANDIDATES)
        inputs = fingerprint(*(table.version for table in tables), audits.version(sample))
        if self.is_current(workspace, inputs):
            return NOTHING
        pool = Pool.read(workspace, self.setup)
        chosen = choose(workspace, self.setup, pool)
        _write_measured(workspace, self.setup, int((pool.label != 0).sum()), chosen)
        inside = chosen.split >= 0
        pairs = pa.table(
            {
                "position": pool.position[chosen.at[inside]],
                "tier": chosen.tier[inside],
                "split": chosen.split[inside],
                "group": list(itertools.compress(chosen.group, inside.tolist())),
            }
        )
        return Plan(pairs.num_rows, _batches(pairs), inputs)


def measured_path(workspace: Workspace, recipe: str) -> Path:
    """A JSON file about the last run: candidates, pairs of each tier and split, what is short."""
    return workspace.path / "measured" / f"tier-{recipe}.json"


def _write_measured(workspace: Workspace, setup: Setup, candidates: int, chosen: Chosen) -> None:
    inside = chosen.split >= 0
    content = {
        "candidates": candidates,
        "tiers": {name: int((chosen.tier[inside] == at).sum()) for at, name in enumerate(TIERS)},
        "splits": {name: int((chosen.split == at).sum()) for at, name in enumerate(NAMES)},
        "left_out_between_splits": int((~inside).sum()),
        "left_out": {
            name: int((chosen.tier[~inside] == at).sum()) for at, name in enumerate(TIERS)
        },
        "short": list(chosen.notes),
        "cuts": list(chosen.cuts),
    }
    path = measured_path(workspace, Tier(setup).recipe)
    write_atomically(path, json.dumps(content, indent=1).encode())


def _batches(pairs: pa.Table) -> Iterator[pa.Table]:
    for start in range(0, pairs.num_rows, _BATCH):
        yield pairs.slice(start, _BATCH)


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
