"""How often a describer's categories are right, and how honest its confidences are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookweave.models.protocols import Pixels
from lookweave.taxonomy import CATEGORIES
from lookweave.train.failures import Failure, Failures
from lookweave.train.word_quality import CLASS_NAMES

BINS = 15


def class_probabilities(
    categories: NDArray[np.float32], long_sleeved: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Category and sleeve as probabilities of clothing-small's classes, float32 (n, 10).

    Tops and knitwear are t-shirt or longsleeve by their sleeve, jackets and coats are outwear,
    jeans and trousers are pants. What is left (a bag, a scarf) is none of the ten.
    """

    def of(*names: str) -> NDArray[np.float32]:
        columns = [CATEGORIES.index(name) for name in names]
        return np.asarray(categories[:, columns].sum(axis=1), np.float32)

    upper = of("top", "knitwear")
    parts = {
        "longsleeve": upper * long_sleeved,
        "t-shirt": upper * (1 - long_sleeved),
        "outwear": of("jacket", "coat"),
        "pants": of("trousers", "jeans"),
    }
    return np.stack([parts[name] if name in parts else of(name) for name in CLASS_NAMES], axis=1)


def calibration_error(confidence: NDArray[np.float32], right: NDArray[np.bool_]) -> float:
    """Expected calibration error over `BINS` bins of equal width (Guo et al. 2017)."""
    place = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = [
        abs(float(confidence[place == one].mean()) - float(right[place == one].mean()))
        * float((place == one).mean())
        for one in np.unique(place)
    ]
    return float(sum(gaps))


def ten_class_quality(
    categories: NDArray[np.float32], long_sleeved: NDArray[np.float32], labels: NDArray[np.str_]
) -> dict[str, Any]:
    """Accuracy and calibration over clothing-small's classes, and what is taken for what."""
    probabilities = class_probabilities(categories, long_sleeved)
    said = np.array(CLASS_NAMES)[probabilities.argmax(axis=1)]
    right = said == labels
    wrong = zip(labels[~right], said[~right], strict=True)
    mistakes = [f"{true} as {given}" for true, given in wrong]
    commonest = Counter(sorted(mistakes)).most_common(6)
    return {
        "photos": len(labels),
        "accuracy": round(float(right.mean()), 4),
        "calibration_error": round(calibration_error(probabilities.max(axis=1), right), 4),
        "by_class": {
            name: round(float(right[labels == name].mean()), 3)
            for name in CLASS_NAMES
            if (labels == name).any()
        },
        "mistakes": dict(commonest),
    }


def category_quality(
    categories: NDArray[np.float32], admissible: NDArray[np.bool_]
) -> dict[str, Any]:
    """Accuracy over the taxonomy's categories and calibration of the most likely one."""
    said = categories.argmax(axis=1)
    right = admissible[np.arange(len(said)), said]
    return {
        "regions": len(said),
        "accuracy": round(float(right.mean()), 4),
        "calibration_error": round(calibration_error(categories.max(axis=1), right), 4),
    }


def naming_failures(
    probabilities: NDArray[np.float32], names: Sequence[str], labels: Sequence[str],
    pixels_of: Callable[[int], Pixels],
) -> Failures:  # fmt: skip
    """The rows whose likeliest name is not their label; the surest weigh most.

    Args:
        probabilities: float32 (n, names).
        pixels_of: what row number n shows.
    """
    said = probabilities.argmax(axis=1)
    sure = probabilities.max(axis=1)
    failures = [
        Failure(pixels_of(row), f"{label}\n{names[said[row]]} {sure[row]:.0%}", float(sure[row]))
        for row, label in enumerate(labels)
        if names[said[row]] != label
    ]
    return Failures("garments called otherwise", len(labels), failures)
