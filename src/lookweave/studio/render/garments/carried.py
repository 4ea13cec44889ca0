"""Shoes, scarves and bags."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import ndimage

from lookweave.studio.render.body import JOINT, Array, Body, normals
from lookweave.studio.render.draw import Mesh
from lookweave.studio.render.garments.loft import grid_faces, tube
from lookweave.studio.render.poses import Posed

SHOE_TOPS = {"sneaker": 0.092, "loafer": 0.078, "boot": 0.24, "tall boot": 0.42}


def shoes(body: Body, posed: Posed, style: str) -> list[tuple[Mesh, str]]:
    """Both shoes, each as (mesh, part): ``upper``, ``sole`` or ``shaft``.

    A shoe is a last of its own, not a coat of paint on toes: superelliptic sections from heel to
    toe that bend at the ball of the foot.
    """
    rows, columns = 30, 33
    s = np.linspace(0, 1, rows)
    high = style != "loafer"
    width = np.interp(s, [0, 0.10, 0.35, 0.68, 0.86, 1], [0.026, 0.034, 0.035, 0.046, 0.041, 0.026])
    top = np.interp(
        s, [0, 0.12, 0.30, 0.42, 0.58, 0.74, 0.90, 1],
        [0.072, 0.086, 0.094, 0.090, 0.068, 0.050, 0.040, 0.028] if high
        else [0.062, 0.066, 0.066, 0.062, 0.060, 0.048, 0.036, 0.026],
    )  # fmt: skip
    cap = np.clip(np.minimum(s / 0.10, (1 - s) / 0.13), 0, 1)
    cap = np.sqrt(np.clip(1 - (1 - cap) ** 2, 0, 1))
    angle = np.linspace(0, 2 * np.pi, columns)
    cosine, sine = np.cos(angle), np.sin(angle)
    round_ = (np.abs(cosine) ** 2.8 + np.abs(sine) ** 2.8) ** (-1 / 2.8)
    out: list[tuple[Mesh, str]] = []
    scale = float(body.joint("toes.L")[2] - body.joint("foot.L")[2]) / 0.152
    for side, sign in (("L", 1.0), ("R", -1.0)):
        ankle, toes = body.joint(f"foot.{side}"), body.joint(f"toes.{side}")
        foot, front = posed.affine[JOINT[f"foot.{side}"]], posed.affine[JOINT[f"toes.{side}"]]

        def place(points: Array, ankle: Array = ankle, toes: Array = toes,
                  foot: Array = foot, front: Array = front) -> Array:  # fmt: skip
            rest = points * scale
            rest[:, 0] += ankle[0] + (toes[0] - ankle[0]) * np.clip(rest[:, 2] / 0.15, -0.2, 1.4)
            rest[:, 2] += ankle[2]
            share = np.clip((rest[:, 2] - toes[2]) / 0.05 + 0.5, 0, 1)[:, None]
            a = rest @ foot[:, :3].T + foot[:, 3]
            b = rest @ front[:, :3].T + front[:, 3]
            return np.asarray(a * (1 - share) + b * share)

        for part in ("upper", "sole"):
            z = -0.066 + 0.306 * s if part == "upper" else -0.061 + 0.296 * s
            low = -0.012 if part == "upper" else -0.024
            up = top if part == "upper" else np.full(rows, 0.002)
            wide = width + (0.001 if part == "sole" else 0.0)
            middle, half = 0.5 * (low + up), 0.5 * (up - low)
            inward = 0.008 * sign * np.clip((s - 0.6) / 0.4, 0, 1) ** 2
            x = (wide * cap)[:, None] * round_ * cosine - inward[:, None]
            # The upper narrows towards its top.
            lean = 1 - 0.32 * np.clip(sine, 0, 1) * (part == "upper")
            y = middle[:, None] + (half * (cap if part == "upper" else 1))[:, None] * round_ * sine
            y = y - (0.5 * (up - low) * (1 - cap))[:, None] * (part == "upper")
            grid = np.stack([x * lean, y, np.broadcast_to(z[:, None], x.shape)], -1)
            mesh = _grid_mesh(grid.reshape(-1, 3), place, rows, columns)
            out.append((mesh, part))
        if "boot" in style:
            reach = SHOE_TOPS[style]
            t = np.linspace(0.05, reach, 16)
            wide = np.interp(t, [0.05, 0.10, 0.2, 0.42], [0.052, 0.050, 0.058, 0.068])
            grid = np.stack(
                [wide[:, None] * cosine, np.broadcast_to(t[:, None], (16, columns)),
                 0.004 + (wide * 1.12)[:, None] * sine], -1
            )  # fmt: skip
            shin = posed.affine[JOINT[f"shin.{side}"]]

            knee_at = body.joint(f"shin.{side}")

            def shaft(points: Array, shin: Array = shin, foot: Array = foot, ankle: Array = ankle,
                      knee: Array = knee_at) -> Array:  # fmt: skip
                rest = points.copy()
                share = np.clip((ankle[1] - rest[:, 1]) / (ankle[1] - knee[1]), 0, 1)
                rest[:, [0, 2]] += ankle[[0, 2]] + share[:, None] * (knee - ankle)[[0, 2]]
                blend = np.clip((points[:, 1] - 0.06) / 0.06, 0, 1)[:, None]
                a = rest @ foot[:, :3].T + foot[:, 3]
                return a * (1 - blend) + (rest @ shin[:, :3].T + shin[:, 3]) * blend

            out.append((_grid_mesh(grid.reshape(-1, 3), shaft, 16, columns), "shaft"))
    return out


def _grid_mesh(points: Array, place: Callable[[Array], Array], rows: int, columns: int) -> Mesh:
    """A closed tube from grid points; canonical keeps where they were on the last."""
    coords = np.concatenate([points, np.zeros((len(points), 1))], 1)
    world = place(points.copy())
    faces = grid_faces(rows, columns)
    normal = normals(world, faces)
    centre = np.repeat(world.reshape(rows, columns, 3).mean(1), columns, 0)
    if (normal * (world - centre)).sum() < 0:
        faces, normal = faces[:, ::-1].copy(), -normal
    shaped = normal.reshape(rows, columns, 3)
    shaped[:, 0] = shaped[:, -1] = shaped[:, 0] + shaped[:, -1]
    normal = shaped.reshape(-1, 3)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
    uv = points[:, [0, 2]]
    return Mesh(world, normal, faces, coords, None, uv, np.zeros((len(world), 4)))


def scarf(body: Body, posed: Posed, chest: Array, length: float, seed: int) -> list[Mesh]:
    """A scarf around the neck with two hanging ends.

    `chest` (N, 3) are world points of the outermost cloth, so that the ends lie on top of it.
    """
    rng = np.random.default_rng(seed)
    top, low = posed.affine[JOINT["neck"]], posed.affine[JOINT["chest"]]
    neck = body.joint("neck")
    angle = np.linspace(0, 2 * np.pi, 73)
    meshes = []
    for layer, (lift, wide) in enumerate(((-0.012, 0.094), (0.014, 0.087))):
        wave = 0.008 * np.sin(2 * angle + rng.uniform(0, 6)) + 0.005 * np.sin(5 * angle + layer)
        path = neck + np.stack(
            [wide * np.sin(angle), lift - 0.012 * np.cos(angle) + wave,
             -0.012 + (wide + 0.006) * np.cos(angle)], 1
        )  # fmt: skip
        world = 0.5 * (path @ top[:, :3].T + top[:, 3]) + 0.5 * (path @ low[:, :3].T + low[:, 3])
        radius = 0.030 + 0.006 * np.sin(3 * angle + rng.uniform(0, 6))
        mesh = tube(world, radius, np.array([0.0, 1.0, 0.0]), 20, 1.1)
        meshes.append(mesh)
    ahead, left = low[:, 2], low[:, 0]
    centre = neck @ low[:, :3].T + low[:, 3]
    for sign, share in ((1.0, 1.0), (-1.0, 0.72)):
        rows, columns = 30, 9
        down = np.linspace(0.03, length * share, rows)
        across = np.linspace(-0.055, 0.055, columns)
        grid = np.zeros((rows, columns, 3))
        lean = rng.uniform(0.0, 0.05)
        for r in range(rows):
            middle = centre + left * sign * (0.028 + lean * r / rows) - np.array([0, down[r], 0])
            for c in range(columns):
                pleat = 0.006 * np.cos(c * 2.4 + sign)
                grid[r, c] = middle + left * across[c] * (0.72 + 0.28 * r / rows) + ahead * pleat
        # Lie on the cloth behind: as far ahead as the cloth near each point, no less.
        flat = grid.reshape(-1, 3)
        surface = chest @ ahead
        side, height = chest @ left, chest[:, 1]
        reach = np.full(rows, -1.0)
        for r in range(rows):
            near = (np.abs(height - (centre[1] - down[r])) < 0.03) & (
                np.abs(side - (centre @ left + sign * 0.035)) < 0.08
            )
            if near.any():
                reach[r] = surface[near].max()
        reach = np.where(reach < 0, reach.max(), reach) if (reach > -1).any() else reach
        reach = np.maximum.accumulate(ndimage.maximum_filter1d(reach, 3))
        reach[:3] = np.maximum(reach[:3], centre @ ahead + 0.10)
        reach = ndimage.gaussian_filter1d(reach, 1.5)
        offset = np.repeat(reach + 0.012, columns) - flat @ ahead
        pleats = 0.007 * np.cos(np.tile(np.arange(columns), rows) * 2.4 + sign)
        flat = flat + ahead * (offset + pleats)[:, None]
        faces = grid_faces(rows, columns)
        uv = np.stack(np.broadcast_arrays(across[None], down[:, None]), -1).reshape(-1, 2)
        normal = normals(flat, faces)
        if (normal @ ahead).sum() < 0:
            faces, normal = faces[:, ::-1].copy(), -normal
        along = np.tile([0.0, -1.0, 0.0], (len(flat), 1))
        meshes.append(Mesh(flat, normal, faces, None, along, uv))
    for mesh in meshes:
        mesh.canonical = np.zeros((len(mesh.position), 4))
        mesh.canonical[:, 2] = 0.2
        mesh.tint = np.zeros((len(mesh.position), 4))
    return meshes


def bag(anchor: Array, ahead: Array, style: str, drop: float) -> list[tuple[Mesh, str]]:
    """A bag hanging from `anchor`; `ahead` is the horizontal direction its front faces.

    Styles: ``tote``, ``handbag``, ``bucket``. `drop` is the length of the handles.
    """
    ahead = np.array([ahead[0], 0.0, ahead[2]])
    ahead /= max(float(np.linalg.norm(ahead)), 1e-6)
    across = np.cross([0.0, 1.0, 0.0], ahead)
    width, height, depth, narrow, square = {
        "tote": (0.17, 0.36, 0.055, 0.96, 5.0),
        "handbag": (0.15, 0.20, 0.060, 0.82, 4.0),
        "bucket": (0.12, 0.24, 0.100, 0.92, 2.2),
    }[style]
    rows, columns = 20, 65
    t = np.linspace(0, 1, rows)[:, None]
    u = np.linspace(0, 2 * np.pi, columns)[None]
    soft = np.minimum(1.0, (t + 0.02) ** 0.25 * 1.0)
    wide = width * (1 + (narrow - 1) * t) * soft
    deep = depth * (1 - 0.55 * t) * soft
    c, s = np.cos(u), np.sin(u)
    r = (np.abs(c) ** square + np.abs(s) ** square) ** (-1 / square)
    grid = (
        (wide * r * c)[..., None] * across + (deep * r * s)[..., None] * ahead
        + (t * height + 0 * u)[..., None] * np.array([0.0, 1.0, 0.0])
    )  # fmt: skip
    bottom = anchor - np.array([0.0, drop + height, 0.0])
    grid = np.concatenate([np.broadcast_to(bottom, (1, columns, 3)), bottom + grid])
    faces = grid_faces(rows + 1, columns)
    flat = grid.reshape(-1, 3)
    normal = normals(flat, faces)
    if (normal * (flat - flat.mean(0))).sum() < 0:
        faces, normal = faces[:, ::-1].copy(), -normal
    arc = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(grid[10], axis=0), axis=1))])
    # The front's middle is at u = pi / 2; print coordinates start there.
    arc = arc - arc[np.argmin(np.abs(u[0] - np.pi / 2))]
    tall = np.concatenate([[0.0], np.linspace(0, height, rows)])
    uv = np.stack(np.broadcast_arrays(-arc[None], tall[:, None]), -1).reshape(-1, 2)
    along = np.tile([0.0, 1.0, 0.0], (len(flat), 1))
    coords = np.zeros((len(flat), 4))
    coords[:, 2] = 0.2
    body = Mesh(flat, normal, faces, coords, along, uv, np.zeros((len(flat), 4)))
    out = [(body, "body")]
    for sign in (1.0, -1.0):
        half = np.linspace(0, np.pi, 25)
        span = 0.42 * width * narrow
        path = (
            bottom + np.array([0, height - 0.01, 0]) + ahead * sign * depth * 0.42
            + (np.cos(half) * span)[:, None] * across
            + (np.sin(half) ** 0.7 * (drop + 0.02))[:, None] * np.array([0.0, 1.0, 0.0])
            - (np.sin(half) * sign * depth * 0.35)[:, None] * ahead
        )  # fmt: skip
        handle = tube(path, np.full(25, 0.0065), ahead, 8)
        handle.canonical = np.zeros((len(handle.position), 4))
        handle.canonical[:, 2] = 0.2
        handle.tint = np.zeros((len(handle.position), 4))
        out.append((handle, "handle"))
    return out
