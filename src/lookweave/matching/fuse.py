"""The composite score S(g, r) = λ1·S_VLM + λ2·S_visual as one inner product; and S of the
candidates that it finds, with λ3·S_detail.

A vector is a description part and a visual part side by side. Garments are queries or gallery,
regions likewise; only the query is scaled by the weights, so the stored vectors serve any λ and
the exact join runs on S itself.

Descriptions are blocks, one an attribute, each a distribution over its values. Two known blocks
agree by the cosine of their distributions. Where either side does not know, the agreement is
`NEUTRAL`, whatever the other side says: two further channels of a block carry that (garment
``[p, 0, 1]`` or unknown ``[0, 1, 0]``; region ``[q, ν, 0]`` or unknown ``[0, ν, ν]``), so not
knowing neither helps nor harms a candidate among others, in both directions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lookweave.matching.vectors import Vectors

NEUTRAL = 0.5
"""Agreement of a block that one side knows nothing of: between none (0) and full (1)."""

NEUTRAL_DETAIL = 0.4
"""S_detail of a pair that cannot be compared: about what a garment's candidates have."""

_ROWS = 1024  # pairs multiplied at a time: their float64 products stay in the cache


def described_width(widths: Sequence[int]) -> int:
    """Width of a description part for blocks of these widths."""
    return sum(widths) + 2 * len(widths)


def describe_vectors(
    attributes: Vectors,
    widths: Sequence[int],
    weights: Sequence[float],
    side: Literal["garment", "region"],
) -> Vectors:
    """Description parts whose inner products are S_VLM.

    Args:
        attributes: float32 (n, sum(widths)), non-negative; a block of zeros is unknown.
        widths: values of each block.
        weights: of each block; they are normalised to sum 1.
        side: which of the two sides of the product these are.

    Returns:
        float32 (n, described_width(widths)). The product of a garment's and a region's vector
        is Σ weight·agreement, in 0..1.

    Raises:
        ValueError: the shapes do not fit or a value is negative or not finite.
    """
    if attributes.ndim != 2 or attributes.shape[1] != sum(widths) or len(widths) != len(weights):
        raise ValueError(
            f"attributes of shape {attributes.shape} do not fit {len(widths)} blocks of "
            f"{sum(widths)} values with {len(weights)} weights"
        )
    if not np.isfinite(attributes).all() or (attributes < 0).any():
        raise ValueError("attributes must be finite and not negative")
    share = np.sqrt(np.asarray(weights, np.float64) / np.sum(weights))
    parts: list[NDArray[np.float64]] = []
    start = 0
    for width, root in zip(widths, share, strict=True):
        block = attributes[:, start : start + width].astype(np.float64)
        start += width
        norm = np.linalg.norm(block, axis=1, keepdims=True)
        known = norm > 0
        parts.append(root * np.divide(block, norm, out=np.zeros_like(block), where=known))
        if side == "garment":
            channels = (np.where(known, 0.0, 1.0), np.where(known, 1.0, 0.0))
        else:
            channels = (np.full_like(norm, NEUTRAL), np.where(known, 0.0, NEUTRAL))
        parts.extend(root * channel for channel in channels)
    return np.concatenate(parts, axis=1).astype(np.float32)


def beside_captions(
    described: Vectors, captions: Vectors, attribute_weight: float, caption_weight: float
) -> Vectors:
    """Description parts with the captions' agreement beside that of the attributes.

    Two known captions agree by (1 + cosine) / 2: unrelated ones by `NEUTRAL`, as where a side
    has none. One constant column carries that, on either side alike.

    Args:
        described: what `describe_vectors` gives, float32 (n, any).
        captions: float32 (n, width), unit rows, or zeros for no caption.
        attribute_weight, caption_weight: not both 0; they are normalised to sum 1.
    """
    share = caption_weight / (attribute_weight + caption_weight)
    constant = np.full((len(captions), 1), np.sqrt(NEUTRAL), np.float32)
    said = np.concatenate([captions * np.float32(np.sqrt(1.0 - NEUTRAL)), constant], axis=1)
    parts = [described * np.float32(np.sqrt(1.0 - share)), said * np.float32(np.sqrt(share))]
    return np.ascontiguousarray(np.concatenate(parts, axis=1), np.float32)


class ScoreWeights(NamedTuple):
    """λ1 of S_VLM, λ2 of S_visual, λ3 of S_detail; not negative, λ1 and λ2 not both 0."""

    vlm: float
    visual: float
    detail: float = 0.0

    @property
    def detail_share(self) -> float:
        """λ3 of the three normalised to sum 1."""
        return self.detail / (self.vlm + self.visual + self.detail)

    def scored(self, base: Vectors, s_detail: Vectors) -> Vectors:
        """S of pairs, float32.

        Args:
            base: S of the first two parts, their weights normalised to sum 1.
            s_detail: NaN where a side has no tokens: then `NEUTRAL_DETAIL` counts.
        """
        share = self.detail_share
        known = np.where(np.isnan(s_detail), NEUTRAL_DETAIL, s_detail.astype(np.float64))
        return np.asarray((1 - share) * base.astype(np.float64) + share * known, np.float32)

    def unscored(self, base: Vectors) -> Vectors:
        """S of pairs that are too far down to be compared: the least that it can be."""
        return self.scored(base, np.full_like(base, -1.0))


@dataclass(frozen=True)
class Composite:
    """How the two parts of a vector make the score.

    Attributes:
        split: column where the visual part begins.
        lambda_vlm, lambda_visual: weights, not both 0; they are normalised to sum 1.
    """

    split: int
    lambda_vlm: float
    lambda_visual: float

    @property
    def weights(self) -> tuple[float, float]:
        """(λ1, λ2), normalised to sum 1."""
        total = self.lambda_vlm + self.lambda_visual
        if total <= 0 or min(self.lambda_vlm, self.lambda_visual) < 0:
            raise ValueError("the weights of the score must not be negative nor both 0")
        return self.lambda_vlm / total, self.lambda_visual / total

    def query(self, rows: Vectors) -> Vectors:
        """Rows scaled so that their inner product with unscaled rows is S."""
        vlm, visual = self.weights
        scaled = rows.copy()
        scaled[:, : self.split] *= np.float32(vlm)
        scaled[:, self.split :] *= np.float32(visual)
        return scaled

    def parts(self, left: Vectors, right: Vectors) -> tuple[Vectors, Vectors]:
        """S_VLM and S_visual of pairs of unscaled rows, float32 (n,) each.

        Summed in float64 row by row, then rounded: a pair's scores do not depend on which
        other pairs are scored with it, as those of a matrix product do in the last bits.
        """
        vlm = np.empty(len(left), np.float32)
        visual = np.empty(len(left), np.float32)
        for at in range(0, len(left), _ROWS):
            here = slice(at, at + _ROWS)
            product = left[here].astype(np.float64) * right[here]
            vlm[here] = product[:, : self.split].sum(axis=1)
            visual[here] = product[:, self.split :].sum(axis=1)
        return vlm, visual

    def combine(self, s_vlm: Vectors, s_visual: Vectors) -> Vectors:
        """S of the two parts' scores, float32."""
        vlm, visual = self.weights
        combined = vlm * s_vlm.astype(np.float64) + visual * s_visual.astype(np.float64)
        return combined.astype(np.float32)

    def error_bound(self, width: int) -> float:
        """How far a float32 matrix product of rows of `width` may be from `combine`.

        The usual bound n·u·|x|·|y| of an inner product of n terms with unit round-off u
        (Higham, Accuracy and Stability of Numerical Algorithms, 3.1); a description part has a
        norm of at most √2, a visual part of 1.
        """
        return 2 * width * 2.0**-24
