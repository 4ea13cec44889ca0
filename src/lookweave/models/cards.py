"""Every model by name, and the models of a build.

To add a model to Lookweave itself: write its class against `protocols`, append a card to a list
that `all_cards` gathers. To add one from outside: `registry`. To add a preset: a line in `PRESETS`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from lookweave.config import Config
from lookweave.errors import ConfigError, UnknownModel
from lookweave.models import registry
from lookweave.models.card import Card, with_running
from lookweave.models.embedded.cards import CARDS as EMBEDDED
from lookweave.models.hub.cards import CARDS as HUB
from lookweave.models.hub.cards import card_for_path, is_path
from lookweave.models.hub.fetch import fetch_and_pin, pin, repository_of
from lookweave.models.hub.files import whole_fingerprint
from lookweave.models.vlm.cards import CARDS as VLM
from lookweave.models.vlm.cards import configure, zero_shot
from lookweave.records import fingerprint

PRESETS: dict[str, str] = {
    "embedded": "lookweave-segmenter+lookweave-encoder+lookweave-describer",
    "fast": "yolos-fashionpedia+fashion-clip+fashion-clip-zero-shot",
    "best": "yolos-fashionpedia+fashion-siglip+vlm",
    "paper": "yolos-fashionpedia+siglip-so400m+vlm",
}


@dataclass(frozen=True)
class Models:
    """The models of one build. Plain data: it can be handed to another process."""

    detector: Card
    encoder: Card
    describer: Card

    @property
    def key(self) -> str:
        """A fingerprint of the three keys."""
        return fingerprint(self.detector.key, self.encoder.key, self.describer.key)

    def cards(self) -> tuple[Card, ...]:
        """Detector, encoder and describer."""
        return (self.detector, self.encoder, self.describer)

    @property
    def commits(self) -> dict[str, str]:
        """Repository on the hub -> the commit that its weights are at, where it is known."""
        used = [one for card in self.cards() for one in (card, card.made_of) if one is not None]
        return {repository_of(one): one.commit for one in used if one.on_hub and one.commit}


def all_cards() -> dict[str, Card]:
    """Every card by name.

    Raises:
        ConfigError: two models have one name.
    """
    further = [*registry.offered_models(), *registry.registered_models()]
    own, theirs = ([zero_shot(card) for card in some if card.text] for some in (HUB, further))
    cards: dict[str, Card] = {}
    for card in (*EMBEDDED, *HUB, *VLM, *own, *further, *theirs):
        if card.name in cards or card.name in PRESETS:
            raise ConfigError(
                f"Two models are called {card.name!r}: one of {_owner(cards.get(card.name))} and "
                f"one of {_owner(card)}. Give one of them another name."
            )
        cards[card.name] = card
    return cards


def _owner(card: Card | None) -> str:
    if card is None or not (card.offered_by or card.loader):
        return "Lookweave's own"
    return f"the package {card.offered_by}" if card.offered_by else "this process"


def cards_here(models_dir: Path | None = None) -> list[Card]:
    """Every card; a hub's with the commit of its weights where they are here."""
    return [
        pin(card, models_dir) if card.on_hub else _with_content(card)
        for card in all_cards().values()
    ]


def card_named(name: str) -> Card:
    """The card of this name.

    Raises:
        UnknownModel: there is none.
    """
    card = all_cards().get(name)
    if card is None:
        raise UnknownModel(
            f"There is no model {name!r}; `lookweave models` lists them.{_unreadable()}"
        )
    return card


def card_of(key: str) -> Card | None:
    """The card of the model that made rows of this key; None when it is not known here, or in
    another version.

    A hub's model is known at any commit, a server's with any settings: their cards say the same.
    """
    card = all_cards().get(key.rpartition("-")[0])
    if card is None or card.on_hub or card in VLM:
        return card
    return card if _with_content(card).key == key else None


def _unreadable() -> str:
    """A sentence on installed packages whose models cannot be read; "" where there are none."""
    return "".join(
        f" The models of the package {package} cannot be read ({reason})."
        for package, reason in registry.unreadable_packages().items()
    )


def resolve(spec: str, *, accept_non_commercial: bool = False) -> Models:
    """The cards that ``PRESET`` or ``NAME+NAME+…`` names, before any settings.

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
            raise UnknownModel(
                f"There is no model or preset {name.strip()!r}. Known: {known}.{_unreadable()}"
            )
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
    return Models(**chosen)


def models_of(config: Config) -> Models:
    """The models that the settings name, each with its settings and with what its weights hold.

    Reads files and fetches nothing. To be called once for a build and handed on: the weights of a
    path or of a hub's cache may be others a moment later.

    Raises:
        UnknownModel, ModelError, ConfigError: see `resolve`.
    """
    models = resolve(config.models, accept_non_commercial=config.accept_non_commercial)
    detector, encoder, describer = (_with_settings(card, config) for card in models.cards())
    return Models(detector, encoder, describer)


def fetch_models(config: Config) -> Models:
    """As `models_of`, after fetching from the hub what is not here.

    Raises:
        HubUnreachable: weights are neither here nor to be had.
        UnknownModel, ModelError, ConfigError: see `resolve`.
    """
    for card in models_of(config).cards():
        for one in (card.made_of, card):
            if one is not None and one.on_hub:
                fetch_and_pin(one, config.models_dir)
    return models_of(config)


def _with_settings(card: Card, config: Config) -> Card:
    """The card with the settings of a workspace and with what its weights hold."""
    if card in VLM:
        card = configure(card, config.vlm, config.models_dir)
    elif card.elsewhere:
        card = with_running(card, **config.hub.model_dump(exclude={"commits"}))
    if card.made_of is not None:
        card = replace(card, made_of=_with_settings(card.made_of, config))
    if card.on_hub:
        return pin(card, config.models_dir, config.hub.commits.get(repository_of(card), ""))
    return _with_content(card)


def _with_content(card: Card) -> Card:
    """The card of a registered model with the fingerprint of its weights."""
    weights: Path | None = card.weights
    if weights is None or card.weights_sha256 or not weights.exists():
        return card
    return replace(card, weights_sha256=whole_fingerprint(weights))
