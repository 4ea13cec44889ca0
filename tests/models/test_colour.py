import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookweave.models import colour

channel = st.integers(0, 255)


@pytest.mark.parametrize(
    ("rgb", "lab"),
    [((255, 0, 0), (53.24, 80.09, 67.20)), ((0, 255, 0), (87.73, -86.18, 83.18)),
     ((0, 0, 255), (32.30, 79.19, -107.86)), ((128, 128, 128), (53.59, 0.0, 0.0)),
     ((255, 255, 255), (100.0, 0.0, 0.0)), ((0, 0, 0), (0.0, 0.0, 0.0))],
)  # fmt: skip
def test_lab_of_the_primaries_is_as_published(
    rgb: tuple[int, int, int], lab: tuple[float, float, float]
) -> None:
    assert np.allclose(colour.to_lab(np.array([rgb], np.uint8))[0], lab, atol=0.05)


@settings(deadline=None)  # the first call fills the table
@given(st.tuples(channel, channel, channel))
def test_histogram_is_a_unit_vector_for_every_colour(rgb: tuple[int, int, int]) -> None:
    histogram = colour.histogram(colour.count_colours(np.full((5, 3), rgb, np.uint8)))
    assert histogram.shape == (colour.HISTOGRAM_WIDTH,)
    assert np.isclose(np.linalg.norm(histogram), 1.0, atol=1e-5)


def test_a_little_more_light_stays_near_and_another_colour_is_far() -> None:
    def of(rgb: tuple[int, int, int]) -> np.ndarray:
        return colour.histogram(colour.count_colours(np.full((9, 3), rgb, np.uint8)))

    red, lighter_red, blue = of((170, 30, 40)), of((182, 38, 48)), of((40, 60, 160))
    assert red @ lighter_red > 0.95
    assert red @ blue < 0.2


@pytest.mark.parametrize(
    ("rgb", "name"),
    [((200, 25, 35), "red"), ((20, 20, 22), "black"), ((248, 248, 246), "white"), ((30, 40, 78), "navy"),
     ((70, 130, 200), "blue"), ((40, 110, 55), "green"), ((240, 165, 190), "pink"), ((130, 130, 130), "grey"),
     ((220, 200, 170), "beige"), ((95, 62, 38), "brown"), ((120, 60, 140), "purple")],
)  # fmt: skip
def test_plain_colours_have_the_name_a_person_would_give(
    rgb: tuple[int, int, int], name: str
) -> None:
    shares = colour.named_shares(colour.count_colours(np.full((4, 3), rgb, np.uint8)))
    assert np.isclose(sum(shares.values()), 1.0, atol=1e-4)
    assert max(shares, key=shares.__getitem__) == name


def test_only_the_masked_pixels_count() -> None:
    photo = np.zeros((30, 40, 3), np.uint8)
    photo[5:25, 20:30] = (200, 25, 35)
    box = (10.0, 5.0, 30.0, 25.0)  # its left half is black
    mask = np.zeros((8, 6), np.uint8)
    mask[:, 3:] = 255
    shares = colour.named_shares(colour.samples(photo, box, mask))
    assert shares["red"] > 0.5 and shares["black"] < 0.2
    for all_of_it in (None, np.zeros((8, 6), np.uint8)):
        shares = colour.named_shares(colour.samples(photo, box, all_of_it))
        assert 0.3 < shares["black"] < 0.6


def test_up_to_three_colours_of_a_fifth_are_spoken_of_or_the_largest() -> None:
    shares = [[0.3, 0.7, 0, 0, 0, 0], [0.15, 0.17, *[0.17] * 4], [0.2, 0.2, 0.2, 0.2, 0.2, 0.0]]
    assert colour.spoken(np.array(shares, np.float32)).tolist() == [
        [True, True, False, False, False, False],
        [False, True, False, False, False, False],
        [True, True, True, False, False, False],
    ]


@settings(deadline=None)
@given(st.tuples(*[st.floats(-30, 130)] * 4), st.integers(1, 90), st.integers(1, 90))
def test_samples_stay_inside_the_photo(
    box: tuple[float, float, float, float], rows: int, columns: int
) -> None:
    photo = np.zeros((50, 70, 3), np.uint8)
    found = colour.samples(photo, box, np.full((rows, columns), 255, np.uint8))
    assert found.cells.tolist() == [0] and 0 < found.counts[0] <= 2 * 4096


@settings(deadline=None)
@given(st.lists(st.tuples(channel, channel, channel), min_size=1, max_size=40))
def test_what_is_looked_up_is_near_what_would_be_computed(
    pixels: list[tuple[int, int, int]],
) -> None:
    rgb = np.array(pixels, np.uint8)
    claims = np.exp(-colour._distances(colour.to_lab(rgb)) / 9.0)
    exact = (claims / claims.sum(axis=1, keepdims=True)).mean(axis=0)
    looked_up = np.array([*colour.named_shares(colour.count_colours(rgb)).values()])
    # Half a step of the grid moves a dark pixel at the edge of two names by a quarter, most by .02.
    assert np.abs(looked_up - exact).max() < 0.3
