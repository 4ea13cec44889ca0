"""One guide for every generator: the dressed person, the place and the light, as pictures.

A generator may paste it (the embedded one does), or be steered by any of its layers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lookweave.photos.decode import load
from lookweave.studio.render import scenes
from lookweave.studio.render.body import JOINT, Array, rig, skin
from lookweave.studio.render.camera import Camera
from lookweave.studio.render.cloth import Fabric
from lookweave.studio.render.develop import crevices, halve
from lookweave.studio.render.draw import Float32, Layer, Part, Renderer
from lookweave.studio.render.dress import FIRST_GARMENT_ID, SCENE_ID, dress
from lookweave.studio.render.fabrics import linear
from lookweave.studio.render.garments import tailor
from lookweave.studio.render.garments.kinds import CENTRE_CREASE, Garment
from lookweave.studio.render.lights import Lighting
from lookweave.studio.render.poses import Posed
from lookweave.studio.render.scenery import Scene, seat
from lookweave.studio.shoot import light as lights
from lookweave.studio.shoot import plates, template
from lookweave.studio.shoot.choose import person_of
from lookweave.studio.shoot.colours import luminance
from lookweave.studio.shoot.fit import Fitted
from lookweave.studio.shoot.record import Shoot
from lookweave.studio.shoot.stance import camera_of, stand

SAMPLES = 2  # of the person, a pixel and axis
_PLACE = 0.78  # a place is lit a little less than the person, as photographers flag it off
_FOCUS = (np.array([0.0, 0.9, 0.0]), 1.35)
_EVEN = Lighting(
    np.array([0.0, 0.0, 1.0]), np.zeros(3), np.array([[1 / 0.282095] * 3, *[[0.0] * 3] * 8]),
    shadows=False,
)  # fmt: skip


@dataclass(frozen=True)
class Guide:
    """What a picture is to show. H x W is the picture; light is linear and exposed.

    Attributes:
        shoot: with every value stated.
        composite: float32 (H, W, 3) everything together, in focus.
        person: float32 (H, W, 3) the dressed person, times `cover`.
        cover: float32 (H, W) how much of a pixel the person takes, 0..1.
        plate: float32 (H, W, 3) the place alone, in focus.
        garments: float32 (H, W, 3) the photographed garments alone, 0 elsewhere.
        confidence: float32 (H, W) how far they are known from photos; 0 where invented or none.
        depth: float32 (H, W) metres before the camera, inf where nothing is.
        normals: float32 (H, W, 3) in the world; 0 where nothing is.
        ids: uint8 (H, W) as `render.dress` numbers them: the n-th garment is
            FIRST_GARMENT_ID + n.
        shading: float32 (H, W, 3) what a white surface there would send out, without cast shadows.
        albedo: float32 (H, W, 3) the person under even white light; 0 elsewhere.
        joints: (17, 2) COCO joints in pixels; `world`: (17, 3) in metres.
        camera, lighting: of the renderer.
    """

    shoot: Shoot
    composite: Float32
    person: Float32
    cover: Float32
    plate: Float32
    garments: Float32
    confidence: Float32
    depth: Float32
    normals: Float32
    ids: NDArray[np.uint8]
    shading: Float32
    joints: Array
    world: Array
    camera: Camera
    lighting: Lighting
    albedo: Float32


def guide(renderer: Renderer, shoot: Shoot, fitted: Sequence[Fitted]) -> Guide:
    """The guide of a shoot with every value stated; `fitted` are its garments, in their order.

    Raises:
        Rejected: the plate cannot be read.
    """
    who = person_of(shoot.wearer)
    stance = stand(who.body, shoot.pose)
    outfit = [template.garment(one.template, one.category) for one in fitted]
    dressed = dress(who, stance, [*outfit, *_companions(shoot, fitted)])
    for part in dressed.parts:
        number = part.id - FIRST_GARMENT_ID
        if 0 <= number < len(fitted):
            fitted[number].show(part)
        elif number >= 0:  # what completes the outfit hangs smoothly
            strength, *rest = part.values["fold"]
            part.values["fold"] = (0.45 * strength, *rest)
    bare = skin(who.body.vertices, rig().weights, stance.affine)
    world = np.asarray(rig().coco @ bare)
    camera = camera_of(shoot.camera, stance, world, shoot.size)
    plate, place = None, None
    if shoot.scene.plate is not None:
        plate = plates.fitted(load(shoot.scene.plate, max_side=3000).pixels, shoot.size)
        own = lights.from_plate(plate.astype(float))
    else:
        place = _place(shoot)
        own = place.lighting
    stated = shoot.light
    if stated.source is not None:
        found = lights.stated(own)
        stated = stated.model_copy(
            update={k: v for k, v in found.items() if getattr(stated, k) is None}
        )
        shoot = shoot.model_copy(update={"light": stated})
    lighting = lights.lighting(stated, own)
    parts = [*dressed.parts, *_seat(shoot, stance, place)]
    frame = renderer.render(
        parts, camera, lighting, shoot.size, SAMPLES, None if place is None else place.parts, _FOCUS
    )
    near = replace(frame, scenery=None).merged()
    cover = halve((frame.person.id > 0).astype(np.float32), SAMPLES)
    shade = crevices(near.depth, near.id, 0.6)
    person = halve(frame.person.colour, SAMPLES) * shade[..., None]
    far_depth = None
    if place is not None:
        assert frame.scenery is not None
        drawn = (frame.scenery.id > 0)[..., None]
        plate = np.where(drawn, frame.scenery.colour, place.backdrop).astype(np.float32)
        plate = plate * np.float32(_PLACE)
        far_depth = frame.scenery.depth
    assert plate is not None
    if place is None:
        plate = plates.grounded(plate, camera, world, lighting)
    mine = (near.id >= FIRST_GARMENT_ID) & (near.id < FIRST_GARMENT_ID + len(fitted))
    truth = near if far_depth is None else frame.merged()
    joints, _ = camera.project(world, shoot.size)
    return Guide(
        shoot, (person + plate * (1 - cover[..., None])).astype(np.float32), person, cover,
        np.asarray(plate, np.float32), np.where(mine[..., None], near.colour, 0).astype(np.float32),
        np.where(mine, near.trust, 0).astype(np.float32), truth.depth,
        np.where(truth.id[..., None] > 0, truth.normal, 0).astype(np.float32), truth.id,
        _shaded(truth, lighting), joints, world, camera, lighting,
        renderer.render(parts, camera, _EVEN, shoot.size).person.colour,
    )  # fmt: skip


def _shaded(truth: Layer, lighting: Lighting) -> Float32:
    there = truth.id > 0
    out = np.zeros(truth.normal.shape, np.float32)
    out[there] = lighting.shade(truth.normal[there].astype(float))
    return out


def _place(shoot: Shoot) -> Scene:
    scene = shoot.scene
    assert scene.name is not None
    seed = shoot.seed if scene.seed is None else scene.seed
    rng = np.random.default_rng([seed, *scene.name.encode()])
    return scenes.build(scene.name, rng, 0.3)


def _seat(shoot: Shoot, stance: Posed, place: Scene | None) -> list[Part]:
    if not stance.pose.sits:
        return []
    pelvis = stance.joints[JOINT["pelvis"]]
    ahead = stance.affine[JOINT["pelvis"]][:, 2]
    turn = float(np.degrees(np.arctan2(ahead[0], ahead[2])))
    rng = np.random.default_rng([shoot.seed, 7])
    style = "box" if place is None else place.seat
    return seat(style, float(pelvis[1] - 0.115), pelvis, turn, rng)


# What completes an outfit stays in the background: plain cloth in quiet colours, sRGB.
_BOTTOMS = ((42, 46, 58), (212, 200, 178), (70, 74, 82), (38, 36, 38))
_TOPS = ((236, 233, 226), (52, 52, 56), (200, 192, 178), (120, 124, 128))


def _companions(shoot: Shoot, fitted: Sequence[Fitted]) -> list[Garment]:
    """Plain garments that complete the outfit, of another lightness than what is shown."""
    families = {one.template.family for one in fitted}
    uppers = [one for one in fitted if one.template.family == template.UPPER]
    long = template.WHOLE in families or any(one.template.hem < 0.80 for one in uppers)
    digest = hashlib.sha256("".join(one.key for one in fitted).encode()).digest()
    pick = np.random.default_rng([shoot.wearer.seed or shoot.seed, digest[0]])
    colour = np.concatenate([one.texture[::16, ::16].reshape(-1, 4) for one in fitted])
    shown = colour[colour[:, 3] > 40][:, :3] / 255.0
    lightness = float(luminance(shown**2).mean()) if len(shown) else 0.3
    added = []
    choices: tuple[tuple[int, int, int], ...]
    if not long and not families & {template.LEGS, template.SKIRT}:
        choices = _BOTTOMS if lightness > 0.45 else (_BOTTOMS[1], (150, 152, 156), *_BOTTOMS[:1])
        added.append(_plain("trousers", choices[int(pick.integers(len(choices)))], "poplin"))
    if not uppers and template.WHOLE not in families:
        choices = _TOPS[1:2] + _TOPS[3:] if lightness > 0.45 else _TOPS[:1] + _TOPS[2:3]
        added.append(_plain("t-shirt", choices[int(pick.integers(len(choices)))], "jersey"))
    return added


def _plain(kind: str, colour: tuple[int, int, int], weave: str) -> Garment:
    rgb = linear(colour)
    cloth = Fabric("plain", "", "cotton", weave, (rgb,) * 4, 0.12, 3)
    made = tailor.draw(np.random.default_rng(11 if kind == "trousers" else 4), kind)
    made = replace(
        made, fabric=cloth, colour="grey", accent=rgb, thread=rgb, text="", emblem="",
        detail=made.detail & ~CENTRE_CREASE,
    )  # fmt: skip
    if kind == "t-shirt":
        cut = replace(made.cut, bottom=0.96, sleeve=0.19, armhole=0.0, vee=9.0, neck=0.106)
        slim = replace(made.fit, chest=0.010, waist=0.006, hip=0.004, taper=0.8)
        return replace(made, cut=cut, fit=slim, tucked=True, detail=0)
    cut = replace(made.cut, bottom=0.06, top=1.11)
    return replace(made, cut=cut, fit=replace(made.fit, leg=0.014, ankle=0.04))


def garment_ids(count: int) -> range:
    """The ids of the photographed garments in `Guide.ids`."""
    return range(FIRST_GARMENT_ID, FIRST_GARMENT_ID + count)


def people_mask(ids: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where the person (with clothes) is."""
    return (ids > 0) & (ids < SCENE_ID)
