from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from PIL import Image, PngImagePlugin
from tests.photo_bytes import chunk, encoded, exif, grainy, png, spoil_chunk_check, srgb_profile
from tests.photos.reference import (
    ALPHA,
    GREY,
    HEIGHT,
    PICTURE,
    WIDTH,
    assert_decodes_to,
    decoded_by_imagemagick,
    eight_bits,
    needs_imagemagick,
    on_white,
)

from lookweave import photos
from lookweave.errors import Rejected

WHOLE = encoded(grainy(), "PNG")
PIXELS = np.asarray(grainy())
HEADER_END = 33


def with_chunks(data: bytes, *chunks: bytes) -> bytes:
    return data[:HEADER_END] + b"".join(chunks) + data[HEADER_END:]


def written(
    samples: np.ndarray, depth: int, colour: int, extra: bytes = b"", interlaced: bool = False
) -> bytes:
    """A PNG of integers (height, width, channels) below 2 ** depth."""
    if depth >= 8:
        pixels = samples.astype(np.uint16 if depth == 16 else np.uint8)
        return png(pixels, colour=colour, extra=extra, interlaced=interlaced)
    starts = [(0, 0, 1, 1)]
    if interlaced:
        starts = [
            (0, 0, 8, 8),
            (0, 4, 8, 8),
            (4, 0, 8, 4),
            (0, 2, 4, 4),
            (2, 0, 4, 2),
            (0, 1, 2, 2),
            (1, 0, 2, 1),
        ]
    rows = b""
    for y, x, dy, dx in starts:
        for row in samples[y::dy, x::dx, 0]:
            bits = (row[:, None] >> np.arange(depth - 1, -1, -1)) & 1
            rows += b"\0" + np.packbits(bits.astype(np.uint8)).tobytes()
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, depth, colour, 0, 0, int(interlaced))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )  # fmt: skip


PROFILE = chunk(b"iCCP", b"p\0\0" + zlib.compress(srgb_profile().ljust(2_000_000, b"\0")))
XMP = b"XML:com.adobe.xmp\0"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(with_chunks(WHOLE, chunk(b"zTXt", XMP + b"\0" + zlib.compress(b"a" * 2_000_000))), id="zTXt"),
        pytest.param(with_chunks(WHOLE, chunk(b"iTXt", XMP + b"\1\0\0\0" + zlib.compress(b"a" * 2_000_000))), id="iTXt packed"),
        pytest.param(with_chunks(WHOLE, chunk(b"iTXt", XMP + b"\0\0\0\0" + b"a" * 2_000_000)), id="iTXt"),
        pytest.param(with_chunks(WHOLE, *[chunk(b"tEXt", b"Comment\0" + b"a" * 900_000)] * 80), id="72 MB of texts"),
        pytest.param(with_chunks(WHOLE, PROFILE), id="profile"),
        pytest.param(with_chunks(WHOLE, chunk(b"iCCP", b"p\0\0garbage")), id="broken profile"),
        pytest.param(with_chunks(WHOLE, chunk(b"iCCP", b"no end of the name")), id="nameless profile"),
        pytest.param(with_chunks(WHOLE, chunk(b"eXIf", b"II*\0\xff\xff\xff\xff")), id="broken EXIF"),
        pytest.param(with_chunks(WHOLE, chunk(b"prIv", bytes(5000))), id="private"),
        pytest.param(with_chunks(WHOLE, chunk(b"IDAT", b"")), id="empty IDAT"),
        pytest.param(with_chunks(WHOLE, chunk(b"acTL", struct.pack(">II", 2, 0))), id="animation that is none"),
        pytest.param(WHOLE[:-12], id="no end"),
        pytest.param(WHOLE[:-4], id="end without checksum"),
        pytest.param(WHOLE + b"junk" * 999, id="junk behind"),
        pytest.param(WHOLE + bytes(5000), id="zeros behind"),
        pytest.param(spoil_chunk_check(WHOLE, b"IDAT"), id="pixels' checksum"),
        pytest.param(spoil_chunk_check(WHOLE, b"IEND"), id="end's checksum"),
    ]
    + [
        pytest.param(spoil_chunk_check(with_chunks(WHOLE, chunk(kind, content)), kind), id=f"{kind.decode()}'s checksum")
        for kind, content in (
            (b"tEXt", b"Comment\0hello"), (b"pHYs", struct.pack(">IIB", 2835, 2835, 1)),
            (b"gAMA", struct.pack(">I", 100_000)), (b"iCCP", b"p\0\0" + zlib.compress(b"p" * 200)),
            (b"tIME", bytes(7)), (b"eXIf", exif(6)[6:]),
        )
    ],
)  # fmt: skip
def test_chunks_without_pixels_stop_no_photo(data: bytes) -> None:
    assert np.array_equal(photos.load(data).pixels, PIXELS)


def test_limits_of_pillow_are_left_alone() -> None:
    before = (PngImagePlugin.MAX_TEXT_CHUNK, PngImagePlugin.MAX_TEXT_MEMORY)
    photos.load(with_chunks(WHOLE, PROFILE))
    assert before == (PngImagePlugin.MAX_TEXT_CHUNK, PngImagePlugin.MAX_TEXT_MEMORY)


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_missing_rows_are_never_made_up(share: float, interlaced: bool) -> None:
    data = png(PIXELS, interlaced=interlaced)
    at = int(len(data) * share)
    inflated = zlib.decompress(data[data.index(b"IDAT") + 4 : -16])
    header = data[: data.index(b"IDAT") - 4]
    end = chunk(b"IEND", b"")
    fewer = inflated[: int(len(inflated) * share)]
    for hollow in (
        data[:at],
        data[:at] + bytes(len(data) - at),
        data[:at] + bytes(3 * len(data)),
        header + chunk(b"IDAT", zlib.compress(fewer)) + end,  # checksums are right
        header + chunk(b"IDAT", zlib.compress(fewer)[:-9]) + end,
    ):
        with pytest.raises(Rejected) as why:
            photos.load(hollow)
        assert why.value.reason in ("truncated_image", "broken_image")


def test_rows_that_are_black_or_clear_are_pixels() -> None:
    for mode in ("L", "RGB", "RGBA", "LA", "P", "1"):
        for interlaced in (False, True):
            del interlaced
            data = encoded(Image.new(mode, (50, 40)), "PNG")
            assert photos.load(data).pixels.shape == (40, 50, 3)
    black = np.zeros((40, 50, 3), np.uint8)
    assert not photos.load(png(black, interlaced=True)).pixels.any()


@pytest.mark.parametrize("interlaced", [False, True])
def test_every_depth_and_colour_type_agrees_with_imagemagick(tmp_path, interlaced: bool) -> None:  # type: ignore[no-untyped-def]
    needs_imagemagick()
    random = np.random.default_rng(1)
    files: dict[str, bytes] = {}
    for depth in (1, 2, 4, 8, 16):
        most = 2**depth - 1
        grey = np.rint(GREY * most).astype(int)[..., None]
        key = chunk(b"tRNS", struct.pack(">H", int(grey[30, 40, 0])))
        files[f"grey {depth}"] = written(grey, depth, 0, b"", interlaced)
        files[f"grey {depth}, one clear"] = written(grey, depth, 0, key, interlaced)
        if depth <= 8:
            colours = chunk(b"PLTE", random.bytes(3 * 2**depth))
            alpha = chunk(b"tRNS", random.bytes(max(1, 2 ** (depth - 1))))
            files[f"palette {depth}"] = written(grey, depth, 3, colours, interlaced)
            files[f"palette {depth}, clear"] = written(grey, depth, 3, colours + alpha, interlaced)
        if depth >= 8:
            colour, alpha = (np.rint(each * most).astype(int) for each in (PICTURE, ALPHA))
            key = chunk(b"tRNS", struct.pack(">HHH", *colour[30, 40]))
            files[f"colour {depth}"] = written(colour, depth, 2, b"", interlaced)
            files[f"colour {depth}, one clear"] = written(colour, depth, 2, key, interlaced)
            files[f"grey {depth} and alpha"] = written(
                np.dstack([grey, alpha]), depth, 4, b"", interlaced
            )
            files[f"colour {depth} and alpha"] = written(
                np.dstack([colour, alpha]), depth, 6, b"", interlaced
            )
    wanted = decoded_by_imagemagick(list(files.values()), "png", tmp_path)
    for (name, data), reference in zip(files.items(), wanted, strict=True):
        found = photos.load(data).pixels.astype(int)
        assert np.abs(found - reference).max() <= 2, name


def gamma(value: int) -> bytes:
    return chunk(b"gAMA", struct.pack(">I", value))


def chromaticities(*values: float) -> bytes:
    return chunk(b"cHRM", struct.pack(">8I", *(round(value * 100_000) for value in values)))


LINEAR = np.where(PICTURE <= 0.04045, PICTURE / 12.92, ((PICTURE + 0.055) / 1.055) ** 2.4)
SRGB = chromaticities(0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
DISPLAY_P3 = chromaticities(0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06)
# RGB under D65 to XYZ: IEC 61966-2-1; SMPTE EG 432-1 with sRGB's white.
FROM_SRGB = np.array(
    [
        [0.4123908, 0.3575843, 0.1804808],
        [0.2126390, 0.7151687, 0.0721923],
        [0.0193308, 0.1191948, 0.9505322],
    ]
)
FROM_P3 = np.array(
    [
        [0.4865709, 0.2656677, 0.1982173],
        [0.2289746, 0.6917385, 0.0792869],
        [0.0, 0.0451134, 1.0439444],
    ]
)


def in_display_p3() -> np.ndarray:
    """`PICTURE`, written for a screen of wider gamut."""
    linear = np.maximum(LINEAR @ FROM_SRGB.T @ np.linalg.inv(FROM_P3).T, 0)
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)


def deep(picture: np.ndarray, *chunks: bytes) -> bytes:
    return png(np.rint(picture * 65535).astype(np.uint16), extra=b"".join(chunks))


@pytest.mark.parametrize(
    ("data", "tolerance"),
    [
        pytest.param(deep(PICTURE, gamma(45455)), 1, id="gAMA of sRGB"),
        pytest.param(deep(PICTURE, gamma(45455), SRGB), 1, id="gAMA and cHRM of sRGB"),
        pytest.param(deep(PICTURE, gamma(100_000), chunk(b"sRGB", b"\0")), 1, id="sRGB counts"),
        pytest.param(deep(LINEAR, gamma(100_000)), 8, id="linear"),
        pytest.param(deep(LINEAR, gamma(100_000), SRGB), 8, id="linear, cHRM"),
        pytest.param(deep(LINEAR ** (1 / 1.8), gamma(55556)), 3, id="gamma of old Macs"),
        pytest.param(deep(in_display_p3(), gamma(45455), DISPLAY_P3), 3, id="cHRM of P3"),
        pytest.param(deep(in_display_p3(), chunk(b"cICP", bytes([12, 13, 0, 1]))), 3, id="cICP of P3"),
        pytest.param(deep(PICTURE, chunk(b"cICP", bytes([1, 13, 0, 1])), gamma(9)), 1, id="cICP counts"),
        pytest.param(deep(PICTURE, gamma(0)), 1, id="gAMA of nothing"),
        pytest.param(deep(PICTURE, gamma(45455), chromaticities(*[0.0] * 8)), 1, id="cHRM of nothing"),
        pytest.param(deep(PICTURE, gamma(45455), chromaticities(*[0.3] * 8)), 1, id="cHRM without area"),
        pytest.param(deep(PICTURE, gamma(45455), chunk(b"cHRM", bytes(5))), 1, id="cHRM cut short"),
    ],
)  # fmt: skip
def test_colour_spaces_that_chunks_name(data: bytes, tolerance: int) -> None:
    assert_decodes_to(data, PICTURE, tolerance)


def test_gamma_of_a_grey_picture() -> None:
    samples = np.rint(LINEAR[..., 0] * 65535).astype(np.uint16)
    assert_decodes_to(png(samples, colour=0, extra=gamma(100_000)), GREY, 8)


@pytest.mark.parametrize("transfer", [16, 18])
def test_high_dynamic_range_is_refused_in_words(transfer: int) -> None:
    data = deep(PICTURE, chunk(b"cICP", bytes([9, transfer, 0, 1])))
    with pytest.raises(Rejected, match="high dynamic range") as why:
        photos.load(data)
    assert why.value.reason == "unsupported_format"


def test_exif_as_imagemagick_writes_it_turns_the_photo() -> None:
    block = exif(6)
    lines = b"\nexif\n%8d\n%s\n" % (len(block), block.hex().encode())
    packed = chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(lines))
    plain = chunk(b"tEXt", b"Raw profile type exif\0" + lines)
    bomb = chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(b"0" * 9_000_000))
    for turning in (packed, plain):
        found = photos.load(with_chunks(WHOLE, turning)).pixels
        assert np.array_equal(found, np.rot90(PIXELS, -1))
    assert np.array_equal(photos.load(with_chunks(WHOLE, bomb)).pixels, PIXELS)


def test_still_picture_of_an_animation() -> None:
    data = encoded(
        grainy(), "PNG", save_all=True, append_images=[Image.new("RGB", (160, 120))],
        default_image=True,
    )  # fmt: skip
    assert np.array_equal(photos.load(data).pixels, PIXELS)
    assert_decodes_to(deep(on_white(PICTURE)), on_white(PICTURE), 1)
    assert eight_bits(GREY).shape == (HEIGHT, WIDTH, 3)
