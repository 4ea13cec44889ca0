"""The record of a segmenter's run: what its page and the model's card are made from."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lookweave.taxonomy import SEGMENTER_CLASSES
from lookweave.train.export import Exported
from lookweave.train.running import cut_short
from lookweave.train.segmentation_quality import canvases_of
from lookweave.train.segmenter_network import OUTPUT_STRIDE
from lookweave.train.trunk import MEAN, STD


@dataclass(frozen=True)
class PhotoCounts:
    """How many photos of each kind the run learned from."""

    parsed: int
    products: int
    tagged: int
    rendered: int


@dataclass(frozen=True)
class RunFacts:
    """What only the run knows."""

    minutes: float
    steps: int
    history: Sequence[Mapping[str, float]]
    weights: int
    exported: Exported
    photos: PhotoCounts
    earlier: Mapping[str, Any] | None
    """Of the run it started from: see `earlier_run`."""


def earlier_run(start: Path | None) -> dict[str, Any] | None:
    """What the record must say of the run whose checkpoint `start` is; its record lies beside.

    Raises:
        FileNotFoundError: there is no such record, so that nobody could repeat the run.
    """
    if start is None:
        return None
    record = json.loads(start.with_name("segmenter.json").read_text(encoding="utf-8"))
    kept = ("trained_minutes", "trained_steps", "epochs", "config", "sha256", "made")
    earlier = {name: record[name] for name in kept}
    earlier["started_from"] = record.get("started_from")
    return earlier


def segmenter_record(
    settings: Mapping[str, Any], facts: RunFacts, quality: Mapping[str, Any]
) -> dict[str, Any]:
    """The record, ready for `write_record`."""
    canvas = settings["used_at"] or settings["canvas"]
    return {
        "name": "segmenter",
        "task": "segmentation",
        "file": "segmenter.onnx",
        "licence": "Apache-2.0",
        "architecture": (
            f"EfficientNet-{settings['trunk']} trunk (ImageNet), feature pyramid of"
            f" {settings['channels']} channels, logits at stride {OUTPUT_STRIDE}"
        ),
        "weights": facts.weights,
        "data": _data(facts.photos),
        "recipe": "lookweave.train.segmenter",
        "config": dict(settings),
        "started_from": facts.earlier,
        "seed": settings["seed"],
        "input": "image",
        "input_height": canvas[0],
        "input_width": canvas[1],
        "canvases": [list(one) for one in canvases_of(canvas)],
        "layout": "NCHW float32 RGB, (pixel / 255 - mean) / std",
        "preparation": "oriented photo resized with its shape kept into the nearest canvas,"
        " centred, rest filled with grey 127; logits cut back to the photo's box",
        "mean": list(MEAN),
        "std": list(STD),
        "output": "logits",
        "output_stride": OUTPUT_STRIDE,
        "classes": list(SEGMENTER_CLASSES),
        "trained_minutes": round(facts.minutes, 1),
        "trained_steps": facts.steps,
        "epochs": len(facts.history),
        **facts.exported.record(
            "share of the validation photos' pixels but background of the same class"
        ),
        "quality": dict(quality),
        "limits": [
            *cut_short(len(facts.history), settings["epochs"], settings["minutes"]),
            "street photos of mostly young women, one person, mostly full length; crowds,"
            " children, runway light and lying poses are hardly in the data",
            "people are not told apart: garments of one category on two people who touch may"
            " become one region",
            "top, shirt and knitwear, jacket and coat are confused with each other: the labels"
            " of the training photos are themselves loose",
            "eyewear, belts, scarves and vests are small or rare in training",
        ],
        "history": list(facts.history),
        "made": time.strftime("%Y-%m-%d"),
    }


def _data(photos: PhotoCounts) -> list[dict[str, str]]:
    parsed = {
        "name": "Clothing Co-Parsing",
        "licence": "Apache-2.0 (repository; photos third-party)",
    }
    used = [
        {
            **parsed,
            "used": f"{photos.parsed} masked photos whose number does not end in 7; beside them"
            " one in twenty, by number, for validation",
        }
    ]
    if photos.tagged:
        used.append(
            {
                **parsed,
                "used": f"{photos.tagged} photos with tags only, numbers chosen likewise: masks by"
                " the network of this run, held to the classes that the tags allow",
            }
        )
    if photos.products:
        used.append(
            {
                "name": "clothing-small",
                "licence": "CC0",
                "used": f"{photos.products} photos of the train split with a GrabCut mask",
            }
        )
    if photos.rendered:
        used.append(
            {
                "name": "rendered pictures",
                "licence": "our own",
                "used": f"{photos.rendered} looks and product photos of `lookweave render"
                " --labels`, with their exact masks",
            }
        )
    used.append(
        {
            "name": "ImageNet-1k weights of EfficientNet-Lite",
            "licence": "Apache-2.0",
            "used": "start of the trunk",
        }
    )
    return used
