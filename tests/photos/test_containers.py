from __future__ import annotations

import struct
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.photo_bytes import encoded, exif, turned, upright
from tests.photos.reference import (
    ALPHA,
    GREY,
    PICTURE,
    assert_decodes_to,
    decoded_by_imagemagick,
    eight_bits,
    made_by_imagemagick,
    needs_imagemagick,
    on_white,
)

from lookweave import photos
from lookweave.errors import Rejected

COLOUR = Image.fromarray(eight_bits(PICTURE))
SEE_THROUGH = Image.fromarray(
    np.dstack([eight_bits(PICTURE), np.rint(ALPHA * 255).astype(np.uint8)])
)
FILM = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(range(256)) * 20


def heic(image: Image.Image, **options: Any) -> bytes:
    pillow_heif = pytest.importorskip("pillow_heif", reason="the extra [heic] is not installed")
    out = BytesIO()
    pillow_heif.from_pillow(image).save(out, quality=97, chroma=444, **options)
    return out.getvalue()


def test_bitmaps_agree_with_imagemagick(tmp_path: Path) -> None:
    needs_imagemagick()
    layouts = {
        "colour": ["-type", "truecolor"],
        "version 2": ["-define", "bmp:format=bmp2"],
        "version 3": ["-define", "bmp:format=bmp3"],
        "5, 6 and 5 bits": ["-define", "bmp:subtype=RGB565"],
        "5 bits each": ["-define", "bmp:subtype=RGB555"],
        "alpha": ["-alpha", "set", "-channel", "A", "-evaluate", "set", "60%"],
        "palette of 16": ["-colors", "16", "-type", "Palette"],
        "run lengths": ["-colors", "200", "-compress", "RLE"],
        "two levels": ["-monochrome"],
        "greys": ["-colorspace", "Gray", "-type", "Palette"],
    }
    made = made_by_imagemagick(layouts, "bmp", tmp_path)
    wanted = decoded_by_imagemagick([data for _, data in made], "bmp", tmp_path)
    for (name, data), reference in zip(made, wanted, strict=True):
        found = photos.load(data).pixels.astype(int)
        assert np.abs(found - reference).max() <= 1, name


def test_bitmap_with_reserved_bytes_or_from_the_top() -> None:
    data = encoded(COLOUR, "BMP")
    assert_decodes_to(data[:6] + b"\1\0\2\0" + data[10:], PICTURE)
    from_top = data[:22] + struct.pack("<i", -64) + data[26:54]
    assert_decodes_to(from_top + eight_bits(PICTURE)[:, :, ::-1].tobytes(), PICTURE)


def test_text_that_begins_like_a_bitmap_is_none() -> None:
    with pytest.raises(Rejected, match="not_an_image"):
        photos.load(b"BMW, Mercedes and Audi: prices of the year.\n" * 9)


def test_gifs_agree_with_imagemagick(tmp_path: Path) -> None:
    needs_imagemagick()
    layouts = {
        "plain": [], "interlaced": ["-interlace", "GIF"], "two levels": ["-monochrome"],
        "a clear colour": ["-transparent", "rgb(204,26,26)"], "few colours": ["-colors", "3"],
    }  # fmt: skip
    made = made_by_imagemagick(layouts, "gif", tmp_path)
    wanted = decoded_by_imagemagick([data for _, data in made], "gif", tmp_path)
    for (name, data), reference in zip(made, wanted, strict=True):
        found = photos.load(data).pixels.astype(int)
        assert np.abs(found - reference).max() <= 1, name


@pytest.mark.parametrize("background", [0, 1, 3])
def test_gif_whose_frame_is_smaller_than_its_canvas(background: int) -> None:
    """Browsers show nothing where no frame is, whatever the background colour."""
    small = upright(48, 32)
    data = bytearray(encoded(small.quantize(4), "GIF"))
    data[6:10] = struct.pack("<HH", 96, 64)
    data[11] = background
    at = data.index(b"\x2c", 13)
    data[at + 1 : at + 5] = struct.pack("<HH", 20, 10)
    found = photos.load(bytes(data)).pixels.astype(int)
    wanted = np.full((64, 96, 3), 255)
    wanted[10:42, 20:68] = np.asarray(small)
    assert np.abs(found - wanted).max() <= 6


@pytest.mark.parametrize("format_name", ["WEBP", "AVIF"])
def test_alpha_and_grey(format_name: str) -> None:
    exact: dict[str, Any] = {"lossless": True} if format_name == "WEBP" else {"quality": 97}
    if format_name == "AVIF":
        exact["subsampling"] = "4:4:4"
    grey = Image.fromarray(np.rint(GREY * 255).astype(np.uint8))
    assert_decodes_to(encoded(COLOUR, format_name, **exact), PICTURE, 8)
    assert_decodes_to(encoded(SEE_THROUGH, format_name, **exact), on_white(PICTURE), 8)
    assert_decodes_to(encoded(grey, format_name, **exact), GREY, 8)
    if format_name == "AVIF":
        limited = encoded(COLOUR, "AVIF", range="limited", **exact)
        assert_decodes_to(limited, PICTURE, 10)
        premultiplied = encoded(SEE_THROUGH, "AVIF", alpha_premultiplied=True, **exact)
        assert_decodes_to(premultiplied, on_white(PICTURE), 8)


def test_heic_of_every_depth() -> None:
    assert_decodes_to(heic(COLOUR), PICTURE, 4)
    assert_decodes_to(heic(SEE_THROUGH), on_white(PICTURE), 4)
    assert_decodes_to(heic(COLOUR.getchannel("R")), GREY, 4)
    import pillow_heif

    samples = np.rint(PICTURE * 65535).astype("<u2").tobytes()
    out = BytesIO()
    pillow_heif.from_bytes(mode="RGB;16", size=(96, 64), data=samples).save(
        out, quality=95, chroma=444
    )
    assert_decodes_to(out.getvalue(), PICTURE, 4)


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF", "HEIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_of_every_format(format_name: str, orientation: int) -> None:
    options: dict[str, Any] = {"exif": exif(orientation)}
    if format_name in ("JPEG", "AVIF"):
        options |= {"quality": 97}
    if format_name == "WEBP":
        options |= {"lossless": True}
    stored = turned(orientation)
    data = (
        heic(stored, **options)
        if format_name == "HEIF"
        else encoded(stored, format_name, **options)
    )
    photo = photos.load(data)
    assert (photo.width, photo.height) == (96, 64)
    assert np.abs(photo.pixels.astype(int) - np.asarray(upright())).mean() < 3


def test_code_points_name_the_colours_of_heic() -> None:
    """H.273: primaries 12 are Display P3's; 16 and 18 are curves of high dynamic range."""
    from tests.photos.test_png import in_display_p3

    stored = Image.fromarray(eight_bits(in_display_p3()))
    named = {"save_nclx_profile": True, "color_primaries": 12, "transfer_characteristics": 13}
    assert_decodes_to(heic(stored, **named), PICTURE, 6)
    for primaries, transfer in ((1, 13), (2, 2), (1, 1)):
        named |= {"color_primaries": primaries, "transfer_characteristics": transfer}
        assert_decodes_to(heic(COLOUR, **named), PICTURE, 4)
    for transfer in (16, 18):
        named |= {"color_primaries": 9, "transfer_characteristics": transfer}
        with pytest.raises(Rejected, match="high dynamic range"):
            photos.load(heic(COLOUR, **named))


@pytest.mark.parametrize("format_name", ["WEBP", "AVIF", "HEIF"])
def test_what_stands_behind_the_picture_is_no_damage(format_name: str) -> None:
    data = heic(COLOUR) if format_name == "HEIF" else encoded(COLOUR, format_name)
    whole = photos.load(data).pixels
    for rest in (bytes(4096), b"junk" * 999, bytes(600) + b"junk"):
        assert np.array_equal(photos.load(data + rest).pixels, whole)
    if format_name == "WEBP":  # padding of EXIF, which stands behind the pixels
        padded = encoded(COLOUR, "WEBP", exif=exif(1) + bytes(5000))
        assert np.array_equal(photos.load(padded).pixels, whole)


@pytest.mark.parametrize("format_name", ["WEBP", "AVIF", "HEIF", "GIF"])
def test_parts_that_were_never_written_are_no_pixels(format_name: str) -> None:
    from tests.photo_bytes import grainy

    data = heic(grainy()) if format_name == "HEIF" else encoded(grainy(), format_name)
    for share in (0.4, 0.6, 0.8):
        at = int(len(data) * share)
        for hollow in (
            data[:at],
            data[:at] + bytes(len(data) - at),
            data[:at] + bytes(2 * len(data)),
            data[:at] + bytes(len(data) - at - 99) + data[-99:],
        ):
            with pytest.raises(Rejected) as why:
                photos.load(hollow)
            assert why.value.reason in ("truncated_image", "broken_image")


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "AVIF", "GIF", "TIFF", "BMP"])
@pytest.mark.parametrize("level", [0, 128, 255])
def test_plain_areas_are_pixels(format_name: str, level: int) -> None:
    """Lossy WebP ends in hundreds of zeros when the picture's lower part is plain."""
    plain = np.full((1500, 2000, 3), level, np.uint8)
    with_garment = plain.copy()
    with_garment[300:400, 900:1100] = np.random.default_rng(0).integers(0, 255, (100, 200, 3))
    for pixels in (plain, with_garment):
        options = {"speed": 10} if format_name == "AVIF" else {}
        data = encoded(Image.fromarray(pixels), format_name, **options)
        found = photos.load(data).pixels
        assert np.abs(found[1000:].astype(int) - level).max() <= 3


def test_film_with_a_photos_brand_further_on_is_no_photo() -> None:
    with pytest.raises(Rejected, match="film"):
        photos.load(b"\0\0\0\x1cftypisom\0\0\0\0isommif1heic" + FILM)
