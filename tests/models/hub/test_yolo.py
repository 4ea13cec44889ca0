"""Detectors that are one ONNX file: graphs with known numbers, decoded by hand."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lookweave.errors import ModelError
from lookweave.models.card import Card
from lookweave.models.hub.cards import card_for_path
from lookweave.models.hub.yolo import COCO80, YoloDetector, decode, put_in_frame, suppress_overlaps

onnx = pytest.importorskip("onnx", reason="onnx is not installed")

SIDE = 64
PERSON, BAG, DOG = COCO80.index("person"), COCO80.index("handbag"), COCO80.index("dog")


def constant_model(
    path: Path, outputs: dict[str, NDArray[Any]], metadata: dict[str, str] | None = None
) -> Card:
    """An ONNX file that answers every photo with these numbers."""
    from onnx import TensorProto, helper, numpy_helper

    nodes = [
        helper.make_node("Constant", [], [name], value=numpy_helper.from_array(values))
        for name, values in outputs.items()
    ]
    photo = helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, SIDE, SIDE])
    given = [
        helper.make_tensor_value_info(
            name, helper.np_dtype_to_tensor_dtype(values.dtype), values.shape
        )
        for name, values in outputs.items()
    ]
    model = helper.make_model(
        helper.make_graph(nodes, "constant", [photo], given),
        opset_imports=[helper.make_opsetid("", 18)], ir_version=9,
    )  # fmt: skip
    for key, value in (metadata or {}).items():
        model.metadata_props.add(key=key, value=value)
    onnx.save(model, str(path))
    return card_for_path(str(path))


PHOTO = np.zeros((128, 64, 3), np.uint8)  # twice the frame's height: boxes come back doubled


def v8(boxes: list[tuple[float, float, float, float, int, float]]) -> NDArray[np.float32]:
    """Centre, size, class and score as YOLOv8 lays them out: (1, 4 + classes, boxes)."""
    raw = np.zeros((1, 84, len(boxes)), np.float32)
    for column, (x, y, w, h, label, score) in enumerate(boxes):
        raw[0, :4, column] = x, y, w, h
        raw[0, 4 + label, column] = score
    return raw


def test_a_yolo_output_becomes_regions(tmp_path: Path) -> None:
    raw = v8([
        (16, 32, 8, 16, BAG, 0.9), (16, 33, 8, 16, BAG, 0.8), (24, 40, 6, 6, DOG, 0.95),
        (10, 10, 4, 4, BAG, 0.2),
    ])  # fmt: skip
    detector = YoloDetector(constant_model(tmp_path / "v8.onnx", {"output0": raw}))

    (found,) = detector.detect([PHOTO])

    # One bag: its double is suppressed, the dog is no garment, the last is unsure.
    assert [one.label for one in found] == ["bag"]
    assert found[0].score == pytest.approx(0.9)
    np.testing.assert_allclose(found[0].box, (24, 48, 40, 80), atol=1e-4)


def test_a_person_becomes_parts(tmp_path: Path) -> None:
    raw = v8([(16, 32, 16, 40, PERSON, 0.9)])
    detector = YoloDetector(constant_model(tmp_path / "v8.onnx", {"output0": raw}))

    (found,) = detector.detect([PHOTO])

    assert [one.label for one in found] == [None, None, "shoes"]
    for one in found:
        assert one.box[0] == pytest.approx(16) and one.box[2] == pytest.approx(48)


def test_a_yolox_output_is_laid_on_its_grid(tmp_path: Path) -> None:
    cells = 8 * 8 + 4 * 4 + 2 * 2
    raw = np.zeros((1, cells, 85), np.float32)
    raw[0, 8 * 3 + 2, :5] = 0.5, 0.25, np.log(2.0), np.log(4.0), 1.0  # column 2, row 3, stride 8
    raw[0, 8 * 3 + 2, 5 + BAG] = 0.75
    detector = YoloDetector(constant_model(tmp_path / "yolox.onnx", {"output": raw}))

    (found,) = detector.detect([PHOTO])

    # Centre (2.5, 3.25) * 8 = (20, 26), size (16, 32); the photo is twice the frame.
    np.testing.assert_allclose(found[0].box, (24, 20, 56, 84), atol=1e-3)
    assert found[0].score == pytest.approx(0.75)


def test_boxes_after_suppression_and_a_detrs_outputs_are_read(tmp_path: Path) -> None:
    rows = np.array([[[4, 8, 12, 24, 0.9, BAG], [0, 0, 1, 1, 0.1, DOG]]], np.float32)
    after = YoloDetector(constant_model(tmp_path / "v10.onnx", {"output0": rows}))
    detr = YoloDetector(
        constant_model(
            tmp_path / "detr.onnx",
            {
                "labels": np.array([[BAG, DOG]]),
                "boxes": rows[:, :, :4],
                "scores": rows[:, :, 4],
            },
        )
    )

    for detector in (after, detr):
        (found,) = detector.detect([PHOTO])
        assert [one.label for one in found] == ["bag"]
        np.testing.assert_allclose(found[0].box, (8, 16, 24, 48), atol=1e-4)


def test_class_names_come_from_the_files_metadata(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    raw = np.zeros((1, 6, 1), np.float32)
    raw[0, :, 0] = 16, 16, 8, 8, 0.1, 0.8
    with caplog.at_level(logging.WARNING):
        detector = YoloDetector(
            constant_model(
                tmp_path / "own.onnx", {"output0": raw},
                {"names": "{0: 'coat', 1: 'skirt'}", "author": "Ultralytics"},
            )
        )  # fmt: skip

    assert detector.detect([PHOTO])[0][0].label == "skirt"
    assert "AGPL-3.0" in caplog.text


def test_an_unknown_layout_is_refused(tmp_path: Path) -> None:
    card = constant_model(tmp_path / "odd.onnx", {"output0": np.zeros((1, 7, 9), np.float32)})

    with pytest.raises(ModelError, match="fits no known detector"):
        YoloDetector(card)


def test_no_onnx_at_all_is_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"not a model")

    with pytest.raises(ModelError, match="cannot be opened"):
        YoloDetector(card_for_path(str(tmp_path / "broken.onnx")))


def test_the_frame_keeps_the_aspect_and_fills_with_grey() -> None:
    frame, scale = put_in_frame(np.full((32, 64, 3), 200, np.uint8), 64, 64)

    assert scale == 1.0
    assert (frame[:32] == 200).all() and (frame[32:] == 114).all()


def test_suppression_keeps_the_best_of_each_class() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [1, 0, 11, 10], [50, 50, 60, 60]], np.float32)
    scores = np.array([[0.8, 0], [0.9, 0], [0, 0.7], [0.6, 0]], np.float32)

    kept = suppress_overlaps(boxes, scores, 0.5, 0.5)

    assert kept.scores.tolist() == pytest.approx([0.9, 0.7, 0.6])
    assert kept.labels.tolist() == [0, 1, 0]


def test_a_yolox_of_another_frame_is_refused() -> None:
    with pytest.raises(ModelError, match="does not fit a frame"):
        decode("yolox", {"output": np.zeros((1, 5, 85), np.float32)}, (64, 64))
