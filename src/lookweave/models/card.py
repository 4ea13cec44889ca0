"""A model card: what a model is, as data."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from lookweave.errors import ModelError
from lookweave.records import file_sha256, fingerprint

Task = Literal["detector", "encoder", "describer"]
TASKS: tuple[Task, ...] = ("detector", "encoder", "describer")

METHODS: dict[Task, str] = {"detector": "detect", "encoder": "encode", "describer": "describe"}
"""The method of `models.protocols` that a model of each task must have."""


@dataclass(frozen=True)
class Card:
    """One model.

    Attributes:
        name: how a person asks for it.
        task: what it does.
        factory: ``module:Class``; called as ``Class(card, models_dir)``.
        licence: SPDX name of the weights' licence, or words; `commercial` says whether it allows
            trade, `licence_read` whether it was read on the model's own page.
        source: where the weights come from: ``package``, ``hub:OWNER/NAME`` (``@REVISION`` may
            follow), ``server``, ``path`` (a local folder or file, named by `weights`).
        good_for: one line for `lookweave models`.
        weights: local folder or file, or None.
        weights_sha256: what the weights hold: the SHA-256 of a file, or the fingerprint of a
            folder (`hub.files`).
        file_sha256: of the file, where it is another than the one that was trained: what it gives
            is the same, and so is the key.
        commit: of the repository on the hub that the weights are from; "" until it is known
            (`hub.fetch.pinned`).
        size_mb: download or file size.
        memory_mb: what the model takes with one photo, about; 0 where nobody looked.
        input_size: height, width in pixels, or None for any.
        sees: the frames (height, width) in pixels into one of which a detector shrinks a photo
            (`framing.fitted_side`); none where it makes use of all it gets.
        dimension: of an encoder's vectors.
        text: an encoder that can also encode text.
        captions: a describer whose captions say more than its attributes do.
        made_of: another model that this one loads.
        version: raise it when the same weights give other rows (it is part of the key).
        settings: passed on to the class.
        must_set: what `running` must hold for the model to be ready.
        running: passed on too, but no part of the key: where and how fast, not what.
        loader: called as ``loader(card, models_dir)`` in place of `factory`
            (`registry.register_model`).
        offered_by: the installed package that the card came with; "" for Lookweave's own.
    """

    name: str
    task: Task
    factory: str = ""
    licence: str = ""
    source: str = "package"
    good_for: str = ""
    commercial: bool = True
    licence_read: bool = field(default=True, compare=False)
    weights: Path | None = None
    weights_sha256: str = ""
    file_sha256: str = field(default="", compare=False)
    commit: str = ""
    size_mb: float = 0.0
    memory_mb: float = 0.0
    input_size: tuple[int, int] | None = None
    sees: tuple[tuple[int, int], ...] = ()
    dimension: int | None = None
    text: bool = False
    captions: bool = False
    version: int = 1
    needs: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    must_set: tuple[str, ...] = ()
    made_of: Card | None = field(default=None, compare=False)
    running: Mapping[str, Any] = field(default_factory=dict, compare=False)
    loader: Callable[[Card, Path | None], Any] | None = field(
        default=None, compare=False, repr=False
    )
    offered_by: str = field(default="", compare=False)

    @property
    def key(self) -> str:
        """Name and fingerprint: the part of a row's key that says which model made it."""
        made_of = fingerprint(
            self.factory,
            self.source,
            self.weights_sha256,
            self.version,
            sorted(self.settings.items()),
            *([self.commit] if self.commit else []),
            *([self.made_of.key] if self.made_of else []),
        )
        return f"{self.name}-{made_of[:8]}"

    @property
    def licence_text(self) -> str:
        """The licence, and that it has to be checked where nobody read it."""
        return self.licence if self.licence_read else f"{self.licence} (check)"

    @property
    def on_hub(self) -> bool:
        """Whether its weights come from a hub."""
        return self.source.startswith("hub:")

    @property
    def elsewhere(self) -> bool:
        """Whether its weights lie on a hub or at a path, and not in this package."""
        return self.source == "path" or self.on_hub

    def missing(self, models_dir: Path | None = None) -> str | None:
        """Why the model cannot be loaded here, as a sentence; None when it is ready.

        Weights of a hub that are not here count as missing, although `load` would fetch them.
        """
        if self.elsewhere:
            from lookweave.models.hub.fetch import missing

            return missing(self, models_dir)
        for module in self.needs:
            if importlib.util.find_spec(module) is None:
                return f"the Python package {module} is not installed"
        if unset := [name for name in self.must_set if not self.running.get(name)]:
            return f"the settings {', '.join(f'vlm.{name}' for name in unset)} are missing"
        if self.weights is not None and not self.weights.exists():
            return f"its weights {self.weights} are missing"
        return None

    def load(self, models_dir: Path | None = None) -> Any:
        """The model itself; weights of a hub are fetched when they are not here.

        Raises:
            ModelError: it is not ready here, its weights are not those of the card, or what was
                loaded is no model of this task.
        """
        if not self.elsewhere and (reason := self.missing(models_dir)):
            raise ModelError(f"The model {self.name} cannot be loaded: {reason}.")
        self._check_weights()
        model = (self.loader or _named(self.factory))(self, models_dir)
        if not callable(getattr(model, METHODS[self.task], None)):
            raise ModelError(
                f"The model {self.name} is a {type(model).__name__} without the method "
                f"{METHODS[self.task]}, which every {self.task} needs (lookweave.models.protocols)."
            )
        return model

    def _check_weights(self) -> None:
        """Rows are kept under what the card says of the weights: other weights beside an old record
        would pass for them."""
        said = self.file_sha256 or self.weights_sha256
        if self.weights is None or len(said) != 64 or not self.weights.is_file():
            return
        if (found := file_sha256(self.weights)) != said:
            raise ModelError(
                f"{self.weights} is not the file that the card of {self.name} speaks of (SHA-256 "
                f"{found[:8]}, not {said[:8]}). Bring the record that was written with it, too."
            )


def _named(where: str) -> Any:
    """What ``module:name`` names; by name, so that a card is data and imports nothing."""
    module, _, name = where.partition(":")
    return getattr(importlib.import_module(module), name)


def with_settings(card: Card, **settings: Any) -> Card:
    """The same model with other settings, and so with another key."""
    return replace(card, settings={**card.settings, **settings})


def with_running(card: Card, **running: Any) -> Card:
    """The same model run in another way (`hub.runtime.Runtime`); its key stays."""
    return replace(card, running={**card.running, **running})
