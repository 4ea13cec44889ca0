"""What is given out of a graph beside its own outputs."""

from __future__ import annotations

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
pytest.importorskip("torch")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from lookweave.train.export import InnerTensor, give_out  # noqa: E402
from lookweave.train.precision import answer_of  # noqa: E402


def _doubled_and_added() -> onnx.ModelProto:
    """(image x 2) + 1, in two nodes."""
    graph = helper.make_graph(
        [
            helper.make_node("Mul", ["image", "two"], ["/Mul_output_0"]),
            helper.make_node("Add", ["/Mul_output_0", "one"], ["answer"]),
        ],
        "two nodes",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n"])],
        [helper.make_tensor_value_info("answer", TensorProto.FLOAT, ["n"])],
        [numpy_helper.from_array(np.float32([value]), name) for name, value in (("two", 2), ("one", 1))],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_an_inner_tensor_is_given_out_and_the_first_answer_stays() -> None:
    model = _doubled_and_added()
    give_out(model, "doubled", InnerTensor("/Mul_output_0", ("n",)))
    image = np.float32([1.0, -3.0])
    assert [one.name for one in model.graph.output] == ["answer", "doubled"]
    assert answer_of(model, "doubled")(image).tolist() == [2.0, -6.0]
    assert answer_of(model, "answer")(image).tolist() == [3.0, -5.0]


def test_a_tensor_that_is_not_there_is_said() -> None:
    with pytest.raises(ValueError, match="no tensor /Gone"):
        give_out(_doubled_and_added(), "doubled", InnerTensor("/Gone", ("n",)))
