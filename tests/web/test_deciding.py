"""History, disputes, the guideline, details."""

from __future__ import annotations

import re
import uuid
from pathlib import Path
from typing import Any

from tests.built import build
from tests.web.conftest import Served
from tests.web.test_desk import called, give, lent, verdict

from lookweave.review.journal import Journal
from lookweave.store.conditions import matching
from lookweave.store.reviews import standings
from lookweave.web.images import framed


def disputed(served: Served) -> dict[str, Any]:
    """A pair on which Ann and Ben disagree."""
    called(served, "ann")
    (pair,) = lent(served, 1)
    give(served, verdict(pair, "same", note="the collar <b>"))
    called(served, "ben")
    (again,) = lent(served, 1, "second")
    give(served, verdict(again, "no"))
    return pair


def form(page: str) -> dict[str, str]:
    return dict(re.findall(r'name="(token|id|garment|region|after)" value="([^"]+)"', page))


def test_an_admin_decides_what_people_disagree_on(
    served: Served, photo_folders: tuple[Path, Path, Path]
) -> None:
    pair = disputed(served)
    page = served.client.get("/review/disputes").text
    assert "You answered this one" in page and "the collar &lt;b&gt;" in page
    called(served, "cy")
    found = served.client.get("/api/v1/disputes").json()["disputes"]
    assert [one["reviewer"] for one in found[0]["said"]] == ["ann", "ben"]
    given = {**form(served.client.get("/review/disputes").text), "verdict": "same", "note": "seam"}
    assert given["garment"] == pair["garment"]["id"]
    for _ in range(2):
        sent = served.client.post("/review/disputes", data=given, follow_redirects=False)
        assert sent.status_code == 303
    event = Journal(served.path).events()[-1]
    assert (event.kind, event.reviewer, event.score_shown) == ("adjudication", "cy", True)
    assert len(Journal(served.path).events()) == 3
    assert served.client.get("/api/v1/disputes").json() == {"disputes": []}
    build(served.path, photo_folders)
    said = standings(served.workspace)[pair["garment"]["id"], pair["region"]]
    assert said.verified and said.adjudicated
    where = matching(garment=pair["garment"]["id"], look=pair["look"]["id"])
    assert served.workspace.table("pairs").read(where=where).to_pylist()[0]["tier"] == "high"


def test_nobody_decides_about_their_own_answer(served: Served) -> None:
    pair = disputed(served)
    body = {"id": str(uuid.uuid4()), "garment": pair["garment"]["id"], "region": pair["region"],
            "verdict": "no"}  # fmt: skip
    refused = served.client.post("/api/v1/adjudications", json=body)
    assert refused.status_code == 409 and "somebody else" in refused.json()["detail"]
    called(served, "cy")
    for wrong in ({"garment": "0"}, {"region": "0:x:00"}):
        given = {**body, **wrong}
        assert served.client.post("/api/v1/adjudications", json=given).status_code == 404
    assert served.client.post("/api/v1/adjudications", json=body).status_code == 201


def test_a_seeded_answer_shows_how_people_agree_with_it(served: Served) -> None:
    called(served, "boss")
    (pair,) = lent(served, 1)
    body = {"id": str(uuid.uuid4()), "garment": pair["garment"]["id"], "region": pair["region"],
            "verdict": "same"}  # fmt: skip
    assert served.client.post("/api/v1/adjudications", json=body).status_code == 201
    Journal(served.path).release("boss")
    called(served, "ann")
    (known,) = lent(served, 5, "known")
    assert known["garment"]["id"] == pair["garment"]["id"]
    give(served, verdict(known, "no", visible_ms=4000))
    people = {
        one["reviewer"]: one for one in served.client.get("/api/v1/agreement").json()["reviewers"]
    }
    assert (people["ann"]["agreed"], people["ann"]["known"]) == (0, 1)
    assert people["ann"]["recent_seconds"] == people["ann"]["median_seconds"] == 4.0


def test_what_one_said_is_listed_taken_back_and_brought_back(served: Served) -> None:
    called(served, "ann")
    pairs = lent(served, 3)
    give(
        served,
        *(verdict(pair, said) for pair, said in zip(pairs, ("same", "no", "unsure"), strict=True)),
    )
    page = served.client.get("/review/history").text
    assert re.findall(r"<b>(same|no|unsure)</b>", page) == ["unsure", "no", "same"]
    where = re.search(r'action="(/review/history/[^"]+)"', page)
    assert where is not None
    for words in ("Bring back", "Take back"):
        page = served.client.post(where[1], data=form(page)).text
        row = page.split("<tbody>")[1].split("</tr>")[0]
        assert words in row
        where = re.search(r'action="(/review/history/[^"]+)"', row)
        assert where is not None
    assert [one.kind for one in Journal(served.path).events()][3:] == ["withdrawal"] * 2
    called(served, "ben")
    assert "Nothing yet" in served.client.get("/review/history").text
    assert served.client.post(where[1], data=form(page)).status_code == 404
    called(served, "ann")
    older = served.client.get("/api/v1/reviews?before=3&limit=1").json()["reviews"]
    assert [one["seq"] for one in older] == [2]


def test_a_verdict_keeps_the_version_of_the_guideline_it_was_given_under(served: Served) -> None:
    one, other, third = lent(served)
    give(served, verdict(one))
    page = served.client.get("/review/guideline").text
    assert "the very same article" in page and "comes with Lookweave" in page
    given = {**form(page), "text": "Look at the seams.\r\n\r\n<script>Twice</script>"}
    assert served.client.post("/review/guideline", data=given).status_code == 200
    late = served.client.post("/review/guideline", data={**given, "text": "Something else"})
    assert late.status_code == 422 and "was written meanwhile" in late.text
    assert "Something else" in late.text, "what was written is not lost"
    page = served.client.get("/review/guideline").text
    assert "Version 2" in page and "<script>Twice" not in page and "Earlier versions" in page
    sent = verdict(other)
    give(served, sent, verdict(third, guideline=1))
    assert [event.guideline for event in Journal(served.path).events()] == [1, 2, 1]
    written = {"text": "Third.", "after": 2}
    assert served.client.post("/api/v1/guideline", json=written).status_code == 201
    assert give(served, sent).status_code == 200, "sent again after a change it is the same event"
    answer = served.client.post("/api/v1/queues/boundary/leases", json={}).json()
    assert answer["guideline"] == 3
    if answer["pairs"]:
        assert give(served, verdict(answer["pairs"][0], guideline=4)).status_code == 422


def test_details_are_places_in_the_pictures(served: Served) -> None:
    for pair in lent(served, 3):
        query = {"garment": pair["garment"]["id"], "region": pair["region"]}
        points = served.client.get("/api/v1/details", params=query).json()["points"]
        assert 1 <= len(points) <= 8
        left, top, right, bottom = pair["box"]
        for point in points:
            assert set(point) == {"garment", "region", "look"}, "nothing of how alike they are"
            assert all(-0.01 <= share <= 1.01 for place in point.values() for share in place)
            x, y = point["look"]
            assert left - 0.01 <= x <= right + 0.01 and top - 0.01 <= y <= bottom + 0.01
    for wrong in ({"garment": "0"}, {"region": "0:x:00"}, {"region": "x"}):
        given = {**query, **wrong}
        assert served.client.get("/api/v1/details", params=given).status_code == 404


def test_a_region_is_framed_as_its_picture_is() -> None:
    assert framed((10, 10, 110, 60), 115, 200, masked=True) == (10, 10, 110, 60)
    assert framed((10, 10, 110, 60), 115, 200, masked=False) == (0.0, 4.0, 115, 66.0)
