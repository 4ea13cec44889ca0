"""The pages in a real browser. Without Chromium or Playwright these tests are left out."""

from __future__ import annotations

import contextlib
import shutil
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from tests.web.conftest import Served

from lookweave.review.journal import Journal

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on PATH: pages not opened")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def address(served: Served) -> Iterator[str]:
    config = uvicorn.Config(served.client.app, port=0, log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


def opened(browser: Any, address: str, **more: Any) -> tuple[Any, list[str]]:
    complaints: list[str] = []
    page = browser.new_page(**{"viewport": {"width": 1280, "height": 800}, **more})
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(address)
    return page, complaints


def heard(page: Any, words: str) -> bool:
    from playwright.sync_api import TimeoutError as Waited

    with contextlib.suppress(Waited):
        says(page, "done", words, seconds=20)
        return True
    return False


def says(page: Any, where: str, words: str, seconds: int = 60) -> None:
    page.locator(f"#{where}", has_text=words).wait_for(timeout=1000 * seconds)


def test_pairs_are_answered_taken_back_and_answered_again_by_keys(
    browser: Any, served: Served, address: str
) -> None:
    page, complaints = opened(browser, f"{address}/review/boundary")
    page.wait_for_selector("#desk[data-ready=yes]")
    for number, key in enumerate("ynsbu", start=1):
        for _ in range(3):  # a key that comes before the next pair stands there is not heard
            page.keyboard.press(key)
            if heard(page, f"{number} answered"):
                break
        says(page, "done", f"{number} answered")
        says(page, "state", "Is it")
    given = [event.verdict for event in Journal(served.path).events()]
    assert given == ["same", "no", "same_style", "bad_crop", "unsure"]
    page.keyboard.press("z")
    says(page, "state", "Taken back: unsure")
    page.reload()  # undo goes on where it was
    page.wait_for_selector("#desk[data-ready=yes]")
    page.keyboard.press("z")
    says(page, "state", "Taken back: bad crop")
    page.keyboard.press("Shift+Z")
    says(page, "state", "Is it")
    kinds = [event.kind for event in Journal(served.path).events()]
    assert kinds == ["verdict"] * 5 + ["withdrawal"] * 3
    page.keyboard.press("c")
    page.keyboard.type("yes, no: a note")
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    says(page, "done", "1 answered")
    last = Journal(served.path).events()[-1]
    assert (last.verdict, last.note) == ("no", "yes, no: a note")
    assert complaints == []
    page.close()


def test_an_answer_that_is_not_saved_keeps_its_pair(
    browser: Any, served: Served, address: str
) -> None:
    page, _ = opened(browser, f"{address}/review/boundary")
    page.wait_for_selector("#desk[data-ready=yes]")
    page.route("**/api/v1/reviews", lambda route: route.abort())
    before = page.get_attribute('[data-pane="garment"] img', "src")
    page.keyboard.press("y")
    says(page, "state", "Not saved")
    assert page.get_attribute('[data-pane="garment"] img', "src") == before
    page.unroute("**/api/v1/reviews")
    page.keyboard.press("y")
    says(page, "done", "1 answered")
    assert len(Journal(served.path).events()) == 1
    page.close()


def test_single_keys_can_be_switched_off_and_buttons_stay(
    browser: Any, served: Served, address: str
) -> None:
    page, _ = opened(browser, f"{address}/review/boundary")
    page.wait_for_selector("#desk[data-ready=yes]")
    page.uncheck("#keys")
    page.keyboard.press("n")
    page.click("button[data-verdict=unsure]")
    says(page, "done", "1 answered")
    assert [event.verdict for event in Journal(served.path).events()] == ["unsure"]
    page.close()


def test_a_part_is_drawn_found_linked_and_taken_back(
    browser: Any, served: Served, address: str
) -> None:
    look = served.workspace.table("looks").read(["id"]).column("id")[0].as_py()
    page, complaints = opened(browser, f"{address}/looks/{look}")
    box = page.locator("#canvas").bounding_box()
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.3 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"])
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.7 * box["height"])
    page.mouse.up()
    edges = [float(one) for one in page.input_value("input[name=box]").split(",")]
    assert edges == pytest.approx([0.3, 0.3, 0.6, 0.7], abs=0.01)
    page.keyboard.press("Enter")  # the button has the focus
    page.wait_for_url("**/library?*box=*")
    assert "the part that you drew" in page.inner_text("[role=status]")
    page.locator("button", has_text="This one").first.click()
    page.locator("button", has_text="Unlink").first.click()
    page.locator("button", has_text="Unlink").wait_for(state="detached")
    assert [one.kind for one in Journal(served.path).events()] == ["link", "withdrawal"]
    assert complaints == []
    page.close()


def test_a_picture_is_pasted(browser: Any, served: Served, address: str) -> None:
    row = served.workspace.table("garments").read().to_pylist()[2]
    page, complaints = opened(browser, f"{address}/library?kind=garment")
    page.evaluate(
        """async (address) => {
            const photo = await (await fetch(address)).blob();
            const data = new DataTransfer();
            data.items.add(new File([photo], "p.webp", { type: "image/webp" }));
            document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data }));
        }""",
        f"/api/v1/images/{row['id']}/full/400/0/default.webp",
    )
    page.wait_for_url("**/library?picture=*kind=garment*")
    assert row["id"] in (page.locator(".cards a").first.get_attribute("href") or "")
    assert complaints == []
    page.close()


PAGES = (
    "/", "/review/boundary", "/review/stats", "/library?q=red", "/garments/{garment}",
    "/looks/{look}", "/rejects", "/library?garment={garment}&kind=look", "/nothing-here",
)  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
def test_no_page_has_a_serious_fault_of_access_or_runs_over(
    browser: Any, served: Served, address: str, path: str
) -> None:
    ids = {
        kind: served.workspace.table(f"{kind}s").read(["id"]).column("id")[0].as_py()
        for kind in ("garment", "look")
    }
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe")
    for scheme, width in (("light", 1280), ("dark", 380)):
        page, complaints = opened(
            browser, address + path.format(**ids), color_scheme=scheme, bypass_csp=True,
            viewport={"width": width, "height": 800},
        )  # fmt: skip
        if path == "/review/boundary":
            page.wait_for_selector("#desk[data-ready=yes]")
        found = axe.Axe().run(page).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found
                if one["impact"] in ("serious", "critical")] == []  # fmt: skip
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert [one for one in complaints if "404" not in one] == []
        page.close()
