from pathlib import Path

import pyarrow as pa
import pytest

from lookweave.errors import WorkspaceError
from lookweave.records import GROUP, REVIEW
from lookweave.store.tables import Lookup, Table


def rows(*names: str, group: str = "g") -> pa.Table:
    return GROUP.table(
        [{"subject": name, "kind": "look", "group": group, "how": "same_photo"} for name in names]
    )


def test_upsert_replaces_rows_of_the_same_key_and_keeps_others(tmp_path: Path) -> None:
    table = Table(tmp_path / "groups.lance", GROUP)
    table.upsert(rows("a", "b", group="old"))
    table.upsert(rows("b", "c", group="new"))
    found = {row["subject"]: row["group"] for row in table.read().to_pylist()}
    assert found == {"a": "old", "b": "new", "c": "new"}


def test_upsert_with_a_condition_leaves_other_rows_alone(tmp_path: Path) -> None:
    table = Table(tmp_path / "groups.lance", GROUP)
    table.upsert(rows("a", group="first"))
    table.upsert(rows("a", group="second"), update_where="source.group = target.group")
    assert table.read().to_pylist()[0]["group"] == "first"


def test_a_pinned_version_does_not_move_and_cannot_be_written(tmp_path: Path) -> None:
    table = Table(tmp_path / "groups.lance", GROUP)
    table.upsert(rows("a"))
    pinned = Table(tmp_path / "groups.lance", GROUP, version=table.version)
    table.upsert(rows("b"))
    assert (pinned.count(), table.count()) == (1, 2)
    with pytest.raises(WorkspaceError, match="can only be read"):
        pinned.upsert(rows("c"))


def test_another_schema_is_refused(tmp_path: Path) -> None:
    Table(tmp_path / "t.lance", GROUP)
    with pytest.raises(WorkspaceError, match="other columns"):
        Table(tmp_path / "t.lance", REVIEW)


@pytest.mark.parametrize("left", ["data", "_versions", "_versions/.tmp_1.manifest_0a"])
def test_a_folder_without_a_first_commit_is_taken_over(tmp_path: Path, left: str) -> None:
    """What a crash or a full disk leaves in the middle of the first commit."""
    (tmp_path / "t" / left).mkdir(parents=True)
    assert Table(tmp_path / "t", GROUP).count() == 0


def test_tagged_versions_survive_compaction_and_cleaning(tmp_path: Path) -> None:
    table = Table(tmp_path / "groups.lance", GROUP)
    table.upsert(rows("a"))
    table.tag("first")
    for name in "bcdef":
        table.upsert(rows(name))
    table.compact()
    table.clean()
    assert table.count() == 6
    assert Table(tmp_path / "groups.lance", GROUP, version=table.tags()["first"]).count() == 1


def test_append_streams_and_counts(tmp_path: Path) -> None:
    table = Table(tmp_path / "groups.lance", GROUP)
    assert table.append(rows(str(number)) for number in range(10)) == 10
    assert table.count() == 10
    assert table.append(iter(())) == 0


def test_lookup_finds_rows_after_deletions_and_says_what_is_missing(tmp_path: Path) -> None:
    table = Table(tmp_path / "groups.lance", GROUP)
    table.upsert(rows(*(f"s{number}" for number in range(50))))
    table.upsert(rows(*(f"s{number}" for number in range(50, 90))))
    table.delete("subject IN ('s3', 's60')")
    lookup = Lookup(table, "subject")
    names = ["s89", "s0", "s3", "nowhere", "s59", "a-much-longer-key-than-any-in-the-table"]
    positions = lookup.positions(names)
    assert (positions < 0).tolist() == [False, False, True, True, False, True]
    found = table.take(positions[positions >= 0], ["subject"]).column("subject").to_pylist()
    assert found == ["s89", "s0", "s59"]


def test_lookup_with_a_condition_still_gives_positions_in_the_whole_table(tmp_path: Path) -> None:
    table = Table(tmp_path / "groups.lance", GROUP)
    table.upsert(rows("a", "b", group="x"))
    table.upsert(rows("c", "d", group="y"))
    lookup = Lookup(table, "subject", "group = 'y'")
    assert len(lookup) == 2
    assert table.take(lookup.positions(["d"]), ["subject"]).column(0).to_pylist() == ["d"]
    assert lookup.positions(["a"]).tolist() == [-1]


def test_quotes_in_values_are_data(tmp_path: Path) -> None:
    table = Table(tmp_path / "groups.lance", GROUP)
    table.upsert(rows("it's", "x' OR 'a'='a"))
    assert table.rows_by("subject", ["it's"]).num_rows == 1
    assert table.rows_by("subject", ["x' OR 'a'='a"]).num_rows == 1
    assert table.rows_by("subject", ["' OR true --"]).num_rows == 0


def test_unknown_columns_are_refused() -> None:
    with pytest.raises(KeyError, match="colour"):
        GROUP.table([{"subject": "a", "colour": "red"}])
