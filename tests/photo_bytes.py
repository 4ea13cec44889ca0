"""Bytes of photos, whole and broken, made on the spot: encoders that refuse nothing."""

from __future__ import annotations

import functools
import struct
import zlib
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

RED, GREEN, BLUE, YELLOW = (200, 40, 40), (40, 160, 60), (40, 60, 190), (220, 200, 60)
WHITE, BLACK = (255, 255, 255), (0, 0, 0)
QUARTERS = (RED, GREEN, BLUE, YELLOW)
"""Colours of `upright`: top left, top right, bottom left, bottom right."""


def upright(width: int = 96, height: int = 64) -> Image.Image:
    """Four quarters of one colour each: any turn or mirror image of it is another picture."""
    pixels = np.zeros((height, width, 3), np.uint8)
    y, x = height // 2, width // 2
    pixels[:y, :x], pixels[:y, x:], pixels[y:, :x], pixels[y:, x:] = QUARTERS
    return Image.fromarray(pixels)


def grainy(width: int = 160, height: int = 120, seed: int = 0) -> Image.Image:
    """The same with grain, as photos have: it does not compress to nothing."""
    grain = np.random.default_rng(seed).integers(-20, 21, (height, width, 3))
    pixels = np.clip(np.asarray(upright(width, height)).astype(int) + grain, 0, 255)
    return Image.fromarray(pixels.astype(np.uint8))


def encoded(image: Image.Image, format_name: str, **options: Any) -> bytes:
    if format_name == "HEIF":
        import pillow_heif

        out = BytesIO()
        pillow_heif.from_pillow(image).save(out, quality=90)
        return out.getvalue()
    out = BytesIO()
    if format_name in ("JPEG", "WEBP", "AVIF"):
        options.setdefault("quality", 95)
    image.save(out, format_name, **options)
    return out.getvalue()


def turned(orientation: int) -> Image.Image:
    """`upright` as a camera stores it that was held the way `orientation` says (EXIF 2.3, tag
    274: where row 0 and column 0 of the stored pixels are in the upright picture)."""
    stored = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    return upright() if stored is None else upright().transpose(stored)


def exif(orientation: object) -> bytes:
    block = Image.Exif()
    block[274] = orientation
    return block.tobytes()


def chunk(kind: bytes, data: bytes) -> bytes:
    """A PNG chunk."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(
    pixels: NDArray[Any] | None = None,
    *,
    size: tuple[int, int] | None = None,
    colour: int = 2,
    interlaced: bool = False,
    extra: bytes = b"",
) -> bytes:
    """A PNG of uint8 or uint16 pixels (height, width[, channels]), or one that only claims a
    size; `extra`: chunks before the pixels."""
    depth = 8 if pixels is None else pixels.dtype.itemsize * 8
    width, height = size or (pixels.shape[1], pixels.shape[0])  # type: ignore[union-attr]
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, int(interlaced))
    rows = b""
    if pixels is not None:
        big_endian = pixels.astype(pixels.dtype.newbyteorder(">"))
        passes = [big_endian]
        if interlaced:  # Adam7
            starts = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4)]
            starts += [(2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
            passes = [big_endian[y::dy, x::dx] for y, x, dy, dx in starts]
        rows = b"".join(b"\0" + row.tobytes() for each in passes for row in each)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + extra
        + chunk(b"IDAT", zlib.compress(rows or b"\0" * 100))
        + chunk(b"IEND", b"")
    )


def spoil_chunk_check(data: bytes, kind: bytes) -> bytes:
    """A PNG whose chunk `kind` has a wrong checksum."""
    at = data.index(kind)
    length = struct.unpack(">I", data[at - 4 : at])[0]
    end = at + 4 + length
    return data[:end] + bytes([data[end] ^ 0xFF]) + data[end + 1 :]


def flip(data: bytes, where: float, count: int = 1) -> bytes:
    """Some bytes inverted, from a share of the length on."""
    at = int(len(data) * where)
    return data[:at] + bytes(byte ^ 0xFF for byte in data[at : at + count]) + data[at + count :]


def claims(format_name: str, width: int, height: int) -> bytes:
    """A file whose header claims a size that nothing in it fills."""
    if format_name == "PNG":
        return png(size=(width, height))
    if format_name == "JPEG":
        data = bytearray(encoded(grainy(), "JPEG"))
        at = data.index(b"\xff\xc0") + 5
        data[at : at + 4] = struct.pack(">HH", height, width)
        return bytes(data)
    if format_name == "GIF":
        data = bytearray(encoded(grainy(), "GIF"))
        data[6:10] = struct.pack("<HH", width, height)
        at = data.index(b"\x2c", 13 + 3 * 256)
        data[at + 5 : at + 9] = struct.pack("<HH", width, height)
        return bytes(data)
    if format_name == "BMP":
        data = bytearray(encoded(grainy(), "BMP"))
        data[18:26] = struct.pack("<ii", width, height)
        return bytes(data)
    if format_name == "WEBP":
        body = b"WEBPVP8X" + struct.pack("<I", 10) + b"\x10\0\0\0"
        body += struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
        body += encoded(grainy(), "WEBP", lossless=True)[12:]
        return b"RIFF" + struct.pack("<I", len(body)) + body
    data = bytearray(encoded(grainy(), "TIFF"))
    for tag, value in ((256, width), (257, height)):
        entry = _tiff_entry(data, tag)
        data[entry : entry + 12] = struct.pack("<HHII", tag, 4, 1, value)
    return bytes(data)


def with_tiff_tag(data: bytes, tag: int, value: int) -> bytes:
    """A little-endian TIFF with the value of one tag changed."""
    changed = bytearray(data)
    entry = _tiff_entry(changed, tag)
    changed[entry + 8 : entry + 10] = struct.pack("<H", value)
    return bytes(changed)


def _tiff_entry(data: bytearray, tag: int) -> int:
    at = struct.unpack_from("<I", data, 4)[0]
    for number in range(struct.unpack_from("<H", data, at)[0]):
        entry: int = at + 2 + 12 * number
        if struct.unpack_from("<H", data, entry)[0] == tag:
            return entry
    raise KeyError(tag)


@functools.cache
def srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def swapping_profile() -> bytes:
    """A profile in which the channel called red shines green, and the other way round: what it
    does to colours is exact and cannot be overlooked."""
    profile = srgb_profile().replace(b"rXYZ", b"tmp!").replace(b"gXYZ", b"rXYZ")
    profile = profile.replace(b"tmp!", b"gXYZ")
    assert profile != srgb_profile()
    return profile.replace("sRGB".encode("utf-16-be"), "swap".encode("utf-16-be"))


def red_cyan_profile() -> bytes:
    """A CMYK profile of a press whose cyan ink is red, and whose other inks do not show (ICC.1
    lut8Type over CIE Lab): read without it, or with its inks inverted, the colours are wrong."""
    paper, ink = (255, 128, 128), (136, 208, 195)  # L, a, b of white and of sRGB's pure red
    nodes = [(paper, ink)[cyan] for cyan in (0, 1) for _ in range(8)]  # cyan varies slowest
    straight = bytes(range(256))
    table = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0])
    table += struct.pack(">9i", *(65536 * (n % 4 == 0) for n in range(9)))
    table += straight * 4 + b"".join(map(bytes, nodes)) + straight * 3
    table += bytes(-len(table) % 4)
    white = b"XYZ \0\0\0\0" + struct.pack(">3i", 63190, 65536, 54061)  # D50
    tags = struct.pack(">I4sII4sII", 2, b"A2B0", 156, len(table), b"wtpt", 156 + len(table), 20)
    header = struct.pack(">I4xI4s4s4s12x4s", 156 + len(table) + 20, 0x02400000, b"prtr", b"CMYK",
                         b"Lab ", b"acsp").ljust(68, b"\0")  # fmt: skip
    header += struct.pack(">3i", 63190, 65536, 54061)
    return header.ljust(128, b"\0") + tags + table + white


def frames(format_name: str) -> bytes:
    """`upright`, then two frames of another colour."""
    rest = [Image.new("RGB", (96, 64), BLACK), Image.new("RGB", (96, 64), WHITE)]
    options: dict[str, Any] = {"lossless": True} if format_name == "WEBP" else {}
    return encoded(upright(), format_name, save_all=True, append_images=rest, **options)
