"""The describer's weights at work: small networks over features, colours, outline and opinion."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lookweave.models.embedded.head import load_head
from lookweave.models.protocols import Vectors
from lookweave.taxonomy import CATEGORIES

CALIBRATED = ("look", "garment", "look unasked", "garment unasked")
"""Region of a look or product photo, and the same where no detector gave an opinion."""

_FLOOR = 1e-3  # no opinion of a detector counts as impossible


class DescriberHead:
    """Several small networks of one hidden layer, their logits averaged, then weighed with the
    detector's opinion and calibrated."""

    def __init__(self, weights: Path, encoder_sha256: str) -> None:
        _, self._arrays = load_head(weights, encoder_sha256, "describer")

    def __call__(self, given: Vectors, opinions: Vectors) -> tuple[Vectors, Vectors]:
        """Probabilities of the categories, float32 (n, 19), and of long sleeves, float32 (n,).

        Args:
            given: as `inputs` makes them.
            opinions: float32 (n, 19), the detector's label scores, even where it was not asked.
        """
        return head_answers(self._arrays, given, opinions)


def head_answers(
    arrays: dict[str, NDArray[np.float32]], given: Vectors, opinions: Vectors
) -> tuple[Vectors, Vectors]:
    """What `DescriberHead` answers, from its arrays."""
    logits = head_logits(arrays, given)
    kind = kinds_of(given, opinions)
    sleeve = arrays["sleeve"]
    long_sleeved = 1.0 / (1.0 + np.exp(-(sleeve[0] * logits[:, -1] + sleeve[1])))
    categories = fused(
        logits[:, : len(CATEGORIES)], opinions, arrays["trust"][kind], arrays["bias"][kind]
    )
    return categories, long_sleeved.astype(np.float32)


def kinds_of(given: Vectors, opinions: Vectors) -> NDArray[np.int64]:
    """Which of `CALIBRATED` each row is: what is trusted how far differs between them."""
    unasked = np.ptp(opinions, axis=1) < 1e-6
    kinds: NDArray[np.int64] = (given[:, -1] > 0).astype(np.int64) + 2 * unasked.astype(np.int64)
    return kinds


def inputs(
    features: Vectors, histograms: Vectors, shapes: Vectors, garment: NDArray[np.bool_]
) -> Vectors:
    """What the head sees of n crops, float32 (n, width); the last column is 1 or -1: product photo
    or region of a look."""
    kind = np.where(garment, 1.0, -1.0).astype(np.float32)[:, None]
    scale = np.float32(np.sqrt(features.shape[1]))
    return np.hstack([features * scale, 3.0 * histograms, shapes, kind]).astype(np.float32)


def head_logits(arrays: dict[str, NDArray[np.float32]], given: Vectors) -> Vectors:
    """Logits of the categories and, last, of long sleeves: float32 (n, 20)."""
    hidden = np.maximum(given @ arrays["first"] + arrays["first_bias"], 0)
    out = hidden @ arrays["second"] + arrays["second_bias"]
    return np.asarray(out.mean(axis=0), np.float32)


def fused(logits: Vectors, opinions: Vectors, trust: Vectors, bias: Vectors) -> Vectors:
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
