"""The image encoder's network, its start from whitened ImageNet features, and its loss."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from lookweave.train.product_photos import Pixels
from lookweave.train.segmentation_data import normalised
from lookweave.train.trunk import HEAD_CHANNELS, EfficientNetLite, TrunkName, imagenet_trunk


class EncoderNetwork(nn.Module):
    """A unit-norm embedding of a normalised (N, 3, side, side) crop."""

    def __init__(self, trunk: EfficientNetLite, dimension: int) -> None:
        super().__init__()
        self.trunk = trunk
        self.project = nn.Linear(HEAD_CHANNELS, dimension)

    def pooled(self, image: Tensor) -> Tensor:
        """(N, 1280) averaged features before the projection."""
        features: Tensor = self.trunk(image).mean((2, 3))
        return features

    def forward(self, image: Tensor) -> Tensor:
        """(N, dimension) embeddings."""
        return functional.normalize(self.project(self.pooled(image)), dim=1, eps=1e-6)


def new_encoder(name: TrunkName, dimension: int, imagenet: bool = True) -> EncoderNetwork:
    """An encoder that starts from ImageNet, or from chance (for tests and for loading)."""
    trunk = imagenet_trunk(name) if imagenet else EfficientNetLite(name)
    return EncoderNetwork(trunk, dimension)


def outputs_of(
    network: EncoderNetwork, crops: Sequence[Pixels], pooled: bool = False, batch: int = 32
) -> NDArray[np.float32]:
    """(N, dimension) embeddings of uint8 crops, or their (N, 1280) features before projection."""
    parts: list[NDArray[np.float32]] = []
    network.eval()
    with torch.inference_mode():
        for first in range(0, len(crops), batch):
            images = torch.from_numpy(normalised(np.stack(crops[first : first + batch])))
            given = images.contiguous(memory_format=torch.channels_last)
            parts.append((network.pooled(given) if pooled else network(given)).numpy())
    return np.concatenate(parts)


def whitening(
    features: NDArray[np.float32], dimension: int, power: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Principal components of unit-norm features, each divided by its deviation ** `power`.

    Power 0 is plain PCA, 1 full whitening (Jégou & Chum 2012). Returns the (dimension, D) weight
    and (dimension,) bias of the linear layer, scaled so that outputs have about unit norm.
    """
    mean = features.mean(0, dtype=np.float64)
    centred = features - mean
    values, vectors = np.linalg.eigh(centred.T @ centred / len(features))
    order = np.argsort(values)[::-1][:dimension]
    # Directions without variance are noise; the floor keeps whitening from blowing them up.
    deviations = np.sqrt(np.maximum(values[order], 1e-5 * values.max()))
    weight = (vectors[:, order] / deviations**power).T
    weight /= np.sqrt((np.square(centred @ weight.T)).sum(1).mean())
    return weight.astype(np.float32), (-weight @ mean).astype(np.float32)


def start_from_whitened(
    network: EncoderNetwork, crops: Sequence[Pixels], power: float = 0.5
) -> None:
    """Set the projection to the (partly) whitened principal components of what `crops` give."""
    features = outputs_of(network, crops, pooled=True)
    weight, bias = whitening(features, network.project.out_features, power)
    with torch.no_grad():
        network.project.weight.copy_(torch.from_numpy(weight))
        network.project.bias.copy_(torch.from_numpy(bias))


class PairSigmoidLoss(nn.Module):
    """The sigmoid loss of SigLIP (Zhai et al. 2023, arXiv 2303.15343) over all views of a batch.

    Two views are a positive pair when they show the same garment, else a negative one; a view
    is not compared with itself. Temperature and bias are learned from log 10 and -10.
    """

    def __init__(self) -> None:
        super().__init__()
        self.log_temperature = nn.Parameter(torch.tensor(math.log(10.0)))
        self.bias = nn.Parameter(torch.tensor(-10.0))

    def forward(self, embeddings: Tensor, garments: Tensor) -> Tensor:
        """`embeddings` (N, D) of unit norm, `garments` (N,) integer identities; a scalar."""
        logits = self.log_temperature.exp() * (embeddings @ embeddings.T) + self.bias
        same = garments[:, None] == garments[None]
        apart = ~torch.eye(len(garments), dtype=torch.bool)
        sign = torch.where(same, 1.0, -1.0)
        losses = -functional.logsigmoid(sign * logits)
        return losses[apart].sum() / len(garments)
