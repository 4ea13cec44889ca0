"""From light to a photograph: depth of field, glow, curve, grade, palette, grain.

On the photographed garments, on skin and on hair the style stops at the grade and the curve: they
have colours of their own. Elsewhere it may do as it likes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.cluster.vq import kmeans2

from lookweave.errors import InputError
from lookweave.models.colour import to_lab
from lookweave.photos.decode import load
from lookweave.studio.render.body import Array
from lookweave.studio.render.develop import Develop, graded, lens
from lookweave.studio.render.draw import Float32
from lookweave.studio.render.dress import FIRST_GARMENT_ID, HAIR_ID, SCENE_ID, SKIN_ID
from lookweave.studio.render.fabrics import encode
from lookweave.studio.shoot.colours import from_lab
from lookweave.studio.shoot.guide import Guide
from lookweave.studio.shoot.record import Style

Pixels = NDArray[np.uint8]
_UNIT = 768.0  # blur and grain are stated for a picture this high


def photograph(guide: Guide, *, person: bool = True) -> Pixels:
    """(H, W, 3) sRGB: the guide's composite as a photographer would hand it over; its place alone
    where `person` is False."""
    shoot = guide.shoot
    style, height = shoot.style, guide.cover.shape[0]
    scale = height / _UNIT
    far = _out_of_focus(guide, (shoot.scene.blur or 0.0) * scale)
    cover = guide.cover[..., None] * person
    # A hard edge against a soft place looks cut out: let it breathe by a third of a pixel.
    light = guide.person * person + far * (1 - cover)
    edge = (cover[..., 0] > 0.02) & (ndimage.minimum_filter(cover[..., 0], 3) < 0.98)
    soft = _gauss(light, 0.6 * max(scale, 0.7))
    light = np.where(edge[..., None], soft, light)
    glow = np.clip(light - 1.0, 0, 4)
    if float(glow.max()) > 0.1:
        light = light + 0.30 * _gauss(glow, 9 * scale) + 0.15 * _gauss(glow, 3 * scale)
    image = np.asarray(encode(_curve(light)), np.float32)
    image = _styled(image, guide, style)
    rng = np.random.default_rng([_seed(guide), *b"grain"])
    strength = (style.grain or 0.0) / 255 * style.strength * min(scale, 1.0) ** 0.5
    if strength > 0:
        grain = ndimage.gaussian_filter(rng.normal(size=image.shape[:2]), 0.55 * max(scale, 0.6))
        grain /= max(float(grain.std()), 1e-6)
        weight = 0.5 + 0.5 * (1 - np.abs(2 * image.mean(-1) - 1))
        image = image + (strength * grain * weight)[..., None]
    return (np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8)


def _seed(guide: Guide) -> int:
    style = guide.shoot.style
    return guide.shoot.seed if style.seed is None else style.seed


def _out_of_focus(guide: Guide, blur: float) -> Float32:
    if blur <= 0.2:
        return guide.plate
    near = guide.depth[guide.cover > 0.5]
    focus = float(np.median(near)) if near.size else 4.0
    depth = guide.depth.copy()
    behind = (guide.ids == 0) | (guide.ids >= SCENE_ID)
    if guide.shoot.scene.plate is not None:
        # A photograph's depth is unknown: its ground comes nearer from the horizon down.
        rows = np.linspace(0, 1, len(depth))[:, None]
        depth = np.broadcast_to(focus * (1 + 6 * np.clip(1 - rows, 0.08, 1)), depth.shape)
        return lens(guide.plate, np.asarray(depth, np.float32), focus, blur)
    if behind.any():
        index = ndimage.distance_transform_edt(~behind, return_distances=False, return_indices=True)
        depth = depth[tuple(index)]
    return lens(guide.plate, depth, focus, blur)


def _curve(light: Array | Float32) -> Array:
    """A soft shoulder from 0.75 on keeps highlights; what lies below stays as lit."""
    return np.where(light > 0.75, 0.75 + 0.25 * np.tanh((light - 0.75) / 0.32), light)


def _styled(image: Float32, guide: Guide, style: Style) -> Float32:
    plain = image
    finish = Develop(grade=style.grade or "clean", grade_strength=style.strength)
    out: NDArray[Any] = graded(image, finish)
    contrast = (style.contrast or 0.0) * style.strength
    if contrast:
        t = np.clip(out, 0, 1)
        out = out + contrast * (t * t * (3 - 2 * t) - t)
    palette = [*style.palette, *colours_of(style)]
    if palette:
        mine = ndimage.gaussian_filter(_own_colour(guide).astype(np.float32), 1.0)[..., None]
        out = out * mine + _leaning(out, np.array(palette), 0.45 * style.strength) * (1 - mine)
    if style.lut is not None:
        out = out + style.strength * (_looked_up(out, read_cube(Path(style.lut))) - out)
    vignette = (style.vignette or 0.0) * style.strength
    if vignette:
        height, width = plain.shape[:2]
        y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
        out = out * (1 - vignette * np.clip(x**2 + y**2 - 0.4, 0, None) / 1.6)[..., None]
    return np.asarray(out, np.float32)


def _own_colour(guide: Guide) -> NDArray[np.bool_]:
    """Where no palette may reach: the photographed garments, their invented sides too, skin and
    hair."""
    worn = guide.ids.astype(int) - FIRST_GARMENT_ID
    garment = (worn >= 0) & (worn < len(guide.shoot.garments))
    return np.asarray(garment | (guide.ids == SKIN_ID) | (guide.ids == HAIR_ID), bool)


def colours_of(style: Style) -> list[tuple[float, float, float]]:
    """Five colours of each reference picture, CIELAB."""
    found: list[tuple[float, float, float]] = []
    for path in style.references:
        small = load(path, max_side=160).pixels
        lab = to_lab(small).reshape(-1, 3).astype(float)
        centres, label = kmeans2(lab, 5, minit="++", seed=0)
        found += [
            tuple(c) for c, n in zip(centres, np.bincount(label, minlength=5), strict=True) if n
        ]
    return found


def _leaning(image: NDArray[Any], palette: Array, share: float) -> Array:
    """Colours moved by `share` of their way to what the palette has near them."""
    lab = to_lab((np.clip(image, 0, 1) * 255).astype(np.uint8)).astype(float)
    distance = np.linalg.norm((lab[..., None, :] - palette) * [0.6, 1, 1], axis=-1)
    weight = np.exp(-distance / 18.0)
    weight /= np.maximum(weight.sum(-1, keepdims=True), 1e-9)
    goal = weight @ palette
    goal[..., 0] = lab[..., 0] + 0.3 * (goal[..., 0] - lab[..., 0])
    return from_lab(lab + share * (goal - lab))


def read_cube(path: Path) -> Array:
    """(N, N, N, 3) of a three-dimensional .cube file, indexed blue, green, red.

    Raises:
        InputError: it is none.
    """
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise InputError(f"The LUT {path} cannot be read: {error.strerror}.") from error
    size, rows = 0, []
    for line in lines:
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if words[0] == "LUT_3D_SIZE":
            size = int(words[1])
        elif words[0][0] in "0123456789.-":
            rows.append([float(word) for word in words[:3]])
    if size < 2 or len(rows) != size**3:
        raise InputError(
            f"{path} is no three-dimensional .cube file: {len(rows)} rows for {size}³."
        )
    return np.array(rows).reshape(size, size, size, 3)


def _looked_up(image: NDArray[Any], table: Array) -> Array:
    at = np.clip(image, 0, 1).reshape(-1, 3).T[::-1] * (len(table) - 1)
    found = [ndimage.map_coordinates(table[..., k], at, order=1) for k in range(3)]
    return np.stack(found, 1).reshape(image.shape)


def _gauss(image: NDArray[Any], sigma: float) -> Float32:
    return np.asarray(ndimage.gaussian_filter(image, (sigma, sigma, 0), truncate=2.5), np.float32)
