"""Colour formulas against published values."""

from __future__ import annotations

import numpy as np
import pytest

from lookweave.models.colour import to_lab
from lookweave.studio.shoot import colours

# Sharma, Wu and Dalal (2005), table 1: pairs of CIELAB colours and their CIEDE2000.
PAIRS = [
    ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
    ((50, -1.3802, -84.2814), (50, 0, -82.7485), 1.0),
    ((50, 0, 0), (50, -1, 2), 2.3669),
    ((50, 2.49, -0.001), (50, -2.49, 0.0009), 7.1792),
    ((50, 2.49, -0.001), (50, -2.49, 0.0011), 7.2195),
    ((50, -0.001, 2.49), (50, 0.0011, -2.49), 4.7461),
    ((50, 2.5, 0), (73, 25, -18), 27.1492),
    ((50, 2.5, 0), (58, 24, 15), 19.4535),
    ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ((22.7233, 20.0904, -46.694), (23.0331, 14.973, -42.5619), 2.0373),
    ((90.8027, -2.0831, 1.441), (91.1528, -1.6435, 0.0447), 1.4441),
    ((2.0776, 0.0795, -1.135), (0.9033, -0.0636, -0.5514), 0.9082),
]


@pytest.mark.parametrize(("one", "other", "wanted"), PAIRS)
def test_ciede2000_is_the_published_one(
    one: tuple[float, ...], other: tuple[float, ...], wanted: float
) -> None:
    assert colours.difference(np.array(one), np.array(other)) == pytest.approx(wanted, abs=1e-4)
    assert colours.difference(np.array(other), np.array(one)) == pytest.approx(wanted, abs=1e-4)


def test_lab_and_back_is_where_it_began() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (200, 3), dtype=np.uint8)
    back = colours.from_lab(to_lab(pixels)) * 255
    assert np.abs(back - pixels).max() < 1.0


def test_a_glow_is_neutral_at_the_white_and_warmer_below() -> None:
    assert colours.glow(5500) == pytest.approx([1, 1, 1], abs=1e-6)
    warm, cool = colours.glow(3200), colours.glow(9000)
    assert warm[0] > 1 > warm[2]
    assert cool[0] < 1 < cool[2]
    for kelvin in (2000, 3200, 3999, 4001, 9000):
        assert colours.luminance(colours.glow(kelvin)) == pytest.approx(1)
    # Continuous where the formula changes.
    assert colours.glow(3999.9) == pytest.approx(colours.glow(4000.1), abs=2e-3)
