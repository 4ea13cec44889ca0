"""The record of an encoder's run: what its page and the model's card are made from."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lookweave.train.export import Exported
from lookweave.train.garment_crops import EDGE, FADE, MARGIN, SIDE
from lookweave.train.trunk import MEAN, STD


@dataclass(frozen=True)
class RunFacts:
    """What only the training knows.

    Attributes:
        runs: seed, steps, minutes and best validation of each.
        history: of the first run, stage by stage.
        weights, exported, validation: of what is exported.
        pairs: how many of which source.
        segmenter_sha256: of the weights that cut the garments without a true mask.
    """

    runs: Sequence[Mapping[str, float]]
    history: Sequence[Mapping[str, float]]
    weights: int
    exported: Exported
    validation: Mapping[str, float]
    pairs: Mapping[str, int]
    segmenter_sha256: str


def encoder_record(
    settings: Mapping[str, Any], facts: RunFacts, quality: Mapping[str, Any]
) -> dict[str, Any]:
    """The record, ready for `write_record`."""
    return {
        "name": "encoder",
        "task": "image-embedding",
        "file": "encoder.onnx",
        "licence": "Apache-2.0",
        "architecture": (
            f"EfficientNet-{settings['trunk']} (ImageNet), average pooling,"
            f" linear to {settings['dimension']}, unit norm; trained beside a table of words in"
            " the same space"
        ),
        "weights": facts.weights,
        "data": _data(facts.pairs),
        "segmenter_sha256": facts.segmenter_sha256,
        "recipe": "lookweave.train.encoder",
        "config": dict(settings),
        "seed": settings["seed"],
        "input": "image",
        "input_height": SIDE,
        "input_width": SIDE,
        "layout": "NCHW float32 RGB, (pixel / 255 - mean) / std",
        "preparation": "lookweave.train.garment_crops.prepare_crop: square around the mask's box"
        f" with a margin of {MARGIN} of its longer side at each end, resized to {SIDE} x {SIDE};"
        f" outside the mask (edge softened by a Gaussian of {EDGE} of the side) pixels move"
        f" {FADE} of the way to grey 127; outside the photo grey 127",
        "margin": MARGIN,
        "fade": FADE,
        "mean": list(MEAN),
        "std": list(STD),
        "output": "embedding",
        "dimension": settings["dimension"],
        "trained_minutes": round(sum(run["minutes"] for run in facts.runs), 1),
        "trained_steps": sum(int(run["steps"]) for run in facts.runs),
        "runs": [dict(run) for run in facts.runs],
        "validation": dict(facts.validation),
        "stages": len(facts.history),
        **facts.exported.record(
            "share of the ten nearest of each validation garment that are the same"
        ),
        "quality": dict(quality),
        "limits": [
            *(limit for run in facts.runs for limit in _cut_short(run, settings)),
            "of a photographed garment it learned from one photo, changed"
            + (", and of rendered ones from invented cloth" if facts.pairs["rendered"] else "")
            + "; never from a true pair of product photo and look, so folds, lining and back views"
            " are guessed",
            "colour under strong coloured light is unreliable",
            "faces, bodies and prints of people were not looked at for bias",
        ],
        "history": list(facts.history),
        "made": time.strftime("%Y-%m-%d"),
    }


def _cut_short(run: Mapping[str, float], settings: Mapping[str, Any]) -> list[str]:
    if run["steps"] >= settings["steps"]:
        return []
    minutes = settings["minutes"]
    limit = f" or its limit of {minutes:g} minutes" if minutes is not None else ""
    return [
        f"the run of seed {run['seed']} ended after {run['steps']} of {settings['steps']} planned"
        f" steps by its patience{limit}"
    ]


def _data(pairs: Mapping[str, int]) -> list[dict[str, str]]:
    used = [
        {
            "name": "Clothing Co-Parsing",
            "licence": "Apache-2.0 (repository; photos third-party)",
            "used": f"{pairs['mask']} garments by their true masks, photos whose number does not"
            f" end in 7, one in twenty kept for validation; {pairs['tagged']} regions that the"
            " segmenter found in tagged photos and a tag confirms, same numbers",
        },
        {
            "name": "clothing-small",
            "licence": "CC0",
            "used": f"{pairs['product']} photos of the train split, cut out by the segmenter",
        },
        {
            "name": "pictures by `lookweave render --labels`",
            "licence": "CC0",
            "used": f"{pairs['rendered']} pairs of a garment's product photo and its worn region,"
            " one family in five kept for validation",
        },
        {
            "name": "ImageNet-1k weights of EfficientNet-Lite",
            "licence": "Apache-2.0",
            "used": "start of the trunk",
        },
    ]
    return [one for one in used if not one["used"].startswith("0 ")]
