"""The folder that is published to: what may be in it, links, crashes, and what is told first."""

from __future__ import annotations

import json
import os
import shutil
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from tests.publish.shop import SHAPE, Publisher, Shop

from lookweave.errors import InputError, PublishError, WorkspaceLocked
from lookweave.publish import export, folder, space
from lookweave.publish.folder import MARKER, read_marker, replacing

TOTAL = sum(SHAPE.values())


def content(where: Path) -> dict[str, bytes]:
    return {
        path.relative_to(where).as_posix(): path.read_bytes()
        for path in sorted(where.rglob("*"))
        if path.is_file()
    }


def test_a_symbolic_link_stays_one(shop: Shop, publish_shop: Publisher, tmp_path: Path) -> None:
    disk, link = tmp_path / "disk/data", tmp_path / "data"
    disk.mkdir(parents=True)
    link.symlink_to(disk)
    for _ in range(2):
        summary = publish_shop(shop, link)
        assert summary["to"] == str(link)
        assert link.is_symlink() and link.resolve() == disk
        assert read_marker(disk) and (disk / "README.md").is_file()
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "cache") == [
        "data", "disk", "shop",
    ]  # fmt: skip


def test_a_link_to_a_folder_that_is_not_there_yet_makes_it(
    shop: Shop, publish_shop: Publisher, tmp_path: Path
) -> None:
    (tmp_path / "data").symlink_to(tmp_path / "new")
    publish_shop(shop, tmp_path / "data")
    assert (tmp_path / "data").is_symlink() and read_marker(tmp_path / "new")


@pytest.mark.parametrize("target", ["nowhere/new", "data"])
def test_a_link_that_leads_nowhere_is_refused(
    shop: Shop, publish_shop: Publisher, tmp_path: Path, target: str
) -> None:
    (tmp_path / "data").symlink_to(tmp_path / target)
    with pytest.raises(InputError, match=r"leads nowhere|which is not there"):
        publish_shop(shop, tmp_path / "data")
    assert not (tmp_path / "nowhere").exists()


LEFT_BY_PROGRAMS = [
    ".DS_Store", "data/.DS_Store", "Thumbs.db", "data/high/thumbs.db", "desktop.ini", "._README.md",
    ".gitattributes", ".git/HEAD", ".git/objects/ab/cdef", ".cache/huggingface/upload/x.metadata",
    "data/high/train-00000-of-00001.parquet.lock", "README.md~", "~$held_back.csv", "#card#",
    ".~lock.held_back.csv#", ".README.md.swp", "README.md.orig", "@eaDir/README.md@SynoEAStream",
    "lost+found/x", ".Trash-1000/info/y", "Icon\r", "System Volume Information/w.dat",
]  # fmt: skip


def test_what_programs_leave_stays_where_it_is(
    shop: Shop, publish_shop: Publisher, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    publish_shop(shop, out)
    first = content(out)
    for name in LEFT_BY_PROGRAMS:
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text(name)
    (out / "empty").mkdir()
    publish_shop(shop, out)
    after = content(out)
    assert {name: after.pop(name) for name in LEFT_BY_PROGRAMS} == {
        name: name.encode() for name in LEFT_BY_PROGRAMS
    }
    assert after == first and (out / "empty").is_dir()
    publish_shop(shop, out, tiers=("high",))  # the folder of medium is not emptied of the rest
    (out / "data/medium").mkdir(exist_ok=True)
    assert not list(out.rglob("medium/*.parquet"))


def test_a_new_clone_may_be_published_to(
    shop: Shop, publish_shop: Publisher, tmp_path: Path
) -> None:
    for name in (".git/HEAD", ".gitattributes", ".DS_Store"):
        (tmp_path / "clone" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "clone" / name).write_text("x")
    assert publish_shop(shop, tmp_path / "clone")["total"] == TOTAL
    assert (tmp_path / "clone/.git/HEAD").read_text() == "x"


@pytest.mark.parametrize("inside", ["file.txt", "data/high/train-00000-of-00001.parquet"])
def test_a_folder_of_others_is_refused(
    shop: Shop, publish_shop: Publisher, tmp_path: Path, inside: str
) -> None:
    path = tmp_path / "mine" / inside
    path.parent.mkdir(parents=True)
    path.write_text("dear")
    with pytest.raises(InputError, match=f"not empty and no earlier publication.*{inside}"):
        publish_shop(shop, tmp_path / "mine")
    assert path.read_text() == "dear"


@pytest.mark.parametrize("name", ["notes.txt", "data/high/mine.parquet", "data.zip", "low/x.csv"])
def test_files_of_others_are_refused_by_name_before_any_work(
    shop: Shop,
    publish_shop: Publisher,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    out = tmp_path / "out"
    publish_shop(shop, out)
    (out / name).parent.mkdir(parents=True, exist_ok=True)
    (out / name).write_text("dear")
    before = content(out)
    monkeypatch.delattr(export, "make_plan")  # so that work would fail otherwise
    with pytest.raises(InputError, match=name):
        publish_shop(shop, out)
    assert content(out) == before


def test_a_linked_folder_inside_is_refused(
    shop: Shop, publish_shop: Publisher, tmp_path: Path
) -> None:
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    publish_shop(shop, out)
    shutil.move(out / "data", elsewhere)
    (out / "data").symlink_to(elsewhere)
    before = content(elsewhere)
    with pytest.raises(InputError, match=r"\(data\)"):
        publish_shop(shop, out)
    assert content(elsewhere) == before


def test_a_marker_cannot_name_files_to_remove(
    shop: Shop, publish_shop: Publisher, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    publish_shop(shop, out)
    (tmp_path / "dear.txt").write_text("dear")
    (out / "mine.txt").write_text("dear")
    marker = json.loads((out / MARKER).read_text())
    marker["files"] |= {"../dear.txt": "0", str(tmp_path / "dear.txt"): "0", "mine.txt": "0"}
    (out / MARKER).write_text(json.dumps(marker))
    with pytest.raises(InputError, match=r"mine\.txt"):
        publish_shop(shop, out)
    (out / "mine.txt").unlink()
    publish_shop(shop, out)
    assert (tmp_path / "dear.txt").read_text() == "dear"


def test_a_file_that_appears_where_a_shard_must_go_is_not_overwritten(
    shop: Shop, publish_shop: Publisher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    write = export._write_croissant
    mine = out / "data/high/train-00000-of-00001.parquet"

    def meanwhile(*given: Any) -> None:
        mine.parent.mkdir(parents=True)
        mine.write_text("dear")
        write(*given)

    monkeypatch.setattr(export, "_write_croissant", meanwhile)
    with pytest.raises(InputError, match="train-00000-of-00001"):
        publish_shop(shop, out)
    assert content(out) == {"data/high/train-00000-of-00001.parquet": b"dear"}


def test_a_card_that_was_edited_is_kept_beside(
    shop: Shop, publish_shop: Publisher, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    publish_shop(shop, out)
    first = content(out)
    for number in (1, 2):
        (out / "README.md").write_text(f"my card {number}")
        summary = publish_shop(shop, out)
        assert summary["edited"] == ["README.md"]
        assert "README.md had been edited by hand" in export.summary_text(summary)
    assert publish_shop(shop, out)["edited"] == []
    after = content(out)
    assert after.pop("README.md.bak1") == b"my card 1"
    assert after.pop("README.md.bak2") == b"my card 2"
    assert after == first


class Crash(BaseException):
    pass


def test_a_crash_at_any_moment_of_the_exchange_is_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    old = {"README.md": "old", "data/high/train-00000-of-00001.parquet": "old", "held_back.csv": ""}
    new = {"README.md": "new", "data/low/test-00000-of-00001.parquet": "new", "held_back.csv": ""}
    last = {"README.md": "last"}

    def publish(files: dict[str, str]) -> None:
        with replacing(out) as fresh:
            for name, text in files.items():
                (fresh / name).parent.mkdir(parents=True, exist_ok=True)
                (fresh / name).write_text(text)

    def begin() -> None:
        shutil.rmtree(out, ignore_errors=True)
        publish(old)
        (out / "data/.DS_Store").write_text("x")
        (out / "README.md").write_text("edited")

    def shown() -> dict[str, str]:
        files = {name: data.decode() for name, data in content(out).items()}
        assert json.loads(files.pop(MARKER))["made_by"]
        return files

    steps = 0
    crashes = 0
    while True:
        begin()
        left = steps
        with monkeypatch.context() as patch:
            for name in ("replace", "unlink", "rename", "rmdir", "touch"):
                real = getattr(Path, name)

                def counted(self: Path, *more: Any, _real: Any = real, **given: Any) -> Any:
                    nonlocal left
                    if left == 0:
                        raise Crash
                    left -= 1
                    return _real(self, *more, **given)

                patch.setattr(Path, name, counted)
            try:
                publish(new)
                break
            except Crash:
                crashes += 1
        half = content(out)
        begun = (out / ".lookweave-publishing/ready").exists()
        try:
            with replacing(out):  # mends what was begun, and is broken off itself
                raise RuntimeError
        except RuntimeError:
            pass
        expected = {**new, "README.md.bak1": "edited"} if begun else {**old, "README.md": "edited"}
        # The very last steps only tidy up: the exchange itself had ended.
        if not begun and half.get("README.md") == b"new":
            expected = {**new, "README.md.bak1": "edited"}
        assert shown() == {**expected, "data/.DS_Store": "x"}
        publish(last)
        assert shown()["README.md"] == "last" and shown()["data/.DS_Store"] == "x"
        assert not list(out.rglob("*.parquet")) and not (out / ".lookweave-publishing").exists()
        steps += 1
    assert crashes > 8


def test_two_publications_to_one_folder(
    shop: Shop, publish_shop: Publisher, tmp_path: Path
) -> None:
    work = tmp_path / "out/.lookweave-publishing"
    work.mkdir(parents=True)
    with FileLock(work / "lock"), pytest.raises(WorkspaceLocked, match="under way"):
        publish_shop(shop, tmp_path / "out")
    assert publish_shop(shop, tmp_path / "out")["total"] == TOTAL  # of a killed process, no lock
    assert not work.exists()


def test_a_full_disk_is_told_before_the_work(
    shop: Shop, publish_shop: Publisher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", ["total", "used", "free"])
    monkeypatch.setattr(space.shutil, "disk_usage", lambda _: usage(10**9, 10**9, 1000))
    monkeypatch.delattr(export, "encode_pairs")  # so that work would fail otherwise
    with pytest.raises(PublishError, match=r"at least \d+\.\d MB and 0\.0 MB are free"):
        publish_shop(shop, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_least_size_is_below_the_real_one(
    shop: Shop, publish_shop: Publisher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    guesses: list[int] = []
    least_bytes = space.least_bytes
    monkeypatch.setattr(
        space, "least_bytes", lambda *given: guesses.append(least_bytes(*given)) or guesses[-1]
    )
    real = publish_shop(shop, tmp_path / "out")["bytes"]
    assert real / 30 < guesses[0] < real


def test_a_place_that_cannot_be_written_is_told_before_the_work(
    shop: Shop, publish_shop: Publisher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.delattr(export, "encode_pairs")
    with pytest.raises(PublishError, match="cannot be written"):
        publish_shop(shop, tmp_path / "file/out")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(folder.Path, "mkdir", refuse)
    with pytest.raises(PublishError, match="Permission denied"):
        publish_shop(shop, tmp_path / "new")
    assert not os.path.lexists(tmp_path / "new")
