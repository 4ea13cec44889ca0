"""Real diffusers classes with tiny weights, from folders, and what is asked of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("diffusers", reason="the extra [generate] is not installed")
pytest.importorskip("tomli_w", reason="the extra [studio] is not installed")

import cv2
import diffusers
import torch
from PIL import Image
from tests.studio.shoot import tiny_pipelines as tiny

from lookweave.errors import ConfigError, InputError, ModelError, WorkError
from lookweave.studio.shoot import backends, pipelines, record, references
from lookweave.studio.shoot.choose import chosen
from lookweave.studio.shoot.finish import photograph
from lookweave.studio.shoot.guide import guide

SIZE = (96, 144)


@pytest.fixture(scope="module")
def seen(renderer: Any, fitted: Any, dress_photo: Path) -> Any:
    shoot = record.Shoot(
        garments=(record.Garment(photo=str(dress_photo)),), pose=record.Pose(name="walking"),
        scene=record.Scene(name="studio"), prompt="a quiet morning", size=SIZE, seed=3,
    )  # fmt: skip
    return guide(renderer, chosen(shoot, 0, [fitted]), [fitted])


@pytest.fixture(scope="module")
def klein(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.write_klein(tmp_path_factory.mktemp("klein"))


def at(folder: Path, **settings: Any) -> Any:
    return backends.generator(f"diffusers:{folder}", {"steps": 1, "tries": 1, **settings})


class Editor:
    """An editing model that keeps its first picture, three pixels off and a little soft."""

    def __call__(
        self, image: Any, prompt: str, width: int, height: int, num_inference_steps: int,
        generator: torch.Generator,
    ) -> Any:  # fmt: skip
        assert image[0].size == (width, height) and prompt and generator.initial_seed() == 3
        moved = np.float32([[1, 0, 3], [0, 1, 0]])
        picture = cv2.warpAffine(
            cv2.GaussianBlur(np.asarray(image[0]), (0, 0), 0.8), moved, (width, height),
            borderMode=cv2.BORDER_REPLICATE,
        )  # fmt: skip
        return SimpleNamespace(images=[Image.fromarray(picture)])


def test_klein_gets_its_references_in_order_and_noise_is_turned_away(
    seen: Any, klein: Path
) -> None:
    made = at(klein)
    assert made.card.settings["class"] == "Flux2KleinPipeline"
    assert made.card.licence == "unknown"  # a folder's licence is for its owner to read
    asked: list[Any] = []
    whole = made._whole

    class Spy:
        def __call__(
            self, image: Any, prompt: str, width: int, height: int, num_inference_steps: int,
            guidance_scale: float, generator: Any,
        ) -> Any:  # fmt: skip
            asked.append((image, prompt, guidance_scale))
            return whole(
                image=image, prompt=prompt, width=width, height=height, guidance_scale=guidance_scale,
                num_inference_steps=num_inference_steps, generator=generator,
            )  # fmt: skip

    made._whole = Spy()
    given = made.generate(seen.shoot, seen)
    assert given.images == () and given.turned[0].reason == "unlike_guide"
    (image, prompt, guidance) = asked[0]
    assert np.asarray(image[0]).shape == (144, 96, 3)
    assert np.array_equal(np.asarray(image[0]), photograph(seen))
    assert np.array_equal(np.asarray(image[2]), references.skeleton(seen))
    assert "Picture 1 is the layout" in prompt and "Picture 2 is the dress itself" in prompt
    assert "adult woman" in prompt and prompt.endswith("a quiet morning.") and guidance == 1.0


def test_a_moved_picture_is_brought_back_and_its_garment_pass_stays_inside(
    seen: Any, klein: Path
) -> None:
    made = at(klein, steps=4, garment_strength=0.25)
    made._whole = Editor()
    given = made.generate(seen.shoot, seen)
    assert not given.turned
    rows = {(row.control, row.probe): row.got for row in given.rows[0]}
    assert rows["camera", "moved before registration"] == pytest.approx(16, rel=0.1)  # 3 of 144
    assert rows["garments", "off the guide after it"] < 2
    composite, picture = photograph(seen), given.images[0]
    mask = references.garment_mask(seen)
    sure = mask & (seen.confidence > 0.9)
    without = at(klein, garment_strength=0)
    without._whole = Editor()
    plain = without.generate(seen.shoot, seen).images[0]
    assert np.abs(picture.astype(int) - plain)[sure].max() > 0  # the pass did something
    far = ~cv2.dilate(mask.astype(np.uint8), np.ones((31, 31))).astype(bool)
    assert np.abs(picture.astype(int) - plain)[far].mean() < 2
    assert np.corrcoef(picture[sure].ravel(), composite[sure].ravel())[0, 1] > 0.8
    again = made.generate(seen.shoot, seen).images[0]
    assert np.array_equal(again, picture)


@pytest.mark.parametrize("inpaints", [False, True])
def test_z_image_is_steered_by_a_map(tmp_path: Path, seen: Any, inpaints: bool) -> None:
    made = at(tiny.write_z_image(tmp_path / "z", inpaints=inpaints), hold=False, control="depth")
    expected = "ZImageControlNetInpaintPipeline" if inpaints else "ZImageControlNetPipeline"
    assert type(made._whole).__name__ == expected == made.card.settings["class"]
    asked = made._asked(seen, photograph(seen), (), SIZE)
    assert np.array_equal(np.asarray(asked["control_image"]), references.depth(seen))
    if inpaints:  # it paints around the garment, whose pixels stay
        mask = np.asarray(asked["mask_image"]) > 127
        assert np.array_equal(mask, ~references.garment_mask(seen))
    picture = made.generate(seen.shoot, seen).images[0]
    assert picture.shape == (144, 96, 3) and picture.std() > 1
    assert made.generate(seen.shoot, seen).images[0].tolist() == picture.tolist()


def test_qwen_edit_plus_and_its_garment_pass(seen: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from diffusers.pipelines.qwenimage import pipeline_qwenimage_edit_plus as plus

    monkeypatch.setattr(plus, "VAE_IMAGE_SIZE", 96 * 96)  # of a reference: a million pixels
    made_of = tiny.qwen()
    monkeypatch.setattr(
        diffusers.QwenImageEditPlusPipeline, "from_pretrained", lambda place, **more: made_of
    )
    here = tuple(replace(card, needs=()) for card in pipelines.CARDS)  # without torchvision
    monkeypatch.setattr(pipelines, "CARDS", here)
    made = backends.generator(
        "diffusers:qwen-image-edit",
        {"steps": 1, "tries": 1, "hold": False, "garment_strength": 1.0},
    )
    assert type(made._garment).__name__ == "QwenImageEditInpaintPipeline"
    picture = made.generate(seen.shoot, seen).images[0]
    assert picture.shape == (144, 96, 3) and picture.std() > 0


def test_a_pipeline_that_nobody_wrote_a_recipe_for() -> None:
    of = pipelines.of_signature
    assert of("Some", {"prompt": 1, "image": 1, "negative_prompt": 1}).negative
    assert of("Some", {"prompt": 1, "control_image": 1}).control
    with pytest.raises(ModelError, match="neither image with prompt"):
        of("Some", {"prompt": 1})


def test_what_cannot_be_loaded_names_the_ways_out(
    tmp_path: Path, klein: Path, seen: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model_index.json").write_text('{"_class_name": "Flux2KleinPipeline"}')
    with pytest.raises(ModelError, match=r"(?s)hf download.*--backend api.*--backend embedded"):
        at(tmp_path)
    with pytest.raises(ConfigError, match=r"generate\.steps"):
        at(klein, steps=0)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match="no such GPU"):
        at(klein, device="cuda:3")
    made = at(klein)

    class Broken:
        def __call__(self, prompt: str) -> Any:
            raise RuntimeError("sizes do not match")

    made._whole = Broken()
    with pytest.raises(WorkError, match="Broken failed: sizes do not match"):
        made.generate(seen.shoot, seen)
    asked_for_a_minor = seen.shoot.model_copy(update={"prompt": "a teenager"})
    with pytest.raises(InputError, match="minor"):
        made.generate(asked_for_a_minor, seen)
