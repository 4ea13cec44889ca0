"""The recipe of the garment segmenter, from photos to ONNX file and record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from rich.console import Console

from lookweave.models.session import open_session
from lookweave.taxonomy import SEGMENTER_CLASSES
from lookweave.train.curves import draw_curves
from lookweave.train.export import export_onnx, write_record
from lookweave.train.labels import IGNORE, PARTIAL_LABELS, admissible_classes, product_value
from lookweave.train.parsed_photos import ParsedPhoto, load_parsed_photos
from lookweave.train.product_photos import Pixels, ProductPhoto, load_product_photos
from lookweave.train.progress import step_progress
from lookweave.train.region_quality import detector_of, region_quality
from lookweave.train.rendered_photos import load_rendered_photos
from lookweave.train.running import (
    AveragedWeights,
    Clock,
    cosine_rate,
    device_of,
    load_checkpoint,
    save_checkpoint,
    seed_everything,
    use_threads,
)
from lookweave.train.segmentation_data import (
    TAGGED_AUGMENTATION,
    Batch,
    LabelledPhoto,
    SegmentationBatches,
    labelled_photos,
    labelled_products,
)
from lookweave.train.segmentation_quality import (
    Canvases,
    Logits,
    canvases_of,
    parsing_quality,
    product_quality,
)
from lookweave.train.segmentation_record import (
    PhotoCounts,
    RunFacts,
    earlier_run,
    segmenter_record,
)
from lookweave.train.segmenter_network import (
    OUTPUT_STRIDE,
    SegmenterNetwork,
    new_segmenter,
    segmentation_loss,
)
from lookweave.train.tagged_photos import (
    Opinions,
    TaggedPhoto,
    label_tagged,
    load_tagged_photos,
)
from lookweave.train.trunk import TrunkName

_console = Console(stderr=True)


class SegmenterConfig(BaseModel):
    """Everything that decides what a run gives; part of its record."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    parsed: Path
    """Folder of Clothing Co-Parsing: photos/, masks/, labels.json."""
    products: Path | None = None
    """Folder of product photos: train/<class>/, validation/<class>/, test/<class>/."""
    rendered: Path | None = None
    """Folder of ``lookweave render --labels``."""
    tagged: bool = False
    """Learn from the photos with tags only, too."""
    label_tagged_at: tuple[int, ...] = (14, 25)
    """The epochs before which the tagged photos are given (new) masks by the network as it is.
    Before the first a pixel of theirs teaches only that it is one of the classes of the tags."""
    start: Path | None = None
    """The checkpoint of an earlier run, whose best weights this one starts from."""
    out: Path
    """Where checkpoint, curves, ONNX file and record go."""
    canvas: tuple[int, int] = (384, 256)
    """Height and width of a photo in portrait, each a multiple of 32; see `canvases_of`."""
    used_at: tuple[int, int] | None = None
    """The canvas that the finished network is measured and used at; None: the one of training.
    Crops that are zoomed into show garments larger than whole photos do, so that it sees them as
    it did in training when photos are larger (Touvron et al. 2019, arXiv 1906.06423)."""
    trunk: TrunkName = "lite2"
    channels: int = Field(96, ge=8)
    frozen_blocks: int = Field(3, ge=0)
    epochs: int = Field(36, ge=1)
    minutes: float | None = None
    """Stop after this long at the latest; None lets the epochs decide, and a seed repeat."""
    batch_size: int = Field(16, ge=1)
    rate: float = 4e-4
    head_rate_factor: float = 4.0
    weight_decay: float = 0.02
    product_share: float = Field(0.18, ge=0, lt=1)
    products_per_class: int = 160
    rendered_share: float = Field(0.15, ge=0, lt=0.5)
    rarity: float = Field(0.3, ge=0, le=1)
    """Photos with a class that fewer than this share of photos show are drawn oftener."""
    precision: Literal["bfloat16", "float32"] = "bfloat16"
    """Of the forward and backward pass; weights and their averages are float32 always."""
    small_until: float = Field(0.45, ge=0, le=1)
    """The share of the run at three quarters of the resolution, where a step costs half."""
    patience: int = 12
    """Epochs without a better validation mean IoU after which the run stops."""
    averaging: float = 0.997
    seed: int = 7
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where the network learns; ``auto`` is a CUDA card where there is one."""
    threads: int = 2
    """Of the processor, where the network learns on it."""
    workers: int = Field(0, ge=0)
    """Processes that prepare batches for a card; 0 prepares them in threads of this one."""
    resume: bool = True
    imagenet: bool = True

    @property
    def canvases(self) -> Canvases:
        """The sizes that photos are brought to."""
        return canvases_of(self.canvas)

    @property
    def final_canvases(self) -> Canvases:
        """The sizes that photos are brought to when the network is finished."""
        return canvases_of(self.used_at or self.canvas)


FURTHER: dict[str, Any] = {
    "canvas": (448, 288),
    "used_at": (480, 320),
    "epochs": 56,
    "patience": 56,
    "batch_size": 8,
    "rate": 3e-4,
    "averaging": 0.998,
    "product_share": 0.08,
    "small_until": 0.5,
    "label_tagged_at": (1, 29),
}
"""What a run that goes on from an earlier one does otherwise.

After the first run the network still mistakes a fifth of the garments that it was trained on: it
has seen too little. So: more and smaller steps, larger pictures, fewer product photos, which it
knows, and tagged photos with masks from the first epoch, by the network that it starts from.
"""


def _logits_of(network: SegmenterNetwork) -> Logits:
    device = next(network.parameters()).device

    def logits(images: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            given = torch.from_numpy(images).to(device, memory_format=torch.channels_last)
            return np.ascontiguousarray(network(given).cpu().numpy(), np.float32)

    return logits


def _opinions_of(network: SegmenterNetwork) -> Opinions:
    device = next(network.parameters()).device

    def opinions(images: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        with torch.inference_mode():
            given = torch.from_numpy(images).to(device, memory_format=torch.channels_last)
            logits, presence = network.forward_training(given)
        return logits.cpu().numpy(), presence.cpu().numpy()

    return opinions


def _admissible_labels() -> dict[str, frozenset[int]]:
    """Product class -> the segmenter's classes that count as right for it."""
    values = {
        label: frozenset(SEGMENTER_CLASSES.index(member) for member in members)
        for label, members in PARTIAL_LABELS.items()
    }
    for label in ("dress", "hat", "shirt", "shoes", "shorts", "skirt", "t-shirt"):
        values[label] = frozenset({product_value(label)})
    return values


class SegmenterRun:
    """One run: its network, optimiser, averaged weights and history, resumable every epoch."""

    def __init__(self, config: SegmenterConfig) -> None:
        self.config = config
        seed_everything(config.seed)
        use_threads(config.threads)
        self.device = device_of(config.device)
        network = new_segmenter(
            config.trunk, config.channels, config.imagenet and config.start is None
        )
        if config.start is not None:
            network.load_state_dict(load_checkpoint(config.start)["best"])
        network.trunk.freeze(config.frozen_blocks)
        self.network = network.to(  # type: ignore[call-overload]
            self.device, memory_format=torch.channels_last
        )
        head = list(network.head.parameters())
        trunk = [weight for weight in network.trunk.parameters() if weight.requires_grad]
        self.optimiser = torch.optim.AdamW(
            [
                {"params": trunk, "rate": config.rate},
                {"params": head, "rate": config.rate * config.head_rate_factor},
            ],
            lr=config.rate,
            weight_decay=config.weight_decay,
        )
        self.averaged = AveragedWeights(self.network, config.averaging)
        self.admissible = torch.from_numpy(admissible_classes()).to(self.device)
        self.history: list[dict[str, float]] = []
        self.best: dict[str, torch.Tensor] = {}
        self.best_quality = -1.0
        self.steps = 0
        self.spent_seconds = 0.0
        self.checkpoint = config.out / "segmenter.checkpoint.pt"
        if config.resume and self.checkpoint.exists():
            self._restore()

    def _restore(self) -> None:
        stored = load_checkpoint(self.checkpoint)
        self.network.load_state_dict(stored["network"])
        self.optimiser.load_state_dict(stored["optimiser"])
        self.averaged.restore(stored["averaged"], stored["updates"])
        self.history = stored["history"]
        self.best = stored["best"]
        self.best_quality = stored["best_quality"]
        self.steps = stored["steps"]
        self.spent_seconds = stored["spent_seconds"]

    def save(self) -> None:
        """Write the checkpoint of the epoch that has just ended."""
        save_checkpoint(
            self.checkpoint,
            {
                "network": self.network.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "averaged": self.averaged.state,
                "updates": self.averaged.updates,
                "history": self.history,
                "best": self.best,
                "best_quality": self.best_quality,
                "steps": self.steps,
                "spent_seconds": self.spent_seconds,
            },
        )

    def step(self, batch: Batch, progress: float) -> float:
        """One optimiser step; the loss before it."""
        for group in self.optimiser.param_groups:
            group["lr"] = group["rate"] * cosine_rate(progress)
        self.network.train()
        given = batch.images.to(self.device, memory_format=torch.channels_last)
        target, possible = batch.target.to(self.device), batch.possible.to(self.device)
        half = self.config.precision == "bfloat16"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=half):
            logits, presence = self.network.forward_training(given)
        loss = segmentation_loss(logits, presence, target, self.admissible, possible)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 2.0)
        self.optimiser.step()
        self.averaged.update(self.network)
        self.steps += 1
        return float(loss.detach())

    def evaluated(self, weights: dict[str, torch.Tensor]) -> SegmenterNetwork:
        """A copy of the network with other weights, ready to answer."""
        copy = new_segmenter(self.config.trunk, self.config.channels, imagenet=False)
        copy.load_state_dict(weights)
        copy.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        return copy.eval()


def _epoch_canvases(config: SegmenterConfig, progress: float) -> list[tuple[int, int]]:
    """Portrait three times in five; smaller at first, when a rough idea is all there is."""
    portrait, square, landscape = config.canvases
    chosen = [portrait, portrait, portrait, square, square, landscape]
    if progress < config.small_until:
        return [(rows * 3 // 4 // 32 * 32, columns * 3 // 4 // 32 * 32) for rows, columns in chosen]
    return chosen


def train(
    config: SegmenterConfig, after_epoch: Callable[[SegmenterRun], None] | None = None
) -> dict[str, Any]:
    """Train, measure, export; the record that is written beside the ONNX file."""
    run = SegmenterRun(config)
    _console.print(f"reading parsed photos from {config.parsed}")
    train_photos = load_parsed_photos(config.parsed, ["train"])
    validation = load_parsed_photos(config.parsed, ["validation"])
    products: list[ProductPhoto] = []
    if config.products is not None:
        products = load_product_photos(
            config.products, ["train"], limit_per_class=config.products_per_class
        )
    rendered = [] if config.rendered is None else load_rendered_photos(config.rendered)
    tagged = load_tagged_photos(config.parsed) if config.tagged else []
    batches = SegmentationBatches(
        labelled_photos(train_photos), labelled_products(products), labelled_photos(rendered),
        (config.product_share, config.rendered_share), config.rarity, config.batch_size,
        config.canvases, OUTPUT_STRIDE, config.seed, config.workers,
    )  # fmt: skip
    clock = Clock(batches.steps_per_epoch * config.epochs, config.minutes, run.spent_seconds)
    _fit(run, batches, validation, tagged, clock, after_epoch)
    counts = PhotoCounts(len(train_photos), len(batches.products), len(tagged), len(rendered))
    return finish(run, counts)


def _set_tagged(
    run: SegmenterRun, batches: SegmentationBatches, photos: Sequence[TaggedPhoto], epoch: int,
    begun: bool,
) -> None:  # fmt: skip
    """Before an epoch: new masks for the tagged photos when due, the kept ones after a break."""
    due = epoch in run.config.label_tagged_at
    if not photos or not (due or begun):
        return
    masks: Sequence[Pixels] = [
        np.full(photo.pixels.shape[:2], IGNORE, np.uint8) for photo in photos
    ]
    if due or any(at < epoch for at in run.config.label_tagged_at):
        opinions = _opinions_of(run.evaluated(run.averaged.state)) if due else None
        masks = label_tagged(
            photos, opinions, run.config.canvases, run.config.out / "tagged",
            run.config.workers or 1,
        )  # fmt: skip
    batches.set_tagged(
        [
            LabelledPhoto(photo.pixels, mask, TAGGED_AUGMENTATION, photo.possible)
            for photo, mask in zip(photos, masks, strict=True)
        ]
    )


def _fit(
    run: SegmenterRun, batches: SegmentationBatches, validation: Sequence[ParsedPhoto],
    tagged: Sequence[TaggedPhoto], clock: Clock, after_epoch: Callable[[SegmenterRun], None] | None,
) -> None:  # fmt: skip
    since_best = 0
    begun = True
    with step_progress("segmenter") as progress_bar:
        while clock.progress(run.steps) < 1 and since_best < run.config.patience:
            epoch = len(run.history) + 1
            batches.canvases = _epoch_canvases(run.config, clock.progress(run.steps))
            _set_tagged(run, batches, tagged, epoch, begun)
            begun = False
            losses: list[float] = []
            for batch in batches.epoch(epoch):
                progress = clock.progress(run.steps)
                losses.append(run.step(batch, progress))
                progress_bar(epoch, progress, losses[-1], len(batch.images))
                if clock.minutes is not None and progress >= 1:
                    break
            network = run.evaluated(run.averaged.state)
            quality = parsing_quality(
                validation, _logits_of(network), run.config.canvases, run.config.workers or 1
            )
            since_best += 1
            if quality["mean_iou"] > run.best_quality:
                run.best_quality, since_best = quality["mean_iou"], 0
                run.best = run.averaged.copy()
            run.history.append(
                {
                    "epoch": float(epoch),
                    "loss": float(np.mean(losses)),
                    "validation mean IoU": quality["mean_iou"],
                    "validation regions found": quality["found"],
                    "validation found and labelled": quality["found_and_labelled"],
                    "minutes": clock.spent_seconds / 60,
                }
            )
            run.spent_seconds = clock.spent_seconds
            run.save()
            draw_curves(run.config.out / "segmenter-curves.png", run.history, "segmenter")
            _console.print({key: round(value, 3) for key, value in run.history[-1].items()})
            if after_epoch is not None:
                after_epoch(run)


_PLACES = ("parsed", "products", "rendered", "start", "out", "resume")
"""Settings that say where things lie, and nothing of the recipe."""


def finish(run: SegmenterRun, photos: PhotoCounts) -> dict[str, Any]:
    """Export the best weights, measure the exported file on test photos, write the record."""
    config = run.config
    network = run.evaluated(run.best).cpu()
    path = config.out / "segmenter.onnx"
    example = torch.zeros(2, 3, *config.canvas)
    difference = export_onnx(
        network, path, example, "logits", {0: "batch", 2: "height", 3: "width"},
        output_axes={0: "batch", 2: "height_4", 3: "width_4"},
    )  # fmt: skip
    quality = measured(path, config)
    settings = config.model_dump(mode="json", exclude=set(_PLACES))
    weights = sum(weight.numel() for weight in network.parameters())
    facts = RunFacts(
        run.spent_seconds / 60, run.steps, run.history, weights, difference, photos,
        earlier_run(config.start),
    )  # fmt: skip
    record = segmenter_record(settings, facts, quality)
    write_record(path, record)
    return record


def measured(path: Path, config: SegmenterConfig) -> dict[str, Any]:
    """How well an exported network does on the test photos, at the size that it is used at."""
    canvases = config.final_canvases
    session = open_session(path, threads=config.threads)

    def logits(images: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(session.run(["logits"], {"image": images})[0], np.float32)

    test = load_parsed_photos(config.parsed, ["test"])
    quality: dict[str, Any] = {"parsed_test": parsing_quality(test, logits, canvases)}
    quality["regions_test"] = region_quality(test, detector_of(path, canvases))
    if config.products is not None:
        held_out = load_product_photos(config.products, ["test"])
        quality["product_test"] = product_quality(held_out, _admissible_labels(), logits, canvases)
    return quality
