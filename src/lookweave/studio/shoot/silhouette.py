"""Outlines: two masks brought to one frame, compared, and one bent smoothly onto the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.interpolate import BSpline
from scipy.optimize import minimize

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

FRAME = (128, 176)  # width and height in which outlines are compared
_MARGIN = 10.0
_REACH = 24.0  # distances to an outline count up to here, in pixels of the frame


@dataclass(frozen=True)
class Placing:
    """Where a mask's box lies in the frame: ``frame = (pixel - centre) * scale + middle``."""

    scale: float
    centre: tuple[float, float]  # x, y in pixels of the picture

    def to_frame(self, points: Array) -> Array:
        """(N, 2) pixels of the picture (x, y; pixel centres at .5) as pixels of the frame."""
        return np.asarray((points - np.array(self.centre)) * self.scale + 0.5 * np.array(FRAME))

    def to_picture(self, points: Array) -> Array:
        """The way back."""
        return np.asarray((points - 0.5 * np.array(FRAME)) / self.scale + np.array(self.centre))


def placing(mask: Mask) -> Placing:
    """The placing that fits the box of `mask` into the frame; it may not be empty."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    x0, x1, y0, y1 = columns[0], columns[-1] + 1, rows[0], rows[-1] + 1
    scale = min((FRAME[0] - 2 * _MARGIN) / (x1 - x0), (FRAME[1] - 2 * _MARGIN) / (y1 - y0))
    return Placing(float(scale), (0.5 * float(x0 + x1), 0.5 * float(y0 + y1)))


def framed(mask: Mask, place: Placing) -> Array:
    """(height, width) of the frame, 0..1: `mask` as it lies there."""
    if place.scale < 0.7:  # average before sampling, or the outline turns to stairs
        soft = ndimage.gaussian_filter(mask.astype(float), 0.4 / place.scale)
    else:
        soft = mask.astype(float)
    points = place.to_picture(_grid().reshape(-1, 2))
    values = ndimage.map_coordinates(soft, [points[:, 1] - 0.5, points[:, 0] - 0.5], order=1)
    return np.asarray(values.reshape(FRAME[1], FRAME[0]))


def overlap(one: Array, other: Array) -> float:
    """Intersection over union of two soft masks."""
    union = float(np.maximum(one, other).sum())
    return float(np.minimum(one, other).sum()) / union if union > 0 else 0.0


@dataclass(frozen=True)
class Warp:
    """A smooth displacement of the frame, pixels, from template to photo."""

    shift: Array  # (2, height, width): x, y

    def __call__(self, points: Array) -> Array:
        """(N, 2) points of the frame, moved; outside it the nearest displacement counts."""
        at = [points[:, 1] - 0.5, points[:, 0] - 0.5]
        moved = [ndimage.map_coordinates(s, at, order=1, mode="nearest") for s in self.shift]
        return np.asarray(points + np.stack(moved, 1))


def bend(template: Array, photo: Array, rounds: tuple[int, ...] = (5, 9, 16)) -> Warp:
    """The warp that lays the outline of `template` onto that of `photo`.

    Cubic B-splines, from few to many control points; signed distances to the outlines are
    compared, curvature is punished (as free-form deformation, Rueckert et al. 1999).
    """
    height, width = template.shape
    goal, other = _distance(template), _distance(photo)
    slope_y, slope_x = np.gradient(other)
    weight = np.exp(-((goal / 7.0) ** 2)) + 0.10 * (goal > 0)
    weight /= weight.sum()
    y, x = np.mgrid[0:height, 0:width].astype(float)
    shift = np.zeros((2, height, width))
    for knots in rounds:
        across, down = _splines(width, knots), _splines(height, round(knots * height / width))
        shape = (2, down.shape[1], across.shape[1])
        start = shift

        def cost(
            flat: Array, start: Array = start, across: Array = across, down: Array = down,
            shape: tuple[int, ...] = shape,
        ) -> tuple[float, Array]:  # fmt: skip
            c = flat.reshape(shape)
            u = start + down @ c @ across.T
            at = [y + u[1], x + u[0]]
            error = ndimage.map_coordinates(other, at, order=1, mode="nearest") - goal
            gx = ndimage.map_coordinates(slope_x, at, order=1, mode="nearest")
            gy = ndimage.map_coordinates(slope_y, at, order=1, mode="nearest")
            pull = np.stack([2 * weight * error * gx, 2 * weight * error * gy])
            value = float((weight * error**2).sum())
            gradient = down.T @ pull @ across
            for axis, much in ((1, 0.08), (2, 0.08)):
                second = np.diff(c, n=2, axis=axis)
                value += much * float((second**2).mean())
                back = 2 * much * second / second.size
                lead = [(0, 0)] * 3
                for k, factor in enumerate((1.0, -2.0, 1.0)):
                    lead[axis] = (k, 2 - k)
                    gradient = gradient + factor * np.pad(back, lead)
            return value, gradient.ravel()

        found = minimize(
            cost, np.zeros(shape).ravel(), jac=True, method="L-BFGS-B", options={"maxiter": 60}
        )
        shift = start + down @ found.x.reshape(shape) @ across.T
    return Warp(shift)


def stretch(warp: Warp, template: Array) -> float:
    """How far the warp distorts cloth: the ratio of its largest to its smallest local scale, which
    a tenth of `template` exceeds; 1 for none. Where the warp folds over, the ratio is without
    limit."""
    (xy, xx), (yy, yx) = np.gradient(warp.shift[0]), np.gradient(warp.shift[1])
    rows = np.stack([np.stack([1 + xx, xy], -1), np.stack([yx, 1 + yy], -1)], -2)[template > 0.5]
    scales = np.linalg.svd(rows, compute_uv=False)
    ratio = scales[:, 0] / np.maximum(scales[:, 1], 1e-3)
    ratio = np.where(np.linalg.det(rows) > 0, ratio, 1e3)
    return float(np.percentile(ratio, 90))


def bent(photo: Array, warp: Warp) -> Array:
    """`photo` pulled back onto the template: what the warp makes of it."""
    points = warp(_grid().reshape(-1, 2))
    values = ndimage.map_coordinates(photo, [points[:, 1] - 0.5, points[:, 0] - 0.5], order=1)
    return np.asarray(values.reshape(photo.shape))


def _grid() -> Array:
    y, x = np.mgrid[0 : FRAME[1], 0 : FRAME[0]]
    return np.stack([x + 0.5, y + 0.5], -1).astype(float)


def _distance(mask: Array) -> Array:
    inside = mask > 0.5
    distance = ndimage.distance_transform_edt(inside) - ndimage.distance_transform_edt(~inside)
    return np.asarray(np.clip(distance, -_REACH, _REACH))


def _splines(count: int, pieces: int) -> Array:
    """(count, pieces + 3) cubic B-splines over `count` pixels."""
    step = (count - 1) / pieces
    knots = step * np.arange(-3, pieces + 4)
    return np.asarray(BSpline.design_matrix(np.arange(count, dtype=float), knots, 3).toarray())
