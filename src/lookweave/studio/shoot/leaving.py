"""What leaves the house with a picture: its label, and on request a badge, content credentials,
a layered file with masks, and the recipe.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from lookweave.errors import InputError
from lookweave.models.protocols import Pixels
from lookweave.studio.shoot import label, provenance
from lookweave.studio.shoot.finish import photograph
from lookweave.studio.shoot.guide import Guide
from lookweave.studio.shoot.references import depth, garment_mask, normals, shading

_XMP = 1060  # of a PSD's image resources


@dataclass(frozen=True)
class Leaving:
    """How pictures are handed over.

    Attributes:
        badge: a visible mark in the corner that says what made the picture.
        credentials: what the files are signed with (C2PA); None: not.
        layers: a PSD, masks and the recipe beside each picture.
    """

    badge: bool = False
    credentials: provenance.Credentials | None = None
    layers: bool = False

    def check(self) -> None:
        """Find what is missing before any work.

        Raises:
            InputError: a package is not installed.
        """
        from importlib.util import find_spec

        for module, wanted, what in (
            ("psd_tools", self.layers, "Layered files"),
            ("c2pa", self.credentials is not None, "Content credentials"),
        ):
            if wanted and find_spec(module) is None:
                raise InputError(f"{what} need {module}: pip install 'lookweave[provenance]'")

    def save(self, picture: Pixels, path: Path, guide: Guide, told: Told) -> None:
        """Write `picture` and what goes with it; the picture comes last, since it says that all
        is there."""
        if self.layers:
            _save_layers(picture, path, guide, told)
        shown = badged(picture, told.source_type) if self.badge else picture
        label.save(
            shown, path, told.source_type, told.description, told.identifier, told.ai_system,
            told.prompt,
        )  # fmt: skip
        if self.credentials is not None:
            provenance.sign(path, self.credentials, told.source_type, path.stem, told.ai_system)


PLAIN = Leaving()
"""The label alone."""


@dataclass(frozen=True)
class Told:
    """What a file says of itself; see `label.packet`."""

    source_type: str
    description: str
    identifier: str
    ai_system: str = ""
    prompt: str = ""


def badged(picture: Pixels, source_type: str) -> Pixels:
    """`picture` with a mark in its lower left corner, a thirtieth of its height."""
    words = "Rendered" if source_type == "compositeSynthetic" else "Made with AI"
    image = Image.fromarray(picture)
    size = max(8, image.height // 36)
    font = ImageFont.load_default(size)
    draw = ImageDraw.Draw(image, "RGBA")
    left, top, right, bottom = draw.textbbox((0, 0), words, font=font)
    pad = size // 2
    wide, high = right - left + 2 * pad, bottom - top + 2 * pad
    x, y = pad, image.height - high - pad
    draw.rounded_rectangle((x, y, x + wide, y + high), pad, fill=(0, 0, 0, 170))
    draw.text((x + pad - left, y + pad - top), words, font=font, fill=(255, 255, 255, 255))
    return np.asarray(image).copy()


def layers(picture: Pixels, guide: Guide) -> list[tuple[str, NDArray[np.uint8], bool]]:
    """Name, uint8 (H, W, 4) and whether it shows, from the bottom up; those that show are together
    the picture, to the bit.

    The person and the garments are the picture's own pixels; *Finish* holds what their edges, the
    glow and the grain of the place leave over.
    """
    place = photograph(guide, person=False)
    found = [("Place", _with(place, np.full(place.shape[:2], 255, np.uint8)), True)]
    cover = np.clip(guide.cover, 0, 1)
    found.append(("Person", _with(picture, (255 * cover).round().astype(np.uint8)), True))
    for number, garment in enumerate(guide.shoot.garments, 1):
        soft = ndimage.gaussian_filter(garment_mask(guide, number).astype(np.float32), 0.7) * cover
        name = f"Garment {number}" + (f", {garment.category}" if garment.category else "")
        found.append((name, _with(picture, (255 * soft).round().astype(np.uint8)), True))
    mixed = [(layer[..., 3] > 0) & (layer[..., 3] < 255) for _, layer, _ in found]
    differs = (flattened(found) != picture).any(-1) | np.any(mixed, 0)  # editors round apart
    found.append(("Finish", _with(picture, (255 * differs).astype(np.uint8)), True))
    full = np.full(picture.shape[:2], 255, np.uint8)
    for name, drawn in (("Light", shading), ("Depth", depth), ("Normals", normals)):
        found.append((name, _with(drawn(guide), full), False))
    return found


def flattened(given: list[tuple[str, NDArray[np.uint8], bool]]) -> Pixels:
    """What the layers that show are together."""
    out = np.zeros((*given[0][1].shape[:2], 3))
    for _, layer, shows in given:
        if shows:
            alpha = layer[..., 3:] / 255
            out = layer[..., :3] * alpha + out * (1 - alpha)
    return np.asarray(out.round(), np.uint8)


def _with(colour: Pixels, alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.concatenate([colour, alpha[..., None]], -1)


def _save_layers(picture: Pixels, path: Path, guide: Guide, told: Told) -> None:
    _save_masks(path, guide)
    recipe = path.with_suffix(".toml")
    recipe.write_text(guide.shoot.to_toml(), encoding="utf-8")
    _write(path.with_suffix(".psd"), psd(picture, guide, told))


def _save_masks(path: Path, guide: Guide) -> None:
    masks = {"person": np.clip(guide.cover, 0, 1)}
    for number in range(1, len(guide.shoot.garments) + 1):
        masks[f"garment-{number}"] = garment_mask(guide, number).astype(np.float32)
    for name, mask in masks.items():
        data = io.BytesIO()
        Image.fromarray((255 * mask).round().astype(np.uint8)).save(data, "PNG")
        _write(path.with_name(f"{path.stem}-{name}.png"), data.getvalue())


def psd(picture: Pixels, guide: Guide, told: Told) -> bytes:
    """A Photoshop file of `layers`, with the picture flattened and its label."""
    from psd_tools import PSDImage
    from psd_tools.psd.image_resources import ImageResource

    image: Any = PSDImage.frompil(Image.fromarray(picture))
    for name, layer, shows in layers(picture, guide):
        made = image.create_pixel_layer(Image.fromarray(layer), name=name)
        made.visible = shows
    packet = label.packet(
        told.source_type, told.description, told.identifier, told.ai_system, told.prompt
    )
    image.image_resources[_XMP] = ImageResource(key=_XMP, data=packet)
    out = io.BytesIO()
    image.save(out)
    return out.getvalue()


def _write(path: Path, data: bytes) -> None:
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(data)
    partial.replace(path)
