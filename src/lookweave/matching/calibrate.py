"""Learning from labelled matches: the weights of the score, and the probability of a match."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, log_loss
from sklearn.model_selection import GroupKFold

from lookweave.matching.fuse import ScoreWeights
from lookweave.matching.probability import Calibration
from lookweave.matching.vectors import Vectors

Floats = NDArray[np.float64]

MINIMUM_LABELS = 20
"""Fewer yes or fewer no than this teach nothing that holds on other garments."""

ISOTONIC_LABELS = 1000
"""From here on isotonic regression; below, it overfits and a logistic curve (Platt) is fitted."""


def learn_weights(
    parts: Sequence[Vectors],
    labels: NDArray[np.bool_],
    groups: Sequence[str],
    present: ScoreWeights,
) -> ScoreWeights:
    """λ from a logistic regression of the labels on the parts of the score.

    Learned weights must earn their place: they are kept only if a score made of them tells yes
    from no better than the present one on groups that they were not learned from (log loss).

    Args:
        parts: S_VLM, S_visual and, where λ3 is at stake, S_detail: float32 (n,) each.
        labels: bool (n,), enough of both kinds.
        groups: of each row; held out as a whole. At least two.
        present: weights to beat.

    Returns:
        Non-negative weights that sum to 1.
    """
    columns = np.stack(parts, axis=1).astype(np.float64)
    set_weights = np.asarray(present, np.float64)[: len(parts)] / sum(present[: len(parts)])
    losses = np.zeros(2)
    for train, test in GroupKFold(min(5, len(set(groups)))).split(columns, labels, groups):
        if len(set(labels[train].tolist())) < 2:
            continue
        learned = _ratio(columns[train], labels[train])
        for at, weights in enumerate((learned, set_weights)):
            coefficient, bias = _logistic((columns[train] @ weights)[:, None], labels[train])
            expected = expit((columns[test] @ weights)[:, None] @ coefficient + bias)
            losses[at] += log_loss(labels[test], expected, labels=[False, True], normalize=False)
    best = _ratio(columns, labels) if losses[0] < losses[1] else set_weights
    return ScoreWeights(*best.tolist())


def _ratio(parts: Floats, labels: NDArray[np.bool_]) -> Floats:
    coefficients, _ = _logistic(parts, labels)
    total = coefficients.sum()
    return coefficients / total if total > 0 else np.full(parts.shape[1], 1 / parts.shape[1])


def enough(labels: NDArray[np.bool_]) -> bool:
    """Whether there are enough labels of both kinds to learn from."""
    return bool(min(labels.sum(), len(labels) - labels.sum()) >= MINIMUM_LABELS)


def fit(
    score: Vectors,
    margin: Vectors,
    labels: NDArray[np.bool_],
    groups: Sequence[str],
    weights: ScoreWeights,
) -> Calibration:
    """Learn the probability from labelled matches.

    Args:
        score, margin: float32 (n,), as the matches will have them under `weights`.
        labels: bool (n,): the same garment.
        groups: of each match's garment; held out as a whole (Brier score, isotonic curve).
        weights: λ, kept in the result.

    Raises:
        ValueError: fewer than `MINIMUM_LABELS` of a kind, or a single group.
    """
    if not enough(labels) or len(set(groups)) < 2:
        raise ValueError("too few labels to learn a probability from")
    features = np.stack([score, margin], axis=1).astype(np.float64)
    held_out = np.empty(len(labels), np.float64)
    folds = GroupKFold(min(5, len(set(groups))))
    for train, test in folds.split(features, labels, groups):
        if len(set(labels[train].tolist())) < 2:
            held_out[test] = labels[train].mean()
            continue
        coefficients, bias = _logistic(features[train], labels[train])
        held_out[test] = expit(features[test] @ coefficients + bias)
    coefficients, bias = _logistic(features, labels)
    steps_x: tuple[float, ...] = ()
    steps_y: tuple[float, ...] = ()
    if len(labels) >= ISOTONIC_LABELS:
        curve = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip")
        curve.fit(held_out, labels)
        steps_x = tuple(curve.X_thresholds_.tolist())
        steps_y = tuple(curve.y_thresholds_.tolist())
    return Calibration(
        weights.vlm,
        weights.visual,
        (float(coefficients[0]), float(coefficients[1])),
        bias,
        steps_x,
        steps_y,
        len(labels),
        int(labels.sum()),
        float(brier_score_loss(labels, held_out)),
        weights.detail,
    )


def _logistic(features: Floats, labels: NDArray[np.bool_]) -> tuple[Floats, float]:
    """Coefficients, not negative, and bias. A feature that would count against is left out."""
    use = np.ones(features.shape[1], bool)
    coefficients = np.zeros(features.shape[1])
    bias = 0.0
    while use.any():
        fitted = LogisticRegression(C=100.0, max_iter=1000).fit(features[:, use], labels)
        coefficients[:] = 0.0
        coefficients[use] = fitted.coef_[0]
        bias = float(fitted.intercept_[0])
        if (coefficients >= 0).all():
            return coefficients, bias
        use &= coefficients >= 0
        use &= coefficients != 0
    share = np.clip(labels.mean(), 1e-6, 1 - 1e-6)
    return np.zeros(features.shape[1]), float(np.log(share / (1 - share)))
