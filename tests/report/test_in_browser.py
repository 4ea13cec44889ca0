"""The page in a real browser, at the width of a desk and of a telephone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.report.drawn_workspace import Drawn

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
            "[...document.querySelectorAll('.plate')].filter(each => each.offsetHeight)"
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
