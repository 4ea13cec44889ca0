"""kill -9 of a client at work: what it was given, it has."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

from lookweave.models.vlm.answers import AnswerStore
from lookweave.testing.fake_vlm import FakeVlm
from lookweave.testing.fake_vlm_ways import TOKENS_IN, TOKENS_OUT

CLIENT = Path(__file__).with_name("interrupted_client.py")
COUNT, CONCURRENCY = 120, 6


def start(server: FakeVlm, cache: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, str(CLIENT), server.url, str(cache), str(COUNT)], stdout=subprocess.PIPE
    )


def test_a_kill_costs_no_more_than_what_was_under_way(tmp_path: Path) -> None:
    cache = tmp_path / "answers.sqlite"
    with FakeVlm(latency=0.02) as server:
        stored = 0
        for kill_after in (15, 50):
            client = start(server, cache)
            deadline = time.monotonic() + 30
            while len(server.asked) < kill_after and time.monotonic() < deadline:
                time.sleep(0.002)
            client.send_signal(signal.SIGKILL)
            assert client.wait() == -signal.SIGKILL
            time.sleep(0.2)  # the server ends what it was answering

            store = AnswerStore(cache)
            delivered = sum(server.delivered().values())
            assert stored < store.count() < COUNT
            assert delivered - store.count() <= 2 * CONCURRENCY
            # Each stored answer has its bill: both were written, or neither.
            assert store.spent().tokens == store.count() * (TOKENS_IN + TOKENS_OUT)
            stored = store.count()
            store.close()

        client = start(server, cache)
        out, _ = client.communicate(timeout=50)
        assert int(out) == COUNT
        questions = server.delivered()
        assert len(questions) == COUNT
        twice = sum(times - 1 for times in questions.values())
        assert twice <= 2 * CONCURRENCY  # two kills, each with at most so many on their way

        asked = len(server.asked)
        assert start(server, cache).wait(timeout=50) == 0
        assert len(server.asked) == asked  # a run over what is known asks nothing
