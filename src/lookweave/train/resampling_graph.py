"""The graphs that bring pixels to a network's input: `python -m lookweave.train.resampling_graph`.

onnxruntime, which the core needs anyhow, resizes a picture several times as quickly as Pillow and
numpy do, and leaves other threads to their work meanwhile. The graphs have no weights. They ship
as files because writing one takes `onnx`, which the core does without.
"""

from __future__ import annotations

from typing import Any

import onnx
from onnx import TensorProto, helper

from lookweave.models.resampling import AS_IT_IS, FRAMED

_INPUTS: dict[str, tuple[int, list[int | str]]] = {
    "pixels": (TensorProto.UINT8, ["rows", "columns", 3]),
    "size": (TensorProto.INT64, [4]),
    "margins": (TensorProto.INT64, [8]),
    "grey": (TensorProto.FLOAT, []),
    "mask": (TensorProto.UINT8, ["mask rows", "mask columns"]),
    "window": (TensorProto.FLOAT, [8]),
    "cells": (TensorProto.INT64, [4]),
    "fade": (TensorProto.FLOAT, []),
    "frame": (TensorProto.INT64, [4]),
    "scale": (TensorProto.FLOAT, [1, 3, 1, 1]),
    "zero": (TensorProto.FLOAT, [1, 3, 1, 1]),
}
_CONSTANTS: dict[str, tuple[int, list[int], list[float]]] = {
    "first": (TensorProto.INT64, [1], [0]),
    "first two": (TensorProto.INT64, [2], [0, 1]),
    "ring": (TensorProto.INT64, [8], [0, 0, 1, 1, 0, 0, 1, 1]),
    "white": (TensorProto.FLOAT, [], [255.0]),
    "one": (TensorProto.FLOAT, [], [1.0]),
}


def resampling_graph() -> onnx.ModelProto:
    """image = (placed(resized(pixels) - grey) * kept + grey) * scale - zero, where
    kept = 1 - fade * (1 - softened(mask) / 255); `models.resampling` says what each is."""
    nodes = [
        *_LEVELS,
        _node("Resize", "batch, , , size", "resized", mode="linear"),
        _node("Sub", "resized, grey", "centred"),
        _node("Pad", "centred, margins", "placed"),
        # The mask over the frame, on cells as wide as its soft edge; beyond it lies nothing.
        _node("Cast", "mask", "mask's levels", to=TensorProto.FLOAT),
        _node("Unsqueeze", "mask's levels, first two", "mask's batch"),
        _node("Pad", "mask's batch, ring", "ringed"),
        _node(
            "Resize", "ringed, window, , cells", "on cells", mode="linear",
            coordinate_transformation_mode="tf_crop_and_resize", extrapolation_value=0.0,
        ),
        _node("AveragePool", "on cells", "softened", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        _node("Div", "softened, white", "inside"),
        _node("Sub", "one, inside", "outside"),
        _node("Mul", "outside, fade", "lost"),
        _node("Sub", "one, lost", "kept on cells"),
        _node("Resize", "kept on cells, , , frame", "kept", mode="linear"),
        _node("Mul", "placed, kept", "faded"),
        _node("Add", "faded, grey", "shown"),
        *_normalised("shown"),
    ]  # fmt: skip
    return _model("resampling", nodes, list(_INPUTS))


def levels_graph() -> onnx.ModelProto:
    """image = pixels * scale - zero."""
    return _model("levels", [*_LEVELS, *_normalised("batch")], ["pixels", "scale", "zero"])


def _node(kind: str, inputs: str, output: str, **how: Any) -> onnx.NodeProto:
    return helper.make_node(kind, inputs.split(", "), [output], **how)


_LEVELS = [
    _node("Transpose", "pixels", "planes", perm=[2, 0, 1]),
    _node("Cast", "planes", "levels", to=TensorProto.FLOAT),
    _node("Unsqueeze", "levels, first", "batch"),
]


def _normalised(shown: str) -> list[onnx.NodeProto]:
    return [
        _node("Mul", f"{shown}, scale", "scaled"),
        _node("Sub", "scaled, zero", "image"),
    ]


def _model(name: str, nodes: list[onnx.NodeProto], inputs: list[str]) -> onnx.ModelProto:
    used = {one for node in nodes for one in node.input}
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info(one, *_INPUTS[one]) for one in inputs],
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, "height", "width"])],
        [helper.make_tensor(one, *what) for one, what in _CONSTANTS.items() if one in used],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model


if __name__ == "__main__":
    onnx.save(resampling_graph(), FRAMED)
    onnx.save(levels_graph(), AS_IT_IS)
