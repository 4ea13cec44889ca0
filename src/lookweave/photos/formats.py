"""What a file is by its first bytes, who opens it, and whether its end is missing.

File names lie, so only content counts here. Pillow's `Image.open` is not used: its guard against
decompression bombs is one number for the whole process, and it tries decoders nobody asked for.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from io import BytesIO

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from lookweave.errors import Rejected

SNIFF_BYTES = 512
"""How much of a file's start `sniff` looks at."""

ImageOpener = Callable[[BytesIO], ImageFile.ImageFile]

_DNG_VERSION, _NEW_SUBFILE_TYPE = 50706, 254

_NOT_PHOTOS: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive (or an office document)"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x1aE\xdf\xa3", "a Matroska or WebM film"),
    (b"PAR1", "a Parquet table"),
    (b"SQLite format 3", "a SQLite database"),
    (b"MZ", "a Windows program"),
    (b"\x7fELF", "a program"),
)

_OTHER_IMAGES: tuple[tuple[bytes, str], ...] = (
    (b"8BPS", "Photoshop (PSD)"),
    (b"\x00\x00\x00\x0cjP  ", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"\x00\x00\x00\x0cJXL ", "JPEG XL"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\x00\x00\x01\x00", "a Windows icon (ICO)"),
    (b"FUJIFILMCCD-RAW", "a camera's raw file"),
    (b"IIRO", "a camera's raw file"),
    (b"IIU\x00", "a camera's raw file"),
    (b"v/1\x01", "OpenEXR"),
    (b"DDS ", "DirectDraw (DDS)"),
    (b"%!PS", "PostScript (EPS)"),
    (b"qoif", "QOI"),
)

_MAGICS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"GIF89a", b"RIFF", b"II*\x00", b"MM\x00*")

_AVIF_BRANDS = {b"avif", b"avis"}
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_FILM_BRANDS = (b"isom", b"iso2", b"mp41", b"mp42", b"qt  ", b"M4V ", b"avc1", b"3gp")


def sniff(start: bytes) -> str:
    """The format of an image, from the first `SNIFF_BYTES` of its file.

    Returns:
        JPEG, PNG, WEBP, AVIF, TIFF, GIF, BMP or HEIF.

    Raises:
        Rejected: ``empty_file``, ``unsupported_format`` (an image that we cannot take) or
            ``not_an_image``.
    """
    if not start:
        raise Rejected("empty_file", "The file has no bytes: copy or download it again.")
    if start.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if start.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if start.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "WEBP"
    if start.startswith((b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")):
        if start[8:10] == b"CR":
            raise _unsupported("a camera's raw file")
        return "TIFF"
    if start.startswith(b"BM") and start[6:10] == b"\0\0\0\0":
        return "BMP"
    if start[4:8] == b"ftyp":
        return _sniff_brand(start)
    raise _turned_away(start)


def _sniff_brand(start: bytes) -> str:
    """AVIF, HEIC and films share one container; its brands tell them apart."""
    length = min(int.from_bytes(start[:4], "big"), len(start))
    brands = [start[8:12], *(start[at : at + 4] for at in range(16, length, 4))]
    if _AVIF_BRANDS & set(brands):
        return "AVIF"
    if brands[0].startswith(_FILM_BRANDS):
        raise Rejected("not_an_image", "This is a film, not a photo: export a still from it.")
    if _HEIF_BRANDS & set(brands):
        return "HEIF"
    if brands[0] == b"crx ":
        raise _unsupported("a camera's raw file")
    raise Rejected("not_an_image", "This is a film, not a photo: export a still from it.")


def _turned_away(start: bytes) -> Rejected:
    if len(start) < 8 and any(magic.startswith(start) for magic in _MAGICS):
        return Rejected(
            "truncated_image", f"Only {len(start)} bytes are left: copy or download it again."
        )
    for magic, what in _OTHER_IMAGES:
        if start.startswith(magic):
            return _unsupported(what)
    for magic, what in _NOT_PHOTOS:
        if start.startswith(magic):
            return Rejected("not_an_image", f"This is {what}, not a photo.")
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith(b"<svg") or (text.startswith(b"<?xml") and b"<svg" in text):
        return _unsupported("a drawing (SVG)")
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<body")) or b"<html" in text:
        return Rejected(
            "not_an_image",
            "This is a web page (HTML), not a photo: often an error page that was saved in a "
            "photo's place. Download the photo again.",
        )
    if not start.strip(b"\0"):
        return Rejected(
            "not_an_image",
            "The file begins with nothing but zeros, as after an interrupted copy: copy it again.",
        )
    if _is_text(start):
        return Rejected("not_an_image", "This is a text file, not a photo.")
    return Rejected("not_an_image", "The first bytes are those of no image format we know.")


def _unsupported(what: str) -> Rejected:
    return Rejected(
        "unsupported_format",
        f"This is {what}, which Lookweave does not read: convert it to JPEG, PNG, WebP or TIFF.",
    )


def _is_text(start: bytes) -> bool:
    return all(byte >= 32 or byte in b"\t\r\n\f" for byte in start) and b"\x7f" not in start


def open_image(data: bytes, format_name: str) -> ImageFile.ImageFile:
    """The image with its header read and no pixel decoded.

    Raises:
        Rejected: ``unsupported_format`` where an extra is missing or the TIFF is a raw file's.
        Exception: whatever the decoder raises on broken bytes.
    """
    image = _OPENERS[format_name](BytesIO(data))
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        tags = image.tag_v2
        if _DNG_VERSION in tags or tags.get(_NEW_SUBFILE_TYPE) == 1:
            # The first image of a raw file is a small preview: no photo worth publishing.
            raise _unsupported("a camera's raw file")
    return image


def _open_heif(file: BytesIO) -> ImageFile.ImageFile:
    try:
        from pillow_heif import HeifImageFile
    except ImportError as error:
        raise Rejected(
            "unsupported_format",
            "HEIC photos need the extra `lookweave[heic]`: pip install 'lookweave[heic]' and run "
            "the same command again.",
            retry=True,
        ) from error
    opener: ImageOpener = HeifImageFile
    return opener(file)


_OPENERS: dict[str, ImageOpener] = {
    "JPEG": JpegImagePlugin.JpegImageFile,  # also the first frame of an MPO
    "PNG": PngImagePlugin.PngImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
    "AVIF": AvifImagePlugin.AvifImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "HEIF": _open_heif,
}


def ends_in_nothing(data: bytes) -> bool:
    """Whether a JPEG's end is a long run of zeros: an interrupted copy into a file whose space
    was set aside before. libjpeg would decode the zeros as grey without a word."""
    kept = data.rstrip(b"\0")
    return len(data) - len(kept) >= 256 and not kept.endswith(b"\xff\xd9")


def is_cut_short(data: bytes, format_name: str) -> bool:
    """Whether bytes are missing at the end, by the lengths that the file itself states.

    Only asked after decoding failed, to say ``truncated_image`` rather than ``broken_image``.
    """
    try:
        return _CUT_SHORT[format_name](data)
    except (struct.error, IndexError, ValueError):
        return True  # a length field itself is missing


def _jpeg_cut_short(data: bytes) -> bool:
    return b"\xff\xd9" not in data[-64:]


def _png_cut_short(data: bytes) -> bool:
    at = 8
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        at += 12 + length
        if kind == b"IEND":
            return bool(at > len(data))
        if not kind.isalpha():
            return False  # damaged, not cut
    return True


def _riff_cut_short(data: bytes) -> bool:
    return len(data) < 8 + int(struct.unpack_from("<I", data, 4)[0])


def _boxes_cut_short(data: bytes) -> bool:
    at = 0
    while at < len(data):
        length = int(struct.unpack_from(">I", data, at)[0])
        if length == 1:
            length = int(struct.unpack_from(">Q", data, at + 8)[0])
        if length == 0:
            return False  # the last box reaches to the end, however far that is
        if length < 8:
            return False
        at += length
    return at > len(data)


def _gif_cut_short(data: bytes) -> bool:
    return b"\x3b" not in data[-16:]


def _tiff_cut_short(data: bytes) -> bool:
    order = "<" if data[:2] == b"II" else ">"
    if data[2:4] in (b"+\x00", b"\x00+"):
        return False  # BigTIFF: not worth a parser of its own
    at = int(struct.unpack_from(order + "I", data, 4)[0])
    count = int(struct.unpack_from(order + "H", data, at)[0])
    ends = [at + 2 + 12 * count]
    found: dict[int, list[int]] = {}
    for entry in range(at + 2, at + 2 + 12 * count, 12):
        tag, kind, number = struct.unpack_from(order + "HHI", data, entry)
        if tag in (273, 279, 324, 325) and kind in (3, 4):  # offsets and lengths of strips, tiles
            size, code = (2, "H") if kind == 3 else (4, "I")
            where = entry + 8
            if size * number > 4:
                where = int(struct.unpack_from(order + "I", data, entry + 8)[0])
            found[tag] = list(struct.unpack_from(f"{order}{number}{code}", data, where))
    for offsets, lengths in ((273, 279), (324, 325)):
        pairs = zip(found.get(offsets, []), found.get(lengths, []), strict=False)
        ends += [offset + length for offset, length in pairs]
    return max(ends) > len(data)


def _bmp_cut_short(data: bytes) -> bool:
    return len(data) < int(struct.unpack_from("<I", data, 2)[0])


_CUT_SHORT: dict[str, Callable[[bytes], bool]] = {
    "JPEG": _jpeg_cut_short,
    "PNG": _png_cut_short,
    "WEBP": _riff_cut_short,
    "AVIF": _boxes_cut_short,
    "HEIF": _boxes_cut_short,
    "TIFF": _tiff_cut_short,
    "GIF": _gif_cut_short,
    "BMP": _bmp_cut_short,
}
