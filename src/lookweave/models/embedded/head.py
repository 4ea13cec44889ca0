"""Small weights that stand on the embedded encoder: an .npz file and its record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookweave.errors import ModelError
from lookweave.taxonomy import CATEGORIES

SLEEVED = ("top", "shirt", "knitwear", "jacket", "coat")
"""Categories whose sleeve is spoken of; for the others no label taught it."""

MEANING_WIDTH = len(CATEGORIES) + len(SLEEVED)
"""Width of the kind of garment in an embedded vector: sleeved categories count twice."""


def load_head(
    weights: Path, encoder_sha256: str, command: str
) -> tuple[dict[str, Any], dict[str, NDArray[np.float32]]]:
    """The record and the arrays of weights that were trained on one encoder.

    Args:
        command: of ``lookweave train``, named where they have to be trained again.

    Raises:
        ModelError: a file is missing or broken, or they were trained on another encoder.
    """
    try:
        record: dict[str, Any] = json.loads(weights.with_suffix(".json").read_text("utf-8"))
        with np.load(weights) as stored:
            arrays = {name: stored[name].astype(np.float32) for name in stored.files}
    except (OSError, ValueError) as error:
        raise ModelError(f"{weights} cannot be read: {error}.") from error
    if record.get("encoder_sha256") != encoder_sha256:
        raise ModelError(
            f"{weights.name} was trained on another encoder than the one installed"
            f" ({str(record.get('encoder_sha256'))[:8]}, not {encoder_sha256[:8]})."
            f" Train it again with: lookweave train {command}."
        )
    return record, arrays
