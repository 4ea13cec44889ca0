"""What was learned of the score for a set of models: the tables of the evidence, and λ.

λ maximises the likelihood of choosing the right candidate, garment by garment (McFadden 1974, the
conditional logit): of a garment's candidates c, the chance of each is the softmax of Σ λ·part(c).
So λ is learned for the order of candidates, which is what a match is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from lookweave.matching.evidence import KNOTS, Evidence, Table
from lookweave.matching.fuse import ScoreWeights

Floats = NDArray[np.float64]

VERSION = 1
"""Of the recipe's file; raised when an older reader would misread a newer one."""


@dataclass(frozen=True)
class Fusion:
    """A recipe.

    Attributes:
        encoder, describer: keys of the models that it was learned for.
        evidence: of their descriptions.
        key: a fingerprint of the file.
        weights: λ, of candidates that are compared part by part.
    """

    encoder: str
    describer: str
    evidence: Evidence
    weights: ScoreWeights
    key: str = ""

    @classmethod
    def from_json(cls, text: str, attributes: dict[str, tuple[str, ...]]) -> Fusion:
        """A recipe's file.

        Args:
            attributes: name of each attribute of a description -> its values, in their order.

        Raises:
            ValueError: it is something else, or was learned for other attributes.
        """
        try:
            content: dict[str, Any] = json.loads(text)
            if content["version"] != VERSION:
                raise ValueError(f"it has version {content['version']}, not {VERSION}")
            names = list(attributes)
            tables = {}
            for name, said in content["evidence"].items():
                ratios = np.array(said["ratios"], np.float64)
                if ratios.shape != (len(attributes[name]),) * 2 or not (ratios > 0).all():
                    raise ValueError(f"the ratios of {name} are not of its values")
                slopes = tuple(float(slope) for slope in said["slopes"])
                if len(slopes) != len(KNOTS):
                    raise ValueError(f"the slopes of {name} are not of the knots")
                rarity, offset = float(said["rarity"]), float(said["offset"])
                tables[names.index(name)] = Table(ratios, rarity, slopes, offset)
            widths = tuple(len(values) for values in attributes.values())
            return cls(
                content["encoder"],
                content["describer"],
                Evidence(widths, tables),
                ScoreWeights(*content["weights"]),
                hashlib.sha256(text.encode()).hexdigest()[:8],
            )
        except (KeyError, TypeError, AttributeError, IndexError) as error:
            raise ValueError(f"{type(error).__name__}: {error}") from error


@dataclass(frozen=True)
class Choice:
    """A garment's candidates, the right one first.

    Attributes:
        parts: float64 (candidates, parts), two candidates or more.
        group: choices of one group are held out together.
        source: kind of data that it is from.
    """

    parts: Floats
    group: str
    source: str


def log_likelihoods(choices: Sequence[Choice], weights: Floats) -> Floats:
    """Logarithm of the chance of each right candidate, float64 (n,).

    Args:
        weights: float64 (parts,).
    """
    utilities = [choice.parts @ weights for choice in choices]
    return np.array([one[0] - logsumexp(one) for one in utilities])


def fit_weights(choices: Sequence[Choice], use: Sequence[int], penalty: float = 1e-6) -> Floats:
    """Weights that maximise the mean log likelihood, every source counting the same.

    Args:
        choices: at least one.
        use: the parts that may weigh; all others get 0.
        penalty: half of it times the squared norm is taken off, so that weights stay finite where
            every choice is right.

    Returns:
        float64 (parts,), not negative.
    """
    parts = choices[0].parts.shape[1]
    share = _shares(choices)
    longest = max(len(choice.parts) for choice in choices)
    table = np.zeros((len(choices), longest, len(use)))
    absent = np.ones((len(choices), longest), bool)
    for row, choice in enumerate(choices):
        table[row, : len(choice.parts)] = choice.parts[:, list(use)] - choice.parts[0, list(use)]
        absent[row, : len(choice.parts)] = False

    from scipy.optimize import minimize  # learning alone needs it, and it takes long to load

    def loss(weights: Floats) -> tuple[float, Floats]:
        utility = np.where(absent, -np.inf, table @ weights)
        total = logsumexp(utility, axis=1)
        chance = np.exp(utility - total[:, None])
        slope = np.einsum("i,ic,icp->p", share, chance, table)
        penalised = share @ total + 0.5 * penalty * weights @ weights
        return float(penalised), slope + penalty * weights

    found = minimize(loss, np.ones(len(use)), jac=True, bounds=[(0.0, None)] * len(use),
                     method="L-BFGS-B", options={"maxiter": 500})  # fmt: skip
    weights = np.zeros(parts)
    weights[list(use)] = found.x
    return weights


def _shares(choices: Sequence[Choice]) -> Floats:
    """What each choice counts, sum 1: every source the same."""
    sources, place, counts = np.unique(
        [choice.source for choice in choices], return_inverse=True, return_counts=True
    )
    return np.asarray(1.0 / (len(sources) * counts[place]), np.float64)
