"""The cards of the describers in this folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from lookweave.config import Vlm
from lookweave.models.card import Card
from lookweave.models.hub.files import whole_fingerprint
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


def configure(card: Card, settings: Vlm, models_dir: Path | None = None) -> Card:
    """The card with a workspace's settings; a card of another folder as it is.

    For ``vlm-local`` the key follows what the files of a model's folder hold, or the commit of a
    model on the hub; of a served model only its name is known.

    Address, speed, prices and ceilings travel in `running` and leave the key alone: a build that
    moves to another server with the same model, or goes faster, goes on with its rows.

    Raises:
        ConfigError: the prompts that `settings` names are not there.
        ModelError: a file of a local model cannot be read.
    """
    if card not in CARDS:
        return card
    shaping = {name: getattr(settings, name) for name in SHAPING}
    shaping["prompt"] = prompt.load(settings.prompt).version
    shaping["taxonomy"] = TAXONOMY_VERSION
    card = replace(card, settings=shaping, running=settings.model_dump())
    if card.name != "vlm-local" or not settings.model:
        return card
    if (folder := _folder(settings.model, models_dir)) is None:
        return replace(card, source=f"hub:{settings.model}")
    del shaping["model"]  # it may lie anywhere
    return replace(
        card, source="path", weights=folder, weights_sha256=whole_fingerprint(folder)
    )  # fmt: skip


def _folder(model: str, models_dir: Path | None) -> Path | None:
    """The folder that `vlm.model` names, itself or inside the models folder; None for a name on
    the hub."""
    places = [Path(model).expanduser(), *([models_dir / model] if models_dir else [])]
    return next((place for place in places if place.is_dir()), None)


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
        settings={"templates": TEMPLATES},
        loader=None,
    )
