from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile
from tests import bad_inputs
from tests.bad_inputs import Case, Reads, quarters_of
from tests.photo_bytes import QUARTERS, claims, encoded, exif, grainy, png, turned, upright

from lookweave import photos
from lookweave.errors import Rejected

LIMITS = photos.Limits(max_bytes=bad_inputs.MAX_BYTES, min_side=bad_inputs.MIN_SIDE)
CASES = bad_inputs.cases()
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")


def needs_heic(case: Case) -> None:
    if case.name.lower().endswith(".heic"):
        pytest.importorskip("pillow_heif")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_input_ends_as_it_must(case: Case) -> None:
    needs_heic(case)
    if isinstance(case.outcome, Reads):
        for max_side in (None, 40):
            photo = photos.load(case.make(), max_side=max_side, limits=LIMITS)
            assert (photo.width, photo.height) == case.outcome.size
            assert photo.pixels.dtype == np.uint8
            assert photo.pixels.flags.c_contiguous
            if max_side is None:
                assert photo.pixels.shape == (photo.height, photo.width, 3)
                assert photo.scale == 1.0
            elif min(photo.pixels.shape[:2]) < 8:
                continue  # a strip, reduced to a hair
            found = np.array(quarters_of(photo.pixels))
            assert np.abs(found - np.array(case.outcome.quarters)).max() <= case.outcome.tolerance
    else:
        with pytest.raises(Rejected) as turned_away:
            photos.load(case.make(), limits=LIMITS)
        assert turned_away.value.reason == case.outcome.reason
        assert turned_away.value.detail.endswith(".")
        assert not turned_away.value.retry


@pytest.mark.parametrize("format_name", [*bad_inputs.FORMATS])
def test_any_damage_ends_in_pixels_or_a_reject(format_name: str) -> None:
    if format_name == "HEIF":
        pytest.importorskip("pillow_heif")
    whole = encoded(grainy(64, 48), format_name)
    random = np.random.default_rng(5)
    for _ in range(40):
        data = bytearray(whole)
        for at in random.integers(0, len(data), random.integers(1, 12)):
            data[at] = random.integers(0, 256)
        try:
            photo = photos.load(bytes(data[: random.integers(1, 2 * len(data))]), max_side=32)
        except Rejected:
            continue
        assert photo.pixels.dtype == np.uint8
        assert photo.pixels.ndim == 3


def test_corpus_is_large_and_names_are_unique() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 60


def test_reduced_photo_is_within_max_side_and_states_its_scale() -> None:
    data = encoded(grainy(1000, 700), "JPEG", exif=exif(6))
    photo = photos.load(data, max_side=200)
    assert photo.pixels.shape == (200, 140, 3)
    assert (photo.width, photo.height, photo.scale) == (700, 1000, 0.2)
    assert photo.format == "JPEG"


def test_small_photo_is_never_enlarged() -> None:
    photo = photos.load(encoded(upright(), "PNG"), max_side=5000)
    assert photo.pixels.shape == (64, 96, 3)
    assert photo.scale == 1.0


@pytest.mark.parametrize(
    ("size", "enough", "decoded"),
    [
        ((800, 600), 400, (400, 300)),
        ((800, 600), 401, (800, 600)),
        ((600, 800), 100, (75, 100)),
        ((800, 600), 9000, (800, 600)),
    ],
)
def test_jpeg_is_decoded_smaller_while_its_longest_side_is_enough(
    size: tuple[int, int], enough: int, decoded: tuple[int, int]
) -> None:
    photo = photos.load(encoded(grainy(*size), "JPEG"), max_side=1024, enough=enough)
    assert photo.image().size == decoded
    assert (photo.width, photo.height) == size
    assert photo.scale == pytest.approx(max(decoded) / max(size))


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF", "GIF", "BMP"])
def test_format_is_named_by_content(format_name: str) -> None:
    assert photos.load(encoded(upright(), format_name)).format == format_name


def test_lossless_pixels_come_through_unchanged() -> None:
    image = grainy()
    assert np.array_equal(photos.load(encoded(image, "PNG")).pixels, np.asarray(image))


def test_reducing_agrees_with_reducing_the_whole_photo() -> None:
    y, x = np.mgrid[0:600, 0:800]
    smooth = np.stack([x / 4, y / 3, (x + y) / 8], -1).astype(np.uint8)
    data = encoded(Image.fromarray(smooth), "JPEG")
    fast = photos.load(data, max_side=100).pixels.astype(int)
    whole = photos.load(data).image().resize((100, 75), Image.Resampling.LANCZOS)
    assert np.abs(fast - np.asarray(whole).astype(int)).mean() < 1.0


def test_pixels_above_pillows_own_guard_are_read_when_allowed(
    monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    data = encoded(upright(), "PNG")
    assert photos.load(data, limits=photos.Limits(max_pixels=10_000)).width == 96
    with pytest.raises(Rejected, match="too_many_pixels"):
        photos.load(data, limits=photos.Limits(max_pixels=6143))
    assert photos.load(data, limits=photos.Limits(max_pixels=6144)).width == 96
    assert not recwarn.list


def test_bomb_is_refused_without_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(self: object, *_: object) -> None:
        raise AssertionError("decoded a bomb")

    monkeypatch.setattr(ImageFile.ImageFile, "load", never)
    for format_name in ("PNG", "JPEG", "BMP", "TIFF"):
        with pytest.raises(Rejected, match="too_many_pixels"):
            photos.load(claims(format_name, 60_000, 60_000))


def test_bomb_that_is_cut_short_is_not_decoded_to_name_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def never(self: object, *_: object) -> None:
        raise AssertionError("decoded a bomb")

    cut = claims("WEBP", 16_383, 16_383)[:2000]
    monkeypatch.setattr(ImageFile.ImageFile, "load", never)
    with pytest.raises(Rejected) as why:
        photos.load(cut)
    assert why.value.reason in ("truncated_image", "too_many_pixels")


def test_truncation_is_refused_even_where_a_caller_made_pillow_lenient() -> None:
    assert not ImageFile.LOAD_TRUNCATED_IMAGES
    data = encoded(grainy(), "JPEG")
    with pytest.raises(Rejected, match="truncated_image"):
        photos.load(data[: len(data) * 9 // 10], max_side=16)


def test_heic_without_the_extra_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pillow_heif", None)
    heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100)
    with pytest.raises(Rejected, match=r"lookweave\[heic\]") as why:
        photos.load(heic)
    assert why.value.reason == "unsupported_format"
    assert why.value.retry, "installing the extra changes nothing about the file"


def test_loading_from_many_threads_gives_the_same_pixels() -> None:
    from tests.photo_bytes import swapping_profile

    profile = swapping_profile()
    data = [encoded(grainy(seed=seed), "JPEG", icc_profile=profile) for seed in range(6)]
    alone = [photos.load(each).pixels for each in data]
    barrier = threading.Barrier(6)

    def load(number: int) -> bool:
        barrier.wait()
        return all(np.array_equal(photos.load(data[number]).pixels, alone[number]) for _ in "abc")

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(load, range(6)))


def test_thumbnail_is_jpeg_within_its_side() -> None:
    photo = photos.load(encoded(turned(6), "JPEG", exif=exif(6), quality=95))
    with Image.open(BytesIO(photos.thumbnail(photo, 48))) as image:
        assert (image.format, image.size) == ("JPEG", (48, 32))
        found = np.array(quarters_of(np.asarray(image.convert("RGB"))))
    assert np.abs(found - np.array(QUARTERS)).max() < 25


def test_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match="missing_file") as why:
        photos.load(tmp_path / "none.jpg")
    assert why.value.retry
    with pytest.raises(Rejected, match="missing_file"):
        photos.load(str(tmp_path / "a\0b.jpg"))


def test_things_that_are_no_files_never_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    for path in (tmp_path, tmp_path / "pipe.jpg", Path("/dev/zero")):
        with pytest.raises(Rejected, match="not_a_file"):
            photos.load(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = tmp_path / "secret.jpg"
    path.write_bytes(encoded(upright(), "JPEG"))
    path.chmod(0)
    with pytest.raises(Rejected, match="unreadable_file") as why:
        photos.load(path)
    assert why.value.retry


def test_large_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "large.jpg"
    with path.open("wb") as file:
        file.truncate(50_000_000_000)  # sparse: takes no space, would take all memory
    with pytest.raises(Rejected, match="too_large_file"):
        photos.load(path)


def test_file_that_grows_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "growing.png"
    path.write_bytes(png(np.zeros((40, 40, 3), np.uint8)))
    os.utime(path, ns=(1, 1))
    look = os.fstat

    def while_it_is_read(descriptor: int) -> os.stat_result:
        with path.open("ab") as file:
            file.write(b"more")
        return look(descriptor)

    monkeypatch.setattr(os, "fstat", while_it_is_read)
    with pytest.raises(Rejected, match="changed_while_read") as why:
        photos.load(path)
    assert why.value.retry


def test_thumbnail_of_a_small_photo_is_not_enlarged() -> None:
    photo = photos.load(encoded(upright(60, 40), "PNG"))
    with Image.open(BytesIO(photos.thumbnail(photo, 384))) as image:
        assert image.size == (60, 40)


def test_perceptual_hash_is_that_of_imagehash_to_few_bits() -> None:
    import imagehash

    coarse = np.random.default_rng(5).integers(0, 256, (9, 7, 3), np.uint8)
    picture = Image.fromarray(coarse).resize((560, 720), Image.Resampling.BICUBIC)
    reference = imagehash.phash(picture)
    data = encoded(picture, "JPEG", quality=90)
    for options in ({}, {"max_side": 512, "enough": 256}):  # whole, and decoded at a half
        found = imagehash.hex_to_hash(photos.perceptual_hash(photos.load(data, **options)))
        assert found - reference <= 4
    mirrored = photos.load(encoded(picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT), "PNG"))
    assert imagehash.hex_to_hash(photos.perceptual_hash(mirrored)) - reference > 16
