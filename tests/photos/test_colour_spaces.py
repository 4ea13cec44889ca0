from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from lookweave.errors import Rejected
from lookweave.photos import colour_spaces

SRGB = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
RAMP = Image.fromarray(np.arange(0, 256, 3, np.uint8).repeat(3).reshape(1, -1, 3))


def through(profile: bytes) -> np.ndarray:
    """RAMP in the profile's colours, brought to sRGB by LittleCMS."""
    source = ImageCms.ImageCmsProfile(BytesIO(profile))
    found = ImageCms.profileToProfile(
        RAMP, source, ImageCms.createProfile("sRGB"), ImageCms.Intent.RELATIVE_COLORIMETRIC
    )
    assert found is not None
    return np.asarray(found).astype(int)


def test_srgb_itself_needs_no_profile() -> None:
    for primaries, transfer in ((1, 13), (1, 1), (2, 2), (2, 13), (1, 6), (99, 99)):
        assert colour_spaces.profile_of_code_points(primaries, transfer) is None
    assert colour_spaces.profile_of_gamma(0.45455, SRGB) is None
    assert colour_spaces.profile_of_gamma(0.4545, None) is None


@pytest.mark.parametrize("primaries", [4, 5, 6, 7, 9, 11, 12, 22])
def test_greys_stay_grey_in_every_colour_space(primaries: int) -> None:
    """White is adapted to white, so equal shares of red, green and blue stay so."""
    profile = colour_spaces.profile_of_code_points(primaries, 13)
    assert profile is not None
    assert np.abs(through(profile) - np.asarray(RAMP)).max() <= 1


@pytest.mark.parametrize(("transfer", "gamma"), [(4, 2.2), (5, 2.8), (8, 1.0)])
def test_curves(transfer: int, gamma: float) -> None:
    profile = colour_spaces.profile_of_code_points(1, transfer)
    assert profile is not None
    linear = (np.asarray(RAMP) / 255) ** gamma
    wanted = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    assert np.abs(through(profile) - wanted * 255).max() <= 1.5


@pytest.mark.parametrize("transfer", [16, 18])
def test_high_dynamic_range_is_turned_away(transfer: int) -> None:
    with pytest.raises(Rejected, match="unsupported_format"):
        colour_spaces.profile_of_code_points(9, transfer)


@settings(max_examples=60, deadline=None)
@given(
    gamma=st.floats(0, 10, allow_nan=False),
    space=st.tuples(*[st.floats(0, 1, allow_nan=False)] * 8),
)
def test_any_numbers_give_a_profile_or_none(gamma: float, space: tuple[float, ...]) -> None:
    profile = colour_spaces.profile_of_gamma(gamma, space)  # type: ignore[arg-type]
    assert profile is None or profile[36:40] == b"acsp"
