"""Searching by a part of a look, by a garment, by a sent picture; all with exact filters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.web.conftest import Served

import lookweave
from lookweave.building import open_workspace
from lookweave.models.cards import models_of
from lookweave.records import SOURCE
from lookweave.search import catalogue_fit, search
from lookweave.store.workspace import Workspace
from lookweave.web.index import Index
from lookweave.web.site import Site


def found(served: Served, **query: Any) -> Any:
    answer = served.client.get("/api/v1/search", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def rows(served: Served, table: str) -> list[dict[str, Any]]:
    return served.workspace.table(table).read().sort_by("name").to_pylist()  # type: ignore[no-any-return]


def test_words_rank_every_photo_as_the_command_does(served: Served) -> None:
    store, config = open_workspace(served.path)
    expected = search(store, config, words="red shirt", top=1000)
    answer = found(served, q="red shirt")
    assert answer["by"] == expected["by"]
    assert answer["count"] == len(answer["photos"]) == len(expected["results"])
    # Vectors are kept in half precision: neighbours whose scores are equal by it may change place.
    score = {row["id"]: row["score"] for row in expected["results"]}
    ranked = [score[one["id"]] for one in answer["photos"]]
    assert np.all(np.diff(ranked) <= 2e-3) and ranked[0] == max(ranked)


def test_catalogue_words_count_as_they_did(served: Served) -> None:
    """The index of words against the plain rule, text by text."""
    from lookweave.matching.terms import said, terms

    store = served.workspace
    garments = rows(served, "garments")
    asked = terms(f"{garments[0]['name'].partition('.')[0]} {garments[0]['title'] or 'x'} zzz")
    fits = catalogue_fit(store, asked)
    for row in garments:
        text = " ".join(
            row[one] for one in ("title", "brand", "category", "product", "sku") if row[one]
        )
        share = sum(term.is_in(said(text)) for term in asked) / len(asked)
        assert (("garment", row["id"]) in fits) == (share > 0)


def test_a_garment_finds_looks_and_not_itself(served: Served) -> None:
    garment = rows(served, "garments")[4]
    answer = found(served, garment=garment["id"])
    assert answer["count"] == 23 and garment["id"] not in {one["id"] for one in answer["photos"]}
    looks = found(served, garment=garment["id"], kind="look")
    assert looks["count"] == 12 and all("box" in one for one in looks["photos"])
    store, config = open_workspace(served.path)
    encoder = models_of(config).encoder
    table = store.embeddings(encoder.key, encoder.dimension or 0).read().to_pylist()
    vector = {row["subject"].partition(":")[0]: np.array(row["vector"]) for row in table}
    cosine = [float(vector[garment["id"]] @ vector[one["id"]]) for one in looks["photos"]]
    assert np.all(np.diff(cosine) <= 2e-3), "one region a photo here: ordered by its cosine"
    page = served.client.get(f"/library?garment={garment['id']}&kind=look").text
    assert "12 photos" in page and "This one" in page and "that links them" in page


def test_a_part_that_was_drawn_finds_garments(served: Served) -> None:
    look = rows(served, "looks")[2]
    answer = found(served, look=look["id"], box="0.1,0.1,0.9,0.9", kind="garment")
    assert answer["count"] == 12 and "the part that you drew" in answer["by"]
    other = found(served, look=look["id"], box="0,0,0.12,0.12", kind="garment")
    assert [one["id"] for one in other["photos"]] != [one["id"] for one in answer["photos"]]
    region = next(iter(Site(served.path).now().boxes([look["id"]])[look["id"]]))
    assert found(served, region=region, q="red", kind="garment")["count"] == 12
    for wrong in (
        {"box": "0.1,0.1,0.9,0.9"}, {"look": look["id"]}, {"look": look["id"], "box": "1,0,0,1"},
        {"look": look["id"], "box": "nan,0,1,1"}, {"look": look["id"], "box": "0,0,.001,1"},
        {"region": region, "garment": "x"}, {"picture": "gone"}, {"since": "yesterday"},
    ):  # fmt: skip
        assert served.client.get("/api/v1/search", params=wrong).status_code == 422, wrong
    for absent in ({"garment": "0"}, {"region": "0:x:00"}, {"look": "0", "box": "0,0,1,1"}):
        assert served.client.get("/api/v1/search", params=absent).status_code == 404


def test_what_may_not_be_shown_cannot_be_asked_by(served: Served) -> None:
    look = rows(served, "looks")[2]
    query = {"look": look["id"], "box": "0.1,0.1,0.9,0.9"}
    found(served, **query)  # its vector is in memory now
    lookweave.open(served.path).take_down(look["id"], statement="asked for", by="test")
    assert served.client.get("/api/v1/search", params=query).status_code == 404


def test_a_sent_picture_is_searched_with_under_filters_page_by_page(served: Served) -> None:
    row = rows(served, "garments")[3]
    files = {"image": ("x.jpg", Path(row["path"]).read_bytes(), "image/jpeg")}
    sent = served.client.post("/api/v1/search?kind=look", files=files).json()
    assert sent["count"] == 12 and {one["kind"] for one in sent["photos"]} == {"look"}
    again = found(served, picture=sent["picture"], kind="look")
    assert again["photos"] == sent["photos"]
    preview = served.client.get(f"/library/pictures/{sent['picture']}")
    assert preview.headers["content-type"] == "image/webp" and len(preview.content) < 20_000
    assert served.client.get("/library/pictures/none").status_code == 404


def test_filters_by_what_is_seen_by_rights_and_by_day(served: Served) -> None:
    store = Workspace.create(served.path)
    described = store.table("descriptions").read(["subject", "kind", "colours"]).to_pylist()
    red = {row["subject"].partition(":")[0] for row in described if "red" in (row["colours"] or ())}
    assert red
    answer = found(served, colour="red")
    assert {one["id"] for one in answer["photos"]} == red
    assert found(served, **{"not.colour": "red"})["count"] == 24 - len(red)
    garments = store.table("garments").read().to_pylist()
    garments[0]["rights"], garments[1]["rights"] = "internal use only", "CC BY 4.0"
    from lookweave.records import GARMENT

    store.table("garments").upsert(GARMENT.table(garments))
    sources = store.table("sources").read().to_pylist()
    for at, row in enumerate(sorted(sources, key=lambda row: row["name"])):
        row["modified_ns"] = (1_700_000_000 + 86_400 * at) * 10**9  # from 2023-11-14 on
    store.table("sources").upsert(SOURCE.table(sources))
    assert [one["id"] for one in found(served, rights="forbidden")["photos"]] == [garments[0]["id"]]
    assert [one["id"] for one in found(served, rights="allowed")["photos"]] == [garments[1]["id"]]
    assert found(served, since="2023-11-16", until="2023-11-18", q="red")["count"] == 3


@pytest.mark.parametrize("width", [3, 8])
def test_the_best_region_of_each_photo_counts(width: int) -> None:
    place = np.array([0, 0, 1, 2, 2, 2])
    vectors = np.eye(6, width, dtype=np.float32) if width == 8 else np.ones((6, 3), np.float32)
    index = Index(
        np.array(list("abcdef"), object), place, vectors, np.zeros((6, 1), np.float32),
        np.ones(6, bool), np.zeros(6, bool), None,  # type: ignore[arg-type]
    )  # fmt: skip
    scores = np.array([0.1, 0.9, np.nan, 0.5, 0.95, 0.2], np.float32)
    places, rows, best = index.best(np.arange(6), scores)
    assert places.tolist() == [2, 0] and rows.tolist() == [4, 1]
    assert best.tolist() == pytest.approx([0.95, 0.9])
