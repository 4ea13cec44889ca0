"""Steps on a real Ray cluster of this machine's cores."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pytest
from tests.built import Folders, build

from lookweave.config import load
from lookweave.errors import ModelError, WorkError
from lookweave.models.card import Card
from lookweave.models.cards import card_named
from lookweave.models.protocols import Crop, Vectors
from lookweave.models.registry import forget_model, register_model
from lookweave.pipeline.executors import executor
from lookweave.pipeline.setup import Setup
from lookweave.pipeline.step import NOTHING, Plan, Step, Worker
from lookweave.records import REGION
from lookweave.store.workspace import Workspace
from lookweave.testing.rows import contents

ray = pytest.importorskip("ray")


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    """Two cores, whatever the machine has."""
    from lookweave.pipeline.executors.ray import _connect

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray.init("local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    _connect()  # takes the one that is there
    yield
    ray.shutdown()


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.create(tmp_path / "ws")


class Work(Worker):
    """Gives every batch back, with the process that had it."""

    ends: ClassVar[str] = ""

    def __call__(self, batch: pa.Table) -> pa.Table:
        number = batch.column("number")[0].as_py()
        met = self.workspace.path / f"met-{number}"
        first = not met.exists()
        met.touch()
        if number == 3 and (self.ends == "always" or (self.ends == "once" and first)):
            os._exit(9)
        if number == 3 and self.ends == "raises":
            raise ModelError("three is no number")
        if number == 0:
            time.sleep(1.0)  # the others are done before it
        return batch.append_column("process", pa.array([os.getpid()]))


class WorkThatDiesOnce(Work):
    ends = "once"


class WorkThatDiesAlways(Work):
    ends = "always"


class WorkThatRaises(Work):
    ends = "raises"


class WorkThatCannotLoad(Work):
    def __init__(self, workspace: Workspace, setup: Setup) -> None:
        raise ModelError("these weights are none")


class Plain(Step):
    name = "plain"
    worker: ClassVar[type[Worker]] = Work
    spec = REGION
    recipe = "plain"

    def plan(self, workspace: Workspace) -> Plan:
        return NOTHING


class DiesOnce(Plain):
    worker = WorkThatDiesOnce


class DiesAlways(Plain):
    worker = WorkThatDiesAlways


class Raises(Plain):
    worker = WorkThatRaises


class Unloadable(Plain):
    worker = WorkThatCannotLoad


class Whole(Plain):
    over_everything = True


def numbers(count: int) -> Iterator[pa.Table]:
    for number in range(count):
        yield pa.table({"number": [number]})


def outcomes(
    step: type[Step], workspace: Workspace, count: int, **run: int
) -> list[dict[str, int]]:
    config = load(run=run) if run else load()
    done = executor("ray")(step(Setup.of(config)), workspace.pinned(), numbers(count))
    return [row for table in done for row in table.to_pylist()]


class Brightness:
    """An encoder of this process alone: no worker could import it by name."""

    def __init__(self, card: Card, models_dir: Path | None = None) -> None:
        self.dimension = 2

    def encode(self, crops: list[Crop]) -> Vectors:
        shares = np.float32([crop.photo.mean() / 255 for crop in crops])
        return np.sqrt(np.stack([shares, 1 - shares], axis=1))


def test_workers_know_the_models_that_were_registered(
    tmp_path: Path, photo_folders: Folders
) -> None:
    card = Card("brightness", "encoder", licence="Apache-2.0", dimension=2)
    register_model(card, type("Local", (Brightness,), {"__module__": "__main__"}))
    try:
        for engine in ("local", "ray"):
            build(
                tmp_path / engine, photo_folders, models="whole-photo+brightness",
                run={"engine": engine, "workers": 1},
            )  # fmt: skip
        key = card_named("brightness").key
    finally:
        forget_model("brightness")
    local, on_ray = (
        sorted(Workspace.open(tmp_path / engine).embeddings(key, 2).read().to_pylist(), key=str)
        for engine in ("local", "ray")
    )
    assert len(local) == 24 and local == on_ray


def test_a_build_makes_the_rows_that_threads_make(
    tmp_path: Path, photo_folders: Folders, environment: dict[str, str]
) -> None:
    """By the command line, in a process that starts its own cluster."""
    build(tmp_path / "threads", photo_folders)
    command = [
        sys.executable, "-m", "lookweave.cli", "build", "--garments", photo_folders[0],
        "--looks", photo_folders[1], "--models", "whole-photo", "--engine", "ray",
        "--out", tmp_path / "ray",
    ]  # fmt: skip
    ended = subprocess.run(
        command, env=environment | {"RAY_ADDRESS": "local"}, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
    assert "fork" not in ended.stderr
    made = contents(Workspace.open(tmp_path / "ray"))
    assert made == contents(Workspace.open(tmp_path / "threads"))
    assert made["pairs"].total() > 0
    runs = Workspace.open(tmp_path / "ray").table("runs").read(["engine"]).to_pylist()
    assert {one["engine"] for one in runs} == {"ray"}


def test_a_cluster_that_is_not_there_is_a_clear_error_at_once(
    tmp_path: Path, photo_folders: Folders, environment: dict[str, str]
) -> None:
    command = [
        sys.executable, "-m", "lookweave.cli", "build", "--looks", photo_folders[1],
        "--garments", photo_folders[0], "--engine", "ray", "--out", tmp_path / "ws",
    ]  # fmt: skip
    nowhere = environment | {"RAY_ADDRESS": "127.0.0.1:1"}
    ended = subprocess.run(command, env=nowhere, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert "no Ray cluster to work on at 127.0.0.1:1" in ended.stderr


def test_outcomes_keep_the_order_and_actors_share_the_work(workspace: Workspace) -> None:
    done = outcomes(Plain, workspace, 30)
    assert [one["number"] for one in done] == list(range(30))
    processes = {one["process"] for one in done}
    assert 1 <= len(processes) <= 2 and os.getpid() not in processes  # the second may come late


def test_few_batches_are_taken_before_their_turn(workspace: Workspace) -> None:
    taken = 0

    def counted() -> Iterator[pa.Table]:
        nonlocal taken
        for batch in numbers(200):
            taken += 1
            yield batch

    for place, _ in enumerate(
        executor("ray")(Plain(Setup.of(load())), workspace.pinned(), counted())
    ):
        assert taken <= place + 12
    assert taken == 200


def test_a_step_over_everything_has_one_process(workspace: Workspace) -> None:
    assert len({one["process"] for one in outcomes(Whole, workspace, 12)}) == 1


def test_actors_without_room_hold_up_nothing(workspace: Workspace) -> None:
    done = outcomes(Plain, workspace, 30, workers=6)
    assert [one["number"] for one in done] == list(range(30))


def test_a_killed_actor_is_started_again(workspace: Workspace) -> None:
    done = outcomes(DiesOnce, workspace, 12)
    assert [one["number"] for one in done] == list(range(12))


def test_an_actor_that_always_dies_is_a_clear_error(workspace: Workspace) -> None:
    with pytest.raises(WorkError, match="lost a worker of plain and gave up"):
        outcomes(DiesAlways, workspace, 12)


@pytest.mark.parametrize(
    ("step", "why"), [(Raises, "^three is no number$"), (Unloadable, "^these weights are none$")]
)
def test_what_a_step_raises_arrives_as_it_was(
    workspace: Workspace, step: type[Step], why: str
) -> None:
    with pytest.raises(ModelError, match=why):
        outcomes(step, workspace, 12)


@pytest.mark.parametrize(
    ("nodes", "over_everything", "workers", "share"),
    [
        ([{"CPU": 16}], False, None, (16, 1, 0)),
        ([{"CPU": 16}], False, 4, (4, 1, 0)),
        ([{"CPU": 16}, {"CPU": 8}], False, None, (24, 1, 0)),
        ([{"CPU": 16}, {"CPU": 8}, {}], True, None, (2, 8, 0)),
        ([{"CPU": 16}, {"CPU": 8}], True, 2, (2, 1, 0)),
        ([{"CPU": 16}], True, None, (1, 16, 0)),
        ([{"CPU": 16, "GPU": 2}, {"CPU": 16, "GPU": 2}], False, None, (4, 8, 1)),
        ([{"CPU": 16, "GPU": 2}], False, 1, (1, 1, 1)),
    ],
)
def test_the_share_fits_the_cluster(
    monkeypatch: pytest.MonkeyPatch, nodes: list[dict[str, float]], over_everything: bool,
    workers: int | None, share: tuple[int, int, int],
) -> None:  # fmt: skip
    from lookweave.pipeline.executors.ray import share_of_cluster

    alive = [{"Alive": True, "Resources": one} for one in nodes]
    gone = {"Alive": False, "Resources": {"CPU": 99.0}}
    monkeypatch.setattr(ray, "nodes", lambda: [*alive, gone])
    found = share_of_cluster(over_everything=over_everything, workers=workers)
    assert tuple(found) == share
