"""The encoder's network, what the recipe asks of any, its start, and the two losses."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from lookweave.models.embedded.words import CONCEPTS, read
from lookweave.train.product_photos import Pixels
from lookweave.train.segmentation_data import normalised
from lookweave.train.trunk import HEAD_CHANNELS, EfficientNetLite, TrunkName, imagenet_trunk
from lookweave.train.word_truth import Truth


class JointNetwork(nn.Module, ABC):
    """An image tower and a text tower in one space: what the recipe trains.

    Its own network is `EncoderNetwork`; any image-text model is one, whose images are normalised
    as it was trained and whose texts go through its own tokens.
    """

    @abstractmethod
    def image_vectors(self, images: Tensor) -> Tensor:
        """(n, dimension) of unit norm for normalised images (n, 3, side, side)."""

    @abstractmethod
    def text_vectors(self, texts: Sequence[str]) -> Tensor:
        """(len(texts), dimension) of unit norm."""

    @abstractmethod
    def image_parameters(self) -> Iterator[nn.Parameter]:
        """What of the image tower is trained."""

    @abstractmethod
    def text_parameters(self) -> Iterator[nn.Parameter]:
        """What of the text tower is trained."""

    def forward(self, images: Tensor) -> Tensor:
        """The image tower, which is what is exported."""
        return self.image_vectors(images)


class EncoderNetwork(JointNetwork):
    """A convolutional trunk, pooled and projected; and a table of concepts.

    A text's vector is the sum of its concepts' vectors and a base, at unit norm: the words are a
    bag, see `models.embedded.words`.
    """

    def __init__(self, trunk: EfficientNetLite, dimension: int) -> None:
        super().__init__()
        self.trunk = trunk
        self.project = nn.Linear(HEAD_CHANNELS, dimension)
        self.base = nn.Parameter(torch.zeros(dimension))
        self.concepts = nn.Parameter(torch.randn(len(CONCEPTS), dimension) * dimension**-0.5)

    def pooled(self, images: Tensor) -> Tensor:
        """(n, 1280) averaged features before the projection."""
        features: Tensor = self.trunk(images).mean((2, 3))
        return features

    def image_vectors(self, images: Tensor) -> Tensor:
        """(n, dimension) of unit norm."""
        return functional.normalize(self.project(self.pooled(images)), dim=1, eps=1e-6)

    def text_vectors(self, texts: Sequence[str]) -> Tensor:
        """(len(texts), dimension) of unit norm; what no concept stands for is not read."""
        rows = torch.zeros(len(texts), len(CONCEPTS))
        for place, text in enumerate(texts):
            rows[place, [CONCEPTS.index(name) for name in read(text).concepts]] = 1.0
        return functional.normalize(self.base + rows @ self.concepts, dim=1, eps=1e-6)

    def image_parameters(self) -> Iterator[nn.Parameter]:
        """The trunk's upper blocks (see `EfficientNetLite.freeze`) and the projection."""
        trained = (*self.trunk.parameters(), *self.project.parameters())
        return (weight for weight in trained if weight.requires_grad)

    def text_parameters(self) -> Iterator[nn.Parameter]:
        """The table."""
        return iter((self.base, self.concepts))


def new_encoder(name: TrunkName, dimension: int, imagenet: bool = True) -> EncoderNetwork:
    """An encoder that starts from ImageNet, or from chance (for tests and for loading)."""
    trunk = imagenet_trunk(name) if imagenet else EfficientNetLite(name)
    return EncoderNetwork(trunk, dimension)


def outputs_of(
    network: JointNetwork, crops: Sequence[Pixels], pooled: bool = False, batch: int = 4
) -> NDArray[np.float32]:
    """(n, dimension) vectors of uint8 crops, or their (n, 1280) features before projection."""
    parts: list[NDArray[np.float32]] = []
    network.eval()
    with torch.inference_mode():
        for first in range(0, len(crops), batch):
            images = torch.from_numpy(normalised(np.stack(crops[first : first + batch])))
            given = images.contiguous(memory_format=torch.channels_last)
            if pooled:
                assert isinstance(network, EncoderNetwork)
                parts.append(network.pooled(given).numpy())
            else:
                parts.append(network(given).numpy())
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
    network: EncoderNetwork, crops: Sequence[Pixels], truth: Truth, power: float = 0.5
) -> None:
    """Set the projection to the (partly) whitened principal components of what `crops` give, and
    each concept to where those lie that it is true of.

    Args:
        truth: int8 (concepts, crops).
    """
    features = outputs_of(network, crops, pooled=True)
    weight, bias = whitening(features, network.project.out_features, power)
    vectors = features @ weight.T + bias
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    with torch.no_grad():
        network.project.weight.copy_(torch.from_numpy(weight))
        network.project.bias.copy_(torch.from_numpy(bias))
        for place, row in enumerate(truth):
            if (row == 1).any():
                mean = torch.from_numpy(vectors[row == 1].mean(0))
                network.concepts[place] = functional.normalize(mean, dim=0, eps=1e-6)


class PairSigmoidLoss(nn.Module):
    """The sigmoid loss of SigLIP (Zhai et al. 2023, arXiv 2303.15343) over all views of a batch.

    Two views are a positive pair when they show the same garment, else a negative one; a view
    is not compared with itself. Temperature and bias are learned from log 10 and -10.
    """

    def __init__(self) -> None:
        super().__init__()
        self.log_temperature = nn.Parameter(torch.tensor(math.log(10.0)))
        self.bias = nn.Parameter(torch.tensor(-10.0))

    def forward(self, vectors: Tensor, garments: Tensor) -> Tensor:
        """`vectors` (n, D) of unit norm, `garments` (n,) integer identities; a scalar."""
        logits = self.log_temperature.exp() * (vectors @ vectors.T) + self.bias
        same = garments[:, None] == garments[None]
        apart = ~torch.eye(len(garments), dtype=torch.bool)
        sign = torch.where(same, 1.0, -1.0)
        losses = -functional.logsigmoid(sign * logits)
        return losses[apart].sum() / len(garments)


class TextSigmoidLoss(nn.Module):
    """The same between captions and views. A caption is a positive of every view that it is true
    of, whoever it was written for, and does not count where that is not known."""

    def __init__(self) -> None:
        super().__init__()
        self.log_temperature = nn.Parameter(torch.tensor(math.log(10.0)))
        self.bias = nn.Parameter(torch.tensor(-5.0))

    def forward(self, texts: Tensor, vectors: Tensor, signs: Tensor) -> Tensor:
        """`texts` (m, D), `vectors` (n, D) of unit norm, `signs` (m, n) of 1, -1, 0; a scalar."""
        logits = self.log_temperature.exp() * (texts @ vectors.T) + self.bias
        sign = signs.float()
        losses = -functional.logsigmoid(sign * logits) * sign.abs()
        return losses.sum() / len(vectors)
