"""Where the recipe of the score for an encoder and a describer lies."""

from __future__ import annotations

from pathlib import Path

from lookweave.models.cards import Models
from lookweave.models.embedded.cards import CARDS, WEIGHTS
from lookweave.models.hub.files import cache_dir

_OWN = {card.name for card in CARDS}


def fusion_file(models: Models, models_dir: Path | None) -> Path:
    """That of the package's own models beside their weights, those of others in
    ``MODELS_DIR/fusion``. It need not be there."""
    if {models.encoder.name, models.describer.name} <= _OWN:
        return WEIGHTS / "fusion.json"
    name = f"{models.encoder.key}+{models.describer.key}.json"
    return (models_dir or cache_dir()) / "fusion" / name
