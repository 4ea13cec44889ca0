"""What a shoot leaves open, chosen from its seeds: the same record, every value stated.

Each control draws from a generator of its own (the shoot's seed or the control's, its name and
the picture's number), so one control that varies moves no other. A locked control draws as for
the first picture; with `Shoot.vary` all controls but those named are locked, and those named are
drawn anew in every further picture, also where they were stated.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lookweave.errors import InputError
from lookweave.studio.render import people
from lookweave.studio.render.body import mix
from lookweave.studio.render.dress import Person
from lookweave.studio.render.fabrics import encode, linear
from lookweave.studio.render.scenes import SCENES
from lookweave.studio.shoot import record
from lookweave.studio.shoot.fit import Fitted
from lookweave.studio.shoot.light import LIGHTS
from lookweave.studio.shoot.record import Shoot
from lookweave.studio.shoot.template import LEGS, SKIRT, UPPER

CALM = ("contrapposto", "hand on hip", "walking", "crossed legs", "turning", "striding",
        "standing")  # fmt: skip
"""Poses that show a garment well: what is drawn when none is asked for."""

_BLUR = {"studio": 0.0, "coloured studio": 0.0, "interior": 5.0, "runway": 6.0}
_FITTING_LIGHTS = {
    "studio": ("soft box", "beauty", "window", "hard flash"),
    "coloured studio": ("soft box", "beauty", "hard flash"),
    "street": ("overcast", "low sun", "back light"), "interior": ("window",),
    "beach": ("low sun", "back light", "overcast"), "garden": ("overcast", "low sun", "back light"),
    "night": ("hard flash",), "runway": ("beauty", "hard flash"),
}  # fmt: skip


def chosen(shoot: Shoot, number: int, fitted: Sequence[Fitted]) -> Shoot:
    """The `number`-th picture's shoot (from 0): nothing left open.

    Raises:
        InputError: the garments cannot be worn together, or the pose cannot be taken in them.
    """
    changes: dict[str, Any] = {}
    for name in record.CONTROLS:
        control = getattr(shoot, name)
        varied = name in shoot.vary
        fixed = control.lock or (bool(shoot.vary) and not varied)
        if varied and number:
            control = type(control)(
                strength=control.strength, lock=control.lock, seed=control.seed,
                **_kept(name, control),
            )  # fmt: skip
        seed = shoot.seed if control.seed is None else control.seed
        rng = np.random.default_rng([seed, *name.encode(), 0 if fixed else number])
        changes[name] = _OPEN[name](control, rng, fitted, changes)
    return shoot.model_copy(update=changes)


def _kept(name: str, control: Any) -> dict[str, Any]:
    """What of a varied control is no value to vary."""
    if name == "wearer":
        return {"sex": control.sex, "photo": control.photo, "consent": control.consent}
    if name == "camera":
        return {"head": control.head}
    return {}


def _with(control: Any, values: dict[str, Any]) -> Any:
    """`control`, its open fields filled."""
    return control.model_copy(
        update={k: v for k, v in values.items() if getattr(control, k) is None}
    )


def _wearer(
    control: record.Wearer, rng: np.random.Generator, fitted: Sequence[Fitted], _: Any
) -> record.Wearer:
    skirted = any(one.template.family == SKIRT or one.category == "dress" for one in fitted)
    female = control.sex == "female" if control.sex else bool(skirted or rng.random() < 0.6)
    drawn = people.person(rng, female)
    # Long hair hangs into pictures that are cut at the chin.
    styles = ("bun", "ponytail", "short", "crop") if female else ("crop", "short", "buzz")
    hair = styles[int(rng.integers(len(styles)))]
    body = (int(rng.integers(10)), int(rng.integers(10)), round(float(rng.uniform()), 3))
    return _with(  # type: ignore[no-any-return]
        control,
        {
            "sex": "female" if female else "male", "body": body, "skin": _hex(drawn.skin),
            "hair": _hex(drawn.hair), "hair_style": hair, "shoe": drawn.shoe,
            "shoe_colour": _hex(drawn.shoe_colour),
        },
    )  # fmt: skip


def person_of(control: record.Wearer) -> Person:
    """The renderer's person; every value is stated."""
    assert control.body is not None and control.skin and control.hair and control.shoe_colour
    assert control.hair_style and control.shoe
    first, second, share = control.body
    return Person(
        mix(control.sex == "female", first, second, share), _rgb(control.skin), _rgb(control.hair),
        control.hair_style, control.shoe, _rgb(control.shoe_colour), False,
        seed=first * 10 + second,
    )  # fmt: skip


def _pose(
    control: record.Pose, rng: np.random.Generator, fitted: Sequence[Fitted], _: Any
) -> record.Pose:
    hems = [one.template.hem for one in fitted if one.template.family in (UPPER, SKIRT)]
    lowest = min(hems, default=1.0)
    able = [name for name in CALM if lowest > 0.45 or name != "striding"]
    roll, flip, turn = rng.random(), rng.random(), rng.normal()
    if control.name in ("sitting", "sitting aside") and lowest < 0.45:
        raise InputError(
            "Nobody can sit in a garment this long here (its cloth would stand like a box): take "
            "another pose."
        )
    return _with(  # type: ignore[no-any-return]
        control,
        {"name": able[int(roll * len(able))], "mirrored": bool(flip < 0.5) if control.name is None
         else False, "yaw": round(float(np.clip(turn * 9, -25, 25)), 1) if control.name is None
         else 0.0},
    )  # fmt: skip


def _camera(
    control: record.Camera, rng: np.random.Generator, fitted: Sequence[Fitted], _: Any
) -> record.Camera:
    long = any(one.template.family == LEGS or one.template.hem < 0.72 for one in fitted)
    turn, rise, lens = rng.normal(), rng.random(), rng.random()
    return _with(  # type: ignore[no-any-return]
        control,
        {
            "azimuth": round(float(np.clip(6 * turn, -18, 18)), 1),
            "height": round(0.95 + 0.35 * float(rise), 2),
            "field_of_view": round(18 + 8 * float(lens), 1),
            "crop": "full" if long else "three-quarter", "head": False, "roll": 0.0,
        },
    )  # fmt: skip


def _scene(
    control: record.Scene, rng: np.random.Generator, _f: Sequence[Fitted], _: Any
) -> record.Scene:
    name = SCENES[int(rng.integers(len(SCENES)))]
    if control.plate is not None:
        return _with(control, {"blur": 6.0})  # type: ignore[no-any-return]
    name = control.name or name
    return _with(control, {"name": name, "blur": _BLUR.get(name, 8.0)})  # type: ignore[no-any-return]


def _light(
    control: record.Light, rng: np.random.Generator, _f: Sequence[Fitted], so_far: dict[str, Any]
) -> record.Light:
    names = _FITTING_LIGHTS.get(so_far["scene"].name or "", ())
    roll, flip = rng.random(), rng.random()
    source = control.source or ("plate" if so_far["scene"].plate is not None else None)
    if source is not None:
        # What is open comes from the place itself, once it is built (`guide`).
        return control.model_copy(update={"source": source})
    values = dict(LIGHTS[names[int(roll * len(names))] if names else "soft box"])
    if flip < 0.5:
        values["azimuth"] = -values["azimuth"]
    return _with(control, values)  # type: ignore[no-any-return]


def _style(
    control: record.Style, rng: np.random.Generator, _f: Sequence[Fitted], _: Any
) -> record.Style:
    return _with(  # type: ignore[no-any-return]
        control, {"grade": "clean", "contrast": 0.12, "grain": 2.5, "vignette": 0.12}
    )


_OPEN: dict[str, Any] = {
    "wearer": _wearer, "pose": _pose, "camera": _camera, "scene": _scene, "light": _light,
    "style": _style,
}  # fmt: skip


def _hex(colour: tuple[float, float, float]) -> str:
    levels = np.clip(np.round(encode(np.asarray(colour)) * 255), 0, 255).astype(int)
    return "#" + "".join(f"{level:02x}" for level in levels)


def _rgb(code: str) -> tuple[float, float, float]:
    return linear(tuple(int(code[k : k + 2], 16) for k in (1, 3, 5)))  # type: ignore[arg-type]
