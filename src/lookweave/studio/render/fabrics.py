"""Procedural cloth: one repeat of colour and one of relief per fabric, and placed prints.

Colours are linear RGB. Every texture is a pure function of the fabric's fields, so the product
photo and every look of a garment show the same cloth.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from lookweave.studio.render.body import Array
from lookweave.studio.render.cloth import Fabric
from lookweave.studio.render.draw import Texture
from lookweave.studio.render.patterns import pattern, weave

# sRGB anchors of the taxonomy's colours; a garment takes a shade near one of several.
SHADES: dict[str, tuple[tuple[int, int, int], ...]] = {
    "black": ((24, 24, 26), (34, 33, 36)), "white": ((240, 239, 236), (246, 246, 248)),
    "grey": ((128, 130, 134), (88, 90, 94), (172, 173, 175)),
    "beige": ((214, 196, 166), (196, 172, 136), (228, 214, 192)),
    "brown": ((98, 64, 42), (124, 84, 56), (72, 48, 36)),
    "red": ((178, 28, 36), (206, 44, 40), (128, 22, 38)),
    "pink": ((232, 156, 176), (222, 104, 146), (240, 190, 196)),
    "orange": ((222, 112, 40), (236, 138, 78)), "yellow": ((236, 196, 58), (216, 168, 44)),
    "green": ((42, 104, 66), (104, 128, 74), (70, 86, 54), (128, 180, 148)),
    "blue": ((52, 104, 182), (112, 158, 208), (36, 134, 160), (70, 96, 140)),
    "navy": ((28, 36, 72), (34, 44, 88)), "purple": ((98, 58, 138), (160, 128, 196)),
    "gold": ((186, 148, 72), (204, 168, 92)), "silver": ((178, 182, 190), (196, 198, 204)),
}  # fmt: skip


def linear(rgb: tuple[int, int, int] | Array) -> tuple[float, float, float]:
    """sRGB 0..255 to linear 0..1."""
    value = np.asarray(rgb, float) / 255
    out = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return (float(out[0]), float(out[1]), float(out[2]))


def encode(value: Array) -> Array:
    """Linear 0..1 to sRGB 0..1."""
    value = np.clip(value, 0, None)
    return np.where(value <= 0.0031308, value * 12.92, 1.055 * value ** (1 / 2.4) - 0.055)


def shade(name: str, rng: np.random.Generator) -> tuple[float, float, float]:
    """A linear RGB shade of the taxonomy colour `name`."""
    anchors = SHADES[name]
    base = np.asarray(anchors[int(rng.integers(len(anchors)))], float)
    return linear(np.clip(base + rng.normal(size=3) * 5, 4, 250))


@lru_cache(maxsize=1)
def noise() -> Texture:
    """Tileable noise of all scales (r) and its gradient (g, b)."""
    return _field("noise", 5, lambda k: k**-1.9 * (k < 28), 0.55)


@lru_cache(maxsize=1)
def folds() -> Texture:
    """Like :func:`noise`, of long waves only: the folds of hanging cloth."""
    return _field("folds", 11, lambda k: k**-0.6 * np.exp(-((k / 5.5) ** 2)), 0.35)


def _field(name: str, seed: int, spectrum: Callable[[Array], Array], sharp: float) -> Texture:
    """Tileable noise (r) and its gradient (g, b); `sharp` narrows the crests."""
    rng = np.random.default_rng(seed)
    size = 256
    f = np.fft.fftfreq(size) * size
    k = np.hypot(f[:, None], f[None])
    k[0, 0] = 1
    waves = (rng.normal(size=(size, size)) + 1j * rng.normal(size=(size, size))) * spectrum(k)
    waves[0, 0] = 0
    field = np.fft.ifft2(waves).real
    field /= field.std()
    # Cloth has smooth hollows and narrower crests.
    height = field - sharp * np.sqrt(field**2 + 0.08)
    height = (height - height.mean()) / height.std()
    gx = (np.roll(height, -1, 1) - np.roll(height, 1, 1)) / 2
    gy = (np.roll(height, -1, 0) - np.roll(height, 1, 0)) / 2
    steep = 0.6 / np.sqrt((gx**2 + gy**2).mean())
    pixels = np.stack([np.clip(0.5 + 0.2 * height, 0, 1), gx * steep, gy * steep], -1)
    return Texture(name, pixels.astype(np.float32))


@lru_cache(maxsize=96)
def textures(fabric: Fabric) -> tuple[Texture, Texture]:
    """The colour and the relief of one repeat."""
    rng = np.random.default_rng(fabric.seed)
    colour = np.clip(pattern(fabric, rng), 0, 1).astype(np.float32)
    height = weave(fabric, rng)
    gx = np.roll(height, -1, 1) - np.roll(height, 1, 1)
    gy = np.roll(height, -1, 0) - np.roll(height, 1, 0)
    spread = max(float(np.sqrt((gx**2 + gy**2).mean())), 1e-6)
    relief = np.stack(
        [height, np.clip(0.5 + 0.22 * gx / spread, 0, 1), np.clip(0.5 + 0.22 * gy / spread, 0, 1)],
        -1,
    )
    key = repr(fabric)
    return Texture("c" + key, _bytes(np.sqrt(colour))), Texture("h" + key, _bytes(relief))


def _bytes(values: Array) -> NDArray[np.uint8]:
    """0..1 to RGBA bytes, which llvmpipe samples several times faster than floats."""
    out = np.full((*values.shape[:2], 4), 255, np.uint8)
    out[..., : values.shape[2]] = np.clip(values * 255 + 0.5, 0, 255)
    return out


@lru_cache(maxsize=64)
def placed_print(
    text: str, emblem: str, ink: tuple[float, float, float], second: tuple[float, float, float]
) -> Texture:
    """A chest print with straight alpha: lettering, an emblem or both."""
    size = 384
    image = Image.new("RGBA", (size, size))
    draw = ImageDraw.Draw(image)

    def code(colour: tuple[float, float, float]) -> tuple[int, int, int, int]:
        r, g, b = (round(255 * float(c) ** (1 / 2.2)) for c in colour)
        return (r, g, b, 255)

    first, other = code(ink), code(second)
    if emblem == "sun":
        draw.pieslice((72, 60, 312, 300), 180, 360, fill=first)
        for k in range(4):
            draw.rectangle((72, 196 + 22 * k, 312, 204 + 22 * k), fill=other)
    elif emblem == "ring":
        draw.ellipse((92, 70, 292, 270), outline=first, width=26)
        draw.ellipse((152, 130, 232, 210), fill=other)
    elif emblem == "star":
        points = [
            (
                192 + (130 if k % 2 == 0 else 54) * np.sin(np.pi * k / 5),
                170 - (130 if k % 2 == 0 else 54) * np.cos(np.pi * k / 5),
            )
            for k in range(10)
        ]
        draw.polygon(points, fill=first)
    elif emblem == "waves":
        for k in range(5):
            points = [(40 + 6 * t, 90 + 40 * k + 16 * np.sin(t / 4 + k)) for t in range(51)]
            draw.line(points, fill=first if k % 2 else other, width=15)
    elif emblem == "box":
        draw.rectangle((60, 120, 324, 240), fill=other)
    if text:
        lines = text.split("/")
        for n, line in enumerate(lines):
            for height in range(150, 20, -4):
                font = ImageFont.load_default(height)
                left, top, right, bottom = draw.textbbox((0, 0), line, font=font)
                if right - left <= (250 if emblem == "box" else 350) and bottom - top <= 300 / max(
                    len(lines), 2
                ):
                    break
            middle = 192 if not emblem or emblem == "box" else 330
            y = middle - (bottom - top) / 2 + (n - (len(lines) - 1) / 2) * (bottom - top + 16)
            draw.text(
                (192 - (right - left) / 2 - left, y - top - (12 if emblem == "box" else 0)),
                line,
                font=font,
                fill=first,
                stroke_width=max(1, height // 26),
                stroke_fill=first,
            )
    pixels = np.asarray(image, np.float32) / 255
    colour = pixels[..., :3] ** 2.2
    # Straight alpha needs colour under the transparent edge.
    filled = np.where(pixels[..., 3:] > 0, colour, np.asarray(ink, np.float32))
    out = np.concatenate([np.sqrt(filled), pixels[..., 3:]], -1)
    return Texture(f"print{text}{emblem}{ink}{second}", _bytes(out))
