"""What each part of the match contributes: the same truth with parts left out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lookweave.config import Config
from lookweave.evaluate.recall import recall
from lookweave.evaluate.truth import read_truth
from lookweave.models.cards import chosen
from lookweave.pipeline.run import run_step
from lookweave.pipeline.steps.base import Step
from lookweave.pipeline.steps.describe import Describe
from lookweave.pipeline.steps.detect import Detect
from lookweave.pipeline.steps.embed import Embed
from lookweave.pipeline.steps.match import score_weights
from lookweave.progress import Progress
from lookweave.store.workspace import Workspace

_WORDS = ("captions", "brand", "credits")
_ROWS: tuple[type[Step], ...] = (Detect, Describe, Embed)


def ablations(
    workspace: Workspace, config: Config, truth: Path, progress: Progress
) -> dict[str, Any]:
    """Recall with the whole photo only, with parts of the score only, with all, and with all but
    one of the captions, brands and credits, where the workspace has any.

    Rows that a variant needs and the workspace lacks are made and kept beside the others.

    Returns:
        Name of the variant -> what `recall` gives.

    Raises:
        InputError: the truth file does not fit.
    """
    known = read_truth(workspace, truth)
    models = chosen(config)
    whole = f"whole-photo+{models.encoder.name}+{models.describer.name}"
    no_filter = config.match.model_copy(update={"categories": 0})
    whole_photo = config.model_copy(update={"models": whole, "match": no_filter})
    variants: dict[str, tuple[Config, tuple[float, float]]] = {
        "whole photo only": (whole_photo, (0.0, 1.0)),
        "detection + visual": (config, (0.0, 1.0)),
        "description only": (config, (1.0, 0.0)),
        "all together": (config, score_weights(workspace, config)),
    }
    found = {}
    for name, (settings, weights) in variants.items():
        with workspace.lock():
            for step in _ROWS:
                run_step(step, workspace, settings, progress)
        found[name] = recall(workspace, settings, known, weights)
    spoken = found["all together"]["parts"]
    for part in _WORDS if len(spoken) > 1 else ():
        if part in spoken:
            without = config.match.model_copy(update={f"weight_{part}": 0.0})
            settings = config.model_copy(update={"match": without})
            found[f"all but {part}"] = recall(
                workspace, settings, known, score_weights(workspace, config)
            )
    return found
