"""An image server that misbehaves on command, for tests of whoever asks one.

It is a real HTTP server on this machine that speaks OpenAI's images/edits. A good answer is the
first picture that was sent, `shift` pixels to the right, so a test can tell whether it is brought
back. It keeps what it was asked, and what it would have charged for.

    with FakeImages(script=["server_error", "noise"], api_key="k") as server:
        ...
    assert server.billed() == 2
"""

from __future__ import annotations

import base64
import io
import json
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
from PIL import Image


@dataclass
class Edit:
    """One request as the server saw it.

    Attributes:
        way: how it was answered, one of `WAYS`.
        fields: of the form.
        pictures: what was sent, in its order.
        authorization: the header, or None.
    """

    way: str
    fields: dict[str, str] = field(default_factory=dict)
    pictures: list[Image.Image] = field(default_factory=list)
    authorization: str | None = None


def _shown(picture: Image.Image, **more: Any) -> tuple[int, dict[str, Any]]:
    data = io.BytesIO()
    picture.save(data, "PNG")
    usage = {"input_tokens": 900, "output_tokens": 4000, "total_tokens": 4900}
    answer = {"b64_json": base64.b64encode(data.getvalue()).decode(), **more}
    return 200, {"created": 0, "data": [answer], "usage": usage}


def _moved(edit: Edit, by: int) -> tuple[int, dict[str, Any]]:
    return _shown(Image.fromarray(np.roll(np.asarray(edit.pictures[0]), by, 1)))


def _noise(edit: Edit) -> tuple[int, dict[str, Any]]:
    shape = np.asarray(edit.pictures[0]).shape
    return _shown(Image.fromarray(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)))


def _error(status: int, message: str) -> Callable[[Edit], tuple[int, dict[str, Any]]]:
    return lambda edit: (status, {"error": {"message": message}})


WAYS: dict[str, Callable[[Edit], tuple[int, Any]]] = {
    "good": lambda edit: _moved(edit, 2),
    "noise": _noise,
    "square": lambda edit: _shown(edit.pictures[0].resize((96, 96))),
    "no_picture": lambda edit: (200, {"data": []}),
    "elsewhere": lambda edit: (200, {"data": [{"url": "http://127.0.0.1/picture.png"}]}),
    "broken": lambda edit: (200, {"data": [{"b64_json": "bm8gcGljdHVyZQ=="}]}),
    "not_json": lambda edit: (200, "<html>proxy</html>"),
    "server_error": _error(500, "out of memory"),
    "rate_limited": _error(429, "too many requests"),
    "moderated": _error(400, "moderation_blocked"),
    "unauthorised": _error(401, "wrong key"),
    "no_such_model": _error(404, "no such model"),
}
"""Name -> how a request is answered."""

_FREE = frozenset(("server_error", "rate_limited", "moderated", "unauthorised", "no_such_model"))


class FakeImages:
    """The server; use it in a ``with``.

    Args:
        script: the ways of the first requests; the rest are answered well.
        api_key: when given, any other is refused.
        model: the one model that it has.

    Attributes:
        asked: every request, in the order in which they came.
    """

    def __init__(
        self, script: Iterable[str] = (), *, api_key: str | None = None, model: str = "fake-images"
    ) -> None:
        self.asked: list[Edit] = []
        self._script = list(script)
        if unknown := set(self._script) - WAYS.keys():
            raise ValueError(f"unknown ways: {sorted(unknown)}; known: {', '.join(WAYS)}")
        self._key, self._model = api_key, model
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def url(self) -> str:
        """The address to give to a client."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def billed(self) -> int:
        """Requests that a provider would have charged for."""
        return sum(edit.way not in _FREE for edit in self.asked)

    def __enter__(self) -> FakeImages:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, path: str, headers: Any, body: bytes) -> tuple[int, Any]:
        """One request."""
        edit = _opened(headers, body)
        edit.way = self._script.pop(0) if self._script else "good"
        if self._key is not None and edit.authorization != f"Bearer {self._key}":
            edit.way = "unauthorised"
        elif edit.fields.get("model") != self._model or not path.endswith("/images/edits"):
            edit.way = "no_such_model"
        self.asked.append(edit)
        return WAYS[edit.way](edit)

    def models(self) -> dict[str, Any]:
        """What it has."""
        return {"data": [{"id": self._model}]}


def _opened(headers: Any, body: bytes) -> Edit:
    """A form, read by the standard library."""
    head = f"Content-Type: {headers['Content-Type']}\r\n\r\n".encode()
    form = BytesParser(EmailMessage, policy=HTTP).parsebytes(head + body)
    edit = Edit("good", authorization=headers.get("Authorization"))
    for part in form.iter_parts():
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        name = str(part.get_param("name", header="content-disposition"))
        if part.get_filename():
            edit.pictures.append(Image.open(io.BytesIO(content)).convert("RGB"))
        else:
            edit.fields[name] = content.decode()
    return edit


def _handler(server: FakeImages) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self._send(*server.answer(self.path, self.headers, body))

        def do_GET(self) -> None:
            self._send(200, server.models())

        def _send(self, status: int, body: Any) -> None:
            data = (body if isinstance(body, str) else json.dumps(body)).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler
