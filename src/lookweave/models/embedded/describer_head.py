"""What kind of garment a crop is: small networks over the tower's pooled features, the colours,
the mask's outline and the detector's opinion. The describer says it, the encoder adds it to its
vectors, where words find it."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lookweave.models import colour
from lookweave.models.embedded.features import ImageTower
from lookweave.models.embedded.head import SLEEVED, load_head
from lookweave.models.embedded.shape import shape_of
from lookweave.models.protocols import Crop, Tokens, Vectors
from lookweave.taxonomy import CATEGORIES

Arrays = dict[str, NDArray[np.float32]]

CALIBRATED = ("look", "garment", "look unasked", "garment unasked")
"""Region of a look or product photo, and the same where no detector gave an opinion."""

_FLOOR = 1e-3  # no opinion of a detector counts as impossible

KEPT = 50_000
"""Regions that wait for the encoder, at most: about 240 MB. Describe and embed ask the same of the
same regions one after the other, and the image tower is by far the slowest part of both."""


@dataclass(frozen=True)
class Analysis:
    """What is known of n crops.

    Attributes:
        features: float32 (n, 384), the image tower's, unit norm.
        tokens: the image tower's.
        surfaces: of each mask, see `colour.samples`.
        histograms: float32 (n, 180).
        categories: float32 (n, 19), probabilities.
        long_sleeved: float32 (n,), probability.
    """

    features: Vectors
    tokens: list[Tokens]
    surfaces: list[colour.Surface]
    histograms: Vectors
    categories: Vectors
    long_sleeved: Vectors

    @property
    def kinds(self) -> Vectors:
        """See `meaning`."""
        return meaning(self.categories, self.long_sleeved)


@dataclass(frozen=True)
class Kept:
    """What waits for the encoder of one region: rows of an `Analysis`."""

    features: Vectors
    histogram: Vectors
    kind: Vectors
    tokens: Tokens


class DescriberHead:
    """Several small networks of one hidden layer, their logits averaged, then weighed with the
    detector's opinion and calibrated."""

    def __init__(self, weights: Path, encoder_sha256: str, tower: ImageTower) -> None:
        _, self._arrays = load_head(weights, encoder_sha256, "describer")
        self._tower = tower
        self._kept: dict[str, Kept] = {}
        self._recalls = False
        self._lock = threading.Lock()

    def recalls(self, wanted: bool) -> None:
        """Keep regions for `recall` from now on, or forget all and keep none."""
        with self._lock:
            self._recalls = wanted
            if not wanted:
                self._kept.clear()

    def analyse(self, crops: list[Crop], *, keep: bool = False) -> Analysis:
        """What is known of the crops.

        Args:
            crops: at least one.
            keep: whether `recall` will ask for them, if the head `recalls` at all.
        """
        sight = self._tower.see(crops)
        surfaces = [colour.samples(crop.photo, crop.box, crop.mask) for crop in crops]
        histograms = np.stack([colour.histogram(one) for one in surfaces])
        shapes = np.stack([shape_of(crop) for crop in crops])
        garment = np.array([crop.kind == "garment" for crop in crops])
        opinions = _opinions(crops)
        given = inputs(self._arrays, sight.pooled, histograms, shapes, garment)
        categories, long_sleeved = head_answers(self._arrays, given, opinions)
        known = Analysis(
            sight.features, sight.tokens, surfaces, histograms, categories, long_sleeved
        )
        if keep:
            self._keep([crop.region for crop in crops], known)
        return known

    def _keep(self, regions: list[str | None], known: Analysis) -> None:
        if not self._recalls:
            return
        kinds, tokens = known.kinds, _together(known.tokens)
        with self._lock:
            if not self._recalls:
                return
            for place, region in enumerate(regions):
                if region is not None and len(self._kept) < KEPT:
                    self._kept[region] = Kept(
                        known.features[place], known.histograms[place], kinds[place], tokens[place]
                    )

    def recall(self, regions: list[str]) -> dict[str, Kept]:
        """What was kept of the regions, and is then forgotten."""
        with self._lock:
            kept = {region: self._kept.pop(region, None) for region in regions}
        return {region: one for region, one in kept.items() if one is not None}


def _together(tokens: list[Tokens]) -> list[Tokens]:
    """The same tokens in one block of memory. Many small ones, kept for long, would lie between
    the large arrays of a network that come and go, and leave holes that nothing else fits in."""
    if not tokens:
        return []
    ends = np.cumsum([len(one.values) for one in tokens])[:-1]
    values = np.split(np.concatenate([one.values for one in tokens]), ends)
    places = np.split(np.concatenate([one.places for one in tokens]), ends)
    return [Tokens(*one) for one in zip(values, places, strict=True)]


def _opinions(crops: list[Crop]) -> Vectors:
    """The detector's label scores, float32 (n, 19); even where it was not asked."""
    even = np.full(len(CATEGORIES), 1.0 / len(CATEGORIES), np.float32)
    return np.stack([even if one.label_scores is None else one.label_scores for one in crops])


def head_answers(arrays: Arrays, given: Vectors, opinions: Vectors) -> tuple[Vectors, Vectors]:
    """Probabilities of the categories, float32 (n, 19), and of long sleeves, float32 (n,).

    Args:
        given: as `inputs` makes them.
        opinions: float32 (n, 19), the detector's label scores, even where it was not asked.
    """
    logits = head_logits(arrays, given)
    kind = kinds_of(given, opinions)
    sleeve = arrays["sleeve"]
    long_sleeved = 1.0 / (1.0 + np.exp(-(sleeve[0] * logits[:, -1] + sleeve[1])))
    categories = combine(
        logits[:, : len(CATEGORIES)], opinions, arrays["trust"][kind], arrays["bias"][kind]
    )
    return categories, long_sleeved.astype(np.float32)


def meaning(categories: Vectors, long_sleeved: Vectors) -> Vectors:
    """Roots of probabilities, float32 (n, MEANING_WIDTH) of unit norm: inner products are
    Bhattacharyya coefficients. Sleeved categories count once for each sleeve."""
    sleeved = [CATEGORIES.index(name) for name in SLEEVED]
    upper, long_share = categories[:, sleeved], long_sleeved[:, None]
    parts = [np.delete(categories, sleeved, axis=1), upper * long_share, upper * (1 - long_share)]
    # In the order of rows, for numpy adds up a transposed array in another order than one row.
    roots = np.sqrt(np.ascontiguousarray(np.hstack(parts)))
    return np.asarray(roots / np.linalg.norm(roots, axis=1, keepdims=True), np.float32)


def kinds_of(given: Vectors, opinions: Vectors) -> NDArray[np.int64]:
    """Which of `CALIBRATED` each row is: what is trusted how far differs between them."""
    unasked = np.ptp(opinions, axis=1) < 1e-6
    return np.asarray((given[:, -1] > 0).astype(np.int64) + 2 * unasked.astype(np.int64))


def inputs(
    arrays: Arrays,
    pooled: Vectors,
    histograms: Vectors,
    shapes: Vectors,
    garment: NDArray[np.bool_],
) -> Vectors:
    """What the networks see of n crops, float32 (n, width); the last column is 1 or -1: product
    photo or region of a look. `arrays` holds the components that pooled features are reduced to."""
    unit = pooled / np.maximum(np.linalg.norm(pooled, axis=1, keepdims=True), 1e-6)
    reduced = (_apart(unit) @ arrays["components"])[:, 0] + arrays["components_bias"]
    kind = np.where(garment, 1.0, -1.0).astype(np.float32)[:, None]
    return np.hstack([reduced, 3.0 * histograms, shapes, kind]).astype(np.float32)


def head_logits(arrays: Arrays, given: Vectors) -> Vectors:
    """Logits of the categories and, last, of long sleeves: float32 (n, 20)."""
    rows = _apart(given)[:, None]  # and each by every network
    hidden = np.maximum(rows @ arrays["first"] + arrays["first_bias"], 0)
    out = hidden @ arrays["second"] + arrays["second_bias"]
    return np.asarray(out.mean(axis=1)[:, 0], np.float32)


def _apart(rows: Vectors) -> Vectors:
    """Rows (n, width) as n matrices of one row: BLAS adds up in another order for another number
    of rows, and a crop's last digits must not depend on which crops came with it."""
    return rows[:, None]


def combine(logits: Vectors, opinions: Vectors, trust: Vectors, bias: Vectors) -> Vectors:
    """Probabilities in proportion to head^trust[:, 0] · opinion^trust[:, 1] · exp(bias).

    Args:
        logits, opinions: float32 (n, 19).
        trust: float32 (n, 2), in the head and in the detector.
        bias: float32 (n, 19).

    Returns:
        float32 (n, 19).
    """
    weighed = trust[:, :1] * logits + trust[:, 1:] * log_opinions(opinions) + bias
    raised = np.exp(weighed - weighed.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), np.float32)


def log_opinions(opinions: Vectors) -> Vectors:
    """Their logarithms, no category being impossible."""
    return np.asarray(np.log(opinions + _FLOOR), np.float32)
