"""Which cells of a grid are a garment's parts, where they lie, and how they are stored."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookweave.errors import ModelError
from lookweave.models.details import (
    BYTES,
    LEAST,
    SCALE,
    STEPS,
    Whitening,
    inside,
    most_tokens,
    packed,
    places,
    stored,
    unit_rows,
    unpacked,
)
from lookweave.models.protocols import Crop

PHOTO = np.zeros((100, 100, 3), np.uint8)


@given(
    box=st.tuples(*[st.floats(0, 60), st.floats(0, 60), st.floats(4, 40), st.floats(4, 40)]),
    seed=st.integers(0, 2**32 - 1),
    size=st.tuples(st.integers(1, 50), st.integers(1, 50)),
)
@settings(max_examples=50, deadline=None)
def test_inside_is_what_counting_fine_points_gives(
    box: tuple[float, float, float, float], seed: int, size: tuple[int, int]
) -> None:
    x, y, width, height = box
    random = np.random.default_rng(seed)
    mask = (random.random(size) > 0.4).astype(np.uint8) * 255
    crop = Crop(PHOTO, (x, y, x + width, y + height), mask)
    frame = (x - 5, y - 3, x + width + 2, y + height + 6)
    rows, columns, fine = 6, 5, 40
    # Points of a fine grid over the frame, and whether each is on the mask.
    at_y = frame[1] + (frame[3] - frame[1]) * (np.arange(rows * fine) + 0.5) / (rows * fine)
    at_x = frame[0] + (frame[2] - frame[0]) * (np.arange(columns * fine) + 0.5) / (columns * fine)
    down = np.floor((at_y - y) / height * size[0]).astype(int)
    across = np.floor((at_x - x) / width * size[1]).astype(int)
    on = np.zeros((len(down), len(across)), bool)
    ok = np.ix_((down >= 0) & (down < size[0]), (across >= 0) & (across < size[1]))
    on[ok] = mask[np.ix_(down[ok[0].ravel()], across[ok[1].ravel()])] > 0
    share = on.reshape(rows, fine, columns, fine).mean(axis=(1, 3)).ravel()
    found = inside(crop, frame, rows, columns, 99)
    certain = np.abs(share - 0.5) > 0.04
    if (share > 0.54).sum() >= LEAST:
        expected = np.flatnonzero(certain & (share > 0.5))
        assert np.array_equal(found[certain[found]], expected)


def test_few_cells_are_filled_up_and_many_thinned_evenly() -> None:
    frame = (0.0, 0.0, 120.0, 120.0)
    whole = Crop(PHOTO, frame)
    assert np.array_equal(inside(whole, frame, 12, 12, 200), np.arange(144))
    some = inside(whole, frame, 12, 12, 50)
    assert len(some) == 50 == len(set(some.tolist())) and set(np.diff(some)) <= {2, 3}
    tiny = Crop(PHOTO, (52.0, 61.0, 57.0, 67.0))
    cells = inside(tiny, frame, 12, 12, 50)
    assert len(cells) == LEAST and 6 * 12 + 5 in cells
    assert len(inside(tiny, frame, 1, 2, 50)) == 2


def test_places_are_the_cells_middles_in_the_box() -> None:
    found = places((20.0, 40.0, 60.0, 80.0), (20.0, 40.0, 60.0, 80.0), 2, 4)
    assert found.tolist() == [
        [round(255 * y), round(255 * x)] for y in (0.25, 0.75) for x in (0.125, 0.375, 0.625, 0.875)
    ]
    wider = places((20.0, 40.0, 60.0, 80.0), (0.0, 20.0, 80.0, 100.0), 4, 4)
    assert wider[0].tolist() == [0, 0] and wider[-1].tolist() == [255, 255]


def test_tokens_are_whitened_projected_and_of_unit_norm() -> None:
    random = np.random.default_rng(2)
    mean = random.normal(size=5).astype(np.float32)
    projection = random.normal(size=(5, 3)).astype(np.float32)
    one, other = (random.normal(size=(n, 4, 4)).astype(np.float32) for n in (2, 3))
    crop = Crop(PHOTO, (0.0, 0.0, 50.0, 100.0))
    found = Whitening(mean, projection).tokens([one, other], crop, (0.0, 0.0, 100.0, 100.0))
    left = np.array([0, 1, 4, 5, 8, 9, 12, 13])
    features = np.concatenate([one, other]).reshape(5, 16)[:, left]
    expected = (features.T - mean) @ projection
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    assert found.values.dtype == np.int8 and found.values.shape == (8, 3)
    np.testing.assert_allclose(
        found.values / 200, np.clip(expected, -0.635, 0.635), atol=0.51 / 200
    )
    assert found.places[:, 0].tolist() == sorted(found.places[:, 0].tolist())


@given(count=st.integers(1, 255), width=st.integers(2, 255), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=80, deadline=None)
def test_a_region_fits_its_bytes_and_comes_back_as_it_was(
    count: int, width: int, seed: int
) -> None:
    count = min(count, most_tokens(width))
    random = np.random.default_rng(seed)
    unit = unit_rows(random.normal(size=(count, width)).astype(np.float32))
    values = stored(unit)
    content = packed(values)
    assert len(content) + 2 * count <= BYTES
    found = unpacked(content)
    assert found.dtype == np.int8 and np.array_equal(found, values)
    step = STEPS[content[0]]
    largest = step * (2 ** (content[0] - 1) - 1)
    expected = np.clip(unit * SCALE, -largest, largest)
    assert np.abs(values - expected).max() <= step / 2 + 1e-3


def test_few_parts_are_stored_more_finely_than_many() -> None:
    width = 120
    most = most_tokens(width)
    assert most == 66
    finest = [packed(np.zeros((count, width), np.int8))[0] for count in range(1, most + 1)]
    assert finest == sorted(finest, reverse=True) and set(finest) == set(STEPS)
    with pytest.raises(ValueError, match="do not fit into 4096 bytes"):
        stored(np.zeros((most + 1, width), np.float32))
    # One more part than fits at a precision takes fewer bits, and no fewer than it must.
    for bits, fewer in ((8, 6), (6, 5), (5, 4)):
        count = finest.count(8) if bits == 8 else sum(one >= bits for one in finest)
        assert 2 + -(-(count + 1) * width * bits // 8) + 2 * (count + 1) > BYTES
        assert finest[count] == fewer


def test_what_was_learned_from_another_encoder_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "details.npz"
    np.savez(file, mean=np.zeros(4, np.float16), projection=np.eye(4, 2, dtype=np.float16))
    file.with_suffix(".json").write_text(json.dumps({"encoder": "some-aaaa"}))
    assert Whitening.read(file, "some-aaaa").width == 2
    with pytest.raises(ModelError, match=r"another encoder.*train details"):
        Whitening.read(file, "some-bbbb")
    file.with_suffix(".json").unlink()
    with pytest.raises(ModelError, match="cannot be read"):
        Whitening.read(file, "some-aaaa")
