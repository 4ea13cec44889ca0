"""Gaps, and near duplicates that are kept, merged or ignored: remembered, never deleted."""

from __future__ import annotations

import uuid
from typing import Any

from tests.web.conftest import Served
from tests.web.test_linking import forms

import lookweave
from lookweave.building import open_workspace
from lookweave.pipeline.setup import Setup
from lookweave.pipeline.steps.group import Group
from lookweave.records import GROUP
from lookweave.store.conditions import matching
from lookweave.store.workspace import Workspace
from lookweave.web.site import Site


def grouped(served: Served, *how: tuple[str, str, int]) -> list[str]:
    """Rows of one group; returns the photos' ids."""
    store = Workspace.create(served.path)
    recipe = Group(Setup.of(open_workspace(served.path)[1])).recipe
    rows: list[dict[str, Any]] = []
    for name, kind, at in how:
        photo = store.table(f"{kind}s").read().sort_by("name").to_pylist()[at]["id"]
        rows.append({"subject": photo, "kind": kind, "how": name, "recipe": recipe})
    group = min(row["subject"] for row in rows)
    store.table("groups").delete(matching(recipe=recipe))  # the drawn photos are alike
    store.table("groups").upsert(GROUP.table([{**row, "group": group} for row in rows]))
    return [row["subject"] for row in rows]


def test_an_article_that_is_linked_is_a_gap_no_more(served: Served) -> None:
    page = served.client.get("/gaps?bound=1").text
    garment = served.workspace.table("garments").read().sort_by("name").to_pylist()[0]
    assert f"/garments/{garment['id']}" in page and "12 articles have" in page
    look = served.workspace.table("looks").read().to_pylist()[0]["id"]
    region = next(iter(Site(served.path).now().boxes([look])[look]))
    link = {"id": str(uuid.uuid4()), "garment": garment["id"], "region": region}
    served.client.post("/api/v1/links", json=[link])
    page = served.client.get("/gaps?bound=1").text
    assert f"/garments/{garment['id']}" not in page and "11 articles have" in page
    assert served.client.get("/gaps?bound=2").status_code == 422


def test_duplicates_are_merged_asked_again_and_ignored(served: Served) -> None:
    one, other = grouped(served, ("same_photo", "look", 0), ("same_photo", "look", 1))
    page = served.client.get("/duplicates").text
    assert "to decide 1" in page and one in page and other in page
    (fields,) = forms(page, "/duplicates")
    page = served.client.post("/duplicates", data={**fields, "said": "merge", "kept": one}).text
    assert "to decide 0" in page and "Nothing is left to decide" in page
    found = served.client.get("/api/v1/search?kind=look").json()
    assert found["count"] == 11 and other not in {photo["id"] for photo in found["photos"]}
    assert served.client.get("/api/v1/search?kind=look&copies=yes").json()["count"] == 12
    assert served.client.get(f"/looks/{other}").status_code == 200, "nothing is deleted"
    (again,) = forms(served.client.get("/duplicates?decided=true").text, "/duplicates")
    served.client.post("/duplicates", data={**again, "said": "open"})
    assert served.client.get("/api/v1/search?kind=look").json()["count"] == 12
    ignored = {**fields, "event": str(uuid.uuid4()), "said": "ignore"}
    assert "decided 1" in served.client.post("/duplicates", data=ignored).text
    grouped(served, *(("same_photo", "look", at) for at in range(3)))
    assert "to decide 1" in served.client.get("/duplicates").text, "a third one is asked anew"


def test_what_cannot_be_decided_is_refused(served: Served) -> None:
    garment, look = grouped(served, ("same_picture", "garment", 0), ("same_picture", "look", 0))
    page = served.client.get("/duplicates").text
    assert garment in page and "Merge" not in page
    both = {"id": str(uuid.uuid4()), "photos": [garment, look], "said": "keep"}
    path = "/api/v1/duplicates/decision"
    assert served.client.post(path, json=both).status_code == 200
    for wrong, status in (
        ({"said": "merge", "kept": look}, 422), ({"photos": [garment, "0"]}, 404),
        ({"said": "eat"}, 422), ({"photos": [garment]}, 422), ({"photos": [look, look]}, 422),
    ):  # fmt: skip
        sent = {**both, "id": str(uuid.uuid4()), **wrong}
        assert served.client.post(path, json=sent).status_code == status, wrong
    lookweave.open(served.path).take_down(look, statement="asked for", by="test")
    assert look not in served.client.get("/duplicates?decided=true").text
