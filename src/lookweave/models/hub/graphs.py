"""The networks inside a model folder: which there are, and how torch builds each.

A graph takes named arrays and gives named arrays; the same module is run by torch and exported
to ONNX, so both backends run the very same network.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lookweave.errors import ModelError

Config = dict[str, Any]
Size = tuple[int, int]


@dataclass(frozen=True)
class Graph:
    """One network of an architecture.

    Attributes:
        name: ``image``, ``text`` or ``detector``.
        inputs: names of its inputs, in the order of the module's arguments.
        outputs: names of its outputs.
        module: folder and configuration -> torch module that returns a tuple.
        example: configuration and size of a photo -> torch tensors to trace it with.
        free_sides: its photos may have any height and width.
        exportable: whether it can leave torch.
    """

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    module: Callable[[Path, Config], Any]
    example: Callable[[Config, Size], tuple[Any, ...]]
    free_sides: bool = False
    exportable: bool = True


@dataclass(frozen=True)
class Architecture:
    """What one `model_type` is: its task and its networks.

    Attributes:
        model_type: as in config.json; ``open_clip`` for a folder in OpenCLIP's form.
        task: ``encoder`` or ``detector``.
        loader: ``module:Class`` of the model.
        text_length: configuration -> tokens of a text, or None.
    """

    model_type: str
    task: str
    loader: str
    graphs: dict[str, Graph]
    needs: tuple[str, ...] = ("torch", "transformers")
    text_length: Callable[[Config], int] | None = None
    dimension: Callable[[Config], int] | None = None
    settings: dict[str, Any] = field(default_factory=dict)


def configuration(folder: Path) -> Config:
    """The folder's configuration, with its ``model_type``.

    Raises:
        ModelError: the folder holds no model, or its configuration is no JSON.
    """
    for name in ("open_clip_config.json", "config.json"):
        path = folder / name
        if not path.exists():
            continue
        try:
            config: Config = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ModelError(f"{path} is not valid JSON: {error}.") from error
        return {**config, "model_type": "open_clip"} if name.startswith("open") else config
    raise ModelError(
        f"{folder} holds no model: it has neither config.json nor open_clip_config.json."
    )


def architecture(config: Config, folder: Path) -> Architecture:
    """Raises: ModelError: no loader is known for this model type."""
    kind = str(config.get("model_type", ""))
    if kind == "siglip2":
        raise ModelError(
            f"{folder} is a SigLIP 2 in its NaFlex form (model_type siglip2), which takes patches "
            "of any aspect and is not read here. Use one of a fixed size, such as "
            "google/siglip2-base-patch16-224 (siglip2-base), whose type is siglip."
        )
    if kind not in ARCHITECTURES:
        known = ", ".join(sorted(ARCHITECTURES))
        raise ModelError(
            f"{folder}: there is no loader for models of type {kind!r}. Known: {known}. "
            "Or export it to ONNX and name the .onnx file."
        )
    return ARCHITECTURES[kind]


def _ids(shape: tuple[int, int]) -> Any:
    import torch

    return torch.zeros(shape, dtype=torch.int64)


def _photos(config: Config, size: Size) -> tuple[Any, ...]:
    import torch

    return (torch.zeros(2, 3, *size),)


def _reference(name: str, folder: Path) -> Any:
    """A model of transformers, from files alone: nothing is fetched, no code of the folder runs."""
    import transformers

    kind = getattr(transformers, name)
    log: Any = transformers.logging
    level, bar = log.get_verbosity(), log.is_progress_bar_enabled()
    # One tower of a model leaves the other's weights unused; the loader would report each.
    log.set_verbosity_error()
    log.disable_progress_bar()
    try:
        return kind.from_pretrained(folder, local_files_only=True, dtype="float32").eval()
    except (OSError, ValueError, RuntimeError) as error:
        raise ModelError(f"{folder} cannot be loaded as {name}: {error}.") from error
    finally:
        log.set_verbosity(level)
        if bar:
            log.enable_progress_bar()


def _siglip_image(folder: Path, config: Config) -> Any:
    from lookweave.models.hub import modules

    model = _reference("SiglipVisionModel", folder)
    return modules.Pooled(model, model.encoder.layers)


def _dino_image(folder: Path, config: Config) -> Any:
    from lookweave.models.hub import modules

    model = _reference(_DINO[config["model_type"]], folder)
    encoder = model.model if config["model_type"] == "dinov3_vit" else model.encoder
    return modules.Pooled(model, encoder.layer)


def _siglip_text(folder: Path, config: Config) -> Any:
    from lookweave.models.hub import modules

    return modules.PooledText(_reference("SiglipTextModel", folder))


def _clip_image(folder: Path, config: Config) -> Any:
    from lookweave.models.hub import modules

    return modules.ClipImage(_reference("CLIPModel", folder))


def _clip_text(folder: Path, config: Config) -> Any:
    from lookweave.models.hub import modules

    return modules.ClipText(_reference("CLIPModel", folder))


def _open_clip(part: str) -> Callable[[Path, Config], Any]:
    def build(folder: Path, config: Config) -> Any:
        from lookweave.models.hub import modules

        return modules.open_clip_tower(folder, part)

    return build


def _boxes(name: str) -> Callable[[Path, Config], Any]:
    def build(folder: Path, config: Config) -> Any:
        from lookweave.models.hub import modules

        return modules.Boxes(_reference(name, folder))

    return build


def _prompted(name: str) -> Callable[[Path, Config], Any]:
    def build(folder: Path, config: Config) -> Any:
        from lookweave.models.hub import modules

        return getattr(modules, name)(_reference(f"{name}ForObjectDetection", folder))

    return build


def _pixel_classes(folder: Path, config: Config) -> Any:
    from lookweave.models.hub import modules

    return modules.PixelClasses(_reference("SegformerForSemanticSegmentation", folder))


def _siglip_ids(config: Config, size: Size) -> tuple[Any, ...]:
    return (_ids((2, _text(config).get("max_position_embeddings", 64))),)


def _open_clip_ids(config: Config, size: Size) -> tuple[Any, ...]:
    return (_ids((2, config["model_cfg"]["text_cfg"].get("context_length", 77))),)


def _clip_ids(config: Config, size: Size) -> tuple[Any, ...]:
    ids = _ids((2, _text(config).get("max_position_embeddings", 77)))
    return ids, ids + 1


def _owlv2_inputs(config: Config, size: Size) -> tuple[Any, ...]:
    import torch

    ids = _ids((3, _text(config).get("max_position_embeddings", 16)))
    ids[:, 0] = 1
    return torch.zeros(2, 3, *size), ids, torch.ones_like(ids)


def _text(config: Config) -> Config:
    text: Config = config.get("text_config") or {}
    return text


ENCODER = "lookweave.models.hub.encoder:HubEncoder"
DETECTOR = "lookweave.models.hub.detector:HubDetector"
PROMPTED = "lookweave.models.hub.prompted:PromptedDetector"
SEGMENTER = "lookweave.models.hub.segments:HubSegmenter"

_IMAGE = (("pixel_values",), ("vector", "patches"))
_DINO = {
    "dinov2": "Dinov2Model",
    "dinov2_with_registers": "Dinov2WithRegistersModel",
    "dinov3_vit": "DINOv3ViTModel",
}
_DETECTION = (("pixel_values",), ("logits", "boxes"))

ARCHITECTURES: dict[str, Architecture] = {
    one.model_type: one
    for one in (
        Architecture(
            "siglip", "encoder", ENCODER,
            {
                "image": Graph("image", *_IMAGE, _siglip_image, _photos),
                "text": Graph(
                    "text", ("input_ids",), ("vector",), _siglip_text, _siglip_ids,
                ),
            },
            text_length=lambda config: _text(config).get("max_position_embeddings", 64),
            dimension=lambda config: config.get("vision_config", {}).get("hidden_size", 768),
        ),
        Architecture(
            "clip", "encoder", ENCODER,
            {
                "image": Graph("image", *_IMAGE, _clip_image, _photos),
                "text": Graph(
                    "text", ("input_ids", "attention_mask"), ("vector",), _clip_text, _clip_ids,
                ),
            },
            text_length=lambda config: _text(config).get("max_position_embeddings", 77),
            dimension=lambda config: config.get("projection_dim", 512),
        ),
        Architecture(
            "open_clip", "encoder", ENCODER,
            {
                "image": Graph("image", *_IMAGE, _open_clip("image"), _photos),
                "text": Graph(
                    "text", ("input_ids",), ("vector",), _open_clip("text"), _open_clip_ids,
                ),
            },
            needs=("torch", "open_clip", "transformers"),
            text_length=lambda config: config["model_cfg"]["text_cfg"].get("context_length", 77),
            dimension=lambda config: config["model_cfg"]["embed_dim"],
        ),
        *(
            Architecture(
                kind, "encoder", ENCODER, {"image": Graph("image", *_IMAGE, _dino_image, _photos)},
                dimension=lambda config: config.get("hidden_size", 768),
            )
            for kind in _DINO
        ),
        Architecture(
            "yolos", "detector", DETECTOR,
            {
                "detector": Graph(
                    "detector", *_DETECTION, _boxes("YolosForObjectDetection"), _photos,
                    free_sides=True,
                ),
            },
            settings={"decode": "softmax", "threshold": 0.5},
        ),
        Architecture(
            "detr", "detector", DETECTOR,
            {
                "detector": Graph(
                    "detector", *_DETECTION, _boxes("DetrForObjectDetection"), _photos,
                    free_sides=True,
                ),
            },
            settings={"decode": "softmax", "threshold": 0.5},
        ),
        Architecture(
            "rt_detr", "detector", DETECTOR,
            {
                "detector": Graph(
                    "detector", *_DETECTION, _boxes("RTDetrForObjectDetection"), _photos,
                ),
            },
            settings={"decode": "focal", "threshold": 0.5},
        ),
        Architecture(
            "owlv2", "detector", PROMPTED,
            {
                "detector": Graph(
                    "detector", ("pixel_values", "input_ids", "attention_mask"),
                    ("logits", "boxes"), _prompted("Owlv2"), _owlv2_inputs,
                ),
            },
            text_length=lambda config: _text(config).get("max_position_embeddings", 16),
            settings={"prompts": "queries", "threshold": 0.15},
        ),
        Architecture(
            "grounding-dino", "detector", PROMPTED,
            {
                "detector": Graph(
                    "detector",
                    ("pixel_values", "input_ids", "attention_mask", "token_type_ids"),
                    ("logits", "boxes"), _prompted("GroundingDino"), _photos,
                    # Its deformable attention and masks of text do not pass torch's exporter.
                    free_sides=True, exportable=False,
                ),
            },
            settings={"prompts": "tokens", "threshold": 0.3},
        ),
        Architecture(
            "segformer", "detector", SEGMENTER,
            {
                "detector": Graph(
                    "detector", ("pixel_values",), ("logits",), _pixel_classes, _photos,
                ),
            },
        ),
    )
}  # fmt: skip
"""Every architecture that a folder may hold, by its `model_type`."""
