import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookweave.errors import ModelError, WorkspaceError
from lookweave.records import GROUP, REVIEW, TableSpec
from lookweave.store.conditions import column, filtered, matching
from lookweave.store.tables import Lookup, Table


def rows(*names: str, group: str = "g") -> pa.Table:
    return GROUP.table(
        [
            {"subject": name, "kind": "look", "group": group, "how": "same_photo", "recipe": "r"}
            for name in names
        ]
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
    with pytest.raises(WorkspaceError, match="for reading only"):
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


def test_protected_versions_survive_compaction_and_cleaning(tmp_path: Path) -> None:
    table = Table(tmp_path / "groups.lance", GROUP)
    table.upsert(rows("a"))
    first = table.version
    for name in "bcdef":
        table.upsert(rows(name))
    table.compact()
    table.clean(kept=timedelta(0), protected=[first])
    assert table.count() == 6
    with pytest.raises(WorkspaceError):
        Table(tmp_path / "groups.lance", GROUP, version=table.version - 2).count()
    assert Table(tmp_path / "groups.lance", GROUP, version=first).count() == 1


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


def test_a_replacement_is_one_commit_and_an_error_leaves_the_old_rows(tmp_path: Path) -> None:
    table = Table(tmp_path / "groups.lance", GROUP)
    table.append([rows("a"), rows("b"), rows("c")])
    mine = column("subject").is_in(["a", "b"])
    reader = Table(tmp_path / "groups.lance", GROUP, version=table.version)
    before = table.version

    def fails() -> Iterator[pa.Table]:
        yield rows("x")
        raise ModelError("The card fell out.")

    with pytest.raises(ModelError, match="fell out"):
        table.replace(fails(), mine)
    assert table.values("subject") == {"a", "b", "c"}
    assert table.replace([rows("a"), rows("d")], mine) == 2
    assert table.version == before + 1
    assert table.values("subject") == {"a", "c", "d"}
    assert reader.values("subject") == {"a", "b", "c"}
    assert table.replace((), column("subject").is_in(["a", "d"])) == 0
    assert table.values("subject") == {"c"}
    table.validate()


def test_an_error_of_appended_rows_keeps_its_class(tmp_path: Path) -> None:
    table = Table(tmp_path / "groups.lance", GROUP)

    def fails() -> Iterator[pa.Table]:
        yield rows("x")
        raise ModelError("The card fell out.")

    with pytest.raises(ModelError, match="fell out"):
        table.append(fails())
    assert table.count() == 0


def test_many_may_make_one_table_at_once(tmp_path: Path) -> None:
    for number in range(5):
        path, barrier = tmp_path / f"{number}.lance", threading.Barrier(4)

        def opened(path: Path = path, barrier: threading.Barrier = barrier) -> int:
            barrier.wait()
            return Table(path, GROUP).count()

        with ThreadPoolExecutor(4) as pool:
            assert [one.result() for one in [pool.submit(opened) for _ in range(4)]] == [0] * 4


def test_a_reader_makes_no_table(tmp_path: Path) -> None:
    reader = Table(tmp_path / "groups.lance", GROUP, reading=True)
    assert (reader.count(), reader.version, list(reader.scan())) == (0, 0, [])
    assert reader.read(["subject"]).schema.names == ["subject"]
    assert reader.take([], ["subject"]).num_rows == 0
    with pytest.raises(WorkspaceError, match="for reading only"):
        reader.upsert(rows("a"))
    assert not list(tmp_path.iterdir())


def test_versions_that_a_reader_may_have_open_are_kept(tmp_path: Path) -> None:
    table = Table(tmp_path / "groups.lance", GROUP)
    table.upsert(rows("a"))
    reader = Table(tmp_path / "groups.lance", GROUP, version=table.version)
    table.upsert(rows("b"))
    table.compact()
    table.clean()
    assert reader.read(["subject"]).num_rows == 1
    table.clean(kept=timedelta(0), protected=[reader.version])
    assert Table(tmp_path / "groups.lance", GROUP, version=reader.version).count() == 1


def test_columns_that_an_older_table_lacks_are_null(tmp_path: Path) -> None:
    older = TableSpec(
        "groups", GROUP.key, pa.schema([f for f in GROUP.schema if f.name != "recipe"])
    )
    Table(tmp_path / "t", older).append(
        [older.table([{"subject": "a", "kind": "look", "how": "same_photo", "group": "a"}])]
    )
    reader = Table(tmp_path / "t", GROUP, reading=True)
    assert reader.read().to_pylist()[0]["recipe"] is None
    assert reader.count(column("recipe").is_null()) == 1
    assert reader.count(column("recipe").equals("x") & column("kind").equals("look")) == 0
    assert (
        reader.read(["subject"], column("recipe").is_null() | column("kind").equals("y")).num_rows
        == 1
    )
    assert [
        t.column("_rowoffset").to_pylist()
        for t in reader.scan(["recipe"], None, with_positions=True)
    ] == [[0]]
    assert reader.take([0], ["recipe", "kind"]).to_pylist() == [{"recipe": None, "kind": "look"}]
    writer = Table(tmp_path / "t", GROUP)
    writer.upsert(rows("b"))
    assert writer.read(["subject", "recipe"]).sort_by("subject").to_pylist()[0] == {
        "subject": "a",
        "recipe": None,
    }


@given(
    st.lists(st.tuples(st.text(max_size=4), st.sampled_from(["garment", "look"])), max_size=6),
    st.text(max_size=4),
)
@settings(max_examples=25, deadline=None)
def test_conditions_mean_in_lance_what_they_mean_in_arrow(
    values: list[tuple[str, str]], wanted: str
) -> None:
    names = [(f"{at}{name}", kind) for at, (name, kind) in enumerate(values)]
    made = GROUP.table(
        [
            {
                "subject": name,
                "kind": kind,
                "how": "same_photo",
                "group": wanted if at % 2 else name,
                "recipe": None if at % 3 else "r",
            }
            for at, (name, kind) in enumerate(names)
        ]
    )
    conditions = [
        column("group").equals(wanted),
        column("group").differs(wanted) & column("kind").equals("look"),
        column("group").is_in([wanted, "a'b"]) | column("kind").equals("garment"),
        ~column("group").equals(wanted),
        column("recipe").is_null(),
        column("recipe").is_given(),
        column("group").is_in([]),
        matching(group=wanted, kind="look"),
    ]
    with TemporaryDirectory() as folder:
        table = Table(Path(folder) / "t", GROUP)
        table.append([made])
        for condition in conditions:
            found = table.read(["subject"], condition).column("subject").to_pylist()
            expected = filtered(made, condition).column("subject").to_pylist()
            assert sorted(found) == sorted(expected), str(condition)
