"""A network of a model folder, ready to be called: graph, backend and batch size put together."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from lookweave.errors import ModelError
from lookweave.models.card import Card
from lookweave.models.hub.backends import (
    Arrays,
    Backend,
    Batcher,
    OnnxBackend,
    OpenVinoBackend,
    TorchBackend,
)
from lookweave.models.hub.export import onnx_file
from lookweave.models.hub.files import weight_files
from lookweave.models.hub.graphs import Architecture, Config, Graph, Size
from lookweave.models.hub.runtime import Runtime, RuntimeChoice, fitting_batch_size

logger = logging.getLogger(__name__)


class Network:
    """One network, called with arrays of any length.

    Args:
        folder: a model folder.
        size: height and width of a photo as it enters the network, an example where they vary.
        one_mb: activations of one photo (or text) in float32, for the batch size.

    Raises:
        ConfigError: the card's runtime settings do not go together.
        ModelError: a package is missing, or the network cannot be loaded.
    """

    def __init__(
        self, card: Card, folder: Path, config: Config, kind: Architecture, graph: str,
        models_dir: Path | None, *, one_mb: float, size: Size = (224, 224),
    ) -> None:  # fmt: skip
        self.graph: Graph = kind.graphs[graph]
        int8 = bool(card.settings.get("int8", False))
        runtime = Runtime.of({**card.running, **({"precision": "int8"} if int8 else {})})
        if runtime.backend == "auto" and self._only_exported(folder, kind, graph):
            logger.info("%s holds its %s network as ONNX only: onnxruntime.", folder, graph)
            runtime = replace(runtime, backend="onnxruntime")
        choice = runtime.choose(exportable=self.graph.exportable)
        self.choice: RuntimeChoice = choice
        self.backend: Backend = self._load(folder, config, kind, choice, models_dir, size)
        self.batch = Batcher(self.backend, fitting_batch_size(runtime, choice, one_mb))
        logger.info(
            "The %s network of %s runs in %s on %s in %s, batches of %d.",
            graph, card.name, choice.backend, choice.device, choice.precision,
            self.batch.batch_size,
        )  # fmt: skip

    def __call__(
        self, inputs: Mapping[str, NDArray[Any]], shared: Mapping[str, NDArray[Any]] | None = None
    ) -> Arrays:
        """Outputs by name for all rows of `inputs`; `shared` goes along with each batch."""
        return self.batch(inputs, shared)

    def _only_exported(self, folder: Path, kind: Architecture, graph: str) -> bool:
        torch_can = _has(kind.needs) and bool(weight_files(folder))
        return (folder / f"{graph}.onnx").exists() and not torch_can

    def _load(
        self, folder: Path, config: Config, kind: Architecture, choice: RuntimeChoice,
        models_dir: Path | None, size: Size,
    ) -> Backend:  # fmt: skip
        if choice.backend == "torch":
            _require(kind.needs, folder)
            module = self.graph.module(folder, config)
            return TorchBackend(module, self.graph.inputs, self.graph.outputs, choice)
        int8 = choice.precision == "int8"
        path = onnx_file(folder, config, self.graph, models_dir, size=size, int8=int8)
        if choice.backend == "openvino":
            return OpenVinoBackend(path, choice)
        return OnnxBackend(path, choice)


def activations_mb(config: Config, height: int, width: int) -> float:
    """A generous guess at what one photo takes inside a transformer, float32, in MB.

    Attention scores, the widened hidden layer and a few copies of the tokens of one layer; where
    the configuration does not say, eight float32 channels at full resolution times sixteen.
    """
    vision = config.get("vision_config", config)
    tokens_side, wide = vision.get("patch_size"), vision.get("hidden_size")
    if not isinstance(tokens_side, int) or not isinstance(wide, int):
        return height * width * 4 * 128 / 1e6
    tokens = (height // tokens_side) * (width // tokens_side) + 1
    heads = int(vision.get("num_attention_heads", 12))
    hidden = int(vision.get("intermediate_size", 4 * wide))
    return (heads * tokens**2 + tokens * (2 * hidden + 6 * wide)) * 4 / 1e6


def _has(packages: tuple[str, ...]) -> bool:
    return all(importlib.util.find_spec(name) is not None for name in packages)


def _require(packages: tuple[str, ...], folder: Path) -> None:
    for name in packages:
        if importlib.util.find_spec(name) is None:
            raise ModelError(
                f"{folder} needs the Python package {name}: pip install 'lookweave[hub]'."
            )
