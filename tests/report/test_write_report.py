"""The page as a whole: its counts, its pictures, what it must never do."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pytest
from tests.report.drawn_workspace import HOSTILE, TIER_RECIPE, Drawn, drawn_workspace
from tests.report.report_page import ReportPage

from lookweave import report
from lookweave.config import Config
from lookweave.errors import InputError
from lookweave.records import GARMENT, LOOK, MATCH, PAIR, REGION, REJECT, SOURCE
from lookweave.report import write_report
from lookweave.store.workspace import Workspace


@pytest.fixture(scope="module")
def page(drawn: Drawn, tmp_path_factory: pytest.TempPathFactory) -> ReportPage:
    to = tmp_path_factory.mktemp("page") / "report.html"
    return ReportPage(write_report(drawn.workspace, drawn.config, to, drawn.truth))


def test_counts_are_those_of_the_tables(page: ReportPage, drawn: Drawn) -> None:
    table = drawn.workspace.table
    assert page.counts["files found/garment files"] == table("sources").count("kind = 'garment'")
    assert page.counts["files found/look files"] == table("sources").count("kind = 'look'") + 8
    assert page.counts["photos/garments"] == table("garments").count()
    assert page.counts["photos/looks"] == table("looks").count()
    assert page.counts["regions/regions in looks"] == table("regions").count("kind = 'look'")
    assert page.counts["described/garment cut-outs"] == table("descriptions").count(
        "kind = 'garment'"
    )
    assert page.counts["embedded/regions in looks"] == len(drawn.looks)
    assert page.counts["matches/garment × region"] == table("matches").count()
    for tier in ("high", "medium", "low"):
        in_table = table("pairs").count(f"tier = '{tier}'")
        assert page.counts[f"pairs/{tier}"] == in_table > 0
        assert sum(page.counts[f"{tier}/{split}"] for split in ("train", "validation", "test")) == (
            in_table
        )
    assert page.counts["ingest/truncated_image"] == 8
    assert page.counts["detect/no_garment_found"] == 1


def test_every_picture_decodes_and_says_what_it_is(page: ReportPage) -> None:
    assert all(image["alt"].strip() for image in page.of("img"))
    pictures = page.images()
    assert len(pictures) > 30
    for attributes, picture in zip(page.of("img"), pictures, strict=True):
        assert (int(attributes["width"]), int(attributes["height"])) == picture.size


def test_charts_say_what_they_show(page: ReportPage) -> None:
    charts = [svg for svg in page.of("svg") if svg.get("role") == "img"]
    assert len(charts) > 10
    assert all(len(chart["aria-label"]) > 20 for chart in charts)
    assert all(svg.get("aria-hidden") == "true" for svg in page.of("svg") if svg not in charts)


def test_it_asks_for_nothing_from_outside(page: ReportPage) -> None:
    for tag, attributes in page.tags:
        for name in ("src", "href", "srcset", "poster", "data", "action"):
            assert attributes.get(name, "#").startswith(("data:", "#")), (tag, attributes)
    assert "url(" not in page.source
    assert "@import" not in page.source
    assert "default-src 'none'" in page.source


def test_only_our_own_script_may_run(page: ReportPage) -> None:
    data, script = page.of("script")
    assert data == {"type": "application/json", "id": "pairs-data"} and script == {}
    text = page.source.rpartition("<script>")[2].partition("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'\"" in page.source
    assert text == (Path(report.__file__).parent / "templates/pairs.js").read_text()
    assert "innerHTML" not in text and not any(name.startswith("on") for _, attributes in page.tags
                                               for name in attributes)  # fmt: skip


def test_two_files_of_one_photo_are_told(own: Drawn) -> None:
    twin = {"kind": "look", "path": "/b", "name": "b", "id": own.looks[0], "metadata": "{}"}
    own.workspace.table("sources").upsert(SOURCE.table([twin]))
    page = ReportPage(write_report(own.workspace, own.config))
    assert page.counts["files found/look files"] == page.counts["photos/looks"] + 1 + 8
    assert "1 file has the bytes of another and became one photo with it." in page.text


def test_links_lead_to_places_that_exist(page: ReportPage) -> None:
    places = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    links = {link["href"].removeprefix("#") for link in page.of("a")}
    assert links and links <= places
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_hostile_titles_are_text(page: ReportPage) -> None:
    assert HOSTILE in page.text
    assert page.source.count("<script") == page.source.count("</script") == 2
    assert not any(
        "onerror" in attributes or attributes.get("src") == "x" for _, attributes in page.tags
    )


def test_no_path_of_this_machine_is_told(page: ReportPage, drawn: Drawn) -> None:
    assert str(drawn.workspace.path.parent) not in page.source


def test_precision_is_measured_against_the_truth(page: ReportPage) -> None:
    # The truth gives every sixth garment the next look instead of its own: one pair in nine.
    assert "High: 3 of 3 right; Medium: 2 of 3 right; Low: 3 of 3 right." in page.text
    assert "Judged: 9 pairs by the truth." in page.text


def test_uncalibrated_is_said_in_words(page: ReportPage) -> None:
    assert "Probabilities are not calibrated" in page.text


def test_the_default_place_is_in_the_workspace(own: Drawn) -> None:
    where = write_report(own.workspace, own.config)
    assert where == own.workspace.path / "report.html"
    page = ReportPage(where)
    assert "Nobody has judged a pair" in page.text


def test_an_empty_workspace_says_what_to_do(tmp_path: Path) -> None:
    page = ReportPage(write_report(Workspace.create(tmp_path / "new"), Config()))
    assert "No photo has come into this workspace yet" in page.text
    assert "lookweave build" in page.text
    assert page.counts["photos/garments"] == 0
    assert not page.of("img")


def test_a_workspace_with_nothing_but_rejects(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "new")
    row = {"step": "ingest", "recipe": "1", "subject": "/a/b.txt", "kind": "look", "name": "b.txt",
           "reason": "not_an_image", "detail": "This is a text file.", "retry": False}  # fmt: skip
    workspace.table("rejects").upsert(REJECT.table([row]))
    page = ReportPage(write_report(workspace, Config()))
    assert "Every file was turned away" in page.text
    assert "b.txt" in page.text and "/a/b.txt" not in page.text
    assert {"href": "#rejects-ingest"} in page.of("a")


def test_rejects_of_another_detector_do_not_count(own: Drawn) -> None:
    row = own.workspace.table("rejects").read(where="step = 'detect'").to_pylist()[0]
    other = [{**row, "recipe": "another", "subject": look} for look in own.looks]
    own.workspace.table("rejects").upsert(REJECT.table(other))
    page = ReportPage(write_report(own.workspace, own.config))
    assert page.counts["detect/no_garment_found"] == 1


def test_photos_without_pairs(own: Drawn) -> None:
    own.workspace.table("pairs").delete("true")
    page = ReportPage(write_report(own.workspace, own.config))
    assert "There are matches, but none was chosen as a pair" in page.text
    own.workspace.table("matches").delete("true")
    page = ReportPage(write_report(own.workspace, own.config))
    assert "Nothing has been matched yet" in page.text


def test_a_vanished_photo_is_shown_from_its_thumbnail(tmp_path: Path) -> None:
    own = drawn_workspace(tmp_path, pairs=3)
    whole = len(ReportPage(write_report(own.workspace, own.config)).images())
    for photo in (own.workspace.path.parent / "photos").iterdir():
        photo.unlink()
    assert len(ReportPage(write_report(own.workspace, own.config)).images()) == whole
    for thumbnail in (own.workspace.path / "thumbnails").rglob("*.jpg"):
        thumbnail.unlink()
    page = ReportPage(write_report(own.workspace, own.config))
    assert not page.of("img")
    assert "This photo is no longer where it was." in page.text


def test_what_was_taken_down_is_never_shown(own: Drawn) -> None:
    before = ReportPage(write_report(own.workspace, own.config))
    for kind, noun in (("garments", GARMENT), ("looks", LOOK)):
        rows = own.workspace.table(kind).read().to_pylist()
        own.workspace.table(kind).upsert(noun.table([{**row, "taken_down": True} for row in rows]))
    page = ReportPage(write_report(own.workspace, own.config))
    assert before.of("img") and not page.of("img")
    assert "Taken down" in page.text


def test_a_truth_that_cannot_be_read(drawn: Drawn, tmp_path: Path) -> None:
    wrong = tmp_path / "truth.csv"
    wrong.write_text("shirt,photo\na,b\n")
    with pytest.raises(InputError, match="garment and look"):
        write_report(drawn.workspace, drawn.config, tmp_path / "r.html", wrong)
    with pytest.raises(InputError, match="cannot be read"):
        write_report(drawn.workspace, drawn.config, tmp_path / "r.html", tmp_path / "none.csv")


def test_ten_thousand_pairs(own: Drawn) -> None:
    _multiply(own, 10_000)
    page = ReportPage(write_report(own.workspace, own.config))
    total = sum(page.counts[f"pairs/{tier}"] for tier in ("high", "medium", "low"))
    assert total == own.workspace.table("pairs").count(f"recipe = '{TIER_RECIPE}'") == 10_009
    assert len(page.source) < 7_000_000
    data = json.loads(page.source.partition('id="pairs-data">')[2].partition("</script>")[0])
    assert len(data["pairs"]) == 10_009 and "All 10 009 pairs" in page.text
    assert re.search(r"gave 10\s009 pairs", page.text)


def _multiply(own: Drawn, number: int) -> None:
    """Add garments and looks that have rows but no pictures, each with a match and a pair."""
    random = np.random.default_rng(3)
    scores = random.uniform(0.1, 0.9, number)
    ids = [{"garment": f"{i:020x}", "look": f"{i + number:020x}"} for i in range(number)]
    photo = {"path": "gone", "name": "gone.jpg", "width": 30, "height": 40}
    own.workspace.table("garments").upsert(
        GARMENT.table([{**photo, "id": x["garment"]} for x in ids])
    )
    own.workspace.table("looks").upsert(LOOK.table([{**photo, "id": x["look"]} for x in ids]))
    example = own.workspace.table("regions").read(where="kind = 'look'").to_pylist()[0]
    regions = [{**example, "id": f"{x['look']}:d:00", "subject": x["look"]} for x in ids]
    own.workspace.table("regions").upsert(REGION.table(regions))
    for noun in (MATCH, PAIR):
        row = own.workspace.table(noun.name).read().to_pylist()[0]
        own.workspace.table(noun.name).upsert(
            noun.table(
                [
                    {**row, **x, "region": f"{x['look']}:d:00", "score": scores[i],
                     "probability": scores[i], **({"tier": "low"} if noun is PAIR else {})}
                    for i, x in enumerate(ids)
                ]
            )
        )  # fmt: skip
