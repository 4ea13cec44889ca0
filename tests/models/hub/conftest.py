"""What the hub tests share: photos of mixed sizes, tiny models made once, open_clip."""

from __future__ import annotations

import importlib
import importlib.machinery
import os
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from lookweave.models.protocols import Pixels

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"

SIZES = ((120, 90), (64, 64), (75, 200), (120, 90), (301, 157))
"""Height and width: upright, square, wide, one twice, and one with odd sides."""


@pytest.fixture(scope="session")
def photos() -> list[Pixels]:
    """Smooth and sharp content at several sizes, uint8 RGB."""
    random = np.random.default_rng(3)
    drawn = []
    for height, width in SIZES:
        small = random.integers(0, 255, (5, 4, 3), dtype=np.uint8)
        photo = Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)
        draw = ImageDraw.Draw(photo)
        for _ in range(6):
            x, y = random.integers(0, width - 8), random.integers(0, height - 8)
            fill = tuple(int(value) for value in random.integers(0, 255, 3))
            draw.rectangle((x, y, x + width // 4, y + height // 5), fill=fill)
        drawn.append(np.asarray(photo))
    return drawn


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, Any]]:
    """Folder and reference model of a tiny architecture by its builder's name, made once."""
    pytest.importorskip("torch", reason="torch is not installed: pip install 'lookweave[hub]'")
    pytest.importorskip("transformers", reason="transformers is not installed")
    import torch
    from tests.models.hub import tiny_models

    torch.set_num_threads(1)  # tiny networks lose more to waiting threads than they gain
    made: dict[str, tuple[Path, Any]] = {}

    def make(name: str) -> tuple[Path, Any]:
        if name not in made:
            folder = tmp_path_factory.mktemp("tiny") / name
            folder.mkdir()
            made[name] = folder, getattr(tiny_models, name)(folder)
        return made[name]

    return make


@pytest.fixture(scope="session")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the tests' exports are kept: made once for the whole session."""
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="session")
def open_clip() -> Any:
    """The package open_clip, with torchvision stood in for where it cannot be imported.

    torchvision's wheels are made for torch's GPU builds and do not load beside a CPU build.
    open_clip only takes training transforms and one layer from it; neither is used here.
    """
    pytest.importorskip("torch", reason="torch is not installed: pip install 'lookweave[hub]'")
    pytest.importorskip("transformers", reason="transformers is not installed")
    try:
        importlib.import_module("torchvision")
        stands_in = False
    except (ImportError, RuntimeError):
        _forget_torchvision()
        _stand_in_for_torchvision()
        stands_in = True
    try:
        pytest.importorskip("timm", reason="timm is not installed")
        return pytest.importorskip("open_clip", reason="open_clip_torch is not installed")
    finally:
        if stands_in:  # transformers must not take it for the real one
            _forget_torchvision()


def _forget_torchvision() -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[name]


class _Anything(types.ModuleType):
    """A module in which every name is an empty class."""

    __path__: tuple[str, ...] = ()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {"BILINEAR": 2, "BICUBIC": 3, "NEAREST": 0, "LANCZOS": 1,
                               "HAMMING": 5, "BOX": 4})  # fmt: skip


def _stand_in_for_torchvision() -> None:
    for name in (
        "torchvision", "torchvision.transforms", "torchvision.transforms.functional",
        "torchvision.transforms.v2", "torchvision.ops", "torchvision.ops.misc",
        "torchvision.datasets", "torchvision.utils", "torchvision.models",
        "torchvision.models.feature_extraction",
    ):  # fmt: skip
        module = sys.modules[name] = _Anything(name)
        module.__spec__ = importlib.machinery.ModuleSpec(name, None)
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], child, module)
