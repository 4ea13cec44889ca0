"""TIFF: which of its pages is the photo, and which layouts are read."""

from __future__ import annotations

from io import BytesIO

from PIL import Image, TiffImagePlugin

from lookweave.errors import Rejected

_NEW_SUBFILE_TYPE, _OLD_SUBFILE_TYPE, _SUB_IFDS, _DNG_VERSION = 254, 255, 330, 50706
_BIG_ENDIAN_BIG_TIFF = b"MM\0+"
_REDUCED, _MASK = 1, 4
_BITS, _COMPRESSION, _PHOTOMETRIC, _PLANES = 258, 259, 262, 284
_EXTRA_SAMPLES, _SAMPLE_FORMAT, _INK_SET = 338, 339, 332
_OTHER_COMPRESSIONS = {
    34661: "JBIG", 34712: "JPEG 2000", 34887: "LERC", 50001: "WebP", 50002: "JPEG XL",
    52546: "JPEG XL",
}  # fmt: skip
_WHITE_IS_ZERO, _SEPARATED = 0, 5
_GREY = (0, 1)
_STRAIGHT_ALPHA = 2
_UNSIGNED, _SIGNED, _FLOAT = 1, 2, 3


def recognises(start: bytes) -> bool:
    """Whether a file begins as a TIFF or BigTIFF does, and not as Canon's raw files."""
    return start.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")) and start[8:10] != b"CR"


def open_image(data: bytes) -> Image.Image:
    """The first page that is neither a thumbnail nor a mask, with its header read.

    Raises:
        Rejected: ``unsupported_format``: a camera's raw file, of which only a preview could be
            read, or a layout that cannot be read.
    """
    if data.startswith(_BIG_ENDIAN_BIG_TIFF):
        raise _unread("offsets of 64 bits in big-endian order")
    try:
        image = TiffImagePlugin.TiffImageFile(BytesIO(data))
    except Exception:
        if what := _wrongly_read(_first_tags(data)):
            raise _unread(what) from None
        raise
    if _DNG_VERSION in image.tag_v2:
        raise _raw()
    image.seek(_photo_page(image))
    if what := _wrongly_read(image.tag_v2):
        raise _unread(what)
    return image


def _first_tags(data: bytes) -> TiffImagePlugin.ImageFileDirectory_v2:
    """The tags of the first page, of which Pillow may know nothing else."""
    is_big = data[2:3] == b"+"
    tags = TiffImagePlugin.ImageFileDirectory_v2(data[: 16 if is_big else 8])
    file = BytesIO(data)
    file.seek(tags.next)
    tags.load(file)
    return tags


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


def _wrongly_read(tags: TiffImagePlugin.ImageFileDirectory_v2) -> str | None:
    """What a page holds, in words, if it is a layout of which Pillow makes other colours, as a
    comparison with tifffile over all layouts shows (tests/photos/test_tiff.py)."""
    bits, kinds = max(tags.get(_BITS, (1,))), set(tags.get(_SAMPLE_FORMAT, (1,)))
    compression, photometric = tags.get(_COMPRESSION, 1), tags.get(_PHOTOMETRIC, 0)
    extra = tags.get(_EXTRA_SAMPLES, ())
    if compression in _OTHER_COMPRESSIONS:
        return f"pixels compressed as {_OTHER_COMPRESSIONS[compression]}"
    if tags.get(_PLANES, 1) == 2:
        if bits == 16 and compression == 1:
            return "planes of 16-bit samples"
        if extra and (photometric in _GREY or tuple(extra) != (_STRAIGHT_ALPHA,)):
            return "planes beside those of the colours"
    if _SIGNED in kinds and bits < 32:
        return "samples with a sign"
    if kinds == {_UNSIGNED} and bits == 32:
        return "unsigned 32-bit samples"
    if _FLOAT in kinds and photometric == _WHITE_IS_ZERO:
        return "floating-point samples whose zero is white"
    if _FLOAT in kinds and compression != 1 and tags.prefix == b"MM":
        return "compressed big-endian floating-point samples"
    if photometric == _SEPARATED and tags.get(_INK_SET, 1) != 1:
        return "inks other than cyan, magenta, yellow and black"
    return None


def _unread(what: str) -> Rejected:
    return Rejected(
        "unsupported_format",
        f"This TIFF holds {what}, which is not read: save it as an ordinary 8-bit RGB image.",
    )


def _raw() -> Rejected:
    return Rejected(
        "unsupported_format",
        "This is a camera's raw file or holds thumbnails only: convert it to JPEG, PNG, WebP or "
        "TIFF.",
    )
