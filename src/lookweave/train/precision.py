"""How finely a network's weights are stored: as coarsely as its answers bear.

The choice is between sizes of files. Whatever is stored, onnxruntime makes float32 of it when it
loads, and computes in float32: the answers are what counts, and no precision is taken for speed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

LEAST = 0.99
"""The agreement with float32 that the chosen precision has at least."""

PRECISIONS = ("int8", "float16", "float32")
"""Coarsest first."""

_MIN_VALUES = 64
"""Weights of fewer values stay float32: shapes and scales, where coarser ones save nothing."""

Answer = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""Images, float32 (n, 3, h, w), -> what the network gives for them."""

Agreement = Callable[[Answer, Answer], float]
"""How far another network's answers, 0..1, lead to what the first one's do."""


@dataclass(frozen=True)
class Candidate:
    """A precision, the size it gives, and how far it agrees with float32."""

    precision: str
    bytes: int
    agreement: float


def stored(model: onnx.ModelProto, precision: str) -> onnx.ModelProto:
    """A copy of a model of float32 weights with these stored at another precision, followed by
    nodes that make float32 of them, which onnxruntime folds away when it loads.

    Args:
        precision: of `PRECISIONS`; int8 has a scale for each output of a layer.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    nodes: list[NodeProto] = []
    for weights in list(copy.graph.initializer):
        values = numpy_helper.to_array(weights)
        if weights.data_type != TensorProto.FLOAT or values.size < _MIN_VALUES:
            continue
        if precision == "int8" and values.ndim > 1:
            nodes += _quantised(copy.graph, weights, values)
        elif precision != "float32":
            name = weights.name
            weights.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}_half"))
            nodes.append(_to_float(f"{name}_half", name))
    for place, node in enumerate(nodes):
        copy.graph.node.insert(place, node)
    onnx.checker.check_model(copy)
    return copy


def _quantised(
    graph: onnx.GraphProto, weights: TensorProto, values: NDArray[np.float32]
) -> list[NodeProto]:
    name = weights.name
    others = tuple(range(1, values.ndim))
    scale = np.maximum(np.abs(values).max(others, keepdims=True) / 127, 1e-12).astype(np.float32)
    whole = np.round(values / scale).astype(np.int8)
    weights.CopyFrom(numpy_helper.from_array(whole, f"{name}_whole"))
    graph.initializer.append(numpy_helper.from_array(scale, f"{name}_scale"))
    return [
        _to_float(f"{name}_whole", f"{name}_unscaled"),
        helper.make_node("Mul", [f"{name}_unscaled", f"{name}_scale"], [name], f"{name}_scaled"),
    ]


def _to_float(given: str, name: str) -> NodeProto:
    return helper.make_node("Cast", [given], [name], f"{name}_cast", to=TensorProto.FLOAT)


def coarsest(model: onnx.ModelProto, output: str, agreement: Agreement) -> list[Candidate]:
    """The precisions from the coarsest on, up to the first that agrees well enough with float32."""
    whole = answer_of(model, output)
    tried: list[Candidate] = []
    for precision in PRECISIONS:
        candidate = stored(model, precision)
        agreed = 1.0 if precision == "float32" else agreement(whole, answer_of(candidate, output))
        tried.append(Candidate(precision, candidate.ByteSize(), round(agreed, 4)))
        if agreed >= LEAST:
            break
    return tried


def answer_of(model: onnx.ModelProto, output: str) -> Answer:
    """What a model gives in onnxruntime."""
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )

    def answer(images: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(session.run([output], {"image": images})[0], np.float32)

    return answer


def same_neighbours(
    first: tuple[NDArray[np.float32], NDArray[np.float32]],
    second: tuple[NDArray[np.float32], NDArray[np.float32]],
    neighbours: int = 10,
) -> float:
    """The share of each query's nearest gallery rows that two encoders have in common.

    Args:
        first, second: vectors of the same queries and gallery by either.
    """
    nearest = [
        np.argsort(-(queries @ gallery.T), axis=1, kind="stable")[:, :neighbours]
        for queries, gallery in (first, second)
    ]
    shared = [len(np.intersect1d(*rows)) / len(rows[0]) for rows in zip(*nearest, strict=True)]
    return float(np.mean(shared))


def same_classes(first: Sequence[NDArray[np.uint8]], second: Sequence[NDArray[np.uint8]]) -> float:
    """The share of photos' pixels that two segmenters give the same class, among those that either
    takes for more than background, class 0."""
    same = total = 0
    for one, other in zip(first, second, strict=True):
        told = (one > 0) | (other > 0)
        same += int((one == other)[told].sum())
        total += int(told.sum())
    return same / max(1, total)
