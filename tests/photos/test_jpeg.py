from __future__ import annotations

import struct
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile, JpegImagePlugin
from tests.photo_bytes import encoded, exif, grainy, srgb_profile
from tests.photos.reference import (
    PICTURE,
    assert_decodes_to,
    decoded_by_imagemagick,
    eight_bits,
    made_by_imagemagick,
    needs_imagemagick,
)

from lookweave import photos
from lookweave.errors import Rejected

END = b"\xff\xd9"
FILM = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(range(256)) * 20
SAMSUNG = b"\0\0\x31\x0a\x10\0\0\0MotionPhoto_Data" + FILM + b"SEFH\x6a\0\0\0\1\0\0\0SEFT"


def segment(data: bytes, marker: int, content: bytes) -> bytes:
    """`data` with a segment after its first two bytes."""
    length = struct.pack(">H", len(content) + 2)
    return data[:2] + bytes([0xFF, marker]) + length + content + data[2:]


def with_junk(data: bytes) -> bytes:
    """`data` with bytes that belong to nothing behind its first segment."""
    at = 4 + struct.unpack_from(">H", data, 4)[0]
    return data[:at] + b"\0\0\0" + data[at:]


KINDS = {
    "colour": encoded(grainy(), "JPEG"),
    "sampled": encoded(grainy(), "JPEG", subsampling=2, optimize=True),
    "progressive": encoded(grainy(), "JPEG", progressive=True),
    "restarts": encoded(grainy(), "JPEG", restart_marker_blocks=4),
    "grey": encoded(grainy().convert("L"), "JPEG"),
    "inks": encoded(grainy().convert("CMYK"), "JPEG"),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("reduced", [1, 2, 4, 8])
def test_pixels_are_pillows_to_the_last_bit(kind: str, reduced: int) -> None:
    """Pillow decodes by the same library; models are measured on its pixels."""
    for size in ((161, 119), (40, 33)):
        options = {"progressive": kind == "progressive", "quality": 90}
        if kind == "sampled":
            options["subsampling"] = 2
        mode = {"grey": "L", "inks": "CMYK"}.get(kind, "RGB")
        data = encoded(grainy(*size).convert(mode), "JPEG", **options)
        with Image.open(BytesIO(data)) as image:
            image.draft(None, (-(-size[0] // reduced), -(-size[1] // reduced)))
            wanted = np.asarray(image.convert("RGB"))
        found = photos.load(data, enough=-(-max(size) // reduced))
        assert np.array_equal(found.pixels, wanted)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "rest",
    [
        pytest.param(lambda data: data + SAMSUNG, id="phone's trailer"),
        pytest.param(lambda data: data + FILM + bytes(4096), id="film, then zeros"),
        pytest.param(lambda data: data + bytes(4096), id="zeros"),
        pytest.param(lambda data: data + b"vendor" + bytes(300), id="few zeros"),
        pytest.param(lambda data: data[:-2], id="no end mark"),
        pytest.param(lambda data: data[:-2] + b"abc" + END, id="bytes before the end mark"),
        pytest.param(lambda data: data + data, id="another picture"),
        pytest.param(lambda data: segment(data, 0xE1, b"http://" + bytes(60_000)), id="zeros in XMP"),
        pytest.param(lambda data: segment(data, 0xE2, b"ICC_PROFILE\0\1\2" + bytes(9)), id="half a profile"),
        pytest.param(lambda data: with_junk(data), id="bytes between segments"),
    ],
)  # fmt: skip
def test_whole_pictures_are_read_whatever_stands_around(kind: str, rest: object) -> None:
    whole = photos.load(KINDS[kind])
    found = photos.load(rest(KINDS[kind]))  # type: ignore[operator]
    assert np.array_equal(found.pixels, whole.pixels)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "progressive"])
def test_panorama_without_end_mark_before_a_trailer(kind: str) -> None:
    whole = photos.load(KINDS[kind])
    for trailer in (
        SAMSUNG,
        SAMSUNG + END,
        SAMSUNG + KINDS["grey"],
        b"\xff\xd8\xff\xe1\0\1" + FILM,
    ):
        found = photos.load(KINDS[kind][:-2] + trailer)
        assert np.array_equal(found.pixels, whole.pixels)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("max_side", [None, 40])
@pytest.mark.parametrize(
    "left",
    [
        pytest.param(lambda data, at: data[:at], id="nothing"),
        pytest.param(lambda data, at: data[:at] + END, id="end mark"),
        pytest.param(lambda data, at: data[:at] + bytes(len(data) - at), id="zeros"),
        pytest.param(lambda data, at: data[:at] + bytes(3 * len(data)), id="many zeros"),
        pytest.param(lambda data, at: data[:at] + bytes(5000) + END, id="zeros and end mark"),
        pytest.param(
            lambda data, at: data[:at] + bytes(len(data) - at - 200) + data[-200:], id="a hole"
        ),
    ],
)
def test_missing_pixels_are_never_made_up(kind: str, max_side: int | None, left: object) -> None:
    data = KINDS[kind]
    for share in (0.3, 0.45, 0.62, 0.77, 0.85):
        hollow = left(data, int(len(data) * share))  # type: ignore[operator]
        with pytest.raises(Rejected) as why:
            photos.load(hollow, max_side=max_side)
        assert why.value.reason == "truncated_image", share


def test_junk_in_the_header_does_not_hide_that_data_are_missing() -> None:
    data = KINDS["colour"]
    odd = with_junk(data)
    for broken in (odd[: len(odd) // 2], odd[: len(odd) // 2] + END):
        with pytest.raises(Rejected, match="truncated_image"):
            photos.load(broken)


def test_pixels_that_libjpeg_calls_corrupt_are_refused() -> None:
    data = KINDS["progressive"]
    reasons = []
    for seed in range(40):
        at = len(data) // 3 + 57 * seed
        noise = bytes(np.random.default_rng(seed).integers(0, 255, 60).tolist())
        try:
            photos.load(data[:at] + noise + data[at + 60 :])
        except Rejected as why:
            reasons.append(why.reason)
    assert reasons.count("broken_image") >= 5


def test_agrees_with_imagemagick(tmp_path: Path) -> None:
    needs_imagemagick()
    samplings = ("1x1", "2x1", "1x2", "2x2", "4x1", "4x2", "3x1", "2x2,1x2,1x2")
    layouts = {each: ["-sampling-factor", each] for each in samplings}
    layouts |= {
        "progressive": ["-interlace", "JPEG"],
        "grey": ["-colorspace", "Gray"],
        "inks": ["-colorspace", "CMYK"],
        "inks, sampled": ["-colorspace", "CMYK", "-sampling-factor", "2x2"],
        "arithmetic": ["-define", "jpeg:arithmetic-coding=true"],
    }
    layouts = {name: [*options, "-quality", "98"] for name, options in layouts.items()}
    made = made_by_imagemagick(layouts, "jpg", tmp_path)
    wanted = decoded_by_imagemagick([data for _, data in made], "jpg", tmp_path)
    for (name, data), reference in zip(made, wanted, strict=True):
        found = photos.load(data).pixels.astype(int)
        assert np.abs(found - reference).max() <= 6, name


def test_rare_sampling_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    needs_imagemagick()
    options = ["-sampling-factor", "3x1", "-quality", "98"]
    ((_, data),) = made_by_imagemagick({"3x1": options}, "jpg", tmp_path)
    assert photos.load(data[:-2]).width == 96
    assert photos.load(data, max_side=24).pixels.shape == (16, 24, 3)
    for hollow in (data[: len(data) // 2], data[: len(data) // 2] + END):
        with pytest.raises(Rejected, match="truncated_image"):
            photos.load(hollow)


def test_red_green_and_blue_without_a_mark_of_their_own() -> None:
    """Components called R, G and B hold just these (libjpeg's rule); and so they do under
    Adobe's transform 0."""
    picture = Image.fromarray(eight_bits(PICTURE))
    adobe = encoded(picture, "JPEG", quality=98, keep_rgb=True)
    assert_decodes_to(adobe, PICTURE, 12)
    at = adobe.index(b"\xff\xee")
    bare = adobe[:at] + adobe[at + 2 + struct.unpack_from(">H", adobe, at + 2)[0] :]
    assert_decodes_to(bare, PICTURE, 12)


def test_twelve_bits_are_refused_in_words() -> None:
    data = bytearray(KINDS["colour"])
    data[data.index(b"\xff\xc0") + 4] = 12
    with pytest.raises(Rejected, match="unsupported_format"):
        photos.load(bytes(data))


@pytest.mark.parametrize(
    "value",
    [
        pytest.param((3, 1, b"\6\0\0\0"), id="SHORT"),
        pytest.param((4, 1, b"\6\0\0\0"), id="LONG"),
        pytest.param((9, 1, b"\6\0\0\0"), id="SLONG"),
        pytest.param((1, 1, b"\6\0\0\0"), id="BYTE"),
        pytest.param((3, 2, b"\6\0\6\0"), id="two SHORTs"),
        pytest.param((2, 2, b"6\0\0\0"), id="ASCII"),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_orientation_in_any_type_of_number(value: tuple[int, int, bytes]) -> None:
    kind, count, content = value
    block = b"II*\0\x08\0\0\0\x01\0" + struct.pack("<HHI", 274, kind, count) + content + bytes(4)
    turned = segment(KINDS["colour"], 0xE1, b"Exif\0\0" + block)
    upright = photos.load(KINDS["colour"]).pixels
    assert np.array_equal(photos.load(turned).pixels, np.rot90(upright, -1))


def test_xmp_does_not_turn_a_photo() -> None:
    """No viewer does, and programs that turn the pixels forget to change it."""
    xmp = b'http://ns.adobe.com/xap/1.0/\0<x:xmpmeta><rdf:Description tiff:Orientation="6"/>'
    data = segment(KINDS["colour"], 0xE1, xmp)
    assert photos.load(data).pixels.shape == (120, 160, 3)
    both = segment(data, 0xE1, b"Exif\0\0" + exif(3)[6:])
    assert np.array_equal(photos.load(both).pixels, photos.load(KINDS["colour"]).pixels[::-1, ::-1])


def test_profile_in_many_segments() -> None:
    profile = srgb_profile().ljust(200_000, b"\0")
    photo = photos.load(encoded(grainy(), "JPEG", icc_profile=profile))
    assert np.abs(photo.pixels.astype(int) - photos.load(KINDS["colour"]).pixels).mean() < 1


def test_callers_leniency_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    with pytest.raises(Rejected, match="truncated_image"):
        photos.load(KINDS["colour"][:6000])


def test_pillow_can_work_on_what_was_decoded() -> None:
    from lookweave.photos import jpeg

    image = jpeg.open_image(KINDS["colour"])
    image.load()
    assert image.decoded is not None
    assert isinstance(image, JpegImagePlugin.JpegImageFile)
    assert np.array_equal(np.asarray(image.convert("RGB")), image.decoded)
    assert image.resize((10, 10)).size == (10, 10)
