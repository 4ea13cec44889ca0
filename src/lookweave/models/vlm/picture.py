"""What a vision-language model is shown: one garment with its surroundings faded, or a photo."""

from __future__ import annotations

import base64
import hashlib
import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from lookweave.models.framing import cut
from lookweave.models.protocols import Crop, Pixels

_QUALITY = 90
_SHORTEST_SIDE = 56  # two patches of the Qwen-VL family; smaller images are refused by some
_FADED = 0.65  # how far the surroundings go towards grey: still seen, hardly described
_GREY = (200, 200, 200)
_VERSION = 1  # of the preparation: raise it when the same crop gives another image


@dataclass(frozen=True)
class Picture:
    """An image to be sent.

    Attributes:
        pixels: uint8 (height, width, 3), before it is brought to size.
        side: its longest side when sent, in pixels; smaller images are not enlarged, except to
            the shortest side that models take.
        mask: uint8 (height, width), 255 on what it is about, the rest is faded; None: nothing is.
    """

    pixels: Pixels
    side: int
    mask: Pixels | None = None

    @property
    def digest(self) -> str:
        """SHA-256 of what is shown, taken before resizing and compression.

        So another release of the JPEG encoder does not make the server be asked again.
        """
        height, width = self.pixels.shape[:2]
        seen = hashlib.sha256(f"{_VERSION} {width}x{height} {self.side} {_QUALITY} ".encode())
        seen.update(np.ascontiguousarray(self.pixels).data)
        if self.mask is not None:
            seen.update(np.ascontiguousarray(self.mask).data)
        return seen.hexdigest()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height when sent, in pixels."""
        height, width = self.pixels.shape[:2]
        scale = min(1.0, self.side / max(height, width))
        scale = max(scale, _SHORTEST_SIDE / min(height, width))
        # A strip, such as a belt, keeps its long side within bounds: it is better thin than huge.
        scale = min(scale, max(1.0, self.side / max(height, width)))
        return max(1, round(width * scale)), max(1, round(height * scale))

    def image(self) -> Image.Image:
        """The image at the size sent."""
        image = _resize(self.pixels, self.size)
        if self.mask is None:
            return image
        # Faded after resizing: at full size it would cost more than all the rest.
        faded = Image.blend(image, Image.new("RGB", self.size, _GREY), _FADED)
        return Image.composite(image, faded, _resize(self.mask, self.size))

    def data_url(self) -> str:
        """The image as a JPEG in a ``data:`` address."""
        with io.BytesIO() as buffer:
            self.image().save(buffer, "JPEG", quality=_QUALITY)
            return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def of_garment(crop: Crop, side: int, margin: float) -> Picture:
    """The region with `margin` around it; where a mask says what belongs to it, the rest fades."""
    pixels, mask = cut(crop, margin)
    return Picture(pixels, side, None if crop.mask is None else mask)


def of_photo(crop: Crop, side: int) -> Picture:
    """The whole photo that the region is in."""
    return Picture(crop.photo, side)


def _resize(pixels: Pixels, size: tuple[int, int]) -> Image.Image:
    return Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
