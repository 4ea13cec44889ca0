from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest
from tests.built import build
from tests.web.conftest import Served

from lookweave.review.journal import Journal
from lookweave.store.conditions import matching


def lent(served: Served, count: int = 3, queue: str = "boundary") -> list[dict[str, Any]]:
    answer = served.client.post(f"/api/v1/queues/{queue}/leases", json={"count": count})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["pairs"]
    return found


def verdict(pair: dict[str, Any], said: str = "same", **more: Any) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid4()), "garment": pair["garment"]["id"], "look": pair["look"]["id"],
        "box": pair["box"], "region": pair["region"], "lease": pair["lease"],
        "queue": pair["queue"], "verdict": said, "seen": pair["seen"], **more,
    }  # fmt: skip


def give(served: Served, *verdicts: dict[str, Any]) -> Any:
    return served.client.post("/api/v1/reviews", json=list(verdicts))


def called(served: Served, name: str) -> None:
    served.client.cookies.set("lookweave_name", name, domain="127.0.0.1")


def test_a_pair_says_nothing_of_scores_or_of_others(served: Served) -> None:
    (pair,) = lent(served, 1)
    assert set(pair) == {
        "garment", "look", "region", "box", "lease", "queue", "inclusion", "images", "seen",
    }  # fmt: skip
    for address in pair["images"].values():
        answer = served.client.get(address)
        assert answer.status_code == 200 and answer.headers["content-type"] == "image/webp"


def test_verdicts_are_kept_and_what_is_sent_twice_is_one(served: Served) -> None:
    one, other, _ = lent(served)
    sent = [verdict(one), verdict(other, "no", note="<script>")]
    first = give(served, *sent).json()
    assert [each["seq"] for each in first["reviews"]] == [1, 2]
    assert give(served, *sent).json() == first
    assert len(Journal(served.path).events()) == 2
    again = {pair["garment"]["id"] + pair["region"] for pair in lent(served)}
    assert one["garment"]["id"] + one["region"] not in again
    changed = give(served, {**sent[0], "verdict": "no"})
    assert changed.status_code == 422 and "known with another content" in changed.json()["detail"]


def test_nobody_can_say_who_somebody_else_is(served: Served) -> None:
    (pair,) = lent(served, 1)
    assert give(served, verdict(pair, reviewer="ben")).status_code == 422
    assert give(served, verdict(pair, seq=9)).status_code == 422
    called(served, "ann")
    (given,) = give(served, verdict(pair)).json()["reviews"]
    assert given["reviewer"] == "ann"
    called(served, "ben")
    taken = served.client.post(
        f"/api/v1/reviews/{given['id']}/withdrawal", json={"id": str(uuid.uuid4())}
    )
    assert taken.status_code == 404 and "own" in taken.json()["detail"]
    assert served.client.get("/api/v1/reviews").json() == {"reviews": []}


def test_undo_and_redo_hold_over_a_restart(served: Served) -> None:
    (pair,) = lent(served, 1)
    (given,) = give(served, verdict(pair)).json()["reviews"]
    served.client.app.state.site.__init__(served.path)  # type: ignore[attr-defined]
    taken = served.client.post(
        f"/api/v1/reviews/{given['id']}/withdrawal", json={"id": str(uuid.uuid4())}
    ).json()
    assert taken["pair"]["garment"] == pair["garment"]
    assert served.client.get("/api/v1/reviews").json()["reviews"][0]["stands"] is False
    back = f"/api/v1/reviews/{taken['review']['id']}/withdrawal"
    assert served.client.post(back, json={"id": str(uuid.uuid4())}).status_code == 200
    assert served.client.get("/api/v1/reviews").json()["reviews"][0]["stands"] is True


def test_two_people_make_a_pair_verified_and_it_goes_to_high(
    served: Served, photo_folders: tuple[Path, Path, Path]
) -> None:
    called(served, "ann")
    (pair,) = lent(served, 1)
    give(served, verdict(pair))
    called(served, "ben")
    (second,) = lent(served, 5, "second")
    assert second["garment"] == pair["garment"]
    give(served, verdict(second))
    assert lent(served, 5, "second") == []
    build(served.path, photo_folders)
    where = matching(garment=pair["garment"]["id"], look=pair["look"]["id"])
    (row,) = served.workspace.table("pairs").read(where=where).to_pylist()
    assert row["tier"] == "high" and row["verified_by"] == ["ann", "ben"]
    found = served.client.get("/api/v1/agreement").json()
    assert [one["pairs"] for one in found["agreement"]] == [1, 1]
    assert found["agreement"][0]["observed"] == {"value": 1.0, "low": None, "high": None}
    assert served.client.get("/review/stats").status_code == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": "x"}, {"verdict": "yes"}, {"box": [0.5, 0, 0.2, 1]}, {"box": [0, 0, 1]},
        {"garment": "../etc"}, {"note": "x" * 4001}, {"visible_ms": 10**30}, {"inclusion": 2},
        {"seen": {str(at): "" for at in range(50)}},
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_whole(served: Served, wrong: dict[str, Any]) -> None:
    (pair,) = lent(served, 1)
    answer = give(served, verdict(pair), {**verdict(pair), **wrong})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert Journal(served.path).events() == []


def test_at_most_a_hundred_at_a_time_and_no_lease_of_a_million(served: Served) -> None:
    (pair,) = lent(served, 1)
    assert give(served, *(verdict(pair) for _ in range(101))).status_code == 422
    assert give(served).status_code == 422
    wanted = served.client.post("/api/v1/queues/boundary/leases", json={"count": 10**9})
    assert wanted.status_code == 422
    assert served.client.post("/api/v1/queues/x/leases", json={}).status_code == 422


def test_a_photo_that_is_taken_down_leaves_the_desk_at_once(served: Served) -> None:
    import lookweave

    one, *_ = lent(served)
    assert served.client.get(one["images"]["look"]).status_code == 200
    tag = served.client.get(one["images"]["look"]).headers["etag"]
    lookweave.open(served.path).take_down(one["look"]["id"], statement="asked for", by="test")
    for name in ("look", "region"):
        gone = served.client.get(one["images"][name], headers={"if-none-match": tag})
        assert gone.status_code == 404, "a cached picture must go too"
    assert all(pair["look"]["id"] != one["look"]["id"] for pair in lent(served))


def test_a_build_shows_without_a_restart(
    served: Served, photo_folders: tuple[Path, Path, Path]
) -> None:
    before = served.client.app.state.site.now()  # type: ignore[attr-defined]
    assert served.client.app.state.site.now() is before  # type: ignore[attr-defined]
    (pair,) = lent(served, 1)
    give(served, verdict(pair, "no"))
    build(served.path, photo_folders)
    after = served.client.app.state.site.now()  # type: ignore[attr-defined]
    assert after is not before
    assert after.workspace.table("reviews").count() == 1
