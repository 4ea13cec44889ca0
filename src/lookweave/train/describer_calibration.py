"""How far the describer's networks and the segmenter are trusted, fitted on validation photos.

Temperature scaling (Guo et al. 2017, arXiv 1706.04599) of two opinions at once, with a bias for
each category: a segmenter that was taught by partial labels leans to the category without any.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from lookweave.models.embedded.describer_head import log_opinions
from lookweave.taxonomy import CATEGORIES

Rows = NDArray[np.float32]

BIAS_PENALTY = {"look": 0.1, "garment": 0.003, "look unasked": 0.1, "garment unasked": 0.003}
"""Weight of the squared biases beside the mean loss: street photos for validation are few."""


def fit_trust(
    logits: Rows, opinions: Rows, admissible: NDArray[np.bool_], penalty: float
) -> tuple[Rows, Rows]:
    """Trust (2,) and bias (19,) that make the admissible categories likeliest."""
    given = logits.astype(np.float64), log_opinions(opinions).astype(np.float64)

    def loss(values: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weighed = values[0] * given[0] + values[1] * given[1] + values[2:]
        raised = np.exp(weighed - weighed.max(axis=1, keepdims=True))
        said = raised / raised.sum(axis=1, keepdims=True)
        right = (said * admissible).sum(axis=1, keepdims=True) + 1e-12
        towards = (said - said * admissible / right) / len(said)
        slope = np.concatenate(
            [
                [(towards * given[0]).sum(), (towards * given[1]).sum()],
                towards.sum(axis=0) + 2 * penalty * values[2:],
            ]
        )
        return float(-np.log(right).mean() + penalty * np.square(values[2:]).sum()), slope

    start = np.concatenate([[1.0, 0.5], np.zeros(len(CATEGORIES))])
    found = minimize(loss, start, jac=True, method="L-BFGS-B").x.astype(np.float32)
    return found[:2], found[2:]


def fit_sleeve(logits: Rows, truth: NDArray[np.int8]) -> Rows:
    """Scale and offset (2,) of the sleeve's logit that are likeliest; `truth` 1, -1 or 0.

    With Platt's targets (Lin, Lin and Weng 2007, doi 10.1007/s10994-007-5018-6), a little off 1
    and 0: a network that is right about every photo for validation would else be trusted without
    limit.
    """
    known = truth != 0
    margin, long = logits[known].astype(np.float64), truth[known] > 0
    targets = np.where(long, (long.sum() + 1) / (long.sum() + 2), 1 / ((~long).sum() + 2))

    def loss(values: NDArray[np.float64]) -> float:
        said = values[0] * margin + values[1]
        wrong = targets * np.logaddexp(0, -said) + (1 - targets) * np.logaddexp(0, said)
        return float(wrong.mean())

    best: Rows = minimize(loss, np.array([1.0, 0.0])).x.astype(np.float32)
    return best
