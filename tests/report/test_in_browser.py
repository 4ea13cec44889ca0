"""The page in a real browser, at the width of a desk and of a telephone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.report.drawn_workspace import HOSTILE, Drawn, drawn_workspace

from lookweave.records import PAIR
from lookweave.report import write_report

CHROMIUM = next(
    (
        found
        for name in ("chromium", "chromium-browser", "google-chrome")
        if (found := shutil.which(name))
    ),
    None,
)
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium or Chrome on PATH")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def report(drawn: Drawn, tmp_path_factory: pytest.TempPathFactory) -> Path:
    to = tmp_path_factory.mktemp("browser") / "report.html"
    return write_report(drawn.workspace, drawn.config, to, drawn.truth)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 380])
def test_it_fits_and_is_quiet(browser: Any, report: Path, width: int, scheme: str) -> None:
    complaints: list[str] = []
    asked: list[str] = []
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(report.as_uri())
    page.evaluate("document.querySelectorAll('img').forEach(each => each.loading = 'eager')")
    page.wait_for_function("[...document.images].every(each => each.complete)")
    assert page.evaluate("[...document.images].every(each => each.naturalWidth > 0)")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert complaints == []
    assert {url.split(":")[0] for url in asked} <= {"file", "data"}
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (int(paper.removeprefix("rgb(").split(",")[0]) < 60) == (scheme == "dark")
    page.close()


def test_tiers_are_chosen_with_the_keyboard(browser: Any, report: Path) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(report.as_uri())

    def seen() -> set[str]:
        shown: list[str] = page.evaluate(
            "[...document.querySelectorAll('.sheet-pair')].filter(each => each.offsetHeight)"
            ".map(each => each.dataset.tier)"
        )
        return set(shown)

    assert seen() == {"high"}
    page.focus("#show-high")
    page.keyboard.press("ArrowRight")
    assert seen() == {"medium"}
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert seen() == {"high", "medium", "low"}
    page.check("#show-low")
    page.emulate_media(media="print")
    assert seen() == {"high", "medium", "low"}
    page.close()


@pytest.fixture
def table(browser: Any, report: Path) -> Iterator[Any]:
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text))
    page.goto(report.as_uri())
    yield page
    assert errors == []
    page.close()


def articles(page: Any) -> list[str]:
    found: list[str] = page.locator(".pairs-table tbody th .name").all_inner_texts()
    return found


def test_every_pair_can_be_found_sorted_and_filtered(table: Any) -> None:
    assert len(articles(table)) == 9 and articles(table)[0] == HOSTILE
    assert table.locator(".pager p").inner_text() == "1 to 9 of 9"
    table.fill("[name=words]", "SÓNS shirt photographer 3")
    assert articles(table) == ["Shirt 3"]
    table.fill("[name=words]", "nothing like it")
    assert "Nothing fits" in table.locator(".pairs-table tbody").inner_text()
    table.fill("[name=words]", "")
    table.select_option(".pairs-filter [name=tier]", label="medium")
    assert articles(table) == ["Shirt 3", "Shirt 4", "Shirt 5"]
    table.select_option(".pairs-filter [name=tier]", label="all")
    table.click("[data-sort=score]")
    assert articles(table)[:2] == [HOSTILE, "Shirt 1"]
    table.click("[data-sort=score]")
    assert articles(table)[0] == "Shirt 8"
    assert table.get_attribute("th:has([data-sort=score])", "aria-sort") == "ascending"
    table.select_option("[name=only]", "judged")
    assert len(articles(table)) == 9
    assert "known to be wrong" in table.locator("tr", has_text="Shirt 5").inner_text()
    assert "verified by ana" in table.locator("tr", has_text="Shirt 1").inner_text()


def test_a_pair_leads_to_its_pictures(table: Any) -> None:
    row = table.locator(".pairs-table tr", has_text="Shirt 8")
    row.get_by_role("button", name="pictures").click()
    assert table.evaluate("document.activeElement.matches('.sheet-pair[data-tier=low]')")
    assert "Shirt 8" in table.evaluate("document.activeElement.innerText")


def test_pages_are_turned(browser: Any, tmp_path: Path) -> None:
    drawn = drawn_workspace(tmp_path, pairs=3)
    rows = drawn.workspace.table("pairs").read().to_pylist()
    more = [{**rows[0], "look": f"{index:020d}", "tier": "low"} for index in range(248)]
    drawn.workspace.table("pairs").upsert(PAIR.table(more))
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(write_report(drawn.workspace, drawn.config, tmp_path / "r.html").as_uri())
    said = []
    for _ in range(3):
        said.append(page.locator(".pager p").inner_text())
        assert page.locator(".pairs-table tbody tr").count() == (100 if len(said) < 3 else 51)
        if page.is_enabled("[data-step='1']"):
            page.click("[data-step='1']")
    assert said == ["1 to 100 of 251", "101 to 200 of 251", "201 to 251 of 251"]
    # The article stands once for its pairs, here on each page.
    assert page.locator(".pairs-table tbody th").count() == 3
    page.close()
