"""The encoder's recipe on an image-text model of the hub: same pairs, batches, losses, measures.

What comes out is a model folder in the form that the model came in, which `build --models FOLDER`
takes; a file in it says how its crops are framed, for they are not those of the original.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from lookweave.errors import InputError, ModelError
from lookweave.models.cards import card_named
from lookweave.models.hub.cards import card_for_path, is_path
from lookweave.models.hub.encoder import FRAMING
from lookweave.models.hub.fetch import locate
from lookweave.models.hub.files import KEPT
from lookweave.models.hub.graphs import architecture, configuration
from lookweave.models.hub.preprocess import recipe_in
from lookweave.models.hub.tokens import tokenizer_in
from lookweave.train.encoder import CHECKPOINT, EncoderConfig, EncoderData, EncoderRecipe
from lookweave.train.encoder_network import JointNetwork
from lookweave.train.encoder_quality import EncoderMeasure
from lookweave.train.garment_crops import EDGE, FADE, GREY, MARGIN
from lookweave.train.garment_pairs import counts
from lookweave.train.running import Budget, TrainingRun, Weights, fit, seed_everything, use_threads
from lookweave.train.trunk import MEAN, STD

_REFERENCES = {"siglip": "SiglipModel", "clip": "CLIPModel"}
_SCALES = ("logit_scale", "logit_bias")  # the recipe's losses have their own


class HubEncoderConfig(EncoderConfig):
    """As `EncoderConfig`; what speaks of trunk, whitening, frozen blocks, blending and several
    runs has no effect."""

    start: str
    """A card's name (see `lookweave models`), or a model folder."""
    models_dir: Path | None = None
    device: str = "auto"
    precision: Literal["bfloat16", "float32"] = "float32"
    """On a processor; a GPU computes in float32."""
    threads: int = 2
    rate: float = 1e-5
    text_rate: float = Field(2e-6, ge=0)
    """0 leaves the text tower as it came."""


class HubNetwork(JointNetwork):
    """Both towers of a model folder: SigLIP, CLIP or OpenCLIP.

    Images come as the recipe normalises them and are brought to the model's own size and
    normalisation; vectors are given back on the CPU, where the losses are.

    Raises:
        ModelError: the folder holds no image-text model, or torch cannot load it.
    """

    our_mean: Tensor
    our_std: Tensor
    their_mean: Tensor
    their_std: Tensor

    def __init__(self, folder: Path, device: str = "auto") -> None:
        super().__init__()
        config = configuration(folder)
        kind = architecture(config, folder)
        if kind.task != "encoder" or kind.text_length is None:
            raise ModelError(f"{folder} is a {kind.task} and no image-text model to start from.")
        recipe = recipe_in(folder, kind.model_type)
        height, width = recipe.crop or (recipe.height, recipe.width)
        if height != width:
            raise ModelError(f"{folder} takes oblong images ({height} x {width}): no start.")
        self.folder, self.side = folder, height
        self._open_clip = kind.model_type == "open_clip"
        self._model: Any = (_open_clip if self._open_clip else _transformers)(folder, config)
        self._tokenize = tokenizer_in(folder, config, kind)
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        self._device = torch.device(device)
        for name, ours, theirs in (("mean", MEAN, recipe.mean), ("std", STD, recipe.std)):
            for whose, values in (("our", ours), ("their", theirs)):
                column = torch.tensor(values, dtype=torch.float32)[:, None, None]
                self.register_buffer(f"{whose}_{name}", column, persistent=False)
        self.to(self._device)

    def image_vectors(self, images: Tensor) -> Tensor:
        """(n, dimension) of unit norm."""
        plain = images.to(self._device) * self.our_std + self.our_mean
        if plain.shape[-1] != self.side:
            size = (self.side, self.side)
            plain = functional.interpolate(plain, size, mode="bicubic", antialias=True)
        given = ((plain - self.their_mean) / self.their_std).contiguous()
        if self._open_clip:
            return _unit(self._model.encode_image(given))
        return _unit(self._model.get_image_features(pixel_values=given).pooler_output)

    def text_vectors(self, texts: Sequence[str]) -> Tensor:
        """(len(texts), dimension) of unit norm."""
        tokens = {
            name: torch.from_numpy(values).to(self._device)
            for name, values in self._tokenize(list(texts)).items()
        }
        if self._open_clip:
            return _unit(self._model.encode_text(tokens["input_ids"]))
        if self._model.config.model_type == "siglip":  # trained on padded texts without a mask
            tokens = {"input_ids": tokens["input_ids"]}
        else:
            tokens = {name: tokens[name] for name in ("input_ids", "attention_mask")}
        return _unit(self._model.get_text_features(**tokens).pooler_output)

    def image_parameters(self) -> Iterator[nn.Parameter]:
        """All of the image tower."""
        return (weights for name, weights in self._named() if "vis" in name.split(".")[0])

    def text_parameters(self) -> Iterator[nn.Parameter]:
        """All of the text tower."""
        return (weights for name, weights in self._named() if "vis" not in name.split(".")[0])

    def _named(self) -> Iterator[tuple[str, nn.Parameter]]:
        return (
            (name, weights) for name, weights in self._model.named_parameters()
            if name.split(".")[0] not in _SCALES
        )  # fmt: skip

    def save(self, folder: Path) -> None:
        """Write a model folder of the form that this one came in, and how crops are framed."""
        folder.mkdir(parents=True, exist_ok=True)
        for pattern in KEPT:
            for file in self.folder.glob(pattern):
                shutil.copy2(file, folder / file.name)
        if self._open_clip:
            from safetensors.torch import save_file

            state = {name: value.cpu().contiguous().clone()
                     for name, value in self._model.state_dict().items()}  # fmt: skip
            save_file(state, folder / "open_clip_model.safetensors")
        else:
            self._model.save_pretrained(folder)
        framing = {"margin": MARGIN, "fade": FADE, "edge": EDGE, "grey": int(GREY)}
        (folder / FRAMING).write_text(json.dumps(framing, indent=2) + "\n", encoding="utf-8")


def _transformers(folder: Path, config: dict[str, Any]) -> Any:
    import transformers

    kind = getattr(transformers, _REFERENCES[str(config["model_type"])])
    return kind.from_pretrained(folder, local_files_only=True, dtype="float32")


def _open_clip(folder: Path, config: dict[str, Any]) -> Any:
    import open_clip

    return open_clip.create_model(f"local-dir:{folder}", device="cpu")


def _unit(vectors: Tensor) -> Tensor:
    return functional.normalize(vectors.float(), dim=1, eps=1e-6).cpu()


def start_folder(start: str, models_dir: Path | None) -> Path:
    """The folder that a card's name or a path means; weights are fetched when they are not here.

    Raises:
        InputError: it names no encoder.
        UnknownModel, HubUnreachable, ModelError: see `fetch.locate`.
    """
    card = card_for_path(start) if is_path(start) else card_named(start)
    if card.task != "encoder" or not card.elsewhere:
        raise InputError(f"--start {start} is no image-text model of the hub or a folder.")
    return locate(card, models_dir)


def train(
    config: HubEncoderConfig, data: EncoderData | None = None,
    measure: EncoderMeasure | None = None,
    after_stage: Callable[[TrainingRun], None] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Train, measure, write the folder ``OUT/model`` and ``OUT/record.json``; the record.

    Args:
        data, measure: read from the configuration's folders when not given.
    """
    folder = start_folder(config.start, config.models_dir)
    data = data or EncoderData.read(config)
    measure = measure or EncoderMeasure.read(
        config.parsed, config.products, data.crops, data.rendered_validation
    )
    use_threads(config.threads)
    seed_everything(config.seed)
    network, judged = HubNetwork(folder, config.device), HubNetwork(folder, config.device)
    before = measure.validation(judged)
    config = config.model_copy(update={"train_side": network.side})

    def validation(weights: Weights) -> dict[str, float]:
        judged.load_state_dict(weights)
        return measure.validation(judged)

    pairs = [*data.photographed, *data.rendered]
    recipe = EncoderRecipe(config, network, pairs, validation)
    run = TrainingRun(
        network, recipe.parameter_groups(config), checkpoint=config.out / CHECKPOINT,
        weight_decay=config.weight_decay, averaging=config.averaging,
        beside=[recipe.pair_loss, recipe.text_loss], resume=config.resume,
    )  # fmt: skip
    if not run.history:  # worse than the start is no result
        run.best_quality = next(iter(before.values()))
    fit(
        run, recipe, Budget(config.steps, config.stage, config.minutes, config.patience),
        after_stage,
    )  # fmt: skip
    judged.load_state_dict(run.best)
    judged.save(config.out / "model")
    record = {
        "name": "hub-encoder",
        "start": config.start,
        "folder": "model",
        "side": network.side,
        "pairs": counts(pairs),
        "config": config.model_dump(
            mode="json", include={"steps", "stage", "minutes", "pairs_per_batch", "hard_share",
                                  "text_weight", "rate", "text_rate", "weight_decay", "seed"}
        ),
        "trained_steps": run.steps,
        "trained_minutes": round(run.spent_seconds / 60, 1),
        "history": run.history,
        "quality": {"validation_before": before, "test": measure.test(judged)},
    }  # fmt: skip
    text = json.dumps(record, indent=2, default=_plain) + "\n"
    (config.out / "record.json").write_text(text, encoding="utf-8")
    return record


def _plain(value: object) -> object:
    return value.item() if isinstance(value, np.generic) else str(value)
