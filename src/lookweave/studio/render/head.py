"""Hair, hats and glasses: built around the canonical head, then moved with the posed one."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from lookweave.studio.render.body import (
    JOINT,
    PARTS,
    Array,
    Body,
    canonical,
    normals,
    reference,
    rig,
    skin,
)  # fmt: skip
from lookweave.studio.render.draw import Mesh
from lookweave.studio.render.garments.loft import grid_faces, tube
from lookweave.studio.render.poses import Posed

CENTRE = np.array([0.0, 1.742, 0.035])  # of the canonical skull
HAIR_STYLES = ("crop", "short", "bob", "long", "bun", "ponytail", "afro", "buzz")
HAT_STYLES = ("beanie", "cap", "brim", "bucket", "beret")


def fit(points: Array, body: Body) -> Array:
    """Move points made for the canonical head onto the head of `body` at rest."""
    ref = reference()
    here, there = body.joint("head"), ref.joint("head")
    grow = (body.vertices[:, 1].max() - here[1]) / (ref.vertices[:, 1].max() - there[1])
    return np.asarray(here + (points - there) * grow)


def move(points: Array, body: Body, posed: Posed) -> Array:
    """Points made for the canonical head, on the posed head."""
    affine = posed.affine[JOINT["head"]]
    return np.asarray(fit(points, body) @ affine[:, :3].T + affine[:, 3])


@cache
def _scalp() -> tuple[NDArray[np.int64], NDArray[np.int32], Array]:
    """Smoothed skull vertices: index, faces, smoothed canonical positions."""
    shared = rig()
    points = canonical()[:, :3].copy()
    wanted = (shared.part == PARTS["head"]) & (points[:, 1] > 1.60)
    index = np.flatnonzero(wanted)
    back = -np.ones(len(wanted), np.int64)
    back[index] = np.arange(len(index))
    numbered = back[shared.faces]
    faces = numbered[(numbered >= 0).all(1)].astype(np.int32)
    return index, faces, points[index]


def hair(body: Body, posed: Posed, style: str, seed: int) -> list[Mesh]:
    """Meshes of a hair style; the tint's first channel is the distance inside the hairline."""
    rng = np.random.default_rng(seed)
    shared = rig()
    index, faces, place = _scalp()
    thick = {"crop": 0.012, "buzz": 0.003, "afro": 0.042, "short": 0.020}.get(style, 0.016)
    # An ellipsoid hull replaces ears and face so that hair is not painted on the skin.
    rel = (place - CENTRE) / np.array([0.078, 0.104, 0.100])
    size = np.linalg.norm(rel, axis=1, keepdims=True)
    hull = CENTRE + rel / size * np.array([0.078, 0.104, 0.100])
    lump = (
        0.25 * np.sin(rel[:, 0] * 9 + rng.uniform(0, 6)) * np.sin(rel[:, 1] * 8 + rng.uniform(0, 6))
    )
    outward = (hull - CENTRE) / np.linalg.norm(hull - CENTRE, axis=1, keepdims=True)
    own = normals(place, faces)
    top = np.clip((place[:, 1] - 1.70) / 0.12, 0, 1)
    if style == "afro":
        # Full at the crown and the back, close to the skin at the hairline.
        depth = np.clip((place[:, 1] - 1.66) / 0.08, 0, 1) * np.clip(
            (0.13 - place[:, 2]) / 0.07, 0, 1
        )
        surface = place + own * 0.012 + outward * (thick * (0.4 + 0.6 * top) * depth)[:, None]
        surface = surface + outward * (0.006 * lump)[:, None]
    else:
        surface = place + own * (thick * (0.55 + 0.6 * top) * (1 + lump))[:, None]
    # Hairline: high on the forehead, around the ears, low in the nape.
    z = place[:, 2]
    line = np.interp(z, [-0.02, 0.035, 0.06, 0.085, 0.12], [1.655, 1.690, 1.735, 1.762, 1.792])
    inside = place[:, 1] - line - 0.10 * np.clip(np.abs(place[:, 0]) - 0.0, 0, 0.02) * 0
    keep = inside[faces].max(1) > -0.012
    world = skin(fit(surface, body), shared.weights[index], posed.affine)
    polar = np.arctan2(place[:, 0], place[:, 2] - 0.03)
    uv = np.stack([polar * 0.09, place[:, 1]], 1)
    tint = np.stack([inside, top, top, top], 1)
    down = np.tile(-posed.affine[JOINT["head"]][:, 1], (len(place), 1))
    meshes = [Mesh(world, normals(world, faces), faces[keep], None, down, uv, tint)]
    if style in ("bob", "long"):
        meshes.append(_curtain(body, posed, 1.60 if style == "bob" else 1.40, rng))
    if style == "bun":
        meshes.append(_ball(body, posed, np.array([0, 1.80, -0.085]), 0.047))
    if style == "ponytail":
        path = np.array(
            [[0, 1.80, -0.06], [0, 1.815, -0.115], [0.01, 1.77, -0.155], [0.015, 1.68, -0.16],
             [0.01, 1.58, -0.145], [0.0, 1.48, -0.14], [0, 1.42, -0.14]]
        )  # fmt: skip
        path = ndimage.zoom(path, (3, 1), order=1)
        width = np.interp(
            np.linspace(0, 1, len(path)), [0, 0.15, 0.5, 1], [0.018, 0.03, 0.034, 0.006]
        )
        mesh = tube(move(path, body, posed), width, np.array([1.0, 0, 0.01]))
        mesh.tint = np.ones((len(mesh.position), 4))
        meshes.append(mesh)
    return meshes


def _curtain(body: Body, posed: Posed, end: float, rng: np.random.Generator) -> Mesh:
    """Hair that hangs from the crown around the back and sides of the head."""
    rows, columns = 26, 61
    spread = np.linspace(-2.45, 2.45, columns)  # 0 is the back
    share = np.linspace(0, 1, rows)[:, None]
    height = 1.805 + (end - 1.805) * share + 0.012 * np.sin(spread * 5 + rng.uniform(0, 6)) * share
    grow = np.interp(share, [0, 0.12, 0.3, 0.6, 1], [0.62, 0.98, 1.10, 1.12, 1.08])
    strands = 0.004 * np.sin(spread * 17 + 3 * np.sin(spread * 3)) * np.clip(share * 3, 0, 1)
    wide = 0.088 * grow + strands
    deep = 0.110 * grow + strands + 0.02 * np.clip(share - 0.3, 0, 1)
    x = wide * np.sin(spread)
    z = 0.030 - deep * np.cos(spread)
    # Hair in front of the shoulders would cover the garment's collar: sweep it back.
    z = z - 0.055 * np.clip(share - 0.25, 0, 1) * np.clip(z + 0.02, 0, 1) * 10
    grid = np.stack([x, np.broadcast_to(height, x.shape), z], -1)
    flat = grid.reshape(-1, 3)
    head = posed.affine[JOINT["head"]]
    chest = posed.affine[JOINT["chest"]]
    rest = fit(flat, body)
    blend = np.clip((1.68 - flat[:, 1]) / 0.16, 0, 1)[:, None]
    world = (rest @ head[:, :3].T + head[:, 3]) * (1 - blend) + (
        rest @ chest[:, :3].T + chest[:, 3]
    ) * blend
    faces = grid_faces(rows, columns)
    uv = np.stack([np.broadcast_to(spread * 0.1, x.shape), np.broadcast_to(height, x.shape)], -1)
    along = np.gradient(world.reshape(rows, columns, 3), axis=0).reshape(-1, 3)
    ends = 0.05 * (1 - share) + 0.004
    tint = np.stack([np.broadcast_to(ends, x.shape)] * 4, -1).reshape(-1, 4)
    return Mesh(world, normals(world, faces), faces, None, along, uv.reshape(-1, 2), tint)


def _ball(body: Body, posed: Posed, centre: Array, radius: float) -> Mesh:
    rows, columns = 12, 21
    v = np.linspace(0, np.pi, rows)[:, None]
    u = np.linspace(0, 2 * np.pi, columns)[None]
    grid = np.stack([np.sin(v) * np.sin(u), np.cos(v) * np.ones_like(u), np.sin(v) * np.cos(u)], -1)
    points = move((centre + radius * grid).reshape(-1, 3), body, posed)
    faces = grid_faces(rows, columns)
    uv = np.stack(np.broadcast_arrays(u * 0.05, v * 0.05), -1).reshape(-1, 2)
    return Mesh(points, normals(points, faces), faces, None, None, uv, np.ones((len(points), 4)))


def hat(body: Body, posed: Posed, style: str) -> list[tuple[Mesh, str]]:
    """Meshes of a hat, each with the part it is: ``crown``, ``brim`` or ``band``."""
    tilt = {"beanie": -0.16, "beret": -0.10}.get(style, -0.04)
    profiles: dict[str, list[tuple[float, float, str]]] = {
        # (times the head's radius, height above the ears, part)
        "beanie": [(1.22, 0.022, "band"), (1.25, 0.034, "band"), (1.25, 0.072, "band"),
                   (1.20, 0.078, "crown"), (1.17, 0.095, "crown"), (1.02, 0.125, "crown"),
                   (0.70, 0.150, "crown"), (0.30, 0.162, "crown"), (0.0, 0.164, "crown")],
        "cap": [(1.18, 0.036, "crown"), (1.19, 0.07, "crown"), (1.10, 0.105, "crown"),
                (0.80, 0.134, "crown"), (0.35, 0.148, "crown"), (0.0, 0.150, "crown")],
        "brim": [(1.95, 0.040, "brim"), (1.55, 0.030, "brim"), (1.20, 0.034, "brim"),
                 (1.19, 0.036, "band"), (1.17, 0.062, "band"), (1.165, 0.063, "crown"),
                 (1.10, 0.115, "crown"), (0.98, 0.146, "crown"), (0.70, 0.142, "crown"),
                 (0.30, 0.132, "crown"), (0.0, 0.130, "crown")],
        "bucket": [(1.58, 0.000, "brim"), (1.38, 0.026, "brim"), (1.21, 0.046, "brim"),
                   (1.19, 0.048, "crown"), (1.13, 0.110, "crown"), (0.95, 0.128, "crown"),
                   (0.4, 0.132, "crown"), (0.0, 0.133, "crown")],
        "beret": [(1.16, 0.048, "band"), (1.17, 0.062, "band"), (1.34, 0.074, "crown"),
                  (1.45, 0.088, "crown"), (1.36, 0.108, "crown"), (1.0, 0.126, "crown"),
                  (0.45, 0.134, "crown"), (0.0, 0.136, "crown")],
    }  # fmt: skip
    profile = profiles[style]
    columns = 73
    angle = np.linspace(0, 2 * np.pi, columns)
    ears = CENTRE + np.array([0, 0.0, 0.0])
    out = []
    parts = sorted({part for *_, part in profile}, key=lambda p: ("brim", "band", "crown").index(p))
    for part in parts:
        rows = [k for k, (*_, p) in enumerate(profile) if p == part]
        if rows[0] > 0:
            rows = [rows[0] - 1, *rows]
        section = np.array([profile[k][:2] for k in rows])
        fine = np.linspace(0, len(section) - 1, max(4 * len(section), 8))
        radius = np.interp(fine, np.arange(len(section)), section[:, 0])
        height = np.interp(fine, np.arange(len(section)), section[:, 1])
        sag = np.zeros((len(fine), columns))
        if style == "beret" and part == "crown":
            sag = 0.03 * np.sin(angle)[None] * np.clip(radius[:, None] - 0.6, 0, 1)
        grid = np.stack(
            [
                0.0805 * radius[:, None] * np.sin(angle)
                + (0.02 * np.clip(radius[:, None] - 1.1, 0, 1) if style == "beret" else 0),
                height[:, None] - sag,
                0.103 * radius[:, None] * np.cos(angle),
            ],
            -1,
        )
        out.append((_hat_mesh(grid, ears, tilt, body, posed), part))
    if style == "cap":
        spread = np.linspace(-1.25, 1.25, 25)
        reach = np.linspace(0, 1, 8)[:, None]
        edge = 1 + 0.68 * reach * np.cos(spread * 0.95) ** 0.8
        grid = np.stack(
            [
                0.092 * edge * np.sin(spread),
                0.040 - 0.020 * reach - 0.03 * np.sin(spread) ** 2 * reach,
                0.118 * edge * np.cos(spread),
            ],
            -1,
        )
        out.append((_hat_mesh(grid, ears, tilt, body, posed), "brim"))
    return out


def _hat_mesh(grid: Array, ears: Array, tilt: float, body: Body, posed: Posed) -> Mesh:
    rows, columns = grid.shape[:2]
    flat = grid.reshape(-1, 3).copy()
    flat[:, 1] += tilt * -flat[:, 2]
    points = move(ears + flat, body, posed)
    faces = grid_faces(rows, columns)
    normal = normals(points, faces).reshape(rows, columns, 3)
    if np.allclose(grid[:, 0], grid[:, -1], atol=1e-6):
        normal[:, 0] = normal[:, -1] = normal[:, 0] + normal[:, -1]
    normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-9)
    along = np.gradient(points.reshape(rows, columns, 3), axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=-1, keepdims=True), 1e-9)
    step = np.linalg.norm(np.diff(grid, axis=0), axis=-1).mean(1)
    tall = np.concatenate([[0.0], np.cumsum(step)])[:, None]
    wide = np.linspace(0, 0.56, columns)[None]
    uv = np.stack(np.broadcast_arrays(wide, tall), -1).reshape(-1, 2)
    canonical_ = np.zeros((len(points), 4))
    canonical_[:, 2] = 0.2
    return Mesh(points, normal.reshape(-1, 3), faces, canonical_, along.reshape(-1, 3), uv,
                np.zeros((len(points), 4)))  # fmt: skip


def glasses(body: Body, posed: Posed) -> list[Mesh]:
    """Dark glasses: two lenses and their temples."""
    meshes = []
    for sign in (1.0, -1.0):
        rows, columns = 9, 17
        v = np.linspace(0.02, 1, rows)[:, None]
        u = np.linspace(0, 2 * np.pi, columns)
        x = sign * 0.034 + sign * 0.027 * v * np.sign(np.cos(u)) * np.abs(np.cos(u)) ** 0.75
        y = 1.731 + 0.0215 * v * np.sign(np.sin(u)) * np.abs(np.sin(u)) ** 0.75
        z = 0.166 - 7.0 * x**2 + np.zeros_like(v)
        grid = np.stack(np.broadcast_arrays(x, y, z), -1)
        points = move(grid.reshape(-1, 3), body, posed)
        faces = grid_faces(rows, columns)
        meshes.append(Mesh(points, normals(points, faces), faces))
        path = np.array([[0.058, 1.738, 0.148], [0.074, 1.737, 0.11], [0.079, 1.733, 0.05]])
        path[:, 0] *= sign
        meshes.append(
            tube(move(path, body, posed), np.full(3, 0.0025), np.array([0, 1.0, 0.01]), 6)
        )
    bridge = np.array([[-0.010, 1.735, 0.166], [0.0, 1.737, 0.168], [0.010, 1.735, 0.166]])
    meshes.append(tube(move(bridge, body, posed), np.full(3, 0.0025), np.array([0, 1.0, 0.01]), 6))
    return meshes
