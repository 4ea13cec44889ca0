"""Perspective cameras: world metres to pixels of the image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lookweave.studio.render.body import Array


@dataclass(frozen=True)
class Camera:
    """A pinhole camera without roll unless `roll` says so."""

    eye: Array  # (3,)
    target: Array  # (3,)
    field_of_view: float = 28.0  # degrees, vertical
    roll: float = 0.0  # degrees
    near: float = 0.2
    far: float = 80.0

    def view(self) -> Array:
        """(4, 4) world to camera; the camera looks along -z."""
        up = np.array([np.sin(np.deg2rad(self.roll)), np.cos(np.deg2rad(self.roll)), 0.0])
        return look_at(self.eye, self.target, up)

    def projection(self, size: tuple[int, int]) -> Array:
        """(4, 4) camera to clip space for an image of `size` (width, height)."""
        width, height = size
        f = 1.0 / np.tan(np.deg2rad(self.field_of_view) / 2)
        out = np.zeros((4, 4))
        out[0, 0], out[1, 1] = f * height / width, f
        out[2, 2] = (self.far + self.near) / (self.near - self.far)
        out[2, 3] = 2 * self.far * self.near / (self.near - self.far)
        out[3, 2] = -1.0
        return out

    def project(self, points: Array, size: tuple[int, int]) -> tuple[Array, Array]:
        """(N, 2) pixel positions (x right, y down; pixel centres at .5) and (N,) depths."""
        width, height = size
        homogeneous = np.concatenate([points, np.ones((len(points), 1))], 1)
        clip = homogeneous @ (self.projection(size) @ self.view()).T
        ndc = clip[:, :2] / clip[:, 3:]
        pixels = np.stack([(ndc[:, 0] + 1) / 2 * width, (1 - ndc[:, 1]) / 2 * height], 1)
        return pixels, clip[:, 3]


def look_at(eye: Array, target: Array, up: Array | None = None) -> Array:
    """(4, 4) rigid transform into the frame of a camera at `eye` looking at `target`."""
    up = np.array([0.0, 1.0, 0.0]) if up is None else up
    back = eye - target
    back = back / np.linalg.norm(back)
    if abs(back @ up) > 0.999:
        up = np.array([0.0, 0.0, 1.0])
    right = np.cross(up, back)
    right /= np.linalg.norm(right)
    above = np.cross(back, right)
    out = np.eye(4)
    out[0, :3], out[1, :3], out[2, :3] = right, above, back
    out[:3, 3] = -out[:3, :3] @ eye
    return out


def orthographic(radius: float, depth: float) -> Array:
    """(4, 4) parallel projection of a box `2 radius` wide that starts at the camera."""
    out = np.eye(4)
    out[0, 0] = out[1, 1] = 1.0 / radius
    out[2, 2], out[2, 3] = -2.0 / depth, -1.0
    return out
