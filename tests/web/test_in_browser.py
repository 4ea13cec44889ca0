"""The pages in a real browser. Without Chromium or Playwright these tests are left out."""

from __future__ import annotations

import contextlib
import shutil
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi.testclient import TestClient
from tests.web.conftest import PASSWORD, Served

from lookweave.review.decisions import Decision, Decisions
from lookweave.review.journal import Journal
from lookweave.store.takedowns import person
from lookweave.store.workspace import Workspace
from lookweave.web.accounts import Accounts, Actor
from lookweave.web.app import create_app

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


@contextlib.contextmanager
def answering(app: Any, port: int = 0) -> Iterator[str]:
    """The application at an address, in a thread."""
    config = uvicorn.Config(app, port=port, log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def address(served: Served) -> Iterator[str]:
    with answering(served.client.app) as found:
        yield found


@pytest.fixture(scope="module")
def reading(
    built: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, dict[str, str]]]:
    """An address for tests that change nothing, and the id of a photo of each kind."""
    path = tmp_path_factory.mktemp("reading") / "ws"
    shutil.copytree(built, path)
    store = Workspace.open(path)
    ids = {
        kind: store.table(f"{kind}s").read(["id"]).column("id")[0].as_py()
        for kind in ("garment", "look")
    }
    disagree(path)
    one = Decision(str(uuid.uuid4()), "A", "selection", "S", {"add": [["look", ids["look"]]]})
    Decisions(path).append([one])
    with answering(create_app(path)) as found:
        yield found, ids


def disagree(path: Path) -> None:
    """Two people say something of one pair, so that every page has something to show."""
    client = TestClient(create_app(path), base_url="http://127.0.0.1")
    client.cookies.set("lookweave_name", "ann")
    (pair,) = client.post("/api/v1/queues/boundary/leases", json={"count": 1}).json()["pairs"]
    for name, said in ((person(), "same"), ("ben", "no")):
        client.cookies.set("lookweave_name", name)
        sent = {"id": str(uuid.uuid4()), "garment": pair["garment"]["id"],
                "look": pair["look"]["id"], "box": pair["box"], "region": pair["region"],
                "verdict": said}  # fmt: skip
        assert client.post("/api/v1/reviews", json=[sent]).status_code == 200
        Journal(path).release("ann")


def opened(browser: Any, address: str, **more: Any) -> tuple[Any, list[str]]:
    complaints: list[str] = []
    page = browser.new_page(**{"viewport": {"width": 1280, "height": 800}, **more})
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(address)
    return page, complaints


def says(page: Any, where: str, words: str, seconds: int = 60) -> None:
    page.locator(f"#{where}", has_text=words).wait_for(timeout=1000 * seconds)


def test_pairs_are_answered_taken_back_and_answered_again_by_keys(
    browser: Any, served: Served, address: str
) -> None:
    page, complaints = opened(browser, f"{address}/review/boundary")
    for number, key in enumerate("ynsbu", start=1):
        page.wait_for_selector("#desk[data-ready=yes]")  # a verdict before its pair is not heard
        page.keyboard.press(key)
        says(page, "done", f"{number} answered")
    given = [event.verdict for event in Journal(served.path).events()]
    assert given == ["same", "no", "same_style", "bad_crop", "unsure"]
    page.keyboard.press("z")  # heard even while the next pair is on its way
    says(page, "state", "Taken back: unsure")
    page.reload()  # undo goes on where it was
    page.wait_for_selector("#desk[data-ready=yes]")
    page.keyboard.press("z")
    says(page, "state", "Taken back: bad crop")
    page.keyboard.press("Shift+Z")
    says(page, "state", "Is it")
    page.wait_for_selector("#desk[data-ready=yes]")
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


SLOWLY = """
const real = window.fetch;
window.fetch = async (path, options) => {
  const response = await real(path, options);
  if (String(path).endsWith("/leases")) await new Promise((go) => setTimeout(go, 700));
  return response;
};
"""


def test_what_was_asked_for_before_an_answer_brings_its_pair_no_second_time(
    browser: Any, served: Served, address: str
) -> None:
    page = browser.new_page()
    page.add_init_script(SLOWLY)
    page.goto(f"{address}/review/boundary")
    page.wait_for_selector("#desk[data-ready=yes]")
    for number in range(1, 9):
        page.wait_for_selector("#desk[data-ready=yes]")
        page.keyboard.press("n")
        says(page, "done", f"{number} answered")
    pairs = [(event.garment, event.region) for event in Journal(served.path).events()]
    assert len(pairs) == len(set(pairs)) == 8
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
    page.wait_for_selector("#desk[data-ready=yes]")
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


def test_keys_can_be_changed_and_are_remembered(browser: Any, served: Served, address: str) -> None:
    page, complaints = opened(browser, f"{address}/review/boundary")
    page.wait_for_selector("#desk[data-ready=yes]")
    page.keyboard.press("?")
    page.get_by_role("button", name="y same", exact=True).last.click()
    page.keyboard.press("n")  # another action's: they are exchanged
    says(page, "rebinding", "n is “same” now")
    page.keyboard.press("Escape")
    page.reload()
    page.wait_for_selector("#desk[data-ready=yes]")
    labels = page.locator("#answers button[data-verdict] kbd").all_text_contents()
    assert labels == ["n", "s", "y", "b", "u"]
    page.keyboard.press("n")
    says(page, "done", "1 answered")
    assert [event.verdict for event in Journal(served.path).events()] == ["same"]
    # What another script of this origin may have stored is no markup and hides no action.
    stored = '{"same": "<img src=x onerror=alert(1)>", "no": "q", "unsure": "q"}'
    page.evaluate("text => localStorage.setItem('lookweave-keys', text)", stored)
    page.reload()
    page.wait_for_selector("#desk[data-ready=yes]")
    labels = page.locator("#answers button[data-verdict] kbd").all_text_contents()
    assert labels == ["y", "s", "n", "b", "u"] and complaints == []
    page.close()


def test_details_are_drawn_on_all_three_pictures(
    browser: Any, served: Served, address: str
) -> None:
    page, complaints = opened(browser, f"{address}/review/boundary")
    page.wait_for_selector("#desk[data-ready=yes]")
    page.keyboard.press("d")
    page.wait_for_selector(".points text")
    numbers = [
        page.locator(f'[data-pane="{pane}"] .points text').all_text_contents()
        for pane in ("garment", "region", "look")
    ]
    assert numbers[0] and numbers[0] == numbers[1] == numbers[2]
    page.keyboard.press("n")
    says(page, "done", "1 answered")
    page.wait_for_selector(".points text")  # they stay on
    page.keyboard.press("d")
    assert page.locator(".points text").count() == 0
    assert Journal(served.path).events()[0].seen["details"] == "shown"
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


@pytest.mark.timeout(180)
def test_people_come_by_invitation_and_go(browser: Any, built: Path, tmp_path: Path) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe")
    shutil.copytree(built, tmp_path / "ws")
    _, secret = Accounts(tmp_path / "ws").add("Ann", "admin", Actor("test"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with answering(create_app(tmp_path / "ws", f"http://127.0.0.1:{port}"), port) as address:
        page, complaints = opened(browser, f"{address}/library", bypass_csp=True)

        def sound() -> None:
            found = axe.Axe().run(page).response["violations"]
            assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []

        assert "/signin?next=%2Flibrary" in page.url
        sound()
        page.goto(f"{address}/invitation/{secret}")
        sound()
        page.fill("[name=password]", PASSWORD)
        page.click("button.main")
        page.wait_for_selector("nav a[href='/admin/users']")
        page.goto(f"{address}/account")
        page.fill("[name=label]", "nightly export")
        page.fill("form[action='/account/tokens'] [name=password]", PASSWORD)
        page.click("form[action='/account/tokens'] button")
        assert page.text_content(".made code").startswith("lw_")
        sound()
        page.goto(f"{address}/admin/users")
        page.fill("form[action='/admin/users'] [name=name]", "Ben")
        page.fill("form[action='/admin/users'] [name=password]", PASSWORD)
        page.click("form[action='/admin/users'] button.main")
        assert page.text_content(".made code").startswith(f"{address}/invitation/")
        sound()
        page.goto(f"{address}/admin/audit")
        assert "added as reviewer" in page.text_content("table")
        sound()
        page.click(".who summary")
        page.click("form[action='/signout'] button")
        page.wait_for_url("**/signin")
        page.goto(f"{address}/library")
        assert "/signin" in page.url
        assert [one for one in complaints if "[DOM]" not in one] == []
        page.close()


PAGES = (
    "/", "/review/boundary", "/review/stats", "/review/history", "/review/disputes",
    "/review/guideline", "/library?q=red", "/garments/{garment}", "/looks/{look}", "/gaps", "/duplicates", "/selections/S", "/rejects",
    "/library?garment={garment}&kind=look", "/nothing-here",
)  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
def test_no_page_has_a_serious_fault_of_access_or_runs_over(
    browser: Any, reading: tuple[str, dict[str, str]], path: str
) -> None:
    address, ids = reading
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
