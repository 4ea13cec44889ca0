"""Which rows a report is about: the settings, models and recipes of the workspace.

A workspace keeps the rows of every model and recipe beside each other. A report shows one set
of them: what the settings ask for, or what the last build made where the settings ask for
something that was never built.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lookweave.config import Config
from lookweave.errors import LookweaveError
from lookweave.models.card import Card
from lookweave.models.cards import card_of, models_of
from lookweave.store.conditions import Condition, column, matching
from lookweave.store.tables import Table
from lookweave.store.workspace import Workspace


@dataclass(frozen=True)
class Model:
    """One model whose rows are here.

    Attributes:
        key: as in the rows; `card` is None when this version of Lookweave has no such card.
        rows: how many rows it made.
        used: whether the rows that this report shows were made with it.
    """

    key: str
    task: str
    rows: int
    used: bool
    card: Card | None

    @property
    def name(self) -> str:
        """How a person asks for it."""
        return self.card.name if self.card else self.key


@dataclass(frozen=True)
class Scope:
    """The settings and recipes that the shown rows were made with; None where there are none."""

    config: Config
    detector: str | None
    describer: str | None
    encoder: str | None
    match: str | None
    tier: str | None

    @property
    def regions(self) -> Condition:
        """The regions of looks."""
        return self._found_in("look")

    @property
    def cutouts(self) -> Condition:
        """The cut-outs of garment photos."""
        return self._found_in("garment")

    @property
    def described(self) -> Condition:
        """The descriptions."""
        return column("model").equals(self.describer or "")

    @property
    def reject_recipes(self) -> dict[str, str | None]:
        """Step -> the recipe whose rejects belong to these rows."""
        return {"detect": self.detector, "describe": self.describer, "embed": self.encoder}

    @property
    def matches(self) -> Condition:
        """The matches."""
        return column("recipe").equals(self.match or "")

    @property
    def pairs(self) -> Condition:
        """The pairs."""
        return column("recipe").equals(self.tier or "")

    def _found_in(self, kind: str) -> Condition:
        of_kind = matching(kind=kind)
        return of_kind & matching(detector=self.detector) if self.detector else of_kind


def scope_of(workspace: Workspace, config: Config) -> Scope:
    """Find out what the newest rows of `workspace` were made with."""
    keys: dict[str, str] = {}
    with suppress(LookweaveError):  # the models that made these rows may be gone: they still tell
        keys = {card.task: card.key for card in models_of(config).cards()}
    regions, descriptions = workspace.table("regions"), workspace.table("descriptions")
    encoders = workspace.encoders()
    encoder = keys.get("encoder")
    return Scope(
        config=config,
        detector=_with_rows(regions, "detector", [keys.get("detector")]),
        describer=_with_rows(descriptions, "model", [keys.get("describer")]),
        encoder=encoder if encoder in encoders else next(iter(encoders), None),
        match=_with_rows(
            workspace.table("matches"), "recipe", _recipes(workspace, config, "match")
        ),
        tier=_with_rows(workspace.table("pairs"), "recipe", _recipes(workspace, config, "tier")),
    )


def models_in(workspace: Workspace, scope: Scope) -> list[Model]:
    """Every model that made rows here, those in use first."""
    found: list[Model] = []
    for task, table, name, used in (
        ("detector", "regions", "detector", scope.detector),
        ("describer", "descriptions", "model", scope.describer),
    ):
        rows = workspace.table(table)
        for key in distinct(rows, name):
            count = rows.count(column(name).equals(key))
            found.append(Model(key, task, count, key == used, card_of(key)))
    for key in workspace.encoders():
        count = encoder_rows(workspace, key)
        found.append(Model(key, "encoder", count, key == scope.encoder, card_of(key)))
    return sorted(found, key=lambda model: (not model.used, model.task, model.key))


def encoder_rows(workspace: Workspace, encoder: str, where: Condition | None = None) -> int:
    """How many vectors an encoder has made."""
    import lance

    path = workspace.path / "embeddings" / f"{encoder}.lance"
    if not (path / "_versions").exists():
        return 0
    width = lance.dataset(str(path)).schema.field("vector").type.list_size
    return workspace.embeddings(encoder, width).count(where)


def distinct(table: Table, name: str, where: Condition | None = None) -> list[str]:
    """The values of a column with few of them, sorted, without a Python object for each row."""
    found = pa.array([], pa.string())
    for batch in table.scan([name], where, rows=1 << 16):
        new = pc.unique(batch.column(name)).cast(pa.string())
        found = pc.unique(pa.concat_arrays([found, new]))
    return sorted(value for value in found.to_pylist() if value is not None)


def _runs(workspace: Workspace) -> list[dict[str, Any]]:
    rows = workspace.table("runs").read(["step", "recipe", "started"])
    return list(rows.sort_by([("started", "descending")]).to_pylist())


def _recipes(workspace: Workspace, config: Config, step: str) -> list[str | None]:
    """Recipes that the settings, then the last builds, made rows of `step` with."""
    recipes: list[str | None] = []
    try:
        from lookweave.pipeline.run import steps
        from lookweave.pipeline.setup import Setup

        recipes += [each.recipe for each in steps(Setup.of(config)) if each.name == step]
    except LookweaveError:
        pass  # a model that is not known here any more
    return recipes + [run["recipe"] for run in _runs(workspace) if run["step"] == step]


def _with_rows(table: Table, name: str, wanted: Iterable[str | None]) -> str | None:
    """The first of `wanted` that has rows, or else any value that has."""
    for value in dict.fromkeys(wanted):
        if value and table.count(column(name).equals(value)):
            return value
    return next(iter(distinct(table, name)), None) if table.count() else None
