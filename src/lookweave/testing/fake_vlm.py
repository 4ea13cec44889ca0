"""A vision-language server that misbehaves on command, for tests of whoever asks one.

It is a real HTTP server on this machine that speaks OpenAI's chat completions. A good answer is
made from the image that was sent (its mean colour stands in the caption), so a test can tell
whether each answer reached its own crop. It counts every request, how many were under way at a
time, and what it would have charged.

    with FakeVlm(script=["rate_limited", "half_json"], chances={"server_error": 0.1}) as server:
        describe(url=server.url)
    assert server.peak <= 8

`fake_vlm_ways.WAYS` lists what can go wrong. `script` is played first, one way a request; then
`chances` are drawn with `seed`; whatever is left is answered well. From a shell, to try a
configuration::

    python -m lookweave.testing.fake_vlm --port 8000 --chance server_error=0.1
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from lookweave.testing.fake_vlm_ways import TOKENS_IN, TOKENS_OUT, UNBILLED, WAYS, Question, Reply


@dataclass
class Asked:
    """One request as the server saw it.

    Attributes:
        way: how it was answered, one of `WAYS`.
        question: digest of the body, so equal requests have equal ones.
        kind: ``garment`` or ``scene``.
        repair: it shows the model its own earlier answer.
        body: what was sent, the image left out.
        authorization: the header, or None.
        billed: a provider would have charged for it.
        delivered: the whole answer left this machine; False while it is under way.
    """

    way: str
    question: str
    kind: str
    repair: bool
    body: dict[str, Any]
    authorization: str | None
    billed: bool
    delivered: bool = False


class FakeVlm:
    """The server; use it in a ``with``, or call `start` and `stop`.

    Args:
        script: the ways of the first requests, in the order in which they come.
        chances: way -> probability, for every request after the script.
        seed: of the draws.
        latency: seconds that an answer takes.
        capacity: answers worked on at a time; more wait their turn. None: no limit.
        api_key: when given, any other is refused with 401.
        model: the one model that it has.
        port: 0 takes a free one.

    Attributes:
        asked: every request, in the order in which they came.
        peak: the most requests that were under way at a time.
        busiest: the most that were worked on at a time, which `capacity` limits; divided by
            `latency` it is the throughput that was reached.
    """

    def __init__(
        self,
        script: Iterable[str] = (),
        chances: Mapping[str, float] | None = None,
        *,
        seed: int = 7,
        latency: float = 0.0,
        capacity: int | None = None,
        api_key: str | None = None,
        model: str = "fake-vlm",
        port: int = 0,
    ) -> None:
        self.asked: list[Asked] = []
        self.peak = 0
        self.busiest = 0
        self.latency = latency
        self.api_key = api_key
        self.model = model
        self._script = list(script)
        self._chances = dict(chances or {})
        if unknown := {*self._script, *self._chances} - WAYS.keys():
            raise ValueError(f"unknown ways: {sorted(unknown)}; known: {', '.join(WAYS)}")
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._under_way = 0
        self._worked_on = 0
        self._slots = threading.Semaphore(capacity or 1_000_000)
        self._stopping = threading.Event()
        self._server = _Server(("127.0.0.1", port), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def url(self) -> str:
        """The address to give to a client."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    @property
    def ways(self) -> Counter[str]:
        """How many requests were answered in which way."""
        with self._lock:
            return Counter(asked.way for asked in self.asked)

    def delivered(self) -> Counter[str]:
        """Question -> how many whole answers left for it: above 1, something was bought twice."""
        with self._lock:
            return Counter(asked.question for asked in self.asked if asked.delivered)

    def billed_tokens(self) -> int:
        """Tokens that a provider would have charged for."""
        with self._lock:
            return (TOKENS_IN + TOKENS_OUT) * sum(asked.billed for asked in self.asked)

    def start(self) -> FakeVlm:
        """Start to answer."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop, letting slow answers go at once."""
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> FakeVlm:
        return self.start()

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def answer(self, handler: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
        """Answer one request in the way whose turn it is."""
        authorization = handler.headers.get("Authorization")
        question = Question(body)
        with self._lock:
            self._under_way += 1
            self.peak = max(self.peak, self._under_way)
            way = self._next_way()
            if self.api_key is not None and authorization != f"Bearer {self.api_key}":
                way = "unauthorised"
            elif body.get("model") != self.model:
                way = "no_such_model"
            asked = Asked(
                way,
                question.digest,
                question.kind,
                question.repair,
                question.without_image(),
                authorization,
                way not in UNBILLED,
            )
            self.asked.append(asked)
        with self._slots:
            with self._lock:
                self._worked_on += 1
                self.busiest = max(self.busiest, self._worked_on)
            self.sleep(self.latency)
            with (
                self._lock
            ):  # before the answer leaves: a client may ask again the moment it has it
                self._under_way -= 1
                self._worked_on -= 1
            # The client may have given up, which some ways are meant to make it do.
            with suppress(BrokenPipeError, ConnectionResetError):
                asked.delivered = WAYS[way](Reply(handler, question, self.sleep))

    def sleep(self, seconds: float) -> None:
        """Wait, unless the server is being stopped."""
        self._stopping.wait(seconds) if seconds else None

    def _next_way(self) -> str:
        if self._script:
            return self._script.pop(0)
        draw = self._random.random()
        for way, chance in self._chances.items():
            draw -= chance
            if draw < 0:
                return way
        return "good"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is what some ways are meant to cause."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


def _handler(server: FakeVlm) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            server.answer(self, body)

        def do_GET(self) -> None:
            data = json.dumps({"data": [{"id": server.model}]}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(prog="fake_vlm", description=__doc__.partition("\n")[0])
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--latency", type=float, default=0.2, help="seconds for one answer")
    parser.add_argument("--chance", action="append", default=[], metavar="WAY=PROBABILITY")
    given = parser.parse_args()
    chances = {way: float(chance) for way, _, chance in (c.partition("=") for c in given.chance)}
    with FakeVlm(chances=chances, latency=given.latency, port=given.port) as server:
        print(f"vlm.url = {server.url}   vlm.model = {server.model}")
        try:
            while True:
                time.sleep(5)
                print(f"{len(server.asked)} requests, at most {server.peak} at a time")
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
