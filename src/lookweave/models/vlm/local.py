"""A vision-language model in this process, through transformers: the way without a server.

Chat models (the Qwen-VL family, SmolVLM, LLaVA, Gemma) are asked like a server is; captioning
models (Florence-2) are asked for a caption, whose words are then read. A server batches better
and can hold a model to a schema: prefer one where there is a choice.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from lookweave.config import Vlm
from lookweave.errors import ConfigError, ModelError, Rejected
from lookweave.models.card import Card
from lookweave.models.hub.fetch import locate
from lookweave.models.protocols import Crop, Description
from lookweave.models.vlm import picture, prompt, reading
from lookweave.models.vlm.captioned import from_caption
from lookweave.models.vlm.picture import Picture

logger = logging.getLogger(__name__)

Read = TypeVar("Read")

_CAPTION_TASK = "<MORE_DETAILED_CAPTION>"


class LocalVlmDescriber:
    """Describes garments with a transformers model of the image-text-to-text kind.

    Args:
        card: its `running` holds the settings of `config.Vlm`; `model` is a folder or a name on
            the hub. Address, prices and limits are not used.
        models_dir: a folder that holds ``OWNER--NAME`` or ``NAME`` for a name on the hub.

    Raises:
        ConfigError: `vlm.model` is not set.
        HubUnreachable: the weights are neither here nor to be had.
        ModelError: it is no such model.
    """

    def __init__(self, card: Card, models_dir: Path | None = None) -> None:
        import torch
        from transformers import AutoModelForImageTextToText, AutoProcessor

        self._settings = Vlm(**card.running)
        if not self._settings.model:
            raise ConfigError(f"vlm.model must be set for the model {card.name}.")
        self._prompts = prompt.load(self._settings.prompt)
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        dtype = torch.bfloat16 if self._device == "cuda" else torch.float32
        where = locate(card, models_dir)
        try:
            processors: Any = AutoProcessor  # untyped where installed, unknown where not
            self._processor: Any = processors.from_pretrained(where, local_files_only=True)
            model: Any = AutoModelForImageTextToText.from_pretrained(
                where, dtype=dtype, local_files_only=True
            )
        except (OSError, ValueError, KeyError) as error:
            raise ModelError(f"{where} is no image-text-to-text model: {error}.") from error
        self._model = model.to(self._device).eval()
        # Padding on the left: the model goes on from the last token of every row.
        self._processor.tokenizer.padding_side = "left"
        self._chats = bool(getattr(self._processor, "chat_template", None))
        self._batch = 8
        logger.info("%s runs on %s in %s.", self._settings.model, self._device, dtype)
        self._lock = threading.Lock()  # one generation at a time: two would only share the device

    def describe(self, crops: list[Crop]) -> list[Description | Exception]:
        """One answer for each crop, in their order; a `Rejected` in place of one that failed."""
        return list(self._describe(crops))

    def _describe(self, crops: list[Crop]) -> Sequence[Description | Exception]:
        settings = self._settings
        shown = [picture.of_garment(c, settings.image_side, settings.margin) for c in crops]
        if not self._chats:
            captions = self._generate([(image, [_CAPTION_TASK]) for image in shown])
            return [
                _or_reject(from_caption, said, crop.label_scores)
                for said, crop in zip(captions, crops, strict=True)
            ]
        read = [_reader(reading.garment, crop.label_scores) for crop in crops]
        question = f"{self._prompts.garment}\n\n{self._prompts.ask(None)}"
        answers = self._ask(shown, question, read)
        return self._with_scenes(crops, answers) if settings.scenes else answers

    def _ask(
        self, shown: list[Picture], question: str, read: list[Callable[[str, bool], Read]]
    ) -> list[Read | Rejected]:
        """Ask about each image; where the answer cannot be read say why and ask once more."""
        answers: dict[int, Read | Rejected] = {}
        repairs: dict[int, list[str]] = {}
        for n, said in enumerate(self._generate([(image, [question]) for image in shown])):
            try:
                answers[n] = read[n](said, False)
            except reading.UnreadableError as unreadable:
                repairs[n] = [question, said, self._prompts.repair(unreadable.problems)]
        mended = self._generate([(shown[n], turns) for n, turns in repairs.items()])
        for n, said in zip(repairs, mended, strict=True):
            try:
                answers[n] = read[n](said, True)
            except reading.UnreadableError as unreadable:
                answers[n] = unreadable.rejected(said)
        return [answers[n] for n in range(len(shown))]

    def _with_scenes(
        self, crops: list[Crop], answers: list[Description | Rejected]
    ) -> list[Description | Rejected]:
        """Add scene, light, pose and mood to looks, asked once for each photo of the batch."""
        photos = {id(crop.photo): crop for crop in crops if crop.kind == "look"}
        shown = [picture.of_photo(crop, self._settings.image_side) for crop in photos.values()]
        question = f"{self._prompts.scene}\n\n{self._prompts.ask_scene}"
        said = self._ask(shown, question, [_reader(reading.scene)] * len(shown))
        scenes = dict(zip(photos, said, strict=True))
        return [
            replace(answer, **scene)  # type: ignore[arg-type]
            if isinstance(answer, Description)
            and isinstance(scene := scenes.get(id(crop.photo)), dict)
            else answer
            for crop, answer in zip(crops, answers, strict=True)
        ]

    def _generate(self, questions: list[tuple[Picture, list[str]]]) -> list[str]:
        """What the model says to each image and its turns, in batches that fit the memory."""
        import torch

        said: list[str] = []
        with self._lock:
            while len(said) < len(questions):
                try:
                    said += self._batch_of(questions[len(said) : len(said) + self._batch])
                except torch.OutOfMemoryError as error:
                    if self._batch == 1:
                        raise ModelError(
                            f"{self._settings.model} does not fit the device's memory even for "
                            "one image: lower vlm.image_side, or take a smaller model."
                        ) from error
                    self._batch //= 2
                    logger.warning("Out of memory: %d images at a time.", self._batch)
                    torch.cuda.empty_cache()
        return said

    def _batch_of(self, questions: list[tuple[Picture, list[str]]]) -> list[str]:
        import torch

        images = [image.image() for image, _ in questions]
        if self._chats:
            texts = [
                self._processor.apply_chat_template(_chat(turns), add_generation_prompt=True)
                for _, turns in questions
            ]
        else:
            texts = [turns[0] for _, turns in questions]
        inputs: Any = self._processor(
            text=texts, images=[[image] for image in images] if self._chats else images,
            return_tensors="pt", padding=True,
        ).to(self._device, self._model.dtype)  # fmt: skip
        sampling: dict[str, Any] = {"do_sample": False}
        if self._settings.temperature:
            sampling = {"do_sample": True, "temperature": self._settings.temperature}
        with torch.inference_mode():
            tokens = self._model.generate(
                **inputs, max_new_tokens=self._settings.max_tokens, **sampling
            )
        if not self._model.config.is_encoder_decoder:
            tokens = tokens[:, inputs["input_ids"].shape[1] :]
        decoded: list[str] = self._processor.batch_decode(tokens, skip_special_tokens=True)
        return decoded


def _reader(read: Callable[..., Read], *given: Any) -> Callable[[str, bool], Read]:
    return lambda text, final: read(text, *given, final=final)


def _chat(turns: list[str]) -> list[dict[str, Any]]:
    """User and assistant by turns, the image in the first."""
    content: list[list[dict[str, str]]] = [[{"type": "text", "text": turn}] for turn in turns]
    content[0].insert(0, {"type": "image"})
    roles = ["assistant" if n % 2 else "user" for n in range(len(turns))]
    return [{"role": r, "content": c} for r, c in zip(roles, content, strict=True)]


def _or_reject(read: Any, *given: Any) -> Description | Exception:
    try:
        description: Description = read(*given)
    except Rejected as rejected:
        return rejected
    return description
