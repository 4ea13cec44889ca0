"""How well the detector does as the pipeline runs it: regions, not class masks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lookweave.models.embedded.cards import CARDS
from lookweave.models.embedded.segmenter import Segmenter
from lookweave.models.protocols import (
    Crop,
    Describer,
    Description,
    Detection,
    Detector,
    Pixels,
)
from lookweave.taxonomy import SEGMENTER_CLASSES
from lookweave.train.failures import Failure, Failures
from lookweave.train.labels import IGNORE, QUALITY_GROUPS, quality_lookup
from lookweave.train.parsed_photos import ParsedPhoto
from lookweave.train.segmentation_quality import MIN_REGION_SHARE, Canvases


def detector_of(weights: Path, canvases: Canvases) -> Segmenter:
    """The pipeline's detector on other weights of the same kind."""
    card = next(card for card in CARDS if card.name == "lookweave-segmenter")
    settings = {**card.settings, "canvases": canvases}
    return Segmenter(replace(card, weights=weights, settings=settings))


def placed_mask(found: Detection, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """A detection's mask on the whole photo, (H, W)."""
    height, width = shape
    left, top = max(0, round(found.box[0])), max(0, round(found.box[1]))
    right, bottom = min(width, round(found.box[2])), min(height, round(found.box[3]))
    whole = np.zeros(shape, bool)
    if found.mask is None or right <= left or bottom <= top:
        whole[top:bottom, left:right] = True
        return whole
    whole[top:bottom, left:right] = cv2.resize(found.mask, (right - left, bottom - top)) > 127
    return whole


def described(photo: Pixels, found: Sequence[Detection], describer: Describer) -> list[str]:
    """What the pipeline calls regions in the end: the describer's category of each."""
    crops = [Crop(photo, one.box, one.mask, "look", one.label_scores) for one in found]
    said = describer.describe(crops)
    likeliest = [
        max(one.attributes["category"].items(), key=lambda item: item[1])[0]
        for one in said
        if isinstance(one, Description)
    ]
    assert len(likeliest) == len(found), "the embedded describer turns no region away"
    return likeliest


@dataclass(frozen=True)
class Judged:
    """A garment of a photo beside the region of a detector that overlaps it most.

    Attributes:
        group: 1 + its place in QUALITY_GROUPS.
        mask: bool (H, W), all of one merged class that counts.
        region: bool (H, W), of the region; empty where there is none.
        overlap: IoU of both.
        label: what the region is called, or None.
        found, labelled: whether a region overlaps it with IoU >= 0.5, and one of its class does.
    """

    group: int
    mask: NDArray[np.bool_]
    region: NDArray[np.bool_]
    overlap: float
    label: str | None
    found: bool
    labelled: bool


def judged(
    photo: ParsedPhoto, detections: Sequence[Detection], names: Sequence[str]
) -> Iterator[Judged]:
    """Each garment that covers over 1.5% of a photo, as in `parsing_quality`.

    Args:
        names: of the detections, by the detector or the describer.
    """
    lookup = quality_lookup()
    truth = lookup[photo.mask]
    counted = (photo.mask != IGNORE) & (truth != IGNORE)
    masks = [placed_mask(one, truth.shape) & counted for one in detections]
    labels = [int(lookup[SEGMENTER_CLASSES.index(name)]) for name in names]
    for group in range(1, len(QUALITY_GROUPS) + 1):
        garment = (truth == group) & counted
        if garment.sum() <= MIN_REGION_SHARE * truth.size:
            continue
        overlaps = [float((garment & m).sum() / (garment | m).sum()) for m in masks]
        hits = [labels[n] for n, overlap in enumerate(overlaps) if overlap >= 0.5]
        best = int(np.argmax(overlaps)) if overlaps else None
        yield Judged(
            group,
            garment,
            np.zeros_like(garment) if best is None else masks[best],
            0.0 if best is None else overlaps[best],
            None if best is None else names[best],
            bool(hits),
            group in hits,
        )


def region_quality(
    photos: Sequence[ParsedPhoto], detector: Detector, describer: Describer | None = None
) -> dict[str, Any]:
    """The share of garments that one region of the detector overlaps with IoU >= 0.5.

    It is rightly labelled when such a region's label is of its class: the detector's label, or
    the describer's where one is given.
    """
    groups = list(QUALITY_GROUPS)
    counts = np.zeros((len(groups), 3), np.int64)
    regions = 0
    for photo in photos:
        detections, names = _answer(photo, detector, describer)
        regions += len(detections)
        for one in judged(photo, detections, names):
            counts[one.group - 1] += (1, one.found, one.labelled)
    total = max(1, int(counts[:, 0].sum()))
    return {
        "photos": len(photos),
        "garments": int(counts[:, 0].sum()),
        "regions_per_photo": round(regions / max(1, len(photos)), 2),
        "found": round(float(counts[:, 1].sum() / total), 4),
        "found_and_labelled": round(float(counts[:, 2].sum() / total), 4),
        "classes": {
            name: {"garments": int(row[0]), "found": int(row[1]), "found_and_labelled": int(row[2])}
            for name, row in zip(groups, counts, strict=True)
        },
    }


def _answer(
    photo: ParsedPhoto, detector: Detector, describer: Describer | None
) -> tuple[list[Detection], list[str]]:
    """The regions of a photo, and what each is called."""
    detections = detector.detect([photo.pixels])[0]
    if describer is not None:
        return detections, described(photo.pixels, detections, describer)
    return detections, [str(one.label) for one in detections]


def region_failures(photos: Sequence[ParsedPhoto], detector: Detector) -> Failures:
    """The garments that no region overlaps with IoU >= 0.5, or none of their class; the largest
    weigh most."""
    groups = list(QUALITY_GROUPS)
    failures: list[Failure] = []
    tried = 0
    for photo in photos:
        for one in judged(photo, *_answer(photo, detector, None)):
            tried += 1
            if not one.labelled:
                said = f"called {one.label}" if one.found else f"IoU {one.overlap:.2f}"
                failures.append(
                    Failure(
                        photo.pixels,
                        f"{groups[one.group - 1]}\n{said if one.region.any() else 'no region'}",
                        float(one.mask.mean()),
                        (one.mask, one.region),
                    )
                )
    return Failures("garments not found, or called otherwise", tried, failures)
