"""TIFF: which of its pages is the photo, and which layouts are read."""

from __future__ import annotations

from io import BytesIO

from PIL import Image, TiffImagePlugin

from lookweave.errors import Rejected

_NEW_SUBFILE_TYPE, _OLD_SUBFILE_TYPE, _SUB_IFDS, _DNG_VERSION = 254, 255, 330, 50706
_REDUCED, _MASK = 1, 4


def recognises(start: bytes) -> bool:
    """Whether a file begins as a TIFF or BigTIFF does, and not as Canon's raw files."""
    return start.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")) and start[8:10] != b"CR"


def open_image(data: bytes) -> Image.Image:
    """The first page that is neither a thumbnail nor a mask, with its header read.

    Raises:
        Rejected: ``unsupported_format``: a camera's raw file, of which only a preview could be
            read, or a layout that cannot be read.
    """
    image = TiffImagePlugin.TiffImageFile(BytesIO(data))
    if _DNG_VERSION in image.tag_v2:
        raise _raw()
    image.seek(_photo_page(image))
    return image


def _photo_page(image: TiffImagePlugin.TiffImageFile) -> int:
    """The first page that is whole; of pages that all are called reduced, the largest, unless
    that is the first, as in raw files, whose photo is no page."""
    page, largest, most = 0, 0, image.width * image.height
    while _is_secondary(image):
        if image.width * image.height > most:
            largest, most = page, image.width * image.height
        page += 1
        try:
            image.seek(page)
        except EOFError:
            if largest == 0 or _SUB_IFDS in image.tag_v2:
                raise _raw() from None
            return largest
    return page


def _is_secondary(image: TiffImagePlugin.TiffImageFile) -> bool:
    kind = image.tag_v2.get(_NEW_SUBFILE_TYPE, 0)
    return bool(kind & (_REDUCED | _MASK)) or image.tag_v2.get(_OLD_SUBFILE_TYPE) == 2


def _raw() -> Rejected:
    return Rejected(
        "unsupported_format",
        "This is a camera's raw file or holds thumbnails only: convert it to JPEG, PNG, WebP or "
        "TIFF.",
    )
