"""Photos as a network takes them, equal to the reference processors, with PIL and numpy alone.

Each photo is prepared on its own and never padded to its neighbours, so a photo's numbers do not
depend on what else is in the batch.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from lookweave.errors import ModelError
from lookweave.models.protocols import Pixels

Tensor = NDArray[np.float32]
Resize = Literal["exact", "shortest", "bounded", "square", "longest", "none"]

CLIP_MEAN, CLIP_STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

FILES = ("preprocessor_config.json", "processor_config.json")
_INTERPOLATION = {"bicubic": 3, "bilinear": 2, "nearest": 0, "random": 3}


@dataclass(frozen=True)
class ImageRecipe:
    """How one photo becomes a float32 tensor (3, height, width).

    Attributes:
        resize: ``exact`` to (height, width); ``shortest`` brings the short side to `short`;
            ``bounded`` too, but the long side stays within `long`; ``square`` pads to a square
            below and to the right, then scales with a Gaussian filter (OWLv2); ``longest``
            fits into (height, width) and centres it on `fill` (OpenCLIP).
        multiple: ``bounded`` sides are cut down to a multiple of this (YOLOS: 16).
        crop: centre crop (height, width) afterwards, or None.
        resample: PIL's number of the filter.
        scale: factor of the pixel values; mean and std apply after it.
    """

    resize: Resize
    height: int = 0
    width: int = 0
    short: int = 0
    long: int = 0
    multiple: int = 1
    crop: tuple[int, int] | None = None
    resample: int = 2
    scale: float = 1 / 255
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    std: tuple[float, ...] = (1.0, 1.0, 1.0)
    fill: int = 0

    def __call__(self, photo: Pixels) -> Tensor:
        """Args: photo: uint8 (height, width, 3). Returns: float32 (3, height, width)."""
        if self.resize == "square":
            values = self._square(photo)
        else:
            pixels = self._resize(photo)
            if self.crop is not None:
                pixels = _centre(pixels, self.crop)
            values = pixels.astype(np.float32) * np.float32(self.scale)
        centred = (values - np.asarray(self.mean, np.float32)) / np.asarray(self.std, np.float32)
        return np.ascontiguousarray(centred.transpose(2, 0, 1), dtype=np.float32)

    def target(self, height: int, width: int) -> tuple[int, int]:
        """Height and width that a photo of this size is resized to, before any crop."""
        if self.resize in ("exact", "square"):
            return self.height, self.width
        if self.resize == "shortest":
            long = int(self.short * max(height, width) / min(height, width))
            return (long, self.short) if width <= height else (self.short, long)
        if self.resize == "bounded":
            return self._bounded_size(height, width)
        if self.resize == "longest":
            ratio = max(height / self.height, width / self.width)
            return round(height / ratio), round(width / ratio)
        return height, width

    def frame(self, height: int, width: int) -> tuple[float, float, float, float]:
        """What the tensor shows of a photo of this size: xyxy in its pixels, perhaps beyond it."""
        down, across = self.target(height, width)
        rows, columns = down, across
        if self.crop is not None:
            rows, columns = self.crop
        elif self.resize == "longest":
            rows, columns = self.height, self.width
        top, left = (down - rows) // 2, (across - columns) // 2
        scale_y, scale_x = height / down, width / across
        return left * scale_x, top * scale_y, (left + columns) * scale_x, (top + rows) * scale_y

    def _bounded_size(self, height: int, width: int) -> tuple[int, int]:
        # The reference keeps the unrounded short side for the long one's length.
        short, exact = self.short, float(self.short)
        if max(height, width) / min(height, width) * short > self.long:
            exact = self.long * min(height, width) / max(height, width)
            short = round(exact)
        upright = width < height
        # YOLOS asks whether a photo fits already only after it has seen to upright ones.
        if min(height, width) == short and not (upright and self.multiple > 1):
            size = (height, width)
        elif upright:
            size = (int(exact * height / width), short)
        else:
            size = (short, int(exact * width / height))
        return size[0] - size[0] % self.multiple, size[1] - size[1] % self.multiple

    def _resize(self, photo: Pixels) -> Pixels:
        height, width = self.target(*photo.shape[:2])
        if (height, width) == photo.shape[:2]:
            return photo
        resized = Image.fromarray(photo).resize((width, height), Image.Resampling(self.resample))
        pixels: Pixels = np.asarray(resized)
        if self.resize != "longest":
            return pixels
        frame = np.full((self.height, self.width, 3), self.fill, np.uint8)
        top, left = (self.height - height) // 2, (self.width - width) // 2
        frame[top : top + height, left : left + width] = pixels
        return frame

    def _square(self, photo: Pixels) -> Tensor:
        side = max(photo.shape[:2])
        square = np.zeros((side, side, 3), np.float32)
        square[: photo.shape[0], : photo.shape[1]] = photo * np.float32(self.scale)
        factors = np.array([side / self.height, side / self.width, 1.0])
        sigma = np.maximum(0.0, (factors - 1) / 2)
        smooth = ndimage.gaussian_filter(square, sigma, mode="mirror")
        scaled = ndimage.zoom(smooth, 1 / factors, order=1, mode="mirror", grid_mode=True)
        clipped: Tensor = np.clip(scaled, square.min(), square.max())
        return clipped


def recipe_in(folder: Path, model_type: str) -> ImageRecipe:
    """What the folder's processor says, with the defaults of its model's processor.

    Args:
        model_type: of the folder's config.json; it fills what old processor files leave out.

    Raises:
        ModelError: there is no processor file, or it asks for a size that is not known here.
    """
    if (folder / "open_clip_config.json").exists():
        config = json.loads((folder / "open_clip_config.json").read_text(encoding="utf-8"))
        return _open_clip(config)
    for name in FILES:
        if (folder / name).exists():
            given = json.loads((folder / name).read_text(encoding="utf-8"))
            return _transformers(given.get("image_processor", given), model_type, folder)
    raise ModelError(
        f"{folder} has no {FILES[0]}: without it there is no telling how the model wants its "
        "photos. Copy it from where the weights come from."
    )


def _transformers(given: dict[str, Any], model_type: str, folder: Path) -> ImageRecipe:
    normalises = given.get("do_normalize", model_type != "rt_detr")
    mean = given.get("image_mean") or (IMAGENET_MEAN if model_type not in _CLIP else CLIP_MEAN)
    std = given.get("image_std") or (IMAGENET_STD if model_type not in _CLIP else CLIP_STD)
    crop = given.get("crop_size") if given.get("do_center_crop", model_type == "clip") else None
    return ImageRecipe(
        **_size(given, model_type, folder),
        multiple=16 if model_type == "yolos" else 1,
        crop=None if crop is None else _height_width(crop),
        resample=int(given.get("resample", 3 if model_type in ("clip", "siglip") else 2)),
        scale=float(given.get("rescale_factor", 1 / 255)) if given.get("do_rescale", True) else 1.0,
        mean=tuple(mean) if normalises else (0.0, 0.0, 0.0),
        std=tuple(std) if normalises else (1.0, 1.0, 1.0),
    )


_CLIP = ("clip", "owlv2")


def _size(given: dict[str, Any], model_type: str, folder: Path) -> dict[str, Any]:
    size = given.get("size")
    if not given.get("do_resize", True):
        return {"resize": "none"}
    if isinstance(size, int):  # files written before 2023
        if model_type in ("detr", "yolos", "grounding-dino"):
            size = {"shortest_edge": size, "longest_edge": given.get("max_size", 1333)}
        elif model_type == "clip":
            size = {"shortest_edge": size}
        else:
            size = {"height": size, "width": size}
    if isinstance(size, dict):
        kind: Resize = "square" if model_type == "owlv2" else "exact"
        if size.get("height") and size.get("width"):
            return {"resize": kind, "height": int(size["height"]), "width": int(size["width"])}
        if size.get("shortest_edge") and size.get("longest_edge"):
            return {
                "resize": "bounded",
                "short": int(size["shortest_edge"]),
                "long": int(size["longest_edge"]),
            }
        if size.get("shortest_edge"):
            return {"resize": "shortest", "short": int(size["shortest_edge"])}
    raise ModelError(f"{folder}: the processor's size {size!r} is of no kind that is known here.")


def _height_width(size: Any) -> tuple[int, int]:
    if isinstance(size, dict):
        return int(size["height"]), int(size["width"])
    return int(size), int(size)


def _open_clip(config: dict[str, Any]) -> ImageRecipe:
    """The evaluation transform of open_clip (open_clip/transform.py)."""
    given = config.get("preprocess_cfg", {})
    size = given.get("size") or config["model_cfg"]["vision_cfg"]["image_size"]
    height, width = (size, size) if isinstance(size, int) else (int(size[0]), int(size[1]))
    mode = given.get("resize_mode", "shortest")
    if mode == "shortest" and height != width:
        raise ModelError("An oblong input with resize_mode=shortest is not known here.")
    modes: dict[str, Resize] = {"shortest": "shortest", "squash": "exact", "longest": "longest"}
    return ImageRecipe(
        resize=modes[mode], height=height, width=width, short=height,
        crop=(height, width) if mode == "shortest" else None,
        resample=_INTERPOLATION[given.get("interpolation", "bicubic")],
        mean=tuple(given.get("mean", CLIP_MEAN)), std=tuple(given.get("std", CLIP_STD)),
        fill=int(given.get("fill_color", 0)),
    )  # fmt: skip


def _centre(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """The middle of a photo; black where the photo is smaller."""
    height, width = size
    above, left = max(0, height - pixels.shape[0]), max(0, width - pixels.shape[1])
    if above or left:
        edges = [(math.ceil(space / 2), space // 2) for space in (above, left)]
        pixels = np.pad(pixels, (*edges, (0, 0)))
    top, start = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
    return pixels[top : top + height, start : start + width]
