"""Detectors and encoders that are one ONNX file and nothing else.

Detectors of the YOLO family differ in how their one output is laid out; which layout a file has
is told from its shape. Known: YOLOX, YOLOv5 to v9 and YOLO11 before suppression, YOLOv10 and
others after it, and DETR-like exports with the outputs labels, boxes and scores.
"""

from __future__ import annotations

import ast
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lookweave.errors import ModelError
from lookweave.models.card import Card
from lookweave.models.hub.backends import Arrays, Batcher, OnnxBackend
from lookweave.models.hub.boxes import BoxCandidates, detections, overlap, person_parts
from lookweave.models.hub.fetch import locate
from lookweave.models.hub.labels import COCO, LabelMap, table_in
from lookweave.models.hub.runtime import Runtime, fitting_batch_size
from lookweave.models.protocols import Detection, Floats, Pixels
from lookweave.models.session import open_session

logger = logging.getLogger(__name__)

GREY = 114
_MAX_BOXES = 300

COCO80: tuple[str, ...] = (
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat",
    "traffic light", "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog",
    "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe", "backpack", "umbrella",
    "handbag", "tie", "suitcase", "frisbee", "skis", "snowboard", "sports ball", "kite",
    "baseball bat", "baseball glove", "skateboard", "surfboard", "tennis racket", "bottle",
    "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple", "sandwich", "orange",
    "broccoli", "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch", "potted plant",
    "bed", "dining table", "toilet", "tv", "laptop", "mouse", "remote", "keyboard", "cell phone",
    "microwave", "oven", "toaster", "sink", "refrigerator", "book", "clock", "vase", "scissors",
    "teddy bear", "hair drier", "toothbrush",
)  # fmt: skip
"""COCO's classes as the YOLO family counts them."""


@dataclass(frozen=True)
class OnnxFile:
    """What an ONNX file says of itself.

    Attributes:
        size: height and width of its photos (640 where it takes any).
        outputs: name and shape of each output; None in a shape is any length.
        names: class names in its metadata, or ().
        author: who made it, by its metadata.
    """

    size: tuple[int, int]
    outputs: dict[str, tuple[int | None, ...]]
    names: tuple[str, ...]
    author: str


def read_onnx(path: Path) -> OnnxFile:
    """Raises: ModelError: it is no ONNX file, or takes no photo."""
    session = open_session(path)
    photo = session.get_inputs()[0]
    if len(photo.shape) != 4:
        raise ModelError(f"{path}: its input {photo.name} of shape {photo.shape} is no photo.")
    height, width = (side if isinstance(side, int) else 640 for side in photo.shape[2:])
    metadata = session.get_modelmeta().custom_metadata_map
    outputs = {
        output.name: tuple(side if isinstance(side, int) else None for side in output.shape)
        for output in session.get_outputs()
    }
    author = metadata.get("author", "")
    return OnnxFile((height, width), outputs, _names(metadata.get("names", "")), author)


class YoloDetector:
    """A detector of the YOLO family (or a DETR-like one) from one ONNX file.

    Class names come from `labels.json` beside the file, the file's metadata, or COCO's 80.

    Card settings:
        threshold: least score. max_overlap: for suppression, intersection over union.
        layout: ``yolox``, ``yolo``, ``boxes``, ``detr``; told from the shape when not given.
        scale: factor of the pixel values; YOLOX takes 0..255, all others 0..1.

    Raises:
        ModelError: the file cannot be read, or its output is of no known layout.
    """

    def __init__(self, card: Card, models_dir: Path | None = None) -> None:
        path = locate(card, models_dir)
        self._file = read_onnx(path)
        if "ultralytics" in self._file.author.lower():
            logger.warning(
                "%s was made by Ultralytics: such weights are under AGPL-3.0 unless you hold "
                "their licence. YOLOX and RT-DETR are under Apache-2.0.", path
            )  # fmt: skip
        table = table_in(path.parent)
        names = list(self._file.names or (table if table else COCO80))
        self._labels = LabelMap.of(names, table or (COCO if not self._file.names else None))
        self._layout = str(card.settings.get("layout") or layout_of(self._file, len(names)))
        self._threshold = float(card.settings.get("threshold", 0.4))
        self._max_overlap = float(card.settings.get("max_overlap", 0.6))
        self._scale = float(card.settings.get("scale", 1.0 if self._layout == "yolox" else 1 / 255))
        # One ONNX file: whatever runs the other models of the build, onnxruntime runs this one.
        how = {"backend": "onnxruntime", "precision": "float32"}
        runtime = Runtime.of({**card.running, **how})
        choice = runtime.choose()
        self._backend = OnnxBackend(path, choice)
        height, width = self._file.size
        size = fitting_batch_size(runtime, choice, height * width * 4 * 64 / 1e6)
        self._batch = Batcher(self._backend, size)
        logger.info(
            "%s is read as a detector of layout %s with %d classes (%s); it runs on %s.",
            path, self._layout, len(names),
            "named in the file" if self._file.names else "of labels.json" if table else "COCO's",
            choice.device,
        )  # fmt: skip

    def detect(self, photos: list[Pixels]) -> list[list[Detection]]:
        """One list for each photo, best first; empty where no garment is seen."""
        found = []
        for photo, candidates in zip(photos, self.candidates(photos), strict=True):
            height, width = photo.shape[:2]
            garments, persons = detections(
                candidates, self._labels, height, width,
                threshold=self._threshold, max_overlap=self._max_overlap,
            )  # fmt: skip
            for box in persons:
                garments += person_parts(box, 0.5)
            found.append(sorted(garments, key=lambda one: -one.score))
        return found

    def candidates(self, photos: list[Pixels]) -> list[BoxCandidates]:
        """What the network says of each photo, in its own classes, after suppression."""
        found = []
        for photo in photos:  # most of these files take one photo at a time
            frame, scale = put_in_frame(photo, *self._file.size)
            values = np.ascontiguousarray(frame.transpose(2, 0, 1)[None], np.float32) * np.float32(
                self._scale
            )
            inputs: dict[str, Any] = {self._backend.inputs[0]: values}
            shared = {}
            if "orig_target_sizes" in self._backend.inputs:
                shared["orig_target_sizes"] = np.array([self._file.size], np.int64)
            boxes, scores = decode(self._layout, self._batch(inputs, shared), self._file.size)
            found.append(
                suppress_overlaps(boxes / scale, scores, self._threshold, self._max_overlap)
            )
        return found


def put_in_frame(photo: Pixels, height: int, width: int) -> tuple[Pixels, float]:
    """The photo in the top left of a grey frame, its aspect kept, and its scale (YOLOX's way)."""
    scale = min(height / photo.shape[0], width / photo.shape[1])
    inner = max(1, int(photo.shape[1] * scale)), max(1, int(photo.shape[0] * scale))
    frame = np.full((height, width, 3), GREY, np.uint8)
    resized = Image.fromarray(photo).resize(inner, Image.Resampling.BILINEAR)
    frame[: inner[1], : inner[0]] = np.asarray(resized)
    return frame, scale


def layout_of(file: OnnxFile, classes: int) -> str:
    """How the file's outputs are laid out.

    Raises:
        ModelError: in no way that is known here.
    """
    if {"labels", "boxes", "scores"} <= file.outputs.keys():
        return "detr"
    shape = next(iter(file.outputs.values()))
    if len(shape) == 3 and shape[2] == 6 and classes != 1:
        return "boxes"
    if len(shape) == 3 and shape[2] == 5 + classes:
        return "yolox"
    if len(shape) == 3 and shape[1] == 4 + classes:
        return "yolo"
    raise ModelError(
        f"The output {shape} fits no known detector with {classes} classes. Put a labels.json "
        "beside the file if its classes are not COCO's 80, or export it before suppression."
    )


def decode(layout: str, given: Arrays, size: tuple[int, int]) -> tuple[Floats, Floats]:
    """Boxes, float32 (n, 4) xyxy in pixels of the frame, and scores, float32 (n, classes)."""
    if layout == "detr":
        labels, boxes, scores = given["labels"][0], given["boxes"][0], given["scores"][0]
        return boxes.astype(np.float32), _spread(labels, scores)
    raw = next(iter(given.values()))[0].astype(np.float32)
    if layout == "boxes":
        return raw[:, :4], _spread(raw[:, 5], raw[:, 4])
    if layout == "yolo":
        raw = raw.T
        return _xyxy(raw[:, :4]), raw[:, 4:]
    strides, grid = [], []
    for stride in (8, 16, 32):
        rows, columns = np.mgrid[0 : size[0] // stride, 0 : size[1] // stride]
        grid.append(np.stack([columns.ravel(), rows.ravel()], 1))
        strides.append(np.full((rows.size, 1), stride))
    if len(raw) != sum(len(part) for part in grid):
        raise ModelError(f"A YOLOX output of {len(raw)} boxes does not fit a frame of {size}.")
    each = np.concatenate(strides).astype(np.float32)
    centre = (raw[:, :2] + np.concatenate(grid)) * each
    side = np.exp(np.clip(raw[:, 2:4], None, 20)) * each
    return _xyxy(np.hstack([centre, side]).astype(np.float32)), raw[:, 4:5] * raw[:, 5:]


def suppress_overlaps(
    boxes: Floats, scores: Floats, threshold: float, max_overlap: float
) -> BoxCandidates:
    """Non-maximum suppression within each class, best first."""
    labels, best = scores.argmax(axis=1), scores.max(axis=1)
    order = np.argsort(-best, kind="stable")
    kept: list[int] = []
    for index in order[best[order] > threshold]:
        same = [other for other in kept if labels[other] == labels[index]]
        if not same or overlap(boxes[index], boxes[same]).max() <= max_overlap:
            kept.append(int(index))
        if len(kept) >= _MAX_BOXES:
            break
    return BoxCandidates(boxes, best, labels, scores).keep(np.array(kept, np.int64))


def _xyxy(boxes: Floats) -> Floats:
    half = boxes[:, 2:] / 2
    joined: Floats = np.concatenate([boxes[:, :2] - half, boxes[:, :2] + half], axis=1)
    return joined


def _spread(labels: NDArray[Any], scores: NDArray[Any]) -> Floats:
    classes = int(labels.max(initial=0)) + 1
    spread = np.zeros((len(labels), max(classes, len(COCO80))), np.float32)
    spread[np.arange(len(labels)), labels.astype(int)] = scores
    return spread


def _names(text: str) -> tuple[str, ...]:
    """Class names as exporters write them: a dictionary or a list in Python's notation."""
    if not text:
        return ()
    try:
        given = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return tuple(name.strip() for name in text.split(","))
    return tuple(str(name) for name in (given.values() if isinstance(given, dict) else given))
