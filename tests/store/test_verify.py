"""verify-store on workspaces that were damaged on purpose."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from lookweave.building import build_workspace
from lookweave.errors import WorkspaceError
from lookweave.progress import Progress
from lookweave.records import DESCRIPTION, GROUP, REVIEW
from lookweave.store.verify import Verdict, verify
from lookweave.store.workspace import Workspace

QUIET = Progress(quiet=True)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, photo_folders: tuple[Path, Path, Path]) -> Path:
    folder = tmp_path_factory.mktemp("verify")
    for place in photo_folders[:2]:
        shutil.copytree(place, folder / place.name)
    flags: dict[str, Any] = {
        "garments": (str(folder / "garments"),), "looks": (str(folder / "looks"),), "models": "whole-photo",
    }  # fmt: skip
    build_workspace(folder / "ws", flags, QUIET)
    return folder


@pytest.fixture
def workspace(tmp_path: Path, whole: Path) -> Workspace:
    shutil.copytree(whole / "ws", tmp_path / "ws")
    return Workspace.create(tmp_path / "ws")


def found(verdict: Verdict) -> dict[str, tuple[int, bool]]:
    return {f"{one.table}: {one.what}": (one.rows, one.repaired) for one in verdict.problems}


def test_a_whole_workspace_has_no_problem_and_every_photo_was_read(workspace: Workspace) -> None:
    verdict = verify(workspace, QUIET)
    assert verdict.problems == [] and verdict.ok
    assert verdict.photos_hashed == 24


def test_rows_that_point_nowhere_go_and_stay_gone(workspace: Workspace) -> None:
    workspace.table("looks").delete(
        f"id = '{workspace.table('looks').read(['id']).column(0)[0].as_py()}'"
    )
    first = verify(workspace, QUIET)
    assert first.ok
    assert found(first)["regions: subject points nowhere"] == (1, True)
    assert found(first)["sources: id points nowhere"] == (1, True)
    again = verify(Workspace.open(workspace.path), QUIET)
    assert again.problems == []


def test_without_repair_nothing_is_changed(workspace: Workspace) -> None:
    before = workspace.table("groups").count()
    ghost = {"subject": "nobody", "kind": "look", "group": "nobody", "how": "same_photo"}
    workspace.table("groups").upsert(GROUP.table([ghost]))
    verdict = verify(workspace, QUIET, repair=False)
    assert not verdict.ok
    assert found(verdict) == {"groups: subject points nowhere": (1, False)}
    assert Workspace.open(workspace.path).table("groups").count() == before + 1


def test_a_persons_review_is_reported_but_never_deleted(workspace: Workspace) -> None:
    review = {
        "garment": "gone",
        "region": "gone",
        "look": "gone",
        "reviewer": "ada",
        "decision": "yes",
    }
    workspace.table("reviews").upsert(REVIEW.table([review]))
    verdict = verify(workspace, QUIET)
    assert verdict.ok and found(verdict) == {"reviews: garment points nowhere": (1, False)}
    assert Workspace.open(workspace.path).table("reviews").count() == 1


def test_doubled_keys_are_found(workspace: Workspace) -> None:
    descriptions = workspace.table("descriptions")
    row = descriptions.read().slice(0, 1)
    descriptions.append([row])
    verdict = verify(workspace, QUIET)
    assert found(verdict) == {"descriptions: key stands twice": (1, True)}
    assert Workspace.open(workspace.path).table("descriptions").count() == 23
    assert DESCRIPTION.key == ("subject", "model")


def test_a_vector_that_is_none_is_found(workspace: Workspace) -> None:
    table = workspace.embedding_tables()[0]
    row = table.read().slice(0, 1).to_pylist()[0]
    row["vector"] = [0.5] * len(row["vector"])
    table.upsert(table.spec.table([row]))
    verdict = verify(workspace, QUIET)
    assert found(verdict) == {f"{table.path.stem}: vector is not of unit norm": (1, True)}


def test_boxes_outside_the_photo_are_found(workspace: Workspace) -> None:
    regions = workspace.table("regions")
    row = regions.read().slice(0, 1).to_pylist()[0]
    row["box"] = [0.0, 0.0, 99999.0, 10.0]
    regions.upsert(regions.spec.table([row]))
    assert "regions: box outside the photo or unreadable mask" in found(verify(workspace, QUIET))


def test_lost_thumbnails_are_made_again_and_half_written_files_go(workspace: Workspace) -> None:
    photo = workspace.table("garments").read(["id"]).column(0)[0].as_py()
    workspace.thumbnail_path(photo).unlink()
    scratch = workspace.path / "thumbnails" / ".abc.webp.4711.139.tmp"
    scratch.write_bytes(b"half")
    verdict = verify(workspace, QUIET)
    assert verdict.ok
    assert found(verdict) == {
        "files: half-written file": (1, True), "thumbnails: thumbnail is missing": (1, True),
    }  # fmt: skip
    assert workspace.thumbnail_path(photo).stat().st_size > 100
    assert not scratch.exists()


def test_photos_that_changed_or_went_are_named(
    tmp_path: Path, photo_folders: tuple[Path, Path, Path]
) -> None:
    for place in photo_folders[:2]:
        shutil.copytree(place, tmp_path / place.name)
    flags: dict[str, Any] = {
        "garments": (str(tmp_path / "garments"),), "looks": (str(tmp_path / "looks"),), "models": "whole-photo",
    }  # fmt: skip
    build_workspace(tmp_path / "ws", flags, QUIET)
    changed, gone = sorted((tmp_path / "looks").iterdir())[:2]
    changed.write_bytes(changed.read_bytes() + b"x")
    gone.unlink()
    verdict = verify(Workspace.open(tmp_path / "ws"), QUIET)
    assert not verdict.ok
    assert {one.what.split(" (")[0]: one.examples for one in verdict.problems} == {
        "photo is gone": [gone.name], "photo has changed": [changed.name],
    }  # fmt: skip


def test_a_file_that_changed_under_its_size_and_time_is_read_by_the_next_build(
    tmp_path: Path, photo_folders: tuple[Path, Path, Path]
) -> None:
    for place in photo_folders[:2]:
        shutil.copytree(place, tmp_path / place.name)
    flags: dict[str, Any] = {
        "garments": (str(tmp_path / "garments"),), "looks": (str(tmp_path / "looks"),), "models": "whole-photo",
    }  # fmt: skip
    build_workspace(tmp_path / "ws", flags, QUIET)
    changed = min((tmp_path / "looks").iterdir())
    state, before = changed.stat(), changed.read_bytes()
    changed.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
    os.utime(changed, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert not verify(Workspace.open(tmp_path / "ws"), QUIET).ok
    build_workspace(tmp_path / "ws", flags, QUIET)
    assert verify(Workspace.open(tmp_path / "ws"), QUIET).ok


def test_a_table_that_is_torn_apart_is_a_clear_error(workspace: Workspace) -> None:
    data = workspace.path / "tables" / "regions.lance" / "data"
    for file in data.iterdir():
        file.write_bytes(b"not lance")
    with pytest.raises(WorkspaceError, match="regions"):
        verify(Workspace.open(workspace.path), QUIET)
