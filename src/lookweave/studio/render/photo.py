"""Taking the pictures: a product photo of a garment, an editorial photo of a look."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookweave.studio.render import scenery
from lookweave.studio.render.body import JOINT, Array, mix, rig, skin
from lookweave.studio.render.camera import Camera
from lookweave.studio.render.develop import Develop, Foreground, develop
from lookweave.studio.render.draw import Frame, Renderer
from lookweave.studio.render.dress import FOREGROUND_ID, PERSON_STRIDE, Dressed, Person, dress
from lookweave.studio.render.garments.kinds import Garment
from lookweave.studio.render.lights import Lighting, direction, surround
from lookweave.studio.render.poses import PRODUCT, Pose, Posed, posed
from lookweave.studio.render.scenery import Scene

SIZE = (512, 768)  # width, height
SAMPLES = 2  # supersampling per axis


@dataclass(frozen=True)
class Panel:
    """One exposure on a page; an ordinary photo has one that fills it."""

    box: tuple[int, int, int, int]  # xyxy in pixels of the page
    camera: Camera
    lighting: Lighting
    scene: str
    persons: tuple[int, ...]  # indices into Photo.dressed and Photo.joints


@dataclass
class Photo:
    """A finished photograph or page with everything that is true of it."""

    image: NDArray[np.uint8]  # (H, W, 3)
    ids: NDArray[np.uint8]  # (H, W)
    frame: Frame
    panels: list[Panel]
    dressed: list[Dressed] = field(default_factory=list)
    joints: list[Array] = field(default_factory=list)  # per person (17, 3) world
    notes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Framing:
    """Where the camera stands. Distances in metres, angles in degrees."""

    azimuth: float = 0.0
    height: float = 1.1
    low: float = 0.0  # lowest and highest height of the person in the picture
    high: float = 1.9
    shift: float = 0.0  # person's place across the picture, -1..1
    field_of_view: float = 26.0
    roll: float = 0.0


_CATALOGUE = Develop(blur=0.0, occlusion=0.5, bloom=False, shoulder=False)
_PRODUCT_LIGHT = Lighting(
    direction(-38, 42),
    np.full(3, 0.62),
    surround(np.full(3, 0.58), np.full(3, 0.40), np.full(3, 0.28)),
    direction(150, 30),
    np.full(3, 0.10),
    softness=5.0,
    name="catalogue",
)


def product(
    renderer: Renderer, garment: Garment, female: bool, size: tuple[int, int] = SIZE
) -> Photo:
    """The garment as a catalogue shows it: front, on white, on an invisible body."""
    body = mix(female, 1, 8, 0.5)
    person = Person(body, (0, 0, 0), (0, 0, 0), "buzz", "loafer", (0, 0, 0))
    stance = posed(body, PRODUCT)
    dressed = dress(person, stance, [garment], show_body=False)
    points = np.concatenate([_visible(part.mesh.position, part) for part in dressed.parts])
    camera = fit_camera(points, size, 20.0, margin=0.10, rise=0.02)
    centre = 0.5 * (points.min(0) + points.max(0))
    radius = float(np.linalg.norm(points - centre, axis=1).max()) * 1.05
    frame = renderer.render(
        dressed.parts, camera, _PRODUCT_LIGHT, size, SAMPLES, None, (centre, radius)
    )
    rng = np.random.default_rng(garment.seed)
    image = develop(frame, _CATALOGUE, np.ones(3), rng)
    panel = Panel((0, 0, *size), camera, _PRODUCT_LIGHT, "catalogue", ())
    return Photo(image, frame.merged().id, frame, [panel], [dressed])


def _visible(points: Array, part: Any) -> Array:
    """The vertices of a part that its own cut leaves."""
    from lookweave.studio.render.garments.cut import Cut

    if part.mesh.canonical is None or part.mesh.canonical[0, 1] == 0:
        return points
    own = Cut(*(float(v) for v in part.values["cut"]))
    kept = own.distance(part.mesh.canonical) > 0
    used = np.zeros(len(points), bool)
    used[part.mesh.faces.ravel()] = True
    return points[kept & used]


def fit_camera(
    points: Array, size: tuple[int, int], field_of_view: float, margin: float, rise: float = 0.0
) -> Camera:
    """A level camera in front of `points` that shows all of them."""
    low, high = points.min(0), points.max(0)
    centre = 0.5 * (low + high)
    span = high - low
    tangent = np.tan(np.deg2rad(field_of_view) / 2)
    need = max(span[1] / 2 / tangent, span[0] / 2 / (tangent * size[0] / size[1])) * (
        1 + 2 * margin
    )
    eye = np.array([centre[0], centre[1] + rise * need, high[2] + need])
    return Camera(eye, centre, field_of_view)


def frame_camera(middle: float, top: float, framing: Framing, size: tuple[int, int]) -> Camera:
    """A camera that shows people around x = `middle` between two heights; `top` is their crown."""
    low, high = framing.low, min(framing.high, top + 0.10)
    tangent = np.tan(np.deg2rad(framing.field_of_view) / 2)
    distance = (high - low) / 2 / tangent * 1.06
    a = np.deg2rad(framing.azimuth)
    across = framing.shift * distance * tangent * size[0] / size[1]
    target = np.array([middle, 0.5 * (low + high), 0.0])
    offset = np.array([np.cos(a), 0, -np.sin(a)]) * across
    eye = target + np.array([np.sin(a), 0.0, np.cos(a)]) * distance
    eye[1] = framing.height
    return Camera(eye + offset, target + offset, framing.field_of_view, framing.roll)


@dataclass(frozen=True)
class Figure:
    """One person in a look: who, in what, how and where on the ground."""

    person: Person
    garments: tuple[Garment, ...]
    pose: Pose
    yaw: float = 0.0
    place: tuple[float, float] = (0.0, 0.0)  # x and z in metres


def look(
    renderer: Renderer, figures: list[Figure], scene: Scene, framing: Framing,
    finish: Develop, rng: np.random.Generator, size: tuple[int, int] = SIZE,
    front: Foreground | None = None, first_person: int = 0,
) -> Photo:  # fmt: skip
    """An editorial photograph of one or more people in `scene`.

    In the id buffer they are persons `first_person` and up.
    """
    dressed: list[Dressed] = []
    joints: list[Array] = []
    parts = []
    shared = rig()
    for number, figure in enumerate(figures):
        stance = _placed(posed(figure.person.body, figure.pose, figure.yaw), figure.place)
        first_id = PERSON_STRIDE * (first_person + number)
        made = dress(figure.person, stance, list(figure.garments), first_id)
        dressed.append(made)
        parts += made.parts
        bare = skin(figure.person.body.vertices, shared.weights, stance.affine)
        joints.append(np.asarray(shared.coco @ bare))
        if figure.pose.sits:
            pelvis = stance.joints[JOINT["pelvis"]]
            ahead = stance.affine[JOINT["pelvis"]][:, 2]
            turn = float(np.degrees(np.arctan2(ahead[0], ahead[2])))
            parts += scenery.seat(scene.seat, float(pelvis[1] - 0.115), pelvis, turn, rng)
    crown = max(float(points[:, 1].max()) for points in joints) + 0.14
    middle = float(np.mean([figure.place[0] for figure in figures]))
    camera = frame_camera(middle, crown, framing, size)
    frame = renderer.render(
        parts, camera, scene.lighting, size, SAMPLES, scene.parts, (np.array([0.0, 0.9, 0.0]), 1.35)
    )
    image = develop(frame, finish, scene.backdrop, rng, front)
    ids = frame.merged().id
    if front is not None:
        ids = np.where(front.alpha > 0.5, np.uint8(FOREGROUND_ID), ids)
    notes = {"scene": scene.name, "poses": [figure.pose.name for figure in figures]}
    panel = Panel((0, 0, *size), camera, scene.lighting, scene.name, tuple(range(len(figures))))
    return Photo(image, ids, frame, [panel], dressed, joints, notes)


def _placed(stance: Posed, place: tuple[float, float]) -> Posed:
    shift = np.array([place[0], 0.0, place[1]])
    affine = stance.affine.copy()
    affine[:, :, 3] += shift
    return replace(stance, affine=affine, joints=stance.joints + shift)
