"""The intervention matrix of a backend: one control moved alone, and what every probe says of it.

Unrelated shoots are drawn, as different as they may be. In each, one control after the other
takes the value that it has in the next shoot. A cell is the median change of a probe over the
median change between the two unrelated shoots: on the diagonal 1 means that the control did all
that was asked, elsewhere 0 means that it left the rest alone. The row *new seed* moves nothing
but the seed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from scipy import stats

from lookweave.errors import InputError, WorkError
from lookweave.models.protocols import Pixels
from lookweave.studio.judge import identity, shading, style
from lookweave.studio.judge.identity import LEAST_PIXELS, Own
from lookweave.studio.judge.pictures import own_of
from lookweave.studio.judge.pose import limbs_apart
from lookweave.studio.judge.rows import BUILT, MEASURED
from lookweave.studio.judge.table import Look, likeness, look_at, plainly
from lookweave.studio.render.scenes import SCENES
from lookweave.studio.shoot import job, record
from lookweave.studio.shoot.choose import CALM, chosen
from lookweave.studio.shoot.colours import difference
from lookweave.studio.shoot.fit import Fitted
from lookweave.studio.shoot.generator import Compositor, Generator
from lookweave.studio.shoot.guide import Guide, guide
from lookweave.studio.shoot.record import Shoot

CONTROLS = ("garments", "wearer", "pose", "camera", "scene", "light", "style")
SEED = "new seed"
FILE = "matrix.json"
_PLACE = "scene, place"


@dataclass(frozen=True)
class Probe:
    """A reading of a picture and the distance between two of them.

    Attributes:
        control: that it is about.
        name: of the probe.
        how: ``measured`` in the picture, or ``by construction`` from the guide.
        read: of a look; None: it cannot be told.
        apart: distance of two readings, 0 for equal ones. Of the place: of the second look from
            the first's place as it would be seen and lit there.
    """

    control: str
    name: str
    how: str
    read: Callable[[Look], Any]
    apart: Callable[[Any, Any], float | None]


def _garment(read: Callable[[identity.Seen], Any]) -> Callable[[Look], Any]:
    def of(look: Look) -> Any:
        seen = look.garment(0)
        return None if seen.mask.sum() < LEAST_PIXELS else read(seen)

    return of


def _unlit(seen: identity.Seen) -> Any:
    assert seen.unlit is not None
    return identity.median(seen.unlit[seen.inner])


def _texture(seen: identity.Seen) -> Any:
    return identity.bands(seen.picture, seen.mask, min(160.0, float(np.sqrt(seen.mask.sum()))))[0]


def _light(pick: Callable[[shading.Estimate], Any]) -> Callable[[Look], Any]:
    def of(look: Look) -> Any:
        found = look.light
        return None if found is None or found.even else pick(found)

    return of


def _strength(found: shading.Estimate) -> float | None:
    return None if found.frontal else found.key_to_fill


def _view(look: Look) -> Any:
    lens = look.guide.camera
    offset = lens.eye - lens.target
    azimuth = np.degrees(np.arctan2(offset[0], offset[2]))
    return np.array([azimuth / 30, lens.eye[1] / 0.5, lens.field_of_view / 10])


def _elsewhere(seen: Look, plain: Pixels) -> float | None:
    """How little of the place in `plain` the picture shows, 0..2."""
    open_ = seen.guide.cover < 0.02
    return None if open_.mean() < 0.05 else 1 - likeness(seen.unfinished, plain, open_)


def _finish(look: Look) -> Any:
    return np.array([*look.finish.shift, 20 * look.finish.contrast, 20 * look.finish.vignette])


def _euclid(one: Any, other: Any) -> float:
    return float(np.linalg.norm(np.asarray(one) - np.asarray(other)))


PROBES: tuple[Probe, ...] = (
    Probe("garments", "colour", MEASURED, _garment(_unlit), lambda a, b: float(difference(a, b))),
    Probe("garments", "likeness", MEASURED, _garment(lambda seen: seen.vector),
          lambda a, b: float(1 - a @ b)),
    Probe("garments", "texture", MEASURED, _garment(_texture), identity.texture_distance),
    Probe("wearer", "skin", MEASURED, lambda look: look.skin, lambda a, b: float(difference(a, b))),
    Probe("pose", "joints", BUILT, lambda look: look.guide.world, limbs_apart),
    Probe("camera", "view", BUILT, _view, _euclid),
    Probe("scene", "place", MEASURED, lambda look: look,
          lambda plain, seen: _elsewhere(seen, plain)),
    Probe("light", "direction", MEASURED, _light(lambda e: e.towards), shading.angle_between),
    Probe("light", "key to fill", MEASURED, _light(_strength),
          lambda a, b: abs(a - b)),
    Probe("light", "kelvin", MEASURED, _light(lambda e: shading.mired(e.kelvin)),
          lambda a, b: abs(a - b)),
    Probe("style", "finish", MEASURED, _finish, _euclid),
    Probe("style", "grain", MEASURED, lambda look: style.grain_of(look.picture, look.plain),
          lambda a, b: abs(a - b)),
)  # fmt: skip


@dataclass(frozen=True)
class Matrix:
    """What was found.

    Attributes:
        generator: the backend's name.
        shoots: unrelated shoots that were drawn; as many changes of each control.
        cells: control (or ``new seed``) -> probe, as ``control, name`` -> change; None: too few
            readings.
        scale: probe -> median change between unrelated shoots, in the probe's own unit.
        obedience: value -> slope from asked to got, and its 95 % interval.
        bits: what stayed the same to the bit when the garment alone changed -> in how many of
            `shoots`.
        pictures: the first shoot and what became of it, control by control.
    """

    generator: str
    shoots: int
    cells: dict[str, dict[str, float | None]]
    scale: dict[str, float | None]
    obedience: dict[str, tuple[float, float, float]]
    bits: dict[str, int]
    pictures: tuple[tuple[str, Pixels], ...] = field(repr=False, compare=False)

    def diagonal(self) -> dict[str, float]:
        """Probe -> what it sees of its own control's change."""
        own = {f"{p.control}, {p.name}": p.control for p in PROBES}
        told = {name: self.cells[control][name] for name, control in own.items()}
        return {name: value for name, value in told.items() if value is not None}

    def leaks(self) -> list[tuple[float, str, str]]:
        """Change, moved control and probe of what should have stayed, the worst first."""
        own = {f"{p.control}, {p.name}": p.control for p in PROBES}
        found = [
            (value, control, name)
            for control, row in self.cells.items()
            for name, value in row.items()
            if control not in (own[name], SEED) and value is not None
        ]
        return sorted(found, reverse=True)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        worst = self.leaks()[0] if self.leaks() else None
        return {
            "generator": self.generator, "shoots": self.shoots, "cells": self.cells,
            "scale": self.scale, "diagonal": self.diagonal(),
            "worst_leak": None if worst is None else
            {"change": worst[0], "moved": worst[1], "probe": worst[2]},
            "obedience": {k: list(v) for k, v in self.obedience.items()}, "bits": self.bits,
            "how": {f"{p.control}, {p.name}": p.how for p in PROBES},
        }  # fmt: skip


def measure(
    garments: Sequence[record.Garment], *, shoots: int = 8, size: tuple[int, int] = (256, 384),
    seed: int = 0, generator: Generator | None = None, cache: Path | None = None,
    done: Callable[[], None] = lambda: None,
) -> Matrix:  # fmt: skip
    """The matrix of a backend, with these garments shown one at a time.

    Args:
        garments: at least two.
        shoots: unrelated shoots, at least three; every one is made nine times.
        size: of the pictures.
        seed: of what is drawn.
        generator: None: the embedded backend.
        cache: where fitted garments are kept; None: nowhere.
        done: called after each picture.

    Raises:
        InputError: too few garments or shoots, or [studio] is missing.
        WorkError: a garment cannot be fitted.
    """
    if len(garments) < 2 or shoots < 3:
        raise InputError("The matrix needs at least two garments and three shoots.")
    backend = generator or Compositor()
    drawing = job.renderer()
    try:
        worn = [
            job.fitted(drawing, Shoot(garments=(one,)), cache)[0] for one in garments
        ]  # fmt: skip
        owns = [own_of(one) for one in garments]
        bases = [_drawn(garments, worn, n, size, seed) for n in range(shoots)]
        made = _Made(backend, drawing, worn, done)
        return _measured(bases, owns, made, len(garments))
    finally:
        drawing.close()


def pictures_of(shoots: int) -> int:
    """How many pictures `measure` makes."""
    return shoots * (len(CONTROLS) + 2)


def _drawn(
    garments: Sequence[record.Garment], worn: Sequence[Fitted], number: int,
    size: tuple[int, int], seed: int,
) -> Shoot:  # fmt: skip
    """An unrelated shoot: every control drawn wide, every value stated. The key comes from a side,
    where its strength can be told."""
    rng = np.random.default_rng([seed, number])

    def between(low: float, high: float, digits: int = 2) -> float:
        return round(float(rng.uniform(low, high)), digits)

    place = number % len(garments)
    grades = ("clean", "warm", "cool", "faded")
    side = 1 if rng.random() < 0.5 else -1
    shoot = Shoot(
        garments=(garments[place],), size=size, seed=1000 * seed + number,
        pose=record.Pose(name=CALM[int(rng.integers(len(CALM)))], yaw=between(-25, 25, 1)),
        camera=record.Camera(
            azimuth=between(-30, 30, 1), height=between(0.7, 1.6), field_of_view=between(16, 30, 1),
            crop="three-quarter",
        ),
        scene=record.Scene(name=SCENES[(3 * number + seed) % len(SCENES)]),
        light=record.Light(
            azimuth=side * between(35, 85, 1), elevation=between(10, 60, 1),
            key_to_fill=between(0, 3), kelvin=round(1e6 / between(130, 300), 0),
            softness=between(0, 1), rim=0.0,
        ),
        style=record.Style(
            grade=grades[int(rng.integers(len(grades)))], contrast=between(-0.3, 0.6),
            grain=between(0, 10), vignette=between(0, 0.6),
        ),
    )  # fmt: skip
    return chosen(shoot, 0, [worn[place]])


@dataclass(frozen=True)
class _Made:
    """Pictures on demand."""

    backend: Generator
    drawing: Any
    worn: Sequence[Fitted]
    done: Callable[[], None]

    def __call__(self, shoot: Shoot, place: int) -> Look:
        seen = self._guide(shoot, place)
        given = self.backend.generate(seen.shoot, seen)
        if not given.images:
            raise WorkError(
                f"{self.backend.card.name} made no picture that may be shown of a shoot: its "
                "matrix cannot be told."
            )
        self.done()
        return look_at(seen, given.images[0], self.backend.card.controls)

    def plain(self, shoot: Shoot, place: int) -> Pixels:
        """What the guide shows, without any style."""
        return plainly(self._guide(shoot, place))

    def _guide(self, shoot: Shoot, place: int) -> Guide:
        return guide(self.drawing, shoot, [self.worn[place]])


def _measured(
    bases: Sequence[Shoot], owns: Sequence[Own], made: _Made, count: int
) -> Matrix:  # fmt: skip
    begun = [made(base, n % count) for n, base in enumerate(bases)]
    before = [_readings(look) for look in begun]
    following = [(n + 1) % len(bases) for n in range(len(bases))]
    apart: dict[str, list[float | None]] = {probe.name_: [] for probe in _named()}
    for n, m in enumerate(following):
        here = _moved(bases[m], bases[n], "scene")
        seen_there = {_PLACE: made.plain(here, m % count)}
        for probe in _named():
            apart[probe.name_].append(_apart(probe, before[n] | seen_there, before[m]))
    scale = {name: _median(values) for name, values in apart.items()}
    cells: dict[str, dict[str, float | None]] = {}
    strip = [("as it was", begun[0].picture)]
    told: list[tuple[Shoot, int, dict[str, Any]]] = [
        (look.guide.shoot, n % count, reading)
        for n, (look, reading) in enumerate(zip(begun, before, strict=True))
    ]
    bits: dict[str, int] = {}
    for moved in (*CONTROLS, SEED):
        changes: dict[str, list[float | None]] = {probe.name_: [] for probe in _named()}
        for n, m in enumerate(following):
            place = m % count if moved == "garments" else n % count
            look = made(_moved(bases[n], bases[m], moved), place)
            reading = _readings(look)
            told.append((look.guide.shoot, place, reading))
            for probe in _named():
                same = look.plain if moved not in ("scene", SEED) else begun[n].plain
                changes[probe.name_].append(_apart(probe, before[n] | {_PLACE: same}, reading))
            if moved == "garments":
                for name, equal in _bits(begun[n].guide, look.guide).items():
                    bits[name] = bits.get(name, 0) + int(equal)
            if n == 0:
                strip.append((moved, look.picture))
        cells[moved] = {name: _share(_median(v), scale[name]) for name, v in changes.items()}
    return Matrix(
        made.backend.card.name, len(bases), cells, scale, _obedience(told, owns), bits,
        tuple(strip),
    )  # fmt: skip


@dataclass(frozen=True)
class _Named:
    name_: str
    probe: Probe


def _named() -> list[_Named]:
    return [_Named(f"{probe.control}, {probe.name}", probe) for probe in PROBES]


def _readings(look: Look) -> dict[str, Any]:
    told = {one.name_: one.probe.read(look) for one in _named()}
    found = look.light
    told["azimuth"] = None if found is None or found.even else found.azimuth
    told["contrast"], told["vignette"] = look.finish.contrast, look.finish.vignette
    return told


def _apart(one: _Named, first: dict[str, Any], second: dict[str, Any]) -> float | None:
    a, b = first[one.name_], second[one.name_]
    return None if a is None or b is None else one.probe.apart(a, b)


def _median(values: Sequence[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return float(np.median(there)) if len(there) * 2 > len(values) else None


def _share(change: float | None, scale: float | None) -> float | None:
    return None if change is None or not scale else round(change / scale, 3)


def _moved(one: Shoot, other: Shoot, control: str) -> Shoot:
    if control == SEED:
        return one.model_copy(update={"seed": one.seed + 500_000})
    value = getattr(other, control)
    if control == "scene":  # a place is built from its seed: that comes along
        value = value.model_copy(update={"seed": other.seed if value.seed is None else value.seed})
    return one.model_copy(update={control: value})


def _bits(one: Guide, other: Guide) -> dict[str, bool]:
    lens = all(
        np.array_equal(getattr(one.camera, name), getattr(other.camera, name))
        for name in ("eye", "target", "field_of_view")
    )
    return {
        "pose": np.array_equal(one.world, other.world), "camera": lens,
        "plate": np.array_equal(one.plate, other.plate),
    }  # fmt: skip


def _obedience(
    told: Sequence[tuple[Shoot, int, dict[str, Any]]], owns: Sequence[Own]
) -> dict[str, tuple[float, float, float]]:
    """Slopes from asked to got (Theil and Sen), with their 95 % intervals."""
    pairs: dict[str, list[tuple[float, float]]] = {}

    def add(name: str, asked: float | None, got: float | None) -> None:
        if asked is not None and got is not None:
            pairs.setdefault(name, []).append((asked, got))

    for shoot, place, reading in told:
        light, finish = shoot.light, shoot.style
        add("light, azimuth", light.azimuth, reading["azimuth"])
        add("light, key to fill", light.key_to_fill, reading["light, key to fill"])
        add("light, mired", shading.mired(light.kelvin or 5500), reading["light, kelvin"])
        for name in ("contrast", "vignette"):
            add(f"style, {name}", getattr(finish, name), reading[name])
        add("style, grain", finish.grain, reading["style, grain"])
        colour = reading["garments, colour"]
        if colour is not None:
            for k, axis in enumerate(("L*", "a*", "b*")):
                add(f"garments, {axis}", float(owns[place].colour[k]), float(colour[k]))
    slopes = {}
    for name, both in pairs.items():
        asked, got = np.array(both).T
        if len(np.unique(asked)) < 3:
            continue
        slope, _, low, high = stats.theilslopes(got, asked)
        slopes[name] = (round(float(slope), 3), round(float(low), 3), round(float(high), 3))
    return slopes


def write(found: Matrix, out: Path) -> dict[str, str]:
    """Write ``matrix.json``, ``matrix.png`` and ``matrix-pictures.jpg`` in the folder `out`."""
    from lookweave.studio.judge.drawing import heat, strip

    out.mkdir(parents=True, exist_ok=True)
    (out / FILE).write_text(json.dumps(found.to_dict(), indent=1) + "\n", encoding="utf-8")
    Image.fromarray(heat(found)).save(out / "matrix.png")
    Image.fromarray(strip(found.pictures)).save(out / "matrix-pictures.jpg", quality=90)
    return {"json": str(out / FILE), "picture": str(out / "matrix.png"),
            "pictures": str(out / "matrix-pictures.jpg")}  # fmt: skip
