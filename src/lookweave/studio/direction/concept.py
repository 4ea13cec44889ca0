"""From a board and garments to concepts: a few ways to shoot them that differ by construction.

Candidates are drawn from the board, each part (place, light, poses, palette, finish, camera,
wearer) by a generator of its own. They are ranked by how much of the board's weight they carry
and how well they suit the garment; then the best is taken, and again and again the one with the
largest product of rank and distance to what is taken already (farthest point, Gonzalez 1985).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from pydantic import Field
from scipy.optimize import linear_sum_assignment

from lookweave.errors import InputError
from lookweave.studio.direction import story, trade
from lookweave.studio.direction.garment_facts import Facts
from lookweave.studio.direction.moodboard import Board, Colour, Entry
from lookweave.studio.direction.places import matching_seed
from lookweave.studio.direction.record import Record
from lookweave.studio.render.lights import direction
from lookweave.studio.render.scenes import SCENES
from lookweave.studio.shoot.choose import CALM
from lookweave.studio.shoot.colours import difference
from lookweave.studio.shoot.light import LIGHTS
from lookweave.studio.shoot.record import (
    Camera,
    Garment,
    Light,
    Point,
    Pose,
    Scene,
    Seed,
    Style,
    Wearer,
)

PARTS = ("scene", "light", "poses", "palette", "style", "camera", "wearer")
"""What of a concept may be locked."""

MOST = 12
CANDIDATES = 240
POSES = 4
_WEIGHTS = {"scene": 0.30, "light": 0.25, "poses": 0.20, "palette": 0.15, "style": 0.10}
_LONG = {"dress", "coat", "skirt", "jumpsuit"}
_LENSES = (
    {"height": 1.1, "field_of_view": 20.0}, {"height": 0.55, "field_of_view": 26.0},
    {"height": 1.35, "field_of_view": 14.0}, {"height": 0.9, "field_of_view": 30.0},
)  # fmt: skip


class Concept(Record):
    """One way to shoot the garments; every part is a control of a shoot, fully stated.

    Attributes:
        title, narrative: of the card; the narrative is two lines.
        why: why it suits the garments, a sentence each.
        sources: part -> where it comes from, as the board's entries tell.
        board_weight: share of the board's weight that its parts carry, 0..1.
    """

    title: str
    narrative: tuple[str, str]
    scene: Scene
    light: Light
    light_name: str
    poses: tuple[Pose, ...] = Field(min_length=1)
    palette: tuple[Point, ...]
    style: Style = Field(description="without the palette, which is a part of its own")
    camera: Camera
    wearer: Wearer
    why: tuple[str, ...]
    sources: dict[str, tuple[str, ...]]
    board_weight: float
    seed: Seed


class Concepts(Record):
    """Concepts of one board and one set of garments, as `lookweave concepts` writes them."""

    board: Board
    garments: tuple[Garment, ...] = Field(min_length=1)
    facts: tuple[Facts, ...]
    seed: Seed
    locks: tuple[str, ...] = ()
    concepts: tuple[Concept, ...] = Field(min_length=1)
    spread: float = Field(description="least distance between two of them, 0 to 1")

    def numbered(self, number: int) -> Concept:
        """The `number`-th, from 1.

        Raises:
            InputError: there are fewer.
        """
        if not 1 <= number <= len(self.concepts):
            raise InputError(f"There are concepts 1 to {len(self.concepts)}, not {number}.")
        return self.concepts[number - 1]


def conceive(
    board: Board, garments: Sequence[Garment], known: Sequence[Facts], *, count: int = 4,
    seed: int = 0, locks: Sequence[str] = (), like: Concept | None = None,
) -> Concepts:  # fmt: skip
    """`count` concepts; equal calls give equal concepts.

    Args:
        board: what is wanted.
        garments, known: worn together, and what is known of each.
        locks: of `PARTS`; the same in every concept, to the bit: as `like` has them, else as the
            best concept has them.
        like: a concept to keep the locked parts of; the new ones keep away from the rest of it.

    Raises:
        InputError: a lock is unknown, or the board cannot give so many different concepts.
    """
    for name in locks:
        if name not in PARTS:
            raise InputError(f"There is no part {name!r} to lock; there are {', '.join(PARTS)}.")
    if not 1 <= count <= MOST:
        raise InputError(f"There can be 1 to {MOST} concepts, not {count}.")
    if set(PARTS[:5]) <= set(locks) and count > 1:
        raise InputError("With everything locked there is one concept: unlock a part.")
    pool = [_drawn(board, known, seed, number) for number in range(CANDIDATES)]
    if like is None and locks:
        best = max(pool, key=lambda one: _rank(one, known))
        pool = _locked(pool, _placed(best), locks)
    elif like is not None:
        pool = _locked(pool, like, locks)
    chosen = _far_apart(pool, count, [like] if like is not None else [], locks, known)
    if len(chosen) < count:
        raise InputError(
            f"The board and the locks leave {len(chosen)} different concepts, not {count}: "
            "unlock a part, or put more on the board."
        )
    finished = story.told(
        chosen if "scene" in locks else [_placed(one) for one in chosen], board, known, seed
    )
    least = min(
        (distance(a, b, locks) for a, b in itertools.combinations(finished, 2)), default=1.0
    )
    return Concepts(
        board=board, garments=tuple(garments), facts=tuple(known), seed=seed, locks=tuple(locks),
        concepts=tuple(finished), spread=round(least, 4),
    )  # fmt: skip


def distance(one: Concept, other: Concept, locks: Sequence[str] = ()) -> float:
    """How far two concepts lie apart in what is not locked, 0..1: place (same or not), light
    (angle of the keys, warmth, softness), poses (Jaccard), palette (matched CIEDE2000), finish."""
    total = weight = 0.0
    for part, share in _WEIGHTS.items():
        if part not in locks:
            total += share * _APART[part](one, other)
            weight += share
    return total / weight if weight else 0.0


def _light_apart(one: Light, other: Light) -> float:
    a, b = (direction(v.azimuth or 0.0, v.elevation or 0.0) for v in (one, other))
    angle = float(np.degrees(np.arccos(np.clip(a @ b, -1, 1))))
    mired = abs(1e6 / (one.kelvin or 5500) - 1e6 / (other.kelvin or 5500))
    soft = abs((one.softness or 0.0) - (other.softness or 0.0))
    return min(1.0, 0.5 * min(angle / 90, 1) + 0.25 * min(mired / 120, 1) + 0.25 * soft)


def palette_distance(one: Sequence[Point], other: Sequence[Point]) -> float:
    """Mean CIEDE2000 of the best matching of two palettes; what has no partner does not count."""
    if not one or not other:
        return 0.0
    table = difference(np.array(one)[:, None], np.array(other)[None])
    rows, columns = linear_sum_assignment(table)
    return float(table[rows, columns].mean())


def _poses_apart(one: Concept, other: Concept) -> float:
    a, b = ({pose.name for pose in c.poses} for c in (one, other))
    return 1 - len(a & b) / len(a | b)


_APART: dict[str, Callable[[Concept, Concept], float]] = {
    "scene": lambda a, b: float((a.scene.name, a.scene.plate) != (b.scene.name, b.scene.plate)),
    "light": lambda a, b: _light_apart(a.light, b.light),
    "poses": _poses_apart,
    "palette": lambda a, b: min(palette_distance(a.palette, b.palette) / 40, 1.0),
    "style": lambda a, b: 0.6 * (a.style.grade != b.style.grade) + 0.4 * min(
        abs((a.style.contrast or 0) - (b.style.contrast or 0)) / 0.5, 1
    ),
}  # fmt: skip


def _far_apart(
    pool: list[Concept], count: int, taken: list[Concept], locks: Sequence[str],
    known: Sequence[Facts],
) -> list[Concept]:  # fmt: skip
    ranks = np.array([_rank(one, known) for one in pool])
    nearest = np.full(len(pool), 1.0)
    chosen: list[Concept] = []
    for one in taken:
        nearest = np.minimum(nearest, [distance(one, other, locks) for other in pool])
    for _ in range(count):
        score = nearest * np.sqrt(ranks) if chosen or taken else ranks
        best = int(np.argmax(score))
        if (chosen or taken) and nearest[best] < 1e-6:
            break
        chosen.append(pool[best])
        nearest = np.minimum(nearest, [distance(pool[best], other, locks) for other in pool])
    return chosen


def _locked(pool: list[Concept], like: Concept, locks: Sequence[str]) -> list[Concept]:
    kept: dict[str, Any] = {name: getattr(like, name) for name in locks}
    if "light" in locks:
        kept["light_name"] = like.light_name
    made = []
    for one in pool:
        sources = {**one.sources, **{n: like.sources[n] for n in locks if n in like.sources}}
        made.append(one.model_copy(update={**kept, "sources": sources}))
    return made


def _placed(one: Concept) -> Concept:
    """The variation of the place whose own colours come nearest to the palette."""
    if one.scene.name is None:
        return one
    seed = matching_seed(one.scene.name, one.palette)
    return one.model_copy(update={"scene": one.scene.model_copy(update={"seed": seed})})


def _rank(one: Concept, known: Sequence[Facts]) -> float:
    """How much of the board it carries, and how well it suits the garments: about 0..1."""
    good = set(itertools.chain(*(trade.of("garments", f.category).get("poses", ()) for f in known)))
    poses = sum(pose.name in good for pose in one.poses) / len(one.poses)
    fitting = one.light_name in trade.of("scenes", one.scene.name or "").get("lights", ())
    main = known[-1].colours[0][0]
    apart = min((float(difference(np.array(c), np.array(main))) for c in one.palette), default=20.0)
    stands_off = min(apart / 20, 1.0)
    return 0.7 * one.board_weight + 0.1 * poses + 0.1 * fitting + 0.1 * stands_off


def _drawn(board: Board, known: Sequence[Facts], seed: int, number: int) -> Concept:
    def rng(part: str) -> np.random.Generator:
        return np.random.default_rng([seed, number, *part.encode()])

    weights: list[float] = []
    scene, scene_from = _scene(board, rng("scene"), weights)
    light, light_name, light_from = _light(board, scene, rng("light"), weights)
    poses, poses_from = _poses(board, known, rng("poses"), weights)
    palette, palette_from = _palette(board, known, rng("palette"), weights)
    style, style_from = _style(board, rng("style"))
    lens = _LENSES[int(rng("camera").integers(len(_LENSES)))]
    return Concept(
        title="", narrative=("", ""), scene=Scene(name=scene, seed=seed, lock=True),
        light=light, light_name=light_name, poses=poses, palette=palette, style=style,
        camera=Camera(**lens, roll=0.0, azimuth=0.0), wearer=Wearer(seed=seed, lock=True), why=(),
        sources={"scene": scene_from, "light": light_from, "poses": poses_from,
                 "palette": palette_from, "style": style_from},
        board_weight=round(float(np.mean(weights)), 4), seed=seed,
    )  # fmt: skip


def _pick(rng: np.random.Generator, entries: Sequence[Entry]) -> Any:
    shares = np.array([one.weight for one in entries])
    return entries[int(rng.choice(len(entries), p=shares / shares.sum()))]


def _scene(board: Board, rng: np.random.Generator, weights: list[float]) -> Any:
    if not board.scenes:
        weights.append(0.5)
        return SCENES[int(rng.integers(len(SCENES)))], ("open on the board",)
    entry = _pick(rng, board.scenes)
    # Few places on the board: now and then one beside them, so that concepts can differ.
    if len(board.scenes) < 3 and rng.random() < 0.35:
        near = trade.of("scenes", entry.name)["near"]
        weights.append(0.2)
        return near[int(rng.integers(len(near)))], (f"near the board's {entry.name}",)
    weights.append(entry.weight)
    return entry.name, (entry.trace(),)


def _light(board: Board, scene: str, rng: np.random.Generator, weights: list[float]) -> Any:
    flip = bool(rng.random() < 0.5)
    if board.lights:
        entry = _pick(rng, board.lights)
        weights.append(entry.weight)
        name = entry.name or nearest_light(entry.light)
        stated = entry.light.model_dump(exclude_none=True, exclude={"lock", "seed", "source"})
        source: tuple[str, ...] = (entry.trace(),)
        side_open = entry.light.azimuth is None or entry.how == "dictionary"
    else:
        names = trade.of("scenes", scene)["lights"]
        name = names[int(rng.integers(len(names)))]
        weights.append(0.5)
        stated, source, side_open = {}, (f"usual for {scene}",), True
    values = {**LIGHTS[name], **stated}
    if side_open and flip:
        values["azimuth"] = -values["azimuth"]
    return Light(**values, lock=True), name, source


def nearest_light(light: Light) -> str:
    """The set-up whose values come nearest to those that `light` states; the side is open."""
    scale = {"azimuth": 45, "elevation": 25, "key_to_fill": 1.2, "kelvin": 1500, "softness": 0.4,
             "rim": 0.6}  # fmt: skip

    def apart(name: str) -> float:
        total = 0.0
        for field, unit in scale.items():
            value, own = getattr(light, field), LIGHTS[name][field]
            if value is not None:
                gap = abs(abs(value) - abs(own)) if field == "azimuth" else abs(value - own)
                total += min(gap / unit, 3.0)
        return total

    return min(LIGHTS, key=apart)


def _poses(
    board: Board, known: Sequence[Facts], rng: np.random.Generator, weights: list[float]
) -> Any:
    long = any(one.category in _LONG for one in known)

    def able(name: str) -> bool:
        return not (long and name in ("sitting", "sitting aside", "striding", "jumping"))

    wished = [entry for entry in board.poses if able(entry.name)]
    names: list[str] = []
    own: list[float] = []
    sources: list[str] = []
    while wished and len(names) < POSES:
        entry = _pick(rng, wished)
        wished.remove(entry)
        names.append(entry.name)
        sources.append(f"{entry.name}: {entry.trace()}")
        own.append(entry.weight)
    usual = [
        *itertools.chain(*(trade.of("garments", f.category).get("poses", ()) for f in known)),
        *CALM,
    ]
    usual = [name for name in dict.fromkeys(usual) if able(name) and name not in names]
    weights.append(float(np.mean(own)) if own else 0.5)
    while len(names) < min(POSES, 3):
        name = usual.pop(int(rng.integers(min(len(usual), 5))))
        names.append(name)
        sources.append(f"{name}: usual for {known[-1].category}")
    mirrored = bool(rng.random() < 0.5)
    poses = tuple(
        Pose(name=name, mirrored=mirrored != bool(k % 2), yaw=0.0) for k, name in enumerate(names)
    )
    return poses, tuple(sources)


def _palette(
    board: Board, known: Sequence[Facts], rng: np.random.Generator, weights: list[float]
) -> Any:
    if board.palette:
        left = list(board.palette)
        picked: list[Colour] = []
        while left and len(picked) < 4:
            entry = _pick(rng, left)
            left.remove(entry)
            picked.append(entry)
        weights.append(float(np.mean([one.weight for one in picked])))
        sources = tuple(f"{trade.colour_name(one.lab)}: {one.trace()}" for one in picked)
        return tuple(one.lab for one in picked), sources
    level, a, b = known[-1].colours[0][0]
    turn = np.radians((180, 30, -30, 120)[int(rng.integers(4))])
    spun = (float(a * np.cos(turn) - b * np.sin(turn)), float(a * np.sin(turn) + b * np.cos(turn)))
    far = 30.0 if level > 55 else 75.0
    weights.append(0.5)
    colours = ((far, round(spun[0], 1), round(spun[1], 1)), (88.0, 1.0, 5.0), (25.0, 0.0, 0.0))
    what = trade.colour_name(known[-1].colours[0][0])
    return colours, (f"open on the board; worked out from the garment's {what}",)


def _style(board: Board, rng: np.random.Generator) -> Any:
    values: dict[str, Any] = {"grade": "clean", "contrast": 0.12, "grain": 2.5, "vignette": 0.12}
    sources: list[str] = []
    if board.contrast:
        entry = _pick(rng, board.contrast)
        values["contrast"] = entry.value
        sources.append(f"contrast: {entry.trace()}")
    if board.finish:
        entry = _pick(rng, board.finish)
        for name in ("grade", "grain"):
            if getattr(entry, name) is not None:
                values[name] = getattr(entry, name)
                sources.append(f"{name}: {entry.trace()}")
    return Style(**values, lock=True), tuple(sources or ["plain"])
