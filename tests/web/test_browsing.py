from __future__ import annotations

import re
import uuid
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pytest
from PIL import Image
from tests.built import build
from tests.web.conftest import Served

import lookweave
from lookweave.errors import InputError
from lookweave.records import GARMENT, LOOK
from lookweave.review.journal import Journal
from lookweave.store.workspace import Workspace
from lookweave.web.library import FIELDS, PAGE, Field, Library, Query

HOSTILE = "</title><script>alert(1)</script> \"' onload=x {{ 7*7 }}"


def photo(served: Served, table: str, at: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = served.workspace.table(table).read().to_pylist()[at]
    return found


def shown(page: str) -> set[str]:
    return set(re.findall(r'href="/(?:garments|looks)/(\w+)"', page))


def test_every_page_opens_and_has_what_it_is_about(served: Served) -> None:
    garment, look = photo(served, "garments"), photo(served, "looks")
    for path, words in {
        "/": "12</b> garments", "/library": "24 photos of 24", "/rejects": "Nothing was turned away",
        f"/garments/{garment['id']}": "Looks that may show it",
        f"/looks/{look['id']}": "This one",
    }.items():  # fmt: skip
        answer = served.client.get(path)
        assert answer.status_code == 200 and words in answer.text, path
    for path in ("/garments/0", "/looks/0", "/products/0", f"/looks/{garment['id']}"):
        assert served.client.get(path).status_code == 404


def test_filters_count_exactly(served: Served) -> None:
    store = Workspace.create(served.path)
    rows = store.table("looks").read().to_pylist()
    for at, row in enumerate(rows):
        row["season"], row["photographer"] = f"S{at % 2}", f"P{at % 3}"
    store.table("looks").upsert(LOOK.table(rows))
    page = served.client.get("/library?season=S0&photographer=P1&photographer=P2&kind=look").text
    expected = {row["id"] for row in rows if row["season"] == "S0" and row["photographer"] != "P0"}
    assert shown(page) == expected and f"{len(expected)} photos" in page
    page = served.client.get("/library?kind=look&not.photographer=P0").text
    assert shown(page) == {row["id"] for row in rows if row["photographer"] != "P0"}
    # What each value would add is counted with the filters of all other fields.
    assert re.search(r">S1</a> <span class=\"quiet\">4<", page)


def invented(count: int) -> Library:
    random = np.random.default_rng(1)
    fields = {name: Field.of(random.choice(["a", "b", "c", ""], count).tolist()) for name in FIELDS}
    several = random.random((count, 3)) < 0.4
    fields["colour"] = Field.of(
        [[c for c, has in zip("abc", row, strict=True) if has] for row in several]
    )
    ids = np.array([f"{at:04d}" for at in range(count)], object)
    kinds = np.full(count, "look", object)
    days = np.datetime64("2026-01-01") + np.arange(count)
    place = {("look", one): at for at, one in enumerate(ids.tolist())}
    return Library(kinds, ids, ids, ids, fields, days, np.zeros(count, bool), place)


def test_each_count_is_what_a_click_on_it_shows() -> None:
    library = invented(500)
    query = Query.parse(
        [("brand", "a"), ("brand", "b"), ("not.season", "c"), ("tier", "a"), ("not.colour", "c")]
    )
    everything = np.ones(500, bool)
    for name, facets in library.facets(query, everything).items():
        for one in facets:
            wanted = {**query.wanted, name: (one.value,)}
            alone = replace(query, wanted=wanted)
            assert library.fitting(alone).sum() == one.count
            assert one.chosen == (one.value in query.wanted.get(name, ()))


def test_pages_follow_each_other_without_gap_or_overlap() -> None:
    library = invented(2 * PAGE + 5)
    order = np.arange(len(library))[::-1]
    seen, after = [], ""
    for _ in range(3):
        places, after = library.page(order, after)
        seen += places
    assert seen == order.tolist() and after == ""
    assert library.page(order, "look.gone") == ([], "")


@pytest.mark.parametrize(
    "query", ["id=1", "path=/etc", "not.taken_down=false", "taken_down=true", "brand' OR 1=1--=x",
              "q=" + "x" * 400, "metadata=x", "__class__=x"],
)  # fmt: skip
def test_only_fields_on_the_list_can_be_filtered_by(served: Served, query: str) -> None:
    assert served.client.get(f"/library?{query}").status_code == 422


def test_values_are_no_part_of_a_condition(served: Served) -> None:
    for value in ("' OR 1=1 --", "%27%3B DROP TABLE garments", "*"):
        page = served.client.get("/library", params={"brand": value})
        assert page.status_code == 200 and "0 photos" in page.text
    with pytest.raises(InputError, match="There is no filter"):
        Query.parse([("x", "1")])


def test_words_find_and_filters_hold(served: Served) -> None:
    page = served.client.get("/library", params={"q": "red", "kind": "garment"})
    assert page.status_code == 200
    garments = set(served.workspace.table("garments").values("id"))
    assert shown(page.text) <= garments


def form(served: Served, path: str = "/library") -> str:
    found = re.search(r'name="token" value="(\w+)"', served.client.get(path).text)
    assert found is not None
    return found[1]


def test_a_dropped_picture_finds_its_like(served: Served) -> None:
    row = photo(served, "garments", 3)
    files = {"image": ("x.jpg", Path(row["path"]).read_bytes(), "image/jpeg")}
    answer = served.client.post("/library", data={"token": form(served)}, files=files)
    assert answer.status_code == 200
    first = re.search(r'href="/(?:garments|looks)/(\w+)"', answer.text)
    assert first is not None and first[1] == row["id"]


def bomb() -> bytes:
    out = BytesIO()
    Image.new("1", (8, 8)).save(out, "PNG")
    head = b"IHDR" + (30_000).to_bytes(4, "big") * 2 + b"\x01\x00\x00\x00\x00"
    return out.getvalue()[:12] + head + crc32(head).to_bytes(4, "big") + out.getvalue()[33:]


@pytest.mark.parametrize(
    "content",
    [b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", b"<html><script>", b"", b"%PDF-1.7",
     pytest.param("bomb", id="900 million pixels")],
)  # fmt: skip
def test_what_is_no_photo_is_refused_whatever_it_calls_itself(
    served: Served, content: bytes | str
) -> None:
    data = bomb() if content == "bomb" else content
    files = {"image": ("photo.jpg", data, "image/jpeg")}
    answer = served.client.post("/library", data={"token": form(served)}, files=files)
    assert answer.status_code == 422 and "cannot be searched with" in answer.text
    assert "/tmp" not in answer.text


def test_a_hostile_title_stays_text_everywhere(served: Served) -> None:
    store = Workspace.create(served.path)
    garment, look = photo(served, "garments"), photo(served, "looks")
    store.table("garments").upsert(GARMENT.table([{**garment, "title": HOSTILE, "brand": HOSTILE}]))
    store.table("looks").upsert(LOOK.table([{**look, "title": HOSTILE, "photographer": HOSTILE}]))
    for path in ("/library", f"/garments/{garment['id']}", f"/looks/{look['id']}"):
        page = served.client.get(path).text
        assert "&lt;script&gt;alert(1)" in page
        assert "<script>alert" not in page and "\" onload=x" not in page and "49" not in re.findall(
            r"onload=x (\S+)", page
        )  # fmt: skip
    answer = served.client.get("/library", params={"q": HOSTILE[:200]})
    assert "<script>alert" not in answer.text


def test_a_takedown_hides_a_photo_on_every_page_at_once(served: Served) -> None:
    look = photo(served, "looks")
    garments = shown(served.client.get(f"/looks/{look['id']}").text)
    assert garments and look["id"] in shown(served.client.get("/library").text)
    lookweave.open(served.path).take_down(look["id"], statement="asked for", by="test")
    assert served.client.get(f"/looks/{look['id']}").status_code == 404
    pages = ["/library", "/library?q=red", *(f"/garments/{one}" for one in garments)]
    for path in pages:
        assert look["id"] not in served.client.get(path).text, path


def test_a_link_is_an_event_and_sent_twice_one(
    served: Served, photo_folders: tuple[Path, Path, Path]
) -> None:
    look = photo(served, "looks")
    page = served.client.get(f"/looks/{look['id']}").text
    given = {
        name: re.search(rf'name="{name}" value="([^"]+)"', page)[1]  # type: ignore[index]
        for name in ("token", "event", "garment", "region")
    }
    for _ in range(2):
        sent = served.client.post(
            "/links", data={**given, "verdict": "same"}, follow_redirects=False
        )
        assert sent.status_code == 303
    (event,) = Journal(served.path).events()
    assert (event.kind, event.score_shown, event.garment) == ("link", True, given["garment"])
    assert (
        served.client.post("/links", data={**given, "token": "x", "verdict": "no"}).status_code
        == 403
    )
    other = {**given, "event": str(uuid.uuid4()), "verdict": "same"}
    for wrong in ({"garment": "0"}, {"region": "0:x:00"}):
        assert served.client.post("/links", data={**other, **wrong}).status_code == 404
    assert "1 answers are saved and wait" in served.client.get("/").text
    build(served.path, photo_folders)
    page = served.client.get(f"/looks/{look['id']}").text
    assert "confirmed once" in page, "seen with its score, so it is not verified"
    assert "wait for the next build" not in served.client.get("/").text


def test_rejects_say_why(served: Served) -> None:
    from lookweave.records import REJECT

    rows = [
        {"step": "ingest", "recipe": "1", "subject": f"/x/{at}.jpg", "kind": "look", "retry": at == 0,
         "name": f"{at}.jpg", "reason": "truncated_image" if at < 2 else "broken_image",
         "detail": "The file ends too early: copy it again."} for at in range(3)
    ]  # fmt: skip
    Workspace.create(served.path).table("rejects").upsert(REJECT.table(rows))
    page = served.client.get("/rejects").text
    assert "3 entries" in page and "copy it again. The next build tries it again." in page
    assert "2.jpg" not in served.client.get("/rejects?reason=truncated_image").text
    assert served.client.get("/rejects?reason=none").status_code == 422
