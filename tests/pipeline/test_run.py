"""The whole pipeline on drawn photos, with the real tables and the real models."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.built import Folders, build
from threadpoolctl import threadpool_info

from lookweave.errors import InputError, ModelError, Rejected, UnknownModel, WorkError
from lookweave.models.card import Card
from lookweave.models.embedded.describer_head import DescriberHead
from lookweave.models.embedded.features import ImageTower
from lookweave.models.protocols import Crop
from lookweave.models.whole import WholePhoto
from lookweave.pipeline.run import PIPELINE
from lookweave.pipeline.steps.embed import Embed
from lookweave.pipeline.steps.match import Match
from lookweave.progress import Progress
from lookweave.store.verify import verify
from lookweave.store.workspace import Workspace
from lookweave.testing.rows import contents


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, photo_folders: Folders) -> Workspace:
    out = tmp_path_factory.mktemp("built") / "ws"
    build(out, photo_folders)
    return Workspace.open(out)


def test_every_photo_ends_as_pairs(built: Workspace) -> None:
    counts = {
        name: built.table(name).count() for name in ("garments", "looks", "regions", "descriptions")
    }
    assert counts == {"garments": 12, "looks": 12, "regions": 24, "descriptions": 24}
    assert built.table("matches").count() >= 12
    assert built.table("pairs").count() > 0
    assert built.table("rejects").count() == 0
    assert verify(built, Progress(quiet=True)).to_dict()["problems"] == []


def test_a_second_build_does_nothing_and_loads_no_model(
    built: Workspace, photo_folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(card: Card, models_dir: Path | None = None) -> None:
        raise AssertionError(f"{card.name} was loaded")

    before = contents(built)
    monkeypatch.setattr(Card, "load", refuse)
    result = build(built.path, photo_folders)
    assert [one.read for one in result.steps] == [0] * len(PIPELINE)
    assert contents(Workspace.open(built.path)) == before


def test_one_new_look_is_one_look_of_work(tmp_path: Path, photo_folders: Folders) -> None:
    looks = tmp_path / "looks"
    looks.mkdir()
    for path in sorted(photo_folders[1].iterdir())[:5]:
        (looks / path.name).write_bytes(path.read_bytes())
    folders = (photo_folders[0], looks, photo_folders[2])
    build(tmp_path / "ws", folders)
    extra = sorted(photo_folders[1].iterdir())[5]
    (looks / extra.name).write_bytes(extra.read_bytes())
    done = {one.step: one.read for one in build(tmp_path / "ws", folders).steps}
    assert {name: done[name] for name in ("ingest", "detect", "describe", "embed")} == {
        "ingest": 1, "detect": 1, "describe": 1, "embed": 1,
    }  # fmt: skip
    build(tmp_path / "at-once", folders)
    assert contents(Workspace.open(tmp_path / "ws")) == contents(
        Workspace.open(tmp_path / "at-once")
    )


def test_batches_and_workers_do_not_change_a_row(
    tmp_path: Path, built: Workspace, photo_folders: Folders
) -> None:
    build(tmp_path / "ws", photo_folders, run={"batch_rows": 7, "workers": 3, "commit_rows": 1000})
    assert contents(Workspace.open(tmp_path / "ws")) == contents(built)


def kill_at(command: list[str], environment: dict[str, str], after: float) -> int:
    """Start, wait, kill -9; the exit status (0 when it was done before)."""
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + after
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    if process.poll() is None:
        os.kill(process.pid, signal.SIGKILL)
    return process.wait()


def test_a_killed_build_goes_on_and_ends_the_same(
    tmp_path: Path, built: Workspace, photo_folders: Folders, environment: dict[str, str]
) -> None:
    garments, looks, _ = photo_folders
    out = tmp_path / "ws"
    command = [
        sys.executable, "-m", "lookweave.cli", "build", "--garments", str(garments),
        "--looks", str(looks), "--out", str(out), "--models", "whole-photo", "--json",
    ]  # fmt: skip
    environment = {
        **environment,
        "LOOKWEAVE_RUN__BATCH_ROWS": "1",
        "LOOKWEAVE_RUN__COMMIT_ROWS": "1",
    }
    environment["LOOKWEAVE_RUN__WORKERS"] = "1"
    killed = sum(kill_at(command, environment, after) != 0 for after in (1.6, 2.0, 2.4, 2.8, 3.4))
    assert killed >= 1, "no attempt was killed: the machine is faster than this test allows for"
    subprocess.run(command, env=environment, check=True, capture_output=True)
    assert contents(Workspace.open(out)) == contents(built)
    assert verify(Workspace.open(out), Progress(quiet=True)).to_dict()["problems"] == []


def test_a_photo_that_vanishes_between_steps_is_turned_away_and_comes_back(
    tmp_path: Path, photo_folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = tmp_path / "looks"
    looks.mkdir()
    for path in sorted(photo_folders[1].iterdir())[:3]:
        (looks / path.name).write_bytes(path.read_bytes())
    folders = (photo_folders[0], looks, photo_folders[2])
    victim = sorted(looks.iterdir())[0]
    kept = victim.read_bytes()
    whole = WholePhoto.detect

    def vanish(self: WholePhoto, photos: list[Any]) -> Any:
        victim.unlink(missing_ok=True)
        return whole(self, photos)

    monkeypatch.setattr(WholePhoto, "detect", vanish)
    build(tmp_path / "ws", folders)
    workspace = Workspace.open(tmp_path / "ws")
    rejects = workspace.table("rejects").read().to_pylist()
    assert {(one["reason"], one["retry"]) for one in rejects} == {("missing_file", True)}
    monkeypatch.undo()
    victim.write_bytes(kept)
    build(tmp_path / "ws", folders)
    build(tmp_path / "fresh", folders)
    after = contents(Workspace.open(tmp_path / "ws"))
    assert after["rejects"] == Counter()
    assert after["regions"] == contents(Workspace.open(tmp_path / "fresh"))["regions"]


def test_wrong_calls_end_before_any_work(tmp_path: Path, photo_folders: Folders) -> None:
    with pytest.raises(UnknownModel, match="no-such-model"):
        build(tmp_path / "a", photo_folders, models="no-such-model")
    with pytest.raises(InputError, match="does not exist"):
        build(tmp_path / "b", photo_folders, looks=(str(tmp_path / "nowhere"),))
    with pytest.raises(InputError, match="--looks"):
        build(tmp_path / "c", photo_folders, looks=None)
    assert not any((tmp_path / name).exists() for name in "abc")


def test_a_model_that_is_not_ready_is_named_before_any_work(
    tmp_path: Path, photo_folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Card, "missing", lambda self, models_dir=None: "its weights are missing")
    with pytest.raises(
        ModelError, match=r"whole-photo.*its weights are missing.*--models embedded"
    ):
        build(tmp_path / "ws", photo_folders)


class _Moody:
    """A describer that fails on some regions for a reason and once for none."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def describe(self, crops: list[Crop]) -> list[Exception]:
        return [self.error for _ in crops]


def test_a_describers_refusal_is_a_reject_and_its_fault_is_an_error(
    tmp_path: Path, photo_folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = Card.load
    refusal = _Moody(Rejected("refused", "The model would not look at it."))

    def moody(card: Card, models_dir: Path | None = None) -> Any:
        return refusal if card.task == "describer" else load(card, models_dir)

    monkeypatch.setattr(Card, "load", moody)
    result = build(tmp_path / "ws", photo_folders)
    assert result.rejects == {"refused": 24}
    assert result.counts["matches"] > 0, "descriptions are missing, vectors are not"
    refusal.error = RuntimeError("a fault of ours")
    with pytest.raises(RuntimeError, match="a fault of ours"):
        build(tmp_path / "other", photo_folders)


def test_a_photo_given_as_garment_and_as_look_is_both(
    tmp_path: Path, photo_folders: Folders
) -> None:
    garments, looks = tmp_path / "garments", tmp_path / "looks"
    for place, source in ((garments, 0), (looks, 1)):
        place.mkdir()
        for path in sorted(photo_folders[source].iterdir())[:3]:
            (place / path.name).write_bytes(path.read_bytes())
    both = sorted(garments.iterdir())[0]
    (looks / "the-same.jpg").write_bytes(both.read_bytes())
    build(tmp_path / "ws", (garments, looks, photo_folders[2]))
    workspace = Workspace.open(tmp_path / "ws")
    kinds = Counter(workspace.table("regions").read(["kind"]).column("kind").to_pylist())
    assert kinds == {"garment": 3, "look": 4}
    assert verify(workspace, Progress(quiet=True)).problems == []


@pytest.mark.parametrize("kilobytes", [96, 240, 400])
def test_a_full_disk_is_a_clear_error_and_loses_nothing(
    tmp_path: Path, built: Workspace, photo_folders: Folders, kilobytes: int
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a small disk to fill")
    try:
        with pytest.raises(WorkError, match=r"[Nn]o space is left|cannot be made: .*No space"):
            build(disk / "ws", photo_folders)
        more = ["mount", "-o", "remount,size=100m", str(disk)]
        subprocess.run(more, capture_output=True, check=True)
        build(disk / "ws", photo_folders)
        assert contents(Workspace.open(disk / "ws")) == contents(built)
        assert verify(Workspace.open(disk / "ws"), Progress(quiet=True)).problems == []
    finally:
        subprocess.run(["umount", "-l", str(disk)], capture_output=True, check=False)


def test_a_region_is_looked_at_once_for_describe_and_embed_and_its_row_is_the_same(
    tmp_path: Path, photo_folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[int] = []
    see = ImageTower.see

    def counting(tower: ImageTower, crops: list[Crop]) -> Any:
        looked_at.append(len(crops))
        return see(tower, crops)

    monkeypatch.setattr(ImageTower, "see", counting)
    build(tmp_path / "once", photo_folders)
    assert sum(looked_at) == 24
    monkeypatch.setattr(DescriberHead, "recall", lambda *_: {})  # as in another process
    build(tmp_path / "twice", photo_folders)
    assert sum(looked_at) == 24 + 48
    once, twice = (contents(Workspace.open(tmp_path / name)) for name in ("once", "twice"))
    assert once == twice


def test_a_worker_has_one_thread_of_blas_and_a_step_over_the_whole_has_all(
    tmp_path: Path, photo_folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: dict[str, set[int]] = {}
    before = blas_threads()
    for step in (Embed, Match):
        call = step.worker.__call__

        def watched(self: Any, batch: Any, call: Any = call, name: str = step.name) -> Any:
            threads.setdefault(name, set()).update(blas_threads())
            return call(self, batch)

        monkeypatch.setattr(step.worker, "__call__", watched)
    build(tmp_path / "ws", photo_folders)
    assert threads["embed"] == {1}
    assert threads["match"] == before == blas_threads()


def blas_threads() -> set[int]:
    """Of numpy's and scipy's; that of faiss goes by OpenMP, thread by thread, and only match uses
    it."""
    blas = [one for one in threadpool_info() if one["user_api"] == "blas"]
    return {one["num_threads"] for one in blas if one.get("threading_layer") != "openmp"}
