from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.matching.brand import SIZES, Brand, brand

from lookweave.matching.splits import TEST, TRAIN, VALIDATION, Splits, split_pairs


def deal(
    garments: list[int],
    looks: list[int],
    tiers: list[int],
    together: list[list[int]],
    count: int,
    **more: float,
) -> Splits:
    shares = {"validation": 0.1, "test": 0.1, **more}
    return split_pairs(
        np.array(garments, np.int64),
        np.array(looks, np.int64),
        np.array(tiers, np.int8),
        count,
        np.array(together, np.int64).reshape(-1, 2),
        shares["validation"],
        shares["test"],
        7,
    )


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**31), st.integers(1, 80), st.integers(1, 60), st.integers(0, 20))
def test_nothing_straddles(seed: int, photos: int, pairs: int, groups: int) -> None:
    random = np.random.default_rng(seed)
    garments = random.integers(0, photos, pairs)
    looks = random.integers(photos, 2 * photos, pairs)
    together = random.integers(0, photos, (groups, 2)) + photos * random.integers(0, 2, (groups, 1))
    tiers = random.integers(0, 3, pairs)
    dealt = deal(
        garments.tolist(), looks.tolist(), tiers.tolist(), together.tolist(), 2 * photos, test=0.25
    )
    side: dict[int, int] = {}
    for garment, look, split in zip(garments, looks, dealt.split, strict=True):
        if split >= 0:
            for photo in (int(garment), int(look)):
                assert side.setdefault(photo, int(split)) == split
    for one, other in together.tolist():
        if one in side and other in side:
            assert side[one] == side[other]
    of_group: dict[int, set[int]] = {}
    for name, split in zip(dealt.component.tolist(), dealt.split.tolist(), strict=True):
        if split >= 0:
            of_group.setdefault(name, set()).add(split)
    assert all(len(splits) == 1 for splits in of_group.values())
    left_out = [int(((tiers == tier) & (dealt.split < 0)).sum()) for tier in range(3)]
    assert left_out == list(dealt.left_out)


def test_shares_are_met_when_photos_are_free() -> None:
    dealt = deal(list(range(200)), list(range(200, 400)), [0] * 200, [], 400, test=0.2)
    counts = {side: int((dealt.split == side).sum()) for side in (TRAIN, VALIDATION, TEST)}
    assert counts == pytest.approx({TRAIN: 140, VALIDATION: 20, TEST: 40}, abs=2)
    assert sum(counts.values()) == 200
    assert dealt.short == ()


def test_a_giant_component_trains_and_that_is_said() -> None:
    dealt = deal([0] * 50, list(range(1, 51)), [0] * 50, [], 51)
    assert (dealt.split == TRAIN).all()
    assert len(dealt.short) == 2
    assert "validation split is empty" in dealt.short[0]
    assert "test" in dealt.short[1]


@pytest.mark.parametrize("seed", [1, 2])
def test_every_tier_of_a_connected_brand_gets_its_share(seed: int) -> None:
    shop = brand(seed)
    dealt = shop.split()
    for tier in range(3):
        kept = int(((shop.tiers == tier) & (dealt.split >= 0)).sum())
        for side in (VALIDATION, TEST):
            found = int(((shop.tiers == tier) & (dealt.split == side)).sum())
            assert found == pytest.approx(0.1 * kept, rel=0.2, abs=1)
    assert dealt.short == ()
    assert sum(dealt.left_out) < 0.14 * len(shop.tiers)
    high, _, low = (out / size for out, size in zip(dealt.left_out, SIZES, strict=True))
    assert high < low  # the scarce tier loses a smaller share


def test_a_share_of_nothing_stays_empty() -> None:
    shop = brand(1)
    assert set(shop.split(validation=0.0).split.tolist()) <= {-1, TRAIN, TEST}
    assert set(shop.split(validation=0.0, test=0.0).split.tolist()) == {TRAIN}


def test_the_seed_decides_and_the_order_of_rows_does_not() -> None:
    shop = brand(3)
    once = shop.split()
    order = np.random.default_rng(0).permutation(len(shop.tiers))
    again = Brand(
        shop.garments[order], shop.looks[order], shop.tiers[order], shop.together, shop.count
    )
    assert again.split().split.tolist() == once.split[order].tolist()
    assert shop.split(seed=8).split.tolist() != once.split.tolist()


def test_no_pairs_and_one_pair_are_dealt_too() -> None:
    assert deal([], [], [], [], 3).split.tolist() == []
    assert deal([0], [1], [2], [], 2).split.tolist() == [TRAIN]
