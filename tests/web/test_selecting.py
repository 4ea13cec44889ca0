"""Selections, and what leaves of them: never what was taken down or is forbidden."""

from __future__ import annotations

import csv
import json
import re
import uuid
import zipfile
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tests.web.conftest import Served
from tests.web.test_linking import forms

import lookweave
from lookweave.cli.main import main
from lookweave.errors import InputError
from lookweave.exports import xmp
from lookweave.records import GARMENT, LOOK
from lookweave.review.decisions import Decided, Decision, Decisions
from lookweave.store.workspace import Workspace
from lookweave.web.site import Site


def rows(served: Served, table: str) -> list[dict[str, Any]]:
    return served.workspace.table(table).read().sort_by("name").to_pylist()  # type: ignore[no-any-return]


def select(served: Served, name: str, *keys: tuple[str, str]) -> None:
    sent = {"id": str(uuid.uuid4()), "add": [list(one) for one in keys]}
    answer = served.client.post(f"/api/v1/selections/{name}", json=sent)
    assert answer.status_code == 200, answer.text


def linked(served: Served) -> tuple[str, str]:
    """A garment of an article with a GTIN and a hostile title, linked to a look by a person."""
    store = Workspace.create(served.path)
    garment, look = rows(served, "garments")[0], rows(served, "looks")[0]
    row = {**garment, "sku": "SKU-1", "title": "=1+1<b>", "brand": "Norrland"}
    store.table("garments").upsert(GARMENT.table([row]))
    from lookweave.records import PRODUCT, PRODUCT_PHOTO

    store.table("products").upsert(PRODUCT.table([
        {"id": "p1", "catalogue": "c", "sku": "SKU-1", "gtin": "4006381333931", "title": "=1+1<b>",
         "taken_down": False, "listed": True, "metadata": "{}"}
    ]))  # fmt: skip
    photo = {"product": "p1", "place": garment["path"], "garment": garment["id"], "role": "main",
             "position": 0, "listed": True}  # fmt: skip
    names = PRODUCT_PHOTO.schema.names
    store.table("product_photos").upsert(
        PRODUCT_PHOTO.table([{name: value for name, value in photo.items() if name in names}])
    )
    region = next(iter(Site(served.path).now().boxes([look["id"]])[look["id"]]))
    link = {"id": str(uuid.uuid4()), "garment": garment["id"], "region": region}
    assert served.client.post("/api/v1/links", json=[link]).status_code == 200
    return garment["id"], look["id"]


def test_hits_are_kept_taken_out_and_a_search_is_saved(served: Served) -> None:
    page = served.client.get("/library?kind=look&q=red").text
    (fields,) = forms(page, "/selections")
    ticks = re.findall(r'name="photo" value="([^"]+)"', page)
    answer = served.client.post(
        "/selections", data={**fields, "name": "Press é", "photo": ticks[:3]}
    )
    assert answer.status_code == 200 and "3 photos" in answer.text and "3 may leave" in answer.text
    served.client.post("/selections", data={**fields, "name": "Press é", "photo": ticks[:3]})
    everything = {**fields, "event": str(uuid.uuid4()), "name": "All", "everything": "true"}
    assert "12 photos" in served.client.post("/selections", data=everything).text
    edit = forms(answer.text, "/selections/Press%20%C3%A9")[-1]
    answer = served.client.post("/selections/Press é", data={**edit, "photo": ticks[1]})
    assert "2 photos" in answer.text and ticks[1] not in answer.text
    saved = {**fields, "event": str(uuid.uuid4()), "name": "Reds"}
    page = served.client.post("/searches", data=saved).text
    assert "/library?q=red&amp;kind=look" in page and "Press é" in page
    gone = {**edit, "event": str(uuid.uuid4()), "gone": "true"}
    assert "Press é" not in served.client.post("/selections/Press é", data=gone).text
    assert served.client.get("/selections/Press é").status_code == 404
    for wrong in ({"name": "a/b"}, {"name": " "}, {"name": "x" * 101}, {"name": "a\nb"}):
        bad = {**fields, "event": str(uuid.uuid4()), "photo": ticks[:1], **wrong}
        assert served.client.post("/selections", data=bad).status_code == 422, wrong
    away = {**saved, "event": str(uuid.uuid4()), "address": "//evil.example/?q=x"}
    assert served.client.post("/searches", data=away).status_code == 422


def test_what_may_not_leave_does_not_and_is_counted(served: Served) -> None:
    garment, look = linked(served)
    looks = rows(served, "looks")
    store = Workspace.create(served.path)
    store.table("looks").upsert(LOOK.table([{**looks[1], "rights": "internal use only"}]))
    keys = [("garment", garment), *(("look", one["id"]) for one in looks[:4])]
    select(served, "mixed", *keys)
    lookweave.open(served.path).take_down(looks[2]["id"], statement="asked for", by="test")
    page = served.client.get("/selections/mixed").text
    assert "2 left out" in page and "1 rights forbid" in page and "1 taken down" in page
    assert "1 link to" in page
    for form in ("csv", "json", "pdf", "zip"):
        answer = served.client.get(f"/selections/mixed/export?form={form}")
        assert answer.status_code == 200 and "attachment" in answer.headers["content-disposition"]
        gone = [looks[1]["id"].encode(), looks[2]["id"].encode()]
        body = answer.content
        if form == "csv":
            lines = list(csv.DictReader(StringIO(body.decode())))
            assert [line["id"] for line in lines] == [garment, look, looks[3]["id"]]
            assert lines[0]["title"] == "'=1+1<b>" and lines[0]["gtins"] == "4006381333931"
            assert "SKU-1" in lines[1]["links"] and "by people" in lines[1]["links"]
        elif form == "json":
            told = json.loads(body)
            assert {one["reason"] for one in told["left_out"]} == {"rights_forbid", "taken_down"}
            assert told["photos"][1]["links"][0]["products"][0]["gtin"] == "4006381333931"
        elif form == "pdf":
            assert body.startswith(b"%PDF") and not any(one in body for one in gone)
        else:
            with zipfile.ZipFile(BytesIO(body)) as archive:
                names = archive.namelist()
                photos = [name for name in names if name.startswith("photos/")]
                assert len(photos) == 3 and "left-out.csv" in names
                assert all(re.fullmatch(r"photos/[A-Za-z0-9_.-]+", name) for name in photos)
                assert photos[0].startswith("photos/04006381333931_")
                packet = xmp.read(archive.read(photos[1]))
                assert packet is not None and b"ImageRegion" in packet and b"SKU-1" in packet
                with Image.open(BytesIO(archive.read(photos[1]))) as copy:
                    assert copy.size == (looks[0]["width"], looks[0]["height"])
            plain = served.client.get("/selections/mixed/export?form=zip&metadata=false").content
            with zipfile.ZipFile(BytesIO(plain)) as archive:
                original = Path(looks[0]["path"]).read_bytes()
                assert archive.read(photos[1]) == original, "the photo's own bytes"


def test_links_that_nobody_said_go_out_only_when_their_tier_is_asked_for(served: Served) -> None:
    pair = served.workspace.table("pairs").read().to_pylist()[0]
    select(served, "tiers", ("look", pair["look"]))

    def links(**query: str) -> list[dict[str, Any]]:
        answer = served.client.get("/selections/tiers/export", params={"form": "json", **query})
        found: list[dict[str, Any]] = answer.json()["photos"][0]["links"]
        return found

    assert links() == []
    assert pair["tier"] in {one["by"] for one in links(tier=pair["tier"])}
    region = pair["region"]
    no = {"id": str(uuid.uuid4()), "garment": pair["garment"], "region": region, "verdict": "no"}
    served.client.post("/api/v1/links", json=[no])
    refused = [one for one in links(tier=pair["tier"]) if one["garment"] == pair["garment"]]
    assert refused == []
    assert served.client.get("/selections/tiers/export?form=exe").status_code == 422
    assert served.client.get("/selections/tiers/export?form=csv&tier=x").status_code == 422


def test_the_command_and_python_export_alike(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    garment, look = linked(served)
    select(served, "mine", ("garment", garment), ("look", look))
    opened = lookweave.open(served.path)
    done = opened.export(tmp_path / "out", selection="mine")
    assert done.photos == 2 and done.left_out == ()
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "photos",
        "photos.csv",
        "photos.json",
    ]
    with pytest.raises(InputError, match="not empty"):
        opened.export(tmp_path / "out", selection="mine")
    ids = tmp_path / "ids.txt"
    ids.write_text(f"{garment}\n{look}\n", encoding="utf-8")
    to = tmp_path / "x.json"
    call = [
        "lookweave",
        "export",
        str(served.path),
        "--photos",
        str(ids),
        "--to",
        str(to),
        "--json",
    ]
    monkeypatch.setattr("sys.argv", call)
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code and json.loads(capsys.readouterr().out)["photos"] == 2
    assert json.loads(to.read_text(encoding="utf-8"))["photos"][0]["id"] == garment
    for wrong in ({"selection": "none"}, {"photos": ["0"]}, {}, {"photos": [look], "selection": "mine"},
                  {"photos": [look], "tiers": ["best"]}):  # fmt: skip
        with pytest.raises(InputError):
            opened.export(tmp_path / "y.csv", **wrong)
    with pytest.raises(InputError, match=r"\.csv"):
        opened.export(tmp_path / "y.exe", selection="mine")
    assert not list(tmp_path.glob("*.partial")) and not (tmp_path / "y.csv").exists()


def test_a_decision_is_kept_once_and_none_is_ever_changed(tmp_path: Path) -> None:
    kept = Decisions(tmp_path)
    one = Decision(
        str(uuid.uuid4()), "A", "selection", "s", {"add": [["look", "1"], ["look", "2"]]}
    )
    kept.append([one])
    assert kept.append([one])[0].seq == 1
    with pytest.raises(InputError, match="another content"):
        kept.append([Decision(one.id, "A", "selection", "s", {"add": []})])
    kept.append([Decision(str(uuid.uuid4()), "B", "selection", "s", {"remove": [["look", "1"]]})])
    decided = Decided(Decisions(tmp_path, reading=True).after())
    assert (
        decided.selections["s"].photos == (("look", "2"),) and decided.selections["s"].person == "B"
    )
    with pytest.raises(Exception, match="never"), kept.writing() as connection:
        connection.execute("DELETE FROM decisions")
    with pytest.raises(InputError):
        kept.append([Decision("x", "A", "selection", "s", {})])
    assert Decisions(tmp_path / "none", reading=True).after() == []
