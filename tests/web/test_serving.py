"""A real server, killed at any moment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path

import httpx
import pytest
from tests.web.conftest import Served

from lookweave.review.journal import Journal


class Server:
    def __init__(self, workspace: Path, environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "lookweave", "serve", str(workspace), "--port", "0"],
            stdout=subprocess.PIPE, text=True, env=environment,
        )  # fmt: skip
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().split()[0]

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()


@pytest.mark.timeout(120)
def test_a_server_that_is_killed_between_decisions_loses_none_and_doubles_none(
    served: Served, environment: dict[str, str]
) -> None:
    told: list[str] = []
    for _ in range(3):
        server = Server(served.path, environment)
        with httpx.Client(base_url=server.address, timeout=60) as client:
            assert client.get("/health/ready").json() == {"status": "ready"}
            lent = client.post("/api/v1/queues/boundary/leases", json={"count": 4}).json()["pairs"]
            assert lent
            for pair in lent:
                sent = [
                    {"id": str(uuid.uuid4()), "garment": pair["garment"]["id"],
                     "look": pair["look"]["id"], "box": pair["box"], "verdict": "no",
                     "lease": pair["lease"]}
                ]  # fmt: skip
                for _ in range(2):  # the second is a client's that had heard nothing
                    assert client.post("/api/v1/reviews", json=sent).status_code == 200
                told.append(sent[0]["id"])
        server.kill()
    events = Journal(served.path).events()
    assert [event.id for event in events] == told and len(told) >= 9
    pairs = [(event.garment, event.look) for event in events]
    assert len(set(pairs)) == len(pairs), "nobody is asked the same pair again"


def test_it_ends_when_it_is_told(served: Served, environment: dict[str, str]) -> None:
    server = Server(served.path, environment)
    assert server.address.startswith("http://localhost:")
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(timeout=30) in (0, 143)
