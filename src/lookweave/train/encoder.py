"""The recipe of the image encoder, from photos to ONNX file and record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from rich.console import Console

from lookweave.train.curves import draw_curves
from lookweave.train.encoder_network import (
    EncoderNetwork,
    PairSigmoidLoss,
    new_encoder,
    outputs_of,
    start_from_whitened,
)
from lookweave.train.encoder_record import RunFacts, encoder_record
from lookweave.train.export import export_onnx, write_record
from lookweave.train.garment_crops import (
    SIDE,
    Garment,
    prepare_crop,
    product_garments,
    worn_garments,
)
from lookweave.train.garment_views import ViewStrength
from lookweave.train.pair_batches import PairBatches
from lookweave.train.parsed_photos import load_parsed_photos
from lookweave.train.product_photos import Pixels, load_product_photos
from lookweave.train.progress import step_progress
from lookweave.train.retrieval_quality import (
    neighbour_accuracy,
    retrieval_crops,
    retrieval_scores,
)
from lookweave.train.running import (
    AveragedWeights,
    Clock,
    cosine_rate,
    load_checkpoint,
    save_checkpoint,
    seed_everything,
    use_threads,
)
from lookweave.train.trunk import TrunkName

_console = Console(stderr=True)


class EncoderConfig(BaseModel):
    """Everything that decides what a run gives; part of its record."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    parsed: Path
    """Folder of Clothing Co-Parsing: photos/, masks/, labels.json."""
    products: Path | None = None
    """Folder of product photos: train/<class>/, validation/<class>/, test/<class>/."""
    out: Path
    """Where checkpoint, curves, ONNX file and record go."""
    trunk: TrunkName = "lite2"
    dimension: int = Field(384, ge=8)
    whitening_power: float = Field(0.5, ge=0, le=1)
    whitening_crops: int = 2400
    frozen_blocks: int = Field(11, ge=0)
    """Half-way through stride 16: edges and weaves stay as ImageNet made them, which halves the
    cost of a step and keeps pairs of one photo from being told by its grain."""
    epochs: int = Field(5, ge=0)
    """0 exports the whitened ImageNet features that training starts from."""
    minutes: float | None = None
    """Stop after this long at the latest; None lets the epochs decide, and a seed repeat."""
    garments_per_batch: int = Field(40, ge=2)
    hard_share: float = Field(0.5, ge=0, le=1)
    train_side: int = 160
    """Views a little smaller than SIDE: cropped views look larger, which whole crops make up."""
    rate: float = 2e-4
    weight_decay: float = 0.02
    products_per_class: int = 120
    patience: int = 3
    """Epochs without a better validation MRR after which the run stops."""
    averaging: float = 0.995
    blend: float = Field(0.5, ge=0, le=1)
    """How far from the start to the trained weights the shipped ones lie (Wortsman et al. 2022,
    arXiv 2109.01903): below 1 some of ImageNet's breadth is kept against what the pairs lack."""
    seed: int = 7
    threads: int = 2
    resume: bool = True
    imagenet: bool = True
    strength: ViewStrength = ViewStrength()


class EncoderRun:
    """One run: network, loss, optimiser, averaged weights and history, resumable every epoch."""

    def __init__(self, config: EncoderConfig, garments: Sequence[Garment]) -> None:
        self.config = config
        seed_everything(config.seed)
        use_threads(config.threads)
        network = new_encoder(config.trunk, config.dimension, config.imagenet)
        network.trunk.freeze(config.frozen_blocks)
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.loss = PairSigmoidLoss()
        trained = [weight for weight in network.parameters() if weight.requires_grad]
        self.optimiser = torch.optim.AdamW(
            [
                {"params": trained, "rate": config.rate},
                {"params": list(self.loss.parameters()), "rate": 1e-2, "weight_decay": 0.0},
            ],
            lr=config.rate,
            weight_decay=config.weight_decay,
        )
        self.checkpoint = config.out / "encoder.checkpoint.pt"
        self.history: list[dict[str, float]] = []
        self.best_quality = -1.0
        self.steps = 0
        self.spent_seconds = 0.0
        resumes = config.resume and self.checkpoint.exists()
        if not resumes:
            self._start(garments)
        self.averaged = AveragedWeights(self.network, config.averaging)
        self.best = {name: value.clone() for name, value in self.averaged.state.items()}
        self.start = {name: value.clone() for name, value in self.averaged.state.items()}
        if resumes:
            self._restore()

    def _start(self, garments: Sequence[Garment]) -> None:
        chosen = np.random.default_rng(self.config.seed).permutation(len(garments))
        crops = prepared([garments[i] for i in chosen[: self.config.whitening_crops]])
        _console.print(f"whitening the features of {len(crops)} crops")
        start_from_whitened(self.network, crops, self.config.whitening_power)

    def _restore(self) -> None:
        stored = load_checkpoint(self.checkpoint)
        self.network.load_state_dict(stored["network"])
        self.loss.load_state_dict(stored["loss"])
        self.optimiser.load_state_dict(stored["optimiser"])
        self.averaged.state = stored["averaged"]
        self.averaged.updates = stored["updates"]
        self.history = stored["history"]
        self.best = stored["best"]
        self.start = stored["start"]
        self.best_quality = stored["best_quality"]
        self.steps = stored["steps"]
        self.spent_seconds = stored["spent_seconds"]

    def save(self) -> None:
        """Write the checkpoint of the epoch that has just ended."""
        save_checkpoint(
            self.checkpoint,
            {
                "network": self.network.state_dict(),
                "loss": self.loss.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "averaged": self.averaged.state,
                "updates": self.averaged.updates,
                "history": self.history,
                "best": self.best,
                "start": self.start,
                "best_quality": self.best_quality,
                "steps": self.steps,
                "spent_seconds": self.spent_seconds,
            },
        )

    def blended(self) -> dict[str, torch.Tensor]:
        """The weights to ship: `config.blend` of the way from the start to the best."""
        return {
            name: self.start[name].lerp(value, self.config.blend)
            for name, value in self.best.items()
        }

    def step(self, views: torch.Tensor, garments: torch.Tensor, progress: float) -> float:
        """One optimiser step; the loss before it."""
        for group in self.optimiser.param_groups:
            group["lr"] = group["rate"] * cosine_rate(progress)
        self.network.train()
        embeddings = self.network(views.contiguous(memory_format=torch.channels_last))
        loss = self.loss(embeddings, garments)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 2.0)
        self.optimiser.step()
        self.averaged.update(self.network)
        self.steps += 1
        return float(loss.detach())

    def evaluated(self, weights: dict[str, torch.Tensor]) -> EncoderNetwork:
        """A copy of the network with other weights, ready to answer."""
        copy = new_encoder(self.config.trunk, self.config.dimension, imagenet=False)
        copy.load_state_dict(weights)
        copy.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return copy.eval()


def prepared(garments: Sequence[Garment]) -> list[Pixels]:
    """Each garment's crop as the pipeline would give it to the encoder."""
    return [prepare_crop(garment.pixels, garment.mask) for garment in garments]


def _retrieval(
    network: EncoderNetwork, crops: tuple[list[Pixels], list[Pixels]]
) -> dict[str, float]:
    return retrieval_scores(outputs_of(network, crops[0]), outputs_of(network, crops[1]))


def train(
    config: EncoderConfig, after_epoch: Callable[[EncoderRun], None] | None = None
) -> dict[str, Any]:
    """Train, measure, export; the record that is written beside the ONNX file."""
    _console.print(f"reading parsed photos from {config.parsed}")
    garments = worn_garments(load_parsed_photos(config.parsed, ["train"]))
    worn = len(garments)
    if config.products is not None:
        photos = load_product_photos(
            config.products, ["train"], limit_per_class=config.products_per_class
        )
        garments += product_garments(photos)
    validation = worn_garments(load_parsed_photos(config.parsed, ["validation"]))
    run = EncoderRun(config, garments)
    batches = PairBatches(
        garments, config.garments_per_batch, config.hard_share, config.train_side,
        config.strength, config.seed,
    )  # fmt: skip
    _fit(run, batches, validation, after_epoch)
    return finish(run, worn, garments)


def _fit(
    run: EncoderRun, batches: PairBatches, validation: Sequence[Garment],
    after_epoch: Callable[[EncoderRun], None] | None,
) -> None:  # fmt: skip
    config = run.config
    if config.epochs == 0:
        return
    clock = Clock(batches.steps_per_epoch * config.epochs, config.minutes, run.spent_seconds)
    crops = retrieval_crops(list(validation) * 2, SIDE)
    crops = crops[0], crops[1][: len(validation)]
    since_best = 0
    with step_progress("encoder") as progress_bar:
        while clock.progress(run.steps) < 1 and since_best < config.patience:
            epoch = len(run.history) + 1
            losses: list[float] = []
            for views, identities in batches.epoch(epoch):
                progress = clock.progress(run.steps)
                losses.append(run.step(views, identities, progress))
                progress_bar(epoch, progress, losses[-1], len(views))
                if config.minutes is not None and progress >= 1:
                    break
            quality = _validation_quality(run.evaluated(run.averaged.state), crops)
            since_best += 1
            if quality["MRR"] > run.best_quality:
                run.best_quality, since_best = quality["MRR"], 0
                run.best = {name: value.clone() for name, value in run.averaged.state.items()}
            run.history.append(
                {
                    "epoch": float(epoch),
                    "loss": float(np.mean(losses)),
                    "validation R@1": quality["R@1"],
                    "validation R@10": quality["R@10"],
                    "validation MRR": quality["MRR"],
                    "minutes": clock.spent_seconds / 60,
                }
            )
            run.spent_seconds = clock.spent_seconds
            run.save()
            draw_curves(config.out / "encoder-curves.png", run.history, "encoder")
            _console.print({key: round(value, 3) for key, value in run.history[-1].items()})
            if after_epoch is not None:
                after_epoch(run)


def _validation_quality(
    network: EncoderNetwork, crops: tuple[list[Pixels], list[Pixels]]
) -> dict[str, float]:
    """Scores with several changed queries for each gallery row: few garments, less noise."""
    queries, gallery = outputs_of(network, crops[0]), outputs_of(network, crops[1])
    rounds = [
        retrieval_scores(queries[first : first + len(gallery)], gallery)
        for first in range(0, len(queries), len(gallery))
    ]
    return {name: float(np.mean([scores[name] for scores in rounds])) for name in rounds[0]}


def _ablation(run: EncoderRun, crops: tuple[list[Pixels], list[Pixels]]) -> list[dict[str, Any]]:
    """The same retrieval with what the run started from and before blending."""
    imagenet = new_encoder(run.config.trunk, run.config.dimension, run.config.imagenet)
    raw = [outputs_of(imagenet, side, pooled=True) for side in crops]
    unit = [side / np.linalg.norm(side, axis=1, keepdims=True) for side in raw]
    return [
        {"what": "ImageNet features, not projected", **retrieval_scores(unit[0], unit[1])},
        {
            "what": "ImageNet features, whitened: the start",
            **_retrieval(run.evaluated(run.start), crops),
        },
        {
            "what": "trained, not blended with the start",
            **_retrieval(run.evaluated(run.best), crops),
        },
    ]


def measured(
    run: EncoderRun, network: EncoderNetwork, garments: Sequence[Garment]
) -> dict[str, Any]:
    """Quality on garments that were never trained on."""
    config = run.config
    crops = retrieval_crops(worn_garments(load_parsed_photos(config.parsed, ["test"])), SIDE)
    scores = _retrieval(network, crops)
    quality: dict[str, Any] = {
        "cut_out_to_scene": scores,
        "ablation": [
            *_ablation(run, crops),
            {"what": "trained, blended: the shipped weights", **scores},
        ],
    }
    if config.products is not None:
        held_out = product_garments(load_product_photos(config.products, ["test"]))
        known = [garment for garment in garments if not garment.photo.isdigit()]
        quality["product_class_10nn"] = round(
            neighbour_accuracy(
                outputs_of(network, prepared(known)), [garment.group for garment in known],
                outputs_of(network, prepared(held_out)), [garment.group for garment in held_out],
            ),
            4,
        )  # fmt: skip
    return quality


def finish(run: EncoderRun, worn: int, garments: Sequence[Garment]) -> dict[str, Any]:
    """Measure the best weights on test photos, export them, write the record."""
    config = run.config
    network = run.evaluated(run.blended())
    quality = measured(run, network, garments)
    path = config.out / "encoder.onnx"
    difference = export_onnx(
        network, path, torch.zeros(2, 3, SIDE, SIDE), "embedding", {0: "batch"}, {0: "batch"}
    )
    facts = RunFacts(
        minutes=run.spent_seconds / 60, steps=run.steps, history=run.history,
        weights=sum(weight.numel() for weight in network.parameters()),
        onnx_difference=difference, worn=worn, products=len(garments) - worn,
    )  # fmt: skip
    settings = config.model_dump(mode="json", exclude={"parsed", "products", "out", "resume"})
    record = encoder_record(settings, facts, quality)
    write_record(path, record)
    return record
