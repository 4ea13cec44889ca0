"""How likely a match is the same garment: by what labels taught, or by a marked rule of thumb.

Features of a match are its score and its *margin*: score minus the best score that the garment
has in any other look. A high score that many looks reach says little. `matching.calibrate` learns.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from lookweave.matching.fuse import ScoreWeights
from lookweave.matching.vectors import Positions, Vectors

STEEPNESS = 20.0
"""Of the rule of thumb: a margin of .05 counts as e : 1 odds, in the spirit of β = 20."""


@dataclass(frozen=True)
class Calibration:
    """What was learned from labelled matches.

    Attributes:
        lambda_vlm, lambda_visual, lambda_detail: weights of the score, sum 1.
        weights: of (score, margin) in the logit.
        bias: of the logit.
        steps_x, steps_y: isotonic curve from the logistic probability to the final one; empty
            where there were too few labels for one.
        labels, positives: how many labels it was fitted on.
        brier: Brier score on held-out groups.
        evidence: S_VLM was evidence, not the inner product of the descriptions.
    """

    lambda_vlm: float
    lambda_visual: float
    weights: tuple[float, float]
    bias: float
    steps_x: tuple[float, ...]
    steps_y: tuple[float, ...]
    labels: int
    positives: int
    brier: float
    lambda_detail: float = 0.0
    evidence: bool = False

    @property
    def score_weights(self) -> ScoreWeights:
        """λ1, λ2 and λ3."""
        return ScoreWeights(self.lambda_vlm, self.lambda_visual, self.lambda_detail)

    def probability(self, score: Vectors, margin: Vectors) -> Vectors:
        """Of being the same garment, float32 in 0..1, rising with score and margin."""
        logit = self.weights[0] * score.astype(np.float64) + self.weights[1] * margin + self.bias
        probability = expit(logit)
        if self.steps_x:
            probability = np.interp(probability, self.steps_x, self.steps_y)
        found: Vectors = probability.astype(np.float32)
        return found

    def to_json(self) -> str:
        """All of it as JSON."""
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: str) -> Calibration:
        """What `to_json` wrote.

        Raises:
            ValueError: it is something else.
        """
        try:
            fields: dict[str, Any] = json.loads(text)
            for name, value in fields.items():
                fields[name] = tuple(value) if isinstance(value, list) else value
            return cls(**fields)
        except (TypeError, AttributeError) as error:
            raise ValueError(str(error)) from error


def margins(garments: Positions, looks: NDArray[np.int32], score: Vectors) -> Vectors:
    """Each match's score minus the garment's best score in another look.

    Args:
        garments, looks: int (n,): of each match.
        score: float32 (n,).

    Returns:
        float32 (n,). A garment whose matches all lie in one look has no rival: its margins are
        measured from its lowest score.
    """
    margin = np.zeros(len(score), np.float32)
    order = np.lexsort((looks, -score, garments))
    bounds = np.flatnonzero(np.diff(garments[order], prepend=-1, append=-1))
    for start, stop in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        mine = order[start:stop]
        first = looks[mine[0]]
        elsewhere = mine[looks[mine] != first]
        rival = score[elsewhere[0]] if len(elsewhere) else score[mine[-1]]
        margin[mine] = score[mine] - np.where(looks[mine] == first, rival, score[mine[0]])
    return margin


def rule_of_thumb(score: Vectors, margin: Vectors) -> Vectors:
    """A stand-in for a probability where there are no labels: score · σ(20·margin).

    Float32 in 0..1. It orders candidates sensibly (a clear winner with a high score first) but
    its value promises nothing, and rows that carry it are marked as uncalibrated.
    """
    likely: Vectors = (np.clip(score, 0, 1) * expit(STEEPNESS * margin)).astype(np.float32)
    return likely
