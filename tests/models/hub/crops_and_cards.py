"""Crops and cards as the hub tests need them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from lookweave.models.card import Card
from lookweave.models.hub.cards import card_for_path
from lookweave.models.protocols import Crop, Pixels


def whole(photo: Pixels) -> Crop:
    """All of a photo as a crop."""
    return Crop(photo, (0.0, 0.0, float(photo.shape[1]), float(photo.shape[0])))


def card_of(folder: Path, backend: str, **settings: Any) -> Card:
    """A card for a folder that runs on this backend."""
    return replace(
        card_for_path(str(folder)),
        running=MappingProxyType({"backend": backend, "device": "cpu", "precision": "float32"}),
        settings=MappingProxyType(settings),
    )
