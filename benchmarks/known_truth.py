"""Made-up garments and looks of which everything is known: what each ingredient of the match gains,
whether probabilities are calibrated, how often a tier breaks its promise.

    python benchmarks/known_truth.py

Garments are vectors, descriptions and tokens, not pictures: 1,000 products in two or three colours
(siblings share all but the colour), 12,000 looks with two regions each. Half of the regions show a
garment of the catalogue, the others one of no catalogue; some regions are hubs, drawn to the middle of
all garments, some looks near copies of others. Descriptions err. People who label err, too.
The figures are of this generator; what holds of photographs is measured elsewhere.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from mapie.metrics.calibration import expected_calibration_error
from scipy.stats import bootstrap

from lookweave.matching import calibrate, probability, select
from lookweave.matching.details import SCALE, TokenSet, likeness
from lookweave.matching.fuse import Composite, ScoreWeights, describe_vectors, described_width
from lookweave.matching.hubness import attraction, correct
from lookweave.matching.join import Block, nearest
from lookweave.matching.splits import split_pairs

CATEGORIES, COLOURS = 12, 10
WIDTH, TOKENS, TOKEN_WIDTH = 64, 6, 16
KEPT, COMPARED = 20, 50


@dataclass
class World:
    """Everything, and what is true: `shows[r]` is the garment that region r shows, -1 for none."""

    garments: np.ndarray
    regions: np.ndarray
    garment_said: np.ndarray
    region_said: np.ndarray
    garment_tokens: TokenSet
    region_tokens: TokenSet
    product: np.ndarray
    category: np.ndarray
    region_category: np.ndarray
    look: np.ndarray
    shows: np.ndarray
    copies: np.ndarray


def world(seed: int, products: int, looks: int) -> World:
    r = np.random.default_rng(seed)
    every = 2 * products  # the second half is in no catalogue
    colours = r.integers(2, 4, every)
    product = np.repeat(np.arange(every), colours)
    category_of = r.integers(0, CATEGORIES, every)
    shape, parts = unit(r, every, WIDTH), unit(r, every * TOKENS, TOKEN_WIDTH)
    kinds, shades, dyes = (
        unit(r, CATEGORIES, WIDTH),
        unit(r, COLOURS, WIDTH),
        unit(r, COLOURS, TOKEN_WIDTH),
    )
    nth = np.concatenate([np.arange(one) for one in colours])  # siblings differ in colour
    colour = (
        r.integers(0, COLOURS, every)[product] + nth * r.integers(1, 4, every)[product]
    ) % COLOURS
    seen = normed(shape[product] + 1.2 * kinds[category_of[product]] + 0.8 * shades[colour])
    parts = parts.reshape(every, TOKENS, TOKEN_WIDTH)[product]
    parts = normed(parts + 0.9 * dyes[colour][:, None])
    count = int((product < products).sum())
    # Two regions a look: of a garment of the catalogue, or of one of no catalogue.
    known = r.random(2 * looks) < 0.5
    shown = np.where(
        known, r.integers(0, count, 2 * looks), r.integers(count, len(product), 2 * looks)
    )
    regions = normed(seen[shown] + 0.16 * r.standard_normal((2 * looks, WIDTH)))
    middle = normed(seen[:count].mean(axis=0, keepdims=True))
    hub = r.random(2 * looks) < 0.01
    regions[hub] = normed(0.6 * regions[hub] + middle)
    tokens = normed(parts[shown] + 0.35 * r.standard_normal((2 * looks, TOKENS, TOKEN_WIDTH)))
    look = np.repeat(np.arange(looks), 2)
    copied = np.flatnonzero(r.random(looks) < 0.03)
    source = r.integers(0, looks, len(copied))
    for at in range(2):
        regions[2 * copied + at] = normed(
            regions[2 * source + at] + 0.01 * r.standard_normal((len(copied), WIDTH))
        )
        tokens[2 * copied + at] = tokens[2 * source + at]
        shown[2 * copied + at] = shown[2 * source + at]

    def said(category: np.ndarray, tint: np.ndarray, right: float) -> np.ndarray:
        blocks = []
        for true, width in ((category, CATEGORIES), (tint, COLOURS)):
            told = np.where(r.random(len(true)) < right, true, r.integers(0, width, len(true)))
            block = np.full((len(true), width), 0.3 / (width - 1))
            block[np.arange(len(true)), told] = 0.7
            blocks.append(block)
        return np.concatenate(blocks, axis=1).astype(np.float32)

    kind = category_of[product]
    own = said(kind[:count], colour[:count], 0.95)
    theirs = said(kind[shown], colour[shown], 0.85)
    widths, weights = (CATEGORIES, COLOURS), (1.0, 1.0)
    return World(
        seen[:count].astype(np.float32), regions.astype(np.float32),
        describe_vectors(own, widths, weights, "garment"),
        describe_vectors(theirs, widths, weights, "region"),
        whole(parts[:count]), whole(tokens), product[:count], own[:, :CATEGORIES].argmax(1),
        theirs[:, :CATEGORIES].argmax(1), look, np.where(shown < count, shown, -1),
        np.stack([copied, source], axis=1),
    )  # fmt: skip


def unit(r: np.random.Generator, count: int, width: int) -> np.ndarray:
    return normed(r.standard_normal((count, width)))


def normed(rows: np.ndarray) -> np.ndarray:
    return np.asarray(rows / np.linalg.norm(rows, axis=-1, keepdims=True))


def whole(tokens: np.ndarray) -> TokenSet:
    return TokenSet.of(list(np.round(SCALE * tokens).astype(np.int8)))


@dataclass(frozen=True)
class Found:
    """The best regions of each garment: (garments, KEPT), best first."""

    regions: np.ndarray
    score: np.ndarray


def match(
    it: World, *, said: float = 0.0, detail: float = 0.0, hubs: bool = False, filtered: bool = False
) -> Found:
    """What the match step does, with these ingredients."""
    split = described_width((CATEGORIES, COLOURS))
    composite = Composite(split, said, 1.0)
    rows = np.concatenate([it.garment_said, it.garments], axis=1)
    gallery_rows = np.ascontiguousarray(np.concatenate([it.region_said, it.regions], axis=1))

    def gallery() -> Iterator[Block]:
        if not filtered:
            yield Block(np.arange(len(gallery_rows)), gallery_rows)
            return
        for one in range(CATEGORIES):
            there = np.flatnonzero(it.region_category == one)
            asked = np.flatnonzero(it.category == one)
            yield Block(there, np.ascontiguousarray(gallery_rows[there]), asked)

    found = nearest(np.ascontiguousarray(rows), gallery, COMPARED, composite)
    score = found.score
    if hubs:
        # Each garment's pull is measured with the other half of the products.
        half = it.product % 2
        for side in (0, 1):
            bank = np.ascontiguousarray(rows[half != side][:1000])
            pull = attraction(bank, gallery if not filtered else lambda: iter(
                [Block(np.arange(len(gallery_rows)), gallery_rows)]
            ), len(gallery_rows), 20.0, composite)  # fmt: skip
            mine = half == side
            score[mine] = correct(
                score[mine], pull[found.positions[mine]], np.ones(mine.sum(), bool)
            )
    if detail:
        weights = ScoreWeights(said / (1 + said), 1 / (1 + said), detail)
        s_detail = np.stack([
            likeness(it.garment_tokens[at], it.region_tokens.take(np.maximum(places, 0)))
            for at, places in enumerate(found.positions)
        ])  # fmt: skip
        score = weights.scored(score, s_detail)
    score = np.where(found.positions >= 0, score, -np.inf)
    order = np.argsort(-score, axis=1, kind="stable")[:, :KEPT]
    take = np.take_along_axis
    return Found(take(found.positions, order, axis=1), take(score, order, axis=1))


def hits(it: World, found: Found) -> np.ndarray:
    """Of each garment that is shown anywhere, whether its first region shows it."""
    shown = np.isin(np.arange(len(it.garments)), it.shows)
    first = found.regions[:, 0]
    return (it.shows[first] == np.arange(len(it.garments)))[shown]


def ingredients(it: World) -> list[dict[str, object]]:
    steps: list[tuple[str, dict[str, object]]] = [
        ("visual alone", {}),
        ("+ descriptions", {"said": 0.15}),
        ("+ hubs corrected", {"said": 0.15, "hubs": True}),
        ("+ details", {"said": 0.15, "hubs": True, "detail": 1.0}),
        ("details, no hubs corrected", {"said": 0.15, "detail": 1.0}),
        (
            "and a hard filter by one category",
            {"said": 0.15, "hubs": True, "detail": 1.0, "filtered": True},
        ),
    ]
    told, earlier = [], {}
    for name, options in steps:
        right = hits(it, match(it, **options)).astype(float)  # type: ignore[arg-type]
        earlier[name] = right
        base = earlier["visual alone" if len(told) < 2 else "+ hubs corrected" if name == "+ details"
                       else "+ details" if len(told) > 3 else "+ descriptions"]  # fmt: skip
        gain = right - base
        low, high = (0.0, 0.0)
        if gain.any():
            interval = bootstrap((gain,), np.mean, n_resamples=2000, rng=np.random.default_rng(1),
                                 method="percentile").confidence_interval  # fmt: skip
            low, high = float(interval.low), float(interval.high)
        told.append({"ingredient": name, "R@1": right.mean(), "n": len(right),
                     "gain": gain.mean(), "low": low, "high": high})  # fmt: skip
    return told


@dataclass(frozen=True)
class Candidates:
    garment: np.ndarray
    look: np.ndarray
    true: np.ndarray
    score: np.ndarray
    margin: np.ndarray


def candidates(it: World, found: Found) -> Candidates:
    """Each garment's looks by their best region."""
    garment = np.repeat(np.arange(len(it.garments)), KEPT)
    region, score = found.regions.ravel(), found.score.ravel()
    real = region >= 0
    garment, region, score = garment[real], region[real], score[real]
    look = it.look[region].astype(np.int32)
    margin = probability.margins(garment, look, score)
    _, best = np.unique(garment * len(it.look) + look, return_index=True)
    true = it.shows[region] == garment
    return Candidates(garment[best], look[best], true[best], score[best], margin[best])


def calibration(
    it: World, all_: Candidates, noise: float, seed: int
) -> tuple[dict[str, object], np.ndarray]:
    """Learn the probability from noisy labels of half of the products, hold it against the truth of
    the other half. Returns figures and the probability of every candidate."""
    r = np.random.default_rng(seed)
    taught = it.product[all_.garment] % 2 == 0
    label = all_.true ^ (r.random(len(all_.true)) < noise)
    groups = [str(one) for one in it.product[all_.garment[taught]]]
    learned = calibrate.fit(
        all_.score[taught], all_.margin[taught], label[taught], groups, ScoreWeights(0.3, 0.7)
    )
    probability = learned.probability(all_.score, all_.margin)
    given, true = probability[~taught].astype(float), all_.true[~taught]

    def gaps(bins: list[np.ndarray]) -> list[dict[str, float]]:
        return [
            {"n": len(one), "said": given[one].mean(), "true": true[one].mean()}
            for one in bins
            if len(one)
        ]

    order = np.argsort(given, kind="stable")
    tenths = gaps(
        [
            np.flatnonzero((given >= at / 10) & (given < (at + 1) / 10 + (at == 9)))
            for at in range(10)
        ]
    )
    deciles = gaps(np.array_split(order, 10))
    return {
        "labels": int(taught.sum()), "held_out": len(given), "noise": noise,
        "worst_decile": max(abs(one["said"] - one["true"]) for one in deciles),
        "worst_tenth": max(abs(one["said"] - one["true"]) for one in tenths if one["n"] >= 200),
        "ece": float(expected_calibration_error(true.astype(int), np.clip(given, 0, 1), num_bins=10)),
        "deciles": deciles, "tenths": tenths,
    }, probability  # fmt: skip


def frozen(
    it: World, all_: Candidates, probability: np.ndarray
) -> tuple[np.ndarray, dict[str, object]]:
    """Truth of the frozen order of the products that taught nothing, after limits and splits."""
    mine = np.flatnonzero(it.product[all_.garment] % 2 == 1)
    order = mine[
        np.lexsort((all_.look[mine], all_.garment[mine], -all_.score[mine], -probability[mine]))
    ]
    some = select.Candidates(
        all_.garment[order].astype(np.int32), all_.look[order], np.zeros(len(order), np.int8),
        np.full(len(order), -1, np.int8),
    )  # fmt: skip
    _, inside = select.frozen(some, 5, 8)
    order = order[inside]
    count, looks = len(it.garments), int(it.look.max()) + 1
    of_product = np.stack([np.arange(count), count + looks + it.product], axis=1)
    together = np.concatenate([of_product, count + it.copies])
    strata = np.searchsorted((0.1, 0.4), np.arange(len(order)) / len(order), side="right").astype(
        np.int8
    )
    dealt = split_pairs(
        all_.garment[order].astype(np.int64), all_.look[order].astype(np.int64) + count, strata,
        count + looks + int(it.product.max()) + 1, together, 0.1, 0.1, 7,
    )  # fmt: skip
    shares = {
        name: [round(float(((dealt.split == side) & (strata == at)).sum() / ((dealt.split >= 0) & (strata == at)).sum()), 3)
               for at in range(3)]
        for name, side in (("validation", 1), ("test", 2))
    }  # fmt: skip
    told = {"pairs": len(order), "left_out": int((dealt.split < 0).sum()), "shares": shares}
    return all_.true[order[dealt.split >= 0]], told


def promises(
    truth: np.ndarray, targets: tuple[float, ...], judged: int, erring: float, times: int
) -> dict[str, object]:
    """How often any tier is less right than promised, when an order is cut again and again; and how
    often the longest stretch whose Wilson bound holds, the rule before, was."""
    r = np.random.default_rng(3)
    broken = before = 0
    sizes, right = [], []
    quotas = (10**9,) * len(targets)
    for _ in range(times):
        places = np.sort(r.choice(len(truth), judged, replace=False))
        said = truth[places] ^ (r.random(judged) < erring)
        tiers = select.cut(places, said, len(truth), targets, quotas)
        sizes.append([one.end - one.start for one in tiers])
        broken += any(
            one.end > one.start and truth[one.start : one.end].mean() < target
            for one, target in zip(tiers, targets, strict=True)
        )
        before += wilson_breaks(truth, places, said, targets)
    reach = np.cumsum(truth) / np.arange(1, len(truth) + 1)
    could = np.flatnonzero(reach >= targets[0])
    right = np.median(sizes, axis=0).astype(int).tolist()
    return {
        "targets": targets, "judged": judged, "erring": erring, "times": times,
        "broken": broken / times, "wilson_broken": before / times, "median_sizes": right,
        "empty": [float((np.array(sizes)[:, at] == 0).mean()) for at in range(len(targets))],
        "first_could_hold": int(could[-1]) + 1 if len(could) else 0,
    }  # fmt: skip


def wilson_breaks(
    truth: np.ndarray, places: np.ndarray, said: np.ndarray, targets: tuple[float, ...]
) -> bool:
    start = 0
    for target in targets:
        inside = places >= start
        at, yes = places[inside], np.cumsum(said[inside])
        n = np.arange(1, len(at) + 1)
        z = 1.959963984540054
        low = (
            yes / n + z**2 / (2 * n) - z * np.sqrt((yes / n * (1 - yes / n) + z**2 / (4 * n)) / n)
        ) / (1 + z**2 / n)
        good = np.flatnonzero(low >= target)
        end = int(at[good[-1]]) + 1 if len(good) else start
        if end > start and truth[start:end].mean() < target:
            return True
        start = end
    return False


def audits(truth: np.ndarray, size: int, times: int) -> dict[str, object]:
    """How often an audit's lower bound is above the truth."""
    from lookweave.review.audits import lower_bound

    r = np.random.default_rng(4)
    right = r.hypergeometric(int(truth.sum()), int((~truth).sum()), size, times)
    above = np.mean([lower_bound(int(one), size, 0.05) > truth.mean() for one in right])
    return {
        "population": len(truth),
        "true": truth.mean(),
        "size": size,
        "times": times,
        "bound_wrong": above,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--products", type=int, default=1000)
    parser.add_argument("--looks", type=int, default=12_000)
    parser.add_argument("--times", type=int, default=2000)
    options = parser.parse_args()
    it = world(options.seed, options.products, options.looks)
    print(f"{len(it.garments)} garments, {options.looks} looks, {len(it.regions)} regions, "
          f"{np.isin(np.arange(len(it.garments)), it.shows).mean():.3f} of the garments are shown")  # fmt: skip
    for row in ingredients(it):
        show(row)
    all_ = candidates(it, match(it, said=0.15, hubs=True, detail=1.0))
    told, probability = calibration(it, all_, 0.02, options.seed)
    show(told)
    truth, dealt = frozen(it, all_, probability)
    show({"frozen": len(truth), "right": truth.mean(), **dealt})
    for judged in (600, 1500):
        for erring in (0.0, 0.01):
            show(promises(truth, (0.95, 0.8, 0.0), judged, erring, options.times))
    # The hardest case: everywhere just less right than promised.
    edge = np.zeros(10_000, bool)
    edge[np.random.default_rng(5).choice(10_000, 8999, replace=False)] = True
    show(promises(edge, (0.9, 0.9, 0.9), 1000, 0.0, options.times))
    show(audits(truth[len(truth) // 4 :], 600, options.times))


def show(row: dict[str, object]) -> None:
    print(json.dumps(row, default=lambda one: round(float(one), 4)))


if __name__ == "__main__":
    main()
