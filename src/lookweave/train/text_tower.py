"""The recipe of the text tower: words tuned against the locked image tower.

Locked-image tuning (Zhai et al. 2022, LiT, arXiv 2111.07991) with the sigmoid loss of SigLIP (Zhai
et al. 2023, arXiv 2303.15343), but every query is compared with every garment of the training set
at once: image vectors are frozen, so all of them fit in one matrix. A garment that the query is
true of is a positive, whoever it was written for; where the labels do not say, it does not count.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from rich.console import Console
from torch import Tensor, nn
from torch.nn import functional

from lookweave.models.embedded.describer_head import Arrays, meaning
from lookweave.models.embedded.encoder import combine_vectors
from lookweave.models.embedded.head import MEANING_WIDTH, load_head
from lookweave.models.embedded.words import (
    COLOUR_CONCEPTS,
    CONCEPTS,
    KINDS_OF,
    SLEEVE_CONCEPTS,
    read,
)
from lookweave.taxonomy import CATEGORIES
from lookweave.train.describer import DescriberConfig, answers, cross_fitted
from lookweave.train.labelled_crops import CropTable, Shipped, crop_table
from lookweave.train.running import cosine_rate, seed_everything, use_threads
from lookweave.train.small_records import data_used, write_head
from lookweave.train.word_quality import (
    CLASS_NAMES,
    LEAST,
    class_accuracy,
    colour_queries,
    precision_at,
    right_garments,
    summary,
)
from lookweave.train.word_truth import Truth, together, word_truth

_console = Console(stderr=True)


class TextConfig(BaseModel):
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
    describer: Path
    """The describer's weights, whose kinds are part of an image vector."""
    kind_share: float = Field(0.4, gt=0, lt=1)
    """Share of the kind of garment in the vectors that the tower is tuned against. Where the
    encoder gives it another, the tower scales that part so that the ranking stays."""
    steps: int = Field(400, ge=1)
    rate: float = 0.02
    decay: float = 1e-4
    min_positives: int = 3
    """Queries that fewer training garments satisfy are left out."""
    seed: int = 7
    threads: int = 2


class TextTable(nn.Module):
    """A vector for each concept; a text is the unit-norm sum of its concepts and a base."""

    def __init__(self, concepts: int, dimension: int, start: Tensor) -> None:
        super().__init__()
        self.base = nn.Parameter(start.clone())
        self.concepts = nn.Parameter(torch.zeros(concepts, dimension))
        self.log_temperature = nn.Parameter(torch.tensor(np.log(10.0), dtype=torch.float32))
        self.bias = nn.Parameter(torch.tensor(-5.0))

    def forward(self, queries: Tensor) -> Tensor:
        """(Q, concepts) of 0 and 1 -> (Q, dimension) of unit norm."""
        return functional.normalize(self.base + queries @ self.concepts, dim=1)

    def loss(self, queries: Tensor, images: Tensor, truth: Tensor, weights: Tensor) -> Tensor:
        """The sigmoid loss; positives and negatives of a query weigh the same, weights by image."""
        logits = self.log_temperature.exp() * (self(queries) @ images.T) + self.bias
        losses = -functional.logsigmoid(truth * logits)
        total = losses.new_zeros(())
        for sign in (1, -1):
            share = (truth == sign) * weights
            total = total + (losses * share / share.sum(1, keepdim=True)).sum(1).mean()
        return total


def queries_of(truth: Truth, min_positives: int) -> list[tuple[str, ...]]:
    """Every combination of kind, colour and sleeve that enough garments satisfy."""
    kinds = (*CATEGORIES, *KINDS_OF)
    wanted: list[tuple[str, ...]] = [(name,) for name in CONCEPTS]
    wanted += [(kind, one) for kind in kinds for one in COLOUR_CONCEPTS]
    wanted += [(kind, sleeve) for kind in kinds for sleeve in SLEEVE_CONCEPTS]
    wanted += [(one, sleeve) for one in COLOUR_CONCEPTS for sleeve in SLEEVE_CONCEPTS]
    wanted += [
        (kind, one, sleeve)
        for kind in ("top", "t-shirt", "knitwear", "sweater", "shirt", "jacket", "coat")
        for one in COLOUR_CONCEPTS
        for sleeve in SLEEVE_CONCEPTS
    ]
    return [names for names in wanted if (together(truth, names) == 1).sum() >= min_positives]


def image_vectors(
    table: CropTable, arrays: Arrays, config: TextConfig, shares: tuple[float, ...]
) -> NDArray[np.float32]:
    """The vectors that the encoder gives, float32 (n, dimension).

    The kinds of training garments come from describers that did not see them (`cross_fitted`): the
    tower shall trust them as far as they deserve on new garments.
    """
    categories, long_sleeved = answers(arrays, table)
    trained = table.learned
    recipe = DescriberConfig(
        parsed=config.parsed, products=config.products, out=config.out, cache=config.cache,
        seed=config.seed, threads=config.threads,
    )  # fmt: skip
    fair = cross_fitted(recipe, table)
    categories[trained], long_sleeved[trained] = fair[0][trained], fair[1][trained]
    parts = [table.features, table.histograms, meaning(categories, long_sleeved)]
    return combine_vectors(parts, shares)


def as_rows(queries: Sequence[tuple[str, ...]]) -> NDArray[np.float32]:
    """float32 (queries, concepts) of 0 and 1."""
    rows = np.zeros((len(queries), len(CONCEPTS)), np.float32)
    for place, names in enumerate(queries):
        rows[place, [CONCEPTS.index(name) for name in names]] = 1.0
    return rows


def fit(config: TextConfig, table: CropTable, vectors: NDArray[np.float32]) -> TextTable:
    """Tune the table of concepts on the training rows and their image vectors."""
    seed_everything(config.seed)
    use_threads(config.threads)
    truth = word_truth(table)
    queries = queries_of(truth, config.min_positives)
    images = torch.from_numpy(vectors)
    rows = torch.from_numpy(as_rows(queries))
    signs = torch.from_numpy(np.stack([together(truth, names) for names in queries])).float()
    # Street and product photos count the same, whichever there are more of.
    product = torch.from_numpy(table.sources == "product")
    weights = torch.where(product, 0.5 / product.float().mean(), 0.5 / (~product).float().mean())
    tower = TextTable(len(CONCEPTS), images.shape[1], images.mean(0))
    optimiser = torch.optim.AdamW(tower.parameters(), lr=config.rate, weight_decay=config.decay)
    _console.print(f"{len(queries)} queries, {len(images)} garments")
    generator = np.random.default_rng(config.seed)
    for step in range(config.steps):
        chosen = torch.from_numpy(generator.permutation(len(queries))[:160])
        for group in optimiser.param_groups:
            group["lr"] = config.rate * cosine_rate(step / config.steps)
        loss = tower.loss(rows[chosen], images, signs[chosen], weights)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return tower


def measured(
    tower: TextTable, table: CropTable, images: NDArray[np.float32], split: str
) -> dict[str, Any]:
    """Class names on product photos, colour and kind on street garments of one split."""

    def vectors(queries: Sequence[tuple[str, ...]]) -> NDArray[np.float32]:
        with torch.inference_mode():
            given: NDArray[np.float32] = tower(torch.from_numpy(as_rows(queries))).numpy()
        return given

    of_products = (table.sources == "product") & (table.splits == split)
    of_worn = (table.sources == "mask") & (table.splits == split)
    products, worn = table.where(of_products), table.where(of_worn)
    names = vectors([read(name).concepts for name in CLASS_NAMES])
    similarity = images[of_products] @ names.T
    truth = word_truth(worn)
    queries = colour_queries(truth, worn.shares, LEAST)
    scores = vectors(queries) @ images[of_worn].T
    relevant = [right_garments(truth, worn.shares, query) for query in queries]
    return {
        "class_names": {
            "photos": len(products.labels),
            "accuracy": round(class_accuracy(similarity, products.labels), 4),
        },
        "colour_and_kind": summary(
            [precision_at(*one) for one in zip(scores, relevant, strict=True)],
            [float(one.mean()) for one in relevant],
        ),
    }


def train(config: TextConfig) -> dict[str, Any]:
    """Compute features where needed, tune, measure, write; the record."""
    shipped = Shipped.installed()
    table = crop_table(config.parsed, config.products, shipped, config.cache)
    began = time.monotonic()
    rows = table.learned
    _, arrays = load_head(config.describer, shipped.encoder_sha256, "describer")
    features, colours, _ = shipped.shares
    rest = (1 - config.kind_share) / (features + colours)
    shares = (rest * features, rest * colours, config.kind_share)
    images = image_vectors(table, arrays, config, shares)
    tower = fit(config, table.where(rows), images[rows])
    quality = {split: measured(tower, table, images, split) for split in ("validation", "test")}
    _console.print(quality)
    weights = {"base": tower.base.detach().numpy(), "concepts": tower.concepts.detach().numpy()}
    record = {
        "name": "text",
        "task": "text-embedding",
        "architecture": f"sum of {len(CONCEPTS)} concept vectors, unit norm",
        "data": data_used(table),
        "recipe": "lookweave.train.text_tower",
        "config": config.model_dump(mode="json", exclude=PATHS),
        "seed": config.seed,
        "concepts": list(CONCEPTS),
        "widths": [table.features.shape[1], table.histograms.shape[1], MEANING_WIDTH],
        "shares": list(shares),
        "trained_minutes": round((time.monotonic() - began) / 60, 1),
        "quality": quality["test"],
        "limits": LIMITS,
        "history": [],
    }
    return write_head(config.out / "text.npz", weights, shipped, record)


PATHS = {"parsed", "products", "out", "cache", "describer"}

LIMITS = [
    "reads categories, their finer names, 13 colours and short or long sleeves; pattern, material,"
    " length, neckline, brand, occasion and every other word are left out",
    "a text is a bag of words: order, negation and which colour belongs to which garment are lost",
    "English only",
    "finer names of shoes, knitwear and jackets are learned from few street photos each",
]
