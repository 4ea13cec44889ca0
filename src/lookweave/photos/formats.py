"""Which format a file's bytes are in, and who opens it. Formats of others can be added.

File names lie, so only content counts here. Pillow's `Image.open` is not used: its guard against
decompression bombs is one number for the whole process, and it tries decoders nobody asked for.

A format of your own is a `PhotoFormat`. Register it in the program that calls Lookweave
(`register_photo_format`), or let a package name it under the entry-point group
``lookweave.photo_formats``; it is then found in every process, those of a cluster too::

    [project.entry-points."lookweave.photo_formats"]
    jpegxl = "my_package:JPEG_XL"
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image

from lookweave.errors import ConfigError, Rejected
from lookweave.photos import containers, jpeg, png, tiff

SNIFF_BYTES = 512
"""How much of a file's start `sniff` looks at."""

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

ENTRY_POINTS = "lookweave.photo_formats"
"""The entry-point group under which packages name a `PhotoFormat`."""


@dataclass(frozen=True)
class PhotoFormat:
    """A kind of image file.

    Attributes:
        name: as rows of the tables name it, in capitals: JPEG.
        suffixes: of its files, in lower case and without the dot. A folder's files with other
            suffixes are looked into, unless their suffix is known to be no photo's.
        recognises: whether a file is of this format, by its first `SNIFF_BYTES` bytes.
        open: from a whole file's bytes to a Pillow image whose header is read: ``size`` is
            right, and no pixel is decoded before ``load()``. Orientation (EXIF), colour profile
            (``info["icc_profile"]``) and transparency are then understood as Pillow has them.
            Any exception, here or in ``load()``, rejects the photo; `Rejected` says why in words.
        is_compact: whether compressed pixels never hold long runs of zeros (`holes.filled` says
            how long), so that such a run is a part of the file that was never written. Where
            other bytes in its place change the picture, the photo is rejected.
    """

    name: str
    suffixes: frozenset[str]
    recognises: Callable[[bytes], bool]
    open: Callable[[bytes], Image.Image]
    is_compact: bool = False


_BUILT_IN: tuple[PhotoFormat, ...] = (
    PhotoFormat(
        "JPEG",
        frozenset({"jpg", "jpeg", "jpe", "jfif", "jif", "mpo"}),
        lambda start: start.startswith(b"\xff\xd8\xff"),
        jpeg.open_image,
    ),
    PhotoFormat(
        "PNG",
        frozenset({"png", "apng"}),
        lambda start: start.startswith(b"\x89PNG\r\n\x1a\n"),
        png.open_image,
    ),
    PhotoFormat(
        "GIF",
        frozenset({"gif"}),
        lambda start: start.startswith((b"GIF87a", b"GIF89a")),
        containers.open_gif,
    ),
    PhotoFormat(
        "WEBP",
        frozenset({"webp"}),
        lambda start: start[:4] == b"RIFF" and start[8:12] == b"WEBP",
        containers.open_webp,
        is_compact=True,
    ),
    PhotoFormat("TIFF", frozenset({"tif", "tiff"}), tiff.recognises, tiff.open_image),
    PhotoFormat("BMP", frozenset({"bmp", "dib"}), containers.is_bmp, containers.open_bmp),
    PhotoFormat(
        "AVIF",
        frozenset({"avif", "avifs"}),
        containers.is_avif,
        containers.open_avif,
        is_compact=True,
    ),
    PhotoFormat(
        "HEIF",
        frozenset({"heic", "heif", "hif"}),
        containers.is_heif,
        containers.open_heif,
        is_compact=True,
    ),
)

_formats = _BUILT_IN
_suffixes: frozenset[str] = frozenset().union(*(each.suffixes for each in _BUILT_IN))
_entry_points_are_read = False
_lock = threading.Lock()


def register_photo_format(photo_format: PhotoFormat) -> None:
    """Read files of a further format, in this process.

    It is asked before the formats that are there already, so it may take files that these would
    turn away or read otherwise (raw files begin like TIFFs). To register the very same format
    twice changes nothing.

    Raises:
        ConfigError: another format has that name.
    """
    with _lock:
        _register(photo_format)


def photo_formats() -> tuple[PhotoFormat, ...]:
    """Every format, in the order in which they are asked: the last registered one first.

    Raises:
        ConfigError: a package's entry point cannot be loaded, or is no `PhotoFormat`.
    """
    if not _entry_points_are_read:
        _read_entry_points()
    return _formats


def suffixes() -> frozenset[str]:
    """The suffixes of all formats' files, in lower case and without the dot."""
    if not _entry_points_are_read:
        _read_entry_points()
    return _suffixes


def _register(photo_format: PhotoFormat) -> None:
    global _formats, _suffixes
    known = {each.name: each for each in _formats}
    if photo_format.name not in known:
        _formats = (photo_format, *_formats)
        _suffixes |= photo_format.suffixes
    elif known[photo_format.name] != photo_format:
        raise ConfigError(
            f"There is a photo format {photo_format.name} already: give yours another name."
        )


def _read_entry_points() -> None:
    global _entry_points_are_read
    from importlib.metadata import entry_points  # as slow to import as all else here

    with _lock:
        if _entry_points_are_read:
            return
        for point in entry_points(group=ENTRY_POINTS):
            _register(_loaded(point))
        _entry_points_are_read = True


def _loaded(point: EntryPoint) -> PhotoFormat:
    where = f"The photo format {point.name} ({point.value}) of an installed package"
    try:
        photo_format = point.load()
    except Exception as error:  # importing a package may raise anything
        raise ConfigError(
            f"{where} cannot be loaded ({error}): update or uninstall that package."
        ) from error
    if not isinstance(photo_format, PhotoFormat):
        raise ConfigError(f"{where} is no PhotoFormat: update or uninstall that package.")
    return photo_format


def sniff(start: bytes) -> str:
    """The name of an image's format, from the first `SNIFF_BYTES` of its file.

    Raises:
        Rejected: ``empty_file``, ``truncated_image``, ``unsupported_format`` (an image that we
            cannot take) or ``not_an_image``.
    """
    return photo_format_of(start).name


def photo_format_of(start: bytes) -> PhotoFormat:
    """As `sniff`, with all that is known of the format."""
    if not start:
        raise Rejected("empty_file", "The file has no bytes: copy or download it again.")
    for photo_format in photo_formats():
        if photo_format.recognises(start):
            return photo_format
    raise _turned_away(start)


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
    (b"II*\x00\x10\x00\x00\x00CR", "a camera's raw file"),
    (b"IIRO", "a camera's raw file"),
    (b"IIU\x00", "a camera's raw file"),
    (b"v/1\x01", "OpenEXR"),
    (b"DDS ", "DirectDraw (DDS)"),
    (b"%!PS", "PostScript (EPS)"),
    (b"qoif", "QOI"),
)

_MAGICS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"GIF89a", b"RIFF", b"II*\x00", b"MM\x00*")


def _turned_away(start: bytes) -> Rejected:
    if len(start) < 8 and any(magic.startswith(start) for magic in _MAGICS):
        return Rejected(
            "truncated_image", f"Only {len(start)} bytes are left: copy or download it again."
        )
    for magic, what in _OTHER_IMAGES:
        if start.startswith(magic):
            return _unsupported(what)
    if start[4:8] == b"ftyp":
        if start[8:12] == b"crx ":
            return _unsupported("a camera's raw file")
        return Rejected("not_an_image", "This is a film, not a photo: export a still from it.")
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
