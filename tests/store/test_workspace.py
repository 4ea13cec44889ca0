import json
import pickle
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from lookweave.errors import InputError, WorkspaceError, WorkspaceLocked
from lookweave.records import GROUP, TABLES
from lookweave.store.tables import Table
from lookweave.store.workspace import Workspace, write_atomically

ROW = {"subject": "a", "kind": "look", "group": "a", "how": "same_photo", "recipe": "r"}


def test_a_folder_with_other_things_is_not_taken_over(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").touch()
    with pytest.raises(InputError, match="not empty"):
        Workspace.create(tmp_path)


def test_a_settings_file_may_lie_there_before_the_first_build(tmp_path: Path) -> None:
    (tmp_path / "lookweave.toml").write_text("[match]\ntop_k = 5\n", encoding="utf-8")
    Workspace.create(tmp_path)


def test_opening_what_is_none_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="lookweave build"):
        Workspace.open(tmp_path / "nothing")


def test_another_format_is_refused(tmp_path: Path) -> None:
    Workspace.create(tmp_path / "ws")
    (tmp_path / "ws" / "workspace.json").write_text(json.dumps({"format": 99}), encoding="utf-8")
    with pytest.raises(WorkspaceError, match="format 99"):
        Workspace.open(tmp_path / "ws")


def test_one_writer_at_a_time_also_across_processes(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    workspace = Workspace.create(tmp_path / "ws")
    attempt = (
        "import sys; from pathlib import Path; from lookweave.store.workspace import Workspace\n"
        "from lookweave.errors import WorkspaceLocked\n"
        "try:\n"
        "    with Workspace.open(Path(sys.argv[1])).lock(): print('free')\n"
        "except WorkspaceLocked: print('locked')\n"
    )

    def other_process() -> str:
        command = [sys.executable, "-c", attempt, str(workspace.path)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    with workspace.lock():
        assert other_process() == "locked"
        with pytest.raises(WorkspaceLocked), Workspace.open(workspace.path).lock():
            pass
    assert other_process() == "free"


def test_a_snapshot_stays_as_it_was(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "ws")
    workspace.table("groups").upsert(GROUP.table([ROW]))
    vectors = workspace.embeddings("some-encoder", 4)
    vectors.upsert(vectors.spec.table([{"subject": "r", "kind": "look", "vector": [1.0, 0, 0, 0]}]))
    workspace.take_snapshot("spring")
    workspace.table("groups").delete("true")
    vectors.delete("true")
    workspace.table("groups").upsert(GROUP.table([ROW]))
    workspace.table("groups").delete("true")
    workspace.clean(kept=timedelta(0))
    then = Workspace.open(workspace.path, snapshot="spring")
    assert then.table("groups").count() == 1
    assert then.embeddings("some-encoder", 4).count() == 1
    assert Workspace.open(workspace.path).table("groups").count() == 0
    assert workspace.snapshots() == ["spring"]


ODD_FOLDERS = ["a b", "a%20b", "a#b", "a?b", "ä 👗", "a'b", "a:b", "a\\b", "a[1]*", "-x", "s3:x", "%",
               "x.lance", " lead ", "{a}", "~x"]  # fmt: skip


@pytest.mark.parametrize("name", ODD_FOLDERS)
def test_a_workspace_of_any_name_lies_where_it_was_put_and_nothing_lies_beside_it(
    tmp_path: Path, name: str
) -> None:
    workspace = Workspace.create(tmp_path / name)
    with workspace.lock():
        workspace.table("groups").upsert(GROUP.table([ROW]))
        workspace.take_snapshot("one")
        workspace.table("groups").delete("true")
        workspace.table("groups").compact()
        workspace.clean(kept=timedelta(0))
    assert Workspace.open(tmp_path / name).table("groups").count() == 0
    assert Workspace.open(tmp_path / name, "one").table("groups").count() == 1
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["a\nb", "a\tb", "a\x7fb"])
def test_a_control_character_in_the_folders_name_is_told_at_once(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="control character"):
        Workspace.create(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["", "../up", "a b", ".hidden", "x" * 80])
def test_odd_snapshot_names_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="name is letters"):
        Workspace.create(tmp_path / "ws").take_snapshot(name)


def test_a_snapshot_is_never_replaced_and_an_unknown_one_is_named(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "ws")
    workspace.take_snapshot("one")
    with pytest.raises(InputError, match="already"):
        workspace.take_snapshot("one")
    with pytest.raises(InputError, match=r"No snapshot 'two'.*one"):
        Workspace.open(workspace.path, snapshot="two")


def test_write_atomically_leaves_no_scratch_file_when_it_fails(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    target.mkdir()
    with pytest.raises(OSError):
        write_atomically(target, b"x")  # a file cannot replace a folder
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_reader_sees_all_tables_as_they_were_at_one_moment(tmp_path: Path) -> None:
    writer = Workspace.create(tmp_path / "ws")
    writer.table("groups").upsert(GROUP.table([ROW]))
    reader = Workspace.open(writer.path)
    with writer.together():
        writer.table("groups").upsert(GROUP.table([{**ROW, "subject": "b"}]))
        between = Workspace.open(writer.path)
        assert between.table("groups").count() == 1
        vectors = writer.embeddings("some-encoder", 2)
        vectors.append([vectors.spec.table([{"subject": "r", "kind": "look", "vector": [1.0, 0]}])])
    after = Workspace.open(writer.path)
    assert (reader.table("groups").count(), reader.embeddings("some-encoder", 2).count()) == (1, 0)
    assert (after.table("groups").count(), after.embeddings("some-encoder", 2).count()) == (2, 1)
    assert between.table("groups").count() == 1


def test_what_a_killed_writer_committed_is_seen_after_the_next(tmp_path: Path) -> None:
    writer = Workspace.create(tmp_path / "ws")
    writer.table("groups").upsert(GROUP.table([ROW]))
    Table(writer.path / "tables/groups.lance", GROUP).upsert(GROUP.table([{**ROW, "subject": "b"}]))
    assert Workspace.open(writer.path).table("groups").count() == 1
    later = Workspace.create(writer.path)
    with later.lock():
        later.show()
    assert Workspace.open(writer.path).table("groups").count() == 2


def test_a_reader_writes_nothing(tmp_path: Path) -> None:
    Workspace.create(tmp_path / "ws")
    before = sorted(path for path in (tmp_path / "ws").rglob("*"))
    reader = Workspace.open(tmp_path / "ws")
    for name in TABLES:
        assert reader.table(name).count() == 0
    assert reader.embeddings("some-encoder", 2).count() == 0
    assert reader.versions() == dict.fromkeys(TABLES, 0)
    assert sorted(path for path in (tmp_path / "ws").rglob("*")) == before


def test_a_reader_travels_to_another_process_as_it_is(tmp_path: Path) -> None:
    writer = Workspace.create(tmp_path / "ws")
    writer.table("groups").upsert(GROUP.table([ROW]))
    reader = writer.pinned()
    writer.table("groups").upsert(GROUP.table([{**ROW, "subject": "b"}]))
    assert pickle.loads(pickle.dumps(reader)).table("groups").count() == 1
