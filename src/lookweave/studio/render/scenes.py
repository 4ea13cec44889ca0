"""Places by name: textured planes and boxes, and the light that belongs there."""

from __future__ import annotations

import numpy as np

from lookweave.studio.render import indoors, outdoors
from lookweave.studio.render.scenery import Scene

_MAKERS = {
    "studio": indoors.studio, "coloured studio": indoors.coloured, "street": outdoors.street,
    "interior": indoors.interior, "beach": outdoors.beach, "night": outdoors.night,
    "runway": indoors.runway, "garden": outdoors.garden,
}  # fmt: skip
SCENES: tuple[str, ...] = tuple(_MAKERS)


def build(name: str, rng: np.random.Generator, light: float) -> Scene:
    """Scene `name` in a random variation; `light` 0..1 is how dramatic its light may be."""
    if name not in _MAKERS:
        raise ValueError(f"no scene {name!r}; there are {', '.join(_MAKERS)}")
    return _MAKERS[name](rng, light)
