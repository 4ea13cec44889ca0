"""The torch modules of `graphs`: a reference model reduced to tensors in, a tuple of tensors out.

Imported only where torch is at hand.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lookweave.errors import ModelError


class _Wrapped(nn.Module):
    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model


DEPTH = 0.75
"""How deep in a transformer its patches are taken, as a share of its layers: the last ones make
patches of one picture alike, for only what is pooled of them was trained."""

GRID = 14
"""Rows and columns of a map of patches at most; a finer one is averaged."""


class PatchMap:
    """What one layer of a vision transformer gives for the patches of a photo, as a map.

    Args:
        layers: of the transformer; the one at `DEPTH` is listened to.
    """

    def __init__(self, layers: nn.ModuleList | nn.Sequential) -> None:
        self._seen = threading.local()
        # A hook, for each library has its own way, if any, to give out what its layers say.
        layers[max(1, round(DEPTH * len(layers))) - 1].register_forward_hook(self._keep)

    def _keep(self, module: nn.Module, given: Any, said: Any) -> None:
        self._seen.one = said[0] if isinstance(said, tuple) else said

    def last(self, pixel_values: Tensor, patch: tuple[int, int]) -> Tensor:
        """The map (n, channels, rows, columns) of the photos that the network has just seen.

        Args:
            patch: height and width of a patch in pixels.
        """
        seen: Tensor = self._seen.one
        del self._seen.one
        rows, columns = pixel_values.shape[2] // patch[0], pixel_values.shape[3] // patch[1]
        # What comes before the patches is no patch: a token of the whole photo, registers.
        patches = seen[:, seen.shape[1] - rows * columns :].transpose(1, 2)
        grid = patches.reshape(patches.shape[0], patches.shape[1], rows, columns)
        return _means(rows, seen) @ grid @ _means(columns, seen).T


def _means(length: int, like: Tensor) -> Tensor:
    """A matrix that averages `length` values to at most `GRID` over equal stretches."""
    cells = min(length, GRID)
    edges = torch.arange(cells + 1, dtype=torch.float64) * length / cells
    places = torch.arange(length)
    overlap = torch.minimum(edges[1:, None], places + 1) - torch.maximum(edges[:-1, None], places)
    return (overlap.clamp(min=0) * cells / length).to(like)


class Pooled(_Wrapped):
    """A vision tower's pooled output, SigLIP's or DINO's image vector, and its patches.

    Args:
        layers: see `PatchMap`.
    """

    def __init__(self, model: Any, layers: nn.ModuleList) -> None:
        super().__init__(model)
        self._patches = PatchMap(layers)
        self._patch = _pair(model.config.patch_size)

    def forward(self, pixel_values: Tensor) -> tuple[Tensor, Tensor]:
        """Tensors in, tensors out."""
        pooled = self.model(pixel_values=pixel_values).pooler_output
        return pooled, self._patches.last(pixel_values, self._patch)


def _pair(size: int | tuple[int, int] | list[int]) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else (size[0], size[1])


class PooledText(_Wrapped):
    """The pooled output of a text tower: SigLIP's text vector."""

    def forward(self, input_ids: Tensor) -> tuple[Tensor]:
        """Tensors in, tensors out."""
        return (self.model(input_ids=input_ids).pooler_output,)


class ClipImage(Pooled):
    """CLIP's projected image vector and its patches."""

    def __init__(self, model: Any) -> None:
        super().__init__(model.vision_model, model.vision_model.encoder.layers)
        self.projection = model.visual_projection

    def forward(self, pixel_values: Tensor) -> tuple[Tensor, Tensor]:
        """Tensors in, tensors out."""
        pooled, patches = super().forward(pixel_values)
        return self.projection(pooled), patches


class ClipText(_Wrapped):
    """CLIP's projected text vector."""

    def __init__(self, model: Any) -> None:
        super().__init__(model.text_model)
        self.projection = model.text_projection

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor]:
        """Tensors in, tensors out."""
        pooled = self.model(input_ids=input_ids, attention_mask=attention_mask).pooler_output
        return (self.projection(pooled),)


class Boxes(_Wrapped):
    """A detector with a fixed set of classes: logits and boxes of its queries."""

    def forward(self, pixel_values: Tensor) -> tuple[Tensor, Tensor]:
        """Tensors in, tensors out."""
        given = self.model(pixel_values=pixel_values)
        return given.logits, given.pred_boxes


class Owlv2(_Wrapped):
    """OWLv2 with one set of text queries for all photos of the batch."""

    def forward(
        self, pixel_values: Tensor, input_ids: Tensor, attention_mask: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Tensors in, tensors out."""
        photos, queries = pixel_values.shape[0], input_ids.shape[0]
        # The texts are encoded once; the reference would encode them again for each photo.
        text = self.model.owlv2.text_model(input_ids=input_ids, attention_mask=attention_mask)
        embeddings = self.model.owlv2.text_projection(text.pooler_output)
        embeddings = embeddings / embeddings.norm(p=2, dim=-1, keepdim=True)
        features = self.model.image_embedder(pixel_values=pixel_values)[0]
        batch, height, width, channels = features.shape
        flat = features.reshape(batch, height * width, channels)
        repeated = embeddings[None].expand(photos, queries, embeddings.shape[-1])
        mask = (input_ids[:, 0] > 0)[None].expand(photos, queries)
        logits, _ = self.model.class_predictor(flat, repeated, mask)
        return logits, self.model.box_predictor(flat, features)


class GroundingDino(_Wrapped):
    """Grounding DINO with one text for all photos of the batch."""

    def forward(
        self, pixel_values: Tensor, input_ids: Tensor, attention_mask: Tensor,
        token_type_ids: Tensor,
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        """Tensors in, tensors out."""
        photos = pixel_values.shape[0]
        given = self.model(
            pixel_values=pixel_values,
            input_ids=input_ids.expand(photos, -1),
            attention_mask=attention_mask.expand(photos, -1),
            token_type_ids=token_type_ids.expand(photos, -1),
        )
        return given.logits, given.pred_boxes


class PixelClasses(_Wrapped):
    """A segmentation model: class logits at a quarter of the resolution."""

    def forward(self, pixel_values: Tensor) -> tuple[Tensor]:
        """Tensors in, tensors out."""
        return (self.model(pixel_values=pixel_values).logits,)


class _OpenClipImage(_Wrapped):
    """The image vector, and the patches where the tower is a vision transformer."""

    def __init__(self, model: Any) -> None:
        super().__init__(model)
        tower = model.visual
        self._patches: PatchMap | None = None
        if hasattr(tower, "transformer"):  # open_clip's own
            self._patches = PatchMap(tower.transformer.resblocks)
            self._patch = _pair(tower.patch_size)
        elif hasattr(getattr(tower, "trunk", None), "patch_embed"):  # timm's
            self._patches = PatchMap(tower.trunk.blocks)
            self._patch = _pair(tower.trunk.patch_embed.patch_size)

    def forward(self, pixel_values: Tensor) -> tuple[Tensor, ...]:
        """Tensors in, tensors out."""
        vector = self.model.encode_image(pixel_values)
        if self._patches is None:
            return (vector,)
        return vector, self._patches.last(pixel_values, self._patch)


class _OpenClipText(_Wrapped):
    def forward(self, input_ids: Tensor) -> tuple[Tensor]:
        """Tensors in, tensors out."""
        return (self.model.encode_text(input_ids),)


def open_clip_tower(folder: Path, part: str) -> nn.Module:
    """One tower of a folder in OpenCLIP's form.

    Raises:
        ModelError: open_clip or what it needs is not installed, or the weights do not fit.
    """
    try:
        import open_clip
    except (ImportError, RuntimeError) as error:  # a torchvision for another torch
        raise ModelError(
            f"OpenCLIP models need the packages open_clip_torch and torchvision ({error}); "
            "they are in lookweave[openclip]."
        ) from error
    try:
        model = open_clip.create_model(f"local-dir:{folder}", device="cpu").eval()
    except (RuntimeError, ValueError, FileNotFoundError) as error:
        raise ModelError(f"{folder} cannot be loaded by open_clip: {error}.") from error
    tower: nn.Module = {"image": _OpenClipImage, "text": _OpenClipText}[part](model)
    return tower.eval()


def parameters(module: nn.Module) -> int:
    """How many numbers the module's weights have."""
    return sum(weights.numel() for weights in module.parameters())


def to_onnx(
    module: nn.Module, example: tuple[Any, ...], path: Path, *,
    inputs: tuple[str, ...], outputs: tuple[str, ...],
    axes: Mapping[str, tuple[int, ...]],
) -> None:  # fmt: skip
    """Trace `module` and write it as ONNX.

    Args:
        axes: input -> its axes that may have any length.
    """
    with torch.no_grad():
        given = len(module(*example))  # a network that is no transformer gives no patches
    dynamic = tuple(dict.fromkeys(axes[name], torch.export.Dim.DYNAMIC) for name in inputs)
    with torch.no_grad():
        torch.onnx.export(
            module, example, str(path),
            input_names=list(inputs), output_names=list(outputs[:given]),
            dynamic_shapes=dynamic, dynamo=True, verbose=False,
            # One file may hold 2 GB at most.
            external_data=parameters(module) * 4 > 1_800_000_000,
        )  # fmt: skip
