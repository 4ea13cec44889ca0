"""From a product photo to a garment that the renderer can dress people in.

The template's numbers are found by its outline, then a smooth warp takes up the rest; the photo,
freed of its smooth shading, becomes the garment's texture. What fits badly is rejected with the
reason, never used.
"""

from __future__ import annotations

import hashlib
import io
import json
import time
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from lookweave.errors import InputError, Rejected
from lookweave.models.cards import card_named
from lookweave.models.colour import to_lab
from lookweave.models.protocols import Crop, Pixels
from lookweave.photos.decode import load
from lookweave.studio.render.draw import Part, Renderer, Texture
from lookweave.studio.render.fabrics import encode
from lookweave.studio.render.lights import basis
from lookweave.studio.shoot import atlas, mask, record, silhouette, template
from lookweave.studio.shoot.colours import difference, luminance, to_linear
from lookweave.studio.shoot.silhouette import Placing, Warp
from lookweave.studio.shoot.template import FAMILY, Template
from lookweave.taxonomy import normalise

VERSION = 2
LEAST_OVERLAP = 0.93
_LEAST_TEMPLATE = 0.70  # without the warp; below it the cut is another one
_MOST_STRETCH = 3.0  # above it the cloth is another one
_SIDE = 1280  # of the photo, at most
_SMALL, _LARGE = (96, 144), (288, 432)  # of the template's views
ALBEDO = 0.92
"""Of white paper: photographs are exposed so that paper is white."""
_DELIGHT = 0.6  # how much of the smooth shading is taken out
_EVALUATIONS = 20, 44  # for each way to begin, and in all

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Fitted:
    """A garment fitted to its photo.

    Attributes:
        key: of the photo and all that decided the fit.
        category: of the taxonomy.
        template: how it is cut.
        tiles: where its texture shows what.
        texture: uint8 (SIDE, SIDE, 4), square roots of linear colour; alpha is confidence.
        overlap: intersection over union of template and warped photo, 0..1.
        template_overlap: the same before the warp.
        stretch: how far the warp distorts cloth (`silhouette.stretch`); 1: not at all.
        colour_error: median CIEDE2000 between photo and texture, seen from the photo's side.
        invented: share of the garment's surface that no photo shows.
        seconds: processor time of the fit.
    """

    key: str
    category: str
    template: Template
    tiles: atlas.Layout
    texture: NDArray[np.uint8]
    overlap: float
    template_overlap: float
    stretch: float
    colour_error: float
    invented: float
    seconds: float

    def report(self) -> dict[str, Any]:
        """What a person may want to know of the fit."""
        return {
            "category": self.category, "overlap": round(self.overlap, 4),
            "template_overlap": round(self.template_overlap, 4),
            "stretch": round(self.stretch, 2), "colour_error": round(self.colour_error, 2),
            "invented": round(self.invented, 3), "seconds": round(self.seconds, 2),
            "template": asdict(self.template),
        }  # fmt: skip

    def show(self, part: Part) -> None:
        """Let `part`, of the template's garment, show the photograph."""
        part.textures["photo"] = Texture(f"photo {self.key}", self.texture)
        for what, name in ((0, "trunk"), (1, "arms"), (2, "legs")):
            tile = self.tiles.get((what, 0 if what == 0 else 1))
            if tile is not None:
                part.values[f"photo_{name}"] = tile.box
                part.values[f"photo_{name}_range"] = (tile.low, tile.high)
        strength, *rest = part.values["fold"]
        part.values["fold"] = (0.3 * strength, *rest)  # the photo brings folds of its own
        part.values["relief"] = 0.0
        part.values["gloss"] = 0.03
        part.values["band"] = (0.0, 0.0, 0.0, 0.0)


@cache
def _models() -> tuple[Any, Any]:
    names = ("lookweave-segmenter", "lookweave-describer")
    segmenter, describer = (card_named(name).load(None) for name in names)
    return segmenter, describer


def fit(renderer: Renderer, garment: record.Garment, cache_folder: Path | None = None) -> Fitted:
    """The garment of a product photo; taken from `cache_folder` when it was fitted before.

    Raises:
        InputError: the photo is missing.
        Rejected: it cannot be read, cut out or fitted well.
    """
    key = _key(garment)
    file = None if cache_folder is None else cache_folder / f"{key}.npz"
    if file is not None and file.exists():
        return _read(file)
    begin = time.process_time()
    photo, outline, opinion = cut_out(garment)
    place = silhouette.placing(outline)
    goal = silhouette.framed(outline, place)
    category, found, before = _template(renderer, goal, opinion)
    view = template.view(renderer, found, _LARGE)
    shown = view.layer.id > 0
    from_view = silhouette.placing(shown)
    own = silhouette.framed(shown, from_view)
    warp = silhouette.bend(own, goal)
    after = silhouette.overlap(silhouette.bent(goal, warp), own)
    stretch = silhouette.stretch(warp, own)
    _judge(before, after, stretch)
    seen = _Seen(photo, outline, view, place, from_view, warp)
    tiles = atlas.layout(found.family, found.hem, 0.0 if found.armhole > 0 else found.sleeve)
    surfaces = atlas.surfaces(view, tiles)
    texture, invented = _texture(seen, _back(garment, seen, own), tiles, surfaces)
    error = _colour_error(seen, tiles, surfaces, texture)
    made = Fitted(
        key, category, found, tiles, texture, after, before, stretch, error, invented,
        time.process_time() - begin,
    )  # fmt: skip
    if file is not None:
        _write(file, made)
    return made


def kept(garment: record.Garment, folder: Path) -> Path:
    """Where a fitted garment is kept in `folder`, whether it is there or not.

    Raises:
        InputError: its photo cannot be read.
    """
    return folder / f"{_key(garment)}.npz"


def _key(garment: record.Garment) -> str:
    digest = hashlib.sha256(f"{VERSION} {garment.category or _said(garment.words)}".encode())
    for path in (garment.photo, garment.mask, garment.back):
        if path is not None:
            try:
                digest.update(Path(path).read_bytes())
            except OSError as error:
                raise InputError(f"The photo {path} cannot be read: {error.strerror}.") from error
        digest.update(b"|")
    return digest.hexdigest()[:24]


def cut_out(garment: record.Garment) -> tuple[Pixels, mask.Mask, dict[str, float]]:
    """The photo, uint8 (H, W, 3), the garment's mask in it (H, W), and what it is:
    probabilities of the taxonomy's categories.

    Raises:
        Rejected: it cannot be read or cut out.
    """
    photo = load(garment.photo, max_side=_SIDE).pixels
    category = garment.category or _said(garment.words)
    segmenter, describer = _models()
    found = segmenter.detect([photo])[0]
    if garment.mask is not None:
        outline = mask.given_mask(Path(garment.mask), (photo.shape[0], photo.shape[1]))
    else:
        outline = mask.garment_mask(photo, found, category)
    if category is not None:
        return photo, outline, {category: 1.0}
    rows, columns = np.flatnonzero(outline.any(1)), np.flatnonzero(outline.any(0))
    x0, x1, y0, y1 = columns[0], columns[-1] + 1, rows[0], rows[-1] + 1
    scores = None
    if found:
        scores = np.mean([d.label_scores for d in found if d.label_scores is not None], 0)
    crop = Crop(
        photo, (float(x0), float(y0), float(x1), float(y1)),
        (outline[y0:y1, x0:x1] * 255).astype(np.uint8), "garment", scores,
    )  # fmt: skip
    answer = describer.describe([crop])[0]
    if isinstance(answer, Exception):
        raise answer
    opinion: dict[str, float] = answer.attributes["category"]
    return photo, outline, opinion


def _said(words: str) -> str | None:
    """The taxonomy's category that a shop's words name last ("blue shirt dress": dress)."""
    for word in reversed(words.lower().replace("-", " ").split()):
        if category := normalise("category", word.strip(",.;")):
            return category
    return None


def _template(
    renderer: Renderer, goal: Array, opinion: dict[str, float]
) -> tuple[str, Template, float]:
    """The template whose outline is most like `goal`: (category, template, overlap)."""
    families: dict[str, float] = {}
    for category, chance in opinion.items():
        if category in FAMILY:
            families[FAMILY[category]] = families.get(FAMILY[category], 0.0) + chance
    likely = max(opinion, key=lambda name: opinion[name])
    if sum(families.values()) < 0.5:
        raise Rejected(
            "category_unfit", f"This looks like {likely}, and only {', '.join(FAMILY)} can be "
            "fitted. Give its category if it is one of them."
        )  # fmt: skip
    search = _Search(renderer, goal)
    begun: list[tuple[float, Template]] = []
    for category, chance in sorted(opinion.items(), key=lambda item: -item[1])[:4]:
        family = FAMILY.get(category)
        if family is None or families[family] < 0.08 or (chance < 0.06 and category != likely):
            continue
        for start in template.starts(category):
            if all(start != other for _, other in begun):
                score = search.score(start) + 0.03 * float(np.log(families[family]))
                begun.append((score, start))
    if likely in ("trousers", "jeans"):
        # A jumpsuit is often taken for trousers: its outline tells.
        start = template.starts("jumpsuit")[0]
        begun.append((search.score(start) - 0.05, start))
    begun.sort(key=lambda item: -item[0])
    best: list[tuple[float, Template]] = []
    shapes: set[tuple[str, bool, bool]] = set()
    for _, start in begun:
        shape = (start.family, start.armhole > 0, start.sleeve > 0.4)
        if shape in shapes or len(shapes) == 3:
            continue
        shapes.add(shape)
        best.append(search.descend(start, _EVALUATIONS[0], rounds=2))
    best.sort(key=lambda item: -item[0])
    _, found = search.descend(best[0][1], _EVALUATIONS[1] - search.count // 3, rounds=4)
    names = [name for name in FAMILY if FAMILY[name] == found.family]
    return max(names, key=lambda name: opinion.get(name, 0.0)), found, search.overlap(found)


class _Search:
    """Coordinate descent on a template's numbers."""

    def __init__(self, renderer: Renderer, goal: Array) -> None:
        self._renderer, self._goal = renderer, goal
        self._known: dict[Template, float] = {}
        self._hidden: dict[Template, bool] = {}
        self.count = 0

    def score(self, one: Template) -> float:
        """How alike the outlines are, less what is unlikely of the cut."""
        return self.overlap(one) - template.unlikely(one) - 0.06 * self._hidden[one]

    def overlap(self, one: Template) -> float:
        if one not in self._known:
            self.count += 1
            shown = template.view(self._renderer, one, _SMALL).layer.id > 0
            if shown.any():
                own = silhouette.framed(shown, silhouette.placing(shown))
                self._known[one] = silhouette.overlap(own, self._goal)
                # Long sleeves that cannot be told from the trunk are hardly there.
                gaps = (np.diff(shown.astype(np.int8), axis=1) == 1).sum(1) > 1
                self._hidden[one] = one.sleeve > 0.3 and one.armhole == 0 and gaps.mean() < 0.08
            else:
                self._known[one], self._hidden[one] = 0.0, False
        return self._known[one]

    def descend(self, start: Template, budget: int, rounds: int) -> tuple[float, Template]:
        """The best template near `start` after at most `budget` further looks."""
        best, value = start, self.score(start)
        stop = self.count + budget
        step = {n: 0.16 * (high - low) for n, (low, high) in template.RANGES.items()}
        sign = dict.fromkeys(step, 1.0)
        for _ in range(rounds):
            gained = 0.0
            for name in template.free(best):
                for direction in (sign[name], -sign[name]):
                    if self.count >= stop:
                        return value, best
                    other = template.moved(best, name, getattr(best, name) + direction * step[name])
                    score = self.score(other)
                    if score > value + 1e-4:
                        gained += score - value
                        best, value = other, score
                        sign[name], step[name] = direction, 1.3 * step[name]
                        break
                else:
                    step[name] *= 0.45
            if gained < 0.002:
                break
        return value, best


def _judge(before: float, after: float, stretch: float) -> None:
    if before < _LEAST_TEMPLATE or after < LEAST_OVERLAP or stretch > _MOST_STRETCH:
        raise Rejected(
            "outline_unfit", "The garment's outline is none that the templates can take (overlap "
            f"{before:.2f} before and {after:.2f} after bending, {_LEAST_TEMPLATE} and "
            f"{LEAST_OVERLAP} are needed; cloth stretched by {min(stretch, 99):.1f}, at most "
            f"{_MOST_STRETCH} is allowed). Photos of one garment laid flat or on an invisible "
            "body, arms beside it, work best."
        )  # fmt: skip


@dataclass(frozen=True)
class _Seen:
    """A photo with its garment's outline, and the way from a template's view to it."""

    photo: Pixels
    outline: mask.Mask
    view: template.View
    place: Placing
    from_view: Placing
    warp: Warp

    def points(self, pixels: Array) -> Array:
        """Points of the template's view, (N, 2) pixels, as points of the photo."""
        return self.place.to_picture(self.warp(self.from_view.to_frame(pixels)))


def _texture(
    seen: _Seen, back: _Seen | None, tiles: atlas.Layout,
    surfaces: dict[tuple[int, int], atlas.Surface],
) -> tuple[NDArray[np.uint8], float]:  # fmt: skip
    """The texture, and the share of the surface that is invented."""
    sure, colours = _albedo(seen)
    strip, plain = _edge(seen, colours)
    behind = None if back is None else (back, *_albedo(back))
    made: dict[tuple[int, int], NDArray[np.uint8]] = {}
    shown = trusted = 0.0
    for key, surface in surfaces.items():
        pixel, trust = atlas.continued(surface, strip)
        where = _places(seen, pixel, atlas.size_of(tiles[key]))
        known = _resized(trust, *where[0].shape)
        share = np.clip(4 * known, 0, 1)[..., None]  # of the photo itself; the rest is invented
        out = share * _sampled(colours, where) + (1 - share) * _sampled(plain, where)
        known = known * _sampled(sure[..., None], where)[..., 0]
        if behind is not None:
            away = np.clip((-surface.facing - 0.25) / 0.35, 0, 1)
            where = _places(behind[0], surface.pixel, atlas.size_of(tiles[key]))
            share = _resized(away, *where[0].shape)[..., None]
            out = share * _sampled(behind[2], where) + (1 - share) * out
            inside = _sampled(behind[1][..., None], where)
            known = np.maximum(known, (share * inside)[..., 0])
            trust = np.maximum(trust, away)
        shown += float(surface.seen.sum())
        trusted += float((trust > 0.1)[surface.seen].sum())
        texel = np.concatenate([out, known[..., None]], -1)
        made[key] = (np.clip(texel, 0, 1) * 255 + 0.5).astype(np.uint8)
    return atlas.composed(tiles, made), 1 - trusted / max(shown, 1.0)


def _places(seen: _Seen, pixel: Array, size: tuple[int, int]) -> list[Array]:
    """Rows and columns of the photo for every texel of a tile of `size` (height, width)."""
    at = seen.points(pixel.reshape(-1, 2)).reshape(pixel.shape)
    return [_resized(at[..., k], *size) - 0.5 for k in (1, 0)]


def _sampled(values: Array, where: list[Array]) -> Array:
    """(H, W, C) `values` at fractional rows and columns."""
    channels = [
        ndimage.map_coordinates(values[..., k], where, order=1, mode="nearest")
        for k in range(values.shape[-1])
    ]
    return np.stack(channels, -1)


def _back(garment: record.Garment, seen: _Seen, own: Array) -> _Seen | None:
    """The photo of the back, mirrored so that it lies on the view from the front.

    Raises:
        Rejected: its outline is not the front's.
    """
    if garment.back is None:
        return None
    behind = garment.model_copy(update={"photo": garment.back, "mask": None, "back": None})
    photo, outline, _ = cut_out(behind)
    photo, outline = np.ascontiguousarray(photo[:, ::-1]), np.ascontiguousarray(outline[:, ::-1])
    place = silhouette.placing(outline)
    goal = silhouette.framed(outline, place)
    warp = silhouette.bend(own, goal)
    _judge(
        silhouette.overlap(own, goal), silhouette.overlap(silhouette.bent(goal, warp), own),
        silhouette.stretch(warp, own),
    )  # fmt: skip
    return _Seen(photo, outline, seen.view, place, seen.from_view, warp)


def _edge(seen: _Seen, colours: Array) -> tuple[float, Array]:
    """How wide a strip of the photo's edge continues it, and the colours to continue with.

    Cloth that is plain at its edges goes on plain: what differs there (a print) is left out.
    """
    reach = max(3, round(0.04 * max(seen.outline.shape)))
    inner = ndimage.binary_erosion(seen.outline, iterations=max(2, reach // 4))
    edge = inner & ~ndimage.binary_erosion(inner, iterations=reach)
    if not edge.any():
        return atlas.PATTERNED_STRIP, colours
    lab = to_lab(seen.photo)
    away = np.linalg.norm((lab - np.median(lab[edge], axis=0)) * [0.5, 1, 1], axis=-1)
    if (away[edge] < 9).mean() <= 0.75:
        return atlas.PATTERNED_STRIP, colours
    alike = ndimage.binary_erosion(inner & (ndimage.uniform_filter(away, 3) < 9), iterations=1)
    return atlas.PLAIN_STRIP, _spread(colours, alike) if alike.any() else colours


def _resized(values: Array, height: int, width: int) -> Array:
    rows = (np.arange(height) + 0.5) * values.shape[0] / height - 0.5
    columns = (np.arange(width) + 0.5) * values.shape[1] / width - 0.5
    at = np.meshgrid(rows, columns, indexing="ij")
    return np.asarray(ndimage.map_coordinates(values, at, order=1, mode="nearest"))


def _albedo(seen: _Seen) -> tuple[Array, Array]:
    """Where the photo shows cloth for sure, (H, W) 0..1, and its square-root albedo (H, W, 3),
    spread over what lies outside."""
    photo, outline = seen.photo, seen.outline
    margin = max(2, round(0.006 * max(outline.shape)))
    inner = ndimage.binary_erosion(outline, iterations=margin)
    fringe = mask.paper_edge(photo, outline, 4 * margin)
    inner &= ~ndimage.binary_dilation(fringe, iterations=2)
    linear = to_linear(photo)
    normals = _normals_in_photo(seen)
    shading = _shading(linear, inner, normals)
    albedo = ALBEDO * linear / shading[..., None]
    root = np.sqrt(np.clip(albedo, 0, 1))
    soft = ndimage.gaussian_filter(inner.astype(float), 0.5 * margin)
    return np.clip(2 * soft - 1, 0, 1) * inner, _spread(root, inner)


def _normals_in_photo(seen: _Seen) -> Array:
    """(H, W, 3) the template's normals where the photo shows the garment.

    The warp leads from template to photo; smooth normals do not mind that its inverse is taken
    by one step of a fixed point.
    """
    height, width = seen.outline.shape
    y, x = np.mgrid[0:height:4, 0:width:4]
    goal = seen.place.to_frame(np.stack([x.ravel() + 0.5, y.ravel() + 0.5], 1))
    guess = goal.copy()
    for _ in range(6):
        guess = guess + 0.8 * (goal - seen.warp(guess))
    at = seen.from_view.to_picture(guess)
    normal = ndimage.gaussian_filter(seen.view.layer.normal, (4, 4, 0))
    values = np.stack(
        [ndimage.map_coordinates(normal[..., k], [at[:, 1] - 0.5, at[:, 0] - 0.5], order=1)
         for k in range(3)], -1,
    ).reshape(*x.shape, 3)  # fmt: skip
    length = np.linalg.norm(values, axis=-1, keepdims=True)
    values = np.where(length > 0.3, values / np.maximum(length, 1e-6), [0.0, 0.0, 1.0])
    return np.repeat(np.repeat(values, 4, 0), 4, 1)[:height, :width]


def _shading(linear: Array, inside: mask.Mask, normals: Array) -> Array:
    """(H, W) how much lighter than its median the smooth light makes each point: log-luminance
    fitted by harmonics of the normals, robustly, so that prints and patterns do not count."""
    bright = np.log(np.clip(luminance(linear), 0.004, None))
    chosen = np.flatnonzero(inside.ravel())
    if len(chosen) < 100:
        return np.ones(inside.shape)
    chosen = chosen[:: max(1, len(chosen) // 6000)]
    a, y = basis(normals.reshape(-1, 3)[chosen]), bright.ravel()[chosen]
    weight: Array = np.ones(len(y))
    solved: Array = np.zeros(9)
    for _ in range(8):
        rows = a * weight[:, None]
        system = rows.T @ a + 1e-4 * len(y) * np.eye(9)
        solved = np.asarray(np.linalg.solve(system, rows.T @ y), np.float64)
        weight = 1 / np.maximum(np.abs(y - a @ solved), 0.05)
    smooth: Array = basis(normals) @ solved
    smooth -= np.median(smooth[inside])
    return np.asarray(np.exp(_DELIGHT * np.clip(smooth, -0.5, 0.5)))


def _spread(values: Array, inside: mask.Mask) -> Array:
    """`values` inside, continued smoothly outside: weighted means of ever coarser pictures."""
    levels = []
    total, weight = values * inside[..., None], inside.astype(float)
    while min(weight.shape) > 2:
        levels.append((total, weight))
        pad = [(0, s % 2) for s in weight.shape]
        weight = np.pad(weight, pad)
        total = np.pad(total, [*pad, (0, 0)])
        weight = weight.reshape(weight.shape[0] // 2, 2, -1, 2).mean((1, 3))
        total = total.reshape(total.shape[0] // 2, 2, -1, 2, 3).mean((1, 3))
    out = total / np.maximum(weight, 1e-9)[..., None]
    for total, weight in reversed(levels):
        out = np.stack([_resized(out[..., k], *weight.shape) for k in range(3)], -1)
        share = np.clip(weight, 0, 1)[..., None]
        out = np.where(weight[..., None] > 0, total + out * (1 - share), out)
    return np.asarray(np.where(inside[..., None], values, out))


def _colour_error(
    seen: _Seen, tiles: atlas.Layout, surfaces: dict[tuple[int, int], atlas.Surface],
    texture: NDArray[np.uint8],
) -> float:  # fmt: skip
    """Median CIEDE2000 between the photo and its texture where the template shows it."""
    errors = []
    photo, outline = seen.photo, seen.outline
    inner = ndimage.binary_erosion(outline, iterations=max(2, round(0.01 * max(outline.shape))))
    for key, surface in surfaces.items():
        tile = tiles[key]
        ok = surface.seen & (surface.facing > 0.5)
        if not ok.any():
            continue
        at = seen.points(surface.pixel[ok])
        x, y = (np.clip(at[:, k].astype(int), 0, outline.shape[1 - k] - 1) for k in range(2))
        rows, columns = np.nonzero(ok)
        height, width = atlas.size_of(tile)
        left, top = round(tile.box[0] * atlas.SIDE), round(tile.box[1] * atlas.SIDE)
        down = ((rows + 0.5) / ok.shape[0] * height).astype(int) + top
        across = ((columns + 0.5) / ok.shape[1] * width).astype(int) + left
        root = texture[down, across, :3] / 255.0
        shown = np.clip(encode(root**2 / ALBEDO), 0, 1) * 255
        clear = inner[y, x]
        if clear.any():
            one = to_lab(photo[y[clear], x[clear]][:, None])[:, 0]
            other = to_lab(np.round(shown[clear]).astype(np.uint8)[:, None])[:, 0]
            errors.append(difference(one, other))
    return float(np.median(np.concatenate(errors))) if errors else float("inf")


def _write(path: Path, made: Fitted) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    packed = io.BytesIO()
    Image.fromarray(made.texture, "RGBA").save(packed, "PNG", compress_level=3)
    rest = asdict(replace(made, texture=np.zeros((1, 1, 4), np.uint8)))
    del rest["texture"]
    rest["tiles"] = [[*key, asdict(tile)] for key, tile in made.tiles.items()]
    partial = path.with_suffix(".partial.npz")
    with partial.open("wb") as stream:
        np.savez(stream, texture=np.frombuffer(packed.getvalue(), np.uint8), rest=json.dumps(rest))
    partial.replace(path)


def _read(path: Path) -> Fitted:
    with np.load(path) as kept:
        rest = json.loads(str(kept["rest"]))
        with Image.open(io.BytesIO(kept["texture"].tobytes())) as image:
            texture = np.asarray(image)
    rest["template"] = Template(**rest["template"])
    rest["tiles"] = {
        (what, side): atlas.Tile(tuple(tile["box"]), tile["low"], tile["high"])
        for what, side, tile in rest["tiles"]
    }
    return Fitted(texture=texture, **rest)
