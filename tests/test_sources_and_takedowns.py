"""The verbs `sources` and `takedown`, and the same from Python."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import lookweave
from lookweave.errors import InputError, UsageError

Call = Callable[..., tuple[int, str, str]]
Folders = tuple[Path, Path, Path]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory, photo_folders: Folders) -> Path:
    folder = tmp_path_factory.mktemp("taken")
    lookweave.build(*photo_folders[:2], out=folder / "ws", models="whole-photo")
    return folder / "ws"


def test_inputs_are_listed_and_dropped(
    call: Call, workspace: Path, tmp_path: Path, photo_folders: Folders
) -> None:
    more = tmp_path / "more [1]"
    more.mkdir()
    (more / "one.jpg").write_bytes(
        sorted(photo_folders[0].iterdir())[0].read_bytes()[:-2] + b"\xff\xd9"
    )
    lookweave.build(more, out=workspace)
    code, out, _ = call("sources", workspace, "--json")
    listed = {(one["kind"], one["path"]): one for one in json.loads(out)["sources"]}
    assert code == 0 and listed.keys() == {
        ("garment", str(photo_folders[0])), ("garment", str(more)), ("look", str(photo_folders[1])),
    }  # fmt: skip
    assert listed["garment", str(photo_folders[0])]["photos"] == 12
    code, out, _ = call("sources", workspace)
    assert code == 0 and "more [1]" in out

    code, out, _ = call("sources", workspace, "--drop", more, "--json")
    assert code == 0 and json.loads(out)["dropped"] == str(more)
    assert [one.path for one in lookweave.open(workspace).sources()] == [
        str(photo_folders[0]), str(photo_folders[1]),
    ]  # fmt: skip
    code, _, err = call("sources", workspace, "--drop", "nowhere")
    assert code == 2 and "was given nowhere" in err


def test_a_takedown_holds_until_it_is_lifted_in_words(
    call: Call, workspace: Path, photo_folders: Folders
) -> None:
    name = sorted(photo_folders[1].iterdir())[0].name
    code, out, _ = call(
        "takedown", workspace, name, "--reason", "the model asks", "--by", "ann", "--json"
    )
    assert code == 0 and [one["name"] for one in json.loads(out)["taken_down"]] == [name]
    lookweave.build(out=workspace)
    opened = lookweave.open(workspace)
    (look,) = (row for row in opened.looks().to_pylist() if row["name"] == name)
    assert look["taken_down"] and look["id"] not in opened.pairs().column("look").to_pylist()

    code, out, _ = call("takedown", workspace, "--list")
    assert code == 0 and name in out and "ann" in out and "the model asks" in out
    (event,) = opened.takedowns()
    assert event.stands and event.by == "ann"
    code, out, _ = call("takedown", workspace, name, "--lift")
    assert code == 0 and out.startswith("lifted: look ")
    assert not any(one.stands for one in lookweave.open(workspace).takedowns())
    code, _, err = call("takedown", workspace, name, "--lift")
    assert code == 2 and "Nothing is taken down" in err


@pytest.mark.parametrize("wrong", [[], ["x.jpg", "--list"], ["--list", "--lift"], ["--lift"]])
def test_a_takedown_is_of_a_name(call: Call, workspace: Path, wrong: list[str]) -> None:
    code, out, err = call("takedown", workspace, *wrong)
    assert (code, out) == (2, "") and "NAME" in err


def test_what_is_read_afterwards_knows_of_the_change(workspace: Path) -> None:
    opened = lookweave.open(workspace)
    name = opened.garments().column("name")[0].as_py()
    photos = opened.take_down(name, statement="a test")
    assert [one.name for one in photos] == [name]
    assert [one.name for one in opened.takedowns() if one.stands] == [name]
    opened.lift_takedown(name)
    with pytest.raises(InputError, match="has no photo and no article nobody"):
        opened.take_down("nobody")
    assert isinstance(InputError(""), UsageError)


def test_a_snapshot_cannot_be_written_to(workspace: Path) -> None:
    lookweave.build(out=workspace, snapshot="then")
    with pytest.raises(InputError, match="a state of the past"):
        lookweave.open(workspace, "then").take_down("x")


def test_articles_are_a_table(tmp_path: Path, photo_folders: Folders) -> None:
    photo = sorted(photo_folders[0].iterdir())[0]
    (tmp_path / "shop.csv").write_text(f"path,sku,size\n{photo},A-1,S\n{photo},A-2,M\n")
    built = lookweave.build(
        tmp_path / "shop.csv", photo_folders[1], out=tmp_path / "ws", models="whole-photo"
    )
    assert sorted(built.products().column("sku").to_pylist()) == ["A-1", "A-2"]
    assert built.garments().num_rows == 1


def test_an_address_is_no_input(tmp_path: Path, photo_folders: Folders) -> None:
    with pytest.raises(InputError, match=r"^https://shop\.example/feed\.csv is an address"):
        lookweave.build(
            "https://shop.example/feed.csv", photo_folders[1], out=tmp_path, models="whole-photo"
        )
