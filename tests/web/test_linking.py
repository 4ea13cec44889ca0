"""Links by one click, also where no match is; taken back; kept as events of the journal."""

from __future__ import annotations

import html
import re
import uuid
from itertools import product
from typing import Any

from tests.built import build
from tests.web.conftest import Served

from lookweave.building import open_workspace
from lookweave.pipeline.setup import Setup
from lookweave.pipeline.steps.match import Match
from lookweave.pipeline.steps.tier import Tier
from lookweave.review.journal import Journal
from lookweave.store.conditions import matching
from lookweave.store.workspace import Workspace
from lookweave.web.site import Site


def forms(page: str, action: str) -> list[dict[str, str]]:
    """The fields of each form with this action."""
    found = []
    for form in re.findall(r"<form [^>]*>.*?</form>", page, re.S):
        if re.match(rf'<form [^>]*action="{action}"', form):
            found.append(
                {
                    name: html.unescape(value)
                    for name, value in re.findall(
                        r'type="hidden" name="([^"]+)" value="([^"]*)"', form
                    )
                }
            )
    return found


def first(served: Served, table: str) -> dict[str, Any]:
    found: dict[str, Any] = served.workspace.table(table).read().sort_by("name").to_pylist()[0]
    return found


def test_a_link_is_said_seen_at_once_taken_back_and_said_again(served: Served) -> None:
    garment = first(served, "garments")
    path = f"/garments/{garment['id']}"
    before = served.client.get(path).text
    fields = forms(before, "/links")[0]
    page = served.client.post("/links", data={**fields, "verdict": "same"})
    assert page.url.path == path and "confirmed once" in page.text and "Unlink" in page.text
    assert "linked=yes" in served.client.get("/library").text
    (event,) = Journal(served.path).events()
    taken = forms(page.text, f"/links/{event.id}/withdrawal")[0]
    page = served.client.post(f"/links/{event.id}/withdrawal", data=taken)
    assert "Unlink" not in page.text and "confirmed once" not in page.text
    again = {**forms(page.text, "/links")[0], "verdict": "no"}
    assert "refused" in served.client.post("/links", data=again).text
    assert [one.kind for one in Journal(served.path).events()] == ["link", "withdrawal", "verdict"]


def test_nobody_takes_back_what_another_said_and_no_form_leads_elsewhere(served: Served) -> None:
    fields = forms(
        served.client.get(f"/garments/{first(served, 'garments')['id']}").text, "/links"
    )[0]
    for back in ("//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:1"):
        answer = served.client.post("/links", data={**fields, "verdict": "same", "back": back})
        assert answer.status_code == 422 and Journal(served.path).events() == []
    served.client.post("/links", data={**fields, "verdict": "same"})
    (event,) = Journal(served.path).events()
    served.client.cookies.set("lookweave_name", "Somebody%20else")
    taken = {"token": fields["token"], "withdrawal": str(uuid.uuid4())}
    assert served.client.post(f"/links/{event.id}/withdrawal", data=taken).status_code == 404


def unmatched(served: Served) -> tuple[str, str, str]:
    """A garment, a look and its region that no match has: the match is taken out of the table."""
    store = Workspace.create(served.path)
    row = (
        store.table("matches")
        .read(["garment", "look", "region"])
        .sort_by("garment")
        .to_pylist()[-1]
    )
    store.table("matches").delete(matching(garment=row["garment"], look=row["look"]))
    return row["garment"], row["look"], row["region"]


def test_what_no_match_has_is_linked_from_either_side(served: Served) -> None:
    garment, look, region = unmatched(served)
    assert garment not in served.client.get(f"/looks/{look}").text
    page = served.client.get("/library", params={"region": region, "kind": "garment"}).text
    (fields,) = [one for one in forms(page, "/links") if one["garment"] == garment]
    served.client.post("/links", data={**fields, "verdict": "same"})
    for path in (f"/looks/{look}", f"/garments/{garment}"):
        shown = served.client.get(path).text
        assert "linked by a person · confirmed once" in shown, path
    page = served.client.get("/library", params={"garment": garment, "kind": "look"}).text
    assert "Unlink" in page and "confirmed once" in page


def test_a_drawn_part_is_linked_and_an_event_by_the_api_counts_once(served: Served) -> None:
    garment, look, _ = unmatched(served)
    part = {"id": str(uuid.uuid4()), "garment": garment, "look": look, "box": [0.0, 0.0, 0.2, 0.1]}
    for _ in range(2):
        assert served.client.post("/api/v1/links", json=[part]).status_code == 200
    (event,) = Journal(served.path).events()
    assert (event.kind, event.region, event.box) == ("link", None, (0.0, 0.0, 0.2, 0.1))
    assert "Linked at a part that was drawn" in served.client.get(f"/looks/{look}").text
    for wrong, status in (
        ({"garment": "0"}, 404), ({"box": [0, 0, 0, 0]}, 422), ({"box": None}, 422),
        ({"region": "0:x:00"}, 404), ({"id": "x"}, 422), ({"more": 1}, 422),
    ):  # fmt: skip
        other = {**part, "id": str(uuid.uuid4()), **wrong}
        assert served.client.post("/api/v1/links", json=[other]).status_code == status, wrong


def test_a_part_that_covers_a_region_is_of_that_region(served: Served) -> None:
    look = first(served, "looks")["id"]
    region, box = next(iter(Site(served.path).now().boxes([look])[look].items()))
    part = {"id": str(uuid.uuid4()), "garment": first(served, "garments")["id"], "look": look,
            "box": list(box)}  # fmt: skip
    assert served.client.post("/api/v1/links", json=[part]).status_code == 200
    assert Journal(served.path).events()[0].region == region


def test_a_link_without_a_match_is_a_pair_after_the_next_build(
    served: Served, photo_folders: Any
) -> None:
    """With one match to a garment, most garments and looks have none in common."""
    few: dict[str, Any] = {"match": {"top_k": 1, "reverse_k": 1}}
    build(served.path, photo_folders, **few)
    store, config = open_workspace(served.path)
    made = Match(Setup.of(config)).rows
    known = {
        (row["garment"], row["look"])
        for row in store.table("matches").read(["garment", "look"], made).to_pylist()
    }
    names = [sorted(store.table(f"{kind}s").values("id")) for kind in ("garment", "look")]
    garment, look = next(pair for pair in product(*names) if pair not in known)
    region = next(iter(Site(served.path).now().boxes([look])[look]))
    link = {"id": str(uuid.uuid4()), "garment": garment, "region": region}
    assert served.client.post("/api/v1/links", json=[link]).status_code == 200
    build(served.path, photo_folders, **few)
    store, _ = open_workspace(served.path)
    key = matching(garment=garment, look=look)
    (row,) = store.table("pairs").read(where=Tier(Setup.of(config)).rows & key).to_pylist()
    assert row["tier"] == "high" and row["region"] == region and row["verified_by"]
    (match,) = store.table("matches").read(where=made & key).to_pylist()
    assert match["rank"] is None and match["score"] == row["score"]
    assert min(match["s_vlm"], match["s_visual"]) <= match["score"]
    assert match["score"] <= max(match["s_vlm"], match["s_visual"])
    versions = {one: store.table(one).version for one in ("matches", "pairs")}
    build(served.path, photo_folders, **few)  # nothing is left to do
    assert versions == {one: served.workspace.table(one).version for one in versions}
    event = served.client.get("/api/v1/reviews").json()["reviews"][0]["id"]
    served.client.post(f"/api/v1/reviews/{event}/withdrawal", json={"id": str(uuid.uuid4())})
    build(served.path, photo_folders, **few)
    assert served.workspace.table("matches").count(made & key) == 0
    assert served.workspace.table("pairs").count(Tier(Setup.of(config)).rows & key) == 0
