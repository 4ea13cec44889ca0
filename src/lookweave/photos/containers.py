"""GIF, WebP, BMP, AVIF and HEIC: what Pillow's own readers of them need said or mended."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    WebPImagePlugin,
)

from lookweave.errors import Rejected
from lookweave.photos import colour_spaces

_BMP_HEADERS = {12, 16, 40, 52, 56, 64, 108, 124}
_AVIF_BRANDS = {b"avif", b"avis"}
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_FILM_BRANDS = (b"isom", b"iso2", b"mp41", b"mp42", b"qt  ", b"M4V ", b"avc1", b"3gp")
_NCLX = b"colrnclx"
_META_BYTES = 65536


def open_gif(data: bytes) -> Image.Image:
    """The first frame on its canvas, which is clear where the frame does not reach."""
    return _GifImage(BytesIO(data))


class _GifImage(GifImagePlugin.GifImageFile):
    def load(self) -> Any:
        frame = self.tile[0][1] if self.tile else None
        access = super().load()
        if frame and frame != (0, 0, *self.size):
            # Pillow fills the rest with a background colour that no browser shows.
            canvas, reach = Image.new("RGBA", self.size), Image.new("L", self.size)
            reach.paste(255, frame)
            canvas.paste(self.convert("RGBA"), mask=reach)
            self.im, self._mode, self.palette = canvas.im, "RGBA", None
            self.info.pop("transparency", None)
            access = Image.Image.load(self)
        return access


def open_webp(data: bytes) -> Image.Image:
    """The first frame."""
    return WebPImagePlugin.WebPImageFile(BytesIO(data))


def is_bmp(start: bytes) -> bool:
    """Whether a file begins as a bitmap of Windows or OS/2 does."""
    return start.startswith(b"BM") and int.from_bytes(start[14:18], "little") in _BMP_HEADERS


def open_bmp(data: bytes) -> Image.Image:
    """The picture with its header read."""
    return BmpImagePlugin.BmpImageFile(BytesIO(data))


def is_avif(start: bytes) -> bool:
    """AVIF, HEIC and films share one container; its brands tell them apart."""
    return bool(_AVIF_BRANDS & set(_brands(start)))


def is_heif(start: bytes) -> bool:
    """Likewise."""
    brands = _brands(start)
    return bool(_HEIF_BRANDS & set(brands)) and not brands[0].startswith(_FILM_BRANDS)


def _brands(start: bytes) -> list[bytes]:
    if start[4:8] != b"ftyp":
        return []
    length = min(int.from_bytes(start[:4], "big"), len(start))
    return [start[8:12], *(start[at : at + 4] for at in range(16, length, 4))]


def open_avif(data: bytes) -> Image.Image:
    """The picture, or the first frame of a sequence."""
    return _with_colour_space(AvifImagePlugin.AvifImageFile(BytesIO(data)), data)


def open_heif(data: bytes) -> Image.Image:
    """The primary picture.

    Raises:
        Rejected: ``unsupported_format`` where the extra is missing.
    """
    try:
        from pillow_heif import HeifImageFile
    except ImportError as error:
        raise Rejected(
            "unsupported_format",
            "HEIC photos need the extra `lookweave[heic]`: pip install 'lookweave[heic]' and run "
            "the same command again.",
            retry=True,
        ) from error
    opener: Callable[[BytesIO], Image.Image] = HeifImageFile
    return _with_colour_space(opener(BytesIO(data)), data)


def _with_colour_space(image: Image.Image, data: bytes) -> Image.Image:
    """Without an ICC profile, the container's code points say what the colours are; the decoder
    undoes their matrix and range, and leaves primaries and transfer function."""
    at = data.find(_NCLX, 0, _META_BYTES)
    if at >= 0 and not image.info.get("icc_profile"):
        at += len(_NCLX)
        primaries, transfer = (int.from_bytes(data[n : n + 2], "big") for n in (at, at + 2))
        profile = colour_spaces.profile_of_code_points(primaries, transfer)
        if profile:
            image.info["icc_profile"] = profile
    return image
