"""What a build is made with, resolved once: settings, and the models that they name."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from lookweave.config import Config
from lookweave.errors import ModelError
from lookweave.matching.fusion import Fusion
from lookweave.models.cards import Models, models_of
from lookweave.models.details import token_key
from lookweave.models.fusion import fusion_file
from lookweave.taxonomy import ATTRIBUTES


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
        if not match.details or match.lambda_detail == 0:
            return None
        return token_key(self.models.encoder, self.config.models_dir)

    @cached_property
    def fusion(self) -> Fusion | None:
        """What was learned of the score for these models; None where nothing was, where it is
        switched off, or where candidates are not compared part by part: it was learned with that.

        Raises:
            ModelError: it cannot be read, or was learned for other models.
        """
        file = fusion_file(self.models, self.config.models_dir)
        wanted = self.config.match.evidence and self.tokens is not None
        if not wanted or not file.exists():
            return None
        try:
            learned = Fusion.from_json(file.read_text(encoding="utf-8"), ATTRIBUTES)
        except (OSError, ValueError) as error:
            raise ModelError(f"{file} cannot be read: {error}.") from error
        models = (self.models.encoder.key, self.models.describer.key)
        if (learned.encoder, learned.describer) != models:
            raise ModelError(
                f"{file} was learned for {learned.encoder} and {learned.describer}, not for "
                f"{models[0]} and {models[1]}. Learn it again with: lookweave train fusion; or "
                "set match.evidence = false."
            )
        return learned
