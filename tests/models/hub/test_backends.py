"""Batches under memory pressure, and how device, precision and batch size are chosen."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lookweave.errors import ConfigError, ModelError
from lookweave.models.hub.backends import Arrays, Batcher, OnnxBackend, OutOfMemoryError, _explain
from lookweave.models.hub.runtime import Runtime, RuntimeChoice, fitting_batch_size


class Cramped:
    """A backend that has room for so many rows."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.calls: list[int] = []

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> Arrays:
        rows = len(inputs["x"])
        self.calls.append(rows)
        if rows > self.room:
            raise OutOfMemoryError("injected")
        return {"y": inputs["x"] * inputs.get("factor", np.ones(1))[0]}


def test_out_of_memory_halves_the_batch_and_goes_on() -> None:
    backend = Cramped(room=3)
    batch = Batcher(backend, 16)
    rows = np.arange(21, dtype=np.float32)[:, None]

    given = batch({"x": rows}, {"factor": np.array([2.0])})["y"]

    np.testing.assert_array_equal(given, rows * 2)
    assert batch.batch_size == 2
    assert backend.calls[:4] == [16, 8, 4, 2]
    # The smaller batch is kept: the next call does not run into the wall again.
    backend.calls.clear()
    batch({"x": rows})
    assert set(backend.calls) <= {2, 1}


def test_one_row_that_does_not_fit_is_an_error_a_person_can_act_on() -> None:
    with pytest.raises(ModelError, match="single photo"):
        Batcher(Cramped(room=0), 8)({"x": np.zeros((3, 1))})


def test_threads_that_run_out_together_all_get_their_rows() -> None:
    batch = Batcher(Cramped(room=2), 64)
    results: dict[int, NDArray[Any]] = {}

    def work(number: int) -> None:
        results[number] = batch({"x": np.full((30, 1), number)})["y"]

    threads = [Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert all((results[number] == number).all() for number in range(4))
    assert batch.batch_size in (1, 2)


@pytest.mark.parametrize(
    "text",
    [
        "CUDA out of memory. Tried to allocate 2.00 GiB",
        "[ONNXRuntimeError] : RUNTIME_EXCEPTION : Failed to allocate memory for requested buffer",
        "DefaultCPUAllocator: can't allocate memory: you tried to allocate 99 bytes",
        "std::bad_alloc",
    ],
)
def test_each_backends_words_for_too_much_are_known(text: str) -> None:
    assert isinstance(_explain(RuntimeError(text), "x"), OutOfMemoryError)
    assert isinstance(_explain(MemoryError(), "x"), OutOfMemoryError)
    assert isinstance(_explain(RuntimeError("shape mismatch"), "x"), ModelError)


def test_batch_size_follows_the_memory() -> None:
    choice = Runtime(device="cpu", backend="onnxruntime").choose()

    def fits(**given: Any) -> int:
        return fitting_batch_size(Runtime(device="cpu", **given), choice, one_mb=10.0)

    assert fits(memory_mb=85) == 8
    assert fits(memory_mb=1) == 1
    assert fits(memory_mb=1e9) == 16
    assert fits(memory_mb=85, batch_size=5) == 5
    assert fits() == 4  # 64 MB, beyond which a processor only loses speed


def test_a_cpu_gets_onnxruntime_in_float32() -> None:
    choice = Runtime(device="cpu").choose()

    assert (choice.backend, choice.device, choice.precision) == ("onnxruntime", "cpu", "float32")


def test_a_network_that_cannot_leave_torch_gets_torch() -> None:
    pytest.importorskip("torch", reason="torch is not installed")

    assert Runtime(device="cpu").choose(exportable=False).backend == "torch"
    with pytest.raises(ConfigError, match="torch only"):
        Runtime(backend="onnxruntime").choose(exportable=False)


def test_a_gpu_gets_torch_in_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)

    choice = Runtime().choose()

    assert (choice.backend, choice.device, choice.precision) == ("torch", "cuda", "bfloat16")
    assert Runtime(device="cpu").choose().backend == "onnxruntime"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"backend": "tensorflow"}, "backend must be one of"),
        ({"speed": 11}, "no runtime setting 'speed'"),
        ({"precision": "float8"}, "precision must be one of"),
        ({"batch_size": 0}, "1 or more"),
    ],
)
def test_wrong_settings_are_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        Runtime.of(given)


def test_precisions_that_a_backend_lacks_are_refused() -> None:
    with pytest.raises(ConfigError, match="onnxruntime runs networks in"):
        Runtime(backend="onnxruntime", device="cpu", precision="bfloat16").choose()


def test_a_device_that_is_not_there_is_no_silent_processor(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    value = [onnx.helper.make_tensor_value_info(name, 1, ["n"]) for name in "xy"]
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Neg", "x", "y")], "g", *([v] for v in value)
    )
    path = tmp_path / "neg.onnx"
    onnx.save(onnx.helper.make_model(graph, ir_version=8), path)
    assert OnnxBackend(path, RuntimeChoice("onnxruntime", "cpu", "float32")).run(
        {"x": np.float32([1.0])}
    )["y"].tolist() == [-1.0]
    with pytest.raises(ModelError, match="cuda:1, but this onnxruntime finds no such GPU"):
        OnnxBackend(path, RuntimeChoice("onnxruntime", "cuda:1", "float32"))


def test_openvino_runs_on_the_processor_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    with pytest.raises(ConfigError, match="openvino runs networks on the processor only"):
        Runtime(backend="openvino", device="cuda").choose()


def test_a_halved_batch_is_said(caplog: pytest.LogCaptureFixture) -> None:
    class Small:
        def run(self, inputs: Any) -> Any:
            if len(inputs["x"]) > 2:
                raise OutOfMemoryError("no room")
            return {"y": inputs["x"]}

    assert len(Batcher(Small(), 8)({"x": np.zeros(5)})["y"]) == 5
    assert "no room): batches of 2 from now on" in caplog.text
