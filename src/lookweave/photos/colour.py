"""From whatever a decoder gives to 8-bit sRGB: depth, palette, transparency, colour profile."""

from __future__ import annotations

import functools
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from lookweave.errors import Rejected

_WHITE = 255
_BITS_PER_SAMPLE, _PHOTOMETRIC, _WHITE_IS_ZERO = 258, 262, 0
# cmsFLAGS_NOCACHE: a transform without its one-pixel memory may be shared among threads.
_FLAGS = ImageCms.Flags.BLACKPOINTCOMPENSATION | ImageCms.Flags(0x0040)
_SPACES = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK", "LAB": "Lab"}


def to_eight_bits(image: Image.Image) -> Image.Image:
    """Reduce 16 and 32 bit grey, float and two-colour images to mode L; others are returned as
    they are. Integers are scaled by their full range (of 32 bits: by 0..255, 0..65535 or all of
    it), floats by the range they use (0..1, 0..255, 0..65535, otherwise lowest to highest).

    Raises:
        Rejected: ``unsupported_format`` for integers below zero.
    """
    if image.mode == "1":
        return image if "transparency" in image.info else image.convert("L")
    if not image.mode.startswith(("I", "F")):
        return image
    values = np.asarray(image)
    transparent = image.info.get("transparency")
    grey = _grey(values, _full_scale(image))
    tags = getattr(image, "tag_v2", {})
    if image.mode.startswith("I") and tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:
        grey = np.uint8(255) - grey  # Pillow inverts 8-bit TIFFs of this kind, and no others
    if isinstance(transparent, int):
        alpha = (values != transparent).astype(np.uint8) * np.uint8(255)
        return Image.merge("LA", (Image.fromarray(grey), Image.fromarray(alpha)))
    return Image.fromarray(grey)


def _full_scale(image: Image.Image) -> float | None:
    """The value of white in an integer image, or None where only the values can tell."""
    bits = getattr(image, "tag_v2", {}).get(_BITS_PER_SAMPLE)
    if image.mode.startswith("I;16"):
        return float((1 << bits[0]) - 1) if bits else 65535.0
    return None


def _grey(values: NDArray[np.generic], white: float | None) -> NDArray[np.uint8]:
    wide = np.nan_to_num(values.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    black = 0.0
    if white is None:
        low, high = float(wide.min()), float(wide.max())
        is_float = values.dtype.kind == "f"
        if low < 0 and not is_float:
            raise Rejected(
                "unsupported_format",
                "The photo holds negative numbers, of which none is said to be black: save it as "
                "an ordinary 8-bit image.",
            )
        ranges = (1.0, 255.0, 65535.0) if is_float else (255.0, 65535.0, 2147483647.0)
        white = next((end for end in ranges if low >= 0 and high <= end), None)
        if white is None:
            black, white = low, high
    span = max(white - black, 1e-12)
    scaled: NDArray[np.float32] = np.clip((wide - black) * np.float32(255.0 / span), 0, 255)
    return np.rint(scaled).astype(np.uint8)


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Mode RGB in sRGB, transparency composited on white.

    Args:
        image: of 8 bits a channel (see `to_eight_bits`), in any of Pillow's modes.
        profile: the embedded ICC profile. One that is broken, or speaks of another colour
            space than the image has, is ignored: the photo is then taken for sRGB, as
            browsers do.
    """
    colour, alpha = _split_alpha(image)
    rgb = _through_profile(colour, profile)
    if alpha is None:
        return rgb
    white = Image.new("RGB", rgb.size, (_WHITE, _WHITE, _WHITE))
    white.paste(rgb, mask=alpha)
    return white


def _split_alpha(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Colour (L, RGB, CMYK or LAB) and alpha, where there is any."""
    if image.mode in ("RGBa", "La"):
        image = image.convert("RGBA" if image.mode == "RGBa" else "LA")
    elif image.mode in ("P", "PA", "L", "RGB", "1") and "transparency" in image.info:
        try:
            image = image.convert("RGBA")
        except (ValueError, TypeError, OverflowError):  # a transparent colour out of range
            image.info.pop("transparency")
    if image.mode in ("RGBA", "LA", "PA"):
        alpha = image.getchannel("A")
        colour = image.convert("L" if image.mode == "LA" else "RGB")
        return colour, None if alpha.getextrema() == (255, 255) else alpha
    if image.mode in _SPACES:
        return image, None
    return image.convert("L" if image.mode == "1" else "RGB"), None


def _through_profile(image: Image.Image, profile: bytes | None) -> Image.Image:
    if image.mode == "LAB":
        return _apply(_lab_transform(), image)
    if profile:
        transform, mode = _transform(profile, image.mode)
        if transform is not None:
            return _apply(transform, image.convert(mode))
    return image if image.mode == "RGB" else image.convert("RGB")  # which would copy it


def _apply(transform: ImageCms.ImageCmsTransform, image: Image.Image) -> Image.Image:
    result = ImageCms.applyTransform(image, transform)
    return image.convert("RGB") if result is None else result


@functools.lru_cache(maxsize=32)
def _transform(profile: bytes, mode: str) -> tuple[ImageCms.ImageCmsTransform | None, str]:
    """From the profile to sRGB, and the mode it takes; None where there is nothing to do."""
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        space = source.profile.xcolor_space.strip()
        if space == "RGB" and mode == "L":
            mode = "RGB"  # grey photos often carry the profile of the colour photo they were
        if space != _SPACES[mode] or _is_srgb(source):
            return None, mode
        transform = ImageCms.buildTransform(
            source,
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            _FLAGS,
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None, mode
    return transform, mode


def _is_srgb(profile: ImageCms.ImageCmsProfile) -> bool:
    try:
        return ImageCms.getProfileDescription(profile).strip().startswith("sRGB")
    except ImageCms.PyCMSError:
        return False


@functools.cache
def _lab_transform() -> ImageCms.ImageCmsTransform:
    return ImageCms.buildTransform(
        ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB", flags=_FLAGS
    )
