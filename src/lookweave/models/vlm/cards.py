"""The cards of the describers in this folder."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from lookweave.config import Vlm
from lookweave.models.card import Card
from lookweave.models.vlm import prompt
from lookweave.models.vlm.zero_shot import TEMPLATES
from lookweave.taxonomy import VERSION as TAXONOMY_VERSION

SHAPING = (
    "model", "prompt", "response_format", "image_side", "margin", "scenes", "temperature",
    "max_tokens", "extra",
)  # fmt: skip
"""Settings that change what a row says, and so are part of its key."""

CARDS: tuple[Card, ...] = (
    Card(
        name="vlm",
        task="describer",
        factory="lookweave.models.vlm.describer:VlmDescriber",
        licence="of the served model",
        source="server",
        good_for="category, attributes, caption and scene from any OpenAI-compatible server",
        captions=True,
        must_set=("url", "model"),
    ),
    Card(
        name="vlm-local",
        task="describer",
        factory="lookweave.models.vlm.local:LocalVlmDescriber",
        licence="of the chosen model",
        source="vlm.model",
        good_for="the same in this process, from a transformers vision-language model",
        captions=True,
        needs=("torch", "transformers"),
        must_set=("model",),
    ),
)


def configured(card: Card, settings: Vlm) -> Card:
    """The card with a workspace's settings; a card of another folder as it is.

    Address, speed, prices and ceilings travel in `running` and leave the key alone: a build that
    moves to another server with the same model, or goes faster, goes on with its rows.

    Raises:
        ConfigError: the prompts that `settings` names are not there.
    """
    if card not in CARDS:
        return card
    shaping = {name: getattr(settings, name) for name in SHAPING}
    shaping["prompt"] = prompt.load(settings.prompt).version
    shaping["taxonomy"] = TAXONOMY_VERSION
    return replace(
        card,
        settings=MappingProxyType(shaping),
        running=MappingProxyType(settings.model_dump()),
    )


def zero_shot(encoder: Card) -> Card:
    """A describer made of an image-text encoder: its card, from the encoder's own.

    Args:
        encoder: the card of a model that encodes images and text into one space.
    """
    return replace(
        encoder,
        name=f"{encoder.name}-zero-shot",
        made_of=encoder,
        task="describer",
        factory="lookweave.models.vlm.zero_shot:ZeroShotDescriber",
        good_for=f"attributes by comparing {encoder.name}'s vectors with the taxonomy's words",
        settings=MappingProxyType(
            {"encoder": encoder.name, "encoder_key": encoder.key, "templates": TEMPLATES}
        ),
    )
