"""The describer `vlm`: a vision-language model behind a server, asked once for each garment."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from lookweave.config import Vlm
from lookweave.errors import ConfigError, LookweaveError, Rejected, ServerUnusable
from lookweave.models.card import Card
from lookweave.models.protocols import Crop, Description
from lookweave.models.vlm import picture, prompt, reading, schema
from lookweave.models.vlm.answers import AnswerStore, Bill, answer_key
from lookweave.models.vlm.asking import Asker, Request
from lookweave.models.vlm.chat import ChatServer
from lookweave.models.vlm.picture import Picture
from lookweave.taxonomy import CATEGORIES

_HINT_FROM = 0.4  # a detector less sure than this would mislead more than help
_TOKENS_PER_CHARACTER = 1 / 3
_PIXELS_PER_TOKEN = 500  # the most expensive of the common tokenisations of images
_FAILURES_BEFORE_ANY_SUCCESS = 5
_FAILURES_IN_A_ROW = 50

Read = TypeVar("Read")


class VlmDescriber:
    """Describes garments by asking any server that speaks OpenAI's chat completions.

    Each crop is one request; the whole photo of a look is one more, shared by its regions. At
    most `concurrency` requests are under way at a time, over all threads that call `describe`,
    and a call returns when its own crops are done, so no queue grows. Answers are paid for once:
    what the file `cache` holds is not asked again. An answer that cannot be read gets one repair
    round with what is wrong in it, then its crop is rejected.

    Args:
        card: its `running` holds the settings of `config.Vlm`; see `cards.configured`.
        models_dir: not used; a server keeps its own weights.

    Raises:
        ConfigError: the server's address, its model or the answer file is not set.
    """

    def __init__(self, card: Card, models_dir: Path | None = None) -> None:
        settings = Vlm(**card.running)
        if not (settings.url and settings.model and settings.cache):
            missing = [name for name in ("url", "model", "cache") if not getattr(settings, name)]
            raise ConfigError(f"vlm: {', '.join(missing)} must be set for the model {card.name}.")
        self._settings = settings
        self._prompts = prompt.load(settings.prompt)
        self._store = AnswerStore(settings.cache)
        key = os.environ.get(settings.api_key_variable) or None
        self._server = ChatServer(settings, key)
        self._asker = Asker(settings, self._server, self._store)
        self._pool = ThreadPoolExecutor(settings.concurrency, thread_name_prefix="vlm")
        self._health = _Health()

    def describe(self, crops: list[Crop]) -> list[Description | Exception]:
        """One answer for each crop, in their order; a `Rejected` in place of one that failed.

        Raises:
            ServerUnusable: no request will be served: a wrong key, address or model, a server
                that is away, or one that fails every time.
            CeilingReached: the next request would go over what may be spent.
            ModelError: the answer file cannot be written.
        """
        self._asker.check()
        under_way = [self._pool.submit(self._describe_or_reject, crop) for crop in crops]
        try:
            return [future.result() for future in under_way]
        except BaseException:
            _cancel(under_way)
            raise

    def spent(self) -> Bill:
        """All that was spent through this describer's answer file."""
        return self._store.spent()

    def close(self) -> None:
        """Let what is under way end, keep its answers, and close the connections."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._server.close()
        self._store.close()

    def _describe_or_reject(self, crop: Crop) -> Description | Exception:
        self._asker.check()
        try:
            description = self._describe(crop)
        except Rejected as rejected:
            if why := self._health.note_failure(rejected, self._settings):
                self._asker.stop(why)
                raise why from rejected
            return rejected
        except LookweaveError as error:
            self._asker.stop(error)
            raise
        self._health.note_success()
        return description

    def _describe(self, crop: Crop) -> Description:
        settings, scores = self._settings, crop.label_scores
        label = None
        if scores is not None and float(scores.max()) >= _HINT_FROM:
            label = CATEGORIES[int(scores.argmax())]
        description = self._read(
            lambda text, final: reading.garment(text, scores, final=final),
            self._prompts.garment,
            self._prompts.ask(label),
            picture.of_garment(crop, settings.image_side, settings.margin),
            schema.GarmentAnswer,
        )
        if crop.kind != "look" or not settings.scenes:
            return description
        return replace(description, **self._scene(crop))  # type: ignore[arg-type]

    def _scene(self, crop: Crop) -> dict[str, str | None]:
        """Scene, light, pose and mood of the photo, asked once however many regions it has.

        A server that is away fails the crop, which is then tried again by the next build and
        costs nothing for the part that is known; an answer that cannot be read leaves the four
        empty, because the garment's own description is worth more than they are.
        """
        try:
            return self._read(
                lambda text, final: reading.scene(text, final=final),
                self._prompts.scene,
                self._prompts.ask_scene,
                picture.of_photo(crop, self._settings.image_side),
                schema.SceneAnswer,
            )
        except Rejected as rejected:
            if rejected.retry:
                raise
            return {}

    def _read(
        self,
        read: Callable[[str, bool], Read],
        system: str,
        question: str,
        shown: Picture,
        answer: type[BaseModel],
    ) -> Read:
        """Ask, read, and where the answer cannot be read say why and ask once more."""
        said = self._asker.ask(self._request(system, question, shown, answer, []))
        refused = said.finish in ("refusal", "content_filter")
        try:
            if refused:
                raise reading.UnreadableError(
                    "refused", ["The model declined to describe the image."]
                )
            return read(said.text, False)
        except reading.UnreadableError as unreadable:
            if refused:  # a filter does not change its mind, and asking again costs the same
                raise unreadable.rejected(said.text) from unreadable
            repair = [
                {"role": "assistant", "content": said.text[:2000] or "(nothing)"},
                {"role": "user", "content": self._prompts.repair(unreadable.problems)},
            ]
        mended = self._asker.ask(self._request(system, question, shown, answer, repair))
        try:
            return read(mended.text, True)
        except reading.UnreadableError as unreadable:
            raise unreadable.rejected(mended.text) from unreadable

    def _request(
        self,
        system: str,
        question: str,
        shown: Picture,
        answer: type[BaseModel],
        repair: list[dict[str, Any]],
    ) -> Request:
        settings = self._settings
        shape = schema.json_schema(answer)
        parameters = {
            "model": settings.model,
            "temperature": settings.temperature,
            "max_tokens": settings.max_tokens,
            "response_format": _response_format(settings.response_format, answer.__name__, shape),
            **settings.extra,
        }
        parameters = {name: value for name, value in parameters.items() if value is not None}

        def body() -> dict[str, Any]:
            image = {"type": "image_url", "image_url": {"url": shown.data_url()}}
            asked = {"role": "user", "content": [image, {"type": "text", "text": question}]}
            return {
                "messages": [{"role": "system", "content": system}, asked, *repair],
                **parameters,
            }

        written = len(system) + len(question) + sum(len(turn["content"]) for turn in repair)
        written += len(str(shape)) if settings.response_format == "json_schema" else 0
        width, height = shown.size
        tokens_in = round(written * _TOKENS_PER_CHARACTER + width * height / _PIXELS_PER_TOKEN)
        key = answer_key(
            self._prompts.version, shape, shown.digest, system, question, repair, parameters
        )
        return Request(key, body, (tokens_in, settings.max_tokens))


class _Health:
    """Counts failures in a row, so that a server or model that never works stops the build
    after a few crops rather than reject a million, each of them paid for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._in_a_row = 0
        self._ever = False

    def note_success(self) -> None:
        with self._lock:
            self._in_a_row, self._ever = 0, True

    def note_failure(self, rejected: Rejected, settings: Vlm) -> ServerUnusable | None:
        """The error that ends the work, when this failure is one too many."""
        with self._lock:
            self._in_a_row += 1
            most = _FAILURES_IN_A_ROW if self._ever else _FAILURES_BEFORE_ANY_SUCCESS
            if self._in_a_row < most + settings.concurrency:
                return None
            count = self._in_a_row
        return ServerUnusable(
            f"Stopped after {count} descriptions in a row failed at {settings.url} with "
            f"{settings.model}. The last: {rejected.reason}: {rejected.detail} Answers paid for so "
            f"far are kept in {settings.cache}. When the server refuses the request's form, try "
            "vlm.response_format = json_object or text, or vlm.extra."
        )


def _response_format(kind: str, name: str, shape: dict[str, Any]) -> dict[str, Any] | None:
    if kind == "json_schema":
        return {
            "type": "json_schema",
            "json_schema": {"name": name, "strict": True, "schema": shape},
        }
    return {"type": kind} if kind == "json_object" else None


def _cancel(futures: list[Future[Description | Exception]]) -> None:
    for future in futures:
        future.cancel()
