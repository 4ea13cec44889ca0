"""From a detector's raw numbers to boxes, equal to the reference post-processing; arrays only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lookweave.models.hub.labels import PERSON, LabelMap
from lookweave.models.protocols import Detection, Floats
from lookweave.taxonomy import CATEGORIES

Box = tuple[float, float, float, float]

PARTS: dict[str, tuple[tuple[float, float], str | None]] = {
    "upper": ((0.10, 0.55), None),
    "lower": ((0.45, 0.95), None),
    "feet": ((0.86, 1.00), "shoes"),
}
"""Shares of a person's box from the top where garments are to be expected, and what they are."""


@dataclass(frozen=True)
class BoxCandidates:
    """What a detector says of one photo, best first, before labels are mapped.

    Attributes:
        boxes: float32 (n, 4), xyxy in pixels of the photo.
        scores: float32 (n,), 0..1, as the reference gives them.
        labels: int64 (n,), class index.
        class_scores: float32 (n, classes), the scores over all classes.
    """

    boxes: Floats
    scores: Floats
    labels: NDArray[np.int64]
    class_scores: Floats

    def keep(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> BoxCandidates:
        """Some of them, by mask or positions."""
        return BoxCandidates(
            self.boxes[which], self.scores[which], self.labels[which], self.class_scores[which]
        )


def softmax_candidates(logits: Floats, boxes: Floats, height: int, width: int) -> BoxCandidates:
    """DETR and YOLOS: softmax over classes and a last "no object".

    Args:
        logits: float32 (queries, classes + 1).
        boxes: float32 (queries, 4), centre x, centre y, width, height in shares of the photo.
    """
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    probabilities = (raised / raised.sum(axis=-1, keepdims=True))[:, :-1]
    labels = probabilities.argmax(axis=-1)
    scores = probabilities.max(axis=-1)
    found = BoxCandidates(corners(boxes, height, width), scores, labels, probabilities)
    return found.keep(np.argsort(-scores, kind="stable"))


def focal_candidates(logits: Floats, boxes: Floats, height: int, width: int) -> BoxCandidates:
    """RT-DETR: sigmoid scores; the best pairs of query and class, as many as there are queries.

    Args:
        logits: float32 (queries, classes).
        boxes: float32 (queries, 4), as above.
    """
    probabilities = sigmoid(logits)
    queries, classes = probabilities.shape
    best = np.argsort(-probabilities.ravel(), kind="stable")[:queries]
    query, labels = best // classes, best % classes
    return BoxCandidates(
        corners(boxes, height, width)[query],
        probabilities.ravel()[best],
        labels.astype(np.int64),
        probabilities[query],
    )


def query_candidates(
    logits: Floats, boxes: Floats, height: int, width: int, owners: NDArray[np.int64], classes: int
) -> BoxCandidates:
    """OWLv2 and Grounding DINO: a sigmoid score for each text query or token.

    Args:
        logits: float32 (boxes, queries).
        boxes: float32 (boxes, 4), as above.
        owners: int64 (queries,), the class that each query or token speaks for, or -1.
        classes: how many classes there are.
    """
    by_class = np.full((len(logits), classes), -np.inf, np.float32)
    for query, owner in enumerate(owners):
        if owner >= 0:
            by_class[:, owner] = np.maximum(by_class[:, owner], logits[:, query])
    # The best class is that of the best logit: scores near 1 are equal in float32.
    labels, scores = by_class.argmax(axis=-1), sigmoid(logits.max(axis=-1))
    found = BoxCandidates(corners(boxes, height, width), scores, labels, sigmoid(by_class))
    return found.keep(np.argsort(-scores, kind="stable"))


def corners(boxes: Floats, height: int, width: int) -> Floats:
    """Centre and size in shares of the photo -> xyxy in pixels."""
    centre, half = boxes[:, :2], boxes[:, 2:] / 2
    scale = np.array([width, height, width, height], np.float32)
    return np.concatenate([centre - half, centre + half], axis=1) * scale


def sigmoid(logits: Floats) -> Floats:
    """The logistic function, float32, without overflow."""
    clipped = np.clip(logits, -80.0, 80.0)  # float32's exp overflows beyond 88; masked is -inf
    return (1.0 / (1.0 + np.exp(-clipped))).astype(np.float32)


def overlap(box: Floats, others: Floats) -> Floats:
    """Intersection over union of one box (4,) with others (n, 4)."""
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    shared = np.prod(np.clip(high - low, 0.0, None), axis=1)
    areas = np.prod(np.clip(others[:, 2:] - others[:, :2], 0.0, None), axis=1)
    union = float(np.prod(np.clip(box[2:] - box[:2], 0.0, None))) + areas - shared
    ratio: Floats = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return ratio


def detections(
    found: BoxCandidates, labels: LabelMap, height: int, width: int, *,
    threshold: float, max_overlap: float,
) -> tuple[list[Detection], list[Box]]:  # fmt: skip
    """Garments, and the boxes of persons, best first.

    Of boxes with the same category that overlap by more than `max_overlap` (intersection over
    union) the best stays: classes that are one category in the taxonomy often name one garment.

    Returns:
        Detections clipped to the photo, and the persons' boxes.
    """
    garments: list[Detection] = []
    persons: list[Box] = []
    for box, score, label, class_scores in zip(
        found.boxes, found.scores, found.labels, found.class_scores, strict=True
    ):
        meaning = labels.meanings[label] if label < len(labels.meanings) else ()
        inside = clip(box, height, width)
        if score <= threshold or not meaning or inside is None:
            continue
        if meaning == PERSON:
            persons.append(inside)
            continue
        same = np.array([one.box for one in garments if one.label == meaning[0]], np.float32)
        if len(same) and overlap(np.asarray(inside, np.float32), same).max() > max_overlap:
            continue
        opinion = labels.categories(class_scores)
        garments.append(Detection(inside, float(score), meaning[0], opinion))
    return garments, persons


def clip(box: Floats, height: int, width: int) -> Box | None:
    """The part of the box inside the photo; None where less than a pixel is left."""
    x0, x1 = np.clip(box[[0, 2]], 0.0, width)
    y0, y1 = np.clip(box[[1, 3]], 0.0, height)
    if x1 - x0 < 1.0 or y1 - y0 < 1.0:
        return None
    return float(x0), float(y0), float(x1), float(y1)


def person_parts(box: Box, score: float) -> list[Detection]:
    """Upper body, lower body and feet of a standing person, by shares of the box.

    A rough stand-in for a garment detector: it says where garments are, hardly what they are.
    """
    x0, y0, x1, y1 = box
    found = []
    for (top, bottom), label in PARTS.values():
        part = (x0, y0 + top * (y1 - y0), x1, y0 + bottom * (y1 - y0))
        scores = None
        if label is not None:
            scores = np.zeros(len(CATEGORIES), np.float32)
            scores[CATEGORIES.index(label)] = 1.0
        found.append(Detection(part, score, label, scores))
    return found
