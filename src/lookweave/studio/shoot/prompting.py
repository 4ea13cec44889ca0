"""A shoot in words, for models that read: what each picture is for, and every stated control."""

from __future__ import annotations

from collections.abc import Sequence

from lookweave.studio.shoot.record import Light, Shoot
from lookweave.studio.shoot.references import Reference, called

_CROP = {
    "full": "the whole figure", "three-quarter": "down to the knees", "half": "down to the hips",
    "bust": "head and shoulders",
}  # fmt: skip
_PLACE = {
    "studio": "a plain photo studio", "coloured studio": "a photo studio with coloured paper",
    "street": "a city street", "interior": "a living room by daylight", "beach": "a beach",
    "night": "a street at night", "runway": "a runway", "garden": "a garden",
}  # fmt: skip
_GRADE = {"mono": "black and white", "clean": "neutral colours"}
_PURPOSE = {
    "composite": "is the layout: keep its framing, pose, outlines, place and light exactly, and "
    "make it look like a photograph",
    "back": "shows the back of garment {number}",
    "wearer": "shows the person who wears it, an adult who agreed to this picture",
    "skeleton": "shows the pose as a skeleton",
    "depth": "is the depth map of the layout",
    "normals": "is the normal map of the layout",
    "shading": "shows where the light falls",
}  # fmt: skip

ALWAYS = "adult"
NEVER = "child, teenager, nudity, text overlay, watermark, extra limbs, deformed hands"
"""A negative prompt, for models that take one."""


def prompt(shoot: Shoot, shown: Sequence[Reference] = ()) -> str:
    """What to make: the shoot's controls as sentences, its own prompt last.

    Args:
        shoot: every value stated.
        shown: the pictures that the model gets, in its order; they are numbered from 1.
    """
    lines = [_person(shoot), *(_named(n, one, shoot) for n, one in enumerate(shown, 1))]
    where = "the photographed place" if shoot.scene.plate else _PLACE[shoot.scene.name or "studio"]
    lines.append(
        f"Place: {where}." + (" Its background is out of focus." if shoot.scene.blur else "")
    )
    lines.append(f"Light: {light(shoot.light)}.")
    camera = shoot.camera
    head = "" if camera.head else ", cut below the nose"
    lines.append(
        f"Camera: {_CROP[camera.crop or 'full']}{head}, {camera.height or 1.1:.1f} m high."
    )
    style = shoot.style
    look = [_GRADE.get(style.grade or "clean", f"{style.grade} colours")]
    look += ["film grain"] if (style.grain or 0) > 6 else []
    look += ["strong contrast"] if (style.contrast or 0) > 0.3 else []
    lines.append(f"Style: editorial fashion photograph, {', '.join(look)}.")
    if shoot.prompt:
        lines.append(f"{shoot.prompt}.")
    return " ".join(lines)


def garment_prompt(shoot: Shoot) -> str:
    """For the pass over the garment alone."""
    names = ", ".join(called(one) for one in shoot.garments)
    return (
        f"The same {names}, unchanged: exact colour, print, lettering, weave and cut. Real cloth "
        "with natural folds, sharp."
    )


def light(control: Light) -> str:
    """A light's numbers as a photographer would say them."""
    azimuth, elevation = control.azimuth or 0.0, control.elevation or 30.0
    side = "left" if azimuth < 0 else "right"
    where = (
        f"from behind on the {side}" if abs(azimuth) > 115
        else "frontal" if abs(azimuth) < 12
        else f"from the {side} of the picture"
    )  # fmt: skip
    height = "high" if elevation > 55 else "low" if elevation < 18 else "raised"
    soft = control.softness if control.softness is not None else 0.5
    hardness = "soft" if soft > 0.6 else "hard" if soft < 0.15 else "fairly soft"
    kelvin = control.kelvin or 5500.0
    warmth = "warm" if kelvin < 4500 else "cool" if kelvin > 6800 else "neutral"
    stops = control.key_to_fill or 0.0
    ratio = "deep shadows" if stops > 1.5 else "open shadows" if stops > -0.5 else "no shadows"
    rim = ", a rim of light from behind" if (control.rim or 0) > 0.4 else ""
    return f"{hardness} {height} key light {where}, {warmth} ({kelvin:.0f} K), {ratio}{rim}"


def _person(shoot: Shoot) -> str:
    who = "woman" if shoot.wearer.sex == "female" else "man"
    pose = shoot.pose.name or "the pose of the layout"
    return f"An {ALWAYS} {who}, {pose}, wears {_outfit(shoot)}."


def _outfit(shoot: Shoot) -> str:
    return " and ".join(called(one) for one in shoot.garments)


def _named(number: int, shown: Reference, shoot: Shoot) -> str:
    if shown.kind == "garment":
        what = called(shoot.garments[shown.number - 1])
        return (
            f"Picture {number} is the {what} itself: keep its colour, print, lettering and cut "
            "exactly."
        )
    return f"Picture {number} {_PURPOSE[shown.kind].format(number=shown.number)}."
