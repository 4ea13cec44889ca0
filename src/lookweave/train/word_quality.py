"""How well text vectors find garments: class names on product photos, queries on street photos."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookweave.models.colour import spoken
from lookweave.models.embedded.words import COLOUR_CONCEPTS, CONCEPTS
from lookweave.taxonomy import CATEGORIES
from lookweave.train.word_truth import Truth

LEAST = 4
"""Garments that a query of the measure needs to be right for."""

CLASS_NAMES = (
    "dress", "hat", "longsleeve", "outwear", "pants", "shirt", "shoes", "shorts", "skirt",
    "t-shirt",
)  # fmt: skip
"""The classes of clothing-small, as its folders are called."""


def class_accuracy(similarity: NDArray[np.float32], labels: NDArray[np.str_]) -> float:
    """Share of rows whose nearest class name is their own; `similarity` (rows, CLASS_NAMES)."""
    nearest = np.array(CLASS_NAMES)[similarity.argmax(axis=1)]
    return float((nearest == labels).mean())


def precision_at(scores: NDArray[np.float32], relevant: NDArray[np.bool_], top: int = 10) -> float:
    """Share of relevant rows among the best `top`, or among as many as there are relevant ones
    when they are fewer."""
    top = min(top, int(relevant.sum()))
    best = np.argsort(-scores, kind="stable")[:top]
    return float(relevant[best].mean())


def right_garments(
    truth: Truth, shares: NDArray[np.float32], query: Sequence[str]
) -> NDArray[np.bool_]:
    """(rows,): which garments a query of (kind, colour) asks for."""
    kind, colour = query
    named = spoken(shares)[:, COLOUR_CONCEPTS.index(colour)]
    return np.asarray((truth[CONCEPTS.index(kind)] == 1) & named)


def colour_queries(truth: Truth, shares: NDArray[np.float32], least: int) -> list[tuple[str, str]]:
    """Every (category, colour) that at least `least` rows satisfy."""
    wanted = [(kind, one) for kind in CATEGORIES for one in COLOUR_CONCEPTS]
    return [query for query in wanted if right_garments(truth, shares, query).sum() >= least]


def query_text(names: Sequence[str]) -> str:
    """The query as a person writes it: colour first.

    >>> query_text(("dress", "red"))
    'red dress'
    """
    order = sorted(names, key=lambda name: (name not in COLOUR_CONCEPTS, CONCEPTS.index(name)))
    return " ".join(order)


def summary(precisions: Sequence[float], chances: Sequence[float]) -> dict[str, Any]:
    """Mean precision of queries, and what a random order gives."""
    return {
        "queries": len(precisions),
        "precision_at_10": round(float(np.mean(precisions)), 4),
        "chance": round(float(np.mean(chances)), 4),
    }
