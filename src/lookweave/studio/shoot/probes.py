"""What a picture shows against what was asked: asked, got and error, one row a probe.

Pose, camera and light of the embedded backend are read from the guide and exact by construction;
they are reported so, not as measured in the picture. The garment is measured in the picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from lookweave.models.cards import card_named
from lookweave.models.colour import to_lab
from lookweave.models.protocols import Crop, Pixels, Vectors
from lookweave.studio.render.dress import FIRST_GARMENT_ID
from lookweave.studio.render.fabrics import encode
from lookweave.studio.shoot.colours import difference, to_linear
from lookweave.studio.shoot.fit import ALBEDO
from lookweave.studio.shoot.guide import Guide
from lookweave.studio.shoot.light import stated

_LEAST_PIXELS = 300


@dataclass(frozen=True)
class Row:
    """One probe of one picture.

    Attributes:
        control, probe: what was asked, and how it is looked at.
        asked, got: in `unit`; None where there is nothing to say.
        error: in `unit`, or None: not measured.
        how: ``measured`` in the picture, ``by construction``, or ``not measured``.
    """

    control: str
    probe: str
    unit: str
    asked: Any
    got: Any
    error: float | None
    how: str

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def probed(
    guide: Guide, picture: Pixels, photos: Sequence[tuple[Pixels, NDArray[np.bool_]]]
) -> list[Row]:
    """All that can be said of `picture` now; `photos` are the garments' own, with masks."""
    rows = []
    for number, (photo, mask) in enumerate(photos):
        rows += _garment(number, guide, picture, photo, mask)
    shoot, camera, light = guide.shoot, guide.camera, stated(guide.lighting)
    if shoot.pose.joints is None:
        rows.append(_exact("pose", "name", "", shoot.pose.name))
    rows.append(_exact("pose", "yaw", "degrees", (shoot.pose.yaw or 0.0) * shoot.pose.strength))
    offset = camera.eye - camera.target
    azimuth = float(np.degrees(np.arctan2(offset[0], offset[2])))
    asked = (shoot.camera.azimuth or 0.0) * shoot.camera.strength
    rows.append(_built("camera", "azimuth", "degrees", asked, azimuth, turn=True))
    rows.append(_built("camera", "height", "metres", shoot.camera.height, float(camera.eye[1])))
    rows.append(
        _built("camera", "field_of_view", "degrees", shoot.camera.field_of_view,
               camera.field_of_view)
    )  # fmt: skip
    whole = shoot.light.strength >= 1
    for name, unit in (("azimuth", "degrees"), ("elevation", "degrees")):
        value = getattr(shoot.light, name) if whole else None
        rows.append(_built("light", name, unit, value, light[name], turn=name == "azimuth"))
    where = shoot.scene.plate or shoot.scene.name
    rows.append(_exact("scene", "place", "", where))
    for name in ("style", "text"):
        rows.append(Row(name, "match", "", None, None, None, "not measured"))
    return rows


def _exact(control: str, probe: str, unit: str, value: Any) -> Row:
    return Row(control, probe, unit, value, value, 0.0, "by construction")


def _built(
    control: str, probe: str, unit: str, asked: float | None, got: float, turn: bool = False
) -> Row:
    error = None
    if asked is not None:
        error = got - asked
        error = abs((error + 180) % 360 - 180) if turn else abs(error)
        error = round(error, 3)
    return Row(control, probe, unit, asked, round(got, 3), error, "by construction")


def _garment(
    number: int, guide: Guide, picture: Pixels, photo: Pixels, mask: NDArray[np.bool_]
) -> list[Row]:
    shown = guide.ids == FIRST_GARMENT_ID + number
    name = f"garment {number + 1}"
    if shown.sum() < _LEAST_PIXELS:
        reason = "not measured"
        return [
            Row("garments", f"{name}, colour", "CIEDE2000", None, None, None, reason),
            Row(
                "garments",
                f"{name}, colour without the light",
                "CIEDE2000",
                None,
                None,
                None,
                reason,
            ),
            Row("garments", f"{name}, likeness", "cosine", None, None, None, reason),
        ]
    inner = eroded(shown)
    sure = inner & (guide.confidence > 0.3)
    own = eroded(mask)
    where = sure if sure.sum() > 100 else inner
    # Without the light: what the guide's light sends there on average is divided out.
    white = ALBEDO * guide.shading[where].mean(0)
    levels = encode(to_linear(picture[where]) / np.maximum(white, 0.02))
    unlit = np.round(np.clip(levels, 0, 1) * 255).astype(np.uint8)
    asked, got, plain = (_median(pixels) for pixels in (photo[own], picture[where], unlit))
    alike = encoded([crop(photo, mask, "garment"), crop(picture, shown, "look")])
    cosine = float(alike[0] @ alike[1])
    return [
        Row("garments", f"{name}, colour", "CIEDE2000 of median CIELAB",
            _shown(asked), _shown(got), round(float(difference(asked, got)), 2), "measured"),
        Row("garments", f"{name}, colour without the light", "CIEDE2000 of median CIELAB",
            _shown(asked), _shown(plain), round(float(difference(asked, plain)), 2), "measured"),
        Row("garments", f"{name}, likeness", "cosine to its own photo, embedded encoder", 1.0,
            round(cosine, 3), round(1 - cosine, 3), "measured"),
    ]  # fmt: skip


def _median(pixels: Pixels) -> NDArray[np.float32]:
    """CIELAB of sRGB pixels (N, 3), the median of each channel."""
    return np.asarray(np.median(to_lab(pixels), axis=0), np.float32)


def _shown(lab: NDArray[np.float32]) -> list[float]:
    return [round(float(value), 1) for value in lab]


def eroded(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """`mask` without its edge (a hundredth of its side), unless nothing would be left."""
    steps = max(1, round(0.01 * max(mask.shape)))
    inner = ndimage.binary_erosion(mask, iterations=steps)
    return np.asarray(inner if inner.any() else mask, bool)


def crop(picture: Pixels, mask: NDArray[np.bool_], kind: str) -> Crop:
    """The crop around `mask`, which may not be empty."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    x0, x1, y0, y1 = columns[0], columns[-1] + 1, rows[0], rows[-1] + 1
    return Crop(
        picture, (float(x0), float(y0), float(x1), float(y1)),
        (mask[y0:y1, x0:x1] * 255).astype(np.uint8), kind,
    )  # fmt: skip


@cache
def _encoder() -> Any:
    return card_named("lookweave-encoder").load(None)


def encoded(crops: list[Crop]) -> Vectors:
    """Unit vectors of the embedded encoder."""
    vectors: Vectors = _encoder().encode(crops)
    return vectors
