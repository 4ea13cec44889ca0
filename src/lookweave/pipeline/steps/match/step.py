"""Match: garments x regions -> scored matches, both ways."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np
import pyarrow as pa

from lookweave.config import Config
from lookweave.errors import WorkspaceError
from lookweave.matching.evidence import Evidence
from lookweave.matching.fuse import ScoreWeights
from lookweave.matching.probability import Calibration, margins, rule_of_thumb
from lookweave.pipeline.setup import Setup
from lookweave.pipeline.step import NOTHING, Plan, Step, Worker, outcome_schema
from lookweave.pipeline.steps.embed import embeddings
from lookweave.pipeline.steps.group import same_pictures, together
from lookweave.pipeline.steps.match import partition
from lookweave.pipeline.steps.match.matcher import QUERY_ROWS, Matcher, Measured
from lookweave.pipeline.steps.match.rows import present
from lookweave.records import MATCH, fingerprint
from lookweave.store.conditions import Condition, column
from lookweave.store.tables import full_disk
from lookweave.store.takedowns import hidden
from lookweave.store.workspace import Workspace, write_atomically

CALIBRATION = "calibration.json"
"""File in the workspace with what was learned from labels."""

RANKED = column("rank").is_given() | column("reverse_rank").is_given()
"""Matches that the join found; those without a rank come from people (`steps.link`)."""

UNLEARNED = ScoreWeights(0.3, 0.7, 2.0)
"""λ where none is set and none was learned for the models."""

VERSION = 4
"""Raised when the same inputs and settings give other matches than before."""


class Matching(Worker):
    """Garments -> their matches, from the scratch files that `Match.prepare` wrote."""

    def __init__(self, workspace: Workspace, setup: Setup) -> None:
        super().__init__(workspace, setup)
        self._recipe = Match(setup).recipe
        self._calibration = calibration(workspace, setup.config)
        self._matcher = open_matcher(workspace, setup, scratch(workspace))

    def __call__(self, batch: pa.Table) -> pa.Table:
        """`batch`: column `position`, garments of the partition, ascending."""
        found = self._matcher.forward(batch.column("position").to_numpy())
        part = self._matcher.partition
        looks = part.region_looks[found.regions]
        margin = margins(found.garments, looks, found.score)
        known = self._calibration
        probability = (
            known.probability(found.score, margin) if known else rule_of_thumb(found.score, margin)
        )
        schema = outcome_schema(MATCH)
        columns = {
            "garment": _text(part.garment_ids[found.garments]),
            "region": pa.array(part.region_ids(found.regions), pa.string()),
            "look": _text(part.looks[looks]),
            "recipe": pa.repeat(self._recipe, len(looks)),
            "s_vlm": pa.array(found.s_vlm),
            "s_visual": pa.array(found.s_visual),
            "s_detail": pa.array(found.s_detail, mask=np.isnan(found.s_detail)),
            "score": pa.array(found.score),
            "rank": pa.array(found.rank, mask=found.rank == 0),
            "reverse_rank": pa.array(found.reverse_rank, mask=found.reverse_rank == 0),
            "mutual": pa.array((found.rank == 1) & (found.reverse_rank == 1)),
            "probability": pa.array(probability),
            "calibrated": pa.array(np.full(len(looks), known is not None)),
            "reject": pa.nulls(len(looks), schema.field("reject").type),
        }
        return pa.table(columns, schema=schema)


class Match(Step):
    """Scores garments against regions and keeps the best of both directions.

    `prepare` writes the vectors to scratch files, measures hubs and what the category filter
    loses, and finds each region's best garments; the worker then does garments by ranges.
    """

    name = "match"
    unit = "garments"
    over_everything = True
    worker: ClassVar[type[Worker]] = Matching
    spec = MATCH

    @cached_property
    def recipe(self) -> str:
        """Models and settings. What was learned from labels is part of the inputs instead."""
        # How rows are cut into blocks changes nothing; what is learned is part of the inputs.
        settings = self.setup.config.match.model_dump_json(exclude={"block_rows", "calibrated"})
        return fingerprint(
            "match", VERSION, self.setup.models.key, settings, partition.ATTRIBUTE_WEIGHTS,
            self.setup.tokens or "",
            *([self.setup.fusion.key] if self.setup.fusion else []),
        )  # fmt: skip

    @property
    def counted(self) -> Condition:
        return self.rows & RANKED

    def plan(self, workspace: Workspace) -> Plan:
        """All garments, or nothing while what the matches are made of is unchanged."""
        match = self.setup.config.match
        said = match.weight_brand or match.weight_credits
        names = ("regions", "descriptions", *(("garments", "looks") if said else ()))
        tables = [workspace.table(name) for name in names]
        tables.append(embeddings(workspace, self.setup))
        learned = calibration(workspace, self.setup.config)
        inputs = fingerprint(
            *(table.version for table in tables),
            sorted(together(workspace, self.setup, "garment").items()),
            same_pictures(workspace, self.setup),
            *(hidden(workspace, kind) for kind in ("garment", "look")),
            learned.to_json() if learned else "",
        )
        if self.is_current(workspace, inputs):
            return NOTHING
        count = int(present(workspace, self.setup).garment.sum())
        return Plan(count, _ranges(count), inputs)

    def prepare(self, workspace: Workspace) -> None:
        """Write the scratch files that all workers read, and what was measured on the way."""
        measured = make_matcher(workspace, self.setup, scratch(workspace))
        write_atomically(
            measured_path(workspace, self.recipe), json.dumps(asdict(measured)).encode()
        )

    def finish(self, workspace: Workspace) -> None:
        """Compact, and remove the scratch files."""
        super().finish(workspace)
        shutil.rmtree(scratch(workspace), ignore_errors=True)


def scratch(workspace: Workspace, name: str = "match") -> Path:
    """Where the scratch files of a match lie."""
    return workspace.path / "cache" / name


def measured_path(workspace: Workspace, recipe: str) -> Path:
    """A JSON file with the fields of `matcher.Measured`, for the report."""
    return workspace.path / "measured" / f"match-{recipe}.json"


def make_matcher(workspace: Workspace, setup: Setup, folder: Path) -> Measured:
    """Write a partition and prepare the join over it, in both directions."""
    with full_disk(workspace.path):
        partition.write(workspace, setup, folder, same_pictures(workspace, setup))
        matcher = open_matcher(workspace, setup, folder)
        return matcher.prepare(together(workspace, setup, "garment"))


def open_matcher(
    workspace: Workspace,
    setup: Setup,
    folder: Path,
    weights: ScoreWeights | None = None,
    *,
    afresh: bool = False,
) -> Matcher:
    """The join that `make_matcher` prepared.

    Args:
        weights: None for those learned in this workspace, or else those of the settings.
        afresh: S_VLM as the settings want it, whatever was learned in this workspace.
    """
    learned = setup.fusion
    said = evidence(workspace, setup) if not afresh else learned.evidence if learned else None
    return Matcher(folder, setup.config.match, weights or score_weights(workspace, setup), said)


def score_weights(workspace: Workspace, setup: Setup) -> ScoreWeights:
    """λ1, λ2 and λ3: learned from labels in this workspace, or else as set."""
    if learned := calibration(workspace, setup.config):
        return learned.score_weights
    return set_weights(setup)


def set_weights(setup: Setup) -> ScoreWeights:
    """As the settings have them; where they have none, as learned for these models; else
    `UNLEARNED`. λ3 is 0 where nothing is compared part by part."""
    match, learned = setup.config.match, setup.fusion
    given = (match.lambda_vlm, match.lambda_visual, match.lambda_detail)
    if learned is not None and all(one is None for one in given):
        return learned.weights
    weights = ScoreWeights(
        *(known if one is None else one for one, known in zip(given, UNLEARNED, strict=True))
    )
    return weights if setup.tokens is not None else weights._replace(detail=0.0)


def evidence(workspace: Workspace, setup: Setup) -> Evidence | None:
    """What S_VLM is made of: what was learned for these models, or None for the inner product of
    the descriptions, which also counts while weights learned with it do."""
    if setup.fusion is None:
        return None
    learned = calibration(workspace, setup.config)
    return setup.fusion.evidence if learned is None or learned.evidence else None


def calibration(workspace: Workspace, config: Config) -> Calibration | None:
    """What was learned from labels in this workspace, if anything and if it is to be used: what
    was learned on evidence is not where that is switched off.

    Raises:
        WorkspaceError: the file is damaged.
    """
    path = workspace.path / CALIBRATION
    if not config.match.calibrated or not path.exists():
        return None
    try:
        learned = Calibration.from_json(path.read_text(encoding="utf-8"))
        return learned if config.match.evidence or not learned.evidence else None
    except ValueError as error:
        raise WorkspaceError(
            f"{path} is damaged ({error}). Delete it, or run `lookweave calibrate` again."
        ) from error


def _ranges(count: int) -> Iterator[pa.Table]:
    for start in range(0, count, QUERY_ROWS):
        yield pa.table({"position": np.arange(start, min(start + QUERY_ROWS, count))})


def _text(values: np.ndarray[tuple[int], np.dtype[np.bytes_]]) -> pa.Array:
    return pa.array(values.tolist(), pa.binary()).cast(pa.string())
