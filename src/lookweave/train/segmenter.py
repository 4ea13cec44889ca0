"""The recipe of the garment segmenter, from photos to ONNX file and record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console

from lookweave.models.session import open_session
from lookweave.taxonomy import SEGMENTER_CLASSES
from lookweave.train.curves import draw_curves
from lookweave.train.export import export_onnx, write_record
from lookweave.train.failures import draw_failures, failures_path
from lookweave.train.labels import IGNORE, PARTIAL_LABELS, admissible_classes, product_value
from lookweave.train.parsed_photos import ParsedPhoto, load_parsed_photos
from lookweave.train.precision import Agreement, same_classes
from lookweave.train.product_photos import Pixels, ProductPhoto, load_product_photos
from lookweave.train.progress import step_progress
from lookweave.train.region_quality import detector_of, region_failures, region_quality
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
    Logits,
    parsing_quality,
    product_quality,
    segment,
)
from lookweave.train.segmentation_record import (
    PhotoCounts,
    RunFacts,
    earlier_run,
    segmenter_record,
)
from lookweave.train.segmenter_config import SegmenterConfig
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

_console = Console(stderr=True)


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

    def judge(self, quality: float) -> bool:
        """Keep the averaged weights unless earlier ones were clearly better on validation photos.

        True where none were: the measure of `config.patience`.
        """
        if quality > self.best_quality - self.config.indistinct:
            self.best = self.averaged.copy()
        better = quality > self.best_quality
        self.best_quality = max(quality, self.best_quality)
        return better

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
            since_best = 0 if run.judge(quality["mean_iou"]) else since_best + 1
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
    exported = export_onnx(
        network, path, example, "logits", {0: "batch", 2: "height", 3: "width"},
        {0: "batch", 2: "height_4", 3: "width_4"}, _agreement(config),
    )  # fmt: skip
    quality = measured(path, config)
    settings = config.model_dump(mode="json", exclude=set(_PLACES))
    weights = sum(weight.numel() for weight in network.parameters())
    facts = RunFacts(
        run.spent_seconds / 60, run.steps, run.history, weights, exported, photos,
        earlier_run(config.start),
    )  # fmt: skip
    record = segmenter_record(settings, facts, quality)
    write_record(path, record)
    test = load_parsed_photos(config.parsed, ["test"])
    failed = region_failures(test, detector_of(path, config.final_canvases))
    draw_failures(failures_path(path), failed, "test photos")
    return record


def _agreement(config: SegmenterConfig) -> Agreement:
    """How far two segmenters give the pixels of the validation photos the same class."""
    photos = load_parsed_photos(config.parsed, ["validation"])

    def agreement(first: Logits, second: Logits) -> float:
        return same_classes(
            *([segment(photo.pixels, logits, config.final_canvases) for photo in photos]
              for logits in (first, second))
        )  # fmt: skip

    return agreement


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
