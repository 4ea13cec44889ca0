"""The client against a real OpenAI-compatible server: transformers' own, with tiny models."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

for needed in ("torch", "transformers", "fastapi", "uvicorn", "openai", "accelerate"):
    pytest.importorskip(needed)

from lookweave.config import Vlm  # noqa: E402
from lookweave.errors import Rejected  # noqa: E402
from lookweave.models.protocols import Crop, Description  # noqa: E402
from lookweave.models.vlm.cards import CARDS, configure  # noqa: E402
from lookweave.models.vlm.describer import VlmDescriber  # noqa: E402

from .test_local import COAT  # noqa: E402
from .tiny_vlm import write_tiny_vlm  # noqa: E402

Crops = Callable[..., list[Crop]]


@dataclass
class Served:
    url: str
    speaker: Path  # a model that says one good answer
    babbler: Path  # a model with random weights
    log: Path

    def requests(self) -> int:
        return self.log.read_text().count("POST /v1/chat/completions")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    write_tiny_vlm(folder / "speaker", json.dumps(COAT))
    write_tiny_vlm(folder / "babbler")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = folder / "log.txt"
    with log.open("w") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", "transformers.cli.transformers", "serve", "--device", "cpu",
             "--host", "127.0.0.1", "--port", str(port)],
            env={**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
            stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        _wait_for(f"http://127.0.0.1:{port}/health", server, log)
        yield Served(f"http://127.0.0.1:{port}/v1", folder / "speaker", folder / "babbler", log)
    finally:
        server.terminate()
        server.wait(timeout=20)


def _wait_for(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert server.poll() is None, log.read_text()[-2000:]
        try:
            if httpx.get(address, timeout=1.0).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.2)
    raise AssertionError(log.read_text()[-2000:])


def describer(served: Served, model: Path, cache: Path, **settings: object) -> VlmDescriber:
    vlm = Vlm(**{"url": served.url, "model": str(model), "cache": cache, "concurrency": 3,
                 "max_tokens": 60, "timeout": 60, **settings})  # fmt: skip
    return VlmDescriber(configure(CARDS[0], vlm))


@pytest.mark.timeout(180)
def test_a_real_server_describes_and_is_asked_once(
    served: Served, crops: Crops, tmp_path: Path
) -> None:
    subject = describer(served, served.speaker, tmp_path / "a.sqlite", scenes=False)
    answers = subject.describe(crops(6))
    assert [type(answer) for answer in answers] == [Description] * 6
    assert answers[0].caption == COAT["caption"]  # type: ignore[union-attr]
    assert served.requests() == 6
    spent = subject.spent()
    assert spent.requests == 6 and spent.tokens_in > 6 * 500 and spent.tokens_out > 6 * 20
    assert subject.describe(crops(6)) == answers
    assert served.requests() == 6


@pytest.mark.timeout(180)
def test_a_real_model_that_babbles_loses_nothing(
    served: Served, crops: Crops, tmp_path: Path
) -> None:
    before = served.requests()
    subject = describer(served, served.babbler, tmp_path / "b.sqlite", max_tokens=50)
    answers = subject.describe(crops(3))
    assert [type(answer) for answer in answers] == [Rejected] * 3
    assert {answer.reason for answer in answers} == {"not_json"}  # type: ignore[union-attr]
    assert served.requests() - before == 6  # each was asked once, and once to repair it
