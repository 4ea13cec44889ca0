"""What Lookweave asks of a model. A model is any class that has these methods.

Photos are uint8 RGB arrays of shape (height, width, 3), oriented, sRGB. A model is loaded once
(`__init__`) and called from several threads at a time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Vectors = NDArray[np.float32]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Detection:
    """One garment found in a photo.

    Attributes:
        box: xyxy in pixels of the photo that the detector was given.
        score: 0..1.
        label: of `taxonomy.CATEGORIES`, or None when the detector does not say.
        label_scores: float32 over `taxonomy.CATEGORIES`, sums to 1, or None.
        mask: uint8 0/255 that fills the box at any resolution, or None (all of the box).
    """

    box: tuple[float, float, float, float]
    score: float
    label: str | None = None
    label_scores: Vectors | None = None
    mask: Pixels | None = None


@dataclass(frozen=True)
class Crop:
    """One region as a model sees it: the photo, where the region is, and what is known of it.

    Attributes:
        photo: the whole photo, uint8 (height, width, 3).
        box: xyxy in pixels of `photo`.
        mask: uint8 0/255 that fills the box at any resolution, or None.
        kind: ``garment`` (a product photo's cut-out) or ``look``.
        label_scores: the detector's opinion over `taxonomy.CATEGORIES`, or None.
        region: the key of the region in the workspace, or None.
    """

    photo: Pixels
    box: tuple[float, float, float, float]
    mask: Pixels | None = None
    kind: str = "look"
    label_scores: Vectors | None = None
    region: str | None = None


@dataclass(frozen=True)
class Description:
    """What a describer says of one region.

    Attributes:
        attributes: attribute of `taxonomy.ATTRIBUTES` -> value -> probability. An attribute
            that the model does not speak of is missing. Colours are shares of the surface.
        caption: one sentence, or None.
    """

    attributes: dict[str, dict[str, float]] = field(default_factory=dict)
    caption: str | None = None
    scene: str | None = None
    light: str | None = None
    pose: str | None = None
    mood: str | None = None


@dataclass(frozen=True)
class Tokens:
    """The parts of one region.

    Attributes:
        values: int8 (n, width), n >= 1: unit vectors times 200, rounded and cut off at 127.
        places: uint8 (n, 2): row and column of the middle of each part within the region's box,
            in 255ths of its height and width.
    """

    values: NDArray[np.int8]
    places: Pixels


class Detector(Protocol):
    """f_OD: the garments of a photo."""

    def detect(self, photos: list[Pixels]) -> list[list[Detection]]:
        """One list for each photo, best first; empty where no garment is seen."""
        ...


class ImageEncoder(Protocol):
    """Crops as vectors; likeness is their inner product."""

    dimension: int

    def encode(self, crops: list[Crop]) -> Vectors:
        """Unit vectors, float32 (len(crops), dimension)."""
        ...


@runtime_checkable
class TokenEncoder(Protocol):
    """An `ImageEncoder` that can also tell the parts of a region."""

    def encode_with_tokens(self, crops: list[Crop]) -> tuple[Vectors, list[Tokens]]:
        """What `encode` gives, and the tokens of each crop, from one look at it."""
        ...


@runtime_checkable
class Recalls(Protocol):
    """An encoder that shares its network with a describer, and need not look twice."""

    def recall(self, regions: list[str]) -> dict[str, tuple[Vectors, Tokens | None]]:
        """Of those regions, by `Crop.region`, that the describer has seen in this build: the
        vector, float32 (dimension,), and the tokens, if the encoder tells any; the same as
        `encode` and `TokenEncoder.encode_with_tokens` give."""
        ...


class TextEncoder(Protocol):
    """Text in the same space as an `ImageEncoder`'s vectors."""

    dimension: int

    def encode_text(self, texts: list[str]) -> Vectors:
        """Unit vectors, float32 (len(texts), dimension)."""
        ...


class Describer(Protocol):
    """Words for crops."""

    def describe(self, crops: list[Crop]) -> list[Description | Exception]:
        """One answer for each crop; a `Rejected` in place of an answer that failed."""
        ...
