"""How a look is taken: the dials of difficulty, and what they decide for each photo.

Every dial draws from a generator of its own and only ever adds to what a lower setting did, so
one dial turned alone changes nothing else, and a look grows harder step by step.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from lookweave.errors import InputError
from lookweave.studio.render import people, scenes
from lookweave.studio.render.catalogue import Item, stream
from lookweave.studio.render.develop import GRADES, Develop
from lookweave.studio.render.dress import Person
from lookweave.studio.render.photo import Framing
from lookweave.studio.render.poses import POSES, Pose, mirrored, vary


@dataclass(frozen=True)
class Dials:
    """How hard the looks are, each 0 (as a catalogue) to 1 (as the wildest magazine)."""

    pose: float = 0.5  # wild poses, turned bodies, unusual heights of the camera
    light: float = 0.5  # light from the side, hard contrast, low sun, rims
    gels: float = 0.5  # coloured light
    clutter: float = 0.5  # places full of things
    occlusion: float = 0.5  # arms, bags, a second person, something before the lens
    crop: float = 0.5  # cut at knee, hip or neck; off centre; tilted
    blur: float = 0.5  # out of focus or moved
    grain: float = 0.5
    grade: float = 0.5  # colour grades, exposure, vignette
    collage: float = 0.5  # pages of several photos

    @staticmethod
    def level(difficulty: float, **over: float | None) -> Dials:
        """All dials at `difficulty`, except those that `over` sets."""
        chosen = {name: value for name, value in over.items() if value is not None}
        values = {**dict.fromkeys(DIALS, difficulty), **chosen}
        for name, value in values.items():
            if not 0 <= value <= 1:
                raise InputError(f"{name} must lie in 0..1, not {value}")
        return Dials(**values)


DIALS: tuple[str, ...] = tuple(field.name for field in fields(Dials))


@dataclass(frozen=True)
class Role:
    """One person in a look."""

    person: Person
    items: tuple[Item, ...]
    pose: Pose
    yaw: float
    place: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class Shot:
    """Everything that decides one photo; a page of a collage has several."""

    number: int
    panel: int
    roles: tuple[Role, ...]
    scene: str
    framing: Framing
    finish: Develop
    hidden: float  # share of the width that something in the foreground may hide


_CALM = ("standing", "contrapposto", "hand on hip", "hands in pockets", "walking", "crossed legs")
_ARMS = ("crossed arms", "hand on hip", "hands in pockets", "adjusting collar")
_EASY = ("studio", "coloured studio")


def spread(
    number: int, first: Item, pool: list[Item], spare: list[Item], seed: int, dials: Dials
) -> list[Shot]:
    """The photos of look `number`, which must show `first`: one, or those of a collage.

    The further photos of a collage show the first person's outfit again, closer, in other poses.
    """
    rng = stream(seed, "look", number, "collage")
    chance, size = rng.random(2)
    count = 1
    if chance < 0.6 * dials.collage:
        count = 2 if size > 0.6 * dials.collage else 3
    roles = _cast(number, first, pool, spare, seed, dials)
    shots = [_shot(number, 0, first, roles, seed, dials)]
    for panel in range(1, count):
        near = replace(dials, crop=max(dials.crop, 0.6))
        again = _pose(number, panel, roles[0], seed, dials, False)
        shots.append(_shot(number, panel, first, [again], seed, near))
    return shots


def _cast(
    number: int, first: Item, pool: list[Item], spare: list[Item], seed: int, dials: Dials
) -> list[Role]:
    """Who is in the look, in what, and how they stand."""
    rng = stream(seed, "look", number, "occlusion")
    company, before, gap, depth, side = rng.random(5)
    pair = company < 0.35 * dials.occlusion
    roles = [_role(number, 0, first, pool, spare, seed, dials, pair)]
    if not pair:
        return roles
    taken = {item.family for item in roles[0].items}
    free = [i for i in pool if i.family not in taken]
    other = [i for i in free if i.garment.slot in ("top", "dress", "outer")]
    if not other:
        return roles
    chosen = other[int(rng.integers(len(other)))]
    second = _role(number, 1, chosen, free, spare, seed, dials, True)
    sign = 1.0 if side < 0.5 else -1.0
    apart, back = 0.25 + 0.08 * gap, 0.15 + 0.25 * depth
    if before < 0.4 * dials.occlusion:  # the other stands in front
        apart, back = apart + 0.06, -back
    return [
        replace(roles[0], place=(-sign * apart, 0.0)),
        replace(second, place=(sign * apart, -back)),
    ]


def _role(
    number: int, which: int, first: Item, pool: list[Item], spare: list[Item], seed: int,
    dials: Dials, calm: bool,
) -> Role:  # fmt: skip
    """Somebody who wears `first`, in a pose that their clothes allow."""
    rng = stream(seed, "look", number, "outfit", which)
    items = people.outfit(first, pool, spare, rng, 0.08 + 0.34 * dials.occlusion)
    skirted = any(i.garment.loft is not None and i.garment.kind != "coat" for i in items)
    rng = stream(seed, "look", number, "person", which)
    wearer = people.person(rng, first.female or skirted)
    if any(item.garment.kind == "coat" for item in items) and wearer.shoe == "sneaker":
        wearer = replace(wearer, shoe="boot")
    return _pose(number, 0, Role(wearer, tuple(items), POSES[0], 0.0), seed, dials, calm, which)


def _unfit(items: tuple[Item, ...]) -> set[str]:
    """The poses that these clothes cannot follow."""
    worn = {item.garment.slot for item in items}
    unfit: set[str] = set()
    if any(i.garment.kind == "coat" for i in items) or "scarf" in worn:
        unfit |= {"sitting", "sitting aside", "jumping", "arms up"}
    if "bag" in worn:
        unfit |= {"arms up", "crossed arms", "jumping", "dancing"}
    if "hat" in worn:
        unfit |= {"hand in hair", "arms up"}
    if any(i.garment.loft is not None and i.garment.loft.hem < 0.45 for i in items):
        unfit |= {"jumping"}
    return unfit


def _pose(
    number: int, panel: int, role: Role, seed: int, dials: Dials, calm: bool, which: int = 0
) -> Role:
    """`role` in a pose of this photo."""
    rng = stream(seed, "look", number, "pose", which, panel)
    wild, arms, pick, flip, turn = (*rng.random(4), rng.normal())
    names = _CALM if calm or wild > dials.pose else tuple(pose.name for pose in POSES)
    if arms < 0.4 * dials.occlusion:
        names = _ARMS
    unfit = _unfit(role.items)
    able = [pose for pose in POSES if pose.name in names and pose.name not in unfit]
    pose = able[int(pick * len(able))]
    if flip < 0.5:
        pose = mirrored(pose)
    pose = vary(pose, rng, 0.3 + dials.pose)
    return replace(role, pose=pose, yaw=float(turn * 34 * dials.pose), place=(0.0, 0.0))


def _shot(number: int, panel: int, first: Item, roles: list[Role], seed: int, dials: Dials) -> Shot:
    def own(name: str) -> np.random.Generator:
        return stream(seed, "look", number, name, panel)

    chance, pick = stream(seed, "look", number, "place").random(2)
    choices = _EASY if chance > dials.clutter**0.7 else scenes.SCENES
    front, reach = own("front").random(2)
    hidden = 0.15 + 0.4 * reach if front < 0.6 * dials.occlusion else 0.0
    return Shot(
        number, panel, tuple(roles), choices[int(pick * len(choices))],
        _framing(first, len(roles), own("camera"), own("crop"), dials),
        _finish(own("finish"), dials), float(hidden),
    )  # fmt: skip


def _framing(
    first: Item, count: int, camera: np.random.Generator, crop: np.random.Generator, dials: Dials
) -> Framing:
    """Crops: full length, then knees up, hips up, and bits of the person."""
    cut, depth, headless, shift, roll = (*crop.random(3), *crop.normal(size=2))
    low, high = -0.03, 1.9
    if cut < 0.85 * dials.crop and count == 1:
        if first.garment.slot in ("bottom", "dress"):
            high = 1.85 - (0.25 + 0.35 * dials.crop) * depth
        else:
            low = 0.35 + (0.35 + 0.35 * dials.crop) * depth
    if headless < 0.3 * dials.crop:
        high = min(high, 1.62)  # the head out of the picture
    turn, rise, wild, lens = camera.normal(), camera.random(), camera.normal(), camera.random()
    return Framing(
        azimuth=float(turn * (4 + 15 * dials.pose)),
        height=float(np.clip(0.95 + 0.4 * rise + wild * 0.35 * dials.pose, 0.25, 2.3)),
        low=float(low), high=float(high), shift=float(shift * (0.04 + 0.24 * dials.crop)),
        field_of_view=float(20 + 14 * lens), roll=float(roll * 2.0 * dials.crop),
    )  # fmt: skip


def _finish(rng: np.random.Generator, dials: Dials) -> Develop:
    graded, kind, strength, mono, lens, vignette, grain = rng.random(7)
    exposure, focus = rng.normal(size=2)
    grade = "clean"
    if graded < 0.8 * dials.grade:
        grade = GRADES[1 + int(kind * (len(GRADES) - 2))]
    if mono < 0.2 * max(0.0, dials.grade - 0.6):
        grade = "mono"
    return Develop(
        blur=float(2.0 + 3.5 * lens), exposure=float(np.exp(exposure * 0.15 * dials.grade)),
        grade=grade, grade_strength=float(0.4 + 0.6 * strength),
        grain=float(0.05 * grain * dials.grain), vignette=float(0.4 * vignette * dials.grade),
        soften=float(1.6 * abs(focus) * dials.blur**1.5),
    )  # fmt: skip
