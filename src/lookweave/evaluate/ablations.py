"""What each part of the match contributes: the same truth with parts left out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lookweave.config import Config
from lookweave.evaluate.apart import made_apart
from lookweave.evaluate.recall import recall
from lookweave.evaluate.truth import read_truth
from lookweave.matching.fuse import ScoreWeights
from lookweave.pipeline.setup import Setup
from lookweave.pipeline.steps.match import score_weights
from lookweave.progress import Progress
from lookweave.store.workspace import Workspace

_WORDS = ("captions", "brand", "credits")


def ablations(
    workspace: Workspace, config: Config, truth: Path, progress: Progress
) -> dict[str, Any]:
    """Recall with the whole photo only, with parts of the score only, with all, and with all but
    the details, or one of the captions, brands and credits, where the workspace has any.

    The whole photo's rows are made in a workspace of their own, which is removed: this one is
    only read.

    Returns:
        Name of the variant -> what `recall` gives.

    Raises:
        InputError: the truth file does not fit.
    """
    known = read_truth(workspace, truth)
    whole = _whole_photo(config)
    found = {}
    with made_apart(workspace, whole, progress) as apart:
        found["whole photo only"] = recall(apart, whole, known, ScoreWeights(0.0, 1.0))
    learned = score_weights(workspace, Setup.of(config))
    variants = {
        "detection + visual": ScoreWeights(0.0, 1.0),
        "description only": ScoreWeights(1.0, 0.0),
        "all together": learned,
    }
    if learned.detail:
        variants["visual + details"] = learned._replace(vlm=0.0, visual=learned.visual or 1.0)
        variants["all but details"] = learned._replace(detail=0.0)
    for name, weights in variants.items():
        found[name] = recall(workspace, config, known, weights)
    spoken = found["all together"]["parts"]
    for part in _WORDS if len(spoken) > 1 else ():
        if part in spoken:
            without = config.match.model_copy(update={f"weight_{part}": 0.0})
            settings = config.model_copy(update={"match": without})
            found[f"all but {part}"] = recall(workspace, settings, known, learned)
    return found


def _whole_photo(config: Config) -> Config:
    models = Setup.of(config).models
    no_filter = config.match.model_copy(update={"categories": 0})
    names = f"whole-photo+{models.encoder.name}+{models.describer.name}"
    return config.model_copy(update={"models": names, "match": no_filter})
