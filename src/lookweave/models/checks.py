"""What a model gave, held against its protocol before it becomes rows.

A model of somebody's own, or a network in half precision, may give too few answers, vectors that
are not finite or words outside the taxonomy. That is said with the model's name at the first batch,
and not found out in the matches.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from lookweave.errors import ModelError
from lookweave.models.card import Card
from lookweave.models.details import most_tokens
from lookweave.models.protocols import Description, Detection, Tokens, Vectors
from lookweave.taxonomy import ATTRIBUTES, CATEGORIES

_UNIT = 1e-2
"""How far a vector's length may lie from 1."""


def check_vectors(card: Card, given: Vectors, count: int) -> Vectors:
    """An encoder's vectors, as they are.

    Raises:
        ModelError: they are not float32 of unit length, of the card's dimension, one for each of
            `count` crops.
    """
    if not isinstance(given, np.ndarray) or given.dtype != np.float32:
        raise _wrong(card, f"gave {_kind(given)} in place of a float32 array")
    if given.shape != (count, card.dimension):
        raise _wrong(
            card, f"gave vectors of shape {given.shape} in place of {(count, card.dimension)}"
        )
    lengths = np.linalg.norm(given, axis=1)
    if count and not np.all(np.abs(lengths - 1.0) <= _UNIT):  # also where one is not a number
        worst = lengths[np.argmax(np.nan_to_num(np.abs(lengths - 1.0), nan=np.inf))]
        raise _wrong(card, f"gave a vector of length {worst:g} in place of 1")
    return given


def check_tokens(card: Card, given: Sequence[Tokens], count: int) -> Sequence[Tokens]:
    """An encoder's tokens, as they are.

    Raises:
        ModelError: there are not some for each of `count` crops, all of one width, each with a
            place.
    """
    _check_count(card, given, count, "crops")
    for one in given:
        if not isinstance(one, Tokens):
            raise _wrong(card, f"gave {_kind(one)} in place of Tokens")
        values, places = one.values, one.places
        if (
            values.dtype != np.int8
            or values.ndim != 2
            or values.shape[1] != given[0].values.shape[1]
        ):
            raise _wrong(card, f"gave tokens of shape {values.shape} and type {values.dtype}")
        if places.dtype != np.uint8 or places.shape != (len(values), 2):
            raise _wrong(card, f"gave places of shape {places.shape} and type {places.dtype}")
        if not 1 <= len(values) <= most_tokens(values.shape[1]):
            raise _wrong(card, f"gave {len(values)} tokens of one region")
    return given


def check_detections(
    card: Card, given: Sequence[Sequence[Detection]], count: int
) -> Sequence[Sequence[Detection]]:
    """A detector's detections, as they are.

    Raises:
        ModelError: there is not one list for each of `count` photos, or a detection is not as
            `protocols.Detection` says.
    """
    _check_count(card, given, count, "photos")
    for one in (detection for detections in given for detection in detections):
        if not isinstance(one, Detection):
            raise _wrong(card, f"gave {_kind(one)} in place of a Detection")
        if len(one.box) != 4 or not np.all(np.isfinite(one.box)):
            raise _wrong(card, f"gave the box {one.box}")
        if not 0.0 <= one.score <= 1.0 + 1e-6:
            raise _wrong(card, f"gave the score {one.score}, which is not in 0..1")
        if one.label is not None and one.label not in CATEGORIES:
            raise _wrong(
                card, f"gave the label {one.label!r}, which is no category of the taxonomy"
            )
        scores = one.label_scores
        if scores is not None and (
            np.shape(scores) != (len(CATEGORIES),) or not np.all(np.isfinite(scores))
        ):
            raise _wrong(card, f"gave label scores of shape {np.shape(scores)}, or not finite ones")
        if one.mask is not None and (one.mask.ndim != 2 or one.mask.dtype != np.uint8):
            raise _wrong(card, f"gave a mask of shape {one.mask.shape} and type {one.mask.dtype}")
    return given


def check_descriptions(
    card: Card, given: Sequence[Description | Exception], count: int
) -> Sequence[Description | Exception]:
    """A describer's answers, as they are.

    Raises:
        ModelError: there is not one for each of `count` crops, or one speaks of what the taxonomy
            does not have.
    """
    _check_count(card, given, count, "crops")
    for one in given:
        if isinstance(one, Exception):
            continue
        if not isinstance(one, Description):
            raise _wrong(card, f"gave {_kind(one)} in place of a Description")
        for attribute, values in one.attributes.items():
            unknown = sorted(values.keys() - set(_values(card, attribute)))
            if unknown:
                raise _wrong(card, f"gave {unknown[0]!r} as a value of {attribute}")
            if not all(0.0 <= share < float("inf") for share in values.values()):
                raise _wrong(card, f"gave probabilities of {attribute} that are none")
    return given


def _values(card: Card, attribute: str) -> Iterable[str]:
    if attribute not in ATTRIBUTES:
        raise _wrong(card, f"gave the attribute {attribute!r}, which the taxonomy does not have")
    return ATTRIBUTES[attribute]


def _check_count(card: Card, given: Sequence[object], count: int, of: str) -> None:
    if not isinstance(given, Sequence) or len(given) != count:
        number = len(given) if isinstance(given, Sequence) else _kind(given)
        raise _wrong(card, f"gave {number} answers for {count} {of}")


def _kind(given: object) -> str:
    kind = type(given).__name__
    return f"an array of {given.dtype}" if isinstance(given, np.ndarray) else f"a {kind}"


def _wrong(card: Card, what: str) -> ModelError:
    who = f" of the package {card.offered_by}" if card.offered_by else ""
    return ModelError(
        f"The model {card.name}{who} {what}. lookweave.models.protocols says what a {card.task} "
        "gives."
    )
