"""describe: category and attributes of every region, in one taxonomy."""

from __future__ import annotations

from functools import cached_property
from typing import ClassVar

import pyarrow as pa

from lookweave.errors import Rejected
from lookweave.models import colour
from lookweave.models.attributes import attribute_vector
from lookweave.models.checks import check_descriptions
from lookweave.models.protocols import Crop, Describer, Description
from lookweave.pipeline.setup import Setup
from lookweave.pipeline.step import Plan, Step, Worker, outcome, reject_row
from lookweave.pipeline.steps.subjects import PhotoReader, Seen, batches, rejected, unseen
from lookweave.records import DESCRIPTION
from lookweave.store.conditions import matching
from lookweave.store.workspace import Workspace


class Describing(Worker):
    """Regions -> descriptions."""

    def __init__(self, workspace: Workspace, setup: Setup) -> None:
        super().__init__(workspace, setup)
        card = setup.models.describer
        self._card, self._key = card, card.key
        self._describer: Describer = card.load(setup.config.models_dir)
        self._reader = PhotoReader(workspace)

    def __call__(self, batch: pa.Table) -> pa.Table:
        crops = self._reader.crops(batch)
        usable = [crop for crop in crops if isinstance(crop, Crop)]
        said = self._describer.describe(usable)
        answers = iter(check_descriptions(self._card, said, len(usable)))
        rows: list[dict[str, object]] = []
        rejects: list[dict[str, object]] = []
        for region, crop in zip(batch.to_pylist(), crops, strict=True):
            answer = crop if isinstance(crop, Rejected) else next(answers)
            if isinstance(answer, Description):
                rows.append(self._row(region, answer))
            elif isinstance(answer, Rejected):
                rejects.append(
                    reject_row("describe", self._key, region["id"], answer, kind=region["kind"])
                )
            else:
                raise answer  # a fault of ours, not of this region
        return outcome(DESCRIPTION, rows, rejects)

    def _row(self, region: dict[str, str], said: Description) -> dict[str, object]:
        best = {name: _best(values) for name, values in said.attributes.items() if values}
        category = best.get("category")
        return {
            "subject": region["id"],
            "made_of": region["made_of"],
            "model": self._key,
            "kind": region["kind"],
            "category": category,
            "confidence": said.attributes["category"][category] if category else None,
            "colours": _colours(said.attributes.get("colours", {})),
            **{name: best.get(name) for name in _SINGLE},
            "caption": said.caption,
            "scene": said.scene,
            "light": said.light,
            "pose": said.pose,
            "mood": said.mood,
            "attributes": attribute_vector(said).tolist(),
        }


class Describe(Step):
    """Every region once for each describer."""

    name = "describe"
    unit = "regions"
    worker: ClassVar[type[Worker]] = Describing
    spec = DESCRIPTION

    @cached_property
    def recipe(self) -> str:
        return self.setup.models.describer.key

    def plan(self, workspace: Workspace) -> Plan:
        seen = [
            Seen(
                workspace.table("descriptions"), "subject", matching(model=self.recipe), "made_of"
            ),
            rejected(workspace, self.name, self.recipe),
        ]
        return regions_left(workspace, self.setup, seen)


_SINGLE = ("pattern", "material", "sleeve", "length", "neckline")


def regions_left(workspace: Workspace, setup: Setup, seen: list[Seen]) -> Plan:
    """The detector's regions that a step has not seen, one photo's next to each other."""
    regions, run = workspace.table("regions"), setup.config.run
    left = unseen(regions, matching(detector=setup.models.detector.key), seen, ["made_of"])
    columns = ["id", "subject", "kind", "box", "mask", "label_scores", "made_of"]
    return Plan(len(left), batches(regions, left, 4 * run.batch_rows, run.workers, columns))


def _best(values: dict[str, float]) -> str:
    return max(values, key=lambda value: (values[value], value))


def _colours(shares: dict[str, float]) -> list[str]:
    """The colours that `colour.spoken` names, largest first."""
    order = sorted(shares, key=lambda name: (-shares[name], name))
    spoken = [name for name in order if shares[name] >= colour.SPOKEN_SHARE]
    return (spoken or order[:1])[: colour.MOST_SPOKEN]
