"""Link: what people link and no match has becomes a match, so that it can become a pair."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from lookweave.matching.fuse import describe_vectors
from lookweave.matching.probability import rule_of_thumb
from lookweave.pipeline.step import NOTHING, Plan, Step, Worker, outcome
from lookweave.pipeline.steps.embed import embeddings
from lookweave.pipeline.steps.match import RANKED, Match, calibration, score_weights
from lookweave.pipeline.steps.match.partition import ATTRIBUTE_WEIGHTS
from lookweave.pipeline.steps.match.rows import WIDTHS
from lookweave.records import MATCH, fingerprint, region_id
from lookweave.store.conditions import Condition, column, matching
from lookweave.store.reviews import standings
from lookweave.store.takedowns import hidden
from lookweave.store.workspace import Workspace


class Linking(Worker):
    """Garments and regions -> matches."""

    def __call__(self, batch: pa.Table) -> pa.Table:
        """`batch`: columns garment and region."""
        match, models = Match(self.setup), self.setup.models
        pairs = batch.to_pylist()
        cut_out = {
            row["garment"]: region_id(row["garment"], models.detector.key, 0, "garment")
            for row in pairs
        }
        subjects = sorted({*cut_out.values(), *(row["region"] for row in pairs)})
        table = embeddings(self.workspace, self.setup)
        vector = _by_subject(table.rows_by("subject", subjects, ["subject", "vector"]), "vector")
        described = self.workspace.table("descriptions").rows_by(
            "subject", subjects, ["subject", "attributes"], matching(model=models.describer.key)
        )
        attributes = _by_subject(described, "attributes")
        weights, known = score_weights(self.workspace, self.setup), calibration(
            self.workspace, self.setup.config
        )  # fmt: skip
        rows: list[dict[str, object]] = []
        for row in pairs:
            garment, region = cut_out[row["garment"]], row["region"]
            if garment not in vector or region not in vector:
                continue  # a garment of which the encoder saw nothing cannot be compared
            s_visual = float(vector[garment] @ vector[region])
            s_vlm = _agreement(attributes.get(garment), attributes.get(region))
            score = np.float32(
                (weights.vlm * s_vlm + weights.visual * s_visual) / (weights.vlm + weights.visual)
            )
            rival = self._rival(row["garment"], region.partition(":")[0])
            scores, margins = np.array([score]), np.array([score - rival], np.float32)
            likely = known.probability(scores, margins) if known else rule_of_thumb(scores, margins)
            rows.append(
                {
                    "garment": row["garment"], "region": region, "look": region.partition(":")[0],
                    "recipe": match.recipe, "s_vlm": s_vlm, "s_visual": s_visual,
                    "score": float(score), "mutual": False, "probability": float(likely[0]),
                    "calibrated": known is not None,
                }
            )  # fmt: skip
        return outcome(MATCH, rows, [])

    def _rival(self, garment: str, look: str) -> float:
        """The garment's best score in another look; 0 where there is none."""
        others = matching(garment=garment) & column("look").differs(look) & RANKED
        found = self.workspace.table("matches").read(["score"], Match(self.setup).rows & others)
        scores: list[float] = found.column("score").to_pylist()
        return max(scores, default=0.0)


class Link(Step):
    """Adds to the matches what people said is the same and the join did not find.

    Their score is S without its part by part comparison and without the hubness correction; they
    have no ranks. What people refuse, or what the join has, is left to it.
    """

    name = "link"
    unit = "links"
    over_everything = True
    worker: ClassVar[type[Worker]] = Linking
    spec = MATCH

    @cached_property
    def recipe(self) -> str:
        """That of the matches which it adds to."""
        return Match(self.setup).recipe

    @property
    def rows(self) -> Condition:
        return Match(self.setup).rows & ~RANKED

    def plan(self, workspace: Workspace) -> Plan:
        """All links that the join has not found, or nothing while there are the same."""
        setup = self.setup
        mine = f":{setup.models.detector.key}:"
        gone = {*hidden(workspace, "garment"), *hidden(workspace, "look")}
        said = {
            (garment, region)
            for (garment, region), one in standings(workspace).items()
            if one.same and mine in region and not gone & {garment, region.partition(":")[0]}
        }
        matches = workspace.table("matches")
        found = matches.rows_by(
            "garment", sorted({garment for garment, _ in said}), ["garment", "region"],
            Match(setup).rows & RANKED,
        )  # fmt: skip
        said -= {(row["garment"], row["region"]) for row in found.to_pylist()}
        if not said and not matches.count(self.rows):
            return NOTHING
        learned = calibration(workspace, setup.config)
        tables = (embeddings(workspace, setup), workspace.table("descriptions"))
        inputs = fingerprint(
            sorted(said), *(one.version for one in tables), learned.to_json() if learned else ""
        )
        if self.is_current(workspace, inputs):
            return NOTHING
        columns = {name: [pair[at] for pair in sorted(said)] for at, name in enumerate(_KEY)}
        return Plan(len(said), [pa.table(columns, _PAIRS)] if said else (), inputs)


_KEY = ("garment", "region")
_PAIRS = pa.schema([(name, pa.string()) for name in _KEY])


def _by_subject(rows: pa.Table, name: str) -> dict[str, Any]:
    return {row["subject"]: np.array(row[name], np.float32) for row in rows.to_pylist()}


def _agreement(garment: Any, region: Any) -> float:
    """S_VLM of two descriptions without captions, 0..1; 0 where one is missing."""
    if garment is None or region is None:
        return 0.0
    weights = list(ATTRIBUTE_WEIGHTS.values())
    one = describe_vectors(garment[None], WIDTHS, weights, "garment")
    other = describe_vectors(region[None], WIDTHS, weights, "region")
    return float((one * other).sum())
