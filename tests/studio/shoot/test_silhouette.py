"""Outlines: framing, overlap and the warp."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookweave.studio.shoot import silhouette
from lookweave.studio.shoot.silhouette import FRAME, bend, bent, framed, overlap, placing


def shape(
    width: float, height: float, waist: float, size: tuple[int, int] = (300, 240)
) -> np.ndarray:
    """A bottle: an upright body with a waist."""
    y, x = np.mgrid[0 : size[0], 0 : size[1]]
    v = (y - 0.5 * size[0]) / (0.5 * height)
    half = 0.5 * width * (1 - waist * np.exp(-((v / 0.4) ** 2)))
    return (np.abs(v) < 1) & (np.abs(x - 0.5 * size[1]) < half)


def test_a_frame_does_not_depend_on_place_or_size() -> None:
    small = shape(80, 160, 0.3)
    large = np.kron(small, np.ones((3, 3), bool))
    moved = np.pad(small, ((40, 0), (0, 90)))
    one = framed(small, placing(small))
    assert overlap(one, framed(large, placing(large))) > 0.98
    assert overlap(one, framed(moved, placing(moved))) > 0.999


@settings(max_examples=50, deadline=None)
@given(st.floats(0.1, 5), st.floats(-99, 99), st.floats(-99, 99))
def test_to_the_frame_and_back(scale: float, x: float, y: float) -> None:
    place = silhouette.Placing(scale, (x, y))
    points = np.array([[0.0, 0.0], [12.5, -3.0], [640, 480]])
    assert place.to_picture(place.to_frame(points)) == pytest.approx(points, abs=1e-6)


def test_overlap_of_known_masks() -> None:
    one, other = np.zeros((4, 4)), np.zeros((4, 4))
    one[:, :2] = 1
    other[:, 1:3] = 1
    assert overlap(one, other) == pytest.approx(1 / 3)
    assert overlap(one, one) == 1
    assert overlap(np.zeros((4, 4)), np.zeros((4, 4))) == 0


def test_the_warp_lays_one_outline_on_another_and_turns_nothing_over() -> None:
    one, other = shape(110, 200, 0.15), shape(140, 200, 0.45)
    a, b = framed(one, placing(one)), framed(other, placing(other))
    before = overlap(a, b)
    warp = bend(a, b)
    assert overlap(bent(b, warp), a) > max(0.97, before + 0.1)
    (xy, xx), (yy, yx) = np.gradient(warp.shift[0]), np.gradient(warp.shift[1])
    determinant = (1 + xx) * (1 + yy) - xy * yx
    assert determinant[a > 0.5].min() > 0.2


def test_stretch_is_the_ratio_of_scales_and_knows_folds() -> None:
    y, x = np.mgrid[0 : FRAME[1], 0 : FRAME[0]].astype(float)
    there = np.ones((FRAME[1], FRAME[0]))
    wider = silhouette.Warp(np.stack([0.5 * x, 0 * y]))  # x to 1.5 x
    assert silhouette.stretch(wider, there) == pytest.approx(1.5)
    assert silhouette.stretch(silhouette.Warp(np.zeros((2, *there.shape))), there) == 1
    folded = silhouette.Warp(np.stack([-2 * x, 0 * y]))
    assert silhouette.stretch(folded, there) > 100


def test_the_warp_of_equal_outlines_moves_nothing() -> None:
    mask = shape(110, 200, 0.3)
    a = framed(mask, placing(mask))
    assert np.abs(bend(a, a).shift).max() < 0.05
    points = np.array([[10.0, 10.0], [FRAME[0] / 2, FRAME[1] / 2]])
    assert bend(a, a)(points) == pytest.approx(points, abs=0.05)
