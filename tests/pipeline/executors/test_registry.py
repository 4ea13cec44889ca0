"""Executors of others: registered in this process, or offered by an installed package."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest

import lookweave
from lookweave.errors import ConfigError
from lookweave.pipeline import executors
from lookweave.pipeline.executors import executor, local, register_executor
from lookweave.pipeline.step import Step
from lookweave.store.workspace import Workspace

Folders = tuple[Path, Path, Path]


@pytest.fixture(autouse=True)
def registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executors, "_registered", {})


def test_a_registered_executor_runs_every_step(tmp_path: Path, photo_folders: Folders) -> None:
    ran: list[str] = []

    def one_by_one(
        step: Step, workspace: Workspace, batches: Iterable[pa.Table]
    ) -> Iterator[pa.Table]:
        ran.append(step.name)
        worker = step.worker(workspace, step.setup)
        return (worker(batch) for batch in batches)

    register_executor("one-by-one", one_by_one)
    built = lookweave.build(
        *photo_folders[:2], out=tmp_path / "ws", models="whole-photo", engine="one-by-one"
    )
    assert ran == ["ingest", "detect", "describe", "embed", "group", "match", "tier"]
    usual = lookweave.build(*photo_folders[:2], out=tmp_path / "ws2", models="whole-photo")
    assert built.matches().equals(usual.matches())


@pytest.mark.parametrize("name", ["local", "ray", "Mine", "mine!", ""])
def test_names_that_are_taken_or_no_names(name: str) -> None:
    with pytest.raises(ConfigError):
        register_executor(name, local.run)
    assert executor("local") is local.run


def test_a_name_is_taken_once_unless_said() -> None:
    register_executor("mine", local.run)
    with pytest.raises(ConfigError, match="already"):
        register_executor("mine", local.run)
    register_executor("mine", local.run, replace_it=True)
    assert executor("mine") is local.run


def test_an_unknown_engine_is_told_before_the_work(tmp_path: Path, photo_folders: Folders) -> None:
    register_executor("mine", local.run)
    with pytest.raises(
        ConfigError, match="no executor 'slurm': --engine is one of local, ray, mine"
    ):
        lookweave.build(*photo_folders[:2], out=tmp_path / "ws", engine="slurm")
    assert not (tmp_path / "ws").exists()


def test_a_package_offers_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "their_cluster.py").write_text(
        "def run(step, workspace, batches):\n    return iter(())\n"
    )
    about = tmp_path / "their_cluster-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: their-cluster\nVersion: 1\n")
    (about / "entry_points.txt").write_text(
        "[lookweave.executors]\ntheirs = their_cluster:run\nbroken = their_cluster:walk\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    try:
        assert executor("theirs").__module__ == "their_cluster"
        with pytest.raises(ConfigError, match=r"'broken' of their_cluster:walk cannot be used"):
            executor("broken")
    finally:
        sys.modules.pop("their_cluster", None)
