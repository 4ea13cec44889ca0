from __future__ import annotations

import shutil
from pathlib import Path

from tests.built import build
from tests.review.events import verdict, withdrawal

from lookweave.building import open_workspace
from lookweave.config import Config
from lookweave.pipeline.setup import Setup
from lookweave.records import REVIEW
from lookweave.review.folding import fold_reviews
from lookweave.review.journal import Journal
from lookweave.store.conditions import matching
from lookweave.store.workspace import Workspace

Folders = tuple[Path, Path, Path]


def test_a_build_takes_the_verdicts_in_and_tiers_follow(
    tmp_path: Path, photo_folders: Folders
) -> None:
    build(tmp_path / "ws", photo_folders)
    pairs = Workspace.open(tmp_path / "ws").table("pairs").read().to_pylist()
    one, other = pairs[0], pairs[-1]
    journal = Journal(tmp_path / "ws")

    def say(pair: dict[str, str], what: str, who: str) -> None:
        whole = (0.0, 0.0, 1.0, 1.0)  # the detector of these tests takes the whole photo
        journal.append([verdict(what, who, garment=pair["garment"], look=pair["look"], box=whole)])

    say(one, "no", "ann")
    say(other, "same", "ann")
    say(other, "same", "ben")
    build(tmp_path / "ws", photo_folders)
    workspace = Workspace.open(tmp_path / "ws")
    after = {
        (row["garment"], row["look"]): row for row in workspace.table("pairs").read().to_pylist()
    }
    assert (one["garment"], one["look"]) not in after
    verified = after[other["garment"], other["look"]]
    assert verified["tier"] == "high" and verified["verified_by"] == ["ann", "ben"]
    assert workspace.table("reviews").count(matching(decision="yes", blind=True)) == 2

    version = workspace.table("reviews").version
    assert all(step.read == 0 for step in build(tmp_path / "ws", photo_folders).steps)
    assert Workspace.open(tmp_path / "ws").table("reviews").version == version

    (first, *_) = journal.events()
    journal.append([withdrawal(first)])
    build(tmp_path / "ws", photo_folders)
    pairs = Workspace.open(tmp_path / "ws").table("pairs").read().to_pylist()
    assert (one["garment"], one["look"]) in {(row["garment"], row["look"]) for row in pairs}


def test_a_row_of_other_origin_stays_unless_the_same_person_said_more(
    tmp_path: Path, photo_folders: Folders
) -> None:
    build(tmp_path / "ws", photo_folders)
    shutil.copytree(tmp_path / "ws", tmp_path / "copy")
    workspace = Workspace.create(tmp_path / "copy")
    match = workspace.table("matches").read().to_pylist()[0]
    older = {"garment": match["garment"], "region": match["region"], "look": match["look"]}
    workspace.table("reviews").append(
        [REVIEW.table([{**older, "reviewer": who, "decision": "no"} for who in ("ann", "old")])]
    )
    Journal(workspace.path).append(
        [verdict("same", "ann", garment=match["garment"], look=match["look"], box=(0, 0, 1, 1))]
    )
    _, config = open_workspace(workspace.path)
    assert isinstance(config, Config)
    with workspace.lock():
        assert fold_reviews(workspace, Setup.of(config)) == 1
    found = {
        row["reviewer"]: row["decision"] for row in workspace.table("reviews").read().to_pylist()
    }
    assert found == {"ann": "yes", "old": "no"}
