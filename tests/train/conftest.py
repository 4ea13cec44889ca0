"""Tiny synthetic photos of people made of rectangles."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

CCP_LABELS = ["null", "dress", "hair", "shoes", "skin", "t-shirt", "jeans"]


def _figure(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A person of rectangles: hair, skin, a dress or a t-shirt over jeans, shoes."""
    pixels = np.full((120, 80, 3), 200, np.uint8)
    mask = np.zeros((120, 80), np.uint8)
    left = int(random.integers(20, 32))

    def paint(rows: slice, label: str, colour: tuple[int, int, int]) -> None:
        where = (rows, slice(left, left + 28))
        pixels[where] = np.clip(np.array(colour) + random.normal(0, 6, 3), 0, 255)
        mask[where] = CCP_LABELS.index(label)

    paint(slice(8, 16), "hair", (70, 40, 20))
    paint(slice(16, 26), "skin", (220, 180, 150))
    if random.random() < 0.5:
        paint(slice(26, 80), "dress", (200, 20, 40))
        paint(slice(80, 106), "skin", (220, 180, 150))
    else:
        paint(slice(26, 60), "t-shirt", (20, 160, 60))
        paint(slice(60, 106), "jeans", (30, 50, 140))
    paint(slice(106, 116), "shoes", (10, 10, 10))
    return pixels, mask


@pytest.fixture(scope="session")
def parsed_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder laid out as Clothing Co-Parsing is, with every split occupied."""
    import cv2

    folder = tmp_path_factory.mktemp("parsed")
    (folder / "photos").mkdir()
    (folder / "masks").mkdir()
    (folder / "labels.json").write_text(json.dumps(CCP_LABELS), encoding="utf-8")
    random = np.random.default_rng(3)
    for number in (1, 2, 3, 4, 5, 6, 7, 8, 17, 23):
        pixels, mask = _figure(random)
        cv2.imwrite(str(folder / "photos" / f"{number:04}.jpg"), pixels[..., ::-1])
        cv2.imwrite(str(folder / "masks" / f"{number:04}.png"), mask)
    rows = ["photo,annotation,labels,width,height", "0001.jpg,mask,dress|hair,80,120"]
    for number in (9, 32, 37, 43):
        pixels, _ = _figure(random)
        cv2.imwrite(str(folder / "photos" / f"{number:04}.jpg"), pixels[..., ::-1])
        rows.append(f"{number:04}.jpg,image,dress|hair|ring|shoes|skin,80,120")
    (folder / "tags.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def rendered_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as `render --labels` leaves it: one look, one product photo."""
    import cv2

    folder = tmp_path_factory.mktemp("rendered")
    random = np.random.default_rng(5)
    for kind, name in (("looks", "look-00000"), ("garments", "lw-00000")):
        (folder / kind).mkdir()
        (folder / "labels" / kind).mkdir(parents=True)
        pixels, mask = _figure(random)
        cv2.imwrite(str(folder / kind / f"{name}.jpg"), pixels[..., ::-1])
        classes = np.where(mask > 0, 7, 0).astype(np.uint8)
        cv2.imwrite(str(folder / "labels" / kind / f"{name}.classes.png"), classes)
    return folder
