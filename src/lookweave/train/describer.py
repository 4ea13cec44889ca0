"""The recipe of the describer: small networks on the shipped encoder's features.

A label that fits several categories (pants: trousers or jeans) asks that one of them be right. The
segmenter saw the same training photos and is surer of them than of new ones, so its opinion joins
only where it was not trained: how far head and opinion are trusted is fitted on the validation
photos, which calibrates the probabilities too (Guo et al. 2017, arXiv 1706.04599).
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from rich.console import Console
from torch import Tensor, nn
from torch.nn import functional

from lookweave.models.embedded.describer_head import (
    CALIBRATED,
    Arrays,
    head_answers,
    head_logits,
    inputs,
)
from lookweave.models.protocols import Pixels
from lookweave.taxonomy import CATEGORIES
from lookweave.train.describer_calibration import BIAS_PENALTY, fit_sleeve, fit_trust
from lookweave.train.describer_quality import (
    category_quality,
    class_probabilities,
    naming_failures,
    ten_class_quality,
)
from lookweave.train.encoder_network import whitening
from lookweave.train.failures import Failures, draw_failures, failures_path
from lookweave.train.labelled_crops import CropTable, Shipped, crop_photo, crop_table
from lookweave.train.product_photos import read_rgb
from lookweave.train.running import cosine_rate, seed_everything, use_threads
from lookweave.train.small_records import data_used, write_head
from lookweave.train.word_quality import CLASS_NAMES
from lookweave.train.word_truth import admissible_categories, sleeve_truth

_console = Console(stderr=True)


class DescriberConfig(BaseModel):
    """Everything that decides what a run gives; part of its record."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    parsed: Path
    """Folder of Clothing Co-Parsing: photos/, masks/, labels.json."""
    products: Path
    """Folder of product photos: train/<class>/, validation/<class>/, test/<class>/."""
    out: Path
    """Where weights and record go."""
    cache: Path
    """Where the crops' features are kept, one file for each pair of segmenter and encoder."""
    components: int = Field(640, ge=1)
    """Principal components of the pooled features that the networks see."""
    members: int = Field(4, ge=1)
    hidden: int = Field(256, ge=1)
    dropout: float = Field(0.5, ge=0, lt=1)
    epochs: int = Field(24, ge=1)
    batch_size: int = 256
    rate: float = 4e-3
    weight_decay: float = 0.2
    smoothing: float = Field(0.05, ge=0, lt=1)
    """Share of a label that may be wrong: the parsed photos' tops and shirts often are."""
    crossed: float = Field(0.5, ge=0)
    """How often a street garment is shown as if it were a product photo, for bags and scarves
    have product photos too, and none to learn from."""
    seed: int = 7
    threads: int = 2


class HeadNetwork(nn.Module):
    """`members` networks of one hidden layer side by side."""

    def __init__(self, members: int, width: int, hidden: int, dropout: float) -> None:
        super().__init__()
        outputs = len(CATEGORIES) + 1
        self.first = nn.Parameter(torch.randn(members, width, hidden) * width**-0.5)
        self.first_bias = nn.Parameter(torch.zeros(members, 1, hidden))
        self.second = nn.Parameter(torch.randn(members, hidden, outputs) * hidden**-0.5)
        self.second_bias = nn.Parameter(torch.zeros(members, 1, outputs))
        self.dropout = dropout

    def forward(self, given: Tensor) -> Tensor:
        """(n, width) -> (members, n, outputs) logits; each member drops its own inputs."""
        members = self.first.shape[0]
        shown = functional.dropout(given.expand(members, -1, -1), self.dropout / 2, self.training)
        hidden = functional.relu(shown @ self.first + self.first_bias)
        hidden = functional.dropout(hidden, self.dropout, self.training)
        return hidden @ self.second + self.second_bias


def components_of(table: CropTable, count: int) -> Arrays:
    """The whitened principal components that pooled features are reduced to."""
    pooled = table.pooled.astype(np.float32)
    unit = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
    weight, bias = whitening(unit, min(count, *unit.shape), 0.5)
    scale = np.float32(np.sqrt(len(weight)))
    return {"components": scale * weight.T, "components_bias": scale * bias}


def head_inputs(arrays: Arrays, table: CropTable) -> NDArray[np.float32]:
    """What the networks see of the table's rows."""
    garment = table.sources == "product"
    pooled = table.pooled.astype(np.float32)
    return inputs(arrays, pooled, table.histograms, table.shapes, garment)


def admissible_rows(table: CropTable) -> NDArray[np.bool_]:
    """(rows, categories): which categories each row's label may be."""
    return np.array(
        [
            [name in admissible_categories(source, label) for name in CATEGORIES]
            for source, label in zip(table.sources, table.labels, strict=True)
        ]
    )


def category_loss(log_probabilities: Tensor, admissible: Tensor, smoothing: float) -> Tensor:
    """Minus the log probability that the category is admissible, smoothed; (..., n)."""
    right = log_probabilities.masked_fill(~admissible, -1e4).logsumexp(-1)
    return -(1 - smoothing) * right - smoothing * log_probabilities.mean(-1)


def fit_head(config: DescriberConfig, table: CropTable) -> Arrays:
    """Train the networks on the rows of the table; all arrays but the calibration."""
    seed_everything(config.seed)
    arrays = components_of(table, config.components)
    given = head_inputs(arrays, table)
    crossed = np.flatnonzero(table.sources != "product")
    crossed_given = given[crossed].copy()
    crossed_given[:, -1] = 1.0
    rows = np.concatenate([np.arange(len(given)), crossed])
    x = torch.from_numpy(np.concatenate([given, crossed_given]))
    admissible = torch.from_numpy(admissible_rows(table)[rows])
    sleeve = torch.from_numpy(sleeve_truth(table)[rows].astype(np.float32))
    weights = torch.ones(len(rows))
    weights[len(given) :] = config.crossed
    network = HeadNetwork(config.members, x.shape[1], config.hidden, config.dropout)
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=config.rate, weight_decay=config.weight_decay
    )
    steps = len(rows) // config.batch_size
    for epoch in range(config.epochs):
        order = torch.randperm(len(rows))
        for step in range(steps):
            chosen = order[step * config.batch_size : (step + 1) * config.batch_size]
            for group in optimiser.param_groups:
                progress = (epoch + step / steps) / config.epochs
                group["lr"] = config.rate * cosine_rate(progress)
            logits = network(x[chosen])
            losses = category_loss(
                logits[..., :-1].log_softmax(-1), admissible[chosen], config.smoothing
            )
            known = sleeve[chosen]
            losses = losses + 0.5 * known.abs() * functional.softplus(-known * logits[..., -1])
            loss = (losses * weights[chosen]).mean()
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
    trained = {name: value.detach().numpy() for name, value in network.named_parameters()}
    return arrays | trained


def opinions_in(table: CropTable) -> NDArray[np.float32]:
    """The segmenter's opinions, even where it was not asked."""
    asked = table.opinions.sum(axis=1, keepdims=True) > 0
    return np.where(asked, table.opinions, 1.0 / len(CATEGORIES)).astype(np.float32)


def calibrated(arrays: Arrays, table: CropTable) -> Arrays:
    """The describer's arrays, those of the calibration with them."""
    products = table.of("product", "validation")
    validation = {
        "look": table.of("found", "validation"),
        "garment": products,
        "look unasked": table.of("mask", "validation"),
        "garment unasked": replace(products, opinions=np.zeros_like(products.opinions)),
    }
    fits = []
    for kind in CALIBRATED:
        rows = validation[kind]
        logits = head_logits(arrays, head_inputs(arrays, rows))[:, :-1]
        fits.append(fit_trust(logits, opinions_in(rows), admissible_rows(rows), BIAS_PENALTY[kind]))
    sleeve = head_logits(arrays, head_inputs(arrays, products))[:, -1]
    return arrays | {
        "trust": np.stack([trust for trust, _ in fits]),
        "bias": np.stack([bias for _, bias in fits]),
        "sleeve": fit_sleeve(sleeve, sleeve_truth(products)),
    }


def answers(arrays: Arrays, table: CropTable) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Category probabilities (n, 19) and those of long sleeves (n,) for the table's rows."""
    return head_answers(arrays, head_inputs(arrays, table), opinions_in(table))


def measured(arrays: Arrays, table: CropTable) -> dict[str, Any]:
    """Quality on the test rows, and of the segmenter's own opinion beside it."""
    quality: dict[str, Any] = {}
    products = table.of("product", "test")
    quality["product_test"] = ten_class_quality(*answers(arrays, products), products.labels)
    for source in ("mask", "found"):
        rows = table.of(source, "test")
        said, _ = answers(arrays, rows)
        quality[f"{source}_test"] = category_quality(said, admissible_rows(rows))
    found = table.of("found", "test")
    quality["found_test_segmenter"] = category_quality(opinions_in(found), admissible_rows(found))
    return quality


def failures(config: DescriberConfig, arrays: Arrays, table: CropTable) -> Failures:
    """Product photos of the test split that are taken for another of clothing-small's classes."""
    rows = table.of("product", "test")
    said = class_probabilities(*answers(arrays, rows))

    def pixels_of(row: int) -> Pixels:
        return read_rgb(crop_photo(vars(rows), row, config.parsed, config.products))

    return naming_failures(said, CLASS_NAMES, rows.labels.tolist(), pixels_of)


def train(config: DescriberConfig) -> dict[str, Any]:
    """Compute features where needed, train, calibrate, measure, write; the record."""
    shipped = Shipped.installed()
    table = crop_table(config.parsed, config.products, shipped, config.cache)
    began = time.monotonic()
    use_threads(config.threads)
    arrays = calibrated(fit_head(config, table.where(table.learned)), table)
    quality = measured(arrays, table)
    record = {
        "name": "describer",
        "task": "description",
        "architecture": f"{config.members} networks of one hidden layer of {config.hidden}, their"
        " logits averaged and multiplied with the segmenter's opinion",
        "data": data_used(table),
        "recipe": "lookweave.train.describer",
        "config": config.model_dump(mode="json", exclude={"parsed", "products", "out", "cache"}),
        "seed": config.seed,
        "categories": list(CATEGORIES),
        "trained_minutes": round((time.monotonic() - began) / 60, 1),
        "quality": quality,
        "limits": LIMITS,
        "history": [],
    }
    _console.print(quality)
    failed = failures(config, arrays, table)
    draw_failures(failures_path(config.out / "describer.npz"), failed, "test photos")
    return write_head(config.out / "describer.npz", arrays, shipped, record)


LIMITS = [
    "pattern, material, length and neckline are not described: no photo that it learned from is"
    " labelled with them",
    "sleeves are short or long, and only of tops, shirts, knitwear, jackets and coats; sleeveless"
    " and three-quarter sleeves were not labelled",
    "trousers and jeans, jacket and coat, top and knitwear of product photos are told apart by what"
    " street photos taught",
    "bags, scarves, belts, hosiery and eyewear were never seen as product photos",
]


def cross_fitted(
    config: DescriberConfig, table: CropTable, folds: int = 3
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Answers for the training rows by networks that were not trained on them.

    Without the segmenter's opinion, for it was trained on these rows. Rows of other splits stay 0.
    """
    table = replace(table, opinions=np.zeros_like(table.opinions))
    categories = np.zeros((len(table.labels), len(CATEGORIES)), np.float32)
    long_sleeved = np.zeros(len(table.labels), np.float32)
    trained = table.learned
    _, photo = np.unique(table.photos, return_inverse=True)
    for fold in range(folds):
        others = trained & (photo % folds != fold)
        rows = trained & (photo % folds == fold)
        arrays = calibrated(fit_head(config, table.where(others)), table)
        categories[rows], long_sleeved[rows] = answers(arrays, table.where(rows))
    return categories, long_sleeved
