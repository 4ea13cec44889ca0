"""The backend `api`: any server that speaks OpenAI's images/edits, asked and paid for once.

The client is the describer's (`models.vlm`): its errors, retries, rates, ceilings and its file of
answers; only what is sent and what comes back are of another shape.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image

from lookweave import config
from lookweave.errors import ConfigError, Rejected, WorkError
from lookweave.models.protocols import Pixels
from lookweave.models.vlm.answers import AnswerStore, answer_key
from lookweave.models.vlm.asking import Asker, Request
from lookweave.models.vlm.chat import ChatServer, Completion, PassingError
from lookweave.studio.shoot import prompting, registration
from lookweave.studio.shoot.finish import photograph
from lookweave.studio.shoot.generator import GeneratorCard, Pictures, Turned
from lookweave.studio.shoot.guide import Guide
from lookweave.studio.shoot.held import Held, held_rows
from lookweave.studio.shoot.pipelines import EDITED, NOTES, ways_out
from lookweave.studio.shoot.record import Shoot
from lookweave.studio.shoot.references import Reference, references
from lookweave.studio.shoot.words import refuse

CARD = GeneratorCard(
    name="api", controls=EDITED, licence="of the served model", licence_date="", memory_mb=0,
    source_type="compositeWithTrainedAlgorithmicMedia",
    notes={**NOTES, "garments": "redrawn by the model, then fine detail comes back from the "
           "garment's own photo; everything that is shown to the model leaves this machine"},
    good_for="any server of OpenAI's images/edits (vLLM-Omni, SGLang, a paid API): --set url=… "
    "--set model=…",
    source="server", references=("composite", "garment", "wearer", "back", "skeleton"),
    most_references=4, ai_system="the served model",
)  # fmt: skip

_SHAPING = ("model", "size", "pictures", "tries", "hold", "extra")


class ImageServer(ChatServer):
    """OpenAI's images/edits: a form with pictures in, base64 out. Safe to use from threads."""

    path = "images/edits"
    most_bytes = 100_000_000
    most_text = 100_000_000
    told = "image server"

    def _payload(self, body: dict[str, Any]) -> dict[str, Any]:
        files = [
            ("image[]", (f"{number}.png", data, "image/png"))
            for number, data in enumerate(body["pictures"])
        ]
        fields = {
            name: value if isinstance(value, str) else json.dumps(value)
            for name, value in body["fields"].items()
        }
        return {"data": fields, "files": files}

    def _read(self, headers: httpx.Headers, text: str) -> Completion:
        found = self._json(headers, text)
        tokens = _tokens(found.get("usage"))
        try:
            first = found["data"][0]
            picture, elsewhere = first.get("b64_json"), first.get("url")
        except (KeyError, IndexError, TypeError, AttributeError) as error:
            raise PassingError(
                "empty_answer", "the server's answer holds no picture", billed=True, tokens=tokens
            ) from error
        if not picture and elsewhere:
            raise Rejected(
                "picture_elsewhere",
                "The server gave an address in place of the picture: say "
                """--set 'extra={"response_format": "b64_json"}'.""",
            )
        if not isinstance(picture, str) or not picture:
            raise PassingError(
                "empty_answer", "the server's picture is empty", billed=True, tokens=tokens
            )
        return Completion(picture, "stop", tokens)


class ServedGenerator:
    """A shoot's pictures from a server.

    Raises:
        ConfigError: its address or its model is not set.
        ModelError: the file of answers cannot be opened.
    """

    def __init__(self, card: GeneratorCard, settings: config.Images) -> None:
        if missing := [name for name in ("url", "model") if not getattr(settings, name)]:
            names = " and ".join(f"images.{name}" for name in missing)
            raise ConfigError(f"The backend api has no {names}. {ways_out(None)}")
        self._settings = settings
        store = AnswerStore(settings.cache or _cache(), settings.SECTION)
        key = os.environ.get(settings.api_key_variable) or None
        self._asker = Asker(settings, ImageServer(settings, key), store)
        shaping = {name: getattr(settings, name) for name in _SHAPING}
        self.card = replace(
            card, settings=shaping, ai_system=settings.model, price_request=settings.price_request
        )

    def generate(self, shoot: Shoot, guide: Guide) -> Pictures:
        """At most one picture; what was turned away stands in `Pictures.turned`.

        Raises:
            InputError: the words ask for what no picture may be made from.
            ServerUnusable: no request will be served.
            CeilingReached: the next picture would cost more than was allowed.
            WorkError: this request got no answer; another try may.
        """
        composite = photograph(guide)
        shown = references(guide, self.card.references, self._settings.pictures)
        words = prompting.prompt(shoot, shown)
        refuse(words)
        turned: list[Turned] = []
        for number in range(self._settings.tries):
            try:
                held = self._picture(guide, composite, shown, words, number)
            except Rejected as error:
                if error.retry:  # the server's trouble, no verdict on the picture
                    raise WorkError(
                        f"The picture was not made: {error.detail} What was made is kept; the same "
                        "command goes on."
                    ) from error
                turned.append(Turned(error.reason, error.detail, number))
                continue
            rows = (held_rows(held),) if self._settings.hold else ()
            return Pictures((held.picture,), self.card, rows, tuple(turned), words)
        return Pictures((), self.card, (), tuple(turned), words)

    def _picture(
        self, guide: Guide, composite: Pixels, shown: list[Reference], words: str, number: int
    ) -> Held:
        size = guide.shoot.size
        picture = self._asked(shown, words, size, number)
        if not self._settings.hold:
            return Held(picture, None)
        found = registration.registered(picture, composite, guide)
        return Held(registration.with_detail(found.picture, composite, guide), found)

    def _asked(
        self, shown: list[Reference], words: str, size: tuple[int, int], number: int
    ) -> Pixels:
        settings = self._settings
        fields = {
            "model": settings.model, "prompt": words, "n": 1,
            "size": settings.size or f"{size[0]}x{size[1]}", **settings.extra,
        }  # fmt: skip
        fields = {name: value for name, value in fields.items() if value is not None}
        pictures = [_png(one.picture) for one in shown]
        digests = [hashlib.sha256(data).hexdigest() for data in pictures]
        request = Request(
            answer_key("images/edits", fields, digests, number),
            lambda: {"fields": fields, "pictures": pictures},
            (settings.expected_input, settings.expected_output),
        )
        return _decoded(self._asker.ask(request).text, size)


def _decoded(text: str, size: tuple[int, int]) -> Pixels:
    try:
        with Image.open(io.BytesIO(base64.b64decode(text, validate=True))) as image:
            image.load()
            made = image.convert("RGB")
    except (ValueError, OSError, Image.DecompressionBombError) as error:
        raise Rejected("broken_picture", f"The server's picture cannot be read: {error}") from error
    asked, got = size[0] / size[1], made.width / made.height
    if abs(got / asked - 1) > 0.02:
        raise Rejected(
            "other_shape",
            f"The server's picture is {made.width} x {made.height}, which is no {size[0]} x "
            f"{size[1]} made larger: ask for a --width and --height that it can make.",
        )
    return np.asarray(made.resize(size, Image.Resampling.LANCZOS))


def _png(picture: Pixels) -> bytes:
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "PNG")
    return out.getvalue()


def _tokens(usage: Any) -> tuple[int, int]:
    """As images APIs count them; none where a picture has a price of its own."""
    try:
        return int(usage["input_tokens"]), int(usage["output_tokens"])
    except (KeyError, TypeError, ValueError):
        return 0, 0


def _cache() -> Path:
    folder = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(folder) / "lookweave" / "pictures.sqlite"


def loader(card: GeneratorCard, settings: Mapping[str, Any]) -> ServedGenerator:
    """For `backends`."""
    return ServedGenerator(card, config.load(images=dict(settings)).images)
