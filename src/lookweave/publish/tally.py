"""What went out, counted as it passes: what the card and the summary tell."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import urlsplit

import numpy as np

from lookweave.publish.options import SPLITS, TIERS
from lookweave.publish.pairs import PublishedPair
from lookweave.publish.rights import Judgement

_BARS = "▁▂▃▄▅▆▇█"
_SHOWN = 12
"""Rows of the tables of rights and of sites; the rest is summed up."""


@dataclass
class Tally:
    """Counts of a publication. Holds ids, scores and distinct words, never an image.

    `listed`: articles in `products.csv`; `garments`: pairs of each product photo.
    """

    judgements: dict[str, Judgement]
    pairs: Counter[tuple[str, str]] = field(default_factory=Counter)
    photos: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    scores: dict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    calibrated: int = 0
    verified: int = 0
    models: set[str] = field(default_factory=set)
    sites: Counter[str] = field(default_factory=Counter)
    photographers: set[str] = field(default_factory=set)
    articles: set[str] = field(default_factory=set)
    listed: int = 0
    garments: Counter[str] = field(default_factory=Counter)

    def add(self, pair: PublishedPair) -> None:
        """Count one pair."""
        values = pair.values
        self.pairs[pair.tier, pair.split] += 1
        self.calibrated += bool(values["calibrated"])
        self.verified += bool(values["verified_by"])
        self.models |= pair.models
        self.models |= _words_of(values["provenance"] or "")
        for name in _SCORES:
            if values[name] is not None:
                self.scores[pair.tier, name].append(values[name])
        self.articles.update(values["garment_skus"])
        self.garments[values["garment_id"]] += 1
        if values["look_photographer"]:
            self.photographers.add(values["look_photographer"])
        for kind in ("garment", "look"):
            photo = values[f"{kind}_id"]
            if photo not in self.photos[kind]:
                self.photos[kind].add(photo)
                if site := urlsplit(values[f"{kind}_url"] or "").hostname:
                    self.sites[site] += 1

    @property
    def total(self) -> int:
        """Pairs that went out."""
        return sum(self.pairs.values())

    def tiers(self) -> list[str]:
        """Tiers that have pairs, best first."""
        return [tier for tier in TIERS if any(self.pairs[tier, split] for split in SPLITS)]

    def splits(self, tier: str | None = None) -> list[str]:
        """Splits that have pairs, in a tier or anywhere."""
        tiers = TIERS if tier is None else (tier,)
        return [split for split in SPLITS if any(self.pairs[name, split] for name in tiers)]

    def expected_precision(self) -> dict[str, float]:
        """Tier -> mean probability, where every pair of the publication is calibrated."""
        if not self.total or self.calibrated < self.total:
            return {}
        return {
            tier: float(np.mean(self.scores[tier, "probability"]))
            for tier in self.tiers()
            if self.scores[tier, "probability"]
        }

    def rights(self) -> list[tuple[str, str, int]]:
        """Standing, words and photos published under them, most frequent first."""
        counts: Counter[tuple[str, str]] = Counter()
        for photo in self.photos["garment"] | self.photos["look"]:
            judged = self.judgements[photo]
            counts[judged.standing.value, judged.words] += 1
        ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        return [(standing, words, count) for (standing, words), count in ordered]

    def noted(self) -> dict[str, int]:
        """Photos of unknown rights, and under licences with conditions to note."""
        judged = [self.judgements[one] for one in self.photos["garment"] | self.photos["look"]]
        return {
            "rights_unknown": sum(one.standing.value == "unknown" for one in judged),
            "non_commercial": sum(one.non_commercial for one in judged),
            "no_derivatives": sum(one.no_derivatives for one in judged),
        }


@dataclass(frozen=True)
class Distribution:
    """One score in one tier."""

    tier: str
    name: str
    quantiles: tuple[float, ...]
    bars: str


_SCORES = ("score", "probability", "s_detail", "s_visual", "s_vlm")
QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


def distributions(tally: Tally) -> list[Distribution]:
    """Every score in every tier: quantiles, and a histogram over the score's whole range, the
    same for all tiers so that they can be compared."""
    found = []
    for name in _SCORES:
        rows = {tier: tally.scores.get((tier, name)) for tier in tally.tiers()}
        rows = {tier: values for tier, values in rows.items() if values}
        if not rows:
            continue
        everything = [np.asarray(row, np.float64) for row in rows.values()]
        low, high = min(row.min() for row in everything), max(row.max() for row in everything)
        for tier, values in zip(rows, everything, strict=True):
            counts, _ = np.histogram(values, 16, (low, high if high > low else low + 1))
            top = max(int(counts.max()), 1)
            bars = "".join(" " if not n else _BARS[(n * 8 - 1) // top] for n in counts.tolist())
            quantiles = tuple(float(value) for value in np.quantile(values, QUANTILES))
            found.append(Distribution(tier, name, quantiles, bars.replace(" ", "·")))
    return found


def shorten(counts: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    """The most frequent ones and the sum of the rest."""
    ordered = sorted(counts, key=lambda item: (-item[1], item[0]))
    if len(ordered) <= _SHOWN:
        return ordered
    rest = ordered[_SHOWN:]
    return [*ordered[:_SHOWN], (f"{len(rest)} more", sum(count for _, count in rest))]


@lru_cache(maxsize=4096)
def _words_of(provenance: str) -> frozenset[str]:
    """Every string in a pair's provenance, among them the keys of its models."""
    try:
        return frozenset(_strings(json.loads(provenance)))
    except ValueError:
        return frozenset()


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)
