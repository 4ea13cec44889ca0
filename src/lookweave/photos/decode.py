"""Read a photo, from a file or its bytes, into oriented 8-bit sRGB pixels.

The only place where image bytes are decoded. Safe to call from many threads at once.
"""

from __future__ import annotations

import errno
import os
import stat
import threading
from contextlib import nullcontext
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from lookweave.errors import Rejected
from lookweave.photos import colour, formats, holes
from lookweave.photos.formats import PhotoFormat
from lookweave.photos.jpeg import JpegImage

# What decoders say when bytes are missing, and when they know the format but not this kind of it.
_TOO_SHORT = ("truncated", "unexpected end", "not enough", "missing dimensions")
_NOT_READ = ("unknown pixel mode", "unknown raw mode", "unsupported", "cannot handle")

_LEAST_BYTES, _MOST_ZEROS = 32, 64_000_000

_LARGE_PIXELS = 32_000_000
# Decoded, one such photo takes hundreds of megabytes: one at a time keeps memory flat.
_large_photo = threading.Semaphore(1)

_ORIENTATIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class Limits:
    """What is refused before decoding.

    Attributes:
        max_pixels: width x height that the header may claim.
        max_bytes: size of the file.
        min_side: shortest side in pixels.
    """

    max_pixels: int = 200_000_000
    max_bytes: int = 100_000_000
    min_side: int = 1


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, eq=False)
class Photo:
    """A decoded photo.

    Attributes:
        pixels: uint8, (height, width, 3), RGB in sRGB, C-contiguous, upright, read-only.
        width: of the upright original, in pixels.
        height: likewise.
        scale: longest side of `pixels` / longest side of the original, at most 1.
        format: JPEG, PNG, WEBP, AVIF, TIFF, GIF, BMP, HEIF or a registered format's name.
    """

    pixels: NDArray[np.uint8]
    width: int
    height: int
    scale: float
    format: str

    def image(self) -> Image.Image:
        """The pixels as a Pillow image of mode RGB."""
        return Image.fromarray(self.pixels)


@dataclass(frozen=True)
class FileBytes:
    """A file's content with the size and time of change it had while it was read."""

    data: bytes
    size: int
    modified_ns: int


def load(
    source: str | Path | bytes,
    *,
    max_side: int | None = None,
    enough: int | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Photo:
    """Decode a photo: oriented by EXIF, colours in sRGB, transparency on white, first frame.

    Args:
        source: a path, or the file's bytes.
        max_side: reduce so that the longest side is at most this. JPEGs are then decoded at
            1/2, 1/4 or 1/8 of their size, several times faster.
        enough: JPEGs may be decoded so as long as the longest side is at least this; for who
            reduces the photo himself. Nothing for other formats.
        limits: what to refuse before decoding.

    Raises:
        Rejected: the photo cannot be used; `reason` is one of missing_file, not_a_file,
            unreadable_file, changed_while_read, empty_file, too_large_file, not_an_image,
            unsupported_format, too_many_pixels, too_small, truncated_image, broken_image,
            out_of_memory.
    """
    data = source if isinstance(source, bytes) else read_file(source, limits.max_bytes).data
    if len(data) > limits.max_bytes:
        raise _too_large(len(data), limits.max_bytes)
    photo_format = formats.photo_format_of(data[: formats.SNIFF_BYTES])
    try:
        return _decode(data, photo_format, max_side, enough, limits)
    except Rejected:
        raise
    except Image.DecompressionBombError as error:
        raise Rejected("too_many_pixels", f"The header claims too many pixels: {error}") from error
    except MemoryError as error:
        raise Rejected(
            "out_of_memory", "There was no memory to decode the photo in.", retry=True
        ) from error
    except Exception as error:
        # Decoders raise nearly anything on hostile bytes (struct.error, KeyError, SyntaxError...).
        raise _broken(data, photo_format, error) from error


def read_file(path: str | Path, max_bytes: int = DEFAULT_LIMITS.max_bytes) -> FileBytes:
    """Read a whole file, once.

    Raises:
        Rejected: missing_file, not_a_file, unreadable_file, too_large_file, empty_file or
            changed_while_read.
    """
    try:
        # Looked at before it is opened: opening a pipe would wait for a writer for ever.
        before = os.stat(path)  # noqa: PTH116 - `path` may be a plain string, 10 million times
        if not stat.S_ISREG(before.st_mode):
            what = "a folder" if stat.S_ISDIR(before.st_mode) else "a pipe, socket or device"
            raise Rejected("not_a_file", f"This is {what}, not a file.")
        if before.st_size > max_bytes:
            raise _too_large(before.st_size, max_bytes)
        with open(path, "rb") as file:  # noqa: PTH123
            data = file.read(max_bytes + 1)
            after = os.fstat(file.fileno())
    except OSError as error:
        raise _unreadable(error) from error
    except ValueError as error:  # a NUL in the path
        raise Rejected("missing_file", f"No file can have this path: {error}.") from error
    if len(data) != after.st_size or before.st_mtime_ns != after.st_mtime_ns:
        raise Rejected(
            "changed_while_read", "The file was being written while it was read.", retry=True
        )
    if not data:
        raise Rejected("empty_file", "The file has no bytes: copy or download it again.")
    return FileBytes(data, after.st_size, after.st_mtime_ns)


def _decode(
    data: bytes, photo_format: PhotoFormat, max_side: int | None, enough: int | None, limits: Limits
) -> Photo:
    image = photo_format.open(data)
    width, height = image.size
    _check_size(width, height, limits)
    with _large_photo if width * height > _LARGE_PIXELS else nullcontext():
        if aim := enough or max_side:
            share = aim / max(image.size)  # both sides, for Pillow keeps either above what is asked
            image.draft(None, (ceil(width * share), ceil(height * share)))  # JPEG only
        image.load()
        if photo_format.is_compact:
            _refuse_holes(image, data, photo_format)
        profile = image.info.get("icc_profile")
        # Asked after load(): TIFFs turn themselves there, PNGs may keep EXIF after the pixels.
        orientation = _orientation(image)
        upright: Image.Image = colour.to_eight_bits(image)
        if max_side and max(upright.size) > max_side:
            upright = _shrink(_resizable(upright), max_side)
        upright = colour.to_srgb(upright, profile)
        if (turn := _ORIENTATIONS.get(orientation)) is not None:
            upright = upright.transpose(turn)
        if isinstance(upright, JpegImage) and upright.decoded is not None:
            pixels = upright.decoded  # nothing was to be done
            pixels.flags.writeable = False
        else:
            pixels = np.asarray(upright)  # a copy of its own, C-contiguous, read-only
    if orientation >= 5:
        width, height = height, width
    scale = max(upright.size) / max(width, height)
    return Photo(pixels, width, height, scale, photo_format.name)


def _refuse_holes(image: Image.Image, data: bytes, photo_format: PhotoFormat) -> None:
    other = holes.filled(data, image.width * image.height)
    if other is data:
        return
    try:
        if np.array_equal(np.asarray(image), np.asarray(photo_format.open(other))):
            return
    except Exception:  # other bytes there are no picture any more
        pass
    raise _truncated("zeros stand where a part of it was never written")


def _check_size(width: int, height: int, limits: Limits) -> None:
    if width * height > limits.max_pixels:
        raise Rejected(
            "too_many_pixels",
            f"The header claims {width} x {height} pixels, more than max_pixels "
            f"({limits.max_pixels}): it may be a decompression bomb.",
        )
    if min(width, height) < limits.min_side:
        raise Rejected(
            "too_small",
            f"The photo is {width} x {height} pixels; its shorter side must have at least "
            f"{limits.min_side} (min_side).",
        )


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation 1..8; 1 where there is none or EXIF is damaged."""
    for copy in ("xmp", "XML:com.adobe.xmp"):
        image.info.pop(copy, None)  # Pillow would turn by what XMP says; no viewer does
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
        while isinstance(value, (tuple, list)):
            value = value[0]
        # A number of another type than EXIF asks for is still that number.
        orientation = value[0] if isinstance(value, bytes) else int(value)
    except Exception:  # EXIF is a nest of offsets; damage surfaces as any exception
        return 1
    return orientation if 1 <= orientation <= 8 else 1


def _resizable(image: Image.Image) -> Image.Image:
    """Interpolating palette indexes or keyed colours would make up colours."""
    if image.mode in ("P", "PA", "1") or "transparency" in image.info:
        has_alpha = "transparency" in image.info or image.mode == "PA"
        try:
            return image.convert("RGBA" if has_alpha else "RGB")
        except (ValueError, TypeError, OverflowError):  # a transparent colour out of range
            return image.convert("RGB")
    return image


def _shrink(image: Image.Image, side: int) -> Image.Image:
    ratio = side / max(image.size)
    if ratio >= 1:
        return image
    size = (max(1, round(image.width * ratio)), max(1, round(image.height * ratio)))
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)


def _broken(data: bytes, photo_format: PhotoFormat, error: Exception) -> Rejected:
    told = str(error).lower()
    is_too_short = len(data) < _LEAST_BYTES or any(words in told for words in _TOO_SHORT)
    if is_too_short or _gets_further_with_more(data, photo_format, error):
        return _truncated(_brief(error))
    if any(words in told for words in _NOT_READ):
        return Rejected(
            "unsupported_format",
            f"This kind of {photo_format.name} is not read ({_brief(error)}): save it as an "
            "ordinary 8-bit RGB image.",
        )
    return Rejected(
        "broken_image",
        f"The {photo_format.name} is damaged ({_brief(error)}): save or copy it again.",
    )


def _gets_further_with_more(data: bytes, photo_format: PhotoFormat, error: Exception) -> bool:
    """Whether the decoder fails later, or not at all, when zeros follow: then it ran out of
    bytes, which not every decoder says."""
    try:
        image = photo_format.open(data + bytes(min(20 * len(data), _MOST_ZEROS)))
        if image.width * image.height <= _LARGE_PIXELS:  # no bomb is decoded for a reason's sake
            image.load()
    except Exception as later:
        return str(later) != str(error)
    return True


def _truncated(why: str) -> Rejected:
    return Rejected(
        "truncated_image", f"The file ends too early ({why}): copy or download it again."
    )


def _too_large(size: int, max_bytes: int) -> Rejected:
    return Rejected(
        "too_large_file", f"The file has {size} bytes, more than max_bytes ({max_bytes})."
    )


def _unreadable(error: OSError) -> Rejected:
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return Rejected("missing_file", "There is no file at this path (any more).", retry=True)
    if error.errno in (errno.EACCES, errno.EPERM):
        return Rejected(
            "unreadable_file", "You may not read this file: change its permissions.", retry=True
        )
    return Rejected("unreadable_file", f"The file cannot be read: {_brief(error)}.", retry=True)


def _brief(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text[:200]
