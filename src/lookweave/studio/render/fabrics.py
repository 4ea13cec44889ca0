"""Procedural cloth: one repeat of colour and one of relief per fabric, and placed prints.

Colours are linear RGB. Every texture is a pure function of the fabric's fields, so the product
photo and every look of a garment show the same cloth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from lookweave.studio.render.body import Array
from lookweave.studio.render.draw import Texture

SIZE = 384
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


@dataclass(frozen=True)
class Fabric:
    """Cloth by the metre."""

    pattern: str = "plain"  # taxonomy word
    motif: str = ""  # what exactly: "breton", "tartan", "pin dot", ...
    material: str = "cotton"  # taxonomy word
    weave: str = "jersey"
    colours: tuple[tuple[float, float, float], ...] = ((0.5, 0.5, 0.5),)
    scale: float = 0.12  # metres per repeat of the pattern
    seed: int = 0
    wash: float = 0.0  # denim: how faded

    @property
    def gloss(self) -> float:
        """Strength of the sheen, 0..1."""
        table = {"leather": 0.5, "silk": 0.38, "synthetic": 0.4, "sequin": 0.9, "wool": 0.0}
        return table.get(self.material, 0.06)

    @property
    def metal(self) -> float:
        """How far highlights take the cloth's colour."""
        return {"silk": 0.5, "sequin": 0.9, "leather": 0.1}.get(self.material, 0.0)

    @property
    def relief(self) -> float:
        """Depth of the weave in the light."""
        return {
            "knit": 0.55, "cable": 0.85, "rib": 0.8, "denim": 0.22, "leather": 0.25, "tweed": 0.35,
            "corduroy": 0.8, "sequin": 0.3, "satin": 0.03, "poplin": 0.06, "fleece": 0.15,
        }.get(self.weave, 0.10)  # fmt: skip

    @property
    def fold(self) -> float:
        """How strongly it folds: silk and poplin crease, knit and leather less."""
        return {
            "satin": 0.62, "poplin": 0.55, "jersey": 0.5, "denim": 0.34, "leather": 0.42,
            "knit": 0.24, "cable": 0.18, "rib": 0.2, "tweed": 0.26, "fleece": 0.36, "sequin": 0.3,
            "nylon": 0.5, "corduroy": 0.28,
        }.get(self.weave, 0.4)  # fmt: skip


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
    colour = np.clip(_pattern(fabric, rng), 0, 1).astype(np.float32)
    height = _weave(fabric, rng)
    gx = np.roll(height, -1, 1) - np.roll(height, 1, 1)
    gy = np.roll(height, -1, 0) - np.roll(height, 1, 0)
    spread = max(float(np.sqrt((gx**2 + gy**2).mean())), 1e-6)
    relief = np.stack(
        [height, np.clip(0.5 + 0.22 * gx / spread, 0, 1), np.clip(0.5 + 0.22 * gy / spread, 0, 1)],
        -1,
    )
    key = repr(fabric)
    return Texture("c" + key, colour), Texture("h" + key, relief.astype(np.float32))


def _grid() -> tuple[Array, Array]:
    line = (np.arange(SIZE) + 0.5) / SIZE
    u, v = np.meshgrid(line, line)
    return u, v


def _soft(distance: Array, width: float = 1.5 / SIZE) -> Array:
    """1 inside (distance < 0), 0 outside, with a soft edge."""
    return np.clip(0.5 - distance / (2 * width), 0, 1)


def _over(base: Array, colour: tuple[float, float, float], mask: Array) -> Array:
    return base + (np.asarray(colour) - base) * mask[..., None]


def _pattern(fabric: Fabric, rng: np.random.Generator) -> Array:
    u, v = _grid()
    colours = fabric.colours
    base = np.broadcast_to(np.asarray(colours[0], float), (SIZE, SIZE, 3)).copy()
    second = colours[1 % len(colours)]
    third = colours[2 % len(colours)]
    motif = fabric.motif
    if fabric.pattern == "striped":
        if motif == "breton":
            base = _over(base, second, _soft(np.abs(v - 0.5) - 0.17))
        elif motif == "pin":
            base = _over(base, second, 0.8 * _soft(np.abs(u - 0.5) - 0.03))
        elif motif == "awning":
            base = _over(base, second, _soft(np.abs(u - 0.5) - 0.25))
        elif motif == "multi":
            base = _over(base, second, _soft(np.abs(v - 0.25) - 0.12))
            base = _over(base, third, _soft(np.abs(v - 0.70) - 0.07))
        else:  # block
            base = _over(base, second, _soft(np.abs(v - 0.5) - 0.25))
    elif fabric.pattern == "checked":
        if motif == "gingham":
            across, down = _soft(np.abs(u - 0.5) - 0.25), _soft(np.abs(v - 0.5) - 0.25)
            base = _over(base, second, 0.5 * across + 0.5 * down)
        elif motif == "window":
            lines = np.maximum(_soft(np.abs(u - 0.5) - 0.02), _soft(np.abs(v - 0.5) - 0.02))
            base = _over(base, second, lines)
        elif motif == "houndstooth":
            cell = (np.floor(u * 8) % 2 == 0) ^ (np.floor(v * 8) % 2 == 0)
            twill = np.floor((u + v) * 16) % 2 == 0
            base = _over(base, second, (cell | twill).astype(float) * 0.9)
        else:  # tartan
            for axis in (u, v):
                base = _over(base, second, 0.55 * _soft(np.abs(axis - 0.5) - 0.22))
                base = _over(base, third, 0.7 * _soft(np.abs(axis - 0.12) - 0.025))
                base = _over(base, third, 0.7 * _soft(np.abs(axis - 0.88) - 0.012))
    elif fabric.pattern == "dotted":
        for cx, cy in ((0.25, 0.25), (0.75, 0.75)):
            du = np.minimum(np.abs(u - cx), 1 - np.abs(u - cx))
            dv = np.minimum(np.abs(v - cy), 1 - np.abs(v - cy))
            radius = {"pin dot": 0.07, "coin": 0.19}.get(motif, 0.125)
            base = _over(base, second, _soft(np.hypot(du, dv) - radius, 3 / SIZE))
    elif fabric.pattern == "floral":
        base = _flowers(base, colours, motif, rng)
    elif fabric.pattern == "animal":
        base = _animal(base, colours, motif, rng)
    elif fabric.pattern == "other":  # colour clouds, camouflage
        fields = [_smooth_noise(rng, 3.0), _smooth_noise(rng, 4.0)]
        if motif == "camouflage":
            base = _over(base, second, (fields[0] > 0.25).astype(float))
            base = _over(base, third, (fields[1] > 0.7).astype(float))
        else:
            base = _over(base, second, ndimage.gaussian_filter(np.clip(fields[0] + 0.5, 0, 1), 6, mode="wrap"))
            base = _over(base, third, np.clip(fields[1] - 0.4, 0, 1))
    if fabric.weave == "denim":
        thread = rng.normal(size=(SIZE, SIZE))
        thread = ndimage.gaussian_filter(thread, (3.0, 0.6), mode="wrap")
        thread /= thread.std()
        base = base * (1 + 0.16 * thread[..., None])
        base = base + (np.array([0.55, 0.6, 0.68]) - base) * fabric.wash * 0.4
    elif fabric.weave == "tweed":
        fleck = ndimage.gaussian_filter(rng.normal(size=(SIZE, SIZE)), 1.0, mode="wrap")
        fleck /= fleck.std()
        base = base * (1 + 0.22 * fleck[..., None])
    elif fabric.weave == "melange":
        fleck = ndimage.gaussian_filter(rng.normal(size=(SIZE, SIZE)), (0.6, 2.5), mode="wrap")
        base = base * (1 + 0.35 * fleck[..., None] / fleck.std() * 0.4)
    return base


def _smooth_noise(rng: np.random.Generator, power: float) -> Array:
    """Zero-mean, unit-variance tileable noise with spectrum k^-power/... of long waves."""
    f = np.fft.fftfreq(SIZE) * SIZE
    k = np.hypot(f[:, None], f[None])
    k[0, 0] = 1
    wave = (rng.normal(size=(SIZE, SIZE)) + 1j * rng.normal(size=(SIZE, SIZE))) * np.exp(-((k / (2.2 * power)) ** 2))
    wave[0, 0] = 0
    field = np.fft.ifft2(wave).real
    return field / field.std()


def _flowers(
    base: Array, colours: tuple[tuple[float, float, float], ...], motif: str, rng: np.random.Generator
) -> Array:
    """Blossoms and leaves scattered over a tile that repeats in both directions."""
    big = 2 * SIZE
    image = Image.new("RGBA", (big, big))
    draw = ImageDraw.Draw(image)

    def code(colour: tuple[float, float, float], gain: float = 1.0) -> tuple[int, int, int, int]:
        r, g, b = (int(255 * min(1.0, float(c) ** (1 / 2.2) * gain)) for c in colour)
        return (r, g, b, 255)

    count = {"meadow": 46, "blossom": 12, "ditsy": 70}.get(motif, 20)
    mean = {"meadow": 34, "blossom": 96, "ditsy": 20}.get(motif, 62)
    for _ in range(count):
        x, y = rng.uniform(0, big, 2)
        size = mean * rng.uniform(0.7, 1.3)
        petals = int(rng.integers(4, 7))
        turn = rng.uniform(0, 6.28)
        ink = colours[1 + int(rng.integers(max(len(colours) - 1, 1))) % max(len(colours) - 1, 1)] if len(colours) > 1 else (0.9, 0.9, 0.9)
        leaf = colours[-1]
        for dx in (-big, 0, big):
            for dy in (-big, 0, big):
                if not (-size * 2 < x + dx < big + size * 2 and -size * 2 < y + dy < big + size * 2):
                    continue
                for n in range(2):
                    a = turn + 2.2 + n * 1.9
                    cx, cy = x + dx + np.cos(a) * size * 1.15, y + dy + np.sin(a) * size * 1.15
                    draw.ellipse((cx - size * 0.42, cy - size * 0.2, cx + size * 0.42, cy + size * 0.2), fill=code(leaf, 0.8))
                for n in range(petals):
                    a = turn + 6.283 * n / petals
                    cx, cy = x + dx + np.cos(a) * size * 0.55, y + dy + np.sin(a) * size * 0.55
                    r = size * 0.44
                    draw.ellipse((cx - r, cy - r, cx + r, cy + r), fill=code(ink, 0.92 + 0.1 * (n % 2)))
                r = size * 0.24
                draw.ellipse((x + dx - r, y + dy - r, x + dx + r, y + dy + r), fill=code((0.75, 0.5, 0.06)))
    small = np.asarray(image.resize((SIZE, SIZE), Image.Resampling.LANCZOS), float) / 255
    ink_linear = small[..., :3] ** 2.2
    alpha = small[..., 3:]
    return base * (1 - alpha) + ink_linear * alpha


def _animal(
    base: Array, colours: tuple[tuple[float, float, float], ...], motif: str, rng: np.random.Generator
) -> Array:
    if motif == "zebra":
        bent = _smooth_noise(rng, 1.4) * 0.09
        u, v = _grid()
        wave = np.sin(2 * np.pi * (6 * (v + bent) + 0.8 * np.sin(2 * np.pi * u)))
        return _over(base, colours[1], _soft(-(wave - 0.1) * 0.02))
    points = rng.uniform(0, 1, (60, 2))
    u, v = _grid()
    du = np.abs(u[..., None] - points[:, 0])
    dv = np.abs(v[..., None] - points[:, 1])
    distance = np.sort(np.hypot(np.minimum(du, 1 - du), np.minimum(dv, 1 - dv)), -1)[..., 0]
    wobble = 0.008 * _smooth_noise(rng, 8)
    ring = np.abs(distance + wobble - 0.040) - 0.013 + 0.006 * _smooth_noise(rng, 6)
    heart = distance + wobble - 0.026
    out = _over(base, colours[-1], 0.7 * _soft(heart))
    return _over(out, colours[1], _soft(ring))


def _weave(fabric: Fabric, rng: np.random.Generator) -> Array:
    """(SIZE, SIZE) heights 0..1 of one repeat."""
    u, v = _grid()
    threads = max(4, round(fabric.scale / {"knit": 0.009, "cable": 0.010, "rib": 0.008, "corduroy": 0.007}.get(fabric.weave, 0.004)))
    if fabric.weave in ("knit", "cable"):
        cell_u = (u * threads) % 1.0
        lean = np.abs(cell_u - 0.5) * 2
        row = (v * threads * 1.25 + 0.5 * lean) % 1.0
        height = 0.55 * (1 - np.abs(row - 0.5) * 2) ** 0.7 + 0.45 * np.sin(np.pi * cell_u * 2 - 0.5) ** 2
        if fabric.weave == "cable":
            plait = 0.12 * np.sin(2 * np.pi * v * 2)
            rope = np.exp(-(((u - 0.5 - plait) / 0.09) ** 2)) + np.exp(-(((u - 0.5 + plait) / 0.09) ** 2))
            height = 0.35 * height + 0.9 * np.clip(rope, 0, 1)
    elif fabric.weave in ("rib", "corduroy"):
        height = 0.5 + 0.5 * np.cos(2 * np.pi * u * threads)
    elif fabric.weave == "denim":
        height = 0.5 + 0.5 * np.cos(2 * np.pi * (u + v) * threads * 2)
        height += 0.3 * rng.normal(size=(SIZE, SIZE))
    elif fabric.weave == "leather":
        height = ndimage.gaussian_filter(rng.normal(size=(SIZE, SIZE)), 3, mode="wrap")
    elif fabric.weave == "sequin":
        cu, cv = (u * 24) % 1.0, (v * 24) % 1.0
        height = np.clip(1 - 2 * np.hypot(cu - 0.5, cv - 0.5), 0, 1)
    elif fabric.weave in ("satin", "nylon"):
        height = ndimage.gaussian_filter(rng.normal(size=(SIZE, SIZE)), (8, 1), mode="wrap")
    else:
        height = ndimage.gaussian_filter(rng.normal(size=(SIZE, SIZE)), 1.2, mode="wrap")
        if fabric.weave in ("tweed", "fleece"):
            height = ndimage.gaussian_filter(rng.normal(size=(SIZE, SIZE)), 2.2, mode="wrap")
    low, high = float(height.min()), float(height.max())
    return (height - low) / max(high - low, 1e-9)


@lru_cache(maxsize=64)
def placed_print(text: str, emblem: str, ink: tuple[float, float, float], second: tuple[float, float, float]) -> Texture:
    """A chest print with straight alpha: lettering, an emblem or both."""
    size = 384
    image = Image.new("RGBA", (size, size))
    draw = ImageDraw.Draw(image)

    def code(colour: tuple[float, float, float]) -> tuple[int, int, int, int]:
        r, g, b = (int(round(255 * float(c) ** (1 / 2.2))) for c in colour)
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
            (192 + (130 if k % 2 == 0 else 54) * np.sin(np.pi * k / 5), 170 - (130 if k % 2 == 0 else 54) * np.cos(np.pi * k / 5))
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
            for points in range(150, 20, -4):
                font = ImageFont.load_default(points)
                left, top, right, bottom = draw.textbbox((0, 0), line, font=font)
                if right - left <= (250 if emblem == "box" else 350) and bottom - top <= 300 / max(len(lines), 2):
                    break
            middle = 192 if not emblem or emblem == "box" else 330
            y = middle - (bottom - top) / 2 + (n - (len(lines) - 1) / 2) * (bottom - top + 16)
            draw.text((192 - (right - left) / 2 - left, y - top - (12 if emblem == "box" else 0)), line, font=font,
                      fill=first, stroke_width=max(1, points // 26), stroke_fill=first)  # fmt: skip
    pixels = np.asarray(image, np.float32) / 255
    colour = pixels[..., :3] ** 2.2
    # Straight alpha needs colour under the transparent edge.
    filled = np.where(pixels[..., 3:] > 0, colour, np.asarray(ink, np.float32))
    out = np.concatenate([filled, pixels[..., 3:]], -1)
    return Texture(f"print{text}{emblem}{ink}{second}", out.astype(np.float32))


NO_PRINT = Texture("no print", np.zeros((2, 2, 4), np.float32))
