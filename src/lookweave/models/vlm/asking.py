"""Each answer is asked and paid for once, within the limits: the file first, then the server."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)
from tenacity.nap import sleep_using_event

from lookweave.config import Served
from lookweave.errors import LookweaveError, Rejected, ServerUnusable
from lookweave.models.vlm.answers import Answer, AnswerStore
from lookweave.models.vlm.budget import Budget
from lookweave.models.vlm.chat import ChatServer, Completion, HugeAnswerError, PassingError
from lookweave.models.vlm.rate_limit import RateLimit

logger = logging.getLogger(__name__)

_LONGEST_BACKOFF = 60.0
_LONGEST_PAUSE = 300.0  # a server that asks for more is out of quota, not busy


@dataclass(frozen=True)
class Request:
    """One question to the model.

    Attributes:
        key: `answers.answer_key` of all that the answer depends on.
        body: makes the JSON to send; called only when the server has to be asked, because
            the image is compressed in it.
        tokens: the most that it is expected to take (in, out).
    """

    key: str
    body: Callable[[], dict[str, Any]]
    tokens: tuple[int, int]


class Asker:
    """Asks the server once for each answer. Safe to use from several threads.

    The first request goes alone: a wrong key, address or model is then found by one request and
    not by as many as may be under way. After an error that stops the work, every call raises it.
    """

    def __init__(self, settings: Served, server: ChatServer, store: AnswerStore) -> None:
        self._settings = settings
        self._server = server
        self._store = store
        self._budget = Budget(settings, store)
        self._stopped = threading.Event()
        self._why: LookweaveError | None = None
        self._rate = RateLimit(
            settings.requests_per_minute, settings.tokens_per_minute, sleep=self._stopped.wait
        )
        self._lock = threading.Lock()
        self._under_way: dict[str, Future[Answer]] = {}
        self._first = threading.Lock()
        self._proven = threading.Event()

    def ask(self, request: Request) -> Answer:
        """The answer to `request`, from the file when it was asked for before.

        Two threads that ask the same at once share one request.

        Raises:
            Rejected: this request got no answer; `retry` says whether it may another time.
            LookweaveError: no request will: the server, the ceiling or the file.
        """
        with self._lock:
            others = self._under_way.get(request.key)
            if others is None:
                mine: Future[Answer] = Future()
                self._under_way[request.key] = mine
        if others is not None:
            return others.result()
        try:
            answer = self._store.get(request.key) or self._ask(request)
        except BaseException as error:
            if isinstance(error, LookweaveError):
                self.stop(error)
            mine.set_exception(error)
            raise
        else:
            mine.set_result(answer)
            return answer
        finally:
            with self._lock:
                del self._under_way[request.key]

    def stop(self, why: LookweaveError) -> None:
        """Make every thread give up, those that wait included."""
        with self._lock:
            self._why = self._why or why
        self._stopped.set()

    def check(self) -> None:
        """Raise what stopped the work, if anything did."""
        if self._why is not None:
            raise self._why

    def _ask(self, request: Request) -> Answer:
        with self._alone_until_proven():
            self.check()
            body = request.body()
            retrying = Retrying(
                retry=retry_if_exception_type(PassingError),
                stop=stop_after_attempt(self._settings.retries + 1),
                wait=self._wait,
                sleep=sleep_using_event(self._stopped),
                before_sleep=_log_retry,
                reraise=True,
            )
            try:
                answer = retrying(self._try, request, body)
            except PassingError as failure:
                raise self._given_up(failure) from failure
            self._proven.set()
            return answer

    @contextmanager
    def _alone_until_proven(self) -> Iterator[None]:
        """Let one thread through at a time until a first answer came, then all of them."""
        with ExitStack() as held:
            if not self._proven.is_set():
                held.enter_context(self._first)
            if self._proven.is_set():
                held.close()
            yield

    def _try(self, request: Request, body: dict[str, Any]) -> Answer:
        estimate = self._budget.bill(*request.tokens)
        with self._budget.set_aside(estimate):
            self._rate.wait(estimate.tokens)
            self.check()
            try:
                done = self._server.complete(body)
            except PassingError as failure:
                if failure.billed:
                    self._store.charge(self._budget.bill(*(failure.tokens or request.tokens)))
                if failure.wait:
                    self._pause(failure)
                raise
            except HugeAnswerError:
                self._store.charge(estimate)
                raise
            tokens = done.tokens or _count_tokens(request, done)
            answer = Answer(
                done.text[: self._server.most_text], done.finish, self._budget.bill(*tokens)
            )
            self._store.put(request.key, self._settings.model, answer)
            self._rate.correct(answer.bill.tokens - estimate.tokens)
            return answer

    def _pause(self, failure: PassingError) -> None:
        assert failure.wait is not None
        if failure.wait > _LONGEST_PAUSE:
            raise ServerUnusable(
                f"{failure}. It asks to wait {failure.wait:.0f} s: build again after that; "
                "nothing is lost."
            )
        logger.info("%s: nothing is sent for %.0f s.", failure, failure.wait)
        self._rate.pause(failure.wait)

    def _wait(self, state: RetryCallState) -> float:
        shortest = self._settings.backoff
        backoff = wait_random_exponential(shortest, max=_LONGEST_BACKOFF, min=shortest / 2)
        failure = state.outcome.exception() if state.outcome else None
        asked = (
            failure.wait if isinstance(failure, PassingError) and failure.wait is not None else None
        )
        return backoff(state) if asked is None else asked

    def _given_up(self, failure: PassingError) -> Exception:
        tries = self._settings.retries + 1
        # One image that a server cannot serve must not stop a build that has only it left.
        if not self._proven.is_set() and not self._server.models():
            return ServerUnusable(
                f"The {self._server.told} cannot be used: {failure} ({tries} tries). Check that it "
                f"runs at {self._settings.SECTION}.url = {self._settings.url} and serves "
                f"{self._settings.model!r}."
            )
        return Rejected(failure.reason, f"After {tries} tries: {failure}.", retry=True)


def _log_retry(state: RetryCallState) -> None:
    failure = state.outcome.exception() if state.outcome else None
    seconds = state.next_action.sleep if state.next_action else 0.0
    logger.info("The server is asked again in %.1f s: %s", seconds, failure)


def _count_tokens(request: Request, done: Completion) -> tuple[int, int]:
    """Tokens of an answer whose server does not count: four characters each, as a rule."""
    return request.tokens[0], max(1, len(done.text) // 4)
