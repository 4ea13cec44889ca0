"""Models that Lookweave does not know of itself: a call names them, or an installed package does.

A package offers its cards by an entry point of the group ``lookweave.models``, whose object is a
`Card` or a list of cards::

    [project.entry-points."lookweave.models"]
    my-models = "my_package:CARDS"

They are found wherever the package is installed, so also by the command line and by the worker
processes of a cluster. `register_model` is for notebooks and scripts: it holds for this process,
and the Ray executor hands what was registered on to its workers.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from lookweave.errors import ConfigError
from lookweave.models.card import TASKS, Card

logger = logging.getLogger(__name__)

GROUP = "lookweave.models"

Loader = Callable[[Card, Path | None], Any]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_registered: dict[str, Card] = {}


def register_model(card: Card, loader: Loader | None = None, *, replace_it: bool = False) -> None:
    """Make a model known in this process under its card's name, as for ``models="NAME"``.

    Args:
        card: at least its name, task and licence, and an encoder's dimension. Its key, and so
            every row that it makes, follows name, version, settings and the content of its
            `weights`: raise the version when the same weights give other rows.
        loader: a class or function, called as ``loader(card, models_dir)``, that gives an object
            with the method of its task (`lookweave.models.protocols`). Without one the card's
            `factory` names it.
        replace_it: take the place of a model that was registered under this name before, as when
            a cell of a notebook is run again.

    Raises:
        ConfigError: the card lacks something, or another model has its name.
    """
    from lookweave.models.cards import all_cards

    if loader is not None:
        card = replace(card, loader=loader)
    if wrong := _faults(card):
        raise ConfigError(f"The model {card.name!r} cannot be registered: {wrong}.")
    if card.name in _registered and not replace_it:
        raise ConfigError(
            f"A model {card.name!r} is registered already. Give this one another name, or say "
            "replace_it=True."
        )
    before = _registered.get(card.name)
    _registered[card.name] = card
    try:
        all_cards()
    except ConfigError:
        forget_model(card.name)
        if before is not None:
            _registered[card.name] = before
        raise


def registered_models() -> list[Card]:
    """What `register_model` was given in this process."""
    return list(_registered.values())


def restore_models(cards: Iterable[Card]) -> None:
    """Register in this process what `registered_models` gave in another."""
    _registered.update({card.name: card for card in cards})


def forget_model(name: str) -> None:
    """Take back a `register_model`; nothing where no such model is registered."""
    _registered.pop(name, None)


def offered_models() -> tuple[Card, ...]:
    """The cards of all installed packages.

    A package whose entry point cannot be imported is a warning in the log, so that it keeps nobody
    from other models.

    Raises:
        ConfigError: a package offers what is no card, or a card that lacks something.
    """
    return _cards_of_packages(tuple(sys.path))


def unreadable_packages() -> dict[str, str]:
    """Packages whose cards cannot be imported -> why."""
    return _found(tuple(sys.path))[1]


@lru_cache(maxsize=4)
def _cards_of_packages(path: Sequence[str]) -> tuple[Card, ...]:
    cards: list[Card] = []
    for entry, package, value in _found(path)[0]:
        given = [value] if isinstance(value, Card) else value
        if not isinstance(given, list | tuple) or not all(isinstance(one, Card) for one in given):
            raise ConfigError(
                f"The package {package} offers {entry.value} as a model (entry point {entry.name} "
                f"of the group {GROUP}), which is neither a Card nor a list of cards."
            )
        for card in given:
            if wrong := _faults(card):
                raise ConfigError(
                    f"The package {package} offers the model {card.name!r}, which cannot be used: "
                    f"{wrong}."
                )
            cards.append(replace(card, offered_by=package))
    return tuple(cards)


@lru_cache(maxsize=4)
def _found(path: Sequence[str]) -> tuple[list[tuple[EntryPoint, str, Any]], dict[str, str]]:
    """Entry points with their package and object, and the packages that cannot be imported.

    Kept for a search path: looking through all that is installed takes hundredths of a second.
    """
    found, broken = [], {}
    for entry in sorted(entry_points(group=GROUP), key=lambda one: (one.name, one.value)):
        package = entry.dist.name if entry.dist else entry.module
        try:
            found.append((entry, package, entry.load()))
        except Exception as error:  # what a package raises when it is imported is its own matter
            broken[package] = f"{type(error).__name__}: {error}"
            logger.warning("The models of the package %s cannot be read: %s", package, error)
    return found, broken


def _faults(card: Card) -> str:
    """What keeps a card from being used, as the end of a sentence; "" for a whole one."""
    if not _NAME.fullmatch(card.name) or card.name.endswith(".onnx"):
        return "its name may hold letters, digits, '-', '_' and '.', and must not end in .onnx"
    if card.task not in TASKS:
        return f"its task must be one of {', '.join(TASKS)} (it is {card.task!r})"
    if not card.licence:
        return "its card says no licence; where nobody knows it, say so: unknown"
    if card.task == "encoder" and (card.dimension or 0) < 1:
        return "the card of an encoder says the dimension of its vectors"
    if card.loader is None and not re.fullmatch(r"[\w.]+:\w+", card.factory):
        return "it needs a loader, or a factory such as my_package.encoder:MyEncoder"
    return ""
