"""Any diffusers pipeline as a backend: the guide in, a picture on the guide out.

The picture is made in four steps: the whole picture from the references (or from a control map),
registered to the guide; the garments' fine detail back; a pass over the garments alone; the detail
back again, since that pass blurs it. A picture that moved is turned away and the next seed tried.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import torch
from PIL import Image
from scipy import ndimage

from lookweave.config import Generate
from lookweave.errors import ConfigError, ModelError, Rejected, WorkError
from lookweave.models.protocols import Pixels
from lookweave.studio.shoot import prompting, registration
from lookweave.studio.shoot.finish import photograph
from lookweave.studio.shoot.generator import GeneratorCard, Pictures, Turned
from lookweave.studio.shoot.guide import Guide
from lookweave.studio.shoot.held import Held, held_rows
from lookweave.studio.shoot.pipelines import RECIPES, of_signature, ways_out
from lookweave.studio.shoot.record import Shoot
from lookweave.studio.shoot.references import Reference, depth, garment_mask, references, skeleton
from lookweave.studio.shoot.words import refuse

_SHAPING = ("steps", "guidance", "tries", "garment_strength", "hold", "controlnet", "control",
            "revision")  # fmt: skip
_NEXT_SEED = 1_000_003


class DiffusersGenerator:
    """A pipeline from a hub or a folder; its weights are read once, as safetensors only.

    Args:
        card: of `pipelines`; its settings name the class and, of a folder, the place.
        settings: how it is run.

    Raises:
        ModelError: it cannot be loaded.
        ConfigError: it needs a ControlNet, and none is named.
    """

    def __init__(self, card: GeneratorCard, settings: Generate) -> None:
        shaping = {name: getattr(settings, name) for name in _SHAPING}
        self._settings = settings
        self._device = _device(settings.device)
        self._whole = self._load(card)
        kind = type(self._whole).__name__
        called = inspect.signature(self._whole.__call__).parameters
        named = str(card.settings.get("class", ""))
        self._recipe = RECIPES.get(named) or RECIPES.get(kind) or of_signature(kind, called)
        self._garment = self._garment_pipeline()
        self.card = replace(
            card,
            settings={
                **card.settings,
                "class": kind,
                "diffusers": diffusers.__version__,
                **shaping,
            },
        )

    def generate(self, shoot: Shoot, guide: Guide) -> Pictures:
        """At most one picture; what was turned away stands in `Pictures.turned`.

        Raises:
            InputError: the words ask for what no picture may be made from.
            WorkError: the pipeline failed, as for want of memory.
        """
        composite = photograph(guide)
        shown = [] if self._recipe.control else references(
            guide, self.card.references, self.card.most_references
        )  # fmt: skip
        words = prompting.prompt(shoot, shown)
        refuse(words)
        turned: list[Turned] = []
        for number in range(self._settings.tries):
            seed = (shoot.seed + number * _NEXT_SEED) % 2**31
            try:
                held = self._picture(guide, composite, shown, words, seed)
            except Rejected as error:
                turned.append(Turned(error.reason, error.detail, seed))
                continue
            rows = (held_rows(held),) if self._settings.hold else ()
            return Pictures((held.picture,), self.card, rows, tuple(turned), words)
        return Pictures((), self.card, (), tuple(turned), words)

    def _picture(
        self, guide: Guide, composite: Pixels, shown: Sequence[Reference], words: str, seed: int
    ) -> Held:
        size = self._size(guide.shoot.size)
        made = self._run(self._whole, self._asked(guide, composite, shown, size), words, size, seed)
        picture = _sized(made, guide.shoot.size)
        if not self._settings.hold:
            return Held(self._redrawn(guide, composite, picture, size, seed), None)
        first = registration.registered(picture, composite, guide)
        picture = registration.with_detail(first.picture, composite, guide)
        redrawn = self._redrawn(guide, composite, picture, size, seed)
        if redrawn is picture:
            return Held(picture, first)
        again = registration.registered(redrawn, composite, guide)
        picture = registration.with_detail(again.picture, composite, guide)
        return Held(picture, replace(again, moved=max(first.moved, again.moved)))

    def _asked(
        self, guide: Guide, composite: Pixels, shown: Sequence[Reference], size: tuple[int, int]
    ) -> dict[str, Any]:
        """The pictures of the call for the whole picture."""
        if not self._recipe.control:
            pictures = [
                _image(one.picture, size if one.kind in ("composite", "skeleton") else None)
                for one in shown
            ]
            return {"image": pictures}
        drawn = skeleton(guide) if self._settings.control == "pose" else depth(guide)
        asked: dict[str, Any] = {"control_image": _image(drawn, size)}
        if self._paints_around():
            around = (255 * ~garment_mask(guide)).astype(np.uint8)
            asked |= {"image": _image(composite, size), "mask_image": _image(around, size)}
        return asked

    def _redrawn(
        self, guide: Guide, composite: Pixels, picture: Pixels, size: tuple[int, int], seed: int
    ) -> Pixels:
        """`picture` after the pass over the garments; itself where there is none."""
        mask, strength = garment_mask(guide), self._settings.garment_strength
        if self._garment is None or self._recipe.control or strength <= 0 or not mask.any():
            return picture
        steps = self._steps()
        asked: dict[str, Any] = {
            "image": _image(picture, size),
            "mask_image": _image((255 * mask).astype(np.uint8), size),
            "strength": min(1.0, max(strength, 1.0 / steps)),
        }
        if self._recipe.reference:
            asked["image_reference"] = _image(
                references(guide, ("garment",), 1)[0].picture, None, self._recipe.multiple
            )
        words = prompting.garment_prompt(guide.shoot)
        refuse(words)
        made = _sized(self._run(self._garment, asked, words, size, seed), guide.shoot.size)
        soft = ndimage.gaussian_filter(mask.astype(np.float32), 1.0)[..., None]
        return np.asarray((made * soft + picture * (1 - soft)).round(), np.uint8)

    def _run(
        self, pipeline: Any, asked: dict[str, Any], words: str, size: tuple[int, int], seed: int
    ) -> Pixels:
        takes = inspect.signature(pipeline.__call__).parameters
        call = {**self._recipe.call, "num_inference_steps": self._steps()}
        if self._settings.guidance is not None:
            call[self._recipe.guidance] = self._settings.guidance
        if self._recipe.negative:
            call["negative_prompt"] = prompting.NEVER
        call |= {"prompt": words, "width": size[0], "height": size[1], **asked}
        # Noise is drawn on the CPU, so that a seed gives the same picture on every machine's GPU.
        call["generator"] = torch.Generator("cpu").manual_seed(seed)
        try:
            with torch.inference_mode():
                made = pipeline(**{k: v for k, v in call.items() if k in takes}).images[0]
        except torch.OutOfMemoryError as error:
            raise WorkError(
                f"{self.card.name} needs more memory than {self._device} has: say --set "
                "offload=model, or a smaller --width and --height."
            ) from error
        except (RuntimeError, ValueError, TypeError, IndexError) as error:
            raise WorkError(f"{type(pipeline).__name__} failed: {error}") from error
        return np.asarray(made.convert("RGB"))

    def _steps(self) -> int:
        return self._settings.steps or int(self._recipe.call.get("num_inference_steps", 30))

    def _paints_around(self) -> bool:
        return self._recipe.control and type(self._whole).__name__ == self._recipe.garment

    def _size(self, size: tuple[int, int]) -> tuple[int, int]:
        """The size that the model works at."""
        shrink = min(1.0, math.sqrt(self._recipe.largest / (size[0] * size[1])))
        step = self._recipe.multiple
        width, height = (max(step, round(side * shrink / step) * step) for side in size)
        return width, height

    def _load(self, card: GeneratorCard) -> Any:
        kind = str(card.settings.get("class", ""))
        place = str(card.settings.get("place") or card.source.removeprefix("hub:"))
        given: dict[str, Any] = {"dtype": self._precision(), "use_safetensors": True}
        if self._settings.revision:
            given["revision"] = self._settings.revision
        try:
            if kind == "ZImageControlNetPipeline":
                given |= self._controlnet(place)
            known = getattr(diffusers, kind, diffusers.DiffusionPipeline)
            pipeline = known.from_pretrained(place, **given)
        except (OSError, ValueError, KeyError, AttributeError, ImportError) as error:
            raise ModelError(
                f"The weights of {card.name} cannot be loaded from {place}: "
                f"{str(error).strip().partition(chr(10))[0]} {ways_out(card)}"
            ) from error
        if kind == "ZImageControlNetPipeline" and (
            pipeline.controlnet.config.control_in_dim != pipeline.transformer.in_channels
        ):
            around: Any = diffusers.ZImageControlNetInpaintPipeline
            pipeline = around(**pipeline.components)
        pipeline.set_progress_bar_config(disable=True)
        return self._placed(pipeline)

    def _controlnet(self, place: str) -> dict[str, Any]:
        """The ControlNet where the pipeline's folder has none of its own."""
        named = self._settings.controlnet
        if not named:
            if (Path(place) / "controlnet").is_dir():
                return {}
            raise ConfigError(
                "Z-Image is steered by a ControlNet: say --set controlnet=FOLDER, a .safetensors "
                "file or a name on the hub (the Fun-Controlnet-Union ones; those that inpaint keep "
                "the garment's own pixels)."
            )
        kind = diffusers.ZImageControlNetModel
        read = kind.from_single_file if named.endswith(".safetensors") else kind.from_pretrained
        return {"controlnet": read(named, dtype=self._precision())}

    def _garment_pipeline(self) -> Any:
        kind = getattr(diffusers, self._recipe.garment, None)
        if kind is None or self._recipe.control:
            return None
        takes = inspect.signature(kind.__init__).parameters
        parts = {k: v for k, v in self._whole.components.items() if k in takes}
        pipeline = kind(**parts)
        pipeline.set_progress_bar_config(disable=True)
        return pipeline

    def _placed(self, pipeline: Any) -> Any:
        if self._settings.offload == "model" and self._device != "cpu":
            pipeline.enable_model_cpu_offload(device=self._device)
        elif self._settings.offload == "sequential" and self._device != "cpu":
            pipeline.enable_sequential_cpu_offload(device=self._device)
        else:
            pipeline.to(self._device)
        return pipeline

    def _precision(self) -> torch.dtype:
        asked = self._settings.precision
        if asked == "auto":
            asked = "float32" if self._device == "cpu" else "bfloat16"
        return torch.float32 if asked == "float32" else torch.bfloat16


def _device(asked: str) -> str:
    if asked == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if asked.startswith("cuda") and not torch.cuda.is_available():
        raise ConfigError(f"generate.device = {asked}, but torch sees no such GPU here.")
    return asked


def _image(picture: Pixels, size: tuple[int, int] | None, multiple: int = 1) -> Image.Image:
    image = Image.fromarray(picture)
    if size is None:
        width, height = (max(multiple, side // multiple * multiple) for side in image.size)
        size = (width, height)
    return image if image.size == size else image.resize(size, Image.Resampling.LANCZOS)


def _sized(picture: Pixels, size: tuple[int, int]) -> Pixels:
    if (picture.shape[1], picture.shape[0]) == size:
        return picture
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS))
