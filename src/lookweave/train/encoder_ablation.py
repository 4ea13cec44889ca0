"""What each ingredient of the encoder's recipe brings, at the same budget of steps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from lookweave.models.embedded.features import EMBEDDING
from lookweave.train.encoder import (
    EncoderConfig,
    EncoderData,
    inner_tensors,
    loaded,
    started,
    trained,
)
from lookweave.train.encoder_quality import EncoderMeasure
from lookweave.train.export import export_onnx
from lookweave.train.garment_crops import SIDE
from lookweave.train.running import Weights

_console = Console(stderr=True)

INGREDIENTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("+ domain-crossing pairs", {"hard_share": 0.0, "text_weight": 0.0, "rendered": None}),
    ("+ hard negatives", {"text_weight": 0.0, "rendered": None}),
    ("+ text", {"rendered": None}),
    ("+ rendered pairs", {}),
)
"""Each row adds one ingredient to the row above it; the last is the recipe."""


def ablate(config: EncoderConfig) -> list[dict[str, Any]]:
    """A row for ImageNet's features, for the start and for each ingredient, measured on test data
    after `config.steps` steps each from the same start; written to ``encoder-ablation.json``.

    Every row leaves ``encoder.onnx`` in a folder of its own under `config.out`, so that it can be
    measured elsewhere, and is not trained again where it is there.
    """
    data = EncoderData.read(config)
    measure = EncoderMeasure.read(
        config.parsed, config.products, data.crops, data.rendered_validation
    )
    network = started(config, data.photographed)
    start = {name: value.clone() for name, value in network.state_dict().items()}
    imagenet = loaded(config, start)
    rows = [
        {"what": "ImageNet features, not projected", "steps": 0, **measure.test(imagenet, True)},
        {"what": "whitened: the start of all below", "steps": 0, **measure.test(imagenet)},
    ]

    def write(folder: Path, one: EncoderConfig, weights: Weights) -> None:
        network = loaded(one, weights)
        export_onnx(
            network, folder / "encoder.onnx", torch.zeros(2, 3, SIDE, SIDE),
            EMBEDDING, {0: "batch"}, {0: "batch"}, measure.agreement, inner_tensors(network),
        )  # fmt: skip

    write(config.out / "ablation-0", config, start)
    for number, (what, changed) in enumerate(INGREDIENTS, start=1):
        folder = config.out / f"ablation-{number}"
        one = config.model_copy(
            update={**changed, "out": folder, "stage": config.steps, "patience": config.steps}
        )
        run = trained(one, data, measure, start)
        quality = measure.test(loaded(one, run.best))
        rows.append(
            {"what": what, "steps": run.steps, "minutes": run.spent_seconds / 60, **quality}
        )
        _console.print(rows[-1])
        write(folder, one, run.best)
    table = config.out / "encoder-ablation.json"
    table.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    return rows
