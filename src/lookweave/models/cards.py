"""Every model by name, and how a name becomes an ensemble.

To add a model: write its class against `protocols`, append a card to a list that `all_cards`
gathers. To add an ensemble: a line in `PRESETS`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from lookweave.config import Config
from lookweave.errors import ConfigError, UnknownModel
from lookweave.models.card import Card, with_running
from lookweave.models.embedded.cards import CARDS as EMBEDDED
from lookweave.models.hub.cards import CARDS as HUB
from lookweave.models.hub.cards import card_for_path, is_path
from lookweave.models.vlm.cards import CARDS as VLM
from lookweave.models.vlm.cards import configured, zero_shot
from lookweave.records import fingerprint


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
        return (self.detector, self.encoder, self.describer)


def all_cards() -> dict[str, Card]:
    """Every card by name."""
    describers = [zero_shot(card) for card in HUB if card.text]
    return {card.name: card for card in (*EMBEDDED, *HUB, *VLM, *describers)}


def card_named(name: str) -> Card:
    """The card of this name.

    Raises:
        UnknownModel: there is none.
    """
    card = all_cards().get(name)
    if card is None:
        raise UnknownModel(f"There is no model {name!r}; `lookweave models` lists them.")
    return card


PRESETS: dict[str, str] = {
    "embedded": "lookweave-segmenter+lookweave-encoder+lookweave-describer",
    "fast": "yolos-fashionpedia+fashion-clip+fashion-clip-zero-shot",
    "best": "yolos-fashionpedia+fashion-siglip+vlm",
    "paper": "yolos-fashionpedia+siglip-so400m+vlm",
}


def resolve(spec: str, *, accept_non_commercial: bool = False) -> Ensemble:
    """Turn ``PRESET`` or ``NAME+NAME+…`` into an ensemble.

    A name with a slash in it, or one that ends in ``.onnx``, is a local model folder or file.
    A task that no name covers is done by the embedded model.

    Raises:
        UnknownModel: a name is neither a card nor a preset nor a path.
        ModelError: a path leads to nothing that can be loaded.
        ConfigError: two models for one task, or a licence that was not accepted.
    """
    cards = all_cards()
    chosen: dict[str, Card] = {}
    for name in PRESETS.get(spec, spec).split("+"):
        card = cards.get(name.strip())
        if card is None and is_path(name.strip()):
            card = card_for_path(name.strip())
        if card is None:
            known = ", ".join([*PRESETS, *sorted(cards)])
            raise UnknownModel(f"There is no model or preset {name.strip()!r}. Known: {known}.")
        if card.task in chosen:
            raise ConfigError(
                f"models: {chosen[card.task].name} and {card.name} both are a {card.task}: "
                "name one."
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
    ensemble = resolve(config.models, accept_non_commercial=config.accept_non_commercial)
    detector, encoder = (
        with_running(card, **config.hub.model_dump()) if card.elsewhere else card
        for card in (ensemble.detector, ensemble.encoder)
    )
    describer = configured(ensemble.describer, config.vlm)
    if describer.made_of is not None:  # a describer made of an encoder runs as the encoder does
        describer = replace(
            describer, made_of=with_running(describer.made_of, **config.hub.model_dump())
        )
    return replace(ensemble, detector=detector, encoder=encoder, describer=describer)
