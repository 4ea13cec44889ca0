"""PNG: only the chunks that have to do with pixels count."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from io import BytesIO
from typing import Any

from PIL import Image, PngImagePlugin

from lookweave.errors import Rejected
from lookweave.photos import colour_spaces

_SIGNATURE = 8
_TEXTS, _EXIF_IN_TEXT = (b"tEXt", b"zTXt"), b"Raw profile type exif\0"
_MOST_TEXT_BYTES = 1_000_000
_PIXELS = (b"IHDR", b"PLTE", b"IDAT", b"IEND")
_USED_HERE = (b"IHDR", b"iCCP", b"cICP")
# And the bytes that Pillow expects at least.
_MEANING = {b"tRNS": 1, b"eXIf": 1, b"sRGB": 1, b"gAMA": 4, b"cHRM": 32}
_CLEAR_COLOUR = {0: 2, 2: 6}  # bytes of tRNS by the header's colour type
_MOST_PROFILE_BYTES = 32_000_000
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
          (0, 1, 1, 2))  # fmt: skip


def open_image(data: bytes) -> Image.Image:
    """The picture with its header read; of an animation, the one that is shown as a still."""
    return _PngImage(data)


class _PngImage(PngImagePlugin.PngImageFile):
    def __init__(self, data: bytes) -> None:
        kept, self._chunks, self._is_sound = _sorted_out(data)
        super().__init__(BytesIO(kept))
        self._add_colour_space()
        depth, colour = self._chunks[b"IHDR"][8:10]
        key = self.info.get("transparency")
        if colour == 0 and depth in (2, 4) and isinstance(key, int):
            # Pillow compares the key with samples that it has scaled to 0..255 meanwhile.
            self.info["transparency"] = key * 255 // ((1 << depth) - 1)

    def load(self) -> Any:
        is_fresh = bool(self.tile)
        access = super().load()
        # Pillow leaves rows black (or clear) that the data do not fill, and says nothing.
        if is_fresh and not (self._is_sound and self._has_last_row()):
            self._check_data()
        return access

    def _has_last_row(self) -> bool:
        last = self.crop((0, self.height - 1, self.width, self.height))
        return last.getbbox(alpha_only=False) is not None

    def _check_data(self) -> None:
        """Inflate the pixels' data whole, which finds what is missing and what is damaged."""
        header = self._chunks[b"IHDR"]
        expected = _bytes_inflated(*struct.unpack(">IIBBxxB", header[:13]))
        inflate, found = zlib.decompressobj(), 0
        piece = self._chunks[b"IDAT"]
        try:
            while piece and not inflate.eof:
                found += len(inflate.decompress(piece, 1 << 20))
                piece = inflate.unconsumed_tail
            found += len(inflate.flush())
        except zlib.error as error:
            raise Rejected(
                "broken_image", f"The PNG is damaged ({error}): save or copy it again."
            ) from error
        if found < expected or not (self._is_sound or inflate.eof):
            raise Rejected(
                "truncated_image",
                "The PNG's pixels are not all there, or not as they were written: copy or "
                "download it again.",
            )

    def _add_colour_space(self) -> None:
        """Say as an ICC profile what the other chunks say of colours; the first of cICP, iCCP,
        sRGB, gAMA that is there counts (PNG, third edition, 4.3)."""
        if len(self._chunks.get(b"cICP", b"")) == 4:
            primaries, transfer = self._chunks[b"cICP"][:2]
            self.info["icc_profile"] = colour_spaces.profile_of_code_points(primaries, transfer)
        elif (packed := self._chunks.get(b"iCCP")) is not None:
            self.info["icc_profile"] = _profile(packed)
        elif "srgb" not in self.info and (gamma := self.info.get("gamma")):
            self.info["icc_profile"] = colour_spaces.profile_of_gamma(
                gamma, self.info.get("chromaticity")
            )


def _sorted_out(data: bytes) -> tuple[bytes, dict[bytes, bytes], bool]:
    """What Pillow is to read; the chunks that are used here; whether the checksums of the pixels'
    data are right. Chunks beside the pixels with a wrong checksum are left out, as libpng
    does, and texts too, which may be of any size, but for EXIF as ImageMagick writes it."""
    kept: list[bytes | memoryview] = [data[:_SIGNATURE]]
    chunks: dict[bytes, bytes] = {}
    pieces: list[memoryview] = []
    is_sound = True
    for kind, content, whole, is_intact in _chunks_of(data):
        if kind in _PIXELS or (is_intact and _has_meaning(kind, content, chunks)):
            kept.append(whole)
        if kind == b"IDAT":
            pieces.append(content)
            is_sound &= is_intact
        elif is_intact and kind in _USED_HERE:
            chunks.setdefault(kind, bytes(content))
        if kind == b"IEND":
            break
    chunks[b"IDAT"] = b"".join(pieces)
    return b"".join(kept), chunks, is_sound


def _chunks_of(data: bytes) -> Iterator[tuple[bytes, memoryview, memoryview, bool]]:
    """Kind, content, the chunk as it stands in the file, and whether its checksum is right."""
    view, at = memoryview(data), _SIGNATURE
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        if not kind.isalpha():
            return  # no chunk begins here, nor can be found behind
        content, check = view[at + 8 : at + 8 + length], view[at + 8 + length : at + 12 + length]
        is_intact = bytes(check) == struct.pack(">I", zlib.crc32(content, zlib.crc32(kind)))
        yield kind, content, view[at : at + 12 + length], is_intact
        at += 12 + length


def _has_meaning(kind: bytes, content: memoryview, before: dict[bytes, bytes]) -> bool:
    if kind in _TEXTS:
        return _holds_exif(kind, content)
    least = _MEANING.get(kind)
    if kind == b"tRNS" and b"IHDR" in before:
        least = _CLEAR_COLOUR.get(before[b"IHDR"][9], least)
    return least is not None and len(content) >= least


def _holds_exif(kind: bytes, content: memoryview) -> bool:
    name = len(_EXIF_IN_TEXT)
    if content[:name] != _EXIF_IN_TEXT:
        return False
    if kind == b"tEXt":
        return len(content) < _MOST_TEXT_BYTES
    try:
        text = zlib.decompressobj().decompress(content[name + 1 :], _MOST_TEXT_BYTES)
    except zlib.error:
        return False
    return len(text) < _MOST_TEXT_BYTES


def _bytes_inflated(width: int, height: int, depth: int, colour: int, interlaced: int) -> int:
    """How many bytes the pixels' data inflate to: rows with a byte for each one's filter."""
    bits = depth * _SAMPLES[colour]
    passes = [(width, height)]
    if interlaced:
        passes = [(-(-(width - x) // dx), -(-(height - y) // dy)) for x, y, dx, dy in _ADAM7]
    return sum(rows * (1 + -(-columns * bits // 8)) for columns, rows in passes if columns > 0)


def _profile(packed: bytes) -> bytes | None:
    _, _, deflated = packed.partition(b"\0")
    try:
        return zlib.decompressobj().decompress(deflated[1:], _MOST_PROFILE_BYTES)
    except zlib.error:
        return None  # the photo is then taken for sRGB, as for any broken profile
