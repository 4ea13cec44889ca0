"""What tests share: small photos drawn on the spot, and workspaces made of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

import lookweave
from lookweave.cli.main import main

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ["COLUMNS"] = "400"  # tables do not fold the long names of temporary folders

COLOURS = [(178, 30, 40), (35, 70, 160), (30, 110, 60), (215, 180, 60), (90, 50, 110), (20, 20, 22)]


Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Run the command line in this process: exit code, stdout, stderr."""

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["lookweave", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        code = ended.value.code
        return (code if isinstance(code, int) else 0), printed.out, printed.err

    return run


def draw_garment(
    colour: tuple[int, int, int], seed: int, size: tuple[int, int] = (192, 256)
) -> Image.Image:
    """A shirt shape with stripes of its own on a white ground."""
    random = np.random.default_rng(seed)
    width, height = size
    photo = Image.new("RGB", size, (250, 250, 250))
    draw = ImageDraw.Draw(photo)
    draw.polygon(
        [(w * width, h * height) for w, h in
         ((0.3, 0.2), (0.7, 0.2), (0.9, 0.45), (0.75, 0.5), (0.72, 0.85), (0.28, 0.85), (0.25, 0.5), (0.1, 0.45))],
        fill=colour,
    )  # fmt: skip
    for _ in range(4):
        y = random.uniform(0.3, 0.8) * height
        draw.line(
            [(0.3 * width, y), (0.7 * width, y)],
            fill=tuple(random.integers(0, 255, 3).tolist()),
            width=4,
        )
    return photo


def draw_look(garment: Image.Image, seed: int) -> Image.Image:
    """The same garment on a noisy street, smaller and turned."""
    random = np.random.default_rng(seed)
    noise = random.integers(60, 190, (40, 30, 3), np.uint8)
    street = Image.fromarray(noise).resize((240, 320)).filter(ImageFilter.GaussianBlur(3))
    cut = garment.convert("L").point(lambda value: 255 if value < 240 else 0)
    angle = float(random.uniform(-8, 8))
    worn = garment.rotate(angle, fillcolor=(250, 250, 250))
    street.paste(worn, (24, 30), cut.rotate(angle))
    return street


def write_photos(folder: Path, count: int, looks_each: int = 1) -> tuple[Path, Path, Path]:
    """`count` garments with `looks_each` looks each: two folders and their truth.csv."""
    garments, looks = folder / "garments", folder / "looks"
    garments.mkdir(parents=True)
    looks.mkdir()
    truth = ["garment,look"]
    for number in range(count):
        colour = COLOURS[number % len(COLOURS)]
        shade = tuple(min(255, channel + 7 * (number // len(COLOURS))) for channel in colour)
        garment = draw_garment(shade, number)
        garment.save(garments / f"g{number:03d}.jpg", quality=92)
        for look in range(looks_each):
            draw_look(garment, 1000 * number + look).save(
                looks / f"l{number:03d}_{look}.jpg", quality=90
            )
            truth.append(f"g{number:03d}.jpg,l{number:03d}_{look}.jpg")
    (folder / "truth.csv").write_text("\n".join(truth), encoding="utf-8")
    return garments, looks, folder / "truth.csv"


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    """For a Python of its own that imports the same Lookweave as these tests."""
    return {**os.environ, "PYTHONPATH": str(Path(lookweave.__file__).parents[1])}


@pytest.fixture(scope="session")
def photo_folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """Twelve garments and twelve looks: read only."""
    return write_photos(tmp_path_factory.mktemp("photos"), 12)
