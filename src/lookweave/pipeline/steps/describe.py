"""describe: category and attributes of every region, in one taxonomy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from lookweave.config import Config
from lookweave.errors import Rejected
from lookweave.models import colour
from lookweave.models.cards import chosen
from lookweave.models.protocols import Crop, Describer, Description
from lookweave.pipeline.steps.base import Step, Todo, outcome, reject_row
from lookweave.pipeline.steps.subjects import PhotoReader, Seen, batches, rejected, unseen
from lookweave.records import ATTRIBUTE_WIDTH, DESCRIPTION, Noun
from lookweave.store.tables import quoted
from lookweave.store.workspace import Workspace
from lookweave.taxonomy import ATTRIBUTES


class Describe(Step):
    """Regions -> descriptions."""

    name = "describe"
    unit = "regions"

    def __init__(self, workspace: Path, config: Config) -> None:
        super().__init__(workspace, config)
        card = chosen(config).describer
        self._key = card.key
        self._describer: Describer = card.load(config.models_dir)
        self._reader = PhotoReader(self.workspace)

    def __call__(self, batch: pa.Table) -> pa.Table:
        crops = self._reader.crops(batch)
        usable = [crop for crop in crops if isinstance(crop, Crop)]
        answers = iter(self._describer.describe(usable))
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

    @classmethod
    def recipe(cls, config: Config) -> str:
        return chosen(config).describer.key

    @classmethod
    def noun(cls, config: Config) -> Noun:
        return DESCRIPTION

    @classmethod
    def todo(cls, workspace: Workspace, config: Config) -> Todo:
        recipe = cls.recipe(config)
        seen = [
            Seen(workspace.table("descriptions"), "subject", f"model = {quoted(recipe)}"),
            rejected(workspace, cls.name, recipe),
        ]
        return regions_left(workspace, config, seen)


_SINGLE = ("pattern", "material", "sleeve", "length", "neckline")


def regions_left(workspace: Workspace, config: Config, seen: list[Seen]) -> Todo:
    """The chosen detector's regions that a step has not seen, one photo's next to each other."""
    detector = chosen(config).detector.key
    regions = workspace.table("regions")
    left = unseen(regions, f"detector = {quoted(detector)}", seen)
    columns = ["id", "subject", "kind", "box", "mask", "label_scores"]
    return Todo(
        len(left), batches(regions, left, 4 * config.run.batch_rows, config.run.workers, columns)
    )


def attribute_vector(said: Description) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """The description as float32 (records.ATTRIBUTE_WIDTH,): one distribution per attribute in
    the order of the taxonomy, all zero where the model does not say."""
    vector = np.zeros(ATTRIBUTE_WIDTH, np.float32)
    start = 0
    for attribute, values in ATTRIBUTES.items():
        spoken = said.attributes.get(attribute, {})
        block = np.array([spoken.get(value, 0.0) for value in values], np.float32)
        if block.sum() > 0:
            vector[start : start + len(values)] = block / block.sum()
        start += len(values)
    return vector


def _best(values: dict[str, float]) -> str:
    return max(values, key=lambda value: (values[value], value))


def _colours(shares: dict[str, float]) -> list[str]:
    """The colours that `colour.spoken` names, largest first."""
    order = sorted(shares, key=lambda name: (-shares[name], name))
    spoken = [name for name in order if shares[name] >= colour.SPOKEN_SHARE]
    return (spoken or order[:1])[: colour.MOST_SPOKEN]
