"""SigLIP, CLIP and OpenCLIP models as encoders of crops and texts."""

from __future__ import annotations

import json
import threading
from functools import cached_property
from pathlib import Path

import numpy as np

from lookweave.errors import ModelError
from lookweave.models.card import Card
from lookweave.models.details import Box, Patches, Whitening, learned_details
from lookweave.models.framing import Surroundings, cut, cut_around, square, square_around
from lookweave.models.hub.fetch import locate
from lookweave.models.hub.graphs import architecture, configuration
from lookweave.models.hub.network import Network, activations_mb
from lookweave.models.hub.preprocess import recipe_in
from lookweave.models.hub.tokens import Tokenize, tokenizer_in
from lookweave.models.protocols import Crop, Pixels, Tokens, Vectors
from lookweave.models.resampling import Levels

MARGIN = 0.03
"""Room around the box on each side, as a share of its longer side."""

FRAMING = "lookweave.json"
"""File in a model folder that `lookweave train encoder --start` wrote: its crops are squares
around the box (`margin`), faded to `grey` outside the mask by `fade`, the mask's edge softened by
`edge`, a share of the side."""


class HubEncoder:
    """Both towers of a SigLIP-type model; the text tower is loaded when a text first comes.

    Card settings:
        margin: room around the box, as a share of its longer side.
        whiten: paint what the mask leaves out white; without it the mask is not looked at.
        int8: run 8-bit weights; faster on a CPU, and other vectors.

    Args:
        models_dir: where fetched weights lie and exported networks are kept.

    Raises:
        HubUnreachable: the weights are not here and cannot be fetched.
        ModelError: they cannot be loaded.
    """

    def __init__(self, card: Card, models_dir: Path | None = None) -> None:
        self._card, self._models_dir = card, models_dir
        self._folder = locate(card, models_dir)
        self._config = configuration(self._folder)
        self._kind = architecture(self._config, self._folder)
        self._recipe = recipe_in(self._folder, self._kind.model_type)
        self._margin = float(card.settings.get("margin", MARGIN))
        self._whiten = bool(card.settings.get("whiten", False))
        framing = self._folder / FRAMING
        self._surroundings: Surroundings | None = None
        if framing.exists():
            how = json.loads(framing.read_text("utf-8"))
            self._surroundings = Surroundings(how["margin"], how["fade"], how["edge"])
            self._levels = Levels((0.0, 0.0, 0.0), (1.0 / 255.0,) * 3, how["grey"])
        self._lock = threading.Lock()
        height, width = self._recipe.crop or (self._recipe.height, self._recipe.width)
        self._side = height
        self.image_network = Network(
            card, self._folder, self._config, self._kind, "image", models_dir,
            size=(height, width), one_mb=activations_mb(self._config, height, width),
        )  # fmt: skip
        dimension = self._kind.dimension
        self.dimension = dimension(self._config) if dimension else card.dimension or 0

    def encode(self, crops: list[Crop]) -> Vectors:
        """Unit vectors, float32 (len(crops), dimension)."""
        if not crops:
            return np.empty((0, self.dimension), np.float32)
        return self._seen(crops)[0]

    def encode_with_tokens(self, crops: list[Crop]) -> tuple[Vectors, list[Tokens]]:
        """Unit vectors as `encode` gives, and the tokens of each crop.

        Raises:
            ModelError: nothing was learned of the encoder's patches, or it gives none.
        """
        if not crops:
            return np.empty((0, self.dimension), np.float32), []
        whitening = self._whitening
        vectors, patches = self._seen(crops)
        tokens = [
            whitening.tokens([one], crop, self._frame(crop))
            for one, crop in zip(patches, crops, strict=True)
        ]
        return vectors, tokens

    @cached_property
    def _whitening(self) -> Whitening:
        file = learned_details(self._card, self._models_dir)
        if file is None:
            raise ModelError(
                f"Nothing was learned of the patches of {self._card.name} yet: run "
                f"`lookweave train details --encoder {self._card.name}`, or set match.details to "
                "false."
            )
        return Whitening.read(file, self._card.key)

    def encode_with_patches(self, crops: list[Crop]) -> tuple[Vectors, list[Patches]]:
        """Unit vectors as `encode` gives, and the map of patches of each crop: what `lookweave
        train details` learns from."""
        if not crops:
            return np.empty((0, self.dimension), np.float32), []
        vectors, shown = self._seen(crops)
        return vectors, [(one, self._frame(crop)) for one, crop in zip(shown, crops, strict=True)]

    def _seen(self, crops: list[Crop]) -> tuple[Vectors, Vectors]:
        """Unit vectors and maps of patches; (n, 0, 1, 1) of those where the network gives none."""
        photos = np.stack([self._recipe(self._cut(crop)) for crop in crops])
        given = self.image_network({"pixel_values": photos})
        none = np.empty((len(crops), 0, 1, 1), np.float32)
        return _unit(given["vector"]), given.get("patches", none)

    def _frame(self, crop: Crop) -> Box:
        """What the network sees of the photo, xyxy in its pixels."""
        if self._surroundings:
            return square_around(crop.box, self._surroundings.margin)
        left, top, right, bottom = cut_around(crop, self._margin)
        x0, y0, x1, y1 = self._recipe.frame(bottom - top, right - left)
        return left + x0, top + y0, left + x1, top + y1

    def encode_text(self, texts: list[str]) -> Vectors:
        """Unit vectors, float32 (len(texts), dimension)."""
        if not texts:
            return np.empty((0, self.dimension), np.float32)
        with self._lock:  # cached_property alone would load it once for each thread
            network, tokenize = self._text
        tokens = tokenize(texts)
        inputs = {name: tokens[name] for name in network.graph.inputs}
        return _unit(network(inputs)["vector"])

    @cached_property
    def _text(self) -> tuple[Network, Tokenize]:
        network = Network(
            self._card, self._folder, self._config, self._kind, "text", self._models_dir, one_mb=8.0
        )
        return network, tokenizer_in(self._folder, self._config, self._kind)

    def _cut(self, crop: Crop) -> Pixels:
        if self._surroundings:
            planes = square(crop, self._side, self._surroundings, self._levels)[0]
            pixels: Pixels = np.rint(planes.transpose(1, 2, 0)).astype(np.uint8)
            return pixels
        pixels, mask = cut(crop, self._margin)
        if self._whiten and crop.mask is not None:
            return np.where(mask[..., None] > 127, pixels, np.uint8(255))
        return pixels


def _unit(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.ascontiguousarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float32)
