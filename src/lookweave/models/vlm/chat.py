"""One exchange with a server that speaks OpenAI's chat completions, and what became of it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn

import httpx

from lookweave.config import Served
from lookweave.errors import Rejected, ServerUnusable

_PASSING = frozenset((408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529))
_NEVER = frozenset((401, 402, 403, 404, 405))
_OUT_OF_CREDIT = ("insufficient_quota", "billing_hard_limit")


class PassingError(Exception):
    """A failure that another try may not meet.

    Attributes:
        reason: slug of the reject that it becomes when no try is left.
        wait: seconds that the server asks to wait, or None.
        billed: the server may charge for the request although no answer came of it.
        tokens: what it says the request took (in, out), or None.
    """

    def __init__(
        self,
        reason: str,
        detail: str,
        *,
        wait: float | None = None,
        billed: bool = False,
        tokens: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(detail)
        self.reason = reason
        self.wait = wait
        self.billed = billed
        self.tokens = tokens


class HugeAnswerError(Rejected):
    """An answer too large to be one. It was paid for, and would be again."""


@dataclass(frozen=True)
class Completion:
    """What came back.

    Attributes:
        text: the model's answer; its refusal when it refused.
        finish: why it ended: ``stop``, ``length``, ``content_filter``, ``refusal`` or ``""``.
        tokens: taken (in, out) as the server counted them, or None when it does not say.
    """

    text: str
    finish: str
    tokens: tuple[int, int] | None


class ChatServer:
    """A server at an address. Safe to use from several threads. A server of another kind than
    chat is a subclass with another `path`, and its own way to send and to read.

    Args:
        settings: address, time-out and concurrency.
        api_key: sent as a bearer token; it stands in no message and no file.
    """

    path = "chat/completions"
    most_bytes = 1_000_000  # of an answer; a description takes one or two thousand
    most_text = 20_000  # characters of an answer that are kept; more is no description
    told = "vision-language server"

    def __init__(self, settings: Served, api_key: str | None) -> None:
        self._settings = settings
        self._key = api_key
        # Compression would let a small body become a huge one after the limit on its size.
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        if api_key:
            headers["Authorization"] = f"Bearer {api_key}"
        self._client = httpx.Client(
            headers=headers,
            timeout=httpx.Timeout(settings.timeout, connect=min(10.0, settings.timeout), pool=None),
            limits=httpx.Limits(max_connections=settings.concurrency),
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def complete(self, body: dict[str, Any]) -> Completion:
        """Send one request.

        Raises:
            PassingError: it may work another time.
            Rejected: the server will not serve this request.
            ServerUnusable: it will serve none.
        """
        try:
            status, headers, text = self._exchange(body)
        except httpx.TimeoutException as error:
            sent = not isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout)
            raise self._too_slow(billed=sent) from error
        except httpx.InvalidURL as error:
            raise ServerUnusable(
                f"{self._named}.url: {self._settings.url} is wrong: {error}."
            ) from error
        except (httpx.ConnectError, httpx.ProxyError) as error:
            detail = f"{self._settings.url} does not answer: {error}"
            raise PassingError("server_away", detail) from error
        except httpx.HTTPError as error:
            detail = f"the connection broke before the answer was whole: {error or 'closed'}"
            raise PassingError("connection_lost", detail, billed=True) from error
        if status != 200:
            self._refuse(status, headers, _message(text))
        return self._read(headers, text)

    @property
    def _named(self) -> str:
        return self._settings.SECTION

    def models(self) -> list[str]:
        """The names of the models that the server says it has; empty when it does not say."""
        try:
            found = self._client.get(f"{self._settings.url}/models", timeout=5.0).json()
            return sorted(str(model["id"]) for model in found["data"])
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            return []

    def _exchange(self, body: dict[str, Any]) -> tuple[int, httpx.Headers, str]:
        address = f"{self._settings.url}/{self.path}"
        # httpx's own time-out starts anew with each piece; a server that drips needs a deadline.
        deadline = time.monotonic() + self._settings.timeout
        received = bytearray()
        with self._client.stream("POST", address, **self._payload(body)) as response:
            for piece in response.iter_bytes():
                received += piece
                if len(received) > self.most_bytes:
                    raise HugeAnswerError(
                        "huge_answer",
                        f"The server sent more than {self.most_bytes // 1000} kB for one answer: "
                        f"lower {self._named}.max_tokens, or ask another model.",
                    )
                if time.monotonic() > deadline:
                    raise self._too_slow(billed=True)
            return response.status_code, response.headers, received.decode("utf-8", "replace")

    def _payload(self, body: dict[str, Any]) -> dict[str, Any]:
        """What httpx is to send."""
        return {"json": body}

    def _json(self, headers: httpx.Headers, text: str) -> dict[str, Any]:
        """The answer's object.

        Raises:
            PassingError: it is none.
            Rejected, ServerUnusable: it says inside that the request failed.
        """
        try:
            found: Any = json.loads(text)
        except ValueError as error:
            detail = f"the server's answer is no JSON: {text[:120]!r}"
            raise PassingError("broken_answer", detail, billed=True) from error
        if not isinstance(found, dict):
            raise PassingError(
                "broken_answer", "the server's answer is no JSON object", billed=True
            )
        if found.get("error"):  # some routers answer 200 and say inside that it failed
            code = found["error"].get("code") if isinstance(found["error"], dict) else None
            self._refuse(code if isinstance(code, int) else 500, headers, _message(text))
        return found

    def _read(self, headers: httpx.Headers, text: str) -> Completion:
        if headers.get("content-type", "").startswith("text/event-stream"):
            return _join(text)
        found = self._json(headers, text)
        tokens = _tokens(found.get("usage"))
        try:
            choice = found["choices"][0]
            message = choice["message"]
            said = message.get("content")
            finish = str(choice.get("finish_reason") or "")
        except (KeyError, IndexError, TypeError, AttributeError) as error:
            detail = "the server's answer holds no choice"
            raise PassingError("empty_answer", detail, billed=True, tokens=tokens) from error
        if refusal := message.get("refusal"):
            return Completion(str(refusal), "refusal", tokens)
        if isinstance(said, list):
            parts = [part.get("text") or "" for part in said if isinstance(part, dict)]
            said = "".join(parts)
        if not said and finish not in ("length", "content_filter"):
            raise PassingError(
                "empty_answer", "the model answered nothing", billed=True, tokens=tokens
            )
        return Completion(str(said or ""), finish, tokens)

    def _refuse(self, status: int, headers: httpx.Headers, message: str) -> NoReturn:
        said = f"{self._settings.url} answered {status}: {self._without_key(message)}"
        if any(word in message for word in _OUT_OF_CREDIT):
            raise ServerUnusable(f"{said}. The account has no credit left; nothing is lost.")
        if status in _PASSING:
            slug = "rate_limited" if status == 429 else "server_error"
            raise PassingError(slug, said, wait=_retry_after(headers))
        if 300 <= status < 400:
            raise ServerUnusable(
                f"{said}. It redirects to {headers.get('location')}: set {self._named}.url."
            )
        if status in _NEVER:
            raise ServerUnusable(f"{said}. {self._what_to_do(status)}")
        raise Rejected("server_refused", f"{said}.")

    def _what_to_do(self, status: int) -> str:
        variable, model = self._settings.api_key_variable, self._settings.model
        if status in (401, 403):
            if not self._key:
                return f"Put its API key in the environment variable {variable}."
            return f"The API key in {variable} is not accepted, or may not use {model}."
        if status == 402:
            return "The account has no credit left; nothing is lost."
        models = self.models()
        if models and model not in models:
            return (
                f"It has no model {model!r} but: {', '.join(models[:20])}. Set {self._named}.model."
            )
        return f"Check {self._named}.url (it usually ends in /v1) and {self._named}.model."

    def _too_slow(self, *, billed: bool) -> PassingError:
        detail = f"no whole answer within {self._settings.timeout:g} s ({self._named}.timeout)"
        return PassingError("too_slow", detail, billed=billed)

    def _without_key(self, message: str) -> str:
        return message.replace(self._key, "***") if self._key else message


def _message(text: str) -> str:
    """What an error body says, short, in one line."""
    try:
        found = json.loads(text)
        while isinstance(found, dict):
            inner = (found.get(name) for name in ("error", "message", "detail", "code"))
            found = next((value for value in inner if value), str(found))
        text = str(found)
    except ValueError:
        pass
    return (" ".join(text.split())[:300] or "nothing").rstrip(".")


def _retry_after(headers: httpx.Headers) -> float | None:
    """Seconds to wait, from ``retry-after-ms`` or ``Retry-After`` (seconds or a date)."""
    try:
        if milliseconds := headers.get("retry-after-ms"):
            return max(0.0, float(milliseconds) / 1000)
        if not (said := headers.get("retry-after")):
            return None
        try:
            return max(0.0, float(said))
        except ValueError:
            return max(0.0, (parsedate_to_datetime(said) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def _tokens(usage: Any) -> tuple[int, int] | None:
    try:
        return int(usage["prompt_tokens"]), int(usage["completion_tokens"])
    except (KeyError, TypeError, ValueError):
        return None


def _join(stream: str) -> Completion:
    """The answer of a server that streams although nobody asked it to."""
    said, finish, ended = "", "", False
    tokens: tuple[int, int] | None = None
    for event in _events(stream):
        if event == "[DONE]":
            ended = True
            break
        try:
            piece = json.loads(event)
            tokens = _tokens(piece.get("usage")) or tokens
            for choice in piece.get("choices") or ():
                said += (choice.get("delta") or {}).get("content") or ""
                finish = choice.get("finish_reason") or finish
        except (ValueError, AttributeError) as error:
            raise PassingError(
                "broken_answer", "a streamed piece is broken", billed=True
            ) from error
    if not said or not (ended or finish):
        detail = "the stream ended before the answer did"
        raise PassingError("broken_answer", detail, billed=True, tokens=tokens)
    return Completion(said, finish, tokens)


def _events(stream: str) -> Iterator[str]:
    for line in stream.splitlines():
        if line.startswith("data:"):
            yield line.removeprefix("data:").strip()
