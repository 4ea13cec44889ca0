"""Lookweave pairs product photos of garments with editorial photos of the very same garments."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lookweave.models.card import Card as Card
    from lookweave.models.registry import register_model as register_model

__version__ = "0.1.0"

_FROM = {"Card": "lookweave.models.card", "register_model": "lookweave.models.registry"}
"""Public name -> its module, which is imported when the name is first asked for."""


def __getattr__(name: str) -> object:
    if name not in _FROM:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_FROM[name]), name)
