"""Bad and odd inputs, each with what must come of it. See also `odd_files` for names and
things that are no files, and `test_sources` for manifests."""

from __future__ import annotations

import gzip
import struct
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image
from tests.photo_bytes import (
    BLACK,
    BLUE,
    GREEN,
    QUARTERS,
    RED,
    WHITE,
    YELLOW,
    chunk,
    claims,
    encoded,
    exif,
    flip,
    frames,
    grainy,
    png,
    red_cyan_profile,
    spoil_chunk_check,
    srgb_profile,
    swapping_profile,
    turned,
    upright,
    with_tiff_tag,
)

Colour = tuple[int, int, int]
MAX_BYTES = 3_000_000
MIN_SIDE = 32


@dataclass(frozen=True)
class Reads:
    """The photo is read: its size, and the colours of its four quarters."""

    size: tuple[int, int] = (96, 64)
    quarters: tuple[Colour, Colour, Colour, Colour] = QUARTERS
    tolerance: int = 6


@dataclass(frozen=True)
class Rejects:
    """The photo is turned away for this reason."""

    reason: str


@dataclass(frozen=True)
class Case:
    """One file of the corpus."""

    name: str
    make: Callable[[], bytes]
    outcome: Reads | Rejects


def grey(*levels: int) -> tuple[Colour, Colour, Colour, Colour]:
    first, second, third, fourth = ((level, level, level) for level in levels)
    return first, second, third, fourth


def quarters_of(pixels: np.ndarray) -> list[Colour]:
    """Mean colours of the middles of the four quarters."""
    height, width = pixels.shape[:2]
    y, x = height // 8, width // 8
    middles = [
        pixels[row * y : (row + 2) * y + 1, column * x : (column + 2) * x + 1]
        for row in (1, 5)
        for column in (1, 5)
    ]
    return [tuple(int(v) for v in each.reshape(-1, 3).mean(0).round()) for each in middles]


def cases() -> list[Case]:
    """Every file of the corpus."""
    return [
        *_cut_short(), *_oriented(), *_colours(), *_frames(), *_impossible_sizes(),
        *_no_photos(), *_damaged(), *_misnamed(),
    ]  # fmt: skip


FORMATS = {
    "JPEG": "jpg", "PNG": "png", "WEBP": "webp", "AVIF": "avif", "TIFF": "tif", "GIF": "gif",
    "BMP": "bmp", "HEIF": "heic",
}  # fmt: skip


def _cut_short() -> Iterator[Case]:
    def cut(format_name: str, keep: float, **options: object) -> Callable[[], bytes]:
        def make() -> bytes:
            data = encoded(grainy(), format_name, **options)
            return data[: int(len(data) * keep)]

        return make

    truncated = Rejects("truncated_image")
    for format_name, suffix in FORMATS.items():
        for percent in (5, 30, 90):
            yield Case(f"cut-{percent}.{suffix}", cut(format_name, percent / 100), truncated)
    yield Case("cut-progressive.jpg", cut("JPEG", 0.6, progressive=True), truncated)
    yield Case("cut-lzw.tif", cut("TIFF", 0.5, compression="tiff_lzw"), truncated)
    yield Case("magic-only.jpg", lambda: b"\xff\xd8\xff", truncated)
    yield Case("magic-half.png", lambda: b"\x89PNG", truncated)
    yield Case("no-bytes.jpg", lambda: b"", Rejects("empty_file"))
    yield Case("one-byte.jpg", lambda: b"\xff", truncated)

    def zeros_at_the_end() -> bytes:
        data = encoded(grainy(), "JPEG")
        return data[: len(data) // 2] + bytes(len(data) // 2)

    yield Case("second-half-zeros.jpg", zeros_at_the_end, truncated)


def _oriented() -> Iterator[Case]:
    for orientation in range(1, 9):
        yield Case(
            f"held-{orientation}.jpg",
            lambda n=orientation: encoded(turned(n), "JPEG", exif=exif(n), subsampling=0),
            Reads(),
        )
    for name, format_name in (("png", "PNG"), ("webp", "WEBP"), ("avif", "AVIF"), ("tif", "TIFF")):
        yield Case(
            f"held-6.{name}",
            lambda f=format_name: encoded(turned(6), f, exif=exif(6)),
            Reads(tolerance=10),
        )
    for value in (0, 9, 999):
        yield Case(
            f"held-{value}.jpg", lambda v=value: encoded(upright(), "JPEG", exif=exif(v)), Reads()
        )

    def broken_exif(block: bytes) -> Callable[[], bytes]:
        return lambda: encoded(upright(), "JPEG", exif=b"Exif\0\0" + block)

    yield Case("exif-garbage.jpg", broken_exif(b"garbage" * 9), Reads())
    yield Case("exif-cut.jpg", broken_exif(exif(6)[6:20]), Reads())
    yield Case("exif-loop.jpg", broken_exif(b"II*\0\x08\0\0\0\xff\xff" + b"\x12\x01" * 40), Reads())


def _colours() -> Iterator[Case]:
    def as_mode(mode: str, format_name: str, **options: object) -> Callable[[], bytes]:
        return lambda: encoded(upright().convert(mode), format_name, **options)

    lightness = tuple(upright().convert("L").getpixel(at) for at in ((9, 9), (80, 9)))
    lightness += tuple(upright().convert("L").getpixel(at) for at in ((9, 60), (80, 60)))
    greys = grey(*(int(level) for level in lightness))  # type: ignore[arg-type]
    yield Case("grey.jpg", as_mode("L", "JPEG"), Reads(quarters=greys))
    grey_profile = as_mode("L", "JPEG", icc_profile=srgb_profile())
    yield Case("grey-with-colour-profile.jpg", grey_profile, Reads(quarters=greys))
    yield Case("cmyk-adobe.jpg", as_mode("CMYK", "JPEG"), Reads())
    inked = Image.new("CMYK", (96, 64), (0, 0, 0, 0))
    inked.paste((255, 0, 0, 0), (0, 0, 96, 32))
    for name, format_name in (("cmyk-profile.jpg", "JPEG"), ("cmyk-profile.tif", "TIFF")):
        yield Case(
            name,
            lambda f=format_name: encoded(inked, f, icc_profile=red_cyan_profile()),
            Reads(quarters=((255, 0, 0), (255, 0, 0), WHITE, WHITE), tolerance=8),
        )
    yield Case("cmyk.tif", as_mode("CMYK", "TIFF"), Reads())
    yield Case("palette.png", lambda: encoded(upright().quantize(8), "PNG"), Reads())
    yield Case("palette.gif", lambda: encoded(upright().quantize(8), "GIF"), Reads())
    yield Case("palette.bmp", lambda: encoded(upright().quantize(8), "BMP"), Reads())
    dots = Reads(quarters=(BLACK, BLACK, WHITE, WHITE), tolerance=1)
    halves = Image.fromarray(np.repeat([[False], [True]], 32, 0).repeat(96, 1))
    yield Case("one-bit.png", lambda: encoded(halves, "PNG"), dots)
    yield Case("one-bit-fax.tif", lambda: encoded(halves, "TIFF", compression="group4"), dots)

    def see_through(mode: str) -> Image.Image:
        image = upright().convert("RGBA")
        alpha = np.full((64, 96), 255, np.uint8)
        alpha[:32, :48], alpha[32:, 48:] = 0, 128
        image.putalpha(Image.fromarray(alpha))
        return image.convert(mode)

    half_yellow = tuple(round(255 + (v - 255) * 128 / 255) for v in YELLOW)
    on_white = Reads(quarters=(WHITE, GREEN, BLUE, half_yellow))  # type: ignore[arg-type]
    yield Case("see-through.png", lambda: encoded(see_through("RGBA"), "PNG"), on_white)
    yield Case(
        "see-through.webp", lambda: encoded(see_through("RGBA"), "WEBP", lossless=True), on_white
    )
    yield Case("see-through.tif", lambda: encoded(see_through("RGBA"), "TIFF"), on_white)
    half_grey = round(255 + (greys[3][0] - 255) * 128 / 255)
    yield Case(
        "see-through-grey.png",
        lambda: encoded(see_through("LA"), "PNG"),
        Reads(quarters=grey(255, greys[1][0], greys[2][0], half_grey)),
    )

    def keyed(format_name: str) -> Callable[[], bytes]:
        return lambda: encoded(_indexed(), format_name, transparency=0)

    keyed_out = Reads(quarters=(WHITE, GREEN, BLUE, YELLOW))
    yield Case("see-through-palette.png", keyed("PNG"), keyed_out)
    yield Case("see-through-palette.gif", keyed("GIF"), keyed_out)
    yield Case(
        "see-through-colour-key.png",
        lambda: png(np.asarray(upright()), extra=chunk(b"tRNS", struct.pack(">HHH", *RED))),
        keyed_out,
    )
    levels = np.array([[0, 0x4000], [0x8000, 0xFFFF]], np.uint16).repeat(32, 0).repeat(48, 1)
    deep = Reads(quarters=grey(0, 64, 128, 255), tolerance=1)
    yield Case("sixteen-bit-grey.png", lambda: png(levels, colour=0), deep)
    yield Case("sixteen-bit-grey.tif", lambda: encoded(Image.fromarray(levels), "TIFF"), deep)
    yield Case(
        "sixteen-bit-white-is-zero.tif",
        lambda: with_tiff_tag(encoded(Image.fromarray(levels), "TIFF"), 262, 0),
        Reads(quarters=grey(255, 191, 127, 0), tolerance=1),
    )
    yield Case(
        "sixteen-bit-grey-keyed.png",
        lambda: png(levels, colour=0, extra=chunk(b"tRNS", struct.pack(">H", 0))),
        Reads(quarters=grey(255, 64, 128, 255), tolerance=1),
    )
    yield Case(
        "sixteen-bit-colour.png",
        lambda: png(np.asarray(upright()).astype(np.uint16) * 257),
        Reads(tolerance=1),
    )
    yield Case(
        "sixteen-bit-colour-keyed.png",
        lambda: png(
            np.asarray(upright()).astype(np.uint16) * 257,
            extra=chunk(b"tRNS", struct.pack(">HHH", *(v * 257 for v in RED))),
        ),
        Reads(quarters=(WHITE, GREEN, BLUE, YELLOW), tolerance=1),
    )
    floats = (levels / 65535.0).astype(np.float32)
    yield Case("float.tif", lambda: encoded(Image.fromarray(floats), "TIFF"), deep)
    gaps = np.where(floats == 0, np.float32(np.nan), floats)
    yield Case("float-with-gaps.tif", lambda: encoded(Image.fromarray(gaps), "TIFF"), deep)
    wide = (floats * 4000 - 1000).astype(np.float32)
    yield Case("float-any-range.tif", lambda: encoded(Image.fromarray(wide), "TIFF"), deep)
    integers = levels.astype(np.int32)
    yield Case("integer.tif", lambda: encoded(Image.fromarray(integers), "TIFF"), deep)
    lab = np.zeros((64, 96, 3), np.uint8)
    lab[:32, :, 0], lab[32:, :, 0] = 255, 0
    yield Case(
        "lab.tif",
        lambda: encoded(Image.fromarray(lab, "LAB"), "TIFF"),
        Reads(quarters=(WHITE, WHITE, BLACK, BLACK), tolerance=2),
    )

    def profiled(profile: bytes, format_name: str = "JPEG") -> Callable[[], bytes]:
        return lambda: encoded(upright(), format_name, icc_profile=profile)

    swapped = tuple((green, red, blue) for red, green, blue in QUARTERS)
    other = Reads(quarters=swapped, tolerance=8)  # type: ignore[arg-type]
    yield Case("profile-srgb.jpg", profiled(srgb_profile()), Reads())
    yield Case("profile-swaps.jpg", profiled(swapping_profile()), other)
    yield Case("profile-swaps.png", profiled(swapping_profile(), "PNG"), other)
    yield Case("profile-swaps.webp", profiled(swapping_profile(), "WEBP"), other)
    yield Case("profile-garbage.jpg", profiled(b"no profile at all" * 20), Reads())
    yield Case("profile-cut.jpg", profiled(swapping_profile()[:200]), Reads())
    other_space = swapping_profile().replace(b"RGB XYZ ", b"CMYKXYZ ")
    yield Case("profile-other-space.jpg", profiled(other_space), Reads())


def _indexed() -> Image.Image:
    image = Image.fromarray(
        np.array([[0, 1], [2, 3]], np.uint8).repeat(32, 0).repeat(48, 1), mode="P"
    )
    image.putpalette([value for colour in QUARTERS for value in colour])
    return image


def _frames() -> Iterator[Case]:
    for format_name, suffix in (("GIF", "gif"), ("WEBP", "webp"), ("PNG", "apng"), ("TIFF", "tif")):
        yield Case(f"frames.{suffix}", lambda f=format_name: frames(f), Reads())
    yield Case("frames-mpo.jpg", lambda: frames("MPO"), Reads(tolerance=12))
    yield Case("frames.avif", lambda: frames("AVIF"), Reads(tolerance=10))


def _impossible_sizes() -> Iterator[Case]:
    bomb = Rejects("too_many_pixels")
    for format_name, side in (
        ("PNG", 60_000), ("JPEG", 65_000), ("GIF", 65_535), ("BMP", 60_000), ("TIFF", 60_000),
        ("WEBP", 16_383),
    ):  # fmt: skip
        suffix = FORMATS[format_name]
        yield Case(f"bomb.{suffix}", lambda f=format_name, s=side: claims(f, s, s), bomb)
    small = Rejects("too_small")
    yield Case("one-pixel.png", lambda: encoded(upright(1, 1), "PNG"), small)
    yield Case("one-pixel.gif", lambda: encoded(upright(1, 1), "GIF"), small)
    yield Case("narrow.jpg", lambda: encoded(upright(31, 400), "JPEG"), small)
    yield Case("hair.png", lambda: encoded(Image.new("L", (100_000, 1)), "PNG"), small)
    strip = Reads((20_000, 40))
    yield Case("strip.png", lambda: encoded(upright(20_000, 40), "PNG"), strip)
    yield Case("no-width.png", lambda: png(size=(0, 64)), Rejects("broken_image"))
    yield Case("no-height.jpg", lambda: claims("JPEG", 64, 0), Rejects("broken_image"))
    yield Case(
        "too-many-bytes.jpg",
        lambda: encoded(upright(), "JPEG") + bytes([7]) * MAX_BYTES,
        Rejects("too_large_file"),
    )


def _no_photos() -> Iterator[Case]:
    def archive() -> bytes:
        out = BytesIO()
        with zipfile.ZipFile(out, "w") as file:
            file.writestr("photo.jpg", encoded(upright(), "JPEG"))
        return out.getvalue()

    noise = np.random.default_rng(1).bytes(4000)
    no, other = Rejects("not_an_image"), Rejects("unsupported_format")
    page = b"<!DOCTYPE html>\n<html><title>404</title></html>"
    contents: list[tuple[str, bytes, Rejects]] = [
        ("page.jpg", page, no),
        ("page-with-mark.jpg", b"\xef\xbb\xbf\r\n" + page, no),
        ("text.jpg", b"this is no photo\n" * 9, no),
        ("answer.png", b'{"error": "not found"}', no),
        ("document.jpg", b"%PDF-1.7\n" + noise, no),
        ("archive.jpg", archive(), no),
        ("compressed.jpg", gzip.compress(encoded(upright(), "JPEG"), mtime=0), no),
        ("film.jpg", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + noise, no),
        ("noise.jpg", noise, no),
        ("zeros.jpg", bytes(5000), no),
        ("program.png", b"\x7fELF" + noise, no),
        ("drawing.svg", b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', other),
        ("drawing.jpg", b'<svg xmlns="http://www.w3.org/2000/svg"/>', other),
        ("layers.psd", b"8BPS\0\x01" + noise, other),
        ("jpeg2000.jp2", b"\0\0\0\x0cjP  \r\n\x87\n" + noise, other),
        ("jpegxl.jxl", b"\xff\x0a" + noise, other),
        ("icon.ico", encoded(upright(), "ICO"), other),
        ("page.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n", other),
        ("raw.cr2", b"II*\0\x10\0\0\0CR\x02\0" + noise, other),
        ("raw.dng", encoded(upright(), "TIFF", tiffinfo={50706: b"\x01\x04\0\0"}), other),
        ("raw.nef", encoded(upright(), "TIFF", tiffinfo={254: 1}), other),
    ]
    for name, data, outcome in contents:
        yield Case(name, lambda d=data: d, outcome)


def _damaged() -> Iterator[Case]:
    def whole(format_name: str, **options: object) -> bytes:
        return encoded(grainy(), format_name, **options)

    broken = Rejects("broken_image")
    tables = b"\xff\xdb"  # quantisation
    yield Case("no-tables.jpg", lambda: whole("JPEG").replace(tables, b"\xff\xfe"), broken)
    yield Case(
        "header-then-noise.jpg",
        lambda: b"\xff\xd8\xff\xe0\0\x02" + b"\x11" * 3000 + b"\xff\xd9",
        broken,
    )
    yield Case("bad-header-check.png", lambda: spoil_chunk_check(whole("PNG"), b"IHDR"), broken)
    yield Case("bad-pixels.png", lambda: flip(whole("PNG"), 0.5, 40), broken)
    yield Case(
        "no-key-frame.webp", lambda: whole("WEBP").replace(b"\x9d\x01\x2a", b"\0\0\0"), broken
    )
    yield Case("nowhere.avif", lambda: whole("AVIF").replace(b"iloc", b"gone"), broken)
    yield Case(
        "odd-depth.tif",
        lambda: with_tiff_tag(encoded(grainy().convert("L"), "TIFF"), 258, 24),
        Rejects("unsupported_format"),
    )
    yield Case("bad-strips.tif", lambda: with_tiff_tag(whole("TIFF"), 259, 777), broken)
    pieces = np.asarray(upright())
    spoiled = Reads(quarters=QUARTERS)
    # What libjpeg and zlib can make good is taken: the pixels are there.
    yield Case(
        "bad-check-interlaced.png",
        lambda: spoil_chunk_check(png(pieces, interlaced=True), b"IDAT"),
        spoiled,
    )
    yield Case("interlaced.png", lambda: png(pieces, interlaced=True), Reads(tolerance=0))
    yield Case("rest-after-end.jpg", lambda: encoded(upright(), "JPEG") + b"rest" * 99, Reads())
    yield Case("rest-after-end.png", lambda: encoded(upright(), "PNG") + b"rest" * 99, Reads())
    yield Case("no-end.png", lambda: encoded(upright(), "PNG")[:-12], Reads())

    def restarts_damaged() -> bytes:
        data = encoded(grainy(), "JPEG", restart_marker_blocks=4)
        return data.replace(b"\xff\xd1", b"\xff\xd3", 1)

    yield Case("restarts-damaged.jpg", restarts_damaged, Reads((160, 120), tolerance=60))


def _misnamed() -> Iterator[Case]:
    yield Case("really-png.jpg", lambda: encoded(upright(), "PNG"), Reads())
    yield Case("really-jpeg.png", lambda: encoded(upright(), "JPEG"), Reads())
    yield Case("really-webp.JPEG", lambda: encoded(upright(), "WEBP"), Reads(tolerance=10))
    yield Case("no-suffix", lambda: encoded(upright(), "JPEG"), Reads())
    yield Case("odd-suffix.jpg_large", lambda: encoded(upright(), "JPEG"), Reads())
    yield Case("HEIC.HEIC", lambda: encoded(upright(), "HEIF"), Reads(tolerance=10))
