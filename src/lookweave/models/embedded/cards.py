"""The cards of the models that ship inside the package.

Each file in `models/weights/` has a record beside it (`NAME.json`) that its training run wrote;
a card only points there, so new weights need no change here.
"""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

from lookweave.models.card import Card
from lookweave.models.colour import HISTOGRAM_WIDTH
from lookweave.models.embedded.head import MEANING_WIDTH

WEIGHTS = Path(str(resources.files("lookweave.models") / "weights"))


def _record(name: str) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((WEIGHTS / f"{name}.json").read_text(encoding="utf-8"))
    return record


_SEGMENTER = _record("segmenter")
_ENCODER = _record("encoder")
_DESCRIBER = _record("describer")

COLOUR_SHARE = 0.35
"""Weight of the colour histogram in the squared norm of an embedded vector. Fusing colour inside
the crop at .3 to .6 of the features' weight gave the best recall on a private set of 69 garments;
.35 of the squared norm lies in that range."""

KIND_SHARE = 0.05
"""Weight of the kind of garment in it. Words find a category at any weight, for the text tower
scales its own part; what looks alike still decides between photos."""


CARDS: tuple[Card, ...] = (
    Card(
        name="lookweave-segmenter",
        task="detector",
        factory="lookweave.models.embedded.segmenter:Segmenter",
        version=2,  # photos shrunk by area
        licence=_SEGMENTER["licence"],
        source="package",
        good_for="garment regions with masks, on two cores, with no network",
        weights=WEIGHTS / _SEGMENTER["file"],
        weights_sha256=_SEGMENTER["sha256"],
        size_mb=(WEIGHTS / _SEGMENTER["file"]).stat().st_size / 1e6,
        input_size=(_SEGMENTER["input_height"], _SEGMENTER["input_width"]),
        sees=tuple((height, width) for height, width in _SEGMENTER["canvases"]),
        settings={name: _SEGMENTER[name] for name in ("mean", "std", "canvases")},
    ),
    Card(
        name="whole-photo",
        task="detector",
        factory="lookweave.models.whole:WholePhoto",
        licence="Apache-2.0",
        source="package",
        good_for="no detection at all: the baseline that localisation has to beat",
    ),
    Card(
        name="lookweave-encoder",
        task="encoder",
        factory="lookweave.models.embedded.encoder:Encoder",
        version=3,  # crops resized linearly
        licence=_ENCODER["licence"],
        source="package",
        good_for="visual likeness, colour measured in the mask and words, on two cores",
        weights=WEIGHTS / _ENCODER["file"],
        weights_sha256=_ENCODER["sha256"],
        file_sha256=_ENCODER.get("file_sha256", ""),
        size_mb=(WEIGHTS / _ENCODER["file"]).stat().st_size / 1e6,
        input_size=(_ENCODER["input_height"], _ENCODER["input_width"]),
        dimension=_ENCODER["dimension"] + HISTOGRAM_WIDTH + MEANING_WIDTH,
        text=(WEIGHTS / "text.npz").exists(),
        settings={
            "mean": _ENCODER["mean"],
            "std": _ENCODER["std"],
            "colour_share": COLOUR_SHARE,
            "kind_share": KIND_SHARE,
            "describer": _DESCRIBER["file"],
            "describer_sha256": _DESCRIBER["sha256"],
        },
    ),
    Card(
        name="lookweave-describer",
        task="describer",
        factory="lookweave.models.embedded.describer:EmbeddedDescriber",
        version=3,  # as the encoder
        licence=_DESCRIBER["licence"],
        source="package",
        good_for="category and sleeve by the encoder's features, colours measured in the mask",
        weights=WEIGHTS / _DESCRIBER["file"],
        weights_sha256=_DESCRIBER["sha256"],
        size_mb=(WEIGHTS / _DESCRIBER["file"]).stat().st_size / 1e6,
        input_size=(_ENCODER["input_height"], _ENCODER["input_width"]),
        settings={
            "mean": _ENCODER["mean"],
            "std": _ENCODER["std"],
            "encoder": _ENCODER["file"],
            "encoder_sha256": _ENCODER["sha256"],
        },
    ),
)
