"""The ways in which `fake_vlm` answers: one good, the rest wrong."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import socket
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler
from typing import Any

import numpy as np
from PIL import Image

TOKENS_IN, TOKENS_OUT = 400, 80
"""What every answer says that it took."""


class Question:
    """What a request asks.

    Attributes:
        digest: of the body, so equal requests have equal ones.
        kind: ``garment`` or ``scene``.
        repair: it shows the model its own earlier answer.
    """

    def __init__(self, body: dict[str, Any]) -> None:
        self._body = body
        canonical = json.dumps(body, sort_keys=True)
        self.digest = hashlib.sha256(canonical.encode()).hexdigest()[:16]
        self.kind = "scene" if '"scene"' in str(body["messages"][0]["content"]) else "garment"
        self.repair = any(message["role"] == "assistant" for message in body["messages"])

    def without_image(self) -> dict[str, Any]:
        """The body as sent, but for the image."""
        return {
            **self._body,
            "messages": [
                message if isinstance(message["content"], str) else {"role": message["role"]}
                for message in self._body["messages"]
            ],
        }

    def good_answer(self) -> dict[str, Any]:
        """What a good model says; the image's mean colour stands in the caption."""
        if self.kind == "scene":
            return {"scene": "white studio", "light": "soft", "pose": "standing", "mood": None}
        red, green, blue = self._mean_colour()
        return {
            "category": "dress",
            "could_also_be": ["skirt"],
            "colours": ["blue" if blue >= max(red, green) else "red"],
            "pattern": "plain",
            "material": None,
            "sleeve": "long",
            "length": "midi",
            "neckline": "crew",
            "caption": f"A dress of mean colour {red} {green} {blue}.",
        }

    def _mean_colour(self) -> tuple[int, int, int]:
        parts = [part for m in self._body["messages"] for part in m["content"] if part != str(part)]
        url = next(part["image_url"]["url"] for part in parts if part["type"] == "image_url")
        image = Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).convert("RGB")
        red, green, blue = np.asarray(image).reshape(-1, 3).mean(axis=0).round().astype(int)
        return int(red), int(green), int(blue)


class Reply:
    """The means to answer one request well or badly.

    Its methods return True when a whole answer left, which is what a way returns too.
    """

    def __init__(
        self,
        handler: BaseHTTPRequestHandler,
        question: Question,
        sleep: Callable[[float], None],
    ) -> None:
        self.sleep = sleep
        self.handler = handler
        self.question = question

    def good(self) -> dict[str, Any]:
        """The good answer."""
        return self.question.good_answer()

    def say(self, text: str | None, finish: str = "stop", **message: Any) -> bool:
        """Answer with a message of the model."""
        said = {"role": "assistant", "content": text, **message}
        return self.send(200, _completion([{"message": said, "finish_reason": finish}]))

    def error(self, status: int, message: str, **headers: str) -> bool:
        """Answer with an error."""
        return self.send(status, {"error": {"message": message}}, headers) and False

    def send(self, status: int, body: object, headers: Mapping[str, str] | None = None) -> bool:
        """Answer with a JSON body."""
        return self.raw(status, json.dumps(body).encode(), "application/json", headers)

    def raw(
        self,
        status: int,
        data: bytes,
        kind: str,
        headers: Mapping[str, str] | None = None,
        *,
        promised: int | None = None,
        pause: float = 0.0,
    ) -> bool:
        """Answer with bytes; `promised` more than are sent, or with a `pause` every 16."""
        handler = self.handler
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(promised or len(data)))
        for name, value in (headers or {}).items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        step = 16 if pause else len(data)
        for start in range(0, len(data), step):
            handler.wfile.write(data[start : start + step])
            handler.wfile.flush()
            self.sleep(pause)
        return promised is None

    def hang_up(self) -> bool:
        """Close the connection."""
        self.handler.close_connection = True
        self.handler.connection.shutdown(socket.SHUT_RDWR)
        return False


def _completion(choices: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "object": "chat.completion",
        "choices": choices,
        "usage": {"prompt_tokens": TOKENS_IN, "completion_tokens": TOKENS_OUT},
    }


def _good(reply: Reply) -> bool:
    return reply.say(json.dumps(reply.good()))


def _slow(reply: Reply) -> bool:
    reply.sleep(3600)
    return reply.hang_up()


def _dripping(reply: Reply) -> bool:
    text = json.dumps(_completion([{"message": {"content": json.dumps(reply.good())}}])).encode()
    return reply.raw(200, text, "application/json", pause=0.1)


def _half_body(reply: Reply) -> bool:
    text = json.dumps(_completion([{"message": {"content": json.dumps(reply.good())}}])).encode()
    reply.raw(200, text[: len(text) // 2], "application/json", promised=len(text))
    return reply.hang_up()


def _stream(reply: Reply) -> bool:
    said = json.dumps(reply.good())
    pieces = [said[start : start + 20] for start in range(0, len(said), 20)]
    events = [{"choices": [{"delta": {"content": piece}}]} for piece in pieces]
    events.append(_completion([{"delta": {}, "finish_reason": "stop"}]))
    lines = [f"data: {json.dumps(event)}\n\n" for event in events]
    return reply.raw(200, ("".join(lines) + "data: [DONE]\n\n").encode(), "text/event-stream")


def _foreign(reply: Reply) -> bool:
    if reply.question.kind == "scene":
        phrase = "una calle de la ciudad"
        return reply.say(json.dumps({"scene": phrase, "light": None, "pose": None, "mood": None}))
    answer = {
        **reply.good(),
        "category": "Kleid",
        "colours": ["rot", "dunkelblau"],
        "caption": "Ein langes Kleid mit einem runden Ausschnitt und der Schleife auf dem Rücken.",
    }
    return reply.say(json.dumps(answer, ensure_ascii=False))


def _duplicate_keys(reply: Reply) -> bool:
    return reply.say('{"category": "coat", ' + json.dumps(reply.good())[1:])


def _twisted(**fields: Any) -> Callable[[Reply], bool]:
    return lambda reply: reply.say(json.dumps({**reply.good(), **fields}))


WAYS: dict[str, Callable[[Reply], bool]] = {
    "good": _good,
    "slow": _slow,
    "dripping": _dripping,
    "rate_limited": lambda reply: reply.error(429, "too many requests"),
    "rate_limited_wait": lambda reply: reply.error(429, "too many requests", Retry_After="1"),
    "rate_limited_day": lambda reply: reply.error(429, "daily quota", Retry_After="40000"),
    "out_of_credit": lambda reply: reply.send(429, {"error": {"code": "insufficient_quota"}}),
    "server_error": lambda reply: reply.error(500, "out of memory"),
    "bad_request": lambda reply: reply.error(400, "response_format is not supported"),
    "unauthorised": lambda reply: reply.error(
        401, f"wrong key: {reply.handler.headers.get('Authorization')}"
    ),
    "no_such_model": lambda reply: reply.error(404, "no such model"),
    "redirect": lambda reply: reply.raw(307, b"", "text/plain", {"Location": "/v2"}) and False,
    "closed": lambda reply: reply.hang_up(),
    "half_body": _half_body,
    "not_json": lambda reply: reply.raw(200, b"<html>proxy</html>", "text/html") and False,
    "error_in_200": lambda reply: reply.send(200, {"error": {"code": 502}}) and False,
    "empty_choices": lambda reply: reply.send(200, _completion([])) and False,
    "empty_content": lambda reply: reply.say("") and False,
    "huge": lambda reply: reply.say("x" * 3_000_000) and False,
    "half_json": lambda reply: reply.say(json.dumps(reply.good())[:60], "length"),
    "fence": lambda reply: reply.say(f"```json\n{json.dumps(reply.good())}\n```"),
    "prose": lambda reply: reply.say(f"Sure! Here it is: {json.dumps(reply.good())} Enjoy {{}}."),
    "thinking": lambda reply: reply.say(f'<think>{{"no": 1}}</think>{json.dumps(reply.good())}'),
    "stream": _stream,
    "wrong_schema": lambda reply: reply.say(json.dumps({"answer": ["a dress"], "score": 3})),
    "wrong_types": _twisted(category=["dress", 3], colours={"red": 1}, scene=3),
    "unknown_words": _twisted(category="frock coatlet", scene="стена и пол в студии"),
    "unknown_pattern": _twisted(pattern="moiré ombré"),
    "duplicate_keys": _duplicate_keys,
    "foreign": _foreign,
    "refusal": lambda reply: reply.say("I'm sorry, but I can't help with images of people."),
    "refusal_field": lambda reply: reply.say(None, refusal="I can't describe this."),
    "filtered": lambda reply: reply.say("", "content_filter"),
}
"""Name -> how the request is answered."""

UNBILLED = frozenset(
    ("rate_limited", "rate_limited_wait", "rate_limited_day", "out_of_credit", "server_error",
     "bad_request", "unauthorised", "no_such_model", "redirect", "closed", "error_in_200"),
)  # fmt: skip
