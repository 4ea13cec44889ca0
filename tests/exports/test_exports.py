"""Tables of a small shop whose photos show several articles, in both kinds of file."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import lookweave
from lookweave.errors import InputError
from lookweave.exports.articles import BELOW, NO_PHOTO
from lookweave.exports.files import write_table
from lookweave.exports.rows import MATCHES_SCHEMA, PAIRS_SCHEMA
from lookweave.records import REVIEW
from lookweave.store.workspace import Workspace as Store
from lookweave.text import csv_value

Folders = tuple[Path, Path, Path]
Call = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def workspace(
    tmp_path_factory: pytest.TempPathFactory, photo_folders: Folders
) -> lookweave.Workspace:
    folder = tmp_path_factory.mktemp("exports")
    photos = sorted(photo_folders[0].iterdir())
    rows = [
        "sku,gtin,title,image",
        f"A-1,0400638133393,=HYPERLINK(1) blouse,{photos[0]}",  # two sizes share a picture
        f"A-2,,Étole,{photos[0]}",
        f"A-2,,Étole,{photos[1]}",
        f"B-7,,Shirt,{photos[2]}",
        f"C-9,,Gone,{folder / 'missing.jpg'}",
        *(f"D-{at},,Shirt {at},{photo}" for at, photo in enumerate(photos[3:8])),
    ]
    (folder / "shop.csv").write_text("\n".join(rows), encoding="utf-8")
    own = folder / "own"
    own.mkdir()
    (own / "own.jpg").write_bytes(photos[9].read_bytes())
    return lookweave.build(
        [folder / "shop.csv", own], photo_folders[1], out=folder / "ws", models="whole-photo"
    )


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return [
            {name: csv_value(cell) for name, cell in row.items()} for row in csv.DictReader(file)
        ]


def test_both_kinds_of_file_hold_the_same_matches(
    workspace: lookweave.Workspace, tmp_path: Path
) -> None:
    rows = workspace.export_matches(tmp_path / "m.parquet", top=2)
    assert workspace.export_matches(tmp_path / "m.csv", top=2) == rows == 18
    table = pq.read_table(tmp_path / "m.parquet")
    assert table.schema.equals(MATCHES_SCHEMA)
    cells = read_csv(tmp_path / "m.csv")
    assert [one["region"] for one in cells] == table.column("region").to_pylist()
    for cell, row in zip(cells, table.to_pylist(), strict=True):
        assert float(cell["score"]) == pytest.approx(row["score"], abs=1e-6)
        assert json.loads(cell["region_box"]) == pytest.approx(row["region_box"], abs=1e-6)
        assert cell["skus"] == "; ".join(row["skus"]) and cell["tier"] == (row["tier"] or "")
    assert (tmp_path / "m.csv").read_bytes()[:1] == b'"', "text, and no Parquet"
    assert "'=HYPERLINK" not in read_csv(tmp_path / "m.csv")[0]["title"]
    first = next(row for row in table.to_pylist() if row["garment_path"].endswith("g000.jpg"))
    assert first["skus"] == ["A-1", "A-2"] and first["gtins"] == ["0400638133393"]
    paired = {(one.garment, one.look): one.tier for one in workspace.pairs()}
    assert paired
    for row in table.to_pylist():
        assert row["tier"] == paired.get((row["garment"], row["look"]))
        assert (row["taken_down"], row["listed"]) == (False, True)


def test_no_cell_is_a_formula(workspace: lookweave.Workspace, tmp_path: Path) -> None:
    workspace.export_products(tmp_path / "p.csv")
    with (tmp_path / "p.csv").open(encoding="utf-8", newline="") as file:
        titles = [row["title"] for row in csv.DictReader(file)]
    assert "'=HYPERLINK(1) blouse" in titles
    assert not any(title.startswith("=") for title in titles)


def test_one_article_by_its_number(workspace: lookweave.Workspace, call: Call) -> None:
    shown = workspace.matches(top=1, sku=" a-2 ")
    assert {Path(path).name for path in shown.column("garment_path").to_pylist()} == {
        "g000.jpg", "g001.jpg",
    }  # fmt: skip
    with pytest.raises(InputError, match="no article with the number Z-1"):
        workspace.matches(sku="Z-1")
    code, out, _ = call("matches", workspace.path, "--sku", "B-7", "--top", 2, "--json")
    assert code == 0 and len(json.loads(out)["matches"]) == 2
    code, out, _ = call("matches", workspace.path, "--sku", "C-9")  # known, and without a photo
    assert code == 0 and "No garment of the article C-9 has a match" in out


def test_every_article_is_in_the_products(workspace: lookweave.Workspace, tmp_path: Path) -> None:
    assert workspace.export_products(tmp_path / "p.parquet") == 10
    rows = {row["sku"]: row for row in pq.read_table(tmp_path / "p.parquet").to_pylist()}
    assert rows.keys() == {"A-1", "A-2", "B-7", "C-9", *(f"D-{at}" for at in range(5)), None}
    assert len(rows["A-2"]["photos"]) == len(rows["A-2"]["garments"]) == 2
    assert rows[None]["photos"][0].endswith("own.jpg") and rows[None]["product"] is None
    nothing = rows["C-9"]
    assert (nothing["garments"], nothing["tier"], nothing["probability"]) == ([], None, None)
    matches = workspace.matches(top=100)
    pairs = workspace.pairs()
    for row in rows.values():
        of = pc.is_in(matches.column("garment"), pa.array(row["garments"], pa.string()))
        best = pc.max(matches.filter(of).column("probability")).as_py()
        assert row["probability"] == best
        tiers = [pair.tier for pair in pairs if pair.garment in row["garments"]]
        assert row["looks"] == len({p.look for p in pairs if p.garment in row["garments"]})
        assert row["tier"] == min(tiers, key=["high", "medium", "low"].index, default=None)


def test_pairs_of_a_tier(workspace: lookweave.Workspace, tmp_path: Path) -> None:
    every = workspace.export_pairs(tmp_path / "all.parquet")
    table = pq.read_table(tmp_path / "all.parquet")
    assert table.schema.equals(PAIRS_SCHEMA) and every == table.num_rows == len(workspace.pairs())
    tiers = table.column("tier").to_pylist()
    assert tiers == sorted(tiers, key=["high", "medium", "low"].index)
    high = workspace.export_pairs(tmp_path / "high.csv", tier="high")
    assert high == tiers.count("high") > 0
    assert {row["tier"] for row in read_csv(tmp_path / "high.csv")} == {"high"}
    with pytest.raises(InputError, match="tier is high, medium, low, not 'top'"):
        workspace.export_pairs(tmp_path / "top.csv", tier="top")
    assert not (tmp_path / "top.csv").exists()


def test_articles_that_no_look_shows(
    workspace: lookweave.Workspace, call: Call, tmp_path: Path
) -> None:
    best = {
        row["sku"]: row["probability"]
        for row in workspace.unmatched(1.0).to_pylist() + workspace.unmatched(0.0).to_pylist()
    }
    bound = sorted(one for one in best.values() if one is not None)[2]
    found = {row["sku"]: row["why"] for row in workspace.unmatched(bound).to_pylist()}
    assert found.pop("C-9") == NO_PHOTO
    assert set(found.values()) <= {BELOW}
    assert found.keys() == {sku for sku, one in best.items() if one is not None and one < bound}
    assert not workspace.is_calibrated()
    code, out, _ = call("matches", workspace.path, "--unmatched", "--bound", bound, "--json")
    told = json.loads(out)
    assert code == 0 and len(told["unmatched"]) == len(found) + 1
    assert "not calibrated" in told["note"]
    file = tmp_path / "u.csv"
    code, out, _ = call("matches", workspace.path, "--unmatched", "-o", file)
    assert code == 0 and "articles without a match" in out and "not calibrated" in out
    assert "C-9" in [row["sku"] for row in read_csv(file)]
    with pytest.raises(InputError, match=r"from 0 to 1, not 1\.5"):
        workspace.unmatched(1.5)


@pytest.mark.parametrize("verb", ["matches", "pairs", "products", "search red"])
def test_an_unknown_ending_is_refused_before_any_work(
    workspace: lookweave.Workspace, call: Call, tmp_path: Path, verb: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("lookweave.search.search", lambda *_, **__: pytest.fail("work was begun"))
    monkeypatch.setattr(
        "lookweave.store.tables.Table.scan", lambda *_, **__: pytest.fail("work was begun")
    )
    name, *words = verb.split()
    for ending in ("xlsx", "json", ""):
        file = tmp_path / f"t.{ending}"
        code, _, err = call(name, workspace.path, *words, "-o", file)
        assert code == 2 and "must end in .csv or .parquet" in err and not file.exists()


def test_a_search_as_a_table(workspace: lookweave.Workspace, call: Call, tmp_path: Path) -> None:
    file = tmp_path / "s.CSV"
    code, out, _ = call("search", workspace.path, "A-2", "--kind", "garment", "-o", file, "--json")
    rows = read_csv(file)
    assert code == 0 and json.loads(out)["rows"] == len(rows)
    assert {Path(row["path"]).name for row in rows[:2]} == {"g000.jpg", "g001.jpg"}
    assert {row["skus"] for row in rows[:2]} == {"A-1; A-2", "A-2"}
    assert rows[0]["tier"] in {"high", "medium", "low", ""}


def test_photos_taken_down_are_marked_in_matches_and_left_out_of_pairs(
    workspace: lookweave.Workspace, tmp_path: Path, photo_folders: Folders
) -> None:
    pair = workspace.pairs()[0]
    opened = lookweave.open(workspace.path)
    try:
        opened.take_down(pair.look, statement="asked", by="ann")
        after = lookweave.open(workspace.path)
        after.export_matches(tmp_path / "m.parquet", top=3)
        marked = {
            row["look"]
            for row in pq.read_table(tmp_path / "m.parquet").to_pylist()
            if row["taken_down"]
        }
        assert marked == {pair.look}
        assert pair.look not in {one.look for one in after.pairs()}
        assert after.export_pairs(tmp_path / "p.csv") == len(after.pairs()) < len(workspace.pairs())
    finally:
        lookweave.open(workspace.path).lift_takedown(pair.look)


def test_hard_negatives_are_what_truth_and_reviews_refuse(
    workspace: lookweave.Workspace, tmp_path: Path, photo_folders: Folders, call: Call
) -> None:
    (tmp_path / "truth.csv").write_text("garment,look\ng002.jpg,l002_0.jpg\n")
    found = workspace.hard_negatives(tmp_path / "truth.csv")
    names = {row["id"]: Path(row["path"]).name for row in workspace.garments().to_pylist()}
    looks = {row["id"]: row["name"] for row in workspace.looks().to_pylist()}
    assert {names[one] for one in found.column("garment").to_pylist()} == {"g002.jpg"}
    assert "l002_0.jpg" not in {looks[one] for one in found.column("look").to_pylist()}
    ranks = [rank for rank in found.column("rank").to_pylist() if rank]
    assert ranks == sorted(ranks) and set(found.column("why").to_pylist()) == {"truth"}
    assert found.schema.names == ["garment", "look", "region", "score", "rank", "why"]
    with pytest.raises(InputError, match="Nobody has judged a match"):
        workspace.hard_negatives()

    wrong, disputed = (workspace.matches(top=2).slice(at, 1).to_pylist()[0] for at in (0, 1))
    store = Store.create(workspace.path)
    reviews = [(wrong, "ann", "no"), (disputed, "ann", "no"), (disputed, "bob", "yes")]
    store.table("reviews").append(
        [
            REVIEW.table(
                [
                    {**{name: row[name] for name in ("garment", "region", "look")}, "reviewer": who,
                     "decision": said}
                    for row, who, said in reviews
                ]
            )
        ]
    )  # fmt: skip
    store.show()
    refused = lookweave.open(workspace.path).hard_negatives().to_pylist()
    assert [(row["garment"], row["region"], row["why"]) for row in refused] == [
        (wrong["garment"], wrong["region"], "reviews")
    ]
    code, out, _ = call("matches", workspace.path, "--refused", "-o", tmp_path / "n.csv")
    assert code == 0 and out.startswith("1 refused matches")


def test_an_error_leaves_what_was_there(tmp_path: Path) -> None:
    def torn() -> Any:
        yield pa.table({"a": [1]})
        raise InputError("gone")

    for name in ("t.csv", "t.parquet"):
        (tmp_path / name).write_text("mine")
        with pytest.raises(InputError, match="gone"):
            write_table(tmp_path / name, torn())
        assert (tmp_path / name).read_text() == "mine"
    assert len(list(tmp_path.iterdir())) == 2, "and no scratch file"


def test_nothing_matched_yet_is_a_sentence(tmp_path: Path) -> None:
    Store.create(tmp_path / "ws")
    opened = lookweave.open(tmp_path / "ws")
    for export in (opened.export_matches, opened.export_unmatched, opened.export_hard_negatives):
        with pytest.raises(InputError, match="has no matches yet"):
            export(tmp_path / "t.csv")
    assert not (tmp_path / "t.csv").exists()
    assert opened.export_pairs(tmp_path / "p.csv") == 0
    assert (tmp_path / "p.csv").read_text().startswith('"tier","split"')


def test_options_that_do_not_go_together_are_refused(call: Call, tmp_path: Path) -> None:
    for flags, said in (
        (["--sku", "A", "--unmatched"], "ask for one"), (["--bound", 0.4, "-o", "x.csv"], "--bound"),
        (["--truth", "t.csv", "-o", "x.csv"], "--truth"), ([], "Name a file"),
        (["--refused"], "Name a file"),
    ):  # fmt: skip
        code, _, err = call("matches", tmp_path, *flags)
        assert code == 2 and said in err
