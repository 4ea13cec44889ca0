"""A real server, killed at any moment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.web.conftest import Served

from lookweave.review.journal import Journal


class Server:
    def __init__(self, workspace: Path, environment: dict[str, str]) -> None:
        self._started = [sys.executable, "-m", "lookweave", "serve", str(workspace), "--port"]
        self._environment, self._port = environment, 0
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [*self._started, str(self._port)], stdout=subprocess.PIPE, text=True,
            env=self._environment,
        )  # fmt: skip
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().split()[0]
        self._port = int(self.address.rstrip("/").rpartition(":")[2])

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Person(threading.Thread):
    """Answers pairs; sends again, under the same id, whatever got no reply."""

    def __init__(self, name: str, address: str, decisions: int) -> None:
        super().__init__()
        self._asks = {"base_url": address, "cookies": {"lookweave_name": name}, "timeout": 60}
        self._decisions = decisions
        self.told: list[str] = []

    def run(self) -> None:
        with httpx.Client(**self._asks) as client:
            while len(self.told) < self._decisions:
                body = {"count": min(4, self._decisions - len(self.told))}
                lent = self._asked(client, "/api/v1/queues/boundary/leases", body)["pairs"]
                assert lent, "nothing is left to ask"
                for pair in lent:
                    sent = {"id": str(uuid.uuid4()), "garment": pair["garment"]["id"],
                            "look": pair["look"]["id"], "box": pair["box"], "verdict": "no",
                            "region": pair["region"], "lease": pair["lease"]}  # fmt: skip
                    self._asked(client, "/api/v1/reviews", [sent])
                    self.told.append(sent["id"])

    @staticmethod
    def _asked(client: httpx.Client, path: str, body: object) -> Any:
        while True:
            try:
                answer = client.post(path, json=body)
            except httpx.TransportError:
                time.sleep(0.1)
                continue
            assert answer.status_code == 200, answer.text
            return answer.json()


@pytest.mark.timeout(240)
def test_two_people_lose_nothing_when_their_server_is_killed(
    served: Served, environment: dict[str, str]
) -> None:
    server = Server(served.path, environment)
    people = [Person(name, server.address, 20) for name in ("ann", "ben")]
    for one in people:
        one.start()
    for kill in (13, 26):
        while sum(len(one.told) for one in people) < kill:
            assert all(one.is_alive() or len(one.told) == 20 for one in people)
            time.sleep(0.01)
        server.kill()
        server.start()
    for one in people:
        one.join()
    server.kill()
    events = Journal(served.path).events()
    assert {event.id for event in events} == {one for each in people for one in each.told}
    assert [len(one.told) for one in people] == [20, 20] and len(events) == 40
    pairs = [(event.garment, event.region) for event in events]
    assert len(set(pairs)) == len(pairs), "nobody is asked what somebody said"


def test_it_ends_when_it_is_told(served: Served, environment: dict[str, str]) -> None:
    server = Server(served.path, environment)
    assert server.address.startswith("http://localhost:")
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(timeout=30) in (0, 143)
