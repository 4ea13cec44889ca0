"""The renderer's garments as templates: few numbers that say how a product photo is cut.

A template is worn by one fixed body in the product pose, so its outline can be compared with a
photo's. All lengths are metres on that body.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lookweave.studio.render.body import mix
from lookweave.studio.render.camera import Camera
from lookweave.studio.render.cloth import Fabric
from lookweave.studio.render.draw import Layer, Renderer
from lookweave.studio.render.dress import Dressed, Person, dress
from lookweave.studio.render.garments.cut import Cut
from lookweave.studio.render.garments.kinds import LEGGED, Garment
from lookweave.studio.render.garments.loft import Loft
from lookweave.studio.render.garments.shell import Fit
from lookweave.studio.render.lights import Lighting
from lookweave.studio.render.photo import _visible, fit_camera
from lookweave.studio.render.poses import PRODUCT, Pose, posed

UPPER, SKIRT, LEGS, WHOLE = "upper", "skirt", "legs", "whole"
FAMILY: dict[str, str] = {
    "top": UPPER, "shirt": UPPER, "knitwear": UPPER, "jacket": UPPER, "coat": UPPER,
    "vest": UPPER, "dress": UPPER, "skirt": SKIRT, "trousers": LEGS, "jeans": LEGS,
    "shorts": LEGS, "jumpsuit": WHOLE,
}  # fmt: skip
"""Category of the taxonomy -> the family of templates that can show it."""

_JOIN = 0.985  # where an upper's shell ends and a tube around both legs goes on


@dataclass(frozen=True)
class Template:
    """How a garment is cut."""

    family: str = UPPER
    hem: float = 0.93  # canonical height of the lower edge
    top: float = 1.09  # of the upper edge; skirts and legs
    sleeve: float = 0.19  # length from the shoulder joint
    armhole: float = 0.0  # radius, of a sleeveless one; 0: none
    neck: float = 0.115  # radius of the neck hole
    vee: float = 1.60  # lowest point of a V neck; above the neck hole it does nothing
    loose: float = 0.012  # air at chest and hip
    waist: float = 0.016  # air at the waist
    arm: float = 0.012  # air in the sleeve
    cuff: float = 0.014
    shoulder: float = 0.008
    leg: float = 0.016  # air at the thigh
    ankle: float = 0.04
    flare: float = 0.08  # widening of what hangs below the hip, per metre
    angle: float = 28.0  # of the arms from the body, degrees
    spread: float = 0.06  # of the legs: sideways per length


RANGES: dict[str, tuple[float, float]] = {
    "hem": (0.06, 1.30), "top": (0.98, 1.20), "sleeve": (0.02, 0.57), "armhole": (0.09, 0.15),
    "neck": (0.085, 0.21), "vee": (1.22, 1.60), "loose": (0.0, 0.12), "waist": (0.0, 0.15),
    "arm": (0.0, 0.09), "cuff": (0.0, 0.10), "shoulder": (0.0, 0.05), "leg": (0.004, 0.08),
    "ankle": (0.008, 0.20), "flare": (-0.12, 1.1), "angle": (4.0, 70.0), "spread": (0.0, 0.2),
}  # fmt: skip
"""Within which a template's numbers may lie."""

_FREE: dict[str, tuple[str, ...]] = {
    UPPER: ("hem", "loose", "angle", "sleeve", "waist", "flare", "neck", "arm", "cuff", "vee",
            "shoulder"),
    SKIRT: ("hem", "flare", "top", "waist"),
    LEGS: ("hem", "ankle", "leg", "spread", "top"),
    WHOLE: ("hem", "loose", "ankle", "leg", "angle", "sleeve", "waist", "neck", "spread"),
}  # fmt: skip


def free(template: Template) -> tuple[str, ...]:
    """The numbers that a fit may change, those that change the outline most first."""
    names = _FREE[template.family]
    if template.armhole > 0:
        gone = {"sleeve", "angle", "arm", "cuff"}
        names = ("armhole", *(name for name in names if name not in gone))
    if template.family == UPPER and template.hem >= _JOIN:
        names = tuple(name for name in names if name != "flare")
    return names


def starts(category: str) -> tuple[Template, ...]:
    """Templates from which to begin for a garment of this category."""
    family = FAMILY[category]
    if family == SKIRT:
        return tuple(Template(SKIRT, hem=h, flare=f) for h, f in ((0.70, 0.2), (0.4, 0.25)))
    if family == LEGS:
        if category == "shorts":
            return (Template(LEGS, hem=0.66, leg=0.03, ankle=0.07),)
        return (Template(LEGS, hem=0.09, ankle=0.04), Template(LEGS, hem=0.09, ankle=0.13))
    hem = {"dress": 0.60, "coat": 0.55, "jumpsuit": 0.12}.get(category, 0.93)
    base = Template(family, hem=hem, flare=0.25 if category == "dress" else 0.08)
    if category == "coat":
        base = replace(base, loose=0.03, waist=0.035)
    return (
        replace(base, sleeve=0.05, armhole=0.12, neck=0.13),
        base,
        *(replace(base, sleeve=0.545, angle=angle) for angle in (9.0, 22.0, 42.0)),
    )


_KIND = {
    "shirt": "shirt", "knitwear": "knit", "jacket": "jacket", "coat": "coat", "vest": "vest",
}  # fmt: skip


def garment(template: Template, category: str = "top") -> Garment:
    """The renderer's garment, of a plain cloth that a photo's colours will replace.

    The category decides what it is worn over.
    """
    t = template
    fit = Fit(
        chest=0.008 + t.loose, waist=0.006 + t.waist, hip=0.008 + t.loose,
        taper=float(np.clip(0.32 - 6 * t.waist, 0.0, 0.32)), arm=0.006 + t.arm,
        cuff=0.006 + t.cuff, leg=t.leg, ankle=t.ankle, shoulder=t.shoulder, smooth=18,
    )  # fmt: skip
    cloth = Fabric(colours=((0.5, 0.5, 0.5),) * 4)
    if t.family == SKIRT:
        loft = Loft(t.top, t.hem, 0.010 + t.waist, t.flare, 0.12 if t.flare < 0 else 0.0, 0.008, 7)
        # What is tucked in goes on a little below the waist, or a gap shows.
        cut = Cut(bottom=t.hem, top=t.top - 0.03, sleeve=-9.0)
        return Garment("midi skirt", cloth, "grey", cut, Fit(waist=0.008, hip=0.010), loft)
    if t.family == LEGS:
        fit = replace(fit, waist=0.007, hip=0.010, taper=0.9, smooth=16)
        cut = Cut(bottom=t.hem, top=t.top, sleeve=-9.0)
        kind = "shorts" if t.hem > 0.4 else "trousers"
        return Garment(kind, cloth, "grey", cut, fit, detail=LEGGED)
    cut = Cut(
        bottom=t.hem, sleeve=t.sleeve, neck=t.neck, vee=t.vee if t.vee < 1.55 else 9.0,
        vee_slope=0.5, armhole=t.armhole,
    )  # fmt: skip
    if t.family == WHOLE:
        return Garment("jumpsuit", cloth, "grey", cut, fit)
    hanging = None
    if t.hem < _JOIN:
        cut = replace(cut, bottom=_JOIN)
        hanging = Loft(
            _JOIN + 0.035, t.hem, 0.002, t.flare, 0.10 if t.flare < 0.05 else 0.0, 0.008, 7
        )
    kind = "mini dress" if category == "dress" or t.hem < 0.75 else "t-shirt"
    kind = _KIND.get(category, kind)
    return Garment(kind, cloth, "grey", cut, fit, hanging)


def unlikely(template: Template) -> float:
    """How odd a cut is, 0 for usual ones, in the measure of overlap.

    An outline has no size: a short wide top and a long one on broader shoulders look alike, and
    sleeves of half the length bend onto long ones. Usual lengths decide.
    """
    t, cost = template, 0.0
    if t.family in (UPPER, WHOLE) and t.armhole == 0:
        usual = min(SLEEVES_USUAL, key=lambda length: abs(length - t.sleeve))
        cost += 1.2 * max(0.0, abs(t.sleeve - usual) - 0.05)
    if t.family == UPPER:
        cost += 0.6 * max(0.0, t.hem - 0.98) + 0.15 * max(0.0, 0.80 - t.hem) * (t.hem > 0.66)
    if t.family == LEGS:
        cost += 0.3 * max(0.0, 0.30 - abs(t.hem - 0.38)) if 0.14 < t.hem < 0.5 else 0.0
    return cost


SLEEVES_USUAL = (0.16, 0.38, 0.545)
"""Short, three-quarter and long, metres from the shoulder joint."""


@dataclass(frozen=True)
class View:
    """A template as a product photo would show it."""

    layer: Layer
    dressed: Dressed
    camera: Camera
    size: tuple[int, int]


_UNLIT = Lighting(np.array([0.0, 0.0, 1.0]), np.zeros(3), np.zeros((9, 3)), shadows=False)


def view(renderer: Renderer, template: Template, size: tuple[int, int]) -> View:
    """`template` on an invisible body in the product pose, seen from the front."""
    body = mix(True, 1, 8, 0.5)
    person = Person(body, (0, 0, 0), (0, 0, 0), "buzz", "loafer", (0, 0, 0))
    dressed = dress(person, posed(body, _pose(template)), [garment(template)], show_body=False)
    parts = [part for part in dressed.parts if len(part.mesh.faces)]
    seen = [_visible(part.mesh.position, part) for part in parts]
    points = np.concatenate(seen) if any(map(len, seen)) else body.vertices  # cut to nothing
    camera = fit_camera(points, size, 20.0, margin=0.04)
    frame = renderer.render(parts, camera, _UNLIT, size)
    return View(frame.person, dressed, camera, size)


def _pose(template: Template) -> Pose:
    out = float(np.tan(np.radians(template.angle)))
    s = template.spread
    return replace(
        PRODUCT, upperarm_left=(out, -1, 0), forearm_left=(out, -1, 0.02),
        upperarm_right=(-out, -1, 0), forearm_right=(-out, -1, 0.02),
        thigh_left=(s, -1, 0), shin_left=(s, -1, 0), thigh_right=(-s, -1, 0),
        shin_right=(-s, -1, 0),
    )  # fmt: skip


def moved(template: Template, name: str, value: float) -> Template:
    """`template` with one number changed, kept within its range."""
    low, high = RANGES[name]
    change: dict[str, Any] = {name: float(np.clip(value, low, high))}
    return replace(template, **change)
