"""What decides what a run of the segmenter's recipe gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from lookweave.train.segmentation_quality import Canvases, canvases_of
from lookweave.train.trunk import TrunkName


class SegmenterConfig(BaseModel):
    """Everything that decides what a run gives; part of its record."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    parsed: Path
    """Folder of Clothing Co-Parsing: photos/, masks/, labels.json."""
    products: Path | None = None
    """Folder of product photos: train/<class>/, validation/<class>/, test/<class>/."""
    rendered: Path | None = None
    """Folder of ``lookweave render --labels``."""
    tagged: bool = False
    """Learn from the photos with tags only, too."""
    label_tagged_at: tuple[int, ...] = (14, 25)
    """The epochs before which the tagged photos are given (new) masks by the network as it is.
    Before the first a pixel of theirs teaches only that it is one of the classes of the tags."""
    start: Path | None = None
    """The checkpoint of an earlier run, whose best weights this one starts from."""
    out: Path
    """Where checkpoint, curves, ONNX file and record go."""
    canvas: tuple[int, int] = (384, 256)
    """Height and width of a photo in portrait, each a multiple of 32; see `canvases_of`."""
    used_at: tuple[int, int] | None = None
    """The canvas that the finished network is measured and used at; None: the one of training.
    Crops that are zoomed into show garments larger than whole photos do, so that it sees them as
    it did in training when photos are larger (Touvron et al. 2019, arXiv 1906.06423)."""
    trunk: TrunkName = "lite2"
    channels: int = Field(96, ge=8)
    frozen_blocks: int = Field(3, ge=0)
    epochs: int = Field(36, ge=1)
    minutes: float | None = None
    """Stop after this long at the latest; None lets the epochs decide, and a seed repeat."""
    batch_size: int = Field(16, ge=1)
    rate: float = 4e-4
    head_rate_factor: float = 4.0
    weight_decay: float = 0.02
    product_share: float = Field(0.18, ge=0, lt=1)
    products_per_class: int = 160
    rendered_share: float = Field(0.15, ge=0, lt=0.5)
    rarity: float = Field(0.3, ge=0, le=1)
    """Photos with a class that fewer than this share of photos show are drawn oftener."""
    precision: Literal["bfloat16", "float32"] = "bfloat16"
    """Of the forward and backward pass; weights and their averages are float32 always."""
    small_until: float = Field(0.45, ge=0, le=1)
    """The share of the run at three quarters of the resolution, where a step costs half."""
    patience: int = 12
    """Epochs without a better validation mean IoU after which the run stops."""
    indistinct: float = Field(0.01, ge=0)
    """A later epoch's weights are kept unless their validation mean IoU is this much below the best
    so far: some fifty photos cannot tell less, and the rate comes down to make the last good."""
    averaging: float = 0.997
    seed: int = 7
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where the network learns; ``auto`` is a CUDA card where there is one."""
    threads: int = 2
    """Of the processor, where the network learns on it."""
    workers: int = Field(0, ge=0)
    """Processes that prepare batches for a card; 0 prepares them in threads of this one."""
    resume: bool = True
    imagenet: bool = True

    @property
    def canvases(self) -> Canvases:
        """The sizes that photos are brought to."""
        return canvases_of(self.canvas)

    @property
    def final_canvases(self) -> Canvases:
        """The sizes that photos are brought to when the network is finished."""
        return canvases_of(self.used_at or self.canvas)


FURTHER: dict[str, Any] = {
    "canvas": (448, 288),
    "used_at": (480, 320),
    "epochs": 56,
    "patience": 56,
    "batch_size": 8,
    "rate": 3e-4,
    "averaging": 0.998,
    "product_share": 0.08,
    "small_until": 0.5,
    "label_tagged_at": (1, 29),
}
"""What a run that goes on from an earlier one does otherwise.

After the first run the network still mistakes a fifth of the garments that it was trained on: it
has seen too little. So: more and smaller steps, larger pictures, fewer product photos, which it
knows, and tagged photos with masks from the first epoch, by the network that it starts from.
"""
