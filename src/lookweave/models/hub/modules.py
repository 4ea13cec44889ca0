"""The torch modules of `graphs`: a reference model reduced to tensors in, a tuple of tensors out.

Imported only where torch is at hand.
"""

from __future__ import annotations

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


class Pooled(_Wrapped):
    """The pooled output of a vision tower: SigLIP's image vector."""

    def forward(self, pixel_values: Tensor) -> tuple[Tensor]:
        """Tensors in, tensors out."""
        return (self.model(pixel_values=pixel_values).pooler_output,)


class PooledText(_Wrapped):
    """The pooled output of a text tower: SigLIP's text vector."""

    def forward(self, input_ids: Tensor) -> tuple[Tensor]:
        """Tensors in, tensors out."""
        return (self.model(input_ids=input_ids).pooler_output,)


class ClipImage(_Wrapped):
    """CLIP's projected image vector."""

    def __init__(self, model: Any) -> None:
        super().__init__(model.vision_model)
        self.projection = model.visual_projection

    def forward(self, pixel_values: Tensor) -> tuple[Tensor]:
        """Tensors in, tensors out."""
        return (self.projection(self.model(pixel_values=pixel_values).pooler_output),)


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
    def forward(self, pixel_values: Tensor) -> tuple[Tensor]:
        """Tensors in, tensors out."""
        return (self.model.encode_image(pixel_values),)


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
    dynamic = tuple(dict.fromkeys(axes[name], torch.export.Dim.DYNAMIC) for name in inputs)
    with torch.no_grad():
        torch.onnx.export(
            module, example, str(path), input_names=list(inputs), output_names=list(outputs),
            dynamic_shapes=dynamic, dynamo=True, verbose=False,
            # One file may hold 2 GB at most.
            external_data=parameters(module) * 4 > 1_800_000_000,
        )  # fmt: skip
