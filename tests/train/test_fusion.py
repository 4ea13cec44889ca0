"""Learning the recipe of the score, on invented garments of known truth."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

pytest.importorskip("torch", reason="needs torch: install lookweave[train]")

import numpy as np

from lookweave.matching.fusion import VERSION, Fusion
from lookweave.taxonomy import ATTRIBUTES
from lookweave.train.fusion import FusionConfig, learn
from lookweave.train.fusion_pairs import LabelledSource, Seen

WIDTHS = [len(values) for values in ATTRIBUTES.values()]
SETTINGS = FusionConfig(
    parsed=None, rendered=None, pool=10, doubts=(5.0,), leasts=(0.1,), shrinks=(1.0, 0.1)
)


def source(name: str, said: float, seed: int, count: int = 120) -> LabelledSource:
    """Some garments, each in one look of one region.

    Args:
        said: share of regions whose category is told right; that of others is any.
    """
    random = np.random.default_rng(seed)
    true = random.normal(size=(count, 8))
    category = random.integers(0, WIDTHS[0], count)
    seen = np.where(random.random(count) < said, category, random.integers(0, WIDTHS[0], count))
    sides = []
    for values in (category, seen):
        vectors = true + random.normal(scale=0.6, size=true.shape)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        attributes = np.zeros((count, sum(WIDTHS)), np.float32)
        attributes[np.arange(count), values] = 1.0
        sides.append(Seen(vectors.astype(np.float32), attributes, []))
    pairs = [(at, at) for at in range(count)]
    return LabelledSource(
        name, sides[0], sides[1], np.arange(count), pairs, set(pairs),
        [str(at // 2) for at in range(count)], "CC0", "invented",
    )  # fmt: skip


def test_descriptions_that_tell_are_believed() -> None:
    found = learn([source("one", 0.9, 1), source("other", 0.9, 2)], SETTINGS)
    assert list(found["evidence"]) == ["category"]  # no other attribute is said
    assert found["quality"]["shrink"] == 1.0
    for firsts in found["quality"]["R@1_of_the_pool"].values():
        assert firsts["all"] > firsts["visual"]
    ratios = np.array(found["evidence"]["category"]["ratios"])
    assert np.diag(ratios).min() > ratios[~np.eye(len(ratios), dtype=bool)].max()


def test_descriptions_of_which_one_kind_is_wrong_are_hardly_believed() -> None:
    found = learn([source("one", 0.9, 1), source("other", 0.0, 2)], SETTINGS)
    assert found["quality"]["shrink"] == 0.1


def test_one_kind_is_judged_half_against_half() -> None:
    found = learn([source("only", 0.9, 1, 240)], SETTINGS)
    assert found["quality"]["shrink"] == 1.0
    assert list(found["quality"]["gain_of_evidence"]["1.0"]) == ["only"]


def test_what_is_learned_is_a_recipe_that_loads() -> None:
    learned = learn([source("one", 0.9, 1), source("other", 0.9, 2)], SETTINGS)
    content = {"version": VERSION, "encoder": "e", "describer": "d", **learned}
    fusion = Fusion.from_json(json.dumps(content), ATTRIBUTES)
    assert sum(fusion.weights) == pytest.approx(1.0, abs=1e-3)
    told = [(one["name"], one["licence"], one["used"], one["pairs"]) for one in learned["data"]]
    assert told == [("one", "CC0", "invented", 120), ("other", "CC0", "invented", 120)]


def test_the_order_of_candidates_does_not_matter() -> None:
    one, other = source("one", 0.9, 1), source("other", 0.9, 2)
    order = np.random.default_rng(3).permutation(120)
    where = np.argsort(order)
    turned = replace(
        one,
        regions=Seen(one.regions.vectors[order], one.regions.attributes[order], []),
        photos=one.photos[order],
        answers=[(product, int(where[region])) for product, region in one.answers],
    )
    found, again = (learn([first, other], SETTINGS) for first in (one, turned))
    assert found["quality"]["R@1_of_the_pool"] == again["quality"]["R@1_of_the_pool"]
    np.testing.assert_allclose(found["weights"], again["weights"], atol=2e-3)
