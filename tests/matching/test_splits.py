from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

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
        [f"photo {at}" for at in range(count)],
        np.array(together, np.int64).reshape(-1, 2),
        shares["validation"],
        shares["test"],
        7,
    )


@settings(deadline=None)
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
    assert (dealt.split[tiers < dealt.linking] >= 0).all()


def test_shares_are_met_when_photos_are_free() -> None:
    dealt = deal(list(range(200)), list(range(200, 400)), [0] * 200, [], 400, test=0.2)
    counts = {side: int((dealt.split == side).sum()) for side in (TRAIN, VALIDATION, TEST)}
    assert counts == {TRAIN: 140, VALIDATION: 20, TEST: 40}
    assert dealt.short == ()
    assert dealt.linking == 3


def test_a_giant_component_trains_and_that_is_said() -> None:
    dealt = deal([0] * 50, list(range(1, 51)), [0] * 50, [], 51)
    assert (dealt.split == TRAIN).all()
    assert len(dealt.short) == 2
    assert "validation" in dealt.short[0]
    assert "test" in dealt.short[1]


def test_weak_pairs_give_way_before_everything_hangs_together() -> None:
    # 100 high pairs of their own, and a chain of low pairs through all of them.
    high = [(at, 100 + at) for at in range(100)]
    low = [(at, 100 + (at + 1) % 100) for at in range(100)]
    garments, looks = zip(*high, *low, strict=True)
    dealt = deal(list(garments), list(looks), [0] * 100 + [2] * 100, [], 200)
    assert dealt.linking == 2
    assert (dealt.split[:100] >= 0).all()
    assert int((dealt.split[:100] == TEST).sum()) == 10
    assert 0 < int((dealt.split[100:] < 0).sum()) < 60


def test_the_seed_decides_and_the_order_of_rows_does_not() -> None:
    garments, looks = list(range(60)), list(range(60, 120))
    once = deal(garments, looks, [0] * 60, [], 120)
    order = np.random.default_rng(0).permutation(60)
    again = deal(
        np.array(garments)[order].tolist(), np.array(looks)[order].tolist(), [0] * 60, [], 120
    )
    assert again.split.tolist() == once.split[order].tolist()
