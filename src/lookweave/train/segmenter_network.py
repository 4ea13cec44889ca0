"""The segmenter's network: an EfficientNet-Lite trunk and a light feature-pyramid head."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from lookweave.train.depthwise import depthwise
from lookweave.train.labels import CLASS_COUNT
from lookweave.train.trunk import EfficientNetLite, TrunkName, imagenet_trunk

OUTPUT_STRIDE = 4


class SeparableBlock(nn.Module):
    """A 5 x 5 depthwise and a 1 x 1 convolution around a skip, normalised."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, 5, padding=2, groups=channels, bias=False)
        self.norm = nn.BatchNorm2d(channels)
        self.pointwise = nn.Conv2d(channels, channels, 1)
        self.activation = nn.ReLU(inplace=True)

    def forward(self, features: Tensor) -> Tensor:
        """Features of the same shape."""
        hidden = self.activation(self.norm(depthwise(self.depthwise, features)))
        out: Tensor = features + self.activation(self.pointwise(hidden))
        return out


class PyramidHead(nn.Module):
    """Top-down pyramid (Lin et al. 2017): each level adds its detail to the coarser one.

    The pooled top level is added everywhere, so that a pixel knows what else is in the photo:
    a dress and a top over a skirt differ only there.
    """

    def __init__(self, pyramid_channels: list[int], channels: int, classes: int) -> None:
        super().__init__()
        self.lateral = nn.ModuleList(nn.Conv2d(c, channels, 1) for c in pyramid_channels)
        self.context = nn.Sequential(
            nn.Conv2d(pyramid_channels[-1], channels, 1), nn.ReLU(inplace=True)
        )
        self.refine = nn.ModuleList(
            nn.Sequential(*(SeparableBlock(channels) for _ in range(2 if level >= 2 else 1)))
            for level in range(len(pyramid_channels))
        )
        self.classify = nn.Conv2d(channels, classes, 1)
        self.presence = nn.Linear(channels, classes)

    def forward(self, levels: list[Tensor]) -> tuple[Tensor, Tensor]:
        """(N, classes, H/4, W/4) logits and (N, classes) logits of what the photo shows."""
        pooled = self.context(levels[-1].mean((2, 3), keepdim=True))
        merged: Tensor = self.refine[-1](self.lateral[-1](levels[-1]) + pooled)
        for level in range(len(levels) - 2, -1, -1):
            finer = self.lateral[level](levels[level])
            coarse = functional.interpolate(merged, scale_factor=2.0, mode="bilinear")
            merged = self.refine[level](finer + coarse)
        return self.classify(merged), self.presence(pooled.flatten(1))


class SegmenterNetwork(nn.Module):
    """Class logits at stride 4 of a normalised (N, 3, H, W) image; 32 divides H and W.

    In training `forward_training` also gives the logits of which classes the photo shows,
    whose loss teaches the pooled context what to carry.
    """

    def __init__(self, trunk: EfficientNetLite, channels: int = 96) -> None:
        super().__init__()
        self.trunk = trunk
        # The last 1 x 1 layer before ImageNet's pooling is a third of the weights and unused here.
        del self.trunk.head
        self.head = PyramidHead(trunk.pyramid_channels, channels, CLASS_COUNT)

    def forward_training(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Pixel logits and presence logits."""
        logits, presence = self.head(self.trunk.pyramid(image))
        return logits, presence

    def forward(self, image: Tensor) -> Tensor:
        """(N, classes, H/4, W/4) logits."""
        return self.forward_training(image)[0]


def new_segmenter(name: TrunkName, channels: int, imagenet: bool = True) -> SegmenterNetwork:
    """A segmenter that starts from ImageNet, or from chance (for tests and for loading)."""
    trunk = imagenet_trunk(name) if imagenet else EfficientNetLite(name)
    return SegmenterNetwork(trunk, channels)


def segmentation_loss(
    logits: Tensor, presence: Tensor, target: Tensor, admissible: Tensor, possible: Tensor
) -> Tensor:
    """Cross-entropy over admissible classes + soft Dice + presence; a scalar.

    `logits` (N, C, h, w), `presence` (N, C), `target` (N, h, w) of rows of `admissible`
    (values, C); `possible` (N, C) bool, the classes that a pixel without a label may have, all
    where nothing is known. Where one class is admissible the first term is plain cross-entropy.
    Dice (Milletari et al. 2016) counts each class that occurs alike, which is what mean IoU asks.
    """
    logits, presence = logits.float(), presence.float()
    classes = logits.shape[1]
    unlabelled = (target == admissible.shape[0] - 1).unsqueeze(1)
    allowed = admissible[target].permute(0, 3, 1, 2)
    allowed = allowed & (possible[:, :, None, None] | ~unlabelled)
    log_all = torch.logsumexp(logits, 1)
    log_allowed = torch.logsumexp(logits.masked_fill(~allowed, -1e4), 1)
    tagged = ~possible.all(1)
    counted = ~unlabelled[:, 0] | tagged[:, None, None]
    pixels = counted.sum().clamp(min=1)
    cross_entropy = ((log_all - log_allowed) * counted).sum() / pixels

    certain = (target < classes).unsqueeze(1)
    probability = torch.exp(logits - log_all.unsqueeze(1)) * certain
    truth = (allowed & certain).float()
    overlap = (probability * truth).sum((0, 2, 3))
    size = probability.sum((0, 2, 3)) + truth.sum((0, 2, 3))
    occurs = truth.sum((0, 2, 3)) > 0
    dice = (1 - (2 * overlap + 1) / (size + 1))[occurs].mean()

    shown = truth.amax((2, 3))
    uncertain = ((target >= classes) & ~unlabelled[:, 0]).any(2).any(1)
    # A class of the tags that the crop does not show for certain may be there or not.
    maybe = (tagged[:, None] & possible & (shown == 0)) | uncertain[:, None]
    present = functional.binary_cross_entropy_with_logits(presence, shown, (~maybe).float())
    return cross_entropy + 0.5 * dice + 0.2 * present
