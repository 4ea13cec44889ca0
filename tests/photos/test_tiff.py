from __future__ import annotations

import itertools
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.photo_bytes import encoded, with_tiff_tag
from tests.photos.reference import (
    ALPHA,
    GREY,
    PICTURE,
    Picture,
    assert_decodes_to,
    decoded_by_imagemagick,
    eight_bits,
    made_by_imagemagick,
    needs_imagemagick,
    on_white,
)

from lookweave import photos
from lookweave.errors import Rejected

tifffile = pytest.importorskip("tifffile", reason="tifffile, with which this compares, is missing")
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")


def written(samples: np.ndarray, **options: Any) -> bytes:
    out = BytesIO()
    tifffile.imwrite(out, samples, **options)
    return out.getvalue()


def scaled(picture: Picture, kind: str) -> np.ndarray:
    """The picture's levels as numbers of a type, white being the largest integer or 1.0."""
    dtype = np.dtype(kind)
    if dtype.kind == "f":
        return picture.astype(dtype)
    return np.rint(picture * float(np.iinfo(dtype).max)).astype(dtype)


def planes(samples: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(samples.transpose(2, 0, 1))


def right_or_turned_away(data: bytes, picture: Picture) -> bool:
    """Whether it was read; that it then has the right colours is asserted."""
    try:
        photos.load(data)
    except Rejected as why:
        assert why.reason == "unsupported_format", why
        assert "ordinary 8-bit" in why.detail
        return False
    assert_decodes_to(data, picture)
    return True


KINDS = ("u1", "u2", "u4", "i1", "i2", "i4", "f2", "f4", "f8")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("order", ["<", ">"])
def test_colours_of_every_layout_are_right_or_turned_away(kind: str, order: str) -> None:
    read = 0
    storages: list[dict[str, Any]] = [
        {}, {"rowsperstrip": 16}, {"tile": (32, 32)}, {"compression": "zlib"},
        {"compression": "zlib", "tile": (32, 32)}, {"bigtiff": True},
    ]  # fmt: skip
    if kind in ("u1", "u2"):
        storages.append({"compression": "zlib", "predictor": True})
    for storage, planar in itertools.product(storages, ("contig", "separate")):
        samples = scaled(PICTURE, kind)
        samples = samples if planar == "contig" else planes(samples)
        options = {"photometric": "rgb", "planarconfig": planar, "byteorder": order, **storage}
        read += right_or_turned_away(written(samples, **options), PICTURE)
    assert read == {"<u1": 14, ">u1": 12, "<u2": 10, ">u2": 9}.get(order + kind, 0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("order", ["<", ">"])
def test_greys_of_every_layout_are_right_or_turned_away(kind: str, order: str) -> None:
    read = 0
    storages: list[dict[str, Any]] = [{}, {"tile": (32, 32)}, {"compression": "zlib"}]
    for storage, zero in itertools.product(storages, ("minisblack", "miniswhite")):
        picture = GREY if zero == "minisblack" else 1 - GREY
        options = {"photometric": zero, "byteorder": order, **storage}
        read += right_or_turned_away(written(scaled(picture, kind), **options), GREY)
    if kind in ("u1", "u2"):
        assert read >= 3


@pytest.mark.parametrize("kind", ["u1", "u2"])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_further_samples(kind: str, order: str, planar: str) -> None:
    def sample(*parts: np.ndarray, **options: Any) -> bytes:
        samples = scaled(np.dstack(parts), kind)
        samples = samples if planar == "contig" else planes(samples)
        return written(samples, planarconfig=planar, byteorder=order, **options)

    rgb, grey, cmyk = ({"photometric": each} for each in ("rgb", "minisblack", "separated"))
    premultiplied = PICTURE * ALPHA[..., None]
    inks = np.dstack([1 - PICTURE, np.zeros_like(GREY)])
    cases: list[tuple[bytes, Picture]] = [
        (sample(PICTURE, ALPHA, **rgb, extrasamples=["unassalpha"]), on_white(PICTURE)),
        (sample(premultiplied, ALPHA, **rgb, extrasamples=["assocalpha"]), on_white(PICTURE)),
        (sample(PICTURE, ALPHA, **rgb, extrasamples=["unspecified"]), PICTURE),
        (sample(GREY, ALPHA, **grey, extrasamples=["unassalpha"]), on_white(GREY)),
        (sample(GREY * ALPHA, ALPHA, **grey, extrasamples=["assocalpha"]), on_white(GREY)),
        (sample(GREY, ALPHA, **grey, extrasamples=["unspecified"]), GREY),
        (
            sample(PICTURE, ALPHA, GREY, **rgb, extrasamples=["unassalpha", "unspecified"]),
            on_white(PICTURE),
        ),
        (sample(inks, **cmyk), PICTURE),
        (sample(inks, ALPHA, **cmyk, extrasamples=["unassalpha"]), on_white(PICTURE)),
    ]
    read = [right_or_turned_away(data, picture) for data, picture in cases]
    if (kind, planar) == ("u1", "contig"):
        assert sum(read) >= 6


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_luma_and_chroma(compression: str | None, planar: str) -> None:
    samples = np.asarray(Image.fromarray(eight_bits(PICTURE)).convert("YCbCr"))
    samples = samples if planar == "contig" else planes(samples)
    data = written(
        samples, photometric="ycbcr", planarconfig=planar, compression=compression,
        subsampling=(1, 1),
    )  # fmt: skip
    try:
        assert_decodes_to(data, PICTURE, 3)
    except Rejected as why:
        assert (why.reason, compression, planar) == ("unsupported_format", None, "separate")


def test_lab_is_read_under_its_own_white() -> None:
    """TIFF 6.0, section 23: CIE L*a*b* under D50; brought to sRGB by the formulas of CIE 15 and
    IEC 61966-2-1, adapted to D65 by Bradford."""
    lightness, a, b = np.meshgrid([40.0, 60.0, 75.0], [-12.0, 0.0, 15.0], [-15.0, 0.0, 12.0])
    lab = np.stack([lightness, a, b], -1).reshape(3, 9, 3)
    stored = np.dstack([lab[..., 0] * 2.55, lab[..., 1:].astype(np.int8).view(np.uint8)])
    stored = np.rint(stored).astype(np.uint8).repeat(8, 0).repeat(8, 1)
    f = (lab[..., 0] + 16) / 116
    parts = np.stack([f + lab[..., 1] / 500, f, f - lab[..., 2] / 200], -1)
    d50 = np.where(parts > 6 / 29, parts**3, 3 * (6 / 29) ** 2 * (parts - 4 / 29))
    xyz = d50 * [0.9642, 1.0, 0.8249]
    to_linear = np.array([  # XYZ under D50 to linear sRGB, Bradford (Lindbloom)
        [3.1338561, -1.6168667, -0.4906146], [-0.9787684, 1.9161415, 0.0334540],
        [0.0719453, -0.2289914, 1.4052427],
    ])  # fmt: skip
    linear = (xyz @ to_linear.T).clip(0, 1)
    srgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    data = written(stored, photometric="cielab")
    assert_decodes_to(data, srgb.repeat(8, 0).repeat(8, 1), 4)


@pytest.mark.parametrize(
    ("compression", "order"),
    [("none", "msb"), ("lzw", "lsb"), ("jpeg", "lsb")],
)
def test_agrees_with_imagemagick(tmp_path: Path, compression: str, order: str) -> None:
    needs_imagemagick()
    see_through = ["-alpha", "set", "-channel", "A", "-evaluate", "set", "60%"]
    layouts: dict[str, list[str]] = {
        "8 bits": ["-depth", "8"],
        "16 bits": ["-depth", "16"],
        "inks": ["-depth", "8", "-colorspace", "CMYK"],
        "grey": ["-depth", "8", "-colorspace", "Gray"],
        "grey, zero is white": ["-colorspace", "Gray", "-define", "quantum:polarity=min-is-white"],
        "two levels": ["-monochrome"],
        "two levels, zero is white": ["-monochrome", "-define", "quantum:polarity=min-is-white"],
        "planes": ["-depth", "8", "-interlace", "plane"],
        "planes of 16 bits": ["-depth", "16", "-interlace", "plane"],
        "palette of 16": ["-colors", "16", "-type", "Palette"],
        "palette of 200": ["-colors", "200", "-type", "Palette"],
        "bits the other way round": ["-depth", "8", "-define", "tiff:fill-order=lsb"],
        "bits the other way round, 16": ["-depth", "16", "-define", "tiff:fill-order=lsb"],
    }
    if compression != "jpeg":  # ImageMagick itself errs there when alpha is a fourth sample
        layouts["alpha"] = see_through
        layouts["premultiplied"] = [*see_through, "-define", "tiff:alpha=associated"]
    settings = ["-compress", compression, "-quality", "98", "-endian", order]
    settings += ["-define", f"tiff:endian={order}"]
    layouts = {name: [*options, *settings] for name, options in layouts.items()}
    made = made_by_imagemagick(layouts, "tif", tmp_path)
    wanted = decoded_by_imagemagick([data for _, data in made], "tif", tmp_path)
    turned_away = set()
    for (name, data), reference in zip(made, wanted, strict=True):
        try:
            found = photos.load(data).pixels.astype(int)
        except Rejected as why:
            assert why.reason == "unsupported_format", (name, why)
            turned_away.add(name)
            continue
        assert np.abs(found - reference).max() <= 4, name
    assert turned_away <= {
        "planes of 16 bits", "bits the other way round, 16", "grey, zero is white",
        "two levels, zero is white",
    }  # fmt: skip


def pages(*sizes_and_kinds: tuple[int, int | None]) -> bytes:
    """A TIFF of grey pages, each with its width and NewSubfileType; of a width come its levels."""
    out = BytesIO()
    with tifffile.TiffWriter(out) as writer:
        for width, kind in sizes_and_kinds:
            samples = np.full((40, width), width, np.uint8)
            writer.write(samples, photometric="minisblack", subfiletype=kind)
    return out.getvalue()


@pytest.mark.parametrize(
    ("given", "width"),
    [
        ([(48, 1), (96, 0)], 96),  # a thumbnail, then the photo
        ([(48, 1), (64, 1), (96, None), (32, 1)], 96),
        ([(96, 0), (48, 1)], 96),
        ([(50, 0), (96, 0)], 50),  # pages of their own: the first
        ([(60, 2), (96, 2)], 60),
        ([(48, 1), (96, 1), (64, 1)], 96),  # all are called reduced: the largest
    ],
)
def test_page_that_is_the_photo(given: list[tuple[int, int | None]], width: int) -> None:
    photo = photos.load(pages(*given))
    assert photo.width == width
    assert (photo.pixels == width).all()


def test_thumbnails_alone_are_no_photo() -> None:
    for given in ([(48, 1)], [(96, 1), (48, 1)]):
        with pytest.raises(Rejected, match="unsupported_format"):
            photos.load(pages(*given))


def test_unread_compression_is_not_called_damage() -> None:
    data = with_tiff_tag(encoded(Image.fromarray(eight_bits(PICTURE)), "TIFF"), 259, 34712)
    with pytest.raises(Rejected, match="JPEG 2000") as why:
        photos.load(data)
    assert why.value.reason == "unsupported_format"


def test_integers_of_32_bits_have_one_white() -> None:
    levels = np.array([[0, 0x20000000], [0x40000000, 0x7FFFFFFF]], np.int32)
    data = written(levels.repeat(32, 0).repeat(48, 1), photometric="minisblack")
    assert_decodes_to(data, (levels / 0x7FFFFFFF).repeat(32, 0).repeat(48, 1))
    with pytest.raises(Rejected, match="negative"):
        photos.load(written(-levels.repeat(32, 0), photometric="minisblack"))


def test_truncated_strips_are_turned_away() -> None:
    for compression in (None, "zlib"):
        data = written(eight_bits(PICTURE), photometric="rgb", compression=compression)
        with pytest.raises(Rejected, match="truncated_image"):
            photos.load(data[: len(data) * 2 // 3])
