"""Model cards: what a model is, as data, and how a name becomes a model.

To add a model: write its class against `protocols`, append a card to a list that `CARDS`
gathers. To add an ensemble: a line in `PRESETS`.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from lookweave.config import Config
from lookweave.errors import ConfigError, ModelError, UnknownModel
from lookweave.records import fingerprint

Task = Literal["detector", "encoder", "describer"]
TASKS: tuple[Task, ...] = ("detector", "encoder", "describer")


@dataclass(frozen=True)
class Card:
    """One model.

    Attributes:
        name: how a person asks for it.
        task: what it does.
        factory: ``module:Class``; called as ``Class(card, models_dir)``.
        licence: SPDX name of the weights' licence; `commercial` says whether it allows trade.
        source: where the weights come from: ``package``, ``hub:OWNER/NAME``, ``server``, a path.
        weights: file in this package, or None.
        size_mb: download or file size.
        input_size: height, width in pixels, or None for any.
        dimension: of an encoder's vectors.
        text: an encoder that can also encode text.
        version: raise it when the same weights give other rows (it is part of the key).
        settings: passed on to the class.
        good_for: one line for `lookweave models`.
    """

    name: str
    task: Task
    factory: str
    licence: str
    source: str
    good_for: str
    commercial: bool = True
    weights: Path | None = None
    weights_sha256: str = ""
    size_mb: float = 0.0
    input_size: tuple[int, int] | None = None
    dimension: int | None = None
    text: bool = False
    version: int = 1
    needs: tuple[str, ...] = ()
    settings: MappingProxyType[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def key(self) -> str:
        """Name and fingerprint: the part of a row's key that says which model made it."""
        made_of = fingerprint(
            self.factory, self.source, self.weights_sha256, self.version, sorted(self.settings.items())
        )
        return f"{self.name}-{made_of[:8]}"

    def missing(self, models_dir: Path | None = None) -> str | None:
        """Why the model cannot be loaded here, as a sentence; None when it is ready."""
        for module in self.needs:
            if importlib.util.find_spec(module) is None:
                return f"the Python package {module} is not installed"
        if self.weights is not None and not self.weights.exists():
            return f"its weights {self.weights.name} are missing"
        return None

    def load(self, models_dir: Path | None = None) -> Any:
        """The model itself.

        Raises:
            ModelError: it is not ready here.
        """
        if reason := self.missing(models_dir):
            raise ModelError(f"The model {self.name} cannot be loaded: {reason}.")
        module, _, name = self.factory.partition(":")
        return getattr(importlib.import_module(module), name)(self, models_dir)


@dataclass(frozen=True)
class Ensemble:
    """The models of one build."""

    detector: Card
    encoder: Card
    describer: Card

    @property
    def key(self) -> str:
        return fingerprint(self.detector.key, self.encoder.key, self.describer.key)

    def cards(self) -> tuple[Card, ...]:
        return tuple(getattr(self, part.name) for part in fields(self))


def all_cards() -> dict[str, Card]:
    """Every card by name."""
    from lookweave.models.embedded.cards import CARDS as embedded

    return {card.name: card for card in (*embedded,)}


PRESETS: dict[str, str] = {
    "embedded": "lookweave-segmenter+lookweave-encoder+lookweave-describer",
}


def resolve(spec: str, *, accept_non_commercial: bool = False) -> Ensemble:
    """Turn ``PRESET`` or ``NAME+NAME+…`` into an ensemble.

    A task that no name covers is done by the embedded model.

    Raises:
        UnknownModel: a name is neither a card nor a preset.
        ConfigError: two models for one task, or a licence that was not accepted.
    """
    cards = all_cards()
    chosen: dict[str, Card] = {}
    for name in PRESETS.get(spec, spec).split("+"):
        card = cards.get(name.strip())
        if card is None:
            known = ", ".join([*PRESETS, *sorted(cards)])
            raise UnknownModel(f"There is no model or preset {name.strip()!r}. Known: {known}.")
        if card.task in chosen:
            raise ConfigError(
                f"models: {chosen[card.task].name} and {card.name} both are a {card.task}: name one."
            )
        if not card.commercial and not accept_non_commercial:
            raise ConfigError(
                f"models: the weights of {card.name} are under {card.licence}, which forbids "
                "commercial use. Say --accept-non-commercial if yours is not."
            )
        chosen[card.task] = card
    for name in PRESETS["embedded"].split("+"):
        chosen.setdefault(cards[name].task, cards[name])
    return Ensemble(**chosen)


def chosen(config: Config) -> Ensemble:
    """The ensemble that the settings name."""
    return resolve(config.models, accept_non_commercial=config.accept_non_commercial)


def with_settings(card: Card, **settings: Any) -> Card:
    """The same model with other settings, and so with another key."""
    return replace(card, settings=MappingProxyType({**card.settings, **settings}))
