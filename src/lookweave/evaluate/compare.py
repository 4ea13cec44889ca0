"""The same known pairs under several models, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lookweave.config import Config
from lookweave.errors import InputError
from lookweave.evaluate.apart import is_made, made_apart
from lookweave.evaluate.recall import recall
from lookweave.evaluate.truth import read_truth
from lookweave.progress import Progress
from lookweave.store.workspace import Workspace


def compare(
    workspace: Workspace, config: Config, truth: Path, models: Sequence[str], progress: Progress
) -> dict[str, Any]:
    """Recall under each of some models, as ``--models`` names them.

    What a model has not made of the photos yet is made in a workspace of its own, which is
    removed: this one is only read. Weights are those of the settings, or those learned in this
    workspace for the models that it was built with.

    Returns:
        What `evaluate` gives for the first, and ``models``: name -> the same for each.

    Raises:
        InputError: no model is named, or one twice, or the truth file does not fit.
        UnknownModel: there is no such model.
    """
    if not models or len(set(models)) < len(models):
        raise InputError("Name each of the models to compare once: --models A --models B.")
    known = read_truth(workspace, truth)
    settings = {name: config.model_copy(update={"models": name}) for name in models}
    made = {name: is_made(workspace, one) for name, one in settings.items()}  # before any work
    found: dict[str, Any] = {}
    for name, one in settings.items():
        if made[name]:
            found[name] = recall(workspace, one, known)
        else:
            with made_apart(workspace, one, progress) as apart:
                found[name] = recall(apart, one, known)
    return {**found[models[0]], "missing": list(known.missing), "models": found}
