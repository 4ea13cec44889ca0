"""Builds workspaces of drawn photos, their tables written row by row."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from lookweave.models import cards
from lookweave.records import photo_id, region_id
from lookweave.store.workspace import Workspace

RECIPE = "tier-1"
DETECTOR = cards.resolve("embedded").detector.key
DESCRIBER = cards.resolve("embedded").describer.key
LOOK_SIZE = (300, 450)


def drawn(seed: int, size: tuple[int, int]) -> Image.Image:
    """A picture like no other: blurred noise and a coloured block."""
    draw = np.random.default_rng(seed)
    image = Image.fromarray(draw.integers(0, 255, (9, 6, 3), np.uint8)).resize(size)
    colour = tuple(int(value) for value in draw.integers(0, 255, 3))
    ImageDraw.Draw(image).rectangle(
        (size[0] // 4, size[1] // 4, size[0] // 2, size[1] // 2), colour
    )
    return image


def mask_png() -> bytes:
    image = Image.new("L", (20, 30), 0)
    ImageDraw.Draw(image).rectangle((5, 0, 14, 29), 255)
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


class Shop:
    """Builds a workspace row by row. Rows are committed when the workspace is asked for.

    Args:
        folder: where it lies.
        like: begin with a copy of its tables; its photos stay where they are.
    """

    def __init__(self, folder: Path, like: Shop | None = None) -> None:
        self.photos = folder / "photos"
        self.photos.mkdir(parents=True)
        if like:
            shutil.copytree(like.workspace.path, folder / "ws")
        self._workspace = Workspace.create(folder / "ws")
        self._waiting: dict[str, list[dict[str, Any]]] = {}

    @property
    def workspace(self) -> Workspace:
        for name, rows in self._waiting.items():
            table = self._workspace.table(name)
            table.upsert(table.spec.table(rows))
        self._waiting.clear()
        return self._workspace

    def write(self, table: str, **row: Any) -> None:
        self._waiting.setdefault(table, []).append(row)

    def photo(self, kind: str, name: str, image: Image.Image | None = None, **more: Any) -> str:
        """Write a file and its rows; returns the photo's id."""
        path = self.photos / name
        seed = int(hashlib.sha256(name.encode()).hexdigest()[:8], 16)
        size = LOOK_SIZE if kind == "look" else (240, 240)
        saved = image or drawn(seed, size)
        options = more.pop("save", {})
        saved.save(path, **options)
        data = path.read_bytes()
        sha256 = hashlib.sha256(data).hexdigest()
        width, height = more.pop("upright_size", saved.size)
        row = {
            "id": photo_id(sha256), "path": str(path), "name": name, "width": width,
            "height": height, "format": "JPEG", "bytes": len(data), "sha256": sha256,
            "phash": f"{seed:016x}", "rights": "CC-BY-4.0", "taken_down": False, "metadata": "{}",
        } | more  # fmt: skip
        self.write(f"{kind}s", **row)
        source = {name: row[name] for name in ("path", "name", "id", "rights", "taken_down")}
        self.write("sources", kind=kind, **source)
        return str(row["id"])

    def region(self, look: str, box: tuple[float, float, float, float], index: int = 0) -> str:
        name = region_id(look, DETECTOR, index)
        self.write(
            "regions", id=name, subject=look, kind="look", detector=DETECTOR, index=index,
            box=list(box), label="dress", score=0.9, mask=mask_png(), area=0.2,
        )  # fmt: skip
        self.write(
            "descriptions", subject=name, model=DESCRIBER, kind="look", category="dress",
            caption="a dress in a street", scene="street", light="daylight", colours=["red"],
        )  # fmt: skip
        return name

    def cut_out(self, garment: str) -> None:
        name = region_id(garment, DETECTOR, 0, "garment")
        self.write(
            "regions", id=name, subject=garment, kind="garment", detector=DETECTOR, index=0,
            box=[0.0, 0.0, 240.0, 240.0], score=1.0,
        )  # fmt: skip
        self.write(
            "descriptions", subject=name, model=DESCRIBER, kind="garment", category="dress",
            colours=["red", "navy"], pattern="floral", caption="a red floral dress",
        )  # fmt: skip

    def pair(
        self, garment: str, look: str, region: str, tier: str, split: str, **more: Any
    ) -> None:
        row = {
            "garment": garment, "look": look, "region": region, "recipe": RECIPE, "tier": tier,
            "split": split, "group": garment, "s_vlm": 0.5, "s_visual": 0.75, "score": 0.625,
            "probability": 0.5, "calibrated": False, "verified_by": [],
            "provenance": json.dumps({"models": {"describer": DESCRIBER}}),
        } | more  # fmt: skip
        self.write("pairs", **row)

    def couple(self, name: str, tier: str, split: str, **more: Any) -> tuple[str, str]:
        """A garment, a look and their pair. `garment_*` and `look_*` go to the photos."""
        parts: dict[str, dict[str, Any]] = {"garment": {}, "look": {}, "": {}}
        for key, value in more.items():
            kind = next((one for one in ("garment", "look") if key.startswith(f"{one}_")), "")
            parts[kind][key.removeprefix(f"{kind}_") if kind else key] = value
        garment = self.photo(
            "garment", f"{name}.jpg", **{"sku": name, "title": name, **parts["garment"]}
        )
        self.cut_out(garment)
        look = self.photo("look", f"{name}-look.jpg", photographer="Ada", **parts["look"])
        region = self.region(look, (60.0, 90.0, 210.0, 300.0))
        self.pair(garment, look, region, tier, split, **parts[""])
        return garment, look


SHAPE = {("high", "train"): 4, ("high", "validation"): 1, ("high", "test"): 1,
         ("medium", "train"): 3, ("medium", "test"): 1}  # fmt: skip
"""Pairs of the `shop` fixture: no low tier, no validation in medium."""


Publisher = Callable[..., dict[str, Any]]
