"""The recipe of the joint encoder, from photos to ONNX file and record.

One network learns three things at once with the sigmoid loss of SigLIP: that a product photo and
a look show the same garment, what a catalogue would say of both, and, where there are rendered
pairs, what another pose, camera and light do to a garment. It does so in several runs from one
start, whose mean is better than each (Model soups, Wortsman et al. 2022, arXiv 2203.05482) and
depends less on the seed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from rich.console import Console
from torch import Tensor

from lookweave.models.embedded.cards import CARDS
from lookweave.models.embedded.features import EMBEDDING, MIDDLE, POOLED
from lookweave.train.encoder_network import (
    EncoderNetwork,
    JointNetwork,
    PairSigmoidLoss,
    TextSigmoidLoss,
    new_encoder,
    start_from_whitened,
)
from lookweave.train.encoder_quality import EncoderMeasure
from lookweave.train.encoder_record import RunFacts, encoder_record
from lookweave.train.export import InnerTensor, export_onnx, write_record
from lookweave.train.failures import draw_failures, failures_path
from lookweave.train.garment_crops import SIDE, Garment, prepare_crop
from lookweave.train.garment_pairs import (
    GarmentPair,
    counts,
    photographed_pairs,
    rendered_pairs,
)
from lookweave.train.garment_views import ViewStrength
from lookweave.train.labelled_crops import Columns, cut_crops, tagged_crops
from lookweave.train.pair_batches import Batch, PairBatches
from lookweave.train.product_photos import Pixels
from lookweave.train.running import (
    Budget,
    TrainingRun,
    Weights,
    fit,
    load_checkpoint,
    mean_weights,
    save_checkpoint,
    seed_everything,
    use_threads,
)
from lookweave.train.side_by_side import side_by_side
from lookweave.train.trunk import HEAD_CHANNELS, TrunkName

_console = Console(stderr=True)

START = "encoder.start.pt"
"""The weights before the first step, beside the checkpoint: what the exported ones blend with."""
CHECKPOINT = "encoder.checkpoint.pt"
LOG = "run.log"


class EncoderConfig(BaseModel):
    """Everything that decides what a run gives; part of its record."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    parsed: Path
    """Folder of Clothing Co-Parsing: photos/, masks/, labels.json, tags.csv."""
    products: Path | None = None
    """Folder of product photos: train/<class>/, validation/<class>/, test/<class>/."""
    rendered: Path | None = None
    """Folder that ``lookweave render --labels`` wrote."""
    out: Path
    """Where checkpoint, curves, ONNX file and record go."""
    cache: Path
    """Where the segmenter's crops are kept, one file for each segmenter."""
    trunk: TrunkName = "lite2"
    dimension: int = Field(384, ge=8)
    whitening_power: float = Field(0.5, ge=0, le=1)
    whitening_crops: int = 1600
    frozen_blocks: int = Field(11, ge=0)
    """Half-way through stride 16: edges and weaves stay as ImageNet made them, which halves the
    cost of a step and keeps pairs of one photo from being told by its grain."""
    steps: int = Field(1200, ge=0)
    """0 exports the whitened ImageNet features that training starts from."""
    stage: int = Field(100, ge=1)
    """Steps between two validations."""
    minutes: float | None = None
    """Stop after this long at the latest; None lets the steps decide, and a seed repeat."""
    pairs_per_batch: int = Field(40, ge=2)
    hard_share: float = Field(0.5, ge=0, le=1)
    """Share of a batch that is alike in category and colour; 0 draws batches at random."""
    text_weight: float = Field(0.5, ge=0)
    """Weight of the captions' loss beside the pairs'; 0 leaves captions out."""
    train_side: int = 160
    """Views a little smaller than SIDE: cropped views look larger, which whole crops make up."""
    rate: float = 2e-4
    text_rate: float = 3e-3
    weight_decay: float = 0.02
    products_per_class: int = 480
    """All of them but for the most common class: what a thing is, product photos teach best."""
    patience: int = 4
    """Stages without a better validation after which the run stops."""
    averaging: float = 0.99
    precision: Literal["bfloat16", "float32"] = "bfloat16"
    """Of the image tower's forward and backward pass; weights and losses are float32 always."""
    blend: float = Field(0.7, ge=0, le=1)
    """How far the exported weights lie from the start towards the best of the run: a mean of both
    keeps what ImageNet knew of categories (WiSE-FT, Wortsman et al. 2022, arXiv 2109.01903)."""
    runs: int = Field(2, ge=1)
    """Runs from one start, whose best weights' mean is exported: the first in `out`, the n-th in
    ``run-n`` below it."""
    seed: int = 7
    """Of the start and the first run; each further run has the next number."""
    threads: int = 1
    """Of each run. Sums end in other digits with another number of threads, and a long run then
    in other weights; with one it gives the same on any number of cores."""
    resume: bool = True
    imagenet: bool = True
    strength: ViewStrength = ViewStrength()


@dataclass(frozen=True)
class EncoderData:
    """What the recipe reads, read once.

    Attributes:
        photographed: pairs of one photo each.
        rendered, rendered_validation: pairs of two pictures; families stay on one side.
        crops: columns of `labelled_crops.cut_crops`.
        segmenter_sha256: of the weights that cut the crops.
    """

    photographed: list[GarmentPair]
    rendered: list[GarmentPair]
    rendered_validation: list[GarmentPair]
    crops: Columns
    segmenter_sha256: str

    @classmethod
    def read(cls, config: EncoderConfig) -> EncoderData:
        """Cut crops where the cache lacks them, and read the photos."""
        card = next(card for card in CARDS if card.name == "lookweave-segmenter")
        segmenter = card.load()
        crops = cut_crops(config.parsed, config.products, segmenter, card.key, config.cache)
        pairs: list[GarmentPair] = []
        tagged = tagged_crops(config.parsed, segmenter, card.key, config.cache)
        for columns in (crops, tagged):
            _console.print("reading photos")
            pairs += photographed_pairs(
                config.parsed, config.products, columns,
                products_per_class=config.products_per_class,
            )  # fmt: skip
        train, validation = ([], []) if config.rendered is None else rendered_pairs(config.rendered)
        return cls(pairs, train, validation, crops, card.weights_sha256)


class EncoderRecipe:
    """What `running.fit` asks for: batches, loss and validation of a joint network."""

    title = "encoder"

    def __init__(
        self, config: EncoderConfig, network: JointNetwork, pairs: Sequence[GarmentPair],
        validation: Callable[[Weights], dict[str, float]],
    ) -> None:  # fmt: skip
        self.network = network
        self.pair_loss, self.text_loss = PairSigmoidLoss(), TextSigmoidLoss()
        self.quality = validation
        self._text_weight = config.text_weight
        self._half = config.precision == "bfloat16"
        self._batches = PairBatches(
            pairs, config.pairs_per_batch, config.hard_share, config.train_side, config.strength,
            config.seed,
        )  # fmt: skip

    def batches(self, first: int) -> Iterator[Batch]:
        """From step `first` on, without end."""
        return self._batches.from_step(first)

    def loss(self, batch: Batch) -> Tensor:
        """Pairs, and captions at their weight."""
        views = batch.views.contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=self._half):
            vectors = self.network.image_vectors(views)
        vectors = vectors.float()
        loss: Tensor = self.pair_loss(vectors, batch.garments)
        if self._text_weight and batch.texts:
            texts = self.network.text_vectors(batch.texts)
            loss = loss + self._text_weight * self.text_loss(texts, vectors, batch.signs)
        return loss

    def parameter_groups(self, config: EncoderConfig) -> list[dict[str, Any]]:
        """Image tower, text tower, and what the losses learn."""
        losses = [*self.pair_loss.parameters(), *self.text_loss.parameters()]
        return [
            {"params": list(self.network.image_parameters()), "rate": config.rate},
            {"params": list(self.network.text_parameters()), "rate": config.text_rate},
            {"params": losses, "rate": 1e-2, "weight_decay": 0.0},
        ]


def prepared(garments: Sequence[Garment]) -> list[Pixels]:
    """Each garment's crop as the pipeline would give it to the encoder."""
    return [prepare_crop(garment.pixels, garment.mask) for garment in garments]


def started(config: EncoderConfig, pairs: Sequence[GarmentPair]) -> EncoderNetwork:
    """The network before training: ImageNet's features, whitened, and words where they lie."""
    seed_everything(config.seed)
    network = new_encoder(config.trunk, config.dimension, config.imagenet)
    network.trunk.freeze(config.frozen_blocks)
    chosen = np.random.default_rng(config.seed).permutation(len(pairs))[: config.whitening_crops]
    _console.print(f"whitening the features of {len(chosen)} crops")
    truth = np.stack([pairs[place].truth for place in chosen], axis=1)
    crops = prepared([pairs[place].worn for place in chosen])
    start_from_whitened(network, crops, truth, config.whitening_power)
    return network


def loaded(config: EncoderConfig, weights: Weights) -> EncoderNetwork:
    """A network with these weights, ready to answer."""
    network = new_encoder(config.trunk, config.dimension, imagenet=False)
    network.load_state_dict(weights)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network.eval()


def begun(config: EncoderConfig, data: EncoderData) -> Weights:
    """The weights that every run begins with: `started`'s, kept in `config.out` as `START`."""
    path = config.out / START
    if not (config.resume and (config.out / CHECKPOINT).exists()):
        use_threads(config.threads)
        save_checkpoint(path, started(config, data.photographed).state_dict())
    return load_checkpoint(path)


def trained(
    config: EncoderConfig, data: EncoderData, measure: EncoderMeasure, start: Weights,
    after_stage: Callable[[TrainingRun], None] | None = None,
) -> TrainingRun:  # fmt: skip
    """The run after its last step; one that has ended is read from its checkpoint."""
    use_threads(config.threads)
    seed_everything(config.seed)
    network = new_encoder(config.trunk, config.dimension, imagenet=False)
    network.load_state_dict(start)
    network.trunk.freeze(config.frozen_blocks)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    pairs = [*data.photographed, *(data.rendered if config.rendered is not None else [])]
    recipe = EncoderRecipe(
        config, network, pairs, lambda weights: measure.validation(loaded(config, weights))
    )
    run = TrainingRun(
        network, recipe.parameter_groups(config), checkpoint=config.out / CHECKPOINT,
        weight_decay=config.weight_decay, averaging=config.averaging,
        beside=[recipe.pair_loss, recipe.text_loss], resume=config.resume,
    )  # fmt: skip
    fit(
        run,
        recipe,
        Budget(config.steps, config.stage, config.minutes, config.patience),
        after_stage,
    )
    return run


def trained_runs(
    config: EncoderConfig, data: EncoderData, measure: EncoderMeasure, at_once: int = 1,
    after_stage: Callable[[TrainingRun], None] | None = None,
) -> list[TrainingRun]:  # fmt: skip
    """All of `config.runs`, `at_once` of them side by side, which changes no digit of any."""
    start = begun(config, data)
    changes = [
        {"seed": config.seed + number, "out": config.out / f"run-{number + 1}"}
        for number in range(1, config.runs)
    ]
    runs = [config, *(config.model_copy(update=change) for change in changes)]
    if at_once > 1 and len(runs) > 1:
        for one in runs[1:]:
            told = f"the run of seed {one.seed} goes beside and speaks into {one.out / LOG}"
            _console.print(told, soft_wrap=True)
        beside = [(one, config.out / START) for one in runs[1:]]
        with side_by_side(train_alone, beside, at_once - 1):
            trained(config, data, measure, start, after_stage)
        runs = [one.model_copy(update={"resume": True}) for one in runs]  # all have ended
    done = []
    for number, one in enumerate(runs, start=1):
        _console.print(f"run {number} of {len(runs)}, seed {one.seed}")
        done.append(trained(one, data, measure, start, after_stage))
    return done


def train_alone(config: EncoderConfig, start: Path) -> None:
    """One run in this process, from the weights in `start`; it speaks into `LOG`."""
    config.out.mkdir(parents=True, exist_ok=True)
    with (config.out / LOG).open("a", encoding="utf-8") as log, redirect_stderr(log):
        data = EncoderData.read(config)
        measure = EncoderMeasure.read(
            config.parsed, config.products, data.crops, data.rendered_validation
        )
        trained(config, data, measure, load_checkpoint(start))


def blended(config: EncoderConfig, best: Weights) -> Weights:
    """`config.blend` of the way from the run's start to its best weights."""
    start = load_checkpoint(config.out / START)
    return {name: start[name].lerp(value, config.blend) for name, value in best.items()}


def train(
    config: EncoderConfig, after_stage: Callable[[TrainingRun], None] | None = None,
    at_once: int = 1,
) -> dict[str, Any]:  # fmt: skip
    """Train, measure, export; the record that is written beside the ONNX file.

    Args:
        after_stage: called after each stage of the runs in this process.
        at_once: runs side by side; each takes `config.threads` cores and 6 GB.
    """
    data = EncoderData.read(config)
    measure = EncoderMeasure.read(
        config.parsed, config.products, data.crops, data.rendered_validation
    )
    runs = trained_runs(config, data, measure, at_once, after_stage)
    return finish(config, runs, data, measure)


def inner_tensors(network: EncoderNetwork) -> dict[str, InnerTensor]:
    """What else the exported graph gives out: `EncoderNetwork.pooled`, and the output of the last
    block at a sixteenth of the resolution."""
    block = network.trunk.pyramid_blocks[2]
    side = SIDE // 16
    return {
        POOLED: InnerTensor("/ReduceMean_output_0", ("batch", HEAD_CHANNELS)),
        MIDDLE: InnerTensor(
            f"/trunk/blocks.{block}/Add_output_0", ("batch", "channels", side, side)
        ),
    }


def finish(
    config: EncoderConfig, runs: Sequence[TrainingRun], data: EncoderData, measure: EncoderMeasure
) -> dict[str, Any]:
    """Measure the mean of the runs' best weights on what was never trained on, export it, write
    the record.

    Where `encoder_ablation` has left its table in the folder, it becomes part of the record.
    """
    best = mean_weights([run.best for run in runs])
    network = loaded(config, blended(config, best))
    path = config.out / "encoder.onnx"
    exported = export_onnx(
        network, path, torch.zeros(2, 3, SIDE, SIDE), EMBEDDING, {0: "batch"}, {0: "batch"},
        measure.agreement, inner_tensors(network),
    )  # fmt: skip
    quality = measure.test(network)
    table = config.out / "encoder-ablation.json"
    rows = json.loads(table.read_text(encoding="utf-8")) if table.exists() else []
    steps = sum(run.steps for run in runs)

    def row(what: str, steps: int, weights: Weights) -> dict[str, Any]:
        return {"what": what, "steps": steps, **measure.test(loaded(config, weights))}

    whole = "the whole run" if len(runs) == 1 else f"the mean of {len(runs)} whole runs"
    rows.append(row(f"{whole}, not blended with its start", steps, best))
    if len(runs) > 1:
        for number, run in enumerate(runs):
            what = f"the run of seed {config.seed + number} alone, blended"
            rows.append(row(what, run.steps, blended(config, run.best)))
    shipped = f"{whole}, blended, {config.blend:g} of the way: these weights"
    quality["ablation"] = [*rows, {"what": shipped, "steps": steps, **quality}]
    facts = RunFacts(
        runs=[
            {"seed": config.seed + number, "steps": run.steps,
             "minutes": round(run.spent_seconds / 60, 1), "validation": run.best_quality}
            for number, run in enumerate(runs)
        ],
        history=runs[0].history,
        weights=sum(weight.numel() for weight in (*network.trunk.parameters(),
                                                  *network.project.parameters())),
        exported=exported,
        validation=measure.validation(network),
        pairs=counts([*data.photographed, *(data.rendered if config.rendered else [])]),
        segmenter_sha256=data.segmenter_sha256,
    )  # fmt: skip
    left_out = {"parsed", "products", "rendered", "out", "cache", "resume"}
    settings = config.model_dump(mode="json", exclude=left_out)
    record = encoder_record(settings, facts, quality)
    write_record(path, record)
    draw_failures(failures_path(path), measure.failures(network), "test photos")
    return record
