"""A fingerprint covers every byte that a model is made of, and is paid for once."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lookweave.errors import ModelError
from lookweave.models.hub import files
from lookweave.models.hub.files import content_fingerprint, whole_fingerprint

LARGE = 3 * files._SMALL


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A user's cache of this test's own, in which a file counts as settled at once."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(files, "_SETTLED_NS", -1_000_000_000)
    files._content_from_cache.cache_clear()
    return tmp_path / "cache/lookweave/models/fingerprints"


def _model(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text('{"model_type": "siglip"}')
    (folder / "model-00001-of-00002.safetensors").write_bytes(bytes(LARGE))
    (folder / "model-00002-of-00002.safetensors").write_bytes(bytes(1000))
    (folder / "model.safetensors.index.json").write_text("{}")
    (folder / "tokenizer.json").write_text("{}")
    (folder / "README.md").write_text("what it is")
    return folder


def _flip(path: Path, place: int) -> None:
    with path.open("r+b") as opened:
        opened.seek(place)
        byte = opened.read(1)[0]
        opened.seek(place)
        opened.write(bytes([byte ^ 1]))


@pytest.mark.parametrize("place", [0, 1, 70_000, LARGE // 2, LARGE - 70_000, LARGE - 1])
def test_one_bit_anywhere_in_the_weights_is_another_model(tmp_path: Path, place: int) -> None:
    folder = _model(tmp_path / "model")
    before = content_fingerprint(folder)
    _flip(folder / "model-00001-of-00002.safetensors", place)
    assert content_fingerprint(folder) != before


@pytest.mark.parametrize(
    "name",
    ["config.json", "model-00002-of-00002.safetensors", "model.safetensors.index.json",
     "tokenizer.json"],
)  # fmt: skip
def test_every_file_that_is_read_counts(tmp_path: Path, name: str) -> None:
    folder = _model(tmp_path / "model")
    before = content_fingerprint(folder)
    _flip(folder / name, 0)
    assert content_fingerprint(folder) != before


def test_weights_that_only_another_loader_would_take_count_too(tmp_path: Path) -> None:
    """An adapter's safetensors beside a .bin: which is read is the loader's choice."""
    folder = _model(tmp_path / "model")
    (folder / "pytorch_model.bin").write_bytes(bytes(100))
    before = content_fingerprint(folder)
    _flip(folder / "pytorch_model.bin", 50)
    assert content_fingerprint(folder) != before


def test_neither_place_nor_readme_counts(tmp_path: Path) -> None:
    folder = _model(tmp_path / "model")
    before = content_fingerprint(folder)
    shutil.copytree(folder, tmp_path / "elsewhere/copy")
    (tmp_path / "elsewhere/copy/README.md").write_text("moved")
    assert content_fingerprint(tmp_path / "elsewhere/copy") == before


def test_bytes_that_move_from_one_file_to_another_are_another_model(tmp_path: Path) -> None:
    folder = _model(tmp_path / "model")
    before = content_fingerprint(folder)
    a, b = (folder / f"model-0000{number}-of-00002.safetensors" for number in (1, 2))
    one, other = a.read_bytes(), b.read_bytes()
    a.write_bytes(other)
    b.write_bytes(one)
    assert content_fingerprint(folder) != before


@pytest.mark.parametrize("name", ["weights.bin", "a" * 200 + ".data"])
def test_an_onnx_files_external_data_counts(tmp_path: Path, name: str) -> None:
    onnx = pytest.importorskip("onnx")
    array = onnx.numpy_helper.from_array(np.zeros(5000, np.float32), "w")
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Add", ["x", "w"], ["y"])], "g",
        [onnx.helper.make_tensor_value_info("x", 1, [5000])],
        [onnx.helper.make_tensor_value_info("y", 1, [5000])], [array],
    )  # fmt: skip
    path = tmp_path / "model.onnx"
    onnx.save(
        onnx.helper.make_model(graph), path, save_as_external_data=True, location=name,
        size_threshold=0,
    )  # fmt: skip
    before = content_fingerprint(path)
    _flip(tmp_path / name, 10_000)
    assert content_fingerprint(path) != before
    assert content_fingerprint(tmp_path) != before


def test_the_labels_beside_an_onnx_file_count(tmp_path: Path) -> None:
    path = tmp_path / "yolo.onnx"
    path.write_bytes(b"no matter what")
    without = content_fingerprint(path)
    (tmp_path / "labels.json").write_text('{"Hose": "trousers"}')
    trousers = content_fingerprint(path)
    (tmp_path / "labels.json").write_text('{"Hose": "hosiery!"}')
    assert len({without, trousers, content_fingerprint(path)}) == 3
    path.rename(tmp_path / "renamed.onnx")
    assert content_fingerprint(tmp_path / "renamed.onnx") not in (without, trousers)


def test_a_folder_of_an_unknown_loader_counts_whole(tmp_path: Path) -> None:
    folder = _model(tmp_path / "model")
    (folder / "sub").mkdir()
    (folder / "sub/table.npy").write_bytes(b"1")
    before = whole_fingerprint(folder)
    (folder / "sub/table.npy").write_bytes(b"2")
    assert whole_fingerprint(folder) != before


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that were read, by name, since the list was last cleared."""
    names: list[str] = []
    real: Callable[..., files._Content] = files._read

    def told(state: files._State) -> files._Content:
        names.append(Path(state.path).name)
        return real(state)

    monkeypatch.setattr(files, "_read", told)
    return names


def test_gigabytes_are_read_once_also_by_the_next_process(
    tmp_path: Path, own_cache: Path, read: list[str]
) -> None:
    folder = _model(tmp_path / "model")
    large = "model-00001-of-00002.safetensors"
    first = content_fingerprint(folder)
    assert large in read and len(list(own_cache.glob("*.json"))) == 1
    read.clear()
    assert content_fingerprint(folder) == first and large not in read
    files._content_from_cache.cache_clear()  # as in another process
    assert content_fingerprint(folder) == first and large not in read


def test_a_change_that_keeps_size_and_time_is_noticed(tmp_path: Path, own_cache: Path) -> None:
    """As by `rsync --times` or `cp -p` of other weights."""
    folder = _model(tmp_path / "model")
    weights = folder / "model-00001-of-00002.safetensors"
    before, times = content_fingerprint(folder), weights.stat()
    assert list(own_cache.glob("*.json"))
    _flip(weights, 2_000_000)
    os.utime(weights, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert weights.stat().st_mtime_ns == times.st_mtime_ns
    assert content_fingerprint(folder) != before


def test_what_was_written_just_now_is_not_remembered(
    tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_SETTLED_NS", 3_600_000_000_000)
    content_fingerprint(_model(tmp_path / "model"))
    assert not own_cache.exists()


def test_a_broken_or_forbidden_cache_costs_time_and_nothing_else(
    tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = _model(tmp_path / "model")
    first = content_fingerprint(folder)
    for record in own_cache.glob("*.json"):
        record.write_text('{"state": 3}')
    files._content_from_cache.cache_clear()
    assert content_fingerprint(folder) == first
    (tmp_path / "file").write_text("no folder can be made here")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    files._content_from_cache.cache_clear()
    assert content_fingerprint(folder) == first


def test_the_cache_is_bounded(
    tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_MOST_RECORDS", 3)
    for number in range(6):
        path = tmp_path / f"{number}.onnx"
        path.write_bytes(bytes(LARGE))
        content_fingerprint(path)
    assert len(list(own_cache.iterdir())) == 3


def test_a_file_that_is_being_written_is_no_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = _model(tmp_path / "model")
    real = files._read

    def meanwhile(state: files._State) -> files._Content:
        content = real(state)
        if state.path.endswith("2.safetensors"):
            with Path(state.path).open("ab") as opened:
                opened.write(b"more")
        return content

    monkeypatch.setattr(files, "_read", meanwhile)
    with pytest.raises(ModelError, match=r"00002\.safetensors is being written"):
        content_fingerprint(folder)


def test_it_is_the_plain_sha256_of_names_and_contents(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(bytes(LARGE))
    lines = "".join(
        f"{name}\0{hashlib.sha256((folder / name).read_bytes()).hexdigest()}\0"
        for name in ("config.json", "model.safetensors")
    )
    assert content_fingerprint(folder) == hashlib.sha256(lines.encode()).hexdigest()[:16]
