"""How fabrics are painted: one repeat of a pattern, one repeat of a weave."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from lookweave.studio.render.body import Array
from lookweave.studio.render.cloth import Fabric

SIZE = 384  # pixels of one repeat


def _grid() -> tuple[Array, Array]:
    line = (np.arange(SIZE) + 0.5) / SIZE
    u, v = np.meshgrid(line, line)
    return u, v


def _soft(distance: Array, width: float = 1.5 / SIZE) -> Array:
    """1 inside (distance < 0), 0 outside, with a soft edge."""
    return np.clip(0.5 - distance / (2 * width), 0, 1)


def _over(base: Array, colour: tuple[float, float, float], mask: Array) -> Array:
    return base + (np.asarray(colour) - base) * mask[..., None]


def pattern(fabric: Fabric, rng: np.random.Generator) -> Array:
    """(SIZE, SIZE, 3) linear colour of one repeat, bottom row first."""
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
            base = _over(
                base,
                second,
                ndimage.gaussian_filter(np.clip(fields[0] + 0.5, 0, 1), 6, mode="wrap"),
            )
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
    wave = (rng.normal(size=(SIZE, SIZE)) + 1j * rng.normal(size=(SIZE, SIZE))) * np.exp(
        -((k / (2.2 * power)) ** 2)
    )
    wave[0, 0] = 0
    field = np.fft.ifft2(wave).real
    return np.asarray(field / field.std())


def _flowers(
    base: Array,
    colours: tuple[tuple[float, float, float], ...],
    motif: str,
    rng: np.random.Generator,
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
        ink = (
            colours[1 + int(rng.integers(max(len(colours) - 1, 1))) % max(len(colours) - 1, 1)]
            if len(colours) > 1
            else (0.9, 0.9, 0.9)
        )
        leaf = colours[-1]
        for dx in (-big, 0, big):
            for dy in (-big, 0, big):
                if not (
                    -size * 2 < x + dx < big + size * 2 and -size * 2 < y + dy < big + size * 2
                ):
                    continue
                for n in range(2):
                    a = turn + 2.2 + n * 1.9
                    cx, cy = x + dx + np.cos(a) * size * 1.15, y + dy + np.sin(a) * size * 1.15
                    draw.ellipse(
                        (cx - size * 0.42, cy - size * 0.2, cx + size * 0.42, cy + size * 0.2),
                        fill=code(leaf, 0.8),
                    )
                for n in range(petals):
                    a = turn + 6.283 * n / petals
                    cx, cy = x + dx + np.cos(a) * size * 0.55, y + dy + np.sin(a) * size * 0.55
                    r = size * 0.44
                    draw.ellipse(
                        (cx - r, cy - r, cx + r, cy + r), fill=code(ink, 0.92 + 0.1 * (n % 2))
                    )
                r = size * 0.24
                draw.ellipse(
                    (x + dx - r, y + dy - r, x + dx + r, y + dy + r), fill=code((0.75, 0.5, 0.06))
                )
    small = np.asarray(image.resize((SIZE, SIZE), Image.Resampling.LANCZOS), float) / 255
    ink_linear = small[..., :3] ** 2.2
    alpha = small[..., 3:]
    return base * (1 - alpha) + ink_linear * alpha


def _animal(
    base: Array,
    colours: tuple[tuple[float, float, float], ...],
    motif: str,
    rng: np.random.Generator,
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


def weave(fabric: Fabric, rng: np.random.Generator) -> Array:
    """(SIZE, SIZE) heights 0..1 of one repeat."""
    u, v = _grid()
    threads = max(
        4,
        round(
            fabric.scale
            / {"knit": 0.009, "cable": 0.010, "rib": 0.008, "corduroy": 0.007}.get(
                fabric.weave, 0.004
            )
        ),
    )
    if fabric.weave in ("knit", "cable"):
        cell_u = (u * threads) % 1.0
        lean = np.abs(cell_u - 0.5) * 2
        row = (v * threads * 1.25 + 0.5 * lean) % 1.0
        height = (
            0.55 * (1 - np.abs(row - 0.5) * 2) ** 0.7 + 0.45 * np.sin(np.pi * cell_u * 2 - 0.5) ** 2
        )
        if fabric.weave == "cable":
            plait = 0.12 * np.sin(2 * np.pi * v * 2)
            rope = np.exp(-(((u - 0.5 - plait) / 0.09) ** 2)) + np.exp(
                -(((u - 0.5 + plait) / 0.09) ** 2)
            )
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
