"""What a shoot's picture shows against what was asked: asked, got and error, one row a probe.

The guide knows where everything is, so the picture is looked up there: the light on the cloth
whose normals are known, the colour with that light divided out. *By construction* stands only
where the backend's card says that a control is exact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from lookweave.models.protocols import Pixels
from lookweave.studio.judge import composition, narrative, shading, style
from lookweave.studio.judge.identity import LEAST_PIXELS, Own, Seen, eroded, identity, median, told
from lookweave.studio.judge.pose import overlap
from lookweave.studio.judge.rows import BUILT, Measure, measured, unmeasured
from lookweave.studio.render.dress import FIRST_GARMENT_ID, SCENE_ID, SKIN_ID
from lookweave.studio.render.fabrics import encode
from lookweave.studio.render.lights import direction
from lookweave.studio.shoot import light as lights
from lookweave.studio.shoot.colours import difference, to_linear
from lookweave.studio.shoot.finish import colours_of, photograph
from lookweave.studio.shoot.fit import ALBEDO
from lookweave.studio.shoot.guide import Guide
from lookweave.studio.shoot.record import Style

LEAST_OVERLAP = 0.6
"""Of the clothes' outline with the guide's; below it the picture has left the guide."""
_PLAIN = Style(grade="clean", contrast=0.0, grain=0.0, vignette=0.0)

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Look:
    """A picture beside its guide, with what several probes need.

    Attributes:
        guide: as it was given to the backend.
        picture: uint8 (H, W, 3).
        plain: uint8 (H, W, 3), the guide developed without any style.
        clothes: bool (H, W), what the segmenter takes for clothes in the picture.
        finish: what was done to the plain picture, as it was found.
        unfinished: uint8 (H, W, 3), the picture with that undone.
        exact: controls that the backend obeys by construction.
    """

    guide: Guide
    picture: Pixels
    plain: Pixels
    clothes: Mask
    finish: style.Finish
    unfinished: Pixels
    exact: frozenset[str]

    @property
    def outline(self) -> float:
        """Overlap of the clothes in the picture with those of the guide, 0..1."""
        ids = self.guide.ids
        return overlap(self.clothes, (ids >= FIRST_GARMENT_ID) & (ids < SCENE_ID))

    @property
    def kept(self) -> bool:
        """Whether the picture shows things where the guide has them."""
        return {"pose", "camera"} <= self.exact or self.outline >= LEAST_OVERLAP

    @property
    def light(self) -> shading.Estimate | None:
        """As it falls on the person's cloth and skin."""
        ids = self.guide.ids
        person = (ids == SKIN_ID) | ((ids >= FIRST_GARMENT_ID) & (ids < SCENE_ID))
        return shading.estimated(
            self.unfinished, self.guide.normals, self.guide.albedo, eroded(person),
            lights.fill_shape(self.guide.lighting),
        )  # fmt: skip

    def unlit(self, where: Mask) -> Pixels:
        """uint8 (H, W, 3), the picture without its finish, the mean of the guide's light on `where`
        divided out."""
        white = ALBEDO * self.guide.shading[where].mean(0)
        levels = encode(to_linear(self.unfinished) / np.maximum(white, 0.02))
        return np.asarray(np.round(np.clip(levels, 0, 1) * 255), np.uint8)

    def garment(self, number: int) -> Seen:
        """The `number`-th photographed garment."""
        shown = self.guide.ids == FIRST_GARMENT_ID + number
        sure = shown & (self.guide.confidence > 0.3)
        if shown.sum() < LEAST_PIXELS:
            return Seen(self.picture, shown, sure)
        seen = Seen(self.picture, shown, sure)
        return replace(seen, unlit=self.unlit(seen.inner))

    @property
    def skin(self) -> NDArray[np.float32] | None:
        """CIELAB of the skin without the light; None where too little shows."""
        shown = eroded(self.guide.ids == SKIN_ID)
        if (self.guide.ids == SKIN_ID).sum() < LEAST_PIXELS:
            return None
        return median(self.unlit(shown)[shown])


def look_at(guide: Guide, picture: Pixels, controls: Mapping[str, str]) -> Look:
    """`picture`, made from `guide` by a backend whose card says `controls`."""
    exact = frozenset(name for name, how in controls.items() if how == "exact")
    plain = plainly(guide)
    found = style.finish_of(picture, plain)
    return Look(
        guide, picture, plain, composition.clothes_in(picture), found,
        style.undone(picture, found), exact,
    )  # fmt: skip


def plainly(guide: Guide) -> Pixels:
    """The guide developed without any style."""
    return photograph(replace(guide, shoot=guide.shoot.model_copy(update={"style": _PLAIN})))


def probed(
    guide: Guide, picture: Pixels, garments: Sequence[Own], controls: Mapping[str, str]
) -> list[Measure]:
    """All that can be said of `picture` now.

    Args:
        guide: that it was made from.
        garments: their own photos, in the shoot's order.
        controls: control -> ``exact``, ``guided``, ``prompted`` or ``ignored``, of the backend.
    """
    look = look_at(guide, picture, controls)
    rows: list[Measure] = []
    for number, own in enumerate(garments):
        rows += identity(f"garment {number + 1}", own, look.garment(number))
    rows += [*_wearer(look), *_pose(look), *_camera(look), *_scene(look), *_light(look)]
    rows += _style(look)
    shoot = guide.shoot
    words = " ".join([shoot.text, *(own.words for own in garments)])
    shown = [look.garment(number) for number in range(len(garments))]
    vectors = [seen.vector for seen in shown if seen.mask.sum() >= LEAST_PIXELS]
    rows += narrative.rows(words, np.array(vectors))
    rows.append(unmeasured("text", "mood and story", "", "no probe reads them"))
    return [*rows, *composition.rows(picture, look.clothes)]


def _built(look: Look, control: str, probe: str, unit: str, asked: Any, got: Any) -> Measure:
    """A row of what the guide says, where the backend follows it exactly."""
    if control not in look.exact:
        note = "the backend does not follow the guide exactly, and nothing here reads it"
        return unmeasured(control, probe, unit, note)
    error = None
    if isinstance(asked, int | float) and isinstance(got, int | float):
        error = abs(got - asked)
        error = min(error, 360 - error) if unit == "degrees" else error
        error, got = round(error, 3), round(got, 3)
    elif asked is not None:
        error = 0.0 if asked == got else 1.0
    return Measure(control, probe, unit, asked, got, error, BUILT)


def _wearer(look: Look) -> list[Measure]:
    asked = look.guide.shoot.wearer.skin
    unit = "CIEDE2000 of median CIELAB"
    got = look.skin if look.kept else None
    if got is None or asked is None:
        return [unmeasured("wearer", "skin", unit, "too little skin shows where the guide has it")]
    rgb = np.array([[int(asked[k : k + 2], 16) for k in (1, 3, 5)]], np.uint8)
    # Skin is photographed at the exposure of the cloth, whose white is `ALBEDO`.
    wanted = median(np.round(encode(to_linear(rgb) / ALBEDO).clip(0, 1) * 255).astype(np.uint8))
    return [measured("wearer", "skin", unit, told(wanted), told(got),
                     float(difference(wanted, got)))]  # fmt: skip


def _pose(look: Look) -> list[Measure]:
    shoot, rows = look.guide.shoot, []
    if shoot.pose.joints is None:
        rows.append(_built(look, "pose", "name", "", shoot.pose.name, shoot.pose.name))
    yaw = (shoot.pose.yaw or 0.0) * shoot.pose.strength
    rows += [
        _built(look, "pose", "yaw", "degrees", yaw, yaw),
        _built(look, "pose", "joints", "object keypoint similarity", 1.0, 1.0),
    ]
    same = look.outline
    note = "clothes that the segmenter sees against the guide's; it is wrong now and then"
    return [*rows, measured("pose", "outline", "intersection over union", 1.0, round(same, 3),
                            1 - same, note)]  # fmt: skip


def _camera(look: Look) -> list[Measure]:
    asked, lens = look.guide.shoot.camera, look.guide.camera
    offset = lens.eye - lens.target
    azimuth = float(np.degrees(np.arctan2(offset[0], offset[2])))
    return [
        _built(look, "camera", "azimuth", "degrees", (asked.azimuth or 0.0) * asked.strength,
               azimuth),
        _built(look, "camera", "height", "metres", asked.height, float(lens.eye[1])),
        _built(look, "camera", "field_of_view", "degrees", asked.field_of_view,
               lens.field_of_view),
    ]  # fmt: skip


def _scene(look: Look) -> list[Measure]:
    scene = look.guide.shoot.scene
    where = scene.plate or scene.name
    rows = [_built(look, "scene", "place", "", where, where)]
    open_ = look.guide.cover < 0.02
    unit = "correlation with the guide's place"
    if open_.mean() < 0.05:
        return [*rows, unmeasured("scene", "likeness", unit, "the person fills the picture")]
    same = likeness(look.unfinished, look.plain, open_)
    return [*rows, measured("scene", "likeness", unit, 1.0, round(same, 3), 1 - same)]


def likeness(one: Pixels, other: Pixels, where: Mask) -> float:
    """Correlation of the lightness of two pictures of one size on `where`, -1..1."""
    soft = [ndimage.gaussian_filter(image.astype(float).mean(-1), 2.0) for image in (one, other)]
    a, b = (values[where] - values[where].mean() for values in soft)
    size = float(np.sqrt((a**2).sum() * (b**2).sum()))
    # Two even walls are alike as far as their levels are.
    if size < 4.0 * where.sum():
        return float(1 - abs(soft[0][where].mean() - soft[1][where].mean()) / 255)
    return float((a * b).sum() / size)


def _light(look: Look) -> list[Measure]:
    shoot, names = look.guide.shoot, ("azimuth", "elevation", "key_to_fill", "kelvin")
    units = {"azimuth": "degrees", "elevation": "degrees", "key_to_fill": "stops",
             "kelvin": "kelvin; error in mired", "direction": "degrees"}  # fmt: skip
    whole = shoot.light.strength >= 1
    own = lights.stated(look.guide.lighting)
    asked = {n: getattr(shoot.light, n) if whole else own[n] for n in names}
    found = look.light if look.kept else None
    if found is None:
        note = "the picture left the guide" if not look.kept else "too little matt surface"
        return [unmeasured("light", n, units[n], note) for n in (*names, "direction")]
    fill = asked["key_to_fill"]
    strength = measured("light", "key_to_fill", units["key_to_fill"], fill,
                        round(found.key_to_fill, 2), abs(found.key_to_fill - fill))  # fmt: skip
    if found.frontal and not found.even:
        note = "a frontal key's strength cannot be told from the fill"
        strength = unmeasured("light", "key_to_fill", units["key_to_fill"], note)
    if found.even:
        note = "too even: the key cannot be told from the fill"
        rest = [n for n in (*names, "direction") if n != "key_to_fill"]
        return [strength, *(unmeasured("light", n, units[n], note) for n in rest)]
    turn = abs((found.azimuth - asked["azimuth"] + 180) % 360 - 180)
    towards = direction(asked["azimuth"], asked["elevation"])
    away = shading.angle_between(found.towards, towards)
    warm = abs(shading.mired(found.kelvin) - shading.mired(asked["kelvin"]))
    return [
        measured("light", "azimuth", units["azimuth"], asked["azimuth"],
                 round(found.azimuth), turn),
        measured("light", "elevation", units["elevation"], asked["elevation"],
                 round(found.elevation), abs(found.elevation - asked["elevation"])),
        measured("light", "direction", units["direction"], 0.0, round(away, 1), away),
        strength,
        measured("light", "kelvin", units["kelvin"], asked["kelvin"], round(found.kelvin), warm),
    ]  # fmt: skip


def _style(look: Look) -> list[Measure]:
    asked = look.guide.shoot.style
    found = look.finish
    grain = style.grain_of(look.picture, look.plain)
    share = asked.strength
    special = asked.palette or asked.references or asked.lut
    note = "a palette, references or a LUT change it too" if special else ""
    rows = []
    if asked.grade is not None:
        error = None if special or share < 1 else float(asked.grade != found.grade)
        rows.append(
            measured("style", "grade", "", asked.grade, found.grade, error, note)
        )  # fmt: skip
    for name, got in (("contrast", found.contrast), ("vignette", found.vignette),
                      ("grain", grain)):  # fmt: skip
        wanted = (getattr(asked, name) or 0.0) * share
        error = None if special and name != "grain" else abs(got - wanted)
        unit = "standard deviation, of 255" if name == "grain" else ""
        rows.append(
            measured("style", name, unit, round(wanted, 3), round(got, 3), error,
                     "" if name == "grain" else note)
        )  # fmt: skip
    colours = [*asked.palette, *colours_of(asked)]
    unit = "CIEDE2000 from the main colours to the nearest asked"
    if colours:
        away = style.palette_distance(look.picture, colours)
        plain = style.palette_distance(look.plain, colours)
        note = f"{plain:.1f} without the style; the garment keeps its own colours"
        rows.append(measured("style", "palette", unit, 0.0, round(away, 2), away, note))
    else:
        rows.append(unmeasured("style", "palette", unit, "no palette was asked for"))
    return rows
