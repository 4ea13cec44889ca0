"""JPEG, decoded by libjpeg-turbo with its complaints heard.

Pillow decodes JPEGs by the same library, bit for bit, but passes over what it complains of: where
the data end too early, libjpeg fills the rest of the picture and warns. And Pillow turns away
whole pictures that lack the two bytes of the end mark, as phones' panoramas do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image, JpegImagePlugin

from lookweave.errors import Rejected
from lookweave.photos import holes

_MANY_PIXELS = 32_000_000
_ADOBE = 0xEE  # says whether the colours are YCbCr
_END = b"\xff\xd9"
_RARE_SAMPLING = "Could not determine subsampling"
_TRUNCATED = ("premature end of data segment", "found marker 0xd9 instead of RST")
_NO_END = "Premature end of JPEG file"
_DAMAGED = ("bad Huffman code", "bad arithmetic code")
# Behind the data of a scan: anything but stuffed bytes and restart marks.
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_COLOURS = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK"}


def open_image(data: bytes) -> JpegImage:
    """The picture with its header read; of a file with several, the first."""
    return JpegImage(data)


class JpegImage(JpegImagePlugin.JpegImageFile):
    """A JPEG for Pillow.

    Attributes:
        decoded: uint8, (height, width, 3) for RGB, 4 for CMYK, none for L; None before load().
    """

    decoded: NDArray[np.uint8] | None = None

    def __init__(self, data: bytes) -> None:
        super().__init__(BytesIO(data))
        self._data = data
        self._scan = self.fp.tell() if self.fp else 0  # the header ends where the first scan begins
        self._reduced = 1

    def draft(self, mode: str | None, size: tuple[int, int] | None) -> None:
        """Decode at 1/2, 1/4 or 1/8 where neither side then is below `size`."""
        if size:
            most = min(self.width // max(size[0], 1), self.height // max(size[1], 1))
            self._reduced = next(step for step in (8, 4, 2, 1) if step <= max(most, 1))

    def load(self) -> Any:
        if self.tile:
            self.decoded = self._decode_whole()
            self._size, self.tile, self.fp = self.decoded.shape[1::-1], [], None
            return None
        return Image.Image.load(self)

    @property
    def im(self) -> Any:
        """The pixels as Pillow keeps them, made when Pillow is to work on them: a copy."""
        if self._im is None and self.decoded is not None:
            self._im = Image.fromarray(self.decoded, self.mode).im
        return super().im

    @im.setter
    def im(self, im: Any) -> None:
        self._im = im

    def _decode_whole(self) -> NDArray[np.uint8]:
        """The pixels, if all of them stand in the file."""
        try:
            return self._decode(self._data, self._reduced)
        except ValueError as complaint:
            _turn_away(complaint)
        for data in self._bare():
            try:
                if not self._is_whole(data):
                    raise Rejected(
                        "truncated_image",
                        "The picture's data end too early: copy or download the file again.",
                    )
                return self._decode(data + _END, self._reduced, strict=False)
            except ValueError as error:
                last = error
        raise last

    def _bare(self) -> list[bytes]:
        """The file with a header of tables alone, up to the end mark or the first hole; and, if
        the first scan is the whole picture, the same up to that scan's end."""
        header = b"".join(_tables(self._data[: self._scan]))
        scans = holes.before(self._data[self._scan :].partition(_END)[0])
        following = _MARKER.search(scans)
        if following is None or "progressive" in self.info:
            return [header + scans]
        return [header + scans, header + scans[: following.start()]]

    def _is_whole(self, data: bytes) -> bool:
        """Whether the picture stays the same when other data follow: data that are missing would
        be taken from there."""
        try:
            self._decode(data + _END, 8)
        except ValueError as complaint:
            if _NO_END in str(complaint):  # there is one: it was taken for something else
                return False
            _turn_away(complaint)
        reduced = 1 if self.width * self.height < _MANY_PIXELS else 8  # memory for two pictures
        return np.array_equal(
            self._decode(data + _END, reduced, strict=False),
            self._decode(data + holes.OTHER_BYTES + _END, reduced, strict=False),
        )

    def _decode(self, data: bytes, reduced: int, strict: bool = True) -> NDArray[np.uint8]:
        """Pixels (height, width[, channels]) at 1/`reduced` of the size.

        Raises:
            ValueError: what libjpeg says of the data; of recoverable damage too if `strict`.
        """
        try:
            pixels: NDArray[np.uint8] = simplejpeg.decode_jpeg(
                data,
                colorspace=_COLOURS[self.mode],
                min_height=-(-self.height // reduced),
                min_width=-(-self.width // reduced),
                min_factor=reduced,
                strict=strict,
            )
        except ValueError as error:
            if strict or _RARE_SAMPLING not in str(error):
                raise
            # TurboJPEG knows no name for this sampling of colours, which libjpeg reads well.
            image = JpegImagePlugin.JpegImageFile(BytesIO(data))
            image.draft(None, (-(-self.width // reduced), -(-self.height // reduced)))
            return np.asarray(image)
        if self.mode == "CMYK":  # no ink is 255 in a JPEG, as Adobe has it
            return np.uint8(255) - pixels
        return pixels[:, :, 0] if self.mode == "L" else pixels


def _tables(header: bytes) -> Iterator[bytes]:
    """The segments that pixels depend on: all but texts, profiles and thumbnails, and junk."""
    yield header[:2]
    at = header.find(b"\xff", 2)
    while 0 <= at < len(header) - 3:
        marker, length = header[at + 1], int.from_bytes(header[at + 2 : at + 4], "big")
        if marker == 0xFF:  # before a marker there may be any number of these
            at += 1
            continue
        if not 0xE0 <= marker <= 0xEF or marker == _ADOBE:
            yield header[at : at + 2 + length]
        at = header.find(b"\xff", at + 2 + length)


def _turn_away(complaint: ValueError) -> None:
    if any(each in str(complaint) for each in _TRUNCATED):
        raise Rejected(
            "truncated_image",
            f"The picture's data end too early ({complaint}): copy or download the file again.",
        ) from complaint
    if any(each in str(complaint) for each in _DAMAGED):
        raise Rejected(
            "broken_image", f"The JPEG is damaged ({complaint}): save or copy it again."
        ) from complaint
