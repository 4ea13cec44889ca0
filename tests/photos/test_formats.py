from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.photo_bytes import encoded, upright

from lookweave import photos, sources
from lookweave.errors import ConfigError, Rejected
from lookweave.photos import PhotoFormat, formats, register_photo_format

MAGIC = b"SWATCH01"


def open_swatch(data: bytes) -> Image.Image:
    """A made-up format: a magic word, then red, green and blue of a square's one colour."""
    red, green, blue = data[8:11]
    return Image.new("RGB", (40, 40), (red, green, blue))


SWATCH = PhotoFormat(
    "SWATCH", frozenset({"swatch"}), lambda start: start.startswith(MAGIC), open_swatch
)


@pytest.fixture(autouse=True)
def only_built_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a test registers is forgotten after it."""
    monkeypatch.setattr(formats, "_formats", formats._BUILT_IN)
    monkeypatch.setattr(formats, "_suffixes", formats._suffixes)
    monkeypatch.setattr(formats, "_entry_points_are_read", True)
    yield


def test_registered_format_is_read_listed_and_named(tmp_path: Path) -> None:
    data = MAGIC + bytes([10, 200, 30])
    (tmp_path / "a.swatch").write_bytes(data)
    (tmp_path / "b").write_bytes(data)
    with pytest.raises(Rejected, match="not_an_image"):
        photos.load(data)
    register_photo_format(SWATCH)
    photo = photos.load(data, max_side=20)
    assert (photo.format, photo.width, photo.pixels.shape) == ("SWATCH", 40, (20, 20, 3))
    assert (photo.pixels == [10, 200, 30]).all()
    assert [each.name for each in sources.listing("garment", (str(tmp_path),))] == ["a.swatch", "b"]
    with pytest.raises(Rejected, match="too_small"):
        photos.load(data, limits=photos.Limits(min_side=41))


def test_the_manuals_example_works() -> None:
    page = Path(__file__).parents[2] / "docs/photos.md"
    (code,) = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    exec(code, {})
    photo = photos.load(MAGIC + bytes([10, 200, 30]), max_side=20)
    assert (photo.format, photo.width) == ("SWATCH", 400)


def test_what_a_registered_opener_raises_becomes_a_reject() -> None:
    register_photo_format(SWATCH)
    with pytest.raises(Rejected) as why:
        photos.load(MAGIC + bytes(1) + b"")
    assert why.value.reason in ("broken_image", "truncated_image")


def test_registered_formats_are_asked_before_built_in_ones() -> None:
    def square(data: bytes) -> Image.Image:
        return Image.new("RGB", (7, 7))

    register_photo_format(
        PhotoFormat("RAW", frozenset({"raw"}), lambda start: start[:4] == b"II*\0", square)
    )
    assert photos.load(encoded(upright(), "TIFF")).format == "RAW"


def test_name_that_is_taken_is_refused() -> None:
    register_photo_format(SWATCH)
    register_photo_format(SWATCH)
    assert [each.name for each in formats.photo_formats()].count("SWATCH") == 1
    other = PhotoFormat("JPEG", frozenset({"jpg"}), lambda start: True, open_swatch)
    with pytest.raises(ConfigError, match="JPEG"):
        register_photo_format(other)
    assert photos.load(encoded(upright(), "JPEG")).format == "JPEG"


def entry_point(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    point = EntryPoint("swatch", value, formats.ENTRY_POINTS)
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: EntryPoints([point]))
    monkeypatch.setattr(formats, "_entry_points_are_read", False)


def test_format_of_an_installed_package_is_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "swatch_package.py").write_text(
        textwrap.dedent("""
        from PIL import Image
        from lookweave.photos import PhotoFormat

        SWATCH = PhotoFormat(
            "SWATCH", frozenset({"swatch"}), lambda start: start.startswith(b"SWATCH01"),
            lambda data: Image.new("RGB", (40, 40), tuple(data[8:11])),
        )
        """)
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    entry_point(monkeypatch, "swatch_package:SWATCH")
    assert "swatch" in formats.suffixes()
    assert photos.load(MAGIC + bytes([1, 2, 3])).format == "SWATCH"


@pytest.mark.parametrize(
    ("value", "told"),
    [("no_such_package:FORMAT", "cannot be loaded"), ("json:dumps", "no PhotoFormat")],
)
def test_package_that_offers_no_format_is_named(
    monkeypatch: pytest.MonkeyPatch, value: str, told: str
) -> None:
    entry_point(monkeypatch, value)
    with pytest.raises(ConfigError, match=told) as why:
        photos.load(encoded(upright(), "JPEG"))
    assert value in str(why.value)


def test_every_built_in_suffix_is_listed() -> None:
    assert formats.suffixes() >= {"jpg", "jpeg", "png", "webp", "avif", "tif", "gif", "bmp", "heic"}
    assert "pdf" not in formats.suffixes()


def test_importing_and_loading_change_nothing_in_the_host_program(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(encoded(upright(), "JPEG"))
    code = f"""
        import logging, warnings
        from PIL import Image, ImageFile, PngImagePlugin, TiffImagePlugin

        def switches():
            return (
                list(warnings.filters), Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES,
                ImageFile.MAXBLOCK, PngImagePlugin.MAX_TEXT_CHUNK, TiffImagePlugin.READ_LIBTIFF,
                dict(Image.OPEN), list(Image.ID), logging.root.handlers, logging.root.level,
                logging.getLogger("PIL").handlers, logging.getLogger("PIL").level,
            )

        import numpy, PIL.ImageCms, simplejpeg  # what these change is theirs
        from PIL import (AvifImagePlugin, BmpImagePlugin, GifImagePlugin, JpegImagePlugin,
                         WebPImagePlugin)
        before = switches()
        from lookweave import photos
        photos.load({str(path)!r})
        assert switches() == before
        """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_photos_are_imported_without_what_they_do_not_need() -> None:
    code = "import sys, lookweave.photos; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & {
        "importlib.metadata",
        "lance",
        "pandas",
        "onnxruntime",
        "pydantic",
        "torch",
    }
    assert np.__name__ in loaded
