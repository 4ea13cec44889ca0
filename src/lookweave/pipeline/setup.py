"""What a build is made with, resolved once: settings, and the models that they name."""

from __future__ import annotations

from dataclasses import dataclass

from lookweave.config import Config
from lookweave.models.cards import Models, models_of


@dataclass(frozen=True)
class Setup:
    """Settings and the cards of the models that they name.

    Attributes:
        config: as checked.
        models: detector, encoder and describer; no weights are loaded.
    """

    config: Config
    models: Models

    @classmethod
    def of(cls, config: Config) -> Setup:
        """Resolve the models.

        Raises:
            LookweaveError: a model is not known here, or its licence was not accepted.
        """
        return cls(config, models_of(config))
