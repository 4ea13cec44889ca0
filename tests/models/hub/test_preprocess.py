"""Our preprocessing against the reference processors."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lookweave.errors import ModelError
from lookweave.models.hub.preprocess import ImageRecipe, recipe_in
from lookweave.models.protocols import Pixels

pytest.importorskip("transformers", reason="transformers is not installed")

MODELS = {
    # model_type: (module, processor class, options)
    "siglip": ("siglip", "SiglipImageProcessorPil", {"size": {"height": 48, "width": 48}}),
    "clip": (
        "clip", "CLIPImageProcessorPil",
        {"size": {"shortest_edge": 48}, "crop_size": {"height": 48, "width": 48}},
    ),
    "yolos": (
        "yolos", "YolosImageProcessorPil", {"size": {"shortest_edge": 80, "longest_edge": 133}}
    ),
    "detr": (
        "detr", "DetrImageProcessorPil", {"size": {"shortest_edge": 80, "longest_edge": 133}}
    ),
    "rt_detr": ("rt_detr", "RTDetrImageProcessorPil", {"size": {"height": 64, "width": 64}}),
    "grounding-dino": (
        "grounding_dino", "GroundingDinoImageProcessorPil",
        {"size": {"shortest_edge": 80, "longest_edge": 133}},
    ),
    "owlv2": ("owlv2", "Owlv2ImageProcessorPil", {"size": {"height": 60, "width": 60}}),
    "segformer": ("segformer", "SegformerImageProcessorPil", {"size": {"height": 64, "width": 64}}),
}  # fmt: skip


def processor(model_type: str) -> Any:
    module, name, options = MODELS[model_type]
    path = f"transformers.models.{module}.image_processing_pil_{module}"
    return getattr(importlib.import_module(path), name)(**options)


@pytest.mark.parametrize("model_type", MODELS)
def test_equals_the_reference_processor(
    tmp_path: Path, photos: list[Pixels], model_type: str
) -> None:
    reference = processor(model_type)
    reference.save_pretrained(tmp_path)
    recipe = recipe_in(tmp_path, model_type)
    # In units of pixel values: a difference is multiplied by the deviation that divided it.
    std = np.asarray(recipe.std, np.float32)[:, None, None]

    for photo in photos:
        theirs = reference(Image.fromarray(photo), return_tensors="np")["pixel_values"][0]
        ours = recipe(photo)

        assert ours.shape == theirs.shape and ours.dtype == np.float32
        assert np.abs((ours - theirs) * std).max() <= 1 / 255


@pytest.mark.parametrize("model_type", ["clip", "detr", "yolos", "grounding-dino"])
def test_sizes_equal_the_reference_for_many_shapes(tmp_path: Path, model_type: str) -> None:
    reference = processor(model_type)
    reference.save_pretrained(tmp_path)
    recipe = recipe_in(tmp_path, model_type)
    random = np.random.default_rng(5)

    for height, width in random.integers(60, 400, (60, 2)):
        photo = np.zeros((height, width, 3), np.uint8)
        theirs = reference(Image.fromarray(photo), return_tensors="np")["pixel_values"]
        assert recipe(photo).shape == theirs.shape[1:], (height, width)


@pytest.mark.parametrize(
    ("model_type", "given", "expected"),
    [
        ("yolos", {"size": 800, "max_size": 1333}, ("bounded", 800, 1333)),
        ("detr", {"size": 800}, ("bounded", 800, 1333)),
        ("clip", {"size": 224, "crop_size": 224}, ("shortest", 224, 0)),
    ],
)
def test_processor_files_from_before_2023_are_read(
    tmp_path: Path, model_type: str, given: dict[str, Any], expected: tuple[str, int, int]
) -> None:
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(given))

    recipe = recipe_in(tmp_path, model_type)

    assert (recipe.resize, recipe.short, recipe.long) == expected
    if model_type == "clip":
        assert recipe.crop == (224, 224)


def test_a_small_photo_is_centred_on_black() -> None:
    recipe = ImageRecipe("none", crop=(6, 6), scale=1.0)
    photo = np.full((3, 4, 3), 9, np.uint8)

    given = recipe(photo)[0]

    # As transformers' center_crop: the extra row of an odd margin is on top.
    assert given[2:5, 1:5].min() == 9 and given.sum() == 9 * 12


def test_open_clips_longest_side_is_centred_on_its_fill(tmp_path: Path) -> None:
    config = {
        "model_cfg": {"embed_dim": 4, "vision_cfg": {"image_size": 40}, "text_cfg": {}},
        "preprocess_cfg": {
            "size": 40, "resize_mode": "longest", "fill_color": 255, "mean": [0, 0, 0],
            "std": [1, 1, 1],
        },
    }  # fmt: skip
    (tmp_path / "open_clip_config.json").write_text(json.dumps(config))

    given = recipe_in(tmp_path, "open_clip")(np.zeros((100, 50, 3), np.uint8))

    assert given.shape == (3, 40, 40)
    assert given[:, :, 10:30].max() == 0.0
    assert given[:, :, :10].min() == given[:, :, 30:].min() == 1.0


@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
@pytest.mark.parametrize("mode", ["shortest", "squash", "longest"])
def test_equals_open_clips_own_transform(
    tmp_path: Path, photos: list[Pixels], mode: str, interpolation: str
) -> None:
    try:
        import torchvision  # noqa: F401
        from open_clip.transform import PreprocessCfg, image_transform_v2
    except (ImportError, RuntimeError) as error:
        pytest.skip(f"open_clip's transform needs a torchvision made for this torch: {error}")
    std = (0.2, 0.3, 0.4)
    settings = {
        "size": 48, "mean": [0.5, 0.4, 0.3], "std": list(std), "interpolation": interpolation,
        "resize_mode": mode, "fill_color": 0,
    }  # fmt: skip
    config = {"model_cfg": {"vision_cfg": {"image_size": 48}}, "preprocess_cfg": settings}
    (tmp_path / "open_clip_config.json").write_text(json.dumps(config))
    reference = image_transform_v2(PreprocessCfg(**settings), is_train=False)
    recipe = recipe_in(tmp_path, "open_clip")

    for photo in photos:
        theirs, ours = reference(Image.fromarray(photo)).numpy(), recipe(photo)
        assert ours.shape == theirs.shape
        assert np.abs((ours - theirs) * np.array(std)[:, None, None]).max() <= 1 / 255


def test_no_processor_file_is_no_guess(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"preprocessor_config\.json"):
        recipe_in(tmp_path, "siglip")
