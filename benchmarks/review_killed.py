"""Two people review in two browsers while their server is killed again and again.

    python benchmarks/review_killed.py --work DIR [--decisions 500] [--kills 5]

A workspace of drawn photos is built in DIR. Two real Chromiums answer pairs by keys, as fast as the
next one shows; the server is killed with SIGKILL at moments spread over the run and started again
on the same port. Then the journal must hold every answer that a browser was told was saved, no
other one, and no pair twice.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Error, sync_playwright
from tests.conftest import write_photos

import lookweave
from lookweave.review.journal import Journal

FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]


class Server:
    """`lookweave serve`, on one port for ever."""

    def __init__(self, workspace: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self._workspace = workspace
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "lookweave", "serve", str(self._workspace), "--port",
             str(self.port)], stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        self.process.stdout.readline()

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Person(threading.Thread):
    """Answers pairs in a browser until enough are saved."""

    def __init__(self, name: str, port: int, decisions: int) -> None:
        super().__init__(name=name)
        self.port, self.decisions = port, decisions
        self.saved: list[str] = []
        self.seconds: list[float] = []
        self.not_saved = 0
        self.fault: BaseException | None = None

    def run(self) -> None:
        try:
            with sync_playwright() as driver:
                browser = driver.chromium.launch(
                    executable_path=shutil.which("chromium"), args=FLAGS
                )
                self._review(browser)
                browser.close()
        except BaseException as error:
            self.fault = error

    def _review(self, browser: Any) -> None:
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        here = f"http://127.0.0.1:{self.port}"
        context.add_cookies([{"name": "lookweave_name", "value": self.name, "url": here}])
        page = context.new_page()
        page.on("response", self._heard)
        page.goto(f"{here}/review/boundary")
        page.wait_for_selector("#desk[data-ready=yes]", timeout=120_000)
        for number in range(1, self.decisions + 1):
            begun = time.perf_counter()
            while not self._pressed(page, "yn"[number % 2], number):
                self.not_saved += 1
                page.wait_for_timeout(300)
            self.seconds.append(time.perf_counter() - begun)

    def _pressed(self, page: Any, key: str, number: int) -> bool:
        """Whether the answer was saved and the next pair stands there."""
        page.evaluate("() => { document.getElementById('state').textContent = 'pressed'; }")
        page.keyboard.press(key)
        try:
            page.wait_for_function(
                """() => /^(Not saved|Saved|Is it)/.test(
                    document.getElementById("state").textContent)""",
                timeout=60_000,
            )  # fmt: skip
        except Error as error:
            said = page.text_content("#state")
            raise RuntimeError(f"{self.name} waits for answer {number}: {said!r}") from error
        return bool(page.text_content("#done").startswith(f"{number} "))

    def _heard(self, response: Any) -> None:
        asked = response.request
        if asked.method == "POST" and asked.url.endswith("/api/v1/reviews") and response.ok:
            self.saved += [one["id"] for one in json.loads(asked.post_data)]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--work", type=Path, required=True)
    arguments.add_argument("--decisions", type=int, default=500, help="of each person")
    arguments.add_argument("--kills", type=int, default=5)
    arguments.add_argument("--garments", type=int, default=80)
    given = arguments.parse_args()
    given.work.mkdir(parents=True)
    folders = write_photos(given.work / "photos", given.garments)
    workspace = given.work / "ws"
    lookweave.build(
        str(folders[0]), str(folders[1]), out=workspace, models="whole-photo", progress=False
    )
    server = Server(workspace)
    people = [Person(name, server.port, given.decisions) for name in ("ann", "ben")]
    begun = time.monotonic()
    for one in people:
        one.start()
    away = []
    for kill in range(1, given.kills + 1):
        due = 2 * given.decisions * kill // (given.kills + 1)
        while sum(len(one.saved) for one in people) < due and any(one.is_alive() for one in people):
            time.sleep(0.01)
        server.kill()
        stopped = time.monotonic()
        server.start()
        away.append(time.monotonic() - stopped)
    for one in people:
        one.join()
    seconds = time.monotonic() - begun
    server.kill()
    events = Journal(workspace, reading=True).events()
    pairs = [(event.garment, event.region) for event in events]
    told = {event for one in people for event in one.saved}
    kept = {event.id for event in events}
    found = {
        "decisions": len(events), "kills": given.kills, "seconds": round(seconds, 1),
        "away_seconds": [round(one, 2) for one in away],
        "lost": len(told - kept), "told_of_none": len(kept - told),
        "doubled": len(pairs) - len(set(pairs)),
        "people": {
            one.name: {
                "decisions": sum(event.reviewer == one.name for event in events),
                "keys_not_saved": one.not_saved,
                "median_ms": round(1000 * statistics.median(one.seconds)) if one.seconds else None,
                "fault": repr(one.fault) if one.fault else None,
            }
            for one in people
        },
    }  # fmt: skip
    print(json.dumps(found, indent=1))
    right = len(events) == 2 * given.decisions and not any(one.fault for one in people)
    sys.exit(0 if right and not found["lost"] | found["told_of_none"] | found["doubled"] else 1)


if __name__ == "__main__":
    main()
