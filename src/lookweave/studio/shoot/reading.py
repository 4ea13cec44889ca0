"""Controls as a command line or a notebook gives them: names, ``key=value`` pairs, files, words."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from lookweave.errors import InputError
from lookweave.studio.render.develop import GRADES
from lookweave.studio.render.lights import Lighting
from lookweave.studio.render.scenes import SCENES
from lookweave.studio.shoot import record
from lookweave.studio.shoot.light import LIGHTS, stated
from lookweave.studio.shoot.record import CROPS, POSE_NAMES, Shoot, explained
from lookweave.studio.shoot.words import with_words

Given = str | Path | Mapping[str, Any] | None

_MODELS: dict[str, Any] = {
    "wearer": record.Wearer, "pose": record.Pose, "camera": record.Camera, "scene": record.Scene,
    "light": record.Light, "style": record.Style,
}  # fmt: skip
_PHOTOS = {".jpg", ".jpeg", ".png", ".webp", ".avif", ".tif", ".tiff", ".bmp", ".heic", ".heif"}


def read_control(name: str, given: Given | record.Control) -> Any:
    """The control `name` as `given`: a record, a mapping of fields, a known name, a file,
    ``key=value,key=value`` or words of the phrase table.

    Raises:
        InputError: it is none of these.
    """
    model = _MODELS[name]
    if given is None:
        return model()
    if isinstance(given, model):
        return given
    if isinstance(given, record.Control):
        raise InputError(f"--{name} is given a record of {type(given).__name__}.")
    values = dict(given) if isinstance(given, Mapping) else _values(name, str(given).strip())
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise InputError(explained(error, f"--{name}")) from error


def _values(name: str, text: str) -> dict[str, Any]:
    low = text.lower()
    if name == "pose" and low in POSE_NAMES:
        return {"name": low}
    if name == "scene" and low in SCENES:
        return {"name": low}
    if name == "light" and low in LIGHTS:
        return dict(LIGHTS[low])
    if name == "style" and low in GRADES:
        return {"grade": low}
    if name == "camera" and low in CROPS:
        return {"crop": low}
    if name == "wearer" and low in ("female", "male"):
        return {"sex": low}
    suffix = Path(text).suffix.lower()
    if name == "scene" and suffix in _PHOTOS:
        if not Path(text).is_file():
            raise InputError(f"The plate {text} is no file.")
        return {"plate": text}
    if name == "style" and suffix in _PHOTOS:
        return {"references": [text]}
    if name in ("pose", "light") and suffix == ".json":
        return _of_look(name, Path(text))
    if name in ("pose", "light") and suffix in _PHOTOS:
        raise InputError(
            f"--{name} cannot be read off a photograph here; give the labels of a rendered look "
            "(labels/looks/….json), or values."
        )
    if "=" in text:
        return _pairs(name, text)
    return _worded(name, text)


def _pairs(name: str, text: str) -> dict[str, Any]:
    """``azimuth=40,kelvin=3200``; a value is JSON where it can be, else the text itself."""
    values: dict[str, Any] = {}
    for pair in text.split(","):
        key, equals, value = (part.strip() for part in pair.partition("="))
        if not equals or not key or not value:
            raise InputError(f"--{name}: {pair.strip()!r} is not key=value.")
        if key in values:
            raise InputError(f"--{name}: {key} is given twice.")
        try:
            values[key] = json.loads(value)
        except json.JSONDecodeError:
            values[key] = value
    return values


def _worded(name: str, text: str) -> dict[str, Any]:
    blank = Shoot(garments=(record.Garment(photo="-"),))
    read, parse = with_words(blank, text)
    values: dict[str, Any] = getattr(read, name).model_dump(exclude_defaults=True)
    if not values:
        known = {
            "pose": POSE_NAMES, "scene": SCENES, "light": tuple(LIGHTS), "style": GRADES,
            "camera": CROPS, "wearer": ("female", "male"),
        }[name]  # fmt: skip
        fields = ", ".join(sorted(_MODELS[name].model_fields))
        raise InputError(
            f"--{name} {text!r} is not understood. Known names: {', '.join(known)}; or "
            f"key=value with {fields}."
        )
    if parse.prompt:
        raise InputError(
            f"--{name}: the words {parse.prompt!r} are not understood. Put them into --text, where "
            "they are kept as a prompt."
        )
    return values


def _of_look(name: str, path: Path) -> dict[str, Any]:
    """The pose (17 joints) or the light that the labels of a rendered look tell of."""
    try:
        labels = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"The labels {path} cannot be read: {error}") from error
    try:
        if name == "light":
            return _light(labels["panels"][0]["light"])
        if "panels" not in labels:
            return {"joints": labels["joints"]}
        return {"joints": _world_joints(labels)}
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"{path} holds no {name} of a look: labels of `lookweave render --labels` are read, "
            'and for a pose {"joints": [[x, y, z], … 17]} in metres.'
        ) from error


def _light(label: dict[str, Any]) -> dict[str, Any]:
    made = Lighting(
        np.array(label["key_direction"], float), np.array(label["key_colour"], float),
        np.array(label["sh"], float), np.array(label["rim_direction"], float),
        np.array(label["rim_colour"], float), softness=float(label["shadow_softness"]),
    )  # fmt: skip
    return {**stated(made), "harmonics": label["sh"]}


def _world_joints(labels: dict[str, Any]) -> list[list[float]]:
    """Joints of the first person, from pixels and depths back to metres in the world."""
    panel = labels["panels"][0]
    camera = panel["camera"]
    x0, y0, x1, y1 = panel["box"]
    rows = labels["joints"][panel["persons"][0]]
    x, y, depth = (np.array([row[key] for row in rows], float) for key in ("x", "y", "depth"))
    half = np.tan(np.radians(camera["vertical_field_of_view"]) / 2)
    up = (1 - 2 * (y - y0) / (y1 - y0)) * half * depth
    across = (2 * (x - x0) / (x1 - x0) - 1) * half * (x1 - x0) / (y1 - y0) * depth
    seen = np.stack([across, up, -depth, np.ones(len(rows))], 1)
    world = seen @ np.linalg.inv(np.array(camera["view"], float)).T
    return world[:, :3].tolist()  # type: ignore[no-any-return]


def read_garments(given: Sequence[str | Path | Mapping[str, Any] | record.Garment]) -> tuple[
    record.Garment, ...
]:  # fmt: skip
    """Garments as photos, mappings of fields or records.

    Raises:
        InputError: a photo is no file.
    """
    found = []
    for one in given:
        if isinstance(one, record.Garment):
            garment = one
        elif isinstance(one, Mapping):
            try:
                garment = record.Garment.model_validate(dict(one))
            except ValidationError as error:
                raise InputError(explained(error, "the garment")) from error
        else:
            garment = record.Garment(photo=str(one))
        for path in (garment.photo, garment.mask, garment.back):
            if path is not None and not Path(path).is_file():
                raise InputError(f"The garment's photo {path} is no file.")
        found.append(garment)
    if not found:
        raise InputError("A shoot needs at least one garment's photo.")
    return tuple(found)
