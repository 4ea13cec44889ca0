"""Encoders side by side on a built workspace: garment to look by their vectors alone.

    python benchmarks/encoder_rows.py WS --truth truth.csv --weights a/encoder.onnx b/encoder.onnx

The regions are the workspace's own. A garment's look is as like as its likest region; once by the
features, once with the colour histogram at the share that the installed encoder gives it. No
category filter, no description, no hubness: what `lookweave train encoder-ablation` leaves in its
folders can be compared before a describer and a text tower stand on it. Intervals: 95%, bootstrap
over garments.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from pathlib import Path

import numpy as np

from lookweave.building import open_workspace
from lookweave.models import colour
from lookweave.models.embedded.cards import CARDS, COLOUR_SHARE
from lookweave.models.embedded.features import ImageTower
from lookweave.models.protocols import Crop
from lookweave.pipeline.steps.describe import regions_left
from lookweave.pipeline.steps.subjects import PhotoReader


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--truth", required=True, type=Path)
    parser.add_argument("--weights", required=True, type=Path, nargs="+")
    given = parser.parse_args()
    workspace, config = open_workspace(given.workspace)
    sources = workspace.table("sources").read(["id", "name", "kind"]).to_pylist()
    ids = {(row["kind"], Path(row["name"]).name): row["id"] for row in sources}
    true = defaultdict(set)
    with given.truth.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            true[ids["garment", row["garment"]]].add(ids["look", row["look"]])
    crops: list[Crop] = []
    subjects: list[str] = []
    reader = PhotoReader(workspace)
    for batch in regions_left(workspace, config, []).batches:
        rows = batch.to_pylist()
        for row, crop in zip(rows, reader.crops(batch), strict=True):
            if isinstance(crop, Crop) and (crop.kind == "look" or row["subject"] in true):
                crops.append(crop)
                subjects.append(row["subject"])
    histograms = np.stack(
        [colour.histogram(colour.samples(crop.photo, crop.box, crop.mask)) for crop in crops]
    )
    card = next(card for card in CARDS if card.name == "lookweave-encoder")
    assert card.input_size is not None
    for weights in given.weights:
        tower = ImageTower(
            weights, card.input_size[0], tuple(card.settings["mean"]), tuple(card.settings["std"])
        )
        features = tower.see(crops).features
        for name, share in (("features", 0.0), ("with colour", COLOUR_SHARE)):
            ranks = _ranks(crops, subjects, true, features, histograms, share)
            print(f"{weights.parent.name}/{weights.name}, {name}: {_summary(ranks)}", flush=True)


def _ranks(crops, subjects, true, features, histograms, share):  # type: ignore[no-untyped-def]
    garments = [at for at, crop in enumerate(crops) if crop.kind == "garment"]
    worn = [at for at, crop in enumerate(crops) if crop.kind == "look"]
    looks = sorted({subjects[at] for at in worn})
    place = np.array([looks.index(subjects[at]) for at in worn])
    ranks = []
    for garment in garments:
        like = (1 - share) * features[worn] @ features[garment]
        like = like + share * histograms[worn] @ histograms[garment]
        best = np.full(len(looks), -np.inf)
        np.maximum.at(best, place, like)
        found = [best[looks.index(one)] for one in true[subjects[garment]] if one in looks]
        ranks.append(1 + int((best > max(found, default=-np.inf)).sum()))
    return np.array(ranks)


def _summary(ranks: np.ndarray) -> str:  # type: ignore[type-arg]
    again = np.random.default_rng(0).integers(0, len(ranks), (2000, len(ranks)))
    parts = []
    for top in (1, 5, 10):
        hits = ranks <= top
        low, high = np.quantile(hits[again].mean(1), [0.025, 0.975])
        parts.append(f"R@{top} {hits.mean():.3f} ({low:.3f}-{high:.3f})")
    return f"{', '.join(parts)}, MRR {np.mean(1 / ranks):.3f}, n {len(ranks)}"


if __name__ == "__main__":
    main()
