"""From a torch network to the ONNX file that ships, and the record that lies beside it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

OPSET = 17

MIN_HALVED = 64
"""Initialisers of fewer values stay float32: shapes and scales, where halving saves nothing."""


def store_half_precision(model: onnx.ModelProto) -> onnx.ModelProto:
    """Store float32 weights as float16 followed by a Cast to float32.

    The file halves; onnxruntime folds the casts when it loads, and computes in float32.
    """
    casts = []
    for initializer in model.graph.initializer:
        values = numpy_helper.to_array(initializer)
        if initializer.data_type != TensorProto.FLOAT or values.size < MIN_HALVED:
            continue
        name = initializer.name
        half = numpy_helper.from_array(values.astype(np.float16), f"{name}_half")
        initializer.CopyFrom(half)
        casts.append(
            helper.make_node("Cast", [f"{name}_half"], [name], f"{name}_cast", to=TensorProto.FLOAT)
        )
    for place, cast in enumerate(casts):
        model.graph.node.insert(place, cast)
    onnx.checker.check_model(model)
    return model


def export_onnx(
    network: nn.Module, path: Path, example: Tensor, output: str, input_axes: dict[int, str],
    output_axes: dict[int, str],
) -> float:  # fmt: skip
    """Write `network` as ONNX with half-precision storage, whole or not at all.

    Returns the largest difference between onnxruntime and torch on random input, relative to
    the largest output.
    """
    network.eval()
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    contiguous = network.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    torch.onnx.export(
        contiguous, (example,), str(part), input_names=["image"], output_names=[output],
        opset_version=OPSET, dynamo=False, do_constant_folding=True,
        dynamic_axes={"image": input_axes, output: output_axes},
    )  # fmt: skip
    onnx.save(store_half_precision(onnx.load(part)), part)
    generator = torch.Generator().manual_seed(0)
    image = torch.rand((3, *example.shape[1:]), generator=generator) * 2 - 1
    with torch.inference_mode():
        expected = contiguous(image).numpy()
    session = onnxruntime.InferenceSession(str(part), providers=["CPUExecutionProvider"])
    given = session.run([output], {"image": image.numpy()})[0]
    part.replace(path)
    return float(np.abs(given - expected).max() / np.abs(expected).max())


def write_record(weights: Path, record: dict[str, Any]) -> Path:
    """Write the record of a weights file beside it, with its size and sha-256."""
    content = weights.read_bytes()
    complete = {
        **record,
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
    }
    path = weights.with_suffix(".json")
    part = path.with_suffix(".json.part")
    part.write_text(json.dumps(complete, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    part.replace(path)
    return path
