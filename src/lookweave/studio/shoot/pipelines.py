"""The diffusers pipelines that Lookweave knows how to call, as data; nothing here imports torch.

Calls and arguments are those of diffusers 0.42.1. It has no inpainting pipeline for
Qwen-Image-Edit-Plus (``QwenImageEditPlusInpaintPipeline``), so that model's pass over the garments
goes through ``QwenImageEditInpaintPipeline``, without the garment's photo as a reference.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lookweave.errors import ModelError
from lookweave.studio.shoot.generator import GeneratorCard, Obedience

EDITED: dict[str, Obedience] = {
    "garments": "guided", "wearer": "guided", "pose": "guided", "camera": "guided",
    "scene": "guided", "light": "guided", "style": "prompted", "text": "prompted",
}  # fmt: skip
_HELD = (
    "steered by the composite; the picture is registered to it and turned away when a garment "
    "lies more than 2 pixels (of 768) off"
)
NOTES = {
    "garments": "redrawn by the model, then fine detail comes back from the garment's own photo "
    "where the guide is sure of it; colour may drift and is measured",
    "wearer": "an adult; a real person's photo only with consent",
    "pose": _HELD, "camera": _HELD,
    "light": "the composite's light and words; nothing forces it",
    "style": "words; a palette, a LUT and reference pictures count for the composite alone",
}  # fmt: skip
_EXTRA = ("torch", "diffusers", "transformers", "accelerate")


@dataclass(frozen=True)
class Recipe:
    """How one pipeline class is called.

    Attributes:
        whole: diffusers class that makes the picture.
        garment: diffusers class for the pass over the garments, from the same weights; "" none.
        call: arguments beside picture, prompt, size and seed.
        guidance: the name of the argument that `Generate.guidance` sets.
        negative: it takes a negative prompt.
        control: it takes a map as ``control_image`` in place of references.
        reference: the garment pass takes the garment's photo as ``image_reference``.
        multiple: sides must be multiples of so many pixels.
        largest: pixels that one picture may have; larger ones are made smaller and scaled up.
    """

    whole: str
    garment: str = ""
    call: Mapping[str, Any] = field(default_factory=dict)
    guidance: str = "guidance_scale"
    negative: bool = False
    control: bool = False
    reference: bool = False
    multiple: int = 16
    largest: int = 1024 * 1536


RECIPES: dict[str, Recipe] = {
    "Flux2KleinPipeline": Recipe(
        "Flux2KleinPipeline", "Flux2KleinInpaintPipeline",
        {"num_inference_steps": 4, "guidance_scale": 1.0}, reference=True,
    ),
    "QwenImageEditPlusPipeline": Recipe(
        "QwenImageEditPlusPipeline", "QwenImageEditInpaintPipeline",
        {"num_inference_steps": 40, "true_cfg_scale": 4.0}, guidance="true_cfg_scale",
        negative=True,
    ),
    "ZImageControlNetPipeline": Recipe(
        "ZImageControlNetPipeline", "ZImageControlNetInpaintPipeline",
        {"num_inference_steps": 9, "guidance_scale": 0.0, "controlnet_conditioning_scale": 0.75},
        control=True,
    ),
}  # fmt: skip
"""diffusers class -> how it is called. Other classes: `of_signature`."""

_EDIT_ORDER = ("composite", "garment", "wearer", "back", "skeleton")

CARDS: tuple[GeneratorCard, ...] = (
    GeneratorCard(
        name="diffusers:flux2-klein", controls=EDITED, licence="Apache-2.0",
        licence_date="", memory_mb=20_000,
        source_type="compositeWithTrainedAlgorithmicMedia", notes=NOTES,
        good_for="redraws the composite as a photograph in four steps; some 20 GB of a GPU's "
        "memory, 13 offloaded",
        source="hub:black-forest-labs/FLUX.2-klein-4B",
        references=_EDIT_ORDER, most_references=4, needs=_EXTRA,
        ai_system="FLUX.2 klein 4B", settings={"class": "Flux2KleinPipeline"},
    ),
    GeneratorCard(
        name="diffusers:qwen-image-edit", controls=EDITED, licence="Apache-2.0",
        licence_date="", memory_mb=80_000,
        source_type="compositeWithTrainedAlgorithmicMedia",
        notes={**NOTES, "wearer": "an adult; a real person's photo only with consent, and only "
               "where a shoot has one garment, since the model takes three pictures"},
        good_for="redraws the composite in forty steps; 20 GB of a GPU's memory in four bits, "
        "80 whole",
        source="hub:Qwen/Qwen-Image-Edit-2509",
        references=_EDIT_ORDER, most_references=3, needs=(*_EXTRA, "torchvision"),
        ai_system="Qwen-Image-Edit-2509", settings={"class": "QwenImageEditPlusPipeline"},
    ),
    GeneratorCard(
        name="diffusers:z-image",
        controls={**EDITED, "garments": "prompted", "wearer": "prompted", "scene": "prompted",
                  "light": "prompted"},
        licence="Apache-2.0", licence_date="", memory_mb=6_000,
        source_type="compositeWithTrainedAlgorithmicMedia",
        notes={**NOTES, "garments": "the model takes no garment: words make one, then the pass "
               "over the garments and the fine detail bring the photo's back"},
        good_for="pose or depth map and words to a picture; needs generate.controlnet",
        source="hub:Tongyi-MAI/Z-Image-Turbo",
        references=("skeleton",), most_references=1, needs=_EXTRA,
        ai_system="Z-Image-Turbo", settings={"class": "ZImageControlNetPipeline"},
    ),
)  # fmt: skip


def card_at(place: str) -> GeneratorCard:
    """The card of a pipeline in a folder, or of a name on the hub that Lookweave does not know.

    Raises:
        ModelError: the folder holds no pipeline.
    """
    folder = Path(place).expanduser()
    if not folder.exists() and "/" in place and not place.startswith((".", "/", "~")):
        return _unread(f"diffusers:{place}", f"hub:{place}", "", place)
    index = folder / "model_index.json"
    try:
        kind = json.loads(index.read_text(encoding="utf-8"))["_class_name"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{place} holds no diffusers pipeline: {index} is not there or has no _class_name "
            f"({type(error).__name__}). {ways_out(None)}"
        ) from error
    return _unread(f"diffusers:{place}", "path", str(kind), str(folder.absolute()))


def _unread(name: str, source: str, kind: str, place: str) -> GeneratorCard:
    """The card of a pipeline whose licence nobody here has read."""
    like = next((card for card in CARDS if card.settings["class"] == kind), CARDS[0])
    return replace(
        like, name=name, source=source, licence="unknown", licence_date="", memory_mb=0,
        good_for="a pipeline of yours: its licence is yours to read",
        ai_system=f"{kind or 'diffusers'} at {Path(place).name}",
        settings={"class": kind, "place": place},
    )  # fmt: skip


def of_signature(kind: str, parameters: Mapping[str, Any]) -> Recipe:
    """How a pipeline is called that has no recipe, by the arguments that its call takes.

    Raises:
        ModelError: it takes neither pictures nor a control map.
    """
    if "prompt" in parameters and "control_image" in parameters:
        return Recipe(kind, control=True, negative="negative_prompt" in parameters)
    if "prompt" in parameters and "image" in parameters and "mask_image" not in parameters:
        return Recipe(kind, negative="negative_prompt" in parameters)
    raise ModelError(
        f"{kind} cannot make a photo-shoot: its call takes neither image with prompt nor "
        "control_image with prompt."
    )


def ways_out(card: GeneratorCard | None) -> str:
    """The two ways to a model that is not here, and the one backend that needs neither."""
    repository = "OWNER/NAME"
    if card is not None and card.source.startswith("hub:"):
        repository = card.source.removeprefix("hub:")
    return (
        "Two ways out. Here: pip install 'lookweave[generate]', bring the weights where there is a "
        f"network (hf download {repository} --local-dir FOLDER) and say --backend "
        "diffusers:FOLDER. Elsewhere: --backend api with the address of a server that has such a "
        "model (--set url=http://HOST:8000/v1 --set model=NAME). --backend embedded needs neither."
    )
