"""From a torch network to the ONNX file that ships, and the record that lies beside it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from lookweave.train.precision import LEAST, Agreement, Candidate, answer_of, coarsest, stored

OPSET = 17


@dataclass(frozen=True)
class Exported:
    """An ONNX file as it was written.

    Attributes:
        difference: the largest from torch on random input, relative to the largest output.
        tried: the precisions up to the one of the file, which is the last.
    """

    difference: float
    tried: Sequence[Candidate]

    def record(self, measure: str) -> dict[str, Any]:
        """What a record says of it; `measure` says in words what `Candidate.agreement` is."""
        return {
            "onnx_difference": self.difference,
            "precision": {
                "stored": self.tried[-1].precision,
                "measure": measure,
                "least": LEAST,
                "tried": [asdict(one) for one in self.tried],
            },
        }


@dataclass(frozen=True)
class InnerTensor:
    """A tensor inside an exported graph.

    Attributes:
        name: as the exporter calls it.
        shape: a name where the length varies.
    """

    name: str
    shape: tuple[int | str, ...]


def export_onnx(
    network: nn.Module, path: Path, example: Tensor, output: str, input_axes: dict[int, str],
    output_axes: dict[int, str], agreement: Agreement,
    also: Mapping[str, InnerTensor] | None = None,
) -> Exported:  # fmt: skip
    """Write `network` as ONNX, whole or not at all, its weights at the coarsest precision whose
    answers agree with float32.

    Args:
        also: further outputs, by name.
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
    whole = onnx.load(part)
    tried = coarsest(whole, output, agreement)
    model = stored(whole, tried[-1].precision)
    for name, tensor in (also or {}).items():
        give_out(model, name, tensor)
    onnx.save(model, part)
    generator = torch.Generator().manual_seed(0)
    image = torch.rand((3, *example.shape[1:]), generator=generator) * 2 - 1
    with torch.inference_mode():
        expected = contiguous(image).numpy()
    given = answer_of(model, output)(image.numpy())
    part.replace(path)
    return Exported(float(np.abs(given - expected).max() / np.abs(expected).max()), tried)


def give_out(model: onnx.ModelProto, name: str, tensor: InnerTensor) -> None:
    """Make a float32 tensor inside the graph one of its outputs; no node changes.

    Args:
        name: of the output; the tensor is renamed.

    Raises:
        ValueError: no node of the graph gives this tensor.
    """
    ends = [
        (values, place)
        for node in model.graph.node
        for values in (node.input, node.output)
        for place, value in enumerate(values)
        if value == tensor.name
    ]
    if not any(tensor.name in node.output for node in model.graph.node):
        raise ValueError(f"the graph has no tensor {tensor.name}")
    for values, place in ends:
        values[place] = name
    model.graph.output.append(
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, tensor.shape)
    )
    onnx.checker.check_model(model)


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
