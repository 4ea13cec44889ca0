"""From a person and an outfit to draw calls: layers, their trims, and what hides what."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from lookweave.studio.render import fabrics, head
from lookweave.studio.render.body import (
    JOINT,
    PARTS,
    Array,
    Body,
    canonical,
    normals,
    rig,
    skin,
)  # fmt: skip
from lookweave.studio.render.draw import CLOTH, HAIR, SCENE, SKIN, Mesh, Part
from lookweave.studio.render.garments import carried, loft, trim
from lookweave.studio.render.garments.cut import ARM, Cut
from lookweave.studio.render.garments.kinds import FREE_UV, LEGGED, SEAMLESS, Garment
from lookweave.studio.render.garments.shell import coordinates, drape, region
from lookweave.studio.render.poses import Posed

# Ids in the id buffer: 0 nothing, 1.. persons' parts, then props and scenery.
SKIN_ID, HAIR_ID, SHOES_ID, GLASSES_ID = 1, 2, 3, 4
FIRST_GARMENT_ID = 10
PERSON_STRIDE = 30  # the second person's ids start here
SCENE_ID = 200
FOREGROUND_ID = 250

_LAYER = {"bottom": 1, "dress": 1, "top": 2, "outer": 4, "scarf": 6, "hat": 6, "bag": 6}


@dataclass(frozen=True)
class Person:
    """Who wears the outfit."""

    body: Body
    skin: tuple[float, float, float]
    hair: tuple[float, float, float]
    hair_style: str
    shoe: str
    shoe_colour: tuple[float, float, float]
    glasses: bool = False
    seed: int = 0


@dataclass
class Dressed:
    """The draw calls of a dressed person and where each garment is."""

    parts: list[Part]
    ids: dict[int, int]  # index in the outfit -> id in the id buffer
    surface: Array  # (N, 3) world points of skin and cloth, for framing and scarves


def _layer(garment: Garment) -> int:
    if garment.slot == "top" and garment.tucked:
        return 0
    return _LAYER[garment.slot]


def cover(garment: Garment) -> Cut | None:
    """The part of the body that `garment` hides for good, or None for accessories."""
    if garment.slot in ("scarf", "hat", "bag"):
        return None
    if garment.loft is None:
        return garment.cut
    if garment.cut.open_bottom > 0:
        return replace(garment.cut, bottom=0.95)
    return replace(garment.cut, bottom=garment.loft.hem + 0.05)


@cache
def _upward() -> Array:
    """(R, 3) the warp direction at rest: up the trunk and legs, towards the shoulder on arms."""
    coords = region().canonical
    arm = np.clip((coords[:, 3] - 0.4) / 0.2, 0, 1)[:, None]
    sleeve = np.stack(
        [-ARM[0] * np.sign(coords[:, 0]), np.full(len(coords), -ARM[1]), np.zeros(len(coords))], 1
    )
    return np.array([0.0, 1.0, 0.0]) * (1 - arm) + sleeve * arm


@cache
def _skin_tint() -> Array:
    shared = rig()
    return np.stack(
        [shared.lips, shared.part == PARTS["eye"], shared.part == PARTS["mouth"],
         np.zeros(len(shared.part))], 1
    ).astype(float)  # fmt: skip


def dress(
    person: Person, posed: Posed, outfit: list[Garment], first_id: int = 0, show_body: bool = True
) -> Dressed:
    """Dress `person` in `outfit`; the n-th garment gets id ``first_id + FIRST_GARMENT_ID + n``."""
    shared, area = rig(), region()
    order = sorted(range(len(outfit)), key=lambda n: _layer(outfit[n]))
    covers = {n: cover(outfit[n]) for n in order}
    parts: list[Part] = []
    left = posed.affine[JOINT["pelvis"]][:, 0]
    pelvis_up = posed.affine[JOINT["pelvis"]][:, 1]
    bare = skin(person.body.vertices, shared.weights, posed.affine)
    surface = [bare[area.index]]
    bends = _bends(area.refine @ area.canonical, posed)
    up = skin_directions(_upward(), area.weights, posed.affine)
    sitting = posed.pose.sits
    for place, n in enumerate(order):
        garment = outfit[n]
        ident = first_id + FIRST_GARMENT_ID + n
        above = [covers[m] for m in order[place + 1 :]]
        hidden = [c.uniforms() for c in above if c is not None]
        if garment.slot == "scarf":
            points = np.concatenate(surface)
            meshes = carried.scarf(person.body, posed, points, 0.42, garment.seed)
            parts += [_cloth_part(garment, mesh, ident, Cut(), [], FREE_UV) for mesh in meshes]
            continue
        if garment.slot == "hat":
            for mesh, piece in head.hat(person.body, posed, garment.style):
                part = _cloth_part(garment, mesh, ident, Cut(), [], FREE_UV)
                if piece != "crown" and garment.style in ("brim", "beret", "beanie"):
                    part.values["base"] = (0.82,) * 3 if piece == "band" else (1.0, 1.0, 1.0)
                parts.append(part)
            continue
        if garment.slot == "bag":
            parts += _bag_parts(garment, posed, ident)
            continue
        # Every layer needs room for those below it.
        room = 0.004 * place + (0.006 if garment.slot == "outer" else 0.0)
        fit = replace(
            garment.fit, chest=garment.fit.chest + room, waist=garment.fit.waist + room,
            hip=garment.fit.hip + room, arm=garment.fit.arm + room, cuff=garment.fit.cuff + room,
            shoulder=garment.fit.shoulder + room,
        )  # fmt: skip
        cloth = drape(person.body, fit)
        coords = area.refine @ coordinates(cloth, person.body, garment.loft is not None)
        world = area.refine @ skin(cloth, area.weights, posed.affine)
        if garment.loft is None or "skirt" not in garment.kind:
            distance = garment.cut.distance(coords)
            keep = distance[area.fine_faces].max(1) > -0.02
            faces = area.fine_faces[keep]
            mesh = Mesh(
                world, normals(world, area.fine_faces), faces, coords, area.refine @ up, None,
                np.stack([bends, 0 * bends, 0 * bends, 0 * bends], 1),
            )  # fmt: skip
            joined = SEAMLESS if garment.loft is not None else 0
            parts.append(
                _cloth_part(garment, mesh, ident, garment.cut, hidden, garment.detail | joined)
            )
            if garment.collar:
                edges = garment.cut.edges(coords)
                ring = trim.trace(edges["neck"], coords, world, area.fine_faces)
                if ring is not None:
                    axis = posed.affine[JOINT["chest"]][:, :3] @ np.array([0.0, 0.94, 0.34])
                    ahead = posed.affine[JOINT["chest"]][:, 2]
                    mesh = trim.collar(ring, axis, ahead, garment.collar)
                    part = _cloth_part(garment, mesh, ident, Cut(), [], FREE_UV)
                    part.values["fold"] = (0.12, 0.2, 0.2, 0.1)
                    parts.append(part)
            surface.append(world[::7])
        if garment.loft is not None:
            under = (
                world
                if "skirt" not in garment.kind
                else area.refine @ skin(cloth, area.weights, posed.affine)
            )
            mesh, _ = loft.build(
                under, replace(garment.loft, air=0.002), left, pelvis_up, garment.seed, sitting
            )
            hem_cut = Cut(
                bottom=garment.loft.hem, top=garment.loft.top,
                open_top=garment.cut.open_top, open_bottom=garment.cut.open_bottom,
            )  # fmt: skip
            part = _cloth_part(garment, mesh, ident, hem_cut, hidden, garment.detail | FREE_UV)
            if "skirt" not in garment.kind:
                part.values["detail"] |= SEAMLESS
            hem = 0.012 if "skirt" in garment.kind or "dress" in garment.kind else 0.03
            waist = 0.034 if "skirt" in garment.kind else 0.0
            part.values["band"] = (0.0, hem, 0.0, waist)
            part.values["print"] = (0.0, 0.0, 0.0, 0.0)
            parts.append(part)
            surface.append(mesh.position[::5])
    if show_body:
        parts += _person_parts(person, posed, bare, outfit, covers, first_id)
    ids = {n: first_id + FIRST_GARMENT_ID + n for n in range(len(outfit))}
    return Dressed(parts, ids, np.concatenate(surface))


def skin_directions(directions: Array, weights: Any, affine: Array) -> Array:
    """Turn rest directions with the blended rotations of their vertices."""
    blended = (weights @ affine[:, :, :3].reshape(len(affine), 9)).reshape(-1, 3, 3)
    return np.asarray(np.einsum("vab,vb->va", blended, directions))


def _bends(coords: Array, posed: Posed) -> Array:
    """(F,) 0..1: how much the cloth at each vertex is creased by a bent joint."""
    side = coords[:, 0] > 0
    along = (np.abs(coords[:, 0]) - 0.17) * ARM[0] + (coords[:, 1] - 1.489) * ARM[1]
    on_arm = coords[:, 3] > 0.4

    def near(value: Array, centre: float, width: float) -> Array:
        return np.exp(-(((value - centre) / width) ** 2))

    total = np.zeros(len(coords))
    for word, mine in (("left", side), ("right", ~side)):
        elbow, knee = posed.bend[f"elbow_{word}"] / 90, posed.bend[f"knee_{word}"] / 90
        hip = posed.bend[f"hip_{word}"] / 90
        total += mine * on_arm * (0.25 + elbow) * near(along, 0.29, 0.10)
        total += mine * on_arm * 0.4 * near(along, 0.52, 0.06)
        total += mine * ~on_arm * (0.15 + knee) * near(coords[:, 1], 0.52, 0.09)
        total += mine * ~on_arm * hip * near(coords[:, 1], 0.95, 0.08)
        total += mine * ~on_arm * 0.35 * near(coords[:, 1], 0.12, 0.10)
    total += ~on_arm * (0.15 + posed.bend["waist"] / 40) * near(coords[:, 1], 1.13, 0.10)
    return np.clip(total, 0, 1.3)


def _cloth_part(
    garment: Garment, mesh: Mesh, ident: int, cut: Cut, covers: list[Any], detail: int
) -> Part:
    fabric = garment.fabric
    colour, height = fabrics.textures(fabric)
    across = 0.42
    textures = {"albedo": colour, "height": height, "noise": fabrics.folds()}
    values: dict[str, Any] = {
        "cut": cut.uniforms(), "base": (1.0, 1.0, 1.0), "accent": garment.accent,
        "thread": garment.thread, "repeat": (fabric.scale, fabric.scale),
        "relief": fabric.relief, "gloss": fabric.gloss, "metal": fabric.metal,
        "sparkle": 0.9 if fabric.material == "sequin" else 0.0,
        "fold": (fabric.fold, across, 1.5, (garment.seed % 97) / 97),
        "band": garment.band, "band_rib": garment.rib, "detail": detail,
    }  # fmt: skip
    if garment.text or garment.emblem:
        textures["print"] = fabrics.placed_print(
            garment.text, garment.emblem, *garment.print_colours
        )
        values["print"] = (0.0, 1.31, 0.125, 0.125)
        if garment.slot == "bag":
            size = 0.10 if garment.style == "tote" else 0.075
            values["print"] = (0.0, 0.16 if garment.style == "tote" else 0.11, size, size)
    if (
        detail & FREE_UV
        and not detail & LEGGED
        and mesh.canonical is not None
        and mesh.canonical[0, 1] == 0
    ):
        values["band"] = (0.0, 0.0, 0.0, 0.0)
    return Part(mesh, CLOTH, ident, values, textures, covers)


def _bag_parts(garment: Garment, posed: Posed, ident: int) -> list[Part]:
    hand = min((posed.joints[JOINT[f"fingers.{side}"]] for side in "RL"), key=lambda p: p[1])
    ahead = posed.affine[JOINT["pelvis"]][:, 2]
    drop = {"tote": 0.20, "handbag": 0.11, "bucket": 0.16}[garment.style]
    parts = []
    for mesh, piece in carried.bag(hand - np.array([0, 0.02, 0]), ahead, garment.style, drop):
        part = _cloth_part(garment, mesh, ident, Cut(), [], FREE_UV)
        part.values["fold"] = (0.14, 0.3, 0.3, (garment.seed % 97) / 97)
        if piece == "handle":
            part.values["print"] = (0.0, 0.0, 0.0, 0.0)
            part.values["base"] = (0.8, 0.8, 0.8)
        parts.append(part)
    return parts


def _person_parts(
    person: Person, posed: Posed, bare: Array, outfit: list[Garment],
    covers: dict[int, Cut | None], first_id: int,
) -> list[Part]:  # fmt: skip
    shared = rig()
    noise = {"noise": fabrics.noise()}
    hides = [c.uniforms() for c in covers.values() if c is not None]
    hides.append(Cut(top=carried.SHOE_TOPS[person.shoe], sleeve=-9.0).uniforms())
    lips = np.clip(np.asarray(person.skin) * (0.85, 0.48, 0.50), 0, 1)
    brow = tuple(0.6 * c for c in person.hair)
    parts = [
        Part(
            Mesh(
                bare,
                normals(bare, shared.faces),
                shared.faces,
                canonical(),
                None,
                None,
                _skin_tint(),
            ),
            SKIN,
            first_id + SKIN_ID,
            {"base": person.skin, "accent": tuple(lips), "thread": brow},
            noise,
            hides,
        )
    ]
    hats = [g for g in outfit if g.slot == "hat"]
    style = person.hair_style
    if hats and style in ("afro", "bun", "short"):
        style = "crop"
    for mesh in head.hair(person.body, posed, style, person.seed):
        parts.append(Part(mesh, HAIR, first_id + HAIR_ID, {"base": person.hair}, noise))
    sole = (0.72, 0.72, 0.70) if person.shoe == "sneaker" else (0.03, 0.025, 0.02)
    for mesh, piece in carried.shoes(person.body, posed, person.shoe):
        values = {
            "base": sole if piece == "sole" else person.shoe_colour, "detail": FREE_UV,
            "gloss": 0.1 if person.shoe == "sneaker" else 0.5, "fold": (0.06, 0.2, 0.2, 0.3),
            "pattern": 20 if person.shoe == "sneaker" and piece == "upper" else 0,
        }  # fmt: skip
        textures = {"noise": fabrics.folds()}
        over = hides[:-1] if piece == "shaft" else []
        parts.append(Part(mesh, CLOTH, first_id + SHOES_ID, values, textures, over))
    if person.glasses:
        for mesh in head.glasses(person.body, posed):
            parts.append(
                Part(
                    mesh,
                    SCENE,
                    first_id + GLASSES_ID,
                    {"base": (0.012, 0.012, 0.014), "gloss": 1.0},
                )
            )
    return parts
