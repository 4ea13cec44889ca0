"""The backends that are known here: Lookweave's own, those of packages, and what a script adds.

A package offers its own by an entry point of the group ``lookweave.generators``, whose object is a
`Backend` or a list of them. A backend's loader imports what it needs, so a list costs nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from typing import Any

from lookweave import config
from lookweave.errors import ConfigError, InputError, UnknownModel
from lookweave.studio.shoot import pipelines, served
from lookweave.studio.shoot.generator import (
    COMPOSITE,
    CONTROLS,
    OBEDIENCE,
    Compositor,
    Generator,
    GeneratorCard,
)

GROUP = "lookweave.generators"
EMBEDDED = COMPOSITE.name
DIFFUSERS = "diffusers:"

Loader = Callable[[GeneratorCard, Mapping[str, Any]], Generator]
"""Called with the card and the settings of this call; see `generator`."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]*")


@dataclass(frozen=True)
class Backend:
    """A card, and what makes the generator that it speaks of."""

    card: GeneratorCard
    loader: Loader


_registered: dict[str, Backend] = {}


def register_generator(card: GeneratorCard, loader: Loader, *, replace_it: bool = False) -> None:
    """Make a backend known in this process under its card's name.

    Args:
        card: it says of every control how it obeys, and its licence.
        loader: called as ``loader(card, settings)``; gives an object with ``card`` and
            ``generate(shoot, guide)`` (`generator.Generator`).
        replace_it: take the place of one that was registered under this name before.

    Raises:
        ConfigError: the card lacks something, or another backend has its name.
    """
    if wrong := _faults(card):
        raise ConfigError(f"The backend {card.name!r} cannot be registered: {wrong}.")
    taken = {one.card.name for one in _all()} - (set(_registered) if replace_it else set())
    if card.name in taken:
        raise ConfigError(f"There is a backend {card.name!r} already: give this one another name.")
    _registered[card.name] = Backend(card, loader)


def forget_generator(name: str) -> None:
    """Take back a `register_generator`; nothing where no such backend is registered."""
    _registered.pop(name, None)


def cards() -> list[GeneratorCard]:
    """Every backend that is known here.

    Raises:
        ConfigError: a package offers what is no backend.
    """
    return [one.card for one in _all()]


def generator(name: str, settings: Mapping[str, Any] | None = None) -> Generator:
    """The backend of this name, ready to work.

    Args:
        name: of `cards`, or ``diffusers:`` and a folder with a pipeline or a hub's name of one.
        settings: what the backend lets be set; for the diffusers those of `config.Generate`.
            Variables of the environment (``LOOKWEAVE_GENERATE__STEPS=8``) count too.

    Raises:
        UnknownModel: there is none.
        ConfigError: a setting is unknown or out of range.
        InputError: an extra that it needs is not installed.
        ModelError: it cannot be loaded; the message names the ways out.
    """
    given = dict(settings or {})
    found = next((one for one in _all() if one.card.name == name), None)
    if found is None and name.startswith(DIFFUSERS) and name != DIFFUSERS:
        found = Backend(pipelines.card_at(name.removeprefix(DIFFUSERS)), _diffusers)
    if found is None:
        known = ", ".join(one.card.name for one in _all())
        raise UnknownModel(
            f"There is no backend {name!r}; there are {known}, and diffusers:FOLDER for a pipeline "
            "of yours."
        )
    if missing := found.card.missing():
        raise InputError(f"The backend {name} cannot be used: {missing}. {ways_out(found.card)}")
    return found.loader(found.card, given)


def read_settings(given: Sequence[str]) -> dict[str, Any]:
    """``NAME=VALUE`` of the command line; a value that is JSON counts as such.

    Raises:
        InputError: there is no ``=``.
    """
    found: dict[str, Any] = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals or not name:
            raise InputError(f"--set {one}: write NAME=VALUE, as in --set steps=8.")
        try:
            found[name] = json.loads(value)
        except json.JSONDecodeError:
            found[name] = value
    return found


def ways_out(card: GeneratorCard) -> str:
    """What to do where a backend's model or its packages are not here."""
    return pipelines.ways_out(card)


def _embedded(card: GeneratorCard, settings: Mapping[str, Any]) -> Generator:
    if settings:
        raise ConfigError(f"The backend {card.name} has no settings: {', '.join(settings)}.")
    return Compositor()


def _diffusers(card: GeneratorCard, settings: Mapping[str, Any]) -> Generator:
    from lookweave.studio.shoot.diffusion import DiffusersGenerator

    return DiffusersGenerator(card, config.load(generate=dict(settings)).generate)


def _all() -> list[Backend]:
    own = [Backend(COMPOSITE, _embedded)]
    own += [Backend(card, _diffusers) for card in pipelines.CARDS]
    own.append(Backend(served.CARD, served.loader))
    return [*own, *_offered(), *_registered.values()]


def _offered() -> list[Backend]:
    found: list[Backend] = []
    for entry in sorted(entry_points(group=GROUP), key=lambda one: (one.name, one.value)):
        package = entry.dist.name if entry.dist else entry.module
        value = entry.load()
        given = [value] if isinstance(value, Backend) else value
        if not isinstance(given, list | tuple) or not all(
            isinstance(one, Backend) for one in given
        ):
            raise ConfigError(
                f"The package {package} offers {entry.value} as a backend of photo-shoots (entry "
                f"point {entry.name} of the group {GROUP}), which is neither a Backend nor a list "
                "of them."
            )
        for one in given:
            if wrong := _faults(one.card):
                raise ConfigError(
                    f"The package {package} offers the backend {one.card.name!r}, which cannot be "
                    f"used: {wrong}."
                )
            found.append(replace(one, card=replace(one.card, offered_by=package)))
    return found


def _faults(card: GeneratorCard) -> str:
    """What keeps a card from being used, as the end of a sentence; "" for a whole one."""
    if not _NAME.fullmatch(card.name):
        return "its name may hold letters, digits, '-', '_', ':' and '.'"
    if silent := [name for name in CONTROLS if name not in card.controls]:
        return f"its card does not say how it obeys {', '.join(silent)}"
    if odd := sorted({str(how) for how in card.controls.values()} - set(OBEDIENCE)):
        return f"a control is {', '.join(OBEDIENCE)}, not {', '.join(odd)}"
    if not card.licence:
        return "its card says no licence; where nobody knows it, say so: unknown"
    return ""
