from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.web.conftest import Served


def found(served: Served, query: str = "") -> Any:
    answer = served.client.get(f"/api/v1/search{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_all_photos_a_page_at_a_time(served: Served) -> None:
    everything = found(served)
    assert everything["count"] == len(everything["photos"]) == 24 and everything["next"] is None
    last = everything["photos"][9]
    after = f"{last['kind']}.{last['id']}"
    assert found(served, f"?after={after}")["photos"] == everything["photos"][10:]
    counts = {one["value"]: one["count"] for one in everything["filters"]["kind"]}
    assert counts == {"garment": 12, "look": 12}


def test_filters_and_words_go_together(served: Served) -> None:
    looks = found(served, "?not.kind=garment")
    assert looks["count"] == 12 and {one["kind"] for one in looks["photos"]} == {"look"}
    red = found(served, "?q=red&kind=garment")
    assert red["by"] and {one["kind"] for one in red["photos"]} <= {"garment"}
    wrong = served.client.get("/api/v1/search?sql=1")
    assert wrong.status_code == 422 and "There is no filter 'sql'" in wrong.json()["detail"]


def test_a_picture_finds_its_like_and_no_other_site_can_send_one(served: Served) -> None:
    row = served.workspace.table("garments").read().to_pylist()[2]
    files = {"image": ("x.jpg", Path(row["path"]).read_bytes(), "image/jpeg")}
    answer = served.client.post("/api/v1/search", files=files)
    assert answer.json()["photos"][0]["id"] == row["id"]
    elsewhere = {"origin": "http://evil.example"}
    assert served.client.post("/api/v1/search", files=files, headers=elsewhere).status_code == 403
    assert (
        served.client.post("/api/v1/search", files={"image": ("x", b"<svg/>")}).status_code == 422
    )


def test_the_filters_are_documented(served: Served) -> None:
    said = served.client.get("/openapi.json").json()["paths"]["/api/v1/search"]["get"]
    assert {"q", "after", "brand", "not.brand"} <= {one["name"] for one in said["parameters"]}
