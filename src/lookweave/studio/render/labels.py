"""What is true of a look: who wears what where, the pose, the camera, the light, the depth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lookweave.studio.render.body import COCO_NAMES
from lookweave.studio.render.catalogue import Item
from lookweave.studio.render.dress import (
    GLASSES_ID,
    HAIR_ID,
    PERSON_STRIDE,
    SCENE_ID,
    SHOES_ID,
    SKIN_ID,
)  # fmt: skip
from lookweave.studio.render.photo import Panel, Photo
from lookweave.taxonomy import SEGMENTER_CLASSES

MIN_PIXELS = 400
"""A garment that shows fewer pixels is in the labels but not in truth.csv."""


def box(mask: NDArray[np.bool_]) -> tuple[int, int, int, int] | None:
    """The xyxy box of the true pixels, right and lower edge exclusive; None when there are none."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def garments(photo: Photo, worn: list[list[Item]]) -> list[dict[str, Any]]:
    """One entry per garment and person: id, sku, category, box, pixels, share of the picture."""
    found = []
    for person, (dressed, items) in enumerate(zip(photo.dressed, worn, strict=True)):
        for n, item in enumerate(items):
            ident = dressed.ids[n]
            mask = photo.ids == ident
            bounds = box(mask)
            found.append(
                {
                    "id": ident, "person": person, "sku": item.sku, "listed": item.listed,
                    "category": item.garment.category, "kind": item.garment.kind,
                    "box": bounds, "pixels": int(mask.sum()),
                }
            )  # fmt: skip
    return found


def joints(photo: Photo) -> list[list[dict[str, Any]]]:
    """Per person the 17 COCO key points.

    Pixels of the whole picture, depth in metres, 2 seen / 1 hidden / 0 outside the panel.
    """
    depth_map = photo.frame.merged().depth
    out = []
    panels = [(panel, person) for panel in photo.panels for person in panel.persons]
    for panel, person in panels:
        x0, y0, x1, y1 = panel.box
        pixels, depths = panel.camera.project(photo.joints[person], (x1 - x0, y1 - y0))
        on_page = pixels + np.array([x0, y0])
        rows = []
        for name, (x, y), depth in zip(COCO_NAMES, on_page, depths, strict=True):
            seen = 0
            if x0 <= x < x1 and y0 <= y < y1:
                ident = int(photo.ids[int(y), int(x)])
                own = PERSON_STRIDE * person < ident < PERSON_STRIDE * (person + 1)
                surface = float(depth_map[int(y), int(x)])
                # Joints lie inside the body: seen when its own surface is just in front.
                seen = 2 if own and depth - surface < 0.16 else 1
            rows.append({"name": name, "x": round(float(x), 2), "y": round(float(y), 2),
                         "depth": round(float(depth), 4), "seen": seen})  # fmt: skip
        out.append(rows)
    return out


def classes(photo: Photo, worn: list[list[Item]]) -> NDArray[np.uint8]:
    """(H, W) indices into ``taxonomy.SEGMENTER_CLASSES``."""
    table = np.zeros(256, np.uint8)
    for person, (dressed, items) in enumerate(zip(photo.dressed, worn, strict=True)):
        first = PERSON_STRIDE * person
        for offset, name in (
            (SKIN_ID, "skin"), (HAIR_ID, "hair"), (SHOES_ID, "shoes"), (GLASSES_ID, "eyewear"),
        ):  # fmt: skip
            table[first + offset] = SEGMENTER_CLASSES.index(name)
        for n, item in enumerate(items):
            table[dressed.ids[n]] = SEGMENTER_CLASSES.index(item.garment.category)
    return table[photo.ids]


def describe(photo: Photo, worn: list[list[Item]]) -> dict[str, Any]:
    """Everything that fits in JSON."""
    height, width = photo.ids.shape
    panels = [
        {"box": panel.box, "persons": panel.persons, "scene": panel.scene,
         "camera": _camera(panel), "light": panel.lighting.label()}
        for panel in photo.panels
    ]  # fmt: skip
    first = {key: panels[0][key] for key in ("camera", "light")}
    return {
        "width": width, "height": height, "garments": garments(photo, worn),
        "joints": joints(photo), **first, **photo.notes, "panels": panels,
    }  # fmt: skip


def _camera(panel: Panel) -> dict[str, Any]:
    """The camera of one panel; its matrices speak of the panel's own pixels."""
    x0, y0, x1, y1 = panel.box
    camera = panel.camera
    return {
        "eye": camera.eye.tolist(), "target": camera.target.tolist(),
        "vertical_field_of_view": camera.field_of_view, "roll": camera.roll,
        "view": camera.view().tolist(),
        "projection": camera.projection((x1 - x0, y1 - y0)).tolist(),
    }  # fmt: skip


def write(folder: Path, stem: str, photo: Photo, worn: list[list[Item]]) -> None:
    """Write ``stem.json`` and ``.ids``, ``.classes``, ``.depth`` (mm), ``.normals`` as png."""
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(photo.ids).save(folder / f"{stem}.ids.png")
    Image.fromarray(classes(photo, worn)).save(folder / f"{stem}.classes.png")
    truth = photo.frame.merged()
    depth, normal = _geometry(truth.depth, truth.normal)
    Image.fromarray(depth).save(folder / f"{stem}.depth.png")
    Image.fromarray(normal).save(folder / f"{stem}.normals.png")
    # Last, and at once: a .json says that its pictures are whole.
    partial = folder / f"{stem}.part"
    partial.write_text(json.dumps(describe(photo, worn)) + "\n")
    partial.replace(folder / f"{stem}.json")


def _geometry(
    depth: NDArray[np.float32], normal: NDArray[np.float32]
) -> tuple[NDArray[np.uint16], NDArray[np.uint8]]:
    millimetres = np.where(np.isfinite(depth), np.clip(depth * 1000, 0, 65534), 65535)
    coded = np.clip((normal * 0.5 + 0.5) * 255 + 0.5, 0, 255)
    return millimetres.astype(np.uint16), coded.astype(np.uint8)


def is_person(ids: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where a person or their clothes are in sight."""
    return (ids > 0) & (ids < SCENE_ID)
