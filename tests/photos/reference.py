"""A picture whose pixels are known, and another decoder to compare with."""

from __future__ import annotations

import functools
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from lookweave import photos

HEIGHT, WIDTH = 64, 96
Picture = NDArray[np.float64]


def _picture() -> Picture:
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    picture = np.stack([x * 2 + 30, y * 3 + 20, 255 - (x + y)], -1).clip(0, 255) / 255.0
    picture[:20, :30] = 0.8, 0.1, 0.1
    return picture


PICTURE = _picture()
"""(height, width, 3), sRGB in 0..1: slopes in all channels, so that no two places are alike."""

GREY = PICTURE[..., 0]
"""(height, width), likewise."""

ALPHA = np.where(np.add.outer(np.arange(HEIGHT), np.arange(WIDTH)) < 60, 0.5, 1.0)
"""(height, width): half clear at the top left."""


def eight_bits(picture: Picture) -> NDArray[np.uint8]:
    """What a picture decodes to: (height, width, 3)."""
    levels = np.rint(picture * 255).astype(np.uint8)
    return levels if levels.ndim == 3 else np.stack([levels] * 3, -1)


def on_white(picture: Picture, alpha: Picture = ALPHA) -> Picture:
    """The picture through which white shows where `alpha` is below 1."""
    share = alpha[..., None] if picture.ndim == 3 else alpha
    return picture * share + 1 - share


def assert_decodes_to(data: bytes, picture: Picture, tolerance: float = 2) -> None:
    """The photo is read, and no pixel is further from the picture than `tolerance` of 255."""
    found = photos.load(data).pixels.astype(int)
    wanted = eight_bits(picture).astype(int)
    assert found.shape == wanted.shape
    worst = np.abs(found - wanted).max()
    assert worst <= tolerance, f"a pixel differs by {worst}"


@functools.cache
def _convert() -> str | None:
    for name in ("magick", "convert", "/usr/bin/convert"):
        program = shutil.which(name)
        if program is None:
            continue
        told = subprocess.run([program, "-list", "format"], capture_output=True, check=False)
        if b"TIFF" in told.stdout:
            return program
    return None


def needs_imagemagick() -> None:
    """Skip the test where ImageMagick is not installed."""
    if _convert() is None:
        pytest.skip("ImageMagick (convert or magick), with which this compares, is not installed")


def made_by_imagemagick(
    layouts: dict[str, list[str]], suffix: str, folder: Path
) -> list[tuple[str, bytes]]:
    """`PICTURE` written by ImageMagick with each layout's options: (name, file)."""
    source = folder / "picture.png"
    Image.fromarray(eight_bits(PICTURE)).save(source)
    command, paths = [str(source), "-respect-parenthesis"], {}
    for number, (name, options) in enumerate(layouts.items()):
        paths[name] = folder / f"made-{number}.{suffix}"
        command += ["(", "+clone", *options, "-write", str(paths[name]), "+delete", ")"]
    _run(*command, "null:")
    return [(name, path.read_bytes()) for name, path in paths.items()]


def decoded_by_imagemagick(files: list[bytes], suffix: str, folder: Path) -> NDArray[np.uint8]:
    """Its pixels of each file's first frame, in sRGB on white: (files, height, width, 3)."""
    names = []
    for number, data in enumerate(files):
        path = folder / f"read-{number}.{suffix}"
        path.write_bytes(data)
        names.append(f"{path}[0]")
    raw = _run(
        *names, "-background", "white", "-alpha", "remove", "-colorspace", "sRGB", "-depth", "8",
        "rgb:-",
    )  # fmt: skip
    return np.frombuffer(raw, np.uint8).reshape(len(files), HEIGHT, WIDTH, 3)


def _run(*arguments: str) -> bytes:
    program = _convert()
    assert program is not None
    return subprocess.run(
        [program, *arguments], capture_output=True, check=True, timeout=120
    ).stdout
