"""What a build is made with, resolved once: settings, and the models that they name."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from lookweave.config import Config
from lookweave.models.cards import Models, models_of
from lookweave.models.details import token_key


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

    @cached_property
    def tokens(self) -> str | None:
        """What makes the tokens of regions, as in `embeddings.tokens_by`; None where candidates
        are not compared part by part: it is switched off, or the encoder cannot."""
        match = self.config.match
        if not match.details or not match.lambda_detail:
            return None
        return token_key(self.models.encoder, self.config.models_dir)
