"""Light is as stated, and exposed for the garment."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("tomli_w", reason="the extra [studio] is not installed")

from hypothesis import given, settings
from hypothesis import strategies as st

from lookweave.studio.render.lights import Lighting, basis, surround
from lookweave.studio.shoot import light as lights
from lookweave.studio.shoot.colours import glow, luminance
from lookweave.studio.shoot.record import Light

OWN = Lighting(
    np.array([0.0, 0.0, 1.0]), np.full(3, 0.5),
    surround(np.array([0.4, 0.5, 0.7]), np.full(3, 0.4), np.array([0.3, 0.2, 0.1])),
)  # fmt: skip

stated = st.builds(
    Light, azimuth=st.floats(-180, 180), elevation=st.floats(-20, 85),
    key_to_fill=st.floats(-3, 4), kelvin=st.floats(2000, 12000), softness=st.floats(0, 1),
    rim=st.floats(0, 2),
)  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(stated)
def test_a_stated_light_is_that_light(light: Light) -> None:
    made = lights.lighting(light, OWN)
    exposure = float(luminance(made.shade(lights._FACING)).mean())
    assert exposure == pytest.approx(lights.EXPOSED, rel=1e-6)
    fill = float(luminance(np.maximum(basis(lights._FACING) @ made.harmonics, 0)).mean())
    stops = np.log2(float(luminance(made.key_colour)) / fill)
    assert stops == pytest.approx(light.key_to_fill, abs=0.12)
    tint = made.key_colour / luminance(made.key_colour)
    assert tint == pytest.approx(glow(light.kelvin or 0), rel=1e-6)
    back = lights.stated(made)
    turn = (back["azimuth"] - light.azimuth + 180) % 360 - 180  # type: ignore[operator]
    assert abs(turn) * np.cos(np.radians(light.elevation or 0)) < 1e-3
    assert back["elevation"] == pytest.approx(light.elevation, abs=1e-4)
    assert back["softness"] == pytest.approx(light.softness, abs=1e-6)
    assert back["rim"] == pytest.approx(light.rim, abs=1e-3)


def test_strength_leads_from_the_places_light_to_the_stated() -> None:
    values: dict[str, Any] = {
        "azimuth": 60, "elevation": 10, "key_to_fill": 2, "kelvin": 3000, "softness": 0.2, "rim": 1,
    }  # fmt: skip
    none, half, whole = (lights.lighting(Light(strength=s, **values), OWN) for s in (0, 0.5, 1))
    assert none.key_direction == pytest.approx(OWN.key_direction)
    assert none.harmonics == pytest.approx(lights.exposed(OWN).harmonics)
    angles = [float(one.key_direction @ whole.key_direction) for one in (none, half, whole)]
    assert angles == sorted(angles)


@pytest.mark.parametrize("side", [-1, 1])
def test_the_bright_side_of_a_plate_is_where_the_key_stands(side: int) -> None:
    ramp = np.linspace(0.1, 0.9, 60)[::side]
    plate = np.repeat(np.repeat(ramp[None, :, None], 80, 0), 3, 2)
    found = lights.stated(lights.from_plate(plate))
    assert np.sign(found["azimuth"]) == side
    assert abs(found["azimuth"]) > 30


def test_a_warm_plate_lights_warmly() -> None:
    plate = np.broadcast_to([0.6, 0.4, 0.2], (40, 40, 3))
    key = lights.from_plate(plate).key_colour
    assert key[0] > key[1] > key[2]


def test_every_named_set_up_is_whole() -> None:
    names = set(Light.model_fields) - {"harmonics", "source", "strength", "lock", "seed"}
    for name, values in lights.LIGHTS.items():
        assert set(values) == names, name
        Light(**values)  # type: ignore[arg-type]
