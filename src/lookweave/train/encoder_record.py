"""The record of an encoder's run: what its page and the model's card are made from."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lookweave.train.garment_crops import EDGE, FADE, MARGIN, SIDE
from lookweave.train.running import cut_short
from lookweave.train.trunk import MEAN, STD


@dataclass(frozen=True)
class RunFacts:
    """What only the run knows: its length, history, size, and how many garments it saw."""

    minutes: float
    steps: int
    history: Sequence[Mapping[str, float]]
    weights: int
    onnx_difference: float
    worn: int
    products: int


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
            f" linear to {settings['dimension']}, unit norm"
        ),
        "weights": facts.weights,
        "data": _data(facts.worn, facts.products),
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
        "trained_minutes": round(facts.minutes, 1),
        "trained_steps": facts.steps,
        "epochs": len(facts.history),
        "onnx_difference": facts.onnx_difference,
        "quality": dict(quality),
        "limits": [
            *cut_short(len(facts.history), settings["epochs"], settings["minutes"]),
            "trained on one photo of each garment, changed; never on a true pair of product"
            " photo and look, so folds, lining, back views and other cameras are guessed",
            "telling garments apart costs some knowledge of categories (see the neighbours above);"
            " blending with the start keeps part of it, and how far was chosen between three"
            " finished encoders on twenty true pairs only",
            "it embeds images only and does not understand words",
            "colour under strong coloured light is unreliable",
            "faces, bodies and prints of people were not looked at for bias",
        ],
        "history": list(facts.history),
        "made": time.strftime("%Y-%m-%d"),
    }


def _data(worn: int, products: int) -> list[dict[str, str]]:
    return [
        {
            "name": "Clothing Co-Parsing",
            "licence": "Apache-2.0 (repository; photos third-party)",
            "used": f"{worn} garments of the masked photos whose number does not end in 7,"
            " one in twenty photos kept for validation",
        },
        {
            "name": "clothing-small",
            "licence": "CC0",
            "used": f"{products} photos of the train split with a GrabCut mask",
        },
        {
            "name": "ImageNet-1k weights of EfficientNet-Lite",
            "licence": "Apache-2.0",
            "used": "start of the trunk",
        },
    ]
